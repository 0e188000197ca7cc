//! A library of texts whose vectors are given, made by the product's own store and index.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ibid_index::{IndexConfig, Indexes};
use ibid_retrieve::{Config, Retriever};
use ibid_runtime::{Clock, Shutdown};
use ibid_store::{Accepted, NewUpload, PublishVersion, Sqlite, SqliteConfig, Statement, Store, statements};
use ibid_types::document::{Chunk, ChunkSpan};
use ibid_types::parsed::Metadata;
use ibid_types::search::{Filter, Found, Mode, Request};
use ibid_types::{ChunkId, ContentHash, DocumentId, VersionId, WorkspaceId};

use super::Outcome;
use super::texts::Texts;

const MODEL: &str = "given";
/// Documents made searchable in one commit.
const COMMIT_DOCUMENTS: usize = 256;
/// Uploads accepted at a time; the store commits those together that wait together.
const ACCEPT_THREADS: usize = 128;
const INDEXED_WITHIN: Duration = Duration::from_secs(600);

/// A document whose vectors are known.
#[derive(Clone, Debug)]
pub struct Given {
    pub source: String,
    pub title: String,
    /// Text and vector of each chunk.
    pub chunks: Vec<(String, Vec<f32>)>,
}

/// One document of one chunk for each text.
pub fn given(texts: &Texts, vectors: &[Vec<f32>]) -> Vec<Given> {
    let titled = texts.titles.iter().zip(&texts.texts).zip(vectors).enumerate();
    titled
        .map(|(number, ((title, text), vector))| Given {
            source: number.to_string(),
            title: title.clone(),
            chunks: vec![(text.clone(), vector.clone())],
        })
        .collect()
}

/// What is stored in a folder, searchable.
#[derive(Debug)]
pub struct Library {
    pub workspace: WorkspaceId,
    pub store: Store,
    pub indexes: Arc<Indexes>,
}

impl Library {
    /// An empty one.
    pub fn open(folder: &Path, dimensions: usize) -> Outcome<Self> {
        let db = Sqlite::open(SqliteConfig::new(folder.join("ibid.db")))?;
        let store = Store::new(Arc::new(db), Clock::system());
        let workspace = store.workspace_ensure("bench")?.id;
        let config = IndexConfig::new(folder.join("index"), MODEL, dimensions);
        let indexes = Arc::new(Indexes::open(config, store.clone())?);
        Ok(Self { workspace, store, indexes })
    }

    /// Accepts, commits and indexes; when it returns, everything is on disk and can be found. The index follows
    /// beside the commits, as it does in the server.
    pub fn add(&self, documents: &[Given]) -> Outcome<()> {
        let shutdown = Shutdown::new();
        std::thread::scope(|scope| {
            scope.spawn(|| self.indexes.run(&shutdown));
            let added = self.commit(documents);
            let found =
                added.and_then(|()| Ok(self.indexes.wait_for(self.store.feed_head()?, INDEXED_WITHIN)?));
            shutdown.request();
            self.indexes.poke();
            found
        })
    }

    /// The product's retriever over it, without an embedder that is ever asked.
    pub fn retriever(&self, embedder: Arc<dyn ibid_model::Embedder>) -> Retriever {
        Retriever::new(self.indexes.clone(), self.store.clone(), embedder, None, Config::default())
    }

    /// Ten hits of a hybrid search.
    pub fn search(&self, retriever: &Retriever, question: &str, vector: &[f32]) -> Outcome<Found> {
        let request = Request {
            workspace: self.workspace,
            query: question.to_owned(),
            mode: Mode::Hybrid,
            filter: Filter::default(),
            limit: 10,
        };
        Ok(retriever.search_vector(&request, Some(vector.to_vec()))?)
    }

    fn commit(&self, documents: &[Given]) -> Outcome<()> {
        let accepted = self.accept_all(documents)?;
        for (documents, accepted) in documents.chunks(COMMIT_DOCUMENTS).zip(accepted.chunks(COMMIT_DOCUMENTS))
        {
            let rows = documents.iter().zip(accepted).flat_map(|(document, ids)| self.rows(document, *ids));
            self.store.db().batch(rows.collect())?;
            self.indexes.poke();
        }
        Ok(())
    }

    fn accept_all(&self, documents: &[Given]) -> Outcome<Vec<(DocumentId, VersionId)>> {
        let share = documents.len().div_ceil(ACCEPT_THREADS).max(1);
        let accept_share =
            |share: &[Given]| share.iter().map(|given| self.accept(given)).collect::<Outcome<Vec<_>>>();
        std::thread::scope(|scope| {
            let threads: Vec<_> =
                documents.chunks(share).map(|share| scope.spawn(move || accept_share(share))).collect();
            let mut all = Vec::with_capacity(documents.len());
            for thread in threads {
                all.extend(thread.join().map_err(|_| "a thread that accepts documents broke off")??);
            }
            Ok(all)
        })
    }

    fn accept(&self, document: &Given) -> Outcome<(DocumentId, VersionId)> {
        let mut hash = blake3::Hasher::new();
        document.chunks.iter().for_each(|(text, _)| {
            hash.update(text.as_bytes());
        });
        let upload = NewUpload {
            workspace: self.workspace,
            source: document.source.clone(),
            content: ContentHash(*hash.finalize().as_bytes()),
            size_bytes: text_bytes(document),
            media_type: "text/plain".to_owned(),
            metadata: Metadata::default(),
            batch: "bench".to_owned(),
        };
        match self.store.accept(upload)? {
            Accepted::Queued { document, version, .. } => Ok((document, version)),
            Accepted::Unchanged { .. } => Err("a new store knew a document".into()),
        }
    }

    fn rows(&self, given: &Given, (document, version): (DocumentId, VersionId)) -> Vec<Statement> {
        let now = self.store.now();
        let chunks = chunks(given, document, version);
        let vectors: Vec<(ChunkId, &[f32])> = chunks
            .iter()
            .zip(&given.chunks)
            .map(|(chunk, (_, vector))| (chunk.id, vector.as_slice()))
            .collect();
        let mut all = statements::chunks(&chunks);
        all.extend(statements::embeddings(MODEL, &vectors));
        all.extend(statements::publish(&PublishVersion {
            workspace: self.workspace,
            document,
            version,
            title: given.title.clone(),
            author: None,
            language: None,
            tags: Vec::new(),
            date: now,
            page_count: None,
            text_bytes: text_bytes(given),
            chunk_count: u32::try_from(chunks.len()).unwrap_or(u32::MAX),
            warnings: Vec::new(),
            signature: 0,
            near_duplicate_of: None,
            now,
        }));
        all
    }
}

fn text_bytes(document: &Given) -> u64 {
    document.chunks.iter().map(|(text, _)| text.len() as u64).sum()
}

fn chunks(given: &Given, document: DocumentId, version: VersionId) -> Vec<Chunk> {
    let mut start = 0;
    let mut chunks = Vec::with_capacity(given.chunks.len());
    for (ordinal, (text, _)) in (0..).zip(&given.chunks) {
        let span = ChunkSpan { start, end: start + text.len(), ..ChunkSpan::default() };
        start = span.end;
        chunks.push(Chunk { id: ChunkId::new(), document, version, ordinal, span, text: text.clone() });
    }
    chunks
}
