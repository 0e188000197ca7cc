//! `/v1/ops/backups` and `/v1/ops/drills`: what is backed up, and rehearsals of getting it back.

use std::sync::Arc;

use axum::extract::State;
use ibid_api::problem::Problem;
use ibid_backup::Backup;
use ibid_types::{Error, Result};
use serde_json::{Value, json};

use crate::App;
use crate::backups::{Backups, drill, pruned};
use crate::http::{Answered, respond};

/// Lists what can be restored, destination by destination.
#[utoipa::path(get, path = "/v1/ops/backups", tag = "operations",
    responses((status = 200, body = serde_json::Value), (status = "default", body = Problem)))]
pub async fn list(State(app): State<Arc<App>>) -> Answered<axum::Json<Value>> {
    respond(&app, |app| Ok(json!({ "destinations": Backups::open(&app.config, None)?.list()? }))).await
}

/// Makes a base now.
#[utoipa::path(post, path = "/v1/ops/backups", tag = "operations",
    responses((status = 200, body = serde_json::Value), (status = "default", body = Problem)))]
pub async fn make(State(app): State<Arc<App>>) -> Answered<axum::Json<Value>> {
    respond(&app, |app| {
        let made = running(app)?.make_base(&app.shutdown)?;
        Ok(json!(made))
    })
    .await
}

/// How the backup is: how far behind, since when, what failed.
#[utoipa::path(get, path = "/v1/ops/backups/status", tag = "operations",
    responses((status = 200, body = serde_json::Value), (status = "default", body = Problem)))]
pub async fn status(State(app): State<Arc<App>>) -> Answered<axum::Json<Value>> {
    respond(&app, |app| Ok(json!(running(app)?.status()))).await
}

/// Removes what is older than the destinations keep.
#[utoipa::path(post, path = "/v1/ops/backups/prune", tag = "operations",
    responses((status = 200, body = serde_json::Value), (status = "default", body = Problem)))]
pub async fn prune(State(app): State<Arc<App>>) -> Answered<axum::Json<Value>> {
    respond(&app, |app| Ok(json!({ "pruned": pruned(running(app)?.prune_all())? }))).await
}

/// Lists rehearsals, newest first.
#[utoipa::path(get, path = "/v1/ops/drills", tag = "operations",
    responses((status = 200, body = serde_json::Value), (status = "default", body = Problem)))]
pub async fn drills(State(app): State<Arc<App>>) -> Answered<axum::Json<Value>> {
    respond(&app, |app| Ok(json!({ "drills": drill::list(&app.config.data.dir) }))).await
}

/// Rehearses a restore now: the newest backup is restored into a scratch folder, checked and asked.
#[utoipa::path(post, path = "/v1/ops/drills", tag = "operations",
    responses((status = 200, body = serde_json::Value), (status = "default", body = Problem)))]
pub async fn drill(State(app): State<Arc<App>>) -> Answered<axum::Json<Value>> {
    respond(&app, |app| Ok(json!(drill::run(app)?))).await
}

fn running(app: &App) -> Result<&Arc<Backup>> {
    app.backup.as_ref().ok_or_else(|| {
        Error::conflict("backup_disabled", "nothing is backed up: set backup.enabled to true and start again")
    })
}
