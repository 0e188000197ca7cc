//! Chunks, hits, a search and models for this crate's tests, all deterministic.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use ibid_model::{ChatDelta, ChatModel, ChatOutcome, ChatRequest, Embedder, EmbedderSpec, Purpose};
use ibid_types::access::Reader;
use ibid_types::answer::{AnswerMode, Question, Usage};
use ibid_types::document::{Chunk, ChunkSpan};
use ibid_types::search::{Filter, Found, Hit, Request, Why};
use ibid_types::{
    ChunkId, ContentHash, DocumentId, Error, KeptId, Result, Timestamp, VersionId, WorkspaceId,
};

use crate::Search;
use crate::kept::{AnswerShelf, KeptAnswer, Look, NewAnswer, Place};
use crate::terms::Analyzer;

pub fn chunk(text: &str) -> Chunk {
    Chunk {
        id: ChunkId::new(),
        document: DocumentId::new(),
        version: VersionId::new(),
        ordinal: 0,
        span: ChunkSpan { end: text.len(), ..ChunkSpan::default() },
        text: text.to_owned(),
    }
}

pub fn hit(text: &str, similarity: f32) -> Hit {
    Hit {
        chunk: chunk(text),
        title: String::new(),
        source: "a.md".into(),
        date: Timestamp(0),
        language: None,
        tags: Vec::new(),
        score: similarity,
        similarity: Some(similarity),
        why: Why::default(),
        episode: None,
    }
}

pub fn question(text: &str) -> Question {
    Question {
        workspace: WorkspaceId::new(),
        reader: Reader::Machine,
        text: text.into(),
        filter: Filter::default(),
        mode: AnswerMode::Auto,
        model: None,
        context_tokens_max: 2_000,
        citations_max: 8,
        fresh: false,
    }
}

/// Words hashed to dimensions: texts that share words are near each other.
#[derive(Debug)]
pub struct HashEmbedder {
    spec: EmbedderSpec,
    embedded: AtomicUsize,
}

impl Default for HashEmbedder {
    fn default() -> Self {
        let spec = EmbedderSpec { id: "hash".into(), dimensions: 256, tokens_max: 256 };
        Self { spec, embedded: AtomicUsize::new(0) }
    }
}

impl HashEmbedder {
    pub fn texts_embedded(&self) -> usize {
        self.embedded.load(Ordering::Relaxed)
    }
}

impl Embedder for HashEmbedder {
    fn spec(&self) -> &EmbedderSpec {
        &self.spec
    }

    fn embed(&self, texts: &[&str], _purpose: Purpose) -> Result<Vec<Vec<f32>>> {
        self.embedded.fetch_add(texts.len(), Ordering::Relaxed);
        Ok(texts.iter().map(|text| hashed(text)).collect())
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }
}

fn hashed(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0_f32; 256];
    for key in Analyzer::new(None).content_keys(text) {
        let bucket = key.bytes().fold(7_usize, |hash, byte| (hash * 31 + usize::from(byte)) % 251);
        vector[bucket] += 1.0;
    }
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-6);
    vector.iter().map(|x| x / length).collect()
}

/// Fails every call.
#[derive(Debug)]
pub struct DeadEmbedder(EmbedderSpec);

impl Default for DeadEmbedder {
    fn default() -> Self {
        Self(EmbedderSpec { id: "dead".into(), dimensions: 2, tokens_max: 2 })
    }
}

impl Embedder for DeadEmbedder {
    fn spec(&self) -> &EmbedderSpec {
        &self.0
    }

    fn embed(&self, _texts: &[&str], _purpose: Purpose) -> Result<Vec<Vec<f32>>> {
        Err(Error::unavailable("embedder_unavailable", "the embedder is off"))
    }

    fn count_tokens(&self, _text: &str) -> usize {
        0
    }
}

/// Finds by shared words, best first.
#[derive(Debug, Default)]
pub struct Shelf(pub Vec<Hit>);

impl Shelf {
    pub fn of(texts: &[&str]) -> Self {
        Self(texts.iter().map(|text| hit(text, 0.0)).collect())
    }
}

impl Search for Shelf {
    fn search(&self, request: &Request) -> Result<Found> {
        let query = hashed(&request.query);
        let mut hits = self.0.clone();
        for hit in &mut hits {
            let similarity = crate::sources::cosine(&query, &hashed(&hit.chunk.text));
            hit.similarity = Some(similarity);
            hit.score = similarity;
        }
        hits.sort_by(|a, b| b.score.total_cmp(&a.score));
        hits.retain(|hit| hit.score > 0.0);
        hits.truncate(request.limit);
        Ok(Found { hits, ..Found::default() })
    }

    fn read(&self, _: WorkspaceId, _: Reader, chunks: &[ChunkId]) -> Result<Vec<Hit>> {
        Ok(self.0.iter().filter(|hit| chunks.contains(&hit.chunk.id)).cloned().collect())
    }
}

/// Keeps answers in memory, and what came of each look.
#[derive(Debug, Default)]
pub struct Drawer {
    kept: std::sync::Mutex<Vec<(Place, KeptAnswer, Vec<ChunkId>)>>,
    pub looks: std::sync::Mutex<Vec<&'static str>>,
}

impl Drawer {
    pub fn count(&self) -> usize {
        self.kept.lock().unwrap().len()
    }

    fn of(&self, place: &Place, which: impl Fn(&KeptAnswer, &[ChunkId]) -> bool) -> Vec<KeptAnswer> {
        let kept = self.kept.lock().unwrap();
        let found = kept.iter().filter(|(of, answer, chunks)| of == place && which(answer, chunks));
        found.map(|(_, answer, _)| answer.clone()).collect()
    }
}

impl AnswerShelf for Drawer {
    fn of_evidence(&self, place: &Place, evidence: ContentHash) -> Vec<KeptAnswer> {
        self.of(place, |kept, _| kept.evidence == evidence)
    }

    fn of_passage(&self, place: &Place, chunk: ChunkId) -> Vec<KeptAnswer> {
        self.of(place, |_, chunks| chunks.contains(&chunk))
    }

    fn keep(&self, new: &NewAnswer<'_>) -> bool {
        let answer = KeptAnswer {
            id: KeptId::new(),
            question: new.question.to_owned(),
            answer: new.answer.clone(),
            evidence: new.evidence,
            made_at: Timestamp(5),
            used_at: Timestamp(5),
        };
        let chunks = new.passages.iter().map(|(chunk, _)| *chunk).collect();
        let mut kept = self.kept.lock().unwrap();
        kept.retain(|(_, answer, _)| Some(answer.id) != new.replaces);
        kept.push((new.place, answer, chunks));
        true
    }

    fn looked(&self, look: Look<'_>) {
        let found = match look {
            Look::Same(_) => "same",
            Look::Reworded(_) => "reworded",
            Look::Nothing => "nothing",
        };
        self.looks.lock().unwrap().push(found);
    }
}

/// A chat model that says what it was told to, piece by piece, and may then fail.
#[derive(Debug, Default)]
pub struct Script {
    pub pieces: Vec<String>,
    pub fails: bool,
    /// What each of its replies costs.
    pub usage: Usage,
    /// What it says instead to whoever asks with these words.
    pub replies: Vec<(&'static str, &'static str)>,
    pub asked: std::sync::Mutex<Vec<ChatRequest>>,
}

impl Script {
    pub fn says(text: &str) -> Self {
        Self { pieces: text.chars().map(String::from).collect(), ..Self::default() }
    }

    fn outcome(&self, text: String) -> ChatOutcome {
        ChatOutcome { text, usage: self.usage, complete: true, ..ChatOutcome::default() }
    }
}

impl ChatModel for Script {
    fn name(&self) -> &str {
        "script"
    }

    fn context_tokens(&self) -> usize {
        4_096
    }

    fn chat(
        &self,
        request: &ChatRequest,
        on_delta: &mut dyn FnMut(ChatDelta) -> ControlFlow<()>,
    ) -> Result<ChatOutcome> {
        self.asked.lock().unwrap().push(request.clone());
        let holds = |words: &str| request.messages.iter().any(|message| message.content.contains(words));
        if let Some((_, reply)) = self.replies.iter().find(|(words, _)| holds(words)) {
            let _ = on_delta(ChatDelta::Text((*reply).to_owned()));
            return Ok(self.outcome((*reply).to_owned()));
        }
        for piece in &self.pieces {
            if on_delta(ChatDelta::Text(piece.clone())).is_break() {
                return Ok(ChatOutcome::default());
            }
        }
        if self.fails {
            return Err(Error::timeout("chat_timeout", "the model took too long"));
        }
        Ok(self.outcome(self.pieces.concat()))
    }

    fn probe(&self) -> Result<()> {
        Ok(())
    }
}
