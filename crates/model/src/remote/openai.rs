//! The OpenAI dialect: `/chat/completions` as server-sent events, `/embeddings`, `/models`. Spoken by OpenAI, Groq,
//! Together, vLLM, llama.cpp's server and many others, which differ in what they leave out.

use std::ops::ControlFlow;

use ibid_types::Result;
use ibid_types::answer::Usage;
use serde::Deserialize;
use serde_json::{Value, json};

use super::chat::{Record, RemoteChat};
use super::embed::RemoteEmbedder;
use super::frames::Framing;
use super::{ChatTimeouts, Endpoint, RemoteConfig, chat, embed, estimate};
use crate::{ChatDelta, ChatModel, ChatOutcome, ChatRequest, Embedder, EmbedderSpec, Patience, Purpose};

const PROVIDER: &str = "openai";
const PATH_USUAL: &str = "/v1";

const CHAT: chat::Dialect = chat::Dialect {
    path: "/chat/completions",
    framing: Framing::Events,
    body: chat_body,
    read: read_event,
    replacements: &[
        ("response_format", None),
        ("stream_options", None),
        ("max_tokens", Some("max_completion_tokens")),
        ("temperature", None),
        ("stop", None),
    ],
};

const EMBED: embed::Dialect = embed::Dialect { path: "/embeddings", body: embed_body, read: read_vectors };

/// A chat model behind an OpenAI-compatible address.
#[derive(Debug)]
pub struct OpenAiChat(RemoteChat);

impl OpenAiChat {
    /// Connects at the first request. `name` is what configuration calls the model; `config.tokens_max` is its context.
    ///
    /// # Errors
    /// `provider_misconfigured` for an address or key that cannot be used.
    pub fn new(name: &str, config: RemoteConfig, timeouts: ChatTimeouts) -> Result<Self> {
        let endpoint = Endpoint::new(PROVIDER, &config, PATH_USUAL)?;
        Ok(Self(RemoteChat::new(name, endpoint, config.tokens_max, timeouts, CHAT)))
    }

    /// Where it is, without what may be secret.
    #[must_use]
    pub fn address(&self) -> String {
        self.0.endpoint().address()
    }
}

impl ChatModel for OpenAiChat {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn context_tokens(&self) -> usize {
        self.0.context_tokens()
    }

    fn chat(
        &self,
        request: &ChatRequest,
        on_delta: &mut dyn FnMut(ChatDelta) -> ControlFlow<()>,
    ) -> Result<ChatOutcome> {
        self.0.chat(request, &Patience::unbounded(), on_delta)
    }

    fn chat_within(
        &self,
        request: &ChatRequest,
        patience: &Patience,
        on_delta: &mut dyn FnMut(ChatDelta) -> ControlFlow<()>,
    ) -> Result<ChatOutcome> {
        self.0.chat(request, patience, on_delta)
    }

    /// Asks for the list of models. Some servers have none; they answer all the same.
    fn probe(&self) -> Result<()> {
        self.0.probe(self.0.endpoint().get("/models")?, &[404, 405, 501])
    }
}

/// An embedding model behind an OpenAI-compatible address.
#[derive(Debug)]
pub struct OpenAiEmbedder(RemoteEmbedder);

impl OpenAiEmbedder {
    /// Embeds one word to learn the dimensions.
    ///
    /// # Errors
    /// `provider_misconfigured`, and all that a request can meet: `provider_unreachable`, `provider_refused_key`, ...
    pub fn connect(config: RemoteConfig) -> Result<Self> {
        let endpoint = Endpoint::new(PROVIDER, &config, PATH_USUAL)?;
        RemoteEmbedder::connect(endpoint, &config, EMBED).map(Self)
    }
}

impl Embedder for OpenAiEmbedder {
    fn spec(&self) -> &EmbedderSpec {
        self.0.spec()
    }

    fn embed(&self, texts: &[&str], purpose: Purpose) -> Result<Vec<Vec<f32>>> {
        self.0.embed(texts, purpose)
    }

    fn count_tokens(&self, text: &str) -> usize {
        estimate::tokens(text)
    }
}

fn chat_body(model: &str, request: &ChatRequest, _context_tokens: usize) -> Value {
    let mut body = json!({
        "model": model,
        "messages": request.messages,
        "temperature": request.temperature,
        "max_tokens": request.tokens_max,
        "stream": true,
        "stream_options": { "include_usage": true },
    });
    if !request.stop.is_empty() {
        body["stop"] = json!(request.stop);
    }
    if let Some(schema) = &request.schema {
        let schema = json!({ "name": "answer", "strict": true, "schema": schema });
        body["response_format"] = json!({ "type": "json_schema", "json_schema": schema });
    }
    body
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<TokenCounts>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Delta {
    content: Option<String>,
    /// What reasoning models think; the second name is that of some gateways.
    #[serde(alias = "reasoning")]
    reasoning_content: Option<String>,
}

#[derive(Deserialize)]
struct TokenCounts {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

fn read_event(message: &[u8]) -> Option<Record> {
    let message = message.trim_ascii();
    if message == b"[DONE]" {
        return Some(Record { last: true, ..Record::default() });
    }
    let chunk: Chunk = serde_json::from_slice(message).ok()?;
    if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
        let said = error.get("message").unwrap_or(&error);
        let said = said.as_str().map_or_else(|| said.to_string(), str::to_owned);
        return Some(Record { error: Some(said), ..Record::default() });
    }
    let usage = chunk.usage.map(|counts| Usage {
        prompt_tokens: counts.prompt_tokens,
        completion_tokens: counts.completion_tokens,
    });
    let mut record = Record { usage, ..Record::default() };
    if let Some(choice) = chunk.choices.into_iter().next() {
        let delta = choice.delta.unwrap_or_default();
        record.alive = delta.reasoning_content.is_some_and(|text| !text.is_empty());
        record.text = delta.content.unwrap_or_default();
        record.finished = choice.finish_reason.map(|reason| reason == "stop");
    }
    Some(record)
}

fn embed_body(model: &str, inputs: &[String]) -> Value {
    json!({ "model": model, "input": inputs, "encoding_format": "float" })
}

#[derive(Deserialize)]
struct Vectors {
    data: Vec<Numbered>,
}

#[derive(Deserialize)]
struct Numbered {
    index: usize,
    embedding: Vec<f32>,
}

/// Vectors carry the number of their text, and may come in any order.
fn read_vectors(body: &[u8], count: usize) -> Option<Vec<Vec<f32>>> {
    let answer: Vectors = serde_json::from_slice(body).ok()?;
    let mut vectors: Vec<Option<Vec<f32>>> = vec![None; count];
    for numbered in answer.data {
        let place = vectors.get_mut(numbered.index)?;
        if place.replace(numbered.embedding).is_some() {
            return None;
        }
    }
    vectors.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(message: &str) -> Record {
        read_event(message.as_bytes()).unwrap()
    }

    #[test]
    fn a_delta_carries_text() {
        assert_eq!(read(r#"{"choices":[{"delta":{"content":"Hi"},"finish_reason":null}]}"#).text, "Hi");
        assert_eq!(read(r#"{"choices":[{"delta":{"role":"assistant","content":null}}]}"#), Record::default());
    }

    #[test]
    fn thinking_is_life_but_no_text() {
        let record = read(r#"{"choices":[{"delta":{"reasoning_content":"hm"}}]}"#);
        assert_eq!((record.alive, record.text.as_str()), (true, ""));
    }

    #[test]
    fn only_the_models_own_end_is_complete() {
        let finished = |reason: &str| {
            read(&format!(r#"{{"choices":[{{"delta":{{}},"finish_reason":"{reason}"}}]}}"#)).finished
        };
        assert_eq!(finished("stop"), Some(true));
        assert_eq!(finished("length"), Some(false));
        assert_eq!(finished("content_filter"), Some(false));
    }

    #[test]
    fn usage_comes_without_choices() {
        let record =
            read(r#"{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}"#);
        assert_eq!(record.usage, Some(Usage { prompt_tokens: 7, completion_tokens: 3 }));
        assert_eq!(read(r#"{"choices":[],"usage":null}"#).usage, None);
    }

    #[test]
    fn errors_come_as_text_or_object() {
        assert_eq!(read(r#"{"error":{"message":"out of memory"}}"#).error.unwrap(), "out of memory");
        assert_eq!(read(r#"{"error":"gone"}"#).error.unwrap(), "gone");
        assert_eq!(read(r#"{"error":{"code":5}}"#).error.unwrap(), r#"{"code":5}"#);
    }

    #[test]
    fn what_is_not_of_the_protocol_is_not_read() {
        for message in ["", "<html>", "[1]", "{\"choices\":3}", "{\"choices\":[{\"delta\":4}]}"] {
            assert_eq!(read_event(message.as_bytes()), None, "{message}");
        }
        assert!(read("[DONE]").last && read(" [DONE] ").last);
    }

    #[test]
    fn vectors_are_put_in_order() {
        let body = br#"{"data":[{"index":1,"embedding":[2]},{"index":0,"embedding":[1]}]}"#;
        assert_eq!(read_vectors(body, 2).unwrap(), [vec![1.0], vec![2.0]]);
    }

    #[test]
    fn a_missing_doubled_or_foreign_vector_is_seen() {
        let body = |a: usize, b: usize| {
            format!(r#"{{"data":[{{"index":{a},"embedding":[2]}},{{"index":{b},"embedding":[1]}}]}}"#)
        };
        assert_eq!(read_vectors(body(0, 0).as_bytes(), 2), None);
        assert_eq!(read_vectors(body(0, 2).as_bytes(), 2), None);
        assert_eq!(read_vectors(body(0, 1).as_bytes(), 3), None);
    }
}
