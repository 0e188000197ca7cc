//! A library of texts whose vectors are given, made by the product's own store and index.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ibid_index::{IndexConfig, Indexes};
use ibid_retrieve::{Config, Retriever};
use ibid_runtime::{Clock, Shutdown};
use ibid_store::{NewUpload, ReadyChunk, ReadyDocument, Sqlite, SqliteConfig, Store};
use ibid_types::document::ChunkSpan;
use ibid_types::parsed::Metadata;
use ibid_types::search::{Filter, Found, Mode, Request};
use ibid_types::{ContentHash, WorkspaceId};

use super::Outcome;
use super::texts::Texts;

const MODEL: &str = "given";
/// Documents made searchable in one commit.
const COMMIT_DOCUMENTS: usize = 1024;
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

    /// Commits and indexes; when it returns, everything is on disk and can be found. The index follows
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
            reader: ibid_types::access::Reader::Machine,
            query: question.to_owned(),
            mode: Mode::Hybrid,
            filter: Filter::default(),
            limit: 10,
        };
        Ok(retriever.search_vector(&request, Some(vector.to_vec()))?)
    }

    fn commit(&self, documents: &[Given]) -> Outcome<()> {
        for documents in documents.chunks(COMMIT_DOCUMENTS) {
            let ready: Vec<ReadyDocument> = documents.iter().map(|given| self.ready(given)).collect();
            self.store.put_ready(MODEL, &ready)?;
            self.indexes.poke();
        }
        Ok(())
    }

    fn ready(&self, given: &Given) -> ReadyDocument {
        let mut hash = blake3::Hasher::new();
        given.chunks.iter().for_each(|(text, _)| {
            hash.update(text.as_bytes());
        });
        let upload = NewUpload {
            workspace: self.workspace,
            source: given.source.clone(),
            content: ContentHash(*hash.finalize().as_bytes()),
            size_bytes: text_bytes(given),
            media_type: "text/plain".to_owned(),
            metadata: Metadata { title: Some(given.title.clone()), ..Metadata::default() },
            readers: None,
            batch: String::new(),
        };
        ReadyDocument { upload, chunks: chunks(given) }
    }
}

fn text_bytes(document: &Given) -> u64 {
    document.chunks.iter().map(|(text, _)| text.len() as u64).sum()
}

fn chunks(given: &Given) -> Vec<ReadyChunk> {
    let mut start = 0;
    let mut chunks = Vec::with_capacity(given.chunks.len());
    for (text, vector) in &given.chunks {
        let span = ChunkSpan { start, end: start + text.len(), ..ChunkSpan::default() };
        start = span.end;
        chunks.push(ReadyChunk { span, text: text.clone(), vector: vector.clone() });
    }
    chunks
}
