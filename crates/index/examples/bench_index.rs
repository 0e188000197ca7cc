//! Measures the index: speed on made-up chunks, BM25 quality on BEIR-style folders, recall on real vectors.
//!
//! `bench_index synthetic [CHUNKS]`, `bench_index beir FOLDER [TITLE PLACE]` (field weights),
//! `bench_index vectors FILE QUERIES` (raw f32 of 384 numbers each).

#![allow(clippy::print_stdout)]

use std::collections::HashMap;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ibid_index::{
    Analysed, Change, FieldWeights, Ground, IndexConfig, Indexes, Scored, Searchable, Snapshot, What,
};
use ibid_types::access::Readable;
use ibid_types::document::{Chunk, ChunkSpan, Document, DocumentStatus};
use ibid_types::search::Filter;
use ibid_types::{ChunkId, DocumentId, Result, Timestamp, VersionId, WorkspaceId};

type Any = std::result::Result<(), Box<dyn Error>>;

const DIMENSIONS: usize = 384;
const CHUNKS_PER_DOCUMENT: usize = 20;

fn main() -> Any {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    println!("kernel {}", ibid_index::kernel_name());
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["synthetic"] => synthetic(200_000),
        ["synthetic", chunks] => synthetic(chunks.parse()?),
        ["beir", folder] => beir(Path::new(folder), FieldWeights::default()),
        ["beir", folder, title, place] => {
            beir(Path::new(folder), FieldWeights { text: 1.0, title: title.parse()?, place: place.parse()? })
        }
        ["vectors", file, queries] => vectors(Path::new(file), Path::new(queries)),
        _ => Err("say synthetic [CHUNKS], beir FOLDER [TITLE PLACE] or vectors FILE QUERIES".into()),
    }
}

/// Documents in memory, each once in the feed.
#[derive(Clone, Debug)]
struct Memory {
    workspace: WorkspaceId,
    documents: Arc<Vec<Searchable>>,
    places: HashMap<DocumentId, usize>,
}

impl Memory {
    fn new(workspace: WorkspaceId, documents: Vec<Searchable>) -> Self {
        let places = documents.iter().enumerate().map(|(place, found)| (found.document.id, place)).collect();
        Self { workspace, documents: Arc::new(documents), places }
    }
}

impl Ground for Memory {
    fn changes(&self, after: i64, limit: usize) -> Result<Vec<Change>> {
        let from = (after as usize).min(self.documents.len());
        let documents = self.documents[from..].iter().take(limit).enumerate();
        let change = |(index, found): (usize, &Searchable)| Change {
            position: (from + index + 1) as i64,
            workspace: self.workspace,
            what: What::Document(found.document.id),
        };
        Ok(documents.map(change).collect())
    }

    fn head(&self) -> Result<i64> {
        Ok(self.documents.len() as i64)
    }

    fn searchables(&self, documents: &[DocumentId], _: &str, _: usize) -> Result<Vec<Option<Searchable>>> {
        let one = |document| self.places.get(document).map(|place| self.documents[*place].clone());
        Ok(documents.iter().take(64).map(one).collect())
    }
}

fn document(
    workspace: WorkspaceId,
    source: &str,
    title: &str,
    chunks: Vec<(String, Vec<f32>)>,
) -> Searchable {
    let (id, version) = (DocumentId::new(), VersionId::new());
    let document = Document {
        id,
        workspace,
        source: source.to_owned(),
        status: DocumentStatus::Ready,
        current: Some(version),
        title: title.to_owned(),
        author: None,
        language: Some("en".to_owned()),
        tags: Vec::new(),
        readers: Vec::new(),
        date: Timestamp(0),
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    };
    let chunk = |(ordinal, (text, vector)): (usize, (String, Vec<f32>))| {
        let span = ChunkSpan::default();
        let chunk = Chunk { id: ChunkId::new(), document: id, version, ordinal: ordinal as u32, span, text };
        (chunk, vector.iter().flat_map(|x| half::f16::from_f32(*x).to_le_bytes()).collect())
    };
    Searchable { document, chunks: chunks.into_iter().enumerate().map(chunk).collect() }
}

/// Repeatable numbers.
struct Chance(u64);

impl Chance {
    fn unit(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Zipf-like over 50,000 made-up words, as in running text.
    fn word(&mut self) -> String {
        let rank = (50_000_f32.powf(self.unit()) - 1.0) as u32;
        let mut word = String::new();
        let mut rest = rank + 7;
        while rest > 0 {
            word.push_str(["ka", "lo", "mi", "ter", "sun", "ed", "pra", "vi"][(rest % 8) as usize]);
            rest /= 8;
        }
        word
    }

    fn text(&mut self, words: usize) -> String {
        (0..words).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }

    /// Near one of 500 centres.
    fn vector(&mut self, centres: &[Vec<f32>]) -> Vec<f32> {
        let centre = &centres[(self.unit() * 500.0) as usize % 500];
        normal(centre.iter().map(|x| x + self.unit() - 0.5).collect())
    }
}

fn normal(vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.into_iter().map(|x| x / length).collect()
}

fn synthetic(chunks: usize) -> Any {
    let mut chance = Chance(1);
    let workspace = WorkspaceId::new();
    let centres: Vec<Vec<f32>> =
        (0..500).map(|_| (0..DIMENSIONS).map(|_| chance.unit() - 0.5).collect()).collect();
    let documents = (0..chunks / CHUNKS_PER_DOCUMENT)
        .map(|number| {
            let chunks =
                (0..CHUNKS_PER_DOCUMENT).map(|_| (chance.text(100), chance.vector(&centres))).collect();
            document(workspace, &format!("docs/{}/{number}.md", number % 20), &chance.text(4), chunks)
        })
        .collect();
    let dir = tempfile::tempdir()?;
    let config = IndexConfig::new(dir.path(), "bench", DIMENSIONS);
    let memory = Memory::new(workspace, documents);
    let start = Instant::now();
    let indexes = Indexes::open(config.clone(), memory.clone())?;
    let cpu = cpu_seconds();
    indexes.catch_up()?;
    let seconds = start.elapsed().as_secs_f64();
    let cpu = cpu_seconds() - cpu;
    println!(
        "index: {chunks} chunks in {seconds:.2} s ({cpu:.2} s of processor), {:.0} chunks/s",
        chunks as f64 / seconds
    );
    let start = Instant::now();
    indexes.release();
    println!("end of merging: {:.2} s", start.elapsed().as_secs_f64());
    drop(indexes);
    let before = resident_mb();
    let start = Instant::now();
    let indexes = Indexes::open(config, memory)?;
    let snapshot = indexes.snapshot(workspace);
    println!("open: {:.1} ms, {:.1} MB more resident", ms(start.elapsed()), resident_mb() - before);
    println!("documents {} chunks {}", snapshot.documents(), snapshot.total());
    let questions: Vec<(String, Vec<f32>)> =
        (0..400).map(|index| (chance.text(3 + index % 4), chance.vector(&centres))).collect();
    for (name, filter) in [
        ("all", Filter::default()),
        ("5 %", Filter { path_prefix: Some("docs/7/".into()), ..Filter::default() }),
    ] {
        measure(name, &snapshot, &filter, &questions)?;
    }
    println!("after searching: {:.1} MB more resident", resident_mb() - before);
    Ok(())
}

fn measure(name: &str, snapshot: &Snapshot, filter: &Filter, questions: &[(String, Vec<f32>)]) -> Any {
    let mut times = vec![Vec::new(); 5];
    for (text, vector) in questions {
        let begin = Instant::now();
        let within = snapshot.eligible(filter, &Readable::All);
        let filtered = Instant::now();
        let query = snapshot.analyse(text);
        let lexical = snapshot.lexical(&query, &within, 100)?;
        let between = Instant::now();
        let dense = snapshot.dense(vector, &within, 100);
        let found = Instant::now();
        let slots: Vec<u32> = dense.iter().map(|hit| hit.slot).collect();
        let missing = snapshot.lexical_scores(&query, &slots)?;
        let other: Vec<u32> = lexical.iter().map(|hit| hit.slot).collect();
        let cosines = snapshot.dense_scores(vector, &other);
        let end = Instant::now();
        assert_eq!((missing.len(), cosines.len()), (slots.len(), other.len()));
        let parts = [filtered - begin, between - filtered, found - between, end - found, end - begin];
        times.iter_mut().zip(parts).for_each(|(times, part)| times.push(part));
    }
    for (part, times) in ["filter", "lexical", "dense", "cross scores", "together"].iter().zip(&mut times) {
        times.sort_unstable();
        let at = |share: f64| ms(times[((times.len() - 1) as f64 * share) as usize]);
        println!("{name:>4} {part:>12}: p50 {:.2} p95 {:.2} p99 {:.2} ms", at(0.5), at(0.95), at(0.99));
    }
    println!(
        "{name:>4} recall@10 {:.4}",
        recall(snapshot, filter, questions.iter().map(|(_, vector)| vector), 10)
    );
    Ok(())
}

/// The share of the true nearest that the search finds.
fn recall<'a>(
    snapshot: &Snapshot,
    filter: &Filter,
    queries: impl Iterator<Item = &'a Vec<f32>>,
    depth: usize,
) -> f64 {
    let within = snapshot.eligible(filter, &Readable::All);
    let slots: Vec<u32> = within.iter().collect();
    let (mut hits, mut wanted) = (0, 0);
    for query in queries.take(400) {
        let mut exact: Vec<Scored> = slots
            .iter()
            .zip(snapshot.dense_scores(query, &slots))
            .map(|(&slot, score)| Scored { slot, score })
            .collect();
        exact.sort_by(|left, right| right.score.total_cmp(&left.score));
        exact.truncate(depth);
        let found = snapshot.dense(query, &within, depth);
        let worst = exact.last().map_or(0.0, |hit| hit.score);
        hits += found.iter().filter(|hit| hit.score >= worst).count().min(depth);
        wanted += exact.len();
    }
    hits as f64 / wanted.max(1) as f64
}

fn vectors(file: &Path, queries: &Path) -> Any {
    let workspace = WorkspaceId::new();
    let (rows, queries) = (floats(file)?, floats(queries)?);
    let documents = rows
        .chunks(CHUNKS_PER_DOCUMENT)
        .map(|rows| {
            document(workspace, "v", "", rows.iter().map(|row| (String::new(), row.clone())).collect())
        })
        .collect();
    let dir = tempfile::tempdir()?;
    let indexes =
        Indexes::open(IndexConfig::new(dir.path(), "b", DIMENSIONS), Memory::new(workspace, documents))?;
    indexes.catch_up()?;
    let snapshot = indexes.snapshot(workspace);
    for depth in [10, 100] {
        let found = recall(&snapshot, &Filter::default(), queries.iter(), depth);
        println!("{} vectors, {} queries: recall@{depth} {found:.4}", rows.len(), queries.len());
    }
    let within = snapshot.eligible(&Filter::default(), &Readable::All);
    let start = Instant::now();
    queries.iter().for_each(|query| assert!(!snapshot.dense(query, &within, 10).is_empty()));
    println!("mean {:.3} ms a search", ms(start.elapsed()) / queries.len() as f64);
    Ok(())
}

fn floats(file: &Path) -> std::result::Result<Vec<Vec<f32>>, Box<dyn Error>> {
    let bytes = std::fs::read(file)?;
    let number = |bytes: &[u8]| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    Ok(bytes.chunks_exact(DIMENSIONS * 4).map(|row| row.chunks_exact(4).map(number).collect()).collect())
}

fn beir(folder: &Path, weights: FieldWeights) -> Any {
    let workspace = WorkspaceId::new();
    let corpus = lines(&folder.join("corpus.jsonl"))?;
    let text = |value: &serde_json::Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let names: Vec<String> = corpus.iter().map(|line| text(line, "_id")).collect();
    let documents: Vec<Searchable> = corpus
        .iter()
        .map(|line| {
            document(workspace, "", &text(line, "title"), vec![(text(line, "text"), vec![0.0; DIMENSIONS])])
        })
        .collect();
    let name_of: HashMap<DocumentId, &String> =
        documents.iter().zip(&names).map(|(found, name)| (found.document.id, name)).collect();
    let dir = tempfile::tempdir()?;
    let memory = Memory::new(workspace, documents.clone());
    let indexes = Indexes::open(IndexConfig::new(dir.path(), "b", DIMENSIONS), memory)?;
    indexes.catch_up()?;
    let snapshot = indexes.snapshot(workspace);
    let relevant = judgements(&folder.join("qrels/test.tsv"))?;
    let (mut gains, mut times) = (Vec::new(), Vec::new());
    for line in lines(&folder.join("queries.jsonl"))? {
        let Some(relevant) = relevant.get(&text(&line, "_id")) else { continue };
        let start = Instant::now();
        let query = Analysed { weights, ..snapshot.analyse(&text(&line, "text")) };
        let hits = snapshot.lexical(&query, &snapshot.eligible(&Filter::default(), &Readable::All), 100)?;
        times.push(start.elapsed());
        let found = hits.iter().filter_map(|hit| name_of.get(&snapshot.chunk(hit.slot)?.document));
        gains.push(ndcg(found.map(|name| relevant.get(*name).copied().unwrap_or(0.0)), relevant));
    }
    times.sort_unstable();
    println!(
        "{}: nDCG@10 {:.4} over {} queries, p50 {:.2} ms, p95 {:.2} ms",
        folder.display(),
        gains.iter().sum::<f64>() / gains.len() as f64,
        gains.len(),
        ms(times[times.len() / 2]),
        ms(times[times.len() * 95 / 100])
    );
    Ok(())
}

/// Linear gain, as trec_eval.
fn ndcg(found: impl Iterator<Item = f64>, relevant: &HashMap<String, f64>) -> f64 {
    let mut ideal: Vec<f64> = relevant.values().copied().collect();
    ideal.sort_by(|left, right| right.total_cmp(left));
    let sum = |gains: &mut dyn Iterator<Item = f64>| -> f64 {
        gains.take(10).enumerate().map(|(rank, gain)| gain / (rank as f64 + 2.0).log2()).sum()
    };
    let best = sum(&mut ideal.into_iter());
    if best > 0.0 { sum(&mut { found }) / best } else { 0.0 }
}

fn lines(path: &Path) -> std::result::Result<Vec<serde_json::Value>, Box<dyn Error>> {
    Ok(std::fs::read_to_string(path)?.lines().map(serde_json::from_str).collect::<serde_json::Result<_>>()?)
}

type Judgements = HashMap<String, HashMap<String, f64>>;

fn judgements(path: &Path) -> std::result::Result<Judgements, Box<dyn Error>> {
    let mut judgements = Judgements::new();
    for line in std::fs::read_to_string(path)?.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        if let [query, document, grade] = fields.as_slice() {
            judgements.entry((*query).to_owned()).or_default().insert((*document).to_owned(), grade.parse()?);
        }
    }
    Ok(judgements)
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Anonymous and file pages of this process, from the system; 0 where it does not say.
fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("RssAnon")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

/// Processor time of this process so far, from the system; 0 where it does not say.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}
