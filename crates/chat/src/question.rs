//! What a question asks: its parts, their terms and the kind of answer that would do.
//!
//! Keeps true: every question has at least one part, and a part's text is never empty.

use std::collections::HashSet;

use ibid_types::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::talk::{self, Talk, Tongue};
use crate::terms::{Analyzer, Term, TermKind};

/// Longest question in characters; beyond it, it is a document and not a question.
pub const QUESTION_CHARS_MAX: usize = 4_000;
/// Questions within one question that are answered one by one.
pub const PARTS_MAX: usize = 4;

/// One question of those in a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    pub text: String,
    pub cue: Cue,
}

/// What an answer must hold to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cue {
    /// A person or an organisation: who, wer, qui.
    Who,
    /// A date or a span of time.
    When,
    /// A number or an amount.
    Number,
    /// A place.
    Where,
    /// How to do something: steps, a command, code.
    Steps,
    /// What something is.
    Definition,
    /// Why something is.
    Reason,
    /// Anything.
    Open,
}

/// What a text is before it is searched for.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    Questions(Vec<Part>),
    /// Asks nothing of the documents: "hello", "thanks".
    Talk(Talk, Tongue),
}

/// Reads what somebody typed. Errors: `question_empty`, `question_too_long`.
pub fn read(text: &str) -> Result<Reading> {
    let text = text.trim();
    if !text.chars().any(char::is_alphanumeric) {
        return Err(Error::bad_request(
            "question_empty",
            "the question holds no word: ask something about your documents",
        ));
    }
    let length = text.chars().count();
    if length > QUESTION_CHARS_MAX {
        let message = format!(
            "the question has {length} characters, at most {QUESTION_CHARS_MAX} are read: \
             ingest long text as a document and ask about it"
        );
        return Err(Error::bad_request("question_too_long", message));
    }
    Ok(match talk::read(text) {
        Some((talk, tongue)) => Reading::Talk(talk, tongue),
        None => Reading::Questions(parts(text)),
    })
}

/// The terms of a part that an answer should hold, each once, with the part's words of grammar left out.
#[must_use]
pub fn content_terms(analyzer: &Analyzer, text: &str) -> Vec<Term> {
    let mut seen = HashSet::new();
    let terms = analyzer.terms(text).into_iter().filter(|term| term.kind != TermKind::Stop);
    terms.filter(|term| seen.insert(term.key.clone())).collect()
}

/// Whether `text` holds something of the kind that `cue` asks for and that the question did not say itself.
#[must_use]
pub fn satisfies(cue: Cue, terms: &[Term], text: &str, asked: &HashSet<String>) -> bool {
    let new = |kind: TermKind| terms.iter().any(|term| term.kind == kind && !asked.contains(&term.key));
    match cue {
        Cue::Who | Cue::Where => new(TermKind::Name),
        Cue::When => new_year(terms, asked) || contains_word(text, TIMES),
        Cue::Number => new(TermKind::Number),
        Cue::Steps => is_step(text),
        Cue::Definition => contains_word(text, COPULAS),
        Cue::Reason => contains_word(text, REASONS),
        Cue::Open => true,
    }
}

fn new_year(terms: &[Term], asked: &HashSet<String>) -> bool {
    terms.iter().any(|term| {
        term.kind == TermKind::Number
            && !asked.contains(&term.key)
            && (term.key.len() == 4 || term.key.ends_with("th") || term.key.ends_with('s'))
    })
}

fn is_step(text: &str) -> bool {
    let start = text.trim_start();
    start.starts_with(['-', '*', '•', '$', '`'])
        || start.starts_with(|first: char| first.is_ascii_digit())
        || contains_word(text, STEPS)
}

/// The questions in a text, at least one.
#[must_use]
pub fn parts(text: &str) -> Vec<Part> {
    let questions: Vec<&str> = split_keeping_marks(text).into_iter().filter(|part| has_word(part)).collect();
    let asked: Vec<&str> =
        questions.iter().copied().filter(|part| part.trim_end().ends_with(['?', '？'])).collect();
    let questions = if asked.len() < 2 { vec![text] } else { asked };
    questions.into_iter().flat_map(joined).take(PARTS_MAX).map(part).collect()
}

/// Two questions that "and" joins: the second begins with a question word, and leans on nothing in the first.
fn joined(text: &str) -> Vec<&str> {
    let at = JOINTS.iter().filter_map(|joint| text.find(joint).map(|at| (at, joint.len()))).find(
        |(at, length)| {
            let (first, second) = (&text[..*at], &text[at + length..]);
            let begins = second.split(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
            word_count(first) >= JOINED_WORDS_MIN
                && word_count(second) >= JOINED_WORDS_MIN
                && QUESTION_WORDS.contains(&begins)
                && !contains_word(second, LEANING)
        },
    );
    at.map_or_else(|| vec![text], |(at, length)| vec![&text[..at], &text[at + length..]])
}

fn word_count(text: &str) -> usize {
    text.split_whitespace().count()
}

fn split_keeping_marks(text: &str) -> Vec<&str> {
    text.split_inclusive(['?', '？']).collect()
}

fn has_word(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// A text as one question.
#[must_use]
pub fn part(text: &str) -> Part {
    let text = text.trim();
    Part { text: text.to_owned(), cue: cue_of(&text.to_lowercase()) }
}

/// The first row whose phrase the question holds; phrases at the question's beginning count before others.
fn cue_of(lower: &str) -> Cue {
    let words =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>();
    let line = format!(" {} ", words.join(" "));
    let begins = CUES.iter().find(|(phrase, _)| line.trim_start().starts_with(&format!("{phrase} ")));
    let holds = || CUES.iter().find(|(phrase, _)| line.contains(&format!(" {phrase} ")));
    begins.or_else(holds).map_or(Cue::Open, |(_, cue)| *cue)
}

fn contains_word(text: &str, wanted: &[&str]) -> bool {
    let lower = text.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).any(|word| wanted.contains(&word))
}

const JOINTS: &[&str] = &[", and ", " and ", ", und ", " und "];
/// "When and where was she born" is one question.
const JOINED_WORDS_MIN: usize = 3;
const QUESTION_WORDS: &[&str] = &[
    "who", "whom", "whose", "what", "when", "where", "why", "which", "how", "wer", "wem", "wen", "was",
    "wann", "wo", "warum", "weshalb", "wie", "welche", "welcher", "welches",
];
/// Words that a second question has from the first.
const LEANING: &[&str] = &[
    "it", "its", "they", "them", "their", "he", "him", "his", "she", "her", "this", "that", "these", "those",
    "one", "er", "sie", "es", "ihn", "ihm", "ihr", "ihre", "sein", "seine", "dies", "diese", "dieser",
];

const CUES: &[(&str, Cue)] = &[
    ("how many", Cue::Number),
    ("how much", Cue::Number),
    ("how long", Cue::Number),
    ("how old", Cue::Number),
    ("how far", Cue::Number),
    ("how often", Cue::Number),
    ("what percentage", Cue::Number),
    ("what number", Cue::Number),
    ("wie viele", Cue::Number),
    ("wie viel", Cue::Number),
    ("wieviel", Cue::Number),
    ("wieviele", Cue::Number),
    ("wie lange", Cue::Number),
    ("wie hoch", Cue::Number),
    ("what year", Cue::When),
    ("which year", Cue::When),
    ("what date", Cue::When),
    ("what day", Cue::When),
    ("what time", Cue::When),
    ("what century", Cue::When),
    ("when", Cue::When),
    ("wann", Cue::When),
    ("in welchem jahr", Cue::When),
    ("how to", Cue::Steps),
    ("how do i", Cue::Steps),
    ("how do you", Cue::Steps),
    ("how can i", Cue::Steps),
    ("how do we", Cue::Steps),
    ("how should i", Cue::Steps),
    ("wie kann ich", Cue::Steps),
    ("wie kann man", Cue::Steps),
    ("who", Cue::Who),
    ("whom", Cue::Who),
    ("whose", Cue::Who),
    ("wer", Cue::Who),
    ("wem", Cue::Who),
    ("wen", Cue::Who),
    ("where", Cue::Where),
    ("wo", Cue::Where),
    ("woher", Cue::Where),
    ("what city", Cue::Where),
    ("what country", Cue::Where),
    ("why", Cue::Reason),
    ("warum", Cue::Reason),
    ("weshalb", Cue::Reason),
    ("what is a", Cue::Definition),
    ("what is an", Cue::Definition),
    ("what are", Cue::Definition),
    ("define", Cue::Definition),
    ("was ist ein", Cue::Definition),
    ("was ist eine", Cue::Definition),
];

const TIMES: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "januar",
    "februar",
    "märz",
    "mai",
    "juni",
    "juli",
    "oktober",
    "dezember",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "montag",
    "dienstag",
    "mittwoch",
    "donnerstag",
    "freitag",
    "samstag",
    "sonntag",
    "century",
    "jahrhundert",
    "year",
    "years",
    "jahre",
    "days",
    "tage",
    "weeks",
    "months",
    "today",
    "yesterday",
    "tomorrow",
    "noon",
    "midnight",
];

const COPULAS: &[&str] =
    &["is", "are", "means", "refers", "was", "were", "called", "defined", "ist", "sind", "bedeutet"];

const REASONS: &[&str] = &[
    "because",
    "due",
    "since",
    "reason",
    "reasons",
    "caused",
    "cause",
    "so",
    "therefore",
    "weil",
    "wegen",
    "da",
    "aufgrund",
    "damit",
    "deshalb",
];

const STEPS: &[&str] = &[
    "run", "use", "click", "open", "select", "choose", "press", "enter", "type", "install", "first", "then",
    "must", "can", "should", "set", "add", "create", "start", "stop", "go", "call", "write", "send",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn cue(text: &str) -> Cue {
        cue_of(&text.to_lowercase())
    }

    fn texts(text: &str) -> Vec<String> {
        match read(text).unwrap() {
            Reading::Questions(parts) => parts.into_iter().map(|part| part.text).collect(),
            Reading::Talk(..) => Vec::new(),
        }
    }

    #[test]
    fn the_cue_is_what_an_answer_must_hold() {
        assert_eq!(cue("Who wrote it?"), Cue::Who);
        assert_eq!(cue("In what year was it?"), Cue::When);
        assert_eq!(cue("How many days?"), Cue::Number);
        assert_eq!(cue("How do I reset it?"), Cue::Steps);
        assert_eq!(cue("Wie viele Tage?"), Cue::Number);
        assert_eq!(cue("What is a chunk?"), Cue::Definition);
        assert_eq!(cue("Which colour?"), Cue::Open);
    }

    #[test]
    fn the_beginning_decides_before_the_middle() {
        assert_eq!(cue("Why did it stop when it rained?"), Cue::Reason);
    }

    #[test]
    fn a_text_without_words_is_empty() {
        assert_eq!(read("  ").unwrap_err().code, "question_empty");
        assert_eq!(read("?!…").unwrap_err().code, "question_empty");
    }

    #[test]
    fn a_question_has_a_length_limit() {
        assert!(read(&"ä".repeat(QUESTION_CHARS_MAX)).is_ok());
        assert_eq!(read(&"a".repeat(QUESTION_CHARS_MAX + 1)).unwrap_err().code, "question_too_long");
    }

    #[test]
    fn greetings_ask_nothing() {
        assert_eq!(read("Hello there!").unwrap(), Reading::Talk(Talk::Greeting, Tongue::En));
        assert!(matches!(read("Hello, how many days?").unwrap(), Reading::Questions(_)));
    }

    #[test]
    fn several_questions_are_parts() {
        assert_eq!(texts("Who is it? When was it?"), ["Who is it?", "When was it?"]);
        assert_eq!(texts("I lost my card. What now?"), ["I lost my card. What now?"]);
        assert_eq!(texts("refund period"), ["refund period"]);
        assert_eq!(texts("Really?? Yes??"), ["Really?", "Yes?"]);
        assert_eq!(texts("a? b? c? d? e? f?").len(), PARTS_MAX);
    }

    #[test]
    fn a_date_satisfies_when_and_a_new_name_satisfies_who() {
        let analyzer = Analyzer::new(None);
        let holds = |cue, text: &str, asked: &str| {
            satisfies(cue, &analyzer.terms(text), text, &analyzer.content_keys(asked))
        };
        assert!(holds(Cue::When, "It opened in 1994.", "When did it open?"));
        assert!(!holds(Cue::When, "It opened in 1994.", "When in 1994 did it open?"));
        assert!(holds(Cue::Who, "It was built by Ada Lovelace.", "Who built it?"));
        assert!(!holds(Cue::Who, "It was built early.", "Who built it?"));
        assert!(holds(Cue::Number, "Refunds take 14 days.", "How many days?"));
        assert!(holds(Cue::Steps, "- press the button", "How do I start?"));
    }

    #[test]
    fn content_terms_come_once() {
        let terms = content_terms(&Analyzer::new(None), "Is the refund of a refund a Refund?");
        assert_eq!(terms.len(), 1);
    }

    #[test]
    fn joined_questions_are_parts_unless_one_leans_on_the_other() {
        let parts = |text: &str| match read(text) {
            Ok(Reading::Questions(parts)) => parts.len(),
            _ => 0,
        };
        assert_eq!(parts("How long may I keep a saw, and where do oily rags go?"), 2);
        assert_eq!(parts("Was kostet der Kurs und wo liegt die Insel?"), 2);
        assert_eq!(parts("What is the saw and how does it work?"), 1);
        assert_eq!(parts("When and where was the library opened?"), 1);
        assert_eq!(parts("Where are the rules and the keys?"), 1);
    }
}
