//! The job queue: leases, heartbeats, retries with growing delay, dead letters.
//!
//! Keeps true: a job that is leased by a process that died returns to the queue, at once when that process was on
//! this machine and is seen to be gone, else when its lease runs out. Whoever lost a lease cannot end the job: every
//! end compares the lease's token.

use ibid_types::access::Readable;
use ibid_types::document::Failure;
use ibid_types::{DocumentId, Error, JobId, Result, Timestamp, WorkspaceId};
use serde_json::Value as Json;

use crate::readable;
use crate::value::marks;
use crate::{Row, Statement, Store, Value};

/// First delay before another attempt; it doubles with each, up to the greatest.
const RETRY_MS_FIRST: i64 = 1_000;
const RETRY_MS_MAX: i64 = 300_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobState {
    Queued,
    Running,
    Done,
    /// A dead letter: no attempt is left, or none would help.
    Failed,
    Cancelled,
}

impl JobState {
    const ALL: [Self; 5] = [Self::Queued, Self::Running, Self::Done, Self::Failed, Self::Cancelled];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads a state's name.
    pub fn read(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name).ok_or_else(|| {
            let what = format!("state '{name}' is not known; use queued, running, done, failed or cancelled");
            Error::bad_request("value_unknown", what)
        })
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub id: JobId,
    pub kind: String,
    pub state: JobState,
    pub workspace: Option<WorkspaceId>,
    pub document: Option<DocumentId>,
    pub subject: String,
    pub batch: Option<String>,
    pub payload: Json,
    pub progress: Option<Json>,
    pub result: Option<Json>,
    pub failure: Option<Failure>,
    pub attempts: u32,
    pub attempts_max: u32,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub struct NewJob {
    pub id: JobId,
    pub kind: String,
    pub workspace: Option<WorkspaceId>,
    pub document: Option<DocumentId>,
    pub subject: String,
    pub batch: Option<String>,
    pub payload: Json,
    pub attempts_max: u32,
    /// Not before this; at once without it.
    pub run_at: Option<Timestamp>,
}

/// A job that this worker alone may end.
#[derive(Clone, Debug)]
pub struct Lease {
    pub job: Job,
    token: JobId,
}

#[derive(Clone, Debug, Default)]
pub struct JobsQuery {
    pub workspace: Option<WorkspaceId>,
    pub batch: Option<String>,
    pub state: Option<JobState>,
    pub limit: usize,
    pub cursor: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub struct JobsPage {
    pub items: Vec<Job>,
    /// Over all that match, in every state.
    pub counts: JobCounts,
    pub next: Option<String>,
}

/// Jobs of one kind that are not done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UndoneJobs {
    pub waiting: u64,
    /// When the first of those was to begin.
    pub due_at: Option<Timestamp>,
    pub failed: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobCounts {
    pub queued: u64,
    pub running: u64,
    pub done: u64,
    pub failed: u64,
    pub cancelled: u64,
}

const COLUMNS: &str = "id, kind, state, workspace_id, document_id, subject, batch, payload, progress, result, failure_code, \
                       failure_reason, attempts, attempts_max, created_at, finished_at";

/// The queue over a store.
#[derive(Clone, Copy, Debug)]
pub struct Jobs<'a> {
    pub(crate) store: &'a Store,
}

impl Jobs<'_> {
    /// How this process signs its leases: `HOST:PID:START`, so that another on this machine can see that it is gone.
    #[must_use]
    pub fn owner(&self) -> String {
        let pid = std::process::id();
        format!("{}:{pid}:{}", host(), started(pid).unwrap_or_default())
    }

    #[must_use]
    pub fn enqueue_statement(&self, job: &NewJob) -> Statement {
        let sql = "INSERT INTO jobs (id, kind, state, workspace_id, document_id, subject, batch, payload, attempts, attempts_max, run_at, created_at) \
                   VALUES ($1, $2, 'queued', $3, $4, $5, $6, $7, 0, $8, $9, $10)";
        let now = self.store.now();
        let params = vec![
            job.id.into(),
            job.kind.as_str().into(),
            job.workspace.into(),
            job.document.into(),
            job.subject.as_str().into(),
            job.batch.clone().into(),
            job.payload.to_string().into(),
            job.attempts_max.into(),
            job.run_at.unwrap_or(now).into(),
            now.into(),
        ];
        Statement::new(sql, params)
    }

    /// Takes up to `max` jobs that are due, oldest first; where several workspaces wait, each in its turn. Leases that ran out are due
    /// again.
    pub fn lease(&self, kind: &str, owner: &str, lease_ms: i64, max: usize) -> Result<Vec<Lease>> {
        let now = self.store.now();
        if !self.is_any_due(kind, now)? {
            return Ok(Vec::new());
        }
        let token = JobId::new();
        let expired = "UPDATE jobs SET state = 'queued', lease_owner = NULL, lease_token = NULL, lease_until = NULL \
                       WHERE state = 'running' AND lease_until < $1";
        let params = vec![owner.into(), token.into(), now.plus_ms(lease_ms).into()];
        let (these, params) = self.next_ones(kind, now, max, token, params)?;
        let take = format!(
            "UPDATE jobs SET state = 'running', attempts = attempts + 1, lease_owner = $1, lease_token = $2, lease_until = $3 \
             WHERE {these} RETURNING {COLUMNS}"
        );
        let take = Statement { sql: take.into(), params, rows_expected: None };
        let mut outcome = self.store.db.batch(vec![Statement::new(expired, vec![now.into()]), take])?;
        let rows = outcome.returned.pop().unwrap_or_default();
        rows.iter().map(|row| Ok(Lease { job: read_job(row)?, token })).collect()
    }

    /// The condition that chooses the next jobs, with its parameters after those that are there.
    fn next_ones(
        &self,
        kind: &str,
        now: Timestamp,
        max: usize,
        token: JobId,
        mut params: Vec<Value>,
    ) -> Result<(String, Vec<Value>)> {
        let waiting = self.workspaces_due(kind, now)?;
        if waiting.len() < 2 {
            params.extend([kind.into(), now.into(), max.into()]);
            let oldest = "id IN (SELECT id FROM jobs WHERE state = 'queued' AND kind = $4 AND run_at <= $5 ORDER BY run_at, id LIMIT $6)";
            return Ok((oldest.to_owned(), params));
        }
        let mut queues = Vec::with_capacity(waiting.len());
        // Where there are more workspaces than turns, chance says who begins.
        let first = usize::from(token.as_bytes()[15]) % waiting.len();
        for workspace in waiting.iter().cycle().skip(first).take(waiting.len().min(max)) {
            let sql = "SELECT id FROM jobs WHERE state = 'queued' AND kind = $1 AND workspace_id = $2 AND run_at <= $3 \
                       ORDER BY run_at, id LIMIT $4";
            let rows =
                self.store.db.query(sql, &[kind.into(), (*workspace).into(), now.into(), max.into()])?;
            queues.push(rows.iter().map(|row| row.get(0)).collect::<Result<Vec<JobId>>>()?);
        }
        let (marks, params) = marks(params, &in_turn(&queues, max));
        Ok((format!("state = 'queued' AND id IN ({marks})"), params))
    }

    /// Workspaces with a job that is due: one look into the index for each, however many jobs there are.
    fn workspaces_due(&self, kind: &str, now: Timestamp) -> Result<Vec<WorkspaceId>> {
        let sql = "WITH RECURSIVE waiting(id) AS (SELECT MIN(workspace_id) FROM jobs WHERE state = 'queued' AND kind = $1 UNION ALL \
                   SELECT (SELECT MIN(workspace_id) FROM jobs WHERE state = 'queued' AND kind = $1 AND workspace_id > waiting.id) \
                   FROM waiting WHERE waiting.id IS NOT NULL) \
                   SELECT id FROM waiting WHERE id IS NOT NULL AND EXISTS (SELECT 1 FROM jobs WHERE state = 'queued' AND kind = $1 \
                   AND workspace_id = waiting.id AND run_at <= $2)";
        self.store.db.query(sql, &[kind.into(), now.into()])?.iter().map(|row| row.get(0)).collect()
    }

    /// Asked before every lease, so that an idle queue writes nothing.
    fn is_any_due(&self, kind: &str, now: Timestamp) -> Result<bool> {
        let sql = "SELECT 1 WHERE EXISTS (SELECT 1 FROM jobs WHERE state = 'queued' AND kind = $1 AND run_at <= $2) \
                   OR EXISTS (SELECT 1 FROM jobs WHERE state = 'running' AND lease_until < $2)";
        Ok(!self.store.db.query(sql, &[kind.into(), now.into()])?.is_empty())
    }

    /// Keeps the lease and says how far the job is. `conflict` when the lease was lost.
    pub fn heartbeat(&self, lease: &Lease, progress: &Json, lease_ms: i64) -> Result<()> {
        let sql = "UPDATE jobs SET lease_until = $3, progress = $4 WHERE id = $1 AND lease_token = $2";
        let until = self.store.now().plus_ms(lease_ms);
        let params = vec![lease.job.id.into(), lease.token.into(), until.into(), progress.to_string().into()];
        self.store.db.batch(vec![Statement::new(sql, params).expecting(1)]).map(|_| ())
    }

    /// Puts leased jobs that were not begun back into the queue; they lose no attempt.
    pub fn give_back(&self, leases: &[Lease]) -> Result<()> {
        let sql = "UPDATE jobs SET state = 'queued', attempts = attempts - 1, lease_owner = NULL, lease_token = NULL, lease_until = NULL \
                   WHERE id = $1 AND lease_token = $2";
        let back = |lease: &Lease| Statement::new(sql, vec![lease.job.id.into(), lease.token.into()]);
        if leases.is_empty() {
            return Ok(());
        }
        self.store.db.batch(leases.iter().map(back).collect()).map(|_| ())
    }

    /// The job's good end, as part of the batch that holds its work.
    #[must_use]
    pub fn done_statement(&self, lease: &Lease, result: &Json) -> Statement {
        let sql = "UPDATE jobs SET state = 'done', result = $3, finished_at = $4, lease_owner = NULL, lease_token = NULL, lease_until = NULL, \
                   failure_code = NULL, failure_reason = NULL WHERE id = $1 AND lease_token = $2";
        let params =
            vec![lease.job.id.into(), lease.token.into(), result.to_string().into(), self.store.now().into()];
        Statement::new(sql, params).expecting(1)
    }

    /// The job's end as a dead letter.
    #[must_use]
    pub fn dead_statement(&self, lease: &Lease, error: &Error) -> Statement {
        let sql = "UPDATE jobs SET state = 'failed', failure_code = $3, failure_reason = $4, finished_at = $5, lease_owner = NULL, \
                   lease_token = NULL, lease_until = NULL WHERE id = $1 AND lease_token = $2";
        let (id, token) = (lease.job.id.into(), lease.token.into());
        let params =
            vec![id, token, error.code.into(), error.message.as_str().into(), self.store.now().into()];
        Statement::new(sql, params).expecting(1)
    }

    /// Ends an attempt: another follows after a delay, unless none is left or `retry` is false.
    pub fn fail(&self, lease: &Lease, error: &Error, retry: bool) -> Result<()> {
        let job = &lease.job;
        if !retry || job.attempts >= job.attempts_max {
            return self.store.db.batch(vec![self.dead_statement(lease, error)]).map(|_| ());
        }
        let sql = "UPDATE jobs SET state = 'queued', run_at = $3, failure_code = $4, failure_reason = $5, lease_owner = NULL, \
                   lease_token = NULL, lease_until = NULL WHERE id = $1 AND lease_token = $2";
        let run_at = self.store.now().plus_ms(delay_ms(job));
        let params = vec![
            job.id.into(),
            lease.token.into(),
            run_at.into(),
            error.code.into(),
            error.message.as_str().into(),
        ];
        self.store.db.batch(vec![Statement::new(sql, params).expecting(1)]).map(|_| ())
    }

    /// Gives leases of processes of this machine that are gone back to the queue; they lose no attempt. Says how many.
    pub fn reclaim(&self) -> Result<u64> {
        let sql = "SELECT DISTINCT lease_owner FROM jobs WHERE state = 'running' AND lease_owner IS NOT NULL";
        let mut taken = 0;
        for row in self.store.db.query(sql, &[])? {
            let owner: String = row.get(0)?;
            if is_gone(&owner) {
                let back = "UPDATE jobs SET state = 'queued', attempts = attempts - 1, lease_owner = NULL, lease_token = NULL, lease_until = NULL \
                            WHERE state = 'running' AND lease_owner = $1";
                let outcome = self.store.db.batch(vec![Statement::new(back, vec![owner.into()])])?;
                taken += outcome.rows_affected.first().copied().unwrap_or(0);
            }
        }
        Ok(taken)
    }

    /// Cancels a job that waits.
    pub fn cancel(&self, id: JobId) -> Result<()> {
        let sql = "UPDATE jobs SET state = 'cancelled', finished_at = $2 WHERE id = $1 AND state = 'queued'";
        self.change(id, sql, "job_not_waiting", "only a job that waits can be cancelled")
    }

    /// Puts a job that failed or was cancelled back into the queue, with all its attempts.
    pub fn retry(&self, id: JobId) -> Result<()> {
        let sql = "UPDATE jobs SET state = 'queued', attempts = 0, run_at = $2, finished_at = NULL WHERE id = $1 AND state IN ('failed', 'cancelled')";
        self.change(id, sql, "job_not_ended", "only a job that failed or was cancelled can be tried again")
    }

    fn change(&self, id: JobId, sql: &'static str, code: &'static str, what: &str) -> Result<()> {
        if self.find(id)?.is_none() {
            return Err(Error::not_found("job_unknown", format!("there is no job {id}")));
        }
        let statement = Statement::new(sql, vec![id.into(), self.store.now().into()]).expecting(1);
        self.store.db.batch(vec![statement]).map(|_| ()).map_err(|error| match error.code {
            "store_conflict" => Error::conflict(code, what),
            _ => error,
        })
    }

    pub fn find(&self, id: JobId) -> Result<Option<Job>> {
        let rows = self.store.db.query(&format!("SELECT {COLUMNS} FROM jobs WHERE id = $1"), &[id.into()])?;
        rows.first().map(read_job).transpose()
    }

    /// A page of jobs, newest first.
    /// A page of jobs, of those whose documents are readable.
    pub fn list(&self, readable: &Readable, query: &JobsQuery) -> Result<JobsPage> {
        let mut params: Vec<Value> = Vec::new();
        let mut filter = match readable {
            Readable::All => "1 = 1".to_owned(),
            readable => format!(
                "(document_id IS NULL OR document_id IN (SELECT d.id FROM documents d WHERE {}))",
                readable::condition(readable, "d.readers", &mut params)
            ),
        };
        let mut and = |column: &str, value: Value, filter: &mut String| {
            params.push(value);
            filter.push_str(&format!(" AND {column} ${}", params.len()));
        };
        if let Some(workspace) = query.workspace {
            and("workspace_id =", workspace.into(), &mut filter);
        }
        if let Some(batch) = &query.batch {
            and("batch =", batch.as_str().into(), &mut filter);
        }
        let counts = self.counted(&filter, &params)?;
        let mut and = |column: &str, value: Value, filter: &mut String| {
            params.push(value);
            filter.push_str(&format!(" AND {column} ${}", params.len()));
        };
        if let Some(state) = query.state {
            and("state =", state.name().into(), &mut filter);
        }
        if let Some(cursor) = &query.cursor {
            and("id <", cursor.parse::<JobId>()?.into(), &mut filter);
        }
        let sql =
            format!("SELECT {COLUMNS} FROM jobs WHERE {filter} ORDER BY id DESC LIMIT {}", query.limit + 1);
        let mut items: Vec<Job> =
            self.store.db.query(&sql, &params)?.iter().map(read_job).collect::<Result<_>>()?;
        let more = items.len() > query.limit;
        items.truncate(query.limit);
        let next = items.last().filter(|_| more).map(|job| job.id.to_string());
        Ok(JobsPage { items, counts, next })
    }

    pub fn counts(&self) -> Result<JobCounts> {
        self.counted("1 = 1", &[])
    }

    /// Jobs of a kind that wait, are at work, or gave up.
    pub fn undone(&self, kind: &str) -> Result<UndoneJobs> {
        let sql = "SELECT state, COUNT(*), MIN(run_at) FROM jobs \
                   WHERE kind = $1 AND state IN ('queued', 'running', 'failed') GROUP BY state";
        let mut undone = UndoneJobs::default();
        for row in self.store.db.query(sql, &[kind.into()])? {
            let (state, count, oldest): (String, u64, Timestamp) = (row.get(0)?, row.get(1)?, row.get(2)?);
            if JobState::read(&state)? == JobState::Failed {
                undone.failed = count;
            } else {
                undone.waiting += count;
                undone.due_at = Some(undone.due_at.map_or(oldest, |at| at.min(oldest)));
            }
        }
        Ok(undone)
    }

    /// Those of a workspace, but for jobs of documents that are not readable.
    pub fn counts_in(&self, workspace: WorkspaceId, readable: &Readable) -> Result<JobCounts> {
        let mut params = vec![workspace.into()];
        let filter = format!("workspace_id = $1{}", and_readable(readable, &mut params));
        self.counted(&filter, &params)
    }

    /// Readable documents of a workspace that were accepted and are not searchable yet.
    pub fn documents_waiting(&self, workspace: WorkspaceId, readable: &Readable) -> Result<u64> {
        let mut params = vec![workspace.into()];
        let sql = format!(
            "SELECT COUNT(*) FROM jobs WHERE state IN ('queued', 'running') AND kind = 'ingest' AND workspace_id = $1{}",
            and_readable(readable, &mut params)
        );
        self.store.db.query(&sql, &params)?.first().map_or(Ok(0), |row| row.get(0))
    }

    fn counted(&self, filter: &str, params: &[Value]) -> Result<JobCounts> {
        let sql = format!("SELECT state, COUNT(*) FROM jobs WHERE {filter} GROUP BY state");
        let mut counts = JobCounts::default();
        for row in self.store.db.query(&sql, params)? {
            let (name, count): (String, u64) = (row.get(0)?, row.get(1)?);
            match JobState::read(&name)? {
                JobState::Queued => counts.queued = count,
                JobState::Running => counts.running = count,
                JobState::Done => counts.done = count,
                JobState::Failed => counts.failed = count,
                JobState::Cancelled => counts.cancelled = count,
            }
        }
        Ok(counts)
    }
}

/// The condition that a job's document, if it has one, is readable.
fn and_readable(readable: &Readable, params: &mut Vec<Value>) -> String {
    if *readable == Readable::All {
        return String::new();
    }
    let is_readable = readable::condition(readable, "d.readers", params);
    format!(
        " AND (document_id IS NULL OR EXISTS (SELECT 1 FROM documents d WHERE d.id = jobs.document_id AND {is_readable}))"
    )
}

/// Doubling, with up to a quarter more taken from the job's own id, so that jobs that failed together come back apart.
fn delay_ms(job: &Job) -> i64 {
    let exponent = job.attempts.saturating_sub(1).min(16);
    let delay = (RETRY_MS_FIRST << exponent).min(RETRY_MS_MAX);
    delay + i64::from(job.id.as_bytes()[15]) * delay / 1024
}

fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "local".to_owned(), |name| name.trim().to_owned())
}

/// When a process of this machine began, in clock ticks after boot: a number that its successor under the same pid
/// does not have. `proc_pid_stat(5)`, field 22.
fn started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

/// Whether the owner was on this machine and is no more.
fn is_gone(owner: &str) -> bool {
    let parts: Vec<&str> = owner.split(':').collect();
    let [name, pid, start] = parts[..] else { return true };
    if name != host() {
        return false;
    }
    let running = pid.parse().ok().and_then(started);
    running.is_none_or(|running| running.to_string() != start)
}

/// The first of each queue, then the second of each, up to `max`.
fn in_turn(queues: &[Vec<JobId>], max: usize) -> Vec<JobId> {
    let turns = queues.iter().map(Vec::len).max().unwrap_or(0);
    (0..turns)
        .flat_map(|turn| queues.iter().filter_map(move |queue| queue.get(turn).copied()))
        .take(max)
        .collect()
}

fn read_job(row: &Row) -> Result<Job> {
    let json = |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok());
    let state: String = row.get(2)?;
    let failure = match row.get::<Option<String>>(10)? {
        Some(code) => Some(Failure { code, reason: row.get::<Option<String>>(11)?.unwrap_or_default() }),
        None => None,
    };
    Ok(Job {
        id: row.get(0)?,
        kind: row.get(1)?,
        state: JobState::read(&state)?,
        workspace: row.get(3)?,
        document: row.get(4)?,
        subject: row.get(5)?,
        batch: row.get(6)?,
        payload: json(row.get(7)?).unwrap_or_default(),
        progress: json(row.get(8)?),
        result: json(row.get(9)?),
        failure,
        attempts: row.get(12)?,
        attempts_max: row.get(13)?,
        created_at: row.get(14)?,
        finished_at: row.get(15)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_not_gone_and_another_is() {
        let pid = std::process::id();
        assert!(!is_gone(&format!("{}:{pid}:{}", host(), started(pid).unwrap())));
        assert!(is_gone(&format!("{}:{pid}:1", host())));
        assert!(is_gone(&format!("{}:4194305:1", host())));
        assert!(!is_gone("another-machine:1:1"));
    }
}
