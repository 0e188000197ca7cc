//! Whether a question can be answered from what was recalled.
//!
//! A high score says only that something alike is remembered: "what did Ann paint?" finds what Bob painted. So three
//! things are asked of the best hits: whether those by or about the person asked of hold the question's words, whether
//! their surroundings do, and whether they would be at the top by their content alone.

use ibid_index::memory::{Reading, Statistics};

use super::fuse::Fused;

/// Hits that are looked at.
const TOP: usize = 5;
/// Logistic regression on LoCoMo, answerable and unanswerable questions weighed alike. Words around that those asked of
/// do not say themselves speak against an answer: somebody else said them.
const COVERED: f32 = 3.7;
const COVERED_AROUND: f32 = -1.6;
const OF_NAMED: f32 = 3.4;
const NAMED: f32 = -1.2;
const NOTHING: f32 = -1.6;

/// What says whether a question can be answered.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Signals {
    /// The share of the question's terms, each by how much it tells apart, that the best hits of the person asked of
    /// hold themselves.
    pub covered: f32,
    /// The same of all best hits with their neighbours.
    pub covered_around: f32,
    /// The share of the best by content alone that are of that person; a half where nobody is named.
    pub of_named: f32,
    /// The question names somebody.
    pub names_somebody: bool,
}

/// How likely it is that the question can be answered from what was recalled, 0 to 1, if half of all questions can.
#[must_use]
pub fn answerable(signals: &Signals) -> f32 {
    let named = f32::from(u8::from(signals.names_somebody));
    let sum =
        COVERED * signals.covered + COVERED_AROUND * signals.covered_around + OF_NAMED * signals.of_named;
    let sum = sum + NAMED * named + NOTHING;
    1.0 / (1.0 + (-sum).exp())
}

impl Signals {
    pub(super) fn of(reading: &Reading, statistics: &Statistics, fused: &[Fused]) -> Self {
        let names_somebody = reading.names_somebody();
        let is_asked_of = |fused: &Fused| !names_somebody || fused.measured.is_of_named;
        let top = &fused[..TOP.min(fused.len())];
        let own =
            top.iter().filter(|fused| is_asked_of(fused)).fold(0, |bits, one| bits | one.measured.terms);
        let around = top.iter().fold(0, |bits, one| bits | one.measured.terms_around);
        Self {
            covered: share(reading, statistics, own),
            covered_around: share(reading, statistics, around),
            of_named: if names_somebody { share_of_named(fused) } else { 0.5 },
            names_somebody,
        }
    }
}

/// The share of the terms that are no names, by idf, whose bits are set.
fn share(reading: &Reading, statistics: &Statistics, bits: u64) -> f32 {
    let (mut held, mut all) = (0.0, 0.0);
    for (number, idf) in
        statistics.idf().iter().enumerate().take(64).filter(|(number, _)| !reading.is_name[*number])
    {
        all += idf;
        held += if bits >> number & 1 == 1 { *idf } else { 0.0 };
    }
    if all > 0.0 { held / all } else { 0.0 }
}

fn share_of_named(fused: &[Fused]) -> f32 {
    let mut by_content: Vec<&Fused> = fused.iter().collect();
    by_content.sort_by(|a, b| b.score_of_content().total_cmp(&a.score_of_content()));
    by_content.truncate(TOP);
    let named = by_content.iter().filter(|fused| fused.measured.is_of_named).count();
    named as f32 / by_content.len().max(1) as f32
}
