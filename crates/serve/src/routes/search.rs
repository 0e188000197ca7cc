//! `POST /v1/search`: chunks that fit a query, with the reasons where they are asked for.

use std::time::Instant;

use ibid_api::convert::search_mode;
use ibid_api::problem::Problem;
use ibid_api::search::{Hit, SearchRequest, SearchResponse};
use ibid_types::search::Request;
use ibid_types::{Error, Result};

use super::ask::{milliseconds, within};
use crate::access::Caller;
use crate::http::{Answered, Json, respond};

/// Finds chunks by words, by meaning, or by both.
#[utoipa::path(post, path = "/v1/search", tag = "answers", request_body = SearchRequest,
    responses((status = 200, body = SearchResponse), (status = "default", body = Problem)))]
pub async fn search(app: Caller, Json(request): Json<SearchRequest>) -> Answered<axum::Json<SearchResponse>> {
    let place = app.place(&app.queues.searches, request.workspace.as_deref()).await?;
    respond(&app, move |app| {
        let _held = place;
        find(app, request)
    })
    .await
}

fn find(app: &Caller, request: SearchRequest) -> Result<SearchResponse> {
    let query = request.query.trim().to_owned();
    if query.is_empty() {
        return Err(Error::bad_request("query_empty", "the query is empty; search for some words"));
    }
    let started = Instant::now();
    let explain = request.explain;
    let found = app.search(&Request {
        workspace: app.workspace(request.workspace.as_deref())?.id,
        reader: app.reader(),
        query,
        mode: search_mode(request.mode.as_deref())?,
        filter: request.filter.into_domain()?,
        limit: within("limit", request.limit, 10, 1..=100)?,
    })?;
    Ok(SearchResponse {
        hits: found.hits.into_iter().map(|hit| Hit::new(hit, explain)).collect(),
        trace: explain.then(|| found.trace.into()),
        took_ms: milliseconds(started),
    })
}
