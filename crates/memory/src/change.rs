//! What people do with facts: state them, correct them, take them back, decide between two.
//!
//! Keeps true: each leaves what was believed before to be asked for; a fact that a person states has an episode too.

use ibid_store::{Store, entity_update, episode_insert, episode_judged};
use ibid_types::memory::{Cause, Entity, Episode, Fact, MemoryKind, Sensitivity, Span};
use ibid_types::{EntityId, Error, FactId, Result};

use crate::Memory;
use crate::found::{NewFact, Object};
use crate::record::{Recorded, Scope};
use crate::remember::NewEpisode;

/// What of a fact is to be otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FactChange {
    pub statement: Option<String>,
    pub object: Option<Object>,
    pub kind: Option<MemoryKind>,
    pub valid: Option<Span>,
    pub importance: Option<f32>,
    pub sensitivity: Option<Sensitivity>,
    pub archived: Option<bool>,
}

/// The state of a fact that is believed now, or the last that was.
pub fn fact_now(store: &Store, id: FactId) -> Result<Option<Fact>> {
    let mut states = store.facts_by_id(&[id])?;
    let believed = states.iter().position(|state| state.retracted_at.is_none());
    Ok(believed.map(|at| states.swap_remove(at)).or_else(|| states.pop()))
}

impl Memory {
    /// Records facts that somebody states; each has the episode that says it. Errors: `memory_consent`, `fact_times`.
    pub fn relate(&self, scope: Scope, facts: Vec<NewFact>) -> Result<Recorded> {
        self.check_consent(scope.owner, &[])?;
        facts.iter().try_for_each(|fact| ordered(fact.said))?;
        let recorded = self.recording(scope, |recording| {
            let mut also = Vec::new();
            for mut fact in facts {
                if fact.sources.is_empty() {
                    let episode = self.stated(scope, &fact.statement);
                    also.extend(episode_insert(&episode, None, self.store.sealer())?);
                    also.push(episode_judged(episode.id, fact.importance));
                    fact.sources.push((episode.id, 0..episode.said.text.len()));
                }
                recording.add(vec![fact], Cause::Recorded)?;
            }
            Ok(also)
        })?;
        self.embed_behind(&recorded.facts);
        Ok(recorded)
    }

    /// Changes a fact. Errors: `fact_unknown`, `fact_gone`, `fact_times`.
    pub fn change(&self, scope: Scope, id: FactId, change: FactChange) -> Result<Fact> {
        let fact = self.believed(scope, id)?;
        if let Some(valid) = change.valid {
            ordered(valid)?;
        }
        self.recording(scope, |recording| {
            let object = match &change.object {
                Some(Object::Entity(named)) => Some((Some(recording.entity(named)?), None)),
                Some(Object::Words(words)) => Some((None, Some(words.clone()))),
                None => None,
            };
            recording.change(&fact, Cause::Edited, |fact| apply(fact, &change, object, scope))?;
            Ok(Vec::new())
        })?;
        if change.statement.is_some() {
            self.embed_behind(&[id]);
        }
        self.believed(scope, id)
    }

    /// Takes a fact back as a mistake: what it had ended goes on. Errors: `fact_unknown`, `fact_gone`.
    pub fn retract(&self, scope: Scope, id: FactId) -> Result<()> {
        let fact = self.believed(scope, id)?;
        self.recording(scope, |recording| recording.retract(&fact).map(|()| Vec::new())).map(drop)
    }

    /// Decides for a fact: of all that contradict it, it counts for most. Errors: `fact_unknown`, `fact_gone`.
    pub fn overrule(&self, scope: Scope, id: FactId) -> Result<Fact> {
        let fact = self.believed(scope, id)?;
        self.recording(scope, |recording| {
            recording.change(&fact, Cause::Overruled, |fact| fact.stated.rank = scope.now.0)?;
            Ok(Vec::new())
        })?;
        self.believed(scope, id)
    }

    /// Calls an entity otherwise. Errors: `entity_unknown`.
    pub fn rename(&self, scope: Scope, id: EntityId, change: impl FnOnce(&mut Entity)) -> Result<Entity> {
        self.with_names(scope.workspace, |names| {
            let found = names.entity(id).filter(|entity| entity.owner == scope.owner).cloned();
            let mut entity = found.ok_or_else(|| entity_unknown(id))?;
            change(&mut entity);
            self.store.db().batch(entity_update(&entity, self.store.sealer())?)?;
            names.remove(id);
            names.put(entity.clone());
            Ok(entity)
        })
    }

    /// Error: `fact_unknown` where it is not the owner's, `fact_gone` where nobody believes it any more.
    fn believed(&self, scope: Scope, id: FactId) -> Result<Fact> {
        let found = fact_now(&self.store, id)?;
        let is_theirs = |fact: &Fact| fact.workspace == scope.workspace && fact.owner == scope.owner;
        let fact = found.filter(is_theirs).ok_or_else(|| fact_unknown(id))?;
        if fact.retracted_at.is_some() {
            let what = format!("fact {id} was taken back; state it anew, or look at it with 'believed_at'");
            return Err(Error::conflict("fact_gone", what));
        }
        Ok(fact)
    }

    fn stated(&self, scope: Scope, statement: &str) -> Episode {
        self.episode(scope.workspace, scope.owner, NewEpisode::note(statement))
    }

    fn embed_behind(&self, facts: &[FactId]) {
        if let Err(error) = self.embed_facts(facts) {
            tracing::warn!(code = error.code, "facts are found by their words only: {}", error.chain());
        }
    }
}

fn apply(
    fact: &mut Fact,
    change: &FactChange,
    object: Option<(Option<EntityId>, Option<String>)>,
    scope: Scope,
) {
    if let Some((entity, words)) = object {
        fact.object = entity;
        fact.stated.object = words;
    }
    if let Some(statement) = &change.statement {
        fact.stated.statement.clone_from(statement);
    }
    if let Some(valid) = change.valid {
        fact.stated.said = valid;
    }
    fact.kind = change.kind.unwrap_or(fact.kind);
    fact.importance = change.importance.unwrap_or(fact.importance);
    fact.sensitivity = change.sensitivity.unwrap_or(fact.sensitivity);
    if let Some(archived) = change.archived {
        fact.archived_at = archived.then_some(scope.now);
    }
}

/// Error: `fact_times`.
fn ordered(valid: Span) -> Result<()> {
    if valid.is_ordered() {
        return Ok(());
    }
    Err(Error::bad_request(
        "fact_times",
        "a fact cannot end before it begins; valid_from must not be after valid_to",
    ))
}

fn fact_unknown(id: FactId) -> Error {
    Error::not_found(
        "fact_unknown",
        format!("there is no fact {id} among your memories; GET /v1/memory/facts lists them"),
    )
}

pub(crate) fn entity_unknown(id: EntityId) -> Error {
    let what = format!("there is no entity {id} among your memories; GET /v1/memory/entities lists them");
    Error::not_found("entity_unknown", what)
}
