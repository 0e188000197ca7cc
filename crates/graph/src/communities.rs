//! Communities by the Leiden method (Traag, Waltman, van Eck 2019) on modularity.
//!
//! Keeps true: every community is connected, modularity is never lower than that of each node for itself, and the same
//! plane and seed give the same communities. Nodes move to where they gain most; communities are split into parts that
//! hold together ([`crate::refine`]); each part becomes one node, and again.

use std::collections::VecDeque;

use ibid_types::{Error, Result};

use crate::plane::NetBuilder;
use crate::random::Random;
use crate::refine::{connected, refined};
use crate::{Direction, Limits, Net, Plane};

/// A gain below this is the noise of sums, and following it would never end.
pub(crate) const GAIN_MIN: f64 = 1e-9;
/// Nodes that are looked at between two questions whether to stop: some milliseconds.
const NODES_BETWEEN_CHECKS: usize = 16_384;

/// How communities are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Detection {
    /// Above 1 more and smaller communities, below 1 fewer.
    pub resolution: f64,
    /// How often to begin again with what was found; it ends sooner if nothing changes.
    pub rounds_max: usize,
    pub seed: u64,
}

impl Default for Detection {
    /// Two rounds, as other implementations do: the second gains about a hundredth, the third next to nothing.
    fn default() -> Self {
        Self { resolution: 1.0, rounds_max: 2, seed: 0 }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Communities {
    /// For each number of the plane its community; communities are numbered by size, the largest first.
    pub members: Vec<u32>,
    /// How many nodes each has.
    pub sizes: Vec<usize>,
    /// From -0.5 to 1: how much more weight is inside than chance would put there.
    pub modularity: f64,
}

impl Plane {
    /// The communities of an undirected plane.
    pub fn communities(&self, detection: &Detection, limits: &Limits<'_>) -> Result<Communities> {
        self.check_undirected()?;
        let mut random = Random(detection.seed);
        let mut parts = Parts::single(self.net.node_count());
        for _ in 0..detection.rounds_max {
            let next = round(&self.net, parts.clone(), detection.resolution, &mut random, limits)?;
            let is_same = next == parts;
            parts = next;
            if is_same {
                break;
            }
        }
        Ok(told(&self.net, &connected(&self.net, &parts), detection.resolution))
    }

    fn check_undirected(&self) -> Result<()> {
        if self.direction() == Direction::Both {
            return Ok(());
        }
        let text = "communities are looked for in a plane of one direction; make it with both";
        Err(Error::bad_request("graph_direction_invalid", text))
    }
}

/// Which part each node belongs to: numbers without gaps.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parts {
    pub of: Vec<u32>,
    pub count: usize,
}

impl Parts {
    pub fn single(nodes: usize) -> Self {
        Self { of: (0..nodes as u32).collect(), count: nodes }
    }

    /// Numbered anew in the order in which nodes meet them.
    pub fn dense(mut of: Vec<u32>) -> Self {
        let mut numbers = vec![u32::MAX; of.iter().max().map_or(0, |&most| most as usize + 1)];
        let mut count = 0;
        for part in &mut of {
            let number = &mut numbers[*part as usize];
            if *number == u32::MAX {
                *number = count;
                count += 1;
            }
            *part = *number;
        }
        Self { of, count: count as usize }
    }

    /// The parts of the parts' nodes.
    fn through(&self, inner: &Self) -> Self {
        Self { of: self.of.iter().map(|&part| inner.of[part as usize]).collect(), count: inner.count }
    }
}

/// One round: from the nodes up until parts no longer merge.
fn round(
    base: &Net,
    start: Parts,
    resolution: f64,
    random: &mut Random,
    limits: &Limits<'_>,
) -> Result<Parts> {
    let mut ways_up = Parts::single(base.node_count());
    let mut net = None;
    let mut parts = start;
    loop {
        let level = net.as_ref().unwrap_or(base);
        parts = moved(level, parts, resolution, random, limits)?;
        let finer = refined(level, &parts, resolution, random, limits)?;
        if parts.count == level.node_count() || finer.count == level.node_count() {
            return Ok(Parts::dense(ways_up.through(&parts).of));
        }
        ways_up = ways_up.through(&finer);
        let coarser = aggregated(level, &finer);
        parts = lifted(&parts, &finer);
        net = Some(coarser);
    }
}

/// The parts of the next level's nodes, each of which lies in one part.
fn lifted(parts: &Parts, finer: &Parts) -> Parts {
    let mut of = vec![0; finer.count];
    for (&part, &fine) in parts.of.iter().zip(&finer.of) {
        of[fine as usize] = part;
    }
    Parts { of, count: parts.count }
}

/// Each part as one node; what was inside is its loop.
fn aggregated(net: &Net, parts: &Parts) -> Net {
    let members = members(parts);
    let mut builder = NetBuilder::new(parts.count, net.link_count());
    for part in &members {
        let links = part.iter().flat_map(|&node| net.links(node));
        builder.node(links.map(|(target, weight)| (parts.of[target as usize], weight)));
    }
    builder.build()
}

pub(crate) fn members(parts: &Parts) -> Vec<Vec<u32>> {
    let mut members = vec![Vec::new(); parts.count];
    for (node, &part) in parts.of.iter().enumerate() {
        members[part as usize].push(node as u32);
    }
    members
}

/// Moves nodes, in random order, to where modularity gains most, until none gains.
fn moved(
    net: &Net,
    parts: Parts,
    resolution: f64,
    random: &mut Random,
    limits: &Limits<'_>,
) -> Result<Parts> {
    let count = net.node_count();
    let mut mover = Mover::new(net, parts, resolution);
    let mut queue: VecDeque<u32> = random.choose(count, count).into();
    let mut is_queued = vec![true; count];
    let mut until_check = NODES_BETWEEN_CHECKS;
    while let Some(node) = queue.pop_front() {
        is_queued[node as usize] = false;
        until_check -= 1;
        if until_check == 0 {
            limits.check()?;
            until_check = NODES_BETWEEN_CHECKS;
        }
        if mover.visit(node) {
            for &target in net.targets(node) {
                if mover.of[target as usize] != mover.of[node as usize] && !is_queued[target as usize] {
                    is_queued[target as usize] = true;
                    queue.push_back(target);
                }
            }
        }
    }
    Ok(Parts::dense(mover.of))
}

/// Sums of weights from one node to the parts around it, empty again after each use.
#[derive(Debug)]
pub(crate) struct Around {
    pub weights: Vec<f64>,
    pub parts: Vec<u32>,
}

impl Around {
    pub fn new(parts: usize) -> Self {
        Self { weights: vec![0.0; parts], parts: Vec::new() }
    }

    pub fn add(&mut self, part: u32, weight: f64) {
        let sum = &mut self.weights[part as usize];
        if *sum == 0.0 {
            self.parts.push(part);
        }
        *sum += weight;
    }

    pub fn clear(&mut self) {
        for part in self.parts.drain(..) {
            self.weights[part as usize] = 0.0;
        }
    }
}

struct Mover<'a> {
    net: &'a Net,
    of: Vec<u32>,
    /// The sum of the strengths of each part's nodes.
    volumes: Vec<f64>,
    sizes: Vec<u32>,
    empty: Vec<u32>,
    around: Around,
    /// Resolution over the sum of all strengths.
    penalty: f64,
}

impl<'a> Mover<'a> {
    fn new(net: &'a Net, parts: Parts, resolution: f64) -> Self {
        let count = net.node_count();
        let (mut volumes, mut sizes) = (vec![0.0; count], vec![0; count]);
        for (&part, strength) in parts.of.iter().zip(&net.strength) {
            volumes[part as usize] += strength;
            sizes[part as usize] += 1;
        }
        let empty = (parts.count as u32..count as u32).rev().collect();
        let penalty = resolution / net.total();
        Self { net, of: parts.of, volumes, sizes, empty, around: Around::new(count), penalty }
    }

    /// Moves the node if it gains by it.
    fn visit(&mut self, node: u32) -> bool {
        let strength = self.net.strength[node as usize];
        let own = self.of[node as usize];
        for (target, weight) in self.net.links(node).filter(|link| link.0 != node) {
            self.around.add(self.of[target as usize], f64::from(weight));
        }
        self.volumes[own as usize] -= strength;
        let best = self.best(own, strength);
        self.around.clear();
        self.volumes[best as usize] += strength;
        self.settle(node, own, best)
    }

    /// Where a node of that strength is best off; alone, if every part around costs more than it gives.
    fn best(&self, own: u32, strength: f64) -> u32 {
        let gain = |part: u32| {
            self.around.weights[part as usize] - strength * self.penalty * self.volumes[part as usize]
        };
        let (mut best, mut most) = (own, gain(own) + GAIN_MIN * strength);
        for &part in &self.around.parts {
            let gain = gain(part);
            if gain > most {
                (best, most) = (part, gain);
            }
        }
        match self.empty.last() {
            Some(&alone) if most < 0.0 => alone,
            _ => best,
        }
    }

    fn settle(&mut self, node: u32, own: u32, best: u32) -> bool {
        if own == best {
            return false;
        }
        if self.sizes[best as usize] == 0 {
            self.empty.pop();
        }
        self.sizes[own as usize] -= 1;
        self.sizes[best as usize] += 1;
        if self.sizes[own as usize] == 0 {
            self.empty.push(own);
        }
        self.of[node as usize] = best;
        true
    }
}

fn modularity(net: &Net, parts: &Parts, resolution: f64) -> f64 {
    let total = net.total();
    let (mut inside, mut volumes) = (0.0, vec![0.0; parts.count]);
    for (node, &part) in parts.of.iter().enumerate() {
        volumes[part as usize] += net.strength[node];
        let own = net.links(node as u32).filter(|link| parts.of[link.0 as usize] == part);
        inside += own.map(|link| f64::from(link.1)).sum::<f64>();
    }
    let expected: f64 = volumes.iter().map(|volume| (volume / total) * (volume / total)).sum();
    if total > 0.0 { inside / total - resolution * expected } else { 0.0 }
}

fn told(net: &Net, parts: &Parts, resolution: f64) -> Communities {
    let mut sizes = vec![0_usize; parts.count];
    for &part in &parts.of {
        sizes[part as usize] += 1;
    }
    let mut order: Vec<u32> = (0..parts.count as u32).collect();
    order.sort_by_key(|&part| std::cmp::Reverse(sizes[part as usize]));
    let mut places = vec![0; parts.count];
    for (place, &part) in order.iter().enumerate() {
        places[part as usize] = place as u32;
    }
    Communities {
        members: parts.of.iter().map(|&part| places[part as usize]).collect(),
        sizes: order.iter().map(|&part| sizes[part as usize]).collect(),
        modularity: modularity(net, parts, resolution),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Edge, Graph, GraphBuilder, NodeId, RelationId, View};

    /// Cliques of five in a ring, each joined to the next by one edge.
    fn cliques(count: u32) -> Graph {
        let mut builder = GraphBuilder::default();
        for _ in 0..count * 5 {
            builder.node(1.0).unwrap();
        }
        let mut join = |from: u32, to: u32| {
            builder.edge(Edge::new(NodeId(from), NodeId(to), RelationId(0))).unwrap();
        };
        for clique in 0..count {
            let first = clique * 5;
            for from in first..first + 5 {
                (from + 1..first + 5).for_each(|to| join(from, to));
            }
            join(first, (first + 6) % (count * 5));
        }
        builder.build()
    }

    fn plane(graph: &Graph, direction: Direction) -> Plane {
        graph.plane(&View::default(), direction, &Limits::default()).unwrap()
    }

    #[test]
    fn cliques_are_communities() {
        let plane = plane(&cliques(8), Direction::Both);
        let found = plane.communities(&Detection::default(), &Limits::default()).unwrap();
        assert_eq!(found.sizes, [5; 8]);
        for clique in found.members.chunks(5) {
            assert!(clique.iter().all(|&member| member == clique[0]));
        }
        // Of 88 edges 80 are inside, and each clique has an eighth of the strength.
        assert!((found.modularity - (80.0 / 88.0 - 1.0 / 8.0)).abs() < 1e-9);
    }

    #[test]
    fn the_resolution_says_how_fine() {
        let plane = plane(&cliques(30), Direction::Both);
        let count = |resolution| {
            let detection = Detection { resolution, ..Detection::default() };
            plane.communities(&detection, &Limits::default()).unwrap().sizes.len()
        };
        assert!(count(0.1) < count(1.0), "{} {}", count(0.1), count(1.0));
        assert!(
            (15..=18).contains(&count(1.0)),
            "modularity takes neighbouring cliques in pairs: {}",
            count(1.0)
        );
        assert_eq!(count(1.9), 30);
        assert_eq!(count(1000.0), 150);
    }

    #[test]
    fn a_seed_gives_its_communities() {
        let plane = plane(&cliques(9), Direction::Both);
        let of = |seed| {
            plane.communities(&Detection { seed, ..Detection::default() }, &Limits::default()).unwrap()
        };
        assert_eq!(of(3), of(3));
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        let graph = cliques(2);
        let ask = |direction, limits: &Limits<'_>| {
            plane(&graph, direction).communities(&Detection::default(), limits)
        };
        assert_eq!(ask(Direction::Out, &Limits::default()).unwrap_err().code, "graph_direction_invalid");
        let stop = || true;
        let limits = Limits::default().cancelled_by(&stop);
        assert_eq!(ask(Direction::Both, &limits).unwrap_err().code, "graph_cancelled");
        let empty = plane(&Graph::default(), Direction::Both);
        let found = empty.communities(&Detection::default(), &Limits::default()).unwrap();
        assert_eq!(found, Communities::default());
    }
}
