//! Another version of a flow under a state: what a fork with a changed flow needs.

use std::collections::BTreeMap;

use ibid_types::{Error, Result};

use super::{Activity, Frame, RunState, channels};
use crate::definition::Definition;

/// Moves every frame of one version of a flow to another: nodes by name, channels by name, new channels with their
/// defaults. Errors: `flow_fork_unfit` if an active node is gone or a channel has another type; nothing changes then.
pub fn rebase(state: &mut RunState, from: &Definition, to: &Definition) -> Result<()> {
    let mut frames = state.frames.clone();
    for frame in frames.values_mut().filter(|frame| frame.flow == from.hash) {
        move_nodes(frame, from, to)?;
        move_channels(frame, to)?;
        frame.flow = to.hash;
    }
    for frame in frames.values_mut() {
        move_parent(frame, state, from, to)?;
    }
    state.frames = frames;
    for hash in state.flows.values_mut().filter(|hash| **hash == from.hash) {
        *hash = to.hash;
    }
    Ok(())
}

fn move_nodes(frame: &mut Frame, from: &Definition, to: &Definition) -> Result<()> {
    let mut active = BTreeMap::new();
    for (index, mut activity) in std::mem::take(&mut frame.active) {
        let index = new_index(index, from, to)?;
        if let Activity::Performing { effect } | Activity::Abandoned { effect } = &mut activity {
            effect.node = index;
        }
        if let Activity::Gave { effect: Some(effect), .. } = &mut activity {
            effect.node = index;
        }
        active.insert(index, activity);
    }
    frame.active = active;
    frame.visits = moved(std::mem::take(&mut frame.visits), from, to);
    frame.spent = moved(std::mem::take(&mut frame.spent), from, to);
    Ok(())
}

/// What is counted of nodes, without those that are gone.
fn moved<T>(counts: BTreeMap<usize, T>, from: &Definition, to: &Definition) -> BTreeMap<usize, T> {
    let counts = counts.into_iter();
    counts.filter_map(|(node, count)| Some((new_index(node, from, to).ok()?, count))).collect()
}

fn move_channels(frame: &mut Frame, to: &Definition) -> Result<()> {
    frame.channels.retain(|name, _| to.channels.contains_key(name));
    for (name, channel) in &to.channels {
        let value = frame.channels.entry(name.clone()).or_insert_with(|| channel.default.clone());
        channels::check_kind(channel, value)
            .map_err(|wanted| unfit(&format!("channel '{name}' must be {wanted}")))?;
    }
    Ok(())
}

fn move_parent(frame: &mut Frame, before: &RunState, from: &Definition, to: &Definition) -> Result<()> {
    if let Some(parent) = &mut frame.parent
        && before.frames.get(&parent.frame).is_some_and(|frame| frame.flow == from.hash)
    {
        parent.node = new_index(parent.node, from, to)?;
    }
    Ok(())
}

fn new_index(index: usize, from: &Definition, to: &Definition) -> Result<usize> {
    let name = from.nodes.get(index).map_or("", |node| node.name.as_str());
    let found = to.nodes.iter().position(|node| node.name == name);
    found.ok_or_else(|| unfit(&format!("node '{name}' was at work and is not in the new version")))
}

fn unfit(problem: &str) -> Error {
    let message =
        format!("the new version of the flow does not fit this checkpoint: {problem}; fork from another one");
    Error::bad_request("flow_fork_unfit", message)
}
