//! A page as lines in reading order, with what is needed to find its paragraphs and headings.
//!
//! Keeps true: lines of one `column` stand under each other.

use super::columns::{Region, regions_of};
use super::content::Extent;
use super::rows::{Row, listing_text_of, text_of};
use super::table::cells;
use super::word::{Style, Turn, Word};

#[derive(Clone, Debug, Default)]
pub struct Line {
    pub text: String,
    /// Not empty for a row of a table.
    pub cells: Vec<String>,
    /// Which region of the page it stands in.
    pub column: u32,
    pub left: f32,
    pub right: f32,
    /// The baseline, growing from line to line.
    pub down: f32,
    /// Font size of most of its text, in points.
    pub size: f32,
    /// Where the baseline stands on the page: 0 at its upper edge, 1 at its lower.
    pub depth: f32,
    pub style: Style,
    pub is_artifact: bool,
    /// Runs across the page or from bottom to top while the page does not.
    pub is_turned: bool,
}

/// The lines of a page, in the order in which people read them.
pub fn lines_of(words: Vec<Word>, extent: Extent) -> Vec<Line> {
    let mut by_turn: Vec<(Turn, Vec<Word>)> = Vec::new();
    for word in words {
        match by_turn.iter_mut().find(|(turn, _)| *turn == word.turn) {
            Some((_, words)) => words.push(word),
            None => by_turn.push((word.turn, vec![word])),
        }
    }
    by_turn
        .sort_by_key(|(_, words)| std::cmp::Reverse(words.iter().map(|word| word.text.len()).sum::<usize>()));
    let mut lines = Vec::new();
    let mut column = 0;
    for (index, (turn, words)) in by_turn.into_iter().enumerate() {
        for region in regions_of(words) {
            let page = |row: &Row| Line {
                column,
                depth: depth(turn, row.down, extent),
                is_turned: index > 0,
                ..line(row, &region)
            };
            lines.extend(region.rows.iter().map(page));
            column += 1;
        }
    }
    lines
}

fn line(row: &Row, region: &Region) -> Line {
    let (size, style) = look(&row.words);
    Line {
        text: if style.monospaced { listing_text_of(&row.words) } else { text_of(&row.words) },
        cells: cells_of(row, region, style),
        left: row.left(),
        right: row.right(),
        down: row.down,
        size,
        style,
        is_artifact: row.words.iter().all(|word| word.is_artifact),
        ..Line::default()
    }
}

/// Empty for rows that are no rows of a table, such as a heading above it.
fn cells_of(row: &Row, region: &Region, style: Style) -> Vec<String> {
    if region.gutters.is_empty() {
        return Vec::new();
    }
    let cells = cells(row, &region.gutters);
    let is_alone = cells.iter().filter(|cell| !cell.is_empty()).count() == 1 && !cells[0].is_empty();
    if is_alone && (style.bold || style.heading > 0) { Vec::new() } else { cells }
}

/// Size and style of most of the letters.
fn look(words: &[Word]) -> (f32, Style) {
    let chars = |is_in: &dyn Fn(&Word) -> bool| {
        words.iter().filter(|word| is_in(word)).map(|word| word.text.chars().count()).sum::<usize>()
    };
    let all = chars(&|_| true);
    let is_most = |is_in: &dyn Fn(&Word) -> bool| chars(is_in) * 4 > all * 3;
    let mut sizes: Vec<(f32, usize)> =
        words.iter().map(|word| (word.size, word.text.chars().count())).collect();
    sizes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut below = 0;
    let median = sizes.iter().find(|(_, count)| {
        below += count;
        below * 2 >= all
    });
    let heading = words.iter().map(|word| word.style.heading).find(|level| *level > 0).unwrap_or(0);
    let style = Style {
        bold: is_most(&|word| word.style.bold),
        monospaced: is_most(&|word| word.style.monospaced),
        heading,
    };
    (median.map_or(0.0, |(size, _)| *size), style)
}

fn depth(turn: Turn, down: f32, extent: Extent) -> f32 {
    let part = match turn {
        Turn::Right => down / extent.height,
        Turn::Left => 1.0 + down / extent.height,
        Turn::Up => down / extent.width,
        Turn::Down => 1.0 + down / extent.width,
        Turn::Oblique => 0.5,
    };
    if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.5 }
}
