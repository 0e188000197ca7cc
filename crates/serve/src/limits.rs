//! What every request passes through: an id, a bound on concurrency and time, a log line, security headers.

use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, HttpBody};
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use ibid_types::Error;
use tracing::Instrument;

use crate::App;
use crate::access::{Caller, Counted, is_encrypted};
use crate::http::{Failure, Foreseen, REQUEST_ID};
use crate::live::OwnBound;
use crate::places::{Full, Place, Places};

/// Names a request in answers, logs and errors.
pub const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Names the trace that a request is of (W3C Trace Context).
const TRACE_HEADER: HeaderName = HeaderName::from_static("traceparent");

/// Browsers that were here come by https only, for a year (OWASP ASVS 3.4.1).
const BY_TLS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000; includeSubDomains");

/// What the API answers is for whoever asked, and for no cache.
const NOT_KEPT: HeaderValue = HeaderValue::from_static("no-store");

/// Gives the request an id (the client's own, where it is short and plain), logs it and measures it.
pub async fn observe(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let id = client_request_id(&request).unwrap_or_else(|| ibid_types::JobId::new().to_string());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map_or("page", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!(
        "request",
        request_id = id,
        %method,
        route,
        traceparent = text_of(&request, "traceparent"),
        status = tracing::field::Empty,
        error = tracing::field::Empty,
    );
    let running = app.metrics.request_running();
    let started = Instant::now();
    let answering = REQUEST_ID.scope(RefCell::new(id.clone()), next.run(request));
    let mut response = answering.instrument(span.clone()).await;
    let seconds = started.elapsed().as_secs_f64();
    let status = response.status().as_u16();
    drop(running);
    app.metrics.request(&method, &route, status, seconds);
    span.record("status", status);
    if status >= 500 {
        span.record("error", "server");
    }
    let trace = span.in_scope(|| {
        let ms = (seconds * 1e4).round() / 10.0;
        if response.extensions().get::<Foreseen>().is_some() {
            tracing::debug!(%method, path = path.as_str(), status, ms, "request");
        } else {
            tracing::info!(%method, path = path.as_str(), status, ms, "request");
        }
        ibid_runtime::current_trace()
    });
    if let Some(Ok(value)) = trace.map(|trace| HeaderValue::from_str(&trace.to_string())) {
        response.headers_mut().insert(TRACE_HEADER, value);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID_HEADER, value);
    }
    harden(&mut response);
    if is_api(&path) {
        response.headers_mut().insert(header::CACHE_CONTROL, NOT_KEPT);
    }
    if is_encrypted(&app) {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, BY_TLS_ONLY);
    }
    response
}

fn client_request_id(request: &Request) -> Option<String> {
    let text = text_of(request, REQUEST_ID_HEADER.as_str())?;
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    (plain && (1..=64).contains(&text.len())).then(|| text.to_owned())
}

fn text_of<'a>(request: &'a Request, header: &str) -> Option<&'a str> {
    request.headers().get(header)?.to_str().ok()
}

/// Nothing of a document or an answer may run as code, be framed, or tell another site where it was seen.
fn harden(response: &mut Response) {
    const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; font-src 'self'; manifest-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'";
    const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
    let headers = response.headers_mut();
    headers.insert("cross-origin-opener-policy", SAME_ORIGIN);
    headers.insert("cross-origin-resource-policy", SAME_ORIGIN);
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
}

/// Whether a path is of the API, and no file of the page or probe of a supervisor.
pub fn is_api(path: &str) -> bool {
    ["/v1/", "/metrics", "/openapi.json", "/mcp"].iter().any(|begin| path.starts_with(begin))
}

/// To whoever shows no certificate where one is wanted.
pub fn certificate_missing() -> Response {
    let what = "this server wants a certificate of its clients for the API (server.tls.client_for)";
    let mut response = Failure(Error::forbidden("client_certificate_missing", what)).into_response();
    harden(&mut response);
    response
}

/// To whoever sends a body too slowly; what is still on its way is not read.
pub fn too_slow() -> Response {
    let what =
        "the request came too slowly (server.body_pause_seconds_max, server.body_bytes_per_second_min)";
    let mut response = Failure(Error::timeout("request_slow", what)).into_response();
    *response.status_mut() = axum::http::StatusCode::REQUEST_TIMEOUT;
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    harden(&mut response);
    response
}

/// A setting that bounds request bodies, and its value in bytes.
pub type BodyBound = (&'static str, usize);

/// Refuses a body whose length is told and too large. What is not far too large is read to its end first: a client
/// that is still sending would not see the answer.
pub async fn bound_body(State((setting, most)): State<BodyBound>, request: Request, next: Next) -> Response {
    const READ_OUT_BYTES_MAX: usize = 64 << 20;
    let length: Option<usize> =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    match length {
        Some(length) if length > most => {
            if length <= READ_OUT_BYTES_MAX {
                let _ = request.into_body().into_data_stream().for_each(|_| async {}).await;
            }
            let what = format!("the request has {length} bytes; {setting} is {most}");
            Failure(Error::bad_request("request_too_large", what)).into_response()
        }
        _ => next.run(request).await,
    }
}

/// What somebody sends to come in is this large at most, and here within this time: it is read before it has a place.
const ATTEMPT_BYTES_MAX: usize = 16 << 10;
const ATTEMPT_TIME_MAX: Duration = Duration::from_secs(5);

/// Answers 503 at once when too much is held in memory, for all or for one caller, and 504 when a request takes too long. What is
/// worked on, and for whom, is decided by `queue`.
#[derive(Clone, Debug)]
pub struct Bounds {
    places: Arc<Places<Counted>>,
    concurrent_max: usize,
    time_max: Duration,
}

impl Bounds {
    pub fn new(concurrent_max: usize, seconds_max: u64) -> Self {
        let places = Arc::new(Places::new(concurrent_max));
        Self { places, concurrent_max, time_max: Duration::from_secs(seconds_max) }
    }

    /// Errors: `server_busy`, `caller_busy`.
    fn take(&self, caller: &Caller, address: Option<IpAddr>) -> Result<Place<Counted>, Error> {
        let counted = caller.counted(address);
        let most = counted.most_of(self.concurrent_max);
        self.places.take(counted, most).map_err(|full| match full {
            Full::All => Error::unavailable(
                "server_busy",
                "the server holds as many requests as it may (server.requests_concurrent_max); try again in a second",
            ),
            Full::Own => {
                let what = format!("{most} of your requests are being answered; wait for some of them");
                Error::too_many_requests("caller_busy", what)
            }
        })
    }
}

/// Behind the guard, which says who calls.
pub async fn bound(State(bounds): State<Bounds>, caller: Caller, request: Request, next: Next) -> Response {
    let request = match caller.is_attempt() {
        false => request,
        true => match read_attempt(request).await {
            Ok(request) => request,
            Err(failure) => return failure.into_response(),
        },
    };
    let address = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|from| from.0.ip());
    let place = match bounds.take(&caller, address) {
        Ok(place) => place,
        Err(error) => return Failure(error).into_response(),
    };
    match tokio::time::timeout(bounds.time_max, next.run(request)).await {
        Ok(response) if is_stream(&response) => holding(response, place),
        Ok(response) => response,
        Err(_) => Failure(Error::timeout(
            "request_timeout",
            "the request took longer than server.request_seconds_max; ask for less at once, or raise the limit",
        ))
        .into_response(),
    }
}

/// The request with its whole body. Errors: `request_slow`, `request_too_large`.
async fn read_attempt(request: Request) -> Result<Request, Failure> {
    let (head, body) = request.into_parts();
    let too_large = || {
        let what = format!("the request is larger than {ATTEMPT_BYTES_MAX} bytes, or ended early");
        Failure(Error::bad_request("request_too_large", what))
    };
    if body.size_hint().lower() > ATTEMPT_BYTES_MAX as u64 {
        return Err(too_large());
    }
    match tokio::time::timeout(ATTEMPT_TIME_MAX, axum::body::to_bytes(body, ATTEMPT_BYTES_MAX)).await {
        Ok(read) => Ok(Request::from_parts(head, Body::from(read.map_err(|_| too_large())?))),
        Err(_) => Err(Error::timeout("request_slow", "the request came too slowly").into()),
    }
}

/// Whether the response goes on being work that nothing else bounds.
fn is_stream(response: &Response) -> bool {
    response.extensions().get::<OwnBound>().is_none() && is_event_stream(response)
}

fn is_event_stream(response: &Response) -> bool {
    response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// A stream of events is in work until its end, long after its headers are sent.
fn holding(response: Response, place: Place<Counted>) -> Response {
    response.map(|body| {
        Body::from_stream(body.into_data_stream().inspect(move |_| {
            let _held = &place;
        }))
    })
}
