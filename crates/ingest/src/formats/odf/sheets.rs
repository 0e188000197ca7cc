//! Sheets of an OpenDocument spreadsheet. Rows and cells that repeat are written at most `REPEATS_MAX` times.

use crate::builder::Builder;
use crate::formats::sheet::Sheet;
use crate::formats::xml::{NodeId, Xml};
use crate::parse::Limits;

const REPEATS_MAX: u32 = 256;

pub fn write(xml: &Xml, book: NodeId, limits: &Limits, out: &mut Builder) {
    let mut bytes_left = limits.text_bytes_max;
    for (number, table) in (1..).zip(xml.children_named(book, "table")) {
        let name =
            xml.attribute(table, "table:name").map_or_else(|| format!("Sheet {number}"), str::to_owned);
        sheet(xml, table, &mut bytes_left).write(number, &name, out);
        if out.is_full() {
            break;
        }
    }
}

fn sheet(xml: &Xml, table: NodeId, bytes_left: &mut usize) -> Sheet {
    let mut sheet = Sheet::default();
    let mut row_number = 0u32;
    for row in xml.descendants(table).filter(|node| xml.name(*node) == "table-row") {
        let repeats = count(xml, row, "table:number-rows-repeated");
        let cells = cells(xml, row);
        if !cells.is_empty() {
            for copy in 0..repeats.min(REPEATS_MAX) {
                put_row(&mut sheet, row_number.saturating_add(copy), &cells, bytes_left);
            }
        }
        row_number = row_number.saturating_add(repeats);
    }
    sheet
}

fn put_row(sheet: &mut Sheet, row: u32, cells: &[(u32, String)], bytes_left: &mut usize) {
    for (column, text) in cells {
        let Some(left) = bytes_left.checked_sub(text.len()) else { return };
        *bytes_left = left;
        sheet.put(row, *column, text.clone());
    }
}

/// The cells with text, by column.
fn cells(xml: &Xml, row: NodeId) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    let mut column = 0u32;
    for cell in
        xml.children(row).filter(|cell| matches!(xml.name(*cell), "table-cell" | "covered-table-cell"))
    {
        let repeats = count(xml, cell, "table:number-columns-repeated");
        let text = text_of(xml, cell);
        if !text.trim().is_empty() {
            found.extend(
                (0..repeats.min(REPEATS_MAX)).map(|copy| (column.saturating_add(copy), text.clone())),
            );
        }
        column = column.saturating_add(repeats);
    }
    found
}

/// What is shown, or else the value.
fn text_of(xml: &Xml, cell: NodeId) -> String {
    let lines: Vec<String> = xml.children_named(cell, "p").map(|line| xml.text_of(line)).collect();
    if !lines.is_empty() {
        return lines.join(" ");
    }
    let values = ["office:string-value", "office:date-value", "office:time-value", "office:value"];
    values.into_iter().find_map(|name| xml.attribute(cell, name)).unwrap_or_default().to_owned()
}

fn count(xml: &Xml, node: NodeId, name: &str) -> u32 {
    xml.attribute(node, name).and_then(|count| count.parse().ok()).unwrap_or(1).max(1)
}
