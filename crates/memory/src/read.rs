//! An episode to the facts that its words state, by rules alone.
//!
//! Keeps true: every fact has the exact place that says it; small talk leaves none; what a person's life is about is marked as such.

use std::ops::Range;

use ibid_extract::{Context, DateRole, Extracted, Known, Statement, extract};
use ibid_types::Result;
use ibid_types::memory::{EntityKind, Episode, MemoryKind, Sensitivity, Span, relation};

use crate::found::{Named, NewFact, Object};
use crate::remember::zone_of;

/// Whoever speaks without a name.
pub(crate) const SPEAKER: &str = "me";

/// What was found in an episode.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub facts: Vec<NewFact>,
    /// Of the episode, 0 to 1.
    pub importance: f32,
}

impl Reading {
    /// Of the most sensitive that it says.
    pub(crate) fn sensitivity(&self, episode: &Episode) -> Sensitivity {
        let told = episode.said.sensitivity.unwrap_or(Sensitivity::Ordinary);
        self.facts.iter().map(|fact| fact.sensitivity).fold(told, Sensitivity::max)
    }
}

/// What an episode is read against. Error: `zone_unknown`.
pub(crate) fn context<'a>(episode: &'a Episode, known: &'a dyn Known) -> Result<Context<'a>> {
    let zone = episode.said.zone.as_deref().map_or(Ok(jiff::tz::TimeZone::UTC), zone_of)?;
    Ok(Context {
        at: episode.at,
        zone,
        speaker: episode.said.speaker.as_deref().or(Some(SPEAKER)),
        addressee: episode.said.addressee.as_deref(),
        known,
    })
}

/// Reads an episode. Error: `zone_unknown`.
pub fn read(episode: &Episode, known: &dyn Known, importance_min: f32) -> Result<Reading> {
    let found = extract(&episode.said.text, &context(episode, known)?);
    let worth = found.statements.iter().filter(|statement| statement.importance >= importance_min);
    let facts = worth.map(|statement| fact(episode, &found, statement)).collect();
    Ok(Reading { facts, importance: found.importance })
}

fn fact(episode: &Episode, found: &Extracted, said: &Statement) -> NewFact {
    let text = &episode.said.text;
    let subject = Named::new(said.subject.name.clone(), subject_kind(found, said));
    let object = match said.object.is_entity {
        true => Object::Entity(Named::new(said.object.text.clone(), kind_of(found, &said.object.text))),
        false => Object::Words(said.object.text.clone()),
    };
    let kind = memory_kind(said.kind);
    NewFact {
        kind,
        relation: relation_of(said),
        statement: text.get(said.span.clone()).unwrap_or_default().trim().to_owned(),
        negated: said.negated,
        closes: said.closes,
        single_valued: said.single_valued,
        said: valid(episode, said, kind),
        confidence: said.confidence,
        importance: said.importance,
        sensitivity: sensitivity_of(episode, found, &said.span, &subject, &said.object.text),
        sources: vec![(episode.id, said.span.clone())],
        subject,
        object,
    }
}

/// One of the relations with a meaning of their own, else the verb.
fn relation_of(said: &Statement) -> String {
    use ibid_extract::RelationKind as Kind;
    let own = match said.relation_kind {
        Kind::RelatesTo => {
            return relation::read(&said.relation).unwrap_or_else(|_| relation::RELATES_TO.to_owned());
        }
        Kind::DependsOn => relation::DEPENDS_ON,
        Kind::BuildsOn => relation::BUILDS_ON,
        Kind::Contradicts => relation::CONTRADICTS,
        Kind::Supersedes => relation::SUPERSEDES,
        Kind::ExceptionTo => relation::EXCEPTION_TO,
        Kind::PartOf => relation::PART_OF,
    };
    own.to_owned()
}

/// What the words say; else a state holds from when it was told, and what is learned or meant at all times.
fn valid(episode: &Episode, said: &Statement, kind: MemoryKind) -> Span {
    said.valid.map_or_else(|| usual(episode, kind), |valid| Span::new(valid.from, valid.to))
}

fn usual(episode: &Episode, kind: MemoryKind) -> Span {
    match kind {
        MemoryKind::Fact | MemoryKind::Preference => Span::new(Some(episode.at), None),
        _ => Span::default(),
    }
}

/// When what these words say holds: by the one date that they name, where they name one.
pub(crate) fn span_of(episode: &Episode, found: &Extracted, words: &Range<usize>, kind: MemoryKind) -> Span {
    let mut dates =
        found.dates.iter().filter(|date| words.start <= date.span.start && date.span.end <= words.end);
    let (Some(date), None) = (dates.next(), dates.next()) else { return usual(episode, kind) };
    match date.role {
        DateRole::Since => Span::new(Some(date.from), None),
        DateRole::Until => Span::new(None, Some(date.to)),
        DateRole::Before => Span::new(None, Some(date.from)),
        DateRole::After => Span::new(Some(date.to), None),
        DateRole::On => Span::new(Some(date.from), Some(date.to)),
    }
}

const fn memory_kind(kind: ibid_extract::MemoryKind) -> MemoryKind {
    match kind {
        ibid_extract::MemoryKind::Fact => MemoryKind::Fact,
        ibid_extract::MemoryKind::Insight => MemoryKind::Insight,
        ibid_extract::MemoryKind::Procedure => MemoryKind::Procedure,
        ibid_extract::MemoryKind::Concept => MemoryKind::Concept,
        ibid_extract::MemoryKind::Preference => MemoryKind::Preference,
    }
}

/// What only people do.
const OF_PEOPLE: [&str; 7] = ["work_at", "live_in", "married_to", "born_in", "prefer", "join", "study_at"];

fn subject_kind(found: &Extracted, said: &Statement) -> EntityKind {
    let kind = kind_of(found, &said.subject.name);
    let is_person =
        said.subject.is_speaker || (kind == EntityKind::Other && OF_PEOPLE.contains(&said.relation.as_str()));
    if is_person { EntityKind::Person } else { kind }
}

/// What a name stands for, by where else it is in the text.
pub(crate) fn kind_of(found: &Extracted, name: &str) -> EntityKind {
    let mention = found.mentions.iter().find(|mention| mention.name == name);
    mention.map_or(EntityKind::Other, |mention| entity_kind(mention.kind))
}

const fn entity_kind(kind: ibid_extract::EntityKind) -> EntityKind {
    use ibid_extract::EntityKind as Kind;
    match kind {
        Kind::Person => EntityKind::Person,
        Kind::Organisation => EntityKind::Organisation,
        Kind::Place => EntityKind::Place,
        Kind::Event => EntityKind::Event,
        Kind::Work => EntityKind::Work,
        Kind::Product => EntityKind::Product,
        Kind::File => EntityKind::File,
        Kind::Symbol => EntityKind::Symbol,
        Kind::Concept => EntityKind::Concept,
        Kind::Url | Kind::Email | Kind::Other => EntityKind::Other,
    }
}

/// Stems of words about what people are hurt by when others know it.
const SENSITIVE: [&str; 28] = [
    "diagnos",
    "disease",
    "illness",
    "cancer",
    "hiv",
    "pregnan",
    "miscarr",
    "depress",
    "anxiety",
    "therap",
    "medicat",
    "surgery",
    "suicid",
    "addict",
    "alcoholi",
    "salary",
    "debt",
    "bankrupt",
    "mortgage",
    "religio",
    "church",
    "mosque",
    "synagogue",
    "gay",
    "lesbian",
    "transgender",
    "divorc",
    "convict",
];

pub(crate) fn sensitivity_of(
    episode: &Episode,
    found: &Extracted,
    span: &Range<usize>,
    subject: &Named,
    object: &str,
) -> Sensitivity {
    let words = episode.said.text.get(span.clone()).unwrap_or_default().to_lowercase();
    let is_sensitive = words
        .split(|c: char| !c.is_alphanumeric())
        .any(|word| SENSITIVE.iter().any(|stem| word.starts_with(stem)));
    let is_personal = subject.kind == EntityKind::Person
        || kind_of(found, object) == EntityKind::Person
        || !ibid_guard::find_personal(&words).is_empty();
    let is_of_somebody = is_personal || subject.kind == EntityKind::Other;
    let own = match (is_sensitive && is_of_somebody, is_personal) {
        (true, _) => Sensitivity::Sensitive,
        (_, true) => Sensitivity::Personal,
        _ => Sensitivity::Ordinary,
    };
    episode.said.sensitivity.map_or(own, |told| told.max(own))
}
