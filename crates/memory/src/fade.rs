//! What nobody uses leaves recall, and what is kept for a time goes when that is over.
//!
//! Keeps true: a round does a bounded piece of work, and another round goes on where it ended.

use ibid_store::{Statement, closer_forget, episode_forget, fact_forget, log_holds};
use ibid_types::memory::{Cause, EpisodeKind};
use ibid_types::{FactId, ReceiptId, Result, Timestamp, WorkspaceId};

use crate::Memory;
use crate::change::fact_now;
use crate::config::DAY_MS;
use crate::record::Scope;

/// Rows of each sort in a round.
const ROUND_MAX: usize = 500;

/// What a round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faded {
    /// Facts that left recall.
    pub archived: usize,
    /// Facts and episodes that were kept long enough.
    pub facts: usize,
    pub episodes: usize,
    /// Receipts and counts of use.
    pub records: u64,
}

impl Memory {
    /// One round.
    pub fn fade(&self) -> Result<Faded> {
        let now = self.store.now();
        let retention = self.config.retention;
        let before = |days: u32| now.plus_ms(-i64::from(days) * DAY_MS);
        let episodes = self.drop_episodes(EpisodeKind::Turn, before(retention.chat_days))?
            + self.drop_episodes(EpisodeKind::Event, before(retention.logs_days))?;
        let facts = self.drop_facts(before(retention.user_days))?;
        let archived = self.archive(now)?;
        let records = self.store.memory_records_cleanup(before(retention.analytics_days))?;
        if episodes + facts > 0 {
            self.store.memory_erased()?;
        }
        Ok(Faded { archived, facts, episodes, records })
    }

    /// Episodes go, what was found in them stays.
    fn drop_episodes(&self, kind: EpisodeKind, before: Timestamp) -> Result<usize> {
        let old = self.store.episodes_older(kind.name(), before, ROUND_MAX)?;
        self.write(old.iter().flat_map(|(workspace, id)| episode_forget(*workspace, *id)).collect())?;
        Ok(old.len())
    }

    fn drop_facts(&self, before: Timestamp) -> Result<usize> {
        let old = self.store.facts_archived_before(before, ROUND_MAX)?;
        let gone = |(workspace, id): &(WorkspaceId, FactId)| {
            let mut statements = fact_forget(*workspace, *id);
            statements.push(closer_forget(*id));
            statements
        };
        self.write(old.iter().flat_map(gone).collect())?;
        Ok(old.len())
    }

    fn archive(&self, now: Timestamp) -> Result<usize> {
        let fade_ms = i64::from(self.config.fade_days) * DAY_MS;
        let mut faded = self.store.facts_faded(now, fade_ms, ROUND_MAX)?;
        faded.sort_unstable();
        faded.dedup();
        for (workspace, id) in &faded {
            let Some(fact) = fact_now(&self.store, *id)? else { continue };
            let scope = Scope { workspace: *workspace, owner: fact.owner, now };
            self.recording(scope, |recording| {
                recording.change(&fact, Cause::Edited, |fact| fact.archived_at = Some(now))?;
                Ok(Vec::new())
            })?;
        }
        Ok(faded.len())
    }

    fn write(&self, mut statements: Vec<Statement>) -> Result<()> {
        if statements.is_empty() {
            return Ok(());
        }
        statements.push(log_holds(self.store.now(), *ReceiptId::new().as_bytes()));
        self.store.db().batch(statements).map(drop)
    }
}
