//! Providers that fail, through the real server: every question is answered, by another model or of the documents'
//! sentences, and told why; nothing waits beyond its time.
#![allow(clippy::unwrap_used, clippy::panic)]

use ibid_testkit::{ChatProvider, Events, Fault, Home, Piece, Server, View};
use serde_json::{Value, json};

const SAID: &str = "The bakery opens at six in the morning every single day [1].";
const QUESTION: &str = "When does the bakery open?";

/// A server whose route `alone` is the model `first`, and `pair` that and `second`.
struct House {
    _home: Home,
    server: Server,
    first: ChatProvider,
    _others: [ChatProvider; 2],
}

fn provider() -> ChatProvider {
    ChatProvider::start(|_| SAID.split_inclusive(' ').map(Piece::from).collect())
}

fn house(model_settings: &str) -> House {
    let home = Home::new(env!("CARGO_BIN_EXE_ibid"));
    let (first, second, words) = (provider(), provider(), provider());
    let text = "# Bakery\n\nThe bakery opens at six in the morning every single day.\n";
    let _ = home.write("bakery.md", text);
    let first_model = first.model("first").replace(" }", &format!(", {model_settings} }}"));
    let models = format!("chat.models=[{first_model}, {}]", second.model("second"));
    let times = "first_token_ms_max = 500, further_token_ms_max = 500, answer_ms_max = 5000";
    let routes = format!(
        "chat.routes=[{{ name = 'pair', models = ['first', 'second'], {times} }}, {{ name = 'alone', models = ['first'], {times} }}]"
    );
    let embedder = words.embedder_settings();
    let mut settings = vec!["--set", &models, "--set", &routes];
    settings.extend(embedder.iter().flat_map(|setting| ["--set", setting]));
    let _ = home.ok(&[&["ingest", &home.files()], settings.as_slice()].concat());
    let server = home.serve(&settings);
    House { _home: home, server, first, _others: [second, words] }
}

impl House {
    /// The answer, whole or as it was streamed.
    fn ask(&self, route: &str, stream: bool) -> Value {
        let body = json!({ "question": QUESTION, "model": route, "stream": stream, "fresh": true });
        if !stream {
            let (status, answer) = self.server.post("/v1/ask", &body);
            assert_eq!(status, 200, "{answer}");
            return answer;
        }
        let response =
            self.server.http.post(format!("{}/v1/ask", self.server.base)).json(&body).send().unwrap();
        let mut shown = String::new();
        for told in Events::new(response) {
            match (told.name.as_str(), told.data["name"].as_str(), told.data["state"].as_str()) {
                ("token", ..) => shown.push_str(told.data["text"].as_str().unwrap()),
                ("step", Some("answer"), Some("started")) => shown.clear(),
                ("done", ..) => {
                    assert_eq!(told.data["text"], shown.as_str());
                    return told.data;
                }
                ("error", ..) => panic!("{told:?}"),
                _ => {}
            }
        }
        panic!("the stream ended without an end");
    }

    fn providers(&self) -> Value {
        let (status, all) = self.server.get("/v1/providers");
        assert_eq!(status, 200, "{all}");
        all
    }
}

fn notices(answer: &Value) -> String {
    answer["notices"].to_string()
}

#[test]
fn every_fault_ends_in_an_answer_that_says_what_happened() {
    let house = house("breaker = { failures_max = 0, failure_percent = 0 }");
    for fault in Fault::all() {
        house.first.be(fault);
        for stream in [false, true] {
            let answer = house.ask("pair", stream);
            assert_eq!(
                (&answer["model"], &answer["mode"]),
                (&json!("second"), &json!("generative")),
                "{fault:?} {answer}"
            );
            assert!(
                notices(&answer).contains("the chat model first did not answer: it"),
                "{fault:?} {answer}"
            );
            let answer = house.ask("alone", stream);
            assert_eq!(answer["mode"], "extractive", "{fault:?} {answer}");
            assert!(answer["text"].as_str().unwrap().contains("six"), "{fault:?} {answer}");
            assert!(notices(&answer).contains("made of the sources' own sentences"), "{fault:?} {answer}");
        }
    }
    let limits = house.providers()["providers"][0]["quota"].to_string();
    assert!(limits.contains("a pause that the provider asked for"), "{limits}");
}

#[test]
fn whoever_reads_along_forgets_what_a_model_said_that_broke_off() {
    let house = house("breaker = { failures_max = 0, failure_percent = 0 }");
    house.first.be(Fault::StuckInside);
    let (_, thread) = house.server.post("/v1/threads", &json!({}));
    let url = format!("{}/v1/threads/{}/turns", house.server.base, thread["id"].as_str().unwrap());
    let body = json!({ "question": QUESTION, "quality": "quick", "stream": true });
    let mut events = Events::new(house.server.http.post(url).json(&body).send().unwrap());
    let mut view = View::default();
    assert!(view.take_until(&mut events, |view| view.end.is_some()));
    let answer = &view.end.as_ref().unwrap()["turn"]["answer"];
    assert_eq!(view.texts["answer"], answer["text"].as_str().unwrap(), "{view:?}");
    assert_eq!(answer["model"], "second", "{answer}");
    assert!(view.events.iter().any(|told| told.data["state"] == "restarted"), "{view:?}");
}

#[test]
fn providers_are_listed_and_tried_out() {
    let house = house("breaker = { failures_max = 2 }, quota = { requests_per_day = 100 }");
    let all = house.providers();
    assert_eq!(all["routes"][0], json!({ "name": "pair", "models": ["first", "second"] }));
    assert_eq!(all["providers"][0]["breaker"], "closed");
    assert_eq!(all["providers"][2]["kind"], "embedding");
    let said = house._home.ok(&["providers", "test", "first"]);
    assert!(said.out.contains("first answered"), "{said:?}");
    house.first.be(Fault::Failing(500));
    for code in ["provider_failed", "provider_failed", "provider_resting"] {
        let said = house._home.run(&["providers", "test", "first"]);
        assert!(said.code == 5 && said.out.contains(code), "{said:?}");
    }
    let shown = house._home.ok(&["providers"]).out;
    assert!(shown.contains("open") && shown.contains("97 of 100 requests per day"), "{shown}");
    let asked = house.first.connections();
    assert_eq!(house.ask("pair", false)["model"], "second");
    assert_eq!(house.first.connections(), asked);
    assert_eq!(house._home.run(&["providers", "test", "nobody"]).code, 4);
    let metrics = house.server.get("/metrics").1.to_string();
    assert!(metrics.contains("ibid_model_calls_total"), "{metrics}");
}
