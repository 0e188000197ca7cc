//! Score-aware fusion: a convex combination of both scores, each scaled by its theoretical minimum and the best
//! score of the query (Bruch, Gai, Ingber: "An Analysis of Fusion Functions for Hybrid Retrieval", TOIS 2023).
//!
//! BM25 cannot be below 0 and cosine not below -1, whatever the collection, so nothing is estimated from a list that
//! was cut off, and one weight serves every collection (`docs/adr/0002-fusion.md` has the measurements).

/// A candidate with what both searches gave it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fused {
    pub slot: u32,
    pub bm25: f32,
    pub cosine: f32,
    /// Between 0 and 1.
    pub lexical: f32,
    pub dense: f32,
    pub second_look: Option<SecondLook>,
    /// How often a walk over links comes by.
    pub links: f32,
    pub score: f32,
}

/// The best scores of a query, which make those of its candidates comparable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    bm25_max: f32,
    cosine_max: f32,
    /// The share of BM25 in the fused score, 0 to 1.
    lexical_weight: f32,
}

/// What a candidate got from the others.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SecondLook {
    /// Cosine with the blend of the passages at the top, at least 0.
    pub feedback: f32,
    /// The mean score of the passages nearest to it.
    pub neighbours: f32,
}

impl Scale {
    /// `scores` holds slot, BM25 and cosine of each candidate.
    #[must_use]
    pub fn of(scores: &[(u32, f32, f32)], lexical_weight: f32) -> Self {
        let bm25_max = scores.iter().map(|(_, bm25, _)| *bm25).fold(0.0, f32::max);
        let cosine_max = scores.iter().map(|(_, _, cosine)| *cosine).fold(-1.0, f32::max);
        Self { bm25_max, cosine_max, lexical_weight }
    }

    #[must_use]
    pub fn fused(&self, slot: u32, bm25: f32, cosine: f32) -> Fused {
        let (lexical, dense) = (scaled(bm25, 0.0, self.bm25_max), scaled(cosine, -1.0, self.cosine_max));
        let score = self.lexical_weight * lexical + (1.0 - self.lexical_weight) * dense;
        Fused { slot, bm25, cosine, lexical, dense, second_look: None, links: 0.0, score }
    }
}

fn scaled(value: f32, least: f32, most: f32) -> f32 {
    if most > least { (value - least) / (most - least) } else { 0.0 }
}

/// The candidates, best first; equal scores by slot, so that results repeat.
///
/// `scores` holds slot, BM25 and cosine of each; `lexical_weight` is the share of BM25 in the fused score, 0 to 1.
#[must_use]
pub fn fuse(scores: &[(u32, f32, f32)], lexical_weight: f32) -> Vec<Fused> {
    let scale = Scale::of(scores, lexical_weight);
    let mut fused: Vec<Fused> =
        scores.iter().map(|&(slot, bm25, cosine)| scale.fused(slot, bm25, cosine)).collect();
    sort(&mut fused);
    fused
}

/// Best first; equal scores by slot.
pub fn sort(fused: &mut [Fused]) {
    fused.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.slot.cmp(&b.slot)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(scores: &[(u32, f32, f32)], weight: f32) -> Vec<u32> {
        fuse(scores, weight).iter().map(|fused| fused.slot).collect()
    }

    #[test]
    fn both_parts_count() {
        let scores = [(1, 9.0, 0.1), (2, 8.0, 0.8), (3, 0.0, 0.9)];
        assert_eq!(order(&scores, 0.2), [2, 3, 1]);
        assert_eq!(order(&scores, 1.0), [1, 2, 3]);
        assert_eq!(order(&scores, 0.0), [3, 2, 1]);
    }

    #[test]
    fn without_a_common_term_meaning_decides_alone() {
        assert_eq!(order(&[(1, 0.0, 0.2), (2, 0.0, 0.3)], 0.5), [2, 1]);
    }

    #[test]
    fn ties_go_by_slot_and_nothing_is_no_number() {
        let fused = fuse(&[(5, 0.0, -1.0), (4, 0.0, -1.0)], 0.2);
        assert_eq!(fused.iter().map(|fused| fused.slot).collect::<Vec<_>>(), [4, 5]);
        assert!(fused.iter().all(|fused| fused.score == 0.0));
        assert!(fuse(&[], 0.2).is_empty());
    }
}
