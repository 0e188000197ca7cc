//! Kills the process that runs flows, again and again at instants that a seed chooses, and looks at what is left: no
//! acknowledged start is lost, every run is finished, every effect was acknowledged once and done once by its key.
//!
//! `IBID_TORTURE_KILLS=500` for the long one, `IBID_TORTURE_SEED` for other instants.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command as Process, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use ibid_flow::machine::{Command, Outcome, Status};
use ibid_flow::{Call, Codec, Journal, NewRun, NodeKind, Output, Registry, Runner, RunnerConfig};
use ibid_runtime::{Chance, Clock, Shutdown};
use ibid_store::{RunsQuery, Sqlite, SqliteConfig, Store};
use ibid_types::{Error, Result, RunId};
use parking_lot::Mutex;
use serde_json::{Value, json};

const DIR: &str = "IBID_CRASH_DIR";
/// Runs at work at the same time in the child.
const AT_ONCE: u64 = 8;
/// Runs in all for each kill: enough that there is always something to be killed.
const RUNS_A_KILL: u64 = 15;

/// A loop, parallel branches, a timer and a sub-flow's worth of steps: each effect writes its key down, outside.
const FLOW: &str = "
name: crashes
input: {count: number}
state: {left: list, right: list, done: number}
start: first
nodes:
  first: {kind: mark, with: {value: '{{ count }}'}, into: count, next: [{if: 'count < 3', to: first}, fan]}
  fan: {kind: set, with: {done: '{{ count }}'}, next: {all: [left, right]}}
  left: {kind: mark, with: {value: 10}, into: done, next: [last]}
  right: {kind: mark, with: {value: 20}, next: [last]}
  last: {kind: mark, with: {value: '{{ done }}'}, into: done}
output: '{{ done }}'
";
/// Of `first` three times, `left`, `right` and `last`.
const EFFECTS: usize = 6;

/// Appends its key to a file that is synced before it says so: a side effect that a journal cannot take back.
#[derive(Debug)]
struct Mark {
    file: Mutex<File>,
}

impl NodeKind for Mark {
    fn name(&self) -> &str {
        "mark"
    }

    fn description(&self) -> &str {
        "writes its key down"
    }

    fn parameters(&self) -> Value {
        json!({"type": "object", "properties": {"value": {}}})
    }

    fn perform(&self, call: &Call<'_>) -> Result<Output> {
        let mut file = self.file.lock();
        // In one write, so that a kill leaves a whole line or none.
        file.write_all(format!("{}\n", call.idempotency_key).as_bytes())
            .and_then(|()| file.sync_data())
            .map_err(|error| Error::internal("mark_failed", "cannot write").caused_by(error))?;
        let value = call.input["value"].as_i64().unwrap_or_default() + 1;
        Ok(Output { value: json!(value), ..Output::default() })
    }
}

fn append(path: &Path) -> File {
    File::options().create(true).append(true).open(path).unwrap()
}

fn open(dir: &Path) -> (Arc<Runner>, Store) {
    let db = Arc::new(Sqlite::open(SqliteConfig::new(dir.join("ibid.db"))).unwrap());
    let store = Store::new(db, Clock::system());
    let mark = Mark { file: Mutex::new(append(&dir.join("effects"))) };
    let registry = Registry::default().with(Arc::new(mark));
    let journal = Journal::new(store.clone(), Codec::default());
    (Runner::new(RunnerConfig::default(), journal, registry, Clock::system()), store)
}

/// The child: takes up what it finds, and starts runs until there are as many as asked for and all are over.
#[test]
#[ignore = "only as a child of the test below"]
fn the_process_that_is_killed() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let dir = Path::new(&dir).to_owned();
    let wanted: u64 = std::env::var("IBID_CRASH_RUNS").unwrap().parse().unwrap();
    let (runner, store) = open(&dir);
    let workspace = store.workspace_ensure("default").unwrap().id;
    let flow = runner.flows().save(FLOW).unwrap().hash;
    let shutdown = Shutdown::new();
    let rounds = {
        let (runner, shutdown) = (Arc::clone(&runner), shutdown.clone());
        std::thread::spawn(move || runner.run(&shutdown))
    };
    println!("ready");
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= wanted {
                        break;
                    }
                    let key = Some(format!("run-{number}"));
                    let new = NewRun { key, ..NewRun::new(workspace, flow, json!({"count": 0})) };
                    let started = runner.start(new).unwrap();
                    if started.is_new {
                        println!("started {}", started.run);
                    }
                    runner.wait(started.run, Duration::from_secs(60)).unwrap();
                }
            });
        }
    });
    println!("all over");
    shutdown.request();
    rounds.join().unwrap();
}

fn spawn(dir: &Path, runs: u64) -> Child {
    Process::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "the_process_that_is_killed", "--nocapture"])
        .env(DIR, dir)
        .env("IBID_CRASH_RUNS", runs.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Lets the child work for so long after it is ready, then kills it. Says which starts it acknowledged, and whether
/// it came to its own end.
fn work(dir: &Path, runs: u64, longest: Duration) -> (BTreeSet<RunId>, bool) {
    let mut child = spawn(dir, runs);
    let output = child.stdout.take().unwrap();
    let (tell, told) = channel();
    let reader = std::thread::spawn(move || {
        BufReader::new(output).lines().map_while(std::io::Result::ok).for_each(|line| {
            let _ = tell.send(line);
        });
    });
    let (mut acknowledged, mut is_over, mut until) = (BTreeSet::new(), false, None);
    loop {
        let left = until.map_or(Duration::from_secs(120), |until: Instant| {
            until.saturating_duration_since(Instant::now())
        });
        match told.recv_timeout(left) {
            Ok(line) if line.ends_with("ready") => until = Some(Instant::now() + longest),
            Ok(line) => {
                is_over |= line.ends_with("all over");
                let run = line.split_once("started ").and_then(|(_, run)| run.parse::<RunId>().ok());
                acknowledged.extend(run);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                child.kill().unwrap();
                until = Some(Instant::now() + Duration::from_secs(120));
            }
        }
    }
    child.wait().unwrap();
    reader.join().unwrap();
    (acknowledged, is_over)
}

#[test]
fn a_kill_at_any_instant_loses_and_repeats_nothing() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let kills = number("IBID_TORTURE_KILLS").unwrap_or(8);
    let chance = Chance::seeded(number("IBID_TORTURE_SEED").unwrap_or(3));
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeSet::new();
    for kill in 1..=kills {
        let longest = Duration::from_micros(chance.below(120_000));
        acknowledged.extend(work(dir.path(), kill * RUNS_A_KILL, longest).0);
    }
    let (last, is_over) = work(dir.path(), kills * RUNS_A_KILL, Duration::from_secs(600));
    acknowledged.extend(last);
    assert!(is_over, "the last process did not come to its end");
    check(dir.path(), &acknowledged, kills * RUNS_A_KILL);
}

fn check(dir: &Path, acknowledged: &BTreeSet<RunId>, runs_wanted: u64) {
    let (runner, store) = open(dir);
    let runs = all_runs(&store);
    assert_eq!(runs.len() as u64, runs_wanted);
    assert!(acknowledged.is_subset(&runs), "an acknowledged start was lost");
    let mut keys = BTreeSet::new();
    let mut interrupted = 0;
    for run in &runs {
        let view = runner.view(*run).unwrap();
        assert_eq!(view.state.status, Status::Finished, "{:?}", view.state.outcome);
        assert_eq!(view.state.outcome, Some(Outcome::Output(json!(12))));
        interrupted += check_effects(&runner, *run, &mut keys);
        assert_eq!(runner.replay(*run).unwrap().differs_at, None);
    }
    let mut done: BTreeMap<String, usize> = BTreeMap::new();
    for line in BufReader::new(File::open(dir.join("effects")).unwrap()).lines() {
        *done.entry(line.unwrap()).or_default() += 1;
    }
    let twice = done.values().filter(|times| **times > 1).count();
    assert_eq!(done.into_keys().collect::<BTreeSet<_>>(), keys, "by key, each effect was done once");
    assert!(twice <= interrupted, "{twice} effects were done again, {interrupted} were interrupted");
}

fn all_runs(store: &Store) -> BTreeSet<RunId> {
    let mut query = RunsQuery { limit: 500, ..RunsQuery::default() };
    let mut runs = BTreeSet::new();
    loop {
        let page = store.run_list(&query).unwrap();
        runs.extend(page.items.iter().map(|run| run.id));
        query.cursor = page.next;
        if query.cursor.is_none() {
            return runs;
        }
    }
}

/// Each effect of the run was acknowledged once; gives how many interruptions there were.
fn check_effects(runner: &Runner, run: RunId, keys: &mut BTreeSet<String>) -> usize {
    let mut acknowledged = BTreeSet::new();
    let mut interrupted = 0;
    for checkpoint in runner.journal().from(run, 0, 1000).unwrap() {
        match checkpoint.command {
            Command::Performed { effect, .. } => {
                assert!(acknowledged.insert(effect), "effect {effect} of {run} was acknowledged twice");
            }
            Command::Interrupted { .. } => interrupted += 1,
            _ => {}
        }
    }
    assert_eq!(acknowledged.len(), EFFECTS, "run {run}");
    keys.extend(acknowledged.into_iter().map(|effect| format!("{run}/{effect}")));
    interrupted
}
