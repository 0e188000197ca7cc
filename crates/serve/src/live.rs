//! Streams of a run's events: server-sent events, and the same frames over a WebSocket.
//!
//! Keeps true: a stream has a thread and a bound of its own, so that watchers never keep requests out; a client that
//! leaves ends its stream and nothing else; a stream ends by itself after `done` or `error`, and with the server.

use std::cell::RefCell;
use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use ibid_api::problem::Problem;
use ibid_api::run::Event;
use ibid_types::{Error, Result};
use serde_json::Value;
use tokio::sync::mpsc::{self, Receiver};
use tokio_stream::wrappers::ReceiverStream;

use crate::App;
use crate::access::{Caller, Counted};
use crate::http::request_id;
use crate::places::{Full, Place, Places};
use crate::queue;

/// Frames that may wait for a slow client before its thread waits too.
const FRAMES_WAITING_MAX: usize = 256;
/// How often a WebSocket is pinged; proxies close what is silent for a minute.
const PING_EVERY: Duration = Duration::from_secs(15);
/// A socket's client has nothing to say but that it is there.
const SOCKET_MESSAGE_BYTES_MAX: usize = 4096;

/// The bound on streams.
#[derive(Clone, Debug)]
pub struct Streams {
    places: Arc<Places<Counted>>,
    most: usize,
}

impl Streams {
    pub fn new(most: usize) -> Self {
        Self { places: Arc::new(Places::new(most)), most }
    }

    /// A place for one more stream. Errors: `streams_busy`, `caller_busy`.
    pub fn enter(&self, whose: Counted) -> Result<Place<Counted>> {
        let most = whose.most_of(self.most);
        self.places.take(whose, most).map_err(|full| match full {
            Full::All => {
                let what =
                    "as many streams as flow.streams_max are open; try again later, or read without a stream";
                Error::unavailable("streams_busy", what)
            }
            Full::Own => {
                let what = format!("{most} of your streams are open; close some of them");
                Error::too_many_requests("caller_busy", what)
            }
        })
    }
}

/// Marks a response whose stream is bounded here, so that it is not counted as a request too.
#[derive(Clone, Copy, Debug)]
pub struct OwnBound;

/// One event on its way to a client.
#[derive(Debug)]
pub struct Frame {
    /// `CHECKPOINT.SUB`; none where the stream cannot be taken up again after it.
    pub id: Option<String>,
    pub event: Event,
}

impl Frame {
    const fn name(&self) -> &'static str {
        match self.event {
            Event::Step(_) => "step",
            Event::Token(_) => "token",
            Event::Citation(_) => "citation",
            Event::Claim(_) => "claim",
            Event::Usage(_) => "usage",
            Event::Interrupt(_) => "interrupt",
            Event::Done(_) => "done",
            Event::Error(_) => "error",
        }
    }

    fn as_sse(&self) -> SseEvent {
        let event = SseEvent::default().event(self.name());
        let event = match &self.id {
            Some(id) => event.id(id),
            None => event,
        };
        event.data(serde_json::to_string(&self.event).unwrap_or_default())
    }

    /// The event's own JSON with `id` before it.
    fn as_text(&self) -> Utf8Bytes {
        let event = serde_json::to_string(&self.event).unwrap_or_default();
        match (&self.id, event.strip_prefix('{')) {
            (Some(id), Some(rest)) => format!("{{\"id\":{},{rest}", Value::from(id.as_str())).into(),
            _ => event.into(),
        }
    }
}

/// Whether nothing is worked on after it, at least until a person has said something.
pub const fn ends_work(event: &Event) -> bool {
    matches!(event, Event::Interrupt(_) | Event::Done(_) | Event::Error(_))
}

/// Where a stream's thread puts its frames.
#[derive(Debug)]
pub struct Sink {
    channel: mpsc::Sender<Frame>,
    request_id: Option<String>,
    /// Held while the run is at work, not while it waits for a person.
    place: RefCell<Option<queue::Place>>,
}

impl Sink {
    /// Sends one frame; `Break` says that nobody listens any more.
    pub fn send(&self, frame: Frame) -> ControlFlow<()> {
        if ends_work(&frame.event) {
            drop(self.place.take());
        }
        match self.channel.blocking_send(frame) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    /// Whether the client has gone.
    pub fn is_closed(&self) -> bool {
        self.channel.is_closed()
    }

    fn fail(&self, error: &Error) {
        tracing::warn!(code = error.code, request_id = self.request_id, "{}", error.chain());
        let problem = Problem::new(error, self.request_id.clone());
        let _ = self.send(Frame { id: None, event: Event::Error(problem) });
    }
}

/// Runs `work` on a thread of its own; its frames come out of the receiver. An error becomes the last frame.
fn spawn(
    app: &Arc<App>,
    open: Place<Counted>,
    place: Option<queue::Place>,
    work: impl FnOnce(&App, &Sink) -> Result<()> + Send + 'static,
) -> Result<Receiver<Frame>> {
    let (channel, receiver) = mpsc::channel(FRAMES_WAITING_MAX);
    let sink = Sink { channel, request_id: request_id(), place: RefCell::new(place) };
    let app = Arc::clone(app);
    let span = tracing::Span::current();
    let body = move || {
        let _inside = span.enter();
        let _held = open;
        let _open = app.metrics.stream_open();
        if let Err(error) = work(&app, &sink) {
            sink.fail(&error);
        }
    };
    std::thread::Builder::new().name("stream".to_owned()).spawn(body).map_err(|error| {
        Error::unavailable("streams_busy", "the system gives no thread for another stream").caused_by(error)
    })?;
    Ok(receiver)
}

/// The frames of `work` as server-sent events, with a comment now and then while there is nothing to tell. A place is given back when
/// the work is over or waits for a person.
pub fn sse(
    caller: &Caller,
    place: Option<queue::Place>,
    work: impl FnOnce(&App, &Sink) -> Result<()> + Send + 'static,
) -> Result<Response> {
    let frames =
        ReceiverStream::new(spawn(caller.app(), caller.streams.enter(caller.counted(None))?, place, work)?);
    let events = frames.map(|frame| Ok::<_, Infallible>(frame.as_sse()));
    let mut response = Sse::new(events).keep_alive(KeepAlive::default()).into_response();
    response.extensions_mut().insert(OwnBound);
    Ok(response)
}

/// The frames of `work` as text frames of a WebSocket.
pub fn socket(
    caller: &Caller,
    upgrade: WebSocketUpgrade,
    work: impl FnOnce(&App, &Sink) -> Result<()> + Send + 'static,
) -> Result<Response> {
    let frames = spawn(caller.app(), caller.streams.enter(caller.counted(None))?, None, work)?;
    let shutdown = caller.shutdown.clone();
    let upgrade = upgrade.max_message_size(SOCKET_MESSAGE_BYTES_MAX);
    Ok(upgrade.on_upgrade(async move |socket| {
        tokio::select! {
            () = carry(socket, frames) => {}
            () = shutdown.wait() => {}
        }
    }))
}

async fn carry(mut socket: WebSocket, mut frames: Receiver<Frame>) {
    let mut ping = tokio::time::interval(PING_EVERY);
    loop {
        let message = tokio::select! {
            frame = frames.recv() => match frame {
                Some(frame) => Message::Text(frame.as_text()),
                None => Message::Close(None),
            },
            said = socket.recv() => match said {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => continue,
            },
            _ = ping.tick() => Message::Ping(bytes::Bytes::new()),
        };
        let is_last = matches!(message, Message::Close(_));
        if socket.send(message).await.is_err() || is_last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ibid_api::run::Token;

    fn token() -> Frame {
        let token = Token { node: "answer".to_owned(), text: "a\nb".to_owned(), replace: false };
        Frame { id: Some("12.57".to_owned()), event: Event::Token(token) }
    }

    #[test]
    fn a_socket_frame_names_its_id_and_type() {
        let value: Value = serde_json::from_str(token().as_text().as_str()).unwrap();
        assert_eq!(
            value,
            serde_json::json!({ "id": "12.57", "type": "token", "node": "answer", "text": "a\nb" })
        );
    }

    #[test]
    fn a_full_house_refuses_a_stream() {
        let streams = Streams::new(5);
        let holder = Counted::Holder(ibid_types::access::Holder::Key(ibid_types::KeyId::new()));
        let _held = (streams.enter(holder).unwrap(), streams.enter(holder).unwrap());
        assert_eq!(streams.enter(holder).unwrap_err().code, "caller_busy");
        let machines: Vec<_> = (0..3).map(|_| streams.enter(Counted::Machine).unwrap()).collect();
        assert_eq!(streams.enter(Counted::Machine).unwrap_err().code, "streams_busy");
        drop(machines);
        assert!(streams.enter(Counted::Machine).is_ok());
    }
}
