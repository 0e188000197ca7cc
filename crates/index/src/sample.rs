//! A ground truth in memory and made-up documents, for this crate's tests.

use std::collections::BTreeMap;

use half::f16;
use ibid_types::document::{Chunk, ChunkSpan, Document, DocumentStatus};
use ibid_types::{ChunkId, DocumentId, Result, Timestamp, VersionId, WorkspaceId};
use parking_lot::Mutex;

use crate::ground::{Change, Ground, Searchable, What};

pub(crate) const DIMENSIONS: usize = 8;

/// Documents and a feed; cloning shares them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample(std::sync::Arc<Mutex<Rows>>);

#[derive(Debug, Default)]
struct Rows {
    documents: BTreeMap<DocumentId, Searchable>,
    feed: Vec<Change>,
}

impl Sample {
    /// Adds or changes a document, as one commit.
    pub(crate) fn put(&self, searchable: Searchable) {
        let mut rows = self.0.lock();
        let (workspace, document) = (searchable.document.workspace, searchable.document.id);
        rows.documents.insert(document, searchable);
        push(&mut rows, workspace, What::Document(document));
    }

    pub(crate) fn delete(&self, workspace: WorkspaceId, document: DocumentId) {
        let mut rows = self.0.lock();
        rows.documents.remove(&document);
        push(&mut rows, workspace, What::Document(document));
    }

    pub(crate) fn note(&self, workspace: WorkspaceId, what: What) {
        push(&mut self.0.lock(), workspace, what);
    }

    /// As a backup would: the feed ends earlier.
    pub(crate) fn forget_after(&self, position: i64) {
        self.0.lock().feed.retain(|change| change.position <= position);
    }

    pub(crate) fn all(&self) -> Vec<Searchable> {
        self.0.lock().documents.values().cloned().collect()
    }
}

fn push(rows: &mut Rows, workspace: WorkspaceId, what: What) {
    let position = rows.feed.last().map_or(0, |change| change.position) + 2;
    rows.feed.push(Change { position, workspace, what });
}

impl Ground for Sample {
    fn changes(&self, after: i64, limit: usize) -> Result<Vec<Change>> {
        let rows = self.0.lock();
        Ok(rows.feed.iter().filter(|change| change.position > after).take(limit).cloned().collect())
    }

    fn head(&self) -> Result<i64> {
        Ok(self.0.lock().feed.last().map_or(0, |change| change.position))
    }

    /// Two at a time, so that callers meet an answer that is shorter than their question.
    fn searchables(
        &self,
        documents: &[DocumentId],
        model: &str,
        _: usize,
    ) -> Result<Vec<Option<Searchable>>> {
        let one = |document: &DocumentId| {
            let mut found = self.0.lock().documents.get(document).cloned();
            if let Some(searchable) = found.as_mut().filter(|_| model == "other") {
                let short = |vector: &mut Vec<u8>| vector.truncate(DIMENSIONS);
                searchable.chunks.iter_mut().for_each(|(_, vector)| short(vector));
            }
            found
        };
        Ok(documents.iter().take(2).map(one).collect())
    }
}

/// A new document with these chunks. Vectors follow from the texts.
pub(crate) fn document(workspace: WorkspaceId, source: &str, texts: &[&str]) -> Searchable {
    version_of(DocumentId::new(), workspace, source, texts)
}

/// A new version of a document.
pub(crate) fn version_of(id: DocumentId, workspace: WorkspaceId, source: &str, texts: &[&str]) -> Searchable {
    let version = VersionId::new();
    let document = Document {
        id,
        workspace,
        source: source.to_owned(),
        status: DocumentStatus::Ready,
        current: Some(version),
        title: "Handbook".to_owned(),
        author: None,
        language: Some("en".to_owned()),
        tags: Vec::new(),
        readers: Vec::new(),
        date: Timestamp(0),
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    };
    let chunk = |(ordinal, text): (usize, &&str)| {
        let chunk = Chunk {
            id: ChunkId::new(),
            document: id,
            version,
            ordinal: ordinal as u32,
            span: ChunkSpan::default(),
            text: (*text).to_owned(),
        };
        (chunk, row(&vector_of(text)))
    };
    Searchable { document, chunks: texts.iter().enumerate().map(chunk).collect() }
}

/// A unit vector that depends on the text alone.
pub(crate) fn vector_of(text: &str) -> Vec<f32> {
    let hash = blake3::hash(text.as_bytes());
    let raw: Vec<f32> =
        hash.as_bytes().iter().take(DIMENSIONS).map(|byte| f32::from(*byte) - 127.5).collect();
    let length = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
    raw.iter().map(|x| x / length).collect()
}

pub(crate) fn row(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|x| f16::from_f32(*x).to_le_bytes()).collect()
}
