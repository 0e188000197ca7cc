//! How runs end other than well: failed or cancelled, after what was done has been undone; and how a failed one is
//! taken up again.
//!
//! Keeps true: compensations run one at a time, newest first, and only when every effect that could still owe one has
//! ended. A run that has undone something is never taken up again.

use ibid_types::{Class, Error, Result};

use super::apply::Machine;
use super::{Action, Activity, Effect, Fault, FrameId, Outcome, Status, Undoing};

impl Machine<'_> {
    /// The run has failed, past every `on_error`.
    pub fn end_with(&mut self, fault: Fault) {
        if self.is_live() {
            self.begin_end(Outcome::Fault(fault));
        }
    }

    pub fn cancel(&mut self, reason: &str) -> Result<()> {
        match self.state.status {
            Status::Undoing => self.ignore(),
            status if status.is_over() => return Err(self.over()),
            _ => self.begin_end(Outcome::Cancelled { reason: reason.to_owned() }),
        }
        Ok(())
    }

    /// Effects whose node can be undone are waited for, since they may owe a compensation; others are abandoned.
    fn begin_end(&mut self, outcome: Outcome) {
        self.state.ending = Some(outcome);
        self.state.status = Status::Undoing;
        self.state.waiting_since = None;
        for (frame, node, effect) in self.performing() {
            let is_new = self.is_handed_out_now(effect.id);
            let may_owe = self.node(frame, node).is_some_and(|node| node.compensate.is_some());
            if is_new || !may_owe {
                self.abandon(effect.id);
                self.set_activity(frame, node, Activity::Abandoned { effect });
            }
        }
    }

    fn performing(&self) -> Vec<(FrameId, usize, Effect)> {
        let mut performing = Vec::new();
        for (id, frame) in &self.state.frames {
            for (node, activity) in &frame.active {
                if let Activity::Performing { effect } = activity {
                    performing.push((*id, *node, effect.clone()));
                }
            }
        }
        performing
    }

    /// Whether an effect was first asked for by this very command, so that nobody has begun it.
    fn is_handed_out_now(&self, effect: u32) -> bool {
        let asks =
            |action: &Action| matches!(action, Action::Perform(new) if new.id == effect && new.attempt == 1);
        self.applied.actions.iter().any(asks)
    }

    /// The next compensation, or the end.
    pub fn undo_next(&mut self) {
        if self.state.pending().next().is_some() {
            return;
        }
        let Some(undo) = self.state.undo.pop() else { return self.end() };
        let effect = Effect {
            id: self.next_id(),
            frame: undo.frame,
            node: undo.node,
            name: undo.name,
            kind: undo.kind,
            input: undo.input,
            attempt: 1,
            pardoned: 0,
            not_before: self.at,
            timeout_seconds: None,
            compensates: true,
        };
        self.applied.actions.push(Action::Perform(effect.clone()));
        self.state.undoing = Some(Undoing { effect, retry: undo.retry });
    }

    fn end(&mut self) {
        self.state.outcome = self.state.ending.take();
        self.state.status = match self.state.outcome {
            Some(Outcome::Cancelled { .. }) => Status::Cancelled,
            _ => Status::Failed,
        };
    }

    /// The others are undone nevertheless; the run has failed with both reasons.
    pub fn compensation_failed(&mut self, effect: &Effect, fault: &Fault) {
        let first = match self.state.ending.take() {
            Some(Outcome::Fault(fault)) => fault.message,
            Some(Outcome::Cancelled { reason }) => format!("cancelled: {reason}"),
            _ => format!("node '{}' was interrupted", effect.name),
        };
        let message = format!("{first}; then '{}' could not be undone: {}", effect.name, fault.message);
        let both = Fault {
            class: Class::Internal,
            code: "flow_compensation_failed".to_owned(),
            message,
            is_passing: false,
        };
        if self.is_live() {
            self.end_with(both);
        } else {
            self.state.ending = Some(Outcome::Fault(both));
        }
    }

    /// Nodes that gave up are tried anew, abandoned effects too, both under their old keys; time begins anew.
    pub fn resume(&mut self) -> Result<()> {
        let run = self.state.run;
        if self.state.status != Status::Failed {
            let message =
                format!("run {run} is {}; only a failed run can be resumed", self.state.status.name());
            return Err(Error::conflict("flow_run_not_failed", message));
        }
        if self.state.undone > 0 {
            let message = format!("run {run} has undone what it did; fork it from an earlier checkpoint");
            return Err(Error::conflict("flow_run_undone", message));
        }
        self.state.status = Status::Running;
        self.state.outcome = None;
        self.restart_clock();
        for (frame, node) in self.given_up() {
            self.take_up(frame, node);
        }
        Ok(())
    }

    fn given_up(&self) -> Vec<(FrameId, usize)> {
        let mut given_up = Vec::new();
        for (id, frame) in &self.state.frames {
            for (node, activity) in &frame.active {
                let has_way_on = self.node(*id, *node).is_some_and(|node| node.on_error.is_some());
                match activity {
                    Activity::Abandoned { .. } => given_up.push((*id, *node)),
                    Activity::Gave { .. } if !has_way_on => given_up.push((*id, *node)),
                    _ => {}
                }
            }
        }
        given_up
    }

    fn take_up(&mut self, frame: FrameId, node: usize) {
        let effect = match self.activity(frame, node) {
            Some(Activity::Abandoned { effect }) => effect.clone(),
            Some(Activity::Gave { effect: Some(effect), .. }) => effect.as_ref().clone(),
            _ => return self.make_ready(frame, node),
        };
        let (attempt, pardoned) = (effect.attempt + 1, effect.attempt);
        self.perform(Effect { attempt, pardoned, not_before: self.at, ..effect });
    }

    /// As if it had never begun: the execution that failed does not count.
    fn make_ready(&mut self, id: FrameId, node: usize) {
        self.set_activity(id, node, Activity::Ready);
        self.state.spent.steps = self.state.spent.steps.saturating_sub(1);
        if let Some(visits) = self.state.frames.get_mut(&id).and_then(|frame| frame.visits.get_mut(&node)) {
            *visits = visits.saturating_sub(1);
        }
    }

    /// What was pending in the state of another run is this run's own now, and begun by nobody.
    pub fn perform_anew(&mut self) {
        let own = |effect: Effect, at| Effect { attempt: 1, pardoned: 0, not_before: at, ..effect };
        for (_, _, effect) in self.performing() {
            self.perform(own(effect, self.at));
        }
        if let Some(undoing) = &mut self.state.undoing {
            undoing.effect = own(undoing.effect.clone(), self.at);
            self.applied.actions.push(Action::Perform(undoing.effect.clone()));
        }
    }
}
