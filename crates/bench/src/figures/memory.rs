//! 100,000 facts of a hundred persons: how long recall over them takes, and what they cost in memory.

mod beside;
mod dialogue;
mod quality;

use std::time::Instant;

use ibid_index::memory::{Change, Filter, Item, Key, Kind, Memory, Vectors};
use ibid_retrieve::memory::{Config, Request, recall};

use ibid_types::search::Trace;

use super::large::Chance;
use super::{Outcome, Row, Setup};
use crate::eval::Latency;

pub use beside::rows as beside_rows;
pub use quality::rows as quality_rows;

const DIMENSIONS: usize = 384;
const FACTS: usize = 100_000;
const PERSONS: usize = 100;
/// Entities that facts are about beside persons.
const THINGS: usize = 10_000;
const FACT_WORDS: usize = 12;
const CENTRES: usize = 500;
const QUESTIONS: usize = 400;
/// Facts made and added at a time; bounds memory.
const ADDED: usize = 1_000;
const LIMIT: usize = 20;
/// Issue 6.
const P95_BELOW_MS: f64 = 10.0;
/// What 100,000 facts may hold.
const MEMORY_BELOW_MB: f64 = 150.0;

pub fn rows(setup: &Setup) -> Outcome<Vec<Row>> {
    let mut chance = Chance(1);
    let centres: Vec<Vec<f32>> = (0..CENTRES).map(|_| chance.numbers()).collect();
    let before = resident_mb()?;
    let memory = Memory::new(DIMENSIONS);
    let started = Instant::now();
    memory.apply(&(0..PERSONS + THINGS).map(entity).collect::<Vec<_>>());
    for first in (0..FACTS).step_by(ADDED) {
        let facts: Vec<Change> =
            (first..first + ADDED).map(|number| fact(number, &mut chance, &centres)).collect();
        memory.apply(&facts);
    }
    let filled = started.elapsed();
    let held = resident_mb()? - before;
    let mut rows = vec![recall_row(setup, &memory, &mut chance, &centres)];
    let counted = memory.snapshot().bytes() as f64 / 1e6;
    let what =
        format!("the same: resident memory of the index, MB ({counted:.0} of it vectors and postings)");
    rows.push(Row::new(what, format!("{held:.0} MB")).judged(held).below(MEMORY_BELOW_MB));
    let rate = (FACTS + PERSONS + THINGS) as f64 / filled.as_secs_f64();
    rows.push(Row::new("the same: items indexed a second, one thread", format!("{rate:.0} /s")));
    Ok(rows)
}

fn recall_row(setup: &Setup, memory: &Memory, chance: &mut Chance, centres: &[Vec<f32>]) -> Row {
    let questions: Vec<(Request, Vec<f32>)> =
        (0..QUESTIONS).map(|number| (request(number, chance), chance.near(centres))).collect();
    let config = Config::default();
    let (mut times, mut steps) = (Vec::new(), Steps::default());
    for turn in 0..=setup.turns {
        for (request, vector) in &questions {
            let started = Instant::now();
            let recalled = recall(memory, request, Vectors { plain: Some(vector), retold: None }, &config);
            let taken = started.elapsed();
            if turn > 0 && !recalled.hits.is_empty() {
                times.push(taken);
                steps.add(&recalled.trace);
            }
        }
    }
    let recalls = times.len();
    let latency = Latency::of(times);
    let ours = format!(
        "p50 {:.2}, p95 {:.2}, p99 {:.2} ms; means {}",
        latency.p50_ms,
        latency.p95_ms,
        latency.p99_ms,
        steps.in_words(recalls)
    );
    Row::new(format!("{FACTS} facts: recall without embedding, p95 in ms"), ours)
        .judged(latency.p95_ms)
        .below(P95_BELOW_MS)
}

/// The time that each step of the recalls took together.
#[derive(Default)]
struct Steps(Vec<(String, u64)>);

impl Steps {
    fn add(&mut self, trace: &Trace) {
        for (step, us) in &trace.timings_us {
            match self.0.iter_mut().find(|(known, _)| known == step) {
                Some((_, sum)) => *sum += us,
                None => self.0.push((step.clone(), *us)),
            }
        }
    }

    fn in_words(&self, recalls: usize) -> String {
        let mean =
            |(step, us): &(String, u64)| format!("{step} {:.2}", *us as f64 / 1000.0 / recalls.max(1) as f64);
        self.0.iter().map(mean).collect::<Vec<_>>().join(", ")
    }
}

/// Every other question names a person or a thing.
fn request(number: usize, chance: &mut Chance) -> Request {
    let about = match number % 4 {
        0 => name(number % PERSONS),
        2 => name(PERSONS + number * 7 % THINGS),
        _ => String::new(),
    };
    let filter = Filter { owners: vec!["shared".to_owned()], ..Filter::default() };
    let question = format!("what did {about} {}", chance.text(3 + number % 4));
    Request { question, asker: None, filter, limit: LIMIT }
}

fn fact(number: usize, chance: &mut Chance, centres: &[Vec<f32>]) -> Change {
    let (person, thing) = (number % PERSONS, PERSONS + number * 13 % THINGS);
    let text = format!("{} {} the {}", name(person), chance.text(FACT_WORDS), name(thing));
    let mut item = Item::new(key(Kind::Fact, number), "shared", &text);
    item.language = Some("en".to_owned());
    item.vector = Some(chance.near(centres));
    item.entities = vec![key(Kind::Entity, person).id, key(Kind::Entity, thing).id];
    Change::Put(Box::new(item))
}

fn entity(number: usize) -> Change {
    let mut item = Item::new(key(Kind::Entity, number), "shared", "");
    item.names = vec![name(number)];
    item.class = if number < PERSONS { "person" } else { "product" }.to_owned();
    Change::Put(Box::new(item))
}

fn name(number: usize) -> String {
    if number < PERSONS { format!("Person{number}") } else { format!("Thing{number}") }
}

fn key(kind: Kind, number: usize) -> Key {
    Key::new(kind, (number as u128).to_le_bytes())
}

/// What the kernel says that this process holds.
fn resident_mb() -> Outcome<f64> {
    const PAGE_BYTES: f64 = 4096.0;
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages: f64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0.0);
    Ok(pages * PAGE_BYTES / 1e6)
}
