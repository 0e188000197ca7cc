//! What the gateway adds to a call of a chat model: breaker, quota, books and route, over a model that answers at once.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ibid_model::{
    BreakerConfig, ChatDelta, ChatMessage, ChatModel, ChatOutcome, ChatRequest, ChatTimeouts, Gate,
    GateConfig, Provider, QuotaConfig, Role, Route, RouteConfig, Unobserved,
};
use ibid_runtime::Clock;

use super::{Outcome, Row, Setup};

const CALLS: usize = 20_000;
/// What one call may cost more, by the design.
const US_MAX: f64 = 50.0;
/// As large as a prompt with its sources is: tokens of it are counted for the quota.
const PROMPT_CHARS: usize = 8_000;

/// Answers at once with one word.
#[derive(Debug)]
struct Quick;

impl ChatModel for Quick {
    fn name(&self) -> &str {
        "quick"
    }

    fn context_tokens(&self) -> usize {
        8192
    }

    fn chat(
        &self,
        _: &ChatRequest,
        on_delta: &mut dyn FnMut(ChatDelta) -> ControlFlow<()>,
    ) -> ibid_types::Result<ChatOutcome> {
        let _ = on_delta(ChatDelta::Text("ready".to_owned()));
        Ok(ChatOutcome { text: "ready".to_owned(), complete: true, ..ChatOutcome::default() })
    }

    fn probe(&self) -> ibid_types::Result<()> {
        Ok(())
    }
}

pub fn rows(_: &Setup) -> Outcome<Vec<Row>> {
    let bare = p50_us(&Quick);
    let without = QuotaConfig::default();
    let of_tokens = QuotaConfig { requests_per_minute: 1 << 40, tokens_per_minute: 1 << 40, ..without };
    let plans = [
        ("breaker and route", without, None),
        ("breaker, route and quota of tokens", of_tokens, None),
        ("breaker, route and hedging", without, Some(Duration::from_secs(60))),
    ];
    plans.into_iter().map(|(what, quota, hedge_after)| row(what, &route(quota, hedge_after)?, bare)).collect()
}

fn row(what: &str, route: &Route, bare: f64) -> Outcome<Row> {
    let added = p50_us(route) - bare;
    Ok(Row::new(format!("gateway: {what}, added to a call, p50"), format!("{added:.2} us"))
        .judged(added)
        .below(US_MAX))
}

/// Two models, of which the first always answers.
fn route(quota: QuotaConfig, hedge_after: Option<Duration>) -> Outcome<Route> {
    let (window, pause) = (Duration::from_secs(60), Duration::from_secs(15));
    let breaker = BreakerConfig { failures_max: 5, share_max: 0.5, calls_min: 20, window, pause };
    let member = || {
        let gate = Gate::new("quick", GateConfig { breaker, quota }, Arc::default(), Clock::system());
        Arc::new(Provider::new(Arc::new(Quick), gate, Arc::new(Unobserved)))
    };
    let config = RouteConfig { hedge_after, timeouts: ChatTimeouts::UNBOUNDED };
    Ok(Route::new("main", vec![member(), member()], config, Arc::new(Unobserved))?)
}

fn p50_us(model: &dyn ChatModel) -> f64 {
    let message = ChatMessage { role: Role::User, content: "word ".repeat(PROMPT_CHARS / 5) };
    let request = ChatRequest {
        messages: vec![message],
        temperature: 0.0,
        tokens_max: 512,
        stop: Vec::new(),
        schema: None,
    };
    let call = |_| {
        let started = Instant::now();
        drop(model.chat(&request, &mut |_| ControlFlow::Continue(())));
        started.elapsed().as_secs_f64() * 1e6
    };
    let mut times: Vec<f64> = (0..CALLS).map(call).collect();
    times.sort_unstable_by(f64::total_cmp);
    times[CALLS / 2]
}
