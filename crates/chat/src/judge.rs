//! Whether the sources hold the answer at all, and how likely an answer from them is right.
//!
//! Keeps true: both are probabilities from logistic models with few inputs, fitted as told at the constants.

use crate::score::{Asked, Candidate};
use crate::sources::Sources;

/// What the decision looks at. Each is 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Signals {
    /// Best cosine of question and unit, among the best units.
    pub unit_similarity: f32,
    /// Share of the question's term weight in the best unit's chunk, title and headings.
    pub coverage_chunk: f32,
    /// Share in the best unit and beside it.
    pub coverage_unit: f32,
    /// The best unit's score as a probability.
    pub unit: f32,
    pub basis: Basis,
}

/// What can be compared at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Basis {
    #[default]
    WordsAndVectors,
    /// Question and documents seem to be in different languages, so that words cannot agree.
    Vectors,
    /// The embedder failed.
    Words,
}

impl Signals {
    pub const NAMES: [&str; 4] = ["unit_similarity", "coverage_chunk", "coverage_unit", "unit"];

    #[must_use]
    pub const fn values(&self) -> [f32; 4] {
        [self.unit_similarity, self.coverage_chunk, self.coverage_unit, self.unit]
    }

    /// Probability that the sources hold the answer.
    #[must_use]
    pub fn answerable(&self) -> f32 {
        self.likelier(&ANSWERABLE)
    }

    /// Probability that an extractive answer holds what was asked for.
    #[must_use]
    pub fn right(&self) -> f32 {
        self.likelier(&RIGHT)
    }

    /// The language of a short question is a guess, so reading it as a foreign one can only add.
    fn likelier(&self, weights: &[f32; 5]) -> f32 {
        match self.basis {
            Basis::WordsAndVectors => logistic(self, weights),
            Basis::Vectors => logistic(self, weights).max(logistic(self, &VECTORS)),
            Basis::Words => logistic(self, &WORDS),
        }
    }
}

/// Collects the signals from the ranked candidates (best first).
#[must_use]
pub fn signals(asked: &Asked<'_>, candidates: &[Candidate], sources: &Sources, basis: Basis) -> Signals {
    let Some(best) = candidates.first() else { return Signals::default() };
    let hit = best.place.hit;
    let in_chunk = |key: &str| sources.chunk_holds(hit, key) || sources.context_holds(hit, key);
    let top_units = candidates.iter().take(5).map(|candidate| candidate.features.similarity);
    Signals {
        unit_similarity: top_units.fold(0.0, f32::max),
        coverage_chunk: asked.coverage(sources, |term| in_chunk(&term.key)),
        coverage_unit: best.features.coverage_around,
        unit: sigmoid(best.score),
        basis,
    }
}

fn logistic(signals: &Signals, weights: &[f32; 5]) -> f32 {
    let values = signals.values();
    sigmoid(weights[4] + values.iter().zip(weights).map(|(value, weight)| value * weight).sum::<f32>())
}

#[must_use]
pub fn sigmoid(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// Below this there is no answer. On xquad.en it declines 5 % of the answerable questions and answers 27 % of those
/// whose paragraph was taken away while four others of the same article stayed.
pub const ANSWERABLE_MIN: f32 = 0.28;

/// In the order of `Signals::NAMES`, the constant last. Logistic fit over the English and German questions of XQuAD,
/// each asked once with its paragraph among the 240 and once without it (L2 1e-4). Fitted on one half of the English
/// questions and tried on the other: area under the curve 0.943 and 0.957, Brier score 0.092 and 0.081. Half of the
/// questions it was fitted on had no answer; where fewer do, the truth is likelier than it says.
const ANSWERABLE: [f32; 5] = [5.55, 4.68, 1.26, 1.82, -6.46];

/// The same with "the extractive answer holds the gold answer" as its aim: 0.936 and 0.935, 0.100 and 0.097.
const RIGHT: [f32; 5] = [4.65, 2.65, 2.61, 1.33, -6.04];

/// Only the similarity, fitted on the English questions; area under the curve 0.884.
const VECTORS: [f32; 5] = [13.0, 0.0, 0.0, 0.0, -7.29];

/// Only the words, fitted on the English questions; area under the curve 0.924.
const WORDS: [f32; 5] = [0.0, 5.89, 2.52, 0.0, -4.53];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_rise_with_the_signals() {
        let low = Signals::default();
        let high = Signals { unit_similarity: 0.8, coverage_chunk: 1.0, ..low };
        assert!(low.answerable() < high.answerable());
        assert!((0.0..=1.0).contains(&low.right()) && (0.0..=1.0).contains(&high.right()));
    }

    #[test]
    fn words_do_not_count_across_languages() {
        let foreign = Signals { basis: Basis::Vectors, unit_similarity: 0.7, ..Signals::default() };
        assert!(foreign.answerable() > ANSWERABLE_MIN);
        assert!(Signals { basis: Basis::WordsAndVectors, ..foreign }.answerable() < ANSWERABLE_MIN);
    }
}
