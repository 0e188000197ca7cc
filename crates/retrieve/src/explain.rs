//! What each part counts in a search, and what a hit got from each.
//!
//! Keeps true: the parts of a hit, each normalised value times its weight, add up to its score.

use ibid_types::ChunkId;
use ibid_types::search::{Mode, Part, Why};

use crate::{Config, Fused, Refinement};

/// The weights of one search: by words or by meaning alone, that part has all of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    mode: Mode,
    has_vector: bool,
    pub lexical: f32,
    /// Where both parts ran.
    pub refinement: Option<Refinement>,
    /// Of a walk over links; 0 where there is none.
    pub links: f32,
}

impl Weights {
    pub fn of(config: &Config, mode: Mode, has_vector: bool) -> Self {
        let lexical = match (mode, has_vector) {
            (Mode::Lexical, _) | (_, false) => 1.0,
            (Mode::Dense, _) => 0.0,
            (Mode::Hybrid, true) => config.lexical_weight,
        };
        let refinement = (mode == Mode::Hybrid && has_vector).then_some(config.refinement);
        let links = if refinement.is_some() { config.links_weight } else { 0.0 };
        Self { mode, has_vector, lexical, refinement, links }
    }

    pub fn in_words(&self) -> String {
        if self.mode == Mode::Hybrid && !self.has_vector {
            return "by words only: the embedder did not answer".to_owned();
        }
        let fused = format!(
            "{:.2} x bm25 / best + {:.2} x (cosine + 1) / (best + 1)",
            self.lexical,
            1.0 - self.lexical
        );
        let Some(Refinement { depth, feedback_weight, neighbour_weight }) = self.refinement else {
            return fused;
        };
        let looked = format!(
            "{fused}; of the best {depth}: {:.2} x (that + {feedback_weight:.2} x cosine with the top) + \
             {neighbour_weight:.2} x mean of the nearest",
            1.0 - neighbour_weight
        );
        if self.links > 0.0 { format!("{looked}; + {:.2} x visits over links", self.links) } else { looked }
    }

    /// `ranks` are those in the lists by words and by meaning.
    pub fn why(
        &self,
        fused: &Fused,
        ranks: (Option<usize>, Option<usize>),
        terms: Vec<String>,
        names: Vec<String>,
        duplicates: Vec<ChunkId>,
    ) -> Why {
        let (feedback_weight, neighbour_weight) = match (&self.refinement, &fused.second_look) {
            (Some(refinement), Some(_)) => (refinement.feedback_weight, refinement.neighbour_weight),
            _ => (0.0, 0.0),
        };
        let own = 1.0 - neighbour_weight;
        let part = |rank, score, normalised, weight| Part { rank, score, normalised, weight };
        let look = |value: f32, weight| part(None, value, value, weight);
        Why {
            lexical: (self.mode != Mode::Dense).then_some(part(
                ranks.0,
                fused.bm25,
                fused.lexical,
                own * self.lexical,
            )),
            dense: self.has_vector.then_some(part(
                ranks.1,
                fused.cosine,
                fused.dense,
                own * (1.0 - self.lexical),
            )),
            feedback: fused.second_look.map(|second| look(second.feedback, own * feedback_weight)),
            neighbours: fused.second_look.map(|second| look(second.neighbours, neighbour_weight)),
            links: (fused.links > 0.0).then(|| look(fused.links, self.links)),
            rerank: None,
            terms,
            names,
            duplicates,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuse;
    use crate::refine::refine;

    fn weights(mode: Mode, has_vector: bool) -> Weights {
        Weights::of(&Config::default(), mode, has_vector)
    }

    fn sum(why: &Why) -> f32 {
        let parts = [&why.lexical, &why.dense, &why.feedback, &why.neighbours, &why.links];
        parts.into_iter().flatten().map(|part| part.normalised * part.weight).sum()
    }

    #[test]
    fn the_parts_of_a_hit_add_up_to_its_score() {
        let weights = weights(Mode::Hybrid, true);
        let mut fused = fuse(&[(1, 9.0, 0.1), (2, 8.0, 0.8), (3, 0.0, 0.9), (4, 1.0, 0.2)], weights.lexical);
        let refinement = Refinement { depth: 3, ..weights.refinement.unwrap() };
        refine(&mut fused, &refinement, |slot| {
            vec![1.0 / slot as f32, (1.0 - 1.0 / (slot * slot) as f32).sqrt()]
        });
        assert_eq!(fused.iter().filter(|candidate| candidate.second_look.is_some()).count(), 3);
        fused[1].links = 0.4;
        fused[1].score += 0.4 * weights.links;
        for candidate in &fused {
            let why = weights.why(candidate, (Some(1), None), Vec::new(), Vec::new(), Vec::new());
            assert!((sum(&why) - candidate.score).abs() < 1e-6, "{candidate:?} {why:?}");
        }
    }

    #[test]
    fn one_part_alone_has_all_the_weight() {
        assert_eq!(weights(Mode::Lexical, false).lexical, 1.0);
        assert_eq!(weights(Mode::Dense, true).lexical, 0.0);
        assert_eq!(
            (weights(Mode::Dense, true).refinement, weights(Mode::Hybrid, false).refinement),
            (None, None)
        );
    }

    #[test]
    fn the_fusion_is_told_in_words() {
        assert!(
            weights(Mode::Hybrid, true).in_words().starts_with("0.25 x bm25 / best + 0.75 x (cosine + 1)")
        );
        assert!(weights(Mode::Hybrid, false).in_words().starts_with("by words only"));
        assert!(!weights(Mode::Dense, true).in_words().contains("nearest"));
    }
}
