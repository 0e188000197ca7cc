//! Jupyter notebooks (nbformat 3 and 4): the prose as Markdown, the code as listings, what it printed as text.

use ibid_types::parsed::{BlockKind, Parsed};

use super::json::{self, Value};
use super::markdown;
use crate::builder::Builder;
use crate::parse::Limits;

pub fn parse(text: &str, limits: &Limits) -> Parsed {
    let Ok(book) = serde_json::from_str::<Value>(text) else {
        return json::parse(text, limits);
    };
    let mut out = Builder::new(limits);
    let language = language(&book);
    for cell in cells(&book) {
        write_cell(cell, &language, limits, &mut out);
        if out.is_full() {
            break;
        }
    }
    let mut parsed = out.finish();
    let is_heading = |kind: &BlockKind| matches!(kind, BlockKind::Heading { .. });
    let title = parsed.blocks.first().filter(|block| is_heading(&block.kind));
    parsed.metadata.title = title.map(|block| parsed.text[block.start..block.end].to_owned());
    parsed
}

/// nbformat 3 keeps cells in worksheets.
fn cells(book: &Value) -> Vec<&Value> {
    let sheets = items(book, "worksheets").iter().flat_map(|sheet| items(sheet, "cells"));
    items(book, "cells").iter().chain(sheets).collect()
}

fn items<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).map_or(&[], Value::items)
}

fn language(book: &Value) -> String {
    let metadata = book.get("metadata");
    let info = metadata.and_then(|metadata| metadata.get("language_info")?.get("name")?.text());
    let kernel = metadata.and_then(|metadata| metadata.get("kernelspec")?.get("language")?.text());
    info.or(kernel).unwrap_or("python").to_owned()
}

fn write_cell(cell: &Value, language: &str, limits: &Limits, out: &mut Builder) {
    let source = joined(cell.get("source").or_else(|| cell.get("input")));
    match cell.get("cell_type").and_then(Value::text) {
        Some("markdown" | "heading") => out.append(&markdown::parse(&source, limits), 0),
        Some("code") => {
            out.code(language, &source);
            for output in items(cell, "outputs") {
                write_output(output, out);
            }
        }
        _ => out.paragraph(&source),
    }
}

/// What was printed, up to a page or two; pictures and markup are left out.
fn write_output(output: &Value, out: &mut Builder) {
    const OUTPUT_BYTES_MAX: usize = 8 * 1024;
    let plain = output.get("data").and_then(|data| data.get("text/plain"));
    let text = joined(output.get("text").or(plain));
    out.code("", &text[..text.floor_char_boundary(OUTPUT_BYTES_MAX)]);
}

/// Text, which may be stored line by line.
fn joined(value: Option<&Value>) -> String {
    let Some(value) = value else { return String::new() };
    value.text().map_or_else(|| value.items().iter().filter_map(Value::text).collect(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_in_order() {
        let book = r##"{"cells": [{"cell_type": "markdown", "source": ["# T\n", "text"]},
            {"cell_type": "code", "source": "x = 1\nx", "outputs": [{"data": {"text/plain": ["1"], "image/png": "AA"}}, {"text": "out"}]}],
            "metadata": {"language_info": {"name": "julia"}}}"##;
        let parsed = parse(book, &Limits::default());
        parsed.check().unwrap();
        assert_eq!(
            (parsed.text.as_str(), parsed.metadata.title.as_deref()),
            ("T\n\ntext\n\nx = 1\nx\n\n1\n\nout", Some("T"))
        );
        assert_eq!(parsed.blocks[2].kind, BlockKind::Code { language: "julia".into() });
    }

    #[test]
    fn what_is_no_notebook_is_read_as_what_it_is() {
        assert_eq!(parse("[1", &Limits::default()).text, "[1");
        assert_eq!(parse("{}", &Limits::default()).text, "");
    }
}
