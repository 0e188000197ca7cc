//! Runs, their checkpoints and events on the wire.
//!
//! Events are server-sent events (and text frames of `GET /v1/runs/{id}/socket`) with an id `CHECKPOINT.SUB`, such as
//! `12.57`. A client that comes back with `Last-Event-ID` (or `?after=`) gets all that came after, even if the server
//! was killed in between; a node that had to begin again says so by a `step` with state `restarted`.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::answer::{Citation, Claim, Usage};
use crate::document::Failure;
use crate::words::{Id, RunStatus};

/// `POST /v1/runs`. A header `Idempotency-Key` makes starting twice the same as starting once.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunRequest {
    /// A flow by name, or
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<String>,
    /// a flow's YAML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    #[serde(default)]
    pub input: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// Seconds to wait for the end before the run is returned as it is; 0 without it, 60 at most.
    #[serde(default)]
    #[schema(maximum = 60)]
    pub wait_seconds: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Run {
    pub id: String,
    pub workspace: String,
    pub flow: String,
    /// The first 12 digits of the flow's hash.
    pub flow_version: String,
    /// `running`, `waiting`, `undoing`, `finished`, `failed` or `cancelled`.
    pub status: String,
    /// Nodes at work or waiting.
    pub nodes: Vec<String>,
    /// Number of the last checkpoint.
    pub checkpoint: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<ForkedFrom>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// What it waits for a person to say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wakes_at: Option<String>,
    pub spent: Spent,
    pub created_at: String,
    pub updated_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ForkedFrom {
    pub run: String,
    pub checkpoint: u32,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
pub struct Spent {
    pub steps: u32,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    /// US dollars, by the configured prices of the models.
    pub money: f64,
}

/// A question to a person, in a run that waits for the answer.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Approval {
    pub run: String,
    pub interrupt: u32,
    pub flow: String,
    pub node: String,
    pub prompt: String,
    /// JSON Schema of the answer.
    pub schema: Value,
    pub asked_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ApprovalsPage {
    pub approvals: Vec<Approval>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct RunsQuery {
    pub workspace: Option<String>,
    pub flow: Option<String>,
    #[param(inline, value_type = Option<RunStatus>)]
    pub status: Option<String>,
    #[param(inline, value_type = Option<Id>)]
    pub thread: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<usize>,
    pub cursor: Option<String>,
}

/// Newest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RunsPage {
    pub runs: Vec<Run>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One row of a run's history.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Checkpoint {
    pub number: u32,
    pub at: String,
    /// What happened: `start`, `performed`, `failed`, `answer`, ...
    pub kind: String,
    /// The node that it happened to, if to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Stored size.
    pub bytes: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CheckpointsPage {
    pub checkpoints: Vec<Checkpoint>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// `GET /v1/runs/{id}/checkpoints/{number}`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CheckpointState {
    pub checkpoint: Checkpoint,
    pub command: Value,
    /// Channels of the run's flow.
    pub channels: Value,
    /// The whole state of the machine: frames, nodes at work, limits used.
    pub state: Value,
}

/// `POST /v1/runs/{id}/fork`
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForkRequest {
    /// The last one without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<u32>,
    /// Channels to change.
    #[serde(default)]
    pub changes: Value,
    /// Another flow, or a newer version of the same, by name or as YAML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// `POST /v1/runs/{id}/answer`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerRequest {
    /// May be left out where the run asks one thing only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interrupt: Option<u32>,
    pub value: Value,
}

/// `POST /v1/runs/{id}/cancel`
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CancelRequest {
    pub reason: Option<String>,
}

/// `POST /v1/runs/{id}/replay`: every command applied again without effects.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Replayed {
    pub run: String,
    pub checkpoints: u32,
    pub equal: bool,
    /// Where the first difference is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub differs_at: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
}

/// `GET /v1/runs/{id}/diff/{other}`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RunDiff {
    pub left: String,
    pub right: String,
    /// Checkpoints that both have in common, from the first.
    pub common: u32,
    /// Of the first checkpoints that differ.
    pub first: Vec<Difference>,
    /// Of the last states.
    pub last: Vec<Difference>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// JSON Pointer.
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<Value>,
}

/// `GET /v1/runs/statistics`
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct RunStatistics {
    pub runs: std::collections::BTreeMap<String, u64>,
    pub checkpoints: u64,
    pub checkpoint_bytes: u64,
    /// Large values, stored once each.
    pub values: u64,
    pub value_bytes: u64,
    /// By the runs that ended since the program started.
    #[serde(default)]
    pub spent: Spent,
}

/// An event of a run. The name of the server-sent event is `type`; frames of the socket have the id in `id`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    Step(Step),
    Token(Token),
    Citation(Box<Citation>),
    Claim(Claim),
    Usage(Usage),
    Interrupt(Approval),
    /// The run is over; of a turn the turn, else the run.
    Done(Box<Done>),
    Error(crate::problem::Problem),
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Step {
    pub node: String,
    pub kind: String,
    /// `started`, `finished`, `failed`, `waiting`, or `restarted`: forget this node's tokens, they come again.
    pub state: String,
    pub attempt: u32,
    /// For people.
    pub detail: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Token {
    pub node: String,
    pub text: String,
    /// The text is the node's whole text and takes the place of what came before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replace: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Done {
    pub run: Run,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<crate::thread::Turn>,
}
