//! The reading order of a page: full-width bands from top to bottom, inside of a band its columns from left to right,
//! each of which may hold bands again.
//!
//! Keeps true: every word comes out once; regions nest at most `NESTING_MAX` deep.

use super::rows::{Row, rows_of};
use super::table::is_table;
use super::word::Word;

const NESTING_MAX: usize = 8;
/// The least width of the white space between columns, in sizes of the text beside it.
const GUTTER_SIZES_MIN: f32 = 0.9;
/// Fewer rows on a side are a heading with something beside it, not columns.
const COLUMN_ROWS_MIN: usize = 3;

/// Rows that are read one after the other.
#[derive(Debug)]
pub struct Region {
    pub rows: Vec<Row>,
    /// Where white space runs through all the rows, from left to right; a table, if the rows say so.
    pub gutters: Vec<Gap>,
}

/// An interval without text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gap {
    pub from: f32,
    pub to: f32,
}

impl Gap {
    fn width(&self) -> f32 {
        self.to - self.from
    }

    pub fn middle(&self) -> f32 {
        f32::midpoint(self.from, self.to)
    }
}

/// The regions of a page in reading order. `words` share one direction and stand in the order of showing.
pub fn regions_of(words: Vec<Word>) -> Vec<Region> {
    let mut regions = Vec::new();
    split(words, 0, &mut regions);
    regions
}

fn split(words: Vec<Word>, nesting: usize, regions: &mut Vec<Region>) {
    let mut can_join = false;
    for mut band in bands_of(rows_of(words)) {
        let column = (nesting < NESTING_MAX).then(|| band.column_gutter()).flatten();
        if let Some(gutter) = column {
            let all = band.rows.into_iter().flat_map(|row| row.words);
            let (left, right) = all.partition(|word| word.along.0 < gutter.middle());
            split(left, nesting + 1, regions);
            split(right, nesting + 1, regions);
            can_join = false;
            continue;
        }
        if !is_table(&band) {
            band.gutters.clear();
        }
        let is_plain = band.gutters.is_empty();
        match regions.last_mut().filter(|_| can_join && is_plain) {
            Some(last) => last.rows.extend(band.rows),
            None => regions.push(band),
        }
        can_join = is_plain;
    }
}

/// Cuts rows to runs through which the same white space runs.
fn bands_of(rows: Vec<Row>) -> Vec<Region> {
    let mut bands = Vec::new();
    let mut open = Vec::new();
    let mut gaps: Vec<Gap> = Vec::new();
    for row in rows {
        let free = gaps_of(&row);
        let both = intersect(&gaps, &free, row.size * GUTTER_SIZES_MIN);
        if goes_on(&open, &gaps, &row, &free, &both) {
            gaps = both;
        } else {
            close(&mut bands, std::mem::take(&mut open), &gaps);
            gaps = free;
        }
        open.push(row);
    }
    close(&mut bands, open, &gaps);
    bands
}

/// Whether a row belongs to the band above it: both have a gutter in common, or neither has one.
fn goes_on(open: &[Row], gaps: &[Gap], row: &Row, free: &[Gap], both: &[Gap]) -> bool {
    let is_parted = |row_gap: &Gap| row_gap.from.is_finite() && row_gap.to.is_finite();
    let has_common = both.iter().any(|gap| is_between(*gap, open.iter().chain([row])));
    let has_own = gaps.iter().any(|gap| is_between(*gap, open.iter())) || free.iter().any(is_parted);
    !open.is_empty() && (has_common || !has_own)
}

fn close(bands: &mut Vec<Region>, rows: Vec<Row>, gaps: &[Gap]) {
    if !rows.is_empty() {
        let gutters = gaps.iter().copied().filter(|gap| is_between(*gap, rows.iter())).collect();
        bands.push(Region { rows, gutters });
    }
}

/// Whether there is text on both sides of it.
fn is_between<'r>(gap: Gap, mut rows: impl Iterator<Item = &'r Row> + Clone) -> bool {
    let mut others = rows.clone();
    others.any(|row| row.left() < gap.from) && rows.any(|row| row.right() > gap.to)
}

/// All that a row leaves free, to both sides without end.
fn gaps_of(row: &Row) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let mut from = f32::NEG_INFINITY;
    for word in &row.words {
        if word.along.0 - from >= row.size * GUTTER_SIZES_MIN {
            gaps.push(Gap { from, to: word.along.0 });
        }
        from = from.max(word.along.1);
    }
    gaps.push(Gap { from, to: f32::INFINITY });
    gaps
}

fn intersect(a: &[Gap], b: &[Gap], width_min: f32) -> Vec<Gap> {
    let mut both = Vec::new();
    let (mut i, mut j) = (0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let gap = Gap { from: x.from.max(y.from), to: x.to.min(y.to) };
        if gap.width() >= width_min {
            both.push(gap);
        }
        if x.to < y.to { i += 1 } else { j += 1 }
    }
    both
}

impl Region {
    /// The widest gutter that has columns of running text beside it.
    fn column_gutter(&self) -> Option<Gap> {
        let columns = self.gutters.iter().copied().filter(|gap| self.parts_columns(*gap));
        columns.max_by(|a, b| a.width().total_cmp(&b.width()))
    }

    fn parts_columns(&self, gutter: Gap) -> bool {
        let left = Side::of(self, |word| word.along.0 < gutter.middle());
        let right = Side::of(self, |word| word.along.0 >= gutter.middle());
        if left.rows.min(right.rows) < COLUMN_ROWS_MIN {
            return false;
        }
        let is_text = |side: &Side| side.chars_mean() >= 12.0 && side.fill() >= 0.4;
        // A table is mostly shown row by row, columns one after the other.
        let crossings = self.crossings(gutter);
        let is_apart = crossings * 4 <= left.rows.min(right.rows);
        let is_prose = |side: &Side| side.chars_mean() >= 24.0 && side.fill() >= 0.62;
        (is_apart && is_text(&left) && is_text(&right)) || (is_prose(&left) && is_prose(&right))
    }

    /// How often the order of showing changes from one side to the other.
    fn crossings(&self, gutter: Gap) -> usize {
        let mut shown: Vec<(u32, bool)> = self
            .rows
            .iter()
            .flat_map(|row| &row.words)
            .map(|word| (word.order, word.along.0 < gutter.middle()))
            .collect();
        shown.sort_unstable();
        shown.windows(2).filter(|pair| pair[0].1 != pair[1].1).count()
    }
}

/// What stands on one side of a gutter.
struct Side {
    rows: usize,
    chars: usize,
    width_sum: f32,
    extent: (f32, f32),
}

impl Side {
    fn of(region: &Region, is_in: impl Fn(&Word) -> bool) -> Self {
        let mut side = Self { rows: 0, chars: 0, width_sum: 0.0, extent: (f32::MAX, f32::MIN) };
        for row in &region.rows {
            side.add(row.words.iter().filter(|word| is_in(word)));
        }
        side
    }

    fn add<'w>(&mut self, words: impl Iterator<Item = &'w Word>) {
        let (mut from, mut to, mut chars) = (f32::MAX, f32::MIN, 0);
        for word in words {
            from = from.min(word.along.0);
            to = to.max(word.along.1);
            chars += word.text.chars().count() + 1;
        }
        if chars > 0 {
            self.rows += 1;
            self.chars += chars;
            self.width_sum += to - from;
            self.extent = (self.extent.0.min(from), self.extent.1.max(to));
        }
    }

    fn chars_mean(&self) -> f32 {
        self.chars as f32 / self.rows.max(1) as f32
    }

    /// How much of the side's width its rows take in the mean.
    fn fill(&self) -> f32 {
        self.width_sum / self.rows.max(1) as f32 / (self.extent.1 - self.extent.0).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::text_of;
    use super::super::word::word;
    use super::*;

    /// Rows of text at their left edges, shown in the order given.
    fn order(shown: &[(&str, f32, f32)]) -> Vec<String> {
        let words = shown
            .iter()
            .enumerate()
            .map(|(order, (text, x, y))| Word { order: order as u32, ..word(text, *x, *y) });
        regions_of(words.collect())
            .iter()
            .flat_map(|region| &region.rows)
            .map(|row| text_of(&row.words))
            .collect()
    }

    const WIDE: &str = "a-line-that-goes-over-the-whole-page-from-left-to-right";
    const LEFT: &str = "text-of-the-left-column";
    const RIGHT: &str = "text-of-the-right-column";

    #[test]
    fn columns_are_read_one_after_the_other() {
        let rows: Vec<f32> = (1..=4).map(|row| row as f32 * 12.0).collect();
        let mut shown = vec![(WIDE, 0.0, 0.0)];
        shown.extend(rows.iter().map(|y| (LEFT, 0.0, *y)));
        shown.extend(rows.iter().map(|y| (RIGHT, 150.0, *y)));
        let read = order(&shown);
        assert_eq!(read[0], WIDE);
        assert!(read[1..5].iter().all(|line| line == LEFT), "{read:?}");
        assert!(read[5..].iter().all(|line| line == RIGHT), "{read:?}");
    }

    #[test]
    fn rows_of_a_table_stay_together() {
        let shown: Vec<_> = (0..4)
            .flat_map(|row| [("name", 0.0, row as f32 * 12.0), ("42", 150.0, row as f32 * 12.0)])
            .collect();
        assert_eq!(order(&shown), ["name 42"; 4]);
    }
}
