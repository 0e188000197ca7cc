//! Passages in memory, found by closeness alone, for examples.

use std::sync::{Arc, Mutex};

use ibid_chat::Search;
use ibid_model::{Embedder, Purpose};
use ibid_types::document::{Chunk, ChunkSpan};
use ibid_types::search::{Found, Hit, Request, Why};
use ibid_types::{ChunkId, DocumentId, Result, Timestamp, VersionId, WorkspaceId};

/// Paragraphs, found by closeness.
#[derive(Debug)]
pub struct Shelf {
    embedder: Arc<dyn Embedder>,
    hits: Vec<(Hit, Vec<f32>)>,
    left_out: Mutex<String>,
}

impl Shelf {
    /// Of sources and their paragraphs, each source one document.
    pub fn new(texts: &[(String, Vec<String>)], embedder: Arc<dyn Embedder>) -> Self {
        let mut hits = Vec::new();
        for (source, paragraphs) in texts {
            let document = DocumentId::new();
            for paragraph in paragraphs {
                let vector = embedder.embed(&[paragraph], Purpose::Passage).unwrap().remove(0);
                hits.push((hit(source, document, paragraph), vector));
            }
        }
        Self { embedder, hits, left_out: Mutex::default() }
    }

    /// Leaves out the passage of this text from now on.
    #[allow(dead_code, reason = "only some examples leave out")]
    pub fn leave_out(&self, text: &str) {
        text.clone_into(&mut self.left_out.lock().unwrap());
    }
}

impl Search for Shelf {
    fn search(&self, request: &Request) -> Result<Found> {
        let asked = self.embedder.embed(&[&request.query], Purpose::Question)?.remove(0);
        let mut hits: Vec<Hit> = Vec::new();
        let left_out = self.left_out.lock().unwrap().clone();
        for (hit, vector) in self.hits.iter().filter(|(hit, _)| hit.chunk.text != left_out) {
            let closeness: f32 = asked.iter().zip(vector).map(|(a, b)| a * b).sum();
            let documents = &request.filter.documents;
            if documents.is_empty() || documents.contains(&hit.chunk.document) {
                hits.push(Hit { score: closeness.max(0.0), similarity: Some(closeness), ..hit.clone() });
            }
        }
        hits.sort_by(|a, b| b.score.total_cmp(&a.score));
        hits.truncate(request.limit);
        Ok(Found { hits, ..Found::default() })
    }

    fn read(&self, _: WorkspaceId, _: ibid_types::access::Reader, chunks: &[ChunkId]) -> Result<Vec<Hit>> {
        let hits = self.hits.iter().map(|(hit, _)| hit);
        Ok(hits.filter(|hit| chunks.contains(&hit.chunk.id)).cloned().collect())
    }
}

fn hit(source: &str, document: DocumentId, text: &str) -> Hit {
    Hit {
        chunk: Chunk {
            id: ChunkId::new(),
            document,
            version: VersionId::new(),
            ordinal: 0,
            span: ChunkSpan { end: text.len(), ..ChunkSpan::default() },
            text: text.to_owned(),
        },
        title: String::new(),
        source: source.to_owned(),
        date: Timestamp(0),
        language: Some("en".into()),
        tags: Vec::new(),
        score: 0.0,
        similarity: None,
        why: Why::default(),
        episode: None,
    }
}
