//! Pages of lines to the blocks of a `Parsed`.

use super::headings::Looks;
use super::join::{Vocabulary, append};
use super::line::Line;
use super::outline::Outline;
use super::paragraphs::{Group, groups_of, is_bullet, item_mark};
use crate::builder::Builder;

/// The share of a column's width up to which a line may be left short on purpose.
const SHORT: f32 = 0.6;

pub struct Writer<'d> {
    pub outline: &'d Outline,
    pub looks: Looks,
    pub words: Vocabulary,
}

impl Writer<'_> {
    /// `page` is its index.
    pub fn page(&self, page: usize, lines: &[Line], out: &mut Builder) {
        for group in groups_of(lines) {
            self.group(page, &group, out);
        }
    }

    fn group(&self, page: usize, group: &Group<'_>, out: &mut Builder) {
        let Some(first) = group.first() else {
            return;
        };
        if !first.cells.is_empty() {
            out.table(&self.table_of(group));
            return;
        }
        if first.style.monospaced && group.len() > 1 {
            out.code("", &listing_of(group));
            return;
        }
        let text = self.text_of(group);
        if let Some(level) = self.looks.level(group, &text, self.outline.level(&text, page)) {
            out.heading(level, &text);
        } else if let Some(mark) = item_mark(&text) {
            out.list_item(0, if is_bullet(mark) { "-" } else { mark }, &text[mark.len()..]);
        } else {
            out.paragraph(&text);
        }
    }

    fn text_of(&self, group: &Group<'_>) -> String {
        let left = group.iter().map(|line| line.left).fold(f32::MAX, f32::min);
        let right = group.iter().map(|line| line.right).fold(f32::MIN, f32::max);
        let mut text = String::new();
        let mut was_short = false;
        for line in group {
            let starts = line.text.chars().next().is_some_and(|c| !c.is_lowercase());
            append(&mut text, &line.text, was_short && starts, &self.words);
            was_short = line.right - left < (right - left) * SHORT || is_entry(&line.text);
        }
        text
    }

    /// Rows of cells. What goes on in the next line of a cell is put behind it.
    fn table_of(&self, group: &Group<'_>) -> Vec<Vec<String>> {
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut before: Option<&Line> = None;
        for line in group {
            let goes_on = before.is_some_and(|before| is_rest_of_row(before, line));
            match rows.last_mut().filter(|_| goes_on) {
                Some(row) => self.extend_cells(row, &line.cells),
                None => rows.push(line.cells.clone()),
            }
            before = Some(line);
        }
        rows
    }

    fn extend_cells(&self, row: &mut [String], more: &[String]) {
        for (cell, more) in row.iter_mut().zip(more).filter(|(_, more)| !more.is_empty()) {
            append(cell, more, false, &self.words);
        }
    }
}

/// A line of a table of contents: dots lead from a title to a page.
fn is_entry(text: &str) -> bool {
    text.contains(". . . .") || text.contains(".....")
}

fn is_rest_of_row(before: &Line, line: &Line) -> bool {
    let filled = line.cells.iter().filter(|cell| !cell.is_empty()).count();
    let is_near = line.down - before.down <= line.size * 1.35;
    let is_open = line.cells.first().is_some_and(String::is_empty);
    before.cells.len() == line.cells.len() && is_near && is_open && filled * 2 <= line.cells.len()
}

/// Lines with their indentation, which is counted in widths of a letter.
fn listing_of(group: &Group<'_>) -> String {
    const LETTER_SIZES: f32 = 0.6;
    const INDENT_MAX: f32 = 60.0;
    let left = group.iter().map(|line| line.left).fold(f32::MAX, f32::min);
    let indented = group.iter().map(|line| {
        let letters =
            ((line.left - left) / (line.size * LETTER_SIZES).max(0.1)).round().clamp(0.0, INDENT_MAX);
        format!("{}{}", " ".repeat(letters as usize), line.text)
    });
    indented.collect::<Vec<_>>().join("\n")
}
