//! Glyphs as a content stream shows them, gathered to words.
//!
//! Keeps true: a word's letters follow each other on one baseline in one direction; places are finite numbers in the
//! frame of the word's own direction, where `along` grows as one reads on and `down` grows from line to line.

use std::collections::HashMap;

use hayro_font::kurbo::{Point, Vec2};

use super::script::is_right_to_left;

/// Gap between two letters, in font sizes, from which on they belong to different words. Poppler takes 0.1; justified
/// text with negative spacing needs a little more.
const GAP_SIZES_MIN: f64 = 0.14;
/// How far a letter may step back over the one before it: kerning and accents.
const OVERLAP_SIZES_MAX: f64 = 0.4;
/// Letters whose baselines differ by more are not in one word.
const SHIFT_SIZES_MAX: f64 = 0.08;
/// Equal letters nearer than this are one letter printed twice for false bold. The narrowest letters of Helvetica are
/// 0.22 font sizes wide, of condensed fonts 0.15.
const DOUBLE_SIZES: f64 = 0.1;

/// Which way the text runs on the page as it is shown. Columns of vertical writing run down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Turn {
    Right,
    Down,
    Left,
    Up,
    /// Across the page at another angle, as stamps and watermarks do.
    Oblique,
}

/// What a font looks like, as far as structure is guessed from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    pub bold: bool,
    pub monospaced: bool,
    /// What the file itself says: the level from 1, or 0 for no heading.
    pub heading: u8,
}

/// One letter (or several, for a ligature) at its place.
#[derive(Debug)]
pub struct Glyph<'t> {
    pub text: &'t str,
    /// On the page with y growing downwards, in points.
    pub start: Point,
    pub end: Point,
    /// From the baseline to one em above it.
    pub up: Vec2,
    /// Space that the content stream adds behind each letter; it parts no words.
    pub tracking: f64,
    pub style: Style,
    /// In marked content that says it is a running header or footer.
    pub is_artifact: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    pub text: String,
    pub turn: Turn,
    pub along: (f32, f32),
    /// Of the baseline.
    pub down: f32,
    /// Font size in points.
    pub size: f32,
    pub style: Style,
    pub is_artifact: bool,
    /// A space was shown before it, so it is a word of its own however near it stands.
    pub spaced: bool,
    /// Its number in the order of showing.
    pub order: u32,
}

/// Takes glyphs in the order of the content stream.
#[derive(Debug, Default)]
pub struct WordBuilder {
    words: Vec<Word>,
    open: Option<Open>,
    seen: HashMap<(char, i32, i32), Point>,
    spaced: bool,
}

#[derive(Debug)]
struct Open {
    word: Word,
    /// Where the next letter is expected.
    next: f64,
}

impl WordBuilder {
    pub fn push(&mut self, glyph: &Glyph<'_>) {
        let size = glyph.up.hypot();
        let length = (glyph.end - glyph.start).hypot();
        let is_sane = size.is_finite() && length.is_finite() && size > 0.01 && glyph.start.is_finite();
        if !is_sane {
            return;
        }
        let is_blank = |c: char| c.is_whitespace() || c == '\u{FFFD}' || c.is_control();
        if glyph.text.is_empty() {
            self.skip(glyph);
        } else if glyph.text.chars().all(is_blank) {
            self.close();
            self.spaced = true;
        } else if !self.is_double(glyph, size) {
            self.place(glyph, size);
        }
    }

    /// The words of a page, in the order in which they were shown.
    pub fn finish(&mut self) -> Vec<Word> {
        self.close();
        self.seen.clear();
        self.spaced = false;
        std::mem::take(&mut self.words)
    }

    fn place(&mut self, glyph: &Glyph<'_>, size: f64) {
        let frame = Frame::of(glyph);
        let turn = frame.turn;
        let start = frame.along(glyph.start);
        let end = frame.along(glyph.end).max(start);
        let baseline = frame.down(glyph.start);
        let fits = self.open.as_ref().is_some_and(|open| open.fits(turn, start, baseline, size));
        if !fits {
            self.close();
            let word = Word {
                text: String::new(),
                turn,
                along: (start as f32, end as f32),
                down: baseline as f32,
                size: size as f32,
                style: glyph.style,
                is_artifact: glyph.is_artifact,
                spaced: std::mem::take(&mut self.spaced),
                order: u32::try_from(self.words.len()).unwrap_or(u32::MAX),
            };
            self.open = Some(Open { word, next: start });
        }
        if let Some(open) = &mut self.open {
            push_readable(&mut open.word.text, glyph.text);
            open.word.along.1 = open.word.along.1.max(end as f32);
            open.word.size = open.word.size.max(size as f32);
            open.next = end + glyph.tracking.max(0.0);
        }
    }

    /// A letter that nobody can read still takes its place in the word.
    fn skip(&mut self, glyph: &Glyph<'_>) {
        let end = Frame::of(glyph).along(glyph.end);
        if let Some(open) = &mut self.open
            && end > open.next
        {
            open.next = end;
        }
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take()
            && !open.word.text.is_empty()
        {
            self.words.push(open.word);
        }
    }

    /// Whether the same letter was just shown at nearly the same place.
    fn is_double(&mut self, glyph: &Glyph<'_>, size: f64) -> bool {
        const REMEMBERED_MAX: usize = 200_000;
        let Some(letter) = glyph.text.chars().next() else {
            return true;
        };
        let reach = (size * DOUBLE_SIZES).max(0.001);
        let cell = |value: f64, step: f64| ((value + step * reach) / (2.0 * reach)).floor() as i32;
        let key = |x: f64, y: f64| (letter, cell(glyph.start.x, x), cell(glyph.start.y, y));
        // Cells are two reaches wide, so whatever is in reach lies in one of these four.
        let is_near = |at: Option<&Point>| at.is_some_and(|at| (*at - glyph.start).hypot() < reach);
        let corners = [(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)];
        if corners.into_iter().any(|(x, y)| is_near(self.seen.get(&key(x, y)))) {
            return true;
        }
        if self.seen.len() < REMEMBERED_MAX {
            self.seen.insert(key(0.0, 0.0), glyph.start);
        }
        false
    }
}

impl Open {
    fn fits(&self, turn: Turn, start: f64, baseline: f64, size: f64) -> bool {
        let larger = size.max(f64::from(self.word.size));
        let smaller = size.min(f64::from(self.word.size));
        let gap = start - self.next;
        turn == self.word.turn
            && smaller > larger * 0.5
            && (baseline - f64::from(self.word.down)).abs() <= larger * SHIFT_SIZES_MAX
            && gap < smaller * GAP_SIZES_MIN
            && gap > larger * -OVERLAP_SIZES_MAX
    }
}

/// The direction in which a glyph runs, as the axes of its own frame.
struct Frame {
    turn: Turn,
    cosine: f64,
    sine: f64,
}

impl Frame {
    fn of(glyph: &Glyph<'_>) -> Self {
        const STRAIGHT: f64 = 0.98;
        let advance = glyph.end - glyph.start;
        // A glyph without width still has a height, and that stands across its direction.
        let direction = if advance.hypot() > 1e-6 { advance } else { Vec2::new(-glyph.up.y, glyph.up.x) };
        let (x, y) = (direction.x / direction.hypot(), direction.y / direction.hypot());
        let (turn, cosine, sine) = if x > STRAIGHT {
            (Turn::Right, 1.0, 0.0)
        } else if y > STRAIGHT {
            (Turn::Down, 0.0, 1.0)
        } else if x < -STRAIGHT {
            (Turn::Left, -1.0, 0.0)
        } else if y < -STRAIGHT {
            (Turn::Up, 0.0, -1.0)
        } else {
            // The angle is made coarse so that all letters of one line share their frame.
            let (sine, cosine) = y.atan2(x).to_degrees().round().to_radians().sin_cos();
            (Turn::Oblique, cosine, sine)
        };
        Self { turn, cosine, sine }
    }

    fn along(&self, p: Point) -> f64 {
        p.x.mul_add(self.cosine, p.y * self.sine)
    }

    fn down(&self, p: Point) -> f64 {
        p.y.mul_add(self.cosine, -p.x * self.sine)
    }
}

/// Appends with ligatures and presentation forms spelled out.
fn push_readable(word: &mut String, text: &str) {
    // One glyph for several letters stands where the first of them is read last.
    if is_right_to_left(text) && text.chars().count() > 1 {
        word.extend(text.chars().rev());
        return;
    }
    for c in text.chars() {
        match c {
            '\u{FB00}' => word.push_str("ff"),
            '\u{FB01}' => word.push_str("fi"),
            '\u{FB02}' => word.push_str("fl"),
            '\u{FB03}' => word.push_str("ffi"),
            '\u{FB04}' => word.push_str("ffl"),
            '\u{FB05}' | '\u{FB06}' => word.push_str("st"),
            c if c.is_control() || c == '\u{FFFD}' => {}
            c => word.push(c),
        }
    }
}

/// A word of size 10 whose letters are 5 wide, for tests.
#[cfg(test)]
pub fn word(text: &str, x: f32, y: f32) -> Word {
    let along = (x, x + 5.0 * text.chars().count() as f32);
    let style = Style::default();
    Word {
        text: text.into(),
        turn: Turn::Right,
        along,
        down: y,
        size: 10.0,
        style,
        is_artifact: false,
        spaced: false,
        order: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glyph(text: &str, x: f64, y: f64) -> Glyph<'_> {
        let (start, end) = (Point::new(x, y), Point::new(x + 5.0, y));
        Glyph {
            text,
            start,
            end,
            up: Vec2::new(0.0, -10.0),
            tracking: 0.0,
            style: Style::default(),
            is_artifact: false,
        }
    }

    fn words(glyphs: &[Glyph<'_>]) -> Vec<String> {
        let mut builder = WordBuilder::default();
        glyphs.iter().for_each(|glyph| builder.push(glyph));
        builder.finish().into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn letters_that_touch_are_one_word() {
        assert_eq!(words(&[glyph("a", 0.0, 0.0), glyph("b", 5.0, 0.0), glyph("c", 13.0, 0.0)]), ["ab", "c"]);
    }

    #[test]
    fn a_shown_space_parts_words() {
        assert_eq!(words(&[glyph("a", 0.0, 0.0), glyph(" ", 5.0, 0.0), glyph("b", 5.5, 0.0)]), ["a", "b"]);
    }

    #[test]
    fn a_letter_printed_twice_for_bold_is_one() {
        assert_eq!(words(&[glyph("a", 0.0, 0.0), glyph("a", 0.3, 0.0), glyph("b", 5.0, 0.0)]), ["ab"]);
    }

    #[test]
    fn tracking_parts_no_words() {
        let spaced = |text, x| Glyph { tracking: 4.0, ..glyph(text, x, 0.0) };
        assert_eq!(words(&[spaced("A", 0.0), spaced("B", 9.0)]), ["AB"]);
    }

    #[test]
    fn another_line_is_another_word() {
        assert_eq!(words(&[glyph("a", 0.0, 0.0), glyph("b", 5.0, 12.0)]), ["a", "b"]);
    }

    #[test]
    fn ligatures_are_spelled_out() {
        assert_eq!(words(&[glyph("\u{FB03}", 0.0, 0.0)]), ["ffi"]);
    }

    #[test]
    fn turned_text_reads_along_its_own_direction() {
        let up = |text, y| Glyph {
            text,
            start: Point::new(0.0, y),
            end: Point::new(0.0, y - 5.0),
            up: Vec2::new(-10.0, 0.0),
            ..glyph(text, 0.0, 0.0)
        };
        assert_eq!(words(&[up("a", 100.0), up("b", 95.0)]), ["ab"]);
    }

    #[test]
    fn places_that_are_no_numbers_are_left_out() {
        assert!(words(&[glyph("a", f64::NAN, 0.0), glyph("b", f64::INFINITY, 0.0)]).is_empty());
    }
}
