//! A search and what it finds, with the trace of why each hit is there.

use serde::{Deserialize, Serialize};

use crate::access::Reader;
use crate::document::Chunk;
use crate::{DocumentId, EpisodeId, Timestamp, WorkspaceId};

/// What narrows a search. Every field that is set must hold; it is applied inside the search, never after it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// One of these documents.
    pub documents: Vec<DocumentId>,
    /// All of these tags.
    pub tags: Vec<String>,
    /// One of these languages (ISO 639-1).
    pub languages: Vec<String>,
    /// The source begins with this.
    pub path_prefix: Option<String>,
    /// The document's date is at or after this.
    pub date_from: Option<Timestamp>,
    /// The document's date is before this.
    pub date_to: Option<Timestamp>,
    /// Nothing that is remembered; it takes part where nothing narrows the search.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub without_memory: bool,
}

impl Filter {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Lexical,
    Dense,
    #[default]
    Hybrid,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub workspace: WorkspaceId,
    /// What they may not read is not there for them.
    pub reader: Reader,
    pub query: String,
    pub mode: Mode,
    pub filter: Filter,
    /// Hits wanted.
    pub limit: usize,
}

/// A chunk that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    pub chunk: Chunk,
    pub title: String,
    pub source: String,
    pub date: Timestamp,
    pub language: Option<String>,
    pub tags: Vec<String>,
    /// The fused score, comparable within one search only. Higher is better.
    pub score: f32,
    /// Cosine of question and chunk, where the dense part ran. Comparable across searches.
    pub similarity: Option<f32>,
    #[serde(default)]
    pub why: Why,
    /// Set where no document says it but a memory; then the ids of chunk, version and document are this one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episode: Option<EpisodeId>,
}

/// Why a hit is where it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Why {
    pub lexical: Option<Part>,
    pub dense: Option<Part>,
    /// Closeness to the passages at the top of the fused list, where a hybrid search took its second look.
    #[serde(default)]
    pub feedback: Option<Part>,
    /// The mean score of the passages nearest to this one.
    #[serde(default)]
    pub neighbours: Option<Part>,
    /// How often a walk over the links between passages came by.
    #[serde(default)]
    pub links: Option<Part>,
    pub rerank: Option<Part>,
    /// Query terms, after analysis, that the chunk contains.
    pub terms: Vec<String>,
    /// The names over which the walk came, the most travelled first.
    #[serde(default)]
    pub names: Vec<String>,
    /// Chunks that say nearly the same and were left out for this one.
    pub duplicates: Vec<crate::ChunkId>,
}

/// One retriever's view of a hit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Counts from 1 in that retriever's own list; `None` if it was scored but not among its candidates.
    pub rank: Option<usize>,
    /// Raw: BM25, cosine or reranker probability.
    pub score: f32,
    /// After normalisation for the fusion.
    pub normalised: f32,
    /// Its share in the fused score.
    pub weight: f32,
}

/// Hits, best first, with what was done to find them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    pub hits: Vec<Hit>,
    pub trace: Trace,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    pub mode: Mode,
    /// The query's terms after analysis.
    pub terms: Vec<String>,
    pub language: Option<String>,
    /// Chunks that the filter let through, of all in the workspace.
    pub eligible: usize,
    pub total: usize,
    pub lexical_candidates: usize,
    pub dense_candidates: usize,
    /// The fusion and its weights in words.
    pub fusion: String,
    /// Steps with their duration in microseconds: `embed`, `filter`, `lexical`, `dense`,
    /// `score`, `fuse`, `refine`, `suppress`, `load`, `rerank`.
    pub timings_us: Vec<(String, u64)>,
}
