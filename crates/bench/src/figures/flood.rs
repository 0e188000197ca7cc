//! A flood: 200 connections that ask as fast as they are answered, on a server that takes in no more than it can do at a time. What it
//! answers must stay near its capacity, what is admitted must stay fast, and its memory bounded.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::program::{Server, command};
use super::texts::Texts;
use super::{Outcome, Row, Setup, start};
use crate::load::{Load, Loaded, run, wait_until};

const CONNECTIONS: usize = 200;
/// Requests that the server works on at the same time; the rest is answered 503 at once. The default is for machines with many cores
/// and for streams of models; a machine that should stay fast in a flood has a few for each core.
const ADMITTED_MAX: usize = 8;
const WARMING: Duration = Duration::from_secs(2);
const CAPACITY: Duration = Duration::from_secs(10);
const FLOOD_SECONDS: u64 = 60;
const LOOK_EVERY: Duration = Duration::from_millis(100);
const GOODPUT_MIN: f64 = 0.9;
const SLOWER_MAX: f64 = 2.0;

pub fn rows(setup: &Setup) -> Outcome<Vec<Row>> {
    let questions = Texts::read(setup)?.questions;
    let data = start::library(setup)?;
    let mut admitting = command(setup, &data);
    admitting.env("IBID_SERVER_REQUESTS_CONCURRENT_MAX", ADMITTED_MAX.to_string());
    let server = Server::start_by(admitting, &data)?;
    let load = |connections: usize, lasts: Duration| Load {
        door: server.door.clone(),
        path: "/v1/search".to_owned(),
        holds: "\"similarity\":0.".to_owned(),
        bodies: questions.iter().map(|question| json!({ "query": question }).to_string()).collect(),
        connections,
        rate: None,
        lasts,
    };
    if let Some(error) = run(&load(ADMITTED_MAX, WARMING)).first_error {
        return Err(error.into());
    }
    let normal = run(&load(ADMITTED_MAX, CAPACITY));
    let before_mb = server.resident_mb()?;
    let (flooded, peak_mb) = watched(&server, || run(&load(CONNECTIONS, flood_time())));
    let memory =
        format!("memory {before_mb:.0} MB before, {peak_mb:.0} at most, {:.0} after", server.resident_mb()?);
    Ok(goodput_and_delay(&normal, &flooded, &memory))
}

/// `IBID_FLOOD_SECONDS`, or a minute.
fn flood_time() -> Duration {
    let told = std::env::var("IBID_FLOOD_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(told.unwrap_or(FLOOD_SECONDS))
}

/// What the work gives, and the most memory that the server held meanwhile.
fn watched<T: Send>(server: &Server, work: impl FnOnce() -> T + Send) -> (T, f64) {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut peak_mb = 0.0_f64;
            while !is_over.load(Ordering::Relaxed) {
                peak_mb = peak_mb.max(server.resident_mb().unwrap_or(0.0));
                wait_until(Instant::now() + LOOK_EVERY);
            }
            peak_mb
        });
        let done = work();
        is_over.store(true, Ordering::Relaxed);
        (done, watcher.join().unwrap_or(f64::NAN))
    })
}

fn goodput_and_delay(normal: &Loaded, flooded: &Loaded, memory: &str) -> Vec<Row> {
    let offered = (flooded.answered + flooded.errors) as f64 / flooded.seconds;
    let (capacity, goodput) = (normal.per_second(), flooded.per_second());
    let what = format!(
        "flood of searches from {CONNECTIONS} connections for {:.0} s, {:.0} times capacity, {ADMITTED_MAX} admitted at a time",
        flooded.seconds,
        offered / capacity
    );
    let (slow, usual) = (flooded.latency.p95_ms, normal.latency.p95_ms);
    vec![
        Row::new(what, format!("{goodput:.0}/s answered, {offered:.0}/s asked; {memory}"))
            .beside(format!("capacity: {capacity:.0}/s"), goodput / capacity)
            .at_least(GOODPUT_MIN),
        Row::new("the same: p95 of what was admitted", format!("{slow:.1} ms"))
            .beside(format!("without a flood: {usual:.1} ms"), slow / usual)
            .below(SLOWER_MAX),
    ]
}
