//! A sentence as tokens: words, numbers, marks, addresses, files, names of code.
//!
//! Keeps true: tokens are in text order, do not overlap and lie on character boundaries. Clitics are tokens of
//! their own ("do" "n't", "Anna" "'s", "l'" "été"). Time is linear.

use std::borrow::Cow;
use std::ops::Range;

use crate::found::EntityKind;
use crate::lexicon::{self, Flags};
use crate::shape;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Word,
    /// Begins with a digit: `12`, `3rd`, `2023-05-08`, `10:30`.
    Number,
    Mark(char),
    /// An address, a file, a name of code.
    Special(EntityKind),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    Lower,
    Capital,
    /// All in capitals, two letters or more.
    Upper,
    /// A capital within: "iPhone", "GitHub".
    Inner,
}

#[derive(Clone, Debug)]
pub(crate) struct Token<'t> {
    pub start: usize,
    pub end: usize,
    pub shape: Shape,
    pub case: Case,
    pub lower: Cow<'t, str>,
    pub flags: Flags,
    /// No word of its sentence is before it, or a mark that begins one anew is.
    pub opens: bool,
}

impl Token<'_> {
    pub fn is_word(&self) -> bool {
        self.shape == Shape::Word
    }

    pub fn is_mark(&self, mark: char) -> bool {
        self.shape == Shape::Mark(mark)
    }

    pub fn is(&self, word: &str) -> bool {
        self.lower == word
    }

    pub fn is_one_of(&self, words: &[&str]) -> bool {
        words.contains(&&*self.lower)
    }

    /// A word with a capital.
    pub fn is_capital(&self) -> bool {
        self.is_word() && self.case != Case::Lower
    }

    pub fn may_be(&self, flags: Flags) -> bool {
        self.flags.any(flags)
    }
}

/// The tokens of a range of a text.
pub(crate) fn tokens(text: &str, range: Range<usize>) -> Vec<Token<'_>> {
    let mut reader = Reader { text, found: Vec::new(), opens: true };
    let (mut at, end) = (range.start, range.end);
    while let Some(start) = next_run(text, at, end) {
        let stop = run_end(text, start, end);
        at = match reader.code(start, end) {
            Some(after) => after,
            None => {
                reader.run(start, stop);
                stop
            }
        };
    }
    reader.found
}

fn next_run(text: &str, at: usize, end: usize) -> Option<usize> {
    text[at..end].find(|c: char| !c.is_whitespace()).map(|offset| at + offset)
}

fn run_end(text: &str, start: usize, end: usize) -> usize {
    text[start..end].find(char::is_whitespace).map_or(end, |offset| start + offset)
}

struct Reader<'t> {
    text: &'t str,
    found: Vec<Token<'t>>,
    opens: bool,
}

/// A longer run within back quotes is no name.
const CODE_BYTES_MAX: usize = 80;

impl<'t> Reader<'t> {
    /// What stands in back quotes, as one token; where it ends.
    fn code(&mut self, start: usize, end: usize) -> Option<usize> {
        let rest = self.text[start..end].strip_prefix('`')?;
        let length = rest.bytes().take(CODE_BYTES_MAX).position(|byte| byte == b'`' || byte == b'\n')?;
        if length == 0 || rest.as_bytes()[length] != b'`' {
            return None;
        }
        let inner = &rest[..length];
        let kind = shape::special(inner).filter(|kind| *kind != EntityKind::Email);
        self.push(start + 1, start + 1 + length, Shape::Special(kind.unwrap_or(EntityKind::Symbol)));
        Some(start + 2 + length)
    }

    /// A run without spaces: marks around a core.
    fn run(&mut self, start: usize, stop: usize) {
        let run = &self.text[start..stop];
        let from = start + run.len() - run.trim_start_matches(is_outer).len();
        if from == stop {
            self.marks(start, stop);
            return;
        }
        let to = start + run.trim_end_matches(is_outer).len();
        let to = if self.text[to..stop].starts_with("()") { to + 2 } else { to };
        self.marks(start, from);
        self.core(from, to);
        self.marks(to, stop);
    }

    fn marks(&mut self, from: usize, to: usize) {
        for (offset, mark) in self.text[from..to].char_indices() {
            let at = from + offset;
            self.push(at, at + mark.len_utf8(), Shape::Mark(mark));
        }
    }

    fn core(&mut self, from: usize, to: usize) {
        let core = &self.text[from..to];
        if let Some(kind) = shape::special(core) {
            self.push(from, to, Shape::Special(kind));
            return;
        }
        let mut at = from;
        while at < to {
            at = self.piece(at, to);
        }
    }

    /// One word, number or mark at `at`; where it ends.
    fn piece(&mut self, at: usize, to: usize) -> usize {
        let rest = &self.text[at..to];
        let Some(first) = rest.chars().next() else { return to };
        if first.is_numeric() {
            let end = at + number_length(rest);
            self.push(at, end, Shape::Number);
            end
        } else if first.is_alphabetic() {
            let end = at + word_length(rest);
            self.word(at, end);
            end
        } else {
            let end = at + first.len_utf8();
            self.push(at, end, Shape::Mark(first));
            end
        }
    }

    /// A word, its clitics apart.
    fn word(&mut self, mut from: usize, to: usize) {
        while let Some(length) = clitic_before(&self.text[from..to]) {
            self.push(from, from + length, Shape::Word);
            from += length;
        }
        let cut = to - clitic_after(&self.text[from..to]);
        self.push(from, cut, Shape::Word);
        if cut < to {
            self.push(cut, to, Shape::Word);
        }
    }

    fn push(&mut self, start: usize, end: usize, shape: Shape) {
        if start == end {
            return;
        }
        let raw = &self.text[start..end];
        let (lower, case) = if shape == Shape::Word { fold(raw) } else { (Cow::Borrowed(raw), Case::Lower) };
        let flags = if shape == Shape::Word { lexicon::flags(&lower) } else { Flags::NONE };
        self.found.push(Token { start, end, shape, case, lower, flags, opens: self.opens });
        self.opens = match shape {
            Shape::Mark(mark) => self.opens || opens_anew(mark),
            _ => false,
        };
    }
}

/// Marks that stand around words; a slash or full stop may begin a path.
fn is_outer(c: char) -> bool {
    !c.is_alphanumeric() && !matches!(c, '/' | '~' | '_' | '@' | '#' | '$' | '€' | '%' | '&')
}

/// What follows is written as at the beginning of a sentence.
fn opens_anew(mark: char) -> bool {
    mark > '\u{2190}'
        || matches!(
            mark,
            ':' | ')'
                | '"'
                | '“'
                | '„'
                | '«'
                | '–'
                | '—'
                | '-'
                | '*'
                | '•'
                | '!'
                | '?'
                | '…'
                | '|'
                | '#'
                | '>'
        )
}

/// Letters with hyphens, apostrophes and full stops between.
fn word_length(rest: &str) -> usize {
    let mut characters = rest.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let next = characters.peek().is_some_and(|(_, next)| next.is_alphanumeric());
        let goes_on = c.is_alphanumeric()
            || (next && matches!(c, '-' | '\'' | '’' | '_' | '\u{301}'))
            || (next && c == '.' && is_short_part(&rest[..at]));
        if !goes_on {
            return at;
        }
    }
    rest.len()
}

/// "U.S", "e.g", not "done.Next".
fn is_short_part(before: &str) -> bool {
    before.bytes().rev().take_while(|byte| *byte != b'.').take(3).count() <= 2
}

/// Digits with what may stand between them, and letters after ("3rd", "5km").
fn number_length(rest: &str) -> usize {
    let mut characters = rest.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let next = characters.peek().is_some_and(|(_, next)| next.is_numeric());
        let goes_on = c.is_alphanumeric() || (next && matches!(c, '-' | '.' | ',' | ':' | '/'));
        if !goes_on {
            return at;
        }
    }
    rest.len()
}

/// "l'été", "j'habite", "qu'il": the bytes before what follows.
fn clitic_before(word: &str) -> Option<usize> {
    let at = word.find(['\'', '’'])?;
    let mark = word[at..].chars().next().map_or(1, char::len_utf8);
    let is_clitic =
        matches!(&word[..at], "l" | "d" | "j" | "n" | "s" | "c" | "m" | "t" | "qu" | "J" | "C" | "Qu")
            || (word[..at] == *"L" && word[at + mark..].starts_with(char::is_lowercase));
    (is_clitic && word.len() > at + mark + 1).then_some(at + mark)
}

/// Bytes of "'s", "n't" and their like at the end of a word.
fn clitic_after(word: &str) -> usize {
    let Some(at) = word.rfind(['\'', '’']) else { return 0 };
    let tail = &word[at..];
    let letters = tail.trim_start_matches(['\'', '’']);
    match letters {
        "t" | "T" if word[..at].ends_with(['n', 'N']) && at > 1 => tail.len() + 1,
        "s" | "S" | "m" | "re" | "ve" | "ll" | "d" | "M" | "RE" | "VE" | "LL" | "D" if at > 0 => tail.len(),
        _ => 0,
    }
}

/// The word in lower case with plain apostrophes, and how it is written.
fn fold(raw: &str) -> (Cow<'_, str>, Case) {
    let mut letters = raw.chars().filter(|c| c.is_alphabetic());
    let first = letters.next().is_some_and(char::is_uppercase);
    let (mut uppers, mut lowers) = (0, 0);
    for letter in letters {
        if letter.is_uppercase() { uppers += 1 } else { lowers += 1 }
    }
    let case = match (first, uppers, lowers) {
        (false, 0, _) => Case::Lower,
        (true, 0, _) => Case::Capital,
        (true, _, 0) => Case::Upper,
        _ if raw.contains('-') => {
            if first {
                Case::Capital
            } else {
                Case::Lower
            }
        }
        _ => Case::Inner,
    };
    if !first && uppers == 0 && !raw.contains('’') {
        return (Cow::Borrowed(raw), case);
    }
    (Cow::Owned(raw.to_lowercase().replace('’', "'")), case)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        tokens(text, 0..text.len()).iter().map(|token| text[token.start..token.end].to_owned()).collect()
    }

    #[test]
    fn words_numbers_and_marks_are_told_apart() {
        assert_eq!(
            words("Anna, 3rd of May (2023)!"),
            ["Anna", ",", "3rd", "of", "May", "(", "2023", ")", "!"]
        );
        assert_eq!(
            words("on 2023-05-08 at 10:30, 3.5 km"),
            ["on", "2023-05-08", "at", "10:30", ",", "3.5", "km"]
        );
        assert_eq!(words("either/or—well...fine"), ["either", "/", "or", "—", "well", ".", ".", ".", "fine"]);
    }

    #[test]
    fn clitics_stand_alone() {
        assert_eq!(
            words("I don't think she's Anna's"),
            ["I", "do", "n't", "think", "she", "'s", "Anna", "'s"]
        );
        assert_eq!(words("J’habite à l'école"), ["J’", "habite", "à", "l'", "école"]);
        assert_eq!(words("O'Brien can’t"), ["O'Brien", "ca", "n’t"]);
    }

    #[test]
    fn special_runs_stay_whole() {
        assert_eq!(
            words("See https://a.org/x, src/main.rs."),
            ["See", "https://a.org/x", ",", "src/main.rs", "."]
        );
        assert_eq!(words("call `Foo bar` and open()."), ["call", "Foo bar", "and", "open()", "."]);
        assert_eq!(words("a ` b"), ["a", "`", "b"]);
    }

    #[test]
    fn what_opens_is_known() {
        let text = "He said: \"Go\" now";
        let opening: Vec<bool> = tokens(text, 0..text.len()).iter().map(|token| token.opens).collect();
        assert_eq!(opening, [true, false, false, true, true, false, true]);
    }
}
