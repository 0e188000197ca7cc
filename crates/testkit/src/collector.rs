//! A collector of traces on a free port that speaks OTLP over HTTP with JSON, and remembers the spans that it is sent.

use std::collections::BTreeMap;
use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use serde_json::Value;

use crate::provider::request;

/// How long a span may take to come.
const SPAN_WITHIN: Duration = Duration::from_secs(20);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub trace: String,
    pub span: String,
    /// Empty for the first of a trace.
    pub parent: String,
    pub name: String,
    /// Texts and numbers alike as text.
    pub attributes: BTreeMap<String, String>,
    pub start_ns: u64,
    pub end_ns: u64,
}

/// The running collector.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    spans: Receiver<Span>,
}

impl Default for Collector {
    fn default() -> Self {
        Self::start()
    }
}

impl Collector {
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, spans) = channel();
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let sender = sender.clone();
                std::thread::spawn(move || collect(stream, &sender));
            }
        });
        Self { address, spans }
    }

    /// As `--set` takes it.
    #[must_use]
    pub fn setting(&self) -> String {
        format!("telemetry.otlp_endpoint=http://{}", self.address)
    }

    /// Waits until `is_enough` of all spans that have come; gives them.
    #[must_use]
    pub fn spans_until(&self, is_enough: impl Fn(&[Span]) -> bool) -> Vec<Span> {
        let mut all: Vec<Span> = Vec::new();
        while !is_enough(&all) {
            let next = self.spans.recv_timeout(SPAN_WITHIN);
            all.push(next.unwrap_or_else(|_| panic!("the wanted spans did not come: {all:#?}")));
        }
        all
    }
}

/// One connection, as many requests as the client has.
fn collect(stream: TcpStream, sender: &Sender<Span>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let heard = request(&mut reader)?;
        if heard.path == "/v1/traces" {
            spans(&heard.body).into_iter().for_each(|span| drop(sender.send(span)));
        }
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
            .ok()?;
    }
}

fn spans(body: &Value) -> Vec<Span> {
    let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    let scopes =
        list(body, "resourceSpans").into_iter().flat_map(move |resource| list(&resource, "scopeSpans"));
    scopes.flat_map(|scope| list(&scope, "spans")).map(|told| span(&told)).collect()
}

fn span(told: &Value) -> Span {
    let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
    let attribute = |pair: &Value| {
        let value = pair["value"].as_object()?.values().next()?.clone();
        let value = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        Some((pair["key"].as_str()?.to_owned(), value))
    };
    Span {
        trace: text("traceId"),
        span: text("spanId"),
        parent: text("parentSpanId"),
        name: text("name"),
        attributes: told["attributes"].as_array().into_iter().flatten().filter_map(attribute).collect(),
        start_ns: text("startTimeUnixNano").parse().unwrap(),
        end_ns: text("endTimeUnixNano").parse().unwrap(),
    }
}
