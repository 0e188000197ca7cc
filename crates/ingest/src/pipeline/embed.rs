//! Vectors for the chunks of one or several documents, in full batches.

use ibid_model::Purpose;
use ibid_types::Result;

use super::Pipeline;
use super::parse::Prepared;

/// A document with a vector a chunk.
#[derive(Debug)]
pub struct Embedded {
    pub prepared: Prepared,
    pub vectors: Vec<Vec<f32>>,
}

impl Pipeline {
    /// Embeds the documents together; each gets its own vectors back.
    pub(super) fn embed(
        &self,
        documents: Vec<Prepared>,
    ) -> std::result::Result<Vec<Embedded>, (Vec<Prepared>, ibid_types::Error)> {
        let texts: Vec<&str> =
            documents.iter().flat_map(|document| &document.passages).map(String::as_str).collect();
        match self.embed_in_slices(&texts) {
            Ok(vectors) => Ok(shared_out(documents, vectors)),
            Err(error) => Err((documents, error)),
        }
    }

    /// In calls of a bounded size, so that a stop is heard within a second or so.
    fn embed_in_slices(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        let mut vectors = Vec::with_capacity(texts.len());
        for slice in texts.chunks(self.config.embed_texts_max.max(1)) {
            vectors.extend(self.embedder.embed(slice, Purpose::Passage)?);
        }
        Ok(vectors)
    }
}

fn shared_out(documents: Vec<Prepared>, vectors: Vec<Vec<f32>>) -> Vec<Embedded> {
    let mut vectors = vectors.into_iter();
    documents
        .into_iter()
        .map(|prepared| {
            let vectors = vectors.by_ref().take(prepared.chunks.len()).collect();
            Embedded { prepared, vectors }
        })
        .collect()
}
