//! A question as terms: in its own language where that is sure, else in the main languages of what it is asked of.
//!
//! Keeps true: a word counts in each text as that text's language inflects it.

use crate::analysis::Analyser;
use crate::language::Language;
use crate::search::{Analysed, FieldWeights};

/// Longer questions are cut: nobody asks them, and each term costs a list to walk.
const QUERY_TERMS_MAX: usize = 256;
/// Languages that a question of unsure language is analysed in at most.
const QUERY_LANGUAGES_MAX: usize = 3;
/// Languages with a smaller share of the texts are not worth a guess.
const LANGUAGE_SHARE_MIN: f64 = 0.02;

/// The sure language alone, or the main ones of `texts`, which counts them by language.
pub(crate) fn languages(query: &str, texts: impl Iterator<Item = (Language, u64)>) -> Vec<Language> {
    let mut own: Vec<(u64, Language)> = texts.map(|(language, count)| (count, language)).collect();
    let total: u64 = own.iter().map(|(count, _)| count).sum();
    own.retain(|(count, _)| *count as f64 >= total as f64 * LANGUAGE_SHARE_MIN);
    own.sort_unstable_by(|left, right| right.cmp(left));
    let own: Vec<Language> =
        own.into_iter().map(|(_, language)| language).take(QUERY_LANGUAGES_MAX).collect();
    match own.as_slice() {
        [] => vec![Language::FALLBACK],
        [_] => own,
        several => Language::detect_among(query, several).map_or(own.clone(), |language| vec![language]),
    }
}

/// The terms in these languages; what an earlier one gave is not counted again.
pub(crate) fn analyse(query: &str, languages: &[Language]) -> Analysed {
    let mut analysed = Analysed {
        language: languages.first().map(|language| language.code().to_owned()),
        weights: FieldWeights::default(),
        ..Analysed::default()
    };
    for language in languages {
        let earlier = analysed.terms.len();
        for term in Analyser::new(*language).terms(query).into_iter().take(QUERY_TERMS_MAX) {
            match analysed.terms.iter().position(|known| *known == term) {
                Some(index) if index < earlier => {}
                Some(index) => analysed.counts[index] += 1,
                None => {
                    analysed.terms.push(term);
                    analysed.counts.push(1);
                }
            }
        }
    }
    analysed
}
