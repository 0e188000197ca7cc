//! Conversations and flows over the API: threads, streams that are taken up again, runs that people steer.
#![allow(clippy::unwrap_used)]

use ibid_testkit::{ChatProvider, Events, Home, Piece, Server, View, answer};
use serde_json::{Value, json};
use tungstenite::ClientRequestBuilder;
use tungstenite::client::IntoClientRequest;

fn home() -> Home {
    Home::new(env!("CARGO_BIN_EXE_ibid"))
}

/// A library that holds when the bakery opens and closes.
fn bakery() -> Home {
    let home = home();
    let _ = home.write(
        "bakery.md",
        "# Bakery\n\nThe bakery opens at six in the morning. The bakery closes at two in the afternoon.\n",
    );
    let _ = home.ok(&["ingest", &home.files()]);
    home
}

fn thread(server: &Server) -> String {
    let (status, thread) = server.post("/v1/threads", &json!({}));
    assert_eq!(status, 201, "{thread}");
    thread["id"].as_str().unwrap().to_owned()
}

fn ask(server: &Server, thread: &str, question: &str) -> Value {
    let (status, turn) =
        server.post(&format!("/v1/threads/{thread}/turns"), &json!({ "question": question }));
    assert_eq!((status, turn["status"].as_str()), (200, Some("finished")), "{turn}");
    turn
}

/// The stream of a new turn, and its run.
fn stream(server: &Server, thread: &str, question: &str) -> (Events, String) {
    let url = format!("{}/v1/threads/{thread}/turns", server.base);
    let response =
        server.http.post(url).json(&json!({ "question": question, "stream": true })).send().unwrap();
    let run = response.headers()["x-ibid-run"].to_str().unwrap().to_owned();
    (Events::new(response), run)
}

/// The run's events after the last one that the view has seen.
fn again(server: &Server, run: &str, view: &View) -> Events {
    let mut request = server.http.get(format!("{}/v1/runs/{run}/events", server.base));
    if !view.last.is_empty() {
        request = request.header("last-event-id", &view.last);
    }
    Events::new(request.send().unwrap())
}

/// Answers from the bakery's sentences, and stops in the middle until it is released.
fn provider(pieces: &'static [&'static str]) -> ChatProvider {
    ChatProvider::start(move |body| {
        let text = body["messages"].to_string();
        let beside = ["three other ways", "follow-up question", "several questions at once"];
        if beside.iter().any(|rule| text.contains(rule)) {
            return vec![Piece::from("When does the bakery close?")];
        }
        let mut said = Vec::new();
        for (number, piece) in pieces.iter().enumerate() {
            if number > 0 {
                said.push(Piece::Hold);
            }
            said.extend(piece.split_inclusive(' ').map(Piece::from));
        }
        said
    })
}

const SAID: &[&str] =
    &["The bakery opens at six in the morning [1]. ", "The bakery closes at two in the afternoon [1]."];

fn sees_the_beginning(view: &View) -> bool {
    view.texts.values().any(|text| text.contains("opens"))
}

fn text(view: &View) -> &str {
    view.end.as_ref().unwrap()["turn"]["answer"]["text"].as_str().unwrap()
}

#[test]
fn a_thread_keeps_its_turns_and_what_people_think_of_them() {
    let home = bakery();
    let server = home.serve(&[]);
    let thread = thread(&server);
    let first = ask(&server, &thread, "When does the bakery open?");
    assert!(first["answer"]["text"].as_str().unwrap().contains("six"), "{first}");
    assert_eq!(first["answer"]["citations"][0]["title"], "Bakery", "{first}");
    let second = ask(&server, &thread, "And when does it close?");
    assert!(second["answer"]["text"].as_str().unwrap().contains("two"), "{second}");
    assert!(second["taken"]["question"].as_str().unwrap().contains("bakery"), "{second}");
    let (_, shown) = server.get(&format!("/v1/threads/{thread}"));
    assert_eq!((&shown["title"], &shown["turns"]), (&"When does the bakery open?".into(), &2.into()));
    let (_, page) = server.get(&format!("/v1/threads/{thread}/turns?limit=1"));
    assert_eq!((&page["turns"][0]["id"], &page["next"]), (&first["id"], &"1".into()), "{page}");
    let (_, page) = server.get(&format!("/v1/threads/{thread}/turns?cursor=1"));
    assert_eq!((&page["turns"][0]["id"], &page["next"]), (&second["id"], &Value::Null), "{page}");
    let path = format!("{}/v1/turns/{}/feedback", server.base, first["id"].as_str().unwrap());
    for rating in [1, -1] {
        let (status, _) = answer(server.http.put(&path).json(&json!({ "rating": rating })).send().unwrap());
        assert_eq!(status, 200);
    }
    let (_, turn) = server.get(&format!("/v1/turns/{}", first["id"].as_str().unwrap()));
    assert_eq!(turn["feedback"]["rating"], -1, "{turn}");
    let (_, found) = server.get("/v1/threads?text=bakery");
    assert_eq!(found["threads"].as_array().unwrap().len(), 1, "{found}");
}

#[test]
fn a_thread_is_renamed_forked_and_deleted() {
    let home = bakery();
    let server = home.serve(&[]);
    let thread = thread(&server);
    let first = ask(&server, &thread, "When does the bakery open?");
    let _ = ask(&server, &thread, "When does the bakery close?");
    let (status, forked) = server.post(&format!("/v1/threads/{thread}/fork"), &json!({ "turn": 1 }));
    assert_eq!((status, &forked["turns"]), (201, &1.into()), "{forked}");
    let path = format!("{}/v1/threads/{thread}", server.base);
    let renamed = server.http.patch(&path).json(&json!({ "title": "Opening hours" })).send().unwrap();
    assert_eq!(answer(renamed).1["title"], "Opening hours");
    assert_eq!(server.http.delete(&path).send().unwrap().status(), 204);
    assert_eq!(server.get(&format!("/v1/threads/{thread}")).1["error"]["code"], "thread_unknown");
    let run = first["run"].as_str().unwrap();
    assert_eq!(server.get(&format!("/v1/runs/{run}")).1["error"]["code"], "run_unknown");
    let (_, turns) = server.get(&format!("/v1/threads/{}/turns", forked["id"].as_str().unwrap()));
    assert_eq!(turns["turns"][0]["answer"]["text"], first["answer"]["text"], "{turns}");
}

#[test]
fn asking_twice_with_one_key_is_asking_once() {
    let home = bakery();
    let server = home.serve(&[]);
    let thread = thread(&server);
    let post = || {
        let url = format!("{}/v1/threads/{thread}/turns", server.base);
        let body = json!({ "question": "When does the bakery open?" });
        answer(server.http.post(url).header("idempotency-key", "k1").json(&body).send().unwrap()).1
    };
    let (first, second) = (post(), post());
    assert_eq!(first["id"], second["id"]);
    assert_eq!(server.get(&format!("/v1/threads/{thread}")).1["turns"], 1);
}

#[test]
fn a_stream_tells_steps_tokens_citations_claims_and_the_turn() {
    let home = bakery();
    let server = home.serve(&[]);
    let (mut events, run) = stream(&server, &thread(&server), "When does the bakery open?");
    let mut view = View::default();
    assert!(view.take_until(&mut events, |view| view.end.is_some()));
    for name in ["step", "token", "citation", "claim", "done"] {
        assert!(view.names().contains(&name), "{name}: {:?}", view.names());
    }
    assert!(view.texts.values().any(|told| told.trim() == text(&view)), "{:?}", view.texts);
    let mut late = View::default();
    assert!(late.take_until(&mut again(&server, &run, &late), |view| view.end.is_some()));
    assert_eq!((text(&late), &late.texts), (text(&view), &view.texts));
    let mut ids: Vec<(u32, u32)> = view.events.iter().map(|told| place(&told.id)).collect();
    let in_order = ids.clone();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids, in_order, "ids grow");
}

fn place(id: &str) -> (u32, u32) {
    let (checkpoint, sub) = id.split_once('.').unwrap();
    (checkpoint.parse().unwrap(), sub.parse().unwrap())
}

#[test]
fn a_client_that_comes_back_misses_nothing() {
    let home = bakery();
    let provider = provider(SAID);
    let server = home.serve(&["--set", &provider.setting()]);
    let (mut events, run) =
        stream(&server, &thread(&server), "When does the bakery open, and when does it close?");
    let mut view = View::default();
    assert!(view.take_until(&mut events, sees_the_beginning));
    drop(events);
    let mut second = again(&server, &run, &view);
    provider.release();
    assert!(view.take_until(&mut second, |view| view.end.is_some()), "{view:?}");
    assert_whole(&view);
}

#[test]
fn an_answer_survives_a_kill_in_its_middle() {
    let home = bakery();
    let provider = provider(SAID);
    let setting = provider.setting();
    let server = home.serve(&["--set", &setting]);
    let (mut events, run) =
        stream(&server, &thread(&server), "When does the bakery open, and when does it close?");
    let mut view = View::default();
    assert!(view.take_until(&mut events, sees_the_beginning));
    server.kill();
    assert!(!view.take_until(&mut events, |view| view.end.is_some()), "it was killed");
    provider.release();
    let server = home.serve(&["--set", &setting]);
    assert!(view.take_until(&mut again(&server, &run, &view), |view| view.end.is_some()), "{view:?}");
    assert_whole(&view);
    let restarted = |told: &&ibid_testkit::Told| told.data["state"] == "restarted";
    assert_eq!(view.events.iter().filter(restarted).count(), 1, "{view:?}");
    let started =
        view.events.iter().filter(|told| told.data["node"] == "retrieve" && told.data["state"] == "finished");
    assert_eq!(started.count(), 1, "what was finished is not done again");
}

/// What the client pieced together is the answer, each sentence once.
fn assert_whole(view: &View) {
    let text = text(view);
    assert!(text.contains("six") && text.contains("two"), "{view:?}");
    assert!(view.texts.values().any(|told| told.trim() == text.trim()), "{text}: {:?}", view.texts);
    assert_eq!(text.matches("six").count(), 1, "{text}");
}

const SEND: &str = "
name: send
description: asks before it sends
input: {text: text}
state: {approved: boolean, sent: text}
nodes:
  ask: {kind: human, with: {prompt: 'Send {{ text }}?', schema: {type: boolean}}, into: approved, next: [{if: approved, to: send}, end]}
  send: {kind: set, with: {sent: '{{ text | upper }}'}}
output: '{{ sent }}'
";

fn put_flow(server: &Server, name: &str, source: &str) -> (u16, Value) {
    let url = format!("{}/v1/flows/{name}", server.base);
    answer(server.http.put(url).json(&json!({ "source": source })).send().unwrap())
}

fn start(server: &Server, body: &Value) -> Value {
    let (status, run) = server.post("/v1/runs", body);
    assert_eq!(status, 201, "{run}");
    run
}

fn path(run: &Value, rest: &str) -> String {
    format!("/v1/runs/{}{rest}", run["id"].as_str().unwrap())
}

#[test]
fn a_run_waits_for_a_person_also_over_a_restart() {
    let home = home();
    let server = home.serve(&[]);
    assert_eq!(put_flow(&server, "send", SEND).0, 200);
    let run = start(&server, &json!({ "flow": "send", "input": { "text": "hello" }, "wait_seconds": 20 }));
    assert_eq!((&run["status"], &run["nodes"]), (&"waiting".into(), &json!(["ask"])), "{run}");
    let (_, asked) = server.get("/v1/approvals");
    assert_eq!(asked["approvals"][0]["prompt"], "Send hello?", "{asked}");
    server.kill();
    let server = home.serve(&[]);
    let (status, refused) = server.post(&path(&run, "/answer"), &json!({ "value": "perhaps" }));
    assert_eq!((status, &refused["error"]["code"]), (400, &"flow_answer_invalid".into()), "{refused}");
    let (status, _) = server.post(&path(&run, "/answer"), &json!({ "interrupt": 99, "value": true }));
    assert!((400..500).contains(&status));
    let (status, answered) = server.post(&path(&run, "/answer"), &json!({ "value": true }));
    assert_eq!((status, &answered["output"]), (200, &"HELLO".into()), "{answered}");
    let (status, late) = server.post(&path(&run, "/answer"), &json!({ "value": true }));
    assert_eq!(status, 409, "{late}");
    assert_eq!(server.get("/v1/approvals").1["approvals"], json!([]));
}

#[test]
fn a_question_that_nobody_answers_expires() {
    let home = home();
    let server = home.serve(&[]);
    let source = SEND.replace("schema: {type: boolean}}", "schema: {type: boolean}, expires_seconds: 0.2}");
    let run = start(&server, &json!({ "source": source, "input": { "text": "hello" } }));
    let mut view = View::default();
    assert!(
        view.take_until(&mut again(&server, run["id"].as_str().unwrap(), &view), |view| view.end.is_some())
    );
    assert_eq!(view.end.unwrap()["error"]["code"], "flow_interrupt_expired");
    let (status, late) = server.post(&path(&run, "/answer"), &json!({ "value": true }));
    assert_eq!(status, 409, "{late}");
}

#[test]
fn history_is_read_forked_replayed_and_compared() {
    let home = home();
    let server = home.serve(&[]);
    let run = start(&server, &json!({ "source": SEND, "input": { "text": "hello" }, "wait_seconds": 20 }));
    let (_, first) = server.post(&path(&run, "/answer"), &json!({ "value": true }));
    assert_eq!(first["output"], "HELLO", "{first}");
    let (_, page) = server.get(&path(&run, "/checkpoints?limit=1"));
    assert_eq!((&page["checkpoints"][0]["kind"], &page["next"]), (&"start".into(), &"1".into()), "{page}");
    let (_, state) = server.get(&path(&run, "/checkpoints/0"));
    assert_eq!(state["channels"]["text"], "hello", "{state}");
    let (status, forked) =
        server.post(&path(&run, "/fork"), &json!({ "checkpoint": 0, "changes": { "text": "bye" } }));
    assert_eq!((status, &forked["forked_from"]["run"]), (201, &run["id"]), "{forked}");
    let (_, answered) = server.post(&path(&forked, "/answer"), &json!({ "value": true }));
    assert_eq!(answered["output"], "BYE", "{answered}");
    for run in [&run, &forked] {
        let (_, replayed) = server.post(&path(run, "/replay"), &json!({}));
        assert_eq!(replayed["equal"], true, "{replayed}");
    }
    let (_, diff) = server.get(&path(&run, &format!("/diff/{}", forked["id"].as_str().unwrap())));
    let paths: Vec<&str> =
        diff["last"].as_array().unwrap().iter().map(|found| found["path"].as_str().unwrap()).collect();
    assert!(paths.iter().any(|path| path.ends_with("/sent")), "{diff}");
    let (_, listed) = server.get("/v1/runs?flow=send&status=finished");
    assert_eq!(listed["runs"].as_array().unwrap().len(), 2, "{listed}");
    let (_, statistics) = server.get("/v1/runs/statistics");
    assert_eq!(statistics["runs"]["finished"], 2, "{statistics}");
    let deleted = server.http.delete(format!("{}{}", server.base, path(&run, ""))).send().unwrap();
    assert_eq!(deleted.status(), 204);
    assert_eq!(server.get(&path(&run, "")).0, 404);
}

#[test]
fn a_run_is_cancelled_by_request_only() {
    let home = home();
    let server = home.serve(&[]);
    let run = start(&server, &json!({ "source": SEND, "input": { "text": "hello" }, "wait_seconds": 20 }));
    let events = again(&server, run["id"].as_str().unwrap(), &View::default());
    drop(events);
    assert_eq!(server.get(&path(&run, "")).1["status"], "waiting");
    let (_, refused) =
        answer(server.http.delete(format!("{}{}", server.base, path(&run, ""))).send().unwrap());
    assert_eq!(refused["error"]["code"], "run_under_way", "{refused}");
    let cancelled = server.http.post(format!("{}{}", server.base, path(&run, "/cancel"))).send().unwrap();
    assert_eq!(answer(cancelled).1["status"], "cancelled");
}

#[test]
fn runs_begin_with_the_newest_version_and_end_with_their_own() {
    let home = home();
    let server = home.serve(&[]);
    assert_eq!(put_flow(&server, "send", SEND).0, 200);
    let begin =
        || start(&server, &json!({ "flow": "send", "input": { "text": "hello" }, "wait_seconds": 20 }));
    let old = begin();
    assert_eq!(put_flow(&server, "send", &SEND.replace("upper", "lower")).0, 200);
    let new = begin();
    assert_ne!(old["flow_version"], new["flow_version"]);
    let output =
        |run: &Value| server.post(&path(run, "/answer"), &json!({ "value": true })).1["output"].clone();
    assert_eq!(output(&old), "HELLO");
    assert_eq!(output(&new), "hello");
    let (_, listed) = server.get("/v1/flows");
    let names: Vec<&str> =
        listed["flows"].as_array().unwrap().iter().map(|flow| flow["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["chat", "send"], "{listed}");
    let deleted = server.http.delete(format!("{}/v1/flows/send", server.base)).send().unwrap();
    assert_eq!(deleted.status(), 204);
    assert_eq!(server.get("/v1/flows/send").1["error"]["code"], "flow_unknown");
}

#[test]
fn a_wrong_flow_is_told_with_its_place() {
    let home = home();
    let server = home.serve(&[]);
    let wrong = "name: x\nnodes:\n  a: {kind: sett, with: {b: 1}}\n";
    let (status, told) = server.post("/v1/flows/validate", &json!({ "source": wrong }));
    assert_eq!((status, &told["valid"]), (200, &false.into()), "{told}");
    assert_eq!(
        (&told["problems"][0]["line"], &told["problems"][0]["severity"]),
        (&3.into(), &"error".into()),
        "{told}"
    );
    let (_, fine) = server.post("/v1/flows/validate", &json!({ "source": SEND }));
    assert_eq!(fine["valid"], true, "{fine}");
    assert!(fine["mermaid"].as_str().unwrap().starts_with("flowchart"), "{fine}");
    for (name, source) in [("x", wrong), ("x", "["), ("other", SEND), ("../up", SEND)] {
        assert_eq!(
            put_flow(&server, name, source).1["error"]["code"],
            if name == "../up" { "route_unknown" } else { "flow_invalid" }
        );
    }
    assert_eq!(put_flow(&server, "chat", SEND).1["error"]["code"], "flow_built_in");
    assert!(server.get("/v1/flows/schema").1["$schema"].is_string());
    assert!(server.get("/v1/flows/chat").1["source"].as_str().unwrap().contains("rewrite"));
}

#[test]
fn wrong_requests_are_told_what_is_wrong() {
    let home = home();
    let server = home.serve(&[]);
    let nobody = "00000000-0000-7000-8000-000000000000";
    let thread = thread(&server);
    let turns = format!("/v1/threads/{thread}/turns");
    for (status, (got, body), code) in [
        (404, server.get(&format!("/v1/runs/{nobody}")), "run_unknown"),
        (404, server.get(&format!("/v1/runs/{nobody}/events")), "run_unknown"),
        (404, server.get(&format!("/v1/threads/{nobody}")), "thread_unknown"),
        (404, server.get(&format!("/v1/turns/{nobody}")), "turn_unknown"),
        (400, server.get("/v1/runs/x"), "id_malformed"),
        (400, server.get("/v1/runs?status=sleeping"), "value_unknown"),
        (400, server.get("/v1/runs?limit=0"), "value_out_of_range"),
        (400, server.get(&format!("{turns}?cursor=x")), "cursor_malformed"),
        (404, server.get("/v1/threads?workspace=elsewhere"), "workspace_unknown"),
        (404, server.post("/v1/runs", &json!({ "flow": "nothing" })), "flow_unknown"),
        (400, server.post("/v1/runs", &json!({ "source": "name: [" })), "flow_invalid"),
        (400, server.post("/v1/runs", &json!({})), "request_malformed"),
        (
            400,
            server.post("/v1/runs", &json!({ "source": SEND, "input": { "text": 5 } })),
            "flow_input_invalid",
        ),
        (400, server.post(&turns, &json!({ "question": " " })), "question_empty"),
        (400, server.post(&turns, &json!({ "question": "x", "quality": "best" })), "value_unknown"),
        (400, server.post(&turns, &json!({ "question": "x", "temperature": 3 })), "value_out_of_range"),
        (404, server.post(&turns, &json!({ "question": "x", "flow": "nothing" })), "flow_unknown"),
        (404, server.post(&turns, &json!({ "question": "x", "model": "nothing" })), "chat_model_unknown"),
    ] {
        assert_eq!((got, &body["error"]["code"]), (status, &code.into()), "{body}");
    }
}

#[test]
fn what_is_of_another_workspace_is_unknown() {
    let home = bakery();
    let server = home.serve(&[]);
    assert_eq!(server.post("/v1/workspaces", &json!({ "name": "other" })).0, 201);
    let thread = thread(&server);
    let turn = ask(&server, &thread, "When does the bakery open?");
    let (run, id) = (turn["run"].as_str().unwrap(), turn["id"].as_str().unwrap());
    for path in [
        format!("/v1/threads/{thread}"),
        format!("/v1/threads/{thread}/turns"),
        format!("/v1/turns/{id}"),
        format!("/v1/runs/{run}"),
        format!("/v1/runs/{run}/checkpoints"),
        format!("/v1/runs/{run}/checkpoints/0"),
        format!("/v1/runs/{run}/events"),
        format!("/v1/runs/{run}/diff/{run}"),
    ] {
        assert_eq!(server.get(&format!("{path}?workspace=other")).0, 404, "{path}");
        assert_eq!(server.http.get(format!("{}{path}", server.base)).send().unwrap().status(), 200, "{path}");
    }
    for what in ["answer", "cancel", "resume", "fork", "replay"] {
        let body = if what == "answer" { json!({ "value": 1 }) } else { json!({}) };
        let (status, body) = server.post(&format!("/v1/runs/{run}/{what}?workspace=other"), &body);
        assert_eq!((status, &body["error"]["code"]), (404, &"run_unknown".into()), "{what}: {body}");
    }
    assert_eq!(server.get("/v1/threads?workspace=other").1["threads"], json!([]));
}

#[test]
fn a_socket_tells_the_same_as_a_stream() {
    let home = bakery();
    let server = home.serve(&[]);
    let turn = ask(&server, &thread(&server), "When does the bakery open?");
    let run = turn["run"].as_str().unwrap();
    let told: Vec<(String, Value)> =
        again(&server, run, &View::default()).map(|told| (told.id, told.data)).collect();
    let address = server.base.replace("http://", "ws://");
    let socket = |after: &str| {
        let url = format!("{address}/v1/runs/{run}/socket?after={after}");
        let mut request = url.into_client_request().unwrap();
        let bearer = format!("Bearer {}", home.token());
        drop(request.headers_mut().insert("Authorization", bearer.parse().unwrap()));
        let (mut socket, _) = tungstenite::connect(request).unwrap();
        let mut frames = Vec::new();
        while let Ok(message) = socket.read() {
            if let tungstenite::Message::Text(text) = message {
                let mut frame: Value = serde_json::from_str(&text).unwrap();
                let id = frame.as_object_mut().unwrap().remove("id").unwrap();
                frames.push((id.as_str().unwrap().to_owned(), frame));
            }
        }
        frames
    };
    assert_eq!(socket(""), told);
    assert_eq!(socket(&told[2].0), told[3..]);
    let request = ClientRequestBuilder::new(format!("{address}/v1/runs/{run}/socket").parse().unwrap())
        .with_header("last-event-id", &told[2].0)
        .with_header("authorization", format!("Bearer {}", home.token()));
    let (mut taken_up, _) = tungstenite::connect(request).unwrap();
    let first = std::iter::from_fn(|| taken_up.read().ok()).find(tungstenite::Message::is_text).unwrap();
    assert!(first.to_text().unwrap().contains(&format!("\"{}\"", told[3].0)), "{first}");
    assert_eq!(server.get(&format!("/v1/runs/{run}/socket")).1["error"]["code"], "socket_expected");
}

#[test]
fn streams_have_a_bound_of_their_own() {
    let home = home();
    let server = home.serve(&["--set", "flow.streams_max=1", "--set", "server.requests_concurrent_max=1"]);
    let run = start(&server, &json!({ "source": SEND, "input": { "text": "hello" }, "wait_seconds": 20 }));
    let id = run["id"].as_str().unwrap();
    let mut held = again(&server, id, &View::default());
    assert!(View::default().take_until(&mut held, |view| view.names().contains(&"interrupt")));
    assert_eq!(server.get("/v1/status").0, 200, "a stream keeps no request out");
    assert_eq!(server.get(&format!("/v1/runs/{id}/events")).1["error"]["code"], "streams_busy");
    assert_eq!(server.post(&path(&run, "/answer"), &json!({ "value": false })).0, 200);
    assert!(View::default().take_until(&mut held, |view| view.end.is_some()), "and it ends by itself");
}

#[test]
fn one_caller_does_not_open_all_streams() {
    let home = home();
    let server = home.serve(&["--set", "flow.streams_max=8"]);
    let key = home.ok(&["keys", "create", "watcher", "--role", "admin"]).out.trim().to_owned();
    let run = start(&server, &json!({ "source": SEND, "input": { "text": "hello" }, "wait_seconds": 20 }));
    let watch = || {
        let request =
            server.stranger().get(format!("{}/v1/runs/{}/events", server.base, run["id"].as_str().unwrap()));
        request.bearer_auth(&key).send().unwrap()
    };
    let held = [watch(), watch()];
    assert!(held.iter().all(|response| response.status() == 200));
    let (status, told) = answer(watch());
    assert_eq!((status, &told["error"]["code"]), (429, &"caller_busy".into()), "{told}");
    let mut ours = again(&server, run["id"].as_str().unwrap(), &View::default());
    assert!(View::default().take_until(&mut ours, |view| view.names().contains(&"interrupt")));
}

#[test]
fn openai_clients_get_a_run_of_the_chat_flow() {
    let home = bakery();
    let server = home.serve(&[]);
    let thread = thread(&server);
    let messages = json!([
        { "role": "user", "content": "When does the bakery open?" },
        { "role": "assistant", "content": "At six in the morning." },
        { "role": "user", "content": "And when does it close?" },
    ]);
    let (_, alone) = server.post("/v1/chat/completions", &json!({ "model": "ibid", "messages": messages }));
    assert!(alone["choices"][0]["message"]["content"].as_str().unwrap().contains("two"), "{alone}");
    let (_, run) = server.get(&format!("/v1/runs/{}", alone["ibid_run"].as_str().unwrap()));
    assert_eq!((&run["flow"], &run["thread"]), (&"chat".into(), &Value::Null), "{run}");
    let body = json!({
        "model": "ibid", "stream": true, "metadata": { "thread": thread },
        "messages": [{ "role": "user", "content": "When does the bakery open?" }],
    });
    let response =
        server.http.post(format!("{}/v1/chat/completions", server.base)).json(&body).send().unwrap();
    let told = response.text().unwrap();
    assert!(told.contains("\"annotations\"") && told.trim_end().ends_with("data: [DONE]"), "{told}");
    assert_eq!(server.get(&format!("/v1/threads/{thread}")).1["turns"], 1);
}
