//! What is known of a run between two commands.

use std::collections::BTreeMap;

use ibid_types::{RunId, Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Effect, Fault};
use crate::FlowHash;
use crate::definition::Retry;

/// 0 is the run itself; each sub-flow and each item of a map has its own.
pub type FrameId = u32;

/// Everything that a checkpoint holds. Small: large values are taken out when it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    pub run: RunId,
    pub workspace: WorkspaceId,
    pub status: Status,
    #[serde(with = "numbered")]
    pub frames: BTreeMap<FrameId, Frame>,
    /// The next effect, interrupt or timer gets this number: unique in the run, and in its idempotency key.
    pub next_id: u32,
    pub next_frame: FrameId,
    pub started_at: Timestamp,
    /// When the run's time is up, if it does not wait in between: waiting for a person or a timer takes no time.
    pub deadline: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Timestamp>,
    pub spent: Spent,
    /// Which version each sub-flow has in this run, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub flows: BTreeMap<String, FlowHash>,
    /// Compensations owed, newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undo: Vec<Undo>,
    /// The compensation that is under way, of a run that is `Undoing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoing: Option<Undoing>,
    /// Compensations tried; a run that has some cannot be resumed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub undone: u32,
    /// What the outcome will be when all is undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Outcome>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

impl RunState {
    /// Effects whose results are wanted: those of nodes, and a compensation. After a crash each is `Interrupted`.
    pub fn pending(&self) -> impl Iterator<Item = &Effect> {
        let activities = self.frames.values().flat_map(|frame| frame.active.values());
        activities
            .filter_map(|activity| match activity {
                Activity::Performing { effect } => Some(effect),
                _ => None,
            })
            .chain(self.undoing.iter().map(|undoing| &undoing.effect))
    }

    /// When `Passed` has something to do: the first of the timers, expiries and the run's own deadline.
    #[must_use]
    pub fn wake_at(&self) -> Option<Timestamp> {
        let deadline = (self.status == Status::Running).then_some(self.deadline);
        self.timers().chain(deadline).min()
    }

    /// Timers and expiries of a run that is neither over nor about to be.
    pub(super) fn timers(&self) -> impl Iterator<Item = Timestamp> {
        let is_live = matches!(self.status, Status::Running | Status::Waiting);
        let activities =
            self.frames.values().filter(move |_| is_live).flat_map(|frame| frame.active.values());
        activities.filter_map(|activity| match activity {
            Activity::Sleeping { until, .. } => Some(*until),
            Activity::Asking(interrupt) => interrupt.expires_at,
            _ => None,
        })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
pub(super) const fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// What takes back a finished node, with its input already rendered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Undo {
    /// Where it was; the frame may be gone.
    pub frame: FrameId,
    pub node: usize,
    /// Of the node, for people.
    pub name: String,
    pub kind: String,
    pub input: Value,
    /// The node's own.
    #[serde(default)]
    pub retry: Retry,
}

/// A compensation at work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Undoing {
    pub effect: Effect,
    #[serde(default)]
    pub retry: Retry,
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
    #[serde(with = "numbered")]
    pub active: BTreeMap<usize, Activity>,
    /// Executions of each node so far.
    #[serde(with = "numbered")]
    pub visits: BTreeMap<usize, u32>,
    /// What each node that has limits of its own has used of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", with = "numbered")]
    pub spent: BTreeMap<usize, NodeSpent>,
}

/// What all executions of a node have cost so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeSpent {
    pub tokens: u64,
    pub money: f64,
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Activity {
    /// To be begun by the next `Continue`.
    #[default]
    Ready,
    /// In somebody's hands, or about to be: the journal's word that it may have been tried.
    Performing {
        effect: Effect,
    },
    /// Was performing when the run ended otherwise; `Resume` takes it up again, under the same key.
    Abandoned {
        effect: Effect,
    },
    /// For a timer of the flow.
    Sleeping {
        id: u32,
        until: Timestamp,
    },
    Asking(Interrupt),
    /// Child frames are at work.
    Inside {
        /// Items not begun yet, by index.
        queued: Vec<(usize, Value)>,
        /// What the input of every item has besides the item.
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        shared: Map<String, Value>,
        running: Vec<FrameId>,
        /// Outputs by item.
        #[serde(with = "numbered")]
        results: BTreeMap<usize, Value>,
    },
    /// Channel to value, of the right types, to be applied when the superstep ends.
    Done {
        output: Value,
    },
    /// Its output is in the channels, and the way on could not be told: an edge's condition failed.
    Applied,
    /// Attempts are used up; then it goes where `on_error` says, or the run has failed with it.
    Gave {
        fault: Fault,
        /// What `Resume` tries again, under the same key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        effect: Option<Box<Effect>>,
    },
    /// Nobody answered in time and there is somewhere to go.
    Expired,
}

impl Activity {
    /// Whether the superstep need not wait for it.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::Applied | Self::Gave { .. } | Self::Expired)
    }
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

/// Maps by number. Their keys are texts in JSON, which a tagged enum around them does not turn back by itself.
mod numbered {
    use std::collections::BTreeMap;
    use std::str::FromStr;

    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::{Serialize, Serializer};

    pub fn serialize<S: Serializer, K: Serialize, V: Serialize>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        map.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>, K: FromStr + Ord, V: Deserialize<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<K, V>, D::Error> {
        let map = BTreeMap::<String, V>::deserialize(deserializer)?.into_iter();
        let number = |key: &str| key.parse().map_err(|_| D::Error::custom("a key is not a number"));
        map.map(|(key, value)| Ok((number(&key)?, value))).collect()
    }
}
