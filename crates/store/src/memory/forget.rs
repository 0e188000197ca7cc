//! Forgetting: the statements that leave nothing of what is named, and of what rests on it alone.

use ibid_types::memory::{Owner, Source};
use ibid_types::{EntityId, EpisodeId, FactId, Result, Timestamp, WorkspaceId};

use super::{Remembered, memory_changed, owner_marks};
use crate::feed::setting;
use crate::{Row, Statement, Store, Value};

/// The setting that says since when the log of the database may hold what rows no longer do. It is written with what takes the rows away, so
/// that a crash before the log is emptied is known.
const LOG_HELD: &str = "memory_log_held";

/// How much was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    pub episodes: u64,
    pub entities: u64,
    pub facts: u64,
}

fn delete(sql: &'static str, id: impl Into<Value>) -> Statement {
    Statement::new(sql, vec![id.into()])
}

/// A fact, every state of it, and its places.
#[must_use]
pub fn fact_forget(workspace: WorkspaceId, id: FactId) -> Vec<Statement> {
    vec![
        delete("DELETE FROM facts WHERE fact_id = $1", id),
        delete("DELETE FROM fact_sources WHERE fact_id = $1", id),
        delete("DELETE FROM memory_vectors WHERE id = $1", id),
        delete("DELETE FROM memory_uses WHERE id = $1", id),
        memory_changed(workspace, Remembered::Fact(id)),
    ]
}

/// An entity; its facts are forgotten by themselves.
#[must_use]
pub fn entity_forget(workspace: WorkspaceId, id: EntityId) -> Vec<Statement> {
    vec![
        delete("DELETE FROM entities WHERE id = $1", id),
        delete("DELETE FROM memory_uses WHERE id = $1", id),
        memory_changed(workspace, Remembered::Entity(id)),
    ]
}

/// An episode and what it was the place of; facts that have no other place are forgotten by themselves.
#[must_use]
pub fn episode_forget(workspace: WorkspaceId, id: EpisodeId) -> Vec<Statement> {
    vec![
        delete("DELETE FROM episodes WHERE id = $1", id),
        delete("DELETE FROM fact_sources WHERE episode_id = $1", id),
        delete("DELETE FROM memory_vectors WHERE id = $1", id),
        delete("DELETE FROM memory_uses WHERE id = $1", id),
        memory_changed(workspace, Remembered::Episode(id)),
    ]
}

/// A place that says a fact is no longer there.
#[must_use]
pub fn source_forget(source: &Source) -> Statement {
    let sql = "DELETE FROM fact_sources WHERE fact_id = $1 AND episode_id = $2 AND start_byte = $3";
    Statement::new(sql, vec![source.fact.into(), source.episode.into(), source.start.into()])
}

/// Facts that ended because of a fact that is forgotten no longer name it.
#[must_use]
pub fn closer_forget(id: FactId) -> Statement {
    Statement::new("UPDATE facts SET closed_by = NULL WHERE closed_by = $1", vec![id.into()])
}

/// All that an owner has in a workspace.
#[must_use]
pub fn owner_forget(workspace: WorkspaceId, owner: Owner) -> Vec<Statement> {
    let all = |sql| Statement::new(sql, vec![workspace.into(), owner.to_string().into()]);
    let of = "workspace_id = $1 AND owner = $2";
    let within = |sql: String| Statement { sql: sql.into(), ..all("") };
    let mut statements = Vec::new();
    for (table, id) in [("memory_vectors", "id"), ("memory_uses", "id"), ("fact_sources", "fact_id")] {
        statements.push(within(format!(
            "DELETE FROM {table} WHERE {id} IN (SELECT fact_id FROM facts WHERE {of})"
        )));
    }
    for (table, id) in [("memory_vectors", "id"), ("memory_uses", "id"), ("fact_sources", "episode_id")] {
        statements
            .push(within(format!("DELETE FROM {table} WHERE {id} IN (SELECT id FROM episodes WHERE {of})")));
    }
    for table in ["facts", "entities", "episodes"] {
        statements.push(within(format!("DELETE FROM {table} WHERE {of}")));
    }
    if owner == Owner::Shared {
        // What repositories hold is everybody's.
        statements.push(delete("DELETE FROM code_segments WHERE workspace_id = $1", workspace));
    }
    statements.push(memory_changed(workspace, Remembered::All));
    statements
}

/// Belongs to every batch that forgets: the log holds it until `memory_erased` says otherwise. `name` is told apart from every other's.
#[must_use]
pub fn log_holds(at: Timestamp, name: [u8; 16]) -> Statement {
    setting(LOG_HELD, &format!("{} {:032x}", at.0, u128::from_be_bytes(name)))
}

/// All that anybody has in a workspace, but for the receipts of what was forgotten there.
#[must_use]
pub(crate) fn workspace_forget(workspace: WorkspaceId) -> Vec<Statement> {
    let within =
        |sql: String| Statement { sql: sql.into(), params: vec![workspace.into()], rows_expected: None };
    let mut statements = Vec::new();
    for (table, id) in [("memory_vectors", "id"), ("memory_uses", "id"), ("fact_sources", "fact_id")] {
        let of = "(SELECT fact_id FROM facts WHERE workspace_id = $1 UNION SELECT id FROM episodes WHERE workspace_id = $1)";
        statements.push(within(format!("DELETE FROM {table} WHERE {id} IN {of}")));
    }
    for table in ["facts", "entities", "episodes"] {
        statements.push(within(format!("DELETE FROM {table} WHERE workspace_id = $1")));
    }
    statements.push(memory_changed(workspace, Remembered::All));
    statements
}

impl Store {
    /// How much these owners' memory holds: episodes, entities, facts that are believed now.
    pub fn memory_counts(&self, workspace: WorkspaceId, owners: &[Owner]) -> Result<Forgotten> {
        let count = |what: &str| -> Result<u64> {
            let (owners, params) = owner_marks(vec![workspace.into()], owners);
            let sql = format!("SELECT COUNT(*) FROM {what} workspace_id = $1 AND owner IN ({owners})");
            self.db.query(&sql, &params)?.first().map_or(Ok(0), |row| row.get(0))
        };
        Ok(Forgotten {
            episodes: count("episodes WHERE")?,
            entities: count("entities WHERE")?,
            facts: count("facts WHERE retracted_at IS NULL AND")?,
        })
    }

    /// Makes the files forget too what rows no longer hold: what the log still has of it is folded in and emptied.
    pub fn memory_erased(&self) -> Result<()> {
        let held = self.setting_get(LOG_HELD)?.unwrap_or_default();
        self.db.erase()?;
        if held.is_empty() {
            return Ok(());
        }
        // What was forgotten meanwhile has its own mark, and empties the log itself.
        let sql = "UPDATE settings SET value = '' WHERE key = $1 AND value = $2";
        self.db.batch(vec![Statement::new(sql, vec![LOG_HELD.into(), held.into()])]).map(drop)
    }

    /// Since when the log of the database holds what was forgotten.
    pub fn memory_log_held(&self) -> Result<Option<Timestamp>> {
        let held = self.setting_get(LOG_HELD)?.unwrap_or_default();
        Ok(held.split(' ').next().and_then(|ms| ms.parse().ok()).map(Timestamp))
    }

    /// Entities of an owner that no fact is about.
    pub fn entities_unused(&self, workspace: WorkspaceId, owner: Owner) -> Result<Vec<EntityId>> {
        let sql = "SELECT id FROM entities WHERE workspace_id = $1 AND owner = $2 AND id NOT IN (SELECT subject_id FROM facts) \
                   AND id NOT IN (SELECT object_id FROM facts WHERE object_id IS NOT NULL)";
        let rows = self.db.query(sql, &[workspace.into(), owner.to_string().into()])?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Episodes of some kinds that were recorded before a time.
    pub fn episodes_older(
        &self,
        kind: &str,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<(WorkspaceId, EpisodeId)>> {
        let sql = "SELECT workspace_id, id FROM episodes WHERE kind = $1 AND recorded_at < $2 LIMIT $3";
        self.pairs(sql, &[kind.into(), before.into(), limit.into()])
    }

    /// Facts in recall whose last use, or whose recording, is longer ago than their importance allows: `fade_ms` for one that matters half.
    pub fn facts_faded(
        &self,
        now: Timestamp,
        fade_ms: i64,
        limit: usize,
    ) -> Result<Vec<(WorkspaceId, FactId)>> {
        let sql = "SELECT f.workspace_id, f.fact_id FROM facts f LEFT JOIN memory_uses u ON u.id = f.fact_id \
                   WHERE f.retracted_at IS NULL AND f.archived_at IS NULL \
                   AND COALESCE(u.used_at, f.recorded_at) < $1 - $2 * 2 * f.importance LIMIT $3";
        self.pairs(sql, &[now.into(), fade_ms.into(), limit.into()])
    }

    /// Facts of people that left recall before a time.
    pub fn facts_archived_before(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<(WorkspaceId, FactId)>> {
        let sql = "SELECT workspace_id, fact_id FROM facts WHERE retracted_at IS NULL AND archived_at < $1 AND owner <> 'shared' LIMIT $2";
        self.pairs(sql, &[before.into(), limit.into()])
    }

    /// Receipts, and counts of use, from before a time.
    pub fn memory_records_cleanup(&self, before: Timestamp) -> Result<u64> {
        let delete = |sql| Statement::new(sql, vec![before.into()]);
        let outcome = self.db.batch(vec![
            delete("DELETE FROM receipts WHERE at < $1"),
            delete("DELETE FROM memory_uses WHERE used_at < $1"),
        ])?;
        Ok(outcome.rows_affected.iter().sum())
    }

    fn pairs<A, B>(&self, sql: &str, params: &[Value]) -> Result<Vec<(A, B)>>
    where
        A: TryFrom<Value, Error = ibid_types::Error>,
        B: TryFrom<Value, Error = ibid_types::Error>,
    {
        let read = |row: &Row| Ok((row.get(0)?, row.get(1)?));
        self.db.query(sql, params)?.iter().map(read).collect()
    }
}
