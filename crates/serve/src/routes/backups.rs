//! `/v1/ops/backups` and `/v1/ops/drills`: what is backed up, and rehearsals of getting it back.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::header;
use axum::response::{Html, IntoResponse};
use ibid_api::problem::Problem;
use ibid_backup::Backup;
use ibid_types::access::Permission;
use ibid_types::{Error, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::sse::{self, Sender};
use crate::App;
use crate::access::Caller;
use crate::audit::Noted;
use crate::backups::report::{Report, page};
use crate::backups::{Backups, drill, partial, pruned};
use crate::http::{Answered, Json, Parameters, blocking, respond};

/// Lists what can be restored, destination by destination; of one that cannot be read, why.
#[utoipa::path(get, path = "/v1/ops/backups", tag = "operations",
    responses((status = 200, body = serde_json::Value), (status = "default", body = Problem)))]
pub async fn list(app: Caller) -> Answered<axum::Json<Value>> {
    respond(&app, |app| Ok(json!({ "destinations": of_each(app, |one| Ok(json!(one.list()?)))? }))).await
}

/// What `look` gives for each destination by itself, so that one that is gone takes nothing from the others.
fn of_each(app: &App, look: impl Fn(&Backups) -> Result<Value>) -> Result<Vec<Value>> {
    let labels = Backups::open(&app.config, None)?.labels();
    Ok(labels.iter().flat_map(|label| of_one(app, label, &look)).collect())
}

/// What `look` gives for a destination, or why it gives nothing.
fn of_one(app: &App, label: &str, look: impl Fn(&Backups) -> Result<Value>) -> Vec<Value> {
    match Backups::open(&app.config, Some(label)).and_then(|one| look(&one)) {
        Ok(found) => found.as_array().cloned().unwrap_or_default(),
        Err(error) => {
            let failure = json!({ "code": error.code, "reason": error.chain() });
            vec![json!({ "destination": label, "failure": failure })]
        }
    }
}

/// Makes a base now.
#[utoipa::path(post, path = "/v1/ops/backups", tag = "operations",
    responses((status = 200, body = serde_json::Value), (status = "default", body = Problem)))]
pub async fn make(app: Caller) -> Answered<axum::Json<Value>> {
    respond(&app, |app| {
        let made = running(app)?.make_base(&app.shutdown)?;
        Ok(json!(made))
    })
    .await
}

/// How the backup is: how far behind, since when, what failed.
#[utoipa::path(get, path = "/v1/ops/backups/status", tag = "operations",
    responses((status = 200, body = serde_json::Value), (status = "default", body = Problem)))]
pub async fn status(app: Caller) -> Answered<axum::Json<Value>> {
    respond(&app, |app| Ok(json!(running(app)?.status()))).await
}

/// Reads every object of every destination, and says what is damaged; of a destination that cannot be read, why.
#[utoipa::path(post, path = "/v1/ops/backups/verify", tag = "operations",
    responses((status = 200, body = serde_json::Value), (status = "default", body = Problem)))]
pub async fn verify(app: Caller) -> Answered<axum::Json<Value>> {
    respond(&app, |app| {
        let silent = |_: &str, _: u64, _: u64| {};
        Ok(json!({ "verified": of_each(app, |one| Ok(json!(one.verify(&silent)?)))? }))
    })
    .await
}

/// Verifies for however long it takes, and tells how far it is: events `progress`, `verified` for each destination, `done`.
#[utoipa::path(get, path = "/v1/ops/backups/verify/events", tag = "operations",
    responses((status = 200, content_type = "text/event-stream"), (status = "default", body = Problem)))]
pub async fn verify_events(app: Caller) -> sse::Stream {
    sse::stream(&app, |app, sender| {
        if let Err(error) = verify_each(app, sender) {
            sender.fail(&error);
        }
    })
}

fn verify_each(app: &App, sender: &Sender) -> Result<()> {
    for label in Backups::open(&app.config, None)?.labels() {
        let told = AtomicU64::new(u64::MAX);
        let progress = |what: &str, done: u64, all: u64| {
            let percent = done.saturating_mul(100) / all.max(1);
            if told.swap(percent, Ordering::Relaxed) != percent {
                let far = json!({ "destination": label, "what": what, "done": done, "all": all });
                let _: ControlFlow<()> = sender.send("progress", &far);
            }
        };
        for found in of_one(app, &label, |one| Ok(json!(one.verify(&progress)?))) {
            if sender.send("verified", &found).is_break() {
                return Ok(());
            }
        }
    }
    let _: ControlFlow<()> = sender.send("done", &json!({}));
    Ok(())
}

/// Removes what is older than the destinations keep.
#[utoipa::path(post, path = "/v1/ops/backups/prune", tag = "operations",
    responses((status = 200, body = serde_json::Value), (status = "default", body = Problem)))]
pub async fn prune(app: Caller) -> Answered<axum::Json<Value>> {
    respond(&app, |app| Ok(json!({ "pruned": pruned(running(app)?.prune_all())? }))).await
}

/// What is to come back, and from which moment.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PartRequest {
    /// `latest`, a time, or the number of a commit.
    to: String,
    /// `document=ID_OR_SOURCE`, `thread=ID`, `workspace=NAME` or `memory=OWNER` (user:ID, key:ID, shared, machine).
    only: String,
    /// Of a document's source, where several workspaces have it; of a memory.
    workspace: Option<String>,
    /// Also what people have had forgotten since that moment; only where they ask for it themselves.
    #[serde(default)]
    forgotten: bool,
    /// Says what would come back, and brings nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Brings a document, a thread, somebody's memory or a workspace back from the backup into the living library.
#[utoipa::path(post, path = "/v1/ops/restores", tag = "operations", request_body = PartRequest,
    responses((status = 200, body = serde_json::Value), (status = "default", body = Problem)))]
pub async fn restore(
    app: Caller,
    noted: Noted,
    Json(request): Json<PartRequest>,
) -> Answered<axum::Json<Value>> {
    let PartRequest { to, only, workspace, forgotten, dry_run: is_dry_run } = request;
    let trial = if is_dry_run { ", a dry run" } else { "" };
    let also = if forgotten { ", what was forgotten too" } else { "" };
    noted.say(&format!("{only} as of {to}{also}{trial}"));
    let wanted = partial::Wanted { to, only, workspace, forgotten, is_dry_run };
    respond(&app, move |app| Ok(json!(partial::run(app, &wanted)?))).await
}

/// Lists rehearsals, newest first.
#[utoipa::path(get, path = "/v1/ops/drills", tag = "operations",
    responses((status = 200, body = serde_json::Value), (status = "default", body = Problem)))]
pub async fn drills(app: Caller) -> Answered<axum::Json<Value>> {
    respond(&app, |app| {
        let drills: Vec<Report> =
            drill::list(&app.config.data.dir).into_iter().map(|report| shown(app, report)).collect();
        Ok(json!({ "drills": drills }))
    })
    .await
}

/// A report is a page of its own with its style in it, to be kept as one file; nothing in it runs.
const REPORT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Which rehearsal.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Rehearsal {
    /// When it was, as RFC 3339 or in milliseconds; the newest where it is left out.
    at: Option<String>,
}

/// The report of a rehearsal as a page of its own, to print or to keep as PDF.
#[utoipa::path(get, path = "/v1/ops/drills/report", tag = "operations", params(Rehearsal),
    responses((status = 200, body = String, content_type = "text/html"), (status = "default", body = Problem)))]
pub async fn report(app: Caller, Parameters(asked): Parameters<Rehearsal>) -> Answered<impl IntoResponse> {
    let found = move |app: &Caller| {
        let report = drill::find(&app.config.data.dir, asked.at.as_deref())?;
        Ok(page(&shown(app, report)))
    };
    let page = blocking(&app, found).await?;
    Ok(([(header::CONTENT_SECURITY_POLICY, REPORT_POLICY)], Html(page)))
}

/// Rehearses a restore now: the newest backup is restored into a scratch folder, checked and asked.
#[utoipa::path(post, path = "/v1/ops/drills", tag = "operations",
    responses((status = 200, body = serde_json::Value), (status = "default", body = Problem)))]
pub async fn drill(app: Caller) -> Answered<axum::Json<Value>> {
    respond(&app, |app| Ok(json!(shown(app, drill::run(app)?)))).await
}

/// A report quotes passages of every workspace, for whoever may read them all.
fn shown(app: &Caller, report: Report) -> Report {
    if app.rights().may_everywhere(Permission::Administer) { report } else { report.without_texts() }
}

fn running(app: &App) -> Result<&Arc<Backup>> {
    app.backup.as_ref().ok_or_else(|| {
        Error::conflict("backup_disabled", "nothing is backed up: set backup.enabled to true and start again")
    })
}
