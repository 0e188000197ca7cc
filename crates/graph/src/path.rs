//! The shortest way between two nodes, by the number of its edges.
//!
//! Keeps true: no way has fewer edges, and of parallel edges the strongest is taken. Both ends search at once, the smaller
//! frontier first, so between two of 100,000 nodes some thousand links are read, not a million.

use ibid_types::Result;

use crate::graph::NOBODY;
use crate::limits::Meter;
use crate::{Direction, EdgeId, Graph, Limits, NodeId, View};

/// A way: one more node than edges.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    pub nodes: Vec<NodeId>,
    pub edges: Vec<EdgeId>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundPath {
    pub path: Option<Path>,
    /// The search ended at a limit: there may be a way that was not found.
    pub is_truncated: bool,
}

impl Graph {
    /// A way with the fewest edges, at most `hops_max`.
    pub fn shortest_path(
        &self,
        from: NodeId,
        to: NodeId,
        view: &View<'_>,
        direction: Direction,
        hops_max: usize,
        limits: &Limits<'_>,
    ) -> Result<FoundPath> {
        self.check_node(from)?;
        self.check_node(to)?;
        if !view.shows_node(from) || !view.shows_node(to) {
            return Ok(FoundPath::default());
        }
        let mut meter = limits.meter();
        let path = self.meet(from, to, view, direction, hops_max, &mut meter);
        Ok(FoundPath { path, is_truncated: meter.is_empty() })
    }

    fn meet(
        &self,
        from: NodeId,
        to: NodeId,
        view: &View<'_>,
        direction: Direction,
        hops_max: usize,
        meter: &mut Meter<'_>,
    ) -> Option<Path> {
        if from == to {
            return Some(Path { nodes: vec![from], edges: Vec::new() });
        }
        let mut ahead = Side::new(self, from, direction);
        let mut back = Side::new(self, to, direction.reversed());
        for _ in 0..hops_max {
            let (small, large) = if ahead.frontier.len() <= back.frontier.len() {
                (&mut ahead, &back)
            } else {
                (&mut back, &ahead)
            };
            if let Some(middle) = small.grow(self, view, large, meter) {
                return Some(joined(&ahead, &back, middle));
            }
            if small.frontier.is_empty() || meter.is_empty() {
                return None;
            }
        }
        None
    }
}

/// What one end has reached, level by level.
struct Side {
    start: u32,
    direction: Direction,
    frontier: Vec<u32>,
    /// For each node the one it was reached from and the edge; the start is reached from itself.
    came: Vec<(u32, u32)>,
}

impl Side {
    fn new(graph: &Graph, start: NodeId, direction: Direction) -> Self {
        let mut came = vec![(NOBODY, NOBODY); graph.node_count()];
        came[start.index()] = (start.0, NOBODY);
        Self { start: start.0, direction, frontier: vec![start.0], came }
    }

    fn has(&self, node: u32) -> bool {
        self.came[node as usize].0 != NOBODY
    }

    /// One level further. The first node that the other side has too is the middle of a shortest way: were it not in
    /// the other's last level, the two would have met before.
    fn grow(&mut self, graph: &Graph, view: &View<'_>, other: &Self, meter: &mut Meter<'_>) -> Option<u32> {
        let mut next = Vec::new();
        for &node in &self.frontier {
            for link in graph.every_link(node, self.direction) {
                if !meter.spend() {
                    return None;
                }
                if self.came[link.node as usize].0 != NOBODY || !view.shows(graph, &link) {
                    continue;
                }
                self.came[link.node as usize] = (node, link.edge);
                if other.has(link.node) {
                    return Some(link.node);
                }
                next.push(link.node);
            }
        }
        self.frontier = next;
        None
    }

    /// From a node back to the start: the edges, and the nodes behind each.
    fn way_back(&self, mut node: u32) -> impl Iterator<Item = (NodeId, EdgeId)> + '_ {
        std::iter::from_fn(move || {
            let (before, edge) = self.came[node as usize];
            let step = (node != self.start).then_some((NodeId(before), EdgeId(edge)));
            node = before;
            step
        })
    }
}

fn joined(ahead: &Side, back: &Side, middle: u32) -> Path {
    let (mut nodes, mut edges) = (vec![NodeId(middle)], Vec::new());
    for (node, edge) in ahead.way_back(middle) {
        nodes.push(node);
        edges.push(edge);
    }
    nodes.reverse();
    edges.reverse();
    for (node, edge) in back.way_back(middle) {
        nodes.push(node);
        edges.push(edge);
    }
    Path { nodes, edges }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Edge, GraphBuilder, RelationId};

    fn ring(count: u32) -> Graph {
        let mut builder = GraphBuilder::default();
        for _ in 0..count {
            builder.node(1.0).unwrap();
        }
        for node in 0..count {
            builder.edge(Edge::new(NodeId(node), NodeId((node + 1) % count), RelationId(0))).unwrap();
        }
        builder.build()
    }

    fn nodes(graph: &Graph, to: u32, direction: Direction, hops_max: usize) -> Option<Vec<u32>> {
        let all = View::default();
        let found = graph
            .shortest_path(NodeId(0), NodeId(to), &all, direction, hops_max, &Limits::default())
            .unwrap();
        found.path.map(|path| {
            assert_eq!(path.nodes.len(), path.edges.len() + 1);
            path.nodes.iter().map(|node| node.0).collect()
        })
    }

    #[test]
    fn the_shorter_way_round_is_taken_if_the_direction_allows() {
        let ring = ring(7);
        assert_eq!(nodes(&ring, 5, Direction::Out, 9).unwrap(), [0, 1, 2, 3, 4, 5]);
        assert_eq!(nodes(&ring, 5, Direction::In, 9).unwrap(), [0, 6, 5]);
        assert_eq!(nodes(&ring, 5, Direction::Both, 9).unwrap(), [0, 6, 5]);
        assert_eq!(nodes(&ring, 0, Direction::Out, 9).unwrap(), [0]);
    }

    #[test]
    fn a_way_that_is_too_long_is_none() {
        let ring = ring(7);
        assert!(nodes(&ring, 5, Direction::Out, 5).is_some());
        assert!(nodes(&ring, 5, Direction::Out, 4).is_none());
    }

    #[test]
    fn a_search_that_ends_early_says_so() {
        let (ring, all) = (ring(100), View::default());
        let limits = Limits::default().links(5);
        let found = ring.shortest_path(NodeId(0), NodeId(50), &all, Direction::Both, 99, &limits).unwrap();
        assert_eq!(found, FoundPath { path: None, is_truncated: true });
    }

    #[test]
    fn an_unknown_node_is_an_error_and_a_hidden_one_has_no_way() {
        let (ring, limits) = (ring(5), Limits::default());
        let to = |to, view: &View<'_>| {
            ring.shortest_path(NodeId(0), NodeId(to), view, Direction::Both, 9, &limits)
        };
        assert_eq!(to(9, &View::default()).unwrap_err().code, "graph_node_unknown");
        let hidden = View::default().with_nodes(crate::Allowed::When(&|node| node != 2));
        assert_eq!(to(2, &hidden).unwrap().path, None);
        assert_eq!(to(3, &hidden).unwrap().path.unwrap().edges, [EdgeId(4), EdgeId(3)]);
    }
}
