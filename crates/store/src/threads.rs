//! Conversations: threads and their turns. A turn names the run that answers it.
//!
//! Keeps true: a thread's turns are numbered from 1 without gaps, in the order in which they began.

use ibid_types::{Error, Result, RunId, ThreadId, Timestamp, TurnId, WorkspaceId};
use serde_json::Value as Json;

use crate::runs::run_delete;
use crate::value::json;
use crate::{Row, Statement, Store, Value};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadRow {
    pub id: ThreadId,
    pub workspace: WorkspaceId,
    pub title: String,
    /// What a long thread was about so far.
    pub summary: Option<String>,
    pub turns: u32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A question with its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnRow {
    pub id: TurnId,
    pub thread: ThreadId,
    /// From 1.
    pub number: u32,
    pub run: RunId,
    pub question: String,
    pub options: Json,
    /// `running` until the run is over, then the run's status.
    pub status: String,
    pub answer: Option<Json>,
    /// Code and reason.
    pub failure: Option<(String, String)>,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

/// How a turn ended.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnEnd<'a> {
    pub run: RunId,
    pub status: &'a str,
    pub answer: Option<&'a Json>,
    /// Code and reason.
    pub failure: Option<(&'a str, &'a str)>,
    pub now: Timestamp,
}

#[derive(Clone, Debug, Default)]
pub struct ThreadsQuery {
    /// Part of the title or of a question, in any case.
    pub text: Option<String>,
    pub limit: usize,
    pub cursor: Option<String>,
}

/// The last changed first.
#[derive(Clone, Debug, Default)]
pub struct ThreadsPage {
    pub items: Vec<ThreadRow>,
    pub next: Option<String>,
}

const THREAD_COLUMNS: &str = "t.id, t.workspace_id, t.title, t.summary, \
                              (SELECT COUNT(*) FROM turns WHERE thread_id = t.id), t.created_at, t.updated_at";
const TURN_COLUMNS: &str = "id, thread_id, number, run_id, question, options, status, answer, failure_code, failure_reason, created_at, \
                            finished_at";

/// The row of a new thread.
#[must_use]
pub fn thread_insert(id: ThreadId, workspace: WorkspaceId, title: &str, now: Timestamp) -> Statement {
    let sql =
        "INSERT INTO threads (id, workspace_id, title, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)";
    Statement::new(sql, vec![id.into(), workspace.into(), title.into(), now.into()])
}

/// The row of a thread's next turn, and the thread's new time: part of the batch that starts the run. Fails with
/// `store_conflict` where the thread is not in the workspace or was deleted.
#[must_use]
pub fn turn_insert(
    id: TurnId,
    workspace: WorkspaceId,
    thread: ThreadId,
    run: RunId,
    question: &str,
    options: &Json,
    now: Timestamp,
) -> Vec<Statement> {
    let touch =
        "UPDATE threads SET updated_at = $3 WHERE id = $1 AND workspace_id = $2 AND deleted_at IS NULL";
    let insert = "INSERT INTO turns (id, thread_id, number, run_id, question, options, status, created_at) \
                  SELECT $1, $2, COALESCE(MAX(number), 0) + 1, $3, $4, $5, 'running', $6 FROM turns WHERE thread_id = $2";
    let params =
        vec![id.into(), thread.into(), run.into(), question.into(), options.to_string().into(), now.into()];
    vec![
        Statement::new(touch, vec![thread.into(), workspace.into(), now.into()]).expecting(1),
        Statement::new(insert, params).expecting(1),
    ]
}

/// A turn's end, as part of the batch that holds its run's last checkpoint. Changes nothing for a run without a turn.
#[must_use]
pub fn turn_finish(end: &TurnEnd<'_>) -> Vec<Statement> {
    let turn = "UPDATE turns SET status = $2, answer = $3, failure_code = $4, failure_reason = $5, finished_at = $6 WHERE run_id = $1";
    let thread =
        "UPDATE threads SET updated_at = $2 WHERE id IN (SELECT thread_id FROM turns WHERE run_id = $1)";
    let params = vec![
        end.run.into(),
        end.status.into(),
        end.answer.map(Json::to_string).into(),
        end.failure.map(|(code, _)| code.to_owned()).into(),
        end.failure.map(|(_, reason)| reason.to_owned()).into(),
        end.now.into(),
    ];
    vec![Statement::new(turn, params), Statement::new(thread, vec![end.run.into(), end.now.into()])]
}

/// The title of a thread that has none yet, as part of the batch that starts its first turn.
#[must_use]
pub fn thread_title(id: ThreadId, title: &str) -> Statement {
    Statement::new(
        "UPDATE threads SET title = $2 WHERE id = $1 AND title = ''",
        vec![id.into(), title.into()],
    )
}

/// A thread's summary, as part of a batch of its owner.
#[must_use]
pub fn thread_summary(id: ThreadId, summary: &str) -> Statement {
    Statement::new("UPDATE threads SET summary = $2 WHERE id = $1", vec![id.into(), summary.into()])
}

impl Store {
    /// A thread without turns.
    pub fn thread_create(&self, workspace: WorkspaceId, title: &str) -> Result<ThreadId> {
        let id = ThreadId::new();
        self.db.batch(vec![thread_insert(id, workspace, title, self.now())])?;
        Ok(id)
    }

    pub fn thread_find(&self, workspace: WorkspaceId, id: ThreadId) -> Result<Option<ThreadRow>> {
        let filter = "t.workspace_id = $1 AND t.id = $2 AND t.deleted_at IS NULL";
        Ok(self.threads(filter, &[workspace.into(), id.into()])?.pop())
    }

    fn threads(&self, filter: &str, params: &[Value]) -> Result<Vec<ThreadRow>> {
        let sql = format!("SELECT {THREAD_COLUMNS} FROM threads t WHERE {filter}");
        self.db.query(&sql, params)?.iter().map(read_thread).collect()
    }

    /// A page of threads, the last changed first.
    pub fn thread_list(&self, workspace: WorkspaceId, query: &ThreadsQuery) -> Result<ThreadsPage> {
        let mut filter = "t.workspace_id = $1 AND t.deleted_at IS NULL".to_owned();
        let mut params: Vec<Value> = vec![workspace.into()];
        if let Some(text) = &query.text {
            params.push(format!("%{}%", escaped(&text.to_lowercase())).into());
            filter.push_str(
                " AND (LOWER(t.title) LIKE $2 ESCAPE '\\' OR EXISTS (SELECT 1 FROM turns \
                 WHERE thread_id = t.id AND LOWER(question) LIKE $2 ESCAPE '\\'))",
            );
        }
        if let Some(cursor) = &query.cursor {
            let (updated_at, id) = read_cursor(cursor)?;
            let (at, than) = (params.len() + 1, params.len() + 2);
            filter
                .push_str(&format!(" AND (t.updated_at < ${at} OR t.updated_at = ${at} AND t.id > ${than})"));
            params.extend([updated_at.into(), id.into()]);
        }
        filter.push_str(&format!(" ORDER BY t.updated_at DESC, t.id LIMIT {}", query.limit + 1));
        let mut items = self.threads(&filter, &params)?;
        let more = items.len() > query.limit;
        items.truncate(query.limit);
        let next =
            items.last().filter(|_| more).map(|thread| format!("{}.{}", thread.updated_at.0, thread.id));
        Ok(ThreadsPage { items, next })
    }

    pub fn thread_rename(&self, workspace: WorkspaceId, id: ThreadId, title: &str) -> Result<()> {
        let sql = "UPDATE threads SET title = $3, updated_at = $4 WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL";
        let params = vec![workspace.into(), id.into(), title.into(), self.now().into()];
        self.change_thread(id, Statement::new(sql, params))
    }

    pub fn thread_summarise(&self, id: ThreadId, summary: &str) -> Result<()> {
        self.db.batch(vec![thread_summary(id, summary)]).map(|_| ())
    }

    /// Deletes the thread with its turns and runs. Those of its runs that are not over yet are to be cancelled first,
    /// or go with `threads_cleanup` once they are.
    pub fn thread_delete(&self, workspace: WorkspaceId, id: ThreadId) -> Result<()> {
        let sql =
            "UPDATE threads SET deleted_at = $3 WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL";
        let params = vec![workspace.into(), id.into(), self.now().into()];
        self.change_thread(id, Statement::new(sql, params))?;
        self.thread_purge(id).map(|_| ())
    }

    fn change_thread(&self, id: ThreadId, statement: Statement) -> Result<()> {
        self.db.batch(vec![statement.expecting(1)]).map(|_| ()).map_err(|error| match error.code {
            "store_conflict" => Error::not_found("thread_unknown", format!("there is no thread {id}")),
            _ => error,
        })
    }

    /// Removes the rows of up to `limit` deleted threads whose runs are over. Says how many.
    pub fn threads_cleanup(&self, limit: usize) -> Result<usize> {
        let sql = "SELECT id FROM threads WHERE deleted_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM runs \
                   WHERE thread_id = threads.id AND finished_at IS NULL) LIMIT $1";
        let rows = self.db.query(sql, &[limit.into()])?;
        for row in &rows {
            self.thread_purge(row.get(0)?)?;
        }
        Ok(rows.len())
    }

    /// Removes what is left of a deleted thread, unless a run of it is at work.
    fn thread_purge(&self, id: ThreadId) -> Result<bool> {
        let runs = self.db.query("SELECT id, finished_at FROM runs WHERE thread_id = $1", &[id.into()])?;
        let mut statements = Vec::new();
        for row in &runs {
            if row.get::<Option<Timestamp>>(1)?.is_none() {
                return Ok(false);
            }
            statements.extend(run_delete(row.get(0)?));
        }
        statements.push(Statement::new("DELETE FROM turns WHERE thread_id = $1", vec![id.into()]));
        statements.push(Statement::new("DELETE FROM threads WHERE id = $1", vec![id.into()]));
        self.db.batch(statements).map(|_| true)
    }

    pub fn turn_find(&self, id: TurnId) -> Result<Option<TurnRow>> {
        Ok(self.turns("id = $1", &[id.into()])?.pop())
    }

    /// The turn that the run answers; copies in forks of its thread come after it.
    pub fn turn_of_run(&self, run: RunId) -> Result<Option<TurnRow>> {
        Ok(self.turns("run_id = $1 ORDER BY id LIMIT 1", &[run.into()])?.pop())
    }

    /// A new thread with the turns of another up to a number, which keep their runs. `summary` is what the new thread
    /// was about so far.
    pub fn thread_fork(
        &self,
        workspace: WorkspaceId,
        title: &str,
        turns: &[TurnRow],
        summary: Option<&str>,
    ) -> Result<ThreadId> {
        let (id, now) = (ThreadId::new(), self.now());
        let mut statements = vec![thread_insert(id, workspace, title, now)];
        statements.extend(summary.map(|summary| thread_summary(id, summary)));
        statements.extend(turns.iter().map(|turn| turn_copy(turn, id)));
        self.db.batch(statements).map(|_| id)
    }

    /// Up to `limit` turns after number `after`, in order.
    pub fn turn_list(&self, thread: ThreadId, after: u32, limit: usize) -> Result<Vec<TurnRow>> {
        let filter = "thread_id = $1 AND number > $2 ORDER BY number LIMIT $3";
        self.turns(filter, &[thread.into(), after.into(), limit.into()])
    }

    /// The last `limit` turns before number `before`, in order: what a prompt's history is made of.
    pub fn turns_before(&self, thread: ThreadId, before: u32, limit: usize) -> Result<Vec<TurnRow>> {
        let filter = "thread_id = $1 AND number < $2 ORDER BY number DESC LIMIT $3";
        let mut turns = self.turns(filter, &[thread.into(), before.into(), limit.into()])?;
        turns.reverse();
        Ok(turns)
    }

    fn turns(&self, filter: &str, params: &[Value]) -> Result<Vec<TurnRow>> {
        let sql = format!("SELECT {TURN_COLUMNS} FROM turns WHERE {filter}");
        self.db.query(&sql, params)?.iter().map(read_turn).collect()
    }
}

/// A turn as it is now, in another thread.
fn turn_copy(turn: &TurnRow, thread: ThreadId) -> Statement {
    let sql = "INSERT INTO turns (id, thread_id, number, run_id, question, options, status, answer, failure_code, \
               failure_reason, created_at, finished_at) \
               SELECT $1, $2, number, run_id, question, options, status, answer, failure_code, failure_reason, \
               created_at, finished_at FROM turns WHERE id = $3";
    Statement::new(sql, vec![TurnId::new().into(), thread.into(), turn.id.into()]).expecting(1)
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

fn read_cursor(cursor: &str) -> Result<(i64, ThreadId)> {
    let malformed =
        || Error::bad_request("cursor_malformed", format!("'{cursor}' is not a cursor of this listing"));
    let (at, id) = cursor.split_once('.').ok_or_else(malformed)?;
    Ok((at.parse().map_err(|_| malformed())?, id.parse().map_err(|_| malformed())?))
}

fn read_thread(row: &Row) -> Result<ThreadRow> {
    Ok(ThreadRow {
        id: row.get(0)?,
        workspace: row.get(1)?,
        title: row.get(2)?,
        summary: row.get(3)?,
        turns: row.get(4)?,
        created_at: row.get(5)?,
        updated_at: row.get(6)?,
    })
}

fn read_turn(row: &Row) -> Result<TurnRow> {
    let failure = row.get::<Option<String>>(8)?;
    let reason = row.get::<Option<String>>(9)?.unwrap_or_default();
    Ok(TurnRow {
        id: row.get(0)?,
        thread: row.get(1)?,
        number: row.get(2)?,
        run: row.get(3)?,
        question: row.get(4)?,
        options: json(&row.get::<String>(5)?)?,
        status: row.get(6)?,
        answer: row.get::<Option<String>>(7)?.map(|text| json(&text)).transpose()?,
        failure: failure.map(|code| (code, reason)),
        created_at: row.get(10)?,
        finished_at: row.get(11)?,
    })
}
