//! `PageRank` over all of a plane, from everywhere or from seeds, by power iteration to a tolerance.
//!
//! Keeps true: the scores are a distribution (they sum to 1). A walker follows a link in proportion to its weight, and
//! starts again with probability `1 - damping` and wherever no link goes on.

use ibid_types::{Error, Result};

use crate::{Limits, Net, NodeId, Plane};

/// How the walker walks.
#[derive(Clone, Copy, Debug)]
pub struct Walk {
    /// The probability of following a link, from 0 to below 1.
    pub damping: f64,
    /// The walk has settled when the scores change by less than this in sum.
    pub tolerance: f64,
    pub iterations_max: usize,
}

impl Default for Walk {
    /// At damping 0.85 the change falls below 1e-8 in at most 114 iterations whatever the graph.
    fn default() -> Self {
        Self { damping: 0.85, tolerance: 1e-8, iterations_max: 200 }
    }
}

/// A score for each number of the plane.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranks {
    pub scores: Vec<f64>,
    pub iterations: usize,
    /// The sum of the changes in the last iteration. The scores are off by at most `damping / (1 - damping)` times this
    /// in sum.
    pub change: f64,
    /// Whether the change came below the tolerance.
    pub is_settled: bool,
}

impl Plane {
    /// `PageRank`; with seeds, each with its weight, the personalised one. Seeds that the plane does not show do not count;
    /// if none is left, no node has a score.
    pub fn pagerank(&self, seeds: &[(NodeId, f64)], walk: &Walk, limits: &Limits<'_>) -> Result<Ranks> {
        check_damping(walk.damping)?;
        let count = self.net.node_count();
        let Some(restart) = (if seeds.is_empty() { everywhere(count) } else { self.at_seeds(seeds)? }) else {
            return Ok(Ranks { scores: vec![0.0; count], is_settled: true, ..Ranks::default() });
        };
        let mut ranks = Ranks { scores: restart.clone(), ..Ranks::default() };
        let mut next = vec![0.0; count];
        while ranks.iterations < walk.iterations_max && !ranks.is_settled {
            limits.check()?;
            step(&self.net, &restart, walk.damping, &ranks.scores, &mut next);
            ranks.change = ranks.scores.iter().zip(&next).map(|(old, new)| (old - new).abs()).sum();
            std::mem::swap(&mut ranks.scores, &mut next);
            ranks.iterations += 1;
            ranks.is_settled = ranks.change < walk.tolerance;
        }
        Ok(ranks)
    }

    fn at_seeds(&self, seeds: &[(NodeId, f64)]) -> Result<Option<Vec<f64>>> {
        let mut restart = vec![0.0; self.net.node_count()];
        for &(node, weight) in seeds {
            check_seed(weight)?;
            if let Some(number) = self.number(node) {
                restart[number as usize] += weight;
            }
        }
        let total: f64 = restart.iter().sum();
        for weight in &mut restart {
            *weight /= total;
        }
        Ok((total > 0.0).then_some(restart))
    }
}

pub(crate) fn check_damping(damping: f64) -> Result<()> {
    if (0.0..1.0).contains(&damping) {
        return Ok(());
    }
    let text = format!("the damping is {damping}; give a number from 0 to below 1, such as 0.85");
    Err(Error::bad_request("graph_damping_invalid", text))
}

pub(crate) fn check_seed(weight: f64) -> Result<()> {
    if weight > 0.0 && weight.is_finite() {
        return Ok(());
    }
    let text = format!("a seed's weight is {weight}; give a finite number above zero");
    Err(Error::bad_request("graph_weight_invalid", text))
}

fn everywhere(count: usize) -> Option<Vec<f64>> {
    (count > 0).then(|| vec![1.0 / count as f64; count])
}

fn step(net: &Net, restart: &[f64], damping: f64, scores: &[f64], next: &mut [f64]) {
    next.fill(0.0);
    let mut stranded = 0.0;
    for (node, &score) in scores.iter().enumerate() {
        let strength = net.strength[node];
        if strength == 0.0 {
            stranded += score;
        } else if score > 0.0 {
            let part = score * damping / strength;
            for (target, weight) in net.links(node as u32) {
                next[target as usize] += part * f64::from(weight);
            }
        }
    }
    let again = 1.0 - damping + damping * stranded;
    for (score, restart) in next.iter_mut().zip(restart) {
        *score += again * restart;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Direction, Edge, Graph, GraphBuilder, RelationId, View};

    fn graph(edges: &[(u32, u32)]) -> Graph {
        let mut builder = GraphBuilder::default();
        for _ in 0..10 {
            builder.node(1.0).unwrap();
        }
        for &(from, to) in edges {
            builder.edge(Edge::new(NodeId(from), NodeId(to), RelationId(0))).unwrap();
        }
        builder.build()
    }

    fn plane(edges: &[(u32, u32)]) -> Plane {
        graph(edges).plane(&View::default(), Direction::Out, &Limits::default()).unwrap()
    }

    #[test]
    fn a_ring_is_even_and_a_star_is_not() {
        let ring = plane(&[(0, 1), (1, 2), (2, 0)]);
        let ranks = ring.pagerank(&[], &Walk::default(), &Limits::default()).unwrap();
        assert!(ranks.scores.iter().all(|score| (score - 1.0 / 3.0).abs() < 1e-9));
        let star = plane(&[(1, 0), (2, 0), (3, 0)]);
        let ranks = star.pagerank(&[], &Walk::default(), &Limits::default()).unwrap();
        assert_eq!(star.top(&ranks.scores, 1)[0].node, NodeId(0));
        assert!((ranks.scores.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(ranks.is_settled && ranks.iterations <= 114);
    }

    #[test]
    fn a_walk_from_seeds_stays_where_it_can_get_to() {
        let plane = plane(&[(0, 1), (1, 0), (2, 3), (3, 2)]);
        let seeds = [(NodeId(0), 2.0), (NodeId(9), 1.0)];
        let ranks = plane.pagerank(&seeds, &Walk::default(), &Limits::default()).unwrap();
        assert_eq!(&ranks.scores[2..], [0.0, 0.0]);
        assert!((ranks.scores[0] - 1.0 / 1.85).abs() < 1e-7);
        let nowhere = plane.pagerank(&[(NodeId(9), 1.0)], &Walk::default(), &Limits::default()).unwrap();
        assert_eq!(nowhere.scores, [0.0; 4]);
    }

    #[test]
    fn a_bound_on_iterations_is_told() {
        let walk = Walk { iterations_max: 2, ..Walk::default() };
        let ranks = plane(&[(1, 0), (2, 0)]).pagerank(&[], &walk, &Limits::default()).unwrap();
        assert_eq!((ranks.iterations, ranks.is_settled), (2, false));
        assert!(ranks.change > walk.tolerance);
    }

    #[test]
    fn what_is_no_probability_or_weight_is_refused() {
        let plane = plane(&[(0, 1)]);
        let ask = |damping, seed| {
            let walk = Walk { damping, ..Walk::default() };
            plane.pagerank(&[(NodeId(0), seed)], &walk, &Limits::default())
        };
        assert_eq!(ask(1.0, 1.0).unwrap_err().code, "graph_damping_invalid");
        assert_eq!(ask(f64::NAN, 1.0).unwrap_err().code, "graph_damping_invalid");
        assert_eq!(ask(0.5, 0.0).unwrap_err().code, "graph_weight_invalid");
        let empty = Graph::default().plane(&View::default(), Direction::Out, &Limits::default()).unwrap();
        assert!(empty.pagerank(&[], &Walk::default(), &Limits::default()).unwrap().scores.is_empty());
    }
}
