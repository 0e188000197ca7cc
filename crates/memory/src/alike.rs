//! Facts that say the same in other words become one, with the sources of both.
//!
//! Keeps true: only facts about the same subject, with the same object, and alike in meaning, are one; what two values of one thing are
//! (Paris, Rome) is alike in meaning too, and never merged.

use std::collections::{HashMap, HashSet};

use ibid_extract::name_key;
use ibid_store::{Statement, memory_changed, source_insert};
use ibid_types::memory::{Cause, Fact, Source};
use ibid_types::{FactId, Result};

use crate::Memory;
use crate::change::fact_now;
use crate::record::Scope;

impl Memory {
    /// Merges each of these new facts into one that was there before, where they are the same. Says how many there were.
    pub(crate) fn merge_alike(&self, new: &[FactId]) -> Result<usize> {
        let mut merged = 0;
        for id in new {
            let Some(fact) = fact_now(&self.store, *id)?.filter(|fact| fact.retracted_at.is_none()) else {
                continue;
            };
            let Some(same) = self.same_as(&fact, new)? else { continue };
            self.merge(&fact, same)?;
            merged += 1;
        }
        Ok(merged)
    }

    /// An older fact that says the same, the most alike.
    fn same_as(&self, fact: &Fact, new: &[FactId]) -> Result<Option<FactId>> {
        let about = self.store.facts_about(&[fact.subject])?;
        let fits = |other: &&Fact| {
            other.retracted_at.is_none()
                && other.id != fact.id
                && !(new.contains(&other.id) && other.id > fact.id)
                && (other.workspace, other.owner, other.subject) == (fact.workspace, fact.owner, fact.subject)
                && other.stated.negated == fact.stated.negated
                && other.valid.meets(&fact.valid)
                && has_same_object(fact, other)
        };
        let others: Vec<FactId> = about.iter().filter(fits).map(|other| other.id).collect();
        if others.is_empty() {
            return Ok(None);
        }
        let vectors = self.vectors_of(&others, fact.id)?;
        let Some(own) = vectors.get(&fact.id) else { return Ok(None) };
        let near = others.iter().filter_map(|other| Some((cosine(own, vectors.get(other)?), *other)));
        let nearest = near.max_by(|a, b| a.0.total_cmp(&b.0));
        Ok(nearest.filter(|(cosine, _)| *cosine >= self.config.merge_cosine).map(|(_, other)| other))
    }

    fn vectors_of(&self, others: &[FactId], own: FactId) -> Result<HashMap<FactId, Vec<f32>>> {
        let ids: Vec<[u8; 16]> = others.iter().chain([&own]).map(|id| *id.as_bytes()).collect();
        let found = self.store.memory_vectors(&ids, &self.embedder.spec().id)?;
        Ok(found.into_iter().map(|found| (FactId::from_bytes(found.id), found.numbers())).collect())
    }

    /// The older one takes the sources and the certainty of the newer, which is taken back.
    fn merge(&self, newer: &Fact, into: FactId) -> Result<()> {
        let Some(older) = fact_now(&self.store, into)? else { return Ok(()) };
        let scope = Scope { workspace: newer.workspace, owner: newer.owner, now: self.store.now() };
        let sources = self.store.sources_of(&[newer.id])?;
        let moved = sources.into_iter().map(|source| source_insert(&Source { fact: into, ..source }));
        let mut also: Vec<Statement> = moved.collect();
        also.push(memory_changed(newer.workspace, ibid_store::Remembered::Fact(into)));
        self.recording(scope, |recording| {
            recording.retract(newer)?;
            recording.change(&older, Cause::Merged, |fact| {
                fact.confidence = 1.0 - (1.0 - fact.confidence) * (1.0 - newer.confidence);
                fact.importance = fact.importance.max(newer.importance);
                fact.sensitivity = fact.sensitivity.max(newer.sensitivity);
            })?;
            Ok(also)
        })
        .map(drop)
    }
}

/// The same entity; of words, those of one among those of the other.
fn has_same_object(one: &Fact, other: &Fact) -> bool {
    match (one.object, other.object) {
        (Some(one), Some(other)) => one == other,
        (None, None) => {
            let (one, other) = (words(one), words(other));
            !one.is_empty() && !other.is_empty() && (one.is_subset(&other) || other.is_subset(&one))
        }
        _ => false,
    }
}

fn words(fact: &Fact) -> HashSet<String> {
    let text = fact.stated.object.as_deref().unwrap_or_default();
    name_key(text).split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Of unit vectors.
fn cosine(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}
