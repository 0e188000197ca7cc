//! The door: finds out who calls, by key or by session, and whether the endpoint is for them.
//!
//! Keeps true: no endpoint runs before its row of the matrix is met; whoever is refused learns why, and the audit log and the
//! metrics know of it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::header::{AUTHORIZATION, COOKIE, HOST, HeaderName, ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ibid_store::Key;
use ibid_types::access::{Holder, Rights};
use ibid_types::{Error, Result, Secret};

use super::caller::{Caller, Principal, Who, refused};
use super::cookie;
use super::matrix::{Need, need};
use super::pace::too_fast;
use crate::http::{Failure, Wait, blocking};
use crate::identity::tokens;
use crate::{App, audit};

/// What is refused there is in the audit log with the name that was tried.
const NOTED_BY_NAME: &str = "/v1/auth/sign-in";
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Guards every endpoint. What is no endpoint has no row and is nobody's.
pub async fn guard(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str).to_owned();
    let address = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|from| from.0.ip());
    let (principal, need, renewed) = match looked_at(&app, &request, &route, address) {
        Looked::Nobody(need) => (Principal::nobody(), need, None),
        Looked::Shown(credential, need) => match admitted(&app, credential, need).await {
            Ok(admitted) => admitted,
            Err(Failure(error)) => {
                if is_guess(&error) {
                    audit::unknown(&app, error.code, address).await;
                }
                return turned_away(&app, error, address);
            }
        },
        Looked::Refused(error) => {
            if error.code == "origin_forbidden" {
                audit::unknown(&app, error.code, address).await;
            }
            return turned_away(&app, error, address);
        }
        Looked::TooFast(wait) => return held_up(&app, wait),
    };
    let holder = principal.who.holder().map(|holder| holder.to_string());
    if let Some(Err(wait)) = holder.map(|holder| app.pace.of_holder(&holder)) {
        return held_up(&app, wait);
    }
    let principal = Arc::new(principal);
    if !need.may_be_met(&principal.rights) {
        app.metrics.refused("not_allowed");
        audit::refused(&app, &principal.who, request.method(), &route).await;
        if principal.lacks_factor {
            return Failure(factor_missing()).into_response();
        }
        let permission = need.permission().unwrap_or(ibid_types::access::Permission::Enter);
        return Failure(refused(&principal.who, permission, "on this server")).into_response();
    }
    request.extensions_mut().insert(Caller::new(Arc::clone(&app), principal, need));
    let mut response = next.run(request).await;
    if need == Need::Attempt && response.status() == StatusCode::UNAUTHORIZED && route != NOTED_BY_NAME {
        audit::unknown(&app, &route, address).await;
    }
    if let Some(Ok(value)) = renewed.map(|secret| cookie::session(&app, &secret).parse()) {
        response.headers_mut().append(SET_COOKIE, value);
    }
    response
}

/// What is seen of a request before anything is looked up.
enum Looked {
    Nobody(Need),
    Shown(Credential, Need),
    Refused(Error),
    TooFast(Wait),
}

fn looked_at(app: &App, request: &Request, route: &str, address: Option<IpAddr>) -> Looked {
    if let Err(error) = app.pace.check_address(address) {
        return Looked::Refused(error);
    }
    match need(request.method(), route) {
        None => Looked::Refused(closed(route)),
        Some(Need::Attempt) => match (app.pace.of_stranger(address), check_sender(request)) {
            (Err(wait), _) => Looked::TooFast(wait),
            (Ok(()), Err(error)) => Looked::Refused(error),
            (Ok(()), Ok(())) => Looked::Nobody(Need::Attempt),
        },
        Some(Need::Open) => Looked::Nobody(Need::Open),
        Some(need) => credential(request.headers(), request.method(), cookie::is_encrypted(app))
            .map_or_else(Looked::Refused, |credential| Looked::Shown(credential, need)),
    }
}

/// Says why, as long as whoever guesses does not do so too fast.
fn turned_away(app: &App, error: Error, address: Option<IpAddr>) -> Response {
    app.metrics.refused(error.code);
    match app.pace.of_stranger(address) {
        Ok(()) => Failure(error).into_response(),
        Err(wait) => held_up(app, wait),
    }
}

fn held_up(app: &App, wait: Wait) -> Response {
    app.metrics.refused("rate_limited");
    Failure(too_fast(wait)).into_response()
}

/// Whether a key, a token or a session was shown that is none. A session that is over cannot be told from a forged one.
fn is_guess(error: &Error) -> bool {
    ["key_unknown", "session_over"].contains(&error.code) || error.code.starts_with("token_")
}

fn factor_missing() -> Error {
    let what =
        "this server wants a second factor of every account; set up an authenticator app or a passkey first";
    Error::forbidden("second_factor_missing", what)
}

fn closed(route: &str) -> Error {
    let what = format!("the endpoint {route} has no row in the table of permissions");
    Error::forbidden("not_allowed", what)
}

type Admitted = (Principal, Need, Option<Secret>);

async fn admitted(
    app: &Arc<App>,
    credential: Credential,
    need: Need,
) -> std::result::Result<Admitted, Failure> {
    let (principal, renewed) = match credential {
        Credential::Bearer(key) if app.is_local_token(&key) => (Principal::machine(), None),
        Credential::Bearer(key) => match app.store.key_known(&key) {
            Some(known) => (holder_of(known), None),
            None => (blocking(app, move |app| of_key(app, &key)).await?, None),
        },
        Credential::Session(secret) => blocking(app, move |app| of_session(app, &secret)).await?,
    };
    Ok((principal, need, renewed))
}

/// What a request shows for itself.
#[derive(Debug, PartialEq, Eq)]
enum Credential {
    Bearer(String),
    Session(String),
}

/// A key counts before a cookie: a program that has one means it. Errors: `key_missing`, `origin_forbidden`.
fn credential(headers: &HeaderMap, method: &Method, is_encrypted: bool) -> Result<Credential> {
    if let Some(value) = headers.get(AUTHORIZATION) {
        let key = value.to_str().ok().and_then(|text| text.strip_prefix("Bearer ")).map(str::trim);
        return key.map(|key| Credential::Bearer(key.to_owned())).ok_or_else(missing);
    }
    let secret = session_shown(headers, is_encrypted).ok_or_else(missing)?;
    check_origin(headers, method)?;
    Ok(Credential::Session(secret))
}

/// The secret of the session whose cookie a request shows.
pub fn session_shown(headers: &HeaderMap, is_encrypted: bool) -> Option<String> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|text| text.split(';')).find_map(|pair| cookie::secret_in(pair, is_encrypted))
}

fn missing() -> Error {
    let what = "sign in, or send an API key: 'Authorization: Bearer KEY' (`ibid keys create NAME` makes one)";
    Error::unauthenticated("key_missing", what)
}

/// A browser sends its cookie wherever a page tells it to: what changes something, or opens a socket, must come from our own
/// page (OWASP, Cross-Site Request Forgery Prevention: verifying origin with standard headers).
fn check_origin(headers: &HeaderMap, method: &Method) -> Result<()> {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let is_reading = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    if is_reading && text(&axum::http::header::UPGRADE).is_none() {
        return Ok(());
    }
    let is_own = match (text(&ORIGIN), text(&HOST)) {
        (Some(origin), Some(host)) => {
            origin.split_once("://").is_some_and(|(_, origin_host)| origin_host == host)
        }
        (None, _) => text(&FETCH_SITE) == Some("same-origin"),
        _ => false,
    };
    if is_own { Ok(()) } else { Err(from_elsewhere()) }
}

/// Another site's page must not sign a browser in as somebody else, to whom the person would then confide (OWASP, Cross-Site Request
/// Forgery Prevention: login forms). Programs tell no origin.
fn check_sender(request: &Request) -> Result<()> {
    let headers = request.headers();
    let is_told = headers.contains_key(ORIGIN) || headers.contains_key(FETCH_SITE);
    if is_told { check_origin(headers, request.method()) } else { Ok(()) }
}

fn from_elsewhere() -> Error {
    Error::forbidden("origin_forbidden", "the request comes from another site than this server's page")
}

fn of_key(app: &App, key: &str) -> Result<Principal> {
    if tokens::is_token(key) {
        let (found, rights) = tokens::verify(app, key)?;
        let who = Who::Key { id: found.id, name: found.name };
        return Ok(Principal { who, rights, lacks_factor: false, is_by_token: true });
    }
    let found = app.store.key_admit(key)?.ok_or_else(|| {
        Error::unauthenticated("key_unknown", "the API key is not known, was revoked, or is over")
    })?;
    Ok(holder_of(found))
}

fn holder_of((key, rights): (Key, Rights)) -> Principal {
    let who = Who::Key { id: key.id, name: key.name };
    Principal { who, rights, lacks_factor: false, is_by_token: false }
}

fn of_session(app: &App, secret: &str) -> Result<(Principal, Option<Secret>)> {
    let over = || Error::unauthenticated("session_over", "you are not signed in any more; sign in again");
    let (session, renewed) = app.store.session_verify(secret)?.ok_or_else(over)?;
    let user = app.store.user_find(session.user)?.ok_or_else(over)?;
    let has_factor = user.has_second_factor() || session.has_second_factor;
    let lacks_factor = app.config.is_second_factor_required() && !has_factor;
    let rights = if lacks_factor { Rights::default() } else { app.store.rights_of(Holder::User(user.id))? };
    let who = Who::User { id: user.id, name: user.name, session: session.id };
    Ok((Principal { who, rights, lacks_factor, is_by_token: false }, renewed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(method: &Method, headers: &[(&'static str, &str)]) -> Result<Credential> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        credential(&map, method, false)
    }

    fn code(method: &Method, headers: &[(&'static str, &str)]) -> &'static str {
        shown(method, headers).unwrap_err().code
    }

    #[test]
    fn a_key_or_a_cookie_is_shown() {
        let bearer = shown(&Method::GET, &[("authorization", "Bearer abc"), ("cookie", "ibid_session=x")]);
        assert_eq!(bearer.unwrap(), Credential::Bearer("abc".to_owned()));
        let session = shown(&Method::GET, &[("cookie", "a=b; ibid_session=x")]);
        assert_eq!(session.unwrap(), Credential::Session("x".to_owned()));
        assert_eq!(code(&Method::GET, &[]), "key_missing");
        assert_eq!(code(&Method::GET, &[("authorization", "Basic abc")]), "key_missing");
    }

    #[test]
    fn other_sites_do_not_use_a_cookie() {
        let cookie = ("cookie", "ibid_session=x");
        let host = ("host", "ibid.example:8080");
        let post =
            |more: &[(&'static str, &str)]| shown(&Method::POST, &[&[cookie, host], more].concat()).is_ok();
        assert!(post(&[("origin", "https://ibid.example:8080")]));
        assert!(post(&[("sec-fetch-site", "same-origin")]));
        assert!(!post(&[]) && !post(&[("origin", "null")]) && !post(&[("origin", "https://evil.example")]));
        assert!(!post(&[("sec-fetch-site", "same-site")]));
        assert_eq!(code(&Method::GET, &[cookie, host, ("upgrade", "websocket")]), "origin_forbidden");
    }
}
