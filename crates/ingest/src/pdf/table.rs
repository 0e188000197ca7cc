//! Which bands of a page are tables, and their cells.

use super::columns::{Gap, Region};
use super::rows::{Row, text_of};
use super::word::Word;

/// Rows that hold several cells; fewer are lines with a wide gap.
const ROWS_MIN: usize = 3;

/// Whether a band with gutters is a table rather than lines with wide gaps, a listing, or a list with its marks.
pub fn is_table(band: &Region) -> bool {
    let rows: Vec<Vec<&[Word]>> = band.rows.iter().map(|row| split(row, &band.gutters)).collect();
    let filled = |row: &Vec<&[Word]>| row.iter().filter(|cell| !cell.is_empty()).count();
    let several = rows.iter().filter(|row| filled(row) >= 2).count();
    let many = rows.iter().filter(|row| filled(row) >= 3).count();
    let is_dense = several * 2 >= rows.len();
    let is_listing = rows.iter().flatten().flat_map(|cell| cell.iter()).all(|word| word.style.monospaced);
    is_dense && !is_listing && (several >= ROWS_MIN || many >= 2) && !is_marked_list(&rows)
}

/// The text of each cell of a row; cells are parted by the gutters.
pub fn cells(row: &Row, gutters: &[Gap]) -> Vec<String> {
    split(row, gutters).into_iter().map(text_of).collect()
}

fn split<'r>(row: &'r Row, gutters: &[Gap]) -> Vec<&'r [Word]> {
    let mut cells = Vec::with_capacity(gutters.len() + 1);
    let mut rest = row.words.as_slice();
    for gutter in gutters {
        let end = rest.partition_point(|word| word.along.0 < gutter.middle());
        let (cell, others) = rest.split_at(end);
        cells.push(cell);
        rest = others;
    }
    cells.push(rest);
    cells
}

/// Only bullets and numbers left of the text.
fn is_marked_list(rows: &[Vec<&[Word]>]) -> bool {
    let is_mark = |cell: &&[Word]| cell.len() <= 1 && cell.iter().all(|word| is_mark(&word.text));
    rows.iter().all(|row| row.len() == 2 && row.first().is_some_and(is_mark))
}

/// `•`, `–`, `3.`, `(iv)`, `2.4.1`, `[12]`.
pub fn is_mark(text: &str) -> bool {
    const CHARS_MAX: usize = 8;
    let inner = text.trim_matches(['(', ')', '[', ']', '.', ':']);
    let is_number = inner.chars().all(|c| c.is_ascii_digit() || c == '.');
    let is_letter =
        inner.chars().count() == 1 || inner.chars().all(|c| matches!(c, 'i' | 'v' | 'x' | 'I' | 'V' | 'X'));
    let is_bullet = text.chars().all(|c| !c.is_alphanumeric());
    text.chars().count() <= CHARS_MAX
        && (is_bullet
            || ((is_number || is_letter) && inner.len() < text.len())
            || (is_number && text.contains('.')))
}

#[cfg(test)]
mod tests {
    use super::super::columns::regions_of;
    use super::super::word::word;
    use super::*;

    #[test]
    fn cells_follow_the_gutters() {
        let words = (0..3).flat_map(|row| {
            [
                word("tool", 0.0, row as f32 * 12.0),
                word("3", 80.0, row as f32 * 12.0),
                word("days", 120.0, row as f32 * 12.0),
            ]
        });
        let regions = regions_of(words.collect());
        assert_eq!(cells(&regions[0].rows[1], &regions[0].gutters), ["tool", "3", "days"]);
    }

    #[test]
    fn lists_are_no_tables() {
        let words =
            (0..4).flat_map(|row| [word("•", 0.0, row as f32 * 12.0), word("item", 30.0, row as f32 * 12.0)]);
        assert!(regions_of(words.collect()).iter().all(|region| region.gutters.is_empty()));
    }

    #[test]
    fn marks() {
        assert!(["•", "-", "3.", "(iv)", "a)", "2.4.1", "[12]"].into_iter().all(is_mark));
        assert!(!["word", "1998", "3"].into_iter().any(is_mark));
    }
}
