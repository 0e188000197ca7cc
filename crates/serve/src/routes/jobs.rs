//! `/v1/jobs`: durable work, followed live.

use std::ops::ControlFlow;
use std::time::Duration;

use axum::response::Response;
use ibid_api::document::Failure as WireFailure;
use ibid_api::job::{BatchQuery, Job, JobCounts, JobsPage, JobsQuery};
use ibid_api::problem::Problem;
use ibid_types::access::{Permission, Readable};
use ibid_types::{Error, JobId, Result, WorkspaceId};

use super::ask::within;
use super::documents::duplicate_told;
use super::sse::{self, Sender};
use crate::access::Caller;
use crate::http::{Answered, Parameters, Path, blocking, respond};

/// How often a stream looks for changes: often enough to look live, seldom enough to cost nothing.
const LOOK_EVERY: Duration = Duration::from_millis(150);

/// Lists jobs, newest first, with the counts of all that match.
#[utoipa::path(get, path = "/v1/jobs", tag = "jobs", params(JobsQuery),
    responses((status = 200, body = JobsPage), (status = "default", body = Problem)))]
pub async fn list(app: Caller, Parameters(query): Parameters<JobsQuery>) -> Answered<axum::Json<JobsPage>> {
    respond(&app, move |app| page(app, query)).await
}

fn page(app: &Caller, query: JobsQuery) -> Result<JobsPage> {
    // Whoever has no part in all of them sees those of one.
    let workspace = match query.workspace.as_deref() {
        None if app.rights().may_everywhere(Permission::Read) => None,
        named => Some(app.workspace(named)?),
    };
    let readable = match &workspace {
        Some(workspace) => app.readable(workspace.id)?,
        None => everywhere(app)?,
    };
    let page = app.store.jobs().list(
        &readable,
        &ibid_store::JobsQuery {
            workspace: workspace.map(|workspace| workspace.id),
            batch: query.batch,
            state: query.state.as_deref().map(ibid_store::JobState::read).transpose()?,
            limit: within("limit", query.limit, 50, 1..=1000)?,
            cursor: query.cursor,
        },
    )?;
    if page.items.iter().any(is_done) {
        app.settle()?;
    }
    Ok(JobsPage {
        jobs: page.items.into_iter().map(|job| wire(app, &readable, job)).collect::<Result<_>>()?,
        counts: counts(page.counts),
        next: page.next,
    })
}

/// Of all workspaces: those of whoever administers them all, else those that are open to the caller.
fn everywhere(app: &Caller) -> Result<Readable> {
    if app.rights().may_everywhere(Permission::Administer) {
        return Ok(Readable::All);
    }
    app.store.readable(WorkspaceId::from_bytes([0; 16]), app.reader())
}

/// Streams a batch's jobs as they change: events `job` ([`Job`]) and `counts`, then `done` when none is left.
#[utoipa::path(get, path = "/v1/jobs/events", tag = "jobs", params(BatchQuery),
    responses((status = 200, content_type = "text/event-stream"), (status = "default", body = Problem)))]
pub async fn events(app: Caller, Parameters(query): Parameters<BatchQuery>) -> Answered<Response> {
    let first = query.clone();
    blocking(&app, move |app| batch(app, &first)).await?;
    Ok(sse::watch(&app, move |app, sender| {
        if let Err(error) = follow(app, &query, sender) {
            sender.fail(&error);
        }
    })?)
}

fn batch(app: &Caller, followed: &BatchQuery) -> Result<JobsPage> {
    let BatchQuery { workspace, batch, state } = followed.clone();
    page(app, JobsQuery { workspace, batch, state, limit: Some(1000), cursor: None })
}

fn follow(app: &Caller, query: &BatchQuery, sender: &Sender) -> Result<()> {
    let mut known = std::collections::HashMap::new();
    loop {
        let page = batch(app, query)?;
        for job in page.jobs {
            let state = serde_json::to_string(&job).unwrap_or_default();
            if known.insert(job.id.clone(), state.clone()).as_ref() != Some(&state)
                && sender.send("job", &job).is_break()
            {
                return Ok(());
            }
        }
        if sender.send("counts", &page.counts).is_break() || app.shutdown.wait_timeout(Duration::ZERO) {
            return Ok(());
        }
        if page.counts.queued + page.counts.running == 0 {
            let _: ControlFlow<()> = sender.send("done", &page.counts);
            return Ok(());
        }
        if app.shutdown.wait_timeout(LOOK_EVERY) {
            return Ok(());
        }
    }
}

/// Shows a job.
#[utoipa::path(get, path = "/v1/jobs/{id}", tag = "jobs", params(("id" = String, Path)),
    responses((status = 200, body = Job), (status = "default", body = Problem)))]
pub async fn show(app: Caller, Path(id): Path<String>) -> Answered<axum::Json<Job>> {
    respond(&app, move |app| find(app, &id)).await
}

fn find(app: &Caller, id: &str) -> Result<Job> {
    let job = find_row(app, id)?;
    if is_done(&job) {
        app.settle()?;
    }
    let readable = job.workspace.map_or(Ok(Readable::All), |workspace| app.readable(workspace))?;
    wire(app, &readable, job)
}

/// One that the caller may see; of another workspace it is unknown.
fn find_row(app: &Caller, id: &str) -> Result<ibid_store::Job> {
    let id: JobId = id.parse()?;
    let is_for_caller = |job: &ibid_store::Job| match job.workspace {
        Some(workspace) => app.may_in(workspace),
        None => app.rights().may_everywhere(Permission::Read),
    };
    let unknown = || Error::not_found("job_unknown", format!("there is no job {id}"));
    let found = app.store.jobs().find(id)?.filter(is_for_caller).ok_or_else(unknown)?;
    let (Some(workspace), Some(document)) = (found.workspace, found.document) else { return Ok(found) };
    let documents = app.store.documents_by_id(workspace, &[document])?;
    let readable = app.readable(workspace)?;
    // A document that was deleted has no list any more.
    let is_readable = documents.iter().all(|document| app.may_know(&readable, document));
    if is_readable { Ok(found) } else { Err(unknown()) }
}

fn is_done(job: &ibid_store::Job) -> bool {
    job.finished_at.is_some()
}

/// Cancels a job that has not begun.
#[utoipa::path(delete, path = "/v1/jobs/{id}", tag = "jobs", params(("id" = String, Path)),
    responses((status = 200, body = Job), (status = "default", body = Problem)))]
pub async fn cancel(app: Caller, Path(id): Path<String>) -> Answered<axum::Json<Job>> {
    respond(&app, move |app| {
        app.store.jobs().cancel(find_row(app, &id)?.id)?;
        find(app, &id)
    })
    .await
}

/// Puts a failed or cancelled job back into the queue.
#[utoipa::path(post, path = "/v1/jobs/{id}/retry", tag = "jobs", params(("id" = String, Path)),
    responses((status = 200, body = Job), (status = "default", body = Problem)))]
pub async fn retry(app: Caller, Path(id): Path<String>) -> Answered<axum::Json<Job>> {
    respond(&app, move |app| {
        app.store.jobs().retry(find_row(app, &id)?.id)?;
        app.wake_pipeline();
        find(app, &id)
    })
    .await
}

/// A job as clients see it.
fn wire(app: &Caller, readable: &Readable, job: ibid_store::Job) -> Result<Job> {
    let mut result = ibid_ingest::JobResult::read(&job);
    if let Some((step, progress)) = app.progress_of(job.id).filter(|_| job.finished_at.is_none()) {
        result.step = Some(step.to_owned());
        result.progress = progress;
    }
    let duplicate = result.near_duplicate_of.as_deref().map(str::parse).transpose()?;
    let near_duplicate_of = match job.workspace {
        Some(workspace) => duplicate_told(app, readable, workspace, duplicate)?,
        None => duplicate,
    };
    Ok(Job {
        id: job.id.to_string(),
        kind: job.kind,
        state: job.state.name().to_owned(),
        subject: job.subject,
        document: job.document.map(|id| id.to_string()),
        batch: job.batch,
        attempts: job.attempts,
        step: result.step,
        progress: result.progress,
        chunks: result.chunks,
        // A job that waits for another attempt keeps the reason of the last one to itself until it ends.
        failure: job
            .failure
            .filter(|_| job.state == ibid_store::JobState::Failed)
            .map(|failure| WireFailure { code: failure.code, reason: failure.reason }),
        unchanged: false,
        near_duplicate_of: near_duplicate_of.map(|id| id.to_string()),
        warnings: result.warnings,
        created_at: job.created_at.to_string(),
        finished_at: job.finished_at.map(|time| time.to_string()),
    })
}

pub const fn counts(counts: ibid_store::JobCounts) -> JobCounts {
    JobCounts {
        queued: counts.queued,
        running: counts.running,
        done: counts.done,
        failed: counts.failed,
        cancelled: counts.cancelled,
    }
}
