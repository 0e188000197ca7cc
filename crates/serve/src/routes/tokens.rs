//! `/v1/auth/tokens`, `/v1/auth/signing-keys` and `/.well-known/jwks.json`: tokens of services, and what they are signed with.

use axum::http::StatusCode;
use ibid_api::identity::{Rotation, SigningKey, Token, TokenRequest};
use ibid_api::problem::Problem;
use ibid_types::access::Granted;
use ibid_types::{Error, Result};

use super::people::granted;
use crate::access::Caller;
use crate::http::{Answered, Json, blocking, respond};
use crate::identity::tokens;

/// Long enough for a piece of work, too short to be worth stealing.
const SECONDS_USUAL: i64 = 900;

/// Makes a short-lived token of the key that asks.
#[utoipa::path(post, path = "/v1/auth/tokens", tag = "identity", request_body = TokenRequest,
    responses((status = 201, body = Token), (status = "default", body = Problem)))]
pub async fn issue(
    app: Caller,
    Json(request): Json<TokenRequest>,
) -> Answered<(StatusCode, axum::Json<Token>)> {
    let made = blocking(&app, move |app| {
        let within = within(app, &request)?;
        let (audience, seconds) = (request.audience.as_deref(), request.seconds.unwrap_or(SECONDS_USUAL));
        let (token, until) = tokens::issue(app, &tokens::Wanted { audience, seconds, within })?;
        Ok(Token { token: token.reveal().to_owned(), expires_at: until.to_string() })
    })
    .await?;
    Ok((StatusCode::CREATED, axum::Json(made)))
}

fn within(app: &Caller, request: &TokenRequest) -> Result<Option<Granted>> {
    match (&request.role, &request.workspace) {
        (Some(role), workspace) => granted(app, role, workspace.as_deref()).map(Some),
        (None, None) => Ok(None),
        (None, Some(_)) => {
            Err(Error::bad_request("role_missing", "name the role that the token has in the workspace"))
        }
    }
}

/// The public keys by which others recognise our tokens.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "identity",
    responses((status = 200, body = Object), (status = "default", body = Problem)))]
pub async fn jwks(app: Caller) -> Answered<axum::Json<serde_json::Value>> {
    respond(&app, |app| tokens::jwks(app)).await
}

/// Lists the keys that sign tokens.
#[utoipa::path(get, path = "/v1/auth/signing-keys", tag = "identity",
    responses((status = 200, body = Vec<SigningKey>), (status = "default", body = Problem)))]
pub async fn signing_keys(app: Caller) -> Answered<axum::Json<Vec<SigningKey>>> {
    respond(&app, |app| {
        let wire = |key: ibid_auth::jwt::KeyShown| SigningKey {
            id: key.id,
            created_at: key.created_at.to_string(),
            verifies_until: key.verifies_until.map(|until| until.to_string()),
        };
        Ok(tokens::signing_keys(app)?.into_iter().map(wire).collect())
    })
    .await
}

/// Signs with a new key from now on.
#[utoipa::path(post, path = "/v1/auth/signing-keys", tag = "identity", request_body = Rotation,
    responses((status = 204), (status = "default", body = Problem)))]
pub async fn rotate(app: Caller, Json(request): Json<Rotation>) -> Answered<StatusCode> {
    blocking(&app, move |app| tokens::rotate(app, request.at_once)).await?;
    Ok(StatusCode::NO_CONTENT)
}
