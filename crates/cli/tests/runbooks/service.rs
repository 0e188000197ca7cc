//! Faults of what answers: the server, its providers, who calls it.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use ibid_testkit::{ChatProvider, Fault, Home, Piece, Server};
use serde_json::json;

use crate::support::{begin, data, is_well, library, provider, serve, serve_again, serve_with};

pub fn service_down() {
    let home = library();
    let server = serve(&home, &[]);
    is_well(&home, "service-down", &[]);
    server.kill();
    let mut carried = begin(&home, "service-down", &[]);
    carried.until_found();
    let _server = serve_again(&home, &[]);
    let said = carried.mends();
    assert!(said.contains("doctor --only server: applies"), "{said}");
}

/// A server whose searches need the provider, and many who search.
fn searched(home: &Home, provider: &ChatProvider, searchers: usize) -> (Server, ibid_testkit::Load) {
    let server = serve_with(home, provider, &[]);
    let file = home.write("lease.md", "# Lease\n\nThe tenant pays the rent on the third day of the month.\n");
    drop(home.ok(&["ingest", &file.display().to_string()]));
    let load = server.load(searchers, |client, base| {
        client.post(format!("{base}/v1/search")).json(&json!({ "query": "rent", "mode": "dense" }))
    });
    (server, load)
}

pub fn high_error_rate() {
    let (home, provider) = (library(), provider());
    let (_server, _load) = searched(&home, &provider, 2);
    is_well(&home, "high-error-rate", &[]);
    provider.be(Fault::Failing(500));
    let mut carried = begin(&home, "high-error-rate", &[]);
    carried.until_found();
    carried.until("providers,models: applies");
    provider.be(Fault::Well);
    carried.mends();
}

pub fn slow_answers() {
    let (home, provider) = (library(), provider());
    let (_server, _load) = searched(&home, &provider, 40);
    is_well(&home, "slow-answers", &[]);
    provider.be(Fault::Slow(Duration::from_millis(2200)));
    let mut carried = begin(&home, "slow-answers", &[]);
    carried.until_found();
    provider.be(Fault::Well);
    carried.mends();
}

pub fn attack_or_abuse() {
    let home = library();
    let key = home.ok(&["keys", "create", "own"]).out.trim().to_owned();
    // The usual load is as much as two clients can send.
    let server = serve(&home, &["limits.requests_per_minute=0"]);
    let ask = |key: String| {
        server.load(2, move |client, base| client.get(format!("{base}/v1/status")).bearer_auth(key.clone()))
    };
    let _usual = ask(key);
    is_well(&home, "attack-or-abuse", &[]);
    let flood = ask("ibid_guessed".to_owned());
    let mut carried = begin(&home, "attack-or-abuse", &[]);
    carried.until_found();
    drop(flood);
    carried.mends();
}

/// The status of a request with the key.
fn status(server: &Server, key: &str) -> u16 {
    server.http.get(format!("{}/v1/status", server.base)).bearer_auth(key).send().unwrap().status().as_u16()
}

/// A browser that somebody is signed in with.
fn stranger_with_an_account(home: &Home, server: &Server) -> reqwest::blocking::Client {
    let browser = server.stranger();
    let link = home.ok(&["auth", "link"]).out;
    let token = link.trim().rsplit('/').next().unwrap();
    let account =
        serde_json::json!({ "token": token, "name": "mallory", "password": "a phrase nobody else has" });
    let url = format!("{}/v1/auth/link", server.base);
    assert_eq!(browser.post(url).json(&account).send().unwrap().status().as_u16(), 200);
    browser
}

pub fn authentication_bypass() {
    let home = library();
    drop(home.ok(&["keys", "create", "own"]));
    let server = serve(&home, &[]);
    is_well(&home, "authentication-bypass", &[]);
    let open = |path: std::path::PathBuf, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    open(data(&home), 0o755);
    open(data(&home).join("server.json"), 0o644);
    let left: serde_json::Value =
        serde_json::from_slice(&std::fs::read(data(&home).join("server.json")).unwrap()).unwrap();
    let stolen = left["token"].as_str().unwrap();
    assert_eq!((status(&server, "guessed"), status(&server, stolen)), (401, 200));
    let browser = stranger_with_an_account(&home, &server);
    let is_in = || browser.get(format!("{}/v1/auth/me", server.base)).send().unwrap().status().is_success();
    assert!(is_in());
    let mut carried = begin(&home, "authentication-bypass", &[]);
    carried.until_found();
    carried.until("--mend: done");
    carried.until("sign-out-everybody: done");
    assert!(!is_in());
    assert_eq!(server.stop(), 0);
    let server = serve_again(&home, &[]);
    carried.mends();
    assert_eq!(status(&server, stolen), 401);
    assert_eq!(std::fs::metadata(data(&home)).unwrap().permissions().mode() & 0o777, 0o700);
}

pub fn secret_leaked() {
    let (home, provider) = (library(), provider());
    let key = home.ok(&["keys", "create", "printer"]).out.trim().to_owned();
    drop(home.ok(&["keys", "create", "other"]));
    let server = serve_with(&home, &provider, &[]);
    is_well(&home, "secret-leaked", &[]);
    let file =
        home.write("setup.md", format!("# Printer\n\nThe printer asks with the key {key} each night.\n"));
    drop(home.ok(&["ingest", &file.display().to_string()]));
    assert_eq!(status(&server, &key), 200);
    begin(&home, "secret-leaked", &[]).mends();
    assert_eq!(status(&server, &key), 401);
    assert!(home.ok(&["keys", "list"]).out.contains("other"));
}

pub fn provider_down() {
    let home = library();
    let provider =
        ChatProvider::start(|_| vec![Piece::from("The tenant pays the rent on the third day [1].")]);
    let model = provider
        .setting()
        .replace("model = 'm'", "model = 'm', breaker = { failures_max = 2, pause_ms = 300 }");
    let embedder = crate::support::provider();
    let server = serve_with(&home, &embedder, &[&model]);
    let file = home.write("lease.md", "# Lease\n\nThe tenant pays the rent on the third day of the month.\n");
    drop(home.ok(&["ingest", &file.display().to_string()]));
    is_well(&home, "provider-down", &[]);
    let asked_anew = json!({ "question": "When does the tenant pay the rent?", "fresh": true });
    let ask = || server.post("/v1/ask", &asked_anew).1;
    assert_eq!(ask()["mode"], "generative");
    provider.be(Fault::Failing(500));
    let modes = [ask(), ask(), ask()].map(|answer| answer["mode"].clone());
    assert_eq!(modes, ["extractive", "extractive", "extractive"]);
    let found = home.run(&["doctor", "--only", "providers"]);
    assert!(found.out.contains("[breaker_open]"), "{found:?}");
    assert!(home.ok(&["status"]).out.contains("breaker"));
    let asked = provider.asked().len();
    let mut carried = begin(&home, "provider-down", &[]);
    carried.until_found();
    provider.be(Fault::Well);
    crate::support::eventually("the breaker lets a call try", || ask()["mode"] == "generative");
    assert!(provider.asked().len() > asked);
    carried.mends();
}

pub fn certificate_expiring() {
    let home = library();
    let hook = ibid_testkit::TlsPeer::start(2);
    let receivers =
        format!("notify.receivers=[{{ name = 'hook', kind = 'webhook', url = 'https://{}' }}]", hook.address);
    let quick = ["alerts.interval_seconds=1", "alerts.quiet_seconds=1", "notify.attempts_max=1", &receivers];
    is_well(&home, "certificate-expiring", &[]);
    let _server = serve(&home, &quick);
    let mut carried = begin(&home, "certificate-expiring", &[]);
    carried.until_found();
    hook.renew(90);
    let said = carried.mends();
    assert!(said.contains("[certificate_expiring]"), "{said}");
}
