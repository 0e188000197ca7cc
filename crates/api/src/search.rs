//! Search on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words::{Id, Moment, SearchMode};

#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchRequest {
    #[schema(pattern = r"\S")]
    pub query: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// `hybrid` (default), `lexical` or `dense`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<SearchMode>)]
    pub mode: Option<String>,
    /// 1 to 100; 10 without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub limit: Option<usize>,
    #[serde(default)]
    pub filter: Filter,
    /// Adds `why` to each hit and `trace` to the answer.
    #[serde(default)]
    pub explain: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Document ids; one of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Id>)]
    pub documents: Vec<String>,
    /// All of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// ISO 639-1; one of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_prefix: Option<String>,
    /// `2026-11-21` or RFC 3339; from this on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Moment>)]
    pub date_from: Option<String>,
    /// Before this.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Moment>)]
    pub date_to: Option<String>,
    /// Of answers: made of documents alone. Any other filter leaves out what is remembered too; a search finds documents only.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub without_memory: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SearchResponse {
    pub hits: Vec<Hit>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace>,
    pub took_ms: f64,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Hit {
    pub score: f32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub similarity: Option<f32>,
    pub document: String,
    pub version: String,
    pub chunk: String,
    pub title: String,
    pub source: String,
    pub heading_path: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    pub text: String,
    pub start_byte: usize,
    pub end_byte: usize,
    /// `text`, `table`, `code` or `record`.
    pub kind: String,
    pub date: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    pub tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Why {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lexical: Option<Part>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dense: Option<Part>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback: Option<Part>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbours: Option<Part>,
    /// How often a walk over the names that link passages came by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links: Option<Part>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerank: Option<Part>,
    pub terms: Vec<String>,
    /// The names over which it came, the most travelled first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duplicates: Vec<String>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct Part {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<usize>,
    pub score: f32,
    pub normalised: f32,
    pub weight: f32,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Trace {
    pub mode: String,
    pub terms: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    pub eligible: usize,
    pub total: usize,
    pub lexical_candidates: usize,
    pub dense_candidates: usize,
    pub fusion: String,
    pub timings: Vec<Timing>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Timing {
    pub step: String,
    pub us: u64,
}
