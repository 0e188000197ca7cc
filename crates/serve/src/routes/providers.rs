//! `/v1/providers`: where models are, how they fare, and whether one answers now.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use ibid_api::problem::Problem;
use ibid_api::provider::{Provider, ProviderRoute, ProviderTest, Providers, QuotaLeft};
use ibid_model::{ChatMessage, ChatModel, ChatRequest, GateState, Left, Role};

use crate::App;
use crate::access::Caller;
use crate::http::{Answered, Path, respond};
use crate::providers::Known;

/// What a model is asked to try it out: a word costs next to nothing.
const TEST: &str = "Answer with the one word: ready";
const TEST_TOKENS_MAX: usize = 16;
const SAID_CHARS_MAX: usize = 80;

/// Chat models, embedder and routes: breakers, quotas, and the calls of the last five minutes.
#[utoipa::path(get, path = "/v1/providers", tag = "operations",
    responses((status = 200, body = Providers), (status = "default", body = Problem)))]
pub async fn list(app: Caller) -> Answered<axum::Json<Providers>> {
    respond(&app, |app| {
        let mut providers: Vec<Provider> = app.providers.chat().iter().map(chat).collect();
        providers.push(embedder(app));
        let route = |route: &std::sync::Arc<ibid_model::Route>| ProviderRoute {
            name: route.name().to_owned(),
            models: route.members().iter().map(|member| member.name().to_owned()).collect(),
        };
        Ok(Providers { providers, routes: app.providers.routes().iter().map(route).collect() })
    })
    .await
}

/// Sends one tiny request to a chat model, or to a route.
#[utoipa::path(post, path = "/v1/providers/{name}/test", tag = "operations",
    params(("name" = String, Path, description = "A model or a route")),
    responses((status = 200, body = ProviderTest), (status = "default", body = Problem)))]
pub async fn test(app: Caller, Path(name): Path<String>) -> Answered<axum::Json<ProviderTest>> {
    respond(&app, move |app| Ok(tried(&name, app.providers.find(&name)?.as_ref()))).await
}

fn tried(name: &str, model: &dyn ChatModel) -> ProviderTest {
    let message = ChatMessage { role: Role::User, content: TEST.to_owned() };
    let request = ChatRequest {
        messages: vec![message],
        temperature: 0.0,
        tokens_max: TEST_TOKENS_MAX,
        stop: Vec::new(),
        schema: None,
    };
    let (started, mut first_token) = (Instant::now(), None);
    let done = model.chat(&request, &mut |_| {
        first_token.get_or_insert_with(|| started.elapsed());
        ControlFlow::Continue(())
    });
    let (name, took_ms) = (name.to_owned(), milliseconds(started.elapsed()));
    let first_token_ms = first_token.map(milliseconds);
    let test = ProviderTest { name, took_ms, first_token_ms, ..ProviderTest::default() };
    match done {
        Ok(done) => {
            let said = done.text.trim().chars().take(SAID_CHARS_MAX).collect();
            ProviderTest { is_well: true, model: done.model, said, ..test }
        }
        Err(error) => ProviderTest { code: Some(error.code.to_owned()), reason: Some(error.chain()), ..test },
    }
}

fn chat(known: &Known) -> Provider {
    let about = Provider {
        name: known.gated.name().to_owned(),
        kind: "chat".to_owned(),
        provider: known.provider.clone(),
        address: known.address.clone(),
        model: known.model.clone(),
        usd_per_million_prompt_tokens: known.price.usd_per_million_prompt_tokens,
        usd_per_million_completion_tokens: known.price.usd_per_million_completion_tokens,
        ..Provider::default()
    };
    with_state(about, known.state())
}

fn embedder(app: &App) -> Provider {
    let named = &app.config.embedder;
    let about = Provider {
        name: app.embedder.spec().id.clone(),
        kind: "embedding".to_owned(),
        provider: named.provider.clone(),
        address: ibid_model::bare_address(&named.url),
        model: named.model.clone(),
        ..Provider::default()
    };
    match app.embedder.gate() {
        Some(state) => with_state(about, state),
        None => about,
    }
}

fn with_state(about: Provider, state: GateState) -> Provider {
    let recent = state.recent;
    Provider {
        breaker: state.breaker.map(|breaker| breaker.name().to_owned()),
        running: state.running,
        calls: recent.calls,
        failures: recent.failures,
        first_token_ms_p50: recent.first_token_p50.map(milliseconds),
        first_token_ms_p95: recent.first_token_p95.map(milliseconds),
        retries: state.retries,
        quota: state.quota.into_iter().map(quota).collect(),
        ..about
    }
}

fn quota(left: Left) -> QuotaLeft {
    QuotaLeft {
        of: left.of.to_owned(),
        left: left.left,
        limit: left.limit,
        resets_at: left.resets_at.to_string(),
    }
}

/// To the hundredth.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e5).round() / 100.0
}
