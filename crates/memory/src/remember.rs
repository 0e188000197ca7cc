//! What is told becomes an episode, with the job that will read it, in one commit.
//!
//! Keeps true: nothing is kept of somebody who allows nothing; secrets never reach a row; sending twice is sending once.

use ibid_store::{NewJob, Statement, episode_insert};
use ibid_types::memory::{Consent, Episode, EpisodeKind, Owner, Said, Sensitivity, Series};
use ibid_types::{EpisodeId, Error, JobId, Result, Timestamp, WorkspaceId};
use serde_json::json;

use crate::Memory;

/// The kind of the jobs that read episodes.
pub const JOB: &str = "remember";
/// A text that cannot be read does not get better by trying.
const ATTEMPTS_MAX: u32 = 3;

/// A text to be remembered.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEpisode {
    pub kind: EpisodeKind,
    pub text: String,
    pub speaker: Option<String>,
    pub addressee: Option<String>,
    /// When it was said; now without it.
    pub at: Option<Timestamp>,
    /// IANA name of the zone in which its words for days are meant.
    pub zone: Option<String>,
    pub source: Option<String>,
    pub series: Option<Series>,
    /// What its sender calls it: of two with the same name the first is kept.
    pub name: Option<String>,
    pub sensitivity: Option<Sensitivity>,
}

impl NewEpisode {
    #[must_use]
    pub fn note(text: impl Into<String>) -> Self {
        Self {
            kind: EpisodeKind::Note,
            text: text.into(),
            speaker: None,
            addressee: None,
            at: None,
            zone: None,
            source: None,
            series: None,
            name: None,
            sensitivity: None,
        }
    }
}

/// What became of what was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// In the order in which they came; one that was sent before has the id that it had.
    pub episodes: Vec<EpisodeId>,
    /// What reads them; none where all were sent before.
    pub job: Option<JobId>,
}

impl Memory {
    /// What an owner allows; who never said, allows what they ask for.
    pub fn consent(&self, owner: Owner) -> Result<Consent> {
        Ok(self.store.consent(owner)?.map_or(Consent::Asked, |row| row.consent))
    }

    /// Takes episodes in, which are read behind this. Errors: `memory_consent`, `episode_empty`, `episode_too_large`,
    /// `episodes_too_many`, `zone_unknown`.
    pub fn remember(&self, workspace: WorkspaceId, owner: Owner, episodes: Vec<NewEpisode>) -> Result<Taken> {
        self.check_consent(owner, &episodes)?;
        let (statements, taken) = self.remember_statements(workspace, owner, episodes)?;
        if !statements.is_empty() {
            self.store.db().batch(statements)?;
            self.wake();
        }
        Ok(taken)
    }

    /// The same as part of a batch of the caller's.
    pub fn remember_statements(
        &self,
        workspace: WorkspaceId,
        owner: Owner,
        episodes: Vec<NewEpisode>,
    ) -> Result<(Vec<Statement>, Taken)> {
        if episodes.len() > self.config.episodes_max {
            let what =
                format!("{} episodes; send at most {} at once", episodes.len(), self.config.episodes_max);
            return Err(Error::bad_request("episodes_too_many", what));
        }
        let mut statements = Vec::with_capacity(episodes.len() * 2 + 1);
        let (mut ids, mut new) = (Vec::with_capacity(episodes.len()), Vec::new());
        for told in episodes {
            self.check(&told)?;
            let known = match &told.name {
                Some(name) => self.store.episode_named(workspace, owner, name)?,
                None => None,
            };
            if let Some(known) = known {
                ids.push(known);
                continue;
            }
            let name = told.name.clone();
            let episode = self.episode(workspace, owner, told);
            statements.extend(episode_insert(&episode, name.as_deref(), self.store.sealer())?);
            ids.push(episode.id);
            new.push(episode.id);
        }
        let job = (!new.is_empty()).then(|| self.job(workspace, &new));
        if let Some(job) = &job {
            statements.push(self.store.jobs().enqueue_statement(job));
        }
        Ok((statements, Taken { episodes: ids, job: job.map(|job| job.id) }))
    }

    /// Who allows nothing is not even remembered when they ask for it; who allows what they ask for, not when they only talk.
    pub(crate) fn check_consent(&self, owner: Owner, episodes: &[NewEpisode]) -> Result<()> {
        let is_asked = episodes.iter().all(|episode| episode.kind != EpisodeKind::Turn);
        match self.consent(owner)? {
            Consent::On => Ok(()),
            Consent::Asked if is_asked => Ok(()),
            consent => {
                let what = format!(
                    "nothing is remembered of {owner}: their consent is '{consent}'; they can change it with `ibid memory consent` or \
                     PUT /v1/memory/consent"
                );
                Err(Error::forbidden("memory_consent", what))
            }
        }
    }

    fn check(&self, told: &NewEpisode) -> Result<()> {
        if told.text.trim().is_empty() {
            return Err(Error::bad_request("episode_empty", "an episode needs a text; send 'text'"));
        }
        let most = self.config.episode_bytes_max;
        if told.text.len() > most {
            let what = format!(
                "an episode of {} bytes; send at most {most}, or ingest it as a document",
                told.text.len()
            );
            return Err(Error::bad_request("episode_too_large", what));
        }
        match &told.zone {
            Some(zone) => zone_of(zone).map(drop),
            None => Ok(()),
        }
    }

    pub(crate) fn episode(&self, workspace: WorkspaceId, owner: Owner, told: NewEpisode) -> Episode {
        let now = self.store.now();
        Episode {
            id: EpisodeId::new(),
            workspace,
            owner,
            kind: told.kind,
            series: told.series,
            at: told.at.unwrap_or(now),
            recorded_at: now,
            importance: None,
            archived_at: None,
            said: Said {
                text: without_secrets(&told.text),
                speaker: told.speaker,
                addressee: told.addressee,
                zone: told.zone,
                source: told.source,
                sensitivity: told.sensitivity,
            },
        }
    }

    pub(crate) fn job(&self, workspace: WorkspaceId, episodes: &[EpisodeId]) -> NewJob {
        NewJob {
            id: JobId::new(),
            kind: JOB.to_owned(),
            workspace: Some(workspace),
            document: None,
            subject: format!("{} to remember", episodes.len()),
            batch: None,
            payload: json!({ "episodes": episodes }),
            attempts_max: ATTEMPTS_MAX,
            run_at: None,
        }
    }
}

/// The day on which it was said, where it was said.
#[must_use]
pub fn day_of(episode: &Episode) -> String {
    let zone = episode.said.zone.as_deref().and_then(|zone| zone_of(zone).ok());
    let at = jiff::Timestamp::from_millisecond(episode.at.0);
    at.map_or_else(
        |_| episode.at.to_string(),
        |at| at.to_zoned(zone.unwrap_or(jiff::tz::TimeZone::UTC)).date().to_string(),
    )
}

/// Error: `zone_unknown`.
pub fn zone_of(name: &str) -> Result<jiff::tz::TimeZone> {
    jiff::tz::TimeZone::get(name).map_err(|_| {
        Error::bad_request(
            "zone_unknown",
            format!("there is no time zone '{name}'; use an IANA name such as Europe/Berlin"),
        )
    })
}

/// Passwords and keys are blotted out, byte for byte, so that every place stays where it is.
fn without_secrets(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for found in ibid_guard::find_secrets(text) {
        bytes[found.start..found.end].fill(b'*');
    }
    String::from_utf8(bytes).unwrap_or_default()
}
