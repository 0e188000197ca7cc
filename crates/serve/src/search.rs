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
use crate::recollection::Recollection;

/// What was found, and the question's vector.
type Told = (Found, Option<Vec<f32>>);

/// Passes searches through, and joins what is remembered.
#[derive(Debug)]
pub struct Port {
    pub retriever: Arc<Retriever>,
    pub indexes: Arc<Indexes>,
    pub store: Store,
    pub metrics: Metrics,
    /// None where answers are made of documents alone.
    pub recollection: Option<Arc<Recollection>>,
}

impl Port {
    /// Without memory where it cannot be read: documents answer too.
    fn join(&self, request: &Request, vector: Option<&[f32]>, found: &mut Found) {
        let Some(recollection) = &self.recollection else { return };
        let started = Instant::now();
        if let Err(error) = recollection.join(request, vector, found) {
            tracing::warn!(code = error.code, "answering without memory: {}", error.chain());
        }
        let us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        found.trace.timings_us.push(("memory".to_owned(), us));
    }
}

/// Searches, counts and traces it.
pub fn search(retriever: &Retriever, metrics: &Metrics, request: &Request) -> Result<Found> {
    search_telling(retriever, metrics, request).map(|(found, _)| found)
}

fn search_telling(retriever: &Retriever, metrics: &Metrics, request: &Request) -> Result<Told> {
    let span = tracing::info_span!(
        "search",
        hits = tracing::field::Empty,
        eligible = tracing::field::Empty,
        steps_us = tracing::field::Empty,
        error = tracing::field::Empty,
    );
    let _inside = span.enter();
    let started = Instant::now();
    let found = retriever.search_telling(request);
    metrics.search(&found, started.elapsed());
    match &found {
        Ok((found, _)) => {
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
        let (mut found, vector) = search_telling(&self.retriever, &self.metrics, request)?;
        self.join(request, vector.as_deref(), &mut found);
        Ok(found)
    }

    fn read(&self, workspace: WorkspaceId, reader: Reader, chunks: &[ChunkId]) -> Result<Vec<Hit>> {
        let mut hits = self.retriever.read(workspace, reader, chunks)?;
        if let Some(recollection) = self.recollection.as_ref().filter(|_| hits.len() < chunks.len()) {
            let is_there = |chunk: &&ChunkId| hits.iter().any(|hit| hit.chunk.id == **chunk);
            let missing: Vec<ChunkId> = chunks.iter().filter(|chunk| !is_there(chunk)).copied().collect();
            hits.extend(recollection.read(workspace, reader, &missing)?);
        }
        Ok(hits)
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
