//! Which nodes matter: by how many links they have, and by how many shortest ways lead over them.
//!
//! Keeps true: betweenness is Brandes' (2001), from every node or from a sample of them; a sample says how far it may be
//! off. Scores are shares from 0 to 1 of all the pairs of other nodes, so that graphs can be compared.

use ibid_types::Result;

use crate::random::Random;
use crate::{Direction, Graph, Limits, Net, NodeId, Plane, View};

/// Of how many runs one may break the stated bound of a sample.
const RUNS_PER_BREACH: f64 = 20.0;

/// A node and what it scored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    pub node: NodeId,
    pub score: f64,
}

/// From how many nodes betweenness is counted.
#[derive(Clone, Copy, Debug)]
pub struct Sampling {
    /// If the plane has no more nodes, all of them are sources and the scores are exact.
    pub exact_nodes_max: usize,
    /// How many are drawn otherwise.
    pub sources: usize,
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { exact_nodes_max: 2000, sources: 256, seed: 0 }
    }
}

/// A share for each number of the plane.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Betweenness {
    pub scores: Vec<f64>,
    /// How far each score is likely to be off (one standard error); zeros if exact.
    pub standard_errors: Vec<f64>,
    pub sources: usize,
    pub is_exact: bool,
    /// No score is off by more than this, in at least 19 of 20 samples (Hoeffding's bound over all nodes); 0 if exact.
    pub error_bound: f64,
}

impl Graph {
    /// How many links of each node the view shows, by number of edges (a loop counts in each direction); the best
    /// `results_max`.
    pub fn top_degrees(
        &self,
        direction: Direction,
        view: &View<'_>,
        limits: &Limits<'_>,
    ) -> Result<Vec<Scored>> {
        let mut degrees = vec![0_u32; self.node_count()];
        for (number, edge) in self.edges() {
            if !view.shows_edge(number, &edge) {
                continue;
            }
            degrees[edge.from.index()] += u32::from(direction != Direction::In);
            degrees[edge.to.index()] += u32::from(direction != Direction::Out);
        }
        limits.check()?;
        Ok(top_of(&degrees, limits.results_max))
    }
}

fn top_of(degrees: &[u32], count: usize) -> Vec<Scored> {
    let mut nodes: Vec<u32> = (0..degrees.len() as u32).filter(|&node| degrees[node as usize] > 0).collect();
    let key = |&node: &u32| (std::cmp::Reverse(degrees[node as usize]), node);
    if count < nodes.len() {
        nodes.select_nth_unstable_by_key(count, key);
        nodes.truncate(count);
    }
    nodes.sort_unstable_by_key(key);
    let scored = |&node: &u32| Scored { node: NodeId(node), score: f64::from(degrees[node as usize]) };
    nodes.iter().map(scored).collect()
}

impl Plane {
    /// The share of shortest ways (by number of links) between other nodes that lead over each node.
    pub fn betweenness(&self, sampling: &Sampling, limits: &Limits<'_>) -> Result<Betweenness> {
        let count = self.net.node_count();
        let is_exact = count <= sampling.exact_nodes_max || sampling.sources >= count;
        let taken = if is_exact { count } else { sampling.sources.max(1) };
        let sources = Random(sampling.seed).choose(count, taken);
        let mut sums = Sums::new(count);
        let mut ways = Ways::new(count);
        for &source in &sources {
            limits.check()?;
            ways.count(&self.net, source);
            sums.add(&ways, source);
        }
        Ok(sums.shares(sources.len(), is_exact))
    }
}

/// What the sources seen so far depend on each node, and its square.
struct Sums {
    sums: Vec<f64>,
    squares: Vec<f64>,
}

impl Sums {
    fn new(count: usize) -> Self {
        Self { sums: vec![0.0; count], squares: vec![0.0; count] }
    }

    fn add(&mut self, ways: &Ways, source: u32) {
        for &node in ways.order.iter().filter(|&&node| node != source) {
            let dependency = ways.dependency[node as usize];
            self.sums[node as usize] += dependency;
            self.squares[node as usize] += dependency * dependency;
        }
    }

    /// A dependency is at most `count - 2`, and a node is no source for itself, so over all `count` sources the share is the
    /// mean times `count / ((count - 1) (count - 2))`.
    fn shares(self, sources: usize, is_exact: bool) -> Betweenness {
        let (count, drawn) = (self.sums.len() as f64, sources.max(1) as f64);
        let scale = if count > 2.0 { count / ((count - 1.0) * (count - 2.0)) } else { 0.0 };
        let error = |(sum, square): (&f64, &f64)| {
            let mean = sum / drawn;
            let variance = (square / drawn - mean * mean).max(0.0) * (1.0 - drawn / count).max(0.0);
            scale * (variance / drawn).sqrt()
        };
        Betweenness {
            scores: self.sums.iter().map(|sum| scale * sum / drawn).collect(),
            standard_errors: self.sums.iter().zip(&self.squares).map(error).collect(),
            sources,
            is_exact,
            error_bound: if is_exact { 0.0 } else { bound(count, drawn) },
        }
    }
}

/// Each source's share is between 0 and 1, so the mean of `drawn` is off by `e` with probability at most
/// `2 exp(-2 drawn e²)`, and any of `count` means with `count` times that.
fn bound(count: f64, drawn: f64) -> f64 {
    let mean = ((2.0 * count * RUNS_PER_BREACH).ln() / (2.0 * drawn)).sqrt();
    (mean * count / (count - 1.0)).min(1.0)
}

/// Shortest ways from one source.
struct Ways {
    depth: Vec<u32>,
    count: Vec<f64>,
    dependency: Vec<f64>,
    /// The nodes that were reached, nearest first.
    order: Vec<u32>,
}

const UNSEEN: u32 = u32::MAX;

impl Ways {
    fn new(count: usize) -> Self {
        Self {
            depth: vec![UNSEEN; count],
            count: vec![0.0; count],
            dependency: vec![0.0; count],
            order: Vec::with_capacity(count),
        }
    }

    fn count(&mut self, net: &Net, source: u32) {
        self.clear();
        self.reach(source, 0);
        self.count[source as usize] = 1.0;
        let mut next = 0;
        while let Some(&node) = self.order.get(next) {
            next += 1;
            self.spread(net, node);
        }
        for place in (0..self.order.len()).rev() {
            self.depend(net, self.order[place]);
        }
    }

    fn clear(&mut self) {
        for &node in &self.order {
            self.depth[node as usize] = UNSEEN;
            self.count[node as usize] = 0.0;
            self.dependency[node as usize] = 0.0;
        }
        self.order.clear();
    }

    fn reach(&mut self, node: u32, depth: u32) {
        self.depth[node as usize] = depth;
        self.order.push(node);
    }

    fn spread(&mut self, net: &Net, node: u32) {
        let (depth, ways) = (self.depth[node as usize] + 1, self.count[node as usize]);
        for &target in net.targets(node) {
            if self.depth[target as usize] == UNSEEN {
                self.reach(target, depth);
            }
            if self.depth[target as usize] == depth {
                self.count[target as usize] += ways;
            }
        }
    }

    /// What the source depends on a node is gathered from the nodes one further, which were done before.
    fn depend(&mut self, net: &Net, node: u32) {
        let depth = self.depth[node as usize] + 1;
        let mut sum = 0.0;
        for &target in net.targets(node) {
            if self.depth[target as usize] == depth {
                sum += (1.0 + self.dependency[target as usize]) / self.count[target as usize];
            }
        }
        self.dependency[node as usize] = sum * self.count[node as usize];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Edge, GraphBuilder, RelationId};

    fn graph(count: u32, edges: impl IntoIterator<Item = (u32, u32)>) -> Graph {
        let mut builder = GraphBuilder::default();
        for _ in 0..count {
            builder.node(1.0).unwrap();
        }
        for (from, to) in edges {
            builder.edge(Edge::new(NodeId(from), NodeId(to), RelationId(0))).unwrap();
        }
        builder.build()
    }

    fn plane(graph: &Graph, direction: Direction) -> Plane {
        graph.plane(&View::default(), direction, &Limits::default()).unwrap()
    }

    #[test]
    fn all_ways_of_a_star_lead_over_its_middle() {
        let star = graph(5, (1..5).map(|node| (0, node)));
        let found =
            plane(&star, Direction::Both).betweenness(&Sampling::default(), &Limits::default()).unwrap();
        assert!(found.is_exact && found.error_bound == 0.0);
        assert_eq!(found.scores, [1.0, 0.0, 0.0, 0.0, 0.0]);
        let directed =
            plane(&star, Direction::Out).betweenness(&Sampling::default(), &Limits::default()).unwrap();
        assert_eq!(directed.scores, [0.0; 5]);
    }

    #[test]
    fn a_sample_is_within_its_bound_and_says_it_is_one() {
        let ring = graph(300, (0..300).map(|node| (node, (node + 1) % 300)).chain([(0, 150)]));
        let ring = plane(&ring, Direction::Both);
        let exact = ring.betweenness(&Sampling::default(), &Limits::default()).unwrap();
        let sampling = Sampling { exact_nodes_max: 10, sources: 100, seed: 4 };
        let sampled = ring.betweenness(&sampling, &Limits::default()).unwrap();
        assert!(!sampled.is_exact && sampled.sources == 100 && sampled.error_bound < 0.3);
        for (exact, sampled_score) in exact.scores.iter().zip(&sampled.scores) {
            assert!((exact - sampled_score).abs() <= sampled.error_bound);
        }
        let within = exact.scores.iter().zip(&sampled.scores).zip(&sampled.standard_errors);
        let near = within.filter(|((exact, score), error)| (*exact - *score).abs() <= 2.0 * **error).count();
        assert!(near > 270, "{near} of 300 within two standard errors");
    }

    #[test]
    fn degrees_count_edges_as_the_direction_says() {
        let graph = graph(4, [(0, 1), (0, 1), (2, 0), (3, 3)]);
        let top = |direction| {
            let found =
                graph.top_degrees(direction, &View::default(), &Limits::default().results(2)).unwrap();
            found.iter().map(|scored| (scored.node.0, scored.score)).collect::<Vec<_>>()
        };
        assert_eq!(top(Direction::Both), [(0, 3.0), (1, 2.0)]);
        assert_eq!(top(Direction::In), [(1, 2.0), (0, 1.0)]);
        assert_eq!(top(Direction::Out), [(0, 2.0), (2, 1.0)]);
    }

    #[test]
    fn it_can_be_stopped() {
        let stop = || true;
        let graph = graph(3, [(0, 1), (1, 2)]);
        let plane = plane(&graph, Direction::Both);
        let limits = Limits::default().cancelled_by(&stop);
        assert_eq!(plane.betweenness(&Sampling::default(), &limits).unwrap_err().code, "graph_cancelled");
    }
}
