//! The server under load over HTTP: 20 times the 500 queries a minute that a source system was built for, every
//! query embedded; and as many as it answers, of searches and of extractive answers.

use std::time::Duration;

use serde_json::json;

use super::program::Server;
use super::texts::Texts;
use super::{Outcome, Row, Setup, start};
use crate::load::{Load, Loaded, run};

const RATE: f64 = 20.0 * 500.0 / 60.0;
const CONNECTIONS: usize = 32;
const WARMING: Duration = Duration::from_secs(2);
const SUSTAINED: Duration = Duration::from_secs(60);
const CAPACITY_CONNECTIONS: usize = 8;
const CAPACITY: Duration = Duration::from_secs(15);
const P95_MS_MAX: f64 = 500.0;

pub fn rows(setup: &Setup) -> Outcome<Vec<Row>> {
    let questions = Texts::read(setup)?.questions;
    let server = Server::start(setup, &start::library(setup)?)?;
    let load = |path: &str, key: &str, holds: &str| Load {
        door: server.door.clone(),
        path: path.to_owned(),
        holds: holds.to_owned(),
        bodies: questions.iter().map(|question| json!({ key: question }).to_string()).collect(),
        connections: CAPACITY_CONNECTIONS,
        rate: None,
        lasts: CAPACITY,
    };
    let (search, ask) = (
        load("/v1/search", "query", "\"similarity\":0."),
        load("/v1/ask", "question", "\"mode\":\"extractive\""),
    );
    let warming = run(&Load { lasts: WARMING, ..search.clone() });
    if let Some(error) = warming.first_error {
        return Err(error.into());
    }
    let sustained = Load { connections: CONNECTIONS, rate: Some(RATE), lasts: SUSTAINED, ..search.clone() };
    Ok(vec![
        sustained_row(&sustained),
        row("as many searches as it answers", &run(&search)),
        row("as many extractive answers as it gives (/v1/ask)", &run(&ask)),
    ])
}

fn sustained_row(load: &Load) -> Row {
    let loaded = run(load);
    let what = format!(
        "{RATE:.0} searches/s offered for {} s, embedding each, up to {CONNECTIONS} at a time; p95 in ms",
        SUSTAINED.as_secs()
    );
    let fails = loaded.errors > 0 || loaded.per_second() < 0.98 * RATE;
    let judged = if fails { f64::INFINITY } else { loaded.latency.p95_ms };
    Row::new(what, in_words(&loaded)).judged(judged).below(P95_MS_MAX)
}

fn row(what: &str, loaded: &Loaded) -> Row {
    Row::new(format!("{what}, {CAPACITY_CONNECTIONS} at a time"), in_words(loaded))
}

fn in_words(loaded: &Loaded) -> String {
    let Loaded { errors, first_error, latency, .. } = loaded;
    let first = first_error.as_ref().map(|error| format!(" (first: {error})")).unwrap_or_default();
    format!(
        "{:.0}/s, errors {errors}{first}, p50 {:.1}, p95 {:.1}, p99 {:.1} ms",
        loaded.per_second(),
        latency.p50_ms,
        latency.p95_ms,
        latency.p99_ms
    )
}
