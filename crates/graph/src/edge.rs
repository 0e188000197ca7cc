//! What an edge is: two nodes, a relation, a weight, and the two times of a fact.
//!
//! Keeps true: both times are half open (`from` belongs to them, `to` does not), in milliseconds since the epoch, so
//! that a fact which ends and the one which follows it never hold in the same instant.

use ibid_types::{Error, Result};

/// The beginning of what has no known beginning.
pub const ALWAYS: i64 = i64::MIN;
/// The end of what has not ended.
pub const FOREVER: i64 = i64::MAX;

macro_rules! number {
    ($(#[$about:meta])* $name:ident($inner:ty)) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub $inner);

        impl $name {
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

number!(
    /// A node's number: nodes are numbered from 0 as they are added.
    NodeId(u32)
);
number!(
    /// An edge's number: edges are numbered from 0 as they are added, and keep their number.
    EdgeId(u32)
);
number!(
    /// A relation's number, which the caller gives: `DEPENDS_ON`, `PART_OF`, the user's own.
    RelationId(u16)
);

/// When a fact holds in the world and when the system believed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    pub valid_from: i64,
    pub valid_to: i64,
    pub recorded_at: i64,
    pub retracted_at: i64,
}

impl Default for Times {
    /// Always valid and always believed.
    fn default() -> Self {
        Self { valid_from: ALWAYS, valid_to: FOREVER, recorded_at: ALWAYS, retracted_at: FOREVER }
    }
}

impl Times {
    /// Whether it held in the world at that time.
    #[must_use]
    pub const fn is_valid_at(&self, time: i64) -> bool {
        self.valid_from <= time && time < self.valid_to
    }

    /// Whether the system believed it at that time.
    #[must_use]
    pub const fn is_believed_at(&self, time: i64) -> bool {
        self.recorded_at <= time && time < self.retracted_at
    }
}

/// A fact between two entities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge {
    pub from: NodeId,
    pub to: NodeId,
    pub relation: RelationId,
    /// More than zero; a fact's confidence times its importance, or how often it was said.
    pub weight: f32,
    pub times: Times,
}

impl Edge {
    /// Of weight 1, always valid and believed.
    #[must_use]
    pub fn new(from: NodeId, to: NodeId, relation: RelationId) -> Self {
        Self { from, to, relation, weight: 1.0, times: Times::default() }
    }

    #[must_use]
    pub const fn with_weight(mut self, weight: f32) -> Self {
        self.weight = weight;
        self
    }

    #[must_use]
    pub const fn with_times(mut self, times: Times) -> Self {
        self.times = times;
        self
    }

    /// Refuses what no question could count with: a weight that is no positive number, or nodes that are not there.
    pub(crate) fn check(&self, node_count: usize) -> Result<()> {
        for node in [self.from, self.to] {
            check_node(node, node_count)?;
        }
        if self.weight > 0.0 && self.weight.is_finite() {
            return Ok(());
        }
        let text = format!("an edge's weight is {}; give a finite number above zero", self.weight);
        Err(Error::bad_request("graph_weight_invalid", text))
    }
}

pub(crate) fn check_node(node: NodeId, node_count: usize) -> Result<()> {
    if node.index() < node_count {
        return Ok(());
    }
    let text = format!("the graph has no node {}; it has {node_count}: look the entity up again", node.0);
    Err(Error::not_found("graph_node_unknown", text))
}

/// The importance of a node as it is kept: a number from 0 to 1.
pub(crate) fn check_importance(importance: f32) -> Result<f32> {
    if (0.0..=1.0).contains(&importance) {
        return Ok(importance);
    }
    let text = format!("a node's importance is {importance}; give a number from 0 to 1");
    Err(Error::bad_request("graph_importance_invalid", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_ends_before_its_end() {
        let times = Times { valid_from: 10, valid_to: 20, recorded_at: 15, retracted_at: 30 };
        assert_eq!([9, 10, 19, 20].map(|time| times.is_valid_at(time)), [false, true, true, false]);
        assert_eq!([14, 15, 29, 30].map(|time| times.is_believed_at(time)), [false, true, true, false]);
    }

    #[test]
    fn a_weight_that_is_no_positive_number_is_refused() {
        let edge = Edge::new(NodeId(0), NodeId(1), RelationId(0));
        assert!(edge.check(2).is_ok());
        for weight in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            assert_eq!(edge.with_weight(weight).check(2).unwrap_err().code, "graph_weight_invalid");
        }
        assert_eq!(edge.check(1).unwrap_err().code, "graph_node_unknown");
    }

    #[test]
    fn an_importance_is_from_zero_to_one() {
        assert!(check_importance(0.0).is_ok() && check_importance(1.0).is_ok());
        assert_eq!(check_importance(1.1).unwrap_err().code, "graph_importance_invalid");
        assert!(check_importance(f32::NAN).is_err());
    }
}
