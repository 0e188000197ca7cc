//! What people ask and what models say: read, answered from some passages, and bound to what the passages say.

use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use ibid_chat::{Answerer, Search};
use ibid_model::{ChatDelta, ChatModel, ChatOutcome, ChatRequest, Embedder, EmbedderSpec, Purpose};
use ibid_types::access::Reader;
use ibid_types::answer::{Answer, AnswerMode, Question, Usage};
use ibid_types::document::{Chunk, ChunkSpan};
use ibid_types::search::{Filter, Found, Hit, Request, Why};
use ibid_types::{ChunkId, DocumentId, Error, Result as Outcome, Timestamp, VersionId, WorkspaceId};

use super::{halves, joined, keep, text};

const PASSAGES: [&str; 4] = [
    "# Lease\n\nThe rent is 1,250.00 € a month. It is due on the third working day. Notice takes three months.",
    "| Year | Turnover |\n|------|----------|\n| 2024 | 12.5 M |\n| 2025 | 14.0 M |\n",
    "Die Miete beträgt 1.250 €. Die Kündigungsfrist beträgt drei Monate. Große Änderungen brauchen die Schriftform.",
    "Ada Lovelace wrote the first program in 1843; she worked with Charles Babbage.\nMail: ada@example.org",
];
const DIMENSIONS: usize = 64;

/// The bytes are what somebody asks; nobody but the passages answers.
pub fn question(bytes: &[u8]) -> Result<(), String> {
    ask(&text(bytes), Vec::new())
}

pub fn question_seeds() -> Vec<Vec<u8>> {
    [
        "What is the rent, and when is it due?",
        "how much was the turnover in 2025 compared to 2024?",
        "Wie hoch ist die Miete? Und welche Kündigungsfrist gilt?",
        "what is 12% of (3 + 4.5) * 2?",
        "what time is it in Berlin?",
        "thank you!",
        "¿Quién escribió el primer programa? \"first program\" -babbage",
        "我想知道租金是多少",
        "compare rent and notice; list all; why",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// The parts are a question and what a model says to it, and to whatever else it is asked.
pub fn model_answer(bytes: &[u8]) -> Result<(), String> {
    let (question, said) = halves(bytes);
    ask(&text(question), vec![Arc::new(Says(text(said)))])
}

pub fn model_answer_seeds() -> Vec<Vec<u8>> {
    let asked = "What is the rent, and when is it due?";
    [
        "The rent is 1,250.00 € a month [1]. It is due on the third working day [1][2].",
        "- rent: 1,250 € [1, 2]\n- due: third working day [3]\n\nSources: [1]",
        "Not in the sources.",
        "1. yes\n2. no\n3. The rent is 1,250 € [9]",
        "<think>hm</think>The rent [1](https://evil.example) ![x](http://b/?q=1) is `1250` [^1].",
        "{\"tool\": \"calculator\", \"input\": {\"expression\": \"1+1\"}}",
    ]
    .map(|said| joined(&[asked.as_bytes(), said.as_bytes()]))
    .to_vec()
}

fn ask(text: &str, models: Vec<Arc<dyn ChatModel>>) -> Result<(), String> {
    let has_model = !models.is_empty();
    let answerer =
        Answerer::new(Arc::new(Shelf), Arc::new(Buckets), models, ibid_chat::AnswerConfig::default());
    let question = Question {
        workspace: WorkspaceId::from_bytes([7; 16]),
        reader: Reader::Machine,
        text: text.to_owned(),
        filter: Filter::default(),
        mode: AnswerMode::Auto,
        model: None,
        context_tokens_max: 2_000,
        citations_max: 8,
        fresh: true,
    };
    let Ok(answer) = answerer.ask(&question, &mut |_| ControlFlow::Continue(())) else { return Ok(()) };
    if !has_model {
        let _ = answerer.examine(&question);
    }
    is_bound(&answer)
}

/// A quote is, byte for byte, the passage at its offsets; a claim names citations that are there.
fn is_bound(answer: &Answer) -> Result<(), String> {
    for citation in &answer.citations {
        let hit =
            passages().iter().find(|hit| hit.chunk.id == citation.chunk).ok_or("a cited passage is one")?;
        let there = hit.chunk.text.get(citation.start..citation.end);
        keep(citation.withheld || there == Some(citation.quote.as_str()), "a quote is what stands there")?;
    }
    let numbers: Vec<usize> = answer.citations.iter().map(|citation| citation.number).collect();
    let mut cited = answer.claims.iter().flat_map(|claim| &claim.citations);
    keep(cited.all(|number| numbers.contains(number)), "what a claim cites is there")
}

fn passages() -> &'static [Hit] {
    static PASSAGES_AS_HITS: OnceLock<Vec<Hit>> = OnceLock::new();
    PASSAGES_AS_HITS
        .get_or_init(|| PASSAGES.iter().enumerate().map(|(number, text)| hit(number, text)).collect())
}

fn hit(number: usize, text: &str) -> Hit {
    let id = [number as u8 + 1; 16];
    let chunk = Chunk {
        id: ChunkId::from_bytes(id),
        document: DocumentId::from_bytes(id),
        version: VersionId::from_bytes(id),
        ordinal: 0,
        span: ChunkSpan { end: text.len(), ..ChunkSpan::default() },
        text: text.to_owned(),
    };
    Hit {
        chunk,
        title: "A".to_owned(),
        source: "a.md".to_owned(),
        date: Timestamp(0),
        language: None,
        tags: Vec::new(),
        score: 0.0,
        similarity: None,
        why: Why::default(),
        episode: None,
    }
}

/// Finds passages by the words that they share with the question, best first.
#[derive(Debug)]
struct Shelf;

impl Search for Shelf {
    fn search(&self, request: &Request) -> Outcome<Found> {
        let asked = vector(&request.query);
        let mut hits = passages().to_vec();
        for hit in &mut hits {
            let near: f32 = asked.iter().zip(vector(&hit.chunk.text)).map(|(a, b)| a * b).sum();
            (hit.score, hit.similarity) = (near, Some(near));
        }
        hits.sort_by(|a, b| b.score.total_cmp(&a.score));
        hits.truncate(request.limit);
        Ok(Found { hits, ..Found::default() })
    }

    fn read(&self, _: WorkspaceId, _: Reader, chunks: &[ChunkId]) -> Outcome<Vec<Hit>> {
        Ok(passages().iter().filter(|hit| chunks.contains(&hit.chunk.id)).cloned().collect())
    }
}

/// Words in buckets: texts that share words are near each other.
#[derive(Debug)]
struct Buckets;

impl Embedder for Buckets {
    fn spec(&self) -> &EmbedderSpec {
        static SPEC: OnceLock<EmbedderSpec> = OnceLock::new();
        SPEC.get_or_init(|| EmbedderSpec {
            id: "buckets".to_owned(),
            dimensions: DIMENSIONS,
            tokens_max: 256,
        })
    }

    fn embed(&self, texts: &[&str], _: Purpose) -> Outcome<Vec<Vec<f32>>> {
        Ok(texts.iter().map(|text| vector(text)).collect())
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }
}

fn vector(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0_f32; DIMENSIONS];
    for word in text.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let bucket = word.bytes().fold(7_usize, |hash, byte| (hash * 31 + usize::from(byte)) % DIMENSIONS);
        vector[bucket] += 1.0;
    }
    let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt().max(1e-6);
    vector.iter().map(|number| number / length).collect()
}

/// Says the same to everything, in pieces.
#[derive(Debug)]
struct Says(String);

impl ChatModel for Says {
    fn name(&self) -> &str {
        "says"
    }

    fn context_tokens(&self) -> usize {
        4096
    }

    fn chat(
        &self,
        _: &ChatRequest,
        on_delta: &mut dyn FnMut(ChatDelta) -> ControlFlow<()>,
    ) -> Outcome<ChatOutcome> {
        let characters: Vec<char> = self.0.chars().collect();
        let mut said = String::new();
        for piece in characters.chunks(5) {
            let piece: String = piece.iter().collect();
            said.push_str(&piece);
            if on_delta(ChatDelta::Text(piece)).is_break() {
                break;
            }
        }
        if said.is_empty() {
            return Err(Error::unavailable("provider_broken_answer", "it says nothing"));
        }
        Ok(ChatOutcome { text: said, usage: Usage::default(), complete: true, ..ChatOutcome::default() })
    }

    fn probe(&self) -> Outcome<()> {
        Ok(())
    }
}
