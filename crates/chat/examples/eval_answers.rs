//! Measures the extractive answer and the decision to give none, on XQuAD: 240 paragraphs, 1,190 questions.
//!
//! `IBID_DATA=FOLDER IBID_TEST_MODELS=FOLDER cargo run --release -p ibid-chat --example eval_answers [-- LANGUAGE [DUMP]]`
//! reads `FOLDER/xquad/xquad.LANGUAGE.json` (default `en`). Every question is asked twice: over all paragraphs, and
//! over all but its own, where declining is right. With `DUMP`, the features behind `score` and `judge` go to
//! `DUMP.units.csv` and `DUMP.answers.csv`, from which their weights are fitted.
//! `IBID_SHOW=N` prints N answers.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used, clippy::expect_used)]

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use ibid_chat::judge::Signals;
use ibid_chat::terms::Analyzer;
use ibid_chat::{AnswerConfig, Answerer, Examination, Search};
use ibid_model::{Embedder, Purpose};
use ibid_types::answer::{AnswerMode, Question};
use ibid_types::document::{Chunk, ChunkSpan, searchable_context};
use ibid_types::search::{Filter, Found, Hit, Request, Why};
use ibid_types::{ChunkId, DocumentId, Result, Timestamp, VersionId, WorkspaceId};

#[path = "remembering/mod.rs"]
mod remembering;

use remembering::Remembering;

struct Asked {
    text: String,
    golds: Vec<String>,
    paragraph: usize,
}

struct Set {
    paragraphs: Vec<(String, String)>,
    questions: Vec<Asked>,
}

fn main() {
    let (Ok(data), Ok(models)) = (std::env::var("IBID_DATA"), std::env::var("IBID_TEST_MODELS")) else {
        println!("skipped: IBID_DATA names no folder with xquad, or IBID_TEST_MODELS no folder with models");
        return;
    };
    let mut arguments = std::env::args().skip(1);
    let language = arguments.next().unwrap_or_else(|| "en".into());
    let dump = arguments.next();
    let set = read_set(&format!("{data}/xquad/xquad.{language}.json"));
    let embedder: Arc<dyn Embedder> = Arc::new(Remembering::load(&models));
    let shelf = Arc::new(Shelf::new(&set, &language, &*embedder));
    let config = AnswerConfig { answerable_min: 0.0, ..AnswerConfig::default() };
    let threshold = AnswerConfig::default().answerable_min;
    let answerer = Answerer::new(shelf.clone(), embedder, Vec::new(), config);
    let mut rows = Vec::new();
    let mut units = String::new();
    for (number, asked) in set.questions.iter().enumerate() {
        for left_out in [usize::MAX, asked.paragraph] {
            shelf.left_out.store(left_out, Ordering::Relaxed);
            rows.push(ask(&answerer, asked, left_out != usize::MAX, number, &mut units));
        }
    }
    report(&rows, threshold);
    if let Some(dump) = dump {
        std::fs::write(format!("{dump}.units.csv"), units).unwrap();
        std::fs::write(format!("{dump}.answers.csv"), answers_csv(&rows)).unwrap();
    }
}

struct Row {
    question: String,
    gold: String,
    answer: String,
    left_out: bool,
    right: bool,
    sentences: usize,
    signals: Signals,
    confidence: f32,
    micros: u128,
}

fn ask(answerer: &Answerer, asked: &Asked, left_out: bool, number: usize, units: &mut String) -> Row {
    let question = question(&asked.text);
    let start = Instant::now();
    let answer = answerer.ask(&question, &mut |_| ControlFlow::Continue(())).unwrap();
    let micros = start.elapsed().as_micros();
    let examination = answerer.examine(&question).unwrap().into_iter().next().unwrap();
    if !left_out {
        dump_units(units, number, asked, &examination);
    }
    Row {
        question: asked.text.clone(),
        gold: asked.golds.join(" / "),
        right: contains_any(&answer.text, &asked.golds),
        answer: answer.text,
        left_out,
        sentences: answer.claims.len(),
        signals: examination.signals,
        confidence: answer.confidence,
        micros,
    }
}

fn contains_any(text: &str, golds: &[String]) -> bool {
    let flat = |text: &str| text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
    let unmarked = without_marks(text);
    golds.iter().any(|gold| flat(&unmarked).contains(&flat(gold)))
}

fn without_marks(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(" [") {
        let close = rest[at..].find(']').map_or(rest.len(), |close| at + close + 1);
        let is_mark = rest[at + 2..close.saturating_sub(1).max(at + 2)].chars().all(|c| c.is_ascii_digit());
        kept.push_str(if is_mark { &rest[..at] } else { &rest[..close] });
        rest = &rest[close..];
    }
    kept + rest
}

fn dump_units(units: &mut String, number: usize, asked: &Asked, examination: &Examination) {
    for (text, candidate) in &examination.candidates {
        let label = u8::from(contains_any(text, &asked.golds));
        let values: Vec<String> =
            candidate.features.values().iter().map(|value| format!("{value:.5}")).collect();
        let _ = writeln!(units, "{number},{label},{}", values.join(","));
    }
}

fn answers_csv(rows: &[Row]) -> String {
    let mut csv = format!("left_out,right,{}\n", Signals::NAMES.join(","));
    for row in rows {
        let values: Vec<String> = row.signals.values().iter().map(|value| format!("{value:.5}")).collect();
        let _ = writeln!(csv, "{},{},{}", u8::from(row.left_out), u8::from(row.right), values.join(","));
    }
    csv
}

fn report(rows: &[Row], threshold: f32) {
    let held: Vec<&Row> = rows.iter().filter(|row| !row.left_out).collect();
    let gone: Vec<&Row> = rows.iter().filter(|row| row.left_out).collect();
    let share = |count: usize, of: usize| count as f64 / of.max(1) as f64;
    let right = held.iter().filter(|row| row.right).count();
    let sentences: usize = held.iter().map(|row| row.sentences).sum();
    let mut micros: Vec<u128> = rows.iter().map(|row| row.micros).collect();
    micros.sort_unstable();
    println!("questions                              {}", held.len());
    println!("gold answer contained                  {:.3}", share(right, held.len()));
    println!("sentences an answer, mean              {:.2}", share(sentences, held.len()));
    let (a, b): (Vec<f32>, Vec<f32>) = (scores(&held), scores(&gone));
    println!("AUROC answerable or not                {:.3}", auroc(&a, &b));
    let mut sorted = a.clone();
    sorted.sort_by(f32::total_cmp);
    let five = sorted[sorted.len() / 20];
    let answered =
        |least: f32, of: &[f32]| share(of.iter().filter(|score| **score >= least).count(), of.len());
    println!("threshold at 5 % declined wrongly      {five:.3}");
    println!("  answered though unanswerable         {:.3}", answered(five, &b));
    println!("threshold in use                       {threshold:.3}");
    println!("  declined though answerable           {:.3}", 1.0 - answered(threshold, &a));
    println!("  answered though unanswerable         {:.3}", answered(threshold, &b));
    let kept: Vec<&&Row> = held.iter().filter(|row| row.signals.answerable() >= threshold).collect();
    println!(
        "  right among the answered             {:.3}",
        share(kept.iter().filter(|row| row.right).count(), kept.len())
    );
    println!("Brier score of the confidence          {:.3}", brier(rows));
    println!(
        "microseconds, p50 / p95 (vectors known) {} / {}",
        micros[micros.len() / 2],
        micros[micros.len() * 95 / 100]
    );
    if let Ok(count) = std::env::var("IBID_SHOW") {
        show(&held, count.parse().unwrap_or(20));
    }
}

fn show(rows: &[&Row], count: usize) {
    for row in rows.iter().step_by((rows.len() / count.max(1)).max(1)) {
        println!(
            "\n{} {} (gold: {}; {:.2})\n{}",
            if row.right { "ok " } else { "NO " },
            row.question,
            row.gold,
            row.confidence,
            row.answer
        );
    }
}

fn scores(rows: &[&Row]) -> Vec<f32> {
    rows.iter().map(|row| row.signals.answerable()).collect()
}

/// The chance that a positive scores above a negative; ties count half.
fn auroc(positive: &[f32], negative: &[f32]) -> f64 {
    let mut wins = 0.0;
    for a in positive {
        for b in negative {
            wins += if a > b {
                1.0
            } else if a == b {
                0.5
            } else {
                0.0
            };
        }
    }
    wins / (positive.len() * negative.len()) as f64
}

fn brier(rows: &[Row]) -> f64 {
    let error = |row: &Row| (f64::from(row.confidence) - f64::from(u8::from(row.right))).powi(2);
    rows.iter().map(error).sum::<f64>() / rows.len() as f64
}

fn question(text: &str) -> Question {
    Question {
        workspace: WorkspaceId::new(),
        reader: ibid_types::access::Reader::Machine,
        text: text.into(),
        filter: Filter::default(),
        mode: AnswerMode::Extractive,
        model: None,
        context_tokens_max: 2_000,
        citations_max: 8,
        fresh: true,
    }
}

fn read_set(path: &str) -> Set {
    let file = std::fs::read_to_string(path).expect("the set is readable");
    let json: serde_json::Value = serde_json::from_str(&file).expect("the set is JSON");
    let mut set = Set { paragraphs: Vec::new(), questions: Vec::new() };
    for article in json["data"].as_array().unwrap() {
        let title = article["title"].as_str().unwrap_or("").replace('_', " ");
        for paragraph in article["paragraphs"].as_array().unwrap() {
            for asked in paragraph["qas"].as_array().unwrap() {
                let golds = asked["answers"].as_array().unwrap().iter();
                set.questions.push(Asked {
                    text: asked["question"].as_str().unwrap().into(),
                    golds: golds.map(|gold| gold["text"].as_str().unwrap().into()).collect(),
                    paragraph: set.paragraphs.len(),
                });
            }
            set.paragraphs.push((title.clone(), paragraph["context"].as_str().unwrap().into()));
        }
    }
    set
}

/// All paragraphs, searched by BM25 and cosine, fused with theoretical minima (.2 and .8), less one paragraph.
struct Shelf {
    hits: Vec<Hit>,
    vectors: Vec<Vec<f32>>,
    terms: Vec<HashMap<String, f32>>,
    asked: HashMap<String, Vec<f32>>,
    analyzer: Analyzer,
    left_out: AtomicUsize,
}

impl Shelf {
    fn new(set: &Set, language: &str, embedder: &dyn Embedder) -> Self {
        let texts: Vec<String> = set
            .paragraphs
            .iter()
            .map(|(title, text)| format!("{}\n{text}", searchable_context(title, &[])))
            .collect();
        let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
        let vectors = embedder.embed(&borrowed, Purpose::Passage).unwrap();
        let analyzer = Analyzer::new(Some(language));
        let terms = texts.iter().map(|text| counts(&analyzer, text)).collect();
        let hits = set.paragraphs.iter().map(|(title, text)| hit(title, text, language)).collect();
        let questions: Vec<&str> = set.questions.iter().map(|asked| asked.text.as_str()).collect();
        let asked = embedder.embed(&questions, Purpose::Question).unwrap();
        let known: HashMap<String, Vec<f32>> =
            questions.iter().map(|text| (*text).to_owned()).zip(asked).collect();
        Self { hits, vectors, terms, asked: known, analyzer, left_out: AtomicUsize::new(usize::MAX) }
    }

    fn bm25(&self, query: &HashSet<String>) -> Vec<f32> {
        let lengths: Vec<f32> = self.terms.iter().map(|terms| terms.values().sum()).collect();
        let mean = lengths.iter().sum::<f32>() / lengths.len() as f32;
        let mut scores = vec![0.0; self.terms.len()];
        for key in query {
            let containing = self.terms.iter().filter(|terms| terms.contains_key(key)).count() as f32;
            let idf = (1.0 + (self.terms.len() as f32 - containing + 0.5) / (containing + 0.5)).ln();
            for (score, (terms, length)) in scores.iter_mut().zip(self.terms.iter().zip(&lengths)) {
                let count = terms.get(key).copied().unwrap_or(0.0);
                *score += idf * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * length / mean));
            }
        }
        scores
    }
}

impl Search for Shelf {
    fn search(&self, request: &Request) -> Result<Found> {
        let left_out = self.left_out.load(Ordering::Relaxed);
        let vector = self.asked.get(&request.query).cloned().unwrap_or_default();
        let cosines: Vec<f32> =
            self.vectors.iter().map(|other| other.iter().zip(&vector).map(|(a, b)| a * b).sum()).collect();
        let lexical = self.bm25(&self.analyzer.content_keys(&request.query));
        let kept = || (0..self.hits.len()).filter(|index| *index != left_out);
        let most = |scores: &[f32]| kept().map(|index| scores[index]).fold(1e-6, f32::max);
        let (lexical_max, cosine_max) = (most(&lexical), most(&cosines));
        let mut hits: Vec<Hit> = kept()
            .map(|index| Hit {
                score: 0.2 * lexical[index] / lexical_max + 0.8 * (cosines[index] + 1.0) / (cosine_max + 1.0),
                similarity: Some(cosines[index]),
                ..self.hits[index].clone()
            })
            .collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score));
        hits.truncate(request.limit);
        Ok(Found { hits, ..Found::default() })
    }

    fn read(&self, _: WorkspaceId, _: ibid_types::access::Reader, chunks: &[ChunkId]) -> Result<Vec<Hit>> {
        Ok(self.hits.iter().filter(|hit| chunks.contains(&hit.chunk.id)).cloned().collect())
    }
}

fn counts(analyzer: &Analyzer, text: &str) -> HashMap<String, f32> {
    let mut counts = HashMap::new();
    for term in analyzer.terms(text) {
        *counts.entry(term.key).or_default() += 1.0;
    }
    counts
}

fn hit(title: &str, text: &str, language: &str) -> Hit {
    let span = ChunkSpan { end: text.len(), ..ChunkSpan::default() };
    Hit {
        chunk: Chunk {
            id: ChunkId::new(),
            document: DocumentId::new(),
            version: VersionId::new(),
            ordinal: 0,
            span,
            text: text.into(),
        },
        title: title.into(),
        source: title.into(),
        date: Timestamp(0),
        language: Some(language.into()),
        tags: Vec::new(),
        score: 0.0,
        similarity: None,
        why: Why::default(),
        episode: None,
    }
}
