//! Embeds texts from a JSON-lines file of strings and writes `{"ids": [...], "vector": [...]}` lines, to compare
//! with another implementation.
//!
//! `cargo run --release -p ibid-model --example embed_vectors -- MODEL_DIR TEXTS.jsonl OUT.jsonl [portable|avx2|avx512]`
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufWriter, Write};
use std::path::Path;

use ibid_model::{Embedder, Isa, MiniLm, Purpose};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let isa = match arguments.get(3).map(String::as_str) {
        Some("portable") => Isa::Portable,
        Some("avx2") => Isa::Avx2,
        Some("avx512") => Isa::Avx512,
        _ => Isa::Avx512Vnni,
    };
    let model = MiniLm::load_for(Path::new(&arguments[0]), 0, isa).expect("model");
    let lines = std::fs::read_to_string(&arguments[1]).expect("texts");
    let texts: Vec<String> =
        lines.lines().map(|line| serde_json::from_str(line).expect("a string")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let vectors = model.embed(&texts, Purpose::Passage).expect("embed");
    let mut out = BufWriter::new(std::fs::File::create(&arguments[2]).expect("out"));
    for (text, vector) in texts.iter().zip(vectors) {
        let line = serde_json::json!({ "ids": model.tokens(text), "vector": vector });
        writeln!(out, "{line}").expect("write");
    }
}
