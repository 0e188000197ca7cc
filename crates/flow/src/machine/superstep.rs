//! Supersteps: all active nodes of a frame run; when all have settled their writes are applied in the order of the
//! file, and then the next nodes of all become active, each once. So the result does not depend on who is first.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::apply::Machine;
use super::{Activity, Fault, Frame, FrameId, channels};
use crate::definition::{ChannelType, Definition, Next, Node, NodeBody};
use crate::expression::{self, Scope};

/// Whether a frame has something to do that needs nothing from outside.
pub(super) fn can_go_on(frame: &Frame) -> bool {
    has_ready(frame) || is_settled(frame)
}

fn has_ready(frame: &Frame) -> bool {
    frame.active.values().any(|activity| *activity == Activity::Ready)
}

fn is_settled(frame: &Frame) -> bool {
    frame.active.values().all(Activity::is_settled)
}

impl Machine<'_> {
    /// One superstep further in each frame that can.
    pub fn go_on(&mut self) {
        let able = |(id, frame): (&FrameId, &Frame)| can_go_on(frame).then_some(*id);
        let frames: Vec<FrameId> = self.state.frames.iter().filter_map(able).collect();
        if frames.is_empty() || !self.is_live() {
            self.ignore();
            return;
        }
        self.wake();
        for frame in frames {
            self.begin_ready(frame);
            self.settle(Some(frame));
        }
    }

    pub fn begin_ready(&mut self, frame: FrameId) {
        let Some(found) = self.state.frames.get(&frame) else { return };
        let nodes: Vec<usize> = found
            .active
            .iter()
            .filter(|(_, activity)| **activity == Activity::Ready)
            .map(|(node, _)| *node)
            .collect();
        for node in nodes {
            if self.is_live() && self.activity(frame, node).is_some() {
                self.begin(frame, node);
            }
        }
    }

    /// Begins a superstep at once, unless it consists of `set` alone: that one is a checkpoint of its own.
    pub fn begin_unless_pure(&mut self, frame: FrameId) {
        let (Some(found), Some(flow)) = (self.state.frames.get(&frame), self.definition(frame)) else {
            return;
        };
        let is_set =
            |node: &usize| matches!(flow.nodes.get(*node).map(|node| &node.body), Some(NodeBody::Set { .. }));
        if !found.active.keys().all(is_set) {
            self.begin_ready(frame);
        }
    }

    /// Ends the superstep of a frame if all its nodes have settled, and so on up to where something is left to do.
    pub fn settle(&mut self, frame: Option<FrameId>) {
        let mut next = frame;
        while let Some(frame) = next {
            let is_over = self.state.frames.get(&frame).is_some_and(is_settled);
            next = if is_over && self.is_live() { self.end_superstep(frame) } else { None };
        }
    }

    /// Gives the frame that may be settled by that.
    fn end_superstep(&mut self, id: FrameId) -> Option<FrameId> {
        let flow = self.definition(id)?;
        let frame = self.state.frames.get_mut(&id)?;
        reduce(flow, frame);
        match targets(flow, frame) {
            Ok(targets) if targets.is_empty() => self.finish_frame(id),
            Ok(targets) => {
                frame.active = targets.into_iter().map(|node| (node, Activity::Ready)).collect();
                self.begin_unless_pure(id);
                None
            }
            Err(fault) => self.fail_frame(id, fault),
        }
    }

    /// A node has given this; what it writes waits for the end of the superstep. Gives the frame to settle.
    pub fn finish(&mut self, id: FrameId, index: usize, output: Value) -> Option<FrameId> {
        let (flow, node) = (self.definition(id)?, self.node(id, index)?);
        if let Err(fault) = self.owe_undo(id, index, node, &output) {
            return self.give_up(id, index, fault, None);
        }
        let frame = self.state.frames.get(&id)?;
        match channels::writes(flow, node, &frame.channels, output) {
            Ok(writes) => {
                self.applied.ended.push(node.name.clone());
                self.set_activity(id, index, Activity::Done { output: Value::Object(writes) });
                Some(id)
            }
            Err(error) => self.give_up(id, index, Fault::new(&error), None),
        }
    }
}

fn reduce(flow: &Definition, frame: &mut Frame) {
    for (index, activity) in &mut frame.active {
        match activity {
            Activity::Done { output } => {
                let output = std::mem::take(output);
                *activity = Activity::Applied;
                write(flow, &mut frame.channels, output);
            }
            Activity::Gave { fault, .. } => {
                let name = flow.nodes.get(*index).map_or("", |node| node.name.as_str());
                tell_error(flow, &mut frame.channels, name, fault);
            }
            _ => {}
        }
    }
}

fn write(flow: &Definition, channels: &mut Map<String, Value>, writes: Value) {
    let Value::Object(writes) = writes else { return };
    for (name, value) in writes {
        if let Some(channel) = flow.channels.get(&name) {
            channels::reduce(channels.entry(name).or_insert(Value::Null), channel.reducer, value);
        }
    }
}

/// The channel `error`, if there is one that can hold it: text gets the message, others all that is known.
fn tell_error(flow: &Definition, channels: &mut Map<String, Value>, node: &str, fault: &Fault) {
    let Some(channel) = flow.channels.get("error") else { return };
    let value = match channel.kind {
        ChannelType::Text => Value::from(fault.message.as_str()),
        _ => serde_json::json!({
            "node": node, "code": fault.code, "class": fault.class, "message": fault.message,
        }),
    };
    if channels::check_write(channel, &value).is_ok() {
        channels::reduce(channels.entry("error").or_insert(Value::Null), channel.reducer, value);
    }
}

/// The nodes of the next superstep, in the order of the file.
fn targets(flow: &Definition, frame: &Frame) -> Result<BTreeSet<usize>, Fault> {
    let mut targets = BTreeSet::new();
    for (index, activity) in &frame.active {
        let Some(node) = flow.nodes.get(*index) else { continue };
        match activity {
            Activity::Gave { .. } => targets.extend(node.on_error),
            Activity::Expired => targets.extend(on_expiry(node)),
            _ => follow(node, &frame.channels, &mut targets)?,
        }
    }
    Ok(targets)
}

fn follow(node: &Node, channels: &Map<String, Value>, targets: &mut BTreeSet<usize>) -> Result<(), Fault> {
    match &node.next {
        Next::End => {}
        Next::All(all) => targets.extend(all),
        Next::First(edges) => {
            for edge in edges {
                let holds = match &edge.condition {
                    Some(condition) => expression::condition(condition, &Scope::new(channels)),
                    None => Ok(true),
                };
                if holds.map_err(|error| Fault::new(&error))? {
                    targets.extend(edge.to);
                    break;
                }
            }
        }
    }
    Ok(())
}

pub(super) fn on_expiry(node: &Node) -> Option<usize> {
    match &node.body {
        NodeBody::Human(human) => human.on_expiry,
        _ => None,
    }
}
