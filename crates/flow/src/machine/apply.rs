//! `apply`: one command, the state after it, and what is to be done next.
//!
//! How many commands a run takes, and so how many checkpoints it has: one for its start, one for each result of an
//! effect, timer or person, and one `Continue` for each superstep that consists of `set` nodes alone. What ends a
//! superstep also begins the next, so the result of a node and the intent of the node after it are one checkpoint.
//!
//! Keeps true: a command that is refused (`Err`) or is of no consequence (`is_ignored`) changes nothing.

use std::sync::Arc;

use ibid_types::{Error, Result, Timestamp};
use serde_json::Value;

use super::{Action, Activity, Command, FrameId, RunState, Status};
use crate::definition::{Definition, FlowHash, Node};

/// Where flows come from. Reading one must give the same each time: a hash names one text.
pub trait Definitions {
    /// The flow of that hash. Errors: `flow_unknown`.
    fn definition(&self, hash: &FlowHash) -> Result<Arc<Definition>>;

    /// Whether a person's answer fits the JSON Schema of the question. Errors: `flow_answer_invalid`.
    fn check_answer(&self, schema: &Value, answer: &Value) -> Result<()> {
        super::check_answer(schema, answer)
    }
}

/// What a command did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Applied {
    /// To be taken up after the command and the state are in the journal, in this order.
    pub actions: Vec<Action>,
    /// Names of the nodes that ended, in that order: what to call the checkpoint.
    pub ended: Vec<String>,
    /// The command came too late or too early to mean anything: the state is as before, and nothing need be written.
    pub is_ignored: bool,
}

/// Applies one command to a run, which is `None` before its first. Errors leave the state as it was.
///
/// Errors: `flow_run_not_started`, `flow_run_started`, `flow_run_over`, `flow_run_not_failed`, `flow_run_undone`,
/// `flow_interrupt_unknown`, `flow_answer_late`, `flow_answer_invalid`, `flow_input_invalid`,
/// `flow_state_broken`, and those of `definitions`. What goes wrong inside a run is no error: it is its `Outcome`.
pub fn apply(
    definitions: &dyn Definitions,
    state: &mut Option<RunState>,
    command: &Command,
) -> Result<Applied> {
    let is_first = matches!(command, Command::Start { .. } | Command::Adopt { .. });
    match state {
        Some(state) if !is_first => advance(definitions, state, command),
        Some(state) => {
            Err(Error::conflict("flow_run_started", format!("run {} has been started already", state.run)))
        }
        None if is_first => {
            let (begun, applied) = super::start::first(definitions, command)?;
            *state = Some(begun);
            Ok(applied)
        }
        None => Err(Error::not_found("flow_run_not_started", "the run has not been started; start it first")),
    }
}

fn advance(definitions: &dyn Definitions, state: &mut RunState, command: &Command) -> Result<Applied> {
    let flows = Flows::load(definitions, state)?;
    let mut machine = Machine::new(&flows, state, command.at());
    match command {
        Command::Start { .. } | Command::Adopt { .. } => {}
        Command::Continue { .. } => machine.go_on(),
        Command::Performed { .. } => machine.performed(command),
        Command::Failed { effect, fault, .. } => machine.failed(*effect, fault),
        Command::Interrupted { effect, .. } => machine.interrupted(*effect),
        Command::Passed { .. } => machine.passed(),
        Command::Answer { interrupt, value, .. } => machine.answer(definitions, *interrupt, value)?,
        Command::Cancel { reason, .. } => machine.cancel(reason)?,
        Command::Resume { .. } => machine.resume()?,
    }
    Ok(machine.close())
}

/// The definitions that one run needs.
#[derive(Debug)]
pub(super) struct Flows(Vec<(FlowHash, Arc<Definition>)>);

impl Flows {
    /// Before anything is changed: whether every flow is there and every index in the state means something.
    pub fn load(definitions: &dyn Definitions, state: &RunState) -> Result<Self> {
        let mut flows = Self(Vec::with_capacity(1 + state.flows.len()));
        let hashes = state.frames.values().map(|frame| &frame.flow).chain(state.flows.values());
        for hash in hashes {
            if flows.find(hash).is_none() {
                flows.0.push((*hash, definitions.definition(hash)?));
            }
        }
        flows.check(state)?;
        Ok(flows)
    }

    pub fn find(&self, hash: &FlowHash) -> Option<&Definition> {
        self.0.iter().find(|(known, _)| known == hash).map(|(_, definition)| definition.as_ref())
    }

    fn check(&self, state: &RunState) -> Result<()> {
        for (id, frame) in &state.frames {
            let nodes = self.find(&frame.flow).map_or(0, |flow| flow.nodes.len());
            let is_known = frame.active.keys().all(|node| *node < nodes);
            let has_parent = frame.parent.is_none_or(|parent| state.frames.contains_key(&parent.frame));
            if !is_known || !has_parent || frame.parent.is_none() != (*id == ROOT) {
                let message = format!(
                    "frame {id} of run {} does not fit its flow; fork from another checkpoint",
                    state.run
                );
                return Err(Error::internal("flow_state_broken", message));
            }
        }
        if state.frames.contains_key(&ROOT) {
            return Ok(());
        }
        Err(Error::internal("flow_state_broken", format!("run {} has no first frame", state.run)))
    }
}

/// The frame of the run itself.
pub(super) const ROOT: FrameId = 0;

/// A state at work.
#[derive(Debug)]
pub(super) struct Machine<'a> {
    pub flows: &'a Flows,
    pub state: &'a mut RunState,
    pub at: Timestamp,
    pub applied: Applied,
}

impl<'a> Machine<'a> {
    pub fn new(flows: &'a Flows, state: &'a mut RunState, at: Timestamp) -> Self {
        Self { flows, state, at, applied: Applied::default() }
    }

    pub fn is_live(&self) -> bool {
        matches!(self.state.status, Status::Running | Status::Waiting)
    }

    pub fn ignore(&mut self) {
        self.applied.is_ignored = true;
    }

    pub fn definition(&self, frame: FrameId) -> Option<&'a Definition> {
        self.flows.find(&self.state.frames.get(&frame)?.flow)
    }

    pub fn node(&self, frame: FrameId, node: usize) -> Option<&'a Node> {
        self.definition(frame)?.nodes.get(node)
    }

    pub fn activity(&mut self, frame: FrameId, node: usize) -> Option<&mut Activity> {
        self.state.frames.get_mut(&frame)?.active.get_mut(&node)
    }

    pub fn set_activity(&mut self, frame: FrameId, node: usize, activity: Activity) {
        if let Some(slot) = self.activity(frame, node) {
            *slot = activity;
        }
    }

    pub fn next_id(&mut self) -> u32 {
        let id = self.state.next_id;
        self.state.next_id = id.saturating_add(1);
        id
    }

    /// Waiting takes no time: what has passed since is added to the deadline.
    pub fn wake(&mut self) {
        if let Some(since) = self.state.waiting_since.take() {
            let waited_ms = self.at.0.saturating_sub(since.0).max(0);
            self.state.deadline = self.state.deadline.plus_ms(waited_ms);
        }
    }

    /// The status that follows from the state, and the actions that follow from the status.
    pub fn close(mut self) -> Applied {
        if self.applied.is_ignored {
            return self.applied;
        }
        if self.state.status == Status::Undoing {
            self.undo_next();
        }
        if self.is_live() {
            self.rest();
        }
        if self.state.status.is_over() {
            self.applied.actions.push(Action::Finish);
        }
        self.applied
    }

    fn rest(&mut self) {
        let can_go_on = self.state.frames.values().any(super::superstep::can_go_on);
        let is_busy = can_go_on || self.state.pending().next().is_some();
        self.state.status = if is_busy { Status::Running } else { Status::Waiting };
        self.state.waiting_since = (!is_busy).then_some(self.at);
        if can_go_on {
            self.applied.actions.push(Action::Continue);
        } else if let Some(time) = self.state.timers().min() {
            self.applied.actions.push(Action::WakeAt(time));
        }
    }
}
