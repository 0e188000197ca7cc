//! Whether two questions ask the same, told by their words.
//!
//! Keeps true: questions that differ in a number, a name, a denial, a tense, a modal verb, a preposition, or in who does what to whom are
//! never the same; only articles, courtesies and the forms of a word may differ.

use crate::phrases::words;
use crate::terms::{Analyzer, TermKind};

/// A question without what never changes its answer: case, white space, marks at its end.
#[must_use]
pub fn plain(question: &str) -> String {
    let folded = question.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase().replace('’', "'");
    folded.trim_matches(|mark: char| matches!(mark, '?' | '!' | '.' | '¿' | '¡' | ' ')).to_owned()
}

/// What a question asks: its words of content by their stems and its words of grammar, in order, without those that say
/// nothing. Two questions of the same sense may still be about something else for a reader, so vectors are compared too.
#[must_use]
pub fn sense(question: &str, language: Option<&str>) -> Vec<String> {
    let bare = without_courtesy(question);
    let is_shouted = !bare.chars().any(char::is_lowercase);
    let mut sense = Vec::new();
    for term in Analyzer::new(language).terms(bare) {
        let word = &bare[term.start..term.end];
        let lower = word.to_lowercase().replace('’', "'");
        match lower.strip_suffix("'s").filter(|asks| ASKING.contains(asks)) {
            Some(asks) => sense.extend([asks.to_owned(), "is".to_owned()]),
            None if is_acronym(word) && !is_shouted => sense.push(word.to_owned()),
            None if term.kind == TermKind::Stop => sense.extend(grammar(&lower)),
            // Stems do not tell "signs" from "signed".
            None if lower.ends_with("ed") => sense.push(format!("{}-ed", term.key)),
            None => sense.push(term.key),
        }
    }
    sense
}

/// IT and it, US and us are different words.
fn is_acronym(word: &str) -> bool {
    word.chars().count() > 1 && word.chars().all(char::is_uppercase)
}

/// A word of grammar in its one form; none for articles.
fn grammar(word: &str) -> Option<String> {
    if ARTICLES.contains(&word) {
        return None;
    }
    let form = FORMS.iter().find(|forms| forms.contains(&word)).map_or(word, |forms| forms[0]);
    Some(form.to_owned())
}

/// The question without the polite words before it.
#[must_use]
pub fn without_courtesy(question: &str) -> &str {
    let mut rest = question.trim();
    while let Some(shorter) = COURTESIES.iter().find_map(|courtesy| without(rest, courtesy)) {
        rest = shorter;
    }
    rest
}

/// The text behind some words that it begins with, if more words follow.
fn without<'a>(text: &'a str, courtesy: &str) -> Option<&'a str> {
    let head = text.get(..courtesy.len())?;
    let rest = text.get(courtesy.len()..)?;
    let rest_begins = rest.starts_with([' ', ',', ':']);
    let rest = rest.trim_start_matches([' ', ',', ':']);
    (head.to_lowercase() == courtesy && rest_begins && words(rest).len() > 1).then_some(rest)
}

/// "what's" is two words, "Ada's" is one.
const ASKING: &[&str] = &["what", "who", "where", "when", "how", "that", "it"];

const COURTESIES: &[&str] = &[
    "please",
    "bitte",
    "hello",
    "hi",
    "hallo",
    "tell me",
    "can you tell me",
    "could you tell me",
    "could you please tell me",
    "can you please tell me",
    "i would like to know",
    "i'd like to know",
    "i want to know",
    "do you know",
    "sag mir",
    "kannst du mir sagen",
    "können sie mir sagen",
    "weißt du",
    "wissen sie",
    "dis-moi",
    "pouvez-vous me dire",
    "dime",
    "por favor",
];

/// Words that say only that a noun comes.
const ARTICLES: &[&str] = &[
    "a", "an", "the", "der", "die", "das", "den", "dem", "ein", "eine", "einen", "einem", "einer", "eines",
    "le", "la", "les", "l", "un", "une", "el", "los", "las", "una",
];

/// Forms of one word: what number its noun has says nothing more.
const FORMS: &[&[&str]] = &[
    &["is", "are", "am"],
    &["was", "were"],
    &["do", "does"],
    &["has", "have"],
    &["this", "these"],
    &["that", "those"],
    &["ist", "sind"],
    &["war", "waren"],
    &["wird", "werden"],
    &["wurde", "wurden"],
    &["hat", "haben"],
    &["kann", "können"],
    &["welche", "welcher", "welches", "welchen", "welchem"],
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(one: &str, other: &str, same: bool) {
        assert_eq!(sense(one, None) == sense(other, None), same, "{one} / {other}");
    }

    fn same(one: &str, other: &str) {
        check(one, other, true);
    }

    fn other(one: &str, other: &str) {
        check(one, other, false);
    }

    #[test]
    fn case_white_space_and_marks_at_the_end_say_nothing() {
        assert_eq!(plain("  What is\n the  Fee ?"), "what is the fee");
        assert_eq!(plain("¿Qué es?"), plain("qué es"));
        assert_ne!(plain("Fee in 2022?"), plain("Fee in 2023?"));
        assert_ne!(plain("a - b"), plain("a b"));
        assert_eq!(plain("?!"), "");
    }

    #[test]
    fn articles_courtesies_and_forms_say_nothing() {
        same("How long do refunds take?", "how long does a refund take");
        same("What is the fee?", "What's the fee?");
        same("Please tell me, what is the fee?", "What is the fee?");
        same("Could you tell me who signs the refunds", "Who signs refunds?");
        same("Wie hoch ist die Gebühr?", "Bitte: Wie hoch ist Gebühr?");
        same("Which is it?", "which is it");
    }

    #[test]
    fn numbers_and_dates_tell_questions_apart() {
        other("What was the fee in 2022?", "What was the fee in 2023?");
        other("What is due on 1 May?", "What is due on 2 May?");
        other("Who won the first prize?", "Who won the second prize?");
        same("What happens after four weeks?", "What happens after 4 weeks?");
    }

    #[test]
    fn denials_and_modal_verbs_tell_questions_apart() {
        other("May I smoke here?", "May I not smoke here?");
        other("May I smoke here?", "Must I smoke here?");
        other("Who may enter?", "Who never may enter?");
        other("Is it allowed without a permit?", "Is it allowed with a permit?");
        other("Why can't I enter?", "Why can I enter?");
    }

    #[test]
    fn who_does_what_to_whom_tells_questions_apart() {
        other("Who did Germany invade?", "Who invaded Germany?");
        other("Does Ada pay Bob?", "Does Bob pay Ada?");
        other("What is my fee?", "What is her fee?");
        other("Where do I go to?", "Where do I go from?");
    }

    #[test]
    fn names_tenses_and_question_words_tell_questions_apart() {
        other("Who is the chair?", "Who was the chair?");
        other("Who signs the lease?", "Who signed the lease?");
        other("When is the fee due?", "Where is the fee due?");
        other("What does Ada earn?", "What does Bob earn?");
        other("Who works in IT?", "Who works in it?");
        other("What is the highest fee?", "What is the lowest fee?");
        other("What happens before the review?", "What happens after the review?");
    }

    #[test]
    fn a_courtesy_alone_is_a_question() {
        assert!(!sense("please", None).is_empty() && !sense("tell me more", None).is_empty());
        assert!(sense("", None).is_empty());
    }
}
