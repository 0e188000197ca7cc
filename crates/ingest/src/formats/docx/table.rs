//! The cells of a Word table as a grid.

use super::run::line_of;
use crate::formats::xml::{NodeId, Xml};

const SPAN_MAX: usize = 64;

/// The cell of a table that has no other.
pub fn only_cell(xml: &Xml, table: NodeId) -> Option<NodeId> {
    let mut cells = rows(xml, table).into_iter().flat_map(|row| cells(xml, row));
    let first = cells.next()?;
    cells.next().is_none().then_some(first)
}

/// The texts of the cells. A cell merged downwards is repeated in each row; one that spans columns is followed by
/// empty cells.
pub fn grid(xml: &Xml, table: NodeId) -> Vec<Vec<String>> {
    let mut grid: Vec<Vec<String>> = Vec::new();
    for row in rows(xml, table) {
        let mut line: Vec<String> = Vec::new();
        for cell in cells(xml, row) {
            let above = grid.last().and_then(|row| row.get(line.len()));
            let text = if continues_above(xml, cell) {
                above.cloned().unwrap_or_default()
            } else {
                text_of(xml, cell)
            };
            line.push(text);
            line.extend(std::iter::repeat_n(String::new(), span(xml, cell) - 1));
        }
        grid.push(line);
    }
    grid
}

fn rows(xml: &Xml, table: NodeId) -> Vec<NodeId> {
    within(xml, table, "tr", &["sdt", "sdtContent", "ins", "customXml"])
}

fn cells(xml: &Xml, row: NodeId) -> Vec<NodeId> {
    within(xml, row, "tc", &["sdt", "sdtContent", "ins", "customXml"])
}

/// Elements of this name below `node`, only through the wrappers.
fn within(xml: &Xml, node: NodeId, name: &str, wrappers: &[&str]) -> Vec<NodeId> {
    let mut found = Vec::new();
    let mut stack: Vec<NodeId> = xml.children(node).collect();
    stack.reverse();
    while let Some(child) = stack.pop() {
        if xml.name(child) == name {
            found.push(child);
        } else if wrappers.contains(&xml.name(child)) {
            let from = stack.len();
            stack.extend(xml.children(child));
            stack[from..].reverse();
        }
    }
    found
}

fn span(xml: &Xml, cell: NodeId) -> usize {
    let span = property(xml, cell, "gridSpan").and_then(|span| xml.attribute(span, "val"));
    span.and_then(|span| span.parse().ok()).unwrap_or(1).clamp(1, SPAN_MAX)
}

fn continues_above(xml: &Xml, cell: NodeId) -> bool {
    property(xml, cell, "vMerge").is_some_and(|merge| xml.attribute(merge, "val") != Some("restart"))
}

fn property(xml: &Xml, cell: NodeId, name: &str) -> Option<NodeId> {
    xml.child(cell, "tcPr").and_then(|properties| xml.child(properties, name))
}

/// Paragraphs of the cell and of tables in it.
fn text_of(xml: &Xml, cell: NodeId) -> String {
    let paragraphs = xml.descendants(cell).filter(|node| xml.name(*node) == "p");
    let texts: Vec<String> =
        paragraphs.map(|line| line_of(xml, line).text).filter(|text| !text.trim().is_empty()).collect();
    texts.join(" ")
}
