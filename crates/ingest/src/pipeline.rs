//! Jobs to searchable documents: parse, chunk, embed, write.
//!
//! Keeps true: a job's rows, its document's switch to the new version, the feed entry and the job's end are one
//! commit, so a kill at any instant leaves either the old state with the job still queued, or the new state. It
//! costs the work on the documents that were under way, but for the slices of a large one: they are kept.
//!
//! Three stages run beside each other, so that the embedder, which bounds the speed of the whole, never waits:
//! `parse` threads fill a short queue, one `embed` thread gathers chunks of several documents into full batches,
//! one `write` thread commits.

mod batch;
mod embed;
mod large;
mod parse;
mod progress;
mod write;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use ibid_blob::Blobs;
use ibid_guard::Action;
use ibid_model::Embedder;
use ibid_runtime::Shutdown;
use ibid_store::{Lease, Store};
use ibid_types::JobId;
use parking_lot::{Condvar, Mutex};

use crate::worker::ParsePool;
pub(crate) use parse::passage;
pub use progress::JobResult;

/// Sizes and times of the pipeline.
#[derive(Clone, Debug)]
pub struct PipelineConfig {
    /// Files parsed at the same time.
    pub parse_workers: usize,
    pub chunk_tokens_target: usize,
    /// Texts embedded in one call: enough to keep every core busy, few enough that progress is seen.
    pub embed_texts_max: usize,
    /// Prepared documents that may wait for the embedder: enough that short ones fill its batches, for at the end of
    /// each batch its threads wait for the last. Bounds memory.
    pub prepared_max: usize,
    /// Chunks above which a document is embedded and written in slices of so many.
    pub slice_chunks: usize,
    /// What the texts of documents may hold.
    pub guard: ibid_guard::Policy,
    pub lease_ms: i64,
    /// How long an idle pipeline waits before it looks for jobs that nobody announced (retries that are due).
    pub idle_wait: Duration,
}

impl Default for PipelineConfig {
    fn default() -> Self {
        Self {
            parse_workers: 2,
            chunk_tokens_target: 180,
            embed_texts_max: 256,
            prepared_max: 128,
            slice_chunks: 256,
            // A secret in a document is no reason to lose it; people's names and addresses are what documents are about.
            guard: ibid_guard::Policy {
                secrets: Action::Flag,
                personal: Action::Allow,
                ..ibid_guard::Policy::default()
            },
            lease_ms: 60_000,
            idle_wait: Duration::from_secs(1),
        }
    }
}

/// The worker over the queue of ingest jobs.
pub struct Pipeline {
    config: PipelineConfig,
    store: Store,
    blobs: Arc<dyn Blobs>,
    pool: ParsePool,
    embedder: Arc<dyn Embedder>,
    /// Tells the indexes that the feed has grown.
    on_commit: Box<dyn Fn() + Send + Sync>,
    wake: Wake,
    leases: Mutex<HashMap<JobId, Lease>>,
    /// Leased, and not yet begun.
    leased_next: Mutex<VecDeque<Lease>>,
    steps: Mutex<HashMap<JobId, (&'static str, f32)>>,
    figures: Mutex<Figures>,
}

/// What the pipeline was done with since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Documents that became searchable.
    pub done: u64,
    /// Documents that cannot be read, or not now.
    pub failed: u64,
    /// Chunks of those that became searchable.
    pub chunks: u64,
    /// Documents of those whose passages give orders to a model.
    pub flagged: u64,
}

impl std::fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pipeline").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Pipeline {
    #[must_use]
    pub fn new(
        config: PipelineConfig,
        store: Store,
        blobs: Arc<dyn Blobs>,
        pool: ParsePool,
        embedder: Arc<dyn Embedder>,
        on_commit: Box<dyn Fn() + Send + Sync>,
    ) -> Self {
        Self {
            config,
            store,
            blobs,
            pool,
            embedder,
            on_commit,
            wake: Wake::default(),
            figures: Mutex::default(),
            leases: Mutex::default(),
            leased_next: Mutex::default(),
            steps: Mutex::default(),
        }
    }

    /// Says that there may be work.
    pub fn wake(&self) {
        self.wake.wake();
    }
}

/// A flag that a thread can wait for.
#[derive(Debug, Default)]
struct Wake {
    woken: Mutex<u64>,
    changed: Condvar,
}

impl Wake {
    fn wake(&self) {
        *self.woken.lock() += 1;
        self.changed.notify_all();
    }

    /// Waits for a call of `wake` after the one that gave `seen`, at most for `longest`.
    fn wait(&self, seen: &mut u64, longest: Duration, shutdown: &Shutdown) {
        let mut woken = self.woken.lock();
        if *woken == *seen && !shutdown.is_requested() {
            self.changed.wait_for(&mut woken, longest);
        }
        *seen = *woken;
    }
}
