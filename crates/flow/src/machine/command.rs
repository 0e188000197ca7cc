//! What happens to a run, and what the run asks of the world.

use std::collections::BTreeMap;

use ibid_types::{Class, Error, RunId, Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::state::FrameId;
use crate::FlowHash;

/// Everything that can change a run; the journal is a list of these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Command {
    /// The first of every run.
    Start {
        run: RunId,
        workspace: WorkspaceId,
        flow: FlowHash,
        /// The versions of all sub-flows that it can come to, by name: what `sub_flows` gives.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        flows: BTreeMap<String, FlowHash>,
        input: Value,
        at: Timestamp,
    },
    /// The first of a fork: a state from elsewhere, already changed as wished.
    Adopt {
        state: Box<super::RunState>,
        at: Timestamp,
    },
    /// Goes on where nothing from outside is needed: begins ready nodes, evaluates `set`, ends supersteps.
    Continue {
        at: Timestamp,
    },
    Performed {
        effect: u32,
        output: Value,
        prompt_tokens: u64,
        completion_tokens: u64,
        money: f64,
        at: Timestamp,
    },
    Failed {
        effect: u32,
        fault: Fault,
        at: Timestamp,
    },
    /// The effect was begun by somebody who is gone; nobody knows how far it came.
    Interrupted {
        effect: u32,
        at: Timestamp,
    },
    /// A timer's, an interrupt's or the run's own time has come.
    Passed {
        at: Timestamp,
    },
    Answer {
        interrupt: u32,
        value: Value,
        by: String,
        at: Timestamp,
    },
    Cancel {
        reason: String,
        at: Timestamp,
    },
    /// Takes a failed run up again: the nodes that gave up are tried anew, limits of time begin anew.
    Resume {
        at: Timestamp,
    },
}

/// What the world is asked for after a command was journalled.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// To be performed now or, after a failed attempt, not before its time.
    Perform(Effect),
    /// The machine has more to do by itself: apply `Continue`.
    Continue,
    /// Nothing happens before this, unless somebody says something.
    WakeAt(Timestamp),
    /// An effect whose result is not wanted any more.
    Abandon(u32),
    /// The run is over.
    Finish,
}

/// One execution of an effect node, over all its attempts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    pub id: u32,
    pub frame: FrameId,
    pub node: usize,
    /// The node's name in its flow, for people.
    pub name: String,
    pub kind: String,
    /// The node's `with`, rendered.
    pub input: Value,
    /// From 1.
    pub attempt: u32,
    /// Attempts that do not count: interrupted ones, and all before a `Resume`.
    #[serde(default, skip_serializing_if = "super::state::is_zero")]
    pub pardoned: u32,
    pub not_before: Timestamp,
    /// Of one attempt; `None` is the kind's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<f64>,
    /// Undoes something; its failure ends the run as failed with both reasons.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub compensates: bool,
}

impl Effect {
    /// The same for all attempts, and never for two effects.
    #[must_use]
    pub fn idempotency_key(&self, run: RunId) -> String {
        format!("{run}/{}", self.id)
    }
}

/// An error as it is written into a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    pub class: Class,
    pub code: String,
    pub message: String,
    /// Whether trying again may help.
    pub is_passing: bool,
}

impl Fault {
    #[must_use]
    pub fn new(error: &Error) -> Self {
        let is_passing = matches!(
            error.class,
            Class::Timeout | Class::Unavailable | Class::TooManyRequests | Class::Conflict
        );
        Self { class: error.class, code: error.code.to_owned(), message: error.chain(), is_passing }
    }
}
