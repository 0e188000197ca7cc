//! Threads, turns and feedback on the wire.
//!
//! A turn is a run of a flow. `POST /v1/threads/{id}/turns` with `stream: true` sends the run's events
//! ([`crate::run::Event`]); the same events come, from any point, from `GET /v1/runs/{id}/events`.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::answer::Answer;
use crate::document::Failure;
use crate::search::Filter;
use crate::words::{AnswerMode, Quality};

#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ThreadRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// Without it the first question is the title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = r"\S", max_length = 200)]
    pub title: Option<String>,
}

/// `PATCH /v1/threads/{id}`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ThreadChange {
    #[schema(pattern = r"\S", max_length = 200)]
    pub title: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Thread {
    pub id: String,
    pub workspace: String,
    pub title: String,
    pub turns: u32,
    /// What a long thread was about so far, as its next turns see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    pub created_at: String,
    pub updated_at: String,
}

/// Parameters of `GET /v1/threads`, and the body of `POST /v1/threads/find`, since addresses are written down on the way.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ThreadsQuery {
    pub workspace: Option<String>,
    /// Words of titles and questions.
    pub text: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    #[schema(minimum = 1, maximum = 200)]
    pub limit: Option<usize>,
    pub cursor: Option<String>,
}

/// Newest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ThreadsPage {
    pub threads: Vec<Thread>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A question in a thread. A header `Idempotency-Key` makes asking twice the same as asking once.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TurnRequest {
    #[schema(pattern = r"\S")]
    pub question: String,
    /// `auto` (default), `extractive` or `generative`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<AnswerMode>)]
    pub mode: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// `quick`, `balanced` (default) or `thorough`: at most 1, 2 or 4 loops of improvement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Quality>)]
    pub quality: Option<String>,
    #[serde(default)]
    pub filter: Filter,
    /// Passages to look at, 1 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub items: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 200, maximum = 32_000)]
    pub context_tokens: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 20)]
    pub citations: Option<usize>,
    /// Longest generated answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 32_000)]
    pub tokens: Option<usize>,
    /// 0 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 2)]
    pub temperature: Option<f32>,
    /// A flow by name; `chat` without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<String>,
    /// Asks anew, also where an answer to the same question from the same passages is kept.
    #[serde(default)]
    pub fresh: bool,
    #[serde(default)]
    pub stream: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Turn {
    pub id: String,
    pub thread: String,
    /// From 1.
    pub number: u32,
    pub run: String,
    pub question: String,
    /// `running`, `waiting`, `finished`, `failed` or `cancelled`.
    pub status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// How the chat flow took the question, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<Taken>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback: Option<Feedback>,
    pub created_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct Taken {
    /// The question as it was searched for, after the thread was taken into account.
    pub question: String,
    /// `documents`, `tools`, `small_talk`, `crisis` or `refuse`.
    pub route: String,
    /// Loops of improvement that were used.
    pub loops: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TurnsPage {
    pub turns: Vec<Turn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// `PUT /v1/turns/{id}/feedback`
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedbackRequest {
    /// 1 (good), 0 (neither) or -1 (bad).
    #[schema(minimum = -1, maximum = 1)]
    pub rating: i8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the answer should have been.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correction: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Feedback {
    pub rating: i8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correction: Option<String>,
    pub at: String,
}

/// `POST /v1/threads/{id}/fork`: a new thread with the turns up to one of this.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ThreadForkRequest {
    /// The last turn without it.
    #[schema(minimum = 1)]
    pub turn: Option<u32>,
}
