//! A proxy before a provider, scripted or real, that makes its answers fail as networks and providers do.
//!
//! Keeps true: each fault is on the wire, so that the whole of a client meets it; waits end when the proxy is told to be
//! well again, when it is dropped, and when the client leaves.

use std::io::{BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::exchange::{Request, Response};

/// What is wrong with each answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    #[default]
    Well,
    /// So long before the head.
    Slow(Duration),
    /// So long before each piece of the body.
    SlowPieces(Duration),
    /// One byte at a time, with so long between.
    Drip(Duration),
    /// The connection closes before any answer.
    Gone,
    /// The connection is reset before any answer.
    Reset,
    /// The connection is reset within the body.
    ResetInside,
    /// The first half of the body comes, and then nothing.
    StuckInside,
    /// This status, with the provider's words.
    Failing(u16),
    /// 429 with `Retry-After` in seconds.
    Busy(u32),
    /// A message of the stream is no JSON.
    Malformed,
    /// The stream ends after its first half: no `finish_reason`, no `[DONE]`.
    Truncated,
    /// JSON of something else altogether.
    WrongJson,
    /// The head comes, and then nothing.
    Silent,
}

impl Fault {
    /// Every kind of fault, with waits beyond all patience; the last makes a client stay away for an hour.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let hours = Duration::from_secs(3600);
        vec![
            Self::Slow(hours),
            Self::SlowPieces(hours),
            Self::Drip(hours),
            Self::Gone,
            Self::Reset,
            Self::ResetInside,
            Self::StuckInside,
            Self::Failing(500),
            Self::Malformed,
            Self::Truncated,
            Self::WrongJson,
            Self::Silent,
            Self::Busy(3600),
        ]
    }
}

/// The running proxy. Its threads end with their connections.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    upstream: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
    seen: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    fault: Fault,
    /// Grows with each change: whoever waits under an older one goes on.
    turn: u64,
}

impl FaultProxy {
    /// Before whatever answers at `upstream`.
    #[must_use]
    pub fn before(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (state, changed) = (Mutex::default(), Condvar::new());
        let shared = Arc::new(Shared { upstream, state, changed, seen: AtomicUsize::new(0) });
        let noted = Arc::clone(&shared);
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let shared = Arc::clone(&noted);
                std::thread::spawn(move || shared.serve(stream));
            }
        });
        Self { address, shared }
    }

    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How it is from now on; what waits goes on.
    pub fn be(&self, fault: Fault) {
        let mut state = self.shared.state.lock().unwrap();
        state.fault = fault;
        state.turn += 1;
        self.shared.changed.notify_all();
    }

    /// Connections so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.seen.load(Ordering::SeqCst)
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.be(Fault::Well);
    }
}

impl Shared {
    /// One connection, one request. A side that left ends it.
    fn serve(&self, stream: TcpStream) -> Option<()> {
        self.seen.fetch_add(1, Ordering::SeqCst);
        let fault = self.state.lock().unwrap().fault;
        if fault == Fault::Gone {
            return None;
        }
        let request = Request::read(&mut BufReader::new(stream.try_clone().ok()?))?;
        let mut client = stream;
        match fault {
            Fault::Reset => return reset(&client),
            Fault::Failing(status) => return refuse(&mut client, status, ""),
            Fault::Busy(seconds) => return refuse(&mut client, 429, &format!("retry-after: {seconds}\r\n")),
            Fault::WrongJson => {
                head(&mut client, 200, "application/json", "")?;
                return client.write_all(br#"{"weather": ["fair", "and", "warm"]}"#).ok();
            }
            Fault::Slow(time) => self.wait(time),
            _ => {}
        }
        let response = request.send(self.upstream)?;
        head(&mut client, response.status, response.header("content-type")?, "")?;
        self.body(fault, &mut client, response)
    }

    fn body(&self, fault: Fault, client: &mut TcpStream, mut response: Response) -> Option<()> {
        match fault {
            Fault::Silent => return self.wait_for_ever(),
            Fault::Malformed => return client.write_all(b"data: {\"choices\": [{\"delta\":\n\n").ok(),
            Fault::ResetInside | Fault::StuckInside | Fault::Truncated => {
                half(client, &mut response)?;
                return match fault {
                    Fault::ResetInside => reset(client),
                    Fault::StuckInside => self.wait_for_ever(),
                    _ => client.shutdown(Shutdown::Write).ok(),
                };
            }
            _ => {}
        }
        while let Some(piece) = response.piece() {
            match fault {
                Fault::SlowPieces(time) => self.wait(time),
                Fault::Drip(time) => {
                    for byte in &piece {
                        client.write_all(&[*byte]).ok()?;
                        self.wait(time);
                    }
                    continue;
                }
                _ => {}
            }
            client.write_all(&piece).ok()?;
        }
        client.shutdown(Shutdown::Write).ok()
    }

    /// Until it is another; then the connection ends.
    fn wait_for_ever(&self) -> Option<()> {
        self.wait(Duration::from_secs(3600));
        None
    }

    fn wait(&self, time: Duration) {
        let state = self.state.lock().unwrap();
        let turn = state.turn;
        drop(self.changed.wait_timeout_while(state, time, |state| state.turn == turn));
    }
}

/// Half of the messages of a stream.
fn half(client: &mut TcpStream, response: &mut Response) -> Option<()> {
    let mut body = Vec::new();
    while let Some(piece) = response.piece() {
        body.extend(piece);
    }
    let text = String::from_utf8(body).ok()?;
    let messages: Vec<&str> = text.split_inclusive("\n\n").collect();
    messages[..messages.len() / 2].iter().try_for_each(|message| client.write_all(message.as_bytes()).ok())
}

/// What is sent on close is a reset.
fn reset(client: &TcpStream) -> Option<()> {
    socket2::SockRef::from(client).set_linger(Some(Duration::ZERO)).ok()
}

fn refuse(client: &mut TcpStream, status: u16, headers: &str) -> Option<()> {
    head(client, status, "application/json", headers)?;
    client.write_all(br#"{"error": {"message": "ill"}}"#).ok()
}

fn head(client: &mut TcpStream, status: u16, kind: &str, headers: &str) -> Option<()> {
    let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-type: {kind}\r\n{headers}\r\n");
    client.write_all(head.as_bytes()).ok()
}
