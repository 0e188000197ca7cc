//! What people get: searches, answers, how good they are, what people say of them.

use super::{SECONDS, SHORT_SECONDS};

const SHARES: &[f64] = &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];

room! {
    SEARCHES: Counter<1> = ("ibid_retrieve_searches_total", &["outcome"],
        "Searches made, those of questions included, by outcome (done, or the code of the error)");
    SEARCH_DURATION: Histogram<0> = ("ibid_retrieve_search_duration_seconds", &[], SECONDS,
        "Time of a search from the question to the passages");
    SEARCH_STEP_DURATION: Histogram<1> = ("ibid_retrieve_step_duration_seconds", &["step"], SHORT_SECONDS,
        "Time of one step of a search (embed, filter, lexical, dense, fuse, ...), by step");
    ANSWERS: Counter<2> = ("ibid_chat_answers_total", &["mode", "outcome"],
        "Questions that got an end, by mode (generative, kept, extractive, none) and outcome (answered, abstained, failed)");
    ANSWER_DURATION: Histogram<1> = ("ibid_chat_answer_duration_seconds", &["mode"], SECONDS,
        "Time from a question to its whole answer, by mode (generative, kept, extractive, none)");
    ANSWER_CONFIDENCE: Histogram<0> = ("ibid_chat_answer_confidence_ratio", &[], SHARES,
        "How likely an answer was right, 0 to 1, as it says itself");
    CLAIMS: Counter<1> = ("ibid_chat_claims_total", &["verdict"],
        "Sentences of answers, by verdict (supported, unsupported, not_checkable); supported by checkable is coverage");
    CITATIONS: Counter<0> = ("ibid_chat_citations_total", &[],
        "Citations given with answers");
    KEPT_LOOKS: Counter<1> = ("ibid_chat_kept_looks_total", &["found"],
        "Questions for which a kept answer was looked for, by what was found (same, reworded, nothing)");
    FEEDBACK: Counter<1> = ("ibid_chat_feedback_total", &["rating"],
        "What people said of answers, by rating (up, down, neutral)");
}
