//! Starting the server on a library of 5,000 documents, and what it holds in memory.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::program::{self, Server};
use super::texts::Texts;
use super::{Outcome, Row, Setup, turns};
use crate::load::{Connection, wait_until};

const DOCUMENTS: usize = 5_000;
/// After this long without work the server has given back what it needs for work only.
const IDLE: Duration = Duration::from_secs(5);

pub fn rows(setup: &Setup) -> Outcome<Vec<Row>> {
    let data = library(setup)?;
    let mut times = Vec::new();
    for _ in 0..setup.turns.max(1) {
        times.push(Server::start(setup, &data)?.ready_in.as_secs_f64());
    }
    let server = Server::start(setup, &data)?;
    wait_until(Instant::now() + IDLE);
    let without = server.resident_mb()?;
    ask_once(&server)?;
    wait_until(Instant::now() + IDLE);
    let with = server.resident_mb()?;
    let ready = turns::median(times);
    let memory = |what: &str, mb: f64, most: f64| {
        Row::new(format!("resident memory, idle, {what}"), format!("{mb:.0} MB")).judged(mb).below(most)
    };
    Ok(vec![
        Row::new(
            format!("ibid serve, start to ready, {DOCUMENTS} documents indexed"),
            format!("{ready:.3} s"),
        )
        .judged(ready)
        .below(0.3),
        memory("without the model", without, 60.0),
        memory("with the model", with, 250.0),
    ])
}

/// 5,000 documents taken in by the program itself, kept between runs; what is in already is skipped.
pub fn library(setup: &Setup) -> Outcome<PathBuf> {
    let texts = Texts::read(setup)?;
    let name = texts.name.replace(' ', "-");
    let (files, data) =
        (setup.cache.join(format!("{name}-files")), setup.cache.join(format!("{name}-library")));
    texts.write_files(&files, DOCUMENTS)?;
    program::ingest(setup, &data, &files)?;
    Ok(data)
}

/// One search by meaning, so that the model is loaded.
fn ask_once(server: &Server) -> Outcome<()> {
    let body = "{\"query\": \"a first question\", \"mode\": \"dense\"}";
    let answer = Connection::open(&server.door)?.post("/v1/search", body)?;
    if answer.status == 200 { Ok(()) } else { Err(answer.in_words().into()) }
}
