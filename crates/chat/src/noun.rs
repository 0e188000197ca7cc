//! What a question is about: its names, numbers and things, as spans of its text.
//!
//! Keeps true: spans lie on character boundaries, are in text order and do not overlap.

use std::collections::HashSet;

use crate::phrases::words;
use crate::terms::{Analyzer, Term, TermKind};

/// A run of content words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noun {
    /// Bytes, with the determiner before it.
    pub start: usize,
    pub end: usize,
    /// Where it begins without the determiner.
    bare: usize,
    pub kind: TermKind,
    /// Key of its last word.
    pub head: String,
    /// A determiner stands before it.
    pub definite: bool,
    /// That determiner is "the" or its like.
    pub definite_article: bool,
    /// Where it ends with what follows after "of".
    whole_end: usize,
}

/// The nouns of a text.
#[derive(Clone, Debug, Default)]
pub struct Nouns {
    pub all: Vec<Noun>,
    /// Content words, those of question forms ("how many") not counted.
    pub content: usize,
    pub keys: HashSet<String>,
}

impl Noun {
    #[must_use]
    pub fn text<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.start..self.whole_end).unwrap_or("")
    }

    /// Without its determiner.
    #[must_use]
    pub fn name(&self, text: &str) -> String {
        text.get(self.bare..self.end).unwrap_or("").to_owned()
    }

    /// The word before it, in lower case.
    #[must_use]
    pub fn preposition(&self, text: &str) -> Option<String> {
        words(text.get(..self.start)?).pop()
    }

    /// Where it begins if the word before it is one of these.
    #[must_use]
    pub fn start_with_preposition(&self, text: &str, prepositions: &[&str]) -> usize {
        let before = text.get(..self.start).unwrap_or("").trim_end();
        let word = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
        if prepositions.contains(&word.to_lowercase().as_str()) {
            before.len() - word.len()
        } else {
            self.start
        }
    }
}

impl Nouns {
    /// Finds them. Verbs are told by their place and form only, which is enough to carry a topic over.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let terms = Analyzer::new(None).terms(text);
        let content: Vec<&Term> = terms.iter().filter(|term| is_content(term, text)).collect();
        let mut nouns = Self {
            content: content.len(),
            keys: content.iter().map(|term| term.key.clone()).collect(),
            all: Vec::new(),
        };
        for run in runs(&terms, text) {
            nouns.all.extend(noun(run, &terms, text));
        }
        extend_over_of(&mut nouns.all, text);
        nouns
    }

    /// What the text is about: the first thing with a determiner, else a name, else the first thing.
    #[must_use]
    pub fn topic(&self) -> Option<&Noun> {
        let things = || self.all.iter().filter(|noun| noun.kind != TermKind::Number);
        let named = || things().rfind(|noun| noun.kind == TermKind::Name);
        things().find(|noun| noun.definite).or_else(named).or_else(|| things().next())
    }
}

fn is_content(term: &Term, text: &str) -> bool {
    term.kind != TermKind::Stop && !FORM_WORDS.contains(&text[term.start..term.end].to_lowercase().as_str())
}

/// Runs of content words with only spaces and hyphens between; names, numbers and other words are kept apart.
fn runs<'t>(terms: &'t [Term], text: &str) -> Vec<&'t [Term]> {
    let mut found = Vec::new();
    let mut from = 0;
    for at in 0..=terms.len() {
        let joins = at > from
            && at < terms.len()
            && is_content(&terms[at], text)
            && is_content(&terms[from], text)
            && family(&terms[at]) == family(&terms[at - 1])
            && text[terms[at - 1].end..terms[at].start].chars().all(|c| c == ' ' || c == '-');
        if at > from && !joins {
            if is_content(&terms[from], text) {
                found.push(&terms[from..at]);
            }
            from = at;
        }
    }
    found
}

/// A capital within a sentence begins a name; German writes all nouns so, which does no harm here.
fn family(term: &Term) -> TermKind {
    term.kind
}

fn noun(run: &[Term], terms: &[Term], text: &str) -> Option<Noun> {
    let run = without_verbs(run, text);
    let (first, last) = (run.first()?, run.last()?);
    let before = terms.iter().take_while(|term| term.start < first.start).last();
    let determiner = before.filter(|term| {
        let word = text[term.start..term.end].to_lowercase();
        DETERMINERS.contains(&word.as_str())
            && text[term.end..first.start].trim_matches(['\'', '’']).trim().is_empty()
    });
    let word = determiner.map(|term| text[term.start..term.end].to_lowercase());
    Some(Noun {
        start: determiner.map_or(first.start, |term| term.start),
        end: last.end,
        bare: first.start,
        kind: first.kind,
        head: last.key.clone(),
        definite: determiner.is_some(),
        definite_article: word.is_some_and(|word| ARTICLES.contains(&word.as_str())),
        whole_end: last.end,
    })
}

/// Verbs at the end ("the library opened") and lone verbs are no nouns.
fn without_verbs<'t>(run: &'t [Term], text: &str) -> &'t [Term] {
    let mut end = run.len();
    while end > 0 && is_verb(&run[end - 1], text) {
        end -= 1;
    }
    &run[..end]
}

fn is_verb(term: &Term, text: &str) -> bool {
    let word = text[term.start..term.end].to_lowercase();
    term.kind == TermKind::Word && (VERBS.contains(&word.as_str()) || word.len() > 4 && word.ends_with("ed"))
}

/// "the capital of France" is one thing.
fn extend_over_of(nouns: &mut [Noun], text: &str) {
    for at in (0..nouns.len().saturating_sub(1)).rev() {
        let (end, next) = (nouns[at].end, &nouns[at + 1]);
        let between = text.get(end..next.start).unwrap_or("?").trim().to_lowercase();
        if ["of", "von", "de", "du", "des", "del", "of the"].contains(&between.as_str()) {
            nouns[at].whole_end = next.whole_end;
        }
    }
}

/// Content words that only ask: "how many".
const FORM_WORDS: &[&str] = &[
    "many", "long", "old", "often", "far", "whom", "viele", "viel", "lange", "hoch", "oft", "weshalb",
    "combien", "quand", "pourquoi", "cuánto", "cuántos", "cuánta", "cuántas", "cuál", "not", "since",
    "until", "depuis", "desde", "bis", "please", "bitte", "there", "dort", "davon", "dafür", "él", "ella",
    "ils", "elles", "about", "per", "now",
];

const DETERMINERS: &[&str] = &[
    "the", "a", "an", "my", "our", "your", "der", "die", "das", "den", "dem", "des", "ein", "eine", "einen",
    "einem", "einer", "mein", "meine", "le", "la", "les", "l", "un", "une", "el", "los", "las", "una", "mi",
    "mon", "ma",
];

const ARTICLES: &[&str] =
    &["the", "der", "die", "das", "den", "dem", "le", "la", "les", "l", "el", "los", "las"];

const VERBS: &[&str] = &[
    "cost",
    "costs",
    "work",
    "works",
    "start",
    "starts",
    "begin",
    "begins",
    "end",
    "ends",
    "open",
    "opens",
    "close",
    "closes",
    "take",
    "takes",
    "mean",
    "means",
    "happen",
    "happens",
    "live",
    "lives",
    "die",
    "dies",
    "need",
    "needs",
    "keep",
    "keeps",
    "built",
    "made",
    "held",
    "kept",
    "sold",
    "written",
    "wrote",
    "born",
    "found",
    "given",
    "cost",
    "came",
    "come",
    "comes",
    "apply",
    "applies",
    "last",
    "lasts",
    "pay",
    "pays",
    "win",
    "won",
    "rent",
    "borrow",
    "buy",
    "return",
    "see",
    "go",
    "give",
    "gave",
    "know",
    "find",
    "use",
    "write",
    "make",
    "kostet",
    "kosten",
    "öffnet",
    "schließt",
    "dauert",
    "dauern",
    "kamen",
    "kam",
    "gilt",
    "gelten",
    "coûte",
    "coûtent",
    "ouvre",
    "ferme",
    "dure",
    "cuesta",
    "cuestan",
    "abre",
    "cierra",
    "dura",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(text: &str) -> String {
        Nouns::of(text).topic().map_or("", |noun| noun.text(text)).to_owned()
    }

    #[test]
    fn the_topic_is_the_thing_asked_about() {
        assert_eq!(topic("When was the library opened?"), "the library");
        assert_eq!(topic("What is the capital of France?"), "the capital of France");
        assert_eq!(topic("Where did Nikola Tesla live?"), "Nikola Tesla");
        assert_eq!(topic("How long are refunds processed?"), "refunds");
        assert_eq!(topic("Why?"), "");
    }

    #[test]
    fn question_forms_are_no_content() {
        assert_eq!((Nouns::of("How many?").content, Nouns::of("How many visitors?").content), (0, 1));
    }
}
