//! Prints the embedder's texts and tokens a second over a `corpus.jsonl`, and the share of the machine's peak.
//!
//! `cargo run --release -p ibid-model --example embed_throughput -- MODEL_DIR CORPUS.jsonl [TEXTS] [portable|avx2|avx512]`
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::time::Instant;

use ibid_model::{Embedder, Isa, MiniLm, Purpose};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (dir, corpus) = (Path::new(&arguments[0]), &arguments[1]);
    let count = arguments.get(2).and_then(|text| text.parse().ok()).unwrap_or(400);
    let isa = match arguments.get(3).map(String::as_str) {
        Some("portable") => Isa::Portable,
        Some("avx2") => Isa::Avx2,
        Some("avx512") => Isa::Avx512,
        _ => Isa::Avx512Vnni,
    };
    let texts = read_texts(corpus, count);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let start = Instant::now();
    let model = MiniLm::load_for(dir, 1, isa).expect("model");
    println!("{:?}, loaded in {:.0} ms", model.isa(), start.elapsed().as_secs_f64() * 1e3);
    measure_counting(&model, &texts);
    measure_question(&model);
    for threads in [1, 2] {
        let model = MiniLm::load_for(dir, threads, isa).expect("model");
        measure(&model, &texts, threads);
    }
}

fn read_texts(corpus: &str, count: usize) -> Vec<String> {
    let lines = std::fs::read_to_string(corpus).expect("corpus");
    lines
        .lines()
        .take(count)
        .map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).expect("json");
            format!("{} {}", value["title"].as_str().unwrap_or(""), value["text"].as_str().unwrap_or(""))
        })
        .collect()
}

fn measure(model: &MiniLm, texts: &[&str], threads: usize) {
    let lengths: Vec<usize> = texts.iter().map(|text| model.tokens(text).len()).collect();
    let tokens: usize = lengths.iter().sum();
    // 6 layers of 4 x 384^2 + 2 x 384 x 1536 weights, and two products of each pair of tokens over 384 numbers.
    let operations: f64 =
        lengths.iter().map(|&n| n as f64 * (2.0 * 10_616_832.0 + 4.0 * 6.0 * 384.0 * n as f64)).sum();
    model.embed(&texts[..texts.len().min(8)], Purpose::Passage).expect("embed");
    let start = Instant::now();
    model.embed(texts, Purpose::Passage).expect("embed");
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{threads} threads: {:.1} texts/s, {:.0} tokens/s, {:.0} Gop/s over {} texts of {:.0} tokens",
        texts.len() as f64 / seconds,
        tokens as f64 / seconds,
        operations / seconds / 1e9,
        texts.len(),
        tokens as f64 / texts.len() as f64,
    );
}

fn measure_question(model: &MiniLm) {
    let question = "how does the vitamin D receptor change gene expression in human immune cells?";
    let mut times: Vec<f64> = (0..50)
        .map(|_| {
            let start = Instant::now();
            model.embed(&[question], Purpose::Question).expect("embed");
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!(
        "one question of {} tokens: p50 {:.2} ms, p95 {:.2} ms",
        model.tokens(question).len(),
        times[25],
        times[47]
    );
}

fn measure_counting(model: &MiniLm, texts: &[&str]) {
    let bytes: usize = texts.iter().map(|text| text.len()).sum();
    let start = Instant::now();
    let tokens: usize = texts.iter().map(|text| model.count_tokens(text)).sum();
    println!(
        "count_tokens: {:.1} MB/s ({tokens} tokens)",
        bytes as f64 / start.elapsed().as_secs_f64() / 1e6
    );
}
