//! Faults that somebody found who attacked the running server: what is closed stays closed to those who look after it, what is refused
//! is recorded, and names steer no terminal.
#![allow(clippy::unwrap_used)]

use ibid_testkit::{Home, Server, answer};
use reqwest::Method;
use reqwest::blocking::multipart::{Form, Part};
use serde_json::{Value, json};

const LEASE: &str = "# Lease\n\nThe rent of the boathouse at Pelican Harbour is nine crowns a month, to be paid on the first day of it. \
                     The tenant keeps the roof whole, and the owner the pier. Either may end the lease half a year ahead.\n";
const STEERING: &str = "x\u{1b}]0;pwned\u{7}\u{1b}[31mred";

fn home() -> Home {
    Home::new(env!("CARGO_BIN_EXE_ibid"))
}

fn key(home: &Home, name: &str, role: &str) -> String {
    home.ok(&["keys", "create", name, "--role", role]).out.trim().to_owned()
}

fn send(server: &Server, key: &str, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let request =
        server.stranger().request(method.clone(), format!("{}{path}", server.base)).bearer_auth(key);
    let request = if method == Method::GET { request } else { request.json(body) };
    answer(request.send().unwrap())
}

fn get(server: &Server, key: &str, path: &str) -> (u16, Value) {
    send(server, key, Method::GET, path, &Value::Null)
}

/// Takes a document in and waits until it can be found; gives its id.
fn put(server: &Server, key: &str, source: &str, text: &str, readers: &str) -> (u16, Value) {
    let form = Form::new().part("file", Part::text(text.to_owned()).file_name(source.to_owned()));
    let form = if readers.is_empty() { form } else { form.text("readers", readers.to_owned()) };
    let request = server.stranger().post(format!("{}/v1/documents", server.base)).bearer_auth(key);
    let answered = answer(request.multipart(form).send().unwrap());
    server.http.get(format!("{}/v1/jobs/events", server.base)).send().unwrap().text().unwrap();
    answered
}

fn id_of(put: &(u16, Value)) -> String {
    put.1["files"][0]["document"].as_str().unwrap().to_owned()
}

/// The audit log once it has an entry with these words; what was refused behind an answer arrives a moment later.
fn audit_with(home: &Home, words: &str) -> String {
    let mut log = String::new();
    for _ in 0..50 {
        log = home.ok(&["audit", "list", "--limit", "1000"]).out;
        if log.contains(words) {
            break;
        }
    }
    assert!(log.contains(words), "{words} is not in:\n{log}");
    log
}

#[test]
fn an_operators_restore_opens_nothing_and_names_nothing() {
    let home = home();
    let server = home.serve(&[]);
    let (bob, eve) = (key(&home, "bob", "editor"), key(&home, "eve", "reader"));
    let (operator, admin) = (key(&home, "operator", "operator"), key(&home, "chief", "admin"));
    let id = id_of(&put(&server, &bob, "lease.md", LEASE, ""));
    let thread = send(&server, &bob, Method::POST, "/v1/threads", &json!({ "title": "Of the pelican" })).1;
    let thread = thread["id"].as_str().unwrap();
    let moment = home.ok(&["--json", "backup", "now"]).json()["commit"].to_string();
    let path = format!("/v1/documents/{id}");
    assert_eq!(send(&server, &admin, Method::PATCH, &path, &json!({ "readers": ["key:bob"] })).0, 200);
    assert_eq!(get(&server, &eve, &path).0, 404);
    let restore = |key: &str, only: &str, dry_run: bool| {
        let asked = json!({ "to": moment, "only": only, "dry_run": dry_run });
        send(&server, key, Method::POST, "/v1/ops/restores", &asked)
    };
    for dry_run in [true, false] {
        let (status, back) = restore(&operator, &format!("document={id}"), dry_run);
        assert_eq!((status, &back["items"][0]["id"]), (200, &json!(id)), "{back}");
        assert!(!back.to_string().contains("lease.md"), "{back}");
    }
    let (status, back) = restore(&operator, "workspace=default", true);
    assert_eq!(
        (status, back["documents"].as_u64(), back["threads"].as_u64()),
        (200, Some(1), Some(1)),
        "{back}"
    );
    assert!(back.to_string().contains(thread) && !back.to_string().contains("pelican"), "{back}");
    assert_eq!(get(&server, &eve, &path).0, 404, "it was open at that moment, and is closed now");
    assert_eq!(get(&server, &bob, &path).1["readers"][0]["name"], "bob");
    assert_eq!(restore(&admin, &format!("document={id}"), true).1["items"][0]["name"], "lease.md");
    // Deleted, and brought back: still under its list.
    assert_eq!(send(&server, &admin, Method::DELETE, &path, &Value::Null).0, 204);
    assert_eq!(restore(&operator, &format!("document={id}"), false).0, 200);
    assert_eq!((get(&server, &eve, &path).0, get(&server, &bob, &path).0), (404, 200));
    let log = audit_with(&home, &format!("/v1/ops/restores (200) document={id} as of {moment}"));
    assert!(log.contains(&format!("document={id} as of {moment}, a dry run")), "{log}");
}

#[test]
fn a_guess_is_not_confirmed_by_a_near_duplicate() {
    let home = home();
    let server = home.serve(&["--set", "backup.enabled=false"]);
    let (bob, eve) = (key(&home, "bob", "editor"), key(&home, "eve", "editor"));
    let closed = id_of(&put(&server, &bob, "lease.md", LEASE, "key:bob"));
    let guess = put(&server, &eve, "guess.md", &LEASE.replace(". ", ".\n"), "");
    let (document, job) = (id_of(&guess), guess.1["files"][0]["job"].as_str().unwrap());
    let mine = format!("/v1/documents/{document}");
    let seen = |key: &str| {
        let paths = [
            mine.clone(),
            "/v1/documents".to_owned(),
            format!("{mine}/versions"),
            format!("/v1/jobs/{job}"),
            "/v1/jobs".to_owned(),
        ];
        paths.map(|path| get(&server, key, &path).1.to_string()).join("\n")
    };
    assert!(seen(&bob).matches(closed.as_str()).count() >= 5, "{}", seen(&bob));
    assert!(!seen(&eve).contains(&closed), "{}", seen(&eve));
}

#[test]
fn only_what_may_be_read_is_counted() {
    let home = home();
    let server = home.serve(&["--set", "backup.enabled=false"]);
    drop(home.ok(&["workspace", "create", "law"]));
    let (bob, eve) = (key(&home, "bob", "editor"), key(&home, "eve", "reader"));
    let operator = key(&home, "operator", "operator");
    let _ = put(&server, &bob, "open.md", "The canteen opens at noon.\n", "");
    let _ = put(&server, &bob, "lease.md", LEASE, "key:bob");
    let file = home.write("law.md", "The court sits on Mondays.\n");
    drop(home.ok(&["-w", "law", "ingest", file.to_str().unwrap()]));
    let status = |key: &str| {
        let status = get(&server, key, "/v1/status?workspace=default").1;
        (
            status["documents"].as_u64().unwrap(),
            status["chunks"].as_u64().unwrap(),
            status["jobs"]["done"].as_u64().unwrap(),
        )
    };
    assert_eq!(status(&bob).0, 2);
    assert_eq!((status(&eve), status(&bob).2, status(&operator)), ((1, 1, 1), 2, status(&bob)));
    let listed = |key: &str| {
        let all = get(&server, key, "/v1/workspaces").1;
        all.as_array().unwrap().iter().map(|one| one["documents"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((listed(&eve), listed(&operator)), (vec![1, 1], vec![2, 1]));
}

#[test]
fn lists_deletions_and_refusals_are_in_the_audit_log() {
    let home = home();
    let server = home.serve(&["--set", "backup.enabled=false"]);
    let (bob, eve) = (key(&home, "bob", "editor"), key(&home, "eve", "editor"));
    let id = id_of(&put(&server, &bob, "lease.md", LEASE, "key:bob"));
    let path = format!("/v1/documents/{id}");
    let unknown = get(&server, &eve, "/v1/documents/01900000-0000-7000-8000-000000000000");
    let closed = get(&server, &eve, &path);
    assert_eq!(unknown.0, closed.0);
    let told = |answer: &Value| answer["error"]["message"].as_str().unwrap().to_owned();
    assert_eq!(told(&unknown.1).replace("01900000-0000-7000-8000-000000000000", &id), told(&closed.1));
    assert_eq!(put(&server, &eve, "lease.md", "mine now", "").1["error"]["code"], "source_taken");
    assert_eq!(send(&server, &bob, Method::PATCH, &path, &json!({ "title": "A lease" })).0, 200);
    assert_eq!(send(&server, &bob, Method::PATCH, &path, &json!({ "readers": [] })).0, 200);
    assert_eq!(send(&server, &bob, Method::DELETE, &path, &Value::Null).0, 204);
    let browser = server.stranger();
    let forged = |method: Method| {
        let request = browser.request(method, format!("{}/v1/documents", server.base));
        request.header("Cookie", "ibid_session=forged")
    };
    for _ in 0..3 {
        assert_eq!(forged(Method::GET).send().unwrap().status(), 401);
        let sent = forged(Method::POST).header("Origin", "https://evil.example").send().unwrap();
        assert_eq!(sent.status(), 403);
    }
    let log = audit_with(&home, &format!("key eve  refused  document {id}"));
    for words in [
        "key bob  POST  /v1/documents (202) readers: key:".to_owned(),
        format!("key eve  refused  to replace document {id} (source_taken)"),
        format!("key bob  PATCH  {path} (200) readers: everybody"),
        format!("key bob  DELETE  {path} (204) deleted"),
        "refused  session_over from 127.0.0.1".to_owned(),
        "refused  origin_forbidden from 127.0.0.1".to_owned(),
    ] {
        assert_eq!(log.matches(&words).count(), 1, "{words}:\n{log}");
    }
    assert_eq!(log.matches("PATCH").count(), 1, "another title is nobody's concern:\n{log}");
    let verified = home.ok(&["audit", "verify"]).out;
    assert!(verified.contains(" entries: none was changed"), "{verified}");
}

#[test]
fn an_operator_does_not_learn_of_peoples_sign_ins() {
    let home = home();
    let server = home.serve(&["--set", "backup.enabled=false"]);
    let (operator, auditor) = (key(&home, "operator", "operator"), key(&home, "auditor", "auditor"));
    let sign_in = || {
        let asked = json!({ "name": "carol", "password": "a wrong one, surely" });
        let url = format!("{}/v1/auth/sign-in", server.base);
        assert_eq!(server.stranger().post(url).json(&asked).send().unwrap().status(), 401);
    };
    sign_in();
    let asked = json!({ "title": "Slow", "priority": 3 });
    assert_eq!(send(&server, &operator, Method::POST, "/v1/ops/incidents", &asked).0, 201);
    sign_in();
    drop(home.ok(&["keys", "create", "during"]));
    let seen = |key: &str| {
        let review =
            server.stranger().get(format!("{}/v1/ops/incidents/1/review", server.base)).bearer_auth(key);
        let review = review.send().unwrap().text().unwrap();
        format!("{review}\n{}", get(&server, key, "/v1/ops/incidents/1").1)
    };
    let (operators, auditors) = (seen(&operator), seen(&auditor));
    assert!(!operators.contains("carol"), "{operators}");
    assert_eq!(operators.matches("POST /v1/keys (201)").count(), 6, "{operators}");
    assert_eq!(auditors.matches("carol").count(), 4, "{auditors}");
}

#[test]
fn a_name_steers_no_terminal_and_a_review_fetches_nothing() {
    let home = home();
    let server = home.serve(&["--set", "backup.enabled=false"]);
    let operator = key(&home, "operator", "operator");
    let title = "![x](http://a.example/p.png) <img src=//a.example>";
    let opened = json!({ "title": title, "priority": 3 });
    assert_eq!(send(&server, &operator, Method::POST, "/v1/ops/incidents", &opened).0, 201);
    let asked = json!({ "name": STEERING, "password": "a wrong one, surely" });
    let url = format!("{}/v1/auth/sign-in", server.base);
    assert_eq!(server.stranger().post(url).json(&asked).send().unwrap().status(), 401);
    let colored = |arguments: &[&str]| home.ok(&[&["--color", "always"], arguments].concat()).out;
    for said in [
        colored(&["incidents", "show", "1"]),
        colored(&["incidents", "review", "1"]),
        colored(&["audit", "list"]),
        colored(&["audit", "export", "--format", "cef"]),
        colored(&["audit", "export"]),
    ] {
        assert!(said.contains("pwned"), "{said:?}");
        assert!(
            !said.contains('\u{7}') && !said.contains("\u{1b}]") && !said.contains("\u{1b}[31mred"),
            "{said:?}"
        );
    }
    let review = colored(&["incidents", "review", "1"]);
    assert!(
        review.contains("!\\[x\\](http") && review.contains("&lt;img") && !review.contains("<img"),
        "{review}"
    );
    drop(home.ok(&["audit", "verify"]));
}

#[test]
fn names_are_of_characters_that_people_see() {
    let home = home();
    let server = home.serve(&["--set", "backup.enabled=false"]);
    let admin = key(&home, "chief", "admin");
    let post =
        |path: &str, body: Value| send(&server, &admin, Method::POST, path, &body).1["error"]["code"].clone();
    for name in ["a\nforged  line", "a\u{202e}txt.exe", "a\u{e0041}b", "a\u{1b}[31m"] {
        assert_eq!(post("/v1/keys", json!({ "name": name })), "characters_hidden");
        assert_eq!(post("/v1/groups", json!({ "name": name })), "characters_hidden");
        assert_eq!(post("/v1/ops/incidents", json!({ "title": name, "priority": 3 })), "characters_hidden");
        assert_eq!(
            post("/v1/ops/silences", json!({ "rule": "*", "reason": name, "minutes": 5 })),
            "characters_hidden"
        );
        let block = json!({ "network": "192.0.2.7", "reason": name });
        assert_eq!(
            send(&server, &admin, Method::PUT, "/v1/limits/blocks", &block).1["error"]["code"],
            "characters_hidden"
        );
    }
    let id = id_of(&put(&server, &admin, "lease.md", LEASE, ""));
    let path = format!("/v1/documents/{id}");
    let retitle = |title: &str| send(&server, &admin, Method::PATCH, &path, &json!({ "title": title }));
    assert_eq!(retitle("a\u{2067}b").1["error"]["code"], "characters_hidden");
    assert_eq!(retitle(&"x".repeat(1001)).1["error"]["code"], "value_out_of_range");
    assert_eq!(retitle("Jürgens שלום").0, 200);
    // What a document says is shown without what turns it around.
    let text = "# \u{202e}eltit\u{202c}\n\nThe spare key of the mill is \u{202e}under\u{202c} the \u{e0041}third stone.\n";
    let _ = put(&server, &admin, "mill.md", text, "");
    for said in [
        home.ok(&["search", "spare key of the mill"]).out,
        home.ok(&["ask", "Where is the spare key of the mill?"]).out,
    ] {
        assert!(said.contains("third stone"), "{said}");
        assert!(!said.contains(['\u{202e}', '\u{202c}', '\u{e0041}']), "{said:?}");
    }
}

#[test]
fn health_tells_strangers_names_alone() {
    let home = home();
    let server = home.serve(&["--set", "backup.enabled=false"]);
    let (operator, reader) = (key(&home, "operator", "operator"), key(&home, "reader", "reader"));
    let (status, ready) =
        answer(server.stranger().get(format!("{}/health/ready", server.base)).send().unwrap());
    assert_eq!((status, &ready["status"], &ready["version"]), (200, &json!("ready"), &Value::Null));
    for check in ready["checks"].as_array().unwrap() {
        let keys: Vec<&String> = check.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["name", "required", "status"], "{check}");
    }
    assert!(get(&server, &operator, "/v1/ops/health").1["checks"][0]["detail"].is_string());
    assert_eq!(get(&server, &reader, "/v1/ops/health").0, 403);
}

#[test]
fn nobody_silences_the_log() {
    let home = home();
    let server = home.serve(&["--set", "backup.enabled=false"]);
    let operator = key(&home, "operator", "operator");
    let set =
        |level: &str| send(&server, &operator, Method::PUT, "/v1/ops/log-level", &json!({ "level": level }));
    for level in ["off", "info\n", "ibid=off", "ibid_serve=error"] {
        assert_eq!(set(level).1["error"]["code"], "log_level", "{level:?}");
    }
    assert_eq!(set("ibid_serve=debug,info").0, 200);
    let log = audit_with(&home, "/v1/ops/log-level (200) to ibid_serve=debug,info");
    assert!(log.contains("/v1/ops/log-level (400) to off"), "{log}");
}

#[test]
fn a_rehearsal_leaves_tools_out() {
    let home = home();
    let tools = [
        "--set",
        "tools.mcp=[{name='mail', command='/nowhere/mail'}]",
        "--set",
        "chat.tools=['mail.send_message']",
    ];
    let file = home.write("lease.md", LEASE);
    drop(home.ok(&["ingest", file.to_str().unwrap()]));
    let report = home.ok(&[&tools[..], &["--json", "drill", "now"]].concat()).json();
    assert_eq!(report["is_passed"], true, "{report}");
    let server = home.serve(&[]);
    let (operator, admin) = (key(&home, "operator", "operator"), key(&home, "chief", "admin"));
    let page = |key: &str| {
        let report = server.stranger().get(format!("{}/v1/ops/drills/report", server.base)).bearer_auth(key);
        format!("{}{}", report.send().unwrap().text().unwrap(), get(&server, key, "/v1/ops/drills").1)
    };
    assert!(page(&admin).matches("lease.md").count() >= 2 && page(&admin).contains("Pelican"));
    assert!(
        !page(&operator).contains("lease.md") && !page(&operator).contains("Pelican"),
        "{}",
        page(&operator)
    );
}
