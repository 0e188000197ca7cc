//! 200,000 chunks: hybrid search through the retriever, recall of its vector part, and how near the scan of the
//! vectors' codes is to what one core can read.

use std::sync::Arc;
use std::time::Instant;

use ibid_index::{Scored, Snapshot};
use ibid_types::access::Readable;
use ibid_types::search::Filter;

use super::library::{Given, Library};
use super::{Outcome, Row, Setup, limits, turns};
use crate::eval::Latency;

const DIMENSIONS: usize = 384;
const DOCUMENTS: usize = 10_000;
const CHUNKS_PER_DOCUMENT: usize = 20;
const CHUNK_WORDS: usize = 100;
const CENTRES: usize = 500;
const QUESTIONS: usize = 400;
/// Documents made and added at a time; bounds memory.
const ADDED: usize = 1_000;
/// One bit a dimension, and two floats.
const CODE_BYTES: usize = DIMENSIONS / 8 + 8;

pub fn rows(setup: &Setup) -> Outcome<Vec<Row>> {
    let mut chance = Chance(1);
    let centres: Vec<Vec<f32>> = (0..CENTRES).map(|_| chance.numbers()).collect();
    let folder = setup.scratch()?;
    let library = Library::open(folder.path(), DIMENSIONS)?;
    for first in (0..DOCUMENTS).step_by(ADDED) {
        let documents: Vec<Given> =
            (first..first + ADDED).map(|number| document(number, &mut chance, &centres)).collect();
        library.add(&documents)?;
    }
    let questions: Vec<(String, Vec<f32>)> =
        (0..QUESTIONS).map(|number| (chance.text(3 + number % 4), chance.near(&centres))).collect();
    let snapshot = library.indexes.snapshot(library.workspace);
    Ok(vec![
        search_row(setup, &library, &questions)?,
        recall_row(&snapshot, &questions),
        scan_row(setup, &snapshot, &questions)?,
    ])
}

fn search_row(setup: &Setup, library: &Library, questions: &[(String, Vec<f32>)]) -> Outcome<Row> {
    let retriever = library.retriever(Arc::new(setup.embedder(1)?));
    let mut times = Vec::new();
    for turn in 0..=setup.turns {
        for (text, vector) in questions {
            let started = Instant::now();
            library.search(&retriever, text, vector)?;
            times.extend((turn > 0).then(|| started.elapsed()));
        }
    }
    let latency = Latency::of(times);
    let what =
        format!("{} chunks: hybrid search without embedding, p95 in ms", DOCUMENTS * CHUNKS_PER_DOCUMENT);
    let ours = format!("p50 {:.2}, p95 {:.2}, p99 {:.2} ms", latency.p50_ms, latency.p95_ms, latency.p99_ms);
    Ok(Row::new(what, ours).judged(latency.p95_ms).below(10.0))
}

fn recall_row(snapshot: &Snapshot, questions: &[(String, Vec<f32>)]) -> Row {
    let recall = recall_at_10(snapshot, questions);
    Row::new("the same: recall@10 of the vector part", format!("{recall:.4}")).judged(recall).at_least(0.95)
}

/// The share of the true ten nearest that the search finds.
fn recall_at_10(snapshot: &Snapshot, questions: &[(String, Vec<f32>)]) -> f64 {
    let within = snapshot.eligible(&Filter::default(), &Readable::All);
    let slots: Vec<u32> = within.iter().collect();
    let (mut found, mut wanted) = (0, 0);
    for (_, vector) in questions {
        let mut exact: Vec<f32> = snapshot.dense_scores(vector, &slots);
        exact.sort_unstable_by(|left, right| right.total_cmp(left));
        exact.truncate(10);
        let worst = exact.last().copied().unwrap_or(0.0);
        let near = |hit: &&Scored| hit.score >= worst;
        found += snapshot.dense(vector, &within, 10).iter().filter(near).count().min(10);
        wanted += exact.len();
    }
    f64::from(u32::try_from(found).unwrap_or(0)) / wanted.max(1) as f64
}

fn scan_row(setup: &Setup, snapshot: &Snapshot, questions: &[(String, Vec<f32>)]) -> Outcome<Row> {
    let within = snapshot.eligible(&Filter::default(), &Readable::All);
    let bytes = (snapshot.total() * CODE_BYTES) as f64;
    let ours = || {
        let started = Instant::now();
        let found: usize =
            questions.iter().map(|(_, vector)| snapshot.dense(vector, &within, 100).len()).sum();
        Ok(bytes * (found / 100) as f64 / started.elapsed().as_secs_f64() / 1e9)
    };
    let turns = turns::best(setup.turns, ours, || Ok(limits::read_gb_per_second()))?;
    let what = "the same: codes scanned and reranked by the vector part, one thread";
    Ok(Row::new(what, format!("{:.1} GB/s of codes, {:.2} ms", turns.ours, bytes / turns.ours / 1e6))
        .beside(format!("one core reads {:.1} GB/s of memory", turns.peer), turns.ratio))
}

fn document(number: usize, chance: &mut Chance, centres: &[Vec<f32>]) -> Given {
    let chunk = |_| (chance.text(CHUNK_WORDS), chance.near(centres));
    let chunks = (0..CHUNKS_PER_DOCUMENT).map(chunk).collect();
    Given { source: format!("docs/{number}.md"), title: chance.text(4), chunks }
}

/// Repeatable numbers: a linear congruential generator with Knuth's MMIX constants.
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn unit(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }

    /// As rare and frequent as words are in running text (Zipf), 50,000 of them.
    fn word(&mut self) -> String {
        let mut rest = (50_000_f32.powf(self.unit()) - 1.0) as u32 + 7;
        let mut word = String::new();
        while rest > 0 {
            word.push_str(["ka", "lo", "mi", "ter", "sun", "ed", "pra", "vi"][(rest % 8) as usize]);
            rest /= 8;
        }
        word
    }

    pub(super) fn text(&mut self, words: usize) -> String {
        (0..words).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }

    pub(super) fn numbers(&mut self) -> Vec<f32> {
        (0..DIMENSIONS).map(|_| self.unit() - 0.5).collect()
    }

    /// A unit vector as far from one of the centres as the centres are from nothing.
    pub(super) fn near(&mut self, centres: &[Vec<f32>]) -> Vec<f32> {
        let centre = &centres[(self.unit() * centres.len() as f32) as usize % centres.len()];
        let sum: Vec<f32> = centre.iter().zip(self.numbers()).map(|(one, other)| one + other).collect();
        let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt();
        sum.into_iter().map(|x| x / length).collect()
    }
}
