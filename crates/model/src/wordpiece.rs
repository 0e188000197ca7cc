//! BERT's uncased tokenizer: basic splitting, then the longest known pieces of each word.
//!
//! Keeps true: the pieces are those of the reference implementation (`BertNormalizer`, `BertPreTokenizer` and
//! `WordPiece` of the Hugging Face tokenizers), except that marks such as `[SEP]` written in a text are text: a
//! document cannot end its own sequence.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::path::Path;

use ibid_types::Result;
use unicode_categories::UnicodeCategories;
use unicode_normalization::UnicodeNormalization;

use crate::bert::weights;

/// A longer word is unknown, as in the reference.
const WORD_CHARS_MAX: usize = 100;

/// A vocabulary with the tokens that frame a sequence.
#[derive(Debug)]
pub struct WordPiece {
    first: Pieces,
    following: Pieces,
    unknown: u32,
    start: u32,
    end: u32,
}

type Pieces = HashMap<Box<[u8]>, u32, BuildHasherDefault<PieceHasher>>;

impl WordPiece {
    /// Reads `vocab.txt`: one piece a line, its number is its line.
    pub fn load(dir: &Path) -> Result<Self> {
        let path = dir.join("vocab.txt");
        let text = std::fs::read_to_string(&path).map_err(|error| weights::missing(&path, error))?;
        Self::parse(&text).ok_or_else(|| weights::corrupt(&path, "lacks [UNK], [CLS] or [SEP]"))
    }

    fn parse(text: &str) -> Option<Self> {
        let (mut first, mut following) = (Pieces::default(), Pieces::default());
        for (number, piece) in (0..).zip(text.lines()) {
            match piece.strip_prefix("##") {
                Some(rest) if !rest.is_empty() => following.insert(rest.as_bytes().into(), number),
                _ => first.insert(piece.as_bytes().into(), number),
            };
        }
        let mark = |name: &str| first.get(name.as_bytes()).copied();
        let (unknown, start, end) = (mark("[UNK]")?, mark("[CLS]")?, mark("[SEP]")?);
        Some(Self { first, following, unknown, start, end })
    }

    /// Tokens of the text without the frame, at most `most` of them.
    #[must_use]
    pub fn tokens(&self, text: &str, most: usize) -> Vec<u32> {
        let mut tokens = Vec::with_capacity((text.len() / 3).min(most));
        for_each_word(text, &mut |word| {
            self.split(word, &mut |token| tokens.push(token));
            tokens.len() < most
        });
        tokens.truncate(most);
        tokens
    }

    /// How many tokens the text has, without the frame.
    #[must_use]
    pub fn count(&self, text: &str) -> usize {
        let mut count = 0;
        for_each_word(text, &mut |word| {
            self.split(word, &mut |_| count += 1);
            true
        });
        count
    }

    /// Start mark, at most `most - 2` tokens of the text, end mark.
    #[must_use]
    pub fn framed(&self, text: &str, most: usize) -> Vec<u32> {
        let mut tokens = vec![self.start];
        tokens.extend(self.tokens(text, most.saturating_sub(2)));
        tokens.push(self.end);
        tokens
    }

    fn split(&self, word: &str, out: &mut impl FnMut(u32)) {
        if let Some(&whole) = self.first.get(word.as_bytes()) {
            return out(whole);
        }
        match self.pieces(word) {
            Some(pieces) => pieces.into_iter().for_each(out),
            None => out(self.unknown),
        }
    }

    /// The longest piece first, then the longest that continues it, and so on; `None` where that gets stuck.
    fn pieces(&self, word: &str) -> Option<Vec<u32>> {
        if word.chars().count() > WORD_CHARS_MAX {
            return None;
        }
        let mut pieces = Vec::with_capacity(8);
        let mut start = 0;
        while start < word.len() {
            let known = if start == 0 { &self.first } else { &self.following };
            let (end, token) = longest(known, word, start)?;
            pieces.push(token);
            start = end;
        }
        Some(pieces)
    }
}

fn longest(known: &Pieces, word: &str, start: usize) -> Option<(usize, u32)> {
    (start + 1..=word.len())
        .rev()
        .filter(|&end| word.is_char_boundary(end))
        .find_map(|end| known.get(&word.as_bytes()[start..end]).map(|&token| (end, token)))
}

/// Calls `visit` with each word of the normalised text until it returns false.
fn for_each_word(text: &str, visit: &mut impl FnMut(&str) -> bool) {
    let mut words = Words { word: String::with_capacity(32), going_on: true, visit };
    for raw in text.split_inclusive([' ', '\n']) {
        if !words.going_on {
            return;
        }
        if raw.is_ascii() {
            raw.chars().for_each(|c| words.take_ascii(c));
        } else {
            normalised(raw).for_each(|c| words.take(c));
        }
    }
    words.finish();
}

/// What the reference calls clean, split Chinese, strip accents and lower-case, in that order.
fn normalised(text: &str) -> impl Iterator<Item = char> {
    text.chars()
        .filter(|&c| c != '\0' && c != '\u{fffd}' && !is_control(c))
        .map(|c| if is_space(c) { ' ' } else { c })
        .flat_map(|c| if is_chinese(c) { [Some(' '), Some(c), Some(' ')] } else { [Some(c), None, None] })
        .flatten()
        .nfd()
        .filter(|c| !c.is_mark_nonspacing())
        .flat_map(char::to_lowercase)
}

/// Builds words from characters.
struct Words<'a, V> {
    word: String,
    going_on: bool,
    visit: &'a mut V,
}

impl<V: FnMut(&str) -> bool> Words<'_, V> {
    fn take_ascii(&mut self, c: char) {
        if c.is_ascii_alphanumeric() {
            self.word.push(c.to_ascii_lowercase());
        } else if c.is_ascii_punctuation() {
            self.take_alone(c);
        } else if c.is_ascii_whitespace() {
            self.finish();
        } else if c == '\u{b}' {
            // A vertical tab is a control character to the cleaning step, which removes it before words are split.
        }
    }

    fn take(&mut self, c: char) {
        if c.is_whitespace() {
            self.finish();
        } else if is_punctuation(c) {
            self.take_alone(c);
        } else {
            self.word.push(c);
        }
    }

    fn take_alone(&mut self, c: char) {
        self.finish();
        self.word.push(c);
        self.finish();
    }

    fn finish(&mut self) {
        if !self.word.is_empty() && self.going_on {
            self.going_on = (self.visit)(&self.word);
        }
        self.word.clear();
    }
}

fn is_space(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r') || c.is_whitespace()
}

fn is_control(c: char) -> bool {
    !matches!(c, '\t' | '\n' | '\r') && c.is_other()
}

fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation() || c.is_punctuation()
}

/// Blocks of ideographs as the reference lists them; Japanese and Korean letters are not among them.
const fn is_chinese(c: char) -> bool {
    matches!(c as u32,
        0x4E00..=0x9FFF | 0x3400..=0x4DBF | 0x2_0000..=0x2_A6DF | 0x2_A700..=0x2_B73F | 0x2_B740..=0x2_B81F
        | 0x2_B920..=0x2_CEAF | 0xF900..=0xFAFF | 0x2_F800..=0x2_FA1F)
}

/// Multiply and rotate over eight bytes at a time. Keys are a fixed vocabulary, so that nobody can choose
/// them to collide.
#[derive(Debug, Default)]
pub struct PieceHasher(u64);

impl Hasher for PieceHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (chunks, rest) = bytes.as_chunks::<8>();
        chunks.iter().for_each(|chunk| self.write_u64(u64::from_le_bytes(*chunk)));
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.write_u64(u64::from_le_bytes(last));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u64(u64::from(byte));
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOCABULARY: &str = "[UNK]\n[CLS]\n[SEP]\nplay\n##ing\n##ed\n,\nun\n##play\n日\ncafe\n[\nsep\n]";

    fn pieces(text: &str) -> Vec<u32> {
        WordPiece::parse(VOCABULARY).unwrap().tokens(text, 99)
    }

    #[test]
    fn words_are_cut_into_the_longest_known_pieces() {
        assert_eq!(pieces("playing, unplayed"), [3, 4, 6, 7, 8, 5]);
        assert_eq!(pieces("Café 日日"), [10, 9, 9]);
    }

    #[test]
    fn what_no_piece_fits_is_one_unknown() {
        assert_eq!(pieces("playx 'q'"), [0, 0, 0, 0]);
        assert_eq!(pieces(&"play".repeat(40)), [0]);
    }

    #[test]
    fn a_mark_written_in_a_text_is_text() {
        assert_eq!(pieces("[SEP]"), [11, 12, 13]);
    }

    #[test]
    fn the_frame_fits_the_limit_and_counting_agrees() {
        let tokenizer = WordPiece::parse(VOCABULARY).unwrap();
        assert_eq!(tokenizer.framed("play play play", 4), [1, 3, 3, 2]);
        assert_eq!(tokenizer.count("play play, unplayed"), 6);
    }

    #[test]
    fn a_vocabulary_without_marks_is_refused() {
        assert!(WordPiece::parse("a\nb").is_none());
    }
}
