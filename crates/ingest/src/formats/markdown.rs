//! Markdown (CommonMark with tables, footnotes, task lists and front matter) to readable text: marks are dropped,
//! code is kept as it is.

use ibid_types::parsed::Parsed;
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::{front_matter, html};
use crate::builder::Builder;
use crate::parse::Limits;

pub fn parse(text: &str, limits: &Limits) -> Parsed {
    let (metadata, body) = front_matter::split(text);
    let mut writer = Writer::new(limits);
    *writer.out.metadata() = metadata;
    for event in Parser::new_ext(body, options()) {
        writer.take(event);
        if writer.out.is_full() {
            break;
        }
    }
    writer.end_block();
    writer.out.finish()
}

fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_DEFINITION_LIST
        | Options::ENABLE_GFM
        | Options::ENABLE_MATH
        | Options::ENABLE_WIKILINKS
}

struct Writer {
    out: Builder,
    limits: Limits,
    /// The text of the open block.
    line: String,
    /// The next number of each open list; `None` for bullets.
    lists: Vec<Option<u64>>,
    /// The marker of an item that has no text yet.
    marker: Option<String>,
    quotes: usize,
    heading: Option<u8>,
    code: Option<String>,
    table: Option<Vec<Vec<String>>>,
    html: String,
}

impl Writer {
    fn new(limits: &Limits) -> Self {
        Self {
            out: Builder::new(limits),
            limits: limits.clone(),
            line: String::new(),
            lists: Vec::new(),
            marker: None,
            quotes: 0,
            heading: None,
            code: None,
            table: None,
            html: String::new(),
        }
    }

    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.line.push_str(&text);
            }
            Event::Html(html) => self.html.push_str(&html),
            Event::InlineHtml(html) if html.starts_with("<br") => self.line.push('\n'),
            Event::InlineHtml(_) | Event::Rule => {}
            Event::SoftBreak => self.line.push(' '),
            Event::HardBreak => self.line.push('\n'),
            Event::FootnoteReference(name) => self.line.push_str(&format!("[{name}]")),
            Event::TaskListMarker(is_done) => self.line.push_str(if is_done { "[x] " } else { "[ ] " }),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.end_block();
                self.heading = Some(level_of(level));
            }
            Tag::BlockQuote(_) => {
                self.end_block();
                self.quotes += 1;
            }
            Tag::CodeBlock(kind) => {
                self.end_block();
                self.code = Some(language(&kind));
            }
            Tag::List(first) => {
                self.end_block();
                self.lists.push(first);
            }
            Tag::Item => self.start_item(),
            Tag::Table(_) => {
                self.end_block();
                self.table = Some(Vec::new());
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some(rows) = &mut self.table {
                    rows.push(Vec::new());
                }
            }
            Tag::FootnoteDefinition(name) => {
                self.end_block();
                self.line.push_str(&format!("[{name}] "));
            }
            Tag::Paragraph | Tag::DefinitionListTitle | Tag::DefinitionListDefinition
                if self.line_is_text() =>
            {
                self.end_block()
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Item => {
                self.end_block();
                self.marker = None;
            }
            TagEnd::List(_) => {
                self.lists.pop();
            }
            TagEnd::BlockQuote(_) => {
                self.end_block();
                self.quotes = self.quotes.saturating_sub(1);
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.line);
                if let Some(row) = self.table.as_mut().and_then(|rows| rows.last_mut()) {
                    row.push(cell);
                }
            }
            TagEnd::Table => {
                let rows = self.table.take().unwrap_or_default();
                self.out.table(&rows);
            }
            TagEnd::HtmlBlock => self.end_html(),
            TagEnd::Paragraph
            | TagEnd::Heading(_)
            | TagEnd::CodeBlock
            | TagEnd::FootnoteDefinition
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition => self.end_block(),
            _ => {}
        }
    }

    fn start_item(&mut self) {
        self.end_block();
        self.marker = Some(match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{}.", number.saturating_sub(1))
            }
            _ => "-".to_owned(),
        });
    }

    /// A footnote's mark waits for the paragraph behind it.
    fn line_is_text(&self) -> bool {
        !self.line.starts_with('[') || !self.line.ends_with("] ")
    }

    /// Writes the open block as what it stands in.
    fn end_block(&mut self) {
        let line = std::mem::take(&mut self.line);
        if let Some(level) = self.heading.take() {
            self.out.heading(level, &line);
        } else if let Some(language) = self.code.take() {
            self.out.code(&language, &line);
        } else if line.trim().is_empty() {
        } else if let Some(marker) = self.marker.take() {
            self.out.list_item(self.lists.len().saturating_sub(1), &marker, &line);
        } else if self.quotes > 0 {
            self.out.quote(&line);
        } else {
            self.out.paragraph(&line);
        }
    }

    fn end_html(&mut self) {
        let html = std::mem::take(&mut self.html);
        let fragment = html::parse_fragment(&html, &self.limits);
        if !fragment.text.is_empty() {
            self.end_block();
            self.out.append(&fragment, 0);
        }
    }
}

fn level_of(level: HeadingLevel) -> u8 {
    level as u8
}

/// The first word behind a fence.
fn language(kind: &CodeBlockKind<'_>) -> String {
    match kind {
        CodeBlockKind::Fenced(info) => {
            info.split([' ', ',', '{']).next().unwrap_or_default().trim_start_matches('.').to_owned()
        }
        CodeBlockKind::Indented => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use ibid_types::parsed::BlockKind;

    use super::*;

    fn check(markdown: &str, expected: &str) -> Parsed {
        let parsed = parse(markdown, &Limits::default());
        parsed.check().unwrap();
        assert_eq!(parsed.text, expected);
        parsed
    }

    #[test]
    fn marks_are_dropped_and_structure_is_kept() {
        check(
            "# A *b*\n\nText with `code`,\na [link](http://x.y) and  \nbreak.\n",
            "A b\n\nText with code, a link and\nbreak.",
        );
        check("> quoted\n> text\n", "quoted text");
        check("a[^1]\n\n[^1]: Note.\n", "a[1]\n\n[1] Note.");
    }

    #[test]
    fn lists_keep_markers_and_depth() {
        check(
            "1. one\n2. two\n   - in\n\n     more\n3. [x] three\n",
            "1. one\n2. two\n  - in\n\nmore\n\n3. [x] three",
        );
    }

    #[test]
    fn tables_are_rows() {
        let parsed = check("| a | b |\n|---|---|\n| 1 | *2* |\n", "a | b\n1 | 2");
        assert_eq!(parsed.blocks[0].kind, BlockKind::Table { rows: 2 });
    }

    #[test]
    fn code_is_verbatim() {
        let parsed = check("```rust ignore\nfn  a() {\n\n}\n```\n", "fn  a() {\n\n}");
        assert_eq!(parsed.blocks[0].kind, BlockKind::Code { language: "rust".into() });
    }

    #[test]
    fn html_inside_is_read_as_html() {
        check(
            "<details><summary>More</summary>\n\nHidden *text*\n\n</details>\n\n<p align=center>x</p>\n",
            "More\n\nHidden text\n\nx",
        );
    }

    #[test]
    fn front_matter_is_metadata() {
        let parsed = check("---\ntitle: T\ntags: a, b\n---\nBody\n", "Body");
        assert_eq!((parsed.metadata.title.as_deref(), parsed.metadata.tags.len()), (Some("T"), 2));
    }
}
