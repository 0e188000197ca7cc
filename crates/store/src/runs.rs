//! Runs of flows: one row each, which changes when a run starts, begins to wait, is taken up and ends.
//!
//! Keeps true: two starts with the same idempotency key give one run; a lease is taken by one owner at a time; what a
//! run's state is, only its checkpoints say.

use ibid_types::{ContentHash, Result, RunId, ThreadId, Timestamp, WorkspaceId};

use crate::kept::kept_of_run;
use crate::threads::SeenBy;
use crate::{Row, Statement, Store, Value};

/// Statuses of runs that somebody works on, as the index `runs_open` names them.
const OPEN: &str = "status IN ('running', 'undoing')";

/// What a run's row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    pub id: RunId,
    pub workspace: WorkspaceId,
    pub flow: ContentHash,
    pub flow_name: String,
    pub status: String,
    pub idempotency_key: Option<String>,
    pub thread: Option<ThreadId>,
    /// Run and checkpoint.
    pub forked_from: Option<(RunId, u32)>,
    /// When a run that waits wants to be woken.
    pub wake_at: Option<Timestamp>,
    /// Questions to people that are open.
    pub asks: u32,
    pub failure_code: Option<String>,
    pub lease_owner: Option<String>,
    pub lease_until: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    /// Who began it, as `Holder` writes it.
    pub owner: Option<String>,
}

/// What a change of a run's row says anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunChange<'a> {
    pub status: &'a str,
    pub wake_at: Option<Timestamp>,
    pub asks: u32,
    pub failure_code: Option<&'a str>,
    /// Owner and end of the lease; none for a run that waits or is over.
    pub lease: Option<(&'a str, Timestamp)>,
    pub finished_at: Option<Timestamp>,
    pub now: Timestamp,
}

#[derive(Clone, Debug, Default)]
pub struct RunsQuery {
    pub workspace: Option<WorkspaceId>,
    pub flow_name: Option<String>,
    pub status: Option<String>,
    pub thread: Option<ThreadId>,
    /// Only runs that wait for a person.
    pub is_asking: bool,
    /// All without it.
    pub seen_by: Option<SeenBy>,
    pub limit: usize,
    pub cursor: Option<String>,
}

/// Newest first.
#[derive(Clone, Debug, Default)]
pub struct RunsPage {
    pub items: Vec<RunRow>,
    pub next: Option<String>,
}

const COLUMNS: &str = "id, workspace_id, flow_hash, flow_name, status, idempotency_key, thread_id, forked_from, forked_at, wake_at, \
                       asks, failure_code, lease_owner, lease_until, created_at, updated_at, finished_at, owner";

/// The row of a new run, as part of the batch that holds its first checkpoint.
#[must_use]
pub fn run_insert(run: &RunRow) -> Statement {
    let sql = "INSERT INTO runs (id, workspace_id, flow_hash, flow_name, status, idempotency_key, thread_id, forked_from, forked_at, \
               wake_at, asks, failure_code, lease_owner, lease_until, created_at, updated_at, finished_at, owner) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
    let params = vec![
        run.id.into(),
        run.workspace.into(),
        run.flow.into(),
        run.flow_name.as_str().into(),
        run.status.as_str().into(),
        run.idempotency_key.clone().into(),
        run.thread.into(),
        run.forked_from.map(|(from, _)| from).into(),
        run.forked_from.map(|(_, at)| at).into(),
        run.wake_at.into(),
        run.asks.into(),
        run.failure_code.clone().into(),
        run.lease_owner.clone().into(),
        run.lease_until.into(),
        run.created_at.into(),
        run.updated_at.into(),
        run.finished_at.into(),
        run.owner.clone().into(),
    ];
    Statement::new(sql, params)
}

/// The change of a run's row, as part of the batch that holds the checkpoint it follows from.
#[must_use]
pub fn run_update(id: RunId, change: &RunChange<'_>) -> Statement {
    let sql = "UPDATE runs SET status = $2, wake_at = $3, asks = $4, failure_code = $5, lease_owner = $6, lease_until = $7, \
               finished_at = $8, updated_at = $9 WHERE id = $1";
    let params = vec![
        id.into(),
        change.status.into(),
        change.wake_at.into(),
        change.asks.into(),
        change.failure_code.map(str::to_owned).into(),
        change.lease.map(|(owner, _)| owner.to_owned()).into(),
        change.lease.map(|(_, until)| until).into(),
        change.finished_at.into(),
        change.now.into(),
    ];
    Statement::new(sql, params).expecting(1)
}

impl Store {
    pub fn run_find(&self, id: RunId) -> Result<Option<RunRow>> {
        Ok(self.runs("id = $1", &[id.into()])?.pop())
    }

    /// The run that was started with this key.
    pub fn run_by_key(&self, workspace: WorkspaceId, key: &str) -> Result<Option<RunRow>> {
        Ok(self.runs("workspace_id = $1 AND idempotency_key = $2", &[workspace.into(), key.into()])?.pop())
    }

    fn runs(&self, filter: &str, params: &[Value]) -> Result<Vec<RunRow>> {
        let sql = format!("SELECT {COLUMNS} FROM runs WHERE {filter}");
        self.db.query(&sql, params)?.iter().map(read).collect()
    }

    /// A page of runs, newest first.
    pub fn run_list(&self, query: &RunsQuery) -> Result<RunsPage> {
        let (mut filter, params) = filter_of(query)?;
        filter.push_str(&format!(" ORDER BY id DESC LIMIT {}", query.limit + 1));
        let mut items = self.runs(&filter, &params)?;
        let more = items.len() > query.limit;
        items.truncate(query.limit);
        let next = items.last().filter(|_| more).map(|run| run.id.to_string());
        Ok(RunsPage { items, next })
    }

    /// Up to `limit` runs that wait and whose time has come, the longest due first.
    pub fn runs_due(&self, now: Timestamp, limit: usize) -> Result<Vec<RunId>> {
        let sql = "SELECT id FROM runs WHERE wake_at IS NOT NULL AND wake_at <= $1 ORDER BY wake_at LIMIT $2";
        self.db.query(sql, &[now.into(), limit.into()])?.iter().map(|row| row.get(0)).collect()
    }

    /// When the next of the runs that wait wants to be woken, after a time.
    pub fn runs_next_due(&self, after: Timestamp) -> Result<Option<Timestamp>> {
        let sql = "SELECT MIN(wake_at) FROM runs WHERE wake_at IS NOT NULL AND wake_at > $1";
        self.db.query(sql, &[after.into()])?.first().map_or(Ok(None), |row| row.get(0))
    }

    /// Up to `limit` runs that somebody should work on and nobody does: no lease, or one that has passed.
    pub fn runs_orphaned(&self, now: Timestamp, limit: usize) -> Result<Vec<RunId>> {
        let orphaned = |what: &str, params: &[Value]| -> Result<Vec<RunId>> {
            let sql = format!("SELECT id FROM runs WHERE {OPEN} AND {what} LIMIT $1");
            self.db.query(&sql, params)?.iter().map(|row| row.get(0)).collect()
        };
        let mut found = orphaned("lease_until IS NULL", &[limit.into()])?;
        found.extend(orphaned("lease_until < $2", &[limit.into(), now.into()])?);
        found.truncate(limit);
        Ok(found)
    }

    /// Takes the run, unless another holds it or it is not in this status any more.
    pub fn run_lease(&self, id: RunId, status: &str, owner: &str, until: Timestamp) -> Result<bool> {
        let sql = "UPDATE runs SET lease_owner = $2, lease_until = $3 WHERE id = $1 AND status = $4 \
                   AND (lease_until IS NULL OR lease_until < $5 OR lease_owner = $2)";
        let params = vec![id.into(), owner.into(), until.into(), status.into(), self.now().into()];
        let outcome = self.db.batch(vec![Statement::new(sql, params)])?;
        Ok(outcome.rows_affected.first() == Some(&1))
    }

    /// Keeps all leases of the owner; says how many it has.
    pub fn runs_renew(&self, owner: &str, until: Timestamp) -> Result<u64> {
        let sql = format!("UPDATE runs SET lease_until = $2 WHERE {OPEN} AND lease_owner = $1");
        let statement =
            Statement { sql: sql.into(), params: vec![owner.into(), until.into()], rows_expected: None };
        let outcome = self.db.batch(vec![statement])?;
        Ok(outcome.rows_affected.first().copied().unwrap_or(0))
    }

    /// Gives all leases of the owner back, so that the next to look takes the runs at once.
    pub fn runs_release(&self, owner: &str) -> Result<u64> {
        let sql = "UPDATE runs SET lease_owner = NULL, lease_until = NULL WHERE lease_owner = $1";
        let outcome = self.db.batch(vec![Statement::new(sql, vec![owner.into()])])?;
        Ok(outcome.rows_affected.first().copied().unwrap_or(0))
    }

    /// Number of runs by status.
    pub fn run_counts(&self) -> Result<Vec<(String, u64)>> {
        let rows = self.db.query("SELECT status, COUNT(*) FROM runs GROUP BY status ORDER BY status", &[])?;
        rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    }

    /// Deletes a run that is over, with its checkpoints, its feedback, the values that no other run uses and what it made to be given again. Says
    /// whether there was one; turns that name it keep their text.
    pub fn run_delete(&self, id: RunId) -> Result<bool> {
        let outcome = self.db.batch(run_delete(id))?;
        Ok(outcome.rows_affected.last() == Some(&1))
    }

    /// Up to `limit` ended runs of workspaces that were deleted. Their names have a bracket, which no other name has.
    pub fn runs_of_deleted(&self, limit: usize) -> Result<Vec<RunId>> {
        let sql = "SELECT r.id FROM runs r JOIN workspaces w ON w.id = r.workspace_id \
                   WHERE w.name LIKE '%(deleted %' AND r.finished_at IS NOT NULL LIMIT $1";
        self.db.query(sql, &[limit.into()])?.iter().map(|row| row.get(0)).collect()
    }

    /// Runs of a workspace that are not over.
    pub fn runs_open(&self, workspace: WorkspaceId) -> Result<Vec<RunId>> {
        let sql = "SELECT id FROM runs WHERE workspace_id = $1 AND finished_at IS NULL";
        self.db.query(sql, &[workspace.into()])?.iter().map(|row| row.get(0)).collect()
    }

    /// Up to `limit` runs that ended before: those whose checkpoints were thinned first, each the oldest first.
    pub fn runs_ended(&self, before: Timestamp, limit: usize) -> Result<Vec<RunId>> {
        let ended = |thinned: &str| -> Result<Vec<RunId>> {
            let sql = format!(
                "SELECT id FROM runs WHERE finished_at IS NOT NULL AND thinned_at {thinned} AND finished_at < $1 \
                 ORDER BY finished_at LIMIT $2"
            );
            self.db.query(&sql, &[before.into(), limit.into()])?.iter().map(|row| row.get(0)).collect()
        };
        let mut found = ended("IS NOT NULL")?;
        if found.len() < limit {
            found.extend(ended("IS NULL")?);
        }
        found.truncate(limit);
        Ok(found)
    }

    /// Removes all checkpoints but the first and the last of up to `limit` runs that ended before. Says how many
    /// runs there were.
    pub fn runs_thin(&self, before: Timestamp, limit: usize) -> Result<usize> {
        let sql = "SELECT id FROM runs WHERE finished_at IS NOT NULL AND thinned_at IS NULL AND finished_at < $1 \
                   ORDER BY finished_at LIMIT $2";
        let rows = self.db.query(sql, &[before.into(), limit.into()])?;
        for row in &rows {
            self.db.batch(run_thin(row.get(0)?, self.now()))?;
        }
        Ok(rows.len())
    }
}

/// A run that is over, gone. The last statement counts the run.
#[must_use]
pub fn run_delete(id: RunId) -> Vec<Statement> {
    let is_over = "EXISTS (SELECT 1 FROM runs WHERE id = $1 AND finished_at IS NOT NULL)";
    let delete = |sql: String| Statement { sql: sql.into(), params: vec![id.into()], rows_expected: None };
    vec![
        delete(format!(
            "DELETE FROM flow_values WHERE hash IN (SELECT hash FROM run_values WHERE run_id = $1) AND {is_over} \
             AND NOT EXISTS (SELECT 1 FROM run_values AS other WHERE other.hash = flow_values.hash AND other.run_id <> $1)"
        )),
        delete(format!("DELETE FROM run_values WHERE run_id = $1 AND {is_over}")),
        delete(format!("DELETE FROM checkpoints WHERE run_id = $1 AND {is_over}")),
        delete(format!("DELETE FROM feedback WHERE run_id = $1 AND {is_over}")),
        kept_of_run(id),
        delete("DELETE FROM runs WHERE id = $1 AND finished_at IS NOT NULL".to_owned()),
    ]
}

fn run_thin(id: RunId, now: Timestamp) -> Vec<Statement> {
    vec![
        Statement::new(
            "DELETE FROM checkpoints WHERE run_id = $1 AND number > 0 \
             AND number < (SELECT MAX(number) FROM checkpoints WHERE run_id = $1)",
            vec![id.into()],
        ),
        Statement::new("UPDATE runs SET thinned_at = $2 WHERE id = $1", vec![id.into(), now.into()]),
    ]
}

fn filter_of(query: &RunsQuery) -> Result<(String, Vec<Value>)> {
    let mut filter = "1 = 1".to_owned();
    let mut params: Vec<Value> = Vec::new();
    let mut and = |column: &str, value: Value| {
        params.push(value);
        filter.push_str(&format!(" AND {column} ${}", params.len()));
    };
    if let Some(workspace) = query.workspace {
        and("workspace_id =", workspace.into());
    }
    if let Some(name) = &query.flow_name {
        and("flow_name =", name.as_str().into());
    }
    if let Some(status) = &query.status {
        and("status =", status.as_str().into());
    }
    if let Some(thread) = query.thread {
        and("thread_id =", thread.into());
    }
    if let Some(cursor) = &query.cursor {
        and("id <", cursor.parse::<RunId>()?.into());
    }
    if let Some(seen_by) = &query.seen_by {
        let also = if seen_by.is_admin { " OR owner IS NULL OR thread_id IS NULL" } else { "" };
        filter.push_str(&format!(" AND ({}{also})", seen_by.condition("owner", &mut params)));
    }
    if query.is_asking {
        filter.push_str(" AND asks > 0");
    }
    Ok((filter, params))
}

fn read(row: &Row) -> Result<RunRow> {
    let forked_from = match (row.get::<Option<RunId>>(7)?, row.get::<Option<u32>>(8)?) {
        (Some(run), Some(at)) => Some((run, at)),
        _ => None,
    };
    Ok(RunRow {
        id: row.get(0)?,
        workspace: row.get(1)?,
        flow: row.get(2)?,
        flow_name: row.get(3)?,
        status: row.get(4)?,
        idempotency_key: row.get(5)?,
        thread: row.get(6)?,
        forked_from,
        wake_at: row.get(9)?,
        asks: row.get(10)?,
        failure_code: row.get(11)?,
        lease_owner: row.get(12)?,
        lease_until: row.get(13)?,
        created_at: row.get(14)?,
        updated_at: row.get(15)?,
        finished_at: row.get(16)?,
        owner: row.get(17)?,
    })
}
