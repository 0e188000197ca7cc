//! Reading requests and writing failures in the one shape that the API promises.

use std::cell::RefCell;
use std::fmt;
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use axum::extract::multipart::MultipartRejection;
use axum::extract::{FromRequest, FromRequestParts, Multipart, OptionalFromRequest, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ibid_api::problem::{Problem, status};
use ibid_types::{Class, Error};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Names the run that an answer is of, so that its events can be taken up again.
pub const RUN_HEADER: HeaderName = HeaderName::from_static("x-ibid-run");

tokio::task_local! {
    /// The id of the request that the current task answers.
    pub static REQUEST_ID: RefCell<String>;
}

/// The id of the request at hand, where there is one.
pub fn request_id() -> Option<String> {
    REQUEST_ID.try_with(|id| id.borrow().clone()).ok()
}

/// An error on its way to a client.
#[derive(Debug)]
pub struct Failure(pub Error);

pub type Answered<T> = Result<T, Failure>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

/// After what time it is worth trying again: the cause of an error that was foreseen, counted where it arose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait(pub Duration);

impl Wait {
    /// What an error tells of it.
    pub fn told_in(error: &Error) -> Option<Self> {
        std::error::Error::source(error)?.downcast_ref().copied()
    }

    /// Whole seconds, as `Retry-After` tells them; at least one.
    pub const fn seconds(self) -> u64 {
        self.0.as_secs() + 1
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it takes {:.3} s", self.0.as_secs_f64())
    }
}

impl std::error::Error for Wait {}

/// Marks a response that is one of very many: it is counted, but not a line of the log.
#[derive(Clone, Copy, Debug)]
pub struct Foreseen;

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (id, wait) = (request_id(), Wait::told_in(&self.0));
        log(&self.0, id.as_deref());
        let code = StatusCode::from_u16(status(self.0.class)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (code, axum::Json(Problem::new(&self.0, id))).into_response();
        if matches!(self.0.class, Class::TooManyRequests | Class::Unavailable) {
            let seconds = wait.map_or(1, Wait::seconds);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if wait.is_some() {
            response.extensions_mut().insert(Foreseen);
        }
        if self.0.class == Class::Unauthenticated {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The server's own faults are logged with their causes; the client's are its own affair, and a flood fills no log.
fn log(error: &Error, request_id: Option<&str>) {
    match error.class {
        _ if Wait::told_in(error).is_some() => tracing::debug!(code = error.code, request_id, "{error}"),
        Class::Internal => tracing::error!(code = error.code, request_id, "{}", error.chain()),
        Class::Unavailable | Class::Timeout => {
            tracing::warn!(code = error.code, request_id, "{}", error.chain())
        }
        _ => tracing::debug!(code = error.code, request_id, "{}", error.chain()),
    }
}

/// A JSON body; what is wrong with it is told with its place.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T, S> FromRequest<S> for Json<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let bytes =
            Bytes::from_request(request, state).await.map_err(|rejection| too_large_or_cut(&rejection))?;
        read_object(&bytes).map(Self).map_err(Failure)
    }
}

/// Every body is an object: a list would be read as an object's fields in their order.
fn read_object<T: DeserializeOwned>(bytes: &[u8]) -> ibid_types::Result<T> {
    let malformed = |why: String| {
        Error::bad_request("request_malformed", format!("the request body cannot be read: {why}"))
    };
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(malformed("it is a list and not an object".to_owned()));
    }
    serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))
}

/// A JSON body that may be left out.
impl<T, S> OptionalFromRequest<S> for Json<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Failure> {
        let is_empty = request.body().is_end_stream();
        if is_empty {
            return Ok(None);
        }
        let Json(read) = <Json<Option<T>> as FromRequest<S>>::from_request(request, state).await?;
        Ok(read.map(Json))
    }
}

fn too_large_or_cut(rejection: &axum::extract::rejection::BytesRejection) -> Failure {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Error::bad_request(
            "request_too_large",
            "the request is larger than server.request_bytes_max",
        )
        .into();
    }
    Error::bad_request("request_cut", "the request body ended early").into()
}

/// Query parameters, with failures in our shape.
#[derive(Debug)]
pub struct Parameters<T>(pub T);

impl<T, S> FromRequestParts<S> for Parameters<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Query(value) = Query::from_request_parts(parts, state).await.map_err(|rejection| {
            Error::bad_request(
                "parameter_malformed",
                format!("a query parameter cannot be read: {}", rejection.body_text()),
            )
        })?;
        Ok(Self(value))
    }
}

/// Parts of the path, with failures in our shape.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T, S> FromRequestParts<S> for Path<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let read = axum::extract::Path::from_request_parts(parts, state).await;
        let axum::extract::Path(value) = read.map_err(|rejection| {
            let what = format!("the path cannot be read: {}", rejection.body_text());
            Error::bad_request("path_malformed", what)
        })?;
        Ok(Self(value))
    }
}

/// A form, with failures in our shape.
#[derive(Debug)]
pub struct Form(pub Multipart);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let read = <Multipart as FromRequest<S>>::from_request(request, state).await;
        let malformed = |rejection: MultipartRejection| {
            let what = format!("the request is no form: {}", rejection.body_text());
            Error::bad_request("upload_malformed", what)
        };
        Ok(Self(read.map_err(malformed)?))
    }
}

/// The workspace that a request is about; the default one where it names none.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Place {
    pub workspace: Option<String>,
}

/// A page of a list.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Page {
    pub workspace: Option<String>,
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<usize>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

/// Answers with what blocking work gives, as JSON.
pub async fn respond<A, T, F>(app: &A, work: F) -> Answered<axum::Json<T>>
where
    A: Clone + Send + 'static,
    T: Send + 'static,
    F: FnOnce(&A) -> ibid_types::Result<T> + Send + 'static,
{
    blocking(app, work).await.map(axum::Json)
}

/// Runs blocking work off the async threads. `app` is the caller of an endpoint, or the application itself.
pub async fn blocking<A, T, F>(app: &A, work: F) -> Answered<T>
where
    A: Clone + Send + 'static,
    T: Send + 'static,
    F: FnOnce(&A) -> ibid_types::Result<T> + Send + 'static,
{
    let app = app.clone();
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(|| work(&app)))
        .await
        .map_err(|error| {
            Error::internal("request_panicked", "the request failed inside the server").caused_by(error)
        })?
        .map_err(Failure)
}
