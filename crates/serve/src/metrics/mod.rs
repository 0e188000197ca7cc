//! What the server counts, by the list of `ibid_ops::metric`.
//!
//! Keeps true: boundaries count themselves, in wrappers around their adapters; what is not counted as it happens is read
//! when somebody looks (`observed`).

pub mod blobs;
pub mod model;
mod observed;
pub mod store;

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use ibid_flow::machine::Spent;
use ibid_ops::metric::{Gauge, Registry, list};
use ibid_types::answer::{Answer, Verdict};
use ibid_types::search::Found;
use ibid_types::{Error, Result};

/// The registry and the words for what is counted. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    registry: Arc<Registry>,
}

/// Holds a gauge one higher until it is dropped.
#[derive(Debug)]
pub struct Held<const N: usize> {
    registry: Arc<Registry>,
    gauge: Gauge<N>,
    labels: [&'static str; N],
}

impl<const N: usize> Drop for Held<N> {
    fn drop(&mut self) {
        self.registry.shift(&self.gauge, self.labels, -1.0);
    }
}

impl Metrics {
    pub fn new() -> Self {
        Self::default()
    }

    pub const fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    fn hold<const N: usize>(&self, gauge: Gauge<N>, labels: [&'static str; N]) -> Held<N> {
        self.registry.shift(&gauge, labels, 1.0);
        Held { registry: Arc::clone(&self.registry), gauge, labels }
    }

    /// Counts a stream until the value is dropped.
    pub fn stream_open(&self) -> Held<0> {
        self.hold(list::HTTP_STREAMS, [])
    }

    /// Counts a request in work until the value is dropped.
    pub fn request_running(&self) -> Held<0> {
        self.hold(list::HTTP_RUNNING, [])
    }

    pub fn request(&self, method: &Method, route: &str, status: u16, seconds: f64) {
        self.registry.count(&list::HTTP_REQUESTS, [method.as_str(), route, &status.to_string()]);
        self.registry.observe(&list::HTTP_DURATION, [route], seconds);
    }

    /// Notes how long a request waited for its place.
    pub fn queue_waited(&self, queue: &str, waited: Duration) {
        self.registry.observe(&list::QUEUE_WAIT_DURATION, [queue], waited.as_secs_f64());
    }

    /// Counts a request that got no place.
    pub fn queue_refused(&self, queue: &str, reason: &str) {
        self.registry.count(&list::QUEUE_REFUSALS, [queue, reason]);
    }

    /// Counts a request that had no right to be made.
    pub fn refused(&self, code: &str) {
        self.registry.count(&list::AUTH_REFUSALS, [code]);
    }

    /// Counts a search with the time of its steps.
    pub fn search(&self, found: &Result<(Found, Option<Vec<f32>>)>, took: Duration) {
        self.registry.count(&list::SEARCHES, [outcome(found)]);
        self.registry.observe(&list::SEARCH_DURATION, [], took.as_secs_f64());
        let steps = found.iter().flat_map(|(found, _)| &found.trace.timings_us);
        for (step, us) in steps {
            self.registry.observe(&list::SEARCH_STEP_DURATION, [step], *us as f64 / 1e6);
        }
    }

    /// Counts a question to memory.
    pub fn recall<T>(&self, recalled: &Result<T>, took: Duration) {
        self.registry.count(&list::MEMORY_RECALLS, [outcome(recalled)]);
        self.registry.observe(&list::MEMORY_RECALL_DURATION, [], took.as_secs_f64());
    }

    /// Counts a request to forget.
    pub fn forgotten(&self, what: &str) {
        self.registry.count(&list::MEMORY_FORGOTTEN, [what]);
    }

    /// Counts an answer with what it is worth.
    pub fn answer(&self, answer: &Answer, took: Duration) {
        let mode = match (answer.kept, &answer.model) {
            (Some(_), _) => "kept",
            (None, Some(_)) => "generative",
            (None, None) => "extractive",
        };
        let outcome = if answer.abstained.is_some() { "abstained" } else { "answered" };
        self.registry.count(&list::ANSWERS, [mode, outcome]);
        self.registry.observe(&list::ANSWER_DURATION, [mode], took.as_secs_f64());
        self.registry.grow(&list::CITATIONS, [], answer.citations.len() as f64);
        if answer.abstained.is_none() {
            self.registry.observe(&list::ANSWER_CONFIDENCE, [], f64::from(answer.confidence));
        }
        for flag in &answer.flags {
            self.registry.grow(&list::GUARD_ANSWERS, [&flag.kind, &flag.action], flag.count as f64);
        }
        for claim in &answer.claims {
            let verdict = match claim.verdict {
                Verdict::Supported => "supported",
                Verdict::Unsupported => "unsupported",
                Verdict::NotCheckable => "not_checkable",
            };
            self.registry.count(&list::CLAIMS, [verdict]);
        }
    }

    /// Counts a question that reads as an attack.
    pub fn question_flagged(&self, outcome: &'static str) {
        self.registry.count(&list::GUARD_QUESTIONS, [outcome]);
    }

    /// Counts a question whose answer failed.
    pub fn answer_failed(&self, took: Duration) {
        self.registry.count(&list::ANSWERS, ["none", "failed"]);
        self.registry.observe(&list::ANSWER_DURATION, ["none"], took.as_secs_f64());
    }

    /// Counts what somebody said of an answer.
    pub fn feedback(&self, rating: i8) {
        let rating = match rating {
            1.. => "up",
            0 => "neutral",
            _ => "down",
        };
        self.registry.count(&list::FEEDBACK, [rating]);
    }

    /// Counts a run that is over.
    pub fn run_ended(&self, status: &str, spent: &Spent) {
        let registry = &self.registry;
        registry.count(&list::FLOW_RUNS, [status]);
        registry.grow(&list::FLOW_STEPS, [], spent.steps.into());
        registry.grow(&list::FLOW_PROMPT_TOKENS, [], spent.prompt_tokens as f64);
        registry.grow(&list::FLOW_COMPLETION_TOKENS, [], spent.completion_tokens as f64);
        registry.grow(&list::FLOW_COST, [], spent.money);
    }

    /// What runs that ended since the program started have spent.
    pub fn spent(&self) -> Spent {
        Spent {
            steps: self.registry.total(&list::FLOW_STEPS) as u32,
            prompt_tokens: self.registry.total(&list::FLOW_PROMPT_TOKENS) as u64,
            completion_tokens: self.registry.total(&list::FLOW_COMPLETION_TOKENS) as u64,
            money: self.registry.total(&list::FLOW_COST),
        }
    }

    /// Counts one attempt at an effect of a flow.
    pub fn performed(&self, kind: &str, node: &str, is_ok: bool, took: Duration) {
        let outcome = if is_ok { "done" } else { "failed" };
        self.registry.count(&list::FLOW_EFFECTS, [kind, node, outcome]);
        self.registry.observe(&list::FLOW_EFFECT_DURATION, [kind, node], took.as_secs_f64());
    }
}

/// `done`, or the code of the error.
fn outcome<T>(of: &Result<T>) -> &'static str {
    of.as_ref().map_or_else(|error: &Error| error.code, |_| "done")
}
