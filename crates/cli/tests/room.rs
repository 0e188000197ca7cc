//! What the page's room Operations asks of a server: backups with a destination that is gone, incidents that are weighed anew,
//! pending alerts, and a status page with its style.
#![allow(clippy::unwrap_used)]

use ibid_testkit::{Home, Server};
use serde_json::{Value, json};

/// Nothing listens at port 9 of this machine.
const CONFIG: &str = "[incidents]\nstatus_page = true\n\
    [[backup.destinations]]\nname = \"disk\"\nkind = \"folder\"\npath = \"DISK\"\n\
    [[backup.destinations]]\nname = \"elsewhere\"\nkind = \"s3\"\nendpoint = \"http://127.0.0.1:9\"\nbucket = \"b\"\n\
    access_key = \"a\"\nsecret_key = \"s\"\n";

fn serving(home: &Home) -> Server {
    let disk = home.path().join("disk");
    let config = home.write("ibid.toml", CONFIG.replace("DISK", &disk.display().to_string()));
    home.serve(&["--config", &config.display().to_string()])
}

fn home() -> Home {
    Home::new(env!("CARGO_BIN_EXE_ibid"))
}

#[test]
fn a_server_with_a_destination_elsewhere_ends_as_it_should() {
    let home = home();
    let server = serving(&home);
    // Who was answered has a server that listens for the signal too.
    assert_eq!(server.get("/v1/status").0, 200);
    assert_eq!(server.stop(), 0);
}

#[test]
fn the_report_of_a_rehearsal_may_have_its_style() {
    let home = home();
    let server = home.serve(&[]);
    let (status, report) = server.post("/v1/ops/drills", &json!({}));
    assert_eq!(status, 200, "{report}");
    let page = server.http.get(format!("{}/v1/ops/drills/report", server.base)).send().unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'unsafe-inline';"), "{policy}");
    assert!(page.text().unwrap().contains("<style>"));
}

/// What is said of a destination.
fn of<'a>(all: &'a Value, name: &str) -> &'a Value {
    all.as_array().unwrap().iter().find(|one| one["destination"] == name).unwrap()
}

#[test]
fn a_destination_that_is_gone_hides_none_of_the_others() {
    let home = home();
    let server = serving(&home);
    let (status, held) = server.get("/v1/ops/backups");
    assert_eq!(status, 200, "{held}");
    assert!(of(&held["destinations"], "disk")["stretches"].is_array(), "{held}");
    assert_eq!(of(&held["destinations"], "elsewhere")["failure"]["code"], "backup_unreachable", "{held}");
    let (status, verified) = server.post("/v1/ops/backups/verify", &json!({}));
    assert_eq!(status, 200, "{verified}");
    assert_eq!(of(&verified["verified"], "disk")["damages"], json!([]), "{verified}");
    assert_eq!(of(&verified["verified"], "elsewhere")["failure"]["code"], "backup_unreachable", "{verified}");
    let stream = server.http.get(format!("{}/v1/ops/backups/verify/events", server.base)).send().unwrap();
    let told = stream.text().unwrap();
    let count = |event: &str| told.matches(&format!("event: {event}\n")).count();
    assert_eq!((count("verified"), count("done")), (2, 1), "{told}");
    assert!(count("progress") > 0, "{told}");
}

#[test]
fn a_raised_priority_starts_the_clock_anew_until_somebody_took_it() {
    let home = home();
    let server = serving(&home);
    let change = |body: Value| server.post("/v1/ops/incidents/1/events", &body);
    let (status, opened) = server.post("/v1/ops/incidents", &json!({ "title": "scans fail", "priority": 3 }));
    assert_eq!((status, &opened["respond_by"]), (201, &Value::Null), "{opened}");
    let (_, raised) = change(json!({ "priority": 1, "by": "ada" }));
    assert_eq!(raised["incident"]["priority"], 1, "{raised}");
    let by = raised["incident"]["respond_by"].as_str().unwrap().to_owned();
    assert!(raised["events"].as_array().unwrap().iter().any(|event| event["kind"] == "priority"), "{raised}");
    let _ = change(json!({ "state": "acknowledged" }));
    let (_, lowered) = change(json!({ "priority": 3 }));
    assert_eq!(lowered["incident"]["respond_by"], by, "a clock that was met stays: {lowered}");
    assert_eq!(change(json!({ "priority": 4 })).0, 400);
}

#[test]
fn pending_alerts_are_told_beside_those_that_fire() {
    let home = home();
    let (status, page) = serving(&home).get("/v1/ops/alerts");
    assert_eq!(status, 200, "{page}");
    assert!(page["pending"].is_array() && page["alerts"].is_array(), "{page}");
}

#[test]
fn the_status_page_is_open_to_all_and_has_its_style() {
    let home = home();
    let server = serving(&home);
    let fetch = |path: &str| server.http.get(format!("{}{path}", server.base)).send().unwrap();
    let page = fetch("/status");
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("style-src 'self';"), "{policy}");
    let text = page.text().unwrap();
    assert!(text.contains("Everything works.") && text.contains("href=\"/status.css\""), "{text}");
    let style = fetch("/status.css");
    assert_eq!(
        (style.status().as_u16(), &style.headers()["content-type"]),
        (200, &"text/css; charset=utf-8".parse().unwrap())
    );
}
