//! A small HTTP server on a free port that does what a test tells it: the peer on the wire for faults that no real
//! server shows on demand. Each connection carries one request.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Counts from 0.
    pub number: usize,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What the server does with a connection, in order; then it closes it.
#[derive(Clone, Debug)]
pub enum Act {
    Send(Vec<u8>),
    /// Sends nothing more and waits until the other side closes.
    Stall,
}

/// The whole of an answer.
pub fn answer(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Vec<Act> {
    let body = body.as_ref();
    let head = format!(
        "HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n",
        body.len()
    );
    vec![Act::Send([head.as_bytes(), body].concat())]
}

/// The beginning of an answer whose body ends with the connection.
pub fn open(content_type: &str) -> Act {
    Act::Send(
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: {content_type}\r\n\r\n").into_bytes(),
    )
}

/// An answer in chunks of `size` bytes; without the closing chunk unless `whole`.
pub fn chunked(body: &[u8], size: usize, whole: bool) -> Vec<Act> {
    let mut acts = vec![Act::Send(
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(),
    )];
    for piece in body.chunks(size) {
        acts.push(Act::Send([format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()));
    }
    if whole {
        acts.push(Act::Send(b"0\r\n\r\n".to_vec()));
    }
    acts
}

type Behaviour = dyn Fn(&Asked) -> Vec<Act> + Send + Sync;

/// The running server; it ends with the value.
pub struct Peer {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Peer {
    pub fn start(behaviour: impl Fn(&Asked) -> Vec<Act> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, ending) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (noted, over) = (Arc::clone(&asked), Arc::clone(&ending));
        let behaviour: Arc<Behaviour> = Arc::new(behaviour);
        let thread = std::thread::spawn(move || {
            let mut connections = Vec::new();
            while let Ok((stream, _)) = listener.accept() {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                let (noted, behaviour) = (Arc::clone(&noted), Arc::clone(&behaviour));
                connections.push(std::thread::spawn(move || serve(stream, &noted, &*behaviour)));
            }
            connections.into_iter().for_each(|connection| connection.join().unwrap());
        });
        Self { address, asked, ending, thread: Some(thread) }
    }

    /// Gives the same answer to every request.
    pub fn always(acts: Vec<Act>) -> Self {
        Self::start(move |_| acts.clone())
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Waits until every connection is closed, which a stalled one is only by the other side.
    pub fn end(mut self) {
        self.finish();
    }

    fn finish(&mut self) {
        self.ending.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "a connection of the peer panicked");
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.finish();
    }
}

/// An address at which nothing listens.
pub fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn serve(stream: TcpStream, noted: &Mutex<Vec<Asked>>, behaviour: &Behaviour) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let Some(mut asked) = read(&mut reader) else { return };
    {
        let mut noted = noted.lock().unwrap();
        asked.number = noted.len();
        noted.push(asked.clone());
    }
    let mut stream = stream;
    for act in behaviour(&asked) {
        let done = match act {
            Act::Send(bytes) => stream.write_all(&bytes),
            Act::Stall => reader.read(&mut [0]).map(drop),
        };
        if done.is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let path = words.nth(1)?;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let mut asked = Asked { number: 0, path, headers, body: String::new() };
    let length = asked.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    asked.body = String::from_utf8(body).ok()?;
    Some(asked)
}
