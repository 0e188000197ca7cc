//! Ollama's own dialect: `/api/chat` as JSON lines, `/api/embed`, `/api/show`, `/api/tags`. Its own rather than its
//! OpenAI-compatible one, because only here the context can be set; without, Ollama cuts long prompts silently.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ibid_types::answer::Usage;
use ibid_types::{Result, Secret};
use serde::Deserialize;
use serde_json::{Value, json};

use super::chat::{Record, RemoteChat};
use super::embed::RemoteEmbedder;
use super::frames::Framing;
use super::{ChatTimeouts, Endpoint, RemoteConfig, chat, embed, estimate};
use crate::gateway::retry::Retry;
use crate::gateway::{Line, Patience};
use crate::wire::Sending;
use crate::{ChatDelta, ChatModel, ChatOutcome, ChatRequest, Embedder, EmbedderSpec, Purpose};

const PROVIDER: &str = "ollama";
const URL_USUAL: &str = "http://127.0.0.1:11434";
/// A server on this machine connects at once or is not there; starting Ibid must not wait for it.
const DETECT_CONNECT_MAX: Duration = Duration::from_millis(300);
const DETECT_MAX: Duration = Duration::from_secs(1);
const DETECT_BYTES_MAX: usize = 4 << 20;
/// What is asked of a detected model: enough for a question with its sources, and not too much memory.
const CONTEXT_TOKENS_USUAL: usize = 8192;

const CHAT: chat::Dialect = chat::Dialect {
    path: "/api/chat",
    framing: Framing::Lines,
    body: chat_body,
    read: read_line,
    replacements: &[],
};

const EMBED: embed::Dialect = embed::Dialect { path: "/api/embed", body: embed_body, read: read_vectors };

/// A chat model of an Ollama server.
#[derive(Debug)]
pub struct OllamaChat(RemoteChat);

impl OllamaChat {
    /// Connects at the first request. `name` is what configuration calls the model; `config.tokens_max` is the context
    /// that Ollama is asked to give it. An empty `config.url` is Ollama's usual address.
    ///
    /// # Errors
    /// `provider_misconfigured` for an address or key that cannot be used.
    pub fn new(name: &str, config: RemoteConfig, timeouts: ChatTimeouts) -> Result<Self> {
        let endpoint = Endpoint::new(PROVIDER, &at_usual(config.clone()), "")?;
        Ok(Self(RemoteChat::new(name, endpoint, config.tokens_max, timeouts, CHAT)))
    }

    /// Where it is, without what may be secret.
    #[must_use]
    pub fn address(&self) -> String {
        self.0.endpoint().address()
    }
}

impl ChatModel for OllamaChat {
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

    /// Asks what the model is, which Ollama knows without loading it.
    fn probe(&self) -> Result<()> {
        let endpoint = self.0.endpoint();
        self.0.probe(endpoint.post("/api/show", &json!({ "model": endpoint.model }))?, &[])
    }
}

/// An embedding model of an Ollama server.
#[derive(Debug)]
pub struct OllamaEmbedder(RemoteEmbedder);

impl OllamaEmbedder {
    /// Embeds one word to learn the dimensions. An empty `config.url` is Ollama's usual address.
    ///
    /// # Errors
    /// `provider_misconfigured`, and all that a request can meet: `provider_unreachable`, `provider_model_unknown`, ...
    pub fn connect(config: RemoteConfig) -> Result<Self> {
        let config = at_usual(config);
        let endpoint = Endpoint::new(PROVIDER, &config, "")?;
        RemoteEmbedder::connect(endpoint, &config, EMBED).map(Self)
    }
}

impl Embedder for OllamaEmbedder {
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

/// The chat model of an Ollama server on this machine that was changed last, if a server answers within a second and
/// has one. `OLLAMA_HOST` names another address, as for Ollama's own client. `line` is that of the gate before it.
#[must_use]
pub fn detect_ollama(timeouts: ChatTimeouts, line: Arc<Line>) -> Option<OllamaChat> {
    let host = std::env::var("OLLAMA_HOST").unwrap_or_default();
    detect_at(&address(&host), timeouts, line)
}

pub(super) fn detect_at(url: &str, timeouts: ChatTimeouts, line: Arc<Line>) -> Option<OllamaChat> {
    let mut config = RemoteConfig {
        url: url.to_owned(),
        model: String::new(),
        api_key: Secret::default(),
        tokens_max: CONTEXT_TOKENS_USUAL,
        line,
    };
    let endpoint = Endpoint::within(PROVIDER, &config, "", DETECT_CONNECT_MAX).ok()?;
    let until = Instant::now() + DETECT_MAX;
    let tags: Tags = fetch(&endpoint, endpoint.get("/api/tags").ok()?, until)?;
    config.model = tags.models.into_iter().find(|model| !model.embeds())?.name;
    let asked = endpoint.post("/api/show", &json!({ "model": config.model })).ok()?;
    let shown: Option<Shown> = fetch(&endpoint, asked, until);
    let trained = shown.and_then(|shown| shown.context_tokens()).unwrap_or(CONTEXT_TOKENS_USUAL);
    config.tokens_max = trained.min(CONTEXT_TOKENS_USUAL);
    let name = config.model.clone();
    tracing::info!(model = name, url, "found a chat model at an ollama server");
    OllamaChat::new(&name, config, timeouts).ok()
}

fn fetch<T: serde::de::DeserializeOwned>(
    endpoint: &Endpoint,
    request: reqwest::Request,
    until: Instant,
) -> Option<T> {
    let mut reply = endpoint.http.send(request, Sending::alone(Retry::NEVER), until).ok()?;
    let body = reply.status.is_success().then(|| reply.body(DETECT_BYTES_MAX, until).ok())??;
    serde_json::from_slice(&body).ok()
}

/// The address that `OLLAMA_HOST` means: scheme and port may be left out, and the address to listen at everywhere
/// means this machine to a client.
fn address(host: &str) -> String {
    let host = host.trim().trim_end_matches('/');
    let (scheme, rest) = host.split_once("://").unwrap_or(("http", host));
    let (name, port) = match rest.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() && !name.ends_with(':') => (name, port),
        _ => (rest, if scheme == "https" { "443" } else { "11434" }),
    };
    let name = if matches!(name, "" | "0.0.0.0" | "[::]") { "127.0.0.1" } else { name };
    format!("{scheme}://{name}:{port}")
}

fn at_usual(config: RemoteConfig) -> RemoteConfig {
    let url = if config.url.is_empty() { URL_USUAL.to_owned() } else { config.url };
    RemoteConfig { url, ..config }
}

#[derive(Deserialize)]
struct Tags {
    #[serde(default)]
    models: Vec<Tag>,
}

#[derive(Deserialize)]
struct Tag {
    name: String,
    #[serde(default)]
    details: Details,
}

#[derive(Default, Deserialize)]
struct Details {
    #[serde(default)]
    family: String,
}

impl Tag {
    /// Whether it is an embedding model: those are of BERT's family, or have it in their name.
    fn embeds(&self) -> bool {
        let name = self.name.to_lowercase();
        self.details.family.contains("bert")
            || ["embed", "minilm", "bge-", "e5-"].iter().any(|part| name.contains(part))
    }
}

#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    model_info: serde_json::Map<String, Value>,
}

impl Shown {
    fn context_tokens(&self) -> Option<usize> {
        let (_, value) = self.model_info.iter().find(|(key, _)| key.ends_with(".context_length"))?;
        usize::try_from(value.as_u64()?).ok().filter(|tokens| *tokens >= 512)
    }
}

fn chat_body(model: &str, request: &ChatRequest, context_tokens: usize) -> Value {
    let mut options = json!({
        "temperature": request.temperature,
        "num_predict": request.tokens_max,
        "num_ctx": context_tokens,
    });
    if !request.stop.is_empty() {
        options["stop"] = json!(request.stop);
    }
    let mut body =
        json!({ "model": model, "messages": request.messages, "stream": true, "options": options });
    if let Some(schema) = &request.schema {
        body["format"] = schema.clone();
    }
    body
}

#[derive(Deserialize)]
struct Reply {
    message: Option<Message>,
    done: Option<bool>,
    done_reason: Option<String>,
    #[serde(default)]
    prompt_eval_count: u64,
    #[serde(default)]
    eval_count: u64,
    error: Option<String>,
}

#[derive(Default, Deserialize)]
struct Message {
    #[serde(default)]
    content: String,
    thinking: Option<String>,
}

fn read_line(message: &[u8]) -> Option<Record> {
    let line: Reply = serde_json::from_slice(message).ok()?;
    if line.error.is_some() {
        return Some(Record { error: line.error, ..Record::default() });
    }
    let done = line.done?;
    let message = line.message.unwrap_or_default();
    let usage = Usage { prompt_tokens: line.prompt_eval_count, completion_tokens: line.eval_count };
    Some(Record {
        alive: message.thinking.is_some_and(|text| !text.is_empty()),
        text: message.content,
        // Servers of before 2024 give no reason.
        finished: done.then(|| line.done_reason.is_none_or(|reason| reason == "stop")),
        usage: done.then_some(usage),
        last: done,
        error: None,
    })
}

fn embed_body(model: &str, inputs: &[String]) -> Value {
    json!({ "model": model, "input": inputs, "truncate": true })
}

#[derive(Deserialize)]
struct Vectors {
    embeddings: Vec<Vec<f32>>,
}

fn read_vectors(body: &[u8], _count: usize) -> Option<Vec<Vec<f32>>> {
    let answer: Vectors = serde_json::from_slice(body).ok()?;
    Some(answer.embeddings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(message: &str) -> Record {
        read_line(message.as_bytes()).unwrap()
    }

    #[test]
    fn a_line_carries_text() {
        let record = read(r#"{"model":"m","message":{"role":"assistant","content":"Hi"},"done":false}"#);
        assert_eq!((record.text.as_str(), record.finished, record.last), ("Hi", None, false));
    }

    #[test]
    fn the_last_line_carries_reason_and_counts() {
        let record = read(
            r#"{"message":{"content":""},"done":true,"done_reason":"length","prompt_eval_count":5,"eval_count":2}"#,
        );
        assert_eq!((record.finished, record.last), (Some(false), true));
        assert_eq!(record.usage, Some(Usage { prompt_tokens: 5, completion_tokens: 2 }));
        assert_eq!(read(r#"{"done":true}"#).finished, Some(true));
    }

    #[test]
    fn thinking_and_errors_are_told_apart() {
        assert!(read(r#"{"message":{"content":"","thinking":"hm"},"done":false}"#).alive);
        assert_eq!(read(r#"{"error":"out of memory"}"#).error.unwrap(), "out of memory");
    }

    #[test]
    fn what_is_not_of_the_protocol_is_not_read() {
        for message in ["", "{}", "data: {}", r#"{"choices":[]}"#, "[]"] {
            assert_eq!(read_line(message.as_bytes()), None, "{message}");
        }
    }

    #[test]
    fn ollama_host_is_read_as_its_own_client_does() {
        assert_eq!(address(""), "http://127.0.0.1:11434");
        assert_eq!(address("0.0.0.0"), "http://127.0.0.1:11434");
        assert_eq!(address(":5000"), "http://127.0.0.1:5000");
        assert_eq!(address("gpu:5000/"), "http://gpu:5000");
        assert_eq!(address("https://gpu"), "https://gpu:443");
        assert_eq!(address("http://[::]:80"), "http://127.0.0.1:80");
    }

    #[test]
    fn embedding_models_are_no_chat_models() {
        let embeds = |name: &str, family: &str| {
            Tag { name: name.into(), details: Details { family: family.into() } }.embeds()
        };
        assert!(
            embeds("nomic-embed-text:latest", "") && embeds("x", "nomic-bert") && embeds("all-minilm", "")
        );
        assert!(!embeds("llama3.2:3b", "llama"));
    }
}
