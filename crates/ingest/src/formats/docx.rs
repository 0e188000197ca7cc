//! Word documents (WordprocessingML, ECMA-376 part 1, clause 17): headings by style or outline level, lists, tables,
//! notes, and page breaks where Word recorded them.
//!
//! Deleted text, field codes, page headers and footers are left out.

use std::collections::HashMap;

use ibid_types::parsed::Parsed;
use ibid_types::{Error, Result};

mod math;
mod numbering;
mod run;
mod styles;
mod table;

use super::archive::Archive;
use super::chart;
use super::office::{core_properties, part};
use super::xml::{NodeId, ROOT, Xml};
use crate::builder::Builder;
use crate::parse::Limits;
use numbering::Numbering;
use run::{Line, line_of};
use styles::{Role, Styles};

/// Errors: those of `Archive`, and `document_damaged` if there is no main part.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Parsed> {
    let mut archive = Archive::open(bytes, limits)?;
    let main = main_part(&mut archive, limits)?;
    let Some(document) = part(&mut archive, &main, limits)? else {
        let what = "the file has no Word document inside; save or send it again";
        return Err(Error::bad_request("document_damaged", what));
    };
    let styles = Styles::read(part(&mut archive, "word/styles.xml", limits)?.as_ref());
    let numbering = Numbering::read(part(&mut archive, "word/numbering.xml", limits)?.as_ref());
    let mut out = Builder::new(limits);
    *out.metadata() = core_properties(&mut archive, limits)?;
    if document.is_damaged {
        out.warn("the document is damaged; the text behind the damage is missing");
    }
    let mut writer = Writer {
        xml: &document,
        styles: &styles,
        numbering,
        out: &mut out,
        charts: charts(&mut archive, &main, limits)?,
        code: Vec::new(),
        pages: Pages::of(&document),
        depth_left: limits.depth_max,
    };
    writer.write();
    for (name, kind) in [("word/footnotes.xml", "footnote"), ("word/endnotes.xml", "endnote")] {
        if let Some(notes) = part(&mut archive, name, limits)? {
            write_notes(&notes, kind, &mut out);
        }
    }
    Ok(out.finish())
}

/// The target of the package's `officeDocument` relation, else the usual name.
fn main_part(archive: &mut Archive<'_>, limits: &Limits) -> Result<String> {
    let relations = super::office::relations(archive, "", limits)?;
    let main = relations.into_values().find(|relation| relation.kind == "officeDocument");
    Ok(main.map_or_else(|| "word/document.xml".to_owned(), |relation| relation.target))
}

/// The charts by their relations.
fn charts(archive: &mut Archive<'_>, main: &str, limits: &Limits) -> Result<HashMap<String, Xml>> {
    let mut found = HashMap::new();
    for (id, relation) in super::office::relations(archive, main, limits)? {
        if relation.kind == "chart"
            && let Some(chart) = part(archive, &relation.target, limits)?
        {
            found.insert(id, chart);
        }
    }
    Ok(found)
}

/// Where pages are taken from: what Word saw when it last laid the text out, else the breaks that the author set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pages {
    Rendered,
    Set,
    Unknown,
}

impl Pages {
    fn of(xml: &Xml) -> Self {
        let has = |name: &str| xml.find(ROOT, name).is_some();
        let is_break = |node: NodeId| xml.name(node) == "br" && xml.attribute(node, "type") == Some("page");
        if has("lastRenderedPageBreak") {
            Self::Rendered
        } else if xml.descendants(ROOT).any(is_break) {
            Self::Set
        } else {
            Self::Unknown
        }
    }
}

struct Writer<'a> {
    xml: &'a Xml,
    styles: &'a Styles,
    numbering: Numbering,
    out: &'a mut Builder,
    charts: HashMap<String, Xml>,
    /// Lines of a listing, one a paragraph.
    code: Vec<String>,
    pages: Pages,
    depth_left: usize,
}

impl Writer<'_> {
    fn write(&mut self) {
        if self.pages != Pages::Unknown {
            self.out.page(1, None);
        }
        let body = self.xml.find(ROOT, "body").unwrap_or(ROOT);
        self.blocks(body);
        self.end_code();
    }

    /// Paragraphs and tables among the children, also inside content controls and the like.
    fn blocks(&mut self, node: NodeId) {
        if self.depth_left == 0 {
            return;
        }
        self.depth_left -= 1;
        let xml = self.xml;
        for child in xml.children(node) {
            match xml.name(child) {
                "p" => self.paragraph(child),
                "tbl" => self.table(child),
                "sdt" | "sdtContent" | "customXml" | "ins" | "moveTo" | "smartTag" | "body" => {
                    self.blocks(child)
                }
                _ => {}
            }
            if self.out.is_full() {
                break;
            }
        }
        self.depth_left += 1;
    }

    fn paragraph(&mut self, node: NodeId) {
        let line = line_of(self.xml, node);
        let (before, after) = self.breaks(&line);
        self.turn_pages(before);
        let role = self.styles.role(self.xml, node);
        if role == Role::Code && !line.text.trim().is_empty() {
            self.code.push(line.text);
        } else {
            self.end_code();
            self.write_line(node, &role, &line.text);
        }
        for chart in line.charts.iter().filter_map(|id| self.charts.get(id)) {
            chart::write(chart, self.out);
        }
        for inner in line.boxes {
            self.blocks(inner);
        }
        self.turn_pages(after);
    }

    fn write_line(&mut self, node: NodeId, role: &Role, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        let marker = self.numbering.marker(self.xml, node, self.styles);
        match (role, marker) {
            (Role::Heading(level), Some((_, number))) if number != "-" => {
                self.out.heading(*level, &format!("{number} {text}"));
            }
            (Role::Heading(level), _) => self.out.heading(*level, text),
            (_, Some((depth, marker))) => self.out.list_item(depth, &marker, text),
            (Role::Quote, None) => self.out.quote(text),
            _ => self.out.paragraph(text),
        }
    }

    fn end_code(&mut self) {
        if !self.code.is_empty() {
            let lines = std::mem::take(&mut self.code).join("\n");
            self.out.code("", &lines);
        }
    }

    /// A table of one cell is a box around text.
    fn table(&mut self, node: NodeId) {
        self.end_code();
        let rendered = if self.pages == Pages::Rendered { run::rendered_breaks(self.xml, node) } else { 0 };
        if let Some(cell) = table::only_cell(self.xml, node) {
            self.blocks(cell);
            return;
        }
        let rows = table::grid(self.xml, node);
        self.out.table(&rows);
        self.turn_pages(rendered);
    }

    /// Page breaks ahead of a paragraph's text, and within or behind it.
    fn breaks(&self, line: &Line) -> (usize, usize) {
        match self.pages {
            Pages::Rendered => line.rendered_breaks,
            Pages::Set => line.set_breaks,
            Pages::Unknown => (0, 0),
        }
    }

    fn turn_pages(&mut self, count: usize) {
        for _ in 0..count {
            self.end_code();
            let number = u32::try_from(self.out.page_count() + 1).unwrap_or(u32::MAX);
            self.out.page(number, None);
        }
    }
}

/// Notes as `[1] text`, numbered as the references in the text are.
fn write_notes(xml: &Xml, kind: &str, out: &mut Builder) {
    for note in xml.descendants(ROOT).filter(|node| xml.name(*node) == kind) {
        let id = xml.attribute(note, "id").unwrap_or_default();
        let is_separator = xml.attribute(note, "type").is_some_and(|kind| kind != "normal");
        let texts: Vec<String> = xml.children_named(note, "p").map(|line| line_of(xml, line).text).collect();
        let text = texts.join(" ");
        if !is_separator && !text.trim().is_empty() {
            out.paragraph(&format!("[{id}] {}", text.trim()));
        }
    }
}
