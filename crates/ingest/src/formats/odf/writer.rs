//! Paragraphs, headings, lists and tables of an OpenDocument text or text box.

use super::styles::{Role, Styles};
use crate::builder::Builder;
use crate::formats::xml::{NodeId, Xml};

const SPAN_MAX: usize = 64;

pub struct Writer<'a> {
    xml: &'a Xml,
    styles: &'a Styles,
    pub out: &'a mut Builder,
    depth_left: usize,
    notes: Vec<String>,
    /// Lines of a listing, one a paragraph.
    code: Vec<String>,
    /// The texts count their pages.
    has_pages: bool,
}

/// A list that is open.
#[derive(Clone, Copy)]
struct List<'a> {
    style: &'a str,
    depth: usize,
}

impl<'a> Writer<'a> {
    pub fn new(xml: &'a Xml, styles: &'a Styles, depth_max: usize, out: &'a mut Builder) -> Self {
        Self {
            xml,
            styles,
            out,
            depth_left: depth_max,
            notes: Vec::new(),
            code: Vec::new(),
            has_pages: false,
        }
    }

    /// A whole text, whose pages are known if its program noted where they end.
    pub fn write_text(&mut self, body: NodeId) {
        self.has_pages = self.xml.find(body, "soft-page-break").is_some();
        if self.has_pages {
            self.out.page(1, None);
        }
        self.blocks(body);
    }

    /// Writes the notes that were met.
    pub fn finish(mut self) {
        self.end_code();
        for (number, note) in (1..).zip(std::mem::take(&mut self.notes)) {
            self.out.paragraph(&format!("[{number}] {note}"));
        }
    }

    pub fn blocks(&mut self, node: NodeId) {
        self.guarded(node, None);
    }

    /// The children of a node, in a list if one is open, as deep as is allowed.
    fn guarded(&mut self, node: NodeId, list: Option<List<'a>>) {
        if self.depth_left == 0 {
            return;
        }
        self.depth_left -= 1;
        let xml = self.xml;
        let mut marker = list.map(|_| "-".to_owned());
        for child in xml.children(node) {
            self.block(child, list, &mut marker);
            if self.out.is_full() {
                break;
            }
        }
        self.depth_left += 1;
    }

    fn block(&mut self, node: NodeId, list: Option<List<'a>>, marker: &mut Option<String>) {
        match self.xml.name(node) {
            "h" => self.heading(node),
            "p" => self.paragraph(node, list, marker),
            "list" => self.list(node, list),
            "table" => self.table(node),
            "soft-page-break" => self.turn_page(),
            "section" | "frame" | "text-box" | "g" | "custom-shape" | "index-body" | "numbered-paragraph" => {
                self.blocks(node)
            }
            _ => {}
        }
    }

    fn heading(&mut self, node: NodeId) {
        self.end_code();
        let level =
            self.xml.attribute(node, "text:outline-level").and_then(|level| level.parse().ok()).unwrap_or(1);
        let line = self.line(node);
        self.out.heading(level, &line.text);
    }

    fn paragraph(&mut self, node: NodeId, list: Option<List<'a>>, marker: &mut Option<String>) {
        let line = self.line(node);
        let role = self.styles.role(self.xml.attribute(node, "text:style-name").unwrap_or_default());
        if role != Role::Code || list.is_some() {
            self.end_code();
        }
        match (list, role) {
            (Some(list), _) => match marker.take() {
                Some(marker) => self.out.list_item(list.depth, &marker, &line.text),
                None => self.out.paragraph(&line.text),
            },
            (None, Role::Title) => self.out.heading(1, &line.text),
            (None, Role::Quote) => self.out.quote(&line.text),
            (None, Role::Code) => self.code.push(line.text),
            (None, Role::Plain) => self.out.paragraph(&line.text),
        }
        line.boxes.into_iter().for_each(|inner| self.blocks(inner));
        (0..line.page_breaks).for_each(|_| self.turn_page());
    }

    fn end_code(&mut self) {
        if !self.code.is_empty() {
            let lines = std::mem::take(&mut self.code).join("\n");
            self.out.code("", &lines);
        }
    }

    /// A nested list is of the style of the outer one, unless it says otherwise.
    fn list(&mut self, node: NodeId, outer: Option<List<'a>>) {
        if self.depth_left == 0 {
            return;
        }
        self.depth_left -= 1;
        let xml = self.xml;
        let style =
            xml.attribute(node, "text:style-name").or(outer.map(|outer| outer.style)).unwrap_or_default();
        let list = List { style, depth: outer.map_or(0, |outer| outer.depth + 1) };
        let is_numbered = self.styles.is_numbered(style, list.depth);
        let items = xml.children(node).filter(|item| matches!(xml.name(*item), "list-item" | "list-header"));
        for (number, item) in (1..).zip(items) {
            let mut marker = Some(if is_numbered { format!("{number}.") } else { "-".to_owned() });
            for child in xml.children(item) {
                self.block(child, Some(list), &mut marker);
            }
        }
        self.depth_left += 1;
    }

    fn table(&mut self, node: NodeId) {
        self.end_code();
        let rows = self.rows(node);
        self.out.table(&rows);
    }

    fn rows(&mut self, table: NodeId) -> Vec<Vec<String>> {
        let xml = self.xml;
        let rows = xml.descendants(table).filter(|node| xml.name(*node) == "table-row");
        rows.map(|row| self.cells(row)).collect()
    }

    /// Cells that are covered by a wider or higher one are empty.
    fn cells(&mut self, row: NodeId) -> Vec<String> {
        let xml = self.xml;
        let mut cells = Vec::new();
        for cell in
            xml.children(row).filter(|cell| matches!(xml.name(*cell), "table-cell" | "covered-table-cell"))
        {
            let repeated =
                xml.attribute(cell, "number-columns-repeated").and_then(|count| count.parse().ok());
            let lines = xml.descendants(cell).filter(|node| matches!(xml.name(*node), "p" | "h"));
            let texts: Vec<String> = lines.map(|line| self.line(line).text).collect();
            cells.extend(std::iter::repeat_n(texts.join(" "), repeated.unwrap_or(1).clamp(1, SPAN_MAX)));
        }
        cells
    }

    fn turn_page(&mut self) {
        if self.has_pages {
            self.end_code();
            let number = u32::try_from(self.out.page_count() + 1).unwrap_or(u32::MAX);
            self.out.page(number, None);
        }
    }

    /// The text of a paragraph; notes become references, and boxes are handed on.
    fn line(&mut self, paragraph: NodeId) -> Line {
        let xml = self.xml;
        let mut line = Line::default();
        let mut stack = vec![paragraph];
        while let Some(node) = stack.pop() {
            if let Some(text) = xml.text(node) {
                line.text.push_str(text);
                continue;
            }
            match xml.name(node) {
                "s" | "tab" => line.text.push(' '),
                "line-break" => line.text.push('\n'),
                "soft-page-break" => line.page_breaks += 1,
                "note" => self.note(node, &mut line.text),
                "text-box" => line.boxes.push(node),
                "annotation" | "tracked-changes" | "title" | "desc" | "ruby-text" => {}
                _ => {
                    let from = stack.len();
                    stack.extend(xml.children(node));
                    stack[from..].reverse();
                }
            }
        }
        line
    }

    fn note(&mut self, node: NodeId, line: &mut String) {
        let body = self.xml.child(node, "note-body").unwrap_or(node);
        self.notes.push(self.xml.text_of(body));
        line.push_str(&format!("[{}]", self.notes.len()));
    }
}

#[derive(Debug, Default)]
struct Line {
    text: String,
    boxes: Vec<NodeId>,
    page_breaks: usize,
}
