//! A client of the API, for the command line: over HTTP where a server runs on the data directory, and straight
//! through the router where none does. Both ways carry the same requests, so every command is an API call.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, header};
use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use ibid_api::problem::Problem;
use ibid_types::{Class, Error, Result, Secret};
use reqwest::blocking::ClientBuilder;
use reqwest::{Certificate, Identity};
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;
use tower::ServiceExt;

use crate::http::RUN_HEADER;
use crate::server::LocalServer;

/// Longest silence of a server that is working on an answer.
const SILENCE_MAX: Duration = Duration::from_secs(600);
/// The longest event: the state of a run is not larger, nor is an answer with all that led to it.
const EVENT_BYTES_MAX: usize = 64 << 20;
/// The longest answer that is held as a whole.
const ANSWER_BYTES_MAX: u64 = 256 << 20;
/// Codes of errors that are kept; an Ibid has fewer than half as many, none longer than this.
const CODES_MAX: usize = 1024;
const CODE_BYTES_MAX: usize = 64;

/// Where requests go.
#[derive(Debug)]
pub enum Client {
    InProcess { router: Router, runtime: Handle, token: Secret },
    Http { base: String, key: Option<Secret>, http: reqwest::blocking::Client },
}

/// Whom a client trusts, and what it shows: PEM files.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Who signed the server's certificate, where this machine does not trust it anyway.
    pub authority: Option<PathBuf>,
    /// The client's own certificate with its key, for a server that wants one.
    pub certificate: Option<PathBuf>,
}

impl Client {
    /// A client of a server at `base`, such as `http://127.0.0.1:8080`. Errors: `client_setup`, `client_trust`.
    pub fn http(base: &str, key: Option<Secret>, trust: &Trust) -> Result<Self> {
        let mut builder = builder();
        if let Some(file) = &trust.authority {
            let all = Certificate::from_pem_bundle(&read(file)?)
                .map_err(|error| unusable(file).caused_by(error))?;
            builder = all.into_iter().fold(builder, ClientBuilder::add_root_certificate);
        }
        if let Some(file) = &trust.certificate {
            let own = Identity::from_pem(&read(file)?).map_err(|error| unusable(file).caused_by(error))?;
            builder = builder.identity(own);
        }
        Ok(Self::Http { base: base.trim_end_matches('/').to_owned(), key, http: built(builder)? })
    }

    /// A client of the server that works on a data directory of this machine. Error: `client_setup`.
    pub fn local(server: &LocalServer) -> Result<Self> {
        let http = built(local(server))?;
        Ok(Self::Http { base: server.base(), key: Some(server.token()), http })
    }

    /// The same as whoever has this key.
    #[must_use]
    pub fn shown(self, shown: Secret) -> Self {
        match self {
            Self::InProcess { router, runtime, .. } => Self::InProcess { router, runtime, token: shown },
            Self::Http { base, http, .. } => Self::Http { base, http, key: Some(shown) },
        }
    }

    /// Sends a request without a body.
    pub fn get(&self, path: &str) -> Result<Reply> {
        self.send(Method::GET, path, None, Vec::new())
    }

    pub fn delete(&self, path: &str) -> Result<Reply> {
        self.send(Method::DELETE, path, None, Vec::new())
    }

    /// Sends JSON.
    pub fn post(&self, path: &str, body: &impl serde::Serialize) -> Result<Reply> {
        self.send_json(Method::POST, path, &[], body)
    }

    /// Sends JSON with more headers, such as `Idempotency-Key`.
    pub fn post_with(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &impl serde::Serialize,
    ) -> Result<Reply> {
        self.send_json(Method::POST, path, headers, body)
    }

    pub fn put(&self, path: &str, body: &impl serde::Serialize) -> Result<Reply> {
        self.send_json(Method::PUT, path, &[], body)
    }

    pub fn patch(&self, path: &str, body: &impl serde::Serialize) -> Result<Reply> {
        self.send_json(Method::PATCH, path, &[], body)
    }

    /// Sends JSON with more headers, such as `Idempotency-Key` or `Last-Event-ID`.
    pub fn send_json(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &impl serde::Serialize,
    ) -> Result<Reply> {
        let bytes = serde_json::to_vec(body).map_err(|error| {
            Error::internal("client_request", "cannot write the request").caused_by(error)
        })?;
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        self.send_with(method, path, &all, bytes)
    }

    /// Sends a body of any type; a status of 400 or above becomes the error that the server told.
    pub fn send(
        &self,
        method: Method,
        path: &str,
        content_type: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Reply> {
        let headers: Vec<(&str, &str)> =
            content_type.map(|kind| ("content-type", kind)).into_iter().collect();
        self.send_with(method, path, &headers, body)
    }

    fn send_with(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Reply> {
        let reply = match self {
            Self::InProcess { router, runtime, token } => {
                in_process(router, runtime, token, method, path, headers, body)?
            }
            Self::Http { base, key, http } => {
                over_http(http, base, key.as_ref(), method, path, headers, body)?
            }
        };
        if reply.status < 400 { Ok(reply) } else { Err(reply.into_error()) }
    }
}

fn local(server: &LocalServer) -> ClientBuilder {
    match &server.socket {
        Some(socket) => builder().unix_socket(socket.as_path()),
        None => builder(),
    }
}

impl LocalServer {
    /// Whether it answers within so long. Error: `server_unreachable`.
    pub fn lives(&self, within: Duration) -> Result<()> {
        let http = built(local(self).timeout(within).no_proxy())?;
        let answer = http.get(format!("{}/health/live", self.base())).send();
        answer.map(drop).map_err(|error| {
            let what = "no answer to whether it lives";
            Error::unavailable("server_unreachable", what).caused_by(error)
        })
    }
}

fn builder() -> ClientBuilder {
    ibid_runtime::set_up_tls();
    ClientBuilder::new().connect_timeout(Duration::from_secs(5)).timeout(SILENCE_MAX)
}

fn built(builder: ClientBuilder) -> Result<reqwest::blocking::Client> {
    builder
        .build()
        .map_err(|error| Error::internal("client_setup", "cannot set up the HTTP client").caused_by(error))
}

fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).map_err(|error| unusable(file).caused_by(error))
}

fn unusable(file: &Path) -> Error {
    let what = format!(
        "{} cannot be used: --server-ca takes a PEM file of authorities, --client-certificate one with a certificate and its key",
        file.display()
    );
    Error::bad_request("client_trust", what)
}

fn in_process(
    router: &Router,
    runtime: &Handle,
    token: &Secret,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Result<Reply> {
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, "localhost");
    request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.reveal()));
    request = request.header(header::CONTENT_LENGTH, body.len());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body)).map_err(|error| {
        Error::bad_request("client_request", "the request cannot be formed").caused_by(error)
    })?;
    let router = router.clone();
    let response = match runtime.block_on(router.oneshot(request)) {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let status = response.status().as_u16();
    let run = run_of(response.headers());
    let body = BodyReader { body: response.into_body(), runtime: runtime.clone(), rest: Bytes::new() };
    Ok(Reply { status, run, body: Box::new(body) })
}

fn over_http(
    http: &reqwest::blocking::Client,
    base: &str,
    key: Option<&Secret>,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Result<Reply> {
    let mut request = http.request(method, format!("{base}{path}")).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if let Some(key) = key {
        request = request.bearer_auth(key.reveal());
    }
    let response = request.send().map_err(|error| {
        let what = format!(
            "no answer from the server at {base}; is it running (`ibid serve`) and is the address right?"
        );
        Error::unavailable("server_unreachable", what).caused_by(error)
    })?;
    let (status, run) = (response.status().as_u16(), run_of(response.headers()));
    Ok(Reply { status, run, body: Box::new(response) })
}

fn run_of(headers: &header::HeaderMap) -> Option<String> {
    headers.get(&RUN_HEADER)?.to_str().ok().map(str::to_owned)
}

/// Reads an async body from a blocking thread, piece by piece.
struct BodyReader {
    body: Body,
    runtime: Handle,
    rest: Bytes,
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.rest.is_empty() {
            match self.runtime.block_on(self.body.frame()) {
                None => return Ok(0),
                Some(Err(error)) => return Err(std::io::Error::other(error)),
                Some(Ok(frame)) => self.rest = frame.into_data().unwrap_or_default(),
            }
        }
        let count = self.rest.len().min(buffer.len());
        self.rest.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

/// An answer whose body is still to be read.
pub struct Reply {
    pub status: u16,
    /// The run whose events the answer is, or which made it.
    pub run: Option<String>,
    body: Box<dyn Read>,
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Reply {
    pub fn bytes(self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.body.take(ANSWER_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| cut(error.into()))?;
        if bytes.len() as u64 > ANSWER_BYTES_MAX {
            return Err(Error::internal("client_answer", "the server's answer is longer than any is"));
        }
        Ok(bytes)
    }

    /// The body as text; what is no UTF-8 is shown as `�`.
    pub fn text(self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.bytes()?).into_owned())
    }

    pub fn json<T: DeserializeOwned>(self) -> Result<T> {
        let bytes = self.bytes()?;
        serde_json::from_slice(&bytes).map_err(|error| {
            Error::internal("client_answer", "the server's answer cannot be read; is it another version?")
                .caused_by(error)
        })
    }

    /// Calls `on_event` with the name and data of each server-sent event until the stream ends or it says stop.
    pub fn events(self, mut on_event: impl FnMut(&str, &str) -> Result<ControlFlow<()>>) -> Result<()> {
        self.events_with_ids(|event| on_event(&event.name, &event.data))
    }

    /// The same with each event's id, from which a stream that was cut can be taken up again.
    pub fn events_with_ids(
        self,
        mut on_event: impl FnMut(&ServerEvent) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let (mut lines, mut event) = (BufReader::new(self.body), ServerEvent::default());
        while let Some(line) = next_line(&mut lines, EVENT_BYTES_MAX - event.data.len())? {
            if line.is_empty() && !event.data.is_empty() {
                if on_event(&event)?.is_break() {
                    return Ok(());
                }
                event = ServerEvent::default();
            } else {
                event.read(&line);
            }
        }
        Ok(())
    }

    /// The error that the server told, with its class and code.
    fn into_error(self) -> Error {
        let status = self.status;
        let Ok(problem) = self.json::<Problem>() else {
            return Error::internal(
                "client_answer",
                format!("the server answered {status} without saying why"),
            );
        };
        problem_error(problem)
    }
}

/// One server-sent event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerEvent {
    /// Empty where the stream cannot be taken up again.
    pub id: String,
    pub name: String,
    pub data: String,
}

impl ServerEvent {
    fn read(&mut self, line: &str) {
        let Some((field, value)) = line.split_once(':') else { return };
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => value.clone_into(&mut self.id),
            "event" => value.clone_into(&mut self.name),
            "data" => self.data.push_str(value),
            _ => {}
        }
    }
}

/// The next line without its end, if there is one; `bytes_max` are left for it.
fn next_line(lines: &mut impl BufRead, bytes_max: usize) -> Result<Option<String>> {
    let mut line = Vec::new();
    lines.take(bytes_max as u64 + 1).read_until(b'\n', &mut line).map_err(|error| cut(error.into()))?;
    if line.len() > bytes_max {
        return Err(Error::internal("client_answer", "the server's stream has an event without an end"));
    }
    if line.is_empty() {
        return Ok(None);
    }
    let text = String::from_utf8(line).map_err(|error| cut(error.into()))?;
    let text = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    Ok(Some(text.to_owned()))
}

/// A problem document as the error it was made from.
#[must_use]
pub fn problem_error(problem: Problem) -> Error {
    let class =
        Class::ALL.into_iter().find(|class| class.name() == problem.error.class).unwrap_or(Class::Internal);
    Error::new(class, stable(problem.error.code), problem.error.message)
}

/// The code for the life of the process, each kept once. One that cannot be ours, and more than any Ibid has, are not kept.
fn stable(code: String) -> &'static str {
    static CODES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut codes = CODES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = codes.get(code.as_str()) {
        return known;
    }
    if codes.len() >= CODES_MAX || code.len() > CODE_BYTES_MAX {
        return "client_answer";
    }
    let kept: &'static str = Box::leak(code.into_boxed_str());
    codes.insert(kept);
    kept
}

fn cut(error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::unavailable("server_cut", "the server's answer ended early; is it still running?").caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(body: impl Read + 'static) -> Reply {
        Reply { status: 200, run: None, body: Box::new(body) }
    }

    fn events(body: &'static str) -> Vec<String> {
        let mut events = Vec::new();
        let on_event = |event: &ServerEvent| {
            events.push(format!("{}/{}/{}", event.id, event.name, event.data));
            Ok(ControlFlow::Continue(()))
        };
        reply(body.as_bytes()).events_with_ids(on_event).unwrap();
        events
    }

    #[test]
    fn events_are_read_whatever_ends_their_lines() {
        assert_eq!(events("id: 1\nevent: a\ndata: b\n\n:c\n\ndata: d\r\n\r\ndata: cut"), ["1/a/b", "//d"]);
    }

    #[test]
    fn an_event_without_an_end_is_given_up() {
        let endless = std::io::Read::chain("data: a\n".as_bytes(), std::io::repeat(b'b'));
        let refused = reply(endless).events(|_, _| Ok(ControlFlow::Continue(())));
        assert_eq!(refused.unwrap_err().code, "client_answer");
    }

    #[test]
    fn codes_are_kept_once_and_only_such_as_can_be_ours() {
        let once = stable("run_unknown".to_owned());
        assert!(std::ptr::eq(once, stable("run_unknown".to_owned())));
        assert_eq!(stable("a".repeat(CODE_BYTES_MAX + 1)), "client_answer");
    }
}
