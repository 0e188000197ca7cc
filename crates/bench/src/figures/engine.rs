//! The engine beside LanceDB, vectors given: putting texts in with both indexes, and hybrid search.

use std::sync::Arc;
use std::time::Instant;

use super::library::{Given, Library, given};
use super::peer::Peer;
use super::texts::{Texts, write_lines, write_vectors};
use super::{Outcome, Row, Setup, turns};
use crate::eval::Latency;

const QUESTIONS: usize = 200;

pub fn rows(setup: &Setup) -> Outcome<Vec<Row>> {
    let mut texts = Texts::read(setup)?;
    texts.questions.truncate(QUESTIONS);
    let (vectors, wanted) = texts.vectors(setup)?;
    let folder = setup.scratch()?;
    write_lines(&folder.path().join("texts.jsonl"), &texts.passages())?;
    write_lines(&folder.path().join("questions.jsonl"), &texts.questions)?;
    write_vectors(&folder.path().join("texts.f32"), &vectors)?;
    write_vectors(&folder.path().join("questions.f32"), &wanted)?;
    let mut peer = Peer::start(setup, "peer_lancedb.py", &[folder.path()])?;
    let documents = given(&texts, &vectors);
    Ok(vec![
        add_row(setup, &mut peer, &texts, &documents)?,
        search_row(setup, &mut peer, &texts, &documents, &wanted)?,
    ])
}

fn add_row(setup: &Setup, peer: &mut Peer, texts: &Texts, documents: &[Given]) -> Outcome<Row> {
    let ours = || {
        let folder = setup.scratch()?;
        let library = Library::open(folder.path(), dimensions(documents))?;
        let started = Instant::now();
        library.add(documents)?;
        Ok(documents.len() as f64 / started.elapsed().as_secs_f64())
    };
    let name = peer.name().to_owned();
    let turns = turns::take(setup.turns, ours, || peer.number("index", "texts_per_second"))?;
    let what = format!("{} texts in, vectors given, durable, both indexes ({})", documents.len(), texts.name);
    Ok(Row::new(what, format!("{:.0} texts/s", turns.ours))
        .beside(format!("{name} add + FTS index: {:.0} texts/s", turns.peer), turns.ratio)
        .at_least(1.0))
}

fn search_row(
    setup: &Setup,
    peer: &mut Peer,
    texts: &Texts,
    documents: &[Given],
    wanted: &[Vec<f32>],
) -> Outcome<Row> {
    let folder = setup.scratch()?;
    let library = Library::open(folder.path(), dimensions(documents))?;
    library.add(documents)?;
    let retriever = library.retriever(Arc::new(setup.embedder(1)?));
    let ours = || {
        let mut times = Vec::with_capacity(wanted.len());
        for (question, vector) in texts.questions.iter().zip(wanted) {
            let started = Instant::now();
            library.search(&retriever, question, vector)?;
            times.push(started.elapsed());
        }
        Ok(Latency::of(times).p50_ms)
    };
    let name = peer.name().to_owned();
    let turns = turns::take(setup.turns, ours, || peer.number("hybrid", "p50_ms"))?;
    let what = format!("hybrid search without embedding, p50 of {} questions ({})", wanted.len(), texts.name);
    Ok(Row::new(what, format!("{:.2} ms", turns.ours))
        .beside(format!("{name} hybrid: {:.2} ms", turns.peer), turns.ratio)
        .below(0.2))
}

fn dimensions(documents: &[Given]) -> usize {
    documents.first().and_then(|given| given.chunks.first()).map_or(0, |(_, vector)| vector.len())
}
