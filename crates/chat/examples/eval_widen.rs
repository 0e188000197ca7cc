//! What looking further does to questions that were declined: how many that have an answer are then answered, and how
//! many that have none.
//!
//! `IBID_DATA=FOLDER IBID_TEST_MODELS=FOLDER cargo run -p ibid-chat --example eval_widen [-- EVERY]` takes every EVERY-th question
//! of XQuAD in English (default 8), with its paragraph and without it, and runs the nodes retrieve, judge and widen as the
//! flow does.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ibid_chat::{AnswerConfig, Ports, kinds};
use ibid_flow::{Call, NodeKind};
use ibid_model::{Embedder, MiniLm};
use ibid_types::{RunId, WorkspaceId};
use serde_json::{Value, json};

#[path = "shelf/mod.rs"]
mod shelf;

use shelf::Shelf;

fn main() {
    let (Ok(data), Ok(models)) = (std::env::var("IBID_DATA"), std::env::var("IBID_TEST_MODELS")) else {
        println!("skipped: IBID_DATA names no folder with xquad, or IBID_TEST_MODELS no folder with models");
        return;
    };
    let every = std::env::args().nth(1).and_then(|every| every.parse().ok()).unwrap_or(8);
    let (texts, questions) = read_set(&format!("{data}/xquad/xquad.en.json"));
    let embedder: Arc<dyn Embedder> =
        Arc::new(MiniLm::load(&Path::new(&models).join("all-MiniLM-L6-v2"), 0).unwrap());
    let shelf = Arc::new(Shelf::new(&texts, Arc::clone(&embedder)));
    let ports = Arc::new(Ports::new(shelf.clone(), embedder, Vec::new(), AnswerConfig::default()));
    let kinds = kinds(&ports);
    for (name, hides) in [("with its paragraph", false), ("without it", true)] {
        let (mut all, mut at_first, mut in_the_end) = (0_usize, 0_usize, 0_usize);
        for (question, paragraph) in questions.iter().step_by(every) {
            shelf.leave_out(if hides { paragraph } else { "" });
            let mut findings =
                perform(&kinds, "retrieve", json!({ "question": question }))["findings"].take();
            let mut held = is_held(&kinds, &findings);
            all += 1;
            at_first += usize::from(held);
            for round in 0..2 {
                if !held {
                    let input = json!({ "findings": findings, "round": round });
                    findings = perform(&kinds, "widen", input)["findings"].take();
                    held = is_held(&kinds, &findings);
                }
            }
            in_the_end += usize::from(held);
        }
        println!("{name}: {all} questions, answered at first {at_first}, after looking further {in_the_end}");
    }
}

fn is_held(kinds: &[Arc<dyn NodeKind>], findings: &Value) -> bool {
    perform(kinds, "judge", json!({ "findings": findings }))["wanting"] == json!(0)
}

fn perform(kinds: &[Arc<dyn NodeKind>], name: &str, input: Value) -> Value {
    let kind = kinds.iter().find(|kind| kind.name() == name).unwrap();
    let call = Call {
        run: RunId::new(),
        workspace: WorkspaceId::new(),
        reader: ibid_types::access::Reader::Machine,
        node: name,
        input: &input,
        attempt: 1,
        idempotency_key: "eval",
        timeout: Duration::from_secs(60),
        emit: &|_| ControlFlow::Continue(()),
    };
    kind.perform(&call).unwrap().value
}

/// Articles with their paragraphs, and questions with theirs.
type Set = (Vec<(String, Vec<String>)>, Vec<(String, String)>);

fn read_set(path: &str) -> Set {
    let json: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let (mut texts, mut questions) = (Vec::new(), Vec::new());
    for article in json["data"].as_array().unwrap() {
        let mut paragraphs = Vec::new();
        for paragraph in article["paragraphs"].as_array().unwrap() {
            let text = paragraph["context"].as_str().unwrap().trim().to_owned();
            for asked in paragraph["qas"].as_array().unwrap() {
                questions.push((asked["question"].as_str().unwrap().to_owned(), text.clone()));
            }
            paragraphs.push(text);
        }
        texts.push((article["title"].as_str().unwrap_or("").to_owned(), paragraphs));
    }
    (texts, questions)
}
