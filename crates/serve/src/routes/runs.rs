//! `/v1/runs`: what flows did and do, step by step, and what people may do with them.

use std::time::Duration;

use axum::extract::WebSocketUpgrade;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use ibid_api::flow::FlowDetail;
use ibid_api::problem::Problem;
use ibid_api::run::{
    AnswerRequest, Approval, ApprovalsPage, CancelRequest, CheckpointState, CheckpointsPage, ForkRequest,
    Replayed, Run, RunDiff, RunRequest, RunStatistics, RunsPage, RunsQuery,
};
use ibid_types::{Error, Result};
use serde::Deserialize;

use super::ask::within;
use super::threads::{idempotency_key, read_cursor};
use crate::access::Caller;
use crate::http::{Answered, Json, Page, Parameters, Path, Place, blocking, respond};
use crate::{events, live, runs, wire};

/// Longest wait for a run's end within one request.
const WAIT_SECONDS_MAX: u32 = 60;

/// Lists runs, newest first.
#[utoipa::path(get, path = "/v1/runs", tag = "runs", params(RunsQuery),
    responses((status = 200, body = RunsPage), (status = "default", body = Problem)))]
pub async fn list(app: Caller, Parameters(query): Parameters<RunsQuery>) -> Answered<axum::Json<RunsPage>> {
    respond(&app, move |app| {
        let workspace = app.workspace(query.workspace.as_deref())?;
        let page = app.store.run_list(&ibid_store::RunsQuery {
            workspace: Some(workspace.id),
            flow_name: query.flow,
            status: query.status.map(status).transpose()?,
            thread: query.thread.as_deref().map(str::parse).transpose()?,
            is_asking: false,
            seen_by: app.seen_by(workspace.id),
            limit: within("limit", query.limit, 50, 1..=200)?,
            cursor: query.cursor,
        })?;
        let runs = page.items.iter().map(|row| runs::wire(app, &workspace.name, row));
        Ok(RunsPage { runs: runs.collect::<Result<_>>()?, next: page.next })
    })
    .await
}

fn status(name: String) -> Result<String> {
    let all = ["running", "waiting", "undoing", "finished", "failed", "cancelled"];
    if all.contains(&name.as_str()) {
        return Ok(name);
    }
    let what = format!("status '{name}' is not known; use {}", all.join(", "));
    Err(Error::bad_request("value_unknown", what))
}

/// Starts a run of a flow by name, or of a flow's YAML.
///
/// It is durable when this answers: 201 with the run as it is after at most `wait_seconds`.
#[utoipa::path(post, path = "/v1/runs", tag = "runs", params(("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,200}$")),
    request_body = RunRequest, responses((status = 201, body = Run), (status = "default", body = Problem)))]
pub async fn start(
    app: Caller,
    headers: HeaderMap,
    Json(request): Json<RunRequest>,
) -> Answered<(StatusCode, axum::Json<Run>)> {
    let key = idempotency_key(&headers)?;
    let place = app.place(&app.queues.answers, request.workspace.as_deref()).await?;
    let run = blocking(&app, move |app| {
        let _held = place;
        let wait =
            within("wait_seconds", Some(request.wait_seconds as usize), 0, 0..=WAIT_SECONDS_MAX as usize)?;
        let (workspace, run) = runs::start(app, request, key)?;
        runs::wait(app, run, Duration::from_secs(wait as u64))?;
        runs::show(app, &workspace, run)
    })
    .await?;
    Ok((StatusCode::CREATED, axum::Json(run)))
}

/// Shows a run as it is now.
#[utoipa::path(get, path = "/v1/runs/{id}", tag = "runs", params(("id" = String, Path), Place),
    responses((status = 200, body = Run), (status = "default", body = Problem)))]
pub async fn show(
    app: Caller,
    Path(id): Path<String>,
    Parameters(place): Parameters<Place>,
) -> Answered<axum::Json<Run>> {
    respond(&app, move |app| {
        let found = app.run_in(place.workspace.as_deref(), &id)?;
        runs::wire(app, &found.workspace.name, &found.it)
    })
    .await
}

/// Deletes a run that is over, with its history.
#[utoipa::path(delete, path = "/v1/runs/{id}", tag = "runs", params(("id" = String, Path), Place),
    responses((status = 204), (status = "default", body = Problem)))]
pub async fn delete(
    app: Caller,
    Path(id): Path<String>,
    Parameters(place): Parameters<Place>,
) -> Answered<StatusCode> {
    blocking(&app, move |app| {
        let found = app.run_in(place.workspace.as_deref(), &id)?;
        if app.store.run_delete(found.it.id)? {
            return Ok(());
        }
        let what = format!("run {id} is under way; cancel it first with POST /v1/runs/{id}/cancel");
        Err(Error::conflict("run_under_way", what))
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists a run's checkpoints from the first on: its history.
#[utoipa::path(get, path = "/v1/runs/{id}/checkpoints", tag = "runs", params(("id" = String, Path), Page),
    responses((status = 200, body = CheckpointsPage), (status = "default", body = Problem)))]
pub async fn checkpoints(
    app: Caller,
    Path(id): Path<String>,
    Parameters(query): Parameters<Page>,
) -> Answered<axum::Json<CheckpointsPage>> {
    respond(&app, move |app| {
        let found = app.run_in(query.workspace.as_deref(), &id)?;
        let limit = within("limit", query.limit, 100, 1..=500)?;
        let first = query.cursor.as_deref().map_or(Ok(0), read_cursor)?;
        let mut heads = app.store.checkpoint_heads(found.it.id, first, limit + 1)?;
        let next = heads.get(limit).map(|head| head.number.to_string());
        heads.truncate(limit);
        Ok(CheckpointsPage { checkpoints: heads.into_iter().map(wire::checkpoint).collect(), next })
    })
    .await
}

/// Shows what a run's state was after a checkpoint.
#[utoipa::path(get, path = "/v1/runs/{id}/checkpoints/{number}", tag = "runs",
    params(("id" = String, Path), ("number" = u32, Path), Place),
    responses((status = 200, body = CheckpointState), (status = "default", body = Problem)))]
pub async fn state(
    app: Caller,
    Path((id, number)): Path<(String, String)>,
    Parameters(place): Parameters<Place>,
) -> Answered<axum::Json<CheckpointState>> {
    respond(&app, move |app| {
        let found = app.run_in(place.workspace.as_deref(), &id)?;
        runs::state_at(app, found.it.id, checkpoint_number(&number)?)
    })
    .await
}

fn checkpoint_number(text: &str) -> Result<u32> {
    text.parse().map_err(|_| {
        Error::bad_request(
            "parameter_malformed",
            format!("'{text}' is no number of a checkpoint; they count from 0"),
        )
    })
}

/// Sends a run's events: all of them, or those after the id in the header `Last-Event-ID` or in `after`.
#[utoipa::path(get, path = "/v1/runs/{id}/events", tag = "runs",
    params(("id" = String, Path), EventsQuery, ("Last-Event-ID" = Option<String>, Header)),
    responses((status = 200, content_type = "text/event-stream"), (status = "default", body = Problem)))]
pub async fn events(
    app: Caller,
    Path(id): Path<String>,
    Parameters(query): Parameters<EventsQuery>,
    headers: HeaderMap,
) -> Answered<Response> {
    let after = events::after(last_event(&headers).or(query.after.as_deref()))?;
    let run = blocking(&app, move |app| Ok(app.run_in(query.workspace.as_deref(), &id)?.it.id)).await?;
    Ok(live::sse(&app, None, move |app, sink| events::tell(app, run, after, sink))?)
}

fn last_event(headers: &HeaderMap) -> Option<&str> {
    headers.get("last-event-id")?.to_str().ok()
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct EventsQuery {
    pub workspace: Option<String>,
    /// The id of the last event that the client has seen.
    pub after: Option<String>,
}

/// The same events over a WebSocket, as text frames of JSON with `id` and `type`.
#[utoipa::path(get, path = "/v1/runs/{id}/socket", tag = "runs",
    params(("id" = String, Path), EventsQuery, ("Last-Event-ID" = Option<String>, Header)),
    responses((status = 101), (status = "default", body = Problem)))]
pub async fn socket(
    app: Caller,
    Path(id): Path<String>,
    Parameters(query): Parameters<EventsQuery>,
    headers: HeaderMap,
    upgrade: std::result::Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Answered<Response> {
    let after = events::after(last_event(&headers).or(query.after.as_deref()))?;
    let run = blocking(&app, move |app| Ok(app.run_in(query.workspace.as_deref(), &id)?.it.id)).await?;
    let upgrade = upgrade.map_err(|rejection| {
        let what = format!("this address speaks WebSocket only ({rejection}); GET /v1/runs/{{id}}/events sends the same over HTTP");
        Error::bad_request("socket_expected", what)
    })?;
    Ok(live::socket(&app, upgrade, move |app, sink| events::tell(app, run, after, sink))?)
}

/// Answers what a run asks a person. The value must fit the schema of the question.
#[utoipa::path(post, path = "/v1/runs/{id}/answer", tag = "runs", params(("id" = String, Path), Place),
    request_body = AnswerRequest, responses((status = 200, body = Run), (status = "default", body = Problem)))]
pub async fn answer(
    app: Caller,
    Path(id): Path<String>,
    Parameters(place): Parameters<Place>,
    Json(request): Json<AnswerRequest>,
) -> Answered<axum::Json<Run>> {
    respond(&app, move |app| {
        let found = app.run_in(place.workspace.as_deref(), &id)?;
        runs::answer(app, &found.it, request)?;
        runs::show(app, &found.workspace, found.it.id)
    })
    .await
}

/// Takes a failed run up again where it failed.
#[utoipa::path(post, path = "/v1/runs/{id}/resume", tag = "runs", params(("id" = String, Path), Place),
    responses((status = 200, body = Run), (status = "default", body = Problem)))]
pub async fn resume(
    app: Caller,
    Path(id): Path<String>,
    Parameters(place): Parameters<Place>,
) -> Answered<axum::Json<Run>> {
    respond(&app, move |app| {
        let found = app.run_in(place.workspace.as_deref(), &id)?;
        app.runner().resume(found.it.id)?;
        runs::show(app, &found.workspace, found.it.id)
    })
    .await
}

/// Cancels a run: what is under way is given up, what can be undone is undone.
#[utoipa::path(post, path = "/v1/runs/{id}/cancel", tag = "runs", params(("id" = String, Path), Place),
    request_body = Option<CancelRequest>, responses((status = 200, body = Run), (status = "default", body = Problem)))]
pub async fn cancel(
    app: Caller,
    Path(id): Path<String>,
    Parameters(place): Parameters<Place>,
    request: Option<Json<CancelRequest>>,
) -> Answered<axum::Json<Run>> {
    let reason = request.and_then(|Json(request)| request.reason);
    respond(&app, move |app| {
        let found = app.run_in(place.workspace.as_deref(), &id)?;
        app.runner().cancel(found.it.id, reason.as_deref().unwrap_or("cancelled by request"))?;
        runs::show(app, &found.workspace, found.it.id)
    })
    .await
}

/// Starts a new run from a checkpoint of this one, with channels changed, or on another flow.
#[utoipa::path(post, path = "/v1/runs/{id}/fork", tag = "runs", params(("id" = String, Path), Place),
    request_body = ForkRequest, responses((status = 201, body = Run), (status = "default", body = Problem)))]
pub async fn fork(
    app: Caller,
    Path(id): Path<String>,
    Parameters(place): Parameters<Place>,
    Json(request): Json<ForkRequest>,
) -> Answered<(StatusCode, axum::Json<Run>)> {
    let run = blocking(&app, move |app| {
        let found = app.run_in(place.workspace.as_deref(), &id)?;
        let forked = runs::fork(app, &found.it, request)?;
        runs::show(app, &found.workspace, forked)
    })
    .await?;
    Ok((StatusCode::CREATED, axum::Json(run)))
}

/// Applies a run's journal again, without effects, and says whether every state comes out the same.
#[utoipa::path(post, path = "/v1/runs/{id}/replay", tag = "runs", params(("id" = String, Path), Place),
    responses((status = 200, body = Replayed), (status = "default", body = Problem)))]
pub async fn replay(
    app: Caller,
    Path(id): Path<String>,
    Parameters(place): Parameters<Place>,
) -> Answered<axum::Json<Replayed>> {
    respond(&app, move |app| {
        let found = app.run_in(place.workspace.as_deref(), &id)?;
        runs::replay(app, found.it.id)
    })
    .await
}

/// Shows the version of the flow that a run goes by, whatever the name means by now.
#[utoipa::path(get, path = "/v1/runs/{id}/flow", tag = "runs", params(("id" = String, Path), Place),
    responses((status = 200, body = FlowDetail), (status = "default", body = Problem)))]
pub async fn flow(
    app: Caller,
    Path(id): Path<String>,
    Parameters(place): Parameters<Place>,
) -> Answered<axum::Json<FlowDetail>> {
    respond(&app, move |app| {
        let found = app.run_in(place.workspace.as_deref(), &id)?;
        runs::flow_of(app, &found.it)
    })
    .await
}

/// Says where two runs part, and how their ends differ.
#[utoipa::path(get, path = "/v1/runs/{id}/diff/{other}", tag = "runs",
    params(("id" = String, Path), ("other" = String, Path), Place),
    responses((status = 200, body = RunDiff), (status = "default", body = Problem)))]
pub async fn diff(
    app: Caller,
    Path((id, other)): Path<(String, String)>,
    Parameters(place): Parameters<Place>,
) -> Answered<axum::Json<RunDiff>> {
    respond(&app, move |app| {
        let left = app.run_in(place.workspace.as_deref(), &id)?;
        let right = app.run_in(place.workspace.as_deref(), &other)?;
        runs::diff(app, left.it.id, right.it.id)
    })
    .await
}

/// Lists what runs wait for people to say, the newest run first.
#[utoipa::path(get, path = "/v1/approvals", tag = "runs", params(Page),
    responses((status = 200, body = ApprovalsPage), (status = "default", body = Problem)))]
pub async fn approvals(
    app: Caller,
    Parameters(query): Parameters<Page>,
) -> Answered<axum::Json<ApprovalsPage>> {
    respond(&app, move |app| {
        let workspace = app.workspace(query.workspace.as_deref())?;
        let page = app.store.run_list(&ibid_store::RunsQuery {
            workspace: Some(workspace.id),
            is_asking: true,
            seen_by: app.seen_by(workspace.id),
            limit: within("limit", query.limit, 50, 1..=500)?,
            cursor: query.cursor,
            ..ibid_store::RunsQuery::default()
        })?;
        let mut approvals: Vec<Approval> = Vec::new();
        for row in &page.items {
            approvals.extend(runs::wire(app, &workspace.name, row)?.approvals);
        }
        Ok(ApprovalsPage { approvals, next: page.next })
    })
    .await
}

/// Counts runs by status and what is stored of them, over all workspaces.
#[utoipa::path(get, path = "/v1/runs/statistics", tag = "runs",
    responses((status = 200, body = RunStatistics), (status = "default", body = Problem)))]
pub async fn statistics(app: Caller) -> Answered<axum::Json<RunStatistics>> {
    respond(&app, |app| runs::statistics(app)).await
}
