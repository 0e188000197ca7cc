//! Server-sent events from blocking work: the work sends, the client reads, and a client that left stops the work.

use std::convert::Infallible;
use std::ops::ControlFlow;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use ibid_api::problem::Problem;
use ibid_types::{Error, Result};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::access::Caller;
use crate::http::request_id;
use crate::live::OwnBound;

/// Events that may wait for a slow client before the work waits too.
const EVENTS_WAITING_MAX: usize = 64;

type Item = std::result::Result<Event, Infallible>;

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
    let (work, stream) = prepared(app, work);
    tokio::task::spawn_blocking(work);
    stream
}

/// The same for work that mostly waits, and may do so for long: it has a thread of its own and is counted with the streams. Errors:
/// `streams_busy`, `caller_busy`.
pub fn watch(caller: &Caller, work: impl FnOnce(&Caller, &Sender) + Send + 'static) -> Result<Response> {
    let open = caller.streams.enter(caller.counted(None))?;
    let (work, stream) = prepared(caller, work);
    let held = move || {
        let _open = open;
        work();
    };
    std::thread::Builder::new().name("watch".to_owned()).spawn(held).map_err(|error| {
        Error::unavailable("streams_busy", "the system gives no thread for another stream").caused_by(error)
    })?;
    let mut response = stream.into_response();
    response.extensions_mut().insert(OwnBound);
    Ok(response)
}

fn prepared<A: Clone + Send + 'static>(
    app: &A,
    work: impl FnOnce(&A, &Sender) + Send + 'static,
) -> (impl FnOnce() + Send + 'static, Stream) {
    let (channel, receiver) = mpsc::channel(EVENTS_WAITING_MAX);
    let sender = Sender { channel, request_id: request_id() };
    let app = app.clone();
    let span = tracing::Span::current();
    let work = move || span.in_scope(|| work(&app, &sender));
    (work, Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::default()))
}
