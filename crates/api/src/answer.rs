//! Questions and answers on the wire.
//!
//! With `stream: true`, `POST /v1/ask` sends server-sent events: `step` ([`StepEvent`]), `token` (`{"text": ".."}`),
//! `citation` ([`Citation`]), then one `done` ([`Answer`]) or one `error` ([`crate::problem::Problem`]).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::search::{Filter, Trace};
use crate::words::{AnswerMode, Id};

#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskRequest {
    #[schema(pattern = r"\S")]
    pub question: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// `auto` (default), `extractive` or `generative`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<AnswerMode>)]
    pub mode: Option<String>,
    /// A chat model by its configured name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    #[serde(default)]
    pub filter: Filter,
    /// 200 to 32,000; 2,000 without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 200, maximum = 32_000)]
    pub context_tokens: Option<usize>,
    /// 1 to 20; 6 without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 20)]
    pub citations: Option<usize>,
    /// Asks anew, also where an answer to the same question from the same passages is kept.
    #[serde(default)]
    pub fresh: bool,
    #[serde(default)]
    pub stream: bool,
    /// Adds `trace` to the answer.
    #[serde(default)]
    pub explain: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Answer {
    /// With citation marks: `Refunds take 14 days [1].` Empty when `abstained` is set.
    pub text: String,
    /// `extractive` or `generative`.
    pub mode: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    pub claims: Vec<Claim>,
    pub citations: Vec<Citation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abstained: Option<Abstention>,
    /// Supported claims / checkable claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<f32>,
    pub confidence: f32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
    pub usage: Usage,
    /// What its chat models cost by the configured prices, in US dollars; of a turn, its run says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usd: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace>,
    /// When it was made, where it was made before, for the same question from the same passages; it cost nothing this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_at: Option<String>,
    pub took_ms: f64,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Claim {
    pub text: String,
    /// `supported`, `unsupported` or `not_checkable`.
    pub verdict: String,
    pub citations: Vec<usize>,
    pub support: f32,
    /// The tool that gave it, where no document did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Citation {
    pub number: usize,
    pub document: String,
    pub version: String,
    pub chunk: String,
    pub title: String,
    pub source: String,
    pub heading_path: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// Exactly the bytes `[start_byte, end_byte)` of the version's text, unless it is `withheld`.
    pub quote: String,
    /// The quote holds a secret, in whose place a word such as `[password]` stands.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withheld: bool,
    /// Set where a memory says it and no document: an episode of `/v1/memory`. The ids of document, version and chunk are its own then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Id>)]
    pub episode: Option<String>,
    pub start_byte: usize,
    pub end_byte: usize,
    pub start_char: usize,
    pub end_char: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Abstention {
    pub reason: String,
    pub looked_for: Vec<String>,
    pub nearest: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StepEvent {
    /// `retrieve`, `recall`, `judge`, `answer`, `verify`.
    pub name: String,
    /// `started`, `finished` or `failed`.
    pub state: String,
    pub detail: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenEvent {
    pub text: String,
}
