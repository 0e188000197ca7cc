//! From one embedder to another: every chunk gets a vector of the new one while the old vectors go on serving.
//!
//! Keeps true: what has a vector is not embedded again, so a stop at any instant costs one slice; the new embedder
//! becomes the active one in the same commit that tells the indexes, and only when no chunk lacks its vector.

use std::sync::Arc;
use std::time::Duration;

use ibid_model::{Embedder, Purpose};
use ibid_runtime::Shutdown;
use ibid_store::{Statement, Store, statements};
use ibid_types::{ChunkId, Result};

use crate::pipeline::passage;

/// Chunks embedded and committed at a time.
const SLICE_CHUNKS: usize = 256;
/// After a failure of the embedder, such as a provider that is down.
const RETRY: Duration = Duration::from_secs(30);

/// A change of embedder on its way.
#[derive(Debug)]
pub struct Changeover {
    pub store: Store,
    pub to: Arc<dyn Embedder>,
    /// The setting that names the active embedder, and its new value.
    pub active: (&'static str, String),
}

impl Changeover {
    /// Embeds what has no vector yet, then switches. Returns at the end or at a shutdown; whether it is done.
    pub fn run(&self, shutdown: &Shutdown) -> bool {
        while !shutdown.is_requested() {
            match self.step() {
                Ok(true) => return true,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(code = error.code, reason = error.chain(), "the change of embedder waits");
                    shutdown.wait_timeout(RETRY);
                }
            }
        }
        false
    }

    /// The same on the caller's thread, with the first failure.
    pub fn finish(&self) -> Result<()> {
        while !self.step()? {}
        Ok(())
    }

    /// One slice, or the switch if nothing is left; whether that was it.
    fn step(&self) -> Result<bool> {
        let model = &self.to.spec().id;
        let missing = self.store.chunks_missing_model(model, SLICE_CHUNKS)?;
        if missing.is_empty() {
            let (key, value) = &self.active;
            self.store.embedder_switch(model, key, value)?;
            return Ok(true);
        }
        let passages: Vec<String> = missing.iter().map(|(chunk, title)| passage(title, chunk)).collect();
        let texts: Vec<&str> = passages.iter().map(String::as_str).collect();
        let vectors = self.to.embed(&texts, Purpose::Passage)?;
        let rows: Vec<(ChunkId, &[f32])> =
            missing.iter().map(|(chunk, _)| chunk.id).zip(vectors.iter().map(Vec::as_slice)).collect();
        let all: Vec<Statement> = statements::embeddings(model, &rows);
        self.store.db().batch(all)?;
        Ok(false)
    }
}
