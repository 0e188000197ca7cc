//! Everything that is remembered, for other programs: lines of JSON with all there is, or the graph as GraphML, JSON-LD or CSV.
//!
//! Keeps true: what is written is what its owner may see, and no more; lines of JSON can be taken in again.

use std::collections::HashMap;
use std::io::Write;

use ibid_graph::export::{Column, EdgeRow, Kind, NodeRow, Schema, Value, csv_edges, graphml, json_ld};
use ibid_graph::{ALWAYS, FOREVER, Times};
use ibid_store::{EpisodesQuery, FactsQuery, Store};
use ibid_types::memory::{Entity, Episode, Fact, Owner, Source};
use ibid_types::{EntityId, Error, Result, Timestamp, WorkspaceId};
use serde_json::{Value as Json, json};

const PAGE: usize = 500;

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    Jsonl,
    Graphml,
    JsonLd,
    Csv,
}

impl std::str::FromStr for ExportFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "jsonl" => Ok(Self::Jsonl),
            "graphml" => Ok(Self::Graphml),
            "jsonld" => Ok(Self::JsonLd),
            "csv" => Ok(Self::Csv),
            _ => {
                let what = format!("memories are not written as '{text}'; use jsonl, graphml, jsonld or csv");
                Err(Error::bad_request("value_unknown", what))
            }
        }
    }
}

/// What these owners have in a workspace, written to `out`.
pub fn export(
    store: &Store,
    workspace: WorkspaceId,
    owners: &[Owner],
    format: ExportFormat,
    out: &mut dyn Write,
) -> Result<()> {
    let entities = store.entities_of(workspace, owners)?;
    let facts = every_fact(store, workspace, owners)?;
    match format {
        ExportFormat::Jsonl => lines(store, workspace, owners, &entities, &facts, out),
        _ => graph(format, &entities, &facts, out),
    }
}

fn every_fact(store: &Store, workspace: WorkspaceId, owners: &[Owner]) -> Result<Vec<Fact>> {
    let mut query =
        FactsQuery { owners: owners.to_vec(), archived: true, limit: PAGE, ..FactsQuery::default() };
    let mut all = Vec::new();
    loop {
        let page = store.fact_list(workspace, &query)?;
        all.extend(page.items);
        query.cursor = page.next;
        if query.cursor.is_none() {
            return Ok(all);
        }
    }
}

fn lines(
    store: &Store,
    workspace: WorkspaceId,
    owners: &[Owner],
    entities: &[Entity],
    facts: &[Fact],
    out: &mut dyn Write,
) -> Result<()> {
    let names: HashMap<EntityId, &Entity> = entities.iter().map(|entity| (entity.id, entity)).collect();
    for entity in entities {
        line(out, &entity_line(entity))?;
    }
    let mut query = EpisodesQuery { owners: owners.to_vec(), limit: PAGE, ..EpisodesQuery::default() };
    loop {
        let page = store.episode_list(workspace, &query)?;
        page.items.iter().try_for_each(|episode| line(out, &episode_line(episode)))?;
        query.cursor = page.next;
        if query.cursor.is_none() {
            break;
        }
    }
    for some in facts.chunks(PAGE) {
        let ids: Vec<_> = some.iter().map(|fact| fact.id).collect();
        let sources = store.sources_of(&ids)?;
        for fact in some {
            let own: Vec<&Source> = sources.iter().filter(|source| source.fact == fact.id).collect();
            line(out, &fact_line(fact, &names, &own))?;
        }
    }
    Ok(())
}

fn line(out: &mut dyn Write, value: &Json) -> Result<()> {
    writeln!(out, "{value}").map_err(|error| {
        Error::unavailable("graph_export_unwritable", "the export could not be written to its end; ask again")
            .caused_by(error)
    })
}

fn entity_line(entity: &Entity) -> Json {
    json!({
        "type": "entity", "id": entity.id, "name": entity.known.name, "kind": entity.kind, "aliases": entity.known.aliases,
        "shared": entity.owner == Owner::Shared,
    })
}

fn episode_line(episode: &Episode) -> Json {
    let said = &episode.said;
    json!({
        "type": "episode", "id": episode.id, "kind": episode.kind, "text": said.text, "speaker": said.speaker, "addressee": said.addressee,
        "at": episode.at.to_string(), "zone": said.zone, "source": said.source, "importance": episode.importance,
        "shared": episode.owner == Owner::Shared,
    })
}

fn fact_line(fact: &Fact, names: &HashMap<EntityId, &Entity>, sources: &[&Source]) -> Json {
    let name = |id: EntityId| names.get(&id).map(|entity| entity.known.name.clone());
    let kind = |id: EntityId| names.get(&id).map(|entity| entity.kind);
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let places: Vec<Json> = sources
        .iter()
        .map(|source| json!({"episode": source.episode, "start": source.start, "end": source.end}))
        .collect();
    json!({
        "type": "fact", "id": fact.id, "kind": fact.kind, "subject": name(fact.subject), "subject_kind": kind(fact.subject),
        "relation": fact.stated.relation, "object": fact.object.and_then(name), "object_kind": fact.object.and_then(kind),
        "object_text": fact.stated.object, "statement": fact.stated.statement, "negated": fact.stated.negated,
        "single_valued": fact.stated.single_valued, "valid_from": time(fact.valid.from), "valid_to": time(fact.valid.to),
        "recorded_at": fact.recorded_at.to_string(), "confidence": fact.confidence, "importance": fact.importance,
        "sensitivity": fact.sensitivity, "shared": fact.owner == Owner::Shared, "sources": places,
    })
}

fn graph(format: ExportFormat, entities: &[Entity], facts: &[Fact], out: &mut dyn Write) -> Result<()> {
    let schema = schema()?;
    let nodes =
        entities.iter().map(|entity| Ok(node(entity))).chain(facts.iter().filter_map(words_node).map(Ok));
    let edges = facts.iter().map(|fact| Ok(edge(fact)));
    match format {
        ExportFormat::Graphml => graphml(&schema, nodes, edges, out).map(drop),
        ExportFormat::JsonLd => json_ld(&schema, nodes, edges, out).map(drop),
        ExportFormat::Csv | ExportFormat::Jsonl => {
            let names: HashMap<EntityId, &Entity> =
                entities.iter().map(|entity| (entity.id, entity)).collect();
            let name = |id: EntityId| {
                names.get(&id).map_or_else(|| id.to_string(), |entity| entity.known.name.clone())
            };
            let named = facts.iter().map(|fact| {
                let to = fact.object.map_or_else(|| fact.stated.object.clone().unwrap_or_default(), name);
                Ok(EdgeRow { from: name(fact.subject), to, ..edge(fact) })
            });
            csv_edges(&schema, named, out).map(drop)
        }
    }
}

fn schema() -> Result<Schema> {
    let column = |name: &str, kind| Column { name: name.to_owned(), kind };
    let edges = vec![
        column("statement", Kind::Text),
        column("memory_kind", Kind::Text),
        column("confidence", Kind::Number),
        column("importance", Kind::Number),
    ];
    Schema::new(Vec::new(), edges)
}

fn node(entity: &Entity) -> NodeRow {
    NodeRow {
        id: entity.id.to_string(),
        name: entity.known.name.clone(),
        kind: entity.kind.name().to_owned(),
        values: Vec::new(),
    }
}

/// What a fact says that is no entity is a node of its own.
fn words_node(fact: &Fact) -> Option<NodeRow> {
    let words = fact.stated.object.as_ref().filter(|_| fact.object.is_none())?;
    Some(NodeRow { id: words_id(fact), name: words.clone(), kind: "text".to_owned(), values: Vec::new() })
}

fn words_id(fact: &Fact) -> String {
    format!("text-{}", fact.version)
}

fn edge(fact: &Fact) -> EdgeRow {
    let at = |time: Option<Timestamp>, open: i64| time.map_or(open, |time| time.0);
    EdgeRow {
        id: fact.version.to_string(),
        from: fact.subject.to_string(),
        to: fact.object.map_or_else(|| words_id(fact), |object| object.to_string()),
        relation: fact.stated.relation.clone(),
        weight: f64::from(fact.confidence),
        times: Times {
            valid_from: at(fact.valid.from, ALWAYS),
            valid_to: at(fact.valid.to, FOREVER),
            recorded_at: fact.recorded_at.0,
            retracted_at: at(fact.retracted_at, FOREVER),
        },
        values: vec![
            Some(Value::Text(fact.stated.statement.clone())),
            Some(Value::Text(fact.kind.name().to_owned())),
            Some(Value::Number(f64::from(fact.confidence))),
            Some(Value::Number(f64::from(fact.importance))),
        ],
    }
}
