//! A claim of an answer that was given before, judged again against passages as they are now.

use ibid_model::Embedder;
use ibid_types::search::Hit;

use crate::sources::Sources;
use crate::terms::Analyzer;
use crate::verify::Verifier;

/// Support, 0 to 1, from which a claim still counts as carried. Lower than for a claim of a new answer, because how rare
/// a word is shows only among many passages, and here only the cited ones are compared; what contradicts has 0.
pub const STILL_SUPPORTED_MIN: f32 = 0.3;

/// How well the passages support the claim, 0 to 1; 0 without passages. What the question names is no invention of it.
#[must_use]
pub fn support(embedder: &dyn Embedder, question: &str, claim: &str, passages: Vec<Hit>) -> f32 {
    let all: Vec<usize> = (0..passages.len()).collect();
    let asked = Analyzer::new(None).content_keys(question);
    let mut sources = Sources::new(passages, None);
    let mut verifier = Verifier { sources: &mut sources, embedder, asked };
    verifier.bind(claim, &all).map_or(0.0, |binding| binding.support)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, HashEmbedder};

    fn judged(claim: &str, passages: &[&str]) -> bool {
        let passages = passages.iter().map(|text| fixture::hit(text, 0.5)).collect();
        support(&HashEmbedder::default(), "How long do refunds take?", claim, passages) >= STILL_SUPPORTED_MIN
    }

    #[test]
    fn what_the_passage_says_is_still_carried() {
        assert!(judged("Refunds take 14 days.", &["Refunds take 14 days after the return. Dogs bark."]));
    }

    #[test]
    fn what_it_does_not_say_any_more_is_not() {
        assert!(!judged("Refunds take 14 days.", &["Refunds take 90 days after the return. Dogs bark."]));
        assert!(!judged("Refunds take 14 days.", &[]));
    }
}
