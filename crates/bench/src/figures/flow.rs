//! Checkpointed flows beside LangGraph with its SQLite checkpointer and `durability="sync"`: five nodes in a row, a
//! checkpoint after each, on disk before the next begins.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ibid_flow::{
    Call, Codec, FlowHash, Journal, NewRun, NodeKind, Output, Registry, RunView, Runner, RunnerConfig,
};
use ibid_runtime::Clock;
use ibid_store::{Sqlite, SqliteConfig, Store};
use ibid_types::{Result, RunId, WorkspaceId};
use serde_json::{Value, json};

use super::peer::Peer;
use super::program::Server;
use super::texts::Texts;
use super::{Outcome, Row, Setup, start, turns};
use crate::eval::Latency;
use crate::load::Connection;

const NODES: usize = 5;
const RUNS: usize = 400;
/// Enough to fill the store's log once.
const RUNS_BEFORE: usize = 250;
const AT_ONCE: usize = 64;
const RUNS_AT_ONCE: usize = 20 * AT_ONCE;
const RESUMES: usize = 100;
const STORED_CHECKPOINTS: usize = 1_000_000;
const STORED_RESUMES: usize = 1000;
const ENDS_WITHIN: Duration = Duration::from_secs(60);
/// Bytes of a small checkpoint, at most.
const CHECKPOINT_BYTES_MAX: f64 = 2000.0;
const QUESTIONS: usize = 200;
const TURN_P95_MS_MAX: f64 = 5.0;
const RESUME_P95_MS_MAX: f64 = 5.0;

const CHAIN: &str = "\
name: chain
state: {count: integer, lines: {type: list, reducer: append}}
start: n0
nodes:
  n0: {kind: add, with: {count: '{{ count }}'}, into: {count: output.count, lines: output.line}, next: n1}
  n1: {kind: add, with: {count: '{{ count }}'}, into: {count: output.count, lines: output.line}, next: n2}
  n2: {kind: add, with: {count: '{{ count }}'}, into: {count: output.count, lines: output.line}, next: n3}
  n3: {kind: add, with: {count: '{{ count }}'}, into: {count: output.count, lines: output.line}, next: n4}
  n4: {kind: add, with: {count: '{{ count }}'}, into: {count: output.count, lines: output.line}}
";

const ASKING: &str = "\
name: asking
state: {count: integer, lines: {type: list, reducer: append}, more: integer}
start: n0
nodes:
  n0: {kind: add, with: {count: '{{ count }}'}, into: {count: output.count, lines: output.line}, next: ask}
  ask: {kind: human, with: {prompt: go on?, schema: {type: integer}}, into: more}
";

pub fn rows(setup: &Setup) -> Outcome<Vec<Row>> {
    let folder = setup.scratch()?;
    let mut peer = Peer::start(setup, "peer_langgraph.py", &[folder.path()])?;
    Ok(vec![
        one_row(setup, &mut peer)?,
        sync_row(setup)?,
        many_row(setup, &mut peer)?,
        resume_row(setup, &mut peer)?,
        bytes_row(setup, &mut peer)?,
        stored_row(setup)?,
        turn_row(setup)?,
    ])
}

fn one_row(setup: &Setup, peer: &mut Peer) -> Outcome<Row> {
    let name = peer.name().to_owned();
    let turns = turns::take(setup.turns, || one(setup), || peer.number("one", "steps_per_second"))?;
    Ok(Row::new("flow of 5 nodes, checkpoint and sync after each, one run at a time", steps(turns.ours))
        .beside(format!("{name}, durability sync: {}", steps(turns.peer)), turns.ratio)
        .at_least(5.0))
}

fn sync_row(setup: &Setup) -> Outcome<Row> {
    let turns = turns::best(setup.turns, || one(setup), || syncs(setup))?;
    Ok(Row::new("the same beside the disk", steps(turns.ours))
        .beside(format!("write and fdatasync of 4 kB: {:.0}/s", turns.peer), turns.ratio)
        .at_least(0.5))
}

fn many_row(setup: &Setup, peer: &mut Peer) -> Outcome<Row> {
    let name = peer.name().to_owned();
    let turns = turns::take(setup.turns, || many(setup), || peer.number("many", "steps_per_second"))?;
    Ok(Row::new(format!("the same flow, {AT_ONCE} runs at once"), steps(turns.ours))
        .beside(format!("{name}: {}", steps(turns.peer)), turns.ratio)
        .at_least(20.0))
}

fn resume_row(setup: &Setup, peer: &mut Peer) -> Outcome<Row> {
    let name = peer.name().to_owned();
    let ours = || {
        let library = Library::open(setup)?;
        Ok(library.resumed(RESUMES)?.p50_ms)
    };
    let turns = turns::take(setup.turns, ours, || peer.number("interrupt", "p50_ms"))?;
    Ok(Row::new("from a person's answer to the end of the run, p50", format!("{:.2} ms", turns.ours))
        .beside(format!("{name}: {:.2} ms", turns.peer), turns.ratio)
        .below(1.0 / 3.0))
}

fn bytes_row(setup: &Setup, peer: &mut Peer) -> Outcome<Row> {
    let library = Library::open(setup)?;
    let before = library.into_bytes()?;
    let library = Library::open(setup)?;
    (0..RUNS).try_for_each(|_| library.run(library.chain))?;
    let checkpoints = library.checkpoints()?;
    let bytes = (library.into_bytes()?.saturating_sub(before)) as f64 / checkpoints as f64;
    let theirs = peer.number("bytes", "bytes")?;
    Ok(Row::new("bytes of the database for each checkpoint", format!("{bytes:.0}"))
        .beside(format!("{}: {theirs:.0}", peer.name()), bytes / theirs)
        .judged(bytes)
        .below(CHECKPOINT_BYTES_MAX))
}

fn stored_row(setup: &Setup) -> Outcome<Row> {
    let library = Library::open(setup)?;
    library.at_once(STORED_CHECKPOINTS / (NODES + 1))?;
    let latency = library.resumed(STORED_RESUMES)?;
    let stored = library.checkpoints()?;
    Ok(Row::new(
        format!("from an answer to the end of the run with {stored} checkpoints stored, p95"),
        format!("{:.2} ms", latency.p95_ms),
    )
    .judged(latency.p95_ms)
    .below(RESUME_P95_MS_MAX))
}

/// What a turn takes over HTTP, less the time inside its nodes, which are searches, embeddings and models.
fn turn_row(setup: &Setup) -> Outcome<Row> {
    let mut questions = Texts::read(setup)?.questions;
    questions.truncate(QUESTIONS);
    let server = Server::start(setup, &start::library(setup)?)?;
    let mut connection = Connection::open(&server.door)?;
    let mut overheads = Vec::with_capacity(questions.len());
    for question in &questions {
        let body = json!({ "question": question }).to_string();
        let thread = posted(&mut connection, "/v1/threads", "{}")?.0;
        let path = format!("/v1/threads/{}/turns", thread["id"].as_str().unwrap_or_default());
        let before = in_nodes(&mut connection)?;
        let (turn, taken) = posted(&mut connection, &path, &body)?;
        if turn["status"] != json!("finished") {
            return Err(format!("a turn did not finish: {turn}").into());
        }
        let inside = in_nodes(&mut connection)? - before;
        overheads.push(taken.saturating_sub(Duration::from_secs_f64(inside.max(0.0))));
    }
    let overhead = Latency::of(overheads);
    Ok(Row::new(
        format!("a turn of a thread over HTTP less the time in its nodes, p95 of {}", questions.len()),
        format!("{:.2} ms (p50 {:.2})", overhead.p95_ms, overhead.p50_ms),
    )
    .judged(overhead.p95_ms)
    .below(TURN_P95_MS_MAX))
}

/// Seconds that the server has spent in nodes of flows.
fn in_nodes(connection: &mut Connection) -> Outcome<f64> {
    let metrics = connection.get("/metrics")?;
    let lines = String::from_utf8(metrics.body)?;
    let sums = lines.lines().filter(|line| line.starts_with("ibid_flow_effect_duration_seconds_sum"));
    Ok(sums.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
}

fn posted(connection: &mut Connection, path: &str, body: &str) -> Outcome<(Value, Duration)> {
    let started = Instant::now();
    let answer = connection.post(path, body)?;
    let taken = started.elapsed();
    if answer.status != 200 && answer.status != 201 {
        return Err(answer.in_words().into());
    }
    Ok((serde_json::from_slice(&answer.body)?, taken))
}

fn steps(rate: f64) -> String {
    format!("{rate:.0} steps/s")
}

/// The store's log has been written once before, as in a library that is in use: so it is with the peer's.
fn one(setup: &Setup) -> Outcome<f64> {
    let library = Library::open(setup)?;
    (0..RUNS_BEFORE).try_for_each(|_| library.run(library.chain))?;
    let started = Instant::now();
    (0..RUNS).try_for_each(|_| library.run(library.chain))?;
    Ok((RUNS * NODES) as f64 / started.elapsed().as_secs_f64())
}

fn many(setup: &Setup) -> Outcome<f64> {
    let library = Library::open(setup)?;
    (0..RUNS_BEFORE).try_for_each(|_| library.run(library.chain))?;
    let started = Instant::now();
    library.at_once(RUNS_AT_ONCE)?;
    Ok((RUNS_AT_ONCE * NODES) as f64 / started.elapsed().as_secs_f64())
}

/// Syncs a second of a page that is there already.
fn syncs(setup: &Setup) -> Outcome<f64> {
    let folder = setup.scratch()?;
    let file = File::create(folder.path().join("page"))?;
    file.write_all_at(&[0; 4096], 0)?;
    file.sync_all()?;
    let started = Instant::now();
    let count = RUNS * NODES;
    for number in 0..count {
        file.write_all_at(&[number as u8; 4096], 0)?;
        file.sync_data()?;
    }
    Ok(count as f64 / started.elapsed().as_secs_f64())
}

/// An empty store with a runner over it.
struct Library {
    runner: Arc<Runner>,
    store: Store,
    workspace: WorkspaceId,
    chain: FlowHash,
    asking: FlowHash,
    folder: tempfile::TempDir,
}

impl Library {
    fn open(setup: &Setup) -> Outcome<Self> {
        let folder = setup.scratch()?;
        let db = Sqlite::open(SqliteConfig::new(folder.path().join("ibid.db")))?;
        let store = Store::new(Arc::new(db), Clock::system());
        let workspace = store.workspace_ensure("bench")?.id;
        let journal = Journal::new(store.clone(), Codec::new(&[]));
        let registry = Registry::default().with(Arc::new(Add));
        let runner = Runner::new(RunnerConfig::default(), journal, registry, Clock::system());
        let chain = runner.flows().save(CHAIN)?.hash;
        let asking = runner.flows().save(ASKING)?.hash;
        Ok(Self { runner, store, workspace, chain, asking, folder })
    }

    fn start(&self, flow: FlowHash) -> Result<RunId> {
        Ok(self.runner.start(NewRun::new(self.workspace, flow, Value::Null))?.run)
    }

    fn run(&self, flow: FlowHash) -> Outcome<()> {
        let run = self.start(flow)?;
        ended(&self.runner.wait(run, ENDS_WITHIN)?, NODES)
    }

    /// So many runs, `AT_ONCE` under way at a time.
    fn at_once(&self, runs: usize) -> Outcome<()> {
        let share = runs.div_ceil(AT_ONCE);
        std::thread::scope(|scope| {
            let thread = || scope.spawn(|| (0..share).try_for_each(|_| self.run(self.chain)));
            let threads: Vec<_> = (0..AT_ONCE).map(|_| thread()).collect();
            let mut outcomes = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
            outcomes.try_for_each(|outcome| outcome.map_err(|_| "a thread that starts runs broke off")?)
        })
    }

    /// Milliseconds from an answer to the end of its run.
    fn resumed(&self, runs: usize) -> Outcome<Latency> {
        let mut times = Vec::with_capacity(runs);
        for _ in 0..runs {
            let run = self.start(self.asking)?;
            while self.runner.view(run)?.state.interrupts().next().is_none() {
                std::thread::yield_now();
            }
            let started = Instant::now();
            self.runner.answer(run, None, json!(1), "bench")?;
            let view = self.runner.wait(run, ENDS_WITHIN)?;
            times.push(started.elapsed());
            ended(&view, 1)?;
        }
        Ok(Latency::of(times))
    }

    fn checkpoints(&self) -> Outcome<u64> {
        Ok(self.store.checkpoint_totals()?.checkpoints)
    }

    /// Size of the database once its log is folded in.
    fn into_bytes(self) -> Outcome<u64> {
        let Self { runner, store, folder, .. } = self;
        runner.stop();
        drop((runner, store));
        Ok(std::fs::metadata(folder.path().join("ibid.db"))?.len())
    }
}

fn ended(view: &RunView, count: usize) -> Outcome<()> {
    let is_right = view.state.status.is_over()
        && view.state.frames.get(&0).is_some_and(|frame| frame.channels["count"] == json!(count));
    if is_right { Ok(()) } else { Err(format!("a run ended as {:?}", view.state).into()) }
}

/// Adds one and a line.
#[derive(Debug)]
struct Add;

impl NodeKind for Add {
    fn name(&self) -> &str {
        "add"
    }

    fn description(&self) -> &str {
        "Adds one to a number."
    }

    fn parameters(&self) -> Value {
        json!({ "type": "object", "properties": { "count": { "type": "integer" } } })
    }

    fn perform(&self, call: &Call<'_>) -> Result<Output> {
        let count = call.input["count"].as_i64().unwrap_or(0) + 1;
        Ok(Output { value: json!({ "count": count, "line": format!("step {count}") }), ..Output::default() })
    }
}
