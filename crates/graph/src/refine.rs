//! The second step of Leiden: communities are divided into parts that hold together, which then move as one.
//!
//! Keeps true: a part lies in one community and is connected, since a node joins only what it has a link to; and
//! [`connected`] makes communities what the method promises of them even where the search was ended.

use ibid_types::Result;

use crate::communities::{Around, Parts};
use crate::random::Random;
use crate::{Limits, Net};

/// Nodes that are looked at between two questions whether to stop.
const NODES_BETWEEN_CHECKS: usize = 16_384;

/// Nodes in random order join the part of their own community where modularity gains most. Only what is well tied to the
/// rest of its community, node and part, takes part in it.
pub(crate) fn refined(
    net: &Net,
    parts: &Parts,
    resolution: f64,
    random: &mut Random,
    limits: &Limits<'_>,
) -> Result<Parts> {
    let mut refiner = Refiner::new(net, parts, resolution);
    for (turn, node) in random.choose(net.node_count(), net.node_count()).into_iter().enumerate() {
        if turn.is_multiple_of(NODES_BETWEEN_CHECKS) {
            limits.check()?;
        }
        refiner.visit(node);
    }
    Ok(Parts::dense(refiner.of))
}

struct Refiner<'a> {
    net: &'a Net,
    community: &'a [u32],
    /// The sum of the strengths of each community.
    communities: Vec<f64>,
    of: Vec<u32>,
    /// Of each part: how many nodes, the sum of their strengths, and the weight to the rest of its community.
    sizes: Vec<u32>,
    volumes: Vec<f64>,
    ties: Vec<f64>,
    around: Around,
    penalty: f64,
}

impl<'a> Refiner<'a> {
    fn new(net: &'a Net, parts: &'a Parts, resolution: f64) -> Self {
        let count = net.node_count();
        let mut communities = vec![0.0; parts.count];
        for (&part, strength) in parts.of.iter().zip(&net.strength) {
            communities[part as usize] += strength;
        }
        Self {
            net,
            community: &parts.of,
            communities,
            of: (0..count as u32).collect(),
            sizes: vec![1; count],
            volumes: net.strength.clone(),
            ties: (0..count as u32).map(|node| tie(net, &parts.of, node)).collect(),
            around: Around::new(count),
            penalty: resolution / net.total(),
        }
    }

    fn visit(&mut self, node: u32) {
        let own = self.of[node as usize];
        let community = self.community[node as usize];
        if self.sizes[own as usize] != 1 || !self.is_well_tied(own, community) {
            return;
        }
        for (target, weight) in self.net.links(node).filter(|link| link.0 != node) {
            if self.community[target as usize] == community {
                self.around.add(self.of[target as usize], f64::from(weight));
            }
        }
        if let Some((part, weight)) = self.best(node, community) {
            self.join(node, own, part, weight);
        }
        self.around.clear();
    }

    /// A part is well tied if it has more weight to the rest of its community than chance would give it.
    fn is_well_tied(&self, part: u32, community: u32) -> bool {
        let volume = self.volumes[part as usize];
        let rest = self.communities[community as usize] - volume;
        self.ties[part as usize] >= self.penalty * volume * rest
    }

    fn best(&self, node: u32, community: u32) -> Option<(u32, f64)> {
        let strength = self.net.strength[node as usize];
        let (mut best, mut most) = (None, 0.0);
        for &part in &self.around.parts {
            let weight = self.around.weights[part as usize];
            let gain = weight - self.penalty * strength * self.volumes[part as usize];
            if gain > most && self.is_well_tied(part, community) {
                (best, most) = (Some((part, weight)), gain);
            }
        }
        best
    }

    fn join(&mut self, node: u32, own: u32, part: u32, weight: f64) {
        self.of[node as usize] = part;
        self.sizes[own as usize] = 0;
        self.sizes[part as usize] += 1;
        self.volumes[part as usize] += self.net.strength[node as usize];
        self.volumes[own as usize] = 0.0;
        self.ties[part as usize] += self.ties[own as usize] - 2.0 * weight;
    }
}

/// The weight from a node to others of its community.
fn tie(net: &Net, community: &[u32], node: u32) -> f64 {
    let own = community[node as usize];
    let links = net.links(node).filter(|link| link.0 != node && community[link.0 as usize] == own);
    links.map(|link| f64::from(link.1)).sum()
}

/// The parts, each divided into what is connected inside it. To divide what has no link in common never costs modularity.
pub(crate) fn connected(net: &Net, parts: &Parts) -> Parts {
    let mut of = vec![u32::MAX; net.node_count()];
    let mut count = 0;
    let mut stack = Vec::new();
    for start in 0..net.node_count() as u32 {
        if of[start as usize] != u32::MAX {
            continue;
        }
        of[start as usize] = count;
        stack.push(start);
        while let Some(node) = stack.pop() {
            for &target in net.targets(node) {
                let is_same = parts.of[target as usize] == parts.of[node as usize];
                if is_same && of[target as usize] == u32::MAX {
                    of[target as usize] = count;
                    stack.push(target);
                }
            }
        }
        count += 1;
    }
    Parts { of, count: count as usize }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plane::NetBuilder;

    /// Two pairs, in one community, with nothing between them.
    fn two_pairs() -> Net {
        let mut builder = NetBuilder::new(4, 4);
        for target in [1, 0, 3, 2] {
            builder.node([(target, 1.0)].into_iter());
        }
        builder.build()
    }

    #[test]
    fn a_part_is_connected() {
        let together = Parts { of: vec![0; 4], count: 1 };
        let finer = refined(&two_pairs(), &together, 1.0, &mut Random(1), &Limits::default()).unwrap();
        assert_eq!(finer, Parts { of: vec![0, 0, 1, 1], count: 2 });
    }

    #[test]
    fn a_part_stays_in_its_community() {
        let apart = Parts { of: vec![0, 1, 1, 1], count: 2 };
        let finer = refined(&two_pairs(), &apart, 1.0, &mut Random(1), &Limits::default()).unwrap();
        assert_eq!(finer, Parts { of: vec![0, 1, 2, 2], count: 3 });
    }

    #[test]
    fn what_is_not_connected_is_divided() {
        let together = Parts { of: vec![0; 4], count: 1 };
        assert_eq!(connected(&two_pairs(), &together).of, [0, 0, 1, 1]);
    }
}
