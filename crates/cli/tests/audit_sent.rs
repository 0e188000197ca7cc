//! The audit log of a running server arrives elsewhere, and nothing is left out while the receiver or the server is away.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::{Duration, Instant};

use ibid_testkit::{Home, Inbox};
use serde_json::Value;

const LONG: Duration = Duration::from_secs(60);

/// What each accepted post brought, by number; posts are refused first.
fn arrived(inbox: &Inbox, refused: usize) -> Vec<(i64, String)> {
    let posts = inbox.posts();
    let lines = posts.iter().skip(refused).flat_map(|post| post.text.lines());
    let read = |line: &str| {
        let entry: Value = serde_json::from_str(line).unwrap();
        (entry["number"].as_i64().unwrap(), entry["action"].as_str().unwrap().to_owned())
    };
    lines.map(read).collect()
}

fn until(inbox: &Inbox, refused: usize, is_done: impl Fn(&[(i64, String)]) -> bool) -> Vec<(i64, String)> {
    let started = Instant::now();
    loop {
        let all = arrived(inbox, refused);
        if is_done(&all) {
            return all;
        }
        assert!(started.elapsed() < LONG, "{all:?}");
        let (_open, nothing) = std::sync::mpsc::channel::<()>();
        let _ = nothing.recv_timeout(Duration::from_millis(20));
    }
}

fn is_whole(all: &[(i64, String)]) -> bool {
    all.iter().map(|(number, _)| *number).eq(1..=i64::try_from(all.len()).unwrap())
}

#[test]
fn every_entry_arrives_once_the_receiver_is_there() {
    let home = Home::new(env!("CARGO_BIN_EXE_ibid"));
    // Away for two attempts.
    let inbox = Inbox::start(&[503, 503]);
    let setting = format!("--set=audit.receivers=[{{name='siem', url='{}'}}]", inbox.url());
    let server = home.serve(&[&setting]);
    drop(home.ok(&["keys", "create", "one"]));
    let all = until(&inbox, 2, |all| all.iter().any(|(_, action)| action == "POST"));
    assert!(is_whole(&all) && all[0].1 == "server.started", "{all:?}");
    assert!(home.ok(&["doctor", "--only", "audit", "--quick"]).out.contains("siem has every entry"));
    let metrics = server.get("/metrics").1.as_str().unwrap().to_owned();
    assert!(
        metrics.contains("ibid_audit_sendings_total{receiver=\"siem\",outcome=\"failed\"} 2"),
        "{metrics}"
    );
    assert!(metrics.contains("ibid_audit_entries_unsent{receiver=\"siem\"}"), "{metrics}");
    drop(server);
    // What is written while no server sends, or without a receiver, comes when there is one again.
    drop(home.ok(&["keys", "create", "two"]));
    let server = home.serve_again(&[]);
    drop(home.ok(&["keys", "create", "three"]));
    drop(server);
    let server = home.serve_again(&[&setting]);
    let last = home.ok(&["audit", "list", "--json", "--limit", "1000"]).json();
    let last = last["entries"].as_array().unwrap().last().unwrap()["number"].as_i64().unwrap();
    let all = until(&inbox, 2, |all| all.last().is_some_and(|(number, _)| *number >= last));
    assert!(is_whole(&all), "{all:?}");
    drop(server);
}
