//! JSON-LD: entities are `schema:Thing`s, and each fact is an `rdf:Statement` of its own with its two times, since a plain
//! triple cannot say when it holds.
//!
//! Keeps true: ids become addresses (`urn:ibid:entity:...`) whatever they are made of, and the context is in the file, so
//! a reader needs nothing from outside.

use std::io::Write;

use ibid_types::{Error, Result};
use serde_json::{Map, Value as Json, json};

use super::{Column, EdgeRow, NodeRow, Schema, Time, Value, Written, check_row, write_rows, write_text};
use crate::Times;

/// Writes the whole graph, nodes first.
pub fn json_ld(
    schema: &Schema,
    nodes: impl IntoIterator<Item = Result<NodeRow>>,
    edges: impl IntoIterator<Item = Result<EdgeRow>>,
    out: &mut dyn Write,
) -> Result<Written> {
    write_text(out, &format!("{{\"@context\": {},\n\"@graph\": [", context()))?;
    // Rows of both kinds are one list, and only the first has no comma before it.
    let mut comma = "\n";
    let mut item = |json: Json| {
        let text = serde_json::to_string(&json).map_err(unspeakable)?;
        Ok([std::mem::replace(&mut comma, ",\n"), &text].concat())
    };
    let nodes = write_rows(nodes, out, |row| item(node(row, &schema.nodes)?))?;
    let edges = write_rows(edges, out, |row| item(edge(row, &schema.edges)?))?;
    write_text(out, "\n]}\n")?;
    Ok(Written { nodes, edges })
}

fn unspeakable(error: serde_json::Error) -> Error {
    Error::internal("graph_row_invalid", "a row of an export could not be written as JSON; report it")
        .caused_by(error)
}

fn context() -> Json {
    let date = |name: &str| json!({"@id": format!("schema:{name}"), "@type": "xsd:dateTime"});
    json!({
        "@version": 1.1,
        "@vocab": "urn:ibid:memory#",
        "schema": "https://schema.org/",
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
        "name": "schema:name",
        "startDate": date("startDate"),
        "endDate": date("endDate"),
        "subject": {"@id": "rdf:subject", "@type": "@id"},
        "predicate": {"@id": "rdf:predicate", "@type": "@vocab"},
        "object": {"@id": "rdf:object", "@type": "@id"},
    })
}

fn node(row: &NodeRow, columns: &[Column]) -> Result<Json> {
    check_row(&row.id, columns, &row.values)?;
    let mut json = Map::new();
    json.insert("@id".into(), address("entity", &row.id).into());
    json.insert("@type".into(), json!(["schema:Thing", "Entity"]));
    json.insert("name".into(), row.name.as_str().into());
    json.insert("kind".into(), row.kind.as_str().into());
    insert_values(&mut json, columns, &row.values);
    Ok(json.into())
}

fn edge(row: &EdgeRow, columns: &[Column]) -> Result<Json> {
    check_row(&row.id, columns, &row.values)?;
    let mut json = Map::new();
    json.insert("@id".into(), address("fact", &row.id).into());
    json.insert("@type".into(), json!(["rdf:Statement", "Fact"]));
    json.insert("subject".into(), address("entity", &row.from).into());
    json.insert("predicate".into(), encoded(&row.relation).into());
    json.insert("object".into(), address("entity", &row.to).into());
    json.insert("relation".into(), row.relation.as_str().into());
    json.insert("weight".into(), json!(row.weight));
    insert_span(&mut json, "validTime", &row.times, [Time::ValidFrom, Time::ValidTo]);
    insert_span(&mut json, "transactionTime", &row.times, [Time::RecordedAt, Time::RetractedAt]);
    insert_values(&mut json, columns, &row.values);
    Ok(json.into())
}

fn insert_span(json: &mut Map<String, Json>, name: &str, times: &Times, [start, end]: [Time; 2]) {
    let mut span = Map::new();
    for (name, time) in [("startDate", start), ("endDate", end)] {
        if let Some(text) = time.text(times) {
            span.insert(name.into(), text.into());
        }
    }
    if !span.is_empty() {
        json.insert(name.into(), span.into());
    }
}

fn insert_values(json: &mut Map<String, Json>, columns: &[Column], values: &[Option<Value>]) {
    for (column, value) in columns.iter().zip(values) {
        let value = match value {
            Some(Value::Text(text)) => text.as_str().into(),
            Some(Value::Whole(number)) => (*number).into(),
            Some(Value::Number(number)) if number.is_finite() => (*number).into(),
            Some(Value::Truth(truth)) => (*truth).into(),
            Some(Value::Number(_)) | None => continue,
        };
        json.insert(column.name.clone(), value);
    }
}

fn address(kind: &str, id: &str) -> String {
    format!("urn:ibid:{kind}:{}", encoded(id))
}

/// What may stand in an address as it is; everything else by its bytes' numbers.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::tests::{HARD, edge as sample, edges, nodes, schema};

    fn written() -> Json {
        let mut bytes = Vec::new();
        let written = json_ld(&schema(), nodes(), edges(), &mut bytes).unwrap();
        assert_eq!(written, Written { nodes: 12, edges: 12 });
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn every_text_comes_back() {
        let rows = written()["@graph"].as_array().unwrap().clone();
        assert_eq!(rows.len(), 24);
        for (place, text) in HARD.iter().enumerate() {
            assert_eq!(rows[place]["name"], *text);
            assert_eq!(rows[12 + place]["quote"], *text);
            assert_eq!(rows[12 + place]["relation"], sample(place).relation);
        }
    }

    #[test]
    fn a_fact_has_both_times() {
        let fact = &written()["@graph"][14];
        assert_eq!(fact["validTime"], json!({"startDate": "1970-01-01T00:00:02.000Z"}));
        assert_eq!(fact["transactionTime"], json!({"startDate": "1970-01-02T00:00:00.000Z"}));
        assert_eq!(fact["subject"], "urn:ibid:entity:n2");
        assert_eq!((&fact["count"], &fact["shared"]), (&json!(-3), &json!(true)));
    }

    #[test]
    fn any_id_is_an_address() {
        assert_eq!(address("entity", "a b:ü/<"), "urn:ibid:entity:a%20b%3A%C3%BC%2F%3C");
    }

    #[test]
    fn nothing_is_a_list_too() {
        let mut bytes = Vec::new();
        json_ld(&Schema::default(), [], [], &mut bytes).unwrap();
        assert_eq!(serde_json::from_slice::<Json>(&bytes).unwrap()["@graph"], json!([]));
    }
}
