//! HTTP for callers that block: requests run on one thread of their own, and the caller waits for each piece of
//! the answer with a deadline.
//!
//! Keeps true: no call waits beyond its deadline; a caller that is no longer interested ends the request by
//! dropping the reply; at most `PIECES_AHEAD` pieces wait in memory; may be called from any thread, a runtime's too.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use ibid_types::{Error, Result};
use reqwest::header::HeaderMap;
use reqwest::{Client, Request, Response, StatusCode, Url};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

use crate::gateway::retry::Retry;
use crate::gateway::{Cancel, Line};

/// Pieces (each about 16 KiB) read ahead of the caller.
const PIECES_AHEAD: usize = 16;
/// How long a connection that nobody uses is kept.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// Why no (further) bytes came.
#[derive(Debug)]
pub enum Failure {
    /// The deadline passed.
    Late,
    /// No connection could be made.
    Unreachable(reqwest::Error),
    /// The connection broke, or what came was not HTTP.
    Broken(Option<reqwest::Error>),
}

/// How a request is sent besides its deadline.
#[derive(Clone, Debug)]
pub struct Sending {
    pub retry: Retry,
    /// Hears what the answer's headers say of limits, and says whether there may be one more retry.
    pub line: Arc<Line>,
    /// Ends it.
    pub cancel: Cancel,
}

impl Sending {
    /// To nobody whose limits are known.
    pub fn alone(retry: Retry) -> Self {
        Self { retry, line: Arc::default(), cancel: Cancel::default() }
    }
}

/// A client with its connections.
#[derive(Clone, Debug)]
pub struct Http {
    client: Client,
    runtime: &'static Runtime,
}

impl Http {
    /// A client for `peer` that makes connections within `connect_max` and follows at most `redirects_max` redirects.
    /// The environment's proxies are used unless the peer is this machine.
    pub fn new(connect_max: Duration, redirects_max: usize, peer: &Url) -> Result<Self> {
        ibid_runtime::set_up_tls();
        let redirects = match redirects_max {
            0 => reqwest::redirect::Policy::none(),
            _ => reqwest::redirect::Policy::limited(redirects_max),
        };
        let mut builder = Client::builder()
            .connect_timeout(connect_max)
            .pool_idle_timeout(IDLE_MAX)
            .redirect(redirects)
            .user_agent(concat!("ibid/", env!("CARGO_PKG_VERSION")));
        if is_near(peer) {
            builder = builder.no_proxy();
        }
        if redirects_max == 0 && peer.scheme() == "http" {
            // Reading the system's certificates takes longer than all else here, and fails where there are none.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|error| not_started().caused_by(error))?;
        Ok(Self { client, runtime: runtime()? })
    }

    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Sends a request and waits until `until` for its status. A refusal that asks to come again is retried.
    pub fn send(&self, request: Request, sending: Sending, until: Instant) -> Result<Reply, Failure> {
        let (sender, events) = channel();
        let room = Arc::new(Semaphore::new(PIECES_AHEAD));
        let url = request.url().clone();
        let cancel = sending.cancel.clone();
        let work = run(self.client.clone(), request, sending, until, sender, Arc::clone(&room));
        let task = self.runtime.spawn(work).abort_handle();
        cancel.reaches(task.clone());
        let mut reply =
            Reply { status: StatusCode::OK, headers: HeaderMap::new(), url, events, room, _task: Ends(task) };
        match reply.wait(until)? {
            Event::Head(status, headers, url) => {
                reply.status = status;
                reply.headers = headers;
                reply.url = url;
                Ok(reply)
            }
            Event::Failed(error) if error.is_connect() || error.is_timeout() => {
                Err(Failure::Unreachable(error))
            }
            Event::Failed(error) => Err(Failure::Broken(Some(error))),
            Event::Piece(_) | Event::End => Err(Failure::Broken(None)),
        }
    }
}

/// Whether the address is this machine's own.
fn is_near(url: &Url) -> bool {
    url.host_str().is_some_and(ibid_types::host::is_this_machine)
}

/// An answer whose body comes piece by piece.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Where the answer came from, after redirects.
    pub url: Url,
    events: Receiver<Event>,
    room: Arc<Semaphore>,
    _task: Ends,
}

impl Reply {
    /// The next bytes of the body; `None` at its end.
    pub fn piece(&mut self, until: Instant) -> Result<Option<Vec<u8>>, Failure> {
        let event = self.wait(until)?;
        self.room.add_permits(1);
        match event {
            Event::Piece(bytes) => Ok(Some(bytes)),
            Event::End => Ok(None),
            Event::Failed(error) => Err(Failure::Broken(Some(error))),
            Event::Head(..) => Err(Failure::Broken(None)),
        }
    }

    /// The whole body, of which more than `bytes_max` is a failure.
    pub fn body(&mut self, bytes_max: usize, until: Instant) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece(until)? {
            if body.len() + piece.len() > bytes_max {
                return Err(Failure::Broken(None));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn wait(&self, until: Instant) -> Result<Event, Failure> {
        match self.events.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(event) => Ok(event),
            Err(RecvTimeoutError::Timeout) => Err(Failure::Late),
            Err(RecvTimeoutError::Disconnected) => Err(Failure::Broken(None)),
        }
    }
}

#[derive(Debug)]
enum Event {
    Head(StatusCode, HeaderMap, Url),
    Piece(Vec<u8>),
    End,
    Failed(reqwest::Error),
}

/// Ends a request when its reply is dropped, so that a provider stops working for nobody.
#[derive(Debug)]
struct Ends(tokio::task::AbortHandle);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One thread for all requests of the process: it only moves bytes.
pub fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<std::io::Result<Runtime>> = OnceLock::new();
    RUNTIME
        .get_or_init(|| {
            tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .thread_name("ibid-wire")
                .enable_all()
                .build()
        })
        .as_ref()
        .map_err(|error| not_started().caused_by(error.to_string()))
}

fn not_started() -> Error {
    Error::internal(
        "provider_client",
        "the client for https:// cannot start; check that the system has certificates (package ca-certificates) or that SSL_CERT_FILE names some",
    )
}

async fn run(
    client: Client,
    request: Request,
    sending: Sending,
    until: Instant,
    events: Sender<Event>,
    room: Arc<Semaphore>,
) {
    if let Err(error) = exchange(&client, request, &sending, until, &events, &room).await {
        // A receiver that is gone has no use for the failure.
        let _ = events.send(Event::Failed(error));
    }
}

async fn exchange(
    client: &Client,
    request: Request,
    sending: &Sending,
    until: Instant,
    events: &Sender<Event>,
    room: &Semaphore,
) -> Result<(), reqwest::Error> {
    let mut response = patient(client, request, sending, until).await?;
    let head = Event::Head(response.status(), response.headers().clone(), response.url().clone());
    let mut wanted = events.send(head).is_ok();
    while wanted {
        let Ok(permit) = room.acquire().await else { return Ok(()) };
        permit.forget();
        let piece = response.chunk().await?;
        let ended = piece.is_none();
        let event = piece.map_or(Event::End, |bytes| Event::Piece(bytes.to_vec()));
        wanted = events.send(event).is_ok() && !ended;
    }
    Ok(())
}

/// Sends the request, again after each refusal that asks for it, as long as `sending` and the deadline allow.
async fn patient(
    client: &Client,
    mut request: Request,
    sending: &Sending,
    until: Instant,
) -> Result<Response, reqwest::Error> {
    let mut refusals = 0;
    loop {
        let again = request.try_clone();
        let response = client.execute(request).await?;
        let (line, left) = (&sending.line, until.saturating_duration_since(Instant::now()));
        line.hear(response.headers());
        let chance = line.retries.chance();
        let wait = sending.retry.wait(refusals, response.status(), response.headers(), left, chance);
        let (Some(again), Some(wait)) = (again, wait.filter(|_| line.retries.take())) else {
            return Ok(response);
        };
        tracing::info!(status = response.status().as_u16(), wait_ms = wait.as_millis(), "a provider is busy");
        drop(response);
        tokio::time::sleep(wait).await;
        refusals += 1;
        request = again;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_needs_no_proxy() {
        let near = |url: &str| is_near(&Url::parse(url).unwrap());
        assert!(near("http://localhost") && near("http://127.0.0.2:1") && near("http://[::1]:1"));
        assert!(!near("http://10.0.0.1") && !near("http://localhost.example.org"));
    }
}
