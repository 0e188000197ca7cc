//! Bringing a part of a restored library back into the living one: a document, a thread, a run, or a workspace with all of them.
//!
//! Keeps true: a document, a thread or a run comes back whole, in one commit with its feed entry, or not at all; it takes the
//! place of what is there under its id (a document also of what is there under its source), and nothing else is touched. Work
//! that was not over at that moment does not come back, so that nothing is done a second time. What people and answers say
//! is copied as it is stored, after it was seen that the keys of this library open it. Nobody reads a document because it came back:
//! the access list that it has here stays, whatever it was at that moment.

use ibid_types::access::Holder;
use ibid_types::memory::Owner;
use ibid_types::{ContentHash, DocumentId, Error, Result, RunId, ThreadId, WorkspaceId};

use crate::readable;
use crate::runs::run_delete;
use crate::statements::feed_entry;
use crate::upload::until_no_conflict;
use crate::{Row, RunRow, Statement, Store, ThreadRow, Value};

/// Turns opened at a time while it is seen whether the keys are there.
const TURNS_AT_ONCE: usize = 256;

/// What is to come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// By name.
    Workspace(String),
    /// By id or source; a source may be that of one workspace only.
    Document {
        named: String,
        workspace: Option<String>,
    },
    Thread(ThreadId),
    /// What somebody told, in one workspace or in all.
    Memory {
        owner: Owner,
        workspace: Option<String>,
    },
}

/// What a restored library holds of a part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartHeld {
    pub documents: Vec<DocumentId>,
    pub threads: Vec<ThreadId>,
    /// Ended runs that belong to no thread.
    pub runs: Vec<RunId>,
    /// Whose memory, and where.
    pub memories: Vec<(WorkspaceId, Owner)>,
}

/// What one document, thread or run is called, and whether the living library has something in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartNamed {
    /// Source of a document, title of a thread, flow of a run.
    pub name: String,
    pub is_there: bool,
    pub workspace: WorkspaceId,
    /// The access list that a document comes back with.
    pub readers: Vec<Holder>,
    /// Who began a thread or a run.
    pub owner: Option<String>,
}

/// The access list of a document that comes back.
struct List {
    stored: Option<String>,
    /// It is that of the document's row here, and must still be when it is written.
    is_here: bool,
}

/// A table with its columns, and the condition on the id `$1` of what is copied.
struct Copied {
    table: &'static str,
    columns: &'static str,
    condition: &'static str,
}

const fn copied(table: &'static str, columns: &'static str, condition: &'static str) -> Copied {
    Copied { table, columns, condition }
}

/// Of a document, parents first.
const DOCUMENT: [Copied; 5] = [
    copied(
        "documents",
        "id, workspace_id, source, status, current_version, title, author, language, tags, date, created_at, updated_at, deleted_at, readers",
        "id = $1",
    ),
    copied(
        "versions",
        "id, document_id, number, status, content, size_bytes, media_type, chunk_count, text_bytes, page_count, warnings, \
         failure_code, failure_reason, near_duplicate_of, created_at",
        "document_id = $1 AND status <> 'pending'",
    ),
    copied("signatures", "document_id, workspace_id, band, value, signature", "document_id = $1"),
    copied(
        "chunks",
        "id, document_id, version_id, ordinal, start_byte, end_byte, start_char, pages, heading_path, kind, tokens, text",
        "version_id IN (SELECT id FROM versions WHERE document_id = $1 AND status <> 'pending')",
    ),
    copied(
        "embeddings",
        "chunk_id, model, vector",
        "chunk_id IN (SELECT c.id FROM chunks c JOIN versions v ON v.id = c.version_id \
         WHERE v.document_id = $1 AND v.status <> 'pending')",
    ),
];

/// Of a thread without its runs.
const THREAD: [Copied; 2] = [
    copied(
        "threads",
        "id, workspace_id, title, summary, created_at, updated_at, deleted_at, owner",
        "id = $1",
    ),
    copied(
        "turns",
        "id, thread_id, number, run_id, question, options, status, answer, failure_code, failure_reason, created_at, finished_at",
        "thread_id = $1 AND status <> 'running'",
    ),
];

/// Of a run. What runs share is there already or is added.
const RUN: [Copied; 6] = [
    copied("flows", "hash, name, source, created_at", "hash IN (SELECT flow_hash FROM runs WHERE id = $1)"),
    copied("flow_values", "hash, body", "hash IN (SELECT hash FROM run_values WHERE run_id = $1)"),
    copied(
        "runs",
        "id, workspace_id, flow_hash, flow_name, status, idempotency_key, thread_id, forked_from, forked_at, wake_at, asks, \
         failure_code, lease_owner, lease_until, created_at, updated_at, finished_at, thinned_at, owner",
        "id = $1",
    ),
    copied("checkpoints", "run_id, number, at, kind, node, body", "run_id = $1"),
    copied("run_values", "run_id, hash", "run_id = $1"),
    copied("feedback", "run_id, workspace_id, rating, reason, correction, at", "run_id = $1"),
];
const SHARED: [&str; 2] = ["flows", "flow_values"];

const WORKSPACE: Copied = copied("workspaces", "id, name, created_at", "id = $1");

impl Store {
    /// What this library holds of the part. Errors: `restore_part_unknown`, `restore_part_ambiguous`.
    pub fn part_held(&self, part: &Part) -> Result<PartHeld> {
        match part {
            Part::Workspace(name) => self.workspace_held(name),
            Part::Document { named, workspace } => {
                let documents = vec![self.document_held(named, workspace.as_deref())?];
                Ok(PartHeld { documents, ..PartHeld::default() })
            }
            Part::Thread(id) => {
                let found =
                    self.ids::<ThreadId>("threads WHERE id = $1 AND deleted_at IS NULL", (*id).into())?;
                if found.is_empty() {
                    return Err(unknown(&format!("thread {id}")));
                }
                Ok(PartHeld { threads: found, ..PartHeld::default() })
            }
            Part::Memory { owner, workspace } => {
                let memories = self.memories_held(Some(*owner), workspace.as_deref())?;
                if memories.is_empty() {
                    return Err(unknown(&format!("memory of {owner}")));
                }
                Ok(PartHeld { memories, ..PartHeld::default() })
            }
        }
    }

    /// The originals of the document's versions.
    pub fn document_contents(&self, id: DocumentId) -> Result<Vec<ContentHash>> {
        let sql =
            "SELECT DISTINCT content FROM versions WHERE document_id = $1 AND status <> 'pending' ORDER BY 1";
        self.db.query(sql, &[id.into()])?.iter().map(|row| row.get(0)).collect()
    }

    /// What the document of the restored library is, and whether this library has it or another of its source.
    pub fn document_named(&self, from: &Self, id: DocumentId) -> Result<PartNamed> {
        let (workspace, name) = from.place_of(id)?;
        let sql = "SELECT 1 FROM documents WHERE (id = $1 OR workspace_id = $2 AND source = $3) AND deleted_at IS NULL";
        let there = self.db.query(sql, &[id.into(), workspace.into(), name.as_str().into()])?;
        let list = self.list_of(from, id)?;
        let readers = readable::read(list.stored.as_deref())?;
        Ok(PartNamed { name, is_there: !there.is_empty(), workspace, readers, owner: None })
    }

    /// The same of a thread. Error: `checkpoint_key_missing`.
    pub fn thread_named(&self, from: &Self, id: ThreadId) -> Result<PartNamed> {
        let workspace = from.workspace_of("threads", id.into())?;
        let thread = from.thread_find(workspace, id)?.ok_or_else(|| unknown(&format!("thread {id}")))?;
        let is_there = self.thread_find(workspace, id)?.is_some();
        let ThreadRow { title: name, owner, .. } = thread;
        Ok(PartNamed { name, is_there, workspace, readers: Vec::new(), owner })
    }

    /// The same of a run.
    pub fn run_named(&self, from: &Self, id: RunId) -> Result<PartNamed> {
        let run = from.run_find(id)?.ok_or_else(|| unknown(&format!("run {id}")))?;
        let is_there = self.run_find(id)?.is_some();
        let RunRow { flow_name: name, workspace, owner, .. } = run;
        Ok(PartNamed { name, is_there, workspace, readers: Vec::new(), owner })
    }

    /// Brings the document over; its originals must be there. What waits or works for it in the queue is cancelled. It comes under
    /// the access list that it has here; where it is gone, under the one that it had, or if that was open under the one of the
    /// document whose place it takes. Errors: `restore_part_unknown`, `restore_conflict`.
    pub fn document_merge(&self, from: &Self, id: DocumentId) -> Result<()> {
        until_no_conflict(|| self.document_merge_once(from, id))
    }

    fn document_merge_once(&self, from: &Self, id: DocumentId) -> Result<()> {
        let (workspace, source) = from.place_of(id)?;
        let list = self.list_of(from, id)?;
        let mut all = self.workspace_back(from, workspace)?;
        if list.is_here {
            let sql = "UPDATE documents SET readers = readers WHERE id = $1 AND readers IS $2";
            all.push(Statement::new(sql, vec![id.into(), list.stored.clone().into()]).expecting(1));
        }
        all.extend(self.others_of_source(workspace, &source, id)?);
        all.extend(self.document_away(id));
        for copied in &DOCUMENT {
            all.extend(copies(from, copied, &id.into())?);
        }
        let close = "UPDATE documents SET readers = $2 WHERE id = $1";
        all.push(Statement::new(close, vec![id.into(), list.stored.into()]));
        all.push(feed_entry(workspace, "document", id.as_bytes().to_vec()));
        self.db.batch(all).map(|_| ())
    }

    /// Workspace and source of the document.
    fn place_of(&self, id: DocumentId) -> Result<(WorkspaceId, String)> {
        let rows = self.db.query("SELECT workspace_id, source FROM documents WHERE id = $1", &[id.into()])?;
        let row = rows.first().ok_or_else(|| unknown(&format!("document {id}")))?;
        Ok((row.get(0)?, row.get(1)?))
    }

    fn list_of(&self, from: &Self, id: DocumentId) -> Result<List> {
        let sql = "SELECT readers FROM documents WHERE id = $1";
        if let Some(row) = self.db.query(sql, &[id.into()])?.first() {
            return Ok(List { stored: row.get(0)?, is_here: true });
        }
        let had = from.db.query(sql, &[id.into()])?;
        let had: Option<String> = had.first().map_or(Ok(None), |row| row.get(0))?;
        let (workspace, source) = from.place_of(id)?;
        let sql =
            "SELECT readers FROM documents WHERE workspace_id = $1 AND source = $2 AND deleted_at IS NULL";
        let replaced = self.db.query(sql, &[workspace.into(), source.into()])?;
        let replaced: Option<String> = replaced.first().map_or(Ok(None), |row| row.get(0))?;
        Ok(List { stored: had.or(replaced), is_here: false })
    }

    /// Brings the thread over with its ended turns, their runs and what was said of them. Gives how many turns stay away
    /// because they were not over. Errors: `restore_part_unknown`, `restore_busy`, `restore_conflict`, `checkpoint_key_missing`.
    pub fn thread_merge(&self, from: &Self, id: ThreadId) -> Result<usize> {
        let workspace = from.workspace_of("threads", id.into())?;
        from.refuse_unreadable(id)?;
        let mut all = vec![Statement {
            sql: "UPDATE runs SET updated_at = updated_at WHERE thread_id = $1 AND finished_at IS NULL"
                .into(),
            params: vec![id.into()],
            rows_expected: Some(0),
        }];
        all.extend(self.workspace_back(from, workspace)?);
        for run in self.ids::<RunId>("runs WHERE thread_id = $1", id.into())? {
            all.extend(run_delete(run));
        }
        let delete = |sql| Statement::new(sql, vec![id.into()]);
        all.push(delete("DELETE FROM turns WHERE thread_id = $1"));
        all.push(delete("DELETE FROM threads WHERE id = $1"));
        for copied in &THREAD {
            all.extend(copies(from, copied, &id.into())?);
        }
        for run in self.runs_to_copy(from, id)? {
            all.extend(run_copies(from, run)?);
        }
        self.db.batch(all).map_err(|error| match error.code {
            "store_conflict" => busy(id, &error),
            _ => error,
        })?;
        let away = from.ids::<Vec<u8>>("turns WHERE thread_id = $1 AND status = 'running'", id.into())?;
        Ok(away.len())
    }

    /// Brings a run over that belongs to no thread. Errors: `restore_part_unknown`, `restore_conflict`.
    pub fn run_merge(&self, from: &Self, id: RunId) -> Result<()> {
        let workspace = from.workspace_of("runs", id.into())?;
        let mut all = self.workspace_back(from, workspace)?;
        all.extend(run_delete(id));
        all.extend(run_copies(from, id)?);
        self.db.batch(all).map(|_| ())
    }

    fn workspace_held(&self, name: &str) -> Result<PartHeld> {
        let workspace = self.workspace_find(name)?.ok_or_else(|| unknown(&format!("workspace '{name}'")))?;
        let id = || Value::from(workspace.id);
        Ok(PartHeld {
            documents: self.ids(
                "documents WHERE workspace_id = $1 AND deleted_at IS NULL AND current_version IS NOT NULL",
                id(),
            )?,
            threads: self.ids("threads WHERE workspace_id = $1 AND deleted_at IS NULL", id())?,
            runs: self.ids(
                "runs WHERE workspace_id = $1 AND thread_id IS NULL AND finished_at IS NOT NULL",
                id(),
            )?,
            memories: self.memories_held(None, Some(name))?,
        })
    }

    fn memories_held(
        &self,
        owner: Option<Owner>,
        workspace: Option<&str>,
    ) -> Result<Vec<(WorkspaceId, Owner)>> {
        let sql = "SELECT w.id, m.owner FROM (SELECT workspace_id, owner FROM episodes UNION SELECT workspace_id, owner FROM entities \
                   UNION SELECT workspace_id, owner FROM facts) m JOIN workspaces w ON w.id = m.workspace_id \
                   WHERE ($1 IS NULL OR m.owner = $1) AND ($2 IS NULL OR w.name = $2) ORDER BY w.id, m.owner";
        let params = [owner.map(|owner| owner.to_string()).into(), workspace.map(str::to_owned).into()];
        let read = |row: &Row| Ok((row.get(0)?, row.get::<String>(1)?.parse()?));
        self.db.query(sql, &params)?.iter().map(read).collect()
    }

    fn document_held(&self, named: &str, workspace: Option<&str>) -> Result<DocumentId> {
        let (column, value) = match named.parse::<DocumentId>() {
            Ok(id) => ("id", Value::from(id)),
            Err(_) => ("source", Value::from(named)),
        };
        let sql = format!(
            "SELECT d.id FROM documents d JOIN workspaces w ON w.id = d.workspace_id WHERE d.{column} = $1 \
             AND d.deleted_at IS NULL AND d.current_version IS NOT NULL AND ($2 IS NULL OR w.name = $2)"
        );
        let found = self.db.query(&sql, &[value, workspace.map(str::to_owned).into()])?;
        if found.len() > 1 {
            let what =
                format!("{} workspaces have the source {named}; name one with --workspace", found.len());
            return Err(Error::conflict("restore_part_ambiguous", what));
        }
        found.first().ok_or_else(|| unknown(&format!("document '{named}'")))?.get(0)
    }

    fn ids<T: TryFrom<Value, Error = Error>>(&self, rows: &str, value: Value) -> Result<Vec<T>> {
        let rows = self.db.query(&format!("SELECT id FROM {rows} ORDER BY id"), &[value])?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    fn workspace_of(&self, table: &str, id: Value) -> Result<WorkspaceId> {
        let rows = self.db.query(&format!("SELECT workspace_id FROM {table} WHERE id = $1"), &[id])?;
        rows.first().ok_or_else(|| unknown("row"))?.get(0)
    }

    /// Opens every text of the thread.
    fn refuse_unreadable(&self, id: ThreadId) -> Result<()> {
        let mut after = 0;
        loop {
            let turns = self.turn_list(id, after, TURNS_AT_ONCE)?;
            let Some(last) = turns.last() else { return Ok(()) };
            after = last.number;
        }
    }

    /// The row of the workspace, where this library has none of that id, or its name, where it was deleted.
    pub fn workspace_back(&self, from: &Self, workspace: WorkspaceId) -> Result<Vec<Statement>> {
        let sql = "SELECT name FROM workspaces WHERE id = $1";
        let name = |store: &Self| -> Result<Option<String>> {
            store.db.query(sql, &[workspace.into()])?.first().map(|row| row.get(0)).transpose()
        };
        let then = name(from)?.ok_or_else(|| unknown(&format!("workspace {workspace}")))?;
        let now = name(self)?;
        if now.as_ref() == Some(&then) {
            return Ok(Vec::new());
        }
        let mut all = self.name_freed(&then)?;
        all.extend(match now {
            None => copies(from, &WORKSPACE, &workspace.into())?,
            Some(_) => {
                let rename = "UPDATE workspaces SET name = $2 WHERE id = $1";
                vec![Statement::new(rename, vec![workspace.into(), then.into()])]
            }
        });
        Ok(all)
    }

    /// Another workspace of that name gives it away if it is empty, such as the default one, which is made at every start.
    fn name_freed(&self, name: &str) -> Result<Vec<Statement>> {
        let Some(other) = self.workspace_find(name)? else { return Ok(Vec::new()) };
        let sql = "SELECT EXISTS (SELECT 1 FROM documents WHERE workspace_id = $1 AND deleted_at IS NULL) \
                   OR EXISTS (SELECT 1 FROM threads WHERE workspace_id = $1 AND deleted_at IS NULL) \
                   OR EXISTS (SELECT 1 FROM runs WHERE workspace_id = $1) OR EXISTS (SELECT 1 FROM episodes WHERE workspace_id = $1) \
                   OR EXISTS (SELECT 1 FROM facts WHERE workspace_id = $1)";
        let rows = self.db.query(sql, &[other.id.into()])?;
        if rows.first().map_or(Ok(1), |row| row.get::<i64>(0))? == 1 {
            let what = format!(
                "there is another workspace '{name}' now, which is not empty; delete it first, or restore whole (--into)"
            );
            return Err(Error::conflict("restore_conflict", what));
        }
        let away = "UPDATE workspaces SET name = name || ' (deleted ' || $1 || ')' WHERE id = $2";
        Ok(vec![Statement::new(away, vec![WorkspaceId::new().to_string().into(), other.id.into()])])
    }

    /// Deletes documents that have the source now under another id.
    fn others_of_source(
        &self,
        workspace: WorkspaceId,
        source: &str,
        id: DocumentId,
    ) -> Result<Vec<Statement>> {
        let sql = "SELECT id FROM documents WHERE workspace_id = $1 AND source = $2 AND id <> $3 AND deleted_at IS NULL";
        let mut all = Vec::new();
        for row in self.db.query(sql, &[workspace.into(), source.into(), id.into()])? {
            let other: DocumentId = row.get(0)?;
            let mark = "UPDATE documents SET deleted_at = $2 WHERE id = $1";
            all.push(Statement::new(mark, vec![other.into(), self.now().into()]));
            all.push(Statement::new("DELETE FROM signatures WHERE document_id = $1", vec![other.into()]));
            all.push(self.jobs_away(other));
            all.push(feed_entry(workspace, "document", other.as_bytes().to_vec()));
        }
        Ok(all)
    }

    /// Removes every row of the document.
    fn document_away(&self, id: DocumentId) -> Vec<Statement> {
        let delete = |sql| Statement::new(sql, vec![id.into()]);
        vec![
            self.jobs_away(id),
            delete("DELETE FROM embeddings WHERE chunk_id IN (SELECT id FROM chunks WHERE document_id = $1)"),
            delete("DELETE FROM chunks WHERE document_id = $1"),
            delete("DELETE FROM signatures WHERE document_id = $1"),
            delete("DELETE FROM versions WHERE document_id = $1"),
            delete("DELETE FROM documents WHERE id = $1"),
        ]
    }

    /// Ends what waits and what works: without its lease a worker's batch is refused.
    fn jobs_away(&self, document: DocumentId) -> Statement {
        let sql = "UPDATE jobs SET state = 'cancelled', finished_at = $2, lease_owner = NULL, lease_token = NULL, \
                   lease_until = NULL WHERE document_id = $1 AND state IN ('queued', 'running')";
        Statement::new(sql, vec![document.into(), self.now().into()])
    }

    /// The ended runs of the thread, and those of other threads whose turns it copied, where this library lacks them.
    fn runs_to_copy(&self, from: &Self, thread: ThreadId) -> Result<Vec<RunId>> {
        let own = "runs WHERE thread_id = $1 AND finished_at IS NOT NULL";
        let copied = "runs WHERE id IN (SELECT run_id FROM turns WHERE thread_id = $1) AND thread_id <> $1 \
                      AND finished_at IS NOT NULL";
        let mut runs = from.ids::<RunId>(own, thread.into())?;
        for run in from.ids::<RunId>(copied, thread.into())? {
            if self.run_find(run)?.is_none() {
                runs.push(run);
            }
        }
        Ok(runs)
    }
}

fn run_copies(from: &Store, run: RunId) -> Result<Vec<Statement>> {
    let mut all = Vec::new();
    for copied in &RUN {
        all.extend(copies(from, copied, &run.into())?);
    }
    Ok(all)
}

/// Inserts the rows of the table as they are in `from`, whose tables have the same columns.
fn copies(from: &Store, copied: &Copied, id: &Value) -> Result<Vec<Statement>> {
    let Copied { table, columns, condition } = copied;
    let marks: Vec<String> = columns.split(", ").zip(1..).map(|(column, at)| mark(column, at)).collect();
    let end = if SHARED.contains(table) { " ON CONFLICT DO NOTHING" } else { "" };
    let insert = format!("INSERT INTO {table} ({columns}) VALUES ({}){end}", marks.join(", "));
    let select = format!("SELECT {columns} FROM {table} WHERE {condition}");
    let rows = from.db.query(&select, std::slice::from_ref(id))?;
    let copy = |row: Row| Statement { sql: insert.clone().into(), params: row.0, rows_expected: None };
    Ok(rows.into_iter().map(copy).collect())
}

/// The value of a column. A key of idempotency that another run has by now stays with that one; `$2` is the workspace.
fn mark(column: &str, at: usize) -> String {
    if column != "idempotency_key" {
        return format!("${at}");
    }
    format!(
        "(SELECT ${at} WHERE NOT EXISTS (SELECT 1 FROM runs WHERE workspace_id = $2 AND idempotency_key = ${at}))"
    )
}

fn unknown(what: &str) -> Error {
    let what = format!("the backup has no {what} at that moment; name another moment with --to");
    Error::not_found("restore_part_unknown", what)
}

fn busy(thread: ThreadId, cause: &Error) -> Error {
    let what = format!("a turn of thread {thread} is at work; wait for it or cancel it, and try again");
    Error::conflict("restore_busy", what).caused_by(cause.chain())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Sqlite, SqliteConfig};

    #[test]
    fn every_column_is_copied() {
        let dir = tempfile::tempdir().unwrap();
        let db: Arc<dyn crate::Db> =
            Arc::new(Sqlite::open(SqliteConfig::new(dir.path().join("ibid.db"))).unwrap());
        for copied in DOCUMENT.iter().chain(&THREAD).chain(&RUN).chain([&WORKSPACE]) {
            let sql = "SELECT name FROM pragma_table_info($1) ORDER BY cid";
            let rows = db.query(sql, &[copied.table.into()]).unwrap();
            let mut there: Vec<String> = rows.iter().map(|row| row.get(0).unwrap()).collect();
            let mut named: Vec<&str> = copied.columns.split(", ").collect();
            there.sort();
            named.sort_unstable();
            assert_eq!(named, there, "{}", copied.table);
        }
    }
}
