//! `/v1/auth/oidc`: sign-in with the provider. Browsers are sent there and come back; what went wrong is told by the page.

use axum::extract::Query;
use axum::http::header::{COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use ibid_api::identity::{Me, SecondFactor};
use ibid_api::problem::Problem;
use ibid_auth::oidc::Callback;
use ibid_types::{Error, Result};

use super::identity::{entered, with_cookie};
use crate::access::{Caller, Who, is_encrypted, sign_in_cookie, sign_in_cookie_in};
use crate::audit;
use crate::http::{Answered, Json, blocking};
use crate::identity::provider::Back;
use crate::identity::{Visitor, provider};

/// By what a browser says who sent it (W3C Fetch Metadata).
const FETCH_SITE: &str = "sec-fetch-site";
/// The page's place that tells why a sign-in failed; the error's code follows.
const FAILED: &str = "/#/sign-in/";
/// The page's place that asks for the second factor.
const AWAITED: &str = "/#/sign-in/second_factor_needed";

/// Sends the browser to the sign-in provider.
#[utoipa::path(get, path = "/v1/auth/oidc", tag = "identity",
    responses((status = 303, description = "to the provider"), (status = "default", body = Problem)))]
pub async fn begin(app: Caller, visitor: Visitor, headers: HeaderMap) -> Response {
    if comes_from_elsewhere(&headers) {
        let what = "sign-ins begin at this server's own page; open it, and choose the provider there";
        return failed(&Error::forbidden("origin_forbidden", what));
    }
    let begun = blocking(&app, move |app| {
        let (url, id) = provider::begin(app, visitor)?;
        Ok((url, sign_in_cookie(app, &id)))
    });
    match begun.await {
        Ok((url, cookie)) => sent(&url, cookie),
        Err(failure) => failed(&failure.0),
    }
}

/// Takes the browser back from the sign-in provider; sets a cookie.
#[utoipa::path(get, path = "/v1/auth/oidc/callback", tag = "identity",
    params(("state" = Option<String>, Query), ("code" = Option<String>, Query), ("iss" = Option<String>, Query),
        ("error" = Option<String>, Query)),
    responses((status = 303, description = "to the page"), (status = "default", body = Problem)))]
pub async fn callback(
    app: Caller,
    visitor: Visitor,
    Query(callback): Query<Callback>,
    headers: HeaderMap,
) -> Response {
    let id = id_in(&headers, is_encrypted(&app));
    let from = visitor.address.clone();
    let work = move |app: &Caller| -> Result<(&'static str, String)> {
        let back = provider::finish(app, &id, &callback, &visitor);
        match back.inspect_err(|error| note_failure(app, error, &from))? {
            Back::In(signed_in) => entered(app, *signed_in).map(|(cookie, _)| ("/", cookie)),
            Back::Awaited(id) => Ok((AWAITED, sign_in_cookie(app, &id))),
        }
    };
    match blocking(&app, work).await {
        Ok((to, cookie)) => sent(to, cookie),
        Err(failure) => failed(&failure.0),
    }
}

/// Finishes a sign-in with the provider by a code of the account's own second factor; the answer sets a cookie.
#[utoipa::path(post, path = "/v1/auth/oidc/code", tag = "identity", request_body = SecondFactor,
    responses((status = 200, body = Me), (status = "default", body = Problem)))]
pub async fn code(
    app: Caller,
    visitor: Visitor,
    headers: HeaderMap,
    Json(request): Json<SecondFactor>,
) -> Answered<impl IntoResponse> {
    let id = id_in(&headers, is_encrypted(&app));
    let work =
        move |app: &Caller| entered(app, provider::finish_with_code(app, &id, &request.code, &visitor)?);
    let (cookie, me) = blocking(&app, work).await?;
    Ok(with_cookie(cookie, axum::Json(me)))
}

/// A sign-in at the provider that came to nothing is in the audit log as one with a password is.
fn note_failure(app: &Caller, error: &Error, from: &str) {
    audit::note(app, &Who::Nobody, "sign-in.failed", &format!("by provider from {from} ({})", error.code));
}

/// Whether another site sent the browser, which would sign somebody in who did not ask for it.
fn comes_from_elsewhere(headers: &HeaderMap) -> bool {
    let from = headers.get(FETCH_SITE).map_or("none", |value| value.to_str().unwrap_or_default());
    !["none", "same-origin"].contains(&from)
}

fn id_in(headers: &HeaderMap, is_encrypted: bool) -> String {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|text| text.split(';'));
    pairs.find_map(|pair| sign_in_cookie_in(pair, is_encrypted)).unwrap_or_default()
}

fn sent(to: &str, cookie: String) -> Response {
    let headers: [(HeaderName, String); 2] = [(LOCATION, to.to_owned()), (SET_COOKIE, cookie)];
    (StatusCode::SEE_OTHER, AppendHeaders(headers)).into_response()
}

fn failed(error: &Error) -> Response {
    tracing::warn!(code = error.code, "a sign-in with the provider failed: {}", error.chain());
    (StatusCode::SEE_OTHER, AppendHeaders([(LOCATION, format!("{FAILED}{}", error.code))])).into_response()
}
