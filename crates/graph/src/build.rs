//! How a graph is built: columns as edges come, then the links of every node by counting.
//!
//! Keeps true: numbers of nodes and edges are the order in which they came, so the caller's list of entities and facts
//! is the way back.

use ibid_types::{Error, Result};

use crate::calendar::Calendar;
use crate::edge::check_importance;
use crate::graph::{Adjacency, Columns, NOBODY};
use crate::{Edge, EdgeId, Graph, Link, NodeId};

/// Takes nodes and edges and becomes a [`Graph`].
#[derive(Debug, Default)]
pub struct GraphBuilder {
    columns: Columns,
}

impl GraphBuilder {
    #[must_use]
    pub fn with_capacity(nodes: usize, edges: usize) -> Self {
        let columns = Columns {
            importance: Vec::with_capacity(nodes),
            from: Vec::with_capacity(edges),
            to: Vec::with_capacity(edges),
            relation: Vec::with_capacity(edges),
            weight: Vec::with_capacity(edges),
            times: Vec::with_capacity(edges),
            ..Columns::default()
        };
        Self { columns }
    }

    /// A node of that importance, from 0 to 1.
    pub fn node(&mut self, importance: f32) -> Result<NodeId> {
        let node = next_number(self.columns.importance.len())?;
        self.columns.importance.push(check_importance(importance)?);
        Ok(NodeId(node))
    }

    /// An edge between nodes that are there.
    pub fn edge(&mut self, edge: Edge) -> Result<EdgeId> {
        edge.check(self.columns.importance.len())?;
        let number = next_number(self.columns.from.len())?;
        self.push(edge.from.0, edge.to.0, &edge);
        Ok(EdgeId(number))
    }

    /// A number that belongs to an edge which is gone, so that later edges keep theirs.
    pub fn hole(&mut self) -> Result<EdgeId> {
        let number = next_number(self.columns.from.len())?;
        self.push(NOBODY, NOBODY, &Edge::new(NodeId(0), NodeId(0), crate::RelationId(0)));
        Ok(EdgeId(number))
    }

    #[must_use]
    pub fn build(self) -> Graph {
        let mut columns = self.columns;
        columns.calendar = Calendar::of(&columns.times);
        columns.out = adjacency(&columns, &columns.from, &columns.to);
        columns.into = adjacency(&columns, &columns.to, &columns.from);
        columns.loops = loops(&columns.out);
        Graph { base: columns.into(), ..Graph::default() }
    }

    fn push(&mut self, from: u32, to: u32, edge: &Edge) {
        self.columns.from.push(from);
        self.columns.to.push(to);
        self.columns.relation.push(edge.relation.0);
        self.columns.weight.push(edge.weight);
        self.columns.times.push(edge.times);
    }
}

/// Links name nodes and edges by 32 bits, and the highest number is the mark of what is gone.
pub(crate) fn next_number(count: usize) -> Result<u32> {
    match u32::try_from(count) {
        Ok(number) if number < NOBODY => Ok(number),
        _ => Err(Error::bad_request(
            "graph_full",
            "a graph holds 4294967294 nodes and as many edges at the most; divide it into workspaces",
        )),
    }
}

/// Strongest first; of equals the one that came first.
pub(crate) fn by_strength(left: &Link, right: &Link) -> std::cmp::Ordering {
    stronger((left.weight, left.edge), (right.weight, right.edge))
}

/// The same order, of weights and edges.
pub(crate) fn stronger(left: (f32, u32), right: (f32, u32)) -> std::cmp::Ordering {
    right.0.total_cmp(&left.0).then(left.1.cmp(&right.1))
}

fn adjacency(columns: &Columns, owners: &[u32], others: &[u32]) -> Adjacency {
    let offsets = offsets(owners, columns.importance.len());
    let mut links = placed(columns, owners, others, &offsets);
    for ends in offsets.windows(2) {
        let run = &mut links[ends[0] as usize..ends[1] as usize];
        if !run.is_sorted_by(|left, right| by_strength(left, right).is_le()) {
            run.sort_unstable_by(by_strength);
        }
    }
    Adjacency { offsets, links }
}

fn loops(out: &Adjacency) -> Vec<(u32, Link)> {
    let mut loops = Vec::new();
    for (node, ends) in out.offsets.windows(2).enumerate() {
        let run = &out.links[ends[0] as usize..ends[1] as usize];
        let own = run.iter().filter(|link| link.node as usize == node);
        loops.extend(own.map(|&link| (node as u32, link)));
    }
    loops
}

/// Where each node's links begin, and after the last where they end.
fn offsets(owners: &[u32], nodes: usize) -> Vec<u32> {
    let mut offsets = vec![0; nodes + 1];
    for &owner in owners.iter().filter(|&&owner| owner != NOBODY) {
        offsets[owner as usize + 1] += 1;
    }
    for node in 0..nodes {
        offsets[node + 1] += offsets[node];
    }
    offsets
}

fn placed(columns: &Columns, owners: &[u32], others: &[u32], offsets: &[u32]) -> Vec<Link> {
    let empty = Link { node: 0, edge: 0, weight: 0.0, relation: 0, mark: 0 };
    let mut links = vec![empty; offsets.last().map_or(0, |&end| end as usize)];
    let mut next = offsets.to_vec();
    for (edge, &owner) in owners.iter().enumerate().filter(|&(_, &owner)| owner != NOBODY) {
        let place = &mut next[owner as usize];
        links[*place as usize] = Link {
            node: others[edge],
            edge: edge as u32,
            weight: columns.weight[edge],
            relation: columns.relation[edge],
            mark: columns.calendar.mark(&columns.times[edge]),
        };
        *place += 1;
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Direction, RelationId, View};

    #[test]
    fn a_hole_keeps_the_numbers_of_what_follows() {
        let mut builder = GraphBuilder::with_capacity(2, 2);
        let [first, second] = [1.0, 0.5].map(|importance| builder.node(importance).unwrap());
        builder.hole().unwrap();
        let edge = builder.edge(Edge::new(first, second, RelationId(3))).unwrap();
        let graph = builder.build();
        assert_eq!(edge, EdgeId(1));
        assert!(graph.edge(EdgeId(0)).is_none());
        assert_eq!(graph.edge(edge).unwrap().relation, RelationId(3));
        assert_eq!(graph.edges().count(), 1);
        assert_eq!(graph.edge_slots(), 2);
        assert_eq!(graph.links(first, Direction::Both, &View::default()).count(), 1);
    }

    #[test]
    fn what_is_wrong_is_refused_and_takes_no_number() {
        let mut builder = GraphBuilder::default();
        let node = builder.node(0.3).unwrap();
        assert!(builder.node(2.0).is_err());
        assert!(builder.edge(Edge::new(node, NodeId(1), RelationId(0))).is_err());
        let graph = builder.build();
        assert_eq!((graph.node_count(), graph.edge_slots()), (1, 0));
    }

    #[test]
    fn the_last_number_is_never_given() {
        assert_eq!(next_number(u32::MAX as usize - 1).unwrap(), u32::MAX - 1);
        assert_eq!(next_number(u32::MAX as usize).unwrap_err().code, "graph_full");
    }
}
