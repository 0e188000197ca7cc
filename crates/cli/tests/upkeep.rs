//! What the server does beside its requests: the change from one embedder to another, the clean-up.
#![allow(clippy::unwrap_used)]

use std::sync::mpsc;
use std::time::Duration;

use ibid_testkit::{Home, Server};
use serde_json::{Value, json};

fn home() -> Home {
    Home::new(env!("CARGO_BIN_EXE_ibid"))
}

/// Asks until `done` says so, for at most a minute.
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let (_keep, never) = mpsc::channel::<()>();
    let came = (0..600).any(|_| done() || never.recv_timeout(Duration::from_millis(100)).is_ok());
    assert!(came, "{what} did not come");
}

fn best(server: &Server, mode: &str) -> Value {
    let (status, found) =
        server.post("/v1/search", &json!({ "query": "How hot is the kettle?", "mode": mode }));
    assert_eq!(status, 200, "{found}");
    found["hits"][0].clone()
}

#[test]
fn another_embedder_takes_over_in_the_background() {
    let (provider, home) = (home(), home());
    let key = provider.ok(&["keys", "create", "embedding"]).out.trim().to_owned();
    let provider = provider.serve(&[]);
    let _ = home.write("tea.md", "# Tea\n\nThe water boils at 96 degrees in the hut.\n");
    let _ = home.write("boats.md", "# Boats\n\nThe Kittiwake has two engines.\n");
    let _ = home.ok(&["ingest", &home.files()]);
    let url = format!("embedder.url={}/v1", provider.base);
    let key = format!("embedder.api_key={key}");
    let other = [
        "--set",
        "embedder.provider=openai",
        "--set",
        &url,
        "--set",
        &key,
        "--set",
        "embedder.model=all-MiniLM-L6-v2",
    ];
    let server = home.serve(&other);
    assert!(best(&server, "dense")["similarity"].is_number());
    until("the other embedder", || {
        home.ok(&["--json", "status"]).json()["embedder"] == "openai/all-MiniLM-L6-v2" && {
            let ready = server.get("/v1/ops/health").1.to_string();
            !ready.contains("former")
        }
    });
    until("the new index", || best(&server, "dense")["similarity"].is_number());
    assert_eq!(best(&server, "dense")["title"], "Tea");
    let rebuilt = server.post("/v1/index/rebuild", &json!({})).1;
    assert_eq!(rebuilt["rebuilt"][0]["was_equal"], true, "{rebuilt}");
    assert_eq!(server.stop(), 0);
    provider.kill();
    let server = home.serve(&other);
    assert_eq!(best(&server, "hybrid")["title"], "Tea", "a provider that is down leaves the search by words");
}

#[test]
fn the_last_round_of_each_kind_of_upkeep_is_seen() {
    let home = home();
    let server = home.serve(&[]);
    let wanted = [
        "clean-documents",
        "clean-jobs",
        "clean-runs",
        "clean-alerts",
        "clean-sessions",
        "change-keys",
        "clean-originals",
        "clean-vectors",
        "clean-drills",
        "keep-metrics",
        "backup-base",
        "backup-retention",
    ];
    let rounds = || server.get("/v1/ops/tasks").1["rounds"].as_array().unwrap().clone();
    until("the first rounds", || {
        let rounds = rounds();
        wanted.iter().all(|task| rounds.iter().any(|round| round["task"] == *task))
    });
    for round in rounds() {
        assert_eq!((&round["failure"], &round["failed"]), (&Value::Null, &json!(0)), "{round}");
        assert!(round["result"].as_str().is_some_and(|result| !result.is_empty()), "{round}");
    }
    let tasks = server.get("/v1/ops/tasks").1["tasks"].as_array().unwrap().clone();
    assert!(tasks.iter().any(|task| task["name"] == "clean-up" && task["state"] == "running"), "{tasks:?}");
    assert!(home.ok(&["status"]).out.contains("deleted documents and 0 originals removed"));
}

#[test]
fn deleted_documents_leave_the_disk() {
    let home = home();
    let _ = home.write("a.txt", "The bakery opens at six.");
    let _ = home.ok(&["ingest", &home.files()]);
    let id =
        home.ok(&["--json", "documents", "list"]).json()["documents"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(blobs(&home), 1);
    let _ = home.ok(&["documents", "delete", &id]);
    let _server = home.serve(&[]);
    until("the clean-up", || blobs(&home) == 0);
}

fn blobs(home: &Home) -> usize {
    let folders = std::fs::read_dir(home.path().join("data/blobs")).unwrap();
    folders
        .filter_map(|folder| std::fs::read_dir(folder.unwrap().path()).ok())
        .map(|files| files.filter(|file| file.as_ref().unwrap().path().is_file()).count())
        .sum()
}
