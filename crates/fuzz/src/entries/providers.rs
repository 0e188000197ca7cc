//! What other services answer us: providers of models, servers of tools, an Ibid that a command line talks to.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use ibid_config::McpServer;
use ibid_model::{
    ChatDelta, ChatMessage, ChatModel, ChatRequest, ChatTimeouts, Embedder, Line, OllamaChat, OllamaEmbedder,
    OpenAiChat, OpenAiEmbedder, Patience, Purpose, RemoteConfig, Role,
};
use ibid_serve::{Client, Trust};
use ibid_tools::{McpServers, ToolContext, Toolbox, ToolboxLimits};
use ibid_types::{Secret, WorkspaceId};
use serde_json::{Value, json};

use super::foreign::{answering, ok};
use super::{joined, keep, parts};

/// All that is waited for is on this machine.
const PATIENCE: Duration = Duration::from_secs(5);
/// A server of tools that answers another question than ours is waited for; so short is enough on this machine.
const TOOLS_PATIENCE: Duration = Duration::from_millis(300);
/// An answer's text is no longer than this, whatever the provider sends.
const ANSWER_BYTES_MAX: usize = 8 << 20;

/// The bytes are the whole answer of a provider in OpenAI's dialect: status, headers with its limits, stream or refusal.
pub fn openai(bytes: &[u8]) -> Result<(), String> {
    let model = OpenAiChat::new("a", at(bytes)?, timeouts()).map_err(|error| error.to_string())?;
    chat(&model)
}

/// The same in Ollama's dialect.
pub fn ollama(bytes: &[u8]) -> Result<(), String> {
    let model = OllamaChat::new("a", at(bytes)?, timeouts()).map_err(|error| error.to_string())?;
    chat(&model)
}

fn chat(model: &dyn ChatModel) -> Result<(), String> {
    let message = ChatMessage { role: Role::User, content: "hello".to_owned() };
    let request = ChatRequest {
        messages: vec![message],
        temperature: 0.1,
        tokens_max: 64,
        stop: vec!["END".into()],
        schema: None,
    };
    // Following a refusal that asks to come again takes its time and reads nothing new.
    let patience = Patience { may_retry: false, ..Patience::unbounded() };
    let mut heard = String::new();
    let outcome = model.chat_within(&request, &patience, &mut |delta| {
        match delta {
            ChatDelta::Text(text) => heard.push_str(&text),
            ChatDelta::Anew => heard.clear(),
        }
        ControlFlow::Continue(())
    });
    keep(heard.len() <= ANSWER_BYTES_MAX + (4 << 20), "an answer does not grow without bound")?;
    outcome.map_or(Ok(()), |outcome| keep(outcome.text == heard, "the answer is what was told of it"))
}

/// The bytes are the vectors that a provider gives.
pub fn openai_vectors(bytes: &[u8]) -> Result<(), String> {
    OpenAiEmbedder::connect(at(&ok("application/json", bytes))?).map_or(Ok(()), |model| embed(&model))
}

pub fn ollama_vectors(bytes: &[u8]) -> Result<(), String> {
    OllamaEmbedder::connect(at(&ok("application/json", bytes))?).map_or(Ok(()), |model| embed(&model))
}

fn embed(model: &dyn Embedder) -> Result<(), String> {
    let Ok(vectors) = model.embed(&["a"], Purpose::Question) else { return Ok(()) };
    let length = |vector: &Vec<f32>| vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    let fits =
        |vector: &Vec<f32>| vector.len() == model.spec().dimensions && (length(vector) - 1.0).abs() < 1e-3;
    keep(vectors.len() == 1 && vectors.iter().all(fits), "one vector a text, of length 1")
}

/// A model at the server that says these bytes.
fn at(said: &[u8]) -> Result<RemoteConfig, String> {
    let said = said.to_vec();
    Ok(RemoteConfig {
        url: answering(Box::new(move |_| said.clone()))?,
        model: "m".to_owned(),
        api_key: Secret::new("sk-0".to_owned()),
        tokens_max: 4096,
        line: Arc::new(Line::default()),
    })
}

const fn timeouts() -> ChatTimeouts {
    ChatTimeouts { first_token: PATIENCE, further_token: PATIENCE, total: PATIENCE }
}

pub fn openai_seeds() -> Vec<Vec<u8>> {
    let piece = |text: &str| json!({ "choices": [{ "index": 0, "delta": { "content": text } }] });
    let end = json!({ "choices": [{ "delta": {}, "finish_reason": "stop" }] });
    let usage = json!({ "choices": [], "usage": { "prompt_tokens": 5, "completion_tokens": 2 } });
    let events = [piece("Hel"), piece("lo"), end, usage].map(|event| format!("data: {event}\n\n")).concat();
    let events = format!(": comment\r\nevent: a\nid: 7\n{events}data: [DONE]\n\n");
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-ratelimit-limit-requests: 60\r\n\
        x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 2m59.56s\r\nanthropic-ratelimit-tokens-limit: 9\r\n\
        anthropic-ratelimit-tokens-remaining: 1\r\nanthropic-ratelimit-tokens-reset: 2026-11-22T10:00:00Z\r\n\
        ratelimit: \"default\";r=50;t=30, limit=100, remaining=50, reset=30\r\n";
    let length = events.len();
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n{length:x}\r\n{events}\r\n0\r\n\r\n");
    let said = json!({ "error": { "message": "Unsupported parameter: 'max_tokens'", "type": "invalid_request_error" } });
    let refusals =
        ["400 Bad Request", "401 Unauthorized", "429 Too Many Requests\r\nretry-after: 0.25", "503 Busy"];
    let refusals = refusals.map(|status| refusal(status, &said));
    [format!("{head}\r\n{events}"), chunked].into_iter().chain(refusals).map(String::into_bytes).collect()
}

pub fn ollama_seeds() -> Vec<Vec<u8>> {
    let piece = |text: &str| json!({ "model": "m", "message": { "role": "assistant", "content": text }, "done": false });
    let thought = json!({ "message": { "content": "", "thinking": "hm" }, "done": false });
    let end = json!({ "message": { "content": "" }, "done": true, "done_reason": "length", "prompt_eval_count": 5, "eval_count": 2 });
    let lines = [thought, piece("Hel"), piece("lo"), end].map(|line| format!("{line}\n")).concat();
    let whole = format!("HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n\r\n{lines}");
    let refused = refusal("404 Not Found", &json!({ "error": "model 'm' not found" }));
    [whole, refused, "HTTP/1.1 200 OK\r\n\r\n{\"error\":\"out of memory\"}\n".to_owned()]
        .map(String::into_bytes)
        .to_vec()
}

fn refusal(status: &str, said: &Value) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\n\r\n{said}")
}

pub fn openai_vectors_seeds() -> Vec<Vec<u8>> {
    let vectors = json!({ "object": "list", "data": [{ "index": 0, "embedding": [0.6, -0.8, 0.0] }], "usage": { "prompt_tokens": 1 } });
    vec![vectors.to_string().into_bytes()]
}

pub fn ollama_vectors_seeds() -> Vec<Vec<u8>> {
    vec![json!({ "model": "m", "embeddings": [[0.6, -0.8, 0.0]] }).to_string().into_bytes()]
}

/// The parts are what a server of tools says to the handshake, when asked for its tools, and when one is called.
pub fn mcp(bytes: &[u8]) -> Result<(), String> {
    let [greeting, tools, result] = parts::<3>(bytes).map(<[u8]>::to_vec);
    let url = answering(Box::new(move |request| answer_of(request, [&greeting, &tools, &result])))?;
    let server = McpServer {
        name: "s".to_owned(),
        command: String::new(),
        args: Vec::new(),
        env: BTreeMap::new(),
        url: format!("{url}/mcp"),
        headers: BTreeMap::new(),
        timeout_seconds: 1,
    };
    let limits = ToolboxLimits { concurrent_max: 2, result_bytes_max: 65_536 };
    let mut toolbox = Toolbox::new(limits);
    let servers = McpServers::attach(&[server], &mut toolbox).map_err(|error| error.to_string())?;
    let allowed = vec!["s.*".to_owned()];
    let names: Vec<String> =
        toolbox.list(&allowed, TOOLS_PATIENCE).tools.into_iter().map(|tool| tool.name).collect();
    keep(names.iter().all(|name| name.starts_with("s.")), "tools bear the name of their server")?;
    if let Some(name) = names.first() {
        let context = ToolContext::new(WorkspaceId::from_bytes([7; 16]), "key", TOOLS_PATIENCE);
        let result = toolbox.call(name, &json!({ "text": "a" }), &allowed, &context);
        let is_bounded = result.is_ok_and(|value| value.to_string().len() > 2 * limits.result_bytes_max);
        keep(!is_bounded, "what a tool gives is bounded")?;
    }
    servers.close(TOOLS_PATIENCE);
    Ok(())
}

/// A request of the protocol and the part that answers it, under the number that was asked with.
fn answer_of(request: &str, [greeting, tools, result]: [&[u8]; 3]) -> Vec<u8> {
    let asked: Value = request
        .split_once("\r\n\r\n")
        .and_then(|(_, body)| serde_json::from_str(body).ok())
        .unwrap_or_default();
    let part = match asked["method"].as_str() {
        Some("initialize") => greeting,
        Some("tools/list") => tools,
        Some("tools/call") => result,
        Some(_) => return b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n".to_vec(),
        None => return b"HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n".to_vec(),
    };
    // An event stream where the part looks like one.
    if part.starts_with(b"data:") || part.starts_with(b"event:") {
        return ok("text/event-stream", &numbered(part, &asked["id"]));
    }
    ok("application/json", &numbered(part, &asked["id"]))
}

fn numbered(part: &[u8], id: &Value) -> Vec<u8> {
    String::from_utf8_lossy(part).replace("\"ID\"", &id.to_string()).into_bytes()
}

pub fn mcp_seeds() -> Vec<Vec<u8>> {
    let said = |result: Value| json!({ "jsonrpc": "2.0", "id": "ID", "result": result }).to_string();
    let greeting = said(json!({
        "protocolVersion": "2025-06-18", "capabilities": { "tools": { "listChanged": true } },
        "serverInfo": { "name": "s", "version": "1" },
    }));
    let schema = json!({ "type": "object", "properties": { "text": { "type": "string" } } });
    let tool = json!({ "name": "echo", "title": "Echo", "description": "says it again", "inputSchema": schema, "annotations": { "readOnlyHint": true } });
    let tools = said(json!({ "tools": [tool], "nextCursor": null }));
    let content = json!([{ "type": "text", "text": "a" }, { "type": "image", "data": "AA==", "mimeType": "image/png" }]);
    let result = said(json!({ "content": content, "structuredContent": { "n": 1 }, "isError": false }));
    let failed =
        json!({ "jsonrpc": "2.0", "id": "ID", "error": { "code": -32602, "message": "no" } }).to_string();
    let streamed = format!("event: message\nid: 1\ndata: {result}\n\n");
    let seed = |result: &str| joined(&[greeting.as_bytes(), tools.as_bytes(), result.as_bytes()]);
    vec![seed(&result), seed(&failed), seed(&streamed)]
}

/// The bytes are the whole answer of a server of ours, as the command line reads it.
pub fn command_line(bytes: &[u8]) -> Result<(), String> {
    let said = bytes.to_vec();
    let url = answering(Box::new(move |_| said.clone()))?;
    let client = Client::http(&url, None, &Trust::default()).map_err(|error| error.to_string())?;
    let Ok(reply) = client.get("/v1/runs/a/events") else { return Ok(()) };
    let mut seen = 0;
    let _ = reply.events_with_ids(|event| {
        seen += event.data.len() + event.name.len() + event.id.len();
        Ok(ControlFlow::Continue(()))
    });
    keep(seen <= 4 * bytes.len(), "events hold what came")
}

pub fn command_line_seeds() -> Vec<Vec<u8>> {
    let stream = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n: a\nid: 3\nevent: node\ndata: {\"a\":1}\ndata: b\n\n";
    let problem = json!({ "type": "about:blank", "title": "t", "status": 404, "code": "run_unknown", "detail": "d", "request_id": "r" });
    vec![stream.as_bytes().to_vec(), refusal("404 Not Found", &problem).into_bytes()]
}
