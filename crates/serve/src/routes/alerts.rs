//! `/v1/ops/alerts`, silences, rules and objectives.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use axum::response::IntoResponse;
use ibid_api::problem::Problem;
use ibid_api::watch::{
    Alert, AlertRule, AlertsPage, By, Delivery, Newest, Objective, PendingAlert, Silence, SilenceRequest,
};
use ibid_ops::alert::{Met, evaluate, told_as_test};
use ibid_ops::series::{Limits, Series};
use ibid_store::{AlertRow, SilenceRow};
use ibid_types::plain::one_line;
use ibid_types::{Error, Result};

use super::ask::within;
use crate::App;
use crate::access::{Caller, Who};
use crate::http::{Answered, Json, Parameters, Path, blocking, respond};
use crate::{watch, words};

/// Lists alerts, those that fire and past ones, the newest first.
#[utoipa::path(get, path = "/v1/ops/alerts", tag = "operations", params(Newest),
    responses((status = 200, body = AlertsPage), (status = "default", body = Problem)))]
pub async fn list(app: Caller, Parameters(query): Parameters<Newest>) -> Answered<axum::Json<AlertsPage>> {
    respond(&app, move |app| {
        let limit = within("limit", query.limit, 50, 1..=500)?;
        let mut rows = app.store.alerts_list(query.before, limit + 1)?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let silences = app.store.silences()?;
        Ok(AlertsPage {
            next: rows.last().filter(|_| more).map(|row| row.number),
            alerts: rows.into_iter().map(|row| wire(row, &silences)).collect(),
            pending: pending(app)?,
            silences: silences.into_iter().map(wire_silence).collect(),
        })
    })
    .await
}

/// What holds now and does not fire yet; nothing where no metrics are kept.
fn pending(app: &App) -> Result<Vec<PendingAlert>> {
    let Some(series) = app.series() else { return Ok(Vec::new()) };
    let (rules, now) = (&app.watching.rules, app.clock.now());
    let firing: BTreeSet<(String, String)> =
        app.store.alerts_firing()?.into_iter().map(|row| (row.rule, row.subject)).collect();
    let wire = |met: Met| {
        let rule = rules.get(met.rule)?;
        (!firing.contains(&(rule.name.clone(), met.subject.clone()))).then(|| PendingAlert {
            rule: rule.name.clone(),
            severity: rule.severity.name().to_owned(),
            summary: rule.told(&met.subject, met.value),
            subject: met.subject,
            value: met.value,
            hold_seconds: rule.hold.as_secs(),
        })
    };
    Ok(evaluate(rules, &series.at(now), now).into_iter().filter_map(wire).collect())
}

/// An alert as clients see it.
pub fn wire(row: AlertRow, silences: &[SilenceRow]) -> Alert {
    let fires = row.resolved_at.is_none();
    Alert {
        silenced: fires && silences.iter().any(|silence| silence.covers(&row.rule, &row.subject)),
        number: row.number,
        rule: row.rule,
        subject: row.subject,
        severity: row.severity,
        summary: row.summary,
        runbook: row.runbook,
        value: row.value,
        fired_at: row.fired_at.to_string(),
        resolved_at: row.resolved_at.map(|at| at.to_string()),
        acknowledged_by: row.acknowledged_by,
        incident: row.incident,
    }
}

fn wire_silence(row: SilenceRow) -> Silence {
    Silence {
        number: row.number,
        rule: row.rule,
        subject: row.subject,
        reason: row.reason,
        by: row.made_by,
        until: row.until.to_string(),
    }
}

/// Takes an alert: it is neither escalated nor repeated any more.
#[utoipa::path(post, path = "/v1/ops/alerts/{number}/acknowledge", tag = "operations", params(("number" = i64, Path)),
    request_body = Option<By>, responses((status = 204), (status = "default", body = Problem)))]
pub async fn acknowledge(
    app: Caller,
    Path(number): Path<i64>,
    body: Option<Json<By>>,
) -> Answered<StatusCode> {
    let by = body.map(|Json(by)| by.by).unwrap_or_default();
    blocking(&app, move |app| app.store.alert_acknowledge(number, &someone(app, &by))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// As people sign it; whoever does not is named as the server knows them.
pub fn someone(app: &Caller, by: &str) -> String {
    match (by.trim(), app.who()) {
        ("", Who::Machine | Who::Nobody) => "operator".to_owned(),
        ("", who) => who.to_string(),
        (by, _) => one_line(by).chars().take(100).collect(),
    }
}

/// Of what a silence is about, and why it is.
const SUBJECT_CHARS_MAX: usize = 1000;

/// Keeps alerts from being told for a time.
#[utoipa::path(post, path = "/v1/ops/silences", tag = "operations", request_body = SilenceRequest,
    responses((status = 201, body = Silence), (status = "default", body = Problem)))]
pub async fn silence(
    app: Caller,
    Json(request): Json<SilenceRequest>,
) -> Answered<(StatusCode, axum::Json<Silence>)> {
    let made = blocking(&app, move |app| {
        let is_rule = |name: &str| app.watching.rules.iter().any(|rule| rule.name == name);
        if !request.rule.ends_with('*') && !is_rule(&request.rule) {
            let what = format!(
                "there is no rule '{}'; see `ibid alerts rules`, or end a beginning with *",
                request.rule
            );
            return Err(Error::not_found("alert_rule_unknown", what));
        }
        let minutes =
            i64::try_from(within("minutes", usize::try_from(request.minutes).ok(), 60, 1..=43_200)?);
        let until = app.clock.now().plus_ms(minutes.unwrap_or(60) * 60_000);
        let by = someone(app, &request.by);
        let (subject, reason) = (&request.subject, &request.reason);
        let subject = words::line("subject", subject, SUBJECT_CHARS_MAX)?;
        let reason = words::line("reason", reason, SUBJECT_CHARS_MAX)?;
        let number = app.store.silence_add(&request.rule, &subject, &reason, &by, until)?;
        Ok(Silence { number, rule: request.rule, subject, reason, by, until: until.to_string() })
    })
    .await?;
    Ok((StatusCode::CREATED, axum::Json(made)))
}

/// Ends a silence.
#[utoipa::path(delete, path = "/v1/ops/silences/{number}", tag = "operations", params(("number" = i64, Path)),
    responses((status = 204), (status = "default", body = Problem)))]
pub async fn unsilence(app: Caller, Path(number): Path<i64>) -> Answered<StatusCode> {
    blocking(&app, move |app| app.store.silence_end(number)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the rules that are looked at.
#[utoipa::path(get, path = "/v1/ops/alert-rules", tag = "operations",
    responses((status = 200, body = Vec<AlertRule>), (status = "default", body = Problem)))]
pub async fn rules(app: Caller) -> Answered<axum::Json<Vec<AlertRule>>> {
    respond(&app, |app| {
        let firing: BTreeSet<String> = app.store.alerts_firing()?.into_iter().map(|row| row.rule).collect();
        let wire = |rule: &ibid_ops::alert::Rule| AlertRule {
            name: rule.name.clone(),
            severity: rule.severity.name().to_owned(),
            expression: rule.to_promql(),
            hold_seconds: rule.hold.as_secs(),
            summary: rule.summary.clone(),
            runbook: rule.runbook.clone(),
            priority: rule.priority,
            is_firing: firing.contains(&rule.name),
        };
        Ok(app.watching.rules.iter().map(wire).collect())
    })
    .await
}

/// The rules as Prometheus reads them.
#[utoipa::path(get, path = "/v1/ops/alert-rules/prometheus", tag = "operations",
    responses((status = 200, body = serde_json::Value, content_type = "application/yaml"), (status = "default", body = Problem)))]
pub async fn prometheus(app: Caller) -> impl IntoResponse {
    ([("content-type", "application/yaml")], ibid_ops::alert::to_prometheus(&app.watching.rules))
}

/// Sends a test message to every receiver and says how it went.
#[utoipa::path(post, path = "/v1/ops/alerts/test", tag = "operations",
    responses((status = 200, body = Vec<Delivery>), (status = "default", body = Problem)))]
pub async fn test(app: Caller) -> Answered<axum::Json<Vec<Delivery>>> {
    respond(&app, |app| {
        let names: Vec<String> =
            app.config.notify.receivers.iter().map(|receiver| receiver.name.clone()).collect();
        if names.is_empty() {
            let what = "nobody is told: the configuration names no notify.receivers";
            return Err(Error::conflict("notify_nobody", what));
        }
        app.store.db().batch(told_as_test(&app.store, &names, app.clock.now()))?;
        let delivered = app.watching.courier.deliver_due()?;
        watch::count(app, &delivered);
        let outcome = |name: &String| {
            let found = delivered.iter().find(|delivered| delivered.receiver == *name);
            found.map_or("queued", |delivered| delivered.outcome).to_owned()
        };
        Ok(names.iter().map(|name| Delivery { receiver: name.clone(), outcome: outcome(name) }).collect())
    })
    .await
}

/// How the objectives stand.
#[utoipa::path(get, path = "/v1/ops/slo", tag = "operations",
    responses((status = 200, body = Vec<Objective>), (status = "default", body = Problem)))]
pub async fn objectives(app: Caller) -> Answered<axum::Json<Vec<Objective>>> {
    respond(&app, |app| {
        if let Some(series) = app.series() {
            return Ok(standings(app, series));
        }
        Ok(standings(app, &Series::open(&app.config.data.dir.join("series"), Limits::default())?))
    })
    .await
}

fn standings(app: &App, series: &Series) -> Vec<Objective> {
    let now = app.clock.now();
    let samples = series.at(now);
    let wire = |objective: &ibid_ops::slo::Objective| {
        let standing = objective.standing(&samples, now);
        Objective {
            name: standing.name,
            promise: standing.promise,
            target: standing.target,
            good: standing.good,
            budget_left: standing.budget_left,
            burn: standing.burn,
        }
    };
    app.watching.objectives.iter().map(wire).collect()
}

/// The number of a path.
pub fn number_of(text: &str) -> Result<i64> {
    text.parse().map_err(|_| Error::bad_request("id_malformed", format!("'{text}' is not a number")))
}
