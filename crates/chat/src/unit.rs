//! The pieces of a chunk that can be quoted: sentences, list items, table rows, listings, records.
//!
//! Keeps true: units are trimmed, not empty, in text order, do not overlap, and lie on character boundaries of the
//! chunk's text.

use ibid_types::document::{Chunk, ChunkKind};
use ibid_types::sentences::sentences;

/// Units of one chunk at most; a chunk is a few hundred tokens, so this only binds hostile input.
const UNITS_MAX: usize = 200;
/// A listing or record up to this length is quoted whole, so that what belongs together stays together.
const WHOLE_BYTES_MAX: usize = 700;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitKind {
    Sentence,
    ListItem,
    /// A table's row, cells joined by " | ".
    Row,
    Code,
    Record,
    /// A line that is no sentence: a caption, a heading that the parser did not recognise.
    Fragment,
}

/// Bytes `[start, end)` of a chunk's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    pub start: usize,
    pub end: usize,
    pub kind: UnitKind,
}

/// The units of a chunk. Its headings are no units: they say what the text is about and not what is so.
#[must_use]
pub fn units(chunk: &Chunk) -> Vec<Unit> {
    let mut units = match chunk.span.kind {
        ChunkKind::Code => wholes(&chunk.text, UnitKind::Code),
        ChunkKind::Record => wholes(&chunk.text, UnitKind::Record),
        ChunkKind::Text | ChunkKind::Table => mixed(chunk),
    };
    units.truncate(UNITS_MAX);
    units
}

/// The header row of the table that `row` belongs to, if the chunk holds it: the first of the rows that follow
/// each other without a gap.
#[must_use]
pub fn table_header(units: &[Unit], row: usize) -> Option<usize> {
    let is_row = |index: usize| units.get(index).is_some_and(|unit| unit.kind == UnitKind::Row);
    if !is_row(row) {
        return None;
    }
    (0..row).rev().take_while(|index| is_row(*index)).last()
}

/// Whether a row names columns: short cells without figures. The first row of a chunk need not do so, because a long
/// table goes on in the next chunk without its header.
#[must_use]
pub fn names_columns(row: &str) -> bool {
    cells(row)
        .iter()
        .all(|cell| cell.split_whitespace().count() <= 4 && !cell.contains(|c: char| c.is_numeric()))
}

/// The cells of a row, with or without bars at its ends.
#[must_use]
pub fn cells(row: &str) -> Vec<&str> {
    let bare = row.trim();
    let bare = bare.strip_prefix("| ").unwrap_or(bare);
    bare.strip_suffix(" |").unwrap_or(bare).split(" | ").map(str::trim).collect()
}

/// Whole listing if it is short, else its blocks between blank lines, else its lines.
fn wholes(text: &str, kind: UnitKind) -> Vec<Unit> {
    if text.trim().len() <= WHOLE_BYTES_MAX {
        return trimmed(text, 0, text.len(), kind).into_iter().collect();
    }
    let mut found = Vec::new();
    for (start, end) in paragraphs(text) {
        if end - start <= WHOLE_BYTES_MAX {
            found.extend(trimmed(text, start, end, kind));
        } else {
            found.extend(lines(text, start, end).into_iter().filter_map(|(a, b)| trimmed(text, a, b, kind)));
        }
    }
    found
}

fn mixed(chunk: &Chunk) -> Vec<Unit> {
    let text = &chunk.text;
    let mut found = Vec::new();
    for (start, end) in paragraphs(text) {
        let mut prose: Option<(usize, usize)> = None;
        if is_listing(&text[start..end]) {
            found.extend(trimmed(text, start, end, UnitKind::Code));
            continue;
        }
        for (line_start, line_end) in lines(text, start, end) {
            let line = &text[line_start..line_end];
            match line_kind(line, chunk) {
                LineKind::Prose => prose = Some((prose.map_or(line_start, |(first, _)| first), line_end)),
                LineKind::Item => {
                    flush(text, &mut prose, &mut found);
                    prose = Some((line_start, line_end));
                }
                LineKind::Row => {
                    flush(text, &mut prose, &mut found);
                    found.extend(trimmed(text, line_start, line_end, UnitKind::Row));
                }
                LineKind::Heading => flush(text, &mut prose, &mut found),
            }
        }
        flush(text, &mut prose, &mut found);
    }
    found
}

/// Ends a run of prose lines: one list item, or its sentences.
fn flush(text: &str, prose: &mut Option<(usize, usize)>, found: &mut Vec<Unit>) {
    let Some((start, end)) = prose.take() else { return };
    if is_item(&text[start..end]) {
        found.extend(trimmed(text, start, end, UnitKind::ListItem));
        return;
    }
    for sentence in sentences(&text[start..end]) {
        let (from, to) = (sentence.start, sentence.end);
        let kind = if is_sentence(&text[start + from..start + to]) {
            UnitKind::Sentence
        } else {
            UnitKind::Fragment
        };
        found.extend(trimmed(text, start + from, start + to, kind));
    }
}

/// A paragraph within a fence, or all of whose lines are set in as far as code is.
fn is_listing(paragraph: &str) -> bool {
    let is_set_in = |line: &str| line.starts_with("    ") || line.starts_with('\t');
    paragraph.trim_start().starts_with("```") || paragraph.lines().all(is_set_in)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LineKind {
    Prose,
    Item,
    Row,
    Heading,
}

fn line_kind(line: &str, chunk: &Chunk) -> LineKind {
    let bare = line.trim().trim_start_matches('#').trim();
    let is_heading = chunk.span.heading_path.iter().any(|heading| heading.trim() == bare);
    if is_heading {
        LineKind::Heading
    } else if line.contains(" | ") {
        LineKind::Row
    } else if is_item(line) {
        LineKind::Item
    } else {
        LineKind::Prose
    }
}

/// A line that begins with a bullet, or with a number or letter and a point or bracket.
fn is_item(line: &str) -> bool {
    let line = line.trim_start();
    let after_bullet = line.strip_prefix(['-', '*', '•', '–', '·', '+', '▪', '◦', '‣']);
    if after_bullet.is_some_and(|rest| rest.starts_with(char::is_whitespace)) {
        return true;
    }
    let number = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    (1..=3).contains(&number)
        && line[number..].strip_prefix(['.', ')']).is_some_and(|rest| rest.starts_with(char::is_whitespace))
}

/// Ends like a sentence, or is long enough to be one that lost its point.
fn is_sentence(text: &str) -> bool {
    let text = text.trim_end().trim_end_matches(['"', '”', '’', ')', ']', '\'', '»', '“']);
    text.ends_with(['.', '!', '?', '。', '！', '？', ':', ';', '…']) || text.split_whitespace().count() > 12
}

fn trimmed(text: &str, start: usize, end: usize, kind: UnitKind) -> Option<Unit> {
    let piece = text.get(start..end)?;
    let from = start + piece.len() - piece.trim_start().len();
    let to = start + piece.trim_end().len();
    // A rule or a table's separator says nothing.
    piece.contains(char::is_alphanumeric).then_some(Unit { start: from, end: to, kind })
}

/// Runs of lines between blank lines.
fn paragraphs(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut open: Option<usize> = None;
    for (start, end) in lines(text, 0, text.len()) {
        if text[start..end].trim().is_empty() {
            found.extend(open.take().map(|from| (from, start)));
        } else {
            open.get_or_insert(start);
        }
    }
    found.extend(open.map(|from| (from, text.len())));
    found
}

fn lines(text: &str, start: usize, end: usize) -> Vec<(usize, usize)> {
    let mut at = start;
    let mut found = Vec::new();
    for line in text[start..end].split_inclusive('\n') {
        found.push((at, at + line.len()));
        at += line.len();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use ibid_types::document::ChunkKind;

    fn pieces(text: &str, kind: ChunkKind) -> Vec<(String, UnitKind)> {
        let mut chunk = fixture::chunk(text);
        chunk.span.kind = kind;
        chunk.span.heading_path = vec!["Refunds".into()];
        units(&chunk).into_iter().map(|unit| (text[unit.start..unit.end].to_owned(), unit.kind)).collect()
    }

    fn kinds(text: &str) -> Vec<UnitKind> {
        pieces(text, ChunkKind::Text).into_iter().map(|(_, kind)| kind).collect()
    }

    #[test]
    fn prose_is_sentences_over_line_breaks() {
        let found = pieces("One is\nhere. Two is there.", ChunkKind::Text);
        assert_eq!(found[0].0, "One is\nhere.");
        assert_eq!(found[1].0, "Two is there.");
    }

    #[test]
    fn headings_are_no_units() {
        assert_eq!(pieces("# Refunds\n\nThey take a day.", ChunkKind::Text).len(), 1);
    }

    #[test]
    fn items_and_rows_are_units() {
        assert_eq!(kinds("- a thing\n- another\n  goes on"), [UnitKind::ListItem, UnitKind::ListItem]);
        assert_eq!(kinds("1. open it\n2. close it"), [UnitKind::ListItem, UnitKind::ListItem]);
        assert_eq!(kinds("a | b\n1 | 2"), [UnitKind::Row, UnitKind::Row]);
        assert_eq!(kinds("Table of things"), [UnitKind::Fragment]);
    }

    #[test]
    fn short_code_is_quoted_whole_and_long_code_by_blocks() {
        assert_eq!(pieces("fn a() {\n}\n\nfn b() {}", ChunkKind::Code).len(), 1);
        let long = format!("{}\n\n{}", "let a = 1;\n".repeat(50), "let b = 1;\n".repeat(50));
        assert_eq!(pieces(&long, ChunkKind::Code).len(), 2);
    }

    #[test]
    fn a_row_knows_its_header() {
        let chunk = fixture::chunk("Prices are these.\na | b\n1 | 2\n3 | 4");
        let units = units(&chunk);
        assert_eq!(table_header(&units, 3), Some(1));
        assert_eq!((table_header(&units, 1), table_header(&units, 0)), (None, None));
    }

    #[test]
    fn rules_say_nothing_and_listings_stay_whole() {
        assert_eq!(kinds("---\n\n|---|---|"), []);
        assert_eq!(kinds("```\nlet a = 1;\nlet b = 2;\n```"), [UnitKind::Code]);
        assert_eq!(kinds("Run this:\n\n    ibid serve"), [UnitKind::Sentence, UnitKind::Code]);
    }

    #[test]
    fn column_names_are_short_and_without_figures() {
        assert!(names_columns("| exit code | meaning |") && names_columns("Plan | Price"));
        assert!(!names_columns("0 | types | ids"));
        assert_eq!(cells("| a | b |"), ["a", "b"]);
    }

    proptest::proptest! {
        #[test]
        fn units_lie_in_order_on_boundaries(text in "[a-zÄ。.!|\\-1 \n#]{0,200}") {
            let chunk = fixture::chunk(&text);
            let mut previous = 0;
            for unit in units(&chunk) {
                assert!(unit.start >= previous && unit.start < unit.end);
                assert!(!chunk.text[unit.start..unit.end].trim().is_empty());
                previous = unit.end;
            }
        }
    }
}
