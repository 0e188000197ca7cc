//! Which edges a question sees: of some relations, valid at a time, believed at a time, and those that the asker may see.
//!
//! Keeps true: an edge is shown only if both its ends are, and what is gone is never shown. A view without times shows
//! what was ever said; who wants the present gives the present.

use std::fmt;

use fixedbitset::FixedBitSet;

use crate::{Edge, EdgeId, Graph, Link, NodeId, RelationId, Times};

/// Some relations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelationSet {
    members: FixedBitSet,
}

impl RelationSet {
    #[must_use]
    pub fn contains(&self, relation: RelationId) -> bool {
        self.members.contains(relation.index())
    }
}

impl FromIterator<RelationId> for RelationSet {
    fn from_iter<I: IntoIterator<Item = RelationId>>(relations: I) -> Self {
        Self { members: relations.into_iter().map(RelationId::index).collect() }
    }
}

/// Which numbers may be seen.
#[derive(Clone, Copy, Default)]
pub enum Allowed<'a> {
    #[default]
    All,
    Only(&'a FixedBitSet),
    When(&'a dyn Fn(u32) -> bool),
}

impl Allowed<'_> {
    #[must_use]
    #[inline]
    pub fn allows(&self, number: u32) -> bool {
        match self {
            Self::All => true,
            Self::Only(members) => members.contains(number as usize),
            Self::When(test) => test(number),
        }
    }
}

impl fmt::Debug for Allowed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("All"),
            Self::Only(members) => write!(f, "Only({})", members.count_ones(..)),
            Self::When(_) => f.write_str("When(..)"),
        }
    }
}

/// What a question sees.
#[derive(Clone, Debug, Default)]
pub struct View<'a> {
    /// Every relation, if none are named.
    pub relations: Option<RelationSet>,
    /// What held in the world at that time.
    pub valid_at: Option<i64>,
    /// What the system believed at that time.
    pub believed_at: Option<i64>,
    pub edges: Allowed<'a>,
    pub nodes: Allowed<'a>,
}

impl<'a> View<'a> {
    /// What holds and is believed at one time: the present, if that is what is given.
    #[must_use]
    pub fn at(time: i64) -> Self {
        Self { valid_at: Some(time), believed_at: Some(time), ..Self::default() }
    }

    /// What was believed at one time about another.
    #[must_use]
    pub fn believed(believed_at: i64, valid_at: i64) -> Self {
        Self { valid_at: Some(valid_at), believed_at: Some(believed_at), ..Self::default() }
    }

    #[must_use]
    pub fn with_relations(mut self, relations: impl IntoIterator<Item = RelationId>) -> Self {
        self.relations = Some(relations.into_iter().collect());
        self
    }

    #[must_use]
    pub const fn with_edges(mut self, edges: Allowed<'a>) -> Self {
        self.edges = edges;
        self
    }

    #[must_use]
    pub const fn with_nodes(mut self, nodes: Allowed<'a>) -> Self {
        self.nodes = nodes;
        self
    }

    /// Whether the question may stand at that node.
    #[must_use]
    pub fn shows_node(&self, node: NodeId) -> bool {
        self.nodes.allows(node.0)
    }

    /// Whether the view shows that edge, which is in the graph.
    #[must_use]
    #[inline]
    pub fn shows_edge(&self, number: EdgeId, edge: &Edge) -> bool {
        self.holds(&edge.times) && self.shows_timeless(number, edge)
    }

    /// The same, whenever it holds.
    #[inline]
    pub(crate) fn shows_timeless(&self, number: EdgeId, edge: &Edge) -> bool {
        self.shows_relation(edge.relation.0)
            && self.edges.allows(number.0)
            && self.nodes.allows(edge.from.0)
            && self.nodes.allows(edge.to.0)
    }

    /// The edges of the graph that it shows, as one bit each: for a view that is asked often.
    #[must_use]
    pub fn shown(&self, graph: &Graph) -> FixedBitSet {
        let mut shown = FixedBitSet::with_capacity(graph.edge_slots());
        for (number, edge) in graph.edges() {
            if self.shows_edge(number, &edge) {
                shown.insert(number.index());
            }
        }
        shown
    }

    /// Whether a link may be followed by somebody who stands at a node that the view shows.
    pub(crate) fn shows(&self, graph: &Graph, link: &Link) -> bool {
        self.shows_relation(link.relation)
            && self.nodes.allows(link.node)
            && self.edges.allows(link.edge)
            && (self.is_timeless() || self.surely_holds(graph, link) || self.holds(&graph.times(link.edge)))
    }

    fn surely_holds(&self, graph: &Graph, link: &Link) -> bool {
        graph.base.calendar.is_sure(link.mark, self.valid_at, self.believed_at)
    }

    const fn is_timeless(&self) -> bool {
        self.valid_at.is_none() && self.believed_at.is_none()
    }

    fn shows_relation(&self, relation: u16) -> bool {
        self.relations.as_ref().is_none_or(|relations| relations.contains(RelationId(relation)))
    }

    fn holds(&self, times: &Times) -> bool {
        self.valid_at.is_none_or(|time| times.is_valid_at(time))
            && self.believed_at.is_none_or(|time| times.is_believed_at(time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Direction, GraphBuilder};

    /// In May it was recorded that in June Anna lives in Bonn; in July that was taken back.
    fn graph() -> Graph {
        let mut builder = GraphBuilder::default();
        let [anna, bonn] = [1.0, 1.0].map(|importance| builder.node(importance).unwrap());
        let times = Times { valid_from: 600, valid_to: 700, recorded_at: 500, retracted_at: 750 };
        builder.edge(Edge::new(anna, bonn, RelationId(2)).with_times(times)).unwrap();
        builder.build()
    }

    fn count(view: &View<'_>) -> usize {
        let graph = graph();
        let links = graph.links(NodeId(0), Direction::Out, view).count();
        assert_eq!(links, view.shown(&graph).count_ones(..), "a link and its edge are shown alike");
        links
    }

    #[test]
    fn both_times_are_asked() {
        assert_eq!(count(&View::default()), 1);
        assert_eq!(count(&View::believed(503, 615)), 1);
        assert_eq!(count(&View::believed(499, 615)), 0);
        assert_eq!(count(&View::believed(750, 615)), 0);
        assert_eq!(count(&View::believed(503, 700)), 0);
        assert_eq!(count(&View::at(650)), 1);
    }

    #[test]
    fn relations_and_what_is_allowed_are_asked() {
        assert_eq!(count(&View::default().with_relations([RelationId(2), RelationId(900)])), 1);
        assert_eq!(count(&View::default().with_relations([RelationId(1)])), 0);
        assert_eq!(count(&View::default().with_relations([])), 0);
        assert_eq!(count(&View::default().with_edges(Allowed::When(&|edge| edge == 0))), 1);
        assert_eq!(count(&View::default().with_edges(Allowed::Only(&FixedBitSet::with_capacity(1)))), 0);
        assert_eq!(count(&View::default().with_nodes(Allowed::When(&|node| node != 1))), 0);
    }

    #[test]
    fn a_view_can_be_kept_as_bits() {
        let graph = graph();
        let bits = View::at(650).shown(&graph);
        let kept = View::default().with_edges(Allowed::Only(&bits));
        assert_eq!(graph.links(NodeId(1), Direction::In, &kept).count(), 1);
    }
}
