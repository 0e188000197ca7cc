//! What a view shows, made flat for questions about all of it: only nodes that have an edge, numbered densely, and the
//! parallel edges between two nodes made one of their weights' sum.
//!
//! Keeps true: flattening reads every edge once in order, so the view's tests cost no misses of the cache; what is asked of
//! a plane looks at no view again. Whoever asks several questions of one view keeps its plane.

use fixedbitset::FixedBitSet;
use ibid_types::Result;

use crate::graph::NOBODY;
use crate::{Direction, EdgeId, Graph, Limits, NodeId, Scored, View};

/// Bare weighted links between numbers.
#[derive(Clone, Debug, Default)]
pub struct Net {
    pub(crate) offsets: Vec<u32>,
    pub(crate) targets: Vec<u32>,
    pub(crate) weights: Vec<f32>,
    /// The sum of each node's weights.
    pub(crate) strength: Vec<f64>,
}

impl Net {
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.strength.len()
    }

    /// Links: in an undirected net each edge between two nodes is two.
    #[must_use]
    pub fn link_count(&self) -> usize {
        self.targets.len()
    }

    pub(crate) fn range(&self, node: u32) -> std::ops::Range<usize> {
        self.offsets[node as usize] as usize..self.offsets[node as usize + 1] as usize
    }

    pub(crate) fn targets(&self, node: u32) -> &[u32] {
        &self.targets[self.range(node)]
    }

    pub(crate) fn links(&self, node: u32) -> impl Iterator<Item = (u32, f32)> + '_ {
        let range = self.range(node);
        self.targets[range.clone()].iter().copied().zip(self.weights[range].iter().copied())
    }

    pub(crate) fn total(&self) -> f64 {
        self.strength.iter().sum()
    }
}

/// Makes a net node by node, adding up what goes to the same target.
#[derive(Debug)]
pub(crate) struct NetBuilder {
    net: Net,
    /// For each target where it stands among the links, if that is behind the node's first.
    places: Vec<u32>,
}

impl NetBuilder {
    pub fn new(nodes: usize, links: usize) -> Self {
        let net = Net {
            offsets: Vec::with_capacity(nodes + 1),
            targets: Vec::with_capacity(links),
            weights: Vec::with_capacity(links),
            strength: Vec::with_capacity(nodes),
        };
        let mut builder = Self { net, places: vec![NOBODY; nodes] };
        builder.net.offsets.push(0);
        builder
    }

    /// The links of the next node.
    pub fn node(&mut self, links: impl Iterator<Item = (u32, f32)>) {
        let start = self.net.targets.len();
        let mut strength = 0.0;
        for (target, weight) in links {
            strength += f64::from(weight);
            self.link(start, target, weight);
        }
        self.net.strength.push(strength);
        self.net.offsets.push(self.net.targets.len() as u32);
    }

    fn link(&mut self, start: usize, target: u32, weight: f32) {
        let place = self.places[target as usize] as usize;
        if place >= start && place < self.net.targets.len() && self.net.targets[place] == target {
            self.net.weights[place] += weight;
            return;
        }
        self.places[target as usize] = self.net.targets.len() as u32;
        self.net.targets.push(target);
        self.net.weights.push(weight);
    }

    pub fn build(mut self) -> Net {
        self.net.targets.shrink_to_fit();
        self.net.weights.shrink_to_fit();
        self.net
    }
}

/// A net and which nodes of the graph its numbers are.
#[derive(Clone, Debug)]
pub struct Plane {
    pub(crate) nodes: Vec<NodeId>,
    pub(crate) net: Net,
    direction: Direction,
}

impl Plane {
    /// The node behind each number, ascending.
    #[must_use]
    pub fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    #[must_use]
    pub const fn net(&self) -> &Net {
        &self.net
    }

    #[must_use]
    pub const fn direction(&self) -> Direction {
        self.direction
    }

    /// A node's number, if the view shows an edge of it.
    #[must_use]
    pub fn number(&self, node: NodeId) -> Option<u32> {
        self.nodes.binary_search(&node).ok().map(|number| number as u32)
    }

    /// The `count` best of a score for each number; of equals the first nodes.
    #[must_use]
    pub fn top(&self, scores: &[f64], count: usize) -> Vec<Scored> {
        let mut all: Vec<Scored> =
            self.nodes.iter().zip(scores).map(|(&node, &score)| Scored { node, score }).collect();
        let better = |left: &Scored, right: &Scored| {
            right.score.total_cmp(&left.score).then(left.node.cmp(&right.node))
        };
        if count < all.len() {
            all.select_nth_unstable_by(count, better);
            all.truncate(count);
        }
        all.sort_unstable_by(better);
        all
    }
}

impl Graph {
    /// Flattens what the view shows; `Both` makes it undirected (a loop then weighs twice, as each of its ends counts).
    pub fn plane(&self, view: &View<'_>, direction: Direction, limits: &Limits<'_>) -> Result<Plane> {
        let shown = view.shown(self);
        limits.check()?;
        let (nodes, numbers) = self.numbered(&shown);
        limits.check()?;
        let sides = if direction == Direction::Both { 2 } else { 1 };
        let mut builder = NetBuilder::new(nodes.len(), shown.count_ones(..) * sides);
        for node in &nodes {
            let links = self.every_link(node.0, direction).filter(|link| shown.contains(link.edge as usize));
            builder.node(links.map(|link| (numbers[link.node as usize], link.weight)));
        }
        limits.check()?;
        Ok(Plane { nodes, net: builder.build(), direction })
    }

    /// The nodes with a shown edge, and for each node of the graph its number among them.
    fn numbered(&self, shown: &FixedBitSet) -> (Vec<NodeId>, Vec<u32>) {
        let mut numbers = vec![NOBODY; self.node_count()];
        for edge in shown.ones().filter_map(|edge| self.edge(EdgeId(edge as u32))) {
            numbers[edge.from.index()] = 0;
            numbers[edge.to.index()] = 0;
        }
        let mut nodes = Vec::new();
        for (node, number) in numbers.iter_mut().enumerate().filter(|(_, number)| **number != NOBODY) {
            *number = nodes.len() as u32;
            nodes.push(NodeId(node as u32));
        }
        (nodes, numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Edge, GraphBuilder, RelationId};

    fn graph() -> Graph {
        let mut builder = GraphBuilder::default();
        for _ in 0..6 {
            builder.node(1.0).unwrap();
        }
        for (from, to, relation, weight) in
            [(1, 3, 0, 1.0), (1, 3, 1, 2.0), (3, 1, 0, 4.0), (3, 3, 0, 0.5), (3, 5, 2, 8.0)]
        {
            let edge = Edge::new(NodeId(from), NodeId(to), RelationId(relation));
            builder.edge(edge.with_weight(weight)).unwrap();
        }
        builder.build()
    }

    fn links(view: &View<'_>, direction: Direction) -> (Vec<u32>, Vec<Vec<(u32, f32)>>) {
        let plane = graph().plane(view, direction, &Limits::default()).unwrap();
        let sorted = |node| {
            let mut links: Vec<(u32, f32)> = plane.net.links(node).collect();
            links.sort_by_key(|link| link.0);
            links
        };
        let rows = (0..plane.nodes.len() as u32).map(sorted).collect();
        (plane.nodes.iter().map(|node| node.0).collect(), rows)
    }

    #[test]
    fn parallel_edges_are_one_and_lonely_nodes_none() {
        let (nodes, rows) = links(&View::default(), Direction::Out);
        assert_eq!(nodes, [1, 3, 5]);
        assert_eq!(rows, [vec![(1, 3.0)], vec![(0, 4.0), (1, 0.5), (2, 8.0)], vec![]]);
    }

    #[test]
    fn an_undirected_plane_has_each_edge_at_both_ends() {
        let (_, rows) = links(&View::default(), Direction::Both);
        assert_eq!(rows, [vec![(1, 7.0)], vec![(0, 7.0), (1, 1.0), (2, 8.0)], vec![(1, 8.0)]]);
    }

    #[test]
    fn only_what_the_view_shows_is_on_it() {
        let view = View::default().with_relations([RelationId(1)]);
        assert_eq!(links(&view, Direction::In), (vec![1, 3], vec![vec![], vec![(0, 2.0)]]));
        let stop = || true;
        let limits = Limits::default().cancelled_by(&stop);
        assert_eq!(graph().plane(&view, Direction::In, &limits).unwrap_err().code, "graph_cancelled");
    }

    #[test]
    fn the_best_come_first() {
        let plane = graph().plane(&View::default(), Direction::Both, &Limits::default()).unwrap();
        let top: Vec<u32> = plane.top(&[1.0, 2.0, 2.0], 2).iter().map(|scored| scored.node.0).collect();
        assert_eq!(top, [3, 5]);
        assert_eq!(plane.top(&[1.0, 2.0, 2.0], 9).len(), 3);
        assert_eq!(plane.number(NodeId(5)), Some(2));
        assert_eq!(plane.number(NodeId(4)), None);
    }
}
