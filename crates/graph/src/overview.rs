//! The graph at a glance: its most important nodes and the strongest edges between them, for who has no node to start from.
//!
//! A node's score is its importance times the number of its edges that the view shows.
//!
//! Keeps true: two steps through all edges and nothing else, whatever is asked for; what was left out is counted.

use std::cmp::Ordering;

use fixedbitset::FixedBitSet;
use ibid_types::Result;

use crate::build::stronger;
use crate::{EdgeId, Graph, Limits, NodeId, Scored, View};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overview {
    /// The `results_max` of the highest score.
    pub nodes: Vec<Scored>,
    /// Of the edges between them the strongest.
    pub edges: Vec<EdgeId>,
    /// How many nodes have an edge that the view shows, and how many edges are between the nodes that are told.
    pub node_count: usize,
    pub edge_count: usize,
}

impl Graph {
    /// The most important nodes, with at most `edges_max` edges between them.
    pub fn overview(&self, edges_max: usize, view: &View<'_>, limits: &Limits<'_>) -> Result<Overview> {
        let scored = self.scored(view);
        limits.check()?;
        let node_count = scored.len();
        let better = |left: &Scored, right: &Scored| {
            right.score.total_cmp(&left.score).then(left.node.cmp(&right.node))
        };
        let nodes = best(scored, limits.results_max, better);
        let mut among = FixedBitSet::with_capacity(self.node_count());
        among.extend(nodes.iter().map(|scored| scored.node.index()));
        let edges = self.among(&among, view);
        limits.check()?;
        let edge_count = edges.len();
        let edges = best(edges, edges_max, |left, right| stronger(*left, *right));
        let edges = edges.into_iter().map(|(_, edge)| EdgeId(edge)).collect();
        Ok(Overview { nodes, edges, node_count, edge_count })
    }

    fn scored(&self, view: &View<'_>) -> Vec<Scored> {
        let mut degrees = vec![0_u32; self.node_count()];
        for (_, edge) in self.edges().filter(|(number, edge)| view.shows_edge(*number, edge)) {
            degrees[edge.from.index()] += 1;
            degrees[edge.to.index()] += 1;
        }
        let with_edges = (0_u32..).zip(degrees).filter(|(_, degree)| *degree > 0);
        let score = |(node, degree)| {
            let node = NodeId(node);
            Scored { node, score: f64::from(self.importance(node)) * f64::from(degree) }
        };
        with_edges.map(score).collect()
    }

    fn among(&self, nodes: &FixedBitSet, view: &View<'_>) -> Vec<(f32, u32)> {
        let mut found = Vec::new();
        for (number, edge) in self.edges() {
            let is_among = nodes.contains(edge.from.index()) && nodes.contains(edge.to.index());
            if is_among && view.shows_edge(number, &edge) {
                found.push((edge.weight, number.0));
            }
        }
        found
    }
}

/// The first `count` in that order.
fn best<T>(mut all: Vec<T>, count: usize, order: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    if count < all.len() {
        all.select_nth_unstable_by(count, &order);
        all.truncate(count);
    }
    all.sort_unstable_by(order);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Edge, GraphBuilder, RelationId};

    /// A star around 0, and 4 which is important.
    fn graph() -> Graph {
        let mut builder = GraphBuilder::default();
        for importance in [0.5, 0.1, 0.1, 0.1, 1.0, 1.0] {
            builder.node(importance).unwrap();
        }
        for (from, to, weight) in
            [(0, 1, 0.9), (0, 2, 0.8), (0, 3, 0.7), (0, 4, 0.6), (4, 0, 0.9), (1, 2, 1.0)]
        {
            let edge = Edge::new(NodeId(from), NodeId(to), RelationId(from as u16));
            builder.edge(edge.with_weight(weight)).unwrap();
        }
        builder.build()
    }

    fn told(edges_max: usize, view: &View<'_>, results_max: usize) -> (Vec<u32>, Vec<u32>, usize, usize) {
        let found = graph().overview(edges_max, view, &Limits::default().results(results_max)).unwrap();
        let nodes = found.nodes.iter().map(|scored| scored.node.0).collect();
        (nodes, found.edges.iter().map(|edge| edge.0).collect(), found.node_count, found.edge_count)
    }

    #[test]
    fn the_most_important_come_with_the_edges_between_them() {
        assert_eq!(told(9, &View::default(), 2), (vec![0, 4], vec![4, 3], 5, 2));
        assert_eq!(told(1, &View::default(), 2), (vec![0, 4], vec![4], 5, 2));
        assert_eq!(told(2, &View::default(), 9).1, [5, 0]);
    }

    #[test]
    fn only_what_the_view_shows_counts() {
        let view = View::default().with_relations([RelationId(1)]);
        assert_eq!(told(9, &view, 9), (vec![1, 2], vec![5], 2, 1));
        let stop = || true;
        let limits = Limits::default().cancelled_by(&stop);
        assert_eq!(graph().overview(9, &view, &limits).unwrap_err().code, "graph_cancelled");
    }
}
