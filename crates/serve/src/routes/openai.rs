//! OpenAI-compatible endpoints, so that existing clients work against Ibid's answers.
//!
//! `model` chooses how to answer: `ibid` (the default mode), `ibid-extractive`, or a configured chat model's name.
//! The citations come in the message's `annotations` (type `file_citation`) and, whole, under `ibid`.

use std::ops::ControlFlow;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use ibid_api::answer::AskRequest;
use ibid_api::openai::{ChatMessage, ChatRequest, Content, EmbeddingInput, EmbeddingRequest};
use ibid_api::problem::Problem;
use ibid_model::{EmbedderSpec, Purpose};
use ibid_types::answer::{Answer, Event, Question};
use ibid_types::{Error, Result};
use serde_json::{Value, json};

use super::ask::read_question;
use super::sse::{self, Sender};
use crate::App;
use crate::http::{Answered, Json, blocking, request_id};

/// More inputs than this in one embedding request are refused.
const INPUTS_MAX: usize = 2048;

/// Answers the last user message from the documents.
#[utoipa::path(post, path = "/v1/chat/completions", tag = "openai", request_body = ChatRequest,
    responses((status = 200, body = Value), (status = "default", body = Problem)))]
pub async fn chat_completions(
    State(app): State<Arc<App>>,
    Json(request): Json<ChatRequest>,
) -> Answered<Response> {
    let stream = request.stream;
    let usage_wanted = request.stream_options.is_some_and(|options| options.include_usage);
    let model = request.model.clone();
    let question = blocking(&app, move |app| question_of(app, &request)).await?;
    let head = Head::new(&app, model);
    if stream {
        let events = sse::stream(&app, move |app, sender| {
            complete_streaming(app, &question, &head, usage_wanted, sender)
        });
        return Ok(events.into_response());
    }
    let completion = blocking(&app, move |app| {
        let answer = app.ask(&question, &mut |_| ControlFlow::Continue(()))?;
        Ok(head.completion(&answer))
    })
    .await?;
    Ok(axum::Json(completion).into_response())
}

/// What every piece of one completion repeats.
struct Head {
    id: String,
    created: i64,
    model: String,
}

impl Head {
    fn new(app: &App, model: String) -> Self {
        let id = request_id().unwrap_or_default();
        Self { id: format!("chatcmpl-{id}"), created: app.clock.now().0 / 1000, model }
    }

    fn completion(&self, answer: &Answer) -> Value {
        let message = json!({
            "role": "assistant", "content": text_of(answer), "refusal": null, "annotations": annotations(answer),
        });
        json!({
            "id": self.id, "object": "chat.completion", "created": self.created, "model": self.model,
            "choices": [{ "index": 0, "message": message, "finish_reason": "stop", "logprobs": null }],
            "usage": usage(answer),
            "ibid": ibid_api::answer::Answer::new(answer.clone(), false, 0.0),
        })
    }

    fn chunk(&self, delta: &Value, finish: Option<&str>) -> Value {
        json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model,
            "choices": [{ "index": 0, "delta": delta, "finish_reason": finish, "logprobs": null }],
        })
    }

    fn usage_chunk(&self, answer: &Answer) -> Value {
        json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model,
            "choices": [], "usage": usage(answer),
        })
    }
}

/// The last user message is the question.
fn question_of(app: &App, request: &ChatRequest) -> Result<Question> {
    let last = request.messages.iter().rev().find(|message| message.role == "user").ok_or_else(|| {
        Error::bad_request(
            "messages_without_user",
            "messages holds no message of role 'user'; the last one is answered",
        )
    })?;
    let (mode, model) = match request.model.as_str() {
        "ibid" => ("auto", None),
        "ibid-extractive" => ("extractive", None),
        name if app.has_chat_model(name) => ("generative", Some(name.to_owned())),
        name => return Err(unknown_model(name)),
    };
    let request = AskRequest {
        question: words_of(last),
        workspace: request.workspace.clone(),
        mode: Some(mode.to_owned()),
        model,
        ..AskRequest::default()
    };
    read_question(app, request)
}

fn unknown_model(name: &str) -> Error {
    Error::not_found(
        "model_unknown",
        format!("there is no model '{name}'; GET /v1/models lists those that there are"),
    )
}

fn words_of(message: &ChatMessage) -> String {
    match &message.content {
        None => String::new(),
        Some(Content::Text(text)) => text.clone(),
        Some(Content::Parts(parts)) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| part.text.as_deref()).collect();
            texts.join("\n")
        }
    }
}

/// Chat clients show text only, so an abstention is said in words.
fn text_of(answer: &Answer) -> String {
    answer.abstained.as_ref().map_or_else(|| answer.text.clone(), |abstention| abstention.reason.clone())
}

fn annotations(answer: &Answer) -> Value {
    let each = answer.citations.iter().map(|citation| {
        json!({
            "type": "file_citation", "index": citation.number, "file_id": citation.document.to_string(),
            "filename": citation.source, "quote": citation.quote, "page": citation.page,
        })
    });
    Value::Array(each.collect())
}

fn usage(answer: &Answer) -> Value {
    let usage = answer.usage;
    json!({
        "prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    })
}

fn complete_streaming(app: &App, question: &Question, head: &Head, usage_wanted: bool, sender: &Sender) {
    let send = |value: &Value| sender.send_plain(&value.to_string());
    let mut said = false;
    let _ = send(&head.chunk(&json!({ "role": "assistant", "content": "" }), None));
    let outcome = app.ask(question, &mut |event| match event {
        Event::Token(text) => {
            said = true;
            send(&head.chunk(&json!({ "content": text }), None))
        }
        _ => ControlFlow::Continue(()),
    });
    match outcome {
        Ok(answer) => {
            if !said {
                let _ = send(&head.chunk(&json!({ "content": text_of(&answer) }), None));
            }
            let _ = send(&head.chunk(&json!({ "annotations": annotations(&answer) }), Some("stop")));
            if usage_wanted {
                let _ = send(&head.usage_chunk(&answer));
            }
            let _ = sender.send_plain("[DONE]");
        }
        Err(error) => {
            let problem = Problem::new(&error, request_id());
            let _ = sender.send_plain(&serde_json::to_string(&problem).unwrap_or_default());
        }
    }
}

/// Embeds texts with the model that the indexes use.
#[utoipa::path(post, path = "/v1/embeddings", tag = "openai", request_body = EmbeddingRequest,
    responses((status = 200, body = Value), (status = "default", body = Problem)))]
pub async fn embeddings(
    State(app): State<Arc<App>>,
    Json(request): Json<EmbeddingRequest>,
) -> Answered<axum::Json<Value>> {
    let value = blocking(&app, move |app| embed(app, request)).await?;
    Ok(axum::Json(value))
}

fn embed(app: &App, request: EmbeddingRequest) -> Result<Value> {
    let EmbedderSpec { id, dimensions, .. } = app.embedder.spec();
    if request.model != *id && request.model != "ibid" {
        return Err(unknown_model(&request.model));
    }
    if let Some(wanted) = request.dimensions.filter(|wanted| wanted != dimensions) {
        let what = format!("dimensions is {wanted}, but the model {id} gives {dimensions}; leave it out");
        return Err(Error::bad_request("value_out_of_range", what));
    }
    let texts = match request.input {
        EmbeddingInput::One(text) => vec![text],
        EmbeddingInput::Many(texts) => texts,
    };
    if texts.is_empty() || texts.len() > INPUTS_MAX || texts.iter().any(String::is_empty) {
        let what = format!("input holds {} texts; send 1 to {INPUTS_MAX}, none of them empty", texts.len());
        return Err(Error::bad_request("input_size", what));
    }
    let in_base64 = match request.encoding_format.as_deref() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(other) => {
            let what = format!("encoding_format '{other}' is not known; use float or base64");
            return Err(Error::bad_request("value_unknown", what));
        }
    };
    let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
    let vectors = app.embedder.embed(&borrowed, Purpose::Passage)?;
    let tokens: usize = borrowed.iter().map(|text| app.embedder.count_tokens(text)).sum();
    let data: Vec<Value> = vectors
        .iter()
        .enumerate()
        .map(|(index, vector)| {
            let embedding = if in_base64 { json!(base64_of(vector)) } else { json!(vector) };
            json!({ "object": "embedding", "index": index, "embedding": embedding })
        })
        .collect();
    Ok(json!({
        "object": "list", "data": data, "model": id,
        "usage": { "prompt_tokens": tokens, "total_tokens": tokens },
    }))
}

/// Little-endian 32-bit floats, as OpenAI's clients decode them.
fn base64_of(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Lists what `model` may be.
#[utoipa::path(get, path = "/v1/models", tag = "openai", responses((status = 200, body = Value)))]
pub async fn models(State(app): State<Arc<App>>) -> axum::Json<Value> {
    let data: Vec<Value> = model_names(&app).map(|name| model_object(&app, &name)).collect();
    axum::Json(json!({ "object": "list", "data": data }))
}

/// Shows one of them.
#[utoipa::path(get, path = "/v1/models/{id}", tag = "openai", params(("id" = String, Path)),
    responses((status = 200, body = Value), (status = "default", body = Problem)))]
pub async fn model(State(app): State<Arc<App>>, Path(id): Path<String>) -> Answered<axum::Json<Value>> {
    let name = model_names(&app).find(|name| *name == id).ok_or_else(|| unknown_model(&id))?;
    Ok(axum::Json(model_object(&app, &name)))
}

fn model_names(app: &App) -> impl Iterator<Item = String> {
    let own = ["ibid".to_owned(), "ibid-extractive".to_owned()];
    own.into_iter().chain(app.chat_model_names()).chain([app.embedder.spec().id.clone()])
}

fn model_object(app: &App, name: &str) -> Value {
    json!({ "id": name, "object": "model", "created": app.started_at.0 / 1000, "owned_by": "ibid" })
}
