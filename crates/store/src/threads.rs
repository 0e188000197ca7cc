//! Conversations: threads and their turns. A turn names the run that answers it.
//!
//! Keeps true: a thread's turns are numbered from 1 without gaps, in the order in which they began; what people and
//! answers say is written and read through the store's sealer alone.

use ibid_types::access::PART_MARK;
use ibid_types::{Error, Result, RunId, ThreadId, Timestamp, TurnId, WorkspaceId};
use serde_json::Value as Json;

use crate::runs::run_delete;
use crate::sealing::{SealedColumn, Sealer};
use crate::value::json;
use crate::{Row, Statement, Store, Value};

/// Threads read at a time, and the most that are looked into for one page, where only an opened text can be searched.
const SEARCHED_AT_ONCE: usize = 100;
const SEARCHES_MAX: usize = 10;
/// Questions of a thread that are searched.
const QUESTIONS_MAX: usize = 1000;

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
    /// Who began it, as `Holder` writes it.
    pub owner: Option<String>,
}

/// Whose threads and runs are looked for: their own, and as an administrator those that are nobody's and runs of no thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenBy {
    pub owner: String,
    pub is_admin: bool,
}

impl SeenBy {
    /// Whether it is theirs, or was begun with a part of their rights.
    #[must_use]
    pub fn has(&self, owner: &str) -> bool {
        owner.strip_prefix(&self.owner).is_some_and(|part| part.is_empty() || part.starts_with(PART_MARK))
    }

    /// The same of a column.
    pub(crate) fn condition(&self, column: &str, params: &mut Vec<Value>) -> String {
        params.push(self.owner.as_str().into());
        let owner = params.len();
        format!("{column} = ${owner} OR {column} LIKE ${owner} || '{PART_MARK}%'")
    }
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
    /// All without it.
    pub seen_by: Option<SeenBy>,
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
                              (SELECT COUNT(*) FROM turns WHERE thread_id = t.id), t.created_at, t.updated_at, t.owner";
const TURN_COLUMNS: &str = "id, thread_id, number, run_id, question, options, status, answer, failure_code, failure_reason, created_at, \
                            finished_at";

/// The row of a new thread.
pub fn thread_insert(
    id: ThreadId,
    workspace: WorkspaceId,
    title: &str,
    owner: Option<&str>,
    now: Timestamp,
    sealer: &dyn Sealer,
) -> Result<Statement> {
    let title = SealedColumn::Title.seal(sealer, id.as_bytes(), title)?;
    let sql = "INSERT INTO threads (id, workspace_id, title, created_at, updated_at, owner) VALUES ($1, $2, $3, $4, $4, $5)";
    let owner = owner.map(str::to_owned);
    Ok(Statement::new(sql, vec![id.into(), workspace.into(), title.into(), now.into(), owner.into()]))
}

/// A turn that begins.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnStart<'a> {
    pub id: TurnId,
    pub workspace: WorkspaceId,
    pub thread: ThreadId,
    pub run: RunId,
    pub question: &'a str,
    pub options: &'a Json,
    pub now: Timestamp,
}

/// The row of a thread's next turn, and the thread's new time: part of the batch that starts the run. Fails with
/// `store_conflict` where the thread is not in the workspace or was deleted.
pub fn turn_insert(turn: &TurnStart<'_>, sealer: &dyn Sealer) -> Result<Vec<Statement>> {
    let touch =
        "UPDATE threads SET updated_at = $3 WHERE id = $1 AND workspace_id = $2 AND deleted_at IS NULL";
    let insert = "INSERT INTO turns (id, thread_id, number, run_id, question, options, status, created_at) \
                  SELECT $1, $2, COALESCE(MAX(number), 0) + 1, $3, $4, $5, 'running', $6 FROM turns WHERE thread_id = $2";
    let seal = |column: SealedColumn, text: &str| column.seal(sealer, turn.run.as_bytes(), text);
    let params = vec![
        turn.id.into(),
        turn.thread.into(),
        turn.run.into(),
        seal(SealedColumn::Question, turn.question)?.into(),
        seal(SealedColumn::Options, &turn.options.to_string())?.into(),
        turn.now.into(),
    ];
    let touched = vec![turn.thread.into(), turn.workspace.into(), turn.now.into()];
    Ok(vec![Statement::new(touch, touched).expecting(1), Statement::new(insert, params).expecting(1)])
}

/// A turn's end, as part of the batch that holds its run's last checkpoint. Changes nothing for a run without a turn.
pub fn turn_finish(end: &TurnEnd<'_>, sealer: &dyn Sealer) -> Result<Vec<Statement>> {
    let turn = "UPDATE turns SET status = $2, answer = $3, failure_code = $4, failure_reason = $5, finished_at = $6 WHERE run_id = $1";
    let thread =
        "UPDATE threads SET updated_at = $2 WHERE id IN (SELECT thread_id FROM turns WHERE run_id = $1)";
    let seal = |column: SealedColumn, text: String| column.seal(sealer, end.run.as_bytes(), &text);
    let answer = end.answer.map(|answer| seal(SealedColumn::Answer, answer.to_string())).transpose()?;
    let reason = end.failure.map(|(_, reason)| seal(SealedColumn::FailureReason, reason.to_owned()));
    let params = vec![
        end.run.into(),
        end.status.into(),
        answer.into(),
        end.failure.map(|(code, _)| code.to_owned()).into(),
        reason.transpose()?.into(),
        end.now.into(),
    ];
    Ok(vec![Statement::new(turn, params), Statement::new(thread, vec![end.run.into(), end.now.into()])])
}

/// The title of a thread that has none yet, as part of the batch that starts its first turn.
pub fn thread_title(id: ThreadId, title: &str, sealer: &dyn Sealer) -> Result<Statement> {
    let title = SealedColumn::Title.seal(sealer, id.as_bytes(), title)?;
    let sql = "UPDATE threads SET title = $2 WHERE id = $1 AND title = ''";
    Ok(Statement::new(sql, vec![id.into(), title.into()]))
}

/// A thread's summary, as part of a batch of its owner.
pub fn thread_summary(id: ThreadId, summary: &str, sealer: &dyn Sealer) -> Result<Statement> {
    let summary = SealedColumn::Summary.seal(sealer, id.as_bytes(), summary)?;
    Ok(Statement::new("UPDATE threads SET summary = $2 WHERE id = $1", vec![id.into(), summary.into()]))
}

impl Store {
    /// A thread without turns.
    pub fn thread_create(
        &self,
        workspace: WorkspaceId,
        title: &str,
        owner: Option<&str>,
    ) -> Result<ThreadId> {
        let id = ThreadId::new();
        self.db.batch(vec![thread_insert(id, workspace, title, owner, self.now(), self.sealer())?])?;
        Ok(id)
    }

    pub fn thread_find(&self, workspace: WorkspaceId, id: ThreadId) -> Result<Option<ThreadRow>> {
        let filter = "t.workspace_id = $1 AND t.id = $2 AND t.deleted_at IS NULL";
        Ok(self.threads(filter, &[workspace.into(), id.into()])?.pop())
    }

    fn threads(&self, filter: &str, params: &[Value]) -> Result<Vec<ThreadRow>> {
        let sql = format!("SELECT {THREAD_COLUMNS} FROM threads t WHERE {filter}");
        self.db.query(&sql, params)?.iter().map(|row| read_thread(row, self.sealer())).collect()
    }

    /// A page of threads, the last changed first. Where titles and questions are sealed they are opened one after the
    /// other, and a page of a search may hold less than is asked for although `next` says that there may be more.
    pub fn thread_list(&self, workspace: WorkspaceId, query: &ThreadsQuery) -> Result<ThreadsPage> {
        match &query.text {
            Some(text) if self.sealer().is_sealing() => {
                self.threads_searched(workspace, query, &text.to_lowercase())
            }
            _ => self.threads_page(workspace, query),
        }
    }

    fn threads_searched(
        &self,
        workspace: WorkspaceId,
        query: &ThreadsQuery,
        text: &str,
    ) -> Result<ThreadsPage> {
        let mut found = ThreadsPage { items: Vec::new(), next: query.cursor.clone() };
        for _ in 0..SEARCHES_MAX {
            let cursor = found.next.take();
            let part =
                ThreadsQuery { text: None, seen_by: query.seen_by.clone(), limit: SEARCHED_AT_ONCE, cursor };
            let part = self.threads_page(workspace, &part)?;
            let mut left = part.items.len();
            for thread in part.items {
                left -= 1;
                let here = cursor_of(&thread);
                if self.speaks_of(&thread, text)? {
                    found.items.push(thread);
                }
                if found.items.len() == query.limit {
                    found.next = (left > 0 || part.next.is_some()).then_some(here);
                    return Ok(found);
                }
            }
            found.next = part.next;
            if found.next.is_none() {
                break;
            }
        }
        Ok(found)
    }

    fn speaks_of(&self, thread: &ThreadRow, text: &str) -> Result<bool> {
        if thread.title.to_lowercase().contains(text) {
            return Ok(true);
        }
        let sql = "SELECT run_id, question FROM turns WHERE thread_id = $1 ORDER BY number LIMIT $2";
        for row in self.db.query(sql, &[thread.id.into(), QUESTIONS_MAX.into()])? {
            let run = row.get::<RunId>(0)?;
            let question =
                SealedColumn::Question.open(self.sealer(), run.as_bytes(), &row.get::<String>(1)?)?;
            if question.to_lowercase().contains(text) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn threads_page(&self, workspace: WorkspaceId, query: &ThreadsQuery) -> Result<ThreadsPage> {
        let mut filter = "t.workspace_id = $1 AND t.deleted_at IS NULL".to_owned();
        let mut params: Vec<Value> = vec![workspace.into()];
        if let Some(text) = &query.text {
            params.push(format!("%{}%", escaped(&text.to_lowercase())).into());
            filter.push_str(
                " AND (LOWER(t.title) LIKE $2 ESCAPE '\\' OR EXISTS (SELECT 1 FROM turns \
                 WHERE thread_id = t.id AND LOWER(question) LIKE $2 ESCAPE '\\'))",
            );
        }
        if let Some(seen_by) = &query.seen_by {
            let also = if seen_by.is_admin { " OR t.owner IS NULL" } else { "" };
            filter.push_str(&format!(" AND ({}{also})", seen_by.condition("t.owner", &mut params)));
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
        let next = items.last().filter(|_| more).map(cursor_of);
        Ok(ThreadsPage { items, next })
    }

    pub fn thread_rename(&self, workspace: WorkspaceId, id: ThreadId, title: &str) -> Result<()> {
        let sql = "UPDATE threads SET title = $3, updated_at = $4 WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL";
        let title = SealedColumn::Title.seal(self.sealer(), id.as_bytes(), title)?;
        let params = vec![workspace.into(), id.into(), title.into(), self.now().into()];
        self.change_thread(id, Statement::new(sql, params))
    }

    pub fn thread_summarise(&self, id: ThreadId, summary: &str) -> Result<()> {
        self.db.batch(vec![thread_summary(id, summary, self.sealer())?]).map(|_| ())
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
        owner: Option<&str>,
    ) -> Result<ThreadId> {
        let (id, now) = (ThreadId::new(), self.now());
        let mut statements = vec![thread_insert(id, workspace, title, owner, now, self.sealer())?];
        if let Some(summary) = summary {
            statements.push(thread_summary(id, summary, self.sealer())?);
        }
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
        self.db.query(&sql, params)?.iter().map(|row| read_turn(row, self.sealer())).collect()
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

fn cursor_of(thread: &ThreadRow) -> String {
    format!("{}.{}", thread.updated_at.0, thread.id)
}

fn read_cursor(cursor: &str) -> Result<(i64, ThreadId)> {
    let malformed =
        || Error::bad_request("cursor_malformed", format!("'{cursor}' is not a cursor of this listing"));
    let (at, id) = cursor.split_once('.').ok_or_else(malformed)?;
    Ok((at.parse().map_err(|_| malformed())?, id.parse().map_err(|_| malformed())?))
}

fn read_thread(row: &Row, sealer: &dyn Sealer) -> Result<ThreadRow> {
    let id: ThreadId = row.get(0)?;
    let open = |column: SealedColumn, text: String| column.open(sealer, id.as_bytes(), &text);
    Ok(ThreadRow {
        id,
        workspace: row.get(1)?,
        title: open(SealedColumn::Title, row.get(2)?)?,
        summary: row.get::<Option<String>>(3)?.map(|text| open(SealedColumn::Summary, text)).transpose()?,
        turns: row.get(4)?,
        created_at: row.get(5)?,
        updated_at: row.get(6)?,
        owner: row.get(7)?,
    })
}

fn read_turn(row: &Row, sealer: &dyn Sealer) -> Result<TurnRow> {
    let run: RunId = row.get(3)?;
    let open = |column: SealedColumn, text: String| column.open(sealer, run.as_bytes(), &text);
    let opened = |column: SealedColumn, at: usize| {
        row.get::<Option<String>>(at)?.map(|text| open(column, text)).transpose()
    };
    let reason = opened(SealedColumn::FailureReason, 9)?.unwrap_or_default();
    Ok(TurnRow {
        id: row.get(0)?,
        thread: row.get(1)?,
        number: row.get(2)?,
        run,
        question: open(SealedColumn::Question, row.get(4)?)?,
        options: json(&open(SealedColumn::Options, row.get(5)?)?)?,
        status: row.get(6)?,
        answer: opened(SealedColumn::Answer, 7)?.map(|text| json(&text)).transpose()?,
        failure: row.get::<Option<String>>(8)?.map(|code| (code, reason)),
        created_at: row.get(10)?,
        finished_at: row.get(11)?,
    })
}
