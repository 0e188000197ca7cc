//! Who may call. Without a key in the store only this machine's own pages and programs may; with one, only its
//! holders and the command line of whoever can read the data directory.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ibid_types::{Error, Result};

use crate::App;
use crate::http::{Failure, blocking};

/// Guards every route but the page's own files and the two health probes.
pub async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let admitted = match presented(&app, request.headers()) {
        Ok(Some(key)) => verified(&app, key).await,
        Ok(None) => Ok(()),
        Err(error) => Err(error.into()),
    };
    match admitted {
        Ok(()) => next.run(request).await,
        Err(failure) => {
            app.metrics.refused(failure.0.code);
            failure.into_response()
        }
    }
}

/// The key to verify, or none where the request needs none.
fn presented(app: &App, headers: &HeaderMap) -> Result<Option<String>> {
    if !app.is_guarded() {
        return unguarded(app, headers).map(|()| None);
    }
    let key = bearer(headers)?;
    Ok((!app.is_local_token(key)).then(|| key.to_owned()))
}

/// Without any key: this machine only. A server that others can reach, whose last key was revoked, lets nobody in but the
/// command line of whoever can read the data directory; what a request says of where it comes from proves nothing there.
fn unguarded(app: &App, headers: &HeaderMap) -> Result<()> {
    if app.config.server.address.ip().is_loopback() {
        return from_here(headers);
    }
    if bearer(headers).is_ok_and(|key| app.is_local_token(key)) {
        return Ok(());
    }
    let what = "this server can be reached from other machines and has no API key left; make one with `ibid keys create NAME`";
    Err(Error::forbidden("server_unguarded", what))
}

async fn verified(app: &Arc<App>, key: String) -> std::result::Result<(), Failure> {
    blocking(app, move |app| match app.store.key_verify(&key)? {
        Some(_) => Ok(()),
        None => Err(Error::unauthenticated("key_unknown", "the API key is not known or was revoked")),
    })
    .await
}

fn bearer(headers: &HeaderMap) -> Result<&str> {
    let missing = || {
        Error::unauthenticated(
            "key_missing",
            "this server needs an API key: send 'Authorization: Bearer KEY'",
        )
    };
    let value = headers.get(header::AUTHORIZATION).ok_or_else(missing)?;
    value.to_str().ok().and_then(|text| text.strip_prefix("Bearer ")).map(str::trim).ok_or_else(missing)
}

/// A server without keys answers this machine only: a page of another site that a browser here shows must not
/// reach it, neither by its own origin nor through a name that resolves to this machine.
fn from_here(headers: &HeaderMap) -> Result<()> {
    let forbidden = || {
        Error::forbidden(
            "origin_forbidden",
            "without an API key this server answers only requests made on this machine to its loopback address",
        )
    };
    let text = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    if let Some(host) = text(header::HOST) {
        if !is_loopback_host(host) {
            return Err(forbidden());
        }
        if let Some(origin) = text(header::ORIGIN) {
            let same = origin.split_once("://").is_some_and(|(_, origin_host)| origin_host == host);
            if !same {
                return Err(forbidden());
            }
        }
    }
    Ok(())
}

fn is_loopback_host(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.split(':').next().unwrap_or(host),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        from_here(&headers).is_ok()
    }

    #[test]
    fn only_this_machine_reaches_an_unguarded_server() {
        assert!(admitted("127.0.0.1:8080", None));
        assert!(admitted("localhost:8080", Some("http://localhost:8080")));
        assert!(admitted("[::1]:8080", None));
        assert!(!admitted("rebound.example:8080", None));
        assert!(!admitted("127.0.0.1:8080", Some("https://evil.example")));
        assert!(!admitted("127.0.0.1:8080", Some("null")));
    }

    #[test]
    fn a_bearer_is_read() {
        let mut headers = HeaderMap::new();
        assert_eq!(bearer(&headers).unwrap_err().code, "key_missing");
        headers.insert(header::AUTHORIZATION, "Bearer abc".parse().unwrap());
        assert_eq!(bearer(&headers).unwrap(), "abc");
    }
}
