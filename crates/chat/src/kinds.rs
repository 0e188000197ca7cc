//! The chat flow's kinds of nodes: JSON in, JSON out, over the functions that `Answerer` uses too.
//!
//! Keeps true: a chat model that is missing or fails is a notice in the output and never an error; the only errors are
//! a malformed input and those of the search.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use ibid_flow::{Call, Emitted, NodeKind, Output};
use ibid_model::ChatModel;
use ibid_types::answer::{Answer, AnswerMode, Event, Question, Usage};
use ibid_types::{Error, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::AnswerConfig;
use crate::answering::{Making, Reporter, abstained, said};
use crate::check::{Check, check};
use crate::edit::without_claims;
use crate::finding::{Examined, Finding};
use crate::followup::Exchange;
use crate::guard::{Screen, guard};
use crate::leaks::{leaks, redacted};
use crate::policy::Action;
use crate::ports::{Choice, Ports};
use crate::question::{Part, QUESTION_CHARS_MAX, parts};
use crate::rewrite::rewrite;
use crate::route::{Route, refusal, way};
use crate::summary::summarise;
use crate::talk;
use crate::turn::{Quality, TurnOptions, events_of};
use crate::widen::{self, widen};

/// A chat model may take its time.
const TIMEOUT: Duration = Duration::from_secs(600);

/// The kinds over `ports`, to be put into a `Registry`.
#[must_use]
pub fn kinds(ports: &Arc<Ports>) -> Vec<Arc<dyn NodeKind>> {
    SPECS.iter().map(|spec| Arc::new(Kind { spec, ports: Arc::clone(ports) }) as Arc<dyn NodeKind>).collect()
}

struct Spec {
    name: &'static str,
    description: &'static str,
    /// Parameter, JSON type, whether it must be given.
    parameters: &'static [(&'static str, &'static str, bool)],
    perform: fn(&Ports, &Call<'_>) -> Result<Output>,
}

struct Kind {
    spec: &'static Spec,
    ports: Arc<Ports>,
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kind").field("name", &self.spec.name).finish_non_exhaustive()
    }
}

impl NodeKind for Kind {
    fn name(&self) -> &str {
        self.spec.name
    }

    fn description(&self) -> &str {
        self.spec.description
    }

    fn parameters(&self) -> Value {
        let properties: serde_json::Map<String, Value> = self
            .spec
            .parameters
            .iter()
            .map(|(name, kind, _)| ((*name).to_owned(), json!({ "type": kind })))
            .collect();
        let required: Vec<&str> =
            self.spec.parameters.iter().filter(|(.., required)| *required).map(|(name, ..)| *name).collect();
        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
    }

    fn timeout(&self) -> Duration {
        TIMEOUT
    }

    fn events_of(&self, output: &Value) -> Vec<(String, Value)> {
        events_of(self.spec.name, output)
    }

    fn text_of(&self, output: &Value) -> Option<String> {
        let tells = matches!(self.spec.name, "answer" | "improve" | "reply");
        let text = tells.then(|| output.pointer("/answer/text")?.as_str()).flatten()?;
        let policy = &self.ports.policy;
        Some(redacted(text, &leaks(text, ""), |kind| policy.action(kind) != Action::Flag))
    }

    fn perform(&self, call: &Call<'_>) -> Result<Output> {
        (self.spec.perform)(&self.ports, call)
    }
}

const SPECS: &[Spec] = &[
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
        parameters: &[("question", "string", true)],
        perform: perform_split,
    },
    Spec {
        name: "route",
        description: "Says where a message goes: documents, small_talk, crisis or refuse",
        parameters: &[("question", "string", true)],
        perform: perform_route,
    },
    Spec {
        name: "reply",
        description: "Answers what needs no documents: small talk, a person in crisis, what is refused",
        parameters: &[("question", "string", true)],
        perform: perform_reply,
    },
    Spec {
        name: "retrieve",
        description: "Searches the workspace's documents for each part of a question",
        parameters: &[("question", "string", false), ("parts", "array", false), ("options", "object", false)],
        perform: perform_retrieve,
    },
    Spec {
        name: "judge",
        description: "Judges for each part whether what was found holds the answer",
        parameters: &[("findings", "array", true), ("options", "object", false)],
        perform: perform_judge,
    },
    Spec {
        name: "widen",
        description: "Looks further for the parts whose answer was not found, at most twice",
        parameters: &[("findings", "array", true), ("round", "integer", false), ("options", "object", false)],
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
        parameters: &[("question", "string", true), ("answer", "object", true)],
        perform: perform_guard,
    },
    Spec {
        name: "summarise",
        description: "Summarises a long thread within a budget of tokens",
        parameters: &[("history", "array", true), ("summary", "string", false), ("options", "object", false)],
        perform: perform_summarise,
    },
];

/// What the kinds read of their input; each uses what its parameters name.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Input {
    question: String,
    history: Vec<Exchange>,
    summary: String,
    options: TurnOptions,
    parts: Vec<Part>,
    findings: Vec<Finding>,
    round: u32,
    answer: Option<Answer>,
    check: Check,
    last: bool,
}

/// A call, read.
struct Work<'a> {
    ports: &'a Ports,
    call: &'a Call<'a>,
    input: Input,
    question: Question,
    config: AnswerConfig,
}

impl<'a> Work<'a> {
    fn read(ports: &'a Ports, call: &'a Call<'a>) -> Result<Self> {
        let input: Input = parse(call)?;
        let config = input.options.config(&ports.config);
        let question = input.options.question(call.workspace, &input.question);
        Ok(Self { ports, call, input, question, config })
    }

    /// The model to ask, with a notice where the one that was asked for is not there.
    fn model(&self, notices: &mut Vec<String>) -> Option<&'a dyn ChatModel> {
        match self.ports.choice(&self.question) {
            Choice::Model(model) => Some(model),
            Choice::None => None,
            Choice::Missing(reason) => {
                notices.push(format!("{reason}; this answer is made of the sources' own sentences"));
                None
            }
        }
    }

    fn examined(&self) -> Result<Vec<Examined>> {
        self.ports.weigh_all(&self.input.findings, &self.config)
    }

    fn making<'m>(&'m self, advice: &'m [String]) -> Making<'m> {
        Making { ports: self.ports, question: &self.question, config: &self.config, advice }
    }

    fn answer(&self) -> Result<Answer> {
        self.input.answer.clone().ok_or_else(|| invalid(self.call, "it has no answer"))
    }

    /// Makes an answer whose text watchers see as it is written, without what the guard would hide.
    fn tell(&self, make: impl FnOnce(&mut Reporter<'_>) -> Result<Answer>) -> Result<Answer> {
        let mut screen = Screen::new(&self.ports.policy, &self.question.text);
        let emit = |text: String| {
            if text.is_empty() { ControlFlow::Continue(()) } else { (self.call.emit)(Emitted::Token(text)) }
        };
        let mut on_event = |event: Event| match event {
            Event::Token(text) => emit(screen.push(&text)),
            Event::Step { detail, .. } if !detail.is_empty() => (self.call.emit)(Emitted::Progress(detail)),
            _ => ControlFlow::Continue(()),
        };
        let answer = make(&mut Reporter::new(&mut on_event))?;
        let _ = emit(screen.finish());
        Ok(answer)
    }
}

fn perform_rewrite(ports: &Ports, call: &Call<'_>) -> Result<Output> {
    let work = Work::read(ports, call)?;
    let (asked, mut notices) = (&work.input.question, Vec::new());
    crate::question::read(asked)?;
    let goes_on = way(asked, &ports.policy).route == Route::Documents;
    let history = if goes_on { work.input.history.as_slice() } else { &[] };
    let model = match ports.choice(&work.question) {
        Choice::Model(model) => Some(model),
        Choice::None | Choice::Missing(_) => None,
    };
    let made = rewrite(asked, history, &work.input.summary, model);
    notices.extend(made.notice);
    let question: String = made.rewriting.question.chars().take(QUESTION_CHARS_MAX).collect();
    let value = json!({
        "question": question, "changed": made.rewriting.changed, "why": made.rewriting.why, "notices": notices,
    });
    Ok(output(value, made.usage))
}

fn perform_split(ports: &Ports, call: &Call<'_>) -> Result<Output> {
    let work = Work::read(ports, call)?;
    Ok(output(json!({ "parts": parts(work.input.question.trim()) }), Usage::default()))
}

fn perform_route(ports: &Ports, call: &Call<'_>) -> Result<Output> {
    let work = Work::read(ports, call)?;
    let way = way(&work.input.question, &ports.policy);
    Ok(output(json!({ "route": way.route, "language": way.tongue }), Usage::default()))
}

fn perform_reply(ports: &Ports, call: &Call<'_>) -> Result<Output> {
    let work = Work::read(ports, call)?;
    let way = way(&work.input.question, &ports.policy);
    let text = match (way.route, way.talk) {
        (Route::Crisis, _) => ports.policy.crisis_text(way.tongue),
        (Route::SmallTalk, Some(talk)) => talk::reply(talk, way.tongue),
        _ => refusal(way.tongue),
    };
    let _ = (call.emit)(Emitted::Token(text.to_owned()));
    Ok(output(json!({ "answer": said(text) }), Usage::default()))
}

fn perform_retrieve(ports: &Ports, call: &Call<'_>) -> Result<Output> {
    let work = Work::read(ports, call)?;
    let own = if work.input.parts.is_empty() {
        parts(work.input.question.trim())
    } else {
        work.input.parts.clone()
    };
    let findings = ports.find_all(&work.question, &own, &work.config)?;
    let found: usize = findings.iter().map(|finding| finding.hits.len()).sum();
    let _ = (call.emit)(Emitted::Progress(format!("{found} passages")));
    Ok(output(json!({ "findings": findings, "found": found }), Usage::default()))
}

fn perform_judge(ports: &Ports, call: &Call<'_>) -> Result<Output> {
    let work = Work::read(ports, call)?;
    let mut judged = Vec::new();
    let mut held = 0;
    for part in work.examined()? {
        let (answerable, right) = (part.signals.answerable(), part.signals.right());
        let holds = answerable >= work.config.answerable_min;
        held += usize::from(holds);
        judged
            .push(json!({ "part": part.part.text, "answerable": answerable, "right": right, "held": holds }));
    }
    let _ = (call.emit)(Emitted::Progress(format!("{held} of {} answerable", judged.len())));
    Ok(output(json!({ "held": held, "wanting": judged.len() - held, "parts": judged }), Usage::default()))
}

fn perform_widen(ports: &Ports, call: &Call<'_>) -> Result<Output> {
    let work = Work::read(ports, call)?;
    let round = work.input.round.clamp(0, widen::ROUNDS_MAX - 1) + 1;
    let (mut findings, mut notices, mut did, mut usage) =
        (Vec::new(), Vec::new(), Vec::new(), Usage::default());
    let model = work.model(&mut Vec::new());
    for finding in &work.input.findings {
        let before = ports.weigh(finding, &work.config)?.signals.answerable();
        if before >= work.config.answerable_min {
            findings.push(finding.clone());
            continue;
        }
        let wider = widen(ports, &work.question, finding, round, model, &work.config)?;
        usage.prompt_tokens += wider.usage.prompt_tokens;
        usage.completion_tokens += wider.usage.completion_tokens;
        did.extend(wider.did);
        let after = ports.weigh(&wider.finding, &work.config)?.signals.answerable();
        if after >= work.config.answerable_min {
            notices.extend(wider.notice);
        }
        findings.push(if after > before { wider.finding } else { finding.clone() });
    }
    did.dedup();
    let _ = (call.emit)(Emitted::Progress(did.join("; ")));
    Ok(output(json!({ "findings": findings, "round": round, "did": did, "notices": notices }), usage))
}

fn perform_answer(ports: &Ports, call: &Call<'_>) -> Result<Output> {
    let work = Work::read(ports, call)?;
    let mut notices = Vec::new();
    let model = work.model(&mut notices);
    let examined = work.examined()?;
    let mut answer = work.tell(|reporter| work.making(&[]).answer(model, &examined, reporter))?;
    notices.append(&mut answer.notices);
    answer.notices = notices;
    let usage = answer.usage;
    Ok(output(json!({ "answer": answer }), usage))
}

fn perform_verify(ports: &Ports, call: &Call<'_>) -> Result<Output> {
    let work = Work::read(ports, call)?;
    let mut answer = work.answer()?;
    let model = work.model(&mut Vec::new());
    let consensus = work.input.options.quality == Quality::Thorough;
    let (check, usage) = check(&work.making(&[]), &mut answer, &work.examined()?, consensus, model)?;
    let line = if check.passes { "nothing to improve".to_owned() } else { check.faults.join("; ") };
    let _ = (call.emit)(Emitted::Progress(line));
    add(&mut answer.usage, usage);
    Ok(output(json!({ "answer": answer, "check": check }), usage))
}

fn perform_improve(ports: &Ports, call: &Call<'_>) -> Result<Output> {
    let work = Work::read(ports, call)?;
    let before = work.answer()?;
    let (check, examined) = (&work.input.check, work.examined()?);
    let model =
        work.model(&mut Vec::new()).filter(|_| !work.input.last && before.mode == AnswerMode::Generative);
    let mut usage = Usage::default();
    let mut answer = match model {
        Some(model) => {
            let again =
                work.tell(|reporter| work.making(&check.faults).answer(Some(model), &examined, reporter))?;
            usage = again.usage;
            again
        }
        None => {
            let settled = settled(&work, before.clone(), &examined)?;
            let _ = (call.emit)(Emitted::Token(settled.text.clone()));
            settled
        }
    };
    answer.usage = before.usage;
    add(&mut answer.usage, usage);
    Ok(output(json!({ "answer": answer }), usage))
}

/// What is left without the claims that nothing supports; where that is nothing, or the answer is about something
/// else, the sources' own sentences, if they hold the answer at all.
fn settled(work: &Work<'_>, before: Answer, examined: &[Examined]) -> Result<Answer> {
    let check = &work.input.check;
    let (usage, off_topic) = (before.usage, check.unsupported.is_empty() && !check.passes);
    let notice = if off_topic {
        "the chat model's answer did not hold up; this answer is made of the sources' own sentences"
    } else {
        "what no source supports was left out of the chat model's answer"
    };
    let mut left = without_claims(before, |index| check.unsupported.contains(&index));
    let holds = left.claims.iter().any(|claim| claim.verdict == ibid_types::answer::Verdict::Supported);
    if holds && !off_topic {
        left.notices.push(notice.into());
        left.coverage = crate::answering::coverage(&left.claims);
        return Ok(left);
    }
    let mut silent = |_| ControlFlow::Continue(());
    let making = work.making(&[]);
    let notices = vec![
        "the chat model's answer did not hold up; this answer is made of the sources' own sentences".into(),
    ];
    let mut answer = match work.question.mode {
        AnswerMode::Generative => abstained(AnswerMode::Generative, examined, Vec::new()),
        _ => making.extractive(examined, notices, &mut Reporter::new(&mut silent))?,
    };
    answer.usage = usage;
    Ok(answer)
}

fn perform_guard(ports: &Ports, call: &Call<'_>) -> Result<Output> {
    let work = Work::read(ports, call)?;
    let (answer, flags) = guard(&work.input.question, work.answer()?, &ports.policy);
    Ok(output(json!({ "answer": answer, "flags": flags }), Usage::default()))
}

fn perform_summarise(ports: &Ports, call: &Call<'_>) -> Result<Output> {
    let work = Work::read(ports, call)?;
    let history = &work.input.history;
    let tokens_max = ports.policy.summary_tokens_max;
    let long = history.len() >= ports.policy.summary_turns_min;
    if !long {
        return Ok(output(
            json!({ "summary": work.input.summary, "notices": [], "covers": 0 }),
            Usage::default(),
        ));
    }
    let model = work.model(&mut Vec::new());
    let (summary, usage, notice) =
        summarise(history, &work.input.summary, tokens_max, &ports.embedder, model);
    let notices: Vec<String> = notice.into_iter().collect();
    Ok(output(json!({ "summary": summary, "notices": notices, "covers": history.len() }), usage))
}

fn add(sum: &mut Usage, more: Usage) {
    sum.prompt_tokens += more.prompt_tokens;
    sum.completion_tokens += more.completion_tokens;
}

fn output(value: Value, usage: Usage) -> Output {
    Output {
        value,
        prompt_tokens: usage.prompt_tokens,
        completion_tokens: usage.completion_tokens,
        ..Output::default()
    }
}

fn parse<T: DeserializeOwned>(call: &Call<'_>) -> Result<T> {
    T::deserialize(call.input).map_err(|error| invalid(call, &error.to_string()))
}

fn invalid(call: &Call<'_>, what: &str) -> Error {
    Error::bad_request(
        "node_input_invalid",
        format!("the input of node '{}' cannot be used: {what}", call.node),
    )
}
