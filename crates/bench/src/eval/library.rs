//! A library of the collection in a temporary folder, made by the product's own store and index.
//!
//! A record becomes one document of one chunk, its title beside it, as ingest would make of a short file; the
//! embedder cuts off what is beyond its limit.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use ibid_index::{IndexConfig, Indexes};
use ibid_model::{Embedder, Purpose};
use ibid_runtime::Clock;
use ibid_store::{NewUpload, ReadyChunk, ReadyDocument, Sqlite, SqliteConfig, Store};
use ibid_types::document::{ChunkSpan, searchable_context};
use ibid_types::parsed::Metadata;
use ibid_types::{ContentHash, DocumentId, Error, Result, WorkspaceId};
use tempfile::TempDir;

use super::cache::Cache;
use super::collection::{Collection, Record};
use super::{Progress, Step};

/// Texts embedded between two reports of progress.
const EMBED_TEXTS: usize = 256;
/// Documents made searchable in one commit.
const COMMIT_DOCUMENTS: usize = 512;

/// A searchable collection; gone when dropped.
#[derive(Debug)]
pub struct Library {
    pub workspace: WorkspaceId,
    pub indexes: Arc<Indexes>,
    pub store: Store,
    pub embedder: Arc<dyn Embedder>,
    /// The place in the collection of each document.
    pub record_of: HashMap<DocumentId, usize>,
    pub built: Built,
    /// Last, so that it is removed after those who write to it have ended.
    _dir: TempDir,
}

/// What building took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Built {
    /// Texts that were not in the cache.
    pub embedded: usize,
    pub embed_seconds: f64,
    pub index_seconds: f64,
}

impl Library {
    pub fn build(
        collection: &Collection,
        embedder: &Arc<dyn Embedder>,
        cache: Option<&Path>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self> {
        let spec = embedder.spec();
        let mut built = Built::default();
        let mut cache = Cache::open(cache, spec)?;
        embed(&collection.records, embedder.as_ref(), &mut cache, &mut built, progress)?;
        let dir = tempfile::tempdir().map_err(|error| {
            Error::unavailable("eval_temporary", "cannot make a temporary folder; is the disk full?")
                .caused_by(error)
        })?;
        let store = Store::new(
            Arc::new(Sqlite::open(SqliteConfig::new(dir.path().join("ibid.db")))?),
            Clock::system(),
        );
        let workspace = store.workspace_ensure("eval")?.id;
        let started = Instant::now();
        let documents = put_all(&store, workspace, &collection.records, &cache, &spec.id, progress)?;
        let config = IndexConfig::new(dir.path().join("index"), spec.id.clone(), spec.dimensions);
        let indexes = Arc::new(Indexes::open(config, store.clone())?);
        indexes.catch_up()?;
        indexes.release();
        built.index_seconds = started.elapsed().as_secs_f64();
        let record_of =
            documents.into_iter().enumerate().map(|(index, document)| (document, index)).collect();
        Ok(Self { workspace, indexes, store, embedder: Arc::clone(embedder), record_of, built, _dir: dir })
    }

    #[must_use]
    pub fn chunks(&self) -> usize {
        self.indexes.snapshot(self.workspace).total()
    }
}

/// The text that ingest would embed for the record.
fn passage(record: &Record) -> String {
    let place = searchable_context(&record.title, &[]);
    if place.is_empty() { record.text.clone() } else { format!("{place}\n{}", record.text) }
}

fn embed(
    records: &[Record],
    embedder: &dyn Embedder,
    cache: &mut Cache,
    built: &mut Built,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    let passages: Vec<String> =
        records.iter().map(passage).filter(|passage| cache.find(passage).is_none()).collect();
    let started = Instant::now();
    for slice in passages.chunks(EMBED_TEXTS) {
        let texts: Vec<&str> = slice.iter().map(String::as_str).collect();
        let vectors = embedder.embed(&texts, Purpose::Passage)?;
        cache.add(texts.into_iter().zip(vectors).collect())?;
        built.embedded += slice.len();
        progress(Progress { step: Step::Embedding, done: built.embedded, total: passages.len() });
    }
    built.embed_seconds = started.elapsed().as_secs_f64();
    Ok(())
}

/// The document of each record, in order.
fn put_all(
    store: &Store,
    workspace: WorkspaceId,
    records: &[Record],
    cache: &Cache,
    model: &str,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<DocumentId>> {
    let mut documents = Vec::with_capacity(records.len());
    for records in records.chunks(COMMIT_DOCUMENTS) {
        let ready: Vec<ReadyDocument> =
            records.iter().map(|record| ready(workspace, record, cache)).collect();
        documents.extend(store.put_ready(model, &ready)?);
        progress(Progress { step: Step::Indexing, done: documents.len(), total: documents.len() });
    }
    Ok(documents)
}

fn ready(workspace: WorkspaceId, record: &Record, cache: &Cache) -> ReadyDocument {
    let upload = NewUpload {
        workspace,
        source: record.id.clone(),
        content: ContentHash(*blake3::hash(record.text.as_bytes()).as_bytes()),
        size_bytes: record.text.len() as u64,
        media_type: "text/plain".to_owned(),
        metadata: Metadata { title: Some(record.title.clone()), ..Metadata::default() },
        readers: None,
        batch: String::new(),
    };
    let span = ChunkSpan { start: 0, end: record.text.len(), ..ChunkSpan::default() };
    let vector = cache.find(&passage(record)).cloned().unwrap_or_default();
    ReadyDocument { upload, chunks: vec![ReadyChunk { span, text: record.text.clone(), vector }] }
}
