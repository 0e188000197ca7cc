//! Memories of other programs: exports of our own, mem0, Zep, Graphiti, and plain lines of JSON.
//!
//! Keeps true: what cannot be read is told with its place and why, and all else is taken; taking the same in twice is taking it in once.

use std::collections::HashMap;

use ibid_store::{episode_insert, episode_judged};
use ibid_types::memory::{EntityKind, EpisodeKind, MemoryKind, Sensitivity, Span, relation};
use ibid_types::{EpisodeId, Error, Result, Timestamp};
use serde::Deserialize;
use serde_json::Value as Json;

use crate::Memory;
use crate::found::{Named, NewFact, Object};
use crate::record::Scope;
use crate::remember::NewEpisode;

/// What wrote them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Ibid,
    Mem0,
    Zep,
    Graphiti,
    Jsonl,
}

impl Origin {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ibid => "ibid",
            Self::Mem0 => "mem0",
            Self::Zep => "zep",
            Self::Graphiti => "graphiti",
            Self::Jsonl => "jsonl",
        }
    }
}

impl std::str::FromStr for Origin {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let all = [Self::Ibid, Self::Mem0, Self::Zep, Self::Graphiti, Self::Jsonl];
        all.into_iter().find(|origin| origin.name() == text).ok_or_else(|| {
            let what = format!("memories of '{text}' cannot be read; use ibid, mem0, zep, graphiti or jsonl");
            Error::bad_request("value_unknown", what)
        })
    }
}

/// Something that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Its place, from 0.
    pub index: usize,
    pub code: &'static str,
    pub reason: String,
}

/// What became of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    pub origin: Origin,
    pub episodes: usize,
    pub facts: usize,
    pub merged: usize,
    pub rejected: Vec<Rejected>,
}

/// One of what is in a file.
#[derive(Debug)]
enum Incoming {
    Episode(Box<NewEpisode>),
    Fact(Box<NewFact>),
    /// It says nothing by itself.
    Nothing,
}

/// What any of the formats may say of one memory.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Record {
    #[serde(rename = "type")]
    sort: Option<String>,
    #[serde(alias = "uuid")]
    id: Option<String>,
    #[serde(alias = "memory", alias = "content", alias = "data")]
    text: Option<String>,
    #[serde(alias = "role", alias = "role_type")]
    speaker: Option<String>,
    #[serde(alias = "created_at", alias = "reference_time")]
    at: Option<String>,
    zone: Option<String>,
    kind: Option<String>,
    #[serde(alias = "source_node_name")]
    subject: Option<String>,
    subject_kind: Option<String>,
    #[serde(alias = "name", alias = "relationship")]
    relation: Option<String>,
    #[serde(alias = "target_node_name", alias = "destination", alias = "target")]
    object: Option<String>,
    object_kind: Option<String>,
    object_text: Option<String>,
    #[serde(alias = "fact")]
    statement: Option<String>,
    source_node_uuid: Option<String>,
    target_node_uuid: Option<String>,
    #[serde(alias = "valid_at")]
    valid_from: Option<String>,
    #[serde(alias = "invalid_at")]
    valid_to: Option<String>,
    confidence: Option<f32>,
    importance: Option<f32>,
    sensitivity: Option<String>,
    #[serde(alias = "source")]
    from: Option<Json>,
    negated: bool,
    single_valued: bool,
}

impl Memory {
    /// Takes memories in. Errors: `memory_consent`, `import_unreadable`.
    pub fn import(&self, scope: Scope, origin: Option<Origin>, data: &str) -> Result<Imported> {
        let (found, records) = records(data)?;
        let origin = origin.unwrap_or(found);
        let names = node_names(&records);
        let mut imported = Imported { origin, episodes: 0, facts: 0, merged: 0, rejected: Vec::new() };
        let (mut episodes, mut facts) = (Vec::new(), Vec::new());
        for (index, record) in records.into_iter().enumerate() {
            match incoming(origin, record, &names) {
                Ok(Incoming::Episode(episode)) => episodes.push((index, *episode)),
                Ok(Incoming::Fact(fact)) => facts.push(*fact),
                Ok(Incoming::Nothing) => {}
                Err(error) => imported.rejected.push(rejected(index, &error)),
            }
        }
        self.check_consent(scope.owner, &[])?;
        for (index, episode) in episodes {
            match self.remember(scope.workspace, scope.owner, vec![episode]) {
                Ok(_) => imported.episodes += 1,
                Err(error) => imported.rejected.push(rejected(index, &error)),
            }
        }
        imported.facts = facts.len();
        self.give_episodes(scope, origin, &mut facts)?;
        let recorded = self.relate(scope, facts)?;
        imported.merged = recorded.merged;
        imported.rejected.sort_by_key(|rejected| rejected.index);
        Ok(imported)
    }
}

impl Memory {
    /// The episode that states each fact, named by what it says: the one that is there where it was taken in before.
    fn give_episodes(&self, scope: Scope, origin: Origin, facts: &mut [NewFact]) -> Result<()> {
        let mut new: HashMap<String, EpisodeId> = HashMap::new();
        let mut statements = Vec::new();
        for fact in facts {
            let name = format!("{}:{}", origin.name(), fact_name(fact));
            let known = match new.get(&name) {
                Some(id) => Some(*id),
                None => self.store.episode_named(scope.workspace, scope.owner, &name)?,
            };
            let id = match known {
                Some(id) => id,
                None => {
                    let told = NewEpisode::note(&fact.statement);
                    let episode = self.episode(scope.workspace, scope.owner, told);
                    statements.extend(episode_insert(&episode, Some(&name), self.store.sealer())?);
                    statements.push(episode_judged(episode.id, fact.importance));
                    new.insert(name, episode.id);
                    episode.id
                }
            };
            fact.sources.push((id, 0..fact.statement.len()));
        }
        if statements.is_empty() { Ok(()) } else { self.store.db().batch(statements).map(drop) }
    }
}

fn fact_name(fact: &NewFact) -> String {
    let object = match &fact.object {
        Object::Entity(named) => &named.name,
        Object::Words(words) => words,
    };
    let times = format!("{:?} {:?} {}", fact.said.from, fact.said.to, fact.negated);
    named_by(&[&fact.subject.name, &fact.relation, object, &fact.statement, &times])
}

/// What is the same is called the same, so that it is kept once.
fn named_by(parts: &[&str]) -> String {
    blake3::hash(parts.join("\n").as_bytes()).to_hex().to_string()
}

fn rejected(index: usize, error: &Error) -> Rejected {
    Rejected { index, code: error.code, reason: error.message.clone() }
}

/// The records of a file, and what it looks like. Error: `import_unreadable`.
fn records(data: &str) -> Result<(Origin, Vec<Json>)> {
    if let Ok(whole) = serde_json::from_str::<Json>(data) {
        return Ok(of_document(whole));
    }
    let lines: Vec<Json> = data
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| serde_json::from_str(line).unwrap_or(Json::Null))
        .collect();
    if lines.iter().all(Json::is_null) {
        let what = "this is neither JSON nor a line of JSON for each memory; see docs/memory.md for what can be taken in";
        return Err(Error::bad_request("import_unreadable", what));
    }
    let is_ours = lines.iter().any(|line| line["type"] == "fact" || line["type"] == "episode");
    Ok((if is_ours { Origin::Ibid } else { Origin::Jsonl }, lines))
}

fn of_document(whole: Json) -> (Origin, Vec<Json>) {
    let list = |part: &Json| part.as_array().cloned().unwrap_or_default();
    match whole {
        Json::Array(all) => {
            let is_mem0 = all.iter().any(|one| one.get("memory").is_some());
            (if is_mem0 { Origin::Mem0 } else { Origin::Jsonl }, all)
        }
        Json::Object(parts) => {
            if let Some(results) = parts.get("results").or_else(|| parts.get("memories")) {
                let mut all = list(results);
                all.extend(parts.get("relations").map(list).unwrap_or_default());
                return (Origin::Mem0, all);
            }
            let sorts = ["nodes", "episodes", "edges", "facts"];
            if sorts.iter().any(|sort| parts.contains_key(*sort)) {
                let of = |sort: &&str| parts.get(*sort).map(list).unwrap_or_default();
                let origin = if parts.contains_key("facts") { Origin::Zep } else { Origin::Graphiti };
                return (origin, sorts.iter().flat_map(of).collect());
            }
            (Origin::Jsonl, vec![Json::Object(parts)])
        }
        other => (Origin::Jsonl, vec![other]),
    }
}

/// The nodes that edges name by their ids.
fn node_names(records: &[Json]) -> HashMap<String, String> {
    let node = |record: &Json| {
        let is_edge = record.get("fact").is_some() || record.get("source_node_uuid").is_some();
        let (id, name) = (record["uuid"].as_str()?, record["name"].as_str()?);
        (!is_edge && record.get("content").is_none()).then(|| (id.to_owned(), name.to_owned()))
    };
    records.iter().filter_map(node).collect()
}

fn incoming(origin: Origin, value: Json, names: &HashMap<String, String>) -> Result<Incoming> {
    let is_node = names.contains_key(value["uuid"].as_str().unwrap_or_default());
    if is_node || value["type"] == "entity" {
        return Ok(Incoming::Nothing);
    }
    let read = |error| Error::bad_request("import_record", format!("this is no memory: {error}"));
    let mut record: Record = serde_json::from_value(value).map_err(read)?;
    let end = |id: &Option<String>| id.as_ref().and_then(|id| names.get(id)).cloned();
    record.subject = record.subject.take().or_else(|| end(&record.source_node_uuid));
    record.object = record.object.take().or_else(|| end(&record.target_node_uuid));
    if origin == Origin::Mem0 && record.subject.is_none() {
        record.subject = record
            .from
            .as_ref()
            .and_then(Json::as_str)
            .map(str::to_owned)
            .filter(|_| record.object.is_some());
    }
    match (&record.subject, &record.text) {
        (Some(_), _) => fact(record).map(Box::new).map(Incoming::Fact),
        (None, Some(_)) => episode(origin, record).map(Box::new).map(Incoming::Episode),
        (None, None) => Err(Error::bad_request(
            "import_record",
            "a memory needs a 'text', or 'subject', 'relation' and 'object'",
        )),
    }
}

fn episode(origin: Origin, mut record: Record) -> Result<NewEpisode> {
    // Our own episodes have their facts with them; the kinds of others are theirs.
    let kind = record
        .kind
        .take()
        .filter(|_| origin == Origin::Ibid)
        .and_then(|kind| kind.parse().ok())
        .unwrap_or(EpisodeKind::Note);
    let name = record.id.take().unwrap_or_else(|| content_name(&record));
    let name = format!("{}:{name}", origin.name());
    Ok(NewEpisode {
        kind: if kind == EpisodeKind::Turn { EpisodeKind::Note } else { kind },
        speaker: record.speaker,
        at: instant(record.at.as_deref())?,
        zone: record.zone,
        name: Some(name),
        source: record.from.as_ref().and_then(Json::as_str).map(str::to_owned),
        ..NewEpisode::note(record.text.unwrap_or_default())
    })
}

fn content_name(record: &Record) -> String {
    let parts = [&record.text, &record.speaker, &record.at, &record.zone];
    named_by(&parts.map(|part| part.as_deref().unwrap_or_default()))
}

fn fact(record: Record) -> Result<NewFact> {
    let kind = |text: Option<String>| text.and_then(|text| text.parse().ok()).unwrap_or(EntityKind::Other);
    let missing = |what: &str| Error::bad_request("import_record", format!("a fact needs '{what}'"));
    let relation = relation::read(&record.relation.ok_or_else(|| missing("relation"))?)?;
    let subject = Named::new(record.subject.unwrap_or_default(), kind(record.subject_kind));
    let object = match (record.object, record.object_text) {
        (Some(name), _) => Object::Entity(Named::new(name, kind(record.object_kind))),
        (None, Some(words)) => Object::Words(words),
        (None, None) => return Err(missing("object")),
    };
    let statement = record.statement.unwrap_or_else(|| {
        let object = match &object {
            Object::Entity(named) => &named.name,
            Object::Words(words) => words,
        };
        format!("{} {} {object}", subject.name, relation.to_lowercase().replace('_', " "))
    });
    let share =
        |value: Option<f32>, usual: f32| value.filter(|value| (0.0..=1.0).contains(value)).unwrap_or(usual);
    Ok(NewFact {
        kind: record.kind.and_then(|kind| kind.parse().ok()).unwrap_or(MemoryKind::Fact),
        negated: record.negated,
        single_valued: record.single_valued,
        said: Span::new(instant(record.valid_from.as_deref())?, instant(record.valid_to.as_deref())?),
        confidence: share(record.confidence, 1.0),
        importance: share(record.importance, 0.5),
        sensitivity: record.sensitivity.and_then(|text| text.parse().ok()).unwrap_or(Sensitivity::Ordinary),
        ..NewFact::new(subject, relation, object, statement)
    })
}

fn instant(text: Option<&str>) -> Result<Option<Timestamp>> {
    text.filter(|text| !text.is_empty()).map(str::parse).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(data: &str) -> (Origin, Vec<String>) {
        let (origin, all) = records(data).unwrap();
        let names = node_names(&all);
        let told = |incoming: Result<Incoming>| match incoming {
            Ok(Incoming::Episode(episode)) => format!("episode {}", episode.text),
            Ok(Incoming::Fact(fact)) => format!("fact {} {}", fact.subject.name, fact.relation),
            Ok(Incoming::Nothing) => "nothing".to_owned(),
            Err(error) => error.code.to_owned(),
        };
        (origin, all.into_iter().map(|one| told(incoming(origin, one, &names))).collect())
    }

    #[test]
    fn each_program_is_known_by_its_form() {
        let mem0 = r#"{"results": [{"id": "1", "memory": "Likes tea", "created_at": "2024-07-26T10:29:36Z", "metadata": null}],
                       "relations": [{"source": "ada", "relationship": "lives_in", "target": "paris"}]}"#;
        assert_eq!(
            read(mem0),
            (Origin::Mem0, vec!["episode Likes tea".to_owned(), "fact ada LIVES_IN".to_owned()])
        );
        let graphiti = r#"{"nodes": [{"uuid": "a", "name": "Ada"}, {"uuid": "b", "name": "Initech"}],
                           "edges": [{"uuid": "e", "name": "WORKS_AT", "fact": "Ada works at Initech", "source_node_uuid": "a",
                                      "target_node_uuid": "b", "valid_at": "2019-01-01T00:00:00Z", "invalid_at": null}],
                           "episodes": [{"uuid": "c", "content": "Ada: I joined Initech", "name": "turn 1"}]}"#;
        let (origin, told) = read(graphiti);
        assert_eq!(origin, Origin::Graphiti);
        assert!(
            told.contains(&"fact Ada WORKS_AT".to_owned())
                && told.contains(&"episode Ada: I joined Initech".to_owned()),
            "{told:?}"
        );
        let lines = "{\"text\": \"The API depends on Redis.\"}\n{\"subject\": \"API\", \"relation\": \"depends on\", \"object\": \"Redis\"}\nrubbish\n{}";
        let wanted =
            ["episode The API depends on Redis.", "fact API DEPENDS_ON", "import_record", "import_record"];
        assert_eq!(read(lines), (Origin::Jsonl, wanted.map(str::to_owned).to_vec()));
    }

    #[test]
    fn what_is_no_json_is_refused() {
        assert_eq!(records("a,b\n1,2").unwrap_err().code, "import_unreadable");
        assert_eq!("notes".parse::<Origin>().unwrap_err().code, "value_unknown");
    }
}
