//! Measures the verification of claims on HaluEval QA: a knowledge text, a right and a hallucinated answer to a
//! question about it. The answers are given to the ask flow as if a chat model had said them.
//!
//! `IBID_DATA=FOLDER IBID_TEST_MODELS=FOLDER cargo run --release -p ibid-chat --example eval_claims [-- COUNT]`; right
//! answers in HaluEval are mostly single names, so only those of three words and more are used.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use ibid_chat::{AnswerConfig, Answerer, Search};
use ibid_model::{ChatDelta, ChatModel, ChatOutcome, ChatRequest, Embedder};
use ibid_types::answer::{AnswerMode, Event, Question, Verdict};
use ibid_types::document::{Chunk, ChunkSpan};
use ibid_types::search::{Filter, Found, Hit, Request, Why};
use ibid_types::{ChunkId, DocumentId, Result, Timestamp, VersionId, WorkspaceId};

#[path = "remembering/mod.rs"]
mod remembering;

#[derive(Debug, Default)]
struct Parrot(Mutex<String>);

impl ChatModel for Parrot {
    fn name(&self) -> &str {
        "parrot"
    }

    fn context_tokens(&self) -> usize {
        8_192
    }

    fn chat(
        &self,
        _request: &ChatRequest,
        on_delta: &mut dyn FnMut(ChatDelta) -> ControlFlow<()>,
    ) -> Result<ChatOutcome> {
        let text = self.0.lock().unwrap().clone();
        let _ = on_delta(ChatDelta::Text(text.clone()));
        Ok(ChatOutcome { text, complete: true, ..ChatOutcome::default() })
    }

    fn probe(&self) -> Result<()> {
        Ok(())
    }
}

#[derive(Default)]
struct Knowledge(Mutex<String>);

impl Search for Knowledge {
    fn search(&self, _request: &Request) -> Result<Found> {
        let text = self.0.lock().unwrap().clone();
        let chunk = Chunk {
            id: ChunkId::new(),
            document: DocumentId::new(),
            version: VersionId::new(),
            ordinal: 0,
            span: ChunkSpan { end: text.len(), ..ChunkSpan::default() },
            text,
        };
        let hit = Hit {
            chunk,
            title: String::new(),
            source: "knowledge".into(),
            date: Timestamp(0),
            language: Some("en".into()),
            tags: Vec::new(),
            score: 1.0,
            similarity: Some(0.5),
            why: Why::default(),
            episode: None,
        };
        Ok(Found { hits: vec![hit], ..Found::default() })
    }

    fn read(&self, _: WorkspaceId, _: ibid_types::access::Reader, _: &[ChunkId]) -> Result<Vec<Hit>> {
        Ok(Vec::new())
    }
}

fn main() {
    let (Ok(data), Ok(models)) = (std::env::var("IBID_DATA"), std::env::var("IBID_TEST_MODELS")) else {
        println!(
            "skipped: IBID_DATA names no folder with halueval, or IBID_TEST_MODELS no folder with models"
        );
        return;
    };
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(300);
    let embedder: Arc<dyn Embedder> = Arc::new(remembering::Remembering::load(&models));
    let (parrot, knowledge) = (Arc::new(Parrot::default()), Arc::new(Knowledge::default()));
    let config = AnswerConfig { answerable_min: 0.0, ..AnswerConfig::default() };
    let answerer = Answerer::new(knowledge.clone(), embedder, vec![parrot.clone()], config);
    let file =
        std::fs::read_to_string(format!("{data}/halueval/generation/qa/qa_one-turn_data.json")).unwrap();
    let (mut right, mut wrong) = (Vec::new(), Vec::new());
    for line in file.lines() {
        let item: serde_json::Value = serde_json::from_str(line).unwrap();
        let field = |name: &str| item[name].as_str().unwrap_or("").to_owned();
        if field("right_answer").split_whitespace().count() < 3 || right.len() >= count {
            continue;
        }
        // The set glues sentences together without a space.
        *knowledge.0.lock().unwrap() = field("knowledge").replace('.', ". ");
        for (name, supports) in [("right_answer", &mut right), ("hallucinated_answer", &mut wrong)] {
            let said = field(name);
            *parrot.0.lock().unwrap() = said.trim_end_matches('.').to_owned() + ".";
            supports.push(support(&answerer, &field("question")));
        }
    }
    report(&right, &wrong);
}

/// The least support among the claims that can be checked; `None` where none can.
fn support(answerer: &Answerer, question: &str) -> Option<f32> {
    let question = Question {
        workspace: WorkspaceId::new(),
        reader: ibid_types::access::Reader::Machine,
        text: question.into(),
        filter: Filter::default(),
        mode: AnswerMode::Generative,
        model: None,
        context_tokens_max: 4_000,
        citations_max: 8,
        fresh: true,
    };
    let mut checked = None;
    let answer = answerer
        .ask(&question, &mut |event| {
            if let Event::Done(answer) = &event {
                checked = Some(answer.claims.clone());
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    if answer.abstained.is_some() {
        return Some(0.0);
    }
    let claims = answer.claims.iter().filter(|claim| claim.verdict != Verdict::NotCheckable);
    claims.map(|claim| claim.support).min_by(f32::total_cmp)
}

fn report(right: &[Option<f32>], wrong: &[Option<f32>]) {
    let share = |of: &[Option<f32>]| {
        let checked: Vec<f32> = of.iter().copied().flatten().collect();
        let supported = checked.iter().filter(|support| **support >= 0.5).count();
        (supported as f64 / checked.len().max(1) as f64, checked.len())
    };
    println!("right answers supported         {:.3} of {}", share(right).0, share(right).1);
    println!("hallucinated answers supported  {:.3} of {}", share(wrong).0, share(wrong).1);
    let (mut wins, mut pairs) = (0.0, 0.0);
    for a in right.iter().flatten() {
        for b in wrong.iter().flatten() {
            wins += if a > b {
                1.0
            } else if a == b {
                0.5
            } else {
                0.0
            };
            pairs += 1.0;
        }
    }
    println!("AUROC of support                {:.3}", wins / f64::max(pairs, 1.0));
}
