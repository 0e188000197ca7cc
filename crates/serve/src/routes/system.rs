//! Health, status, workspaces, keys, metrics, index upkeep.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use ibid_api::problem::Problem;
use ibid_api::system::{Check, Key, KeyRequest, Ready, Status, Workspace, WorkspaceRequest};
use ibid_types::access::{Granted, Holder, Permission, Readable};
use ibid_types::{Error, Result, Timestamp, WorkspaceId};

use super::jobs::counts;
use super::people::granted;
use crate::App;
use crate::access::Caller;
use crate::http::{Answered, Json, Parameters, Path, Place, blocking, respond};
use crate::identity::{self, may_grant};
use crate::words;

/// What a key may do where nobody says: find and ask.
const KEY_ROLE: &str = "reader";

/// Answers as long as the process does.
#[utoipa::path(get, path = "/health/live", tag = "system", responses((status = 200, body = str)))]
pub async fn live() -> &'static str {
    "ok"
}

/// Whether the server can work, dependency by dependency, for whoever asks: without what is wrong, and what with.
#[utoipa::path(get, path = "/health/ready", tag = "system",
    responses((status = 200, body = Ready), (status = 503, body = Ready)))]
pub async fn ready(app: Caller) -> Answered<Response> {
    let mut body = blocking(&app, |app| Ok(looked_into(app))).await?;
    body.version.clear();
    body.checks.iter_mut().for_each(|check| check.detail.clear());
    let code = if body.status == "ready" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok((code, axum::Json(body)).into_response())
}

/// The same with details.
#[utoipa::path(get, path = "/v1/ops/health", tag = "operations",
    responses((status = 200, body = Ready), (status = "default", body = Problem)))]
pub async fn health(app: Caller) -> Answered<axum::Json<Ready>> {
    respond(&app, |app| Ok(looked_into(app))).await
}

fn looked_into(app: &App) -> Ready {
    let checks = app.checks();
    let failed = checks.iter().any(|check: &Check| check.required && check.status == "failed");
    let status = if failed { "not_ready" } else { "ready" };
    Ready { status: status.to_owned(), version: env!("CARGO_PKG_VERSION").to_owned(), checks }
}

/// What is in the workspace and how the server answers.
#[utoipa::path(get, path = "/v1/status", tag = "system", params(Place),
    responses((status = 200, body = Status), (status = "default", body = Problem)))]
pub async fn status(app: Caller, Parameters(place): Parameters<Place>) -> Answered<axum::Json<Status>> {
    respond(&app, move |app| {
        let workspace = app.workspace(place.workspace.as_deref())?;
        let counted_for = counted_for(app, workspace.id)?;
        let counted = app.store.workspace_counts(workspace.id, &counted_for)?;
        let chat_models = app.chat_model_names();
        let answer_mode = if chat_models.is_empty() { "extractive" } else { "generative" };
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            workspace: workspace.name,
            documents: counted.documents,
            chunks: counted.chunks,
            jobs: counts(app.store.jobs().counts_in(workspace.id, &counted_for)?),
            embedder: app.embedder.spec().id.clone(),
            chat_models,
            answer_mode: answer_mode.to_owned(),
            index_lag: app.index_lag()?,
        })
    })
    .await
}

/// Lists the workspaces that the caller has a part in.
#[utoipa::path(get, path = "/v1/workspaces", tag = "system",
    responses((status = 200, body = Vec<Workspace>), (status = "default", body = Problem)))]
pub async fn workspaces(app: Caller) -> Answered<axum::Json<Vec<Workspace>>> {
    let list = blocking(&app, |app| {
        let may_know =
            |workspace: &ibid_store::Workspace| app.rights().may_in(workspace.id, Permission::Enter);
        app.store
            .workspace_list()?
            .into_iter()
            .filter(may_know)
            .map(|workspace| wire(app, workspace))
            .collect::<Result<Vec<_>>>()
    })
    .await?;
    Ok(axum::Json(list))
}

/// What is counted for somebody: all, for those who look after the server, as in its metrics; else what they may read.
fn counted_for(app: &Caller, workspace: WorkspaceId) -> Result<Readable> {
    if app.rights().may_everywhere(Permission::See) { Ok(Readable::All) } else { app.readable(workspace) }
}

fn wire(app: &Caller, workspace: ibid_store::Workspace) -> Result<Workspace> {
    let counted = app.store.workspace_counts(workspace.id, &counted_for(app, workspace.id)?)?;
    Ok(Workspace {
        id: workspace.id.to_string(),
        name: workspace.name,
        documents: counted.documents,
        chunks: counted.chunks,
        created_at: workspace.created_at.to_string(),
    })
}

/// Makes a workspace; one that is there already is answered as it is.
#[utoipa::path(post, path = "/v1/workspaces", tag = "system", request_body = WorkspaceRequest,
    responses((status = 201, body = Workspace), (status = "default", body = Problem)))]
pub async fn workspace_create(
    app: Caller,
    Json(request): Json<WorkspaceRequest>,
) -> Answered<(StatusCode, axum::Json<Workspace>)> {
    let workspace = blocking(&app, move |app| {
        check_name(&request.name)?;
        wire(app, app.store.workspace_ensure(&request.name)?)
    })
    .await?;
    Ok((StatusCode::CREATED, axum::Json(workspace)))
}

fn check_name(name: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if (1..=64).contains(&name.len()) && name.chars().all(allowed) {
        return Ok(());
    }
    let what =
        format!("'{name}' cannot name a workspace; use 1 to 64 lower-case letters, digits and hyphens");
    Err(Error::bad_request("workspace_name", what))
}

/// Deletes a workspace with everything in it.
#[utoipa::path(delete, path = "/v1/workspaces/{name}", tag = "system", params(("name" = String, Path)),
    responses((status = 204), (status = "default", body = Problem)))]
pub async fn workspace_delete(app: Caller, Path(name): Path<String>) -> Answered<StatusCode> {
    blocking(&app, move |app| {
        let workspace = app.workspace(Some(&name))?;
        if workspace.name == app.config.data.workspace {
            let what =
                "the default workspace stays; delete its documents instead, or set data.workspace to another";
            return Err(Error::conflict("workspace_default", what));
        }
        for run in app.store.runs_open(workspace.id)? {
            // One that has ended by itself meanwhile need not be cancelled.
            if let Err(error) = app.runner().cancel(run, "its workspace was deleted") {
                tracing::debug!(%run, reason = error.chain(), "a run of a deleted workspace was not cancelled");
            }
        }
        let position = app.store.workspace_delete(workspace.id)?;
        app.wait_indexed(position)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists keys, never their secrets.
#[utoipa::path(get, path = "/v1/keys", tag = "system",
    responses((status = 200, body = Vec<Key>), (status = "default", body = Problem)))]
pub async fn keys(app: Caller) -> Answered<axum::Json<Vec<Key>>> {
    let keys = blocking(&app, |app| {
        let keys = app.store.key_list()?.into_iter();
        keys.map(|key| wire_key(app, key, None)).collect::<Result<Vec<_>>>()
    })
    .await?;
    Ok(axum::Json(keys))
}

fn wire_key(app: &Caller, key: ibid_store::Key, secret: Option<String>) -> Result<Key> {
    let role = |granted: Granted| match granted.workspace {
        None => Ok(granted.role.name().to_owned()),
        Some(workspace) => Ok(format!("{} in {}", granted.role, app.workspace_name(workspace)?)),
    };
    let granted = app.store.rights_of(Holder::Key(key.id))?.granted;
    Ok(Key {
        id: key.id.to_string(),
        name: key.name,
        prefix: key.prefix,
        created_at: key.created_at.to_string(),
        last_used_at: key.last_used_at.map(|time| time.to_string()),
        expires_at: key.expires_at.map(|time| time.to_string()),
        roles: granted.into_iter().map(role).collect::<Result<_>>()?,
        key: secret,
    })
}

/// Makes a key and shows it, once.
#[utoipa::path(post, path = "/v1/keys", tag = "system", request_body = KeyRequest,
    responses((status = 201, body = Key), (status = "default", body = Problem)))]
pub async fn key_create(
    app: Caller,
    Json(request): Json<KeyRequest>,
) -> Answered<(StatusCode, axum::Json<Key>)> {
    let key = blocking(&app, move |app| {
        let name = request.name.trim();
        if name.is_empty() || name.chars().count() > 100 {
            return Err(Error::bad_request(
                "key_name",
                "name the key in 1 to 100 characters, so that you recognise it later",
            ));
        }
        let name = words::name("name", name, 100)?;
        let role = request.role.as_deref().unwrap_or(KEY_ROLE);
        let granted = granted(app, role, request.workspace.as_deref())?;
        may_grant(app, granted)?;
        let expires_at = request.expires_at.map(|at| at.parse::<Timestamp>()).transpose()?;
        if expires_at.is_some_and(|at| at <= app.clock.now()) {
            return Err(Error::bad_request(
                "key_over",
                "`expires_at` is over already; name a moment to come",
            ));
        }
        let (key, secret) = app.store.key_create(&name, granted, expires_at)?;
        wire_key(app, key, Some(secret.reveal().to_owned()))
    })
    .await?;
    Ok((StatusCode::CREATED, axum::Json(key)))
}

/// Revokes a key at once.
#[utoipa::path(delete, path = "/v1/keys/{id}", tag = "system", params(("id" = String, Path)),
    responses((status = 204), (status = "default", body = Problem)))]
pub async fn key_revoke(app: Caller, Path(id): Path<String>) -> Answered<StatusCode> {
    blocking(&app, move |app| identity::key_revoke(app, id.parse()?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Builds the indexes anew from the store and says whether they were the same before.
#[utoipa::path(post, path = "/v1/index/rebuild", tag = "system",
    responses((status = 200, body = serde_json::Value), (status = "default", body = Problem)))]
pub async fn index_rebuild(app: Caller) -> Answered<axum::Json<serde_json::Value>> {
    respond(&app, |app| app.rebuild_indexes()).await
}

/// What Prometheus scrapes.
#[utoipa::path(get, path = "/metrics", tag = "system",
    responses((status = 200, body = str), (status = "default", body = Problem)))]
pub async fn metrics(app: Caller) -> Answered<Response> {
    let text = blocking(&app, |app| Ok(app.metrics.text(app))).await?;
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}
