//! CSV as RFC 4180 has it: a file of nodes and a file of edges, each with a head.
//!
//! Keeps true: no cell is a formula when a spreadsheet opens the file. A text that begins like one gets a `'` in front,
//! and so does a text that begins with `'`, so that [`unguarded`] gives back every text as it was.

use std::io::Write;

use ibid_types::Result;

use super::{
    Column, EDGE_COLUMNS, EdgeRow, Kind, NODE_COLUMNS, NodeRow, Schema, Value, check_row, write_rows,
    write_text,
};

/// With these, or their full-width forms, a spreadsheet takes a cell for a formula, or skips to what follows.
const GUARDED: [char; 12] = ['=', '+', '-', '@', '\t', '\r', '\n', '\'', '＝', '＋', '－', '＠'];

/// Writes `nodes.csv`: id, name, kind, then the schema's columns.
pub fn csv_nodes(
    schema: &Schema,
    nodes: impl IntoIterator<Item = Result<NodeRow>>,
    out: &mut dyn Write,
) -> Result<u64> {
    write_text(out, &head(&["id"], &NODE_COLUMNS, &schema.nodes))?;
    write_rows(nodes, out, |row| {
        check_row(&row.id, &schema.nodes, &row.values)?;
        Ok(line(&[&row.id], &row.cells()))
    })
}

/// Writes `edges.csv`: id, from, to, relation, weight, the four times, then the schema's columns.
pub fn csv_edges(
    schema: &Schema,
    edges: impl IntoIterator<Item = Result<EdgeRow>>,
    out: &mut dyn Write,
) -> Result<u64> {
    write_text(out, &head(&["id", "from", "to"], &EDGE_COLUMNS, &schema.edges))?;
    write_rows(edges, out, |row| {
        check_row(&row.id, &schema.edges, &row.values)?;
        Ok(line(&[&row.id, &row.from, &row.to], &row.cells()))
    })
}

/// The text of a cell as it was before it was guarded.
#[must_use]
pub fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if text.starts_with(GUARDED) => text,
        _ => cell,
    }
}

fn head(ids: &[&str], own: &[(&str, Kind)], columns: &[Column]) -> String {
    let own = own.iter().map(|column| column.0);
    let names: Vec<&str> =
        ids.iter().copied().chain(own).chain(columns.iter().map(|column| column.name.as_str())).collect();
    format!("{}\r\n", names.join(","))
}

fn line(ids: &[&str], cells: &[Option<Value>]) -> String {
    let ids = ids.iter().map(|id| text_cell(id));
    let cells = cells.iter().map(|cell| cell.as_ref().map(cell_of).unwrap_or_default());
    format!("{}\r\n", ids.chain(cells).collect::<Vec<_>>().join(","))
}

fn cell_of(value: &Value) -> String {
    match value {
        Value::Text(text) => text_cell(text),
        Value::Whole(number) => number.to_string(),
        Value::Number(number) if number.is_finite() => number.to_string(),
        Value::Number(_) => String::new(),
        Value::Truth(truth) => truth.to_string(),
    }
}

/// Always in quotation marks, so that an empty text is not the same as none.
fn text_cell(text: &str) -> String {
    let guard = if text.starts_with(GUARDED) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::tests::{edges, node, nodes, schema};

    fn read(bytes: &[u8]) -> (Vec<String>, Vec<Vec<String>>) {
        let mut reader = csv::Reader::from_reader(bytes);
        let head = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect());
        (head, rows.collect())
    }

    #[test]
    fn nodes_come_back_as_they_were() {
        let mut bytes = Vec::new();
        assert_eq!(csv_nodes(&schema(), nodes(), &mut bytes).unwrap(), 12);
        let (head, rows) = read(&bytes);
        assert_eq!(head, ["id", "name", "kind", "importance", "note"]);
        for (place, row) in rows.iter().enumerate() {
            let sent = node(place);
            assert_eq!([unguarded(&row[0]), unguarded(&row[1]), &row[2]], [&*sent.id, &*sent.name, "person"]);
            assert_eq!(row[3].parse::<f64>().unwrap(), place as f64 / 8.0);
        }
    }

    #[test]
    fn edges_have_their_times_and_what_is_open_has_none() {
        let mut bytes = Vec::new();
        csv_edges(&schema(), edges(), &mut bytes).unwrap();
        let (head, rows) = read(&bytes);
        assert_eq!(head[..6], ["id", "from", "to", "relation", "weight", "valid_from"]);
        assert_eq!(rows[2][5], "1970-01-01T00:00:02.000Z");
        assert_eq!(rows[2][6..9], ["", "1970-01-02T00:00:00.000Z", ""]);
        assert_eq!(rows[2][10..], ["-3", "true"]);
    }

    #[test]
    fn no_text_is_a_formula() {
        for text in ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "＝1", "'x", "''"] {
            let cell = text_cell(text);
            assert!(cell.starts_with("\"'"), "{cell}");
            let (_, rows) = read(format!("head\r\n{cell}\r\n").as_bytes());
            assert_eq!(unguarded(&rows[0][0]), text);
        }
        assert_eq!(text_cell("1-1"), "\"1-1\"");
    }

    #[test]
    fn numbers_below_zero_stay_numbers() {
        assert_eq!(cell_of(&Value::Whole(-3)), "-3");
        assert_eq!(cell_of(&Value::Number(-0.5)), "-0.5");
        assert_eq!(cell_of(&Value::Number(f64::NAN)), "");
    }
}
