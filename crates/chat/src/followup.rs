//! A follow-up question made whole from what was said before, by rules.
//!
//! Keeps true: the follow-up's own content words stay in the result; a question that stands on its own is returned
//! as it is; without a question before it there is nothing to carry over.

mod words;

use serde::{Deserialize, Serialize};

use self::words::{ASKING_NAMES, EMPTY_IT, FORMS, MORE, OPENINGS, PREPOSITIONS, PRONOUNS, VERBS_FIRST};
use crate::noun::{Noun, Nouns};
use crate::phrases::words;
use crate::terms::TermKind;

/// Longest fragment ("and in 2024?") in words.
const FRAGMENT_WORDS_MAX: usize = 8;

/// One turn of a thread that is over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Exchange {
    /// As it was answered: rewritten where it was a follow-up itself.
    pub question: String,
    pub answer: String,
}

/// What a question becomes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewriting {
    pub question: String,
    pub changed: bool,
    /// In words, for the inspector.
    pub why: String,
}

impl Rewriting {
    pub fn unchanged(question: &str, why: &str) -> Self {
        Self { question: question.trim().to_owned(), changed: false, why: why.to_owned() }
    }

    pub fn changed(question: String, why: &str) -> Self {
        Self { question, changed: true, why: why.to_owned() }
    }
}

/// Resolves `question` against the exchange before it.
#[must_use]
pub fn resolve(question: &str, last: &Exchange) -> Rewriting {
    let question = question.trim();
    let before = Nouns::of(&last.question);
    if before.all.is_empty() && last.answer.is_empty() {
        return Rewriting::unchanged(question, "there is no topic to carry over");
    }
    if asks_for_more(question) {
        return Rewriting::changed(last.question.clone(), "asks for more about the same");
    }
    let (rest, is_continued) = without_opening(question);
    let form = form_of(rest);
    let nouns = Nouns::of(rest);
    if nouns.content == 0 && form > 0 && words(rest).len() <= FRAGMENT_WORDS_MAX && !holds_pronoun(rest) {
        return Rewriting::changed(other_form(rest, &last.question), "asks the same in another way");
    }
    if is_continued && form == 0 && words(rest).len() <= FRAGMENT_WORDS_MAX && !begins_with_verb(rest) {
        return Rewriting::changed(
            replaced(rest, &nouns, last, &before),
            "carries over the last question's form",
        );
    }
    if let Some(whole) = without_pronoun(rest, &nouns, last, &before) {
        return Rewriting::changed(whole, "names what a pronoun stands for");
    }
    if leans_on_topic(rest, &nouns, &before) {
        let topic = before.topic().map_or("", |noun| noun.text(&last.question));
        return Rewriting::changed(with_aside(rest, topic), "carries over the topic");
    }
    Rewriting::unchanged(question, "stands on its own")
}

/// Whether the question may lean on what was said before: what a model is asked about.
#[must_use]
pub fn may_lean(question: &str) -> bool {
    let (rest, is_continued) = without_opening(question);
    is_continued || holds_pronoun(rest) || asks_for_more(question) || Nouns::of(rest).content <= 2
}

fn asks_for_more(question: &str) -> bool {
    let line = words(question).join(" ");
    MORE.contains(&line.as_str())
}

/// Cuts off "and", "what about" and the like; says whether there was any.
fn without_opening(question: &str) -> (&str, bool) {
    let start = question.trim().trim_start_matches(['¿', '¡', '…', '-', ' ']);
    let lower = start.to_lowercase();
    let opening = OPENINGS.iter().find(|opening| {
        lower
            .strip_prefix(**opening)
            .is_some_and(|rest| rest.starts_with([' ', ',']) && lower.len() == start.len())
    });
    match opening {
        Some(opening) => (start[opening.len()..].trim_start_matches([' ', ',']), true),
        None => (start, false),
    }
}

/// Length in bytes of the question words at the beginning: "how long", "since when", "wo".
fn form_of(text: &str) -> usize {
    let lower = text.to_lowercase();
    if lower.len() != text.len() {
        return 0;
    }
    let fits = |form: &&&str| {
        lower
            .strip_prefix(**form)
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '\''))
    };
    FORMS.iter().filter(fits).map(|form| form.len()).max().unwrap_or(0)
}

/// The last question, asked with another question word.
fn other_form(form: &str, last: &str) -> String {
    let form = form.trim_end_matches(['?', '.', '!', ' ']);
    let known = form_of(last);
    if known > 0 {
        return upper_first(&format!("{form}{}", &last[known..]));
    }
    if begins_with_verb(last) {
        return upper_first(&format!("{form} {}", lower_first(last)));
    }
    upper_first(&format!("{form}: {last}"))
}

/// The last question with its matching part replaced by the fragment.
fn replaced(fragment: &str, nouns: &Nouns, last: &Exchange, before: &Nouns) -> String {
    let fragment = fragment.trim_end_matches(['?', '.', '!', ' ']);
    let question = &last.question;
    match place_of(fragment, nouns, question, before) {
        Some((start, end)) => {
            let given = without_repeated_opening(fragment, &question[..start]);
            format!("{}{given}{}", &question[..start], &question[end..])
        }
        None if has_preposition(fragment) => appended(question, fragment),
        None => with_aside(question, fragment),
    }
}

/// Bytes of the last question that the fragment takes the place of.
fn place_of(fragment: &str, nouns: &Nouns, question: &str, before: &Nouns) -> Option<(usize, usize)> {
    let given = nouns.all.last()?;
    let preposition = words(fragment).into_iter().next().filter(|word| PREPOSITIONS.contains(&word.as_str()));
    let same_kind = |noun: &&Noun| noun.kind == given.kind && given.kind != TermKind::Word;
    let same_head = |noun: &&Noun| noun.head == given.head;
    let found = before.all.iter().rfind(same_kind).or_else(|| before.all.iter().rfind(same_head));
    match (found, preposition) {
        (Some(noun), Some(_)) => Some((noun.start_with_preposition(question, PREPOSITIONS), noun.end)),
        (Some(noun), None) => Some((noun.start, noun.end)),
        (None, Some(word)) => {
            let noun =
                before.all.iter().rfind(|noun| noun.preposition(question).is_some_and(|p| p == word))?;
            Some((noun.start_with_preposition(question, PREPOSITIONS), noun.end))
        }
        (None, None) if given.kind == TermKind::Number => None,
        (None, None) => before.topic().map(|noun| (noun.start, noun.end)),
    }
}

/// "the" is not said twice.
fn without_repeated_opening<'f>(fragment: &'f str, before: &str) -> &'f str {
    let last = before.split_whitespace().next_back().unwrap_or("").to_lowercase();
    match fragment.split_once(' ') {
        Some((first, rest)) if !last.is_empty() && first.to_lowercase() == last => rest,
        _ => fragment,
    }
}

fn has_preposition(fragment: &str) -> bool {
    words(fragment).first().is_some_and(|word| PREPOSITIONS.contains(&word.as_str()))
}

/// Puts the words before the question mark.
fn appended(question: &str, words: &str) -> String {
    let body = question.trim_end_matches(['?', '.', ' ']);
    let mark = &question[body.len()..].trim();
    format!("{body} {words}{mark}")
}

fn with_aside(question: &str, aside: &str) -> String {
    appended(question, &format!("({aside})"))
}

fn upper_first(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + characters.as_str())
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().collect::<String>() + characters.as_str())
}

/// Whether it is a whole question without a question word: "Is it open?"
fn begins_with_verb(text: &str) -> bool {
    words(text).first().is_some_and(|word| VERBS_FIRST.contains(&word.as_str()))
}

fn holds_pronoun(text: &str) -> bool {
    pronoun(text).is_some()
}

/// A pronoun that stands for something said before, with what it may stand for.
struct Pronoun {
    start: usize,
    end: usize,
    /// Stands for a person.
    person: bool,
    /// "its", "their".
    possessive: bool,
    english: bool,
}

fn pronoun(text: &str) -> Option<Pronoun> {
    let mut at = 0;
    let lower = words(text).join(" ");
    if EMPTY_IT.iter().any(|phrase| lower.contains(phrase)) {
        return None;
    }
    for word in text.split(|c: char| !c.is_alphanumeric()) {
        let (start, end) = (at, at + word.len());
        at = end + text[end..].chars().next().map_or(0, char::len_utf8);
        let after = text[end..].split(|c: char| !c.is_alphanumeric()).find(|next| !next.is_empty());
        let Some((_, person, possessive, english)) = PRONOUNS
            .iter()
            .find(|(known, ..)| word == *known || (start == 0 && word.to_lowercase() == *known))
        else {
            continue;
        };
        let points = ["this", "that", "these", "those"].contains(&word.to_lowercase().as_str());
        if points && !stands_alone(&text[..start], after) {
            continue;
        }
        return Some(Pronoun { start, end, person: *person, possessive: *possessive, english: *english });
    }
    None
}

/// Whether "this" is a pronoun and not the beginning of "this rule".
fn stands_alone(before: &str, after: Option<&str>) -> bool {
    let previous = words(before).into_iter().next_back().unwrap_or_default();
    let leads = [
        "is", "was", "does", "did", "do", "about", "of", "for", "after", "before", "than", "like", "why",
        "with",
    ]
    .contains(&previous.as_str());
    match after {
        None => true,
        Some(after) => leads && crate::terms::is_grammar(&after.to_lowercase()),
    }
}

/// The question with its first pronoun replaced; `None` where there is none or it is explained in the question itself.
fn without_pronoun(text: &str, nouns: &Nouns, last: &Exchange, before: &Nouns) -> Option<String> {
    let pronoun = pronoun(text)?;
    let explained = nouns
        .all
        .iter()
        .any(|noun| noun.end <= pronoun.start && (noun.definite || noun.kind == TermKind::Name));
    if explained && !follows_of(&text[..pronoun.start]) {
        return None;
    }
    let meant = antecedent(&pronoun, last, before)?;
    if !pronoun.english {
        return Some(with_aside(text, &meant));
    }
    let ending = match (pronoun.possessive, meant.ends_with('s')) {
        (false, _) => "",
        (true, true) => "'",
        (true, false) => "'s",
    };
    Some(format!("{}{meant}{ending}{}", &text[..pronoun.start], &text[pronoun.end..]))
}

/// "the repair of it" does not say what it is.
fn follows_of(before: &str) -> bool {
    words(before).last().is_some_and(|word| word == "of")
}

/// What a pronoun stands for: a person's name of the last question or else of its answer; for things the topic. Where
/// the last question asked who or which, its answer comes first.
fn antecedent(pronoun: &Pronoun, last: &Exchange, before: &Nouns) -> Option<String> {
    let sentence = ibid_types::sentences::sentences(&last.answer).into_iter().next();
    let answer = sentence.map_or("", |range| last.answer.get(range).unwrap_or(""));
    let said = Nouns::of(answer);
    let new_name = said
        .all
        .iter()
        .find(|noun| noun.kind == TermKind::Name && !before.all.iter().any(|other| other.head == noun.head));
    let asked_who =
        ASKING_NAMES.iter().any(|word| words(&last.question).first().is_some_and(|first| first == word));
    let from_answer = new_name.map(|noun| noun.name(answer));
    let name = before
        .all
        .iter()
        .rfind(|noun| noun.kind == TermKind::Name)
        .map(|noun| noun.text(&last.question).to_owned());
    match (pronoun.person, asked_who) {
        (true, true) => from_answer.or(name),
        (true, false) => name.or(from_answer),
        (false, _) => before.topic().map(|noun| within_a_sentence(noun, &last.question)),
    }
}

/// A determiner that began a sentence is written small where none begins.
fn within_a_sentence(noun: &Noun, question: &str) -> String {
    let text = noun.text(question);
    if noun.definite { lower_first(text) } else { text.to_owned() }
}

/// "What is the fee?": a definite thing that the question does not name further.
fn leans_on_topic(text: &str, nouns: &Nouns, before: &Nouns) -> bool {
    let [only] = nouns.all.as_slice() else { return false };
    let asks = form_of(text) > 0 || begins_with_verb(text);
    asks && nouns.content <= 1
        && only.definite_article
        && only.kind == TermKind::Word
        && !before.keys.contains(&only.head)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(last: &str, answer: &str, question: &str, expected: &str) {
        let last = Exchange { question: last.into(), answer: answer.into() };
        let rewriting = resolve(question, &last);
        assert_eq!(rewriting.question, expected);
        assert_eq!(rewriting.changed, expected != question);
    }

    #[test]
    fn a_year_takes_the_years_place() {
        check("How many visitors came in 2023?", "", "And in 2024?", "How many visitors came in 2024?");
        check("How many visitors came?", "", "And in 2024?", "How many visitors came in 2024?");
        check("Wie viele Gäste kamen 2023?", "", "Und 2024?", "Wie viele Gäste kamen 2024?");
    }

    #[test]
    fn a_name_takes_the_names_place() {
        check("What is the capital of France?", "", "And of Spain?", "What is the capital of Spain?");
        check("Where did Tesla live?", "", "What about Edison?", "Where did Edison live?");
    }

    #[test]
    fn a_thing_takes_the_place_of_the_thing() {
        check(
            "How much does the basic plan cost?",
            "",
            "What about the gold plan?",
            "How much does the gold plan cost?",
        );
        check("How long are refunds processed?", "", "And exchanges?", "How long are exchanges processed?");
    }

    #[test]
    fn another_question_word_asks_the_same() {
        check("When was the library opened?", "", "And where?", "Where was the library opened?");
        check("When was the library opened?", "", "By whom?", "By whom was the library opened?");
        check("Is the library closed on Mondays?", "", "Why?", "Why is the library closed on Mondays?");
    }

    #[test]
    fn pronouns_are_named() {
        check("What is a refund?", "", "How long does it take?", "How long does a refund take?");
        check("What is the capital of France?", "", "How big is it?", "How big is the capital of France?");
        check("Where did Tesla live?", "", "When did he die?", "When did Tesla die?");
        check(
            "Who wrote it?",
            "It was written by Ada Lovelace.",
            "When was she born?",
            "When was Ada Lovelace born?",
        );
        check("The band saw?", "", "Who may use it?", "Who may use the band saw?");
        check("Who keeps the museum?", "", "What are its hours?", "What are the museum's hours?");
        check("Was ist die Werkstatt?", "", "Wann öffnet sie?", "Wann öffnet sie (die Werkstatt)?");
    }

    #[test]
    fn what_stands_on_its_own_stays() {
        for question in [
            "How many days do refunds take?",
            "Who is the director and when was she born?",
            "How long is a reserved tool kept, and what happens to it after that?",
            "Is it possible to borrow a saw?",
            "Which rule says that members pay?",
            "What is photosynthesis?",
        ] {
            check("When was the library opened?", "", question, question);
        }
    }

    #[test]
    fn a_definite_thing_leans_on_the_topic() {
        check("How do I rent a kayak?", "", "What is the fee?", "What is the fee (a kayak)?");
    }

    #[test]
    fn more_is_the_same_again() {
        check("How do I rent a kayak?", "", "Tell me more", "How do I rent a kayak?");
    }

    #[test]
    fn without_a_topic_nothing_is_carried() {
        check("Why?", "", "And when?", "And when?");
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_said_nothing_panics(last in "\\PC{0,40}", answer in "\\PC{0,40}", question in "(and |what about |\\PC|it |she ){0,12}") {
            let _ = resolve(&question, &Exchange { question: last, answer });
            let _ = may_lean(&question);
        }
    }
}
