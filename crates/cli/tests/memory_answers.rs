//! Memory in answers, and a chat model that reads what is told, through the real program: whose it is, what is cited, what forgetting takes.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};

use ibid_testkit::{ChatProvider, Home, Piece, Server, answer};
use reqwest::Method;
use serde_json::{Value, json};

const PARTY: &str = "The summer party of the rowing club is on the roof of the harbour house.";
const QUESTION: &str = "Where is the summer party of the rowing club?";
/// The exit code of a question that the library does not answer.
const NO_ANSWER: i32 = 7;
/// As the first words of what reads episodes have it.
const READS: &str = "You list what is worth remembering";

/// A home with the embedder of words, and the server's settings.
struct House {
    home: Home,
    settings: Vec<String>,
    words: ChatProvider,
}

fn house(settings: &[&str]) -> House {
    let words = ChatProvider::start(|_| vec![Piece::from("unused")]);
    let mut all = vec!["backup.enabled=false".to_owned()];
    all.extend(words.embedder_settings());
    all.extend(settings.iter().map(|setting| (*setting).to_owned()));
    let settings = all.into_iter().flat_map(|setting| ["--set".to_owned(), setting]).collect();
    House { home: Home::new(env!("CARGO_BIN_EXE_ibid")), settings, words }
}

impl House {
    fn serve(&self) -> Server {
        self.home.serve(&self.settings.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn told(&self, arguments: &[&str]) -> Value {
        let all = arguments.iter().copied().chain(self.settings.iter().map(String::as_str)).chain(["--json"]);
        let said = self.home.run(&all.collect::<Vec<_>>());
        assert!([0, NO_ANSWER].contains(&said.code), "{arguments:?}: {said:?}");
        said.json()
    }

    fn key(&self, name: &str) -> String {
        self.home.ok(&["keys", "create", name, "--role", "editor"]).out.trim().to_owned()
    }
}

fn send(server: &Server, key: &str, path: &str, body: &Value) -> Value {
    let request = server.stranger().request(Method::POST, format!("{}{path}", server.base));
    let (status, said) = answer(request.bearer_auth(key).json(body).send().unwrap());
    assert!(status < 300, "{path}: {said}");
    said
}

fn remember(server: &Server, key: &str, text: &str, shared: bool) -> String {
    let body = json!({ "episodes": [{ "text": text }], "wait": true, "shared": shared });
    send(server, key, "/v1/memory/episodes", &body)["episodes"][0].as_str().unwrap().to_owned()
}

fn ask(server: &Server, key: &str) -> Value {
    send(server, key, "/v1/ask", &json!({ "question": QUESTION }))
}

fn abstains(answer: &Value) -> bool {
    answer["abstained"].is_object() && answer["citations"].as_array().is_none_or(Vec::is_empty)
}

#[test]
fn an_answer_cites_what_is_remembered() {
    let house = house(&[]);
    let taken = house.told(&["memory", "add", PARTY, "--speaker", "Tom", "--at", "2026-06-01"]);
    let said = house.told(&["ask", QUESTION]);
    let citation = &said["citations"][0];
    assert_eq!(citation["episode"], taken["episodes"][0], "{said}");
    let place =
        citation["start_byte"].as_u64().unwrap() as usize..citation["end_byte"].as_u64().unwrap() as usize;
    assert_eq!(citation["quote"].as_str().unwrap(), &PARTY[place]);
    assert_eq!((&citation["title"], &citation["source"]), (&json!("Tom, 2026-06-01"), &json!("memory")));
    assert!(abstains(&house.told(&["ask", QUESTION, "--no-memory"])));
    assert!(abstains(&house.told(&["ask", QUESTION, "--set", "memory.in_answers=false"])));
    let consent = house.told(&["memory", "consent", "off"]);
    assert_eq!(consent["consent"], "off");
    assert!(abstains(&house.told(&["ask", QUESTION])), "who allows nothing is answered from documents");
}

#[test]
fn nobody_is_answered_from_the_memory_of_others() {
    let house = house(&[]);
    let server = house.serve();
    let (ann, bob) = (house.key("ann"), house.key("bob"));
    let _ = remember(&server, &ann, PARTY, false);
    assert!(!abstains(&ask(&server, &ann)));
    assert!(abstains(&ask(&server, &bob)));
    let _ = remember(&server, &ann, PARTY, true);
    let told = ask(&server, &bob);
    assert!(told["citations"][0]["episode"].is_string(), "{told}");
}

#[test]
fn what_was_superseded_is_no_source() {
    let house = house(&[]);
    for (place, at) in [("Lisbon", "2026-05-01"), ("Oslo", "2026-10-01")] {
        let text = format!("I live in {place}.");
        let _ = house.told(&["memory", "add", &text, "--speaker", "Tom", "--at", at]);
    }
    let said = house.told(&["ask", "Where does Tom live?"]);
    assert!(said["text"].as_str().unwrap().contains("Oslo"), "{said}");
    assert!(!said.to_string().contains("Lisbon"), "{said}");
}

/// Files of the library that hold a word.
fn files_with(folder: &Path, word: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        match entry.is_dir() {
            true => found.extend(files_with(&entry, word)),
            false => {
                let bytes = std::fs::read(&entry).unwrap_or_default();
                found.extend(bytes.windows(word.len()).any(|part| part == word.as_bytes()).then_some(entry));
            }
        }
    }
    found
}

#[test]
fn answers_lose_what_is_forgotten() {
    let house = house(&[]);
    let server = house.serve();
    let key = house.key("ann");
    let episode = remember(&server, &key, PARTY, false);
    let thread = send(&server, &key, "/v1/threads", &json!({}))["id"].as_str().unwrap().to_owned();
    let turns = format!("/v1/threads/{thread}/turns");
    let turn = send(&server, &key, &turns, &json!({ "question": QUESTION }));
    assert_eq!(turn["answer"]["citations"][0]["episode"], json!(episode), "{turn}");
    let _ = send(&server, &key, &turns, &json!({ "question": "And what is 2 + 3?" }));
    let _ = ask(&server, &key);
    let receipt = send(&server, &key, "/v1/memory/forget", &json!({ "episode": episode }));
    assert_eq!((&receipt["receipt"]["episodes"], &receipt["receipt"]["answers"]), (&json!(1), &json!(1)));
    let request = server.stranger().get(format!("{}{turns}", server.base)).bearer_auth(&key);
    let (_, listed) = answer(request.send().unwrap());
    let first = &listed["turns"][0];
    assert_eq!(
        (&first["question"], &first["failure"]["code"]),
        (&json!(QUESTION), &json!("answer_forgotten"))
    );
    assert_eq!(first["status"], "failed");
    assert!(first["answer"].is_null() && listed["turns"][1]["answer"].is_object(), "{listed}");
    assert!(abstains(&ask(&server, &key)));
    assert_eq!(server.stop(), 0);
    assert_eq!(files_with(house.home.path(), "harbour house"), Vec::<PathBuf>::new());
}

/// A chat model that claims this of every message that it reads.
fn reader(facts: Value) -> ChatProvider {
    ChatProvider::start(move |body| {
        assert!(body.to_string().contains(READS), "{body}");
        assert_eq!(body.pointer("/response_format/json_schema/strict"), Some(&json!(true)));
        vec![Piece::from(json!({ "facts": facts }).to_string().as_str())]
    })
}

const OUTAGE: &str = "After the outage we all agreed: ledger backups, from now on, nightly, in Frankfurt.";

fn claims() -> Value {
    let claim = |object: &str, quote: &str| json!({ "subject": "ledger backups", "relation": "kept_in", "object": object, "quote": quote, "kind": "insight", "importance": 0.9 });
    let quote = "ledger backups, from now on, nightly, in Frankfurt";
    json!([claim("Frankfurt", quote), claim("Paris", quote), claim("Frankfurt", "backups are in Frankfurt")])
}

#[test]
fn a_chat_model_reads_once_and_is_held_to_the_words() {
    let model = reader(claims());
    let house = house(&[&model.setting()]);
    let server = house.serve();
    let key = house.key("ann");
    let _ = remember(&server, &key, OUTAGE, false);
    let _ = remember(&server, &key, "Hello there!", false);
    // Ends when all jobs have.
    let _ = server.http.get(format!("{}/v1/jobs/events", server.base)).send().unwrap().text().unwrap();
    let facts = facts(&server, &key);
    let of_model: Vec<&Value> =
        facts.as_array().unwrap().iter().filter(|fact| fact["relation"] == "KEPT_IN").collect();
    assert_eq!(of_model.len(), 1, "{facts}");
    assert!(OUTAGE.contains(of_model[0]["sources"][0]["quote"].as_str().unwrap()));
    assert_eq!(model.asked().len(), 1, "small talk costs no call");
}

fn facts(server: &Server, key: &str) -> Value {
    let request = server.stranger().get(format!("{}/v1/memory/facts", server.base)).bearer_auth(key);
    answer(request.send().unwrap()).1["facts"].clone()
}

#[test]
fn what_reads_is_what_the_operator_says() {
    let model = reader(claims());
    let unknown = house(&[&model.setting(), "memory.reader=nobody"]);
    let said = unknown.home.run(&["memory", "stats", "--set", "memory.reader=nobody"]);
    assert!(said.code != 0 && said.err.contains("[chat_model_unknown]"), "{said:?}");
    for setting in ["memory.reader=rules", "memory.reader=auto"] {
        let house = house(&[&model.setting(), setting]);
        let server = house.serve();
        let key = house.key("ann");
        let _ = remember(&server, &key, "I was diagnosed with asthma by Dr. Weber in Berlin.", false);
        let jobs = house.home.ok(&["jobs", "list", "--json"]).out;
        assert_eq!(jobs.contains("to read again"), setting.ends_with("auto"), "{jobs}");
    }
    assert!(unknown.words.asked().is_empty());
}
