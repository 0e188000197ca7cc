//! Personalised `PageRank` near its seeds, by pushing: only nodes that get a share worth passing on are looked at, so the
//! cost is that of the neighbourhood and not of the graph. This is what recall walks with.
//!
//! Keeps true: scores never exceed the true ones, and what they lack in sum is `residue`. A node passes on what it holds
//! while that is more than `threshold` times its number of links (Andersen, Chung, Lang 2006), so at most
//! `1 / (threshold * (1 - damping))` links are read.

use std::collections::VecDeque;

use ibid_types::{Error, Result};

use crate::limits::Meter;
use crate::rank::{check_damping, check_seed};
use crate::{Direction, Graph, Limits, Link, NodeId, Scored, View};

/// How the walker walks, and how small a share it still follows.
#[derive(Clone, Copy, Debug)]
pub struct Push {
    /// The probability of following a link, from 0 to below 1.
    pub damping: f64,
    /// What a node must hold for each of its links to pass it on; above 0.
    pub threshold: f64,
    pub direction: Direction,
}

impl Default for Push {
    /// Half as far as `PageRank` is used to, as what bears on a question is near its entities.
    fn default() -> Self {
        Self { damping: 0.5, threshold: 1e-5, direction: Direction::Both }
    }
}

/// Scores of the nodes that the walk reached.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LocalRanks {
    /// The best, highest first.
    pub scores: Vec<Scored>,
    /// The share of the walk that was not followed to its end.
    pub residue: f64,
    pub links_read: u64,
    /// The limit of links ended the walk before the threshold did.
    pub is_truncated: bool,
}

impl Graph {
    /// The `results_max` best nodes for a walk that starts, again and again, at the seeds.
    pub fn local_ranks(
        &self,
        seeds: &[(NodeId, f64)],
        push: &Push,
        view: &View<'_>,
        limits: &Limits<'_>,
    ) -> Result<LocalRanks> {
        check_damping(push.damping)?;
        check_threshold(push.threshold)?;
        let seeds = self.shares(seeds, view)?;
        let mut walk = Walker::new(self, push, view, limits, &seeds);
        while let Some(node) = walk.queue.pop_front() {
            if walk.meter.is_empty() {
                break;
            }
            walk.push(node);
        }
        Ok(walk.finish(limits.results_max))
    }

    /// The seeds that the view shows, with weights that sum to 1.
    fn shares(&self, seeds: &[(NodeId, f64)], view: &View<'_>) -> Result<Vec<(u32, f64)>> {
        let mut shares = Vec::new();
        for &(node, weight) in seeds {
            check_seed(weight)?;
            self.check_node(node)?;
            if view.shows_node(node) {
                shares.push((node.0, weight));
            }
        }
        let total: f64 = shares.iter().map(|share| share.1).sum();
        for share in &mut shares {
            share.1 /= total;
        }
        Ok(shares)
    }
}

fn check_threshold(threshold: f64) -> Result<()> {
    if threshold > 0.0 && threshold.is_finite() {
        return Ok(());
    }
    let text = format!("the threshold of a walk is {threshold}; give a number above zero, such as 1e-5");
    Err(Error::bad_request("graph_threshold_invalid", text))
}

/// What a node holds.
#[derive(Clone, Copy, Default)]
struct Held {
    /// Its score: what stays.
    kept: f64,
    /// What it has not passed on.
    waiting: f64,
    is_queued: bool,
}

struct Walker<'a> {
    graph: &'a Graph,
    push: &'a Push,
    view: &'a View<'a>,
    seeds: &'a [(u32, f64)],
    meter: Meter<'a>,
    held: Vec<Held>,
    touched: Vec<u32>,
    queue: VecDeque<u32>,
    /// The links of one node that the view shows.
    links: Vec<Link>,
}

impl<'a> Walker<'a> {
    fn new(
        graph: &'a Graph,
        push: &'a Push,
        view: &'a View<'a>,
        limits: &Limits<'a>,
        seeds: &'a [(u32, f64)],
    ) -> Self {
        let mut walker = Self {
            graph,
            push,
            view,
            seeds,
            meter: limits.meter(),
            held: vec![Held::default(); graph.node_count()],
            touched: Vec::new(),
            queue: VecDeque::new(),
            links: Vec::new(),
        };
        for &(node, share) in seeds {
            walker.give(node, share);
        }
        walker
    }

    fn give(&mut self, node: u32, share: f64) {
        let held = &mut self.held[node as usize];
        if held.kept == 0.0 && held.waiting == 0.0 {
            self.touched.push(node);
        }
        held.waiting += share;
        if !held.is_queued && held.waiting > self.push.threshold * self.graph.degree_max(node).max(1) as f64 {
            held.is_queued = true;
            self.queue.push_back(node);
        }
    }

    fn push(&mut self, node: u32) {
        let Some(strength) = self.read_links(node) else { return };
        let held = &mut self.held[node as usize];
        let share = std::mem::take(&mut held.waiting);
        held.is_queued = false;
        held.kept += share * (1.0 - self.push.damping);
        let passed = share * self.push.damping;
        if strength > 0.0 {
            self.pass(passed / strength);
        } else {
            self.start_again(passed);
        }
    }

    /// The sum of the weights of the links that are shown; nothing if the limit came first.
    fn read_links(&mut self, node: u32) -> Option<f64> {
        let mut links = std::mem::take(&mut self.links);
        links.clear();
        let mut strength = 0.0;
        for link in self.graph.every_link(node, self.push.direction) {
            if !self.meter.spend() {
                return None;
            }
            if self.view.shows(self.graph, &link) {
                strength += f64::from(link.weight);
                links.push(link);
            }
        }
        self.links = links;
        Some(strength)
    }

    fn pass(&mut self, part: f64) {
        let links = std::mem::take(&mut self.links);
        for link in &links {
            self.give(link.node, part * f64::from(link.weight));
        }
        self.links = links;
    }

    fn start_again(&mut self, share: f64) {
        for &(node, part) in self.seeds {
            self.give(node, share * part);
        }
    }

    fn finish(self, results_max: usize) -> LocalRanks {
        let score = |&node: &u32| Scored { node: NodeId(node), score: self.held[node as usize].kept };
        let mut scores: Vec<Scored> =
            self.touched.iter().map(score).filter(|scored| scored.score > 0.0).collect();
        let better = |left: &Scored, right: &Scored| {
            right.score.total_cmp(&left.score).then(left.node.cmp(&right.node))
        };
        if results_max < scores.len() {
            scores.select_nth_unstable_by(results_max, better);
            scores.truncate(results_max);
        }
        scores.sort_unstable_by(better);
        let residue = self.touched.iter().map(|&node| self.held[node as usize].waiting).sum();
        LocalRanks { scores, residue, links_read: self.meter.spent(), is_truncated: self.meter.is_empty() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Edge, GraphBuilder, RelationId};

    fn line(count: u32) -> Graph {
        let mut builder = GraphBuilder::default();
        for _ in 0..count {
            builder.node(1.0).unwrap();
        }
        for node in 1..count {
            builder.edge(Edge::new(NodeId(node - 1), NodeId(node), RelationId(0))).unwrap();
        }
        builder.build()
    }

    fn ranks(graph: &Graph, push: &Push, limits: &Limits<'_>) -> LocalRanks {
        graph.local_ranks(&[(NodeId(0), 3.0)], push, &View::default(), limits).unwrap()
    }

    #[test]
    fn nearer_nodes_score_higher_and_the_rest_is_told() {
        let found = ranks(&line(9), &Push::default(), &Limits::default());
        let nodes: Vec<u32> = found.scores.iter().take(4).map(|scored| scored.node.0).collect();
        assert_eq!(nodes, [0, 1, 2, 3]);
        let sum: f64 = found.scores.iter().map(|scored| scored.score).sum();
        assert!((sum + found.residue - 1.0).abs() < 1e-9);
        assert!(found.residue < 9.0 * 2.0 * 1e-5);
    }

    #[test]
    fn a_dead_end_starts_again() {
        let push = Push { direction: Direction::Out, threshold: 1e-12, ..Push::default() };
        let found = ranks(&line(2), &push, &Limits::default());
        assert!((found.scores[0].score - 2.0 / 3.0).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn a_high_threshold_looks_at_less() {
        let graph = line(100);
        let coarse = ranks(&graph, &Push { threshold: 0.05, ..Push::default() }, &Limits::default());
        let fine = ranks(&graph, &Push::default(), &Limits::default());
        assert!(coarse.links_read < fine.links_read && coarse.residue > fine.residue);
        let cut = ranks(&graph, &Push::default(), &Limits::default().links(5).results(1));
        assert!(cut.is_truncated && cut.scores.len() == 1);
    }

    #[test]
    fn what_is_wrong_is_refused_and_what_is_hidden_is_nothing() {
        let graph = line(3);
        let ask = |node, weight, threshold| {
            let push = Push { threshold, ..Push::default() };
            graph.local_ranks(&[(NodeId(node), weight)], &push, &View::default(), &Limits::default())
        };
        assert_eq!(ask(0, -1.0, 1e-5).unwrap_err().code, "graph_weight_invalid");
        assert_eq!(ask(3, 1.0, 1e-5).unwrap_err().code, "graph_node_unknown");
        assert_eq!(ask(0, 1.0, 0.0).unwrap_err().code, "graph_threshold_invalid");
        let hidden = View::default().with_nodes(crate::Allowed::When(&|node| node != 0));
        let seeds = [(NodeId(0), 1.0)];
        let found = graph.local_ranks(&seeds, &Push::default(), &hidden, &Limits::default()).unwrap();
        assert_eq!(found, LocalRanks::default());
    }
}
