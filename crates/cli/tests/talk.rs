//! Conversations, flows and runs on the command line: what is told where, and the exit codes.
#![allow(clippy::unwrap_used)]

use ibid_testkit::{Home, Said};

fn home() -> Home {
    Home::new(env!("CARGO_BIN_EXE_ibid"))
}

/// Comes back to itself without end.
const LOOP: &str = "name: loop\nnodes: {again: {kind: set, next: again}}\n";
const ASK: &str = "name: ask\nstate: {count: number}\nnodes:\n  how-many:\n    kind: human\n    \
                   with: {prompt: 'How many?', schema: {type: number}}\n    into: count\noutput: '{{ count }}'\n";

fn with_file(name: &str, text: &str) -> (Home, String) {
    let home = home();
    let file = home.write(name, text).to_str().unwrap().to_owned();
    (home, file)
}

fn run_in(said: &Said) -> String {
    let line = said.err.lines().find_map(|line| line.strip_prefix("run "));
    line.unwrap().to_owned()
}

#[test]
fn a_run_that_fails_ends_the_command_with_six_and_says_why_on_standard_error() {
    let (home, file) = with_file("loop.yaml", LOOP);
    let said = home.run(&["run", "start", &file]);
    assert_eq!((said.code, said.out.as_str()), (6, ""), "{}", said.err);
    assert!(said.err.contains("[flow_limit_visits]"), "{}", said.err);
    assert!(said.err.contains(&format!("ibid run resume {}", run_in(&said))), "{}", said.err);
    assert_eq!(home.run(&["--json", "run", "start", &file]).code, 6);
}

#[test]
fn a_run_is_answered_with_a_negative_number() {
    let (home, file) = with_file("ask.yaml", ASK);
    let asked = home.ok(&["run", "start", &file]);
    let run = run_in(&asked);
    assert!(asked.out.contains("How many?"), "{}", asked.out);
    assert_eq!(home.run(&["run", "approve", &run, "many"]).code, 2);
    assert!(home.ok(&["run", "approve", &run, "-5"]).out.contains("-5"));
}

#[test]
fn a_cancelled_run_is_not_said_to_be_resumable() {
    let (home, file) = with_file("ask.yaml", ASK);
    let run = run_in(&home.ok(&["run", "start", &file]));
    let said = home.ok(&["run", "cancel", &run, "--reason", "no need"]);
    assert!(said.out.contains("no need") && !said.err.contains("resume"), "{}", said.err);
    assert_eq!(home.run(&["run", "resume", &run]).code, 2);
}

#[test]
fn a_refused_question_leaves_no_thread_behind() {
    let home = home();
    for wrong in
        [["chat", ""].as_slice(), &["chat", "--items", "0", "hello"], &["chat", "--temperature", "-1", "x"]]
    {
        assert_eq!(home.run(wrong).code, 2, "{wrong:?}");
    }
    assert_eq!(home.run_with_input(&["chat"], "/threads\n").out, "");
    assert_eq!(home.ok(&["chat", "hello"]).code, 0);
    assert_eq!(home.run_with_input(&["chat"], "/threads\n").out.lines().count(), 1);
}

#[test]
fn a_conversation_is_read_forked_and_judged() {
    let home = home();
    let said = home.run_with_input(&["chat"], "hello\n/history\n/sources\n/fork 1\n/good kind\n/history\n");
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(said.out.matches("1. hello").count(), 2, "{}", said.out);
    assert!(said.err.contains("has no sources") && said.err.contains("Thank you"), "{}", said.err);
    for wrong in ["/sources\n", "/fork\n", "/good\n", "/retry\n", "/quality best\n", "/nothing\n"] {
        assert_eq!(home.run_with_input(&["chat"], wrong).code, 2, "{wrong}");
    }
}

#[test]
fn a_turn_that_fails_says_so_and_keeps_the_thread() {
    let (home, file) =
        with_file("loop.yaml", LOOP.replace("nodes", "input: {question: text}\nnodes").as_str());
    let _ = home.ok(&["flow", "add", &file]);
    let said = home.run(&["chat", "--flow", "loop", "hello"]);
    assert_eq!(said.code, 6, "{}", said.err);
    assert!(said.err.contains("[flow_limit_visits]") && said.err.contains("--thread"), "{}", said.err);
}

#[test]
fn lists_without_entries_say_so() {
    let home = home();
    assert!(home.ok(&["run", "list", "--status", "failed"]).err.contains("no such run"));
    assert!(home.ok(&["run", "approvals"]).err.contains("no run waits"));
    assert_eq!(home.run(&["run", "list", "-n", "-3"]).code, 2);
}

#[test]
fn a_wait_of_no_time_is_over_at_once() {
    let wait = "name: wait\nnodes: {pause: {kind: wait, with: {seconds: 0}}}\noutput: over\n";
    let (home, file) = with_file("wait.yaml", wait);
    let server = home.serve(&[]);
    for _ in 0..20 {
        assert!(home.ok(&["run", "start", &file]).out.contains("over"));
    }
    assert_eq!(server.stop(), 0);
}
