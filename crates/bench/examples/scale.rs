//! How long searches take in a large library: `scale [CHUNKS]`, made-up texts and clustered vectors, 200,000 without it.
//!
//! Words follow Zipf's law over a vocabulary of 50,000, as in running text; vectors lie around 500 centres.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::Arc;

use ibid_bench::eval::{EvalConfig, run};
use ibid_model::{Embedder, EmbedderSpec, Purpose};
use ibid_runtime::Chance;

const DIMENSIONS: usize = 384;
const QUERIES: usize = 400;
const CENTRES: u64 = 500;

fn main() -> Result<(), Box<dyn Error>> {
    let chunks = std::env::args().nth(1).map_or(Ok(200_000), |chunks| chunks.parse())?;
    let folder = tempfile::tempdir()?;
    let chance = Chance::seeded(1);
    let mut corpus = BufWriter::new(File::create(folder.path().join("corpus.jsonl"))?);
    for id in 0..chunks {
        writeln!(
            corpus,
            r#"{{"_id": "{id}", "title": "{}", "text": "{}"}}"#,
            text(&chance, 4),
            text(&chance, 100)
        )?;
    }
    corpus.flush()?;
    let mut queries = File::create(folder.path().join("queries.jsonl"))?;
    let mut judgements = File::create(folder.path().join("qrels.tsv"))?;
    for id in 0..QUERIES {
        writeln!(queries, r#"{{"_id": "{id}", "text": "{}"}}"#, text(&chance, 4 + id % 9))?;
        writeln!(judgements, "{id}\t{id}\t1")?;
    }
    let spec = EmbedderSpec { id: "clusters".to_owned(), dimensions: DIMENSIONS, tokens_max: 256 };
    let report = run(&EvalConfig::new(folder.path()), Arc::new(Clusters(spec)), &mut |_| {})?;
    println!("{report}");
    Ok(())
}

fn text(chance: &Chance, words: usize) -> String {
    (0..words).map(|_| word(chance)).collect::<Vec<_>>().join(" ")
}

fn word(chance: &Chance) -> String {
    let mut rest = 50_000_f64.powf(chance.unit()) as usize + 6;
    let mut word = String::new();
    while rest > 0 {
        word.push_str(["ka", "lo", "mi", "ter", "sun", "ed", "pra", "vi"][rest % 8]);
        rest /= 8;
    }
    word
}

/// A vector that follows from the text alone.
#[derive(Debug)]
struct Clusters(EmbedderSpec);

impl Embedder for Clusters {
    fn spec(&self) -> &EmbedderSpec {
        &self.0
    }

    fn embed(&self, texts: &[&str], _purpose: Purpose) -> ibid_types::Result<Vec<Vec<f32>>> {
        Ok(texts.iter().map(|text| vector(text)).collect())
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.len() / 4
    }
}

fn vector(text: &str) -> Vec<f32> {
    let own = Chance::seeded(
        text.bytes().fold(7, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)),
    );
    let centre = Chance::seeded(own.below(CENTRES));
    let raw: Vec<f32> = (0..DIMENSIONS).map(|_| (centre.unit() + own.unit() - 1.0) as f32).collect();
    let length = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
    raw.into_iter().map(|x| x / length).collect()
}
