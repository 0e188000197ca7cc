//! Results of effects: done, failed, or begun by somebody who is gone.
//!
//! Keeps true: a result that nobody waits for is ignored, so each effect ends once; a retry keeps the effect's key.

use ibid_types::Class;
use serde_json::Value;

use super::apply::Machine;
use super::begin::milliseconds;
use super::limits::Overspent;
use super::{Action, Activity, Command, Effect, Fault, FrameId, NodeSpent, Status, Undo};
use crate::definition::{Node, OnInterrupt, Retry};
use crate::expression::{self, Scope};

/// An effect that was interrupted this often is taken to end its process, and not begun again.
const INTERRUPTED_MAX: u32 = 32;

impl Machine<'_> {
    pub fn performed(&mut self, command: &Command) {
        let Command::Performed { effect, output, prompt_tokens, completion_tokens, money, .. } = command
        else {
            return self.ignore();
        };
        let Some(found) = self.claim(*effect) else { return self.ignore() };
        let money = if money.is_finite() { money.max(0.0) } else { 0.0 };
        let spent = &mut self.state.spent;
        spent.prompt_tokens = spent.prompt_tokens.saturating_add(*prompt_tokens);
        spent.completion_tokens = spent.completion_tokens.saturating_add(*completion_tokens);
        spent.money += money;
        let cost = NodeSpent { tokens: prompt_tokens.saturating_add(*completion_tokens), money };
        match (self.state.status, found.compensates) {
            (Status::Undoing, _) => self.performed_while_undoing(&found, output),
            (_, true) => {
                let settled = self.give_up(found.frame, found.node, interrupted_fault(&found), None);
                self.settle(settled);
            }
            (_, false) => {
                let settled = match self.charge(found.frame, found.node, cost) {
                    None => self.finish(found.frame, found.node, output.clone()),
                    Some(over) => self.overspent(&found, output, over),
                };
                self.settle(settled);
            }
        }
    }

    /// The effect was done, so it may have to be undone; what it gave is not used. Gives the frame to settle.
    fn overspent(&mut self, effect: &Effect, output: &Value, over: Overspent) -> Option<FrameId> {
        let (frame, index) = (effect.frame, effect.node);
        if let Some(node) = self.node(frame, index)
            && let Err(fault) = self.owe_undo(frame, index, node, output)
        {
            return self.give_up(frame, index, fault, None);
        }
        self.give_up(over.frame, over.node, over.fault, None)
    }

    pub fn failed(&mut self, effect: u32, fault: &Fault) {
        let Some(found) = self.claim(effect) else { return self.ignore() };
        let retry = self.retry_of(&found);
        let counted = found.attempt.saturating_sub(found.pardoned);
        let may_retry = self.state.status != Status::Undoing || found.compensates;
        if fault.is_passing && may_retry && counted < retry.attempts {
            let not_before = self.at.plus_ms(backoff_ms(&retry, counted));
            self.try_again(Effect { attempt: found.attempt + 1, not_before, ..found });
        } else {
            self.out_of_attempts(found, fault.clone());
        }
    }

    pub fn interrupted(&mut self, effect: u32) {
        let Some(found) = self.claim(effect) else { return self.ignore() };
        if self.at < found.not_before {
            return self.try_again(found);
        }
        if found.pardoned >= INTERRUPTED_MAX {
            let fault = interrupted_fault(&found);
            return self.out_of_attempts(found, fault);
        }
        match self.on_interrupt(&found) {
            OnInterrupt::Retry => self.try_again(Effect {
                attempt: found.attempt + 1,
                pardoned: found.pardoned + 1,
                not_before: self.at,
                ..found
            }),
            OnInterrupt::Compensate => self.compensate(found),
            OnInterrupt::Fail => {
                let fault = interrupted_fault(&found);
                self.out_of_attempts(found, fault);
            }
        }
    }

    /// A finished node that can be undone is remembered with all that undoing it takes.
    pub fn owe_undo(
        &mut self,
        frame: FrameId,
        index: usize,
        node: &Node,
        output: &Value,
    ) -> Result<(), Fault> {
        let Some((kind, with)) = &node.compensate else { return Ok(()) };
        let input = self.render_undo(frame, with, output)?;
        let (name, kind) = (node.name.clone(), kind.clone());
        self.state.undo.push(Undo { frame, node: index, name, kind, input, retry: node.retry });
        Ok(())
    }

    fn render_undo(&self, frame: FrameId, with: &Value, output: &Value) -> Result<Value, Fault> {
        let Some(frame) = self.state.frames.get(&frame) else { return Ok(Value::Null) };
        let scope = Scope::new(&frame.channels).with("output", output);
        expression::render(with, &scope).map_err(|error| Fault::new(&error))
    }

    /// Takes a wanted effect out of the hands it is in. Its node is left `Ready`: whoever claims it says what becomes
    /// of that.
    fn claim(&mut self, id: u32) -> Option<Effect> {
        if self.state.status.is_over() {
            return None;
        }
        let undoing = self.state.undoing.as_ref().map(|undoing| &undoing.effect);
        let claimed = match undoing.filter(|effect| effect.id == id) {
            Some(effect) => effect.clone(),
            None => self.take_effect(id)?,
        };
        self.wake();
        Some(claimed)
    }

    fn take_effect(&mut self, id: u32) -> Option<Effect> {
        let mut activities = self.state.frames.values_mut().flat_map(|frame| frame.active.values_mut());
        let is_it =
            |activity: &&mut Activity| matches!(activity, Activity::Performing { effect } if effect.id == id);
        match std::mem::take(activities.find(is_it)?) {
            Activity::Performing { effect } => Some(effect),
            _ => None,
        }
    }

    /// Whether it is the compensation of a finished node, not of one that was interrupted.
    fn is_undo(&self, effect: &Effect) -> bool {
        self.state.undoing.as_ref().is_some_and(|undoing| undoing.effect.id == effect.id)
    }

    fn try_again(&mut self, effect: Effect) {
        match &mut self.state.undoing {
            Some(undoing) if undoing.effect.id == effect.id => {
                undoing.effect = effect.clone();
                self.applied.actions.push(Action::Perform(effect));
            }
            _ => self.perform(effect),
        }
    }

    fn out_of_attempts(&mut self, effect: Effect, fault: Fault) {
        if effect.compensates {
            self.state.undone += 1;
            if self.is_undo(&effect) {
                self.state.undoing = None;
            } else {
                let gave = Activity::Gave { fault: fault.clone(), effect: None };
                self.set_activity(effect.frame, effect.node, gave);
            }
            return self.compensation_failed(&effect, &fault);
        }
        if self.state.status == Status::Undoing {
            return self.set_activity(effect.frame, effect.node, Activity::Abandoned { effect });
        }
        let settled = self.give_up(effect.frame, effect.node, fault, Some(Box::new(effect)));
        self.settle(settled);
    }

    fn performed_while_undoing(&mut self, effect: &Effect, output: &Value) {
        self.state.undone += u32::from(effect.compensates);
        if self.is_undo(effect) {
            self.state.undoing = None;
            return;
        }
        self.set_activity(effect.frame, effect.node, Activity::Done { output: Value::Null });
        if effect.compensates {
            return;
        }
        if let Some(node) = self.node(effect.frame, effect.node)
            && let Err(fault) = self.owe_undo(effect.frame, effect.node, node, output)
        {
            self.compensation_failed(effect, &fault);
        }
    }

    /// Undoes what an interrupted effect may have done; then its node has failed.
    fn compensate(&mut self, effect: Effect) {
        let Some((kind, with)) =
            self.node(effect.frame, effect.node).and_then(|node| node.compensate.as_ref())
        else {
            let fault = interrupted_fault(&effect);
            return self.out_of_attempts(effect, fault);
        };
        match self.render_undo(effect.frame, with, &Value::Null) {
            Ok(input) => {
                let id = self.next_id();
                let (kind, not_before) = (kind.clone(), self.at);
                self.perform(Effect {
                    id,
                    kind,
                    input,
                    attempt: 1,
                    pardoned: 0,
                    not_before,
                    compensates: true,
                    ..effect
                });
            }
            Err(fault) => self.out_of_attempts(effect, fault),
        }
    }

    fn on_interrupt(&self, effect: &Effect) -> OnInterrupt {
        let declared = self.node(effect.frame, effect.node).map(|node| node.on_interrupt);
        if effect.compensates { OnInterrupt::Retry } else { declared.unwrap_or_default() }
    }

    fn retry_of(&self, effect: &Effect) -> Retry {
        let declared = self.node(effect.frame, effect.node).map(|node| node.retry);
        let undo = self.state.undoing.as_ref().filter(|_| self.is_undo(effect)).map(|undoing| undoing.retry);
        undo.or(declared).unwrap_or_default()
    }
}

pub(super) fn interrupted_fault(effect: &Effect) -> Fault {
    Fault {
        class: Class::Internal,
        code: "flow_effect_interrupted".to_owned(),
        message: format!(
            "node '{}' was begun and nobody knows how far it came; see `on_interrupt`",
            effect.name
        ),
        is_passing: false,
    }
}

/// How long to wait after so many counted attempts.
fn backoff_ms(retry: &Retry, attempts: u32) -> i64 {
    let grown = retry.first_seconds * retry.factor.powi(i32::try_from(attempts).unwrap_or(i32::MAX) - 1);
    let seconds = if grown.is_finite() { grown.min(retry.most_seconds) } else { retry.most_seconds };
    milliseconds(seconds.max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_grows_by_the_factor_up_to_the_most() {
        let retry = Retry { attempts: 9, first_seconds: 0.5, factor: 2.0, most_seconds: 3.0 };
        let waits: Vec<i64> = (1..6).map(|attempts| backoff_ms(&retry, attempts)).collect();
        assert_eq!(waits, [500, 1000, 2000, 3000, 3000]);
        assert_eq!(backoff_ms(&retry, u32::MAX), 3000);
    }
}
