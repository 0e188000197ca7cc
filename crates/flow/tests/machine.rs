//! The rules of the machine, one by one: a command, and what comes of it.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::Arc;

use ibid_flow::machine::{
    Action, Activity, Applied, Command, Definitions, Effect, Fault, Outcome, RunState, Status, apply, rebase,
    sub_flows,
};
use ibid_flow::{Call, Definition, FlowHash, NodeKind, Output, Registry};
use ibid_types::{Class, Error, Result, RunId, Timestamp, WorkspaceId};
use serde_json::{Value, json};

/// Never performed: the tests say what came of it.
#[derive(Debug)]
struct Work;

impl NodeKind for Work {
    fn name(&self) -> &'static str {
        "work"
    }

    fn description(&self) -> &'static str {
        "Works."
    }

    fn parameters(&self) -> Value {
        json!({"type": "object"})
    }

    fn perform(&self, _: &Call<'_>) -> Result<Output> {
        Err(Error::internal("never", "never performed"))
    }
}

#[derive(Default)]
struct Library(BTreeMap<String, Arc<Definition>>);

impl Library {
    fn of(sources: &[&str]) -> Self {
        let flows = sources.iter().map(|source| Arc::new(flow(source)));
        Self(flows.map(|flow| (flow.name.clone(), flow)).collect())
    }

    fn newest(&self, name: &str) -> Result<FlowHash> {
        Ok(self.0.get(name).ok_or_else(|| Error::not_found("flow_unknown", "no such flow"))?.hash)
    }
}

impl Definitions for Library {
    fn definition(&self, hash: &FlowHash) -> Result<Arc<Definition>> {
        let found = self.0.values().find(|flow| flow.hash == *hash).cloned();
        found.ok_or_else(|| Error::not_found("flow_unknown", "no such flow"))
    }
}

fn flow(source: &str) -> Definition {
    let source = if source.contains("name:") { source.to_owned() } else { format!("name: main\n{source}") };
    let kinds = Registry::default().with(Arc::new(Work));
    Definition::parse(&source, &kinds, &|_| true).unwrap_or_else(|problems| panic!("{source}\n{problems:?}"))
}

struct Run {
    library: Library,
    state: Option<RunState>,
    now: Timestamp,
    actions: Vec<Action>,
    ended: Vec<String>,
}

impl Run {
    fn of(source: &str) -> Self {
        Self::with(&[source], json!({})).unwrap()
    }

    /// The first flow is the one to run.
    fn with(sources: &[&str], input: Value) -> Result<Self> {
        let library = Library::of(sources);
        let root = flow(sources[0]).hash;
        let flows = sub_flows(&library, &|name| library.newest(name), &root)?;
        let mut run =
            Self { library, state: None, now: Timestamp(0), actions: Vec::new(), ended: Vec::new() };
        let (id, workspace) = (RunId::from_bytes([1; 16]), WorkspaceId::from_bytes([2; 16]));
        run.apply(&Command::Start { run: id, workspace, flow: root, flows, input, at: run.now })?;
        Ok(run)
    }

    fn apply(&mut self, command: &Command) -> Result<Applied> {
        let applied = apply(&self.library, &mut self.state, command)?;
        self.actions.clone_from(&applied.actions);
        self.ended.clone_from(&applied.ended);
        Ok(applied)
    }

    fn state(&self) -> &RunState {
        self.state.as_ref().unwrap()
    }

    fn effect(&self, node: &str) -> Effect {
        self.state()
            .pending()
            .find(|effect| effect.name == node)
            .unwrap_or_else(|| panic!("{node} is not pending"))
            .clone()
    }

    fn performed(&self, node: &str, output: Value) -> Command {
        self.spent(node, output, 0, 0.0)
    }

    fn spent(&self, node: &str, output: Value, tokens: u64, money: f64) -> Command {
        let effect = self.effect(node).id;
        Command::Performed {
            effect,
            output,
            prompt_tokens: tokens,
            completion_tokens: 0,
            money,
            at: self.now,
        }
    }

    fn done(&mut self, node: &str, output: Value) -> &mut Self {
        self.apply(&self.performed(node, output)).unwrap();
        self
    }

    fn fails(&mut self, node: &str, is_passing: bool) -> &mut Self {
        let fault = Fault {
            class: Class::Unavailable,
            code: "broken".to_owned(),
            message: "broken".to_owned(),
            is_passing,
        };
        self.apply(&Command::Failed { effect: self.effect(node).id, fault, at: self.now }).unwrap();
        self
    }

    fn is_interrupted(&mut self, node: &str) -> &mut Self {
        self.apply(&Command::Interrupted { effect: self.effect(node).id, at: self.now }).unwrap();
        self
    }

    fn go_on(&mut self) -> &mut Self {
        self.apply(&Command::Continue { at: self.now }).unwrap();
        self
    }

    fn pass(&mut self, seconds: i64) -> &mut Self {
        self.now = self.now.plus_ms(seconds * 1000);
        self.apply(&Command::Passed { at: self.now }).unwrap();
        self
    }

    fn answer(&mut self, interrupt: u32, value: Value) -> Result<Applied> {
        self.apply(&Command::Answer { interrupt, value, by: "me".to_owned(), at: self.now })
    }

    fn question(&self) -> u32 {
        let active = self.state().frames.values().flat_map(|frame| frame.active.values());
        let mut ids = active.filter_map(|activity| match activity {
            Activity::Asking(question) => Some(question.id),
            _ => None,
        });
        ids.next_back().unwrap()
    }

    fn cancel(&mut self) -> Result<Applied> {
        self.apply(&Command::Cancel { reason: "enough".to_owned(), at: self.now })
    }

    fn resume(&mut self) -> Result<Applied> {
        self.apply(&Command::Resume { at: self.now })
    }

    fn channel(&self, name: &str) -> Value {
        self.state().frames[&0].channels[name].clone()
    }

    fn output(&self) -> Value {
        match &self.state().outcome {
            Some(Outcome::Output(output)) => output.clone(),
            other => panic!("the run has no output: {other:?}, {:?}", self.state().status),
        }
    }

    fn fault(&self) -> Fault {
        match &self.state().outcome {
            Some(Outcome::Fault(fault)) => fault.clone(),
            other => panic!("the run has not failed: {other:?}, {:?}", self.state().status),
        }
    }

    fn code(&self) -> String {
        self.fault().code
    }

    fn pending(&self) -> Vec<String> {
        self.state().pending().map(|effect| effect.name.clone()).collect()
    }
}

const TWO: &str = "
input: {x: {type: integer, default: 1}}
state: {got: any}
start: a
nodes:
  a: {kind: work, with: {x: '{{ x }}'}, into: got, next: b}
  b: {kind: work, with: {got: 'got {{ got }}'}}
output: '{{ got }}'
";

#[test]
fn one_command_ends_a_node_and_begins_the_next() {
    let mut run = Run::of(TWO);
    assert_eq!(run.effect("a").input, json!({"x": 1}));
    run.done("a", json!(7));
    assert_eq!((run.pending(), run.ended.clone()), (vec!["b".to_owned()], vec!["a".to_owned()]));
    assert_eq!(run.effect("b").input, json!({"got": "got 7"}));
    run.done("b", json!(null));
    assert_eq!((run.output(), run.actions.clone()), (json!(7), vec![Action::Finish]));
}

#[test]
fn keys_stay_over_attempts_and_differ_between_effects() {
    let mut run = Run::of(TWO);
    let (id, first) = (run.state().run, run.effect("a"));
    run.fails("a", true);
    assert_eq!(run.effect("a").idempotency_key(id), first.idempotency_key(id));
    run.done("a", json!(1));
    assert_ne!(run.effect("b").idempotency_key(id), first.idempotency_key(id));
}

#[test]
fn input_is_checked_before_anything_begins() {
    let code = |input: Value| Run::with(&[TWO], input).err().map(|error| error.code);
    assert_eq!(code(json!({"x": "one"})), Some("flow_input_invalid"));
    assert_eq!(code(json!({"y": 1})), Some("flow_input_invalid"));
    assert_eq!(code(json!([1])), Some("flow_input_invalid"));
    assert_eq!(code(json!({"x": 2})), None);
    let needy = TWO.replace("{type: integer, default: 1}", "integer");
    assert_eq!(Run::with(&[&needy], json!({})).err().unwrap().code, "flow_input_invalid");
}

#[test]
fn a_superstep_of_set_nodes_is_a_checkpoint_of_its_own() {
    let source = "
state: {n: integer}
start: a
nodes:
  a: {kind: set, with: {n: '{{ n + 1 }}'}, next: b}
  b: {kind: set, with: {n: '{{ n + 10 }}'}, next: c}
  c: {kind: work}
";
    let mut run = Run::of(source);
    assert_eq!((run.channel("n"), run.actions.clone()), (json!(0), vec![Action::Continue]));
    assert_eq!((run.go_on().channel("n"), run.actions.clone()), (json!(1), vec![Action::Continue]));
    assert_eq!((run.go_on().channel("n"), run.pending()), (json!(11), vec!["c".to_owned()]));
}

#[test]
fn the_first_edge_that_holds_is_taken() {
    let source = "
state: {n: integer}
start: a
nodes:
  a:
    kind: work
    into: n
    next: [{if: n > 9, to: big}, {if: n > 5, to: end}, small]
  big: {kind: work}
  small: {kind: work}
";
    assert_eq!(Run::of(source).done("a", json!(10)).pending(), ["big"]);
    assert_eq!(Run::of(source).done("a", json!(1)).pending(), ["small"]);
    assert_eq!(Run::of(source).done("a", json!(7)).state().status, Status::Finished);
}

#[test]
fn a_condition_that_fails_fails_the_run_and_resuming_asks_it_again() {
    let source = "
state: {n: any, log: {type: list, reducer: append}}
start: a
nodes:
  a: {kind: work, into: {n: output, log: output}, next: [{if: n.more > 1, to: b}]}
  b: {kind: work}
";
    let mut run = Run::of(source);
    assert_eq!(run.done("a", json!(1)).code(), "flow_expression_failed");
    run.resume().unwrap();
    run.go_on();
    assert_eq!((run.code().as_str(), run.channel("log")), ("flow_expression_failed", json!([1])));
}

const BRANCHES: &str = "
state: {log: {type: list, reducer: append}, n: integer}
start: fork
nodes:
  fork: {kind: set, with: {n: 0}, next: {all: [b, a]}}
  a: {kind: work, into: {log: output, n: output}, next: join}
  b: {kind: work, into: {log: output, n: output}, next: join}
  join: {kind: work}
";

#[test]
fn branches_join_in_the_order_of_the_file_whoever_is_first() {
    let mut run = Run::of(BRANCHES);
    run.go_on().done("b", json!(2));
    assert_eq!((run.channel("log"), run.actions.len()), (json!([]), 0));
    run.done("a", json!(1));
    assert_eq!(
        (run.channel("log"), run.channel("n"), run.pending()),
        (json!([1, 2]), json!(2), vec!["join".to_owned()])
    );
}

#[test]
fn reducers_join_what_is_written() {
    let source = "
state:
  text: {type: text, reducer: append}
  list: {type: list, reducer: append}
  object: {type: object, reducer: merge}
  sum: {type: number, reducer: add}
  top: {type: number, reducer: max}
  low: {type: number, reducer: min}
start: a
nodes:
  a: {kind: work, into: {text: output.text, list: output.list, object: output.object, sum: output.n, top: output.n, low: output.n}, next: b}
  b: {kind: work, into: {text: output.text, list: output.list, object: output.object, sum: output.n, top: output.n, low: output.n}}
";
    let mut run = Run::of(source);
    run.done("a", json!({"text": "a", "list": 1, "object": {"a": 1, "b": 1}, "n": 2}));
    run.done("b", json!({"text": "b", "list": [2, [3]], "object": {"b": 2}, "n": -0.5}));
    let expected = json!({"text": "a\nb", "list": [1, 2, [3]], "object": {"a": 1, "b": 2}, "sum": 1.5, "top": 2, "low": -0.5});
    assert_eq!(run.output(), expected);
}

#[test]
fn a_value_of_the_wrong_type_names_node_and_channel() {
    let mut run = Run::of(BRANCHES);
    run.go_on().done("a", json!("two"));
    let fault = run.fault();
    assert_eq!(fault.code, "flow_type_mismatch");
    assert!(fault.message.contains("'a'") && fault.message.contains("'n'"), "{}", fault.message);
    assert_eq!(run.actions[0], Action::Abandon(2));
}

#[test]
fn values_that_no_journal_could_read_are_refused() {
    let mut run = Run::of(TWO);
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(run.done("a", deep).code(), "flow_type_mismatch");
}

#[test]
fn passing_failures_are_tried_again_later_each_time() {
    let mut run = Run::of(TWO);
    let tries: Vec<(u32, i64)> = (0..2)
        .map(|_| {
            run.fails("a", true);
            let effect = run.effect("a");
            assert_eq!(run.actions, [Action::Perform(effect.clone())]);
            (effect.attempt, effect.not_before.0)
        })
        .collect();
    assert_eq!(tries, [(2, 500), (3, 1000)]);
    assert_eq!(run.fails("a", true).code(), "broken");
    assert_eq!(Run::of(TWO).fails("a", false).code(), "broken");
}

const CAUGHT: &str = "
state: {error: object, got: any}
start: a
nodes:
  a: {kind: work, into: got, on_error: sorry, next: b}
  b: {kind: work}
  sorry: {kind: work}
";

#[test]
fn on_error_takes_over_and_knows_why() {
    let mut run = Run::of(CAUGHT);
    run.fails("a", false);
    assert_eq!(run.pending(), ["sorry"]);
    assert_eq!(
        (&run.channel("error")["code"], &run.channel("error")["node"]),
        (&json!("broken"), &json!("a"))
    );
    run.done("sorry", json!(null));
    assert_eq!(run.state().status, Status::Finished);
}

#[test]
fn interrupted_effects_are_tried_again_without_counting() {
    let mut run = Run::of(TWO);
    for attempt in 2..20 {
        run.is_interrupted("a");
        assert_eq!((run.effect("a").attempt, run.effect("a").id), (attempt, 1));
    }
    run.fails("a", true).fails("a", true);
    assert_eq!(run.fails("a", true).code(), "broken");
}

#[test]
fn an_effect_that_ends_its_process_again_and_again_is_given_up() {
    let mut run = Run::of(TWO);
    for _ in 0..33 {
        run.is_interrupted("a");
    }
    assert_eq!(run.code(), "flow_effect_interrupted");
}

#[test]
fn an_effect_that_waits_for_its_next_attempt_cannot_be_interrupted() {
    let mut run = Run::of(&CAUGHT.replace("on_error", "on_interrupt: fail, on_error"));
    run.fails("a", true).is_interrupted("a");
    assert_eq!(run.effect("a").attempt, 2);
    run.now = Timestamp(500);
    assert_eq!(run.is_interrupted("a").pending(), ["sorry"]);
}

#[test]
fn an_interrupted_effect_is_compensated_if_it_says_so_and_has_failed() {
    let source = CAUGHT
        .replace("on_error", "on_interrupt: compensate, compensate: {kind: work, with: {undo: 1}}, on_error");
    let mut run = Run::of(&source);
    run.is_interrupted("a");
    let undo = run.effect("a");
    assert_eq!((undo.id, undo.compensates, undo.input.clone()), (2, true, json!({"undo": 1})));
    run.is_interrupted("a").done("a", json!(null));
    assert_eq!(
        (run.pending(), &run.channel("error")["code"]),
        (vec!["sorry".to_owned()], &json!("flow_effect_interrupted"))
    );
}

const SAGA: &str = "
state: {got: any}
start: a
nodes:
  a: {kind: work, compensate: {kind: work, with: {id: '{{ output }}'}}, next: b}
  b: {kind: work, compensate: {kind: work, with: {id: '{{ output }}'}}, next: c}
  c: {kind: work}
";

fn at_c() -> Run {
    let mut run = Run::of(SAGA);
    run.done("a", json!(1)).done("b", json!(2));
    run
}

#[test]
fn a_failed_run_undoes_what_it_did_newest_first() {
    let mut run = at_c();
    run.fails("c", false);
    assert_eq!((run.state().status, run.pending()), (Status::Undoing, vec!["b".to_owned()]));
    assert_eq!(run.effect("b").input, json!({"id": 2}));
    assert_eq!(run.done("b", json!(null)).effect("a").input, json!({"id": 1}));
    assert_eq!(run.done("a", json!(null)).code(), "broken");
    assert_eq!(run.resume().unwrap_err().code, "flow_run_undone");
}

#[test]
fn a_finished_run_undoes_nothing() {
    let mut run = at_c();
    assert_eq!(run.done("c", json!(null)).state().status, Status::Finished);
    assert_eq!((run.pending().len(), run.state().undo.len()), (0, 0));
}

#[test]
fn a_compensation_that_fails_tells_both_reasons_and_the_rest_is_undone() {
    let mut run = at_c();
    run.fails("c", false).fails("b", true);
    assert_eq!(run.effect("b").attempt, 2);
    run.fails("b", false).done("a", json!(null));
    assert_eq!(run.code(), "flow_compensation_failed");
    assert!(
        run.fault().message.starts_with("broken; then 'b' could not be undone"),
        "{}",
        run.fault().message
    );
}

#[test]
fn an_effect_that_could_owe_a_compensation_is_waited_for() {
    let mut run = Run::of(SAGA);
    run.cancel().unwrap();
    assert_eq!((run.state().status, run.pending()), (Status::Undoing, vec!["a".to_owned()]));
    run.done("a", json!(5));
    assert_eq!((run.effect("a").compensates, run.effect("a").input.clone()), (true, json!({"id": 5})));
    assert_eq!(run.done("a", json!(null)).state().status, Status::Cancelled);
}

#[test]
fn an_effect_that_nobody_has_begun_yet_is_not_handed_out_by_a_run_that_ends() {
    let source = "
limits: {steps: 1}
start: [a, b]
nodes:
  a: {kind: work, compensate: {kind: work}}
  b: {kind: work}
";
    let run = Run::of(source);
    assert_eq!((run.code().as_str(), run.actions.clone()), ("flow_limit_steps", vec![Action::Finish]));
}

#[test]
fn a_run_that_has_undone_an_interrupted_effect_is_not_resumed() {
    let source = "
start: [a, b]
nodes:
  a: {kind: work, on_interrupt: compensate, compensate: {kind: work}}
  b: {kind: work}
";
    let mut run = Run::of(source);
    run.fails("b", false).is_interrupted("a").done("a", json!(null));
    assert_eq!(run.code(), "broken");
    assert_eq!(run.resume().unwrap_err().code, "flow_run_undone");
}

#[test]
fn cancelling_abandons_what_is_under_way_and_late_results_mean_nothing() {
    let mut run = Run::of(TWO);
    let (late, id) = (run.performed("a", json!(1)), run.effect("a").id);
    run.cancel().unwrap();
    assert_eq!(run.actions, [Action::Abandon(id), Action::Finish]);
    let before = run.state().clone();
    assert!(run.apply(&late).unwrap().is_ignored && *run.state() == before);
    assert_eq!(run.cancel().unwrap_err().code, "flow_run_over");
    assert_eq!(run.resume().unwrap_err().code, "flow_run_not_failed");
}

#[test]
fn a_result_that_comes_twice_counts_once() {
    let mut run = Run::of(TWO);
    let twice = run.spent("a", json!(1), 10, 1.0);
    run.apply(&twice).unwrap();
    assert!(run.apply(&twice).unwrap().is_ignored);
    assert_eq!((run.state().spent.prompt_tokens, run.state().spent.money), (10, 1.0));
}

#[test]
fn resuming_tries_the_failed_node_under_its_old_key() {
    let mut run = Run::of(TWO);
    run.fails("a", false);
    run.now = Timestamp(5_000_000);
    run.resume().unwrap();
    let effect = run.effect("a");
    assert_eq!((effect.id, effect.attempt, effect.pardoned), (1, 2, 1));
    assert_eq!(run.actions, [Action::Perform(effect)]);
    run.done("a", json!(1)).done("b", json!(2));
    assert_eq!(run.state().status, Status::Finished);
}

#[test]
fn abandoned_effects_are_taken_up_again_by_a_resume() {
    let mut run = Run::of(BRANCHES);
    run.go_on().fails("a", false);
    assert!(matches!(run.state().frames[&0].active[&2], Activity::Abandoned { .. }));
    run.resume().unwrap();
    assert_eq!(run.pending(), ["a", "b"]);
    run.done("b", json!(2)).done("a", json!(1));
    assert_eq!((run.channel("log"), run.pending()), (json!([1, 2]), vec!["join".to_owned()]));
}

const ASK: &str = "
state: {ok: boolean}
start: ask
nodes:
  ask: {kind: human, with: {prompt: 'Send {{ ok }}?', schema: {type: boolean}, expires_seconds: 60, on_expiry: late}, into: ok, next: sent}
  sent: {kind: work}
  late: {kind: work}
";

#[test]
fn a_question_waits_for_an_answer_of_its_schema() {
    let mut run = Run::of(ASK);
    assert_eq!(
        (run.state().status, run.actions.clone()),
        (Status::Waiting, vec![Action::WakeAt(Timestamp(60_000))])
    );
    let (id, before) = (run.question(), run.state().clone());
    assert_eq!(run.answer(id, json!("yes")).unwrap_err().code, "flow_answer_invalid");
    assert_eq!(run.answer(id + 1, json!(true)).unwrap_err().code, "flow_interrupt_unknown");
    assert_eq!(*run.state(), before);
    run.answer(id, json!(true)).unwrap();
    assert_eq!((run.channel("ok"), run.pending()), (json!(true), vec!["sent".to_owned()]));
    assert_eq!(run.answer(id, json!(true)).unwrap_err().code, "flow_interrupt_unknown");
}

#[test]
fn a_question_that_nobody_answers_expires() {
    let mut run = Run::of(ASK);
    assert!(run.apply(&Command::Passed { at: Timestamp(59_999) }).unwrap().is_ignored);
    run.now = Timestamp(60_000);
    assert_eq!(run.answer(run.question(), json!(true)).unwrap_err().code, "flow_answer_late");
    assert_eq!(run.pass(0).pending(), ["late"]);
    let mut run = Run::of(&ASK.replace(", on_expiry: late", "").replace("  late: {kind: work}\n", ""));
    assert_eq!(run.pass(60).code(), "flow_interrupt_expired");
    run.resume().unwrap();
    run.go_on();
    assert_eq!(
        (run.state().status, run.actions.clone()),
        (Status::Waiting, vec![Action::WakeAt(Timestamp(120_000))])
    );
}

#[test]
fn a_timer_wakes_the_run_at_its_time() {
    let source = "
state: {n: {type: integer, default: 5}}
start: nap
nodes:
  nap: {kind: wait, with: {seconds: '{{ n * 2 }}'}, next: b}
  b: {kind: work}
";
    let mut run = Run::of(source);
    assert_eq!((run.state().status, run.state().wake_at()), (Status::Waiting, Some(Timestamp(10_000))));
    assert_eq!(run.pass(10).pending(), ["b"]);
    assert_eq!(Run::of(&source.replace("n * 2", "0 - n")).code(), "flow_seconds_invalid");
}

const CHILD: &str = "
name: child
input: {x: integer, more: {type: integer, default: 0}}
state: {got: any}
start: look
nodes:
  look: {kind: work, with: {x: '{{ x + more }}'}, into: got}
output: '{{ got }}'
";

const EACH: &str = "
state: {answers: list}
start: each
nodes:
  each: {kind: map, over: '{{ [1, 2, 3] }}', as: x, flow: child, concurrency: 2, with: {more: 10}, into: answers}
output: '{{ answers }}'
";

fn effect_of(run: &Run, x: i64) -> Command {
    let effect = run.state().pending().find(|effect| effect.input == json!({"x": x})).unwrap().id;
    Command::Performed {
        effect,
        output: json!(x * 100),
        prompt_tokens: 0,
        completion_tokens: 0,
        money: 0.0,
        at: run.now,
    }
}

#[test]
fn a_map_runs_so_many_items_at_once_and_keeps_their_order() {
    let mut run = Run::with(&[EACH, CHILD], json!({})).unwrap();
    assert_eq!(run.pending().len(), 2);
    run.apply(&effect_of(&run, 12)).unwrap();
    assert_eq!(run.pending().len(), 2);
    run.apply(&effect_of(&run, 13)).unwrap();
    run.apply(&effect_of(&run, 11)).unwrap();
    assert_eq!((run.output(), run.state().frames.len()), (json!([1100, 1200, 1300]), 1));
}

#[test]
fn a_map_over_nothing_gives_nothing() {
    let mut run = Run::with(&[&EACH.replace("[1, 2, 3]", "[]"), CHILD], json!({})).unwrap();
    assert_eq!(run.go_on().output(), json!([]));
    let run = Run::with(&[&EACH.replace("[1, 2, 3]", "5"), CHILD], json!({})).unwrap();
    assert_eq!(run.code(), "flow_map_over");
}

#[test]
fn what_a_sub_flow_cannot_get_over_its_caller_may() {
    let caught = EACH
        .replace("into: answers", "into: answers, on_error: sorry")
        .replace("output:", "  sorry: {kind: work}\noutput:");
    let mut run = Run::with(&[&caught, CHILD], json!({})).unwrap();
    run.fails("look", false);
    assert_eq!((run.pending(), run.state().frames.len()), (vec!["sorry".to_owned()], 1));
    assert!(matches!(run.actions[0], Action::Abandon(_)), "{:?}", run.actions);
    let mut run = Run::with(&[EACH, CHILD], json!({})).unwrap();
    assert_eq!(run.fails("look", false).code(), "broken");
    run.resume().unwrap();
    assert_eq!(run.pending().len(), 2);
}

#[test]
fn a_sub_flow_keeps_the_version_that_it_had_at_the_start() {
    let source = "
state: {got: any}
start: [a, b]
nodes:
  a: {kind: flow, flow: child, with: {x: 1}, into: got, next: a2}
  a2: {kind: flow, flow: child, with: {x: 2}, into: got}
  b: {kind: work}
output: '{{ got }}'
";
    let mut run = Run::with(&[source, CHILD], json!({})).unwrap();
    let newer = Arc::new(flow(&CHILD.replace("look", "peek")));
    run.library.0.insert("newer".to_owned(), newer);
    run.done("look", json!(1)).done("b", json!(0)).done("look", json!(2));
    assert_eq!(run.output(), json!(2));
}

#[test]
fn flows_that_call_themselves_end() {
    let calls = |name: &str, other: &str| {
        format!("name: {name}\nstart: again\nnodes:\n  again: {{kind: flow, flow: {other}}}\n")
    };
    let run = Run::with(&[&calls("ping", "pong"), &calls("pong", "ping")], json!({})).unwrap();
    assert_eq!((run.code().as_str(), run.state().frames.len()), ("flow_too_deep", 16));
}

fn limited(limits: &str) -> Run {
    let source = format!(
        "
limits: {limits}
state: {{n: integer}}
start: a
nodes:
  a: {{kind: work, on_error: b, next: a}}
  b: {{kind: work}}
"
    );
    Run::of(&source)
}

#[test]
fn each_limit_has_its_own_end_past_every_on_error() {
    let mut run = limited("{visits: 2}");
    assert_eq!(run.done("a", json!(0)).done("a", json!(0)).code(), "flow_limit_visits");
    let mut run = limited("{steps: 2}");
    assert_eq!(run.done("a", json!(0)).done("a", json!(0)).code(), "flow_limit_steps");
    let mut run = limited("{seconds: 10}");
    run.now = Timestamp(10_000);
    assert_eq!(run.done("a", json!(0)).code(), "flow_limit_seconds");
    let mut run = limited("{tokens: 10}");
    run.apply(&run.spent("a", json!(0), 10, 0.0)).unwrap();
    run.apply(&run.spent("a", json!(0), 1, 0.0)).unwrap();
    assert_eq!(run.code(), "flow_limit_tokens");
    let mut run = limited("{money: 0.1}");
    run.apply(&run.spent("a", json!(0), 0, 0.11)).unwrap();
    assert_eq!(run.code(), "flow_limit_money");
}

fn bounded(ways: &str) -> Run {
    let source = format!(
        "
state: {{n: integer, error: any}}
start: a
nodes:
  a: {{kind: work, into: n, limits: {{tokens: 10, money: 0.1}}, {ways}}}
  b: {{kind: work}}
"
    );
    Run::of(&source)
}

#[test]
fn a_node_that_spends_more_than_it_may_fails_or_goes_where_errors_go() {
    let mut run = bounded("next: [{if: 'n < 2', to: a}, b]");
    run.apply(&run.spent("a", json!(1), 10, 0.1)).unwrap();
    run.apply(&run.spent("a", json!(2), 1, 0.0)).unwrap();
    assert_eq!((run.code().as_str(), run.state().status), ("flow_node_limit_tokens", Status::Failed));
    let mut run = bounded("on_error: b, next: a");
    run.apply(&run.spent("a", json!(1), 0, 0.11)).unwrap();
    assert_eq!((run.pending(), &run.state().frames[&0].channels["n"]), (vec!["b".to_owned()], &json!(0)));
    assert_eq!(run.state().frames[&0].channels["error"]["code"], json!("flow_node_limit_money"));
}

#[test]
fn a_node_that_has_spent_too_much_is_not_begun_again() {
    let mut run = bounded("on_error: a, next: b");
    run.apply(&run.spent("a", json!(1), 11, 0.0)).unwrap();
    for _ in 0..24 {
        assert_eq!((run.pending(), run.actions.clone()), (vec![], vec![Action::Continue]));
        run.apply(&Command::Continue { at: run.now }).unwrap();
    }
    assert_eq!(run.code(), "flow_limit_visits");
}

#[test]
fn what_a_sub_flow_spends_counts_for_the_node_that_runs_it() {
    let source = "
state: {got: any}
start: s
nodes:
  s: {kind: flow, flow: child, with: {x: 1}, limits: {tokens: 10}, on_error: b}
  b: {kind: work}
";
    let mut run = Run::with(&[source, CHILD], json!({})).unwrap();
    run.apply(&run.spent("look", json!(1), 11, 0.0)).unwrap();
    assert_eq!((run.pending(), run.state().frames.len()), (vec!["b".to_owned()], 1));
}

#[test]
fn what_was_paid_for_is_not_thrown_away() {
    let mut run = Run::of(&format!("limits: {{tokens: 10}}{TWO}"));
    run.done("a", json!(1));
    run.apply(&run.spent("b", json!(2), 99, 0.0)).unwrap();
    assert_eq!(run.state().status, Status::Finished);
}

#[test]
fn a_run_whose_time_is_up_fails_and_its_effects_are_abandoned() {
    let mut run = limited("{seconds: 10}");
    assert_eq!(run.state().wake_at(), Some(Timestamp(10_000)));
    assert_eq!(run.pass(10).code(), "flow_limit_seconds");
    assert_eq!(run.actions, [Action::Abandon(1), Action::Finish]);
    run.resume().unwrap();
    assert_eq!(run.state().deadline, Timestamp(20_000));
}

#[test]
fn waiting_takes_no_time() {
    let mut run = Run::of(&format!(
        "limits: {{seconds: 10}}{}",
        ASK.replace("expires_seconds: 60, on_expiry: late", "expires_seconds: 600, on_expiry: late")
    ));
    run.now = Timestamp(500_000);
    run.answer(run.question(), json!(true)).unwrap();
    assert_eq!((run.pending(), run.state().deadline), (vec!["sent".to_owned()], Timestamp(510_000)));
}

#[test]
fn wrong_commands_are_refused_and_change_nothing() {
    let mut run = Run::of(TWO);
    let before = run.state().clone();
    let again = Command::Start {
        run: before.run,
        workspace: before.workspace,
        flow: before.frames[&0].flow,
        flows: BTreeMap::new(),
        input: json!({}),
        at: run.now,
    };
    assert_eq!(run.apply(&again).unwrap_err().code, "flow_run_started");
    assert_eq!(run.resume().unwrap_err().code, "flow_run_not_failed");
    run.library = Library::default();
    assert_eq!(run.cancel().unwrap_err().code, "flow_unknown");
    assert_eq!(*run.state(), before);
    let mut none = None;
    assert_eq!(
        apply(&run.library, &mut none, &Command::Continue { at: run.now }).unwrap_err().code,
        "flow_run_not_started"
    );
}

#[test]
fn a_state_that_does_not_fit_its_flow_is_refused() {
    let mut run = Run::of(TWO);
    let frame = run.state.as_mut().unwrap().frames.get_mut(&0).unwrap();
    frame.active.insert(9, Activity::Ready);
    assert_eq!(run.cancel().unwrap_err().code, "flow_state_broken");
}

fn adopted(run: &mut Run, change: impl FnOnce(&mut RunState)) -> Run {
    let mut state = run.state().clone();
    state.run = RunId::from_bytes([9; 16]);
    change(&mut state);
    let library = Library(run.library.0.clone());
    let mut fork = Run { library, state: None, now: Timestamp(7000), actions: Vec::new(), ended: Vec::new() };
    fork.apply(&Command::Adopt { state: Box::new(state), at: fork.now }).unwrap();
    fork
}

#[test]
fn a_fork_performs_what_was_pending_as_its_own() {
    let mut run = Run::of(TWO);
    run.done("a", json!(1)).is_interrupted("b");
    let mut fork = adopted(&mut run, |state| {
        _ = state.frames.get_mut(&0).unwrap().channels.insert("got".into(), json!(5))
    });
    let effect = fork.effect("b");
    assert_eq!(
        (effect.attempt, effect.not_before, fork.actions.clone()),
        (1, Timestamp(7000), vec![Action::Perform(effect.clone())])
    );
    assert_eq!(fork.state().deadline, Timestamp(907_000));
    assert_eq!(fork.done("b", json!(null)).output(), json!(5));
}

#[test]
fn another_version_takes_a_state_over_by_names() {
    let mut run = Run::of(TWO);
    run.done("a", json!(1));
    let newer = Arc::new(flow(
        &TWO.replace("nodes:\n", "nodes:\n  new: {kind: work}\n")
            .replace("got: any", "got: any, more: list")
            .replace("got {{ got }}'}", "got {{ got }}'}, next: new"),
    ));
    let older = run.library.0["main"].clone();
    run.library.0.insert("newer".to_owned(), newer.clone());
    let mut fork = adopted(&mut run, |state| rebase(state, &older, &newer).unwrap());
    assert_eq!((fork.effect("b").node, fork.channel("more")), (2, json!([])));
    assert_eq!(fork.done("b", json!(null)).done("new", json!(null)).output(), json!(1));
    let without =
        flow(&TWO.replace("  b: {kind: work, with: {got: 'got {{ got }}'}}\n", "").replace(", next: b", ""));
    assert_eq!(
        rebase(&mut run.state.clone().unwrap(), &older, &without).unwrap_err().code,
        "flow_fork_unfit"
    );
    let other = flow(&TWO.replace("got: any", "got: text"));
    assert_eq!(rebase(&mut run.state.clone().unwrap(), &older, &other).unwrap_err().code, "flow_fork_unfit");
}

#[test]
fn states_and_commands_are_read_as_they_were_written() {
    let mut run = Run::with(&[EACH, CHILD], json!({})).unwrap();
    run.apply(&effect_of(&run, 12)).unwrap();
    let adopt = Command::Adopt { state: Box::new(run.state().clone()), at: run.now };
    assert_eq!(serde_json::from_str::<Command>(&serde_json::to_string(&adopt).unwrap()).unwrap(), adopt);
}
