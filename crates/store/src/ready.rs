//! Documents that come in with their chunks and vectors: searchable with the commit that puts them in, without a job.
//!
//! Keeps true: a document's rows and its feed entry are one commit; what a source had before stays as an older version.

use ibid_types::document::{Chunk, ChunkSpan};
use ibid_types::parsed::Metadata;
use ibid_types::{ChunkId, DocumentId, Result, Timestamp, VersionId};

use crate::readable;
use crate::statements::{alike_together, chunks, embeddings, feed_entry, publish};
use crate::upload::{Known, insert_version, until_no_conflict};
use crate::value::to_json;
use crate::{NewUpload, PublishVersion, Statement, Store};

/// A document with all that an ingest would find out.
#[derive(Clone, Debug)]
pub struct ReadyDocument {
    /// Its batch is not used.
    pub upload: NewUpload,
    /// In order; their texts joined are the document's text.
    pub chunks: Vec<ReadyChunk>,
}

#[derive(Clone, Debug)]
pub struct ReadyChunk {
    pub span: ChunkSpan,
    pub text: String,
    pub vector: Vec<f32>,
}

impl Store {
    /// Puts the documents in, in one commit; gives their ids, in order. `model` made the vectors. They are of one
    /// workspace and of different sources.
    ///
    /// # Errors
    /// `store_conflict` if a source occurs twice.
    pub fn put_ready(&self, model: &str, documents: &[ReadyDocument]) -> Result<Vec<DocumentId>> {
        until_no_conflict(|| self.put_ready_once(model, documents))
    }

    fn put_ready_once(&self, model: &str, documents: &[ReadyDocument]) -> Result<Vec<DocumentId>> {
        let mut known = self.known(documents.iter().map(|document| &document.upload))?;
        let now = self.now();
        let mut ids = Vec::with_capacity(documents.len());
        let mut batch = Vec::with_capacity(documents.len() * 5);
        for ready in documents {
            let known = known.remove(&ready.upload.source);
            ids.push(put(ready, known, model, now, &mut batch));
        }
        self.db.batch(alike_together(batch))?;
        Ok(ids)
    }
}

fn put(
    ready: &ReadyDocument,
    known: Option<Known>,
    model: &str,
    now: Timestamp,
    batch: &mut Vec<Statement>,
) -> DocumentId {
    let version = VersionId::new();
    let Some(known) = known else {
        let document = DocumentId::new();
        batch.push(insert_document(ready, document, version, now));
        batch.push(insert_version(document, version, 1, "ready", sizes(ready), &ready.upload, now));
        rows(ready, document, version, model, batch);
        batch.push(feed_entry(ready.upload.workspace, "document", document.as_bytes().to_vec()));
        return document;
    };
    let number = known.newest.map_or(1, |(_, number, _, _)| number + 1);
    let document = known.document;
    batch.push(insert_version(document, version, number, "pending", (0, 0), &ready.upload, now));
    rows(ready, document, version, model, batch);
    batch.extend(publish(&publication(ready, document, version, now)));
    document
}

fn insert_document(
    ready: &ReadyDocument,
    document: DocumentId,
    version: VersionId,
    now: Timestamp,
) -> Statement {
    let sql = "INSERT INTO documents (id, workspace_id, source, status, current_version, title, author, language, tags, date, \
               created_at, updated_at, readers) VALUES ($1, $2, $3, 'ready', $4, $5, $6, $7, $8, $9, $10, $10, $11)";
    let metadata = &ready.upload.metadata;
    let params = vec![
        document.into(),
        ready.upload.workspace.into(),
        ready.upload.source.as_str().into(),
        version.into(),
        title(ready).into(),
        metadata.author.clone().into(),
        metadata.language.clone().into(),
        to_json(&metadata.tags).into(),
        date(metadata, now).into(),
        now.into(),
        ready.upload.readers.as_deref().and_then(readable::written).into(),
    ];
    Statement::new(sql, params)
}

fn rows(
    ready: &ReadyDocument,
    document: DocumentId,
    version: VersionId,
    model: &str,
    batch: &mut Vec<Statement>,
) {
    let numbered = (0..).zip(&ready.chunks).map(|(ordinal, chunk)| Chunk {
        id: ChunkId::new(),
        document,
        version,
        ordinal,
        span: chunk.span.clone(),
        text: chunk.text.clone(),
    });
    let numbered: Vec<Chunk> = numbered.collect();
    let vectors: Vec<(ChunkId, &[f32])> = numbered
        .iter()
        .zip(&ready.chunks)
        .map(|(chunk, ready)| (chunk.id, ready.vector.as_slice()))
        .collect();
    batch.extend(embeddings(model, &vectors));
    batch.extend(chunks(numbered));
}

fn publication(
    ready: &ReadyDocument,
    document: DocumentId,
    version: VersionId,
    now: Timestamp,
) -> PublishVersion {
    let metadata = &ready.upload.metadata;
    let (chunk_count, text_bytes) = sizes(ready);
    PublishVersion {
        workspace: ready.upload.workspace,
        document,
        version,
        title: title(ready).to_owned(),
        author: metadata.author.clone(),
        language: metadata.language.clone(),
        tags: metadata.tags.clone(),
        date: date(metadata, now),
        page_count: None,
        text_bytes,
        chunk_count,
        warnings: Vec::new(),
        signature: 0,
        near_duplicate_of: None,
        now,
    }
}

/// Chunks and bytes of text.
fn sizes(ready: &ReadyDocument) -> (u32, u64) {
    let bytes = ready.chunks.iter().map(|chunk| chunk.text.len() as u64).sum();
    (u32::try_from(ready.chunks.len()).unwrap_or(u32::MAX), bytes)
}

fn title(ready: &ReadyDocument) -> &str {
    ready.upload.metadata.title.as_deref().unwrap_or(&ready.upload.source)
}

fn date(metadata: &Metadata, now: Timestamp) -> Timestamp {
    metadata.modified.or(metadata.created).unwrap_or(now)
}
