//! Server-sent events from blocking work: the work sends, the client reads, and a client that left stops the work.

use std::convert::Infallible;
use std::ops::ControlFlow;

use axum::response::sse::{Event, KeepAlive, Sse};
use ibid_api::problem::Problem;
use ibid_types::Error;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::http::request_id;

/// Events that may wait for a slow client before the work waits too.
const EVENTS_WAITING_MAX: usize = 64;

type Item = Result<Event, Infallible>;

/// Where the work puts its events.
#[derive(Clone, Debug)]
pub struct Sender {
    channel: mpsc::Sender<Item>,
    request_id: Option<String>,
}

impl Sender {
    /// Sends one event; `Break` says that nobody listens any more.
    pub fn send(&self, name: &str, data: &impl Serialize) -> ControlFlow<()> {
        match serde_json::to_string(data) {
            Ok(json) => self.send_event(Event::default().event(name).data(json)),
            Err(_) => ControlFlow::Break(()),
        }
    }

    /// Sends data without an event name, as OpenAI's streams do.
    pub fn send_plain(&self, data: &str) -> ControlFlow<()> {
        self.send_event(Event::default().data(data))
    }

    /// Whether the client has gone.
    pub fn is_closed(&self) -> bool {
        self.channel.is_closed()
    }

    pub fn fail(&self, error: &Error) {
        tracing::warn!(code = error.code, request_id = self.request_id, "{}", error.chain());
        let _ = self.send("error", &Problem::new(error, self.request_id.clone()));
    }

    fn send_event(&self, event: Event) -> ControlFlow<()> {
        match self.channel.blocking_send(Ok(event)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

pub type Stream = Sse<axum::response::sse::KeepAliveStream<ReceiverStream<Item>>>;

/// Runs `work` on a blocking thread and streams what it sends.
pub fn stream<A: Clone + Send + 'static>(app: &A, work: impl FnOnce(&A, &Sender) + Send + 'static) -> Stream {
    let (channel, receiver) = mpsc::channel(EVENTS_WAITING_MAX);
    let sender = Sender { channel, request_id: request_id() };
    let app = app.clone();
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(|| work(&app, &sender)));
    Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::default())
}
