//! Comments: which belong together, what they say without their marks, and which of them are notes.

use tree_sitter::Node;

use crate::{NoteKind, Span};

/// Words that open a note of work to be done, as people write them.
const TODO_WORDS: [&str; 3] = ["TODO", "XXX", "TBD"];
const FIXME_WORDS: [&str; 3] = ["FIXME", "HACK", "BUG"];
/// Words by which a comment gives a reason.
const WHY_WORDS: [&str; 12] = [
    "because",
    "so that",
    "why",
    "the reason",
    "otherwise",
    "in order to",
    "workaround",
    "work around",
    "on purpose",
    "deliberately",
    "instead of",
    "rationale",
];

/// Comments on lines that follow each other, read as one.
#[derive(Clone, Debug)]
pub struct Comment {
    pub span: Span,
    pub first_row: usize,
    /// Attributes between a comment and what it is about count as its rows.
    pub last_row: usize,
    pub column: usize,
    pub text: String,
    /// Whether the language takes it for documentation of what follows (`///`, `/**`).
    pub is_doc: bool,
    /// Whether it is about what it stands in (`//!`).
    pub is_inner: bool,
}

impl Comment {
    pub fn new(node: Node<'_>, written: &str) -> Self {
        let (first_row, last_row) = rows(node);
        Self {
            span: node.start_byte() as u32..node.end_byte() as u32,
            first_row,
            last_row,
            column: node.start_position().column,
            text: words(written),
            is_doc: ["///", "/**", "//!", "/*!"].iter().any(|mark| written.starts_with(mark)),
            is_inner: written.starts_with("//!") || written.starts_with("/*!"),
        }
    }

    /// Whether the other goes on where this one ends: the next line, the same column and sort.
    pub fn goes_on_in(&self, next: &Self) -> bool {
        self.last_row + 1 == next.first_row
            && self.column == next.column
            && self.is_doc == next.is_doc
            && self.is_inner == next.is_inner
    }

    pub fn append(&mut self, next: &Self, bytes_max: usize) {
        self.last_row = next.last_row;
        self.span.end = next.span.end;
        if self.text.len() < bytes_max {
            self.text.push('\n');
            self.text.push_str(&next.text);
        }
    }

    /// What kind of note it is, if it is one.
    pub fn note(&self) -> Option<NoteKind> {
        if has_mark(&self.text, &FIXME_WORDS) {
            return Some(NoteKind::Fixme);
        }
        if has_mark(&self.text, &TODO_WORDS) {
            return Some(NoteKind::Todo);
        }
        gives_reason(&self.text).then_some(NoteKind::Why)
    }
}

/// First and last row. A line comment that takes its line's end with it does not reach into the next.
pub fn rows(node: Node<'_>) -> (usize, usize) {
    let (start, end) = (node.start_position(), node.end_position());
    let last = if end.column == 0 && end.row > start.row { end.row - 1 } else { end.row };
    (start.row, last)
}

/// The comment without its marks.
pub fn words(written: &str) -> String {
    let inner = written.trim().trim_end_matches("*/");
    let lines = inner.lines().map(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix("/**").or_else(|| line.strip_prefix("/*!")).unwrap_or(line);
        line.trim_start_matches(['/', '#', '*']).trim_start_matches('!').trim()
    });
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// A mark opens a line, or is followed by a colon or a bracket: `TODO(ann): ...`.
fn has_mark(text: &str, marks: &[&str]) -> bool {
    text.lines().any(|line| {
        marks.iter().any(|mark| {
            line.match_indices(mark).any(|(at, _)| {
                let after = line[at + mark.len()..].chars().next();
                let alone = !line[..at].ends_with(char::is_alphanumeric);
                alone
                    && (matches!(after, Some(':' | '('))
                        || at == 0 && after.is_none_or(|c| !c.is_alphanumeric()))
            })
        })
    })
}

fn gives_reason(text: &str) -> bool {
    let lower = text.to_lowercase();
    WHY_WORDS.iter().any(|word| holds_word(&lower, word))
}

/// Whether the word stands there whole.
pub fn holds_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_of_word) && !after.is_some_and(is_of_word)
    })
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comment(text: &str) -> Comment {
        Comment {
            span: 0..0,
            first_row: 0,
            last_row: 0,
            column: 0,
            text: text.to_owned(),
            is_doc: false,
            is_inner: false,
        }
    }

    #[test]
    fn marks_are_taken_off() {
        assert_eq!(words("/// Reads a file.\n"), "Reads a file.");
        assert_eq!(words("//! Head."), "Head.");
        assert_eq!(words("# told\n"), "told");
        assert_eq!(words("/**\n * One.\n * Two.\n */"), "One.\nTwo.");
    }

    #[test]
    fn work_to_be_done_is_a_note() {
        assert_eq!(comment("TODO: write it").note(), Some(NoteKind::Todo));
        assert_eq!(comment("and so on, FIXME(ann) later").note(), Some(NoteKind::Fixme));
    }

    #[test]
    fn reasons_are_notes_and_words_that_hold_them_are_not() {
        assert_eq!(comment("Sorted, because the reader bisects.").note(), Some(NoteKind::Why));
        assert_eq!(comment("whyever it was").note(), None);
        assert_eq!(comment("The TODOS table of the mastodon").note(), None);
    }

    #[test]
    fn plain_comments_are_no_notes() {
        assert_eq!(comment("Reads the file.").note(), None);
    }
}
