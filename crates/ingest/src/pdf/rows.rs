//! Words of one region to rows, and the words of a row to cells and text.
//!
//! Keeps true: each word ends up in exactly one row; rows are in order from top to bottom, words of a row from left to
//! right.

use super::script::{is_right_to_left, is_unspaced};
use super::word::Word;

/// How far the baselines of letters of one size may differ in a row, in sizes.
const SHIFT_SIZES_MAX: f32 = 0.25;
/// How far smaller letters may be raised or lowered, in sizes of the larger ones: figures of notes, exponents.
const RAISE_SIZES_MAX: f32 = 0.5;
/// Neighbours nearer than this, in sizes of the smaller letters, are one word.
const TOUCH_SIZES: f32 = 0.1;

#[derive(Clone, Debug, Default)]
pub struct Row {
    pub words: Vec<Word>,
    /// Of the largest letters.
    pub down: f32,
    pub size: f32,
}

impl Row {
    pub fn left(&self) -> f32 {
        self.words.first().map_or(0.0, |word| word.along.0)
    }

    pub fn right(&self) -> f32 {
        self.words.iter().map(|word| word.along.1).fold(f32::MIN, f32::max)
    }

    fn takes(&self, word: &Word) -> bool {
        let shift = (word.down - self.down).abs();
        shift
            <= self.size.max(word.size)
                * if word.size > self.size * 0.85 { SHIFT_SIZES_MAX } else { RAISE_SIZES_MAX }
    }

    fn push(&mut self, word: Word) {
        if word.size > self.size {
            (self.size, self.down) = (word.size, word.down);
        }
        self.words.push(word);
    }
}

/// Rows from top to bottom.
pub fn rows_of(mut words: Vec<Word>) -> Vec<Row> {
    // Larger letters first, so that raised figures find the row that they belong to.
    words.sort_by(|a, b| b.size.total_cmp(&a.size).then(a.down.total_cmp(&b.down)));
    let mut rows: Vec<Row> = Vec::new();
    for word in words {
        place(&mut rows, word);
    }
    for row in &mut rows {
        row.words.sort_by(|a, b| a.along.0.total_cmp(&b.along.0));
    }
    rows
}

/// Into the nearest row that takes it, else into a row of its own. Rows stay sorted.
fn place(rows: &mut Vec<Row>, word: Word) {
    let at = rows.partition_point(|row| row.down < word.down);
    let below = rows.get(at).filter(|row| row.takes(&word)).map(|row| (at, row.down - word.down));
    let above = at.checked_sub(1).and_then(|above| {
        let row = rows.get(above).filter(|row| row.takes(&word))?;
        Some((above, word.down - row.down))
    });
    let nearest = match (above, below) {
        (Some(above), Some(below)) => Some(if above.1 <= below.1 { above.0 } else { below.0 }),
        (above, below) => above.or(below).map(|(at, _)| at),
    };
    match nearest {
        Some(at) => rows[at].push(word),
        None => rows.insert(at, Row { down: word.down, size: word.size, words: vec![word] }),
    }
}

/// Words from left to right as one text.
pub fn text_of(words: &[Word]) -> String {
    let mut pieces: Vec<(String, &Word)> = Vec::new();
    for word in words {
        match pieces.last_mut() {
            Some((text, before)) if touches(before, word) => {
                text.push_str(&word.text);
                *before = word;
            }
            _ => pieces.push((word.text.clone(), word)),
        }
    }
    let mut texts: Vec<String> = pieces.into_iter().map(|(text, _)| text).collect();
    to_reading_order(&mut texts);
    join(&texts)
}

/// Words of one width per letter, with as many spaces between them as there is room for.
pub fn listing_text_of(words: &[Word]) -> String {
    const LETTER_SIZES: f32 = 0.6;
    const SPACES_MAX: f32 = 80.0;
    let mut text = String::new();
    let mut end: Option<f32> = None;
    for word in words {
        if let Some(end) = end {
            let letters = (word.along.0 - end) / (word.size * LETTER_SIZES).max(0.1);
            let spaces =
                if letters < 0.4 && !word.spaced { 0.0 } else { letters.round().clamp(1.0, SPACES_MAX) };
            text.extend(std::iter::repeat_n(' ', spaces as usize));
        }
        text.push_str(&word.text);
        end = Some(word.along.1);
    }
    text
}

fn touches(before: &Word, word: &Word) -> bool {
    let smaller = before.size.min(word.size);
    let gap = word.along.0 - before.along.1;
    let is_near = gap < smaller * TOUCH_SIZES && gap > -smaller;
    // Letters of right-to-left writing are often shown one by one from right to left, and then no space precedes one.
    is_near && (!word.spaced || is_right_to_left(&word.text))
}

/// Letters of right-to-left writing stand on the page in the reverse of the order in which they are read.
fn to_reading_order(texts: &mut [String]) {
    let reversed = texts.iter().filter(|text| is_right_to_left(text)).count();
    if reversed == 0 {
        return;
    }
    for text in texts.iter_mut().filter(|text| is_right_to_left(text)) {
        *text = turned(text);
    }
    if reversed * 2 >= texts.iter().filter(|text| text.chars().any(char::is_alphabetic)).count() {
        texts.reverse();
    }
}

/// From the order on the page to the order of reading. Numbers and Latin letters in between run from left to right.
fn turned(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let runs: Vec<&[char]> =
        letters.chunk_by(|a, b| a.is_ascii_alphanumeric() == b.is_ascii_alphanumeric()).collect();
    let mut turned = String::with_capacity(text.len());
    for run in runs.into_iter().rev() {
        if run.first().is_some_and(char::is_ascii_alphanumeric) {
            turned.extend(run);
        } else {
            turned.extend(run.iter().rev());
        }
    }
    turned
}

fn join(texts: &[String]) -> String {
    let mut joined = String::with_capacity(texts.iter().map(|text| text.len() + 1).sum());
    for text in texts {
        let is_tight = joined.chars().next_back().is_some_and(is_unspaced)
            && text.chars().next().is_some_and(is_unspaced);
        if !joined.is_empty() && !is_tight {
            joined.push(' ');
        }
        joined.push_str(text);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::super::word::word;
    use super::*;

    fn lines(words: Vec<Word>) -> Vec<String> {
        rows_of(words).iter().map(|row| text_of(&row.words)).collect()
    }

    #[test]
    fn rows_are_sorted_whatever_the_order_of_showing() {
        let words =
            vec![word("d", 30.0, 20.0), word("a", 0.0, 0.0), word("c", 0.0, 20.0), word("b", 30.0, 0.0)];
        assert_eq!(lines(words), ["a b", "c d"]);
    }

    #[test]
    fn raised_figures_stay_with_their_word() {
        let note = Word { size: 6.0, ..word("2", 5.0, -4.0) };
        assert_eq!(lines(vec![word("m", 0.0, 0.0), note, word("next", 0.0, 12.0)]), ["m2", "next"]);
    }

    #[test]
    fn hebrew_shown_from_left_to_right_is_turned() {
        assert_eq!(lines(vec![word("םלוע", 0.0, 0.0), word("םולש", 40.0, 0.0)]), ["שלום עולם"]);
    }

    #[test]
    fn latin_inside_of_hebrew_is_not_turned() {
        assert_eq!(lines(vec![word("Rust12ב", 0.0, 0.0)]), ["בRust12"]);
    }

    #[test]
    fn chinese_is_joined_without_spaces() {
        assert_eq!(lines(vec![word("中", 0.0, 0.0), word("文", 15.0, 0.0)]), ["中文"]);
    }
}
