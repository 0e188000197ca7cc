//! What the kinds of the chat flow are called, take and do.

use super::recalling::{perform_keep, perform_recall};
use super::steering::{
    perform_judge, perform_reply, perform_report, perform_route, perform_split, perform_widen,
};
use super::{
    Spec, perform_answer, perform_guard, perform_improve, perform_retrieve, perform_rewrite,
    perform_summarise, perform_verify,
};

pub(super) const SPECS: &[Spec] = &[
    Spec {
        name: "rewrite",
        description: "Completes a follow-up question from what was said before",
        parameters: &[
            ("question", "string", true),
            ("history", "array", false),
            ("summary", "string", false),
            ("options", "object", false),
        ],
        perform: perform_rewrite,
    },
    Spec {
        name: "split",
        description: "Splits several questions in one, at most four",
        parameters: &[("question", "string", true), ("options", "object", false)],
        perform: perform_split,
    },
    Spec {
        name: "route",
        description: "Says where a message goes: documents, tools, small_talk, crisis or refuse",
        parameters: &[
            ("question", "string", true),
            ("asked", "string", false),
            ("history", "array", false),
            ("allow", "array", false),
            ("options", "object", false),
        ],
        perform: perform_route,
    },
    Spec {
        name: "reply",
        description: "Answers what needs no documents: small talk, a person in crisis, what is refused",
        parameters: &[("question", "string", true), ("route", "string", false), ("options", "object", false)],
        perform: perform_reply,
    },
    Spec {
        name: "report",
        description: "Answers with what a tool gave",
        parameters: &[
            ("question", "string", true),
            ("tool", "string", true),
            ("input", "object", false),
            ("result", "any", true),
            ("options", "object", false),
        ],
        perform: perform_report,
    },
    Spec {
        name: "retrieve",
        description: "Searches the workspace's documents for each part of a question",
        parameters: &[
            ("question", "string", false),
            ("parts", "array", false),
            ("texts", "boolean", false),
            ("options", "object", false),
        ],
        perform: perform_retrieve,
    },
    Spec {
        name: "recall",
        description: "Gives an answer again that was given to the same question from the same passages",
        parameters: &[
            ("question", "string", true),
            ("findings", "array", true),
            ("options", "object", false),
        ],
        perform: perform_recall,
    },
    Spec {
        name: "keep",
        description: "Keeps a whole answer, to be given again while its passages are as they were when it was looked for",
        parameters: &[
            ("question", "string", true),
            ("findings", "array", true),
            ("answer", "object", true),
            ("evidence", "string", true),
            ("options", "object", false),
        ],
        perform: perform_keep,
    },
    Spec {
        name: "judge",
        description: "Judges for each part whether what was found holds the answer",
        parameters: &[("findings", "array", true), ("round", "integer", false), ("options", "object", false)],
        perform: perform_judge,
    },
    Spec {
        name: "widen",
        description: "Looks further for the parts whose answer was not found, at most twice",
        parameters: &[
            ("findings", "array", true),
            ("held", "array", false),
            ("round", "integer", false),
            ("options", "object", false),
        ],
        perform: perform_widen,
    },
    Spec {
        name: "answer",
        description: "Answers from what was found, by a chat model or from the sources' own sentences, with citations",
        parameters: &[
            ("question", "string", true),
            ("findings", "array", true),
            ("options", "object", false),
        ],
        perform: perform_answer,
    },
    Spec {
        name: "verify",
        description: "Checks an answer in layers: form, meaning, each claim against its quotes, agreement",
        parameters: &[
            ("question", "string", true),
            ("findings", "array", true),
            ("answer", "object", true),
            ("options", "object", false),
        ],
        perform: perform_verify,
    },
    Spec {
        name: "improve",
        description: "Asks the chat model again with what was wrong or, at last, drops what nothing supports",
        parameters: &[
            ("question", "string", true),
            ("findings", "array", true),
            ("answer", "object", true),
            ("check", "object", true),
            ("last", "boolean", false),
            ("options", "object", false),
        ],
        perform: perform_improve,
    },
    Spec {
        name: "guard",
        description: "Flags, redacts or refuses secrets and personal data in an answer, as the operator's policy says",
        parameters: &[("question", "string", true), ("answer", "object", true), ("findings", "array", false)],
        perform: perform_guard,
    },
    Spec {
        name: "summarise",
        description: "Summarises a long thread within a budget of tokens",
        parameters: &[("history", "array", true), ("summary", "string", false), ("options", "object", false)],
        perform: perform_summarise,
    },
];
