//! The ask flow: retrieve, judge, answer (by a chat model or from the sources' own sentences), verify, cite.
//!
//! Keeps true: every citation is bound to a span of a chunk that the search returned; text inside documents is
//! data and never an instruction; a chat model that fails never costs the reader an answer that the documents hold.

mod answerer;
mod answering;
mod check;
mod edit;
mod entail;
mod extract;
mod finding;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod flow_tests;
mod followup;
mod generate;
mod guard;
mod held;
mod intent;
pub mod judge;
pub mod kept;
#[cfg(test)]
mod kept_tests;
mod kinds;
mod noun;
mod phrases;
mod policy;
mod ports;
mod prompt;
mod question;
pub mod recheck;
mod rewrite;
mod route;
mod routing;
mod said;
pub mod same;
pub mod score;
mod scribe;
mod sources;
mod split;
mod summary;
mod talk;
pub mod terms;
#[cfg(test)]
mod tests;
mod tooling;
pub mod turn;
mod unit;
mod verify;
mod widen;

use ibid_types::access::Reader;
use ibid_types::search::{Found, Hit, Request};
use ibid_types::{ChunkId, Result, WorkspaceId};

pub use answerer::{Answerer, Examination};
pub use followup::Exchange;
pub use kinds::kinds;
pub use phrases::Phrase;
pub use policy::Policy;
pub use ports::Ports;
pub use question::{PARTS_MAX, QUESTION_CHARS_MAX};
pub use route::{Route, Way, way};
pub use talk::{Talk, Tongue};

/// Where answers look. `serve` implements it over the retrieve crate.
pub trait Search: Send + Sync {
    /// Hits best first. Errors: what the search behind it gives.
    fn search(&self, request: &Request) -> Result<Found>;

    /// Passages that were found before, as they are now, in any order; their scores mean nothing. One that is gone, or
    /// is of another workspace, or may not be read, is left out. Errors: what the store behind it gives.
    fn read(&self, workspace: WorkspaceId, reader: Reader, chunks: &[ChunkId]) -> Result<Vec<Hit>>;

    /// What of the documents that are for the reader cannot be found yet, in words; whoever learns that the documents do not hold
    /// the answer should know of it.
    fn unread(&self, _workspace: WorkspaceId, _reader: Reader) -> Option<String> {
        None
    }
}

/// The flows that are compiled in: name and YAML. A turn may be answered with `tools`, names or `SERVER.*`.
#[must_use]
pub fn flows(tools: &[String]) -> [(&'static str, String); 1] {
    let allowed: Vec<String> = tools.iter().map(|name| format!("{name:?}")).collect();
    [(
        "chat",
        include_str!("flows/chat.yaml").replacen(TOOLS, &format!("tools: [{}]", allowed.join(", ")), 1),
    )]
}

/// As the file has it.
const TOOLS: &str = "tools: [calculator, current_time]";

/// How answers are made.
#[derive(Clone, Debug, PartialEq)]
pub struct AnswerConfig {
    /// Hits asked of the search. More than are read: the rest says how rare a word is and what stands out.
    pub search_hits_max: usize,
    /// Hits whose sentences may become an extractive answer.
    pub extract_hits_max: usize,
    /// Sentences embedded for one question part; bounds the time of an extractive answer.
    pub embedded_units_max: usize,
    /// Below this probability that the sources hold the answer, there is none. See `judge`.
    pub answerable_min: f32,
    /// Longest generated answer, in tokens.
    pub answer_tokens_max: usize,
    /// Of the chat model; low, because the sources and not chance should decide.
    pub temperature: f32,
}

impl Default for AnswerConfig {
    fn default() -> Self {
        Self {
            search_hits_max: 20,
            extract_hits_max: 8,
            embedded_units_max: 32,
            answerable_min: judge::ANSWERABLE_MIN,
            answer_tokens_max: 512,
            temperature: 0.1,
        }
    }
}
