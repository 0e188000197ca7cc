//! The web page, compiled into the binary.

use axum::body::Body;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use ibid_types::Error;
use rust_embed::RustEmbed;

use crate::http::Failure;

#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
struct Files;

/// A file of the page, or the page itself for an address that is a view of it.
pub async fn file(asked: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path.starts_with("v1/") {
        return Failure(Error::not_found(
            "route_unknown",
            format!("there is no {}; /openapi.json lists what there is", uri.path()),
        ))
        .into_response();
    }
    let name = if path.is_empty() { "index.html" } else { path };
    match Files::get(name) {
        Some(_) if asked != Method::GET && asked != Method::HEAD => method(asked, uri).await,
        Some(file) => answer(&file, name, &headers),
        None => Failure(Error::not_found("page_unknown", format!("there is no page {}", uri.path())))
            .into_response(),
    }
}

/// An address that there is, asked for something that it does not do.
pub async fn method(method: Method, uri: Uri) -> Response {
    let what = format!("{} cannot be asked with {method}; /openapi.json lists what it takes", uri.path());
    let told = Failure(Error::bad_request("method_unknown", what)).into_response();
    (StatusCode::METHOD_NOT_ALLOWED, told).into_response()
}

/// Browsers ask again each time and get 304 where nothing changed, so an upgrade shows at once.
fn answer(file: &rust_embed::EmbeddedFile, name: &str, headers: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", hex(&file.metadata.sha256_hash()[..8]));
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == tag.as_bytes());
    let kind = mime_guess::from_path(name).first_or_octet_stream();
    let kind = if kind.type_() == "text" { format!("{kind}; charset=utf-8") } else { kind.to_string() };
    let head =
        [(header::CONTENT_TYPE, kind), (header::ETAG, tag), (header::CACHE_CONTROL, "no-cache".to_owned())];
    if known {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    (head, Body::from(file.data.clone().into_owned())).into_response()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
