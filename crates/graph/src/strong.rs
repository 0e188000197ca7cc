//! Circles: groups in which every node leads to every other along edges, such as things that depend on each other.
//!
//! Keeps true: `petgraph` finds them (Kosaraju, without recursion, so no depth of a chain can end the process); here is only
//! what shows it a plane's columns, which are not copied.

use ibid_types::{Error, Result};
use petgraph::Direction as Way;
use petgraph::visit::{
    GraphBase, GraphRef, IntoNeighbors, IntoNeighborsDirected, IntoNodeIdentifiers, Visitable,
};

use crate::{Components, Direction, Graph, Limits, Net, Plane, View};

/// A directed plane and the same one backwards.
#[derive(Clone, Copy)]
struct Directed<'a> {
    out: &'a Net,
    into: &'a Net,
}

impl GraphBase for Directed<'_> {
    type NodeId = u32;
    type EdgeId = u32;
}

impl GraphRef for Directed<'_> {}

impl Visitable for Directed<'_> {
    type Map = fixedbitset::FixedBitSet;

    fn visit_map(&self) -> Self::Map {
        Self::Map::with_capacity(self.out.node_count())
    }

    fn reset_map(&self, map: &mut Self::Map) {
        map.clear();
    }
}

impl<'a> IntoNeighbors for Directed<'a> {
    type Neighbors = std::iter::Copied<std::slice::Iter<'a, u32>>;

    fn neighbors(self, node: u32) -> Self::Neighbors {
        self.out.targets(node).iter().copied()
    }
}

impl<'a> IntoNeighborsDirected for Directed<'a> {
    type NeighborsDirected = std::iter::Copied<std::slice::Iter<'a, u32>>;

    fn neighbors_directed(self, node: u32, way: Way) -> Self::NeighborsDirected {
        let net = if way == Way::Outgoing { self.out } else { self.into };
        net.targets(node).iter().copied()
    }
}

impl IntoNodeIdentifiers for Directed<'_> {
    type NodeIdentifiers = std::ops::Range<u32>;

    fn node_identifiers(self) -> Self::NodeIdentifiers {
        0..self.out.node_count() as u32
    }
}

impl Graph {
    /// The circles of what the view shows: groups of two nodes and more.
    pub fn circles(&self, view: &View<'_>, limits: &Limits<'_>) -> Result<Components> {
        let out = self.plane(view, Direction::Out, limits)?;
        let into = self.plane(view, Direction::In, limits)?;
        circles(&out, &into, limits)
    }
}

fn circles(out: &Plane, into: &Plane, limits: &Limits<'_>) -> Result<Components> {
    if out.nodes != into.nodes {
        return Err(Error::internal(
            "graph_planes_differ",
            "two planes of one view have other nodes; report it",
        ));
    }
    let groups = petgraph::algo::kosaraju_scc(Directed { out: &out.net, into: &into.net });
    limits.check()?;
    let several = groups.into_iter().filter(|group| group.len() > 1);
    let named = several.map(|group| group.iter().map(|&number| out.nodes[number as usize]).collect());
    Ok(Components::of(named.collect(), limits.results_max))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Edge, GraphBuilder, NodeId, RelationId};

    fn graph(nodes: u32, edges: impl IntoIterator<Item = (u32, u32)>) -> Graph {
        let mut builder = GraphBuilder::default();
        for _ in 0..nodes {
            builder.node(1.0).unwrap();
        }
        for (from, to) in edges {
            builder.edge(Edge::new(NodeId(from), NodeId(to), RelationId(0))).unwrap();
        }
        builder.build()
    }

    #[test]
    fn circles_are_found_and_chains_are_none() {
        let graph = graph(8, [(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (4, 3), (4, 5), (6, 6)]);
        let found = graph.circles(&View::default(), &Limits::default()).unwrap();
        let numbers: Vec<Vec<u32>> =
            found.groups.iter().map(|group| group.iter().map(|node| node.0).collect()).collect();
        assert_eq!(numbers, [vec![0, 1, 2], vec![3, 4]]);
    }

    #[test]
    fn a_long_chain_ends_nothing() {
        let long = graph(200_000, (1..200_000).map(|node| (node - 1, node)).chain([(199_999, 0)]));
        let found = long.circles(&View::default(), &Limits::default()).unwrap();
        assert_eq!((found.count, found.groups[0].len()), (1, 200_000));
    }
}
