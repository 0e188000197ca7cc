//! The embedder beside onnxruntime in Python: the same model, tokens and texts, on one thread and on two.

use std::time::Instant;

use ibid_model::{Embedder, Purpose};

use super::peer::Peer;
use super::texts::{Texts, write_lines};
use super::{Outcome, Row, Setup, turns};

/// Enough that a turn is a second or more, spread over the collection.
const TEXTS: usize = 256;

pub fn rows(setup: &Setup) -> Outcome<Vec<Row>> {
    let passages = spread(&Texts::read(setup)?.passages(), TEXTS);
    let folder = setup.scratch()?;
    let lines = folder.path().join("texts.jsonl");
    write_lines(&lines, &passages)?;
    let tokenizer = setup.embedder_dir().join("tokenizer.json");
    let mut peer = Peer::start(setup, "peer_onnxruntime.py", &[&lines, &tokenizer])?;
    [1, 2].iter().map(|threads| row(setup, &mut peer, &passages, *threads)).collect()
}

fn row(setup: &Setup, peer: &mut Peer, passages: &[String], threads: usize) -> Outcome<Row> {
    let embedder = setup.embedder(threads)?;
    let texts: Vec<&str> = passages.iter().map(String::as_str).collect();
    let ours = || {
        let started = Instant::now();
        embedder.embed(&texts, Purpose::Passage)?;
        Ok(texts.len() as f64 / started.elapsed().as_secs_f64())
    };
    let name = peer.name().to_owned();
    let turns = turns::take(setup.turns, ours, || peer.number(&threads.to_string(), "texts_per_second"))?;
    let many = if threads == 1 { "1 thread".to_owned() } else { format!("{threads} threads") };
    Ok(Row::new(format!("embedder, {many}"), format!("{:.0} texts/s", turns.ours))
        .beside(format!("{name}: {:.0} texts/s", turns.peer), turns.ratio)
        .at_least(1.0))
}

/// `count` of them at even distances.
pub fn spread(all: &[String], count: usize) -> Vec<String> {
    let step = (all.len() / count.max(1)).max(1);
    all.iter().step_by(step).take(count).cloned().collect()
}
