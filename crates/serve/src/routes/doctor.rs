//! `/v1/ops/doctor` and `/v1/ops/runbooks`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use ibid_api::problem::Problem;
use ibid_api::quality::{Golden, LeakedKey};
use ibid_api::watch::{Finding as WireFinding, Runbook as WireRunbook};
use ibid_model::BreakerState;
use ibid_ops::alert::per_cent;
use ibid_ops::certificate;
use ibid_ops::doctor::{self, Finding};
use ibid_ops::{machine, runbook};
use ibid_store::{JobState, JobsQuery};
use ibid_types::Result;

use crate::App;
use crate::http::{Answered, blocking, respond};
use crate::leaks::leaked_keys;
use crate::{quality, scrub, upkeep};

/// A lag that the next second cures is not worth a word.
const LAG_MAX: u64 = 500;
/// The backup may be so far behind, in milliseconds, while it copes with a burst.
const BEHIND_MS_MAX: u64 = 60_000;

/// What is wrong inside, each with its fix.
#[utoipa::path(get, path = "/v1/ops/doctor", tag = "operations",
    responses((status = 200, body = Vec<WireFinding>), (status = "default", body = Problem)))]
pub async fn doctor(State(app): State<Arc<App>>) -> Answered<axum::Json<Vec<WireFinding>>> {
    respond(&app, |app| Ok(findings(app)?.into_iter().map(wire).collect())).await
}

/// Asks the golden questions now.
#[utoipa::path(post, path = "/v1/ops/golden", tag = "operations",
    responses((status = 200, body = Vec<Golden>), (status = "default", body = Problem)))]
pub async fn golden(State(app): State<Arc<App>>) -> Answered<axum::Json<Vec<Golden>>> {
    respond(&app, |app| {
        let all = quality::ask_all(app, &app.shutdown);
        quality::measure(app);
        upkeep::sample_now(app);
        Ok(all)
    })
    .await
}

/// Living keys that stand in documents.
#[utoipa::path(get, path = "/v1/keys/leaked", tag = "operations",
    responses((status = 200, body = Vec<LeakedKey>), (status = "default", body = Problem)))]
pub async fn leaked(State(app): State<Arc<App>>) -> Answered<axum::Json<Vec<LeakedKey>>> {
    respond(&app, leaked_keys).await
}

fn findings(app: &App) -> Result<Vec<Finding>> {
    let mut all = vec![doctor::store(&app.store)];
    all.push(scrub::finding(app));
    all.extend(checks(app));
    if let Err(error) = app.probe_embedder() {
        all.push(Finding::of_error("models", &error));
    }
    all.extend(breakers(app));
    all.extend(index(app));
    all.push(backup(app));
    all.extend(jobs(app)?);
    all.extend(keys(app)?);
    all.extend(certificate::findings(&app.watching.look_at_certificates(), app.clock.now()));
    all.push(doctor::memory(&machine::process(app.config.server.memory_mb_max << 20)));
    all.push(answers(app));
    all.extend(alerts(app)?);
    Ok(all)
}

fn wire(finding: Finding) -> WireFinding {
    WireFinding {
        area: finding.area.to_owned(),
        state: finding.state.name().to_owned(),
        code: finding.code,
        what: finding.what,
        fix: finding.fix,
    }
}

fn checks(app: &App) -> Vec<Finding> {
    let area = |name: &str| match name {
        "blobs" => Some(("blobs", "blobs_unreachable", "ibid runbook run service-down")),
        "embedder" => {
            Some(("models", "model_unusable", "ibid models pull, or ibid runbook run provider-down"))
        }
        "chat" => Some(("providers", "provider_unreachable", "ibid runbook run provider-down")),
        // These two are looked at more closely.
        _ => None,
    };
    let finding = |check: ibid_api::system::Check| {
        let (area, code, fix) = area(&check.name)?;
        Some(match check.status.as_str() {
            "ok" => Finding::ok(area, check.detail),
            _ => Finding::problem(area, code, check.detail, fix),
        })
    };
    app.checks().into_iter().filter_map(finding).collect()
}

/// Chat models that are left alone.
fn breakers(app: &App) -> Vec<Finding> {
    let resting = app.breakers().filter(|(_, state)| *state != BreakerState::Closed);
    let finding = |(model, state): (&str, BreakerState)| {
        let what = format!("the model {model} failed too often: its breaker is {}", state.name());
        Finding::problem("providers", "breaker_open", what, "ibid runbook run provider-down")
    };
    resting.map(finding).collect()
}

fn index(app: &App) -> Vec<Finding> {
    let mut all = match app.index_lag() {
        Ok(lag) if lag <= LAG_MAX => vec![Finding::ok("index", format!("{lag} changes behind"))],
        Ok(lag) => {
            let what = format!("the indexes are {lag} changes behind");
            vec![Finding::problem("index", "index_behind", what, "ibid runbook run index-damaged")]
        }
        Err(error) => vec![Finding::of_error("index", &error)],
    };
    match app.index_differences() {
        Ok(differences) if differences.is_empty() => {}
        Ok(differences) => {
            let what = format!("the index does not hold what the store does: {}", differences.join("; "));
            all.push(Finding::problem("index", "index_broken", what, "ibid runbook run index-damaged"));
        }
        Err(error) => all.push(Finding::of_error("index", &error)),
    }
    all
}

fn backup(app: &App) -> Finding {
    let fix = "ibid runbook run backup-failed";
    let Some(backup) = &app.backup else {
        let what = "nothing is backed up";
        return Finding::note("backup", "backup_disabled", what, "set backup.enabled = true");
    };
    let status = backup.status();
    if let Some(gone) = status
        .destinations
        .iter()
        .find(|destination| destination.last_failure.is_some() && !destination.is_reachable)
    {
        let reason = gone.last_failure.as_ref().map_or("", |failure| failure.reason.as_str());
        let what = format!("the destination {} cannot be reached: {reason}", gone.label);
        return Finding::problem("backup", "backup_unreachable", what, fix);
    }
    let behind = status.destinations.iter().map(|destination| destination.behind_ms).max().unwrap_or(0);
    let oldest = app.config.slo.backup_age_seconds_max.cast_signed();
    match status.base_at {
        None => Finding::note("backup", "backup_no_base", "there is no base yet", "ibid backup now"),
        Some(at) if (app.clock.now().0 - at.0) / 1000 > oldest => {
            Finding::problem("backup", "backup_late", format!("the newest base is of {at}"), fix)
        }
        Some(_) if behind > BEHIND_MS_MAX => {
            let what = format!("a destination is {} s behind", behind / 1000);
            Finding::problem("backup", "backup_behind", what, fix)
        }
        Some(at) => {
            Finding::ok("backup", format!("the newest base is of {at}, and every commit since is there"))
        }
    }
}

fn jobs(app: &App) -> Result<Vec<Finding>> {
    let failed = JobsQuery { state: Some(JobState::Failed), limit: 1, ..JobsQuery::default() };
    let count = app.store.jobs().list(&failed)?.counts.failed;
    if count == 0 {
        return Ok(vec![Finding::ok("jobs", "no job gave up")]);
    }
    let what = format!("{count} jobs gave up");
    let fix = "ibid jobs list --state failed, then ibid jobs retry ID";
    Ok(vec![Finding::note("jobs", "jobs_failed", what, fix)])
}

/// Whether the door is open, and whether a key that opens it stands where others can read it.
fn keys(app: &App) -> Result<Vec<Finding>> {
    let mut all = Vec::new();
    let address = app.config.server.address;
    if !address.ip().is_loopback() && !app.is_guarded() {
        let what = format!("{address} can be reached from other machines, and there is no API key");
        all.push(Finding::problem("keys", "server_unguarded", what, "ibid keys create NAME"));
    }
    for leak in leaked_keys(app)? {
        let what = format!(
            "the living key '{}' ({}…) stands in the document {}",
            leak.name, leak.prefix, leak.source
        );
        all.push(Finding::problem("keys", "key_leaked", what, "ibid runbook run secret-leaked"));
    }
    if all.is_empty() {
        all.push(Finding::ok("keys", "no living key stands in a document"));
    }
    Ok(all)
}

/// Whether what was checked again in answers was right.
fn answers(app: &App) -> Finding {
    let least = app.config.slo.accuracy_min;
    match app.watching_accuracy() {
        None => Finding::ok("answers", "none was checked again yet"),
        Some(accuracy) if accuracy < least => {
            let what = format!("only {} of what was checked again was right", per_cent(accuracy));
            Finding::problem("answers", "answers_wrong", what, "ibid runbook run bad-answers")
        }
        Some(accuracy) => {
            Finding::ok("answers", format!("{} of what was checked again was right", per_cent(accuracy)))
        }
    }
}

fn alerts(app: &App) -> Result<Vec<Finding>> {
    let mut all = Vec::new();
    for alert in app.store.alerts_firing()? {
        let fix = format!("ibid runbook run {}", alert.runbook);
        let what = format!("{} fires since {}: {}", alert.rule, alert.fired_at, alert.summary);
        all.push(match alert.severity.as_str() {
            "critical" => Finding::problem("alerts", "alert_firing", what, fix),
            _ => Finding::note("alerts", "alert_firing", what, fix),
        });
    }
    if app.config.notify.receivers.is_empty() {
        let what = "nobody is told of alerts";
        all.push(Finding::note("alerts", "notify_nobody", what, "name somebody in notify.receivers"));
    }
    if all.is_empty() {
        all.push(Finding::ok("alerts", "no alert fires"));
    }
    Ok(all)
}

/// Lists the runbooks.
#[utoipa::path(get, path = "/v1/ops/runbooks", tag = "operations",
    responses((status = 200, body = Vec<WireRunbook>), (status = "default", body = Problem)))]
pub async fn runbooks(State(app): State<Arc<App>>) -> Answered<axum::Json<Vec<WireRunbook>>> {
    respond(&app, |app| {
        let wire = |(name, read): (String, Result<runbook::Runbook>)| match read {
            Ok(runbook) => WireRunbook { name, title: runbook.title.clone(), steps: runbook.steps().count() },
            Err(error) => WireRunbook { name, title: error.message, steps: 0 },
        };
        Ok(runbook::list(&app.config.data.dir.join("runbooks")).into_iter().map(wire).collect())
    })
    .await
}

/// A runbook's text, as Markdown.
#[utoipa::path(get, path = "/v1/ops/runbooks/{name}", tag = "operations", params(("name" = String, Path)),
    responses((status = 200, body = str, content_type = "text/markdown"), (status = "default", body = Problem)))]
pub async fn runbook(State(app): State<Arc<App>>, Path(name): Path<String>) -> Answered<Response> {
    let text = blocking(&app, move |app| runbook::text(&name, &app.config.data.dir.join("runbooks"))).await?;
    Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response())
}
