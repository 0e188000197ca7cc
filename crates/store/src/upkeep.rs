//! The later clean-up: rows of deleted documents, and bytes that no row names any more.

use ibid_types::{ContentHash, DocumentId, Result, Timestamp};

use crate::{Statement, Store};

/// What a round of clean-up removed, and which bytes may go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Garbage {
    pub documents: usize,
    /// Content that no version names any more. The rows are gone: deleting the bytes is all that is left.
    pub blobs: Vec<ContentHash>,
}

impl Store {
    /// Removes the rows of up to `limit` deleted documents.
    pub fn cleanup(&self, limit: usize) -> Result<Garbage> {
        let sql = "SELECT id FROM documents WHERE deleted_at IS NOT NULL LIMIT $1";
        let deleted: Vec<DocumentId> =
            self.db.query(sql, &[limit.into()])?.iter().map(|row| row.get(0)).collect::<Result<_>>()?;
        let mut garbage = Garbage { documents: deleted.len(), ..Garbage::default() };
        for document in deleted {
            garbage.blobs.extend(self.purge(document)?);
        }
        Ok(garbage)
    }

    /// Removes up to `limit` jobs that ended before `before`.
    pub fn jobs_cleanup(&self, before: Timestamp, limit: usize) -> Result<usize> {
        let sql = "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE finished_at < $1 LIMIT $2)";
        let outcome = self.db.batch(vec![Statement::new(sql, vec![before.into(), limit.into()])])?;
        Ok(outcome.rows_affected.first().map_or(0, |rows| usize::try_from(*rows).unwrap_or(0)))
    }

    /// Removes up to `limit` alerts that were over before `before`, and up to as many silences. Says how many.
    pub fn alerts_cleanup(&self, before: Timestamp, limit: usize) -> Result<usize> {
        let alerts =
            "DELETE FROM alerts WHERE number IN (SELECT number FROM alerts WHERE resolved_at < $1 LIMIT $2)";
        let silences =
            "DELETE FROM silences WHERE number IN (SELECT number FROM silences WHERE until_at < $1 LIMIT $2)";
        let delete = |sql| Statement::new(sql, vec![before.into(), limit.into()]);
        let outcome = self.db.batch(vec![delete(alerts), delete(silences)])?;
        Ok(outcome.rows_affected.iter().map(|rows| usize::try_from(*rows).unwrap_or(0)).sum())
    }

    /// Of these, the ones that no version names.
    pub fn unnamed(&self, contents: Vec<ContentHash>) -> Result<Vec<ContentHash>> {
        contents.into_iter().filter_map(|content| self.unless_named(content).transpose()).collect()
    }

    fn purge(&self, document: DocumentId) -> Result<Vec<ContentHash>> {
        let sql = "SELECT DISTINCT content FROM versions WHERE document_id = $1";
        let contents: Vec<ContentHash> =
            self.db.query(sql, &[document.into()])?.iter().map(|row| row.get(0)).collect::<Result<_>>()?;
        let delete = |sql| Statement::new(sql, vec![document.into()]);
        self.db.batch(vec![
            delete("DELETE FROM embeddings WHERE chunk_id IN (SELECT id FROM chunks WHERE document_id = $1)"),
            delete("DELETE FROM chunks WHERE document_id = $1"),
            delete("DELETE FROM signatures WHERE document_id = $1"),
            delete("DELETE FROM versions WHERE document_id = $1"),
            delete("DELETE FROM documents WHERE id = $1"),
        ])?;
        self.unnamed(contents)
    }

    fn unless_named(&self, content: ContentHash) -> Result<Option<ContentHash>> {
        let rows = self.db.query("SELECT 1 FROM versions WHERE content = $1 LIMIT 1", &[content.into()])?;
        Ok(rows.is_empty().then_some(content))
    }
}
