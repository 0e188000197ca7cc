//! Facts, episodes and entities as clients see them: with the names of what they are about and the words that say them.

use std::collections::HashMap;

use ibid_api::memory as wire;
use ibid_store::Store;
use ibid_types::memory::{Entity, Episode, Fact, Owner, Source};
use ibid_types::{EntityId, EpisodeId, FactId, Result};

/// The facts, in order, with their sources.
pub fn facts(store: &Store, facts: &[Fact]) -> Result<Vec<wire::Fact>> {
    let about: Vec<EntityId> =
        facts.iter().flat_map(|fact| [Some(fact.subject), fact.object]).flatten().collect();
    let names: HashMap<EntityId, Entity> =
        store.entities_by_id(&unique(about))?.into_iter().map(|entity| (entity.id, entity)).collect();
    let ids = unique(facts.iter().map(|fact| fact.id).collect());
    let mut sources: HashMap<FactId, Vec<Source>> = HashMap::new();
    for source in store.sources_of(&ids)? {
        sources.entry(source.fact).or_default().push(source);
    }
    let said = unique(sources.values().flatten().map(|source| source.episode).collect());
    let episodes: HashMap<EpisodeId, Episode> =
        store.episodes_by_id(&said)?.into_iter().map(|episode| (episode.id, episode)).collect();
    Ok(facts
        .iter()
        .map(|fact| {
            let own = sources.get(&fact.id).into_iter().flatten();
            one(fact, &names, own.filter_map(|source| quoted(source, &episodes)).collect())
        })
        .collect())
}

fn unique<T: Ord>(mut ids: Vec<T>) -> Vec<T> {
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn one(fact: &Fact, names: &HashMap<EntityId, Entity>, sources: Vec<wire::FactSource>) -> wire::Fact {
    let named = |id: EntityId| match names.get(&id) {
        Some(entity) => wire::EntityNamed {
            id: id.to_string(),
            name: entity.known.name.clone(),
            kind: entity.kind.name().to_owned(),
        },
        None => wire::EntityNamed { id: id.to_string(), name: String::new(), kind: "other".to_owned() },
    };
    wire::Fact {
        id: fact.id.to_string(),
        kind: fact.kind.name().to_owned(),
        subject: named(fact.subject),
        relation: fact.stated.relation.clone(),
        object: fact.object.map(named),
        object_text: fact.stated.object.clone(),
        statement: fact.stated.statement.clone(),
        negated: fact.stated.negated,
        valid_from: fact.valid.from.map(|at| at.to_string()),
        valid_to: fact.valid.to.map(|at| at.to_string()),
        recorded_at: fact.recorded_at.to_string(),
        retracted_at: fact.retracted_at.map(|at| at.to_string()),
        cause: fact.cause.name().to_owned(),
        closed_by: fact.closed_by.map(|id| id.to_string()),
        confidence: fact.confidence,
        importance: fact.importance,
        sensitivity: fact.sensitivity.name().to_owned(),
        archived: fact.archived_at.is_some(),
        shared: fact.owner == Owner::Shared,
        sources,
    }
}

fn quoted(source: &Source, episodes: &HashMap<EpisodeId, Episode>) -> Option<wire::FactSource> {
    let episode = episodes.get(&source.episode)?;
    Some(wire::FactSource {
        episode: source.episode.to_string(),
        start: source.start,
        end: source.end,
        quote: episode.said.text.get(source.start..source.end)?.to_owned(),
        at: episode.at.to_string(),
        zone: episode.said.zone.clone(),
        speaker: episode.said.speaker.clone(),
    })
}

pub fn episode(episode: Episode) -> wire::Episode {
    wire::Episode {
        id: episode.id.to_string(),
        kind: episode.kind.name().to_owned(),
        shared: episode.owner == Owner::Shared,
        text: episode.said.text,
        speaker: episode.said.speaker,
        at: episode.at.to_string(),
        zone: episode.said.zone,
        recorded_at: episode.recorded_at.to_string(),
        source: episode.said.source,
        importance: episode.importance,
    }
}

pub fn entity(entity: Entity, facts: u64) -> wire::Entity {
    wire::Entity {
        id: entity.id.to_string(),
        name: entity.known.name,
        kind: entity.kind.name().to_owned(),
        aliases: entity.known.aliases,
        shared: entity.owner == Owner::Shared,
        facts,
        created_at: entity.created_at.to_string(),
    }
}
