//! GraphML, which Gephi, yEd, networkx and igraph read: a directed graph with parallel edges and typed attributes.
//!
//! Keeps true: the file is well-formed whatever the texts hold. XML has no way to write most control characters; each
//! becomes U+FFFD.

use std::fmt::Write as _;
use std::io::Write;

use ibid_types::Result;

use super::{
    Column, EDGE_COLUMNS, EdgeRow, Kind, NODE_COLUMNS, NodeRow, Schema, Value, Written, check_row, named,
    write_rows, write_text,
};

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">
"#;
const START: &str = "  <graph id=\"memory\" edgedefault=\"directed\">\n";
const END: &str = "  </graph>\n</graphml>\n";

/// Writes the whole graph, nodes first.
pub fn graphml(
    schema: &Schema,
    nodes: impl IntoIterator<Item = Result<NodeRow>>,
    edges: impl IntoIterator<Item = Result<EdgeRow>>,
    out: &mut dyn Write,
) -> Result<Written> {
    let keys = keys("node", &NODE_COLUMNS, &schema.nodes) + &keys("edge", &EDGE_COLUMNS, &schema.edges);
    write_text(out, &[HEAD, &keys, START].concat())?;
    let nodes = write_rows(nodes, out, |row| node(row, &schema.nodes))?;
    let edges = write_rows(edges, out, |row| edge(row, &schema.edges))?;
    write_text(out, END)?;
    Ok(Written { nodes, edges })
}

fn keys(side: &str, own: &[(&str, Kind)], columns: &[Column]) -> String {
    let columns = columns.iter().map(|column| (column.name.as_str(), column.kind));
    let mut keys = String::new();
    for (name, kind) in own.iter().copied().chain(columns) {
        let kind = type_of(kind);
        let _ = writeln!(
            keys,
            "  <key id=\"{side}.{name}\" for=\"{side}\" attr.name=\"{name}\" attr.type=\"{kind}\"/>"
        );
    }
    keys
}

const fn type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "string",
        Kind::Whole => "long",
        Kind::Number => "double",
        Kind::Truth => "boolean",
    }
}

fn node(row: &NodeRow, columns: &[Column]) -> Result<String> {
    check_row(&row.id, columns, &row.values)?;
    let mut text = format!("    <node id=\"{}\">\n", escaped(&row.id));
    data(&mut text, "node", named(&NODE_COLUMNS, columns, &row.cells()));
    text.push_str("    </node>\n");
    Ok(text)
}

fn edge(row: &EdgeRow, columns: &[Column]) -> Result<String> {
    check_row(&row.id, columns, &row.values)?;
    let [id, from, to] = [&row.id, &row.from, &row.to].map(|text| escaped(text));
    let mut text = format!("    <edge id=\"{id}\" source=\"{from}\" target=\"{to}\">\n");
    data(&mut text, "edge", named(&EDGE_COLUMNS, columns, &row.cells()));
    text.push_str("    </edge>\n");
    Ok(text)
}

fn data<'a>(text: &mut String, side: &str, cells: impl Iterator<Item = (&'a str, &'a Value)>) {
    for (name, value) in cells {
        if let Some(value) = content(value) {
            let _ = writeln!(text, "      <data key=\"{side}.{name}\">{value}</data>");
        }
    }
}

fn content(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(escaped(text)),
        Value::Whole(number) => Some(number.to_string()),
        Value::Number(number) => number.is_finite().then(|| number.to_string()),
        Value::Truth(truth) => Some(truth.to_string()),
    }
}

/// For text and attributes alike: ends of lines and tabs are written by number, as readers make spaces of them in an
/// attribute and one kind of line's end of all in a text.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            '\t' => escaped.push_str("&#9;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use quick_xml::Reader;
    use quick_xml::escape::unescape;
    use quick_xml::events::{BytesStart, Event};

    use super::*;
    use crate::export::tests::{HARD, edge as sample, edges, nodes, schema};

    fn written() -> String {
        let mut bytes = Vec::new();
        let written = graphml(&schema(), nodes(), edges(), &mut bytes).unwrap();
        assert_eq!(written, Written { nodes: 12, edges: 12 });
        String::from_utf8(bytes).unwrap()
    }

    fn attribute(start: &BytesStart<'_>, name: &str) -> String {
        let found = start.try_get_attribute(name).unwrap().unwrap();
        unescape(&found.value).unwrap().into_owned()
    }

    /// Of each `data` element its key and text.
    fn cells(xml: &str) -> Vec<(String, String)> {
        let mut reader = Reader::from_str(xml);
        let (mut cells, mut key) = (Vec::new(), None);
        loop {
            match reader.read_event().unwrap() {
                Event::Start(start) if start.name().as_ref() == "data" => {
                    key = Some((attribute(&start, "key"), String::new()))
                }
                Event::Text(text) => {
                    if let Some((_, value)) = &mut key {
                        value.push_str(&text);
                    }
                }
                Event::GeneralRef(entity) => {
                    if let Some((_, value)) = &mut key {
                        value.push_str(&unescape(&format!("&{};", &*entity)).unwrap());
                    }
                }
                Event::End(end) if end.name().as_ref() == "data" => cells.extend(key.take()),
                Event::Eof => return cells,
                _ => {}
            }
        }
    }

    #[test]
    fn every_text_comes_back() {
        let cells = cells(&written());
        let of = |key: &str| {
            cells.iter().filter(|cell| cell.0 == key).map(|cell| cell.1.clone()).collect::<Vec<_>>()
        };
        assert_eq!(of("node.name"), HARD);
        assert_eq!(of("edge.quote"), HARD);
        assert_eq!(of("edge.relation")[1], sample(1).relation);
        assert_eq!(of("edge.count"), ["-3"; 12]);
        assert_eq!(of("edge.valid_from")[2], "1970-01-01T00:00:02.000Z");
        assert!(of("edge.valid_to").is_empty());
    }

    #[test]
    fn keys_are_declared_before_they_are_used() {
        let xml = written();
        let head = &xml[..xml.find("<graph ").unwrap()];
        for (key, _) in cells(&xml) {
            assert!(head.contains(&format!("<key id=\"{key}\"")), "{key}");
        }
        assert!(head.contains(r#"attr.name="shared" attr.type="boolean""#));
    }

    #[test]
    fn what_xml_cannot_say_is_replaced() {
        assert_eq!(escaped("a\u{0}b\u{8}\u{ffff}"), "a\u{fffd}b\u{fffd}\u{fffd}");
        assert_eq!(escaped("\"<&>\n"), "&quot;&lt;&amp;&gt;&#10;");
    }
}
