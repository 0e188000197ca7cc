//! Lines of a paragraph to one text: hyphens at line ends are taken away where they only part a word.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::line::Line;
use super::script::is_unspaced;

/// The words of a document, for telling `two-column` from `hyphen-ation`. Holds hashes only, at most `WORDS_MAX`.
#[derive(Debug, Default)]
pub struct Vocabulary {
    words: HashSet<u64>,
}

impl Vocabulary {
    pub fn of<'l>(lines: impl Iterator<Item = &'l Line>) -> Self {
        const WORDS_MAX: usize = 1_000_000;
        let mut words = HashSet::new();
        for word in lines.flat_map(|line| line.text.split_whitespace()) {
            if words.len() >= WORDS_MAX {
                break;
            }
            words.insert(hash(bare(word).chars()));
        }
        Self { words }
    }

    fn has(&self, first: &str, second: &str, between: &str) -> bool {
        self.words.contains(&hash(first.chars().chain(between.chars()).chain(second.chars())))
    }
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

fn hash(letters: impl Iterator<Item = char>) -> u64 {
    let mut hasher = DefaultHasher::new();
    letters.flat_map(char::to_lowercase).for_each(|c| c.hash(&mut hasher));
    hasher.finish()
}

/// Appends the text of the next line. A hyphen at the line's end gets no space behind it.
pub fn append(text: &mut String, next: &str, is_line_end_meant: bool, words: &Vocabulary) {
    let Some(last) = text.chars().next_back() else {
        text.push_str(next);
        return;
    };
    let first = next.chars().next().unwrap_or(' ');
    if last == '\u{AD}' {
        text.pop();
    } else if is_hyphen(last)
        && text.chars().nth_back(1).is_some_and(char::is_alphanumeric)
        && first.is_alphanumeric()
    {
        if parts_word(text, next, words) {
            text.pop();
        }
    } else if is_line_end_meant {
        text.push('\n');
    } else if !(is_unspaced(last) && is_unspaced(first)) {
        text.push(' ');
    }
    text.push_str(next);
}

const fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}')
}

/// Whether the hyphen at the end of `text` stands only because the line ended.
fn parts_word(text: &str, next: &str, words: &Vocabulary) -> bool {
    let before = text[..text.len() - text.chars().next_back().map_or(0, char::len_utf8)]
        .split_whitespace()
        .next_back()
        .unwrap_or_default();
    let after = next.split_whitespace().next().unwrap_or_default();
    let (before, after) = (before.trim_start_matches(|c: char| !c.is_alphanumeric()), bare(after));
    let is_inside = before.chars().next_back().is_some_and(char::is_alphabetic)
        && after.chars().next().is_some_and(char::is_lowercase);
    if !is_inside {
        return false;
    }
    let (as_one, as_two) = (words.has(before, after, ""), words.has(before, after, "-"));
    // `well-known-` goes on as a compound.
    as_one || !(as_two || before.contains(is_hyphen))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(lines: &[&str], known: &str) -> String {
        let words = Vocabulary::of([Line { text: known.into(), ..Line::default() }].iter());
        let mut text = String::new();
        lines.iter().for_each(|line| append(&mut text, line, false, &words));
        text
    }

    #[test]
    fn hyphens_of_line_ends_go() {
        assert_eq!(joined(&["the hyphen-", "ation of words"], ""), "the hyphenation of words");
        assert_eq!(joined(&["soft\u{AD}", "ware"], ""), "software");
    }

    #[test]
    fn hyphens_of_compounds_stay() {
        assert_eq!(joined(&["a two-", "column page"], "two-column pages"), "a two-column page");
        assert_eq!(joined(&["from A-", "Z"], ""), "from A-Z");
        assert_eq!(joined(&["pages 3-", "5"], ""), "pages 3-5");
    }

    #[test]
    fn a_dash_is_no_hyphen() {
        assert_eq!(joined(&["so -", "he said"], ""), "so - he said");
    }

    #[test]
    fn chinese_lines_join_without_space() {
        assert_eq!(joined(&["中文", "文本"], ""), "中文文本");
    }
}
