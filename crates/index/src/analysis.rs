//! Text to terms: words in lower case, stemmed by language, accents folded; pairs of letters where a script
//! writes no spaces.
//!
//! Keeps true: a term holds no line break, is at most `TERM_BYTES_MAX` long, and depends on the word and the
//! language only, so that a question's terms meet those of a document in the same language.

use std::collections::HashMap;
use std::str::Chars;

use foldhash::fast::RandomState;
use frostem::{Algorithm, Stemmer};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::language::{Language, Script};

/// Longer words are cut: nobody types them, and base64 would bloat the dictionary.
pub(crate) const TERM_BYTES_MAX: usize = 80;
/// Distinct words remembered with their stems: about 4 MB, held only while documents are indexed.
const CACHE_WORDS_MAX: usize = 40_000;

/// Turns texts of one language into terms.
pub(crate) struct Analyser {
    language: Language,
    stemmers: Vec<(Algorithm, Stemmer)>,
    cache: HashMap<String, String, RandomState>,
}

impl std::fmt::Debug for Analyser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Analyser").field("language", &self.language).finish_non_exhaustive()
    }
}

impl Analyser {
    pub(crate) fn new(language: Language) -> Self {
        Self { language, stemmers: Vec::new(), cache: HashMap::default() }
    }

    /// Appends the terms, each followed by a line break, and returns how many there were.
    pub(crate) fn append(&mut self, text: &str, out: &mut String) -> u32 {
        let mut count = 0;
        self.each(text, |term| {
            out.push_str(term);
            out.push('\n');
            count += 1;
        });
        count
    }

    /// The terms in the order of the text.
    pub(crate) fn terms(&mut self, text: &str) -> Vec<String> {
        let mut terms = Vec::new();
        self.each(text, |term| terms.push(term.to_owned()));
        terms
    }

    fn each(&mut self, text: &str, mut on_term: impl FnMut(&str)) {
        let mut word = String::new();
        let mut letters = text.chars();
        loop {
            push_plain(&mut letters, &mut word);
            let Some(letter) = letters.next() else { break };
            match kind(letter) {
                Kind::Unspaced => {
                    self.finish(&mut word, &mut on_term);
                    pairs(letter, &mut letters, &mut on_term);
                }
                Kind::Letter => word.extend(letter.to_lowercase()),
                Kind::Mark if !word.is_empty() => word.push(letter),
                Kind::Apostrophe if !word.is_empty() && self.joins(letters.clone().next()) => word.push('\''),
                Kind::Invisible => {}
                _ => self.finish(&mut word, &mut on_term),
            }
        }
        self.finish(&mut word, &mut on_term);
    }

    /// Whether an apostrophe ahead of `next` stands inside a word.
    fn joins(&self, next: Option<char>) -> bool {
        !self.language.elides() && next.is_some_and(|next| next.is_alphanumeric())
    }

    /// Gives the term of the word, if there is one, and empties it.
    fn finish(&mut self, word: &mut String, on_term: &mut impl FnMut(&str)) {
        if word.is_empty() {
            return;
        }
        cut(word);
        match self.cache.get(word.as_str()) {
            Some(term) => on_term(term),
            None => {
                let term = self.term(word);
                on_term(&term);
                if self.cache.len() >= CACHE_WORDS_MAX {
                    self.cache.clear();
                }
                self.cache.insert(std::mem::take(word), term);
            }
        }
        word.clear();
    }

    fn term(&mut self, word: &str) -> String {
        let composed = if word.is_ascii() { word.to_owned() } else { word.nfkc().collect() };
        let folded = fold(&self.stem(&composed));
        if folded.is_empty() { composed } else { folded }
    }

    fn stem(&mut self, word: &str) -> String {
        let letter = word.chars().find(|letter| letter.is_alphabetic());
        let algorithm = letter.and_then(|letter| self.language.stemmer(Script::of(letter)));
        match algorithm {
            Some(algorithm) => self.stemmer(algorithm).stem(word).into_owned(),
            None => word.to_owned(),
        }
    }

    fn stemmer(&mut self, algorithm: Algorithm) -> &Stemmer {
        let known = self.stemmers.iter().position(|(of, _)| *of == algorithm);
        let index = known.unwrap_or_else(|| {
            self.stemmers.push((algorithm, Stemmer::new(algorithm)));
            self.stemmers.len() - 1
        });
        &self.stemmers[index].1
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    /// A letter of a script without spaces.
    Unspaced,
    /// A combining mark: part of the word it stands in.
    Mark,
    Apostrophe,
    /// Soft hyphen, zero-width joiners: as if it were not there.
    Invisible,
    Gap,
}

fn kind(letter: char) -> Kind {
    match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' => Kind::Letter,
        '\'' | '\u{2019}' => Kind::Apostrophe,
        '\0'..='\x7f' => Kind::Gap,
        '\u{AD}' | '\u{200B}'..='\u{200D}' | '\u{FEFF}' => Kind::Invisible,
        _ if Script::is_unspaced(letter) => Kind::Unspaced,
        _ if letter.is_alphanumeric() => Kind::Letter,
        _ if is_combining_mark(letter) => Kind::Mark,
        _ => Kind::Gap,
    }
}

/// Moves the ASCII letters and digits ahead to the word, in lower case.
fn push_plain(letters: &mut Chars<'_>, word: &mut String) {
    let text = letters.as_str();
    let length = text.bytes().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(text.len());
    let (plain, rest) = text.split_at(length);
    let from = word.len();
    word.push_str(plain);
    word[from..].make_ascii_lowercase();
    *letters = rest.chars();
}

/// Each pair of neighbouring letters of an unspaced run; a run of one letter is a term itself.
fn pairs(first: char, letters: &mut Chars<'_>, on_term: &mut impl FnMut(&str)) {
    let mut term = String::new();
    let (mut previous, mut alone) = (first, true);
    while let Some(next) = letters.clone().next().filter(|letter| kind(*letter) == Kind::Unspaced) {
        letters.next();
        term.clear();
        term.extend([previous, next].into_iter().nfkc());
        on_term(&term);
        (previous, alone) = (next, false);
    }
    if alone {
        term.extend([first].into_iter().nfkc());
        on_term(&term);
    }
}

fn cut(word: &mut String) {
    if word.len() > TERM_BYTES_MAX {
        word.truncate(word.floor_char_boundary(TERM_BYTES_MAX));
    }
}

/// Takes accents off letters of alphabets (`résumé`, `Ό`, `й`) and writes joined letters apart (`ß`, `æ`).
pub(crate) fn fold(word: &str) -> String {
    if word.is_ascii() {
        return if word.contains('\'') { word.replace('\'', "") } else { word.to_owned() };
    }
    let mut folded = String::with_capacity(word.len());
    for letter in word.nfd() {
        match letter {
            '\u{300}'..='\u{36F}' | '\'' => {}
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'đ' | 'ð' => folded.push('d'),
            'ł' => folded.push('l'),
            'ı' => folded.push('i'),
            'þ' => folded.push_str("th"),
            'ς' => folded.push('σ'),
            _ => folded.push(letter),
        }
    }
    folded.nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(code: &str, text: &str) -> String {
        Analyser::new(Language::from_code(code).unwrap()).terms(text).join(" ")
    }

    #[test]
    fn english_words_are_stemmed() {
        assert_eq!(terms("en", "Refunds, refunded; RUNNING connections"), "refund refund run connect");
    }

    #[test]
    fn apostrophes_follow_the_language() {
        assert_eq!(terms("en", "Alzheimer's don’t 'quoted'"), "alzheim dont quot");
        assert_eq!(terms("fr", "l'homme d’affaires"), "l homm d affair");
    }

    #[test]
    fn accents_fold_after_stemming() {
        assert_eq!(terms("fr", "résumé resume"), "resum resum");
        assert_eq!(terms("de", "Häuser Straße"), "haus strass");
        assert_eq!(terms("en", "cafe\u{301} naïve"), "cafe naiv");
        assert_eq!(terms("el", "Αθήνα"), terms("el", "αθηνα"));
    }

    #[test]
    fn russian_and_latin_words_share_a_text() {
        assert_eq!(terms("ru", "контейнеры Kubernetes"), format!("контеинер {}", terms("en", "kubernetes")));
    }

    #[test]
    fn unspaced_scripts_are_paired() {
        assert_eq!(terms("zh", "退款政策 税 GPU卡"), "退款 款政 政策 税 gpu 卡");
        assert_eq!(terms("en", "日本"), terms("ja", "日本"));
    }

    #[test]
    fn numbers_and_codes_survive() {
        assert_eq!(terms("en", "INV-2024_001 v1.2 x86"), "inv 2024 001 v1 2 x86");
    }

    #[test]
    fn invisible_letters_do_not_split_words() {
        assert_eq!(terms("en", "in\u{AD}dex \u{FEFF}ref\u{200B}und"), "index refund");
    }

    #[test]
    fn long_words_are_cut_on_both_sides_alike() {
        let long = "é".repeat(500);
        assert!(terms("fr", &long).len() <= TERM_BYTES_MAX);
        assert_eq!(terms("fr", &long), terms("fr", &format!("{long}x")));
    }

    #[test]
    fn marks_of_indic_scripts_stay_in_their_word() {
        assert_eq!(terms("hi", "हिन्दी भाषा").split(' ').count(), 2);
    }

    #[test]
    fn appended_terms_are_counted() {
        let mut out = String::new();
        assert_eq!(Analyser::new(Language::FALLBACK).append("One two.", &mut out), 2);
        assert_eq!(out, "one\ntwo\n");
    }
}
