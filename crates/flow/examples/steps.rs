//! How many steps a second a runner makes on a SQLite file, for one run at a time and for many at once. A step is one
//! node with its checkpoint on disk. `cargo run --release -p ibid-flow --example steps [SECONDS]`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use ibid_flow::{Call, Codec, FlowHash, Journal, NewRun, NodeKind, Output, Registry, Runner, RunnerConfig};
use ibid_runtime::Clock;
use ibid_store::{Sqlite, SqliteConfig, Store};
use ibid_types::{Result, WorkspaceId};
use serde_json::{Value, json};

const FLOW: &str = "
name: five
input: {count: number}
start: a
nodes:
  a: {kind: add, with: {value: '{{ count }}'}, into: count, next: [b]}
  b: {kind: add, with: {value: '{{ count }}'}, into: count, next: [c]}
  c: {kind: add, with: {value: '{{ count }}'}, into: count, next: [d]}
  d: {kind: add, with: {value: '{{ count }}'}, into: count, next: [e]}
  e: {kind: add, with: {value: '{{ count }}'}, into: count}
";
const NODES: u32 = 5;

#[derive(Debug)]
struct Add;

impl NodeKind for Add {
    fn name(&self) -> &str {
        "add"
    }

    fn description(&self) -> &str {
        "adds one"
    }

    fn parameters(&self) -> Value {
        json!({"type": "object", "properties": {"value": {}}})
    }

    fn perform(&self, call: &Call<'_>) -> Result<Output> {
        let value = call.input["value"].as_f64().unwrap_or_default() + 1.0;
        Ok(Output { value: json!(value), ..Output::default() })
    }
}

fn main() {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(3);
    let dir = tempfile::tempdir().unwrap();
    let db = Arc::new(Sqlite::open(SqliteConfig::new(dir.path().join("ibid.db"))).unwrap());
    let store = Store::new(db, Clock::system());
    let workspace = store.workspace_ensure("default").unwrap().id;
    let registry = Registry::default().with(Arc::new(Add));
    let journal = Journal::new(store.clone(), Codec::default());
    let runner = Runner::new(RunnerConfig::default(), journal, registry, Clock::system());
    let flow = runner.flows().save(FLOW).unwrap().hash;
    for at_once in [1, 8, 64] {
        let (runs, taken) = measure(&runner, workspace, flow, at_once, Duration::from_secs(seconds));
        let rate = f64::from(runs * NODES) / taken.as_secs_f64();
        println!("{at_once:>3} at once: {rate:>8.0} steps/s, {runs} runs in {taken:.2?}");
    }
    let totals = store.checkpoint_totals().unwrap();
    let mean = totals.checkpoint_bytes as f64 / totals.checkpoints.max(1) as f64;
    println!("{} checkpoints, {mean:.0} bytes each", totals.checkpoints);
    runner.stop();
    drop(runner);
    let file = std::fs::metadata(dir.path().join("ibid.db")).map_or(0, |file| file.len());
    println!("{} bytes of file a checkpoint", file / totals.checkpoints.max(1));
}

/// Runs that ended, and how long that took.
fn measure(
    runner: &Arc<Runner>,
    workspace: WorkspaceId,
    flow: FlowHash,
    at_once: u32,
    longest: Duration,
) -> (u32, Duration) {
    let begun = Instant::now();
    let threads: Vec<_> = (0..at_once)
        .map(|_| {
            let runner = Arc::clone(runner);
            std::thread::spawn(move || {
                let mut runs = 0;
                while begun.elapsed() < longest {
                    let new = NewRun::new(workspace, flow, json!({"count": 0}));
                    let run = runner.start(new).unwrap().run;
                    runner.wait(run, Duration::from_secs(60)).unwrap();
                    runs += 1;
                }
                runs
            })
        })
        .collect();
    let runs = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    (runs, begun.elapsed())
}
