//! Finished spans on their way to a collector: OTLP over HTTP with JSON (opentelemetry.io, OTLP 1.x), which every
//! collector takes and which needs nothing but the HTTP client that is here already.
//!
//! Keeps true: whoever finishes a span never waits; spans that do not fit into the queue, and those that the collector
//! does not take, are dropped and counted.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use ibid_types::{Error, Result};
use reqwest::blocking::Client;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::layer::Finished;

/// Spans that may wait.
const WAITING_MAX: usize = 8192;
/// Spans sent together at most, and how long the first of them waits.
const TOGETHER_MAX: usize = 512;
const WAIT: Duration = Duration::from_millis(500);
/// How long a collector may take.
const SEND_MAX: Duration = Duration::from_secs(5);

/// Where finished spans go, of a process that has a collector.
static QUEUE: OnceLock<Queue> = OnceLock::new();

#[derive(Debug)]
struct Queue {
    channel: SyncSender<Message>,
    /// Share of new traces that are collected, 0 to 1.
    share: f64,
    sent: AtomicU64,
    dropped: AtomicU64,
}

#[derive(Debug)]
enum Message {
    Span(Box<Finished>),
    End,
}

/// The thread that sends. Dropping it sends what is left.
#[derive(Debug)]
pub struct Exporter {
    thread: Option<JoinHandle<()>>,
}

impl Drop for Exporter {
    fn drop(&mut self) {
        if let (Some(queue), Some(thread)) = (QUEUE.get(), self.thread.take())
            && queue.channel.send(Message::End).is_ok()
        {
            let _ = thread.join();
        }
    }
}

/// Sends the spans of this process to `endpoint` from now on; the first call counts. Error: `telemetry_endpoint`.
pub fn export(config: &ibid_config::Telemetry) -> Result<Option<Exporter>> {
    if config.otlp_endpoint.is_empty() {
        return Ok(None);
    }
    let sender = Sender::new(config)?;
    let (channel, spans) = sync_channel(WAITING_MAX);
    let share = f64::from(config.traces_percent) / 100.0;
    let queue = Queue { channel, share, sent: AtomicU64::new(0), dropped: AtomicU64::new(0) };
    if QUEUE.set(queue).is_err() {
        return Ok(None);
    }
    let thread = std::thread::Builder::new().name("traces".to_owned()).spawn(move || sender.run(&spans));
    let thread = thread.map_err(|error| {
        Error::unavailable("telemetry_endpoint", "the system gives no thread to send traces").caused_by(error)
    })?;
    Ok(Some(Exporter { thread: Some(thread) }))
}

/// Whether a new trace is collected, for a number from 0 up to 1.
pub fn is_sampled(chance: f64) -> bool {
    QUEUE.get().is_some_and(|queue| chance < queue.share)
}

/// Spans sent and spans dropped so far.
pub fn figures() -> [(&'static str, u64); 2] {
    let count =
        |of: fn(&Queue) -> &AtomicU64| QUEUE.get().map_or(0, |queue| of(queue).load(Ordering::Relaxed));
    [("sent", count(|queue| &queue.sent)), ("dropped", count(|queue| &queue.dropped))]
}

/// Puts a span into the queue.
pub fn offer(span: Finished) {
    if let Some(queue) = QUEUE.get()
        && queue.channel.try_send(Message::Span(Box::new(span))).is_err()
    {
        queue.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Sender {
    client: Client,
    url: String,
}

impl Sender {
    fn new(config: &ibid_config::Telemetry) -> Result<Self> {
        let unusable = || {
            let what =
                "telemetry.otlp_endpoint or telemetry.otlp_headers cannot be used; write http://HOST:4318";
            Error::bad_request("telemetry_endpoint", what)
        };
        let mut headers = HeaderMap::new();
        for header in &config.otlp_headers {
            let (name, value) = header.reveal().split_once(": ").ok_or_else(unusable)?;
            let name = HeaderName::try_from(name).map_err(|error| unusable().caused_by(error))?;
            let mut value =
                HeaderValue::from_str(value.trim()).map_err(|error| unusable().caused_by(error))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        ibid_runtime::set_up_tls();
        let client = Client::builder().timeout(SEND_MAX).default_headers(headers).build();
        let client = client.map_err(|error| unusable().caused_by(error))?;
        let base = config.otlp_endpoint.trim_end_matches('/');
        let url = if base.ends_with("/v1/traces") { base.to_owned() } else { format!("{base}/v1/traces") };
        Ok(Self { client, url })
    }

    fn run(&self, spans: &Receiver<Message>) {
        let mut is_failing = false;
        loop {
            let (batch, is_end) = gather(spans);
            if !batch.is_empty() {
                let outcome = self.send(&batch);
                note(batch.len(), outcome.is_ok());
                // Once for each time that it begins to fail: a collector that is down must not fill the log.
                if let Err(error) = &outcome
                    && !is_failing
                {
                    tracing::warn!(
                        reason = error.chain(),
                        "traces are not taken; they are dropped until they are"
                    );
                }
                is_failing = outcome.is_err();
            }
            if is_end {
                return;
            }
        }
    }

    fn send(&self, batch: &[Finished]) -> Result<()> {
        let failed = || Error::unavailable("telemetry_endpoint", "the collector of traces did not take them");
        let body = body(batch).to_string();
        let request = self.client.post(&self.url).header("content-type", "application/json").body(body);
        let response = request.send().map_err(|error| failed().caused_by(error.without_url()))?;
        response.error_for_status().map(|_| ()).map_err(|error| failed().caused_by(error.without_url()))
    }
}

fn note(spans: usize, is_sent: bool) {
    if let Some(queue) = QUEUE.get() {
        let counter = if is_sent { &queue.sent } else { &queue.dropped };
        counter.fetch_add(spans as u64, Ordering::Relaxed);
    }
}

/// The spans of half a second, or as many as are sent together; and whether there will be no more.
fn gather(spans: &Receiver<Message>) -> (Vec<Finished>, bool) {
    let mut batch = Vec::new();
    while batch.len() < TOGETHER_MAX {
        match spans.recv_timeout(WAIT) {
            Ok(Message::Span(span)) => batch.push(*span),
            Ok(Message::End) | Err(RecvTimeoutError::Disconnected) => return (batch, true),
            Err(RecvTimeoutError::Timeout) => break,
        }
    }
    (batch, false)
}

/// `ExportTraceServiceRequest` as JSON.
fn body(batch: &[Finished]) -> Value {
    let resource = json!({ "attributes": [
        attribute("service.name", &json!("ibid")),
        attribute("service.version", &json!(env!("CARGO_PKG_VERSION"))),
        attribute("process.pid", &json!(std::process::id())),
    ] });
    let spans: Vec<Value> = batch.iter().map(span).collect();
    json!({ "resourceSpans": [{
        "resource": resource,
        "scopeSpans": [{ "scope": { "name": "ibid" }, "spans": spans }],
    }] })
}

fn span(span: &Finished) -> Value {
    // 1 internal, 2 server, 3 client.
    let kind = match span.name {
        "request" => 2,
        "chat model" => 3,
        _ => 1,
    };
    let failed = span.fields.text("error").is_some();
    let parent = if span.parent == 0 { String::new() } else { format!("{:016x}", span.parent) };
    let attributes: Vec<Value> = span.fields.0.iter().map(|(name, value)| attribute(name, value)).collect();
    json!({
        "traceId": format!("{:032x}", span.context.trace),
        "spanId": format!("{:016x}", span.context.span),
        "parentSpanId": parent,
        "name": span.name,
        "kind": kind,
        "startTimeUnixNano": span.start_ns.to_string(),
        "endTimeUnixNano": span.end_ns.to_string(),
        "attributes": attributes,
        "status": { "code": if failed { 2 } else { 0 } },
    })
}

fn attribute(name: &str, value: &Value) -> Value {
    let value = match value {
        Value::Bool(is) => json!({ "boolValue": is }),
        Value::Number(number) if number.is_f64() => json!({ "doubleValue": number }),
        Value::Number(number) => json!({ "intValue": number.to_string() }),
        other => {
            json!({ "stringValue": other.as_str().map_or_else(|| other.to_string(), ToOwned::to_owned) })
        }
    };
    json!({ "key": name, "value": value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::line::Fields;
    use ibid_runtime::TraceContext;

    #[test]
    fn a_span_is_written_as_the_protocol_wants_it() {
        let finished = Finished {
            context: TraceContext { trace: 0xab, span: 0xcd, is_sampled: true },
            parent: 0xef,
            name: "chat model",
            start_ns: 5,
            end_ns: 9,
            fields: Fields(vec![
                ("provider", json!("m")),
                ("prompt_tokens", json!(7)),
                ("error", json!("x")),
            ]),
        };
        let body = body(&[finished]);
        let span = body.pointer("/resourceSpans/0/scopeSpans/0/spans/0").unwrap();
        assert_eq!(span["traceId"], "000000000000000000000000000000ab");
        assert_eq!((&span["parentSpanId"], &span["kind"]), (&json!("00000000000000ef"), &json!(3)));
        assert_eq!((&span["startTimeUnixNano"], &span["endTimeUnixNano"]), (&json!("5"), &json!("9")));
        assert_eq!(span["attributes"][1], json!({ "key": "prompt_tokens", "value": { "intValue": "7" } }));
        assert_eq!(span["status"]["code"], 2);
    }

    #[test]
    fn an_endpoint_without_a_path_gets_the_usual_one() {
        let url = |endpoint: &str| {
            let config = ibid_config::Telemetry {
                otlp_endpoint: endpoint.to_owned(),
                otlp_headers: Vec::new(),
                traces_percent: 100,
            };
            Sender::new(&config).unwrap().url
        };
        assert_eq!(url("http://h:4318/"), "http://h:4318/v1/traces");
        assert_eq!(url("http://h/otlp/v1/traces"), "http://h/otlp/v1/traces");
    }
}
