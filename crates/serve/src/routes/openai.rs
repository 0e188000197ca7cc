//! OpenAI-compatible endpoints, so that existing clients work against Ibid's answers.
//!
//! `model` chooses how to answer: `ibid` (the default mode), `ibid-extractive`, or a configured chat model's name.
//! The citations come in the message's `annotations` (type `file_citation`) and, whole, under `ibid`.

use std::ops::ControlFlow;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use ibid_api::openai::{ChatMessage, ChatRequest, Content, EmbeddingInput, EmbeddingRequest};
use ibid_api::problem::Problem;
use ibid_api::run::Event as RunEvent;
use ibid_api::thread::TurnRequest;
use ibid_chat::Exchange;
use ibid_flow::RunView;
use ibid_flow::machine::Outcome;
use ibid_model::{EmbedderSpec, Purpose};
use ibid_types::answer::Answer;
use ibid_types::{Error, Result, RunId};
use serde_json::{Value, json};

use super::sse::{self, Sender};
use super::threads::idempotency_key;
use crate::access::Caller;
use crate::http::{Answered, Json, Path, RUN_HEADER, blocking, request_id, respond};
use crate::queue::Place;
use crate::{App, events, live, runs, turns};

/// Earlier questions of a conversation that are looked at.
const HISTORY_EXCHANGES_MAX: usize = 20;
/// More inputs than this in one embedding request are refused.
const INPUTS_MAX: usize = 2048;

/// Answers the last user message from the documents, with the messages before it as its history.
///
/// Each completion is a durable run of the flow `chat`; with `metadata.thread` it is a turn of that thread.
#[utoipa::path(post, path = "/v1/chat/completions", tag = "openai",
    params(("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,200}$")), request_body = ChatRequest,
    responses((status = 200, content((Value = "application/json"), (Value = "text/event-stream"))), (status = "default", body = Problem)))]
pub async fn chat_completions(
    app: Caller,
    headers: HeaderMap,
    Json(request): Json<ChatRequest>,
) -> Answered<Response> {
    let stream = request.stream;
    let usage_wanted = request.stream_options.is_some_and(|options| options.include_usage);
    let model = request.model.clone();
    let key = idempotency_key(&headers)?;
    let mode = (model == "ibid-extractive").then_some("extractive");
    let mut place = Some(app.place(app.queue_of(mode), request.workspace.as_deref()).await?);
    let run = blocking(&app, move |app| begin(app, request, key)).await?;
    let name = [(RUN_HEADER, run.to_string())];
    let head = Head::new(&app, model, run);
    if stream {
        let events = sse::stream(&app, move |app, sender| {
            if let Err(error) = complete_streaming(app, &head, usage_wanted, sender, &mut place) {
                let problem = Problem::new(&error, request_id());
                let _ = sender.send_plain(&serde_json::to_string(&problem).unwrap_or_default());
            }
        });
        return Ok((name, events).into_response());
    }
    let completion = blocking(&app, move |app| {
        let _held = place;
        let longest = Duration::from_secs(app.config.server.request_seconds_max);
        let answer = answer_of(app, &runs::wait(app, run, longest)?)?;
        Ok(head.completion(&answer))
    })
    .await?;
    Ok((name, axum::Json(completion)).into_response())
}

/// Starts the run that makes the completion.
fn begin(app: &Caller, request: ChatRequest, key: Option<String>) -> Result<RunId> {
    let thread = request.metadata.as_ref().and_then(|metadata| metadata.get("thread")?.as_str());
    let turn = turn_of(app, &request)?;
    if let Some(thread) = thread {
        return turns::start(app, &app.thread_in(request.workspace.as_deref(), thread)?, turn, key);
    }
    let workspace = app.workspace(request.workspace.as_deref())?;
    turns::start_alone(app, &workspace, turn, exchanges(&request), key)
}

/// The last user message with what the request says of it.
fn turn_of(app: &App, request: &ChatRequest) -> Result<TurnRequest> {
    let last = last_question(&request.messages).ok_or_else(|| {
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
    Ok(TurnRequest {
        question: words_of(&request.messages[last]),
        mode: Some(mode.to_owned()),
        model,
        tokens: request.max_completion_tokens.or(request.max_tokens),
        temperature: request.temperature,
        ..TurnRequest::default()
    })
}

fn last_question(messages: &[ChatMessage]) -> Option<usize> {
    messages.iter().rposition(|message| message.role == "user")
}

/// What was said before the last question: each question with all that was answered to it.
fn exchanges(request: &ChatRequest) -> Vec<Exchange> {
    let last = last_question(&request.messages).unwrap_or(0);
    let mut exchanges: Vec<Exchange> = Vec::new();
    for message in &request.messages[..last] {
        match (message.role.as_str(), exchanges.last_mut()) {
            ("user", _) => {
                exchanges.push(Exchange { question: words_of(message), answer: String::new() });
            }
            ("assistant", Some(exchange)) => exchange.answer.push_str(&words_of(message)),
            _ => {}
        }
    }
    let first = exchanges.len().saturating_sub(HISTORY_EXCHANGES_MAX);
    exchanges.split_off(first)
}

/// The answer of a run that is over. Errors: that of the run, or `request_timeout` for one that is not over.
fn answer_of(app: &App, view: &RunView) -> Result<Answer> {
    match &view.state.outcome {
        Some(Outcome::Output(output)) => turns::read_answer(output)
            .ok_or_else(|| Error::internal("turn_output_invalid", "the flow gave no answer")),
        Some(Outcome::Fault(fault)) => {
            // A run of no thread, so nobody else counts it.
            let ms = app.clock.now().0 - view.state.started_at.0;
            app.metrics.answer_failed(Duration::from_millis(u64::try_from(ms).unwrap_or(0)));
            Err(Error::new(fault.class, ibid_types::error::interned(&fault.code), fault.message.clone()))
        }
        Some(Outcome::Cancelled { reason }) => {
            Err(Error::conflict("run_cancelled", format!("the run was cancelled: {reason}")))
        }
        None => {
            let what =
                format!("the answer takes longer than the request may; it goes on as run {}", view.row.id);
            Err(Error::timeout("request_timeout", what))
        }
    }
}

/// What every piece of one completion repeats.
struct Head {
    id: String,
    created: i64,
    model: String,
    run: RunId,
}

impl Head {
    fn new(app: &App, model: String, run: RunId) -> Self {
        let id = request_id().unwrap_or_default();
        Self { id: format!("chatcmpl-{id}"), created: app.clock.now().0 / 1000, model, run }
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
            "ibid_run": self.run.to_string(),
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

/// The place is given back when the run is over, or asks a person, which may take days.
fn complete_streaming(
    app: &App,
    head: &Head,
    usage_wanted: bool,
    sender: &Sender,
    place: &mut Option<Place>,
) -> Result<()> {
    let send = |value: &Value| sender.send_plain(&value.to_string());
    let mut draft = Draft::default();
    if send(&head.chunk(&json!({ "role": "assistant", "content": "" }), None)).is_break() {
        return Ok(());
    }
    let is_left = || sender.is_closed();
    events::follow(app, head.run, None, &is_left, &mut |_, event| {
        if live::ends_work(&event) {
            *place = None;
        }
        match draft.take(event) {
            Some(text) => send(&head.chunk(&json!({ "content": text }), None)),
            None => ControlFlow::Continue(()),
        }
    })?;
    if sender.is_closed() {
        return Ok(());
    }
    let answer = answer_of(app, &app.runner().view(head.run)?)?;
    if let Some(rest) = draft.rest(&text_of(&answer)) {
        let _ = send(&head.chunk(&json!({ "content": rest }), None));
    }
    let _ = send(&head.chunk(&json!({ "annotations": annotations(&answer) }), Some("stop")));
    if usage_wanted {
        let _ = send(&head.usage_chunk(&answer));
    }
    let _ = sender.send_plain("[DONE]");
    Ok(())
}

/// What was said of an answer whose client cannot be told to forget anything: the first node's text as it comes, and
/// at the end what the answer has besides.
#[derive(Debug, Default)]
struct Draft {
    node: Option<String>,
    said: String,
    /// The text that was begun is not the answer's any more.
    is_over: bool,
}

impl Draft {
    /// The piece to say now.
    fn take(&mut self, event: RunEvent) -> Option<String> {
        match event {
            RunEvent::Step(step) => {
                let is_own = self.node.as_ref() == Some(&step.node);
                self.is_over |= is_own && step.state == "restarted" && !self.said.is_empty();
                None
            }
            RunEvent::Token(token) if !self.is_over => {
                let node = self.node.get_or_insert_with(|| token.node.clone());
                if *node != token.node {
                    self.is_over = true;
                    return None;
                }
                let new = match token.replace {
                    false => token.text,
                    true => self.after(&token.text)?,
                };
                self.said.push_str(&new);
                Some(new)
            }
            _ => None,
        }
    }

    /// What the text has after all that was said.
    fn after(&self, text: &str) -> Option<String> {
        text.strip_prefix(self.said.as_str()).filter(|rest| !rest.is_empty()).map(str::to_owned)
    }

    /// What is still to be said of the whole: an answer that became another is said again as a whole.
    fn rest(&self, whole: &str) -> Option<String> {
        if self.said.trim() == whole.trim() {
            return None;
        }
        if whole.starts_with(&self.said) {
            return self.after(whole);
        }
        Some(format!("\n\n{whole}"))
    }
}

/// Embeds texts with the model that the indexes use.
#[utoipa::path(post, path = "/v1/embeddings", tag = "openai", request_body = EmbeddingRequest,
    responses((status = 200, body = Value), (status = "default", body = Problem)))]
pub async fn embeddings(app: Caller, Json(request): Json<EmbeddingRequest>) -> Answered<axum::Json<Value>> {
    let place = app.place_anywhere(&app.queues.searches).await?;
    respond(&app, move |app| {
        let _held = place;
        embed(app, request)
    })
    .await
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
#[utoipa::path(get, path = "/v1/models", tag = "openai",
    responses((status = 200, body = Value), (status = "default", body = Problem)))]
pub async fn models(app: Caller) -> axum::Json<Value> {
    let data: Vec<Value> = model_names(&app).map(|name| model_object(&app, &name)).collect();
    axum::Json(json!({ "object": "list", "data": data }))
}

/// Shows one of them.
#[utoipa::path(get, path = "/v1/models/{id}", tag = "openai", params(("id" = String, Path)),
    responses((status = 200, body = Value), (status = "default", body = Problem)))]
pub async fn model(app: Caller, Path(id): Path<String>) -> Answered<axum::Json<Value>> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use ibid_api::run::{Step, Token};

    fn token(node: &str, text: &str, replace: bool) -> RunEvent {
        RunEvent::Token(Token { node: node.to_owned(), text: text.to_owned(), replace })
    }

    fn restarted(node: &str) -> RunEvent {
        let node = node.to_owned();
        RunEvent::Step(Step {
            node,
            kind: String::new(),
            state: "restarted".to_owned(),
            attempt: 2,
            detail: String::new(),
        })
    }

    #[test]
    fn a_draft_says_each_piece_once() {
        let mut draft = Draft::default();
        assert_eq!(draft.take(token("answer", "At six", false)).as_deref(), Some("At six"));
        assert_eq!(draft.take(token("answer", "At six [1].", true)).as_deref(), Some(" [1]."));
        assert_eq!(draft.rest("At six [1]."), None);
    }

    #[test]
    fn an_answer_that_became_another_is_said_as_a_whole() {
        let mut draft = Draft::default();
        draft.take(token("answer", "At seven", false));
        assert_eq!(draft.take(token("improve", "At six", false)), None);
        assert_eq!(draft.rest("At six."), Some("\n\nAt six.".to_owned()));
    }

    #[test]
    fn a_text_that_begins_again_is_not_said_twice() {
        let mut draft = Draft::default();
        draft.take(token("answer", "At s", false));
        draft.take(restarted("answer"));
        assert_eq!(draft.take(token("answer", "At s", false)), None);
        assert_eq!(draft.rest("At six."), Some("ix.".to_owned()));
    }

    #[test]
    fn earlier_messages_are_exchanges() {
        let messages = serde_json::json!([
            { "role": "system", "content": "be brief" }, { "role": "user", "content": "a?" },
            { "role": "assistant", "content": "b" }, { "role": "user", "content": "c?" }
        ]);
        let request = serde_json::json!({ "model": "ibid", "messages": messages });
        let found = exchanges(&serde_json::from_value(request).unwrap());
        assert_eq!((found.len(), found[0].question.as_str(), found[0].answer.as_str()), (1, "a?", "b"));
    }
}
