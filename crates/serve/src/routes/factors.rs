//! `/v1/auth/app`, `/v1/auth/passkeys`, `/v1/auth/recovery-codes`: second factors, and signing in with a passkey.

use axum::http::StatusCode;
use axum::response::IntoResponse;
use ibid_api::identity::{
    AppCode, Challenge, ChallengeAnswer, Confirmation, Factors, Me, NewApp, Passkey, RecoveryCodes,
};
use ibid_api::problem::Problem;
use ibid_auth::passkey::Base64;
use ibid_store::PasskeyRow;
use ibid_types::{Error, Result, Secret};
use qrcodegen::{QrCode, QrCodeEcc};
use serde::de::DeserializeOwned;

use super::identity::{entered, with_cookie};
use crate::access::Caller;
use crate::http::{Answered, Json, Path, blocking, respond};
use crate::identity::second_factor::{self, Proof};
use crate::identity::{Visitor, passkeys};

/// Light modules around the picture (ISO/IEC 18004, section 9.1).
const QUIET_ZONE: i32 = 4;

/// With what the account that asks signs in besides the password.
#[utoipa::path(get, path = "/v1/auth/factors", tag = "identity",
    responses((status = 200, body = Factors), (status = "default", body = Problem)))]
pub async fn factors(app: Caller) -> Answered<axum::Json<Factors>> {
    respond(&app, |app| {
        let (user, _) = app.account()?;
        let keys = app.store.passkey_list(user)?;
        Ok(Factors {
            has_app: app.store.totp(user)?.is_some(),
            passkeys: keys.iter().map(wire).collect::<Result<_>>()?,
            recovery_codes_left: second_factor::recovery_left(app, user)?,
            is_required: app.config.is_second_factor_required(),
        })
    })
    .await
}

/// What somebody shows once more. Error: `passkey_malformed`.
pub fn proof(request: Confirmation) -> Result<Proof> {
    let passkey = request.passkey.map(|answer| Ok((answer.id, credential(answer.credential)?)));
    Ok(Proof { password: Secret::new(request.password), code: request.code, passkey: passkey.transpose()? })
}

fn wire(row: &PasskeyRow) -> Result<Passkey> {
    let passkey = passkeys::read(row)?;
    Ok(Passkey {
        id: serde_json::to_value(&passkey.id)
            .ok()
            .and_then(|id| Some(id.as_str()?.to_owned()))
            .unwrap_or_default(),
        name: row.name.clone(),
        created_at: row.created_at.to_string(),
        used_at: row.used_at.map(|at| at.to_string()),
        is_backed_up: passkey.is_backed_up,
    })
}

/// Begins to set up an authenticator app.
#[utoipa::path(post, path = "/v1/auth/app", tag = "identity", request_body = Confirmation,
    responses((status = 200, body = NewApp), (status = "default", body = Problem)))]
pub async fn app_begin(
    app: Caller,
    visitor: Visitor,
    Json(request): Json<Confirmation>,
) -> Answered<axum::Json<NewApp>> {
    respond(&app, move |app| {
        let begun = second_factor::app_begin(app, &proof(request)?, &visitor)?;
        let (picture, picture_size) = picture(begun.uri.reveal())?;
        let (secret, uri) = (begun.secret.reveal().to_owned(), begun.uri.reveal().to_owned());
        Ok(NewApp { id: begun.id, secret, uri, picture, picture_size })
    })
    .await
}

/// The dark modules as a path of SVG, and the side of the square that it lies in.
fn picture(text: &str) -> Result<(String, u32)> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).map_err(|error| {
        Error::internal("picture_failed", "the picture cannot be drawn; type the secret instead")
            .caused_by(error)
    })?;
    let size = code.size();
    let modules =
        (0..size).flat_map(|y| (0..size).map(move |x| (x, y))).filter(|(x, y)| code.get_module(*x, *y));
    let path: String =
        modules.map(|(x, y)| format!("M{},{}h1v1h-1z", x + QUIET_ZONE, y + QUIET_ZONE)).collect();
    Ok((path, (size + 2 * QUIET_ZONE).unsigned_abs()))
}

/// Uses the app from now on, if the code is the one that it shows.
#[utoipa::path(put, path = "/v1/auth/app", tag = "identity", request_body = AppCode,
    responses((status = 200, body = RecoveryCodes), (status = "default", body = Problem)))]
pub async fn app_finish(
    app: Caller,
    visitor: Visitor,
    Json(request): Json<AppCode>,
) -> Answered<axum::Json<RecoveryCodes>> {
    let work = move |app: &Caller| {
        second_factor::app_finish(app, &request.id, &request.code, &visitor).map(|codes| shown(&codes))
    };
    respond(&app, work).await
}

fn shown(codes: &[Secret]) -> RecoveryCodes {
    RecoveryCodes { codes: codes.iter().map(|code| code.reveal().to_owned()).collect() }
}

/// Takes the authenticator app away.
#[utoipa::path(post, path = "/v1/auth/app/remove", tag = "identity", request_body = Confirmation,
    responses((status = 204), (status = "default", body = Problem)))]
pub async fn app_remove(
    app: Caller,
    visitor: Visitor,
    Json(request): Json<Confirmation>,
) -> Answered<StatusCode> {
    blocking(&app, move |app| second_factor::app_remove(app, &proof(request)?, &visitor)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes new recovery codes; the former ones count no more.
#[utoipa::path(post, path = "/v1/auth/recovery-codes", tag = "identity", request_body = Confirmation,
    responses((status = 200, body = RecoveryCodes), (status = "default", body = Problem)))]
pub async fn codes_renew(
    app: Caller,
    visitor: Visitor,
    Json(request): Json<Confirmation>,
) -> Answered<axum::Json<RecoveryCodes>> {
    let work = move |app: &Caller| {
        second_factor::codes_renew(app, &proof(request)?, &visitor).map(|codes| shown(&codes))
    };
    respond(&app, work).await
}

/// Begins to add a passkey.
#[utoipa::path(post, path = "/v1/auth/passkeys/begin", tag = "identity", request_body = Confirmation,
    responses((status = 200, body = Challenge), (status = "default", body = Problem)))]
pub async fn passkey_begin(
    app: Caller,
    visitor: Visitor,
    Json(request): Json<Confirmation>,
) -> Answered<axum::Json<Challenge>> {
    respond(&app, move |app| passkeys::add_begin(app, &proof(request)?, &visitor).map(challenge)).await
}

fn challenge(begun: passkeys::Challenge) -> Challenge {
    Challenge { id: begun.id, options: begun.options }
}

/// Adds the passkey that the browser made.
#[utoipa::path(post, path = "/v1/auth/passkeys", tag = "identity", request_body = ChallengeAnswer,
    responses((status = 200, body = RecoveryCodes), (status = "default", body = Problem)))]
pub async fn passkey_add(
    app: Caller,
    visitor: Visitor,
    Json(request): Json<ChallengeAnswer>,
) -> Answered<axum::Json<RecoveryCodes>> {
    respond(&app, move |app| {
        let name = request.name.as_deref().unwrap_or_default();
        let codes = passkeys::add_finish(app, &request.id, name, &credential(request.credential)?, &visitor)?;
        Ok(shown(&codes))
    })
    .await
}

/// Error: `passkey_malformed`.
fn credential<T: DeserializeOwned>(sent: serde_json::Value) -> Result<T> {
    serde_json::from_value(sent).map_err(|error| {
        let what = "the browser's answer is not a credential's toJSON(); try again, or another browser";
        Error::bad_request("passkey_malformed", what).caused_by(error)
    })
}

/// Removes a passkey.
#[utoipa::path(post, path = "/v1/auth/passkeys/{id}/remove", tag = "identity", params(("id" = String, Path)),
    request_body = Confirmation, responses((status = 204), (status = "default", body = Problem)))]
pub async fn passkey_remove(
    app: Caller,
    Path(id): Path<String>,
    visitor: Visitor,
    Json(request): Json<Confirmation>,
) -> Answered<StatusCode> {
    blocking(&app, move |app| {
        let unknown = || Error::not_found("passkey_unknown", "the account has no such passkey");
        let id: Base64 = serde_json::from_value(id.into()).map_err(|_| unknown())?;
        passkeys::remove(app, &id.0, &proof(request)?, &visitor)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Begins a sign-in with a passkey.
#[utoipa::path(post, path = "/v1/auth/passkey-sign-in/begin", tag = "identity",
    responses((status = 200, body = Challenge), (status = "default", body = Problem)))]
pub async fn sign_in_begin(app: Caller) -> Answered<axum::Json<Challenge>> {
    respond(&app, |app| passkeys::sign_in_begin(app).map(challenge)).await
}

/// Signs in with a passkey; the answer sets a cookie.
#[utoipa::path(post, path = "/v1/auth/passkey-sign-in", tag = "identity", request_body = ChallengeAnswer,
    responses((status = 200, body = Me), (status = "default", body = Problem)))]
pub async fn sign_in(
    app: Caller,
    visitor: Visitor,
    Json(request): Json<ChallengeAnswer>,
) -> Answered<impl IntoResponse> {
    let work = move |app: &Caller| {
        let signature = credential(request.credential)?;
        entered(app, passkeys::sign_in_finish(app, &request.id, &signature, &visitor)?)
    };
    let (cookie, me) = blocking(&app, work).await?;
    Ok(with_cookie(cookie, axum::Json(me)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_lies_in_its_square() {
        let (path, size) = picture("otpauth://totp/Ibid:ada?secret=AAAA").unwrap();
        assert!(path.starts_with("M4,4h1v1h-1z") && (29..80).contains(&size), "{size}");
    }
}
