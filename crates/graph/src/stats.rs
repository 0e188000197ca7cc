//! How large a graph is: nodes, edges, by relation, how dense.

use std::collections::BTreeMap;

use ibid_types::Result;

use crate::{Graph, Limits, RelationId, View};

/// Sums over what a view shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// Nodes that the view shows, with edges or without.
    pub nodes: usize,
    /// Of them those with an edge.
    pub nodes_with_edges: usize,
    pub edges: usize,
    pub loops: usize,
    pub by_relation: BTreeMap<RelationId, usize>,
    /// The most edges that one node has, in both directions.
    pub degree_max: usize,
    /// Edges for each ordered pair of nodes; above 1 if most pairs have several.
    pub density: f64,
    /// Of the whole graph, in memory.
    pub bytes: usize,
}

impl Graph {
    pub fn stats(&self, view: &View<'_>, limits: &Limits<'_>) -> Result<Stats> {
        let mut stats = Stats { bytes: self.bytes(), ..Stats::default() };
        let mut degrees = vec![0_usize; self.node_count()];
        for (_, edge) in self.edges().filter(|(number, edge)| view.shows_edge(*number, edge)) {
            stats.edges += 1;
            stats.loops += usize::from(edge.from == edge.to);
            *stats.by_relation.entry(edge.relation).or_default() += 1;
            degrees[edge.from.index()] += 1;
            degrees[edge.to.index()] += 1;
        }
        limits.check()?;
        stats.nodes = (0..self.node_count() as u32).filter(|&node| view.nodes.allows(node)).count();
        stats.nodes_with_edges = degrees.iter().filter(|&&degree| degree > 0).count();
        stats.degree_max = degrees.iter().copied().max().unwrap_or(0);
        stats.density = density(stats.nodes, stats.edges);
        Ok(stats)
    }
}

fn density(nodes: usize, edges: usize) -> f64 {
    if nodes < 2 {
        return 0.0;
    }
    edges as f64 / (nodes as f64 * (nodes as f64 - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Edge, GraphBuilder, NodeId};

    #[test]
    fn sums_are_of_what_the_view_shows() {
        let mut builder = GraphBuilder::default();
        for _ in 0..4 {
            builder.node(1.0).unwrap();
        }
        for (from, to, relation) in [(0, 1, 1), (0, 1, 1), (1, 1, 2), (1, 2, 7)] {
            builder.edge(Edge::new(NodeId(from), NodeId(to), RelationId(relation))).unwrap();
        }
        let graph = builder.build();
        let all = graph.stats(&View::default(), &Limits::default()).unwrap();
        assert_eq!((all.nodes, all.nodes_with_edges, all.edges, all.loops, all.degree_max), (4, 3, 4, 1, 5));
        assert_eq!(all.by_relation, [(1, 2), (2, 1), (7, 1)].map(|(r, n)| (RelationId(r), n)).into());
        assert!((all.density - 4.0 / 12.0).abs() < 1e-12 && all.bytes > 4 * 78);
        let some = View::default().with_relations([RelationId(7)]);
        assert_eq!(graph.stats(&some, &Limits::default()).unwrap().edges, 1);
    }
}
