//! Answers that may be given again, with the passages that they were made of.
//!
//! Keeps true: a kept answer goes, with its question, in the commit that deletes or changes one of its documents, its workspace or its run;
//! none is kept of a document that was deleted while it was made. Their number and age are bounded.

use ibid_types::{ChunkId, ContentHash, DocumentId, KeptId, Result, RunId, Timestamp, WorkspaceId};

use crate::sealing::SealedColumn;
use crate::{Row, Statement, Store, Value};

/// Uses nearer to each other than this are one: a question that is asked all day writes a row once a minute.
const USED_EVERY_MS: i64 = 60_000;

/// Where an answer may be given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptPlace {
    pub workspace: WorkspaceId,
    /// Of all that shapes an answer besides its question and its passages.
    pub shape: ContentHash,
    /// What was made before is too old.
    pub not_before: Timestamp,
}

/// An answer to be kept.
#[derive(Clone, Copy, Debug)]
pub struct NewKept<'a> {
    pub workspace: WorkspaceId,
    pub shape: ContentHash,
    /// Of the passages.
    pub evidence: ContentHash,
    pub passages: &'a [(ChunkId, DocumentId)],
    /// The run that made it, with which it goes.
    pub run: Option<RunId>,
    pub question: &'a str,
    /// JSON.
    pub answer: &'a str,
    /// An answer that this one takes the place of.
    pub replaces: Option<KeptId>,
}

/// An answer that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRow {
    pub id: KeptId,
    pub evidence: ContentHash,
    pub question: String,
    pub answer: String,
    pub made_at: Timestamp,
    pub used_at: Timestamp,
}

impl Store {
    /// Up to `limit` answers that were made of these very passages, the last used first.
    pub fn kept_of_evidence(
        &self,
        place: &KeptPlace,
        evidence: ContentHash,
        limit: usize,
    ) -> Result<Vec<KeptRow>> {
        self.kept(place, "evidence = $4", evidence.into(), limit)
    }

    /// Up to `limit` answers among whose passages this one is, the last used first.
    pub fn kept_of_passage(&self, place: &KeptPlace, chunk: ChunkId, limit: usize) -> Result<Vec<KeptRow>> {
        self.kept(place, "id IN (SELECT kept_id FROM kept_passages WHERE chunk_id = $4)", chunk.into(), limit)
    }

    fn kept(&self, place: &KeptPlace, which: &str, of: Value, limit: usize) -> Result<Vec<KeptRow>> {
        let sql = format!(
            "SELECT id, evidence, question, answer, made_at, used_at FROM kept_answers WHERE {which} AND workspace_id = $1 \
             AND shape = $2 AND made_at >= $3 ORDER BY used_at DESC, id LIMIT $5"
        );
        let params = [place.workspace.into(), place.shape.into(), place.not_before.into(), of, limit.into()];
        self.db.query(&sql, &params)?.iter().map(|row| self.read_kept(row)).collect()
    }

    fn read_kept(&self, row: &Row) -> Result<KeptRow> {
        let id: KeptId = row.get(0)?;
        let open = |column: SealedColumn, at: usize| {
            column.open(self.sealer(), id.as_bytes(), &row.get::<String>(at)?)
        };
        Ok(KeptRow {
            id,
            evidence: row.get(1)?,
            question: open(SealedColumn::KeptQuestion, 2)?,
            answer: open(SealedColumn::KeptAnswer, 3)?,
            made_at: row.get(4)?,
            used_at: row.get(5)?,
        })
    }

    /// Keeps an answer, unless one of its documents is gone; those used longest ago make room, so that `count_max` are left.
    pub fn kept_save(&self, new: &NewKept<'_>, count_max: usize) -> Result<KeptId> {
        let (id, now) = (KeptId::new(), self.now());
        let seal = |column: SealedColumn, text: &str| column.seal(self.sealer(), id.as_bytes(), text);
        let insert = "INSERT INTO kept_answers (id, workspace_id, shape, evidence, run_id, question, answer, made_at, used_at) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)";
        let params = vec![
            id.into(),
            new.workspace.into(),
            new.shape.into(),
            new.evidence.into(),
            new.run.into(),
            seal(SealedColumn::KeptQuestion, new.question)?.into(),
            seal(SealedColumn::KeptAnswer, new.answer)?.into(),
            now.into(),
        ];
        let mut statements: Vec<Statement> = new.replaces.map(kept_delete).into_iter().collect();
        statements.push(Statement::new(insert, params));
        statements.extend(new.passages.iter().map(|(chunk, document)| passage(id, *chunk, *document)));
        statements.push(unless_whole(id));
        statements.push(beyond(count_max));
        self.db.batch(statements).map(|_| id)
    }

    /// Notes that an answer was given again, which was last used at a time.
    pub fn kept_used(&self, id: KeptId, used_at: Timestamp) -> Result<()> {
        let now = self.now();
        if now.0 - used_at.0 < USED_EVERY_MS {
            return Ok(());
        }
        let sql = "UPDATE kept_answers SET used_at = $2 WHERE id = $1";
        self.db.batch(vec![Statement::new(sql, vec![id.into(), now.into()])]).map(drop)
    }

    /// Erases one answer.
    pub fn kept_erase(&self, id: KeptId) -> Result<()> {
        self.db.batch(vec![kept_delete(id)]).map(drop)
    }

    /// Erases the answers that a run made.
    pub fn kept_erase_of_run(&self, run: RunId) -> Result<()> {
        self.db.batch(vec![kept_of_run(run)]).map(drop)
    }

    /// Erases answers that were made before a time, whose passages are of a former version, and all but the `count_max` last
    /// used. Says how many.
    pub fn kept_cleanup(&self, before: Timestamp, count_max: usize) -> Result<usize> {
        let old = Statement::new("DELETE FROM kept_answers WHERE made_at < $1", vec![before.into()]);
        let former = "DELETE FROM kept_answers WHERE id IN (SELECT p.kept_id FROM kept_passages p \
                      LEFT JOIN chunks c ON c.id = p.chunk_id LEFT JOIN documents d ON d.id = p.document_id \
                      WHERE c.id IS NULL OR d.id IS NULL OR c.version_id <> d.current_version)";
        let outcome = self.db.batch(vec![old, Statement::new(former, Vec::new()), beyond(count_max)])?;
        Ok(outcome.rows_affected.iter().map(|rows| usize::try_from(*rows).unwrap_or(0)).sum())
    }

    /// How many answers are kept.
    pub fn kept_count(&self) -> Result<u64> {
        let rows = self.db.query("SELECT COUNT(*) FROM kept_answers", &[])?;
        rows.first().map_or(Ok(0), |row| row.get(0))
    }
}

fn passage(kept: KeptId, chunk: ChunkId, document: DocumentId) -> Statement {
    let sql = "INSERT INTO kept_passages (kept_id, chunk_id, document_id) VALUES ($1, $2, $3) \
               ON CONFLICT (kept_id, chunk_id) DO NOTHING";
    Statement::new(sql, vec![kept.into(), chunk.into(), document.into()])
}

/// Takes back an answer, a document of which was deleted meanwhile.
fn unless_whole(kept: KeptId) -> Statement {
    let sql = "DELETE FROM kept_answers WHERE id = $1 AND EXISTS (SELECT 1 FROM kept_passages p \
               LEFT JOIN documents d ON d.id = p.document_id AND d.deleted_at IS NULL WHERE p.kept_id = $1 AND d.id IS NULL)";
    Statement::new(sql, vec![kept.into()])
}

/// Those used longest ago, beyond a number.
fn beyond(count_max: usize) -> Statement {
    let sql = "DELETE FROM kept_answers WHERE used_at <= (SELECT used_at FROM kept_answers ORDER BY used_at DESC \
               LIMIT 1 OFFSET $1)";
    Statement::new(sql, vec![count_max.into()])
}

fn kept_delete(id: KeptId) -> Statement {
    Statement::new("DELETE FROM kept_answers WHERE id = $1", vec![id.into()])
}

/// For the batch that deletes or changes a document.
pub(crate) fn kept_of_document(document: DocumentId) -> Statement {
    let sql =
        "DELETE FROM kept_answers WHERE id IN (SELECT kept_id FROM kept_passages WHERE document_id = $1)";
    Statement::new(sql, vec![document.into()])
}

/// For the batch that deletes a run.
pub(crate) fn kept_of_run(run: RunId) -> Statement {
    Statement::new("DELETE FROM kept_answers WHERE run_id = $1", vec![run.into()])
}

/// For the batch that deletes a workspace.
pub(crate) fn kept_of_workspace(workspace: WorkspaceId) -> Statement {
    Statement::new("DELETE FROM kept_answers WHERE workspace_id = $1", vec![workspace.into()])
}
