//! Whether the sources hold the answer at all, and how likely an answer from them is right.
//!
//! Keeps true: both are probabilities from logistic models with few inputs, fitted as told at the constants.

use crate::score::{Asked, Candidate};
use crate::sources::Sources;

/// What the decision looks at. Each is 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Signals {
    /// Best cosine of question and chunk.
    pub chunk_similarity: f32,
    /// Best cosine of question and unit, among the best units.
    pub unit_similarity: f32,
    /// Share of the question's term weight in the best unit's chunk, title and headings.
    pub coverage_chunk: f32,
    /// Share in the best unit and beside it.
    pub coverage_unit: f32,
    /// Share of names and numbers in the best unit's chunk; 1 where the question has none.
    pub coverage_names: f32,
    /// How much the best chunk's cosine stands out from the mean of the others.
    pub margin: f32,
    /// The best unit's score as a probability.
    pub unit: f32,
    /// Whether the best unit holds what the question asks for.
    pub cue: f32,
}

impl Signals {
    pub const NAMES: [&str; 8] = [
        "chunk_similarity",
        "unit_similarity",
        "coverage_chunk",
        "coverage_unit",
        "coverage_names",
        "margin",
        "unit",
        "cue",
    ];

    #[must_use]
    pub const fn values(&self) -> [f32; 8] {
        [
            self.chunk_similarity,
            self.unit_similarity,
            self.coverage_chunk,
            self.coverage_unit,
            self.coverage_names,
            self.margin,
            self.unit,
            self.cue,
        ]
    }

    /// Probability that the sources hold the answer.
    #[must_use]
    pub fn answerable(&self) -> f32 {
        logistic(self, &ANSWERABLE)
    }

    /// Probability that an extractive answer holds what was asked for.
    #[must_use]
    pub fn right(&self) -> f32 {
        logistic(self, &RIGHT)
    }
}

/// Collects the signals from the ranked candidates (best first).
#[must_use]
pub fn signals(asked: &Asked<'_>, candidates: &[Candidate], sources: &Sources) -> Signals {
    let Some(best) = candidates.first() else { return Signals::default() };
    let hit = best.place.hit;
    let in_chunk = |key: &str| sources.chunk_holds(hit, key) || sources.context_holds(hit, key);
    let similarities: Vec<f32> = sources.hits.iter().filter_map(|hit| hit.similarity).collect();
    let top = similarities.iter().copied().fold(0.0, f32::max);
    let top_units = candidates.iter().take(5).map(|candidate| candidate.features.similarity);
    Signals {
        chunk_similarity: top.clamp(0.0, 1.0),
        unit_similarity: top_units.fold(0.0, f32::max),
        coverage_chunk: asked.coverage(sources, |term| in_chunk(&term.key)),
        coverage_unit: best.features.coverage_around,
        coverage_names: asked.coverage_of_names(sources, |term| in_chunk(&term.key)).unwrap_or(1.0),
        margin: margin(top, &similarities),
        unit: sigmoid(best.score),
        cue: best.features.cue,
    }
}

fn margin(top: f32, similarities: &[f32]) -> f32 {
    if similarities.len() < 2 {
        return 0.0;
    }
    let others = (similarities.iter().sum::<f32>() - top) / (similarities.len() - 1) as f32;
    (top - others).clamp(0.0, 1.0)
}

fn logistic(signals: &Signals, weights: &[f32; 9]) -> f32 {
    let values = signals.values();
    sigmoid(weights[8] + values.iter().zip(weights).map(|(value, weight)| value * weight).sum::<f32>())
}

#[must_use]
pub fn sigmoid(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// The operating point, chosen on xquad.en with at most 5 % of answerable questions declined.
pub const ANSWERABLE_MIN: f32 = 0.5;

/// In the order of `Signals::NAMES`, the constant last.
const ANSWERABLE: [f32; 9] = [3.0, 3.0, 2.0, 1.0, 1.0, 1.0, 1.0, 0.3, -5.0];

const RIGHT: [f32; 9] = [3.0, 3.0, 2.0, 1.0, 1.0, 1.0, 1.0, 0.3, -5.5];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_rise_with_the_signals() {
        let low = Signals::default();
        let high = Signals { chunk_similarity: 0.8, unit_similarity: 0.8, coverage_chunk: 1.0, ..low };
        assert!(low.answerable() < high.answerable());
        assert!((0.0..=1.0).contains(&low.right()) && (0.0..=1.0).contains(&high.right()));
    }

    #[test]
    fn a_margin_needs_others() {
        assert_eq!(margin(0.5, &[0.5]), 0.0);
        assert!((margin(0.5, &[0.5, 0.3]) - 0.2).abs() < 1e-6);
    }
}
