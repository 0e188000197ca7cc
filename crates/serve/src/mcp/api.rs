//! The way from an agent to the API.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, HeaderName, Method, Request, StatusCode, header};
use ibid_api::problem::Problem;
use ibid_types::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::ServiceExt;

use crate::client::problem_error;
use crate::limits::REQUEST_ID_HEADER;

/// The longest answer of the API that is told to an agent.
const ANSWER_BYTES_MAX: usize = 8 << 20;
/// By what the guard knows who calls, and from where.
const CREDENTIALS: [HeaderName; 5] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::HOST,
    header::ORIGIN,
    HeaderName::from_static("sec-fetch-site"),
];

/// A request of the API.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub method: Method,
    /// With its query.
    pub path: String,
    pub body: Option<Value>,
}

/// Calls the API as one caller.
pub trait Api: Send + Sync + 'static {
    /// The answer's JSON, or the error that the API told.
    fn ask(&self, asked: Asked) -> impl Future<Output = Result<Value>> + Send;
}

pub async fn get<T: DeserializeOwned>(api: &impl Api, path: String) -> Result<T> {
    read(api.ask(Asked { method: Method::GET, path, body: None }).await?)
}

pub async fn post<T: DeserializeOwned>(api: &impl Api, path: &str, body: &impl Serialize) -> Result<T> {
    let body = serde_json::to_value(body)
        .map_err(|error| Error::internal("client_request", "cannot write the request").caused_by(error))?;
    read(api.ask(Asked { method: Method::POST, path: path.to_owned(), body: Some(body) }).await?)
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> Error {
    let what = "the server's answer cannot be read; is it another version?";
    Error::internal("client_answer", what).caused_by(error)
}

/// The API of this process, asked through its router as if each request came from outside.
#[derive(Debug)]
pub struct Inside {
    router: Router,
    headers: HeaderMap,
    address: Option<SocketAddr>,
}

impl Inside {
    /// For whoever sent a request with these headers.
    pub fn new(
        router: Router,
        shown: &HeaderMap,
        address: Option<SocketAddr>,
        request_id: Option<String>,
    ) -> Self {
        let mut headers = HeaderMap::new();
        for name in &CREDENTIALS {
            for value in shown.get_all(name) {
                headers.append(name, value.clone());
            }
        }
        if let Some(Ok(id)) = request_id.map(|id| id.parse()) {
            headers.insert(REQUEST_ID_HEADER, id);
        }
        Self { router, headers, address }
    }

    fn request(&self, asked: Asked) -> Result<Request<Body>> {
        let body = asked.body.map(|body| body.to_string()).unwrap_or_default();
        let mut request = Request::builder()
            .method(asked.method)
            .uri(asked.path)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONTENT_LENGTH, body.len())
            .body(Body::from(body))
            .map_err(|error| {
                Error::bad_request("client_request", "the request cannot be formed").caused_by(error)
            })?;
        request.headers_mut().extend(self.headers.clone());
        if let Some(address) = self.address {
            request.extensions_mut().insert(ConnectInfo(address));
        }
        Ok(request)
    }
}

impl Api for Inside {
    async fn ask(&self, asked: Asked) -> Result<Value> {
        let response = match self.router.clone().oneshot(self.request(asked)?).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), ANSWER_BYTES_MAX).await.map_err(|error| {
            let what = "the answer is longer than an agent can be told; ask for less at once";
            Error::bad_request("mcp_answer_too_large", what).caused_by(error)
        })?;
        told(status, &bytes)
    }
}

fn told(status: StatusCode, bytes: &[u8]) -> Result<Value> {
    if status.is_success() {
        return serde_json::from_slice(bytes).map_err(unreadable);
    }
    let problem: Problem = serde_json::from_slice(bytes).map_err(unreadable)?;
    Err(problem_error(problem))
}
