//! A document with an access list, tried from every side by somebody whom the list does not name.
#![allow(clippy::unwrap_used)]

use ibid_testkit::{Home, Server, answer};
use reqwest::Method;
use reqwest::blocking::multipart::{Form, Part};
use serde_json::{Value, json};

const SECRET: &str = "The merger with Pelican Harbour closes on the ninth of May.";
const OPEN: &str = "The canteen of the house opens at noon.";
const QUESTION: &str = "When does the merger with Pelican Harbour close?";
const WORD: &str = "Pelican";

/// A server with an open document and a closed one, and two readers of whom the list names the first.
struct Fixture {
    home: Home,
    server: Server,
    /// Of the closed document.
    document: String,
    inside: String,
    outside: String,
}

fn fixture() -> Fixture {
    let home = Home::new(env!("CARGO_BIN_EXE_ibid"));
    let server = home.serve(&["--set", "backup.enabled=false"]);
    let key = |name: &str| home.ok(&["keys", "create", name, "--role", "editor"]).out.trim().to_owned();
    let (inside, outside) = (key("inside"), key("outside"));
    put(&server, &inside, "canteen.md", OPEN, "");
    let document = put(&server, &inside, "merger.md", SECRET, "key:inside").1["files"][0]["document"].clone();
    settle(&server);
    Fixture { document: document.as_str().unwrap().to_owned(), home, server, inside, outside }
}

fn put(server: &Server, key: &str, source: &str, text: &str, readers: &str) -> (u16, Value) {
    let form = Form::new().part("file", Part::text(text.to_owned()).file_name(source.to_owned()));
    let form = if readers.is_empty() { form } else { form.text("readers", readers.to_owned()) };
    let request = server.stranger().post(format!("{}/v1/documents", server.base)).bearer_auth(key);
    answer(request.multipart(form).send().unwrap())
}

/// Waits for the end of all jobs, as their stream tells it.
fn settle(server: &Server) {
    server.http.get(format!("{}/v1/jobs/events", server.base)).send().unwrap().text().unwrap();
}

impl Fixture {
    fn send(&self, key: &str, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let request = self.server.stranger().request(method.clone(), format!("{}{path}", self.server.base));
        let request = request.bearer_auth(key);
        let request = if method == Method::GET { request } else { request.json(body) };
        answer(request.send().unwrap())
    }

    fn get(&self, key: &str, path: &str) -> (u16, Value) {
        self.send(key, Method::GET, path, &Value::Null)
    }

    fn post(&self, key: &str, path: &str, body: &Value) -> Value {
        self.send(key, Method::POST, path, body).1
    }

    /// All that is said to somebody who asks in every way that there is.
    fn told(&self, key: &str) -> String {
        let thread =
            self.post(key, "/v1/threads", &json!({ "title": "x" }))["id"].as_str().unwrap().to_owned();
        let tool = "name: look\ninput: {question: text}\nnodes: {find: {kind: tool, tool: search_documents, \
                    with: {query: '{{ question }}'}}}\noutput: {found: '{{ find }}'}\n";
        let all = [
            self.post(key, "/v1/search", &json!({ "query": QUESTION })),
            self.post(
                key,
                "/v1/search",
                &json!({ "query": QUESTION, "filter": { "documents": [self.document] } }),
            ),
            self.post(key, "/v1/search", &json!({ "query": QUESTION, "mode": "lexical", "explain": true })),
            self.post(
                key,
                "/v1/ask",
                &json!({ "question": QUESTION, "mode": "extractive", "explain": true }),
            ),
            self.post(key, &format!("/v1/threads/{thread}/turns"), &json!({ "question": QUESTION })),
            self.post(
                key,
                "/v1/chat/completions",
                &json!({
                "model": "ibid", "messages": [{ "role": "user", "content": QUESTION }] }),
            ),
            self.post(
                key,
                "/v1/runs",
                &json!({
                "source": tool, "input": { "question": QUESTION }, "wait_seconds": 20 }),
            ),
            self.get(key, "/v1/documents").1,
            self.get(key, "/v1/documents?text=merger").1,
            self.get(key, "/v1/jobs").1,
        ];
        // The question itself is said again by some.
        all.iter().map(Value::to_string).collect::<String>().replace(QUESTION, "")
    }
}

#[test]
fn who_is_not_on_the_list_learns_nothing_of_a_document() {
    let f = fixture();
    let (inside, outside) = (f.told(&f.inside), f.told(&f.outside));
    assert!(inside.matches("ninth of May").count() >= 6, "{inside}");
    assert!(inside.matches("merger.md").count() >= 8, "{inside}");
    for trace in ["ninth", "merger.md", f.document.as_str()] {
        assert!(!outside.contains(trace), "{trace} is told: {outside}");
    }
    assert!(outside.contains("canteen.md"), "what is open is there: {outside}");
    assert!(!outside.to_lowercase().contains(&WORD.to_lowercase()) || !outside.contains("Harbour closes"));
}

#[test]
fn a_closed_document_is_not_there_for_who_is_not_on_its_list() {
    let f = fixture();
    let shown = f.get(&f.inside, &format!("/v1/documents/{}", f.document)).1;
    let version = shown["version"]["id"].as_str().unwrap();
    assert_eq!(shown["readers"][0]["name"], "inside", "{shown}");
    let at = |rest: &str| format!("/v1/documents/{}{rest}", f.document);
    let paths = [
        (Method::GET, at("")),
        (Method::GET, at("/content")),
        (Method::GET, at(&format!("/content?version={version}"))),
        (Method::GET, at("/versions")),
        (Method::GET, at(&format!("/versions/{version}/passage?start_byte=0&end_byte=9"))),
        (Method::PATCH, at("")),
        (Method::DELETE, at("")),
    ];
    for (method, path) in &paths {
        let (status, told) =
            f.send(&f.outside, method.clone(), path, &json!({ "title": "mine", "readers": [] }));
        assert_eq!((status, &told["error"]["code"]), (404, &"document_unknown".into()), "{method} {path}");
    }
    for (method, path) in paths.iter().filter(|(method, _)| *method == Method::GET) {
        let request = f.server.stranger().request(method.clone(), format!("{}{path}", f.server.base));
        assert_eq!(request.bearer_auth(&f.inside).send().unwrap().status(), 200, "{path}");
    }
    let jobs = f.get(&f.inside, "/v1/jobs").1;
    let jobs = jobs["jobs"].as_array().unwrap();
    let job = jobs.iter().find(|job| job["subject"] == "merger.md").unwrap()["id"].as_str().unwrap();
    assert_eq!(f.get(&f.outside, &format!("/v1/jobs/{job}")).1["error"]["code"], "job_unknown");
    let taken = put(&f.server, &f.outside, "merger.md", "mine now", "");
    assert_eq!((taken.0, &taken.1["error"]["code"]), (409, &"source_taken".into()));
}

#[test]
fn a_list_counts_from_the_moment_that_it_is_changed() {
    let f = fixture();
    let path = format!("/v1/documents/{}", f.document);
    let share =
        |key: &str, readers: &[&str]| f.send(key, Method::PATCH, &path, &json!({ "readers": readers }));
    let finds =
        |key: &str| f.post(key, "/v1/search", &json!({ "query": QUESTION })).to_string().contains("ninth");
    assert_eq!(share(&f.inside, &["key:inside", "key:outside"]).0, 200);
    assert!(finds(&f.outside));
    let lockout = share(&f.outside, &["key:inside"]).1;
    assert_eq!(lockout["error"]["code"], "readers_without_you");
    assert_eq!(share(&f.inside, &["key:nobody"]).1["error"]["code"], "holder_unknown");
    assert_eq!(share(&f.inside, &["key:inside"]).0, 200);
    assert!(!finds(&f.outside) && finds(&f.inside));
    // This machine decides about every list, and shares with groups.
    drop(f.home.ok(&["auth", "group", "office"]));
    drop(f.home.ok(&["documents", "share", &f.document, "--with", "group:office"]));
    assert!(!finds(&f.inside) && !finds(&f.outside));
    drop(f.home.ok(&["documents", "share", &f.document, "--with-everybody"]));
    assert!(finds(&f.outside) && f.get(&f.outside, &path).0 == 200);
    assert_eq!(f.home.run(&["documents", "share", &f.document]).code, 2, "with nobody named");
}

#[test]
fn who_lost_the_role_reads_nothing_more_by_what_they_began() {
    let f = fixture();
    let run = json!({ "flow": "chat", "input": { "question": QUESTION } });
    let admin = f.home.ok(&["keys", "create", "chief", "--role", "admin"]).out.trim().to_owned();
    assert!(f.post(&admin, "/v1/search", &json!({ "query": QUESTION })).to_string().contains("ninth"));
    drop(f.home.ok(&["auth", "grant", "key:chief", "reader"]));
    assert!(!f.post(&admin, "/v1/search", &json!({ "query": QUESTION })).to_string().contains("ninth"));
    assert!(!f.post(&admin, "/v1/runs", &run).to_string().contains("ninth"));
}

#[test]
fn a_part_of_an_administrators_rights_reads_what_it_says_and_no_more() {
    let fixture = fixture();
    let boss = fixture.home.ok(&["keys", "create", "boss", "--role", "admin"]).out.trim().to_owned();
    let whole = fixture.told(&boss);
    assert!(whole.contains("ninth"), "administrators read all: {whole}");
    let part = fixture.post(&boss, "/v1/auth/tokens", &json!({ "role": "reader", "seconds": 600 }));
    let part = part["token"].as_str().unwrap();
    let told = fixture.told(part);
    assert!(!told.contains("ninth") && !told.contains("merger.md"), "{told}");
    assert_eq!(fixture.get(part, &format!("/v1/documents/{}", fixture.document)).0, 404);
    // A key sees what it began by its tokens; they see nothing of the key's.
    let begun = fixture.post(part, "/v1/threads", &json!({ "title": "by the part" }))["id"].clone();
    let path = format!("/v1/threads/{}", begun.as_str().unwrap());
    assert_eq!((fixture.get(&boss, &path).0, fixture.get(part, &path).0), (200, 200));
    let begun = fixture.post(&boss, "/v1/threads", &json!({ "title": "by the key" }))["id"].clone();
    let path = format!("/v1/threads/{}", begun.as_str().unwrap());
    assert_eq!((fixture.get(&boss, &path).0, fixture.get(part, &path).0), (200, 404));
}
