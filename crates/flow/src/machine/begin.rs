//! Beginning a node: what each kind of body becomes when its turn has come.

use ibid_types::{Error, Result, Timestamp};
use serde_json::{Map, Value};

use super::apply::Machine;
use super::{Action, Activity, Effect, Fault, FrameId, Interrupt, channels};
use crate::definition::{Human, MapOver, Node, NodeBody};
use crate::expression::{self, Scope};

/// Longest list that a map goes over.
const ITEMS_MAX: usize = 10_000;
/// Longest timer: ten years.
const SECONDS_MAX: f64 = 315_360_000.0;

impl Machine<'_> {
    /// Begins a ready node: at the end it is settled, or something is under way.
    pub fn begin(&mut self, frame: FrameId, index: usize) {
        let Some(node) = self.node(frame, index) else { return };
        if let Err(fault) = self.count_step(frame, index) {
            self.end_with(fault);
            return;
        }
        if let Err(fault) = self.check_node(frame, index) {
            self.give_up(frame, index, fault, None);
            return;
        }
        let begun = match &node.body {
            NodeBody::Effect { kind, with } => self.begin_effect(frame, index, node, kind, with),
            NodeBody::Set { with } => self.begin_set(frame, index, node, with),
            NodeBody::Wait { seconds } => self.begin_wait(frame, index, seconds),
            NodeBody::Human(human) => self.begin_question(frame, index, human),
            NodeBody::Map(map) => self.begin_map(frame, index, map),
            NodeBody::Flow { flow, with } => self.begin_flow(frame, index, flow, with),
        };
        if let Err(error) = begun {
            self.give_up(frame, index, Fault::new(&error), None);
        }
    }

    fn begin_effect(
        &mut self,
        frame: FrameId,
        index: usize,
        node: &Node,
        kind: &str,
        with: &Value,
    ) -> Result<()> {
        let input = self.render(frame, with)?;
        let effect = Effect {
            id: self.next_id(),
            frame,
            node: index,
            name: node.name.clone(),
            kind: kind.to_owned(),
            input,
            attempt: 1,
            pardoned: 0,
            not_before: self.at,
            timeout_seconds: node.timeout_seconds,
            compensates: false,
        };
        self.perform(effect);
        Ok(())
    }

    /// Has the effect of a node performed.
    pub fn perform(&mut self, effect: Effect) {
        self.applied.actions.push(Action::Perform(effect.clone()));
        self.set_activity(effect.frame, effect.node, Activity::Performing { effect });
    }

    fn begin_set(
        &mut self,
        frame: FrameId,
        index: usize,
        node: &Node,
        with: &std::collections::BTreeMap<String, Value>,
    ) -> Result<()> {
        let mut writes = Map::new();
        for (channel, template) in with {
            writes.insert(channel.clone(), self.render(frame, template)?);
        }
        if let Some(flow) = self.definition(frame) {
            channels::check(flow, node, &writes)?;
        }
        self.applied.ended.push(node.name.clone());
        self.set_activity(frame, index, Activity::Done { output: Value::Object(writes) });
        Ok(())
    }

    fn begin_wait(&mut self, frame: FrameId, index: usize, seconds: &Value) -> Result<()> {
        let until = self.after(frame, seconds)?;
        let id = self.next_id();
        self.set_activity(frame, index, Activity::Sleeping { id, until });
        Ok(())
    }

    fn begin_question(&mut self, frame: FrameId, index: usize, human: &Human) -> Result<()> {
        let prompt = match self.render(frame, &human.prompt)? {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let expires_at =
            human.expires_seconds.as_ref().map(|seconds| self.after(frame, seconds)).transpose()?;
        let id = self.next_id();
        let question = Interrupt { id, prompt, schema: human.schema.clone(), asked_at: self.at, expires_at };
        self.set_activity(frame, index, Activity::Asking(question));
        Ok(())
    }

    fn begin_map(&mut self, frame: FrameId, index: usize, map: &MapOver) -> Result<()> {
        let Value::Array(items) = self.render(frame, &map.over)? else {
            return Err(Error::bad_request("flow_map_over", "`over` of a map must give a list"));
        };
        if items.len() > ITEMS_MAX {
            let message = format!("`over` gave {} items; a map takes {ITEMS_MAX}", items.len());
            return Err(Error::bad_request("flow_map_over", message));
        }
        let shared = self.render_object(frame, &map.with)?;
        let queued = items.into_iter().enumerate().collect();
        self.enter(frame, index, queued, shared, map.concurrency)
    }

    fn begin_flow(&mut self, frame: FrameId, index: usize, _flow: &str, with: &Value) -> Result<()> {
        let shared = self.render_object(frame, with)?;
        self.enter(frame, index, vec![(0, Value::Null)], shared, 1)
    }

    fn render(&self, frame: FrameId, template: &Value) -> Result<Value> {
        match self.state.frames.get(&frame) {
            Some(frame) => expression::render(template, &Scope::new(&frame.channels)),
            None => Ok(Value::Null),
        }
    }

    fn render_object(&self, frame: FrameId, template: &Value) -> Result<Map<String, Value>> {
        match self.render(frame, template)? {
            Value::Object(fields) => Ok(fields),
            Value::Null => Ok(Map::new()),
            _ => Err(Error::bad_request("flow_input_invalid", "`with` of a sub-flow must give an object")),
        }
    }

    /// The time so many seconds from now.
    fn after(&self, frame: FrameId, seconds: &Value) -> Result<Timestamp> {
        let rendered = self.render(frame, seconds)?;
        match rendered.as_f64() {
            Some(seconds) if (0.0..=SECONDS_MAX).contains(&seconds) => {
                Ok(self.at.plus_ms(milliseconds(seconds)))
            }
            _ => Err(Error::bad_request(
                "flow_seconds_invalid",
                format!("seconds must be a number from 0 to {SECONDS_MAX}; they are {rendered}"),
            )),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a cast from a float saturates")]
pub(super) fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1000.0).ceil() as i64
}
