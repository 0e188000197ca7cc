//! Writes a `Parsed` block by block, so that no parser counts offsets itself.
//!
//! Keeps true: what `finish` gives passes `Parsed::check`; text is at most `Limits::text_bytes_max` long (the rest is
//! dropped with a warning); prose holds no control characters, no tabs, no blank lines and no double spaces.

use ibid_types::parsed::{Block, BlockKind, Metadata, Page, Parsed};

use crate::parse::Limits;

#[derive(Debug)]
pub struct Builder {
    parsed: Parsed,
    text_bytes_max: usize,
    pages_max: usize,
    is_cut: bool,
}

impl Builder {
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            parsed: Parsed::default(),
            text_bytes_max: limits.text_bytes_max,
            pages_max: limits.pages_max,
            is_cut: false,
        }
    }

    pub fn metadata(&mut self) -> &mut Metadata {
        &mut self.parsed.metadata
    }

    pub fn warn(&mut self, warning: impl Into<String>) {
        const WARNINGS_MAX: usize = 50;
        let warning = warning.into();
        if self.parsed.warnings.len() < WARNINGS_MAX && !self.parsed.warnings.contains(&warning) {
            self.parsed.warnings.push(warning);
        }
    }

    /// Nothing more will be taken; a parser may stop.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.is_cut
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.parsed.text.is_empty()
    }

    #[must_use]
    pub const fn page_count(&self) -> usize {
        self.parsed.pages.len()
    }

    /// The next block begins page `number`.
    pub fn page(&mut self, number: u32, label: Option<&str>) {
        if self.parsed.pages.len() >= self.pages_max {
            self.cut(format!("only the first {} pages were read", self.pages_max));
            return;
        }
        let label = label.map(|label| prose(label).replace('\n', " ")).filter(|label| !label.is_empty());
        let start = self.parsed.text.len();
        self.parsed.pages.push(Page { number, start, label });
    }

    pub fn heading(&mut self, level: u8, text: &str) {
        self.block(BlockKind::Heading { level: level.clamp(1, 9) }, &prose(text).replace('\n', " "));
    }

    pub fn paragraph(&mut self, text: &str) {
        self.block(BlockKind::Paragraph, &prose(text));
    }

    pub fn quote(&mut self, text: &str) {
        self.block(BlockKind::Quote, &prose(text));
    }

    /// `depth` counts from 0; `marker` is "-" or the item's number with its point.
    pub fn list_item(&mut self, depth: usize, marker: &str, text: &str) {
        const DEPTH_SHOWN_MAX: usize = 8;
        let text = prose(text);
        if text.is_empty() {
            return;
        }
        let indent = "  ".repeat(depth.min(DEPTH_SHOWN_MAX));
        self.block(BlockKind::ListItem, &format!("{indent}{marker} {text}"));
    }

    /// The listing as it is, without the blank lines around it.
    pub fn code(&mut self, language: &str, text: &str) {
        let text = verbatim(text);
        let language = language.to_owned();
        self.block(BlockKind::Code { language }, text.trim_end().trim_start_matches(['\n', '\r']));
    }

    /// Rows with their cells; the header first. Rows without any text are left out.
    pub fn table<R: AsRef<[String]>>(&mut self, rows: &[R]) {
        let lines: Vec<String> = rows.iter().filter_map(|row| table_line(row.as_ref())).collect();
        self.block(BlockKind::Table { rows: lines.len() }, &lines.join("\n"));
    }

    pub fn record(&mut self, text: &str) {
        self.block(BlockKind::Record, verbatim(text).trim());
    }

    /// Text that must stay as it is, with blocks over it given as spans of it. Blocks must be in order.
    pub fn verbatim(&mut self, text: &str, blocks: impl IntoIterator<Item = Block>) {
        let Some((start, end)) = self.add("\n\n", text) else { return };
        for block in blocks {
            let (from, to) = (start + block.start, (start + block.end).min(end));
            if from < to {
                self.parsed.blocks.push(Block { kind: block.kind, start: from, end: to });
            }
        }
    }

    /// All of another document's text and blocks, its headings `deeper` levels down; its pages and metadata are left out.
    pub fn append(&mut self, other: &Parsed, deeper: u8) {
        let blocks = other.blocks.iter().map(|block| match &block.kind {
            BlockKind::Heading { level } => Block {
                kind: BlockKind::Heading { level: level.saturating_add(deeper).min(9) },
                ..block.clone()
            },
            _ => block.clone(),
        });
        self.verbatim(&other.text, blocks);
    }

    #[must_use]
    pub fn finish(self) -> Parsed {
        self.parsed
    }

    fn block(&mut self, kind: BlockKind, text: &str) {
        if text.trim().is_empty() || self.is_cut {
            return;
        }
        let is_item = |block: &Block| block.kind == BlockKind::ListItem;
        let joins = kind == BlockKind::ListItem && self.parsed.blocks.last().is_some_and(is_item);
        if let Some((start, end)) = self.add(if joins { "\n" } else { "\n\n" }, text) {
            self.parsed.blocks.push(Block { kind, start, end });
        }
    }

    /// Adds a gap and as much of `text` as still fits; where that stands. A page that begins here begins behind the gap.
    fn add(&mut self, gap: &str, text: &str) -> Option<(usize, usize)> {
        let end = self.parsed.text.len();
        let gap = if end == 0 { "" } else { gap };
        let room = self.text_bytes_max.saturating_sub(end + gap.len());
        let taken = &text[..text.floor_char_boundary(room)];
        if taken.len() < text.len() {
            self.cut(format!("the text is longer than {} bytes; the rest was left out", self.text_bytes_max));
        }
        if taken.is_empty() {
            return None;
        }
        self.parsed.text.push_str(gap);
        self.parsed.text.push_str(taken);
        for page in self.parsed.pages.iter_mut().rev().take_while(|page| page.start == end) {
            page.start += gap.len();
        }
        Some((end + gap.len(), end + gap.len() + taken.len()))
    }

    fn cut(&mut self, warning: String) {
        self.is_cut = true;
        self.warn(warning);
    }
}

/// One line for a row; `None` if all its cells are empty.
pub(crate) fn table_line(cells: &[String]) -> Option<String> {
    let cells: Vec<String> = cells.iter().map(|cell| prose(cell).replace('\n', " ")).collect();
    let is_empty = cells.iter().all(String::is_empty);
    (!is_empty).then(|| cells.join(" | ").trim_end().to_owned())
}

/// Trimmed lines with single spaces; empty lines and invisible characters are dropped.
pub(crate) fn prose(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut gap: Option<char> = None;
    for c in text.chars() {
        if c == '\n' {
            gap = Some('\n');
        } else if c.is_whitespace() {
            gap = gap.or(Some(' '));
        } else if !is_invisible(c) {
            if let Some(gap) = gap.take().filter(|_| !clean.is_empty()) {
                clean.push(gap);
            }
            clean.push(c);
        }
    }
    clean
}

/// Without control characters, and with `\n` for every line end.
pub(crate) fn verbatim(text: &str) -> String {
    let unix = text.replace("\r\n", "\n").replace(['\r', '\u{0B}', '\u{0C}'], "\n");
    unix.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

/// Controls, soft hyphens, zero-width marks. Joiners stay: scripts and emoji need them.
fn is_invisible(c: char) -> bool {
    c.is_control() || matches!(c, '\u{AD}' | '\u{200B}' | '\u{FEFF}' | '\u{2060}' | '\u{200E}' | '\u{200F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(write: impl FnOnce(&mut Builder)) -> Parsed {
        let mut builder = Builder::new(&Limits::default());
        write(&mut builder);
        let parsed = builder.finish();
        parsed.check().unwrap();
        parsed
    }

    #[test]
    fn blocks_are_separated_and_items_stand_together() {
        let parsed = built(|out| {
            out.heading(1, " A\n b ");
            out.list_item(0, "-", "x");
            out.list_item(1, "2.", "y\tz");
            out.paragraph(" ");
            out.table(&[["a".to_owned(), String::new()], [String::new(), String::new()]]);
        });
        assert_eq!(parsed.text, "A b\n\n- x\n  2. y z\n\na |");
        assert_eq!(parsed.blocks.len(), 4);
    }

    #[test]
    fn a_page_begins_at_its_first_block() {
        let parsed = built(|out| {
            out.page(1, None);
            out.paragraph("one");
            out.page(2, Some("Two"));
            out.paragraph("two");
        });
        assert_eq!(&parsed.text[parsed.pages[1].start..], "two");
    }

    #[test]
    fn text_above_the_limit_is_cut_on_a_character() {
        let mut builder = Builder::new(&Limits { text_bytes_max: 4, ..Limits::default() });
        builder.paragraph("abcéd");
        builder.paragraph("more");
        let parsed = builder.finish();
        assert_eq!((parsed.text.as_str(), parsed.warnings.len()), ("abc", 1));
    }

    #[test]
    fn prose_loses_what_cannot_be_seen() {
        assert_eq!(prose(" a\u{AD}b \t c \r\n\n d\0"), "ab c\nd");
    }
}
