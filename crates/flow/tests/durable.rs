//! Runs on a real store: steps, retries, timeouts, people, timers, restarts, watchers, keys, forks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use ibid_flow::events::{Event, EventId, StepState};
use ibid_flow::machine::{Command, Outcome, RunState, Status};
use ibid_flow::{
    Call, CheckpointKey, Codec, Emitted, Fork, Journal, KeepPolicy, NewRun, NodeKind, OnFinish, Output,
    Registry, RunView, Runner, RunnerConfig, Watch, Watched,
};
use ibid_runtime::{Clock, Shutdown};
use ibid_store::{
    Sqlite, SqliteConfig, Statement, Store, TurnEnd, TurnStart, Unsealed, turn_finish, turn_insert,
};
use ibid_types::{Error, Result, RunId, Timestamp, TurnId, WorkspaceId};
use parking_lot::Mutex;
use serde_json::{Value, json};

const LONG: Duration = Duration::from_secs(60);

/// `does`: add (one to `value`), say (its `value`, word by word), fail, panic, or block until the test lets it go.
#[derive(Debug)]
struct Does {
    begun: Mutex<Sender<u32>>,
    go_on: Mutex<Receiver<()>>,
}

impl NodeKind for Does {
    fn name(&self) -> &str {
        "does"
    }

    fn description(&self) -> &str {
        "does what a test wants"
    }

    fn parameters(&self) -> Value {
        json!({"type": "object", "properties": {"what": {"type": "string"}, "value": {}}})
    }

    fn events_of(&self, output: &Value) -> Vec<(String, Value)> {
        output.get("citation").map(|value| ("citation".to_owned(), value.clone())).into_iter().collect()
    }

    fn text_of(&self, output: &Value) -> Option<String> {
        output.as_str().map(str::to_owned)
    }

    fn perform(&self, call: &Call<'_>) -> Result<Output> {
        let value = call.input["value"].clone();
        match call.input["what"].as_str().unwrap_or_default() {
            "add" => Ok(output(json!(value.as_i64().unwrap_or_default() + 1))),
            "fail" => Err(Error::unavailable("provider_unreachable", "nobody is there")),
            "refuse" => Err(Error::bad_request("value_unknown", "no")),
            "panic" => panic!("as tested"),
            "block" => self.block(call),
            _ => say(call, value.as_str().unwrap_or_default()),
        }
    }
}

impl Does {
    fn block(&self, call: &Call<'_>) -> Result<Output> {
        let _ = (call.emit)(Emitted::Token("half ".to_owned()));
        self.begun.lock().send(call.attempt).unwrap();
        let _ = self.go_on.lock().recv();
        if (call.emit)(Emitted::Token("whole".to_owned())) == ControlFlow::Break(()) {
            return Err(Error::unavailable("stopped", "it was told to stop"));
        }
        Ok(output(json!("half whole")))
    }
}

fn say(call: &Call<'_>, text: &str) -> Result<Output> {
    for word in text.split_inclusive(' ') {
        let _ = (call.emit)(Emitted::Token(word.to_owned()));
    }
    Ok(Output { value: json!(text), prompt_tokens: 7, completion_tokens: 3, money: 0.25 })
}

fn output(value: Value) -> Output {
    Output { value, ..Output::default() }
}

struct Fixture {
    dir: tempfile::TempDir,
    clock: Clock,
    store: Store,
    workspace: WorkspaceId,
    runner: Arc<Runner>,
    begun: Receiver<u32>,
    go_on: Sender<()>,
}

fn open(dir: &std::path::Path, clock: &Clock) -> Store {
    Store::new(Arc::new(Sqlite::open(SqliteConfig::new(dir.join("ibid.db"))).unwrap()), clock.clone())
}

fn fixture() -> Fixture {
    fixture_with(&[], RunnerConfig::default())
}

fn fixture_with(keys: &[CheckpointKey], config: RunnerConfig) -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::manual(Timestamp(1_800_000_000_000));
    let store = open(dir.path(), &clock);
    let workspace = store.workspace_ensure("default").unwrap().id;
    let (runner, begun, go_on) = runner(&store, &clock, keys, config);
    Fixture { dir, clock, store, workspace, runner, begun, go_on }
}

fn runner(
    store: &Store,
    clock: &Clock,
    keys: &[CheckpointKey],
    config: RunnerConfig,
) -> (Arc<Runner>, Receiver<u32>, Sender<()>) {
    let ((begun, begins), (go, goes)) = (channel(), channel());
    let does = Does { begun: Mutex::new(begun), go_on: Mutex::new(goes) };
    let registry = Registry::default().with(Arc::new(does));
    let journal = Journal::new(store.clone(), Codec::new(keys));
    (Runner::new(config, journal, registry, clock.clone()), begins, go)
}

impl Fixture {
    fn new_run(&self, flow: &str, input: Value) -> NewRun {
        let flow = self.runner.flows().save(flow).unwrap().hash;
        NewRun::new(self.workspace, flow, input)
    }

    fn start(&self, flow: &str, input: Value) -> RunId {
        self.runner.start(self.new_run(flow, input)).unwrap().run
    }

    fn finish(&self, flow: &str, input: Value) -> RunView {
        self.runner.wait(self.start(flow, input), LONG).unwrap()
    }

    /// Another process takes the place of this one, which is dead.
    fn restarted(mut self) -> Self {
        self.clock.advance_ms(60_000);
        (self.runner, self.begun, self.go_on) =
            runner(&self.store, &self.clock, &[], RunnerConfig::default());
        self
    }

    fn watch(&self, run: RunId, after: Option<EventId>) -> Watch {
        self.runner.watch(run, after).unwrap()
    }
}

fn rest(watch: &mut Watch) -> Vec<(EventId, Event)> {
    let mut events = Vec::new();
    while let Watched::Event(id, event) = watch.next(LONG).unwrap() {
        events.push((id, event));
    }
    events
}

/// Events in a line: `a+` started, `a.` finished, `a!` failed, `a~` restarted, `a?` waiting, texts, and the end.
fn line(events: &[(EventId, Event)]) -> String {
    let words = events.iter().map(|(_, event)| match event {
        Event::Step(step) => {
            let mark = match step.state {
                StepState::Started => '+',
                StepState::Finished => '.',
                StepState::Failed => '!',
                StepState::Restarted => '~',
                StepState::Waiting => '?',
            };
            format!("{}{mark}", step.node)
        }
        Event::Token { text, replace: false, .. } => format!("'{text}'"),
        Event::Token { text, replace: true, .. } => format!("='{text}'"),
        Event::Interrupt { .. } => "ask".to_owned(),
        Event::Told { name, .. } => name.clone(),
        Event::Usage { prompt_tokens, .. } => format!("usage:{prompt_tokens}"),
        Event::Error(fault) => fault.code.clone(),
        Event::Done { status, .. } => status.name().to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn output_of(state: &RunState) -> &Value {
    match &state.outcome {
        Some(Outcome::Output(output)) => output,
        other => panic!("no output but {other:?}"),
    }
}

fn fault_of(state: &RunState) -> &str {
    match &state.outcome {
        Some(Outcome::Fault(fault)) => &fault.code,
        other => panic!("no fault but {other:?}"),
    }
}

const FIVE: &str = "
name: five
input: {count: number}
start: a
nodes:
  a: {kind: does, with: {what: add, value: '{{ count }}'}, into: count, next: [b]}
  b: {kind: does, with: {what: add, value: '{{ count }}'}, into: count, next: [c]}
  c: {kind: does, with: {what: add, value: '{{ count }}'}, into: count, next: [d]}
  d: {kind: does, with: {what: add, value: '{{ count }}'}, into: count, next: [e]}
  e: {kind: does, with: {what: add, value: '{{ count }}'}, into: count}
output: '{{ count }}'
";

const SAY: &str = "
name: says
input: {text: text}
state: {said: text}
start: say
nodes:
  say: {kind: does, with: {what: say, value: '{{ text }}'}, into: said}
output: '{{ said }}'
";

fn one(what: &str, more: &str) -> String {
    let other = if more.contains(": m") || more.contains("[m]") {
        "  m: {kind: does, with: {what: add, value: 6}, into: out}\n"
    } else {
        ""
    };
    format!(
        "name: one\nstate: {{out: any}}\nstart: n\nnodes:\n  n: {{kind: does, with: {{what: {what}}}, into: out{more}}}\n{other}output: '{{{{ out }}}}'\n"
    )
}

const ASK: &str = "
name: asks
state: {approved: any}
start: ask
nodes:
  ask: {kind: human, with: {prompt: 'Send it?', schema: {type: boolean}}, into: approved, next: [n]}
  n: {kind: does, with: {what: add, value: 1}}
output: '{{ approved }}'
";

const NAP: &str = "
name: naps
state: {count: number}
start: nap
nodes:
  nap: {kind: wait, with: {seconds: 50}, next: [n]}
  n: {kind: does, with: {what: add, value: 1}, into: count}
output: '{{ count }}'
";

#[test]
fn each_step_is_one_small_checkpoint() {
    let f = fixture();
    let view = f.finish(FIVE, json!({"count": 0}));
    assert_eq!(*output_of(&view.state), json!(5));
    assert_eq!((view.row.status.as_str(), view.number), ("finished", 5));
    let heads = f.runner.history(view.row.id, 0, 99).unwrap();
    let nodes: Vec<_> = heads.iter().map(|head| head.node.as_deref().unwrap_or("-")).collect();
    assert_eq!(nodes, ["-", "a", "b", "c", "d", "e"]);
    let largest = heads.iter().map(|head| head.bytes).max().unwrap();
    assert!(largest <= 500, "{largest} bytes");
}

#[test]
fn a_checkpoint_takes_less_than_two_kilobytes_on_disk() {
    let f = fixture();
    let runs: Vec<RunId> = (0..40).map(|_| f.start(FIVE, json!({"count": 0}))).collect();
    runs.iter().for_each(|run| assert!(f.runner.wait(*run, LONG).unwrap().state.status.is_over()));
    let pages =
        "SELECT SUM(pgsize) FROM dbstat WHERE name IN ('checkpoints', 'sqlite_autoindex_checkpoints_1')";
    let bytes = match f.store.db().query(pages, &[]) {
        Ok(rows) => rows[0].get::<u64>(0).unwrap(),
        // Without that table of SQLite's: bodies, and 100 bytes for the rest of a row with its index.
        Err(_) => f.store.checkpoint_totals().unwrap().checkpoint_bytes + 100 * 240,
    };
    let each = bytes / 240;
    assert!(each <= 700, "{each} bytes");
}

#[test]
fn a_second_start_with_the_key_gives_the_first_run() {
    let f = fixture();
    let keyed = || NewRun { key: Some("k".to_owned()), ..f.new_run(FIVE, json!({"count": 0})) };
    let first = f.runner.start(keyed()).unwrap();
    let again = f.runner.start(keyed()).unwrap();
    assert_eq!((first.is_new, again.is_new, first.run), (true, false, again.run));
    let other = NewRun { workspace: WorkspaceId::new(), ..keyed() };
    assert!(f.runner.start(other).unwrap().is_new);
}

#[test]
fn starts_with_one_key_at_the_same_time_give_one_run() {
    let f = fixture();
    let keyed = || NewRun { key: Some("k".to_owned()), ..f.new_run(FIVE, json!({"count": 0})) };
    let runs: Vec<RunId> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| keyed()).map(|new| scope.spawn(|| f.runner.start(new).unwrap().run)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(runs.iter().all(|run| *run == runs[0]));
}

#[test]
fn wrong_starts_are_refused() {
    let f = fixture();
    let start = |input| f.runner.start(f.new_run(FIVE, input)).unwrap_err().code;
    assert_eq!(start(json!({"count": "x"})), "flow_input_invalid");
    assert_eq!(start(json!({})), "flow_input_invalid");
    let mut deep = json!(1);
    (0..100).for_each(|_| deep = json!([deep.take()]));
    assert_eq!(start(json!({"count": deep})), "flow_value_too_large");
    let long = NewRun { key: Some("k".repeat(201)), ..f.new_run(FIVE, json!({"count": 0})) };
    assert_eq!(f.runner.start(long).unwrap_err().code, "run_key_too_long");
    let unknown = NewRun::new(f.workspace, ibid_flow::FlowHash([9; 32]), json!({}));
    assert_eq!(f.runner.start(unknown).unwrap_err().code, "flow_unknown");
    assert_eq!(f.runner.view(RunId::new()).unwrap_err().code, "run_unknown");
}

#[test]
fn a_panic_fails_the_node_and_nothing_else() {
    let f = fixture();
    let view = f.finish(&one("panic", ", retry: {attempts: 1}"), json!({}));
    assert_eq!(fault_of(&view.state), "flow_node_panicked");
    assert_eq!(view.row.failure_code.as_deref(), Some("flow_node_panicked"));
    assert_eq!(f.finish(FIVE, json!({"count": 1})).state.status, Status::Finished);
}

#[test]
fn a_passing_failure_is_tried_again_after_its_delay() {
    let f = fixture();
    let run = f.start(&one("fail", ", retry: {attempts: 2, first_seconds: 10}, on_error: m"), json!({}));
    let mut watch = f.watch(run, None);
    let until_failed = |watch: &mut Watch| loop {
        if let Watched::Event(_, Event::Step(step)) = watch.next(LONG).unwrap()
            && step.state == StepState::Failed
        {
            return step.attempt;
        }
    };
    assert_eq!(until_failed(&mut watch), 1);
    f.runner.tick();
    f.clock.advance_ms(10_001);
    f.runner.tick();
    assert_eq!(until_failed(&mut watch), 2);
    assert_eq!(*output_of(&f.runner.wait(run, LONG).unwrap().state), json!(7));
}

#[test]
fn an_effect_that_takes_too_long_is_given_up() {
    let f = fixture();
    let flow = one("block", ", retry: {attempts: 1}, timeout_seconds: 5, on_error: m");
    let run = f.start(&flow, json!({}));
    f.begun.recv().unwrap();
    f.clock.advance_ms(5_001);
    f.runner.tick();
    let view = f.runner.wait(run, LONG).unwrap();
    assert_eq!(*output_of(&view.state), json!(7));
    f.go_on.send(()).unwrap();
}

#[test]
fn a_person_answers_a_run_that_is_not_in_memory() {
    let f = fixture();
    let run = f.start(ASK, json!({}));
    let view = f.runner.view(run).unwrap();
    assert_eq!((view.row.status.as_str(), view.row.asks, view.row.lease_owner), ("waiting", 1, None));
    let f = f.restarted();
    let wrong = f.runner.answer(run, None, json!("maybe"), "eve").unwrap_err();
    assert_eq!(wrong.code, "flow_answer_invalid");
    assert_eq!(
        f.runner.answer(run, Some(99), json!(true), "eve").unwrap_err().code,
        "flow_interrupt_unknown"
    );
    f.runner.answer(run, None, json!(true), "ann").unwrap();
    assert_eq!(*output_of(&f.runner.wait(run, LONG).unwrap().state), json!(true));
    assert!(f.runner.answer(run, None, json!(true), "ann").is_err());
}

#[test]
fn a_timer_wakes_a_run_that_is_not_in_memory() {
    let f = fixture();
    let run = f.start(NAP, json!({}));
    f.runner.tick();
    assert_eq!(f.runner.view(run).unwrap().state.status, Status::Waiting);
    let f = f.restarted();
    f.runner.tick();
    assert_eq!(*output_of(&f.runner.wait(run, LONG).unwrap().state), json!(2));
}

#[test]
fn a_timer_wakes_a_run_of_this_process() {
    let f = fixture();
    let run = f.start(NAP, json!({}));
    f.runner.tick();
    f.clock.advance_ms(50_001);
    f.runner.tick();
    assert_eq!(*output_of(&f.runner.wait(run, LONG).unwrap().state), json!(2));
}

#[test]
fn an_interrupted_effect_is_tried_again_by_whoever_comes_next() {
    let f = fixture();
    let run = f.start(&one("block", ""), json!({}));
    assert_eq!(f.begun.recv().unwrap(), 1);
    let seen = loop {
        let Watched::Event(id, event) = f.watch(run, None).next(LONG).unwrap() else { panic!("no event") };
        if matches!(event, Event::Step(_)) {
            break id;
        }
    };
    let (old, old_go_on) = (Arc::clone(&f.runner), f.go_on.clone());
    let f = f.restarted();
    f.runner.tick();
    assert_eq!(f.begun.recv().unwrap(), 2);
    let mut watch = f.watch(run, Some(seen));
    f.go_on.send(()).unwrap();
    let line = line(&rest(&mut watch));
    assert!(line.starts_with("n~ ") && line.ends_with("finished"), "{line}");
    // The first owner comes back from the dead: what it has to say is not heard.
    old_go_on.send(()).unwrap();
    old.stop();
    assert!(f.runner.replay(run).unwrap().differs_at.is_none());
    assert_eq!(f.runner.view(run).unwrap().number, 2);
}

#[test]
fn stopping_leaves_effects_in_the_journal() {
    let f = fixture();
    let run = f.start(&one("block", ""), json!({}));
    f.begun.recv().unwrap();
    let (runner, go_on) = (Arc::clone(&f.runner), f.go_on.clone());
    let stopping = std::thread::spawn(move || runner.stop());
    while f.runner.start(f.new_run(FIVE, json!({"count": 0}))).is_ok() {}
    go_on.send(()).unwrap();
    stopping.join().unwrap();
    assert_eq!(f.runner.view(run).unwrap().row.lease_owner, None);
    let f = f.restarted();
    f.runner.tick();
    f.begun.recv().unwrap();
    f.go_on.send(()).unwrap();
    assert_eq!(*output_of(&f.runner.wait(run, LONG).unwrap().state), json!("half whole"));
}

#[test]
fn a_cancelled_effect_is_told_to_stop() {
    let f = fixture();
    let run = f.start(&one("block", ""), json!({}));
    f.begun.recv().unwrap();
    f.runner.cancel(run, "not needed").unwrap();
    f.go_on.send(()).unwrap();
    assert_eq!(f.runner.wait(run, LONG).unwrap().state.status, Status::Cancelled);
    assert!(f.runner.cancel(run, "again").is_err());
}

#[test]
fn who_watches_from_the_start_sees_all() {
    let f = fixture();
    let run = f.start(&one("block", ", next: [m]"), json!({}));
    f.begun.recv().unwrap();
    let mut watch = f.watch(run, None);
    let mut events: Vec<(EventId, Event)> = Vec::new();
    while events.len() < 2 {
        let Watched::Event(id, event) = watch.next(LONG).unwrap() else { panic!("no event") };
        events.push((id, event));
    }
    f.go_on.send(()).unwrap();
    events.extend(rest(&mut watch));
    assert!(events.is_sorted_by_key(|(id, _)| *id), "{events:?}");
    assert_eq!(line(&events), "n+ ='half ' 'whole' n. m+ m. finished");
}

#[test]
fn who_comes_late_gets_the_text_in_one_piece() {
    let f = fixture();
    let view = f.finish(SAY, json!({"text": "a b"}));
    let late = rest(&mut f.watch(view.row.id, None));
    assert_eq!(line(&late), "say+ ='a b' usage:7 say. finished");
    for (at, (id, _)) in late.iter().enumerate() {
        assert_eq!(rest(&mut f.watch(view.row.id, Some(*id))), late[at + 1..], "after {id}");
    }
}

#[test]
fn who_comes_back_misses_nothing_of_a_running_effect() {
    let f = fixture();
    let run = f.start(&one("block", ""), json!({}));
    f.begun.recv().unwrap();
    let mut watch = f.watch(run, None);
    let mut seen = None;
    for _ in 0..2 {
        let Watched::Event(id, _) = watch.next(LONG).unwrap() else { panic!("no event") };
        seen = Some(id);
    }
    drop(watch);
    let mut watch = f.watch(run, seen);
    f.go_on.send(()).unwrap();
    assert_eq!(line(&rest(&mut watch)), "'whole' n. finished");
}

#[test]
fn interrupts_and_failures_are_told() {
    let f = fixture();
    let run = f.start(ASK, json!({}));
    let mut watch = f.watch(run, None);
    f.runner.answer(run, None, json!(false), "ann").unwrap();
    assert_eq!(line(&rest(&mut watch)), "ask? ask ask. n+ n. finished");
    let failed = f.finish(&one("refuse", ""), json!({})).row.id;
    assert_eq!(line(&rest(&mut f.watch(failed, None))), "n+ n! value_unknown failed");
}

#[test]
fn sealed_states_open_with_their_key_only() {
    let key = |id, byte| CheckpointKey { id, bytes: [byte; 32] };
    let f = fixture_with(&[key(1, 1)], RunnerConfig::default());
    let secret = "the lighthouse keeper ".repeat(100);
    let run = f.finish(SAY, json!({"text": secret})).row.id;
    let runner_with = |keys: &[CheckpointKey]| runner(&f.store, &f.clock, keys, RunnerConfig::default()).0;
    assert_eq!(runner_with(&[]).view(run).unwrap_err().code, "checkpoint_key_missing");
    let both = runner_with(&[key(2, 2), key(1, 1)]);
    let done = both.reencrypt(&Shutdown::new()).unwrap();
    assert_eq!((done.checkpoints, done.values), (2, 1));
    assert_eq!(both.reencrypt(&Shutdown::new()).unwrap(), ibid_flow::Reencrypted::default());
    let view = runner_with(&[key(2, 2)]).view(run).unwrap();
    assert_eq!(*output_of(&view.state), json!(secret));
    f.runner.stop();
    let files = std::fs::read_dir(f.dir.path()).unwrap().map(|entry| std::fs::read(entry.unwrap().path()));
    assert!(!files.flatten().any(|file| file.windows(16).any(|part| part == b"lighthouse keepe")));
}

#[test]
fn large_values_are_stored_once() {
    let f = fixture();
    let text = "0123456789".repeat(1000);
    for _ in 0..3 {
        let view = f.finish(SAY, json!({"text": text}));
        assert_eq!(*output_of(&view.state), json!(text));
        assert!(f.runner.replay(view.row.id).unwrap().differs_at.is_none());
    }
    assert_eq!(f.runner.statistics().unwrap().totals.values, 1);
}

#[test]
fn a_fork_goes_its_own_way_from_a_changed_state() {
    let f = fixture();
    let run = f.finish(FIVE, json!({"count": 0})).row.id;
    let changes = json!({"count": 100}).as_object().unwrap().clone();
    let fork = f.runner.fork(run, Fork { checkpoint: Some(3), changes, ..Fork::default() }).unwrap();
    let view = f.runner.wait(fork, LONG).unwrap();
    // The effect of `d` was pending at checkpoint 3, with its input of then.
    assert_eq!((view.row.forked_from, view.number), (Some((run, 3)), 2));
    let diff = f.runner.diff(run, fork).unwrap();
    assert_eq!((diff.common, diff.first[0].path.as_str()), (3, "/frames/0/channels/count"));
    assert!(f.runner.replay(fork).unwrap().differs_at.is_none());
    let code = |fork| f.runner.fork(run, fork).unwrap_err().code;
    assert_eq!(code(Fork { checkpoint: Some(5), ..Fork::default() }), "run_over");
    assert_eq!(code(Fork { checkpoint: Some(9), ..Fork::default() }), "checkpoint_unknown");
    let unknown = json!({"other": 1}).as_object().unwrap().clone();
    assert_eq!(code(Fork { changes: unknown, ..Fork::default() }), "flow_fork_unfit");
    let same = f.runner.fork(run, Fork { checkpoint: Some(3), ..Fork::default() }).unwrap();
    f.runner.wait(same, LONG).unwrap();
    assert!(f.runner.diff(run, same).unwrap().last.iter().all(|found| !found.path.contains("channels")));
}

#[test]
fn a_changed_journal_is_found_by_a_replay() {
    let f = fixture();
    let run = f.finish(FIVE, json!({"count": 0})).row.id;
    assert_eq!(f.runner.replay(run).unwrap().checkpoints, 6);
    let mut checkpoint = f.runner.state_at(run, 3).unwrap();
    checkpoint.state.frames.get_mut(&0).unwrap().channels["count"] = json!(99);
    let (command, state) = (&mut checkpoint.command, &mut checkpoint.state);
    let packed = Codec::default().pack(run, 3, command, state, &Default::default()).unwrap();
    let row = f.store.checkpoint_find(run, 3).unwrap().unwrap();
    f.store.db().batch(vec![ibid_store::checkpoint_repack(&row, packed.body)]).unwrap();
    let replay = f.runner.replay(run).unwrap();
    assert_eq!(replay.differs_at, Some(3));
    assert_eq!(replay.differences[0].path, "/frames/0/channels/count");
}

#[test]
fn a_failed_run_is_taken_up_again() {
    let f = fixture();
    let run = f.finish(&one("refuse", ""), json!({})).row.id;
    f.runner.resume(run).unwrap();
    let view = f.runner.wait(run, LONG).unwrap();
    assert_eq!((view.state.status, view.number), (Status::Failed, 3));
    let done = f.finish(FIVE, json!({"count": 0})).row.id;
    assert!(f.runner.resume(done).is_err());
}

#[test]
fn a_command_of_a_run_that_another_process_holds_is_refused() {
    let f = fixture();
    let run = f.start(&one("block", ""), json!({}));
    f.begun.recv().unwrap();
    let (other, _begun, _go_on) = runner(&f.store, &f.clock, &[], RunnerConfig::default());
    let error = other.command(run, Command::Cancel { reason: String::new(), at: f.clock.now() }).unwrap_err();
    assert_eq!(error.code, "run_taken");
    f.go_on.send(()).unwrap();
    assert_eq!(other.wait(run, LONG).unwrap().state.status, Status::Finished);
}

#[derive(Debug)]
struct Turns;

impl OnFinish for Turns {
    fn statements(&self, state: &RunState, now: Timestamp) -> Vec<Statement> {
        let answer = match &state.outcome {
            Some(Outcome::Output(output)) => Some(output),
            _ => None,
        };
        let end = TurnEnd { run: state.run, status: state.status.name(), answer, failure: None, now };
        turn_finish(&end, &Unsealed).unwrap()
    }
}

#[test]
fn what_was_said_comes_under_a_key_with_the_checkpoints() {
    let f = fixture();
    let thread = f.store.thread_create(f.workspace, "the lighthouse keeper", None).unwrap();
    let codec = |id| Codec::new(&[CheckpointKey { id, bytes: [id; 32] }]);
    let sealed = |id| f.store.clone().with_sealer(Arc::new(codec(id)));
    let other =
        runner(&sealed(1), &f.clock, &[CheckpointKey { id: 1, bytes: [1; 32] }], RunnerConfig::default()).0;
    assert_eq!(other.reencrypt(&Shutdown::new()).unwrap().texts, 1);
    assert_eq!(other.reencrypt(&Shutdown::new()).unwrap().texts, 0);
    let title =
        |store: Store| Ok::<_, ibid_types::Error>(store.thread_find(f.workspace, thread)?.unwrap().title);
    assert_eq!(title(sealed(1)).unwrap(), "the lighthouse keeper");
    assert!(!title(f.store.clone()).unwrap().contains("keeper"));
    assert_eq!(title(sealed(2)).unwrap_err().code, "checkpoint_key_missing");
}

fn turn_of(f: &Fixture, id: TurnId, thread: ibid_types::ThreadId, run: RunId) -> Vec<Statement> {
    let (workspace, now) = (f.workspace, f.clock.now());
    let start = TurnStart { id, workspace, thread, run, question: "say hello", options: &json!({}), now };
    turn_insert(&start, &Unsealed).unwrap()
}

#[test]
fn a_turn_starts_and_ends_with_its_run() {
    let config = RunnerConfig { on_finish: Some(Arc::new(Turns)), ..RunnerConfig::default() };
    let f = fixture_with(&[], config);
    let thread = f.store.thread_create(f.workspace, "t", None).unwrap();
    let mut new = NewRun { thread: Some(thread), ..f.new_run(SAY, json!({"text": "hello"})) };
    let turn = TurnId::new();
    new.also = turn_of(&f, turn, thread, new.id);
    let run = f.runner.start(new).unwrap().run;
    f.runner.wait(run, LONG).unwrap();
    let turn = f.store.turn_find(turn).unwrap().unwrap();
    assert_eq!((turn.run, turn.status.as_str(), turn.answer), (run, "finished", Some(json!("hello"))));
    let mut lost = f.new_run(SAY, json!({"text": "hello"}));
    let nowhere = ibid_types::ThreadId::new();
    lost.also = turn_of(&f, TurnId::new(), nowhere, lost.id);
    let id = lost.id;
    assert_eq!(f.runner.start(lost).unwrap_err().code, "store_conflict");
    assert!(f.store.run_find(id).unwrap().is_none());
}

#[test]
fn old_runs_get_thin_and_go_and_running_ones_stay() {
    let f = fixture();
    let (done, asking) = (f.finish(FIVE, json!({"count": 0})).row.id, f.start(ASK, json!({})));
    let policy = KeepPolicy { keep_days: 90, thin_days: 7 };
    let clean = || f.runner.clean_up(policy, &Shutdown::new()).unwrap();
    assert_eq!(clean(), ibid_flow::Cleaned::default());
    f.clock.advance_ms(8 * 86_400_000);
    assert_eq!(clean().thinned, 1);
    assert_eq!(f.runner.history(done, 0, 99).unwrap().len(), 2);
    assert_eq!(f.runner.replay(done).unwrap_err().code, "checkpoint_unknown");
    f.clock.advance_ms(90 * 86_400_000);
    assert_eq!(clean().runs, 1);
    assert_eq!(f.runner.view(done).unwrap_err().code, "run_unknown");
    assert_eq!(f.runner.view(asking).unwrap().row.status, "waiting");
    assert_eq!(f.runner.statistics().unwrap().runs["waiting"], 1);
}
