//! What came since a graph was built: nodes and edges that were added, changed or taken away.
//!
//! Keeps true: a snapshot that somebody else holds does not change (the overlay is copied first, and only then); an edge
//! that is gone leaves nothing but its number, and its columns too are gone after [`Graph::compacted`].
//!
//! An overlay is small: its links are in maps. Past some thousand edges a rebuild (see `examples/figures.rs`) is due.

use std::collections::HashMap;
use std::mem::size_of;
use std::sync::Arc;

use fixedbitset::FixedBitSet;
use ibid_types::{Error, Result};

use crate::build::{by_strength, next_number};
use crate::edge::check_importance;
use crate::graph::Columns;
use crate::{Edge, EdgeId, Graph, GraphBuilder, Link, NodeId};

/// One change of a graph.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// A node of that importance, with the next number.
    AddNode(f32),
    /// A node's new importance.
    Weigh(NodeId, f32),
    /// An edge with the next number.
    Add(Edge),
    /// The edge as it is from now on: other times, another weight, even other ends.
    Replace(EdgeId, Edge),
    /// The edge is forgotten.
    Remove(EdgeId),
}

pub(crate) type Runs = HashMap<u32, Vec<Link>>;

#[derive(Clone, Debug, Default)]
pub(crate) struct Overlay {
    /// Of the nodes that were added.
    pub importance: Vec<f32>,
    /// Of nodes that were there.
    pub reweighed: HashMap<u32, f32>,
    /// Edges that were added, and edges that took the place of one that was built.
    pub edges: HashMap<u32, Edge>,
    pub added: usize,
    /// Built edges whose columns no longer count.
    stale: FixedBitSet,
    pub out: Runs,
    pub into: Runs,
}

impl Overlay {
    pub fn run(runs: &Runs, node: u32) -> &[Link] {
        if runs.is_empty() {
            return &[];
        }
        runs.get(&node).map_or(&[], Vec::as_slice)
    }

    /// Whether it, not the columns, says what that edge is.
    pub fn holds(&self, base: &Columns, edge: u32) -> bool {
        edge as usize >= base.from.len() || !self.keeps(edge)
    }

    /// Whether a built edge is still as it was built.
    pub fn keeps(&self, edge: u32) -> bool {
        !self.stale.contains(edge as usize)
    }

    /// A built edge as it is now.
    pub fn current(&self, number: EdgeId, built: Option<Edge>) -> Option<Edge> {
        if self.keeps(number.0) { built } else { self.edges.get(&number.0).copied() }
    }

    pub fn importance(&self, base: &Columns, node: NodeId) -> f32 {
        if let Some(&importance) = self.reweighed.get(&node.0) {
            return importance;
        }
        let built = base.importance.get(node.index());
        let added = || self.importance.get(node.index() - base.importance.len());
        built.or_else(added).copied().unwrap_or(0.0)
    }

    pub fn bytes(&self) -> usize {
        let links: usize = self.out.values().chain(self.into.values()).map(Vec::capacity).sum();
        let maps = self.edges.capacity() + self.out.capacity() + self.into.capacity();
        links * size_of::<Link>() + maps * size_of::<(u32, Edge)>() + self.stale.len() / 8
    }

    fn insert(&mut self, base: &Columns, number: u32, edge: Edge) {
        self.edges.insert(number, edge);
        let link = |node: NodeId| Link {
            node: node.0,
            edge: number,
            weight: edge.weight,
            relation: edge.relation.0,
            mark: base.calendar.mark(&edge.times),
        };
        place(self.out.entry(edge.from.0).or_default(), link(edge.to));
        place(self.into.entry(edge.to.0).or_default(), link(edge.from));
    }

    /// Takes the edge away, wherever it is.
    fn take(&mut self, base: &Columns, number: u32) {
        if (number as usize) < base.from.len() {
            self.stale.grow(base.from.len());
            self.stale.insert(number as usize);
        }
        let Some(edge) = self.edges.remove(&number) else { return };
        for (runs, node) in [(&mut self.out, edge.from), (&mut self.into, edge.to)] {
            if let Some(run) = runs.get_mut(&node.0) {
                run.retain(|link| link.edge != number);
            }
        }
    }
}

fn place(run: &mut Vec<Link>, link: Link) {
    let at = run.partition_point(|other| by_strength(other, &link).is_lt());
    run.insert(at, link);
}

impl Graph {
    /// Makes the changes in their order; the first that is wrong is refused, and those before it stay made.
    pub fn apply(&mut self, changes: &[Change]) -> Result<()> {
        for change in changes {
            self.apply_one(change)?;
        }
        Ok(())
    }

    /// How many edges came or changed since it was built: what a rebuild would fold in.
    #[must_use]
    pub fn overlay_edges(&self) -> usize {
        self.over.added.max(self.over.edges.len()) + self.over.stale.count_ones(..)
    }

    /// The same graph with its overlay folded in; numbers stay.
    pub fn compacted(&self) -> Result<Self> {
        let mut builder = GraphBuilder::with_capacity(self.node_count(), self.edge_slots());
        for node in 0..self.node_count() as u32 {
            builder.node(self.importance(NodeId(node)))?;
        }
        for edge in 0..self.edge_slots() as u32 {
            match self.edge(EdgeId(edge)) {
                Some(edge) => builder.edge(edge)?,
                None => builder.hole()?,
            };
        }
        Ok(builder.build())
    }

    fn apply_one(&mut self, change: &Change) -> Result<()> {
        match *change {
            Change::AddNode(importance) => self.add_node(importance),
            Change::Weigh(node, importance) => self.weigh(node, importance),
            Change::Add(edge) => self.add(edge),
            Change::Replace(number, edge) => self.replace(number, edge),
            Change::Remove(number) => self.remove(number),
        }
    }

    fn add_node(&mut self, importance: f32) -> Result<()> {
        next_number(self.node_count())?;
        Arc::make_mut(&mut self.over).importance.push(check_importance(importance)?);
        Ok(())
    }

    fn weigh(&mut self, node: NodeId, importance: f32) -> Result<()> {
        self.check_node(node)?;
        Arc::make_mut(&mut self.over).reweighed.insert(node.0, check_importance(importance)?);
        Ok(())
    }

    fn add(&mut self, edge: Edge) -> Result<()> {
        edge.check(self.node_count())?;
        let number = next_number(self.edge_slots())?;
        let over = Arc::make_mut(&mut self.over);
        over.added += 1;
        over.insert(&self.base, number, edge);
        Ok(())
    }

    fn replace(&mut self, number: EdgeId, edge: Edge) -> Result<()> {
        edge.check(self.node_count())?;
        self.remove(number)?;
        Arc::make_mut(&mut self.over).insert(&self.base, number.0, edge);
        Ok(())
    }

    fn remove(&mut self, number: EdgeId) -> Result<()> {
        if self.edge(number).is_none() {
            let text =
                format!("the graph has no edge {}; it was forgotten, or never there: ask again", number.0);
            return Err(Error::not_found("graph_edge_unknown", text));
        }
        Arc::make_mut(&mut self.over).take(&self.base, number.0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Direction, RelationId, View};

    fn line() -> Graph {
        let mut builder = GraphBuilder::default();
        let nodes: Vec<NodeId> = (0..3).map(|_| builder.node(1.0).unwrap()).collect();
        for pair in nodes.windows(2) {
            builder.edge(Edge::new(pair[0], pair[1], RelationId(0))).unwrap();
        }
        builder.build()
    }

    fn seen(graph: &Graph, node: u32) -> Vec<(u32, u32)> {
        let all = View::default();
        let mut seen: Vec<(u32, u32)> =
            graph.links(NodeId(node), Direction::Both, &all).map(|link| (link.edge, link.node)).collect();
        seen.sort_unstable();
        seen
    }

    #[test]
    fn changes_are_seen_here_and_not_by_who_holds_the_old_one() {
        let mut graph = line();
        let old = graph.clone();
        let new = Edge::new(NodeId(3), NodeId(0), RelationId(1));
        graph.apply(&[Change::AddNode(0.5), Change::Add(new), Change::Remove(EdgeId(1))]).unwrap();
        assert_eq!(seen(&graph, 0), [(0, 1), (2, 3)]);
        assert_eq!(seen(&graph, 2), []);
        assert_eq!(seen(&old, 2), [(1, 1)]);
        assert_eq!((graph.node_count(), old.node_count()), (4, 3));
        assert_eq!(graph.importance(NodeId(3)), 0.5);
    }

    #[test]
    fn a_replaced_edge_is_there_once_and_as_it_is_now() {
        let mut graph = line();
        let heavier = Edge::new(NodeId(0), NodeId(2), RelationId(4)).with_weight(9.0);
        graph.apply(&[Change::Replace(EdgeId(0), heavier)]).unwrap();
        graph.apply(&[Change::Replace(EdgeId(0), heavier.with_weight(8.0))]).unwrap();
        assert_eq!(seen(&graph, 0), [(0, 2)]);
        assert_eq!(seen(&graph, 1), [(1, 2)]);
        assert_eq!(graph.edge(EdgeId(0)).unwrap().weight, 8.0);
    }

    #[test]
    fn folding_in_changes_no_answer() {
        let mut graph = line();
        let new = Edge::new(NodeId(2), NodeId(0), RelationId(1)).with_weight(0.1);
        let changes = [Change::Add(new), Change::Remove(EdgeId(0)), Change::Weigh(NodeId(1), 0.25)];
        graph.apply(&changes).unwrap();
        let folded = graph.compacted().unwrap();
        assert_eq!(graph.overlay_edges(), 2);
        assert_eq!(folded.overlay_edges(), 0);
        for node in 0..3 {
            assert_eq!(seen(&graph, node), seen(&folded, node));
            assert_eq!(graph.importance(NodeId(node)), folded.importance(NodeId(node)));
        }
        assert_eq!(folded.edges().map(|(number, _)| number.0).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn what_is_not_there_cannot_be_changed() {
        let mut graph = line();
        assert_eq!(graph.apply(&[Change::Remove(EdgeId(7))]).unwrap_err().code, "graph_edge_unknown");
        graph.apply(&[Change::Remove(EdgeId(0))]).unwrap();
        assert_eq!(graph.apply(&[Change::Remove(EdgeId(0))]).unwrap_err().code, "graph_edge_unknown");
        assert_eq!(graph.apply(&[Change::Weigh(NodeId(3), 1.0)]).unwrap_err().code, "graph_node_unknown");
        assert!(graph.apply(&[Change::AddNode(-1.0)]).is_err());
    }

    #[test]
    fn an_added_edge_can_go_again_and_its_number_stays_taken() {
        let mut graph = line();
        let new = Edge::new(NodeId(2), NodeId(0), RelationId(1));
        graph.apply(&[Change::Add(new), Change::Remove(EdgeId(2)), Change::Add(new)]).unwrap();
        assert_eq!(seen(&graph, 0), [(0, 1), (3, 2)]);
    }
}
