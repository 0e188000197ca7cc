//! Answers that are given again, through the real server: to whom, how often the chat model is asked, and what ends it.
#![allow(clippy::unwrap_used)]

use ibid_testkit::{ChatProvider, Home, Piece, Server, answer};
use reqwest::Method;
use reqwest::blocking::multipart::{Form, Part};
use serde_json::{Value, json};

const SIX: &str = "# Bakery\n\nThe bakery opens at six in the morning every single day.\n";
const SEVEN: &str = "# Bakery\n\nThe bakery opens at seven in the morning every single day.\n";
const QUESTION: &str = "When does the bakery open?";
const KEY: &str =
    r#"flow.keys=[{id=1,key="1111111111111111111111111111111111111111111111111111111111111111"}]"#;

/// Answers from the hour that its prompt holds, and cites the passage that says it.
fn says(body: &Value) -> Vec<Piece> {
    let prompt = body.to_string();
    let hour = if prompt.contains("at seven") { "seven" } else { "six" };
    let place = |hour: &str| prompt.find(&format!("opens at {hour}")).unwrap_or(usize::MAX);
    let number = if place("six") < place("seven") && hour == "seven" { 2 } else { 1 };
    let said = format!("The bakery opens at {hour} in the morning every single day [{number}].");
    said.split_inclusive(' ').map(Piece::from).collect()
}

struct House {
    home: Home,
    server: Option<Server>,
    settings: Vec<String>,
    model: ChatProvider,
    _words: ChatProvider,
}

fn house(settings: &[&str]) -> House {
    let (model, words) = (ChatProvider::start(says), ChatProvider::start(says));
    let mut all = vec!["backup.enabled=false".to_owned(), model.setting()];
    all.extend(words.embedder_settings());
    all.extend(settings.iter().map(|setting| (*setting).to_owned()));
    let settings = all.into_iter().flat_map(|setting| ["--set".to_owned(), setting]).collect();
    let home = Home::new(env!("CARGO_BIN_EXE_ibid"));
    let mut house = House { home, server: None, settings, model, _words: words };
    house.start();
    house.put("bakery.md", SIX, &[]);
    house
}

impl House {
    /// Starts the server, after it was killed if it ran.
    fn start(&mut self) {
        if let Some(server) = self.server.take() {
            server.kill();
        }
        let settings: Vec<&str> = self.settings.iter().map(String::as_str).collect();
        self.server = Some(self.home.serve_again(&settings));
    }

    fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    /// Puts a document in and waits until it can be found; gives its id.
    fn put(&self, source: &str, text: &str, fields: &[(&str, &str)]) -> String {
        self.put_into("default", source, text, fields)
    }

    fn put_into(&self, workspace: &str, source: &str, text: &str, fields: &[(&str, &str)]) -> String {
        let form = Form::new().part("file", Part::text(text.to_owned()).file_name(source.to_owned()));
        let form = fields
            .iter()
            .fold(form, |form, (name, value)| form.text((*name).to_owned(), (*value).to_owned()));
        let server = self.server();
        let address = format!("{}/v1/documents?workspace={workspace}", server.base);
        let put = server.http.post(address).multipart(form).send().unwrap();
        let (status, body) = answer(put);
        assert!(status < 300, "{body}");
        server.http.get(format!("{}/v1/jobs/events", server.base)).send().unwrap().text().unwrap();
        body["files"][0]["document"].as_str().unwrap().to_owned()
    }

    fn send(&self, key: Option<&str>, method: Method, path: &str, body: &Value) -> Value {
        let server = self.server();
        let address = format!("{}{path}", server.base);
        let request = match key {
            Some(key) => server.stranger().request(method, address).bearer_auth(key),
            None => server.http.request(method, address),
        };
        let (status, body) = answer(request.json(body).send().unwrap());
        assert!(status < 300, "{path}: {body}");
        body
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.send(None, Method::POST, path, body)
    }

    fn ask(&self) -> Value {
        self.post("/v1/ask", &json!({ "question": QUESTION }))
    }

    fn ask_as(&self, key: &str) -> Value {
        self.send(Some(key), Method::POST, "/v1/ask", &json!({ "question": QUESTION }))
    }

    fn asked(&self) -> usize {
        self.model.asked().len()
    }

    /// A turn of a thread that is made for it.
    fn turn(&self) -> Value {
        let thread = self.post("/v1/threads", &json!({}))["id"].as_str().unwrap().to_owned();
        self.post(
            &format!("/v1/threads/{thread}/turns"),
            &json!({ "question": QUESTION, "quality": "quick" }),
        )
    }

    fn key(&self, name: &str) -> String {
        self.home.ok(&["keys", "create", name, "--role", "editor"]).out.trim().to_owned()
    }

    /// Asks twice and says that the second was given again and cost no call.
    fn assert_kept(&self) {
        let _ = self.ask();
        let before = self.asked();
        let again = self.ask();
        assert!(is_kept(&again) && self.asked() == before, "{again}");
    }
}

fn is_kept(answer: &Value) -> bool {
    answer["kept_at"].is_string()
}

#[test]
fn what_a_memory_took_part_in_is_asked_anew() {
    let house = house(&["memory.reader=rules"]);
    house.assert_kept();
    let told =
        json!({ "episodes": [{ "text": "The bakery at the harbour opens at six too." }], "wait": true });
    let _ = house.post("/v1/memory/episodes", &told);
    let (first, again) = (house.ask(), house.ask());
    assert!(!is_kept(&first) && !is_kept(&again), "{first} {again}");
    let alone = json!({ "question": QUESTION, "filter": { "without_memory": true } });
    let _ = house.post("/v1/ask", &alone);
    assert!(is_kept(&house.post("/v1/ask", &alone)), "of documents alone it is");
}

#[test]
fn the_same_question_is_asked_once_and_the_second_answer_costs_nothing() {
    let house = house(&[]);
    let (first, again) =
        (house.ask(), house.post("/v1/ask", &json!({ "question": " when does the BAKERY open " })));
    assert_eq!(house.asked(), 1);
    assert!(!is_kept(&first) && is_kept(&again), "{first} {again}");
    for same in ["text", "citations", "claims", "model", "coverage", "confidence"] {
        assert_eq!(again[same], first[same], "{same}");
    }
    assert_eq!((&again["usage"]["prompt_tokens"], &again["usd"]), (&json!(0), &Value::Null));
    assert_eq!(house.server().get("/v1/costs").1["total"]["calls"], 1);
    let metrics = house.server().get("/metrics").1.to_string();
    for looked in ["found=\\\"same\\\"} 1", "found=\\\"nothing\\\"} 1"] {
        assert!(metrics.contains(&format!("ibid_chat_kept_looks_total{{{looked}")), "{looked}");
    }
}

#[test]
fn a_stream_and_the_command_line_say_that_it_is_given_again() {
    let house = house(&[]);
    house.ask();
    let body = json!({ "question": QUESTION, "stream": true });
    let server = house.server();
    let stream = server.http.post(format!("{}/v1/ask", server.base)).json(&body).send().unwrap();
    let told = stream.text().unwrap();
    assert!(told.contains("event: token") && told.contains("kept_at"), "{told}");
    let said = house.home.ok(&["ask", QUESTION]).out;
    assert!(said.contains("ago from the same passages; --fresh asks again"), "{said}");
    assert_eq!(house.asked(), 1);
    let said = house.home.ok(&["ask", "--fresh", QUESTION]).out;
    assert!(!said.contains("ago from") && house.asked() == 2, "{said}");
    house.assert_kept();
}

#[test]
fn a_turn_is_given_again_in_another_thread() {
    let house = house(&[]);
    let first = house.turn();
    let before = house.asked();
    let again = house.turn();
    assert!(!is_kept(&first["answer"]) && is_kept(&again["answer"]), "{again}");
    assert_eq!((house.asked(), &again["answer"]["text"]), (before, &first["answer"]["text"]));
    let run = house.server().get(&format!("/v1/runs/{}", again["run"].as_str().unwrap())).1;
    assert_eq!(run["spent"]["prompt_tokens"], 0, "{run}");
}

#[test]
fn a_document_that_changes_is_asked_again() {
    let house = house(&[]);
    house.assert_kept();
    house.put("bakery.md", SEVEN, &[]);
    let answer = house.ask();
    assert!(!is_kept(&answer) && answer["text"].as_str().unwrap().contains("seven"), "{answer}");
    house.assert_kept();
    house.put("other.md", "# News\n\nThe bakery does not open on the first of May.\n", &[]);
    assert!(!is_kept(&house.ask()));
}

#[test]
fn a_document_that_is_deleted_takes_its_answers_along() {
    let house = house(&[]);
    let document = house.put("bakery.md", SEVEN, &[]);
    house.assert_kept();
    let server = house.server();
    let delete = || server.http.delete(format!("{}/v1/documents/{document}", server.base)).send().unwrap();
    assert!(delete().status().is_success());
    let before = house.asked();
    let answer = house.ask();
    assert!(!is_kept(&answer) && answer["abstained"].is_object() && house.asked() == before, "{answer}");
    house.put("bakery.md", SEVEN, &[]);
    assert!(!is_kept(&house.ask()));
}

#[test]
fn somebody_who_may_not_read_the_passages_is_not_given_the_answer() {
    let house = house(&[]);
    let (inside, outside) = (house.key("inside"), house.key("outside"));
    let document = house.put(
        "closed.md",
        "# Bakery\n\nThe bakery opens at seven for friends.\n",
        &[("readers", "key:inside")],
    );
    assert!(!is_kept(&house.ask_as(&inside)) && is_kept(&house.ask_as(&inside)));
    let answer = house.ask_as(&outside);
    assert!(!is_kept(&answer) && !answer.to_string().contains("seven"), "{answer}");
    house.send(
        None,
        Method::PATCH,
        &format!("/v1/documents/{document}"),
        &json!({ "readers": ["key:outside"] }),
    );
    let answer = house.ask_as(&inside);
    assert!(!answer.to_string().contains("seven"), "{answer}");
    // Both read now what the other could read before: the one answer that is left is of the open document alone.
    assert!(!is_kept(&house.ask_as(&outside)));
}

#[test]
fn another_workspace_is_asked_for_itself() {
    let house = house(&[]);
    house.assert_kept();
    house.post("/v1/workspaces", &json!({ "name": "other" }));
    house.put_into("other", "bakery.md", SIX, &[]);
    let ask = || house.post("/v1/ask", &json!({ "question": QUESTION, "workspace": "other" }));
    let answer = ask();
    assert!(!is_kept(&answer) && answer["citations"][0].is_object(), "{answer}");
    assert!(is_kept(&ask()));
}

#[test]
fn what_is_kept_outlives_a_kill_and_is_sealed() {
    let mut house = house(&[KEY]);
    house.assert_kept();
    let before = house.asked();
    house.start();
    assert!(is_kept(&house.ask()) && house.asked() == before);
    let files = std::fs::read_dir(house.home.path().join("data")).unwrap().flatten();
    let database = files.filter(|entry| entry.file_name().to_string_lossy().starts_with("ibid.db"));
    let shown = |bytes: &[u8]| bytes.windows(QUESTION.len()).any(|part| part == QUESTION.as_bytes());
    assert!(!database.map(|entry| std::fs::read(entry.path()).unwrap()).any(|bytes| shown(&bytes)));
}

#[test]
fn a_bad_answer_and_one_of_a_deleted_thread_are_not_given_again() {
    let house = house(&[]);
    let first = house.turn();
    let again = house.turn();
    assert!(is_kept(&again["answer"]));
    let path = format!("/v1/turns/{}/feedback", again["id"].as_str().unwrap());
    house.send(None, Method::PUT, &path, &json!({ "rating": -1 }));
    let second = house.turn();
    assert!(!is_kept(&second["answer"]) && is_kept(&house.turn()["answer"]));
    let server = house.server();
    for turn in [&first, &second] {
        let thread = turn["thread"].as_str().unwrap();
        let deleted = server.http.delete(format!("{}/v1/threads/{thread}", server.base)).send().unwrap();
        assert!(deleted.status().is_success());
    }
    assert!(!is_kept(&house.turn()["answer"]));
}

#[test]
fn nothing_is_kept_where_nothing_may_be() {
    let house = house(&["answer.kept_max=0"]);
    assert!(!is_kept(&house.ask()) && !is_kept(&house.ask()));
    assert_eq!(house.asked(), 2);
    assert!(!is_kept(&house.turn()["answer"]) && !is_kept(&house.turn()["answer"]));
}
