//! `/v1/threads`: conversations, their turns, and what people think of an answer.

use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use ibid_api::problem::Problem;
use ibid_api::thread::{
    Feedback, FeedbackRequest, Thread, ThreadChange, ThreadForkRequest, ThreadRequest, ThreadsPage,
    ThreadsQuery, Turn, TurnRequest, TurnsPage,
};
use ibid_store::ThreadRow;
use ibid_types::{Error, Result};

use super::ask::within;
use crate::App;
use crate::access::Caller;
use crate::http::{Answered, Json, Page, Parameters, Path, Place, RUN_HEADER, blocking, respond};
use crate::live;
use crate::turns::{self, wire_turn};

/// A title is a line in a list.
const TITLE_CHARS_MAX: usize = 200;
/// What people write about an answer, in bytes.
const FEEDBACK_BYTES_MAX: usize = 20_000;

/// Lists threads, the last used first.
#[utoipa::path(get, path = "/v1/threads", tag = "chat", params(ThreadsQuery),
    responses((status = 200, body = ThreadsPage), (status = "default", body = Problem)))]
pub async fn list(
    app: Caller,
    Parameters(query): Parameters<ThreadsQuery>,
) -> Answered<axum::Json<ThreadsPage>> {
    respond(&app, move |app| page(app, query)).await
}

/// Finds threads by words of their titles and questions, the last used first.
#[utoipa::path(post, path = "/v1/threads/find", tag = "chat", request_body = ThreadsQuery,
    responses((status = 200, body = ThreadsPage), (status = "default", body = Problem)))]
pub async fn find_by_words(
    app: Caller,
    Json(request): Json<ThreadsQuery>,
) -> Answered<axum::Json<ThreadsPage>> {
    respond(&app, move |app| page(app, request)).await
}

fn page(app: &Caller, query: ThreadsQuery) -> Result<ThreadsPage> {
    let workspace = app.workspace(query.workspace.as_deref())?;
    let page = app.store.thread_list(
        workspace.id,
        &ibid_store::ThreadsQuery {
            text: query.text,
            seen_by: app.seen_by(workspace.id),
            limit: within("limit", query.limit, 50, 1..=200)?,
            cursor: query.cursor,
        },
    )?;
    let threads = page.items.into_iter().map(|thread| wire(&workspace.name, thread)).collect();
    Ok(ThreadsPage { threads, next: page.next })
}

fn wire(workspace: &str, thread: ThreadRow) -> Thread {
    Thread {
        id: thread.id.to_string(),
        workspace: workspace.to_owned(),
        title: thread.title,
        turns: thread.turns,
        summary: thread.summary,
        created_at: thread.created_at.to_string(),
        updated_at: thread.updated_at.to_string(),
    }
}

/// Begins a thread. Without a title its first question will be its title.
#[utoipa::path(post, path = "/v1/threads", tag = "chat", request_body = ThreadRequest,
    responses((status = 201, body = Thread), (status = "default", body = Problem)))]
pub async fn create(
    app: Caller,
    Json(request): Json<ThreadRequest>,
) -> Answered<(StatusCode, axum::Json<Thread>)> {
    let thread = blocking(&app, move |app| {
        let workspace = app.workspace(request.workspace.as_deref())?;
        let title = request.title.as_deref().map(title).transpose()?.unwrap_or_default();
        let id = app.store.thread_create(workspace.id, &title, app.owner().as_deref())?;
        show_one(app, Some(&workspace.name), &id.to_string())
    })
    .await?;
    Ok((StatusCode::CREATED, axum::Json(thread)))
}

fn title(text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > TITLE_CHARS_MAX {
        let what = format!("a thread's title has 1 to {TITLE_CHARS_MAX} characters");
        return Err(Error::bad_request("thread_title", what));
    }
    Ok(text.to_owned())
}

fn show_one(app: &Caller, workspace: Option<&str>, id: &str) -> Result<Thread> {
    let found = app.thread_in(workspace, id)?;
    Ok(wire(&found.workspace.name, found.it))
}

/// Shows a thread.
#[utoipa::path(get, path = "/v1/threads/{id}", tag = "chat", params(("id" = String, Path), Place),
    responses((status = 200, body = Thread), (status = "default", body = Problem)))]
pub async fn show(
    app: Caller,
    Path(id): Path<String>,
    Parameters(place): Parameters<Place>,
) -> Answered<axum::Json<Thread>> {
    respond(&app, move |app| show_one(app, place.workspace.as_deref(), &id)).await
}

/// Renames a thread.
#[utoipa::path(patch, path = "/v1/threads/{id}", tag = "chat", params(("id" = String, Path), Place),
    request_body = ThreadChange, responses((status = 200, body = Thread), (status = "default", body = Problem)))]
pub async fn change(
    app: Caller,
    Path(id): Path<String>,
    Parameters(place): Parameters<Place>,
    Json(change): Json<ThreadChange>,
) -> Answered<axum::Json<Thread>> {
    respond(&app, move |app| {
        let found = app.thread_in(place.workspace.as_deref(), &id)?;
        app.store.thread_rename(found.workspace.id, found.it.id, &title(&change.title)?)?;
        show_one(app, place.workspace.as_deref(), &id)
    })
    .await
}

/// Deletes a thread with its turns and their runs; a run that is under way is cancelled.
#[utoipa::path(delete, path = "/v1/threads/{id}", tag = "chat", params(("id" = String, Path), Place),
    responses((status = 204), (status = "default", body = Problem)))]
pub async fn delete(
    app: Caller,
    Path(id): Path<String>,
    Parameters(place): Parameters<Place>,
) -> Answered<StatusCode> {
    blocking(&app, move |app| {
        let found = app.thread_in(place.workspace.as_deref(), &id)?;
        turns::cancel_all(app, &found)?;
        app.store.thread_delete(found.workspace.id, found.it.id)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Begins a new thread with the turns of this one, up to one of them.
#[utoipa::path(post, path = "/v1/threads/{id}/fork", tag = "chat", params(("id" = String, Path), Place),
    request_body = ThreadForkRequest, responses((status = 201, body = Thread), (status = "default", body = Problem)))]
pub async fn fork(
    app: Caller,
    Path(id): Path<String>,
    Parameters(place): Parameters<Place>,
    Json(request): Json<ThreadForkRequest>,
) -> Answered<(StatusCode, axum::Json<Thread>)> {
    let thread = blocking(&app, move |app| {
        let found = app.thread_in(place.workspace.as_deref(), &id)?;
        let forked = turns::fork(app, &found, request.turn)?;
        show_one(app, Some(&found.workspace.name), &forked.to_string())
    })
    .await?;
    Ok((StatusCode::CREATED, axum::Json(thread)))
}

/// Lists a thread's turns, oldest first.
#[utoipa::path(get, path = "/v1/threads/{id}/turns", tag = "chat", params(("id" = String, Path), Page),
    responses((status = 200, body = TurnsPage), (status = "default", body = Problem)))]
pub async fn turns(
    app: Caller,
    Path(id): Path<String>,
    Parameters(query): Parameters<Page>,
) -> Answered<axum::Json<TurnsPage>> {
    respond(&app, move |app| {
        let found = app.thread_in(query.workspace.as_deref(), &id)?;
        let limit = within("limit", query.limit, 50, 1..=500)?;
        let after = query.cursor.as_deref().map_or(Ok(0), read_cursor)?;
        let mut turns = app.store.turn_list(found.it.id, after, limit + 1)?;
        let more = turns.len() > limit;
        turns.truncate(limit);
        let next = turns.last().filter(|_| more).map(|turn| turn.number.to_string());
        let turns = turns.into_iter().map(|turn| wire_turn(app, turn)).collect::<Result<_>>()?;
        Ok(TurnsPage { turns, next })
    })
    .await
}

/// The number of the last turn or checkpoint that the page before held.
pub fn read_cursor(cursor: &str) -> Result<u32> {
    cursor.parse().map_err(|_| {
        Error::bad_request("cursor_malformed", format!("'{cursor}' is not a cursor of this listing"))
    })
}

/// Shows a turn.
#[utoipa::path(get, path = "/v1/turns/{id}", tag = "chat", params(("id" = String, Path), Place),
    responses((status = 200, body = Turn), (status = "default", body = Problem)))]
pub async fn turn(
    app: Caller,
    Path(id): Path<String>,
    Parameters(place): Parameters<Place>,
) -> Answered<axum::Json<Turn>> {
    respond(&app, move |app| {
        let found = app.turn_in(place.workspace.as_deref(), &id)?;
        wire_turn(app, found.it)
    })
    .await
}

/// Asks a question in a thread.
///
/// With `stream: true` the events of its run are sent as they happen; `GET /v1/runs/{run}/events` tells them again,
/// from any point. Without it the turn comes when it is over, or as it is shortly before `server.request_seconds_max`.
/// A client that leaves does not cancel the run.
#[utoipa::path(post, path = "/v1/threads/{id}/turns", tag = "chat",
    params(("id" = String, Path), Place, ("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,200}$")),
    request_body = TurnRequest,
    responses((status = 200, content((Turn = "application/json"), (serde_json::Value = "text/event-stream"))), (status = "default", body = Problem)))]
pub async fn ask(
    app: Caller,
    Path(id): Path<String>,
    Parameters(place): Parameters<Place>,
    headers: HeaderMap,
    Json(request): Json<TurnRequest>,
) -> Answered<Response> {
    let stream = request.stream;
    let key = idempotency_key(&headers)?;
    let held = app.place(app.queue_of(request.mode.as_deref()), place.workspace.as_deref()).await?;
    let run = blocking(&app, move |app| {
        let found = app.thread_in(place.workspace.as_deref(), &id)?;
        turns::start(app, &found, request, key)
    })
    .await?;
    let name = [(RUN_HEADER, run.to_string())];
    if stream {
        let tell = move |app: &App, sink: &live::Sink| crate::events::tell(app, run, None, sink);
        let events = live::sse(&app, Some(held), tell)?;
        return Ok((name, events).into_response());
    }
    let turn = blocking(&app, move |app| {
        let _held = held;
        turns::wait(app, run)
    })
    .await?;
    Ok((name, axum::Json(turn)).into_response())
}

/// The client's own name for what it asks for, so that asking twice is asking once.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().unwrap_or_default();
    if key.is_empty() || key.len() > 200 {
        let what = "the header Idempotency-Key holds 1 to 200 visible ASCII characters";
        return Err(Error::bad_request("idempotency_key_malformed", what));
    }
    Ok(Some(key.to_owned()))
}

/// Says what one thinks of an answer; saying it again replaces what was said.
#[utoipa::path(put, path = "/v1/turns/{id}/feedback", tag = "chat", params(("id" = String, Path), Place),
    request_body = FeedbackRequest, responses((status = 200, body = Feedback), (status = "default", body = Problem)))]
pub async fn feedback(
    app: Caller,
    Path(id): Path<String>,
    Parameters(place): Parameters<Place>,
    Json(request): Json<FeedbackRequest>,
) -> Answered<axum::Json<Feedback>> {
    respond(&app, move |app| {
        let found = app.turn_in(place.workspace.as_deref(), &id)?;
        check_length("reason", request.reason.as_deref())?;
        check_length("correction", request.correction.as_deref())?;
        let (reason, correction) = (request.reason.as_deref(), request.correction.as_deref());
        app.store.feedback_save(found.workspace.id, found.it.run, request.rating, reason, correction)?;
        app.metrics.feedback(request.rating);
        if request.rating < 0 {
            turns::forget(app, &found.it)?;
        }
        turns::feedback(app, found.it.run)?
            .ok_or_else(|| Error::not_found("turn_unknown", format!("there is no turn {id}")))
    })
    .await
}

fn check_length(field: &str, text: Option<&str>) -> Result<()> {
    if text.is_none_or(|text| text.len() <= FEEDBACK_BYTES_MAX) {
        return Ok(());
    }
    let what = format!("{field} has more than {FEEDBACK_BYTES_MAX} bytes; write less");
    Err(Error::bad_request("value_out_of_range", what))
}
