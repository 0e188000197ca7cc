//! A provider of chat and embeddings on a free port that speaks OpenAI's dialect, says what a test tells it to say, can
//! hold an answer in its middle until the test lets it go on, and can be ill.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

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

/// How the provider is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    #[default]
    Well,
    /// Answers every request with this status.
    Failing(u16),
    /// Answers after so long.
    Slow(Duration),
    /// Closes every connection at once.
    Gone,
}

/// Numbers of an embedding.
const DIMENSIONS: usize = 64;

type Script = dyn Fn(&Value) -> Vec<Piece> + Send + Sync;

/// The running provider. Its threads end with their connections.
#[derive(Debug)]
pub struct ChatProvider {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    asked: Mutex<Vec<Value>>,
    traced: Mutex<Vec<String>>,
    released: Mutex<bool>,
    changed: Condvar,
    health: Mutex<Health>,
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
        Self { address, shared }
    }

    /// As `--set` takes it: one chat model of the name `scripted`.
    #[must_use]
    pub fn setting(&self) -> String {
        format!(
            "chat.models=[{{ name = 'scripted', provider = 'openai', url = 'http://{}/v1', model = 'm' }}]",
            self.address
        )
    }

    /// As `--set` takes it, each: the embedder `words`, whose vectors say which words stand in a text.
    #[must_use]
    pub fn embedder_settings(&self) -> [String; 3] {
        [
            "embedder.provider=openai".to_owned(),
            "embedder.model=words".to_owned(),
            format!("embedder.url=http://{}/v1", self.address),
        ]
    }

    /// How it is from now on.
    pub fn be(&self, health: Health) {
        *self.shared.health.lock().unwrap() = health;
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
    let status = shared.status()?;
    let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-type: {kind}\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    if status != 200 {
        return stream.write_all(br#"{"error": {"message": "ill"}}"#).ok();
    }
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

impl Shared {
    /// The status to answer with, after the time that it takes; none where there is no answer.
    fn status(&self) -> Option<u16> {
        let health = *self.health.lock().unwrap();
        match health {
            Health::Well => Some(200),
            Health::Failing(status) => Some(status),
            Health::Gone => None,
            Health::Slow(time) => {
                let released = self.released.lock().unwrap();
                drop(self.changed.wait_timeout_while(released, time, |released| !*released));
                Some(200)
            }
        }
    }
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
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut heard = Heard { path: line.split_whitespace().nth(1)?.to_owned(), ..Heard::default() };
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        } else if name.eq_ignore_ascii_case("traceparent") {
            value.trim().clone_into(&mut heard.traceparent);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    heard.body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Some(heard)
}
