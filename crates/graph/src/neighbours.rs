//! The strongest neighbours of a node, near ones before far ones, and the edges between those that are shown.
//!
//! A node's strength is the best product, over the ways to it of at most `hops_max` edges, of `decay` times the edge's
//! weight (at most 1) at each hop; its rank is its strength times its importance.
//!
//! Keeps true: the `results_max` nodes of the highest rank, exactly (of equals those that are met first), unless
//! `is_truncated`. Nodes are reached strongest
//! first, a hub's links are read one by one in the order of their weights, and the search ends when nothing it could
//! still reach would be among the best: a hub of 100,000 edges costs what is shown of it.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use fixedbitset::FixedBitSet;
use ibid_types::Result;

use crate::build::by_strength;
use crate::limits::Meter;
use crate::{Direction, EdgeId, Graph, Limits, Link, NodeId, View};

/// How far to look.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    pub hops_max: u8,
    pub direction: Direction,
    /// What of a node's strength reaches the next, over an edge of weight 1: more than 0, at most 1.
    pub decay: f32,
    /// Edges between the nodes that are shown, strongest first.
    pub edges_max: usize,
}

impl Default for Reach {
    fn default() -> Self {
        Self { hops_max: 2, direction: Direction::Both, decay: 0.5, edges_max: 1000 }
    }
}

/// A node that was reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    pub node: NodeId,
    /// The edge over which the strongest way reaches it.
    pub edge: EdgeId,
    /// How many edges that way has.
    pub hops: u8,
    pub rank: f32,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Neighbourhood {
    /// By rank, highest first; without the node that was asked for.
    pub nodes: Vec<Neighbour>,
    /// Between these nodes and the one that was asked for.
    pub edges: Vec<EdgeId>,
    /// The search ended at a limit before it could be sure.
    pub is_truncated: bool,
}

impl Graph {
    /// The best `results_max` nodes within reach of `start`.
    pub fn neighbours(
        &self,
        start: NodeId,
        reach: &Reach,
        view: &View<'_>,
        limits: &Limits<'_>,
    ) -> Result<Neighbourhood> {
        self.check_node(start)?;
        if !view.shows_node(start) || limits.results_max == 0 {
            return Ok(Neighbourhood::default());
        }
        let mut search = Search::new(self, view, reach, limits);
        search.run(start);
        let (nodes, mut meter) = search.finish();
        let edges = self.edges_between(start, &nodes, reach, view, &mut meter);
        Ok(Neighbourhood { nodes, edges, is_truncated: meter.is_empty() })
    }

    /// Each edge is found at that of its ends which has fewer links, so the largest hub's links are not read at all.
    fn edges_between(
        &self,
        start: NodeId,
        nodes: &[Neighbour],
        reach: &Reach,
        view: &View<'_>,
        meter: &mut Meter<'_>,
    ) -> Vec<EdgeId> {
        let members = || nodes.iter().map(|near| near.node.0).chain([start.0]);
        let mut shown = FixedBitSet::with_capacity(self.node_count());
        shown.extend(members().map(|node| node as usize));
        let size = |node: u32| (self.degree_max(node), node);
        let largest = members().max_by_key(|&node| size(node));
        let mut found = Vec::new();
        for node in members() {
            found.extend(self.loops(node).filter(|link| view.shows(self, link)));
            if Some(node) == largest {
                continue;
            }
            let own_size = size(node);
            for link in self.every_link(node, Direction::Both).take_while(|_| meter.spend()) {
                let is_found_here = shown.contains(link.node as usize) && own_size < size(link.node);
                if is_found_here && view.shows(self, &link) {
                    found.push(link);
                }
            }
        }
        found.sort_unstable_by(by_strength);
        found.into_iter().take(reach.edges_max).map(|link| EdgeId(link.edge)).collect()
    }
}

/// A number that is never NaN, in its order.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Strength(f32);

impl Eq for Strength {}

impl PartialOrd for Strength {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Strength {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// The next link of one run of a node's links. Ordered as it is to be followed: strongest first, then nearest, then by
/// number, so that equals have an order too.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Cursor {
    strength: Strength,
    hops: Reverse<u8>,
    target: Reverse<u32>,
    edge: Reverse<u32>,
    /// Where it stands: the node, which of its four runs, how far into it, and with which strength the node was reached.
    node: u32,
    run: u8,
    place: u32,
    source: Strength,
}

/// Rank, node, edge, hops.
type Ranked = (Strength, Reverse<u32>, u32, u8);

struct Search<'a> {
    graph: &'a Graph,
    view: &'a View<'a>,
    reach: &'a Reach,
    results_max: usize,
    importance_max: f32,
    meter: Meter<'a>,
    cursors: BinaryHeap<Cursor>,
    /// The fewest hops with which each node was reached so far.
    hops: Vec<u8>,
    /// The lowest rank on top.
    best: BinaryHeap<Reverse<Ranked>>,
}

impl<'a> Search<'a> {
    fn new(graph: &'a Graph, view: &'a View<'a>, reach: &'a Reach, limits: &Limits<'a>) -> Self {
        Self {
            graph,
            view,
            reach,
            results_max: limits.results_max,
            importance_max: graph.importance_max(),
            meter: limits.meter(),
            cursors: BinaryHeap::new(),
            hops: vec![u8::MAX; graph.node_count()],
            best: BinaryHeap::new(),
        }
    }

    fn run(&mut self, start: NodeId) {
        self.hops[start.index()] = 0;
        self.open(start.0, 0, Strength(1.0));
        while let Some(cursor) = self.cursors.pop() {
            if self.is_settled(cursor.strength) || self.meter.is_empty() {
                return;
            }
            self.follow(&cursor);
            self.advance(cursor.node, cursor.run, cursor.place + 1, cursor.hops.0, cursor.source);
        }
    }

    /// The first way to a node is its strongest; a weaker one with fewer hops can still lead further.
    fn follow(&mut self, cursor: &Cursor) {
        let (target, hops) = (cursor.target.0, cursor.hops.0);
        let known = self.hops[target as usize];
        if hops >= known {
            return;
        }
        self.hops[target as usize] = hops;
        if known == u8::MAX {
            self.keep(cursor);
        }
        self.open(target, hops, cursor.strength);
    }

    fn keep(&mut self, cursor: &Cursor) {
        let importance = self.graph.importance(NodeId(cursor.target.0));
        let rank = Strength(cursor.strength.0 * importance);
        self.best.push(Reverse((rank, cursor.target, cursor.edge.0, cursor.hops.0)));
        if self.best.len() > self.results_max {
            self.best.pop();
        }
    }

    /// Whether nothing of that strength or less can be among the best any more.
    fn is_settled(&self, strength: Strength) -> bool {
        let Some(Reverse((worst, ..))) = self.best.peek() else { return false };
        self.best.len() == self.results_max && strength.0 * self.importance_max <= worst.0
    }

    fn open(&mut self, node: u32, hops: u8, strength: Strength) {
        if hops >= self.reach.hops_max {
            return;
        }
        for run in 0..4 {
            self.advance(node, run, 0, hops + 1, strength);
        }
    }

    /// Puts the cursor of a run on the next link that may be followed.
    fn advance(&mut self, node: u32, run: u8, start: u32, hops: u8, source: Strength) {
        let links = self.graph.runs(node, self.reach.direction)[usize::from(run)];
        for (place, link) in links.iter().enumerate().skip(start as usize) {
            if !self.meter.spend() {
                return;
            }
            if self.leads_on(link, run, hops) {
                let strength = Strength(source.0 * self.reach.decay * link.weight.min(1.0));
                let (target, edge) = (Reverse(link.node), Reverse(link.edge));
                let (hops, place) = (Reverse(hops), place as u32);
                self.cursors.push(Cursor { strength, hops, target, edge, node, run, place, source });
                return;
            }
        }
    }

    fn leads_on(&self, link: &Link, run: u8, hops: u8) -> bool {
        let is_there = run >= 2 || self.graph.over.keeps(link.edge);
        is_there && hops < self.hops[link.node as usize] && self.view.shows(self.graph, link)
    }

    fn finish(self) -> (Vec<Neighbour>, Meter<'a>) {
        let mut best: Vec<_> = self.best.into_iter().map(|Reverse(found)| found).collect();
        best.sort_unstable_by(|left, right| right.cmp(left));
        let neighbour = |(rank, node, edge, hops): Ranked| Neighbour {
            node: NodeId(node.0),
            edge: EdgeId(edge),
            hops,
            rank: rank.0,
        };
        (best.into_iter().map(neighbour).collect(), self.meter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Change, Edge, GraphBuilder, RelationId};

    fn graph(importances: &[f32], edges: &[(u32, u32, f32)]) -> Graph {
        let mut builder = GraphBuilder::default();
        for &importance in importances {
            builder.node(importance).unwrap();
        }
        for &(from, to, weight) in edges {
            let edge = Edge::new(NodeId(from), NodeId(to), RelationId(0));
            builder.edge(edge.with_weight(weight)).unwrap();
        }
        builder.build()
    }

    fn near(graph: &Graph, reach: &Reach, limits: &Limits<'_>) -> Vec<(u32, u8, f32)> {
        let found = graph.neighbours(NodeId(0), reach, &View::default(), limits).unwrap();
        found.nodes.iter().map(|near| (near.node.0, near.hops, near.rank)).collect()
    }

    #[test]
    fn rank_is_strength_times_importance() {
        let graph = graph(&[1.0, 0.5, 1.0, 1.0], &[(0, 1, 1.0), (1, 2, 1.0), (3, 0, 0.5)]);
        let found = near(&graph, &Reach::default(), &Limits::default());
        assert_eq!(found, [(1, 1, 0.25), (2, 2, 0.25), (3, 1, 0.25)]);
        let out = Reach { direction: Direction::Out, hops_max: 1, ..Reach::default() };
        assert_eq!(near(&graph, &out, &Limits::default()), [(1, 1, 0.25)]);
    }

    #[test]
    fn a_way_with_fewer_hops_leads_further_though_it_is_weaker() {
        // The strong way to 2 has two hops, so 3 is within two hops only over the weak one.
        let graph = graph(&[1.0; 4], &[(0, 1, 1.0), (1, 2, 1.0), (0, 2, 0.1), (2, 3, 1.0)]);
        let found = near(&graph, &Reach::default(), &Limits::default());
        assert_eq!(found.iter().map(|near| near.0).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(found[1].1, 2);
        assert!((found[2].2 - 0.1 * 0.25).abs() < 1e-6);
    }

    #[test]
    fn the_edges_between_those_shown_are_there_once() {
        let edges = [(0, 1, 0.9), (1, 0, 0.8), (1, 2, 0.7), (2, 3, 0.6), (1, 1, 0.5)];
        let graph = graph(&[1.0; 4], &edges);
        let ask = Reach { hops_max: 1, ..Reach::default() };
        let found = graph.neighbours(NodeId(1), &ask, &View::default(), &Limits::default()).unwrap();
        assert_eq!(found.edges, [0, 1, 2, 4].map(EdgeId));
        assert!(!found.is_truncated);
    }

    #[test]
    fn a_hub_costs_what_is_shown_of_it() {
        let edges: Vec<(u32, u32, f32)> = (1..5000).map(|node| (0, node, 1.0 / node as f32)).collect();
        let graph = graph(&vec![1.0; 5000], &edges);
        let limits = Limits::default().results(10).links(100);
        let found = graph.neighbours(NodeId(0), &Reach::default(), &View::default(), &limits).unwrap();
        assert_eq!(
            found.nodes.iter().map(|near| near.node.0).collect::<Vec<_>>(),
            (1..11).collect::<Vec<_>>()
        );
        assert_eq!(found.edges.len(), 10);
        assert!(!found.is_truncated);
    }

    #[test]
    fn a_limit_on_links_is_told() {
        let graph = graph(&[1.0; 3], &[(0, 1, 1.0), (1, 2, 1.0)]);
        let limits = Limits::default().links(1);
        let found = graph.neighbours(NodeId(0), &Reach::default(), &View::default(), &limits).unwrap();
        assert!(found.is_truncated);
    }

    #[test]
    fn what_was_added_and_taken_away_counts() {
        let mut graph = graph(&[1.0; 3], &[(0, 1, 0.5)]);
        let new = Edge::new(NodeId(2), NodeId(0), RelationId(0));
        graph.apply(&[Change::Add(new), Change::Remove(EdgeId(0))]).unwrap();
        assert_eq!(near(&graph, &Reach::default(), &Limits::default()), [(2, 1, 0.5)]);
    }
}
