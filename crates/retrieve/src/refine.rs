//! The second look at the best candidates of a hybrid search, by what they say of each other.
//!
//! Two things are added to the fused score. *Feedback*: how close a passage is to the passages at the top, each
//! counted by how far its score stands out (Rocchio, "Relevance feedback in information retrieval", 1971, with the
//! fused list in the place of a reader's judgement). *Neighbours*: the mean score of the passages nearest to it, for
//! passages that say alike answer alike (Diaz, "Regularizing query-based retrieval scores", Information Retrieval
//! 2007). `docs/adr/0002-fusion.md` has the measurements.
//!
//! Keeps true: only the order of the best changes, none leaves and none comes in; scores fall along the whole list.

use crate::fusion::{Fused, SecondLook, sort};
use crate::vectors::dot;

/// How sharply feedback goes to the very top: the exponent of a score one standard deviation higher.
const SHARPNESS: f32 = 3.0;
/// The best candidates that the standard deviation of scores is taken over.
const SPREAD_DEPTH: usize = 50;
/// Passages that count as the nearest.
const NEIGHBOURS: usize = 5;

/// How much the second look counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Refinement {
    /// Candidates looked at.
    pub depth: usize,
    /// Added to the score for a passage that equals the blend of the top.
    pub feedback_weight: f32,
    /// The share of the neighbours' mean in the score, 0 to 1.
    pub neighbour_weight: f32,
}

/// What was looked at, to look at more in the same way.
#[derive(Debug)]
pub struct Looked {
    how: Refinement,
    blend: Vec<f32>,
    vectors: Vec<Vec<f32>>,
    /// With feedback, ahead of the neighbours' share.
    scores: Vec<f32>,
}

impl Looked {
    /// Adds both to a candidate that was not among the best, with those as its neighbours.
    pub fn look_at(&self, candidate: &mut Fused, vector: &[f32]) {
        let feedback = dot(vector, &self.blend).max(0.0);
        candidate.score += self.how.feedback_weight * feedback;
        let row: Vec<f32> = self.vectors.iter().map(|other| dot(vector, other).max(0.0)).collect();
        let neighbours = mean_of_nearest(&row, &self.scores).unwrap_or(candidate.score);
        candidate.second_look = Some(SecondLook { feedback, neighbours });
        candidate.score += self.how.neighbour_weight * (neighbours - candidate.score);
    }
}

/// Adds both to the best `depth` of `fused`, which is ordered, and orders these anew. `vector` gives a slot's unit
/// vector, or zeros, which are near to nothing. None where there is nothing to compare.
pub fn refine(fused: &mut [Fused], how: &Refinement, vector: impl Fn(u32) -> Vec<f32>) -> Option<Looked> {
    let depth = how.depth.min(fused.len());
    let best = &mut fused[..depth];
    if best.len() < 2 {
        return None;
    }
    let vectors: Vec<Vec<f32>> = best.iter().map(|candidate| vector(candidate.slot)).collect();
    let blend = add_feedback(best, &vectors, how.feedback_weight);
    let scores = best.iter().map(|candidate| candidate.score).collect();
    add_neighbours(best, &vectors, how.neighbour_weight);
    sort(best);
    Some(Looked { how: *how, blend, vectors, scores })
}

/// Adds it, and returns the blend of the top.
fn add_feedback(best: &mut [Fused], vectors: &[Vec<f32>], weight: f32) -> Vec<f32> {
    let blend = blend_of_top(best, vectors);
    for (candidate, vector) in best.iter_mut().zip(vectors) {
        let feedback = dot(vector, &blend).max(0.0);
        candidate.second_look = Some(SecondLook { feedback, neighbours: 0.0 });
        candidate.score += weight * feedback;
    }
    blend
}

/// How far a score stands out among the best of `fused`, which is ordered: 1 for the `most`, and less by the exponential
/// of its distance in standard deviations.
pub fn prominence(fused: &[Fused], most: f32, score: f32, sharpness: f32) -> f32 {
    let spread = deviation(&fused[..SPREAD_DEPTH.min(fused.len())]).max(f32::EPSILON);
    (sharpness * (score - most) / spread).exp()
}

/// The vectors' mean, each weighted by the softmax of its standardised score.
fn blend_of_top(best: &[Fused], vectors: &[Vec<f32>]) -> Vec<f32> {
    let spread = deviation(&best[..SPREAD_DEPTH.min(best.len())]).max(f32::EPSILON);
    let most = best[0].score;
    let weights: Vec<f32> =
        best.iter().map(|candidate| (SHARPNESS * (candidate.score - most) / spread).exp()).collect();
    let total: f32 = weights.iter().sum();
    let mut blend = vec![0.0; vectors[0].len()];
    for (vector, weight) in vectors.iter().zip(&weights) {
        blend.iter_mut().zip(vector).for_each(|(sum, x)| *sum += weight / total * x);
    }
    blend
}

/// The standard deviation of the scores.
fn deviation(of: &[Fused]) -> f32 {
    let count = of.len() as f32;
    let mean = of.iter().map(|candidate| candidate.score).sum::<f32>() / count;
    (of.iter().map(|candidate| (candidate.score - mean).powi(2)).sum::<f32>() / count).sqrt()
}

fn add_neighbours(best: &mut [Fused], vectors: &[Vec<f32>], weight: f32) {
    let scores: Vec<f32> = best.iter().map(|candidate| candidate.score).collect();
    let near = similarities(vectors);
    for (index, candidate) in best.iter_mut().enumerate() {
        let row = &near[index * scores.len()..][..scores.len()];
        let neighbours = mean_of_nearest(row, &scores).unwrap_or(candidate.score);
        candidate.second_look = candidate.second_look.map(|look| SecondLook { neighbours, ..look });
        candidate.score += weight * (neighbours - candidate.score);
    }
}

/// Cosines of all pairs, row by row; 0 for a passage with itself and where the two have nothing in common.
fn similarities(vectors: &[Vec<f32>]) -> Vec<f32> {
    let count = vectors.len();
    let mut near = vec![0.0; count * count];
    for left in 0..count {
        for right in left + 1..count {
            let cosine = dot(&vectors[left], &vectors[right]).max(0.0);
            near[left * count + right] = cosine;
            near[right * count + left] = cosine;
        }
    }
    near
}

/// The mean score of the nearest, weighted by nearness; `None` if nothing is near at all.
fn mean_of_nearest(row: &[f32], scores: &[f32]) -> Option<f32> {
    let mut nearest: Vec<usize> = (0..row.len()).filter(|&other| row[other] > 0.0).collect();
    nearest.sort_unstable_by(|&a, &b| row[b].total_cmp(&row[a]).then(a.cmp(&b)));
    nearest.truncate(NEIGHBOURS);
    let total: f32 = nearest.iter().map(|&other| row[other]).sum();
    let sum: f32 = nearest.iter().map(|&other| row[other] * scores[other]).sum();
    (total > 0.0).then(|| sum / total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuse;

    const HOW: Refinement = Refinement { depth: 100, feedback_weight: 0.2, neighbour_weight: 0.2 };

    /// Candidates by cosine alone, slot 0 first, in the plane at these angles in degrees.
    fn refined(cosines: &[f32], angles: &[f32], how: &Refinement) -> Vec<Fused> {
        let scores: Vec<_> = (0..).zip(cosines).map(|(slot, cosine)| (slot, 0.0, *cosine)).collect();
        let mut fused = fuse(&scores, 0.0);
        refine(&mut fused, how, |slot| {
            let angle = angles[slot as usize].to_radians();
            vec![angle.cos(), angle.sin()]
        });
        fused
    }

    fn order(fused: &[Fused]) -> Vec<u32> {
        fused.iter().map(|candidate| candidate.slot).collect()
    }

    #[test]
    fn what_is_like_the_top_rises() {
        let fused = refined(&[0.9, 0.50, 0.49], &[0.0, 90.0, 5.0], &HOW);
        assert_eq!(order(&fused), [0, 2, 1]);
    }

    #[test]
    fn a_passage_among_good_ones_rises() {
        let how = Refinement { feedback_weight: 0.0, neighbour_weight: 0.5, ..HOW };
        let fused = refined(&[0.9, 0.88, 0.51, 0.5, 0.1], &[0.0, 2.0, 88.0, 4.0, 90.0], &how);
        assert_eq!(order(&fused), [0, 1, 3, 2, 4]);
    }

    #[test]
    fn what_is_not_looked_at_stays_below() {
        let how = Refinement { depth: 2, ..HOW };
        let fused = refined(&[0.9, 0.8, 0.79, 0.1], &[0.0, 180.0, 0.0, 0.0], &how);
        assert_eq!(order(&fused), [0, 1, 2, 3]);
        assert!(fused.windows(2).all(|pair| pair[0].score >= pair[1].score), "{fused:?}");
    }

    #[test]
    fn without_weight_nothing_changes() {
        let how = Refinement { feedback_weight: 0.0, neighbour_weight: 0.0, ..HOW };
        let fused = refined(&[0.9, 0.5, 0.4], &[0.0, 90.0, 0.0], &how);
        assert_eq!(order(&fused), [0, 1, 2]);
        assert_eq!(fused[2].score, fuse(&[(0, 0.0, 0.9), (2, 0.0, 0.4)], 0.0)[1].score);
    }

    #[test]
    fn one_passage_or_none_and_no_vectors_are_no_matter() {
        assert_eq!(order(&refined(&[0.5], &[0.0], &HOW)), [0]);
        assert!(refined(&[], &[], &HOW).is_empty());
        let mut fused = fuse(&[(1, 2.0, 0.0), (2, 1.0, 0.0)], 1.0);
        let before = fused.clone();
        refine(&mut fused, &HOW, |_| vec![0.0; 4]);
        assert_eq!(order(&fused), order(&before));
        assert!(fused.iter().zip(&before).all(|(now, then)| (now.score - then.score).abs() < 1e-6));
    }
}
