//! New facts into rows: names become entities, what was said again is merged, what contradicts is settled.
//!
//! Keeps true: one at a time settles, and all of it is one commit with what the caller adds; a state of a fact is never changed, another
//! takes its place; what was believed before stays to be asked for.

use std::collections::{BTreeMap, HashMap, HashSet};

use ibid_extract::name_key;
use ibid_store::{Statement, Store, entity_insert, fact_insert, fact_retract, source_insert, topic_of};
use ibid_types::memory::{Cause, Entity, Fact, Known, Owner, Source, Span, Stated};
use ibid_types::{EntityId, FactId, FactVersionId, Result, Timestamp, WorkspaceId};

use crate::found::{Named, NewFact, Object};
use crate::names::Names;
use crate::settle::{Assertion, Piece, settle};

/// Whose memory is written, and when.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    pub workspace: WorkspaceId,
    pub owner: Owner,
    pub now: Timestamp,
}

/// What a recording did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The facts, in the order in which they came; one that was merged is the one that was there.
    pub facts: Vec<FactId>,
    pub entities_new: usize,
    pub merged: usize,
    /// Facts whose validity others have changed.
    pub closed: usize,
}

/// A batch in the making.
#[derive(Debug)]
pub struct Recording<'a> {
    store: &'a Store,
    names: &'a mut Names,
    scope: Scope,
    topics: BTreeMap<[u8; 16], Topic>,
    statements: Vec<Statement>,
    recorded: Recorded,
}

/// All that is believed of one subject and one relation.
#[derive(Debug, Default)]
struct Topic {
    facts: BTreeMap<FactId, Believed>,
}

/// A fact with the states of it that are believed.
#[derive(Debug)]
struct Believed {
    states: Vec<Fact>,
    /// As it is to be; its times are settled.
    wanted: Fact,
    cause: Cause,
    is_gone: bool,
}

impl<'a> Recording<'a> {
    pub fn new(store: &'a Store, names: &'a mut Names, scope: Scope) -> Self {
        Self {
            store,
            names,
            scope,
            topics: BTreeMap::new(),
            statements: Vec::new(),
            recorded: Recorded::default(),
        }
    }

    /// Adds facts, each of them said in this order.
    pub fn add(&mut self, facts: Vec<NewFact>, cause: Cause) -> Result<()> {
        let mut placed = Vec::with_capacity(facts.len());
        for fact in facts {
            let subject = self.entity(&fact.subject)?;
            let object = match &fact.object {
                Object::Entity(named) => Some(self.entity(named)?),
                Object::Words(_) => None,
            };
            placed.push((fact, subject, object));
        }
        let topics: Vec<[u8; 16]> =
            placed.iter().map(|(fact, subject, _)| topic_of(*subject, &fact.relation)).collect();
        self.look_up(&topics)?;
        for ((new, subject, object), topic) in placed.into_iter().zip(&topics) {
            let wanted = self.wanted(&new, subject, object, cause);
            let fact = self.place(*topic, &new, wanted, cause);
            let sources = new.sources.iter().map(|(episode, span)| Source {
                fact,
                episode: *episode,
                start: span.start,
                end: span.end,
            });
            self.statements.extend(sources.map(|source| source_insert(&source)));
            self.recorded.facts.push(fact);
        }
        Ok(())
    }

    /// Changes a fact that is believed, as a person wants it.
    pub fn change(&mut self, fact: &Fact, cause: Cause, change: impl FnOnce(&mut Fact)) -> Result<()> {
        if let Some(believed) = self.believed(fact)? {
            change(&mut believed.wanted);
            believed.cause = cause;
        }
        Ok(())
    }

    /// Takes a fact back: what it had ended goes on.
    pub fn retract(&mut self, fact: &Fact) -> Result<()> {
        if let Some(believed) = self.believed(fact)? {
            believed.is_gone = true;
        }
        Ok(())
    }

    /// The statements of all that was added, and what they do.
    pub fn finish(mut self) -> Result<(Vec<Statement>, Recorded)> {
        for topic in std::mem::take(&mut self.topics).into_values() {
            self.settle(topic)?;
        }
        Ok((self.statements, self.recorded))
    }

    /// The entity of a name, made where there is none.
    pub fn entity(&mut self, named: &Named) -> Result<EntityId> {
        if let Some(known) = self.names.find(self.scope.owner, &named.name) {
            return Ok(known);
        }
        let entity = Entity {
            id: EntityId::new(),
            workspace: self.scope.workspace,
            owner: self.scope.owner,
            kind: named.kind,
            created_at: self.scope.now,
            known: Known { name: named.name.trim().to_owned(), aliases: Vec::new() },
        };
        self.statements.extend(entity_insert(&entity, self.store.sealer())?);
        let id = entity.id;
        self.names.put(entity);
        self.recorded.entities_new += 1;
        Ok(id)
    }

    fn believed(&mut self, fact: &Fact) -> Result<Option<&mut Believed>> {
        let topic = topic_of(fact.subject, &fact.stated.relation);
        self.look_up(&[topic])?;
        Ok(self.topics.entry(topic).or_default().facts.get_mut(&fact.id))
    }

    /// Reads what is believed of topics that were not looked at yet.
    fn look_up(&mut self, topics: &[[u8; 16]]) -> Result<()> {
        let mut new: Vec<[u8; 16]> =
            topics.iter().filter(|topic| !self.topics.contains_key(*topic)).copied().collect();
        new.sort_unstable();
        new.dedup();
        for state in self.store.facts_on(self.scope.workspace, self.scope.owner, &new)? {
            self.topics.entry(topic_of(state.subject, &state.stated.relation)).or_default().put(state);
        }
        for topic in new {
            self.topics.entry(topic).or_default();
        }
        Ok(())
    }

    fn wanted(&self, new: &NewFact, subject: EntityId, object: Option<EntityId>, cause: Cause) -> Fact {
        let words = match &new.object {
            Object::Words(words) => Some(words.clone()),
            Object::Entity(_) => None,
        };
        Fact {
            version: FactVersionId::new(),
            id: FactId::new(),
            workspace: self.scope.workspace,
            owner: self.scope.owner,
            kind: new.kind,
            subject,
            object,
            valid: new.said,
            recorded_at: self.scope.now,
            retracted_at: None,
            cause,
            closed_by: None,
            confidence: new.confidence,
            importance: new.importance,
            sensitivity: new.sensitivity,
            archived_at: None,
            stated: Stated {
                relation: new.relation.clone(),
                object: words,
                statement: new.statement.clone(),
                negated: new.negated,
                single_valued: new.single_valued,
                said: new.said,
                rank: self.scope.now.0,
            },
        }
    }

    /// Where the new fact belongs: into one that says the same, as the end of one, or beside the others.
    fn place(&mut self, topic: [u8; 16], new: &NewFact, mut wanted: Fact, cause: Cause) -> FactId {
        let topic = self.topics.entry(topic).or_default();
        if let Some(same) = topic.same(&wanted) {
            same.merge(&wanted);
            self.recorded.merged += 1;
            return same.wanted.id;
        }
        if new.closes
            && let Some(open) = topic.open(&wanted)
        {
            open.end(wanted.valid.from.or(wanted.valid.to), &wanted);
            self.recorded.closed += 1;
            return open.wanted.id;
        }
        // Of what was recorded at the same instant the later counts for more.
        wanted.stated.rank = wanted.stated.rank.max(topic.rank_max() + 1);
        let id = wanted.id;
        topic.facts.insert(id, Believed { states: Vec::new(), wanted, cause, is_gone: false });
        id
    }

    /// Writes the states that are believed now, where they are others than before.
    fn settle(&mut self, topic: Topic) -> Result<()> {
        let left: Vec<&Believed> = topic.facts.values().filter(|believed| !believed.is_gone).collect();
        let is_single = left.iter().any(|believed| believed.wanted.stated.single_valued);
        let assertions: Vec<Assertion> = left.iter().map(|believed| assertion(&believed.wanted)).collect();
        let mut pieces: HashMap<FactId, Vec<Piece>> = settle(is_single, &assertions)
            .into_iter()
            .map(|settled| (settled.fact, settled.pieces))
            .collect();
        for (id, believed) in topic.facts {
            let wanted = believed.states_wanted(pieces.remove(&id).unwrap_or_default());
            self.write(&believed, &wanted)?;
        }
        Ok(())
    }

    fn write(&mut self, believed: &Believed, wanted: &[Fact]) -> Result<()> {
        if is_same(&believed.states, wanted) {
            return Ok(());
        }
        for state in &believed.states {
            self.statements.extend(fact_retract(state, self.scope.now));
        }
        let is_changed_by_others = !believed.states.is_empty() && believed.is_as_it_was();
        self.recorded.closed += usize::from(is_changed_by_others && !believed.is_gone);
        for state in wanted {
            let cause = if is_changed_by_others { Cause::Closed } else { believed.cause };
            let state = Fact {
                version: FactVersionId::new(),
                recorded_at: self.scope.now,
                retracted_at: None,
                cause,
                ..state.clone()
            };
            self.statements.extend(fact_insert(&state, self.store.sealer())?);
        }
        Ok(())
    }
}

impl Topic {
    fn put(&mut self, state: Fact) {
        let believed = self.facts.entry(state.id).or_insert_with(|| Believed {
            states: Vec::new(),
            wanted: state.clone(),
            cause: state.cause,
            is_gone: false,
        });
        believed.states.push(state);
    }

    fn rank_max(&self) -> i64 {
        self.facts.values().map(|believed| believed.wanted.stated.rank).max().unwrap_or(i64::MIN)
    }

    /// A fact that says the same at the same time.
    fn same(&mut self, new: &Fact) -> Option<&mut Believed> {
        let is_same = |believed: &&mut Believed| {
            value_of(&believed.wanted) == value_of(new)
                && believed.wanted.stated.negated == new.stated.negated
                && believed.holds_with(new.valid)
        };
        self.facts.values_mut().find(is_same)
    }

    /// A fact that the new one says has ended.
    fn open(&mut self, new: &Fact) -> Option<&mut Believed> {
        let is_open = |believed: &&mut Believed| {
            value_of(&believed.wanted) == value_of(new)
                && !believed.wanted.stated.negated
                && believed.wanted.stated.said.to.is_none()
        };
        self.facts.values_mut().find(is_open)
    }
}

impl Believed {
    fn valid(&self) -> Vec<Span> {
        if self.states.is_empty() {
            vec![self.wanted.valid]
        } else {
            self.states.iter().map(|state| state.valid).collect()
        }
    }

    fn holds_with(&self, time: Span) -> bool {
        !self.is_gone && self.valid().iter().any(|valid| valid.meets(&time))
    }

    /// Takes up what was said again: it holds for all the time that either says, is surer, and as important as the more important.
    fn merge(&mut self, again: &Fact) {
        let (fact, said) = (&mut self.wanted, again.stated.said);
        let known = fact.stated.said;
        let from = match (known.from, said.from) {
            (Some(one), Some(other)) => Some(one.min(other)),
            _ => None,
        };
        fact.stated.said = Span::new(from, if said.to.is_some() { said.to } else { known.to });
        fact.confidence = 1.0 - (1.0 - fact.confidence) * (1.0 - again.confidence);
        fact.importance = fact.importance.max(again.importance);
        fact.sensitivity = fact.sensitivity.max(again.sensitivity);
        fact.archived_at = None;
        self.cause = Cause::Merged;
    }

    fn end(&mut self, at: Option<Timestamp>, by: &Fact) {
        let end = at.or(Some(by.recorded_at));
        self.wanted.stated.said.to = end.max(self.wanted.stated.said.from);
        self.cause = Cause::Merged;
    }

    /// Whether only its times may have changed.
    fn is_as_it_was(&self) -> bool {
        self.states.first().is_some_and(|state| is_alike(state, &self.wanted))
    }

    fn states_wanted(&self, pieces: Vec<Piece>) -> Vec<Fact> {
        let state =
            |piece: Piece| Fact { valid: piece.valid, closed_by: piece.closed_by, ..self.wanted.clone() };
        pieces.into_iter().map(state).collect()
    }
}

fn assertion(fact: &Fact) -> Assertion {
    Assertion {
        fact: fact.id,
        value: value_of(fact),
        negated: fact.stated.negated,
        said: fact.stated.said,
        rank: fact.stated.rank,
    }
}

/// The same for what is said of the same object.
fn value_of(fact: &Fact) -> String {
    match fact.object {
        Some(entity) => entity.to_string(),
        None => name_key(fact.stated.object.as_deref().unwrap_or(&fact.stated.statement)),
    }
}

fn is_same(states: &[Fact], wanted: &[Fact]) -> bool {
    let key = |fact: &Fact| (fact.valid.from, fact.valid.to, fact.closed_by);
    let times = |facts: &[Fact]| facts.iter().map(key).collect::<HashSet<_>>();
    states.len() == wanted.len()
        && times(states) == times(wanted)
        && states.iter().zip(wanted).all(|(state, wanted)| is_alike(state, wanted))
}

/// Whether two states of a fact differ in nothing but their times.
fn is_alike(one: &Fact, other: &Fact) -> bool {
    one.stated == other.stated
        && one.kind == other.kind
        && one.object == other.object
        && one.confidence.to_bits() == other.confidence.to_bits()
        && one.importance.to_bits() == other.importance.to_bits()
        && one.sensitivity == other.sensitivity
        && one.archived_at == other.archived_at
}
