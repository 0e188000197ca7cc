//! Vectors for the chunks of small documents, in full batches; for large ones see `large`.

use ibid_model::Purpose;
use ibid_runtime::Shutdown;
use ibid_types::{Error, Result};

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
        let texts: Vec<&str> =
            documents.iter().flat_map(|document| &document.passages).map(String::as_str).collect();
        match self.embed_in_calls(&texts, shutdown) {
            Ok(Some(vectors)) => Embedding::Done(shared_out(documents, vectors)),
            Ok(None) => Embedding::Stopped,
            Err(error) => Embedding::Failed(documents, error),
        }
    }

    /// In calls of a bounded size, so that a stop is heard within some seconds. `None` if stopped.
    pub(super) fn embed_in_calls(
        &self,
        texts: &[&str],
        shutdown: &Shutdown,
    ) -> Result<Option<Vec<Vec<f32>>>> {
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
