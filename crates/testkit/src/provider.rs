//! A provider of chat and embeddings on a free port that speaks OpenAI's dialect, says what a test tells it to say, can
//! hold an answer in its middle until the test lets it go on, and stands behind a proxy of faults.

use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use serde_json::{Value, json};

use crate::exchange::Request;
use crate::fault::{Fault, FaultProxy};

/// What the provider does with an answer, in order.
#[derive(Clone, Debug)]
pub enum Piece {
    Text(String),
    /// Waits until `release`; once released, never again.
    Hold,
    /// Closes the connection before the answer is whole.
    Cut,
}

impl From<&str> for Piece {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// Numbers of an embedding.
const DIMENSIONS: usize = 64;

type Script = dyn Fn(&Value) -> Vec<Piece> + Send + Sync;

/// The running provider, behind a proxy that makes it ill. Its threads end with their connections.
#[derive(Debug)]
pub struct ChatProvider {
    proxy: FaultProxy,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    asked: Mutex<Vec<Value>>,
    traced: Mutex<Vec<String>>,
    released: Mutex<bool>,
    changed: Condvar,
}

impl ChatProvider {
    /// `script` sees the request's body.
    pub fn start(script: impl Fn(&Value) -> Vec<Piece> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let (script, noted): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&shared));
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let (script, noted) = (Arc::clone(&script), Arc::clone(&noted));
                std::thread::spawn(move || answer(stream, &*script, &noted));
            }
        });
        Self { proxy: FaultProxy::before(address), shared }
    }

    /// As `--set` takes it, within a list of chat models.
    #[must_use]
    pub fn model(&self, name: &str) -> String {
        format!("{{ name = '{name}', provider = 'openai', url = '{}', model = 'm' }}", self.url())
    }

    /// Where the proxy of faults before it is.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.proxy.address()
    }

    /// The base address of its API.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.proxy.address())
    }

    /// As `--set` takes it: one chat model of the name `scripted`.
    #[must_use]
    pub fn setting(&self) -> String {
        format!("chat.models=[{}]", self.model("scripted"))
    }

    /// As `--set` takes it, each: the embedder `words`, whose vectors say which words stand in a text.
    #[must_use]
    pub fn embedder_settings(&self) -> [String; 3] {
        [
            "embedder.provider=openai".to_owned(),
            "embedder.model=words".to_owned(),
            format!("embedder.url={}", self.url()),
        ]
    }

    /// How it is from now on.
    pub fn be(&self, fault: Fault) {
        self.proxy.be(fault);
    }

    /// Connections so far, also those that it refused.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.proxy.connections()
    }

    /// The bodies of the requests for answers so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Value> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// The headers `traceparent` of the requests for answers so far; empty where there was none.
    #[must_use]
    pub fn traced(&self) -> Vec<String> {
        self.shared.traced.lock().unwrap().clone()
    }

    /// Lets all that is held go on.
    pub fn release(&self) {
        *self.shared.released.lock().unwrap() = true;
        self.shared.changed.notify_all();
    }
}

impl Drop for ChatProvider {
    fn drop(&mut self) {
        self.release();
    }
}

/// One connection, one request. A client that left ends it.
fn answer(stream: TcpStream, script: &Script, shared: &Shared) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let Heard { path, traceparent, body } = request(&mut reader)?;
    let mut stream = stream;
    let kind = if path.ends_with("/chat/completions") { "text/event-stream" } else { "application/json" };
    let head = format!("HTTP/1.1 200 X\r\nconnection: close\r\ncontent-type: {kind}\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    if kind == "application/json" {
        return stream.write_all(embeddings(&body).to_string().as_bytes()).ok();
    }
    shared.asked.lock().unwrap().push(body.clone());
    shared.traced.lock().unwrap().push(traceparent);
    for piece in script(&body) {
        match piece {
            Piece::Text(text) => {
                send(&mut stream, &json!({ "choices": [{ "delta": { "content": text } }] }))?
            }
            Piece::Hold => {
                drop(shared.changed.wait_while(shared.released.lock().unwrap(), |released| !*released))
            }
            Piece::Cut => return None,
        }
    }
    send(&mut stream, &json!({ "choices": [{ "delta": {}, "finish_reason": "stop" }] }))?;
    send(&mut stream, &json!({ "choices": [], "usage": { "prompt_tokens": 7, "completion_tokens": 5 } }))?;
    stream.write_all(b"data: [DONE]\n\n").ok()
}

/// A vector for each text of `input`; without it an empty list, as of models.
fn embeddings(body: &Value) -> Value {
    let texts = body["input"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let data: Vec<Value> =
        texts.enumerate().map(|(index, text)| json!({ "index": index, "embedding": words(text) })).collect();
    json!({ "data": data })
}

/// How often words of each of some classes stand in the text.
fn words(text: &str) -> Vec<f64> {
    let mut counts = vec![0.01; DIMENSIONS];
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 2) {
        let class =
            word.to_lowercase().bytes().fold(7_usize, |sum, byte| sum * 31 % 1_000_003 + usize::from(byte));
        counts[class % DIMENSIONS] += 1.0;
    }
    counts
}

fn send(stream: &mut TcpStream, chunk: &Value) -> Option<()> {
    stream.write_all(format!("data: {chunk}\n\n").as_bytes()).ok()
}

/// A request, as far as tests want to know it.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub path: String,
    pub traceparent: String,
    /// Null where it is no JSON.
    pub body: Value,
}

/// Reads one request.
pub(crate) fn request(reader: &mut BufReader<TcpStream>) -> Option<Heard> {
    let request = Request::read(reader)?;
    let traceparent = request.header("traceparent").unwrap_or_default().to_owned();
    Some(Heard { body: request.json(), path: request.path, traceparent })
}
