//! The graph: columns of nodes and edges with the links of every node out and in, and an overlay of what came since.
//!
//! Keeps true: a snapshot never changes under its reader; a clone is two counters. The links of a node are sorted by
//! weight, strongest first (then by edge), so that what wants the strongest few need not read all of a hub's.
//!
//! An edge costs 78 bytes: 46 in its columns (the times are one record of 32, since they are read together and by chance:
//! one miss of the cache instead of four), 16 for each of its two links. A node costs 12.

use std::mem::size_of;
use std::sync::Arc;

use ibid_types::Result;

use crate::calendar::Calendar;
use crate::edge::check_node;
use crate::overlay::Overlay;
use crate::{Edge, EdgeId, NodeId, RelationId, Times, View};

/// In the place of a node: the edge is gone.
pub(crate) const NOBODY: u32 = u32::MAX;

/// Which way a question goes along edges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    Out,
    In,
    #[default]
    Both,
}

impl Direction {
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::Out => Self::In,
            Self::In => Self::Out,
            Self::Both => Self::Both,
        }
    }
}

/// An edge as one of its ends sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// The other end.
    pub node: u32,
    pub edge: u32,
    pub weight: f32,
    pub relation: u16,
    /// Of the graph's calendar.
    pub(crate) mark: u16,
}

/// The links of every node in one direction.
#[derive(Debug, Default)]
pub(crate) struct Adjacency {
    pub offsets: Vec<u32>,
    pub links: Vec<Link>,
}

impl Adjacency {
    fn of(&self, node: u32) -> &[Link] {
        match self.offsets.get(node as usize..node as usize + 2) {
            Some(&[start, end]) => &self.links[start as usize..end as usize],
            _ => &[],
        }
    }

    const fn bytes(&self) -> usize {
        self.offsets.capacity() * size_of::<u32>() + self.links.capacity() * size_of::<Link>()
    }
}

/// What was there when the graph was built.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    pub importance: Vec<f32>,
    pub from: Vec<u32>,
    pub to: Vec<u32>,
    pub relation: Vec<u16>,
    pub weight: Vec<f32>,
    pub times: Vec<Times>,
    pub out: Adjacency,
    pub into: Adjacency,
    /// The node and the link of every edge from a node to itself, by node: few, and else only found by reading all links.
    pub loops: Vec<(u32, Link)>,
    pub calendar: Calendar,
}

impl Columns {
    pub fn edge(&self, edge: usize) -> Option<Edge> {
        let from = *self.from.get(edge)?;
        (from != NOBODY).then(|| Edge {
            from: NodeId(from),
            to: NodeId(self.to[edge]),
            relation: RelationId(self.relation[edge]),
            weight: self.weight[edge],
            times: self.times[edge],
        })
    }

    /// In step through the columns, which is several times as fast as one by one.
    fn edges(&self) -> impl Iterator<Item = (EdgeId, Option<Edge>)> + '_ {
        let ends = self.from.iter().zip(&self.to);
        let rows = ends.zip(&self.relation).zip(&self.weight).zip(&self.times).enumerate();
        rows.map(|(number, ((((&from, &to), &relation), &weight), &times))| {
            let (from_node, to_node) = (NodeId(from), NodeId(to));
            let edge = Edge { from: from_node, to: to_node, relation: RelationId(relation), weight, times };
            (EdgeId(number as u32), (from != NOBODY).then_some(edge))
        })
    }

    fn bytes(&self) -> usize {
        let ends = (self.from.capacity() + self.to.capacity()) * size_of::<u32>();
        let weights = (self.weight.capacity() + self.importance.capacity()) * size_of::<f32>();
        let rest = self.relation.capacity() * size_of::<u16>() + self.times.capacity() * size_of::<Times>();
        ends + weights + rest + self.out.bytes() + self.into.bytes()
    }
}

/// A snapshot of the graph.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    pub(crate) base: Arc<Columns>,
    pub(crate) over: Arc<Overlay>,
}

impl Graph {
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.base.importance.len() + self.over.importance.len()
    }

    /// One more than the highest number of an edge; edges that are gone keep theirs.
    #[must_use]
    pub fn edge_slots(&self) -> usize {
        self.base.from.len() + self.over.added
    }

    /// The edge, unless it is gone or was never there.
    #[must_use]
    pub fn edge(&self, edge: EdgeId) -> Option<Edge> {
        if self.over.holds(&self.base, edge.0) {
            return self.over.edges.get(&edge.0).copied();
        }
        self.base.edge(edge.index())
    }

    /// Every edge with its number, in the order of the numbers.
    pub fn edges(&self) -> impl Iterator<Item = (EdgeId, Edge)> + '_ {
        let count = self.base.from.len() as u32;
        let built =
            self.base.edges().filter_map(|(number, edge)| Some((number, self.over.current(number, edge)?)));
        let added = (count..self.edge_slots() as u32).map(EdgeId);
        built.chain(added.filter_map(|number| Some((number, *self.over.edges.get(&number.0)?))))
    }

    #[must_use]
    pub fn importance(&self, node: NodeId) -> f32 {
        self.over.importance(&self.base, node)
    }

    pub(crate) fn importance_max(&self) -> f32 {
        let built = self.base.importance.iter().chain(&self.over.importance);
        built.chain(self.over.reweighed.values()).copied().fold(0.0, f32::max)
    }

    /// The links of a node that the view shows.
    pub fn links<'a>(
        &'a self,
        node: NodeId,
        direction: Direction,
        view: &'a View<'_>,
    ) -> impl Iterator<Item = Link> + 'a {
        self.every_link(node.0, direction).filter(move |link| view.shows(self, link))
    }

    /// What it takes in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.base.bytes() + self.over.bytes()
    }

    pub(crate) fn check_node(&self, node: NodeId) -> Result<()> {
        check_node(node, self.node_count())
    }

    /// The times of an edge that some link names.
    pub(crate) fn times(&self, edge: u32) -> Times {
        if self.over.holds(&self.base, edge) {
            return self.over.edges.get(&edge).map_or_else(Times::default, |edge| edge.times);
        }
        self.base.times[edge as usize]
    }

    /// The links of a node, whatever a view shows.
    pub(crate) fn every_link(&self, node: u32, direction: Direction) -> impl Iterator<Item = Link> + '_ {
        let [out, into, added_out, added_into] = self.runs(node, direction);
        let built = out.iter().chain(into).filter(|link| self.over.keeps(link.edge));
        built.chain(added_out).chain(added_into).copied()
    }

    /// The links of a node in four runs, each sorted: out and in as built (some may be gone), out and in as added.
    pub(crate) fn runs(&self, node: u32, direction: Direction) -> [&[Link]; 4] {
        let out = direction != Direction::In;
        let into = direction != Direction::Out;
        [
            if out { self.base.out.of(node) } else { &[] },
            if into { self.base.into.of(node) } else { &[] },
            if out { Overlay::run(&self.over.out, node) } else { &[] },
            if into { Overlay::run(&self.over.into, node) } else { &[] },
        ]
    }

    /// The edges from a node to itself.
    pub(crate) fn loops(&self, node: u32) -> impl Iterator<Item = Link> + '_ {
        let start = self.base.loops.partition_point(|entry| entry.0 < node);
        let built = self.base.loops[start..].iter().take_while(move |entry| entry.0 == node);
        let kept = built.map(|entry| entry.1).filter(|link| self.over.keeps(link.edge));
        let added = Overlay::run(&self.over.out, node).iter().copied();
        kept.chain(added.filter(move |link| link.node == node))
    }

    /// How many links a node has at the most, both ways: those that a view hides and that are gone count too.
    pub(crate) fn degree_max(&self, node: u32) -> usize {
        self.runs(node, Direction::Both).iter().map(|run| run.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GraphBuilder;

    #[test]
    fn links_come_strongest_first_and_name_their_edge() {
        let mut builder = GraphBuilder::default();
        let nodes: Vec<NodeId> = (0..4).map(|_| builder.node(1.0).unwrap()).collect();
        for (to, weight) in [(1, 0.2), (2, 0.9), (3, 0.5)] {
            builder.edge(Edge::new(nodes[0], nodes[to], RelationId(1)).with_weight(weight)).unwrap();
        }
        let graph = builder.build();
        let all = View::default();
        let seen: Vec<(u32, u32)> =
            graph.links(nodes[0], Direction::Out, &all).map(|link| (link.node, link.edge)).collect();
        assert_eq!(seen, [(2, 1), (3, 2), (1, 0)]);
        assert_eq!(graph.links(nodes[3], Direction::In, &all).count(), 1);
        assert_eq!(graph.links(nodes[3], Direction::Out, &all).count(), 0);
    }

    #[test]
    fn an_edge_costs_what_the_head_of_this_file_says() {
        assert_eq!(size_of::<Link>(), 16);
        let columns = size_of::<Times>() + 2 * size_of::<u32>() + size_of::<f32>() + size_of::<u16>();
        assert_eq!(columns, 46);
    }

    #[test]
    fn a_node_that_is_not_there_has_no_links() {
        let graph = Graph::default();
        assert_eq!(graph.links(NodeId(9), Direction::Both, &View::default()).count(), 0);
        assert!(graph.edge(EdgeId(0)).is_none());
        assert_eq!(graph.check_node(NodeId(0)).unwrap_err().code, "graph_node_unknown");
    }
}
