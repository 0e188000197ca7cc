//! What a search found, cut into units, with the terms and vectors of each unit made once per question.
//!
//! Keeps true: a `Place` handed out by `places` stays valid for the life of the `Sources`.

use std::collections::{HashMap, HashSet};

use ibid_model::{Embedder, Purpose};
use ibid_types::Result;
use ibid_types::answer::Citation;
use ibid_types::document::searchable_context;
use ibid_types::search::Hit;

use crate::terms::{Analyzer, Rarity, Term, TermKind};
use crate::unit::{Unit, UnitKind, names_columns, table_header, units};

/// A unit of a hit, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    pub hit: usize,
    pub unit: usize,
}

#[derive(Debug)]
pub struct Sources {
    pub hits: Vec<Hit>,
    pub analyzer: Analyzer,
    pub rarity: Rarity,
    units: Vec<Vec<Unit>>,
    terms: HashMap<Place, Vec<Term>>,
    /// Keys of title and headings, of each hit.
    context_keys: Vec<HashSet<String>>,
    /// Keys of the whole chunk, of each hit.
    chunk_keys: Vec<HashSet<String>>,
    vectors: HashMap<Place, Vec<f32>>,
}

impl Sources {
    #[must_use]
    pub fn new(hits: Vec<Hit>, language: Option<&str>) -> Self {
        let analyzer = Analyzer::new(language);
        let mut sources = Self {
            units: hits.iter().map(|hit| units(&hit.chunk)).collect(),
            terms: HashMap::new(),
            context_keys: hits.iter().map(|hit| analyzer.content_keys(&context_of(hit))).collect(),
            chunk_keys: Vec::new(),
            vectors: HashMap::new(),
            rarity: Rarity::default(),
            analyzer,
            hits,
        };
        sources.terms =
            sources.places(sources.hits.len()).map(|place| (place, sources.terms_of(place))).collect();
        sources.chunk_keys = (0..sources.hits.len()).map(|hit| sources.keys_of_chunk(hit)).collect();
        for keys in &sources.chunk_keys {
            sources.rarity.add(keys);
        }
        sources
    }

    /// All units of the best `hits_max` hits.
    pub fn places(&self, hits_max: usize) -> impl Iterator<Item = Place> + '_ {
        let hits = self.units.iter().enumerate().take(hits_max);
        hits.flat_map(|(hit, units)| (0..units.len()).map(move |unit| Place { hit, unit }))
    }

    #[must_use]
    pub fn units(&self, hit: usize) -> &[Unit] {
        self.units.get(hit).map_or(&[], Vec::as_slice)
    }

    /// The unit at a place; an empty fragment where there is none.
    #[must_use]
    pub fn unit(&self, place: Place) -> Unit {
        let none = Unit { start: 0, end: 0, kind: UnitKind::Fragment };
        self.units(place.hit).get(place.unit).copied().unwrap_or(none)
    }

    /// The unit's own bytes.
    #[must_use]
    pub fn text(&self, place: Place) -> &str {
        let unit = self.unit(place);
        self.hits.get(place.hit).and_then(|hit| hit.chunk.text.get(unit.start..unit.end)).unwrap_or("")
    }

    #[must_use]
    pub fn terms(&self, place: Place) -> &[Term] {
        self.terms.get(&place).map_or(&[], Vec::as_slice)
    }

    /// Whether the unit itself holds a term.
    #[must_use]
    pub fn holds(&self, place: Place, key: &str) -> bool {
        self.terms(place).iter().any(|term| term.key == key)
    }

    /// Whether title or headings hold it.
    #[must_use]
    pub fn context_holds(&self, hit: usize, key: &str) -> bool {
        self.context_keys.get(hit).is_some_and(|keys| keys.contains(key))
    }

    /// Whether the chunk's text holds it.
    #[must_use]
    pub fn chunk_holds(&self, hit: usize, key: &str) -> bool {
        self.chunk_keys.get(hit).is_some_and(|keys| keys.contains(key))
    }

    /// The unit before it in the same chunk, if it is prose.
    #[must_use]
    pub fn predecessor(&self, place: Place) -> Option<Place> {
        let before = Place { hit: place.hit, unit: place.unit.checked_sub(1)? };
        (self.unit(before).kind == UnitKind::Sentence).then_some(before)
    }

    /// The sentence before it, if this one cannot be understood without: it begins with a pronoun or connective.
    #[must_use]
    pub fn antecedent(&self, place: Place) -> Option<Place> {
        let leans = self.unit(place).kind == UnitKind::Sentence && leans_back(self.text(place));
        self.predecessor(place).filter(|_| leans)
    }

    /// The header row over a table's row.
    #[must_use]
    pub fn header(&self, place: Place) -> Option<Place> {
        let unit = table_header(self.units(place.hit), place.unit)?;
        Some(Place { hit: place.hit, unit }).filter(|header| names_columns(self.text(*header)))
    }

    /// Whether a unit only names the columns of the rows below it.
    #[must_use]
    pub fn is_header(&self, place: Place) -> bool {
        let below = Place { unit: place.unit + 1, ..place };
        self.header(below) == Some(place)
    }

    /// Embeds the units that have no vector yet, in one call.
    pub fn embed(&mut self, embedder: &dyn Embedder, places: &[Place]) -> Result<()> {
        let missing: Vec<Place> = places.iter().copied().filter(|p| !self.vectors.contains_key(p)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let texts: Vec<String> = missing.iter().map(|place| self.embedded_text(*place)).collect();
        let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
        let vectors = embedder.embed(&borrowed, Purpose::Passage)?;
        self.vectors.extend(missing.into_iter().zip(vectors));
        Ok(())
    }

    /// The unit's vector, once `embed` made it.
    #[must_use]
    pub fn vector(&self, place: Place) -> Option<&[f32]> {
        self.vectors.get(&place).map(Vec::as_slice)
    }

    /// Binds the units `first..=last` of one hit to a citation.
    pub fn cite(&self, number: usize, first: Place, last: Place) -> Result<Citation> {
        let (from, to) = (self.unit(first).start, self.unit(last).end);
        let hit = self.hits.get(first.hit).ok_or_else(|| {
            ibid_types::Error::internal("citation_unbound", format!("there is no source {}", first.hit))
        })?;
        let bound = Citation::bind(number, &hit.chunk, &hit.title, &hit.source, from, to)?;
        Ok(Citation { episode: hit.episode, ..bound })
    }

    fn terms_of(&self, place: Place) -> Vec<Term> {
        self.analyzer.terms(self.text(place))
    }

    /// Keys of the units, and of what lies between them.
    fn keys_of_chunk(&self, hit: usize) -> HashSet<String> {
        let mut keys = HashSet::new();
        let mut end = 0;
        let text = self.hits.get(hit).map_or("", |hit| hit.chunk.text.as_str());
        for (number, unit) in self.units(hit).iter().enumerate() {
            let own =
                self.terms(Place { hit, unit: number }).iter().filter(|term| term.kind != TermKind::Stop);
            keys.extend(own.map(|term| term.key.clone()));
            keys.extend(self.analyzer.content_keys(text.get(end..unit.start).unwrap_or("")));
            end = end.max(unit.end);
        }
        keys.extend(self.analyzer.content_keys(text.get(end..).unwrap_or("")));
        keys
    }

    /// A sentence that leans on the one before it is embedded with it, a row with its header.
    fn embedded_text(&self, place: Place) -> String {
        match self.antecedent(place).or_else(|| self.header(place)) {
            Some(before) => format!("{} {}", self.text(before), self.text(place)),
            None => self.text(place).to_owned(),
        }
    }
}

/// The dot product, which is the cosine for unit vectors.
#[must_use]
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn context_of(hit: &Hit) -> String {
    searchable_context(&hit.title, &hit.chunk.span.heading_path)
}

fn leans_back(text: &str) -> bool {
    let first = text.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty()).unwrap_or("");
    LEANING.contains(&first.to_lowercase().as_str())
}

/// First words that point at what was said before.
const LEANING: &[&str] = &[
    "he", "she", "it", "they", "his", "her", "its", "their", "this", "these", "those", "such", "er", "sie",
    "es", "dies", "diese", "dieser", "dieses", "ihr", "ihre", "sein", "seine", "il", "elle", "ils", "elles",
    "él", "ella", "ellos",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn sources(text: &str) -> Sources {
        Sources::new(vec![fixture::hit(text, 0.5)], None)
    }

    #[test]
    fn a_pronoun_leans_on_the_sentence_before() {
        let sources = sources("Tesla was an inventor. He died in 1943. New York was his home.");
        let place = |unit| Place { hit: 0, unit };
        assert_eq!(sources.antecedent(place(1)), Some(place(0)));
        assert_eq!((sources.antecedent(place(0)), sources.antecedent(place(2))), (None, None));
    }

    #[test]
    fn a_quote_is_the_units_bytes() {
        let sources = sources("  One is. Two is.");
        let citation = sources.cite(1, Place { hit: 0, unit: 0 }, Place { hit: 0, unit: 1 }).unwrap();
        assert_eq!(citation.quote, "One is. Two is.");
    }

    #[test]
    fn a_chunk_has_the_keys_of_all_its_text() {
        let text = "# Fees\n\n| tool | fee |\n|---|---|\n| saw | 2 |\n\nA saw costs two. It is sharp; NASA's is not.";
        let sources = sources(text);
        assert_eq!(sources.chunk_keys[0], sources.analyzer.content_keys(text));
    }

    #[test]
    fn a_place_that_is_none_is_no_citation() {
        let nowhere = Place { hit: 7, unit: 0 };
        assert!(sources("a").cite(1, nowhere, nowhere).is_err());
        assert_eq!(sources("a").text(nowhere), "");
    }

    #[test]
    fn each_unit_is_embedded_once() {
        let mut sources = sources("One is. Two is.");
        let places: Vec<Place> = sources.places(9).collect();
        let embedder = fixture::HashEmbedder::default();
        sources.embed(&embedder, &places).unwrap();
        sources.embed(&embedder, &places).unwrap();
        assert_eq!(embedder.texts_embedded(), 2);
        assert!(sources.vector(places[0]).is_some());
    }
}
