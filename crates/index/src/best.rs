//! `Best`: keeps the highest scored of a stream of slots in bounded memory.
//!
//! Keeps true: never more than twice the limit is held; equal scores rank by slot, so results are repeatable.

use std::cmp::Ordering;

/// A slot with its score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    pub slot: u32,
    pub score: f32,
}

/// Collects scored slots and gives back the best `limit`.
#[derive(Debug)]
pub(crate) struct Best {
    limit: usize,
    held: Vec<Scored>,
    threshold: f32,
}

impl Best {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, held: Vec::with_capacity((limit * 2).min(4096)), threshold: f32::NEG_INFINITY }
    }

    /// What is below this cannot be among the best any more.
    pub(crate) const fn threshold(&self) -> f32 {
        self.threshold
    }

    /// Takes the candidate and returns the threshold after it.
    pub(crate) fn push(&mut self, slot: u32, score: f32) -> f32 {
        if score >= self.threshold && self.limit > 0 {
            self.held.push(Scored { slot, score });
            if self.held.len() >= self.limit * 2 {
                self.cut();
            }
        }
        self.threshold
    }

    /// The best, highest first.
    pub(crate) fn into_sorted(mut self) -> Vec<Scored> {
        self.held.sort_unstable_by(order);
        self.held.truncate(self.limit);
        self.held
    }

    fn cut(&mut self) {
        let (_, worst_kept, _) = self.held.select_nth_unstable_by(self.limit - 1, order);
        self.threshold = worst_kept.score;
        self.held.truncate(self.limit);
    }
}

/// Higher score first, then lower slot.
fn order(left: &Scored, right: &Scored) -> Ordering {
    right.score.total_cmp(&left.score).then(left.slot.cmp(&right.slot))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(limit: usize, scores: &[f32]) -> Vec<u32> {
        let mut best = Best::new(limit);
        for (slot, &score) in scores.iter().enumerate() {
            best.push(slot as u32, score);
        }
        best.into_sorted().into_iter().map(|scored| scored.slot).collect()
    }

    #[test]
    fn the_highest_come_first_and_ties_by_slot() {
        assert_eq!(best(3, &[0.1, 0.9, 0.5, 0.9, 0.2, 0.5, 0.0]), [1, 3, 2]);
    }

    #[test]
    fn fewer_candidates_than_the_limit_are_all_kept() {
        assert_eq!(best(10, &[0.1, 0.9]), [1, 0]);
        assert!(best(0, &[0.1]).is_empty());
    }
}
