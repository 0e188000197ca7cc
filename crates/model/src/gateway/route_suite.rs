//! What a route does when its models fail, are slow, or break off; over models that play a part, and over real connections.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ibid_runtime::Clock;
use ibid_types::answer::Usage;
use ibid_types::{Error, Result, Secret, Timestamp};
use serde_json::json;

use super::*;
use crate::peer::{Act, Peer, answer, nowhere, open};
use crate::{
    ChatDelta, ChatMessage, ChatModel, ChatOutcome, ChatRequest, ChatTimeouts, OpenAiChat, RemoteConfig, Role,
};

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(40);

/// A model that says its lines and then ends as its part says.
#[derive(Debug)]
struct Actor {
    name: &'static str,
    context_tokens: usize,
    lines: &'static [&'static str],
    fails: Option<fn() -> Error>,
}

impl ChatModel for Actor {
    fn name(&self) -> &str {
        self.name
    }

    fn context_tokens(&self) -> usize {
        self.context_tokens
    }

    fn chat(
        &self,
        _: &ChatRequest,
        on_delta: &mut dyn FnMut(ChatDelta) -> ControlFlow<()>,
    ) -> Result<ChatOutcome> {
        for line in self.lines {
            let _ = on_delta(ChatDelta::Text((*line).to_owned()));
        }
        let usage = Usage { prompt_tokens: 10, completion_tokens: 2 };
        let outcome =
            ChatOutcome { text: self.lines.concat(), usage, complete: true, ..ChatOutcome::default() };
        self.fails.map_or(Ok(outcome), |error| Err(error()))
    }

    fn probe(&self) -> Result<()> {
        self.fails.map_or(Ok(()), |error| Err(error()))
    }
}

fn well(name: &'static str) -> Actor {
    Actor { name, context_tokens: 8192, lines: &["All ", "well."], fails: None }
}

fn failing(name: &'static str, fails: fn() -> Error) -> Actor {
    Actor { name, context_tokens: 8192, lines: &[], fails: Some(fails) }
}

fn busy() -> Error {
    Error::unavailable("provider_busy", "busy")
}

fn late() -> Error {
    Error::timeout("provider_timeout", "late")
}

fn refused() -> Error {
    Error::internal("provider_refused", "a bad request")
}

fn too_long() -> Error {
    Error::bad_request("provider_context_exceeded", "too long")
}

/// Keeps what it hears.
#[derive(Debug, Default)]
struct Ear(Mutex<Vec<String>>);

impl Observer for Ear {
    fn attempt(&self, attempt: &Attempt) {
        self.0.lock().unwrap().push(format!("{} {}", attempt.model, attempt.outcome));
    }

    fn call(&self, report: &CallReport<'_>) {
        let answered = report.model.unwrap_or("nobody");
        let line = format!("{answered} {} of {}", report.outcome, report.attempts.len());
        self.0.lock().unwrap().push(line);
    }
}

/// A route with what it is watched by.
struct House {
    route: Route,
    ear: Arc<Ear>,
    clock: Clock,
}

fn gate_config() -> GateConfig {
    let (window, pause) = (Duration::from_secs(60), Duration::from_secs(10));
    let breaker = BreakerConfig { failures_max: 2, share_max: 0.0, calls_min: 1, window, pause };
    GateConfig { breaker, quota: QuotaConfig::default() }
}

fn patient() -> RouteConfig {
    let timeouts = ChatTimeouts { first_token: LONG, further_token: LONG, total: LONG };
    RouteConfig { hedge_after: None, timeouts }
}

fn house(models: Vec<(Arc<dyn ChatModel>, Arc<Line>)>, config: RouteConfig, gate: GateConfig) -> House {
    let (ear, clock) = (Arc::new(Ear::default()), Clock::manual(Timestamp(1_000_000)));
    let provider = |(model, line): (Arc<dyn ChatModel>, Arc<Line>)| {
        let gate = Gate::new(model.name(), gate, line, clock.clone());
        Arc::new(Provider::new(model, gate, ear.clone()))
    };
    let members = models.into_iter().map(provider).collect();
    let route = Route::new("main", members, config, ear.clone()).unwrap();
    House { route, ear, clock }
}

fn actors(actors: Vec<Actor>) -> House {
    let models = actors.into_iter().map(|actor| (Arc::new(actor) as Arc<dyn ChatModel>, Arc::default()));
    house(models.collect(), patient(), gate_config())
}

/// Models behind addresses, of the names `a`, `b`, ...
fn remote(urls: &[String], config: RouteConfig) -> House {
    let model = |(name, url): (&str, &String)| {
        let line = Arc::<Line>::default();
        let (model, api_key) = ("m".to_owned(), Secret::default());
        let remote =
            RemoteConfig { url: url.clone(), model, api_key, tokens_max: 8192, line: Arc::clone(&line) };
        let model = OpenAiChat::new(name, remote, patient().timeouts).unwrap();
        (Arc::new(model) as Arc<dyn ChatModel>, line)
    };
    house(["a", "b", "c"].into_iter().zip(urls).map(model).collect(), config, gate_config())
}

/// What the listener saw: pieces, `|` where it had to forget, and the outcome.
fn chat(house: &House) -> (String, Result<ChatOutcome>) {
    let message = ChatMessage { role: Role::User, content: "how are you?".to_owned() };
    let request = ChatRequest {
        messages: vec![message],
        temperature: 0.0,
        tokens_max: 64,
        stop: Vec::new(),
        schema: None,
    };
    let mut seen = String::new();
    let outcome = house.route.chat(&request, &mut |delta| {
        match delta {
            ChatDelta::Text(text) => seen.push_str(&text),
            ChatDelta::Anew => seen.push('|'),
        }
        ControlFlow::Continue(())
    });
    (seen, outcome)
}

impl House {
    fn heard(&self) -> String {
        std::mem::take(&mut *self.ear.0.lock().unwrap()).join(", ")
    }

    fn code(&self) -> &'static str {
        chat(self).1.map_or_else(|error| error.code, |_| "done")
    }
}

fn delta(text: &str) -> String {
    format!("data: {}\n\n", json!({ "choices": [{ "delta": { "content": text } }] }))
}

fn whole(text: &str) -> String {
    let end = json!({ "choices": [{ "delta": {}, "finish_reason": "stop" }] });
    format!("{}data: {end}\n\ndata: [DONE]\n\n", delta(text))
}

#[test]
fn the_first_answers_while_it_is_well() {
    let house = actors(vec![well("a"), well("b")]);
    let (seen, outcome) = chat(&house);
    let outcome = outcome.unwrap();
    assert_eq!((seen.as_str(), outcome.model.as_deref()), ("All well.", Some("a")));
    assert!(outcome.passed_over.is_empty());
    assert_eq!(house.heard(), "a done, a done of 1");
}

#[test]
fn the_next_answers_where_one_fails_and_it_is_said_why() {
    let house = actors(vec![failing("a", busy), failing("b", late), well("c")]);
    let outcome = chat(&house).1.unwrap();
    assert_eq!(outcome.model.as_deref(), Some("c"));
    let why: Vec<_> =
        outcome.passed_over.iter().map(|passed| (passed.model.as_str(), passed.reason())).collect();
    assert_eq!(why, [("a", "it is busy"), ("b", "it was too slow")]);
    assert_eq!(house.heard(), "a provider_busy, b provider_timeout, c done, c done of 3");
}

/// Nobody pays for models of these names.
#[derive(Debug)]
struct Empty(&'static [&'static str]);

impl Purse for Empty {
    fn check(&self, model: &str) -> Result<()> {
        let used_up = Error::unavailable("budget_used_up", "the budget all is used up until 2026-12-01");
        if self.0.contains(&model) { Err(used_up) } else { Ok(()) }
    }
}

fn unpaid(names: &'static [&'static str]) -> House {
    let House { route, ear, clock } = actors(vec![well("a"), well("b")]);
    House { route: route.with_purse(Arc::new(Empty(names))), ear, clock }
}

#[test]
fn what_nobody_pays_for_is_not_asked() {
    let house = unpaid(&["a"]);
    let outcome = chat(&house).1.unwrap();
    assert_eq!(outcome.passed_over[0].reason(), "the budget all is used up until 2026-12-01");
    assert_eq!(house.heard(), "b done, b done of 1");
    let behind = chat(&unpaid(&["b"])).1.unwrap();
    assert!(behind.passed_over.is_empty(), "{behind:?}");
    let house = unpaid(&["a", "b"]);
    assert_eq!(house.code(), "budget_used_up");
    assert_eq!(house.heard(), "nobody budget_used_up of 0");
}

#[test]
fn text_of_a_model_that_broke_off_is_taken_back() {
    let cut = Actor { lines: &["Half an "], ..failing("a", late) };
    let house = actors(vec![cut, failing("b", busy), well("c")]);
    let (seen, outcome) = chat(&house);
    assert_eq!((seen.as_str(), outcome.unwrap().text.as_str()), ("Half an |All well.", "All well."));
}

#[test]
fn what_nobody_answers_ends_with_all_reasons() {
    let house = actors(vec![failing("a", busy), failing("b", late)]);
    let error = chat(&house).1.unwrap_err();
    assert_eq!(error.code, "models_exhausted");
    assert!(error.message.contains("a: it is busy; b: it was too slow"), "{}", error.message);
    assert_eq!(house.heard(), "a provider_busy, b provider_timeout, nobody models_exhausted of 2");
    assert_eq!(actors(vec![failing("a", busy)]).code(), "provider_busy");
}

#[test]
fn a_bad_request_is_the_callers() {
    let house = actors(vec![failing("a", refused), well("b")]);
    assert_eq!(house.code(), "provider_refused");
    assert_eq!(house.heard(), "a provider_refused, nobody provider_refused of 1");
}

#[test]
fn a_text_that_is_too_long_goes_to_a_model_that_reads_more() {
    let larger = Actor { context_tokens: 32_768, ..well("c") };
    let house = actors(vec![failing("a", too_long), well("b"), larger]);
    assert_eq!(chat(&house).1.unwrap().model.as_deref(), Some("c"));
    assert_eq!(actors(vec![failing("a", too_long), well("b")]).code(), "provider_context_exceeded");
}

#[test]
fn a_model_that_cannot_read_the_text_is_not_asked() {
    let house = actors(vec![failing("a", busy), Actor { context_tokens: 64, ..well("b") }, well("c")]);
    assert_eq!(chat(&house).1.unwrap().model.as_deref(), Some("c"));
}

#[test]
fn a_model_that_rests_is_passed_over_and_tried_again() {
    let house = actors(vec![failing("a", busy), well("b")]);
    assert_eq!((house.code(), house.code()), ("done", "done"));
    house.heard();
    let outcome = chat(&house).1.unwrap();
    assert_eq!(outcome.passed_over[0].code, "provider_resting");
    assert_eq!(house.heard(), "a provider_resting, b done, b done of 2");
    house.clock.advance_ms(13_000);
    chat(&house).1.unwrap();
    assert_eq!(house.heard(), "a provider_busy, b done, b done of 2");
    assert_eq!(house.route.members()[0].state().breaker, Some(BreakerState::Open));
}

#[test]
fn a_model_whose_quota_is_used_up_is_passed_over() {
    let quota = QuotaConfig { requests_per_minute: 1, ..QuotaConfig::default() };
    let models = [well("a"), well("b")].map(|actor| (Arc::new(actor) as Arc<dyn ChatModel>, Arc::default()));
    let house = house(models.into(), patient(), GateConfig { quota, ..gate_config() });
    let by = || chat(&house).1.map(|outcome| outcome.model);
    assert_eq!(by().unwrap().as_deref(), Some("a"));
    assert_eq!(by().unwrap().as_deref(), Some("b"));
    assert_eq!(by().unwrap_err().code, "models_exhausted");
    house.clock.advance_ms(60_000);
    assert_eq!(by().unwrap().as_deref(), Some("a"));
}

#[test]
fn what_a_call_used_is_taken_from_its_quota() {
    let quota = QuotaConfig { tokens_per_minute: 100, ..QuotaConfig::default() };
    let models = vec![(Arc::new(well("a")) as Arc<dyn ChatModel>, Arc::default())];
    let house = house(models, patient(), GateConfig { quota, ..gate_config() });
    chat(&house).1.unwrap();
    assert_eq!(house.route.members()[0].state().quota[0].left, 88);
}

#[test]
fn the_providers_headers_are_heeded() {
    let spent = "x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 30s\r\n";
    let (first, second) =
        (Peer::always(answer(200, spent, whole("one"))), Peer::always(answer(200, "", whole("two"))));
    let house = remote(&[first.url(), second.url()], patient());
    assert_eq!(chat(&house).0, "one");
    assert_eq!((chat(&house).0, first.asked().len()), ("two".to_owned(), 1));
    assert_eq!(house.route.members()[0].state().quota[0].left, 0);
    house.clock.advance_ms(30_000);
    assert_eq!(chat(&house).0, "one");
}

#[test]
fn a_model_with_another_behind_it_is_not_asked_again() {
    let (first, second) = (Peer::always(answer(429, "", "{}")), Peer::always(answer(200, "", whole("two"))));
    let house = remote(&[first.url(), second.url()], patient());
    assert_eq!((chat(&house).0, first.asked().len()), ("two".to_owned(), 1));
    assert_eq!(house.route.members()[0].state().retries, 0);
}

#[test]
fn the_last_model_is_asked_again_while_it_is_busy() {
    let peer = Peer::start(|asked| match asked.number {
        0 => answer(429, "retry-after: 0\r\n", "{}"),
        _ => answer(200, "", whole("well")),
    });
    let house = remote(&[nowhere(), peer.url()], patient());
    assert_eq!((chat(&house).0, peer.asked().len()), ("well".to_owned(), 2));
    assert_eq!(house.route.members()[1].state().retries, 1);
}

#[test]
fn a_silent_model_is_given_up_after_the_routes_time() {
    let (silent, second) = (Peer::always(vec![Act::Stall]), Peer::always(answer(200, "", whole("two"))));
    let timeouts = ChatTimeouts { first_token: SHORT, ..patient().timeouts };
    let house = remote(&[silent.url(), second.url()], RouteConfig { timeouts, ..patient() });
    assert_eq!(chat(&house).0, "two");
    silent.end();
}

#[test]
fn the_total_bounds_all_attempts_together() {
    let silent = [Peer::always(vec![Act::Stall]), Peer::always(vec![Act::Stall])];
    let timeouts = ChatTimeouts { total: SHORT, ..patient().timeouts };
    let house = remote(&silent.each_ref().map(Peer::url), RouteConfig { timeouts, ..patient() });
    assert_eq!(house.code(), "provider_timeout");
    assert_eq!(house.heard(), "a provider_timeout, nobody provider_timeout of 1");
}

fn hedged() -> RouteConfig {
    RouteConfig { hedge_after: Some(SHORT), ..patient() }
}

#[test]
fn a_slow_model_is_overtaken_and_its_connection_dropped() {
    let (silent, second) = (Peer::always(vec![Act::Stall]), Peer::always(answer(200, "", whole("two"))));
    let house = remote(&[silent.url(), second.url()], hedged());
    let (seen, outcome) = chat(&house);
    assert_eq!((seen.as_str(), outcome.unwrap().passed_over[0].reason()), ("two", "it was too slow"));
    // It ends only when the other side has closed the connection.
    silent.end();
    let heard = house.heard();
    assert!(heard.contains("a cancelled") && heard.ends_with("b done of 2"), "{heard}");
    assert_eq!(house.route.members()[0].state().breaker, Some(BreakerState::Closed));
}

#[test]
fn a_quick_model_is_asked_alone() {
    let (first, second) =
        (Peer::always(answer(200, "", whole("one"))), Peer::always(answer(200, "", whole("two"))));
    let house = remote(&[first.url(), second.url()], RouteConfig { hedge_after: Some(LONG), ..patient() });
    assert_eq!((chat(&house).0, second.asked().len()), ("one".to_owned(), 0));
}

#[test]
fn a_model_that_fails_before_the_hedge_is_followed_by_the_next() {
    let second = Peer::always(answer(200, "", whole("two")));
    let house = remote(&[nowhere(), second.url()], RouteConfig { hedge_after: Some(LONG), ..patient() });
    assert_eq!((chat(&house).0, second.asked().len()), ("two".to_owned(), 1));
}

#[test]
fn where_both_fail_the_third_is_asked() {
    let (silent, third) = (Peer::always(vec![Act::Stall]), Peer::always(answer(200, "", whole("three"))));
    let timeouts = ChatTimeouts { first_token: SHORT * 4, ..patient().timeouts };
    let urls = [silent.url(), nowhere(), third.url()];
    let house = remote(&urls, RouteConfig { timeouts, ..hedged() });
    assert_eq!(chat(&house).0, "three");
}

#[test]
fn a_winner_that_breaks_off_is_followed_by_the_one_that_it_beat() {
    let cut = vec![open("x"), Act::Send(delta("half").into_bytes())];
    let (first, second) = (Peer::always(cut), Peer::always(answer(200, "", whole("two"))));
    let house = remote(&[first.url(), second.url()], RouteConfig { hedge_after: Some(LONG), ..patient() });
    assert_eq!(chat(&house).0, "half|two");
}

#[test]
fn a_listener_that_has_heard_enough_ends_the_call() {
    let house = actors(vec![well("a"), well("b")]);
    let request =
        ChatRequest { messages: Vec::new(), temperature: 0.0, tokens_max: 1, stop: Vec::new(), schema: None };
    assert!(house.route.chat(&request, &mut |_| ControlFlow::Break(())).is_ok());
    assert_eq!(house.heard(), "a done, a done of 1");
}

#[test]
fn a_route_needs_models_and_answers_if_one_does() {
    let none = Route::new("main", Vec::new(), patient(), Arc::new(Unobserved));
    assert_eq!(none.unwrap_err().code, "route_empty");
    assert!(actors(vec![failing("a", busy), well("b")]).route.probe().is_ok());
    assert_eq!(actors(vec![failing("a", busy)]).route.probe().unwrap_err().code, "provider_busy");
}
