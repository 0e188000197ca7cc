//! Frames of sub-flows: entered by a `flow` node once and by a `map` node for each item, left with an output.
//!
//! Keeps true: at most `concurrency` items of a map are at work; results are in the order of the items; frames are
//! nested at most `DEPTH_MAX` deep.

use ibid_types::{Error, Result};
use serde_json::{Map, Value};

use super::apply::{Flows, Machine};
use super::{Action, Activity, Fault, FrameId, Outcome, Parent, start};
use crate::definition::{Node, NodeBody};
use crate::expression::{self, Scope};

/// Flows within flows.
const DEPTH_MAX: usize = 16;

impl Machine<'_> {
    /// Begins the first items of a map, or the one frame of a sub-flow.
    pub fn enter(
        &mut self,
        frame: FrameId,
        index: usize,
        queued: Vec<(usize, Value)>,
        shared: Map<String, Value>,
        concurrency: u32,
    ) -> Result<()> {
        if self.depth(frame) >= DEPTH_MAX {
            let message =
                format!("flows are nested more than {DEPTH_MAX} deep; one may call itself without end");
            return Err(Error::bad_request("flow_too_deep", message));
        }
        let first = queued.len().min(concurrency.max(1) as usize);
        let inside = Activity::Inside { queued, shared, running: Vec::new(), results: Default::default() };
        self.set_activity(frame, index, inside);
        for _ in 0..first {
            self.enter_next(frame, index);
        }
        self.leave_if_done(frame, index);
        Ok(())
    }

    /// Begins the next item, if one is left and nothing has ended the node meanwhile. Gives the frame to settle.
    fn enter_next(&mut self, frame: FrameId, index: usize) -> Option<FrameId> {
        if !self.is_live() {
            return None;
        }
        let node = self.node(frame, index)?;
        let Some(Activity::Inside { queued, shared, .. }) = self.activity(frame, index) else { return None };
        if queued.is_empty() {
            return None;
        }
        let (item, value) = queued.remove(0);
        let mut input = shared.clone();
        if let NodeBody::Map(map) = &node.body {
            input.insert(map.item.clone(), value);
        }
        match self.open(Parent { frame, node: index, item }, node, input) {
            Ok(child) => {
                self.begin_unless_pure(child);
                None
            }
            Err(error) => self.give_up(frame, index, Fault::new(&error), None),
        }
    }

    fn open(&mut self, parent: Parent, node: &Node, input: Map<String, Value>) -> Result<FrameId> {
        let name = match &node.body {
            NodeBody::Map(map) => &map.flow,
            NodeBody::Flow { flow, .. } => flow,
            _ => &node.name,
        };
        let flows: &Flows = self.flows;
        let flow = self.state.flows.get(name).and_then(|hash| flows.find(hash)).ok_or_else(|| {
            Error::not_found("flow_unknown", format!("there is no flow '{name}' in this run; start it anew"))
        })?;
        let channels = start::check_input(flow, &Value::Object(input))?;
        let id = self.state.next_frame;
        self.state.next_frame = id.saturating_add(1);
        let mut frame = start::frame(flow, channels);
        frame.parent = Some(parent);
        self.state.frames.insert(id, frame);
        if let Some(Activity::Inside { running, .. }) = self.activity(parent.frame, parent.node) {
            running.push(id);
        }
        Ok(id)
    }

    fn depth(&self, frame: FrameId) -> usize {
        let parent = |frame: &FrameId| Some(self.state.frames.get(frame)?.parent?.frame);
        std::iter::successors(Some(frame), parent).take(DEPTH_MAX + 1).count()
    }

    /// A frame has come to its end: the run has, or the node that waits for it hears of it. Gives the frame to settle.
    pub fn finish_frame(&mut self, id: FrameId) -> Option<FrameId> {
        let flow = self.definition(id)?;
        let frame = self.state.frames.get(&id)?;
        let output = match &flow.output {
            Some(template) => expression::render(template, &Scope::new(&frame.channels)),
            None => Ok(Value::Object(frame.channels.clone())),
        };
        match (output, frame.parent) {
            (Ok(output), Some(parent)) => self.deliver(id, parent, output),
            (Ok(output), None) => {
                self.finish_run(id, output);
                None
            }
            (Err(error), _) => self.fail_frame(id, Fault::new(&error)),
        }
    }

    fn finish_run(&mut self, root: FrameId, output: Value) {
        if let Some(frame) = self.state.frames.get_mut(&root) {
            frame.active.clear();
        }
        self.state.undo.clear();
        self.state.status = super::Status::Finished;
        self.state.outcome = Some(Outcome::Output(output));
    }

    fn deliver(&mut self, child: FrameId, parent: Parent, output: Value) -> Option<FrameId> {
        self.state.frames.remove(&child);
        let Some(Activity::Inside { running, results, .. }) = self.activity(parent.frame, parent.node) else {
            return None;
        };
        running.retain(|running| *running != child);
        results.insert(parent.item, output);
        let failed = self.enter_next(parent.frame, parent.node);
        failed.or_else(|| self.leave_if_done(parent.frame, parent.node))
    }

    /// Ends a node whose items are all done. Gives the frame to settle.
    fn leave_if_done(&mut self, frame: FrameId, index: usize) -> Option<FrameId> {
        let node = self.node(frame, index)?;
        let Some(Activity::Inside { queued, running, results, .. }) = self.activity(frame, index) else {
            return None;
        };
        if !queued.is_empty() || !running.is_empty() {
            return None;
        }
        let results = std::mem::take(results).into_values();
        let output = match &node.body {
            NodeBody::Flow { .. } => results.last().unwrap_or_default(),
            _ => Value::Array(results.collect()),
        };
        self.finish(frame, index, output)
    }

    /// A node cannot be done. It goes where `on_error` says; else its frame fails. Gives the frame to settle.
    pub fn give_up(
        &mut self,
        frame: FrameId,
        index: usize,
        fault: Fault,
        effect: Option<Box<super::Effect>>,
    ) -> Option<FrameId> {
        let node = self.node(frame, index)?;
        self.drop_inside(frame, index);
        self.applied.ended.push(node.name.clone());
        self.set_activity(frame, index, Activity::Gave { fault: fault.clone(), effect });
        match node.on_error {
            Some(_) => Some(frame),
            None => self.fail_frame(frame, fault),
        }
    }

    /// What a frame cannot get over, the node that waits for it may; else the run has failed.
    pub fn fail_frame(&mut self, frame: FrameId, fault: Fault) -> Option<FrameId> {
        let mut next = self.state.frames.get(&frame)?.parent;
        while let Some(parent) = next {
            if self.node(parent.frame, parent.node)?.on_error.is_some() {
                return self.give_up(parent.frame, parent.node, fault, None);
            }
            next = self.state.frames.get(&parent.frame)?.parent;
        }
        self.end_with(fault);
        None
    }

    /// Forgets the frames inside a node, and abandons their effects.
    fn drop_inside(&mut self, frame: FrameId, index: usize) {
        let mut unseen = self.running_inside(frame, index);
        while let Some(child) = unseen.pop() {
            let Some(frame) = self.state.frames.remove(&child) else { continue };
            for activity in frame.active.into_values() {
                match activity {
                    Activity::Performing { effect } => self.abandon(effect.id),
                    Activity::Inside { running, .. } => unseen.extend(running),
                    _ => {}
                }
            }
        }
    }

    fn running_inside(&mut self, frame: FrameId, index: usize) -> Vec<FrameId> {
        match self.activity(frame, index) {
            Some(Activity::Inside { running, .. }) => std::mem::take(running),
            _ => Vec::new(),
        }
    }

    /// Nobody waits for an effect any more. One that was never handed out is not mentioned at all.
    pub fn abandon(&mut self, effect: u32) {
        let is_new = |action: &Action| matches!(action, Action::Perform(new) if new.id == effect);
        let before = self.applied.actions.len();
        self.applied.actions.retain(|action| !is_new(action));
        if self.applied.actions.len() == before {
            self.applied.actions.push(Action::Abandon(effect));
        }
    }
}
