//! A flood: ten times as many searches as the server answers, from 200 connections. What it answers must stay near its capacity, what is
//! admitted must stay fast, and its memory bounded. And a flood in one workspace, beside somebody in another who must not notice it much.
//!
//! Keeps true: the server is as it is delivered, without a setting for floods; capacity is taken before and after, and the row compares
//! figures of one run only. Who asks has cores of its own, as if it were on another machine: else a flood would be measured that takes
//! the server's time before it arrives.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::cores::Cores;
use super::program::{Server, command, ingest, timed};
use super::texts::Texts;
use super::{Outcome, Row, Setup, start};
use crate::load::{Load, Loaded, run, wait_until};

/// As many for each core of the server as are never refused: two have a place, and two wait.
const USUAL_CONNECTIONS_OF_CORE: usize = 4;
const CONNECTIONS: usize = 200;
const TIMES_CAPACITY: f64 = 10.0;
const WARMING: Duration = Duration::from_secs(2);
const CAPACITY: Duration = Duration::from_secs(10);
const FLOOD_SECONDS: u64 = 60;
const LOOK_EVERY: Duration = Duration::from_millis(100);
const GOODPUT_MIN: f64 = 0.9;
const SLOWER_MAX: f64 = 2.0;

/// Documents of each of the two workspaces.
const SHARED_DOCUMENTS: usize = 500;
const CALM: &str = "calm";
/// The part of the capacity that somebody asks for who does not flood.
const CALM_PART: f64 = 0.1;
const CALM_CONNECTIONS: usize = 16;
/// Of what was asked beside a flood.
const CALM_ANSWERED_MIN: f64 = 0.99;

pub fn rows(setup: &Setup) -> Outcome<Vec<Row>> {
    let flooded = Flooded::start(setup, &start::library(setup)?)?;
    let (before, usual_cpu) = flooded.measured(&flooded.usual())?;
    let before_mb = flooded.server.resident_mb()?;
    let flood = flooded.flood(&before, flood_time());
    let (measured, peak_mb) = watched(&flooded.server, || flooded.measured(&flood));
    let (during, cpu) = measured?;
    let after = run(&flooded.usual());
    let memory = format!(
        "memory {before_mb:.0} MB before, {peak_mb:.0} at most, {:.0} after; {:.2} ms of processor for each answer and all that was refused \
         meanwhile, {:.2} without a flood",
        flooded.server.resident_mb()?,
        1e3 * cpu / during.answered as f64,
        1e3 * usual_cpu / before.answered as f64,
    );
    Ok(goodput_and_delay(&flooded.cores, &[before, after], &during, &memory))
}

/// One workspace floods; somebody in another asks for a tenth of what the server could do.
pub fn fair_rows(setup: &Setup) -> Outcome<Vec<Row>> {
    let flooded = Flooded::start(setup, &shared_library(setup)?)?;
    let capacity = run(&flooded.usual());
    let calm = Load {
        bodies: flooded.bodies(Some(CALM)),
        connections: CALM_CONNECTIONS,
        rate: Some(CALM_PART * capacity.per_second()),
        lasts: CAPACITY,
        ..flooded.usual()
    };
    let alone = run(&calm);
    let flood = flooded.flood(&capacity, flood_time() / 2);
    let calm = Load { lasts: flood.lasts, ..calm };
    let (beside, flood) = std::thread::scope(|scope| {
        let flooding = scope.spawn(|| run(&flood));
        (run(&calm), flooding.join().unwrap_or_default())
    });
    Ok(fair(&capacity, &alone, &beside, &flood))
}

/// A server, and searches for it.
struct Flooded {
    cores: Cores,
    server: Server,
    questions: Vec<String>,
}

impl Flooded {
    fn start(setup: &Setup, data: &std::path::Path) -> Outcome<Self> {
        let questions = Texts::read(setup)?.questions;
        let cores = Cores::split()?;
        let server = cores.of_server(|| Server::start(setup, data))??;
        let flooded = Self { cores, server, questions };
        let warming = Load { lasts: WARMING, ..flooded.usual() };
        match run(&warming).first_error {
            Some(error) => Err(error.into()),
            None => Ok(flooded),
        }
    }

    /// What came of a load, and the seconds of processor that the server took for it.
    fn measured(&self, load: &Load) -> Outcome<(Loaded, f64)> {
        let before = self.server.cpu_seconds()?;
        let loaded = run(load);
        Ok((loaded, self.server.cpu_seconds()? - before))
    }

    fn bodies(&self, workspace: Option<&str>) -> Vec<String> {
        let body = |question: &String| json!({ "query": question, "workspace": workspace }).to_string();
        self.questions.iter().map(body).collect()
    }

    /// As much as it answers.
    fn usual(&self) -> Load {
        Load {
            door: self.server.door.clone(),
            path: "/v1/search".to_owned(),
            holds: "\"similarity\":0.".to_owned(),
            bodies: self.bodies(None),
            connections: USUAL_CONNECTIONS_OF_CORE * self.cores.server.len(),
            rate: None,
            lasts: CAPACITY,
        }
    }

    fn flood(&self, capacity: &Loaded, lasts: Duration) -> Load {
        let rate = Some(TIMES_CAPACITY * capacity.per_second());
        Load { connections: CONNECTIONS, rate, lasts, ..self.usual() }
    }
}

/// `IBID_FLOOD_SECONDS`, or a minute.
fn flood_time() -> Duration {
    let told = std::env::var("IBID_FLOOD_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(told.unwrap_or(FLOOD_SECONDS))
}

/// The same documents in two workspaces, kept between runs.
fn shared_library(setup: &Setup) -> Outcome<PathBuf> {
    let (files, data) = (setup.cache.join("shared-files"), setup.cache.join("shared-library"));
    Texts::read(setup)?.write_files(&files, SHARED_DOCUMENTS)?;
    ingest(setup, &data, &files)?;
    let mut second = command(setup, &data);
    timed(second.env("IBID_DATA_WORKSPACE", CALM).args(["--json", "ingest"]).arg(&files))?;
    Ok(data)
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

fn goodput_and_delay(cores: &Cores, usual: &[Loaded; 2], flooded: &Loaded, memory: &str) -> Vec<Row> {
    let mean = |figure: fn(&Loaded) -> f64| usual.iter().map(figure).sum::<f64>() / usual.len() as f64;
    let (capacity, usual_ms) = (mean(Loaded::per_second), mean(|loaded| loaded.latency_sent.p95_ms));
    let (offered, goodput) = (offered(flooded), flooded.per_second());
    let what = format!(
        "flood of searches from {CONNECTIONS} connections for {:.0} s, {:.1} times capacity; {cores}",
        flooded.seconds,
        offered / capacity
    );
    let slow_ms = flooded.latency_sent.p95_ms;
    vec![
        Row::new(what, format!("{goodput:.0}/s answered, {offered:.0}/s asked; {memory}"))
            .beside(
                format!(
                    "capacity, {} at a time: {capacity:.0}/s",
                    USUAL_CONNECTIONS_OF_CORE * cores.server.len()
                ),
                goodput / capacity,
            )
            .at_least(GOODPUT_MIN),
        Row::new("the same: p95 of what was admitted, from when it was sent", format!("{slow_ms:.1} ms"))
            .beside(format!("without a flood: {usual_ms:.1} ms"), slow_ms / usual_ms)
            .below(SLOWER_MAX),
    ]
}

fn offered(loaded: &Loaded) -> f64 {
    (loaded.answered + loaded.errors) as f64 / loaded.seconds
}

fn fair(capacity: &Loaded, alone: &Loaded, beside: &Loaded, flood: &Loaded) -> Vec<Row> {
    let part = |loaded: &Loaded| loaded.answered as f64 / (loaded.answered + loaded.errors).max(1) as f64;
    let what = format!(
        "searches in one workspace, {:.0}/s, while another floods at {:.1} times capacity for {:.0} s: answered",
        offered(beside),
        offered(flood) / capacity.per_second(),
        flood.seconds
    );
    let (slow_ms, usual_ms) = (beside.latency_sent.p95_ms, capacity.latency_sent.p95_ms);
    let shares = format!(
        "{:.1} % of {}; the flood has {:.0}/s answered, {:.1} % of what it asks",
        100.0 * part(beside),
        beside.answered + beside.errors,
        flood.per_second(),
        100.0 * part(flood)
    );
    vec![
        Row::new(what, shares)
            .beside(format!("alone: {:.1} %", 100.0 * part(alone)), part(beside) / part(alone))
            .at_least(CALM_ANSWERED_MIN),
        Row::new(
            "the same: their p95",
            format!("{slow_ms:.1} ms; alone {:.1} ms", alone.latency_sent.p95_ms),
        )
        .beside(format!("of everybody at capacity, without a flood: {usual_ms:.1} ms"), slow_ms / usual_ms)
        .below(SLOWER_MAX),
    ]
}
