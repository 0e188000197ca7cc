//! The graph for other programs: GraphML, JSON-LD, CSV, written row by row from what the caller reads.
//!
//! Keeps true: no row is kept, so an export of any size takes the memory of one; each format's own rules of escaping hold
//! for whatever a text holds; times are RFC 3339 in UTC, and what is open has no value.

mod csv;
mod graphml;
mod json_ld;

use std::collections::BTreeSet;
use std::io::Write;

use ibid_types::{Error, Result, Timestamp};

pub use csv::{csv_edges, csv_nodes, unguarded};
pub use graphml::graphml;
pub use json_ld::json_ld;

use crate::{ALWAYS, FOREVER, Times};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Whole,
    Number,
    Truth,
}

/// A cell of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Whole(i64),
    Number(f64),
    Truth(bool),
}

impl Value {
    const fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Whole(_) => Kind::Whole,
            Self::Number(_) => Kind::Number,
            Self::Truth(_) => Kind::Truth,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
}

/// The columns that nodes and edges have beside those that all have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    nodes: Vec<Column>,
    edges: Vec<Column>,
}

/// What every node has, beside its id.
const NODE_COLUMNS: [(&str, Kind); 2] = [("name", Kind::Text), ("kind", Kind::Text)];
/// What every edge has, beside its id and its ends.
const EDGE_COLUMNS: [(&str, Kind); 6] = [
    ("relation", Kind::Text),
    ("weight", Kind::Number),
    ("valid_from", Kind::Text),
    ("valid_to", Kind::Text),
    ("recorded_at", Kind::Text),
    ("retracted_at", Kind::Text),
];
/// What the formats themselves call something.
const RESERVED: [&str; 16] = [
    "id",
    "from",
    "to",
    "source",
    "target",
    "name",
    "relation",
    "subject",
    "predicate",
    "object",
    "startDate",
    "endDate",
    "validTime",
    "transactionTime",
    "schema",
    "rdf",
];

impl Schema {
    /// Names are letters, digits and `_`, each once, and none of those that all rows have.
    pub fn new(nodes: Vec<Column>, edges: Vec<Column>) -> Result<Self> {
        check_columns(&nodes, &NODE_COLUMNS)?;
        check_columns(&edges, &EDGE_COLUMNS)?;
        Ok(Self { nodes, edges })
    }
}

fn check_columns(columns: &[Column], taken: &[(&str, Kind)]) -> Result<()> {
    let mut names: BTreeSet<&str> = taken.iter().map(|column| column.0).chain(RESERVED).collect();
    for column in columns {
        let is_word = |name: &str| name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        let is_named =
            column.name.starts_with(|first: char| first.is_ascii_alphabetic()) && is_word(&column.name);
        if !is_named || !names.insert(&column.name) {
            let text = format!(
                "a column of an export cannot be called '{}'; take another word of letters, digits and _",
                column.name
            );
            return Err(Error::bad_request("graph_column_invalid", text));
        }
    }
    Ok(())
}

/// An entity.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeRow {
    pub id: String,
    pub name: String,
    pub kind: String,
    /// One for each of the schema's columns of nodes.
    pub values: Vec<Option<Value>>,
}

/// A fact.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EdgeRow {
    pub id: String,
    pub from: String,
    pub to: String,
    pub relation: String,
    pub weight: f64,
    pub times: Times,
    /// One for each of the schema's columns of edges.
    pub values: Vec<Option<Value>>,
}

impl NodeRow {
    fn cells(&self) -> Vec<Option<Value>> {
        let own = [&self.name, &self.kind].map(|text| Some(Value::Text(text.clone())));
        own.into_iter().chain(self.values.iter().cloned()).collect()
    }
}

impl EdgeRow {
    fn cells(&self) -> Vec<Option<Value>> {
        let own = [Some(Value::Text(self.relation.clone())), Some(Value::Number(self.weight))];
        let times = Time::ALL.map(|time| time.text(&self.times).map(Value::Text));
        own.into_iter().chain(times).chain(self.values.iter().cloned()).collect()
    }
}

/// How many rows were written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    pub nodes: u64,
    pub edges: u64,
}

#[derive(Clone, Copy)]
enum Time {
    ValidFrom,
    ValidTo,
    RecordedAt,
    RetractedAt,
}

impl Time {
    const ALL: [Self; 4] = [Self::ValidFrom, Self::ValidTo, Self::RecordedAt, Self::RetractedAt];

    fn text(self, times: &Times) -> Option<String> {
        let time = match self {
            Self::ValidFrom => times.valid_from,
            Self::ValidTo => times.valid_to,
            Self::RecordedAt => times.recorded_at,
            Self::RetractedAt => times.retracted_at,
        };
        (time != ALWAYS && time != FOREVER).then(|| Timestamp(time).to_string())
    }
}

/// Every column of a row with its cell, the ones that all rows have first.
fn named<'a>(
    own: &'a [(&'a str, Kind)],
    columns: &'a [Column],
    cells: &'a [Option<Value>],
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let names = own.iter().map(|column| column.0).chain(columns.iter().map(|column| column.name.as_str()));
    names.zip(cells).filter_map(|(name, cell)| Some((name, cell.as_ref()?)))
}

/// Refuses a row whose values are not those of the columns.
fn check_row(id: &str, columns: &[Column], values: &[Option<Value>]) -> Result<()> {
    let fits = |(column, value): (&Column, &Option<Value>)| {
        value.as_ref().is_none_or(|value| value.kind() == column.kind)
    };
    if columns.len() == values.len() && columns.iter().zip(values).all(fits) {
        return Ok(());
    }
    let text = format!("the row '{id}' of an export does not have the columns that were named; report it");
    Err(Error::internal("graph_row_invalid", text))
}

/// Writes each row as `format` says it.
fn write_rows<R>(
    rows: impl IntoIterator<Item = Result<R>>,
    out: &mut dyn Write,
    mut format: impl FnMut(&R) -> Result<String>,
) -> Result<u64> {
    let mut count = 0;
    for row in rows {
        write_text(out, &format(&row?)?)?;
        count += 1;
    }
    Ok(count)
}

fn write_text(out: &mut dyn Write, text: &str) -> Result<()> {
    out.write_all(text.as_bytes()).map_err(|error| {
        let text =
            "the export could not be written to its end; look at the disk or the connection and ask again";
        Error::unavailable("graph_export_unwritable", text).caused_by(error)
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Texts that some format must escape.
    pub const HARD: [&str; 12] = [
        "plain",
        "a \"quote\", a comma; a 'tick'",
        "<tag attr=\"1\"> & &amp; ]]> <!-- -->",
        "line\nbreak\r\nand\rreturn\tand tab",
        "  spaces around  ",
        "=HYPERLINK(\"http://example.org\")",
        "+1",
        "-2+3",
        "@SUM(A1)",
        "'=1",
        "Ünïcödé 東京 🦀 \u{200d}",
        "",
    ];

    pub fn schema() -> Schema {
        let column = |name: &str, kind| Column { name: name.into(), kind };
        let nodes = vec![column("importance", Kind::Number), column("note", Kind::Text)];
        let edges =
            vec![column("quote", Kind::Text), column("count", Kind::Whole), column("shared", Kind::Truth)];
        Schema::new(nodes, edges).unwrap()
    }

    pub fn node(place: usize) -> NodeRow {
        let text = HARD[place % HARD.len()].to_owned();
        let note = (!place.is_multiple_of(3)).then(|| Value::Text(text.clone()));
        let values = vec![Some(Value::Number(place as f64 / 8.0)), note];
        NodeRow { id: format!("n{place}"), name: text, kind: "person".into(), values }
    }

    pub fn edge(place: usize) -> EdgeRow {
        let text = HARD[place % HARD.len()].to_owned();
        let times = Times { valid_from: 1000 * place as i64, recorded_at: 86_400_000, ..Times::default() };
        let values = vec![Some(Value::Text(text.clone())), Some(Value::Whole(-3)), Some(Value::Truth(true))];
        let (from, to) = (format!("n{place}"), format!("n{}", (place + 1) % HARD.len()));
        EdgeRow {
            id: format!("e{place}"),
            from,
            to,
            relation: format!("R {text}"),
            weight: 0.5,
            times,
            values,
        }
    }

    pub fn nodes() -> impl Iterator<Item = Result<NodeRow>> {
        (0..HARD.len()).map(|place| Ok(node(place)))
    }

    pub fn edges() -> impl Iterator<Item = Result<EdgeRow>> {
        (0..HARD.len()).map(|place| Ok(edge(place)))
    }

    #[test]
    fn columns_have_names_that_every_format_can_write() {
        for name in ["", "1st", "two words", "a:b", "@id", "weight", "id", "note"] {
            let columns = ["note", name].map(|name| Column { name: name.into(), kind: Kind::Text });
            assert_eq!(
                Schema::new(vec![], columns.into()).unwrap_err().code,
                "graph_column_invalid",
                "{name}"
            );
        }
    }

    #[test]
    fn a_row_has_the_columns_that_were_named() {
        let mut wrong = node(0);
        wrong.values.pop();
        let error = csv_nodes(&schema(), [Ok(wrong)], &mut Vec::new()).unwrap_err();
        assert_eq!(error.code, "graph_row_invalid");
        let mut wrong = edge(0);
        wrong.values[1] = Some(Value::Truth(false));
        assert!(graphml(&schema(), nodes(), [Ok(wrong)], &mut Vec::new()).is_err());
    }

    #[test]
    fn a_full_disk_and_a_failing_reader_are_told() {
        let mut short = [0_u8; 300];
        let error = json_ld(&schema(), nodes(), edges(), &mut &mut short[..]).unwrap_err();
        assert_eq!(error.code, "graph_export_unwritable");
        let rows = [Ok(node(1)), Err(Error::unavailable("store_busy", "no"))];
        assert_eq!(csv_nodes(&schema(), rows, &mut Vec::new()).unwrap_err().code, "store_busy");
    }
}
