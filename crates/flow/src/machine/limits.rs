//! Limits of a run: each is checked before a node begins, so what was paid for is never thrown away.
//!
//! Keeps true: limits of steps, time, tokens and money are those of the run's own flow, whatever its sub-flows say;
//! `visits` are those of the flow that the node is in. Reaching one ends the run past every `on_error`.

use ibid_types::{Class, Timestamp};

use super::apply::{Machine, ROOT};
use super::{Fault, FrameId};
use crate::definition::{Definition, Limits};

/// When a run that begins at `at` has used up its time.
pub(super) fn deadline(flow: &Definition, at: Timestamp) -> Timestamp {
    at.plus_ms(i64::from(flow.limits.seconds).saturating_mul(1000))
}

impl Machine<'_> {
    pub fn restart_clock(&mut self) {
        if let Some(flow) = self.definition(ROOT) {
            self.state.deadline = deadline(flow, self.at);
        }
    }

    pub fn is_late(&self) -> bool {
        self.at >= self.state.deadline
    }

    /// Counts one execution of a node, or says which limit forbids it.
    pub fn count_step(&mut self, frame: FrameId, node: usize) -> Result<(), Fault> {
        if let Some(flow) = self.definition(ROOT) {
            self.check_run(&flow.limits)?;
        }
        let visits_max = self.definition(frame).map_or(0, |flow| flow.limits.visits);
        let name = self.node(frame, node).map_or("", |node| node.name.as_str());
        if let Some(frame) = self.state.frames.get_mut(&frame) {
            let visits = frame.visits.entry(node).or_default();
            if *visits >= visits_max {
                return Err(visits_fault(name, visits_max));
            }
            *visits += 1;
        }
        self.state.spent.steps += 1;
        Ok(())
    }

    fn check_run(&self, limits: &Limits) -> Result<(), Fault> {
        let spent = &self.state.spent;
        let tokens = spent.prompt_tokens.saturating_add(spent.completion_tokens);
        if self.is_late() {
            return Err(late(limits.seconds));
        }
        if spent.steps >= limits.steps {
            return Err(reached("flow_limit_steps", "steps", limits.steps));
        }
        if tokens > limits.tokens {
            return Err(reached("flow_limit_tokens", "tokens", limits.tokens));
        }
        if spent.money > limits.money {
            return Err(reached("flow_limit_money", "money", limits.money));
        }
        Ok(())
    }

    pub fn late_fault(&self) -> Fault {
        late(self.definition(ROOT).map_or(0, |flow| flow.limits.seconds))
    }
}

fn late(seconds: u32) -> Fault {
    Fault { class: Class::Timeout, ..reached("flow_limit_seconds", "seconds", seconds) }
}

fn visits_fault(node: &str, visits: u32) -> Fault {
    let message =
        format!("node '{node}' ran {visits} times, as often as `limits.visits` allows; its loop has no end");
    fault("flow_limit_visits", message)
}

fn reached(code: &str, name: &str, limit: impl std::fmt::Display) -> Fault {
    fault(
        code,
        format!("the run has used the {limit} {name} that `limits.{name}` allows; raise it in the flow"),
    )
}

fn fault(code: &str, message: String) -> Fault {
    Fault { class: Class::BadRequest, code: code.to_owned(), message, is_passing: false }
}
