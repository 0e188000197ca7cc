//! Answers, their claims and the citations that carry them.
//!
//! Keeps true: `Citation::quote` is, byte for byte, `chunk.text[quote_start - chunk.start..]` of the cited chunk
//! version, unless it says that it is `withheld`. `bind` is the only way to make one; reading one back gives what was bound.

use serde::{Deserialize, Serialize};

use crate::access::Reader;
use crate::document::Chunk;
use crate::search::{Filter, Trace};
use crate::{ChunkId, DocumentId, EpisodeId, Error, KeptId, Result, Timestamp, VersionId, WorkspaceId};

#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    pub workspace: WorkspaceId,
    /// On whose behalf it is answered.
    pub reader: Reader,
    pub text: String,
    pub filter: Filter,
    pub mode: AnswerMode,
    /// A chat model by the name that configuration gives it; `None` is the default one.
    pub model: Option<String>,
    /// How much of the sources may be put before the model.
    pub context_tokens_max: usize,
    /// Citations wanted at most.
    pub citations_max: usize,
    /// Whether it is to be answered anew, whatever was answered before.
    pub fresh: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerMode {
    /// Generative where a chat model is configured and answers, extractive otherwise.
    #[default]
    Auto,
    /// The best supporting sentences of the sources themselves.
    Extractive,
    Generative,
}

/// A question's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The text with citation marks: `Refunds take 14 days [1].` Empty when abstained.
    pub text: String,
    /// The mode that made it, never `Auto`.
    pub mode: AnswerMode,
    /// The chat model that wrote it.
    pub model: Option<String>,
    pub claims: Vec<Claim>,
    /// Numbered from 1 in the order of their first use.
    pub citations: Vec<Citation>,
    /// Set when the documents do not hold the answer.
    pub abstained: Option<Abstention>,
    /// Supported claims / checkable claims, 0 to 1; `None` without a checkable claim.
    pub coverage: Option<f32>,
    /// How likely the answer is right, 0 to 1, as calibrated in `docs/benchmarks.md`.
    pub confidence: f32,
    /// What went less than well, for the reader: "the chat model did not answer; this is extractive".
    pub notices: Vec<String>,
    /// What guards saw in it and in what it is made of; notices say it to the reader.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
    pub usage: Usage,
    pub trace: Trace,
    /// Set where it was made for an earlier question; then its `usage` is zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Kept>,
}

/// Where an answer that is given again comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub id: KeptId,
    /// When it was made.
    pub at: Timestamp,
}

/// What a guard saw, and what it did about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    /// `passage` for a source that gives the model orders, else a kind of secret, personal data or markup: `api_key`, `image`.
    pub kind: String,
    /// `flagged`, `redacted`, `removed` or `refused`.
    pub action: String,
    pub count: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// One sentence of the answer, without marks.
    pub text: String,
    pub verdict: Verdict,
    /// Numbers of the citations that support it.
    pub citations: Vec<usize>,
    /// How well the best quote supports it, 0 to 1.
    pub support: f32,
    /// The tool that gave it, where no document did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
}

impl Claim {
    /// A claim that rests on citations.
    #[must_use]
    pub fn cited(text: impl Into<String>, verdict: Verdict, citations: Vec<usize>, support: f32) -> Self {
        Self { text: text.into(), verdict, citations, support, tool: None }
    }

    /// What a tool gave: no document carries it.
    #[must_use]
    pub fn of_tool(text: impl Into<String>, tool: &str) -> Self {
        Self { tool: Some(tool.to_owned()), ..Self::cited(text, Verdict::NotCheckable, Vec::new(), 0.0) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Supported,
    Unsupported,
    /// States nothing that a source could hold: a greeting, a question, a heading, what a tool gave.
    NotCheckable,
}

/// A quoted span of a chunk version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// Counts from 1.
    pub number: usize,
    pub document: DocumentId,
    pub version: VersionId,
    pub chunk: ChunkId,
    pub title: String,
    pub source: String,
    pub heading_path: Vec<String>,
    pub page: Option<u32>,
    /// Exactly the bytes `[start, end)` of the version's text.
    pub quote: String,
    pub start: usize,
    pub end: usize,
    /// The same in Unicode characters.
    pub start_char: usize,
    pub end_char: usize,
    /// Whether something in the quote that looks like a secret was replaced by a word such as `[password]`. The span is
    /// still the exact one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withheld: bool,
    /// Set where no document says it but a memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episode: Option<EpisodeId>,
}

impl Citation {
    /// Binds `[start, end)`, bytes within the chunk's own text, to a citation.
    pub fn bind(
        number: usize,
        chunk: &Chunk,
        title: &str,
        source: &str,
        start: usize,
        end: usize,
    ) -> Result<Self> {
        let quote = chunk.text.get(start..end).filter(|quote| !quote.trim().is_empty()).ok_or_else(|| {
            Error::internal(
                "citation_unbound",
                format!("bytes {start}..{end} are no quote of chunk {}", chunk.id),
            )
        })?;
        let start_char = chunk.span.start_char + chunk.text[..start].chars().count();
        Ok(Self {
            number,
            document: chunk.document,
            version: chunk.version,
            chunk: chunk.id,
            title: title.to_owned(),
            source: source.to_owned(),
            heading_path: chunk.span.heading_path.clone(),
            page: chunk.span.page_at(start),
            quote: quote.to_owned(),
            start: chunk.span.start + start,
            end: chunk.span.start + end,
            start_char,
            end_char: start_char + quote.chars().count(),
            withheld: false,
            episode: None,
        })
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Abstention {
    /// In words, for the reader.
    pub reason: String,
    /// What was searched for.
    pub looked_for: Vec<String>,
    /// The nearest passages that were judged not to hold the answer: title and source.
    pub nearest: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
}

/// What happens while an answer is made, in order. `Done` comes last, once.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A step began or ended: `retrieve`, `recall`, `judge`, `answer`, `verify`.
    Step {
        name: String,
        state: StepState,
        detail: String,
    },
    /// A piece of the answer's text. In extractive mode whole sentences.
    Token(String),
    Citation(Box<Citation>),
    Done(Box<Answer>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    Started,
    Finished,
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::ChunkSpan;

    fn chunk(text: &str) -> Chunk {
        Chunk {
            id: ChunkId::new(),
            document: DocumentId::new(),
            version: VersionId::new(),
            ordinal: 1,
            span: ChunkSpan { start: 10, end: 10 + text.len(), start_char: 9, ..ChunkSpan::default() },
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_quote_is_the_bytes_at_its_offsets() {
        let chunk = chunk("Größe zählt. Ja.");
        let citation = Citation::bind(1, &chunk, "t", "s", 0, 15).unwrap();
        assert_eq!((citation.quote.as_str(), citation.start, citation.end), ("Größe zählt.", 10, 25));
        assert_eq!((citation.start_char, citation.end_char), (9, 21));
    }

    #[test]
    fn a_span_that_splits_a_character_is_no_quote() {
        assert_eq!(Citation::bind(1, &chunk("Größe"), "t", "s", 0, 3).unwrap_err().code, "citation_unbound");
        assert!(Citation::bind(1, &chunk("abc"), "t", "s", 2, 9).is_err());
    }
}
