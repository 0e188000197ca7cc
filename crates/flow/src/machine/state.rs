//! What is known of a run between two commands.

use std::collections::BTreeMap;

use ibid_types::{RunId, Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Fault;
use crate::FlowHash;

/// 0 is the run itself; each sub-flow and each item of a map has its own.
pub type FrameId = u32;

/// Everything that a checkpoint holds. Small: large values are taken out when it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    pub run: RunId,
    pub workspace: WorkspaceId,
    pub status: Status,
    pub frames: BTreeMap<FrameId, Frame>,
    /// The next effect, interrupt or timer gets this number: unique in the run, and in its idempotency key.
    pub next_id: u32,
    pub next_frame: FrameId,
    pub started_at: Timestamp,
    /// When the run's time is up.
    pub deadline: Timestamp,
    pub spent: Spent,
    /// Compensations owed, newest last: kind and rendered input of finished nodes that can be undone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undo: Vec<(String, Value)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Running,
    /// For a person or a timer; nothing else is under way.
    Waiting,
    /// Undoing what was done, before it fails or is cancelled.
    Undoing,
    Finished,
    Failed,
    Cancelled,
}

impl Status {
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Cancelled)
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Undoing => "undoing",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One flow at work: its channels and the nodes of the superstep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    pub flow: FlowHash,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    pub channels: Map<String, Value>,
    /// By index of the node in the file.
    pub active: BTreeMap<usize, Activity>,
    /// Executions of each node so far.
    pub visits: BTreeMap<usize, u32>,
}

/// Who waits for a frame's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    pub frame: FrameId,
    pub node: usize,
    /// Which item of a map.
    pub item: usize,
}

/// How far a node of the superstep is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Activity {
    /// To be begun by the next `Continue`.
    Ready,
    /// In somebody's hands, or about to be: the journal's word that it may have been tried.
    Performing {
        effect: super::Effect,
    },
    /// For a timer of the flow.
    Sleeping {
        id: u32,
        until: Timestamp,
    },
    Asking(Interrupt),
    /// Child frames are at work.
    Inside {
        /// Items not begun yet, by index, with their input.
        queued: Vec<(usize, Value)>,
        running: Vec<FrameId>,
        /// Outputs by item.
        results: BTreeMap<usize, Value>,
    },
    /// Output to be applied when the superstep ends.
    Done {
        output: Value,
    },
    /// Attempts are used up and there is somewhere to go.
    Gave {
        fault: Fault,
    },
    /// Nobody answered in time and there is somewhere to go.
    Expired,
}

/// A question to a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interrupt {
    pub id: u32,
    pub prompt: String,
    /// JSON Schema of the answer.
    pub schema: Value,
    pub asked_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// What the run has used of its limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    pub steps: u32,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub money: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Output(Value),
    Fault(Fault),
    Cancelled { reason: String },
}
