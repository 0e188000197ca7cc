//! Names of symbols in prose: commit messages, notes, and whatever else people write about code.
//!
//! Keeps true: a word of everyday language is no mention. A name must look like one, or stand in backticks.

use serde::{Deserialize, Serialize};

use crate::Span;

/// A name that a text speaks of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mention {
    /// The last part: `next` of `Reader::next`.
    pub name: String,
    /// What stands before it: `Reader`.
    pub qualifier: Option<String>,
    pub span: Span,
    pub confidence: f32,
}

/// In backticks, or with brackets as a call.
const BY_MARK: f32 = 0.9;
/// `snake_case`, `CamelCase`, `path::to`.
const BY_SHAPE: f32 = 0.7;
const NAME_BYTES_MAX: usize = 120;
const MENTIONS_MAX: usize = 200;

/// What a text speaks of, each name once.
#[must_use]
pub fn mentions(text: &str) -> Vec<Mention> {
    let mut found: Vec<Mention> = Vec::new();
    let mut ticks = 0;
    let mut start = None;
    for (at, letter) in text.char_indices().chain([(text.len(), ' ')]) {
        if is_of_name(letter) {
            start.get_or_insert(at);
            continue;
        }
        if let Some(from) = start.take() {
            keep(&mut found, text, from, at, ticks % 2 == 1);
        }
        // A tick that is left alone reaches to its line's end.
        ticks = match letter {
            '`' => ticks + 1,
            '\n' => 0,
            _ => ticks,
        };
        if found.len() >= MENTIONS_MAX {
            break;
        }
    }
    found
}

fn keep(found: &mut Vec<Mention>, text: &str, from: usize, to: usize, is_ticked: bool) {
    let word = text[from..to].trim_matches([':', '.']);
    let is_called = text[to..].starts_with('(');
    let (qualifier, name) = split(word);
    let is_name =
        name.len() >= 2 && name.len() <= NAME_BYTES_MAX && !name.starts_with(|c: char| c.is_ascii_digit());
    let confidence = if is_ticked || is_called { BY_MARK } else { BY_SHAPE };
    if !is_name || !(is_ticked || is_called || looks_like_code(word, name)) {
        return;
    }
    if found.iter().any(|known| known.name == name && known.qualifier.as_deref() == qualifier) {
        return;
    }
    let span = from as u32..to as u32;
    found.push(Mention { name: name.to_owned(), qualifier: qualifier.map(str::to_owned), span, confidence });
}

fn split(word: &str) -> (Option<&str>, &str) {
    match word.rsplit_once("::").or_else(|| word.rsplit_once('.')) {
        Some((qualifier, name)) => (Some(qualifier), name),
        None => (None, word),
    }
}

/// Capitals within, an underscore between letters, or a path. `README` and `Ibid` are words.
fn looks_like_code(word: &str, name: &str) -> bool {
    let inner = name.trim_matches('_');
    let has_hump =
        inner.chars().zip(inner.chars().skip(1)).any(|(one, next)| one.is_lowercase() && next.is_uppercase());
    has_hump || inner.contains('_') || word.contains("::")
}

fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | ':' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        mentions(text).into_iter().map(|mention| mention.name).collect()
    }

    #[test]
    fn names_that_look_like_code_are_mentions() {
        assert_eq!(
            names("Let parse_file and HttpClient wait in git::log."),
            ["parse_file", "HttpClient", "log"]
        );
        assert_eq!(names("Call open() before `read`, see Reader::next."), ["open", "read", "next"]);
    }

    #[test]
    fn everyday_words_are_not() {
        assert_eq!(names("Read the file. Then Open it: README says so, v1.2 too."), Vec::<String>::new());
    }

    #[test]
    fn a_name_is_told_once_with_its_qualifier() {
        let found = mentions("`Reader::next` and `Reader::next`");
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].qualifier.as_deref(), found[0].confidence), (Some("Reader"), BY_MARK));
    }

    #[test]
    fn a_tick_left_alone_ends_with_its_line() {
        assert_eq!(names("see `here\nplain words follow"), ["here"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken(text in "\\PC{0,200}") {
            for mention in mentions(&text) {
                proptest::prop_assert!(text.get(mention.span.start as usize..mention.span.end as usize).is_some());
            }
        }
    }
}
