//! The change feed: what is searchable has changed, look at these rows now.

use std::collections::HashMap;

use ibid_types::document::{Chunk, Document};
use ibid_types::{ChunkId, DocumentId, Result, VersionId, WorkspaceId};

use crate::chunks::{CHUNK_COLUMNS, CHUNK_WIDTH, read_chunk};
use crate::documents::{DOCUMENT_COLUMNS, DOCUMENT_WIDTH, read_document};
use crate::statements::feed_entry;
use crate::value::{IDS_MAX, marks};
use crate::{Row, Statement, Store, Value};

/// `kind` is `document` (key: its id), `workspace` (it is gone), `memory` (key: what of it), or `model` (key: the embedder that is active now).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedEntry {
    pub position: i64,
    pub workspace: WorkspaceId,
    pub kind: String,
    pub key: Vec<u8>,
}

/// A document as it is to be found now: each chunk with its vector as little-endian f16, empty where there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Searchable {
    pub document: Document,
    pub chunks: Vec<(Chunk, Vec<u8>)>,
}

impl Store {
    /// At most `limit` entries after a position, in order.
    pub fn feed_read(&self, after: i64, limit: usize) -> Result<Vec<FeedEntry>> {
        let sql = "SELECT position, workspace_id, kind, key FROM feed WHERE position > $1 ORDER BY position LIMIT $2";
        let read = |row: &Row| {
            Ok(FeedEntry {
                position: row.get(0)?,
                workspace: row.get(1)?,
                kind: row.get(2)?,
                key: row.get(3)?,
            })
        };
        self.db.query(sql, &[after.into(), limit.into()])?.iter().map(read).collect()
    }

    /// The newest position, 0 where there is none.
    pub fn feed_head(&self) -> Result<i64> {
        let rows = self.db.query("SELECT COALESCE(MAX(position), 0) FROM feed", &[])?;
        rows.first().map_or(Ok(0), |row| row.get(0))
    }

    /// The document's rows, or `None` if it is gone or has no current version.
    pub fn searchable(&self, document: DocumentId, model: &str) -> Result<Option<Searchable>> {
        Ok(self.searchables(&[document], model, 1)?.pop().flatten())
    }

    /// The rows of the first of these documents, in order: of so many as have `chunks_max` chunks together, and of one
    /// at least. `None` for one that is gone or has no current version.
    pub fn searchables(
        &self,
        documents: &[DocumentId],
        model: &str,
        chunks_max: usize,
    ) -> Result<Vec<Option<Searchable>>> {
        let mut found = Vec::with_capacity(documents.len());
        let mut chunks = 0;
        for some in documents.chunks(IDS_MAX) {
            let mut current = self.current(some)?;
            let mut taken = Vec::with_capacity(some.len());
            for id in some {
                let document = current.remove(id);
                chunks += document.as_ref().map_or(0, |(_, chunks)| *chunks);
                if chunks > chunks_max && !(found.is_empty() && taken.is_empty()) {
                    found.extend(self.with_chunks(taken, model)?);
                    return Ok(found);
                }
                taken.push(document.map(|(document, _)| document));
            }
            found.extend(self.with_chunks(taken, model)?);
        }
        Ok(found)
    }

    /// Documents that have a current version, with how many chunks that has.
    fn current(&self, ids: &[DocumentId]) -> Result<HashMap<DocumentId, (Document, usize)>> {
        let (marks, params) = marks(Vec::new(), ids);
        let sql = format!(
            "SELECT {DOCUMENT_COLUMNS}, v.chunk_count FROM documents d JOIN versions v ON v.id = d.current_version \
             WHERE d.id IN ({marks}) AND d.deleted_at IS NULL"
        );
        let rows = self.db.query(&sql, &params)?;
        rows.iter()
            .map(|row| {
                let document = read_document(row)?;
                Ok((document.id, (document, row.get(DOCUMENT_WIDTH)?)))
            })
            .collect()
    }

    fn with_chunks(&self, documents: Vec<Option<Document>>, model: &str) -> Result<Vec<Option<Searchable>>> {
        let versions: Vec<VersionId> =
            documents.iter().flatten().filter_map(|document| document.current).collect();
        let (marks, params) = marks(vec![model.into()], &versions);
        let sql = format!(
            "SELECT {CHUNK_COLUMNS}, e.vector FROM chunks c LEFT JOIN embeddings e ON e.chunk_id = c.id AND e.model = $1 \
             WHERE c.version_id IN ({marks}) ORDER BY c.version_id, c.ordinal"
        );
        let mut chunks: HashMap<VersionId, Vec<(Chunk, Vec<u8>)>> = HashMap::with_capacity(versions.len());
        for row in self.db.query(&sql, &params)? {
            let vector: Option<Vec<u8>> = row.get(CHUNK_WIDTH)?;
            let chunk = read_chunk(&row)?;
            chunks.entry(chunk.version).or_default().push((chunk, vector.unwrap_or_default()));
        }
        let mut with_own = |document: Document| {
            let own = document.current.and_then(|version| chunks.remove(&version));
            Searchable { document, chunks: own.unwrap_or_default() }
        };
        Ok(documents.into_iter().map(|document| document.map(&mut with_own)).collect())
    }

    /// A setting that the program itself keeps, such as the active embedder.
    pub fn setting_get(&self, key: &str) -> Result<Option<String>> {
        let rows = self.db.query("SELECT value FROM settings WHERE key = $1", &[key.into()])?;
        rows.first().map(|row| row.get(0)).transpose()
    }

    pub fn setting_set(&self, key: &str, value: &str) -> Result<()> {
        self.db.batch(vec![setting(key, value)]).map(|_| ())
    }

    /// Chunks of current versions that have no vector of this model yet, with their titles: what re-embedding has to do.
    pub fn chunks_missing_model(&self, model: &str, limit: usize) -> Result<Vec<(Chunk, String)>> {
        let sql = format!(
            "SELECT {CHUNK_COLUMNS}, d.title FROM documents d JOIN chunks c ON c.version_id = d.current_version \
             WHERE d.deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM embeddings e WHERE e.chunk_id = c.id AND e.model = $1) LIMIT $2"
        );
        let params: [Value; 2] = [model.into(), limit.into()];
        self.db
            .query(&sql, &params)?
            .iter()
            .map(|row| Ok((read_chunk(row)?, row.get(CHUNK_WIDTH)?)))
            .collect()
    }

    /// Chunks of a version that have a vector of this model: what an attempt that was cut off has done.
    pub fn chunks_with_vector(&self, version: VersionId, model: &str) -> Result<Vec<ChunkId>> {
        let sql = "SELECT c.id FROM chunks c JOIN embeddings e ON e.chunk_id = c.id AND e.model = $2 WHERE c.version_id = $1";
        self.db.query(sql, &[version.into(), model.into()])?.iter().map(|row| row.get(0)).collect()
    }

    /// How many chunks of current versions have no vector of this model yet.
    pub fn chunks_missing_count(&self, model: &str) -> Result<u64> {
        let sql = "SELECT COUNT(*) FROM documents d JOIN chunks c ON c.version_id = d.current_version \
             WHERE d.deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM embeddings e WHERE e.chunk_id = c.id AND e.model = $1)";
        let rows = self.db.query(sql, &[model.into()])?;
        let count: i64 = rows.first().map_or(Ok(0), |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Makes `model` the embedder whose vectors are searched, in one commit with the setting that says so.
    pub fn embedder_switch(&self, model: &str, key: &str, value: &str) -> Result<()> {
        let all_workspaces = WorkspaceId::from_bytes([0; 16]);
        self.db
            .batch(vec![setting(key, value), feed_entry(all_workspaces, "model", model.as_bytes().to_vec())])
            .map(|_| ())
    }

    /// Removes up to `limit` vectors of other models; how many chunks they were of.
    pub fn embeddings_of_others_delete(&self, model: &str, limit: usize) -> Result<usize> {
        let sql = "SELECT chunk_id FROM embeddings WHERE model <> $1 LIMIT $2";
        let found = self.db.query(sql, &[model.into(), limit.into()])?;
        let delete = "DELETE FROM embeddings WHERE chunk_id = $1 AND model <> $2";
        let chunk = |row: &Row| row.get::<ChunkId>(0);
        let deletes = found
            .iter()
            .map(|row| Ok(Statement::new(delete, vec![chunk(row)?.into(), model.into()])))
            .collect::<Result<Vec<_>>>()?;
        if !deletes.is_empty() {
            self.db.batch(deletes)?;
        }
        Ok(found.len())
    }
}

pub(crate) fn setting(key: &str, value: &str) -> Statement {
    let sql = "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    Statement::new(sql, vec![key.into(), value.into()])
}
