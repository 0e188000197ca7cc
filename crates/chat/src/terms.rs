//! The words of a text as terms that can be compared: folded to lower case, stemmed, numbers brought to one form.
//!
//! Keeps true: the same word gives the same term in question, source and answer, so overlap can be counted. Every
//! term knows the bytes it came from.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use frostem::{Algorithm, Stemmer};

/// What a term is; names and numbers carry more of a question's meaning than other words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TermKind {
    Word,
    /// Written with a capital letter although no sentence begins there.
    Name,
    Number,
    /// A word of grammar: article, pronoun, question word.
    Stop,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The comparable form.
    pub key: String,
    pub kind: TermKind,
    /// Bytes into the text.
    pub start: usize,
    pub end: usize,
}

/// Makes terms for one language. A word that it has met is not looked at again.
pub struct Analyzer {
    stemmer: Stemmer,
    met: Mutex<HashMap<String, (TermKind, String)>>,
}

impl std::fmt::Debug for Analyzer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Analyzer").field("algorithm", &self.stemmer.algorithm().name()).finish()
    }
}

impl Analyzer {
    /// `language` is ISO 639-1; what has no stemmer is stemmed as English, which leaves foreign words mostly alone.
    #[must_use]
    pub fn new(language: Option<&str>) -> Self {
        let algorithm =
            language.and_then(|name| Algorithm::from_name(name).ok()).unwrap_or(Algorithm::English);
        Self { stemmer: Stemmer::new(algorithm), met: Mutex::default() }
    }

    /// All terms of `text`, in order.
    #[must_use]
    pub fn terms(&self, text: &str) -> Vec<Term> {
        let mut sentence_begins = true;
        let mut terms = Vec::new();
        let mut previous_end = 0;
        for (start, end) in words(text) {
            sentence_begins |= ends_sentence(&text[previous_end..start]);
            terms.push(self.term(text, start, end, sentence_begins));
            sentence_begins = false;
            previous_end = end;
        }
        terms
    }

    /// The keys of all terms that are no words of grammar.
    #[must_use]
    pub fn content_keys(&self, text: &str) -> HashSet<String> {
        self.terms(text).into_iter().filter(|term| term.kind != TermKind::Stop).map(|term| term.key).collect()
    }

    fn term(&self, text: &str, start: usize, end: usize, sentence_begins: bool) -> Term {
        let word = &text[start..end];
        let (kind, key) = self.read(word.to_lowercase());
        let is_name = kind == TermKind::Word && !sentence_begins && word.starts_with(char::is_uppercase);
        Term { key, kind: if is_name { TermKind::Name } else { kind }, start, end }
    }

    /// What a word in lower case is, names apart, and its comparable form.
    fn read(&self, lower: String) -> (TermKind, String) {
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = met.get(&lower) {
            return known.clone();
        }
        let kind = kind_of(&lower);
        let key = match kind {
            TermKind::Number => number_key(&lower),
            TermKind::Stop => lower.clone(),
            TermKind::Word | TermKind::Name => self.stemmer.stem(&lower).into_owned(),
        };
        met.insert(lower, (kind, key.clone()));
        (kind, key)
    }
}

/// How rare each term is among some texts, as weights for overlap.
#[derive(Clone, Debug, Default)]
pub struct Rarity {
    texts: usize,
    containing: HashMap<String, usize>,
}

impl Rarity {
    pub fn add<'a>(&mut self, keys: impl IntoIterator<Item = &'a String>) {
        self.texts += 1;
        for key in keys {
            *self.containing.entry(key.clone()).or_default() += 1;
        }
    }

    /// The inverse document frequency of BM25, `ln(1 + (n - df + 0.5) / (df + 0.5))`, never negative. The texts
    /// are those that a search returned, in which the question's own terms are far more frequent than elsewhere,
    /// so the weight keeps a floor and names and numbers count double.
    #[must_use]
    pub fn weight(&self, term: &Term) -> f32 {
        if term.kind == TermKind::Stop {
            return 0.0;
        }
        let containing = self.containing.get(&term.key).copied().unwrap_or(0) as f32;
        let idf = (1.0 + (self.texts as f32 - containing + 0.5) / (containing + 0.5)).ln();
        let shape = if term.kind == TermKind::Word { 1.0 } else { 2.0 };
        (idf + 0.5) * shape
    }
}

/// A number in one form: no thousands separators, a point before decimals, words up to twelve as digits.
#[must_use]
pub fn number_key(word: &str) -> String {
    if let Some(value) = NUMBER_WORDS.iter().position(|names| names.contains(&word)) {
        return value.to_string();
    }
    let grouped = word.split([',', '.']).skip(1).all(|group| group.len() == 3 && group.is_ascii());
    if grouped { word.replace([',', '.'], "") } else { word.replace(',', ".") }
}

/// Whether a word, in lower case, is one of grammar.
#[must_use]
pub fn is_grammar(lower: &str) -> bool {
    is_stop(lower)
}

/// Whether `text` denies something: "not", "never", "no longer", "nicht", "kein".
#[must_use]
pub fn negations(text: &str) -> usize {
    words(text)
        .into_iter()
        .map(|(start, end)| text[start..end].to_lowercase().replace('’', "'"))
        .filter(|word| NEGATIONS.contains(&word.as_str()) || word.ends_with("n't"))
        .count()
}

/// Byte ranges of the words: runs of letters and digits, with inner apostrophes, hyphens stay outside; a point or
/// comma between digits belongs to the number; an ideograph is a word by itself.
fn words(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut open: Option<usize> = None;
    let mut characters = text.char_indices().peekable();
    let mut previous = ' ';
    while let Some((at, character)) = characters.next() {
        let next = characters.peek().map_or(' ', |(_, next)| *next);
        if is_ideograph(character) {
            found.extend(open.take().map(|start| (start, at)));
            found.push((at, at + character.len_utf8()));
        } else if character.is_alphanumeric() || joins(previous, character, next) {
            open.get_or_insert(at);
        } else {
            found.extend(open.take().map(|start| (start, at)));
        }
        previous = character;
    }
    found.extend(open.map(|start| (start, text.len())));
    found
}

fn joins(previous: char, character: char, next: char) -> bool {
    match character {
        '\'' | '’' => previous.is_alphabetic() && next.is_alphabetic(),
        '.' | ',' => previous.is_ascii_digit() && next.is_ascii_digit(),
        _ => false,
    }
}

fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
}

fn ends_sentence(between: &str) -> bool {
    between.contains(['.', '!', '?', ':', '\n', '“', '"', '•', '|'])
}

fn kind_of(lower: &str) -> TermKind {
    let begins_with_digit = lower.chars().next().is_some_and(char::is_numeric);
    if begins_with_digit || NUMBER_WORDS.iter().any(|names| names.contains(&lower)) {
        TermKind::Number
    } else if is_stop(lower) {
        TermKind::Stop
    } else {
        TermKind::Word
    }
}

fn is_stop(lower: &str) -> bool {
    let bare = lower.split(['\'', '’']).next().unwrap_or(lower);
    STOP_WORDS.binary_search(&lower).is_ok()
        || (bare.len() < lower.len() && STOP_WORDS.binary_search(&bare).is_ok())
}

/// Index is value. "One" is left out: it is a pronoun more often than a number.
const NUMBER_WORDS: [&[&str]; 13] = [
    &["zero", "null"],
    &[],
    &["two", "zwei"],
    &["three", "drei"],
    &["four", "vier"],
    &["five", "fünf"],
    &["six", "sechs"],
    &["seven", "sieben"],
    &["eight"],
    &["nine", "neun"],
    &["ten", "zehn"],
    &["eleven", "elf"],
    &["twelve", "zwölf"],
];

const NEGATIONS: &[&str] = &[
    "aucun", "cannot", "jamais", "kein", "keine", "keinen", "keiner", "keines", "nein", "neither", "never",
    "nicht", "nie", "niemals", "no", "nobody", "none", "nor", "not", "nothing", "nowhere", "nunca", "pas",
    "without", "ohne",
];

/// Sorted: words of grammar and question words of English, German, French and Spanish.
const STOP_WORDS: &[&str] = &[
    "a", "aber", "about", "after", "al", "all", "als", "also", "am", "an", "and", "any", "are", "as", "at",
    "au", "auch", "auf", "aus", "aux", "avec", "be", "because", "been", "before", "bei", "beim", "being",
    "between", "bin", "but", "by", "can", "ce", "ces", "cette", "come", "comment", "como", "con", "could",
    "cual", "cuando", "cuál", "cuándo", "cómo", "d", "da", "damit", "dans", "das", "dass", "de", "dein",
    "del", "dem", "den", "der", "des", "did", "die", "dies", "diese", "diesem", "diesen", "dieser", "dieses",
    "do", "does", "doing", "donde", "done", "dort", "du", "durch", "during", "dónde", "each", "ein", "eine",
    "einem", "einen", "einer", "eines", "el", "elle", "en", "er", "es", "est", "et", "etwas", "euch", "for",
    "from", "für", "gab", "get", "gibt", "haben", "had", "has", "hat", "hatte", "hatten", "have", "he",
    "her", "here", "him", "his", "how", "i", "ich", "if", "ihr", "ihre", "ihrem", "ihren", "ihrer", "il",
    "im", "in", "ins", "into", "is", "ist", "it", "its", "j", "je", "kann", "konnte", "können", "l", "la",
    "las", "le", "les", "lo", "los", "m", "man", "may", "me", "mehr", "mein", "might", "mit", "more", "most",
    "much", "muss", "must", "my", "n", "nach", "ne", "oder", "of", "on", "or", "other", "ou", "our", "où",
    "par", "para", "por", "pour", "que", "quel", "quelle", "qui", "quien", "quién", "quoi", "qué", "s", "se",
    "sein", "seine", "seinem", "seinen", "seiner", "seit", "she", "should", "sich", "sie", "sind", "so",
    "some", "son", "su", "such", "sur", "t", "tell", "than", "that", "the", "their", "them", "then", "there",
    "these", "they", "this", "those", "through", "to", "too", "u", "um", "un", "und", "under", "une",
    "unter", "up", "us", "very", "vom", "von", "vor", "wann", "war", "waren", "warum", "was", "we", "wegen",
    "welche", "welchem", "welchen", "welcher", "welches", "wem", "wen", "wenn", "wer", "werden", "were",
    "wessen", "what", "when", "where", "which", "while", "who", "whom", "whose", "why", "wie", "wieviel",
    "will", "wir", "wird", "with", "wo", "woher", "wohin", "worden", "would", "wurde", "wurden", "y", "you",
    "your", "zu", "zum", "zur", "über",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<String> {
        Analyzer::new(None)
            .terms(text)
            .into_iter()
            .filter(|t| t.kind != TermKind::Stop)
            .map(|t| t.key)
            .collect()
    }

    fn kinds(text: &str) -> Vec<TermKind> {
        Analyzer::new(None).terms(text).into_iter().map(|term| term.kind).collect()
    }

    #[test]
    fn stop_words_are_sorted_for_the_binary_search() {
        let mut sorted = STOP_WORDS.to_vec();
        sorted.sort_unstable();
        let wrong: Vec<_> = STOP_WORDS.iter().zip(&sorted).filter(|(a, b)| a != b).take(1).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn forms_of_a_word_are_one_term() {
        assert_eq!(keys("refunds refunded"), ["refund", "refund"]);
        assert_eq!(keys("What is the refund?"), ["refund"]);
    }

    #[test]
    fn numbers_have_one_form() {
        assert_eq!(keys("1,190 1190 3.5 3,5 four 4"), ["1190", "1190", "3.5", "3.5", "4", "4"]);
        assert_eq!(kinds("14 days"), [TermKind::Number, TermKind::Word]);
    }

    #[test]
    fn a_capital_within_a_sentence_is_a_name() {
        assert_eq!(
            kinds("Where did Tesla live"),
            [TermKind::Stop, TermKind::Stop, TermKind::Name, TermKind::Word]
        );
        assert_eq!(kinds("Refunds. Tesla"), [TermKind::Word, TermKind::Word]);
    }

    #[test]
    fn ideographs_are_words() {
        assert_eq!(keys("退款ab"), ["退", "款", "ab"]);
    }

    #[test]
    fn denial_is_counted() {
        assert_eq!(negations("It does not and can't, nie."), 3);
        assert_eq!(negations("It does."), 0);
    }

    #[test]
    fn rarer_terms_weigh_more_and_grammar_nothing() {
        let mut rarity = Rarity::default();
        rarity.add(&["common".to_owned()]);
        rarity.add(&["common".to_owned(), "rare".to_owned()]);
        let weight = |key: &str, kind| rarity.weight(&Term { key: key.into(), kind, start: 0, end: 0 });
        assert!(weight("rare", TermKind::Word) > weight("common", TermKind::Word));
        assert_eq!(weight("the", TermKind::Stop), 0.0);
    }

    #[test]
    fn every_term_knows_its_bytes() {
        let text = "Größe zählt: 1,5 m";
        for term in Analyzer::new(Some("de")).terms(text) {
            assert!(!text[term.start..term.end].is_empty());
        }
    }
}
