//! A large document is embedded in slices that are kept: a stop in the middle costs one slice, and nobody waits for the whole.
#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ibid_blob::{Blobs, Folder};
use ibid_ingest::pipeline::{Pipeline, PipelineConfig};
use ibid_ingest::worker::{ParsePool, PoolConfig};
use ibid_model::{Embedder, EmbedderSpec, Purpose};
use ibid_runtime::{Clock, Shutdown};
use ibid_store::{Accepted, NewUpload, Sqlite, SqliteConfig, Store};
use ibid_types::parsed::Metadata;
use ibid_types::{JobId, Result};

/// What else happens when the first texts are embedded.
type Meanwhile = Box<dyn Fn() + Send + Sync>;

/// Counts texts, and requests the stop when it has embedded `stop_after` of them, or one that says so.
struct Counting {
    spec: EmbedderSpec,
    texts: AtomicUsize,
    stop_after: usize,
    shutdown: Shutdown,
    meanwhile: Option<Meanwhile>,
}

impl std::fmt::Debug for Counting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Counting")
    }
}

impl Counting {
    fn new(stop_after: usize) -> Arc<Self> {
        Self::with(stop_after, None)
    }

    fn with(stop_after: usize, meanwhile: Option<Meanwhile>) -> Arc<Self> {
        let spec = EmbedderSpec { id: "counting".into(), dimensions: 2, tokens_max: 256 };
        let texts = AtomicUsize::new(0);
        Arc::new(Self { spec, texts, stop_after, shutdown: Shutdown::new(), meanwhile })
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
        if before == 0
            && let Some(meanwhile) = &self.meanwhile
        {
            meanwhile();
        }
        if before + texts.len() >= self.stop_after || texts.iter().any(|text| text.contains(LAST)) {
            self.shutdown.request();
        }
        Ok(vec![vec![1.0, 0.0]; texts.len()])
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }
}

/// With it embedded a test has seen enough.
const LAST: &str = "That is all.";

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
        put(&store, &blobs, "long.txt", text);
        Self { _dir: dir, store, blobs }
    }

    /// Works until the embedder has the stop requested, or until the commit of a document has.
    fn run(&self, embedder: &Arc<Counting>) {
        self.pipeline(embedder).run(&embedder.shutdown);
    }

    fn pipeline(&self, embedder: &Arc<Counting>) -> Pipeline {
        // The attempt after one that is stopped waits for the end of its lease.
        let lease_ms = if embedder.stop_after == usize::MAX { 60_000 } else { 500 };
        let config = PipelineConfig {
            slice_chunks: 4,
            embed_texts_max: 4,
            chunk_tokens_target: 20,
            lease_ms,
            idle_wait: Duration::from_millis(10),
            ..PipelineConfig::default()
        };
        let program = env!("CARGO_BIN_EXE_ibid-parse-worker").into();
        let stop = embedder.shutdown.clone();
        Pipeline::new(
            config,
            self.store.clone(),
            Arc::clone(&self.blobs),
            ParsePool::new(PoolConfig::new(program, Vec::new())),
            Arc::clone(embedder) as Arc<dyn Embedder>,
            Box::new(move || stop.request()),
        )
    }

    fn ready(&self) -> u64 {
        let workspace = self.store.workspace_ensure("default").unwrap().id;
        self.store.workspace_counts(workspace, &ibid_types::access::Readable::All).unwrap().chunks
    }
}

fn put(store: &Store, blobs: &Arc<dyn Blobs>, source: &str, text: &str) -> JobId {
    let upload = NewUpload {
        workspace: store.workspace_ensure("default").unwrap().id,
        source: source.into(),
        content: blobs.put(text.as_bytes()).unwrap(),
        size_bytes: text.len() as u64,
        media_type: "text/plain".into(),
        metadata: Metadata::default(),
        readers: None,
        batch: "b".into(),
    };
    match store.accept(upload).unwrap() {
        Accepted::Queued { job, .. } => job,
        Accepted::Unchanged { .. } => unreachable!("it is new"),
    }
}

fn long() -> String {
    let sentence = |n| format!("Sentence {n} says that the ferry leaves at {n} past the hour.");
    (0..80).map(sentence).collect::<Vec<_>>().join("\n\n")
}

#[test]
fn a_small_document_does_not_wait_for_a_large_one() {
    let library = Library::new(&long());
    let running: Arc<OnceLock<Arc<Pipeline>>> = Arc::default();
    let (store, blobs, seen) = (library.store.clone(), Arc::clone(&library.blobs), Arc::clone(&running));
    let embedder = Counting::with(
        usize::MAX,
        Some(Box::new(move || {
            let job = put(&store, &blobs, "short.txt", LAST);
            while seen.get().unwrap().progress_of(job).is_none_or(|(step, _)| step != "embed") {
                std::thread::yield_now();
            }
        })),
    );
    let pipeline = Arc::new(library.pipeline(&embedder));
    running.set(Arc::clone(&pipeline)).unwrap_or_else(|_| unreachable!());
    pipeline.run(&embedder.shutdown);
    assert!(embedder.texts() < 20, "{} texts of the large one went first", embedder.texts());
}

#[test]
fn a_document_that_is_deleted_is_worked_on_no_more() {
    let library = Library::new(&long());
    let store = library.store.clone();
    let embedder = Counting::with(
        usize::MAX,
        Some(Box::new(move || {
            let workspace = store.workspace_ensure("default").unwrap().id;
            let document = store.document_by_source(workspace, "long.txt").unwrap().unwrap();
            store.document_delete(workspace, document.0.id).unwrap();
        })),
    );
    let pipeline = library.pipeline(&embedder);
    std::thread::scope(|scope| {
        scope.spawn(|| pipeline.run(&embedder.shutdown));
        while pipeline.figures().failed == 0 {
            std::thread::yield_now();
        }
        embedder.shutdown.request();
    });
    assert_eq!(embedder.texts(), 4, "a slice");
}

#[test]
fn an_attempt_goes_on_where_the_one_before_was_stopped() {
    let library = Library::new(&long());
    let first = Counting::new(9);
    library.run(&first);
    assert_eq!((first.texts(), library.ready()), (12, 0), "three slices were embedded and nothing is shown");
    let second = Counting::new(usize::MAX);
    library.run(&second);
    let chunks = usize::try_from(library.ready()).unwrap();
    assert!(chunks > 20, "{chunks}");
    assert_eq!(second.texts(), chunks - first.texts(), "only what was left was embedded");
}
