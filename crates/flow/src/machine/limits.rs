//! Limits of a run and of its nodes.
//!
//! Keeps true: a run's limits are checked before a node begins, so what was paid for is never thrown away; those of steps,
//! time, tokens and money are those of the run's own flow, whatever its sub-flows say, and `visits` those of the flow
//! that the node is in. Reaching one ends the run past every `on_error`. A node's own limits are checked when
//! something that it did has cost something, too, and exceeding one fails that node alone.

use ibid_types::{Class, Timestamp};

use super::apply::{Machine, ROOT};
use super::{Fault, FrameId, NodeSpent};
use crate::definition::{Definition, Limits, NodeLimits};

/// When a run that begins at `at` has used up its time.
pub(super) fn deadline(flow: &Definition, at: Timestamp) -> Timestamp {
    at.plus_ms(i64::from(flow.limits.seconds).saturating_mul(1000))
}

/// A node that has spent more than it may.
pub(super) struct Overspent {
    pub frame: FrameId,
    pub node: usize,
    pub fault: Fault,
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

    /// Whether the node has already spent more than its own limits allow.
    pub fn check_node(&self, frame: FrameId, index: usize) -> Result<(), Fault> {
        let (Some(node), Some(found)) = (self.node(frame, index), self.state.frames.get(&frame)) else {
            return Ok(());
        };
        found.spent.get(&index).map_or(Ok(()), |spent| within(&node.name, &node.limits, spent))
    }

    /// Charges the node, and each node that it runs inside of, with what an effect has cost. Gives the outermost that
    /// has spent too much by that.
    pub fn charge(&mut self, frame: FrameId, node: usize, cost: NodeSpent) -> Option<Overspent> {
        let mut over = None;
        let mut next = Some((frame, node));
        while let Some((frame, index)) = next {
            let limits = self.node(frame, index)?.limits;
            let found = self.state.frames.get_mut(&frame)?;
            if limits != NodeLimits::default() {
                let spent = found.spent.entry(index).or_default();
                spent.tokens = spent.tokens.saturating_add(cost.tokens);
                spent.money += cost.money;
            }
            next = found.parent.map(|parent| (parent.frame, parent.node));
            over = self
                .check_node(frame, index)
                .err()
                .map(|fault| Overspent { frame, node: index, fault })
                .or(over);
        }
        over
    }

    pub fn late_fault(&self) -> Fault {
        late(self.definition(ROOT).map_or(0, |flow| flow.limits.seconds))
    }
}

fn within(node: &str, limits: &NodeLimits, spent: &NodeSpent) -> Result<(), Fault> {
    if let Some(most) = limits.tokens.filter(|most| spent.tokens > *most) {
        return Err(overspent("flow_node_limit_tokens", node, "tokens", spent.tokens, most));
    }
    if let Some(most) = limits.money.filter(|most| spent.money > *most) {
        return Err(overspent("flow_node_limit_money", node, "money", spent.money, most));
    }
    Ok(())
}

fn overspent(
    code: &str,
    node: &str,
    name: &str,
    spent: impl std::fmt::Display,
    most: impl std::fmt::Display,
) -> Fault {
    let message = format!(
        "node '{node}' has spent {spent} and its `limits.{name}` allows {most}; raise it, or give it an `on_error`"
    );
    fault(code, message)
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
