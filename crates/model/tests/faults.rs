//! Every fault of a provider, on the wire: alone it ends in an error with its code, with another model behind it in an
//! answer, and nothing waits beyond its time.
#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use ibid_model::{
    BreakerConfig, ChatDelta, ChatMessage, ChatModel, ChatOutcome, ChatRequest, ChatTimeouts, Embedder, Gate,
    GateConfig, GatedEmbedder, Line, OpenAiChat, OpenAiEmbedder, Provider, Purpose, QuotaConfig,
    RemoteConfig, Role, Route, RouteConfig, Unobserved,
};
use ibid_runtime::Clock;
use ibid_testkit::{ChatProvider, Fault, Piece, Recorder, Replay};
use ibid_types::{Result, Secret};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(100);
const SAID: &str = "The bakery opens at six in the morning and closes at two.";

fn provider() -> ChatProvider {
    ChatProvider::start(|_| SAID.split_inclusive(' ').map(Piece::from).collect())
}

fn remote(url: String, line: &Arc<Line>) -> RemoteConfig {
    let (model, api_key, line) = ("m".to_owned(), Secret::default(), Arc::clone(line));
    RemoteConfig { url, model, api_key, tokens_max: 8192, line }
}

fn gate(name: &str, line: Arc<Line>) -> Gate {
    let (window, pause) = (Duration::from_secs(60), Duration::from_secs(15));
    let breaker = BreakerConfig { failures_max: 2, share_max: 0.0, calls_min: 1, window, pause };
    Gate::new(name, GateConfig { breaker, quota: QuotaConfig::default() }, line, Clock::system())
}

/// A route over providers, named `a`, `b`.
fn route(urls: &[String]) -> Route {
    let timeouts = ChatTimeouts { first_token: LONG, further_token: LONG, total: LONG };
    let member = |(name, url): (&str, &String)| {
        let line = Arc::<Line>::default();
        let model = OpenAiChat::new(name, remote(url.clone(), &line), timeouts).unwrap();
        Arc::new(Provider::new(Arc::new(model), gate(name, line), Arc::new(Unobserved)))
    };
    let members = ["a", "b"].into_iter().zip(urls).map(member).collect();
    let timeouts = ChatTimeouts { first_token: SHORT, further_token: SHORT, total: LONG };
    Route::new("main", members, RouteConfig { hedge_after: None, timeouts }, Arc::new(Unobserved)).unwrap()
}

/// What stands before the listener in the end, and the outcome.
fn chat(model: &dyn ChatModel) -> (String, Result<ChatOutcome>) {
    let message = ChatMessage { role: Role::User, content: "When does it open?".to_owned() };
    let request = ChatRequest {
        messages: vec![message],
        temperature: 0.0,
        tokens_max: 64,
        stop: Vec::new(),
        schema: None,
    };
    let mut shown = String::new();
    let outcome = model.chat(&request, &mut |delta| {
        match delta {
            ChatDelta::Text(text) => shown.push_str(&text),
            ChatDelta::Anew => shown.clear(),
        }
        ControlFlow::Continue(())
    });
    (shown, outcome)
}

/// The code that a fault has where there is nobody else.
const fn code(fault: Fault) -> &'static str {
    match fault {
        Fault::Slow(_) | Fault::SlowPieces(_) | Fault::Drip(_) | Fault::StuckInside | Fault::Silent => {
            "provider_timeout"
        }
        Fault::Failing(_) => "provider_failed",
        Fault::Busy(_) => "provider_busy",
        _ => "provider_broken_answer",
    }
}

#[test]
fn a_fault_without_another_model_has_its_code() {
    for fault in Fault::all() {
        let provider = provider();
        provider.be(fault);
        let error = chat(&route(&[provider.url()])).1.unwrap_err();
        assert_eq!(error.code, code(fault), "{fault:?}: {}", error.chain());
    }
}

#[test]
fn a_fault_with_another_model_behind_is_an_answer() {
    let second = provider();
    for fault in Fault::all() {
        let first = provider();
        first.be(fault);
        let (shown, outcome) = chat(&route(&[first.url(), second.url()]));
        let outcome = outcome.unwrap();
        assert_eq!((shown.as_str(), outcome.text.as_str()), (SAID, SAID), "{fault:?}");
        assert_eq!(outcome.model.as_deref(), Some("b"), "{fault:?}");
        assert_eq!(outcome.passed_over[0].code, code(fault), "{fault:?}");
    }
}

#[test]
fn a_provider_that_is_well_again_answers() {
    let provider = provider();
    let route = route(&[provider.url()]);
    provider.be(Fault::ResetInside);
    assert!(chat(&route).1.is_err());
    provider.be(Fault::Well);
    assert_eq!(chat(&route).0, SAID);
}

#[test]
fn an_embedder_that_fails_is_left_alone() {
    let provider = provider();
    let line = Arc::<Line>::default();
    let inner = OpenAiEmbedder::connect(remote(provider.url(), &line)).unwrap();
    let embedder = GatedEmbedder::new(Arc::new(inner), gate("words", line));
    provider.be(Fault::Failing(500));
    let code = || embedder.embed(&["bread"], Purpose::Question).map_or_else(|error| error.code, |_| "done");
    assert_eq!([code(), code(), code()], ["provider_failed", "provider_failed", "provider_resting"]);
    assert_eq!(embedder.gate().unwrap().recent.failures, 2);
}

#[test]
fn an_embedder_that_asks_for_a_pause_has_it() {
    let provider = provider();
    let line = Arc::<Line>::default();
    let inner = OpenAiEmbedder::connect(remote(provider.url(), &line)).unwrap();
    let embedder = GatedEmbedder::new(Arc::new(inner), gate("words", line));
    provider.be(Fault::Busy(3600));
    let code = || embedder.embed(&["bread"], Purpose::Passage).map_or_else(|error| error.code, |_| "done");
    assert_eq!([code(), code()], ["provider_busy", "provider_quota_used"]);
}

#[test]
fn what_was_recorded_is_said_again_without_the_provider() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("exchanges.jsonl");
    let provider = provider();
    let recorder = Recorder::before(provider.address(), &file);
    let first = chat(&route(&[format!("http://{}/v1", recorder.address())]));
    drop(provider);
    let replay = Replay::of(&file);
    let again = route(&[format!("http://{}/v1", replay.address())]);
    let second = chat(&again);
    assert_eq!((first.0.as_str(), second.0.as_str()), (SAID, SAID));
    assert_eq!(first.1.unwrap().usage, second.1.unwrap().usage);
    assert_eq!(replay.left(), 0);
    assert!(chat(&again).1.is_err());
}
