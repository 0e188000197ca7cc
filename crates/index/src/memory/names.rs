//! Whom and what a question names: speakers and entities by what they are called.
//!
//! Keeps true: a name is there as long as somebody bears it; the longest name at a place of the question counts.

use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::RandomState;

/// Words of a name that are compared; longer names are cut on both sides alike.
const WORDS_MAX: usize = 8;
/// How English speakers say that they mean themselves.
const FIRST_PERSON: [&str; 5] = ["i", "me", "my", "mine", "myself"];

/// Who is called so, by the number of a speaker or of an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bearer {
    Speaker(u32),
    Entity(u32),
}

/// A name in a question, and all who bear it.
#[derive(Debug)]
pub(super) struct Mention<'a> {
    pub(super) place: Range<usize>,
    pub(super) bearers: &'a [(Bearer, bool)],
}

#[derive(Debug, Default)]
pub(super) struct Names {
    /// By the words in lower case; with each bearer, whether the name is written with a capital.
    bearers: HashMap<String, Vec<(Bearer, bool)>, RandomState>,
}

impl Names {
    pub(super) fn add(&mut self, name: &str, bearer: Bearer) {
        let key = key(name);
        if !key.is_empty() {
            self.bearers.entry(key).or_default().push((bearer, is_capital(name)));
        }
    }

    pub(super) fn remove(&mut self, name: &str, bearer: Bearer) {
        let key = key(name);
        let Some(bearers) = self.bearers.get_mut(&key) else { return };
        if let Some(at) = bearers.iter().position(|(known, _)| *known == bearer) {
            bearers.swap_remove(at);
        }
        if bearers.is_empty() {
            self.bearers.remove(&key);
        }
    }

    /// The names in the question, in its order, none within another.
    pub(super) fn read<'a>(&'a self, question: &str) -> Vec<Mention<'a>> {
        let words = words(question);
        let mut mentions = Vec::new();
        let mut at = 0;
        while at < words.len() {
            let found = self.longest(question, &words[at..]);
            at += found.as_ref().map_or(1, |(count, _)| *count);
            mentions.extend(found.map(|(_, mention)| mention));
        }
        mentions
    }

    fn longest<'a>(&'a self, question: &str, words: &[Range<usize>]) -> Option<(usize, Mention<'a>)> {
        let cased = question.chars().any(char::is_uppercase);
        (1..=words.len().min(WORDS_MAX)).rev().find_map(|count| {
            let place = words[0].start..words[count - 1].end;
            let said = &question[place.clone()];
            let bearers = self.bearers.get(&key(said))?;
            // "will" is not Will, unless nothing in the question is written with a capital.
            let fits = !cased || is_capital(said) || bearers.iter().any(|(_, capital)| !capital);
            fits.then_some((count, Mention { place, bearers }))
        })
    }
}

/// Whether somebody speaks of themselves.
pub(super) fn is_of_oneself(question: &str) -> bool {
    words(question).into_iter().any(|word| FIRST_PERSON.contains(&question[word].to_lowercase().as_str()))
}

/// The question as if whoever stands at these places had asked it of themselves, for an English question; for
/// another, without their names. What people say of themselves is nearer to that than to their names.
pub(super) fn retold(question: &str, places: &[Range<usize>], is_english: bool) -> String {
    let mut told = String::with_capacity(question.len());
    let mut from = 0;
    for place in places {
        told.push_str(&question[from..place.start]);
        let rest = &question[place.end..];
        let genitive = ["'s", "’s"].into_iter().find(|genitive| rest.starts_with(genitive)).unwrap_or("");
        from = place.end + genitive.len();
        told.push_str(match (is_english, genitive.is_empty()) {
            (true, true) => "I",
            (true, false) => "my",
            (false, _) => "",
        });
    }
    told.push_str(&question[from..]);
    told.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The words in lower case with a space between, as names are compared.
fn key(name: &str) -> String {
    let words: Vec<String> =
        words(name).into_iter().take(WORDS_MAX).map(|word| name[word].to_lowercase()).collect();
    words.join(" ")
}

/// Runs of letters and digits.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut words: Vec<Range<usize>> = Vec::new();
    for (at, letter) in text.char_indices().filter(|(_, letter)| letter.is_alphanumeric()) {
        let end = at + letter.len_utf8();
        match words.last_mut() {
            Some(word) if word.end == at => word.end = end,
            _ => words.push(at..end),
        }
    }
    words
}

fn is_capital(name: &str) -> bool {
    name.chars().next().is_some_and(char::is_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let mut names = Names::default();
        names.add("Will", Bearer::Speaker(1));
        names.add("Will Smith", Bearer::Entity(2));
        names.add("postgres", Bearer::Entity(3));
        names
    }

    fn read(question: &str) -> Vec<(&str, Bearer)> {
        let names = names();
        let mentions = names.read(question);
        mentions.iter().map(|mention| (&question[mention.place.clone()], mention.bearers[0].0)).collect()
    }

    #[test]
    fn the_longest_name_counts() {
        assert_eq!(read("When did Will Smith go?"), [("Will Smith", Bearer::Entity(2))]);
        assert_eq!(read("When did Will  go?"), [("Will", Bearer::Speaker(1))]);
    }

    #[test]
    fn a_common_word_is_no_name() {
        assert_eq!(read("When will Postgres go?"), [("Postgres", Bearer::Entity(3))]);
        assert_eq!(read("where is will").len(), 1);
    }

    #[test]
    fn a_name_goes_with_its_last_bearer() {
        let mut names = names();
        names.remove("Will", Bearer::Speaker(1));
        assert!(names.read("Where is Will?").is_empty());
    }

    #[test]
    fn a_question_is_asked_of_oneself() {
        let question = "What does Ann’s dog eat, and did Ann buy it?";
        let mut names = Names::default();
        names.add("Ann", Bearer::Speaker(0));
        let places: Vec<_> = names.read(question).into_iter().map(|mention| mention.place).collect();
        assert_eq!(retold(question, &places, true), "What does my dog eat, and did I buy it?");
        assert_eq!(retold("Was mag Ann?", std::slice::from_ref(&(8..11)), false), "Was mag ?");
        assert!(is_of_oneself("Where did I go?") && !is_of_oneself("Is it here?"));
    }
}
