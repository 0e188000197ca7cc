//! The jobs that read episodes: facts first, vectors then, behind whoever told something.
//!
//! Keeps true: what was read is one commit with the end of its job; an episode that was forgotten meanwhile leaves nothing; without an
//! embedder everything is remembered, and found by its words.

use std::time::Duration;

use ibid_model::Purpose;
use ibid_runtime::Shutdown;
use ibid_store::{Lease, Remembered, Statement, episode_judged, memory_changed, memory_vector_insert};
use ibid_types::memory::{Cause, Consent, Episode, EpisodeKind, Fact};
use ibid_types::{EpisodeId, Error, FactId, Result, WorkspaceId};
use serde::Deserialize;
use serde_json::json;

use crate::Memory;
use crate::read::{Reading, read};
use crate::record::{Recorded, Recording, Scope};
use crate::remember::JOB;
use crate::second_reading::SECOND_JOB;

const LEASE_MS: i64 = 60_000;
const IDLE: Duration = Duration::from_millis(500);
/// Jobs taken at once.
const JOBS_MAX: usize = 8;
/// A chat model may take its time over an episode.
const SECOND_LEASE_MS: i64 = 900_000;
/// Texts embedded at once.
const EMBED_MAX: usize = 64;

#[derive(Deserialize)]
struct Payload {
    episodes: Vec<EpisodeId>,
}

impl Memory {
    /// Works until the shutdown.
    pub fn run(&self, shutdown: &Shutdown) {
        while !shutdown.is_requested() {
            match self.work() {
                Ok(0) => self.wait(IDLE),
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(code = error.code, "episodes wait to be read: {}", error.chain());
                    shutdown.wait_timeout(IDLE);
                }
            }
        }
    }

    /// Does the jobs that are due; how many there were.
    pub fn work(&self) -> Result<usize> {
        let jobs = self.store.jobs();
        let leases = jobs.lease(JOB, &jobs.owner(), LEASE_MS, JOBS_MAX)?;
        for lease in &leases {
            if let Err(error) = self.do_job(lease) {
                let is_lasting = !error.class.is_transient() && error.code != "store_conflict";
                tracing::warn!(code = error.code, "an episode is not read: {}", error.chain());
                self.figures.lock().failed += 1;
                jobs.fail(lease, &error, !is_lasting)?;
            }
        }
        Ok(leases.len())
    }

    /// Has a chat model read what the rules have read, until the shutdown.
    pub fn run_second(&self, shutdown: &Shutdown) {
        while !shutdown.is_requested() {
            match self.work_second() {
                Ok(false) => shutdown.wait_timeout(IDLE),
                Ok(true) => false,
                Err(error) => {
                    tracing::warn!(
                        code = error.code,
                        "episodes wait for their second reading: {}",
                        error.chain()
                    );
                    shutdown.wait_timeout(IDLE)
                }
            };
        }
    }

    /// Does the next job of a second reading; says whether there was one.
    pub fn work_second(&self) -> Result<bool> {
        let Some(reader) = &self.reader else { return Ok(false) };
        let jobs = self.store.jobs();
        let Some(lease) = jobs.lease(SECOND_JOB, &jobs.owner(), SECOND_LEASE_MS, 1)?.pop() else {
            return Ok(false);
        };
        match self.read_again(&lease, reader.as_ref()) {
            Ok(recorded) => self.embed(&[], &recorded.facts),
            Err(error) => {
                tracing::warn!(code = error.code, "an episode is read by rules only: {}", error.chain());
                let may_help = error.class.is_transient() || error.code == "store_conflict";
                if may_help && lease.job.attempts < lease.job.attempts_max {
                    jobs.fail(&lease, &error, true)?;
                } else {
                    // What the rules found is there: nobody needs to be told that a model added nothing.
                    self.store
                        .db()
                        .batch(vec![jobs.done_statement(&lease, &json!({ "unread": error.code }))])?;
                }
            }
        }
        Ok(true)
    }

    fn do_job(&self, lease: &Lease) -> Result<()> {
        let payload: Payload = serde_json::from_value(lease.job.payload.clone()).map_err(|error| {
            Error::internal("job_malformed", "a job to remember names no episodes").caused_by(error)
        })?;
        let episodes = self.store.episodes_by_id(&payload.episodes)?;
        let recorded = self.read_all(&episodes, lease)?;
        self.figures.lock().read += episodes.len() as u64;
        self.embed(&episodes, &recorded.facts);
        Ok(())
    }

    /// Reads the episodes and records what they say, with the end of the job.
    fn read_all(&self, episodes: &[Episode], lease: &Lease) -> Result<Recorded> {
        let mut all = Recorded::default();
        let mut end: Vec<Statement> = Vec::new();
        for some in episodes.chunk_by(|one, next| (one.workspace, one.owner) == (next.workspace, next.owner))
        {
            let recorded = self.read_of(some)?;
            all.facts.extend(recorded.facts);
            all.entities_new += recorded.entities_new;
            all.merged += recorded.merged;
            all.closed += recorded.closed;
        }
        let facts = all.facts.len();
        let result = json!({"episodes": episodes.len(), "facts": facts, "merged": all.merged, "closed": all.closed, "entities_new": all.entities_new});
        end.push(self.store.jobs().done_statement(lease, &result));
        self.store.db().batch(end)?;
        Ok(all)
    }

    /// Whether its owner, who may have taken back what they allow, lets it be read.
    pub(crate) fn may_read(&self, episode: &Episode) -> Result<bool> {
        Ok(match self.consent(episode.owner)? {
            Consent::On => true,
            Consent::Asked => episode.kind != EpisodeKind::Turn,
            Consent::Off => false,
        })
    }

    /// Episodes of one owner in one workspace.
    fn read_of(&self, episodes: &[Episode]) -> Result<Recorded> {
        let Some(first) = episodes.first() else { return Ok(Recorded::default()) };
        let mut unread = Vec::new();
        for episode in episodes.iter().filter(|episode| episode.importance.is_none()) {
            if self.may_read(episode)? {
                unread.push(episode);
            }
        }
        let readings: Vec<(&Episode, Reading)> = self.with_names(first.workspace, |names| {
            let known = names.of(first.owner);
            let read = |episode: &&'_ Episode| read(episode, &known, self.config.importance_min);
            unread.iter().map(|episode| Ok((*episode, read(episode)?))).collect()
        })?;
        let scope = Scope { workspace: first.workspace, owner: first.owner, now: self.store.now() };
        let judged = readings
            .iter()
            .map(|(episode, reading)| (*episode, reading.importance, reading.sensitivity(episode)));
        let more = self.second_jobs(first.workspace, judged);
        self.recording(scope, |recording| {
            for (_, reading) in &readings {
                recording.add(reading.facts.clone(), Cause::Recorded)?;
            }
            let judged =
                readings.iter().map(|(episode, reading)| episode_judged(episode.id, reading.importance));
            Ok(judged.chain(more.iter().map(|job| self.store.jobs().enqueue_statement(job))).collect())
        })
    }

    /// Records under the lock of the workspace's names; `work` gives what else is to be written in the same commit.
    pub(crate) fn recording(
        &self,
        scope: Scope,
        work: impl FnOnce(&mut Recording<'_>) -> Result<Vec<Statement>>,
    ) -> Result<Recorded> {
        self.with_names(scope.workspace, |names| {
            let mut recording = Recording::new(&self.store, names, scope);
            let also = work(&mut recording)?;
            let (mut statements, recorded) = recording.finish()?;
            statements.extend(also);
            if !statements.is_empty() {
                self.store.db().batch(statements)?;
            }
            let mut figures = self.figures.lock();
            figures.facts += recorded.facts.len() as u64 - recorded.merged as u64;
            figures.merged += recorded.merged as u64;
            figures.closed += recorded.closed as u64;
            Ok(recorded)
        })
    }

    /// Gives episodes and facts their vectors, by which facts that say the same are known; without an embedder they are found by their words.
    fn embed(&self, episodes: &[Episode], facts: &[FactId]) {
        let embedded = self
            .embed_episodes(episodes)
            .and_then(|()| self.embed_facts(facts))
            .and_then(|()| self.merge_alike(facts).map(drop));
        if let Err(error) = embedded {
            tracing::warn!(code = error.code, "memories are found by their words only: {}", error.chain());
        }
    }

    pub(crate) fn embed_episodes(&self, episodes: &[Episode]) -> Result<()> {
        let text = |episode: &Episode| (episode.workspace, Remembered::Episode(episode.id), text_of(episode));
        self.embed_texts(episodes.iter().map(text).collect())
    }

    pub(crate) fn embed_facts(&self, facts: &[FactId]) -> Result<()> {
        let states = self.store.facts_by_id(facts)?;
        let believed = states.iter().filter(|state| state.retracted_at.is_none());
        let mut texts: Vec<(WorkspaceId, Remembered, String)> = believed
            .map(|fact| (fact.workspace, Remembered::Fact(fact.id), fact.stated.statement.clone()))
            .collect();
        texts.sort_unstable_by_key(|(_, what, _)| *what);
        texts.dedup_by_key(|(_, what, _)| *what);
        self.embed_texts(texts)
    }

    fn embed_texts(&self, texts: Vec<(WorkspaceId, Remembered, String)>) -> Result<()> {
        let model = self.embedder.spec().id.clone();
        for some in texts.chunks(EMBED_MAX) {
            let said: Vec<&str> = some.iter().map(|(_, _, text)| text.as_str()).collect();
            let vectors = self.embedder.embed(&said, Purpose::Passage)?;
            let mut statements = Vec::with_capacity(some.len() * 2);
            for ((workspace, what, _), vector) in some.iter().zip(&vectors) {
                let (Remembered::Episode(EpisodeId(id)) | Remembered::Fact(FactId(id))) = what else {
                    continue;
                };
                statements.push(memory_vector_insert(*id.as_bytes(), &model, vector));
                statements.push(memory_changed(*workspace, *what));
            }
            self.store.db().batch(statements)?;
        }
        Ok(())
    }
}

/// What of an episode is embedded: who says it, and what.
#[must_use]
pub fn text_of(episode: &Episode) -> String {
    match &episode.said.speaker {
        Some(speaker) => format!("{speaker}: {}", episode.said.text),
        None => episode.said.text.clone(),
    }
}

/// What of a fact is searched for.
#[must_use]
pub fn text_of_fact(fact: &Fact) -> &str {
    &fact.stated.statement
}
