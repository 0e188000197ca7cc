//! Time travel: what a run did, its state at any checkpoint, another run from there, the same run again, two side by
//! side.
//!
//! Keeps true: nothing here performs an effect or changes a run that exists.

use std::collections::BTreeMap;
use std::sync::Arc;

use ibid_store::{CheckpointHead, CheckpointTotals};
use ibid_types::{Error, Result, RunId};
use serde_json::{Map, Value};

use crate::machine::{Definitions, RunState, apply, rebase};
use crate::runner::{Runner, fits};
use crate::{Checkpoint, FlowHash};

/// Checkpoints read at once.
const PAGE: usize = 64;
/// The most differences that are told of two states.
const DIFFERENCES_MAX: usize = 200;
/// Parts of a state that are never the same in two runs.
const TIMES: [&str; 7] =
    ["run", "started_at", "deadline", "waiting_since", "not_before", "asked_at", "expires_at"];

/// A fork to be made.
#[derive(Clone, Debug, Default)]
pub struct Fork {
    /// The last one where the run is not over, without it.
    pub checkpoint: Option<u32>,
    /// Channels of the run's own flow that get another value.
    pub changes: Map<String, Value>,
    /// Another version of the flow.
    pub flow: Option<FlowHash>,
    /// Who makes it.
    pub owner: Option<String>,
}

/// What applying a run's commands again gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// Checkpoints compared, the one that differs included.
    pub checkpoints: u32,
    /// The first checkpoint whose state is not the stored one; none if all are equal.
    pub differs_at: Option<u32>,
    pub differences: Vec<Difference>,
}

/// Two runs side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Diff {
    /// Checkpoints that both have in common, from the first.
    pub common: u32,
    /// Of the first checkpoints that differ.
    pub first: Vec<Difference>,
    /// Of the last states.
    pub last: Vec<Difference>,
}

/// One place where two states differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// JSON Pointer (RFC 6901).
    pub path: String,
    /// None where there is nothing.
    pub left: Option<Value>,
    pub right: Option<Value>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// By status.
    pub runs: BTreeMap<String, u64>,
    pub totals: CheckpointTotals,
}

impl Runner {
    /// Up to `limit` checkpoints of a run from a number on, without their states.
    ///
    /// # Errors
    /// `run_unknown`, and those of the store.
    pub fn history(&self, run: RunId, from: u32, limit: usize) -> Result<Vec<CheckpointHead>> {
        let heads = self.journal().heads(run, from, limit)?;
        if heads.is_empty() {
            self.view(run)?;
        }
        Ok(heads)
    }

    /// The state at a checkpoint.
    ///
    /// # Errors
    /// `run_unknown`, `checkpoint_unknown`, and those of the journal.
    pub fn state_at(&self, run: RunId, number: u32) -> Result<Checkpoint> {
        self.journal().at(run, number)
    }

    /// Starts a run from another's checkpoint.
    ///
    /// # Errors
    /// `run_unknown`, `checkpoint_unknown`, `run_over` for a checkpoint at the end, `flow_fork_unfit` for changes or
    /// a flow that do not fit, `flow_unknown`.
    pub fn fork(self: &Arc<Self>, run: RunId, fork: Fork) -> Result<RunId> {
        let found = match fork.checkpoint {
            Some(number) => self.journal().at(run, number)?,
            None => self.last_open(run)?,
        };
        if found.state.status.is_over() {
            let what = format!("run {run} is over at checkpoint {}; fork from an earlier one", found.number);
            return Err(Error::conflict("run_over", what));
        }
        let mut state = found.state;
        let from = state.frames.get(&0).map_or(FlowHash([0; 32]), |frame| frame.flow);
        let (from, to) =
            (self.flows().definition(&from)?, self.flows().definition(&fork.flow.unwrap_or(from))?);
        change(&mut state, fork.changes, &|name| to.channels.contains_key(name))?;
        rebase(&mut state, &from, &to)?;
        for (name, hash) in self.flows().versions(&to.hash)? {
            state.flows.entry(name).or_insert(hash);
        }
        let new = RunId::new();
        state.run = new;
        self.adopt(new, (run, found.number), to.hash, state, fork.owner)?;
        Ok(new)
    }

    /// The last checkpoint at which the run was not over.
    fn last_open(&self, run: RunId) -> Result<Checkpoint> {
        let mut number = self.view(run)?.number;
        loop {
            let found = self.journal().at(run, number)?;
            if !found.state.status.is_over() || number == 0 {
                return Ok(found);
            }
            number -= 1;
        }
    }

    /// Applies a run's commands again and compares every state with the stored one.
    ///
    /// # Errors
    /// `run_unknown`; `checkpoint_unknown` for a run whose checkpoints were thinned.
    pub fn replay(&self, run: RunId) -> Result<Replay> {
        let mut state = None;
        let mut next = 0;
        loop {
            let page = self.journal().from(run, next, PAGE)?;
            for checkpoint in &page {
                if checkpoint.number != next {
                    self.journal().at(run, next)?;
                }
                next = checkpoint.number + 1;
                let applied = apply(self.flows(), &mut state, &checkpoint.command);
                let differences = match (applied, &state) {
                    (Ok(_), Some(state)) if *state == checkpoint.state => continue,
                    (Ok(_), Some(state)) => differences(&json(&checkpoint.state), &json(state)),
                    (Ok(_), None) => Vec::new(),
                    (Err(error), _) => vec![refused(&error)],
                };
                return Ok(Replay { checkpoints: next, differs_at: Some(checkpoint.number), differences });
            }
            if page.len() < PAGE {
                break;
            }
        }
        if next == 0 {
            self.view(run)?;
        }
        Ok(Replay { checkpoints: next, differs_at: None, differences: Vec::new() })
    }

    /// Where two runs part, and how they ended. A fork is compared from the checkpoint that it came from.
    ///
    /// # Errors
    /// `run_unknown`, and those of the journal.
    pub fn diff(&self, left: RunId, right: RunId) -> Result<Diff> {
        let (left_view, right_view) = (self.view(left)?, self.view(right)?);
        let start = |forked: Option<(RunId, u32)>, other: RunId| {
            forked.filter(|(from, _)| *from == other).map_or(0, |(_, number)| number)
        };
        let mut left_next = start(right_view.row.forked_from, left);
        let mut right_next = start(left_view.row.forked_from, right);
        let mut common = left_next.max(right_next);
        let first = loop {
            let lefts = self.journal().from(left, left_next, PAGE)?;
            let rights = self.journal().from(right, right_next, PAGE)?;
            let parts = lefts.iter().zip(&rights).find_map(|(left, right)| {
                let found = differences(&without_times(&left.state), &without_times(&right.state));
                common += u32::from(found.is_empty());
                (!found.is_empty()).then_some(found)
            });
            match (parts, lefts.last(), rights.last()) {
                (Some(found), _, _) => break found,
                (None, Some(left), Some(right)) if lefts.len() == PAGE && rights.len() == PAGE => {
                    (left_next, right_next) = (left.number + 1, right.number + 1);
                }
                _ => break Vec::new(),
            }
        };
        let last = differences(&without_times(&left_view.state), &without_times(&right_view.state));
        Ok(Diff { common, first, last })
    }

    /// How many runs and how much is stored of them. Reads every row: not for every request.
    ///
    /// # Errors
    /// Those of the store.
    pub fn statistics(&self) -> Result<Statistics> {
        let store = self.journal().store();
        Ok(Statistics { runs: store.run_counts()?.into_iter().collect(), totals: store.checkpoint_totals()? })
    }
}

fn change(state: &mut RunState, changes: Map<String, Value>, is_known: &dyn Fn(&str) -> bool) -> Result<()> {
    let Some(frame) = state.frames.get_mut(&0) else { return Ok(()) };
    for (name, value) in changes {
        if !is_known(&name) {
            let what = format!("the flow has no channel '{name}'; a fork can change channels only");
            return Err(Error::bad_request("flow_fork_unfit", what));
        }
        fits(&value, "a changed channel")?;
        frame.channels.insert(name, value);
    }
    Ok(())
}

fn json(state: &RunState) -> Value {
    serde_json::to_value(state).unwrap_or_default()
}

/// A state without what two runs never have in common.
fn without_times(state: &RunState) -> Value {
    let mut state = json(state);
    let channels: Vec<Value> = state
        .get_mut("frames")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flat_map(|frames| frames.values_mut())
        .filter_map(|frame| frame.get_mut("channels").map(Value::take))
        .collect();
    strip(&mut state);
    let frames = state.get_mut("frames").and_then(Value::as_object_mut).into_iter();
    for (frame, channels) in frames.flat_map(|frames| frames.values_mut()).zip(channels) {
        frame["channels"] = channels;
    }
    state
}

/// Takes the times out of everything but channels, whose names are their author's. States are nested no deeper than
/// values may be, plus a few levels of their own.
fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !TIMES.contains(&name.as_str()));
            fields.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

fn refused(error: &Error) -> Difference {
    Difference { path: String::new(), left: None, right: Some(Value::String(error.message.clone())) }
}

/// Where two values differ, in order, up to a bound.
#[must_use]
pub fn differences(left: &Value, right: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(Some(left), Some(right), &mut String::new(), &mut found);
    found
}

fn compare(left: Option<&Value>, right: Option<&Value>, path: &mut String, found: &mut Vec<Difference>) {
    if left == right || found.len() >= DIFFERENCES_MAX {
        return;
    }
    match (left, right) {
        (Some(Value::Object(left)), Some(Value::Object(right))) => {
            let only_right = right.keys().filter(|name| !left.contains_key(*name));
            for name in left.keys().chain(only_right) {
                below(path, name, |path| compare(left.get(name), right.get(name), path, found));
            }
        }
        (Some(Value::Array(left)), Some(Value::Array(right))) => {
            for at in 0..left.len().max(right.len()) {
                below(path, &at.to_string(), |path| compare(left.get(at), right.get(at), path, found));
            }
        }
        _ => found.push(Difference { path: path.clone(), left: left.cloned(), right: right.cloned() }),
    }
}

fn below(path: &mut String, name: &str, work: impl FnOnce(&mut String)) {
    let length = path.len();
    path.push('/');
    path.push_str(&name.replace('~', "~0").replace('/', "~1"));
    work(path);
    path.truncate(length);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_name_the_place() {
        let left = json!({"a": [1, 2], "b/c": {"d": 1}, "same": 0});
        let right = json!({"a": [1, 3, 4], "b/c": {}, "same": 0});
        let paths: Vec<String> = differences(&left, &right).into_iter().map(|found| found.path).collect();
        assert_eq!(paths, ["/a/1", "/a/2", "/b~1c/d"]);
        assert!(differences(&left, &left).is_empty());
    }
}
