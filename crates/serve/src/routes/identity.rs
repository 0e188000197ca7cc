//! `/v1/auth`: signing in and out, sessions, one-time links.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::header::{SET_COOKIE, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderName, StatusCode};
use axum::response::{AppendHeaders, IntoResponse};
use ibid_api::identity::{
    Confirmation, Door, Link, LinkRequest, LinkUse, Me, MyWorkspace, PasswordChange, Session as WireSession,
    SignIn,
};
use ibid_api::problem::Problem;
use ibid_types::access::Permission;
use ibid_types::{Error, Result, Secret, SessionId, Timestamp, UserId};

use super::factors;
use crate::access::{Caller, Who, is_encrypted, no_cookie, session_cookie, session_shown};
use crate::http::{Answered, Json, Path, blocking, respond};
use crate::identity::{self, ByLink, SignedIn, Visitor, passkeys, second_factor};

/// What the page must ask for.
#[utoipa::path(get, path = "/v1/auth/door", tag = "identity",
    responses((status = 200, body = Door), (status = "default", body = Problem)))]
pub async fn door(app: Caller) -> Answered<axum::Json<Door>> {
    respond(&app, |app| {
        let provider = &app.config.identity.provider;
        Ok(Door {
            is_first_run: app.store.user_count()? == 0,
            passkey_host: passkeys::site(app).ok().map(|site| site.id().to_owned()),
            provider: (!provider.issuer.is_empty()).then(|| provider.name.clone()),
        })
    })
    .await
}

pub type WithCookie<T> = (AppendHeaders<[(HeaderName, String); 1]>, T);

pub fn with_cookie<T>(cookie: String, body: T) -> WithCookie<T> {
    (AppendHeaders([(SET_COOKIE, cookie)]), body)
}

/// Signs in with a name and a password; the answer sets a cookie.
#[utoipa::path(post, path = "/v1/auth/sign-in", tag = "identity", request_body = SignIn,
    responses((status = 200, body = Me), (status = "default", body = Problem)))]
pub async fn sign_in(
    app: Caller,
    visitor: Visitor,
    Json(request): Json<SignIn>,
) -> Answered<impl IntoResponse> {
    let work = move |app: &Caller| {
        let SignIn { name, password, code } = &request;
        entered(app, identity::sign_in(app, name, password, code.as_deref(), &visitor)?)
    };
    let (cookie, me) = blocking(&app, work).await?;
    Ok(with_cookie(cookie, axum::Json(me)))
}

/// Uses a one-time link: makes the first account, or sets a password; signs in.
#[utoipa::path(post, path = "/v1/auth/link", tag = "identity", request_body = LinkUse,
    responses((status = 200, body = Me), (status = "default", body = Problem)))]
pub async fn link_use(
    app: Caller,
    visitor: Visitor,
    Json(request): Json<LinkUse>,
) -> Answered<impl IntoResponse> {
    let work = move |app: &Caller| {
        let LinkUse { token, name, password, code } = &request;
        let link = ByLink { token, name: name.as_deref(), password, code: code.as_deref() };
        entered(app, identity::use_link(app, link, &visitor)?)
    };
    let (cookie, me) = blocking(&app, work).await?;
    Ok(with_cookie(cookie, axum::Json(me)))
}

/// The cookie and what the page shows to somebody who has just come in.
pub fn entered(app: &Caller, signed_in: SignedIn) -> Result<(String, Me)> {
    let SignedIn { user, session, secret } = signed_in;
    let rights = app.store.rights_of(ibid_types::access::Holder::User(user.id))?;
    let who = Who::User { id: user.id, name: user.name, session: session.id };
    Ok((session_cookie(app, &secret), me_of(app, &who, &rights)?))
}

/// Ends the session that asks.
#[utoipa::path(post, path = "/v1/auth/sign-out", tag = "identity",
    responses((status = 204), (status = "default", body = Problem)))]
pub async fn sign_out(app: Caller) -> Answered<impl IntoResponse> {
    let cookie = no_cookie(&app);
    blocking(&app, |app| match app.who() {
        Who::User { id, session, .. } => app.store.session_end(*id, *session),
        _ => Ok(()),
    })
    .await?;
    Ok(with_cookie(cookie, StatusCode::NO_CONTENT))
}

/// Who asks, and what they may do where.
#[utoipa::path(get, path = "/v1/auth/me", tag = "identity",
    responses((status = 200, body = Me), (status = "default", body = Problem)))]
pub async fn me(app: Caller) -> Answered<axum::Json<Me>> {
    respond(&app, |app| me_of(app, app.who(), app.rights())).await
}

fn me_of(app: &Caller, who: &Who, rights: &ibid_types::access::Rights) -> Result<Me> {
    let (kind, name, session) = match who {
        Who::Machine | Who::Nobody => ("machine", who.to_string(), None),
        Who::Key { name, .. } => ("key", name.clone(), None),
        Who::User { name, session, .. } => ("user", name.clone(), Some(session.to_string())),
    };
    let names = |is: &dyn Fn(Permission) -> bool| -> Vec<String> {
        Permission::ALL.into_iter().filter(|one| is(*one)).map(|one| one.name().to_owned()).collect()
    };
    let mine = |workspace: ibid_store::Workspace| {
        let permissions = names(&|one| rights.may_in(workspace.id, one));
        (!permissions.is_empty()).then_some(MyWorkspace { name: workspace.name, permissions })
    };
    Ok(Me {
        kind: kind.to_owned(),
        name,
        session,
        everywhere: names(&|one| rights.may_everywhere(one)),
        workspaces: app.store.workspace_list()?.into_iter().filter_map(mine).collect(),
    })
}

/// Sets another password; every other session of the account ends.
#[utoipa::path(post, path = "/v1/auth/password", tag = "identity", request_body = PasswordChange,
    responses((status = 200, body = Me), (status = "default", body = Problem)))]
pub async fn password(
    app: Caller,
    visitor: Visitor,
    Json(request): Json<PasswordChange>,
) -> Answered<impl IntoResponse> {
    let work = move |app: &Caller| {
        let PasswordChange { former, password } = &request;
        let (user, _) = app.account()?;
        entered(app, identity::change_password(app, user, former, password, &visitor)?)
    };
    let (cookie, me) = blocking(&app, work).await?;
    Ok(with_cookie(cookie, axum::Json(me)))
}

/// Where the account that asks is signed in.
#[utoipa::path(get, path = "/v1/auth/sessions", tag = "identity",
    responses((status = 200, body = Vec<WireSession>), (status = "default", body = Problem)))]
pub async fn sessions(app: Caller) -> Answered<axum::Json<Vec<WireSession>>> {
    respond(&app, |app| {
        let (of, this) = match app.who() {
            Who::User { id, session, .. } => (Some(*id), Some(*session)),
            // This machine and keys of owners see everybody's.
            _ if app.rights().may_everywhere(Permission::Own) => (None, None),
            _ => (Some(app.account()?.0), None),
        };
        Ok(app.store.session_list(of)?.into_iter().map(|session| wire(session, this)).collect())
    })
    .await
}

fn wire(session: ibid_store::Session, this: Option<SessionId>) -> WireSession {
    WireSession {
        id: session.id.to_string(),
        address: session.address,
        device: session.device,
        created_at: session.created_at.to_string(),
        used_at: session.used_at.to_string(),
        expires_at: session.expires_at.to_string(),
        is_this: Some(session.id) == this,
    }
}

/// Signs the account that asks out everywhere, if it shows once more whose it is.
#[utoipa::path(delete, path = "/v1/auth/sessions", tag = "identity", request_body = Confirmation,
    responses((status = 204), (status = "default", body = Problem)))]
pub async fn sessions_end(
    app: Caller,
    visitor: Visitor,
    request: Option<Json<Confirmation>>,
) -> Answered<StatusCode> {
    blocking(&app, move |app| {
        let user = present(app, request, &visitor)?;
        app.store.sessions_end(Some(user))
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The account that asks, if it shows once more whose it is. Errors: `confirmation_needed`, those of `second_factor::present`.
fn present(app: &Caller, request: Option<Json<Confirmation>>, visitor: &Visitor) -> Result<UserId> {
    app.account()?;
    let what = "show once more who you are: send the password, or a passkey's answer, with the request";
    let Json(request) = request.ok_or_else(|| Error::unauthenticated("confirmation_needed", what))?;
    Ok(second_factor::present(app, &factors::proof(request)?, visitor)?.id)
}

/// Signs everybody out.
#[utoipa::path(delete, path = "/v1/auth/sessions/all", tag = "identity",
    responses((status = 204), (status = "default", body = Problem)))]
pub async fn sessions_end_all(app: Caller) -> Answered<StatusCode> {
    blocking(&app, |app| app.store.sessions_end(None)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Signs one device of the account out; another than the one that asks, if it shows once more whose it is.
#[utoipa::path(delete, path = "/v1/auth/sessions/{id}", tag = "identity", params(("id" = String, Path)),
    request_body = Option<Confirmation>, responses((status = 204), (status = "default", body = Problem)))]
pub async fn session_end(
    app: Caller,
    Path(id): Path<String>,
    visitor: Visitor,
    request: Option<Json<Confirmation>>,
) -> Answered<StatusCode> {
    blocking(&app, move |app| {
        let ((user, this), id) = (app.account()?, id.parse()?);
        if id != this {
            present(app, request, &visitor)?;
        }
        app.store.session_end(user, id)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a one-time link: for an account that is there, or for the first one.
#[utoipa::path(post, path = "/v1/auth/links", tag = "identity", request_body = LinkRequest,
    responses((status = 201, body = Link), (status = "default", body = Problem)))]
pub async fn link_make(
    app: Caller,
    Json(request): Json<LinkRequest>,
) -> Answered<(StatusCode, axum::Json<Link>)> {
    let (secret, until) =
        blocking(&app, move |app| identity::user_link(app, request.user.as_deref())).await?;
    Ok((StatusCode::CREATED, axum::Json(link(&secret, until))))
}

pub fn link(secret: &Secret, until: Timestamp) -> Link {
    Link { path: format!("/#/welcome/{}", secret.reveal()), expires_at: until.to_string() }
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> std::result::Result<Self, Self::Rejection> {
        let address = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let device = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        let caller = parts.extensions.get::<Caller>();
        let former = caller.and_then(|caller| session_shown(&parts.headers, is_encrypted(caller)));
        Ok(Self {
            address: address.map_or_else(|| "this machine".to_owned(), |from| from.0.ip().to_string()),
            device: device.unwrap_or_default().to_owned(),
            former: former.map(Secret::new),
        })
    }
}
