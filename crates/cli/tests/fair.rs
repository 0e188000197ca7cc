//! Fair shares through the real server: a workspace that floods keeps no other out, whoever gets no place learns when to come again,
//! and whoever leaves leaves the line.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::Write;
use std::net::TcpStream;
use std::thread::JoinHandle;

use ibid_testkit::{ChatProvider, Home, Piece, Server, answer};
use serde_json::{Value, json};

/// A library with two workspaces that hold the same.
fn home() -> Home {
    let home = Home::new(env!("CARGO_BIN_EXE_ibid"));
    let _ =
        home.write("bakery.md", "# Bakery\n\nThe bakery opens at six in the morning, on Sundays at eight.\n");
    let _ = home.ok(&["workspace", "create", "calm"]);
    for workspace in ["default", "calm"] {
        let _ = home.ok(&["ingest", &home.files(), "--workspace", workspace]);
    }
    home
}

/// Stops in the middle of each answer until it is released.
fn provider() -> ChatProvider {
    ChatProvider::start(|_| {
        vec!["The bakery opens ".into(), Piece::Hold, "at six in the morning [1].".into()]
    })
}

/// A server with one place for answers.
fn serve(home: &Home, provider: &ChatProvider, settings: &[&str]) -> Server {
    let mut all = vec!["limits.answers_concurrent_max=1", "limits.waiting_ms_max=60000", "answer.kept_max=0"];
    all.extend(settings);
    let chat = provider.setting();
    all.push(&chat);
    let all: Vec<String> = all.iter().map(|setting| format!("--set={setting}")).collect();
    home.serve(&all.iter().map(String::as_str).collect::<Vec<_>>())
}

fn question(workspace: &str, words: &str) -> Value {
    json!({ "workspace": workspace, "question": format!("When does the bakery open {words}?"), "mode": "generative" })
}

/// Asks on a thread of its own; gives the status and what the answer says.
fn ask(server: &Server, question: Value) -> JoinHandle<(u16, Value)> {
    let (http, url) = (server.http.clone(), format!("{}/v1/ask", server.base));
    std::thread::spawn(move || answer(http.post(url).json(&question).send().unwrap()))
}

/// Looks again until so many wait for an answer, as an operator would.
fn until_waiting(server: &Server, count: usize) {
    let line = format!("ibid_queue_requests_waiting{{queue=\"answers\"}} {count}\n");
    let look = || server.get("/metrics").1.as_str().unwrap().to_owned();
    let found = (0..5_000).map(|_| look()).any(|text| text.contains(&line));
    assert!(found, "{count} do not wait: {}", look());
}

#[test]
fn another_workspace_is_next_when_one_floods() {
    let (home, provider) = (home(), provider());
    let server = serve(&home, &provider, &[]);
    let days = ["on Monday", "on Tuesday", "on Wednesday", "on Thursday"];
    let mut asked: Vec<_> = days.iter().map(|day| ask(&server, question("default", day))).collect();
    until_waiting(&server, 3);
    asked.push(ask(&server, question("calm", "on Sunday")));
    until_waiting(&server, 4);
    provider.release();
    for asked in asked {
        let (status, said) = asked.join().unwrap();
        assert_eq!(status, 200, "{said}");
    }
    let order: Vec<bool> =
        provider.asked().iter().map(|body| body.to_string().contains("on Sunday?")).collect();
    assert_eq!(order, [false, true, false, false, false], "after the one that had its place already");
}

#[test]
fn whoever_floods_is_refused_for_one_who_does_not() {
    let (home, provider) = (home(), provider());
    let server = serve(&home, &provider, &["limits.waiting_max=2"]);
    let days = ["on Monday", "on Tuesday", "on Wednesday"];
    let asked: Vec<_> = days.iter().map(|day| ask(&server, question("default", day))).collect();
    until_waiting(&server, 2);
    let one_more = question("default", "on Thursday");
    let refused = server.http.post(format!("{}/v1/ask", server.base)).json(&one_more).send().unwrap();
    assert!(refused.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    let (status, said) = answer(refused);
    assert_eq!((status, &said["error"]["code"]), (503, &json!("server_busy")), "{said}");
    let calm = ask(&server, question("calm", "on Sunday"));
    let displaced = (0..5_000).any(|_| {
        let text = server.get("/metrics").1.as_str().unwrap().to_owned();
        text.contains("ibid_queue_refusals_total{queue=\"answers\",reason=\"displaced\"} 1")
    });
    assert!(displaced);
    provider.release();
    assert_eq!(calm.join().unwrap().0, 200);
    let mut statuses: Vec<u16> = asked.into_iter().map(|asked| asked.join().unwrap().0).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 503]);
}

#[test]
fn a_stream_keeps_its_place_and_whoever_hangs_up_leaves_the_line() {
    let (home, provider) = (home(), provider());
    let server = serve(&home, &provider, &[]);
    let mut streamed = question("default", "today");
    streamed["stream"] = true.into();
    let stream = server.http.post(format!("{}/v1/ask", server.base)).json(&streamed).send().unwrap();
    let body = question("default", "tomorrow").to_string();
    let head = format!(
        "POST /v1/ask HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        home.token(),
        body.len()
    );
    let mut impatient = TcpStream::connect(server.base.rsplit('/').next().unwrap()).unwrap();
    impatient.write_all((head + &body).as_bytes()).unwrap();
    until_waiting(&server, 1);
    drop(impatient);
    until_waiting(&server, 0);
    provider.release();
    assert!(stream.text().unwrap().contains("event: done"));
    assert_eq!(ask(&server, question("default", "on Sunday")).join().unwrap().0, 200);
    assert_eq!(provider.asked().len(), 2, "what nobody waited for was not asked");
}

#[test]
fn turns_wait_in_line_and_watchers_do_not() {
    let (home, provider) = (home(), provider());
    let server = serve(&home, &provider, &[]);
    let (_, thread) = server.post("/v1/threads", &json!({ "workspace": "calm" }));
    let turns = format!("/v1/threads/{}/turns?workspace=calm", thread["id"].as_str().unwrap());
    let first = ask(&server, question("default", "today"));
    let running = "ibid_queue_requests_running{queue=\"answers\"} 1\n";
    assert!((0..5_000).any(|_| server.get("/metrics").1.as_str().unwrap().contains(running)));
    let (http, url) = (server.http.clone(), format!("{}{turns}", server.base));
    let body = json!({ "question": "When does the bakery open?", "quality": "quick" });
    let turn = std::thread::spawn(move || answer(http.post(url).json(&body).send().unwrap()));
    until_waiting(&server, 1);
    assert_eq!(
        server.get(&turns).1["turns"],
        json!([]),
        "a list is read meanwhile, and the turn has not begun"
    );
    provider.release();
    assert_eq!((first.join().unwrap().0, turn.join().unwrap().0), (200, 200));
}

#[test]
fn a_workspace_that_is_too_fast_is_told_when_to_come_again() {
    let home = home();
    let server = home.serve(&["--set=limits.workspace_requests_per_minute=20"]);
    let key = home.ok(&["keys", "create", "ci", "--role", "reader"]).out.trim().to_owned();
    let list = || {
        let request = server.http.get(format!("{}/v1/documents", server.base));
        let response = request.header("authorization", format!("Bearer {key}")).send().unwrap();
        let after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        (after, answer(response).1)
    };
    let refused = (0..4).map(|_| list()).find(|(after, _)| after.is_some());
    let (after, said) = refused.unwrap();
    let message = said["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains(&format!("in {} s", after.unwrap())), "{message}");
}
