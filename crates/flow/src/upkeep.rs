//! What happens to stored runs with time: old ones go, middle-aged ones get thin, and all come under a new key.
//!
//! Keeps true: a run that is not over is never touched; each commit is small, so that others are not kept waiting.

use ibid_runtime::Shutdown;
use ibid_types::{ContentHash, Result, RunId};

use crate::Runner;
use crate::codec::place;
use ibid_store::{SealedColumn, Statement, checkpoint_repack, value_repack};

const DAY_MS: i64 = 86_400_000;
/// Runs in one round.
const BATCH: usize = 64;
/// Rows that get a new key in one commit.
const REPACK: usize = 256;

/// How long what is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeepPolicy {
    /// Days after which ended runs are deleted; 0 keeps them for ever.
    pub keep_days: u32,
    /// Days after which ended runs keep their first and last checkpoint only; 0 keeps all.
    pub thin_days: u32,
}

/// What a round of clean-up did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    pub runs: usize,
    pub thinned: usize,
    pub threads: usize,
}

/// Rows that were brought under the first key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reencrypted {
    pub checkpoints: u64,
    pub values: u64,
    /// Questions, answers, titles and what people think of answers.
    pub texts: u64,
}

impl Runner {
    /// Deletes and thins what the policy says, until all is done or a stop is requested.
    ///
    /// # Errors
    /// Those of the store.
    pub fn clean_up(&self, policy: KeepPolicy, shutdown: &Shutdown) -> Result<Cleaned> {
        let store = self.journal().store();
        let before = |days: u32| store.now().plus_ms(-i64::from(days) * DAY_MS);
        let mut cleaned = Cleaned::default();
        let mut has_more = true;
        while has_more && !shutdown.is_requested() {
            let mut ended = store.runs_of_deleted(BATCH)?;
            if policy.keep_days > 0 && ended.is_empty() {
                ended = store.runs_ended(before(policy.keep_days), BATCH)?;
            }
            for run in &ended {
                store.run_delete(*run)?;
            }
            let thinned = match policy.thin_days {
                0 => 0,
                days => store.runs_thin(before(days), BATCH)?,
            };
            let threads = store.threads_cleanup(BATCH)?;
            cleaned.runs += ended.len();
            cleaned.thinned += thinned;
            cleaned.threads += threads;
            has_more = [ended.len(), thinned, threads].contains(&BATCH);
        }
        Ok(cleaned)
    }

    /// Brings everything under the first key, so that older ones can be dropped; goes on where it stopped, because
    /// what is under the first key already stays as it is.
    ///
    /// # Errors
    /// `checkpoint_key_missing` for rows whose key is not configured, and those of the store.
    pub fn reencrypt(&self, shutdown: &Shutdown) -> Result<Reencrypted> {
        let mut done = Reencrypted::default();
        let mut after: Option<(RunId, u32)> = None;
        while !shutdown.is_requested() {
            let rows = self.journal().store().checkpoints_after(after, REPACK)?;
            let Some(last) = rows.last() else { break };
            after = Some((last.run, last.number));
            let mut statements = Vec::new();
            for row in &rows {
                if let Some(body) = self.journal().codec().repack(&place(row.run, row.number), &row.body)? {
                    statements.push(checkpoint_repack(row, body));
                }
            }
            done.checkpoints += self.write(statements)?;
        }
        done.values = self.reencrypt_values(shutdown)?;
        for column in SealedColumn::ALL {
            done.texts += self.reencrypt_texts(column, shutdown)?;
        }
        Ok(done)
    }

    fn reencrypt_texts(&self, column: SealedColumn, shutdown: &Shutdown) -> Result<u64> {
        let store = self.journal().store();
        let mut done = 0;
        let mut after: Option<Vec<u8>> = None;
        while !shutdown.is_requested() {
            let texts = store.sealed_after(column, after.as_deref(), REPACK)?;
            let Some(last) = texts.last() else { break };
            after = Some(last.row.clone());
            let mut statements = Vec::new();
            for text in &texts {
                statements.extend(store.sealed_renew(column, text)?);
            }
            done += self.write(statements)?;
        }
        Ok(done)
    }

    fn reencrypt_values(&self, shutdown: &Shutdown) -> Result<u64> {
        let mut done = 0;
        let mut after: Option<ContentHash> = None;
        while !shutdown.is_requested() {
            let rows = self.journal().store().values_after(after, REPACK)?;
            let Some((last, _)) = rows.last() else { break };
            after = Some(*last);
            let mut statements = Vec::new();
            for (hash, body) in &rows {
                if let Some(body) = self.journal().codec().repack(&hash.0, body)? {
                    statements.push(value_repack(*hash, body));
                }
            }
            done += self.write(statements)?;
        }
        Ok(done)
    }

    fn write(&self, statements: Vec<Statement>) -> Result<u64> {
        let count = statements.len() as u64;
        if count > 0 {
            self.journal().store().db().batch(statements)?;
        }
        Ok(count)
    }
}
