//! The commit that makes a document searchable.

use ibid_store::{Lease, PublishVersion, Statement, UploadPayload, statements};
use ibid_types::document::Chunk;
use ibid_types::{ChunkId, DocumentId, Error, Result};

use super::Pipeline;
use super::embed::Embedded;
use super::parse::Prepared;
use super::progress::JobResult;

impl Pipeline {
    /// Commits the documents together; where that fails, one by one, so that one lost lease harms no other.
    pub(super) fn write_all(&self, documents: Vec<Embedded>) {
        let together: Result<Vec<Statement>> = documents
            .iter()
            .map(|document| self.statements_of(document))
            .collect::<Result<Vec<_>>>()
            .map(|lists| statements::alike_together(lists.into_iter().flatten().collect()));
        let committed = together.and_then(|statements| self.store.db().batch(statements));
        match committed {
            Ok(_) => documents.iter().for_each(|document| self.note_done(document)),
            Err(_) => documents.iter().for_each(|document| self.write_one(document)),
        }
        for document in &documents {
            self.release(&document.prepared.lease);
        }
        (self.on_commit)();
    }

    fn write_one(&self, document: &Embedded) {
        let outcome = self.statements_of(document).and_then(|statements| self.store.db().batch(statements));
        match outcome {
            Ok(_) => self.note_done(document),
            Err(error) => self.give_up(&document.prepared.lease, &error),
        }
    }

    fn note_done(&self, document: &Embedded) {
        let mut figures = self.figures.lock();
        figures.done += 1;
        figures.chunks += document.prepared.chunks.len() as u64;
        figures.flagged += u64::from(document.prepared.orders.is_some());
        drop(figures);
        self.audit(&document.prepared);
    }

    /// Records a version whose passages give orders to a model, once: when it becomes searchable.
    fn audit(&self, prepared: &Prepared) {
        let Some(orders) = &prepared.orders else { return };
        let (source, version) = (&prepared.lease.job.subject, prepared.version);
        let subject = format!("{source}, version {version}: {orders}");
        if let Err(error) = self.store.audit_append("ingest", "injection.flagged", &subject) {
            tracing::error!(code = error.code, "not in the audit log: {}", error.chain());
        }
    }

    /// All rows of a document, its switch to this version, the feed entry and the end of its job.
    fn statements_of(&self, document: &Embedded) -> Result<Vec<Statement>> {
        let prepared = &document.prepared;
        let near_duplicate_of =
            self.store.near_duplicate(prepared.workspace, prepared.document, prepared.signature)?;
        let mut all = if document.is_written { Vec::new() } else { self.rows_of(document) };
        all.extend(statements::publish(&publish(prepared, near_duplicate_of, self.store.now())));
        all.push(self.store.jobs().done_statement(&prepared.lease, &result(prepared, near_duplicate_of)));
        Ok(all)
    }

    fn rows_of(&self, document: &Embedded) -> Vec<Statement> {
        let chunks = &document.prepared.chunks;
        let vectors: Vec<(ChunkId, &[f32])> =
            ids(chunks).zip(document.vectors.iter().map(Vec::as_slice)).collect();
        let mut rows = statements::chunks(chunks);
        rows.extend(statements::embeddings(&self.embedder.spec().id, &vectors));
        rows
    }

    /// The version says why it could not be read, and its job ends without another attempt.
    pub(super) fn fail_version(&self, lease: &Lease, error: &Error) -> Result<()> {
        let payload = UploadPayload::read(&lease.job)?;
        let mut all = statements::fail(payload.version, error.code, &error.message, self.store.now());
        all.push(self.store.jobs().dead_statement(lease, error));
        self.store.db().batch(all).map(|_| ())
    }
}

fn ids(chunks: &[Chunk]) -> impl Iterator<Item = ChunkId> {
    chunks.iter().map(|chunk| chunk.id)
}

fn publish(
    prepared: &Prepared,
    near_duplicate_of: Option<DocumentId>,
    now: ibid_types::Timestamp,
) -> PublishVersion {
    let metadata = &prepared.metadata;
    PublishVersion {
        workspace: prepared.workspace,
        document: prepared.document,
        version: prepared.version,
        title: prepared.title.clone(),
        author: metadata.author.clone(),
        language: metadata.language.clone(),
        tags: metadata.tags.clone(),
        date: metadata.modified.or(metadata.created).unwrap_or(now),
        page_count: prepared.page_count,
        text_bytes: prepared.text_bytes as u64,
        chunk_count: u32::try_from(prepared.chunks.len()).unwrap_or(u32::MAX),
        warnings: prepared.warnings.clone(),
        signature: prepared.signature,
        near_duplicate_of,
        now,
    }
}

fn result(prepared: &Prepared, near_duplicate_of: Option<DocumentId>) -> serde_json::Value {
    JobResult {
        chunks: u32::try_from(prepared.chunks.len()).ok(),
        near_duplicate_of: near_duplicate_of.map(|id| id.to_string()),
        warnings: prepared.warnings.clone(),
        ..JobResult::default()
    }
    .to_json()
}
