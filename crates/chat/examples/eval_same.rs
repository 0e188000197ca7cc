//! Measures whether two questions are told to be the same: how many that are get together, and how many that are not.
//!
//! `IBID_DATA=FOLDER IBID_TEST_MODELS=FOLDER cargo run --release -p ibid-chat --example eval_same` compares every pair of some
//! thousand ordinary questions of `FOLDER` (XQuAD, HaluEval, LoCoMo, HotpotQA, CACM, Cranfield), of which each has an answer of its
//! own, and the questions of `examples/same/questions.txt` with their variants.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use std::collections::{HashMap, HashSet};
use std::path::Path;

use ibid_chat::same::{plain, sense, without_courtesy};
use ibid_chat::terms::{Analyzer, TermKind, negations};
use ibid_model::{Embedder, Purpose};
use serde_json::Value;

#[path = "remembering/mod.rs"]
mod remembering;

use remembering::Remembering;

/// Closeness from which pairs are counted, for comparison.
const THRESHOLDS: [f32; 4] = [0.85, 0.9, 0.95, 0.97];

struct Asked {
    text: String,
    vector: Vec<f32>,
    sense: Vec<String>,
    sharp: Vec<String>,
}

fn main() {
    let (Ok(data), Ok(models)) = (std::env::var("IBID_DATA"), std::env::var("IBID_TEST_MODELS")) else {
        println!(
            "skipped: IBID_DATA names no folder with question sets, or IBID_TEST_MODELS none with models"
        );
        return;
    };
    let embedder = Remembering::load(&models);
    ordinary(&embedder, Path::new(&data));
    variants(&embedder);
}

fn asked(embedder: &dyn Embedder, texts: Vec<String>) -> Vec<Asked> {
    let mut all = Vec::new();
    for slice in texts.chunks(64) {
        let words: Vec<&str> = slice.iter().map(|text| without_courtesy(text)).collect();
        let vectors = embedder.embed(&words, Purpose::Question).expect("the embedder works");
        for (text, vector) in slice.iter().zip(vectors) {
            all.push(Asked {
                text: text.clone(),
                vector,
                sense: sense(text, Some("en")),
                sharp: sharp(text),
            });
        }
    }
    all
}

/// Numbers, names, the first word and the count of denials: what a looser rule would hold fast.
fn sharp(text: &str) -> Vec<String> {
    let terms = Analyzer::new(Some("en")).terms(text);
    let first = terms.first().map(|term| term.key.clone());
    let held = terms.iter().filter(|term| matches!(term.kind, TermKind::Name | TermKind::Number));
    let mut sharp: Vec<String> = held.map(|term| term.key.clone()).chain(first).collect();
    sharp.push(negations(text).to_string());
    sharp.sort();
    sharp
}

fn closeness(one: &Asked, other: &Asked) -> f32 {
    one.vector.iter().zip(&other.vector).map(|(a, b)| a * b).sum()
}

/// Every pair of different questions.
fn ordinary(embedder: &dyn Embedder, data: &Path) {
    let questions = asked(embedder, questions(data));
    let pairs = questions.len() * (questions.len() - 1) / 2;
    let (mut near, mut held) = ([0_usize; THRESHOLDS.len()], [0_usize; THRESHOLDS.len()]);
    let mut same = Vec::new();
    for (at, one) in questions.iter().enumerate() {
        for other in &questions[at + 1..] {
            let close = closeness(one, other);
            for (index, least) in THRESHOLDS.iter().enumerate() {
                near[index] += usize::from(close >= *least);
                held[index] += usize::from(close >= *least && one.sharp == other.sharp);
            }
            if one.sense == other.sense {
                same.push((close, one, other));
            }
        }
    }
    println!("{} questions, {pairs} pairs", questions.len());
    for (index, least) in THRESHOLDS.iter().enumerate() {
        println!(
            "  closeness >= {least}: {} pairs, {} with the same names and numbers",
            near[index], held[index]
        );
    }
    println!("  same sense: {} pairs", same.len());
    for (close, one, other) in same {
        println!("    {close:.3} {} | {}", one.text, other.text);
    }
}

/// Questions with an answer of their own, each once.
fn questions(data: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for file in ["xquad/xquad.en.json", "locomo/locomo_dev.json", "multihop/hotpotqa_train.json"] {
        let text = std::fs::read_to_string(data.join(file)).expect(file);
        collect(&serde_json::from_str(&text).expect(file), "question", &mut all);
    }
    let lines = [
        ("halueval/data/general_data.json", "user_query"),
        ("halueval/generation/qa/qa_one-turn_data.json", "question"),
        ("cacm/queries.jsonl", "text"),
        ("cranfield/queries.jsonl", "text"),
    ];
    for (file, field) in lines {
        for line in std::fs::read_to_string(data.join(file)).expect(file).lines() {
            collect(&serde_json::from_str(line).expect(file), field, &mut all);
        }
    }
    let mut seen = HashSet::new();
    all.retain(|text| text.len() < 300 && seen.insert(plain(text)));
    all
}

fn collect(value: &Value, field: &str, all: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, field, all)),
        Value::Object(fields) => {
            for (name, inner) in fields {
                match inner.as_str() {
                    Some(text) if name == field => all.push(text.to_owned()),
                    _ => collect(inner, field, all),
                }
            }
        }
        _ => {}
    }
}

/// The variants of each question, by what they are.
fn variants(embedder: &dyn Embedder) {
    let mut question: Option<Asked> = None;
    let mut counts: HashMap<char, [usize; 3]> = HashMap::new();
    let mut closest: f32 = 0.0;
    for line in include_str!("same/questions.txt").lines().filter(|line| !line.starts_with('#')) {
        let Some((mark, text)) = line.split_once(' ').filter(|(mark, _)| ["=", "~", "!"].contains(mark))
        else {
            question = asked(embedder, vec![line.to_owned()]).pop();
            continue;
        };
        let (Some(one), Some(other)) = (&question, asked(embedder, vec![text.to_owned()]).pop()) else {
            continue;
        };
        let (close, is_same) = (closeness(one, &other), one.sense == other.sense);
        let count = counts.entry(mark.chars().next().unwrap()).or_default();
        count[0] += 1;
        count[1] += usize::from(is_same);
        count[2] += usize::from(is_same && close >= 0.9);
        if mark == "!" {
            closest = closest.max(close);
        }
        if is_same == (mark == "!") || (mark == "=" && close < 0.9) {
            println!("  {mark} {close:.3} {} | {text}", one.text);
        }
    }
    for (mark, what) in [('=', "other forms"), ('~', "other words"), ('!', "other questions")] {
        let [all, same, close] = counts.get(&mark).copied().unwrap_or_default();
        println!("{what}: {all}, same sense {same}, and close {close}");
    }
    println!("closest other question: {closest:.3}");
}
