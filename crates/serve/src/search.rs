//! The retriever, as the answering side sees it: counted and traced.

use std::sync::Arc;
use std::time::Instant;

use ibid_index::Indexes;
use ibid_retrieve::Retriever;
use ibid_store::Store;
use ibid_types::access::Reader;
use ibid_types::search::{Found, Hit, Request};
use ibid_types::{ChunkId, Result, WorkspaceId};

use crate::metrics::Metrics;

/// Passes searches through.
#[derive(Debug)]
pub struct Port {
    retriever: Arc<Retriever>,
    indexes: Arc<Indexes>,
    store: Store,
    metrics: Metrics,
}

impl Port {
    pub const fn new(
        retriever: Arc<Retriever>,
        indexes: Arc<Indexes>,
        store: Store,
        metrics: Metrics,
    ) -> Self {
        Self { retriever, indexes, store, metrics }
    }
}

/// Searches, counts and traces it.
pub fn search(retriever: &Retriever, metrics: &Metrics, request: &Request) -> Result<Found> {
    let span = tracing::info_span!(
        "search",
        hits = tracing::field::Empty,
        eligible = tracing::field::Empty,
        steps_us = tracing::field::Empty,
        error = tracing::field::Empty,
    );
    let _inside = span.enter();
    let started = Instant::now();
    let found = retriever.search(request);
    metrics.search(&found, started.elapsed());
    match &found {
        Ok(found) => {
            span.record("hits", found.hits.len());
            span.record("eligible", found.trace.eligible);
            span.record("steps_us", tracing::field::debug(&found.trace.timings_us));
        }
        Err(error) => drop(span.record("error", error.code)),
    }
    found
}

impl ibid_chat::Search for Port {
    fn search(&self, request: &Request) -> Result<Found> {
        search(&self.retriever, &self.metrics, request)
    }

    fn read(&self, workspace: WorkspaceId, reader: Reader, chunks: &[ChunkId]) -> Result<Vec<Hit>> {
        self.retriever.read(workspace, reader, chunks)
    }

    fn unread(&self, workspace: WorkspaceId, reader: Reader) -> Option<String> {
        let readable = self.store.readable(workspace, reader).ok()?;
        let waiting = self.store.jobs().documents_waiting(workspace, &readable).unwrap_or(0);
        if waiting > 0 {
            return Some(format!(
                "{waiting} documents of the library are still being read; ask again when they are"
            ));
        }
        let behind = self.store.feed_head().ok()? - self.indexes.applied();
        (behind > 0).then(|| "the index is behind the library; ask again in a moment".to_owned())
    }
}
