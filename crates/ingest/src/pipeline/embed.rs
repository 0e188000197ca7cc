//! Vectors for the chunks of one or several documents, in full batches; a large document in slices that are kept.

use std::collections::HashSet;

use ibid_model::Purpose;
use ibid_runtime::Shutdown;
use ibid_store::statements;
use ibid_types::document::Chunk;
use ibid_types::{ChunkId, Error, Result};

use super::Pipeline;
use super::parse::Prepared;

/// A document with a vector a chunk, or with its chunks and vectors in the store already.
#[derive(Debug)]
pub struct Embedded {
    pub prepared: Prepared,
    pub vectors: Vec<Vec<f32>>,
    pub is_written: bool,
}

/// What became of the documents.
pub enum Embedding {
    Done(Vec<Embedded>),
    /// A stop was requested; their jobs stay in the queue.
    Stopped,
    Failed(Vec<Prepared>, Error),
}

impl Pipeline {
    /// Embeds the documents together; each gets its own vectors back.
    pub(super) fn embed(&self, documents: Vec<Prepared>, shutdown: &Shutdown) -> Embedding {
        if let [large] = documents.as_slice()
            && large.chunks.len() > self.config.slice_chunks
        {
            return match self.embed_sliced(large, shutdown) {
                Ok(true) => Embedding::Done(written(documents)),
                Ok(false) => Embedding::Stopped,
                Err(error) => Embedding::Failed(documents, error),
            };
        }
        let texts: Vec<&str> =
            documents.iter().flat_map(|document| &document.passages).map(String::as_str).collect();
        match self.embed_in_calls(&texts, shutdown) {
            Ok(Some(vectors)) => Embedding::Done(shared_out(documents, vectors)),
            Ok(None) => Embedding::Stopped,
            Err(error) => Embedding::Failed(documents, error),
        }
    }

    /// Writes each slice when it is embedded. What an earlier attempt wrote is not embedded again. False if stopped.
    fn embed_sliced(&self, document: &Prepared, shutdown: &Shutdown) -> Result<bool> {
        let model = &self.embedder.spec().id;
        let known: HashSet<ChunkId> =
            self.store.chunks_with_vector(document.version, model)?.into_iter().collect();
        let left: Vec<(&Chunk, &str)> = document
            .chunks
            .iter()
            .zip(document.passages.iter().map(String::as_str))
            .filter(|(chunk, _)| !known.contains(&chunk.id))
            .collect();
        let mut done = known.len();
        for slice in left.chunks(self.config.slice_chunks.max(1)) {
            let texts: Vec<&str> = slice.iter().map(|(_, text)| *text).collect();
            let Some(vectors) = self.embed_in_calls(&texts, shutdown)? else { return Ok(false) };
            let chunks: Vec<Chunk> = slice.iter().map(|(chunk, _)| (*chunk).clone()).collect();
            let rows: Vec<(ChunkId, &[f32])> =
                chunks.iter().map(|chunk| chunk.id).zip(vectors.iter().map(Vec::as_slice)).collect();
            let mut all = statements::chunks(&chunks);
            all.extend(statements::embeddings(model, &rows));
            self.store.db().batch(all)?;
            done += slice.len();
            let share = done as f32 / document.chunks.len() as f32;
            self.note_step(&document.lease, "embed", 0.3 + 0.6 * share);
        }
        Ok(true)
    }

    /// In calls of a bounded size, so that a stop is heard within some seconds. `None` if stopped.
    fn embed_in_calls(&self, texts: &[&str], shutdown: &Shutdown) -> Result<Option<Vec<Vec<f32>>>> {
        let mut vectors = Vec::with_capacity(texts.len());
        for slice in texts.chunks(self.config.embed_texts_max.max(1)) {
            if shutdown.is_requested() {
                return Ok(None);
            }
            vectors.extend(self.embedder.embed(slice, Purpose::Passage)?);
        }
        Ok(Some(vectors))
    }
}

fn written(documents: Vec<Prepared>) -> Vec<Embedded> {
    let embedded = |prepared| Embedded { prepared, vectors: Vec::new(), is_written: true };
    documents.into_iter().map(embedded).collect()
}

fn shared_out(documents: Vec<Prepared>, vectors: Vec<Vec<f32>>) -> Vec<Embedded> {
    let mut vectors = vectors.into_iter();
    documents
        .into_iter()
        .map(|prepared| {
            let vectors = vectors.by_ref().take(prepared.chunks.len()).collect();
            Embedded { prepared, vectors, is_written: false }
        })
        .collect()
}
