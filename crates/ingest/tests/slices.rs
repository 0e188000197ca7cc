//! A large document is embedded in slices that are kept: a stop in the middle costs one slice.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ibid_blob::{Blobs, Folder};
use ibid_ingest::pipeline::{Pipeline, PipelineConfig};
use ibid_ingest::worker::{ParsePool, PoolConfig};
use ibid_model::{Embedder, EmbedderSpec, Purpose};
use ibid_runtime::{Clock, Shutdown};
use ibid_store::{NewUpload, Sqlite, SqliteConfig, Store};
use ibid_types::Result;
use ibid_types::parsed::Metadata;

/// Counts texts, and requests the stop when it has embedded `stop_after` of them.
#[derive(Debug)]
struct Counting {
    spec: EmbedderSpec,
    texts: AtomicUsize,
    stop_after: usize,
    shutdown: Shutdown,
}

impl Counting {
    fn new(stop_after: usize) -> Arc<Self> {
        let spec = EmbedderSpec { id: "counting".into(), dimensions: 2, tokens_max: 256 };
        Arc::new(Self { spec, texts: AtomicUsize::new(0), stop_after, shutdown: Shutdown::new() })
    }

    fn texts(&self) -> usize {
        self.texts.load(Ordering::Relaxed)
    }
}

impl Embedder for Counting {
    fn spec(&self) -> &EmbedderSpec {
        &self.spec
    }

    fn embed(&self, texts: &[&str], _: Purpose) -> Result<Vec<Vec<f32>>> {
        let before = self.texts.fetch_add(texts.len(), Ordering::Relaxed);
        if before + texts.len() >= self.stop_after {
            self.shutdown.request();
        }
        Ok(vec![vec![1.0, 0.0]; texts.len()])
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }
}

struct Library {
    _dir: tempfile::TempDir,
    store: Store,
    blobs: Arc<dyn Blobs>,
}

impl Library {
    /// With one document that waits to be ingested.
    fn new(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = Sqlite::open(SqliteConfig::new(dir.path().join("ibid.db"))).unwrap();
        let store = Store::new(Arc::new(db), Clock::system());
        let blobs: Arc<dyn Blobs> = Arc::new(Folder::open(&dir.path().join("blobs")).unwrap());
        let workspace = store.workspace_ensure("default").unwrap().id;
        let upload = NewUpload {
            workspace,
            source: "long.txt".into(),
            content: blobs.put(text.as_bytes()).unwrap(),
            size_bytes: text.len() as u64,
            media_type: "text/plain".into(),
            metadata: Metadata::default(),
            readers: None,
            batch: "b".into(),
        };
        store.accept(upload).unwrap();
        Self { _dir: dir, store, blobs }
    }

    /// Works until the embedder has the stop requested, or until the commit of a document has.
    fn run(&self, embedder: &Arc<Counting>) {
        let config = PipelineConfig {
            slice_chunks: 4,
            embed_texts_max: 4,
            chunk_tokens_target: 20,
            lease_ms: 1,
            ..PipelineConfig::default()
        };
        let program = env!("CARGO_BIN_EXE_ibid-parse-worker").into();
        let stop = embedder.shutdown.clone();
        let pipeline = Pipeline::new(
            config,
            self.store.clone(),
            Arc::clone(&self.blobs),
            ParsePool::new(PoolConfig::new(program, Vec::new())),
            Arc::clone(embedder) as Arc<dyn Embedder>,
            Box::new(move || stop.request()),
        );
        pipeline.run(&embedder.shutdown);
    }

    fn ready(&self) -> u64 {
        let workspace = self.store.workspace_ensure("default").unwrap().id;
        self.store.workspace_counts(workspace, &ibid_types::access::Readable::All).unwrap().chunks
    }
}

#[test]
fn an_attempt_goes_on_where_the_one_before_was_stopped() {
    let sentences: Vec<String> =
        (0..80).map(|n| format!("Sentence {n} says that the ferry leaves at {n} past the hour.")).collect();
    let library = Library::new(&sentences.join("\n\n"));
    let first = Counting::new(9);
    library.run(&first);
    assert_eq!((first.texts(), library.ready()), (12, 0), "three slices were embedded and nothing is shown");
    let second = Counting::new(usize::MAX);
    library.run(&second);
    let chunks = usize::try_from(library.ready()).unwrap();
    assert!(chunks > 20, "{chunks}");
    assert_eq!(second.texts(), chunks - first.texts(), "only what was left was embedded");
}
