//! The fused score of what is remembered, and where it comes from.
//!
//! Words and meaning are each scaled by their theoretical minimum and the best of the question, as over documents;
//! what stands alone is its own window.

use ibid_index::memory::{Key, Measured};
use ibid_types::search::Part;
use serde::{Deserialize, Serialize};

use super::Config;

/// An item that was recalled.
#[derive(Clone, Debug, PartialEq)]
pub struct Remembered {
    pub key: Key,
    /// The fused score, comparable within one recall only. Higher is better.
    pub score: f32,
    /// Cosine of question and item, where there were vectors. Comparable across recalls.
    pub similarity: Option<f32>,
    pub why: Reasons,
}

/// Why an item is where it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reasons {
    /// By its own words.
    pub words: Option<Part>,
    /// By the words of it and its neighbours.
    pub words_around: Option<Part>,
    /// By its own meaning.
    pub meaning: Option<Part>,
    /// By the meaning of it and its neighbours.
    pub meaning_around: Option<Part>,
    /// Because somebody whom the question names said it, or it is about them.
    pub person: Option<Part>,
    /// Because it hangs together with what the question names.
    pub links: Option<Part>,
    /// Terms of the question, after analysis, that it holds.
    pub terms: Vec<String>,
    /// Those that it holds with its neighbours.
    pub terms_around: Vec<String>,
}

impl Reasons {
    /// The parts that count, in the order of the fields.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        let Self { words, words_around, meaning, meaning_around, person, links, .. } = self;
        [words, words_around, meaning, meaning_around, person, links].into_iter().flatten()
    }
}

/// A candidate with the parts of its score.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fused {
    pub(super) measured: Measured,
    pub(super) score: f32,
    /// Words, words around, meaning, meaning around, person, links: value between 0 and 1, and weight.
    parts: [(f32, f32); 6],
    has_vector: bool,
}

/// The place of the person's part among the parts.
const PERSON: usize = 4;

/// The best of each part, which has the value 1.
struct Best {
    words: f32,
    words_around: f32,
    meaning: f32,
    meaning_around: f32,
}

/// The candidates, best first; equal scores by slot, so that results repeat.
pub(super) fn fuse(measured: &[Measured], config: &Config, has_vector: bool) -> Vec<Fused> {
    let best = Best::of(measured);
    let lexical = if has_vector { config.lexical_weight } else { 1.0 };
    let weights = [
        lexical * (1.0 - config.window_weight),
        lexical * config.window_weight,
        (1.0 - lexical) * (1.0 - config.window_weight),
        (1.0 - lexical) * config.window_weight,
        config.person_weight,
        config.link_weight,
    ];
    let mut fused: Vec<Fused> = measured
        .iter()
        .map(|measured| Fused::new(*measured, best.values(measured), weights, has_vector))
        .collect();
    fused.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.measured.slot.cmp(&b.measured.slot)));
    fused
}

pub(super) fn in_words(config: &Config) -> String {
    let Config { lexical_weight, window_weight, person_weight, link_weight, .. } = config;
    format!(
        "{lexical_weight:.2} x bm25 / best + {:.2} x (cosine + 1) / (best + 1), each {:.2} x alone + \
         {window_weight:.2} x with neighbours; + {person_weight:.2} if by or about whom the question names; + \
         {link_weight:.2} x nearness by links",
        1.0 - lexical_weight,
        1.0 - window_weight
    )
}

impl Best {
    fn of(measured: &[Measured]) -> Self {
        let most = |least: f32, value: &dyn Fn(&Measured) -> Option<f32>| {
            measured.iter().filter_map(value).fold(least, f32::max)
        };
        Self {
            words: most(0.0, &|one| Some(one.bm25)),
            words_around: most(0.0, &|one| one.bm25_around),
            meaning: most(-1.0, &|one| Some(one.cosine)),
            meaning_around: most(-1.0, &|one| one.cosine_around),
        }
    }

    fn values(&self, one: &Measured) -> [f32; 6] {
        let words = scaled(one.bm25, 0.0, self.words);
        let meaning = scaled(one.cosine, -1.0, self.meaning);
        [
            words,
            one.bm25_around.map_or(words, |around| scaled(around, 0.0, self.words_around)),
            meaning,
            one.cosine_around.map_or(meaning, |around| scaled(around, -1.0, self.meaning_around)),
            f32::from(u8::from(one.is_of_named)),
            one.linked,
        ]
    }
}

fn scaled(value: f32, least: f32, most: f32) -> f32 {
    if most > least { (value - least) / (most - least) } else { 0.0 }
}

impl Fused {
    fn new(measured: Measured, values: [f32; 6], weights: [f32; 6], has_vector: bool) -> Self {
        let score = values.iter().zip(&weights).map(|(value, weight)| value * weight).sum();
        let mut parts = [(0.0, 0.0); 6];
        for (part, pair) in parts.iter_mut().zip(values.into_iter().zip(weights)) {
            *part = pair;
        }
        Self { measured, score, parts, has_vector }
    }

    /// What words, meaning and links say, whoever said it.
    pub(super) fn score_of_content(&self) -> f32 {
        let (value, weight) = self.parts[PERSON];
        self.score - value * weight
    }

    /// `ranks` are those in the lists by words, by meaning and by links.
    pub(super) fn remembered(&self, key: Key, ranks: [Option<usize>; 3], terms: &[String]) -> Remembered {
        let one = &self.measured;
        let part = |place: usize, rank, score| {
            let (normalised, weight) = self.parts[place];
            Part { rank, score, normalised, weight }
        };
        let held = |bits: u64| {
            let among = terms.iter().take(64).enumerate().filter(|(number, _)| bits >> number & 1 == 1);
            among.map(|(_, term)| term.clone()).collect()
        };
        let meaning = |place, rank, score| self.has_vector.then(|| part(place, rank, score));
        let why = Reasons {
            words: Some(part(0, ranks[0], one.bm25)),
            words_around: Some(part(1, None, one.bm25_around.unwrap_or(one.bm25))),
            meaning: meaning(2, ranks[1], one.cosine),
            meaning_around: meaning(3, None, one.cosine_around.unwrap_or(one.cosine)),
            person: one.is_of_named.then(|| part(PERSON, None, 1.0)),
            links: (one.linked > 0.0).then(|| part(5, ranks[2], one.linked)),
            terms: held(one.terms),
            terms_around: held(one.terms_around),
        };
        Remembered { key, score: self.score, similarity: self.has_vector.then_some(one.cosine), why }
    }
}
