//! One chat with a provider: send, retry while it is busy, read the stream, hand on the text.
//!
//! Keeps true: nothing is retried after the first token; the answer's text is the concatenation of what the caller
//! was given; a stream that ends without the provider's word that it is done is an error and not an answer.

use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use ibid_types::answer::Usage;
use ibid_types::{Error, Result};
use serde_json::Value;

use super::frames::{Frames, Framing};
use super::{ChatTimeouts, Endpoint, PROBE_MAX, REFUSAL_BYTES_MAX, failure};
use crate::gateway::retry::Retry;
use crate::gateway::{Cancel, Patience};
use crate::wire::{Failure, Reply};
use crate::{ChatDelta, ChatOutcome, ChatRequest};

/// The longest answer that is read. Callers stop long before; this is for providers that never do.
const ANSWER_BYTES_MAX: usize = 8 << 20;

/// What a message of a stream says.
#[derive(Debug, Default, PartialEq)]
pub struct Record {
    pub text: String,
    /// The model worked, if only at text that is not the answer (what it thinks).
    pub alive: bool,
    /// Generation ended; whether by the model's own wish.
    pub finished: Option<bool>,
    pub usage: Option<Usage>,
    /// Nothing comes after this message.
    pub last: bool,
    /// The provider's words for what went wrong.
    pub error: Option<String>,
}

/// How a kind of provider speaks.
#[derive(Clone, Copy, Debug)]
pub struct Dialect {
    pub path: &'static str,
    pub framing: Framing,
    pub body: fn(&str, &ChatRequest, usize) -> Value,
    /// A message of the stream; `None` if it is not of the protocol.
    pub read: fn(&[u8]) -> Option<Record>,
    /// Parameters that some servers refuse, and what to send instead.
    pub replacements: &'static [(&'static str, Option<&'static str>)],
}

/// A chat model at an endpoint.
#[derive(Debug)]
pub struct RemoteChat {
    name: String,
    endpoint: Endpoint,
    context_tokens: usize,
    timeouts: ChatTimeouts,
    dialect: Dialect,
    /// Parameters that this server has refused, so that it is asked only once.
    refused: Mutex<Vec<&'static str>>,
}

impl RemoteChat {
    pub fn new(
        name: &str,
        endpoint: Endpoint,
        context_tokens: usize,
        timeouts: ChatTimeouts,
        dialect: Dialect,
    ) -> Self {
        let name = name.to_owned();
        Self { name, endpoint, context_tokens, timeouts, dialect, refused: Mutex::default() }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub const fn context_tokens(&self) -> usize {
        self.context_tokens
    }

    /// Errors: those of `failure`, and `provider_context_exceeded`.
    pub fn chat(
        &self,
        request: &ChatRequest,
        patience: &Patience,
        on_delta: &mut dyn FnMut(ChatDelta) -> ControlFlow<()>,
    ) -> Result<ChatOutcome> {
        let clock = Deadlines::start(self.timeouts.and(patience.timeouts));
        let mut reply = self.open(request, patience, &clock)?;
        let mut stream = Stream { chat: self, clock, outcome: ChatOutcome::default(), finished: None };
        stream.read(&mut reply, on_delta)?;
        Ok(stream.outcome)
    }

    /// Asks for `path` and takes any answer but a refusal of the key or of the model.
    pub fn probe(&self, request: reqwest::Request, tolerated: &[u16]) -> Result<()> {
        let until = Instant::now() + PROBE_MAX;
        let mut reply = self
            .endpoint
            .http
            .send(request, self.endpoint.sending(Retry::NEVER, Cancel::default()), until)
            .map_err(|cause| failure::failed(&self.endpoint, cause, "a sign of life"))?;
        if reply.status.is_success() || tolerated.contains(&reply.status.as_u16()) {
            return Ok(());
        }
        let body = reply.body(REFUSAL_BYTES_MAX, until).unwrap_or_default();
        Err(failure::refused(&self.endpoint, reply.status, &body))
    }

    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Sends the request; a server that refuses a parameter gets it without.
    fn open(&self, request: &ChatRequest, patience: &Patience, clock: &Deadlines) -> Result<Reply> {
        let mut body = (self.dialect.body)(&self.endpoint.model, request, self.context_tokens);
        for parameter in self.refused().iter() {
            self.replace(&mut body, parameter);
        }
        for _ in 0..=self.dialect.replacements.len() {
            let mut reply = self.send(&body, patience, clock)?;
            if reply.status.is_success() {
                return Ok(reply);
            }
            let said = reply.body(REFUSAL_BYTES_MAX, clock.next()).unwrap_or_default();
            let Some(parameter) = self.refused_parameter(&reply, &said, &body) else {
                return Err(failure::refused(&self.endpoint, reply.status, &said));
            };
            self.replace(&mut body, parameter);
            self.refused().push(parameter);
        }
        Err(failure::broken(&self.endpoint, "it refuses one parameter after the other"))
    }

    fn send(&self, body: &Value, patience: &Patience, clock: &Deadlines) -> Result<Reply> {
        let request = self.endpoint.post(self.dialect.path, body)?;
        let retry = if patience.may_retry { Retry::USUAL } else { Retry::NEVER };
        let sending = self.endpoint.sending(retry, patience.cancel.clone());
        self.endpoint.http.send(request, sending, clock.next()).map_err(|cause| self.failed(cause, clock))
    }

    /// The parameter of `body` that a refusal names as not supported.
    fn refused_parameter(&self, reply: &Reply, said: &[u8], body: &Value) -> Option<&'static str> {
        if !matches!(reply.status.as_u16(), 400 | 422) {
            return None;
        }
        // Quotes within JSON text are escaped.
        let said = String::from_utf8_lossy(said).to_lowercase().replace('\\', "");
        let about_support = ["support", "extra", "unknown", "unrecognized", "permitted", "not allowed"];
        if !about_support.iter().any(|word| said.contains(word)) {
            return None;
        }
        let names = self.dialect.replacements.iter().map(|(name, _)| *name);
        names
            .filter(|name| body.get(name).is_some())
            .find(|name| said.contains(&format!("'{name}'")) || said.contains(&format!("\"{name}\"")))
    }

    fn replace(&self, body: &mut Value, parameter: &str) {
        let Some(fields) = body.as_object_mut() else { return };
        let value = fields.remove(parameter);
        let by = self.dialect.replacements.iter().find(|(name, _)| *name == parameter);
        if let (Some(value), Some((_, Some(by)))) = (value, by) {
            fields.insert((*by).to_owned(), value);
        }
    }

    fn refused(&self) -> std::sync::MutexGuard<'_, Vec<&'static str>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, cause: Failure, clock: &Deadlines) -> Error {
        failure::failed(&self.endpoint, cause, clock.awaited())
    }
}

/// When what must have come.
#[derive(Clone, Copy, Debug)]
struct Deadlines {
    timeouts: ChatTimeouts,
    end: Instant,
    last_sign: Instant,
    started: bool,
}

impl Deadlines {
    fn start(timeouts: ChatTimeouts) -> Self {
        let now = Instant::now();
        Self { timeouts, end: now + timeouts.total, last_sign: now, started: false }
    }

    fn next(&self) -> Instant {
        let wait = if self.started { self.timeouts.further_token } else { self.timeouts.first_token };
        self.end.min(self.last_sign + wait)
    }

    fn sign(&mut self) {
        self.started = true;
        self.last_sign = Instant::now();
    }

    fn awaited(&self) -> &'static str {
        match (self.started, Instant::now() >= self.end) {
            (_, true) => "the whole answer",
            (false, false) => "a first token",
            (true, false) => "a further token",
        }
    }
}

/// A stream while it is read.
#[derive(Debug)]
struct Stream<'a> {
    chat: &'a RemoteChat,
    clock: Deadlines,
    outcome: ChatOutcome,
    finished: Option<bool>,
}

impl Stream<'_> {
    fn read(
        &mut self,
        reply: &mut Reply,
        on_delta: &mut dyn FnMut(ChatDelta) -> ControlFlow<()>,
    ) -> Result<()> {
        let mut frames = Frames::new(self.chat.dialect.framing);
        loop {
            let piece = match reply.piece(self.clock.next()) {
                Ok(piece) => piece,
                // The text is whole; what is missing is only the count of its tokens.
                Err(_) if self.finished.is_some() => return Ok(()),
                Err(cause) => return Err(self.chat.failed(cause, &self.clock)),
            };
            let ended = piece.is_none();
            let messages = match piece {
                Some(piece) => frames.push(&piece),
                None => frames.finish(),
            };
            let messages = messages.map_err(|_| self.broken("a message of it has no end"))?;
            for message in messages {
                if self.take(&message, on_delta)?.is_break() {
                    return Ok(());
                }
            }
            if ended {
                return self.end();
            }
        }
    }

    fn take(
        &mut self,
        message: &[u8],
        on_delta: &mut dyn FnMut(ChatDelta) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>> {
        let record =
            (self.chat.dialect.read)(message).ok_or_else(|| self.broken("it is not of the protocol"))?;
        if let Some(said) = record.error {
            return Err(failure::interrupted(&self.chat.endpoint, &said));
        }
        if record.alive || !record.text.is_empty() {
            self.clock.sign();
        }
        if let Some(complete) = record.finished {
            self.finished = Some(complete);
            self.outcome.complete = complete;
        }
        self.outcome.usage = record.usage.unwrap_or(self.outcome.usage);
        if !record.text.is_empty() && self.hand_on(record.text, on_delta)?.is_break() {
            self.outcome.complete = false;
            return Ok(ControlFlow::Break(()));
        }
        Ok(if record.last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    fn hand_on(
        &mut self,
        text: String,
        on_delta: &mut dyn FnMut(ChatDelta) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>> {
        if self.outcome.text.len() + text.len() > ANSWER_BYTES_MAX {
            return Err(self.broken("it does not end"));
        }
        self.outcome.text.push_str(&text);
        Ok(on_delta(ChatDelta::Text(text)))
    }

    fn end(&self) -> Result<()> {
        match self.finished {
            Some(_) => Ok(()),
            None => Err(self.broken("it ended before the model was done")),
        }
    }

    fn broken(&self, what: &str) -> Error {
        failure::broken(&self.chat.endpoint, what)
    }
}
