//! Events of editors and other programs: very many, and few of them say anything.
//!
//! Keeps true: a batch is one commit; what says nothing is kept as it came, with no job and no vector, and is no part of recall; sending twice is sending once.

use std::collections::HashSet;

use ibid_store::{Statement, episode_insert};
use ibid_types::memory::Owner;
use ibid_types::{EpisodeId, Result, WorkspaceId};

use crate::Memory;
use crate::remember::NewEpisode;

/// Of what says nothing, so that nobody reads it for facts.
const NOISE_IMPORTANCE: f32 = 0.05;
/// Read by one job: as many as are read and embedded well within its lease.
const READ_MAX: usize = 200;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub told: NewEpisode,
    /// Whether it is worth being read.
    pub says_something: bool,
}

/// What became of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// That were not known before.
    pub new: u64,
    /// Of these, that will be read.
    pub to_read: u64,
}

impl Memory {
    /// Takes events in. Error: `memory_consent`.
    pub fn observe(&self, workspace: WorkspaceId, owner: Owner, events: Vec<Event>) -> Result<Observed> {
        self.check_consent(owner, &[])?;
        let (mut statements, mut observed) = (Vec::with_capacity(events.len() * 2 + 1), Observed::default());
        let (mut names, mut to_read) = (HashSet::new(), Vec::new());
        for event in events {
            if self.is_known(workspace, owner, &event.told, &mut names)? {
                continue;
            }
            let id = self.keep(workspace, owner, &event, &mut statements)?;
            observed.new += 1;
            to_read.extend(event.says_something.then_some(id));
        }
        observed.to_read = to_read.len() as u64;
        for some in to_read.chunks(READ_MAX) {
            statements.push(self.store.jobs().enqueue_statement(&self.job(workspace, some)));
        }
        if !statements.is_empty() {
            self.store.db().batch(statements)?;
        }
        if !to_read.is_empty() {
            self.wake();
        }
        Ok(observed)
    }

    fn is_known(
        &self,
        workspace: WorkspaceId,
        owner: Owner,
        told: &NewEpisode,
        names: &mut HashSet<String>,
    ) -> Result<bool> {
        let Some(name) = &told.name else { return Ok(false) };
        let is_repeated = !names.insert(name.clone());
        Ok(is_repeated || self.store.episode_named(workspace, owner, name)?.is_some())
    }

    fn keep(
        &self,
        workspace: WorkspaceId,
        owner: Owner,
        event: &Event,
        statements: &mut Vec<Statement>,
    ) -> Result<EpisodeId> {
        let mut episode = self.episode(workspace, owner, event.told.clone());
        if !event.says_something {
            episode.importance = Some(NOISE_IMPORTANCE);
            episode.archived_at = Some(episode.recorded_at);
        }
        statements.extend(episode_insert(&episode, event.told.name.as_deref(), self.store.sealer())?);
        Ok(episode.id)
    }
}
