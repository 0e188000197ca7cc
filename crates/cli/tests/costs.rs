//! What answers cost, to the cent, through the real server; and budgets that warn, stop, and leave what is free.
#![allow(clippy::unwrap_used)]

use ibid_testkit::{ChatProvider, Home, Piece, Server};
use serde_json::{Value, json};

const SAID: &str = "The bakery opens at six in the morning every single day [1].";
const QUESTION: &str = "When does the bakery open?";
/// The scripted provider reads 7 tokens and writes 5: with these prices a call costs 7 + 5 · 2 = 17 cents.
const PRICES: &str = "usd_per_million_prompt_tokens = 10000.0, usd_per_million_completion_tokens = 20000.0";

/// A server with the models `paid` and `free`, and the route `both`.
struct House {
    home: Home,
    server: Option<Server>,
    settings: Vec<String>,
    paid: ChatProvider,
    _others: [ChatProvider; 2],
}

fn provider() -> ChatProvider {
    ChatProvider::start(|_| SAID.split_inclusive(' ').map(Piece::from).collect())
}

fn house(budgets: &str) -> House {
    let home = Home::new(env!("CARGO_BIN_EXE_ibid"));
    let (paid, free, words) = (provider(), provider(), provider());
    let _ = home.write("bakery.md", "# Bakery\n\nThe bakery opens at six in the morning every single day.\n");
    let priced = paid.model("paid").replace(" }", &format!(", {PRICES} }}"));
    let mut all = vec![
        format!("chat.models=[{priced}, {}]", free.model("free")),
        "chat.routes=[{ name = 'alone', models = ['paid'] }, { name = 'both', models = ['paid', 'free'] }]"
            .to_owned(),
        format!("budgets=[{budgets}]"),
    ];
    all.extend(words.embedder_settings());
    let settings: Vec<String> = all.into_iter().flat_map(|setting| ["--set".to_owned(), setting]).collect();
    let mut house = House { home, server: None, settings, paid, _others: [free, words] };
    let _ = house.home.ok(&[vec!["ingest", &house.home.files()], house.settings()].concat());
    house.start();
    house
}

impl House {
    fn settings(&self) -> Vec<&str> {
        self.settings.iter().map(String::as_str).collect()
    }

    fn start(&mut self) {
        self.server = None;
        self.server = Some(self.home.serve(&self.settings()));
    }

    fn get(&self, path: &str) -> Value {
        let (status, body) = self.server.as_ref().unwrap().get(path);
        assert_eq!(status, 200, "{body}");
        body
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let (status, body) = self.server.as_ref().unwrap().post(path, body);
        assert!(status < 300, "{body}");
        body
    }

    fn ask(&self, route: &str) -> Value {
        self.post("/v1/ask", &json!({ "question": QUESTION, "model": route, "fresh": true }))
    }

    /// A turn of a new thread, and what its run says that it cost.
    fn turn(&self, route: &str) -> (Value, f64) {
        let thread = self.post("/v1/threads", &json!({}));
        let path = format!("/v1/threads/{}/turns", thread["id"].as_str().unwrap());
        let turn = self
            .post(&path, &json!({ "question": QUESTION, "quality": "quick", "model": route, "fresh": true }));
        let run = self.get(&format!("/v1/runs/{}", turn["run"].as_str().unwrap()));
        (turn["answer"].clone(), run["spent"]["money"].as_f64().unwrap())
    }

    /// What the paid model must have cost since so many requests.
    fn cents_since(&self, asked: usize) -> u64 {
        (self.paid.asked().len() - asked) as u64 * 17
    }

    fn total(&self) -> (u64, f64) {
        let total = &self.get("/v1/costs")["total"];
        (total["calls"].as_u64().unwrap(), total["usd"].as_f64().unwrap())
    }
}

fn cents(usd: f64) -> u64 {
    (usd * 100.0).round() as u64
}

#[test]
fn every_cent_is_booked_on_its_model_and_outlives_the_server() {
    let mut house = house("");
    assert_eq!(house.ask("alone")["usd"], 0.17);
    assert_eq!(house.ask("free")["usd"], 0.0);
    let before = house.paid.asked().len();
    let (answer, money) = house.turn("both");
    assert_eq!((answer["model"].as_str(), cents(money)), (Some("paid"), house.cents_since(before)));
    let (calls, usd) = house.total();
    assert_eq!((calls as usize, cents(usd)), (house.paid.asked().len() + 1, house.cents_since(0)));
    let models = house.get("/v1/costs?by=model")["rows"].clone();
    let asked = house.paid.asked().len();
    assert_eq!((&models[0]["of"], &models[0]["calls"]), (&json!("paid"), &json!(asked)));
    assert_eq!(
        (&models[0]["prompt_tokens"], &models[0]["completion_tokens"]),
        (&json!(7 * asked), &json!(5 * asked))
    );
    assert_eq!((&models[1]["of"], &models[1]["usd"]), (&json!("free"), &json!(0.0)));
    assert_eq!(house.get("/v1/costs?by=workspace")["rows"][0]["of"], "default");
    assert_eq!(house.get("/v1/costs?by=owner")["rows"][0]["of"], "this machine");
    let metrics = house.get("/metrics").to_string();
    assert!(metrics.contains("ibid_model_cost_usd_total"), "{metrics}");
    house.start();
    assert_eq!(house.total(), (calls, usd));
}

#[test]
fn the_model_that_answered_sets_the_price_of_a_run() {
    let house = house("");
    house.paid.be(ibid_testkit::Fault::Failing(500));
    let (answer, money) = house.turn("both");
    assert_eq!((answer["model"].as_str(), money), (Some("free"), 0.0));
    assert_eq!(house.total().1, 0.0);
}

#[test]
fn a_budget_that_is_used_up_leaves_what_is_free() {
    let mut house = house(
        "{ name = 'small', of = 'workspace:default', usd_per_month = 0.3, stop = true }, \
               { name = 'other', of = 'user:nobody', usd_per_day = 0.01, stop = true }",
    );
    for _ in 0..2 {
        assert_eq!(house.ask("alone")["mode"], "generative");
    }
    let asked = house.paid.connections();
    for restarted in [false, true] {
        if restarted {
            house.start();
        }
        for answer in [house.ask("alone"), house.turn("alone").0] {
            assert_eq!((&answer["mode"], answer["usd"].as_f64()), (&json!("extractive"), None), "{answer}");
            assert!(answer["text"].as_str().unwrap().contains("six"), "{answer}");
            let notices = answer["notices"].to_string();
            assert!(notices.contains("the budget small is used up until 20"), "{notices}");
        }
        for answer in [house.ask("both"), house.turn("both").0] {
            assert_eq!(answer["model"], "free", "{answer}");
            assert!(
                answer["notices"].to_string().contains("the budget small is used up until 20"),
                "{answer}"
            );
        }
    }
    assert_eq!(house.paid.connections(), asked);
    let budgets = house.get("/v1/budgets");
    assert_eq!((&budgets[0]["state"], &budgets[0]["spent_usd"]), (&json!("used up"), &json!(0.34)));
    assert_eq!((&budgets[1]["state"], &budgets[1]["left_usd"]), (&json!("within"), &json!(0.01)));
    let metrics = house.get("/metrics").to_string();
    assert!(metrics.contains("ibid_budget_state{budget=\\\"small\\\"} 2"), "{metrics}");
}

#[test]
fn the_command_line_tells_costs_and_budgets() {
    let house = house("{ name = 'small', of = 'everybody', usd_per_day = 0.2 }");
    assert_eq!(house.ask("alone")["usd"], 0.17);
    let shown = house.home.ok(&["costs", "--by", "model"]).out;
    assert!(shown.contains("paid") && shown.contains("$0.1700"), "{shown}");
    let all: Value = serde_json::from_str(&house.home.ok(&["costs", "--json"]).out).unwrap();
    assert_eq!(all["total"]["usd"], 0.17);
    let month = house.home.ok(&["costs", "--month", "2020-02", "--json"]).out;
    assert!(month.contains("2020-02-29") && month.contains("\"calls\": 0"), "{month}");
    assert!(house.home.ok(&["costs", "--forecast"]).out.contains("no forecast before a full day"));
    let budgets = house.home.ok(&["costs", "budgets"]).out;
    assert!(budgets.contains("small (everybody): warning, $0.1700 of $0.2000 a day"), "{budgets}");
    assert_eq!(house.home.run(&["costs", "--month", "soon"]).code, 2);
    assert_eq!(house.home.run(&["costs", "--by", "colour"]).code, 2);
}
