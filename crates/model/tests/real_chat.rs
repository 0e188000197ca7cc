//! A real chat model behind an OpenAI-compatible server or Ollama. Opt-in: `scripts/test-models.sh` says how.
//!
//! Without `IBID_TEST_CHAT_URL` each test says that it does nothing. What a model writes is not judged here; small
//! ones write nonsense.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::ops::ControlFlow;
use std::time::Duration;

use ibid_model::{
    ChatMessage, ChatModel, ChatOutcome, ChatRequest, ChatTimeouts, Embedder, OllamaChat, OllamaEmbedder,
    OpenAiChat, OpenAiEmbedder, Purpose, RemoteConfig, Role,
};
use ibid_types::Secret;

const CONTEXT_TOKENS: usize = 2048;
const TIMEOUTS: ChatTimeouts = ChatTimeouts {
    first_token: Duration::from_secs(120),
    further_token: Duration::from_secs(120),
    total: Duration::from_secs(300),
};

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn is_ollama() -> bool {
    variable("IBID_TEST_CHAT_PROVIDER").as_deref() == Some("ollama")
}

/// The server at the address in `name`, or a word that there is none.
fn config(name: &str, model: &str) -> Option<RemoteConfig> {
    let Some(url) = variable(name) else {
        println!("skipped: set {name} to run this test");
        return None;
    };
    let api_key = Secret::new(variable("IBID_TEST_CHAT_KEY").unwrap_or_default());
    Some(RemoteConfig {
        url,
        model: model.to_owned(),
        api_key,
        tokens_max: CONTEXT_TOKENS,
        line: std::sync::Arc::default(),
    })
}

fn chat_config() -> Option<RemoteConfig> {
    config("IBID_TEST_CHAT_URL", &variable("IBID_TEST_CHAT_MODEL").unwrap_or_else(|| "default".to_owned()))
}

fn model_of(config: RemoteConfig, timeouts: ChatTimeouts) -> Box<dyn ChatModel> {
    if is_ollama() {
        Box::new(OllamaChat::new("real", config, timeouts).unwrap())
    } else {
        Box::new(OpenAiChat::new("real", config, timeouts).unwrap())
    }
}

fn model() -> Option<Box<dyn ChatModel>> {
    chat_config().map(|config| model_of(config, TIMEOUTS))
}

fn request(question: &str, tokens_max: usize) -> ChatRequest {
    let message = |role, content: &str| ChatMessage { role, content: content.to_owned() };
    ChatRequest {
        messages: vec![message(Role::System, "Answer in one sentence."), message(Role::User, question)],
        temperature: 0.0,
        tokens_max,
        stop: Vec::new(),
        schema: None,
    }
}

/// The pieces and the outcome of a chat to its end.
fn chat(model: &dyn ChatModel, request: &ChatRequest) -> (Vec<String>, ChatOutcome) {
    let mut pieces = Vec::new();
    let outcome = model
        .chat(request, &mut |delta| {
            if let ibid_model::ChatDelta::Text(piece) = delta {
                pieces.push(piece);
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    (pieces, outcome)
}

#[test]
fn the_server_answers_a_probe() {
    let Some(model) = model() else { return };
    model.probe().unwrap();
}

#[test]
fn an_answer_streams_and_is_counted() {
    let Some(model) = model() else { return };
    let (pieces, outcome) = chat(&*model, &request("What is the capital of France?", 48));
    println!("{outcome:?}");
    assert!(pieces.len() > 1 && pieces.concat() == outcome.text && !outcome.text.is_empty());
    assert!(outcome.usage.prompt_tokens > 5 && (1..=48).contains(&outcome.usage.completion_tokens));
}

#[test]
fn an_answer_ends_at_the_limit() {
    let Some(model) = model() else { return };
    let (_, outcome) = chat(&*model, &request("Count from one to one hundred in words.", 5));
    assert!(!outcome.complete && outcome.usage.completion_tokens <= 5, "{outcome:?}");
}

#[test]
fn an_answer_ends_when_the_caller_has_enough() {
    let Some(model) = model() else { return };
    let mut pieces = 0;
    let enough = request("Count from one to one hundred in words.", 400);
    let outcome = model
        .chat(&enough, &mut |_| {
            pieces += 1;
            if pieces == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!((pieces, outcome.complete), (3, false));
    // The server is free again, and not busy with the rest.
    model.probe().unwrap();
}

#[test]
fn a_stop_word_ends_the_answer() {
    let Some(model) = model() else { return };
    let whole = chat(&*model, &request("Name three colours.", 24)).1.text;
    let Some(stop) = whole.split_whitespace().nth(2) else { return };
    let mut request = request("Name three colours.", 24);
    request.stop = vec![stop.to_owned()];
    let outcome = chat(&*model, &request).1;
    assert!(!outcome.text.contains(stop), "{outcome:?} with the stop word {stop}");
}

#[test]
fn several_chats_at_once_end_well() {
    let Some(model) = model() else { return };
    std::thread::scope(|scope| {
        for number in 0..3 {
            let model = &model;
            scope.spawn(move || {
                let (pieces, outcome) = chat(&**model, &request(&format!("What is {number} plus 1?"), 8));
                assert_eq!(pieces.concat(), outcome.text);
            });
        }
    });
}

#[test]
fn a_prompt_beyond_the_context_is_told() {
    let Some(model) = model() else { return };
    if is_ollama() {
        println!("skipped: ollama cuts the prompt");
        return;
    }
    let question = "Say more about it, please. ".repeat(200_000 / 27);
    let error = model.chat(&request(&question, 8), &mut |_| ControlFlow::Break(())).unwrap_err();
    assert_eq!(error.code, "provider_context_exceeded", "{}", error.chain());
}

#[test]
fn a_timeout_is_told() {
    let Some(config) = chat_config() else { return };
    let short = ChatTimeouts { first_token: Duration::from_millis(1), ..TIMEOUTS };
    let model = model_of(config, short);
    let error = model.chat(&request("What is the capital of France?", 8), &mut |_| ControlFlow::Continue(()));
    assert_eq!(error.unwrap_err().code, "provider_timeout");
}

#[test]
fn embeddings_are_unit_vectors_that_know_what_is_alike() {
    let model = variable("IBID_TEST_EMBED_MODEL").unwrap_or_else(|| "default".to_owned());
    let Some(mut config) = config("IBID_TEST_EMBED_URL", &model) else { return };
    config.tokens_max = 256;
    let embedder: Box<dyn Embedder> = if is_ollama() {
        Box::new(OllamaEmbedder::connect(config).unwrap())
    } else {
        Box::new(OpenAiEmbedder::connect(config).unwrap())
    };
    println!("{:?}", embedder.spec());
    let long = "a long text about nothing ".repeat(500);
    let texts = ["the cat sat on the mat", "the cat sat on the mat", "quarterly tax forms", "", &long];
    let vectors = embedder.embed(&texts, Purpose::Passage).unwrap();
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    assert!(vectors.iter().all(|v| v.len() == embedder.spec().dimensions && (dot(v, v) - 1.0).abs() < 1e-4));
    assert!(dot(&vectors[0], &vectors[1]) > dot(&vectors[0], &vectors[2]));
    assert!(dot(&vectors[0], &vectors[1]) > 0.99);
}
