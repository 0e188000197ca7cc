//! Exchanges with a provider, kept in a file, and a server that gives them again: a test against a real model without it.
//!
//! Keeps true: no header of a request is kept, so that no key is; an answer comes again in the pieces in which it came.

use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::exchange::Request;

/// A proxy before a provider that writes each exchange into a file, one a line.
#[derive(Debug)]
pub struct Recorder {
    address: SocketAddr,
}

impl Recorder {
    /// Before whatever answers at `upstream`; appends to `file`.
    #[must_use]
    pub fn before(upstream: SocketAddr, file: impl Into<PathBuf>) -> Self {
        let file = Arc::new(Mutex::new(file.into()));
        let address = serve(move |stream| record(stream, upstream, &file));
        Self { address }
    }

    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A server that answers as was recorded: to the same path and body the same answer, the first of several first.
#[derive(Debug)]
pub struct Replay {
    address: SocketAddr,
    left: Arc<Mutex<VecDeque<Value>>>,
}

impl Replay {
    #[must_use]
    pub fn of(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).unwrap();
        let all: VecDeque<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let left = Arc::new(Mutex::new(all));
        let own = Arc::clone(&left);
        Self { address: serve(move |stream| replay(stream, &own)), left }
    }

    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Exchanges that nobody has asked for yet.
    #[must_use]
    pub fn left(&self) -> usize {
        self.left.lock().unwrap().len()
    }
}

/// One thread a connection, on a free port.
fn serve(each: impl Fn(TcpStream) -> Option<()> + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let each = Arc::new(each);
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let each = Arc::clone(&each);
            std::thread::spawn(move || each(stream));
        }
    });
    address
}

fn record(stream: TcpStream, upstream: SocketAddr, file: &Mutex<PathBuf>) -> Option<()> {
    let request = Request::read(&mut BufReader::new(stream.try_clone().ok()?))?;
    let mut response = request.send(upstream)?;
    let kind = response.header("content-type").unwrap_or("application/json").to_owned();
    let mut pieces = Vec::new();
    while let Some(piece) = response.piece() {
        pieces.push(String::from_utf8(piece).unwrap());
    }
    let exchange = json!({
        "path": request.path, "body": request.json(),
        "answer": { "status": response.status, "type": kind, "pieces": pieces },
    });
    {
        let path = file.lock().unwrap();
        let mut file = OpenOptions::new().create(true).append(true).open(&*path).unwrap();
        writeln!(file, "{exchange}").unwrap();
    }
    say(stream, &exchange["answer"])
}

fn replay(stream: TcpStream, left: &Mutex<VecDeque<Value>>) -> Option<()> {
    let request = Request::read(&mut BufReader::new(stream.try_clone().ok()?))?;
    let body = request.json();
    let found = {
        let mut left = left.lock().unwrap();
        let at = left.iter().position(|known| known["path"] == request.path && known["body"] == body);
        at.and_then(|at| left.remove(at))
    };
    let unknown = json!({
        "status": 404, "type": "application/json",
        "pieces": [r#"{"error": {"message": "nothing of the kind was recorded"}}"#],
    });
    say(stream, found.as_ref().map_or(&unknown, |found| &found["answer"]))
}

fn say(mut stream: TcpStream, answer: &Value) -> Option<()> {
    let (status, kind) = (&answer["status"], answer["type"].as_str()?);
    let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-type: {kind}\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    for piece in answer["pieces"].as_array()? {
        stream.write_all(piece.as_str()?.as_bytes()).ok()?;
    }
    Some(())
}
