//! `/v1/ops/incidents` and the status page.

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use ibid_api::problem::Problem;
use ibid_api::watch::{
    Incident, IncidentChange, IncidentDetail, IncidentEvent, IncidentRequest, IncidentsPage, Newest,
};
use ibid_ops::alert::told_by_hand;
use ibid_ops::incident::{
    CHANGES_WITHIN_MS, ROLES, TEMPLATES, review as write_review, status_page, template,
};
use ibid_store::{
    IncidentRow, NewIncident, Statement, Which, incident_changes_since, incident_event, incident_open,
    incident_priority, incident_state,
};
use ibid_types::access::Permission;
use ibid_types::{Error, Result, Timestamp};

use super::alerts::{number_of, someone, wire as wire_alert};
use super::ask::within;
use crate::App;
use crate::access::Caller;
use crate::http::{Answered, Json, Parameters, Path, blocking, respond};
use crate::words;

const TITLE_CHARS_MAX: usize = 500;
const PERSON_CHARS_MAX: usize = 100;
/// The longest text that a note may have.
const TEXT_CHARS_MAX: usize = 20_000;
/// Incidents that the status page looks at.
const SHOWN_MAX: usize = 50;

/// Lists incidents, the newest first.
#[utoipa::path(get, path = "/v1/ops/incidents", tag = "operations", params(Newest),
    responses((status = 200, body = IncidentsPage), (status = "default", body = Problem)))]
pub async fn list(app: Caller, Parameters(query): Parameters<Newest>) -> Answered<axum::Json<IncidentsPage>> {
    respond(&app, move |app| {
        let limit = within("limit", query.limit, 50, 1..=500)?;
        let mut rows = app.store.incidents_list(query.before, limit + 1)?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|row| row.number);
        Ok(IncidentsPage { incidents: rows.into_iter().map(wire).collect(), next })
    })
    .await
}

fn wire(row: IncidentRow) -> Incident {
    let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
    Incident {
        number: row.number,
        priority: row.priority,
        title: row.title,
        state: row.state,
        rule: row.rule,
        runbook: row.runbook,
        roles: row.roles,
        message: row.message,
        opened_at: row.opened_at.to_string(),
        respond_by: text(row.respond_by),
        is_late: row.late_at.is_some(),
        acknowledged_at: text(row.acknowledged_at),
        resolved_at: text(row.resolved_at),
        closed_at: text(row.closed_at),
    }
}

/// Opens an incident by hand and tells people.
#[utoipa::path(post, path = "/v1/ops/incidents", tag = "operations", request_body = IncidentRequest,
    responses((status = 201, body = Incident), (status = "default", body = Problem)))]
pub async fn open(
    app: Caller,
    Json(request): Json<IncidentRequest>,
) -> Answered<(StatusCode, axum::Json<Incident>)> {
    let opened = blocking(&app, move |app| begin(app, &request)).await?;
    Ok((StatusCode::CREATED, axum::Json(wire(opened))))
}

fn begin(app: &Caller, request: &IncidentRequest) -> Result<IncidentRow> {
    let (now, by) = (app.clock.now(), someone(app, &request.by));
    let title = words::name("title", &request.title, TITLE_CHARS_MAX)?;
    let runbook = words::line("runbook", &request.runbook, TITLE_CHARS_MAX)?;
    check_priority(request.priority)?;
    let opened = incident_open(&NewIncident {
        priority: request.priority,
        title: &title,
        rule: None,
        runbook: &runbook,
        opened_at: now,
        respond_by: app.watching.clocks.respond_by(request.priority, now),
    });
    let text = format!("opened as P{}: {title}", request.priority);
    let before = incident_changes_since(now.plus_ms(-CHANGES_WITHIN_MS));
    let said = incident_event(Which::Newest, now, "opened", &by, &text);
    let number = app.store.incident_begin(vec![opened, before, said])?;
    let row = app.store.incident(number)?;
    let messages = told_by_hand(&app.store, &app.watching.routes, &row, now);
    if !messages.is_empty() {
        app.store.db().batch(messages)?;
    }
    Ok(row)
}

fn check_priority(priority: u32) -> Result<()> {
    match priority {
        0..=3 => Ok(()),
        4.. => Err(Error::bad_request("value_out_of_range", "priority is 0, 1, 2 or 3")),
    }
}

fn text_of(field: &str, text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > TEXT_CHARS_MAX {
        let what = format!("{field} is empty or longer than {TEXT_CHARS_MAX} characters");
        return Err(Error::bad_request("value_out_of_range", what));
    }
    Ok(text.to_owned())
}

/// Shows an incident with all that happened in it.
#[utoipa::path(get, path = "/v1/ops/incidents/{number}", tag = "operations", params(("number" = i64, Path)),
    responses((status = 200, body = IncidentDetail), (status = "default", body = Problem)))]
pub async fn show(app: Caller, Path(number): Path<String>) -> Answered<axum::Json<IncidentDetail>> {
    respond(&app, move |app| detail(app, number_of(&number)?)).await
}

fn detail(app: &Caller, number: i64) -> Result<IncidentDetail> {
    let row = app.store.incident(number)?;
    let silences = app.store.silences()?;
    let event = |event: ibid_store::IncidentEvent| IncidentEvent {
        number: event.number,
        at: event.at.to_string(),
        kind: event.kind,
        who: event.who,
        text: event.text,
    };
    let templates =
        TEMPLATES.iter().filter_map(|(name, _)| Some(((*name).to_owned(), template(name, &row)?))).collect();
    Ok(IncidentDetail {
        events: events_for(app, number)?.into_iter().map(event).collect(),
        alerts: app
            .store
            .alerts_of_incident(number)?
            .into_iter()
            .map(|alert| wire_alert(alert, &silences))
            .collect(),
        incident: wire(row),
        templates,
    })
}

/// What happened; entries of the audit log about people and documents for those who may read that log.
fn events_for(app: &Caller, number: i64) -> Result<Vec<ibid_store::IncidentEvent>> {
    let mut events = app.store.incident_events(number)?;
    if !app.rights().may_everywhere(Permission::Audit) {
        events.retain(|event| event.kind != "access");
    }
    Ok(events)
}

/// Adds to an incident: a note, a state, a priority, a role, the status page's message.
#[utoipa::path(post, path = "/v1/ops/incidents/{number}/events", tag = "operations", params(("number" = i64, Path)),
    request_body = IncidentChange, responses((status = 200, body = IncidentDetail), (status = "default", body = Problem)))]
pub async fn change(
    app: Caller,
    Path(number): Path<String>,
    Json(change): Json<IncidentChange>,
) -> Answered<axum::Json<IncidentDetail>> {
    respond(&app, move |app| {
        let number = number_of(&number)?;
        let _known = app.store.incident(number)?;
        let statements = statements_of(app, number, &change)?;
        if !statements.is_empty() {
            app.store.incident_change(number, statements)?;
        }
        detail(app, number)
    })
    .await
}

fn statements_of(app: &Caller, number: i64, change: &IncidentChange) -> Result<Vec<Statement>> {
    let (now, by, which) = (app.clock.now(), someone(app, &change.by), Which::Number(number));
    let mut statements = Vec::new();
    if let Some(note) = &change.note {
        let kind = one_of(
            "kind",
            change.kind.as_deref().unwrap_or("note"),
            &["note", "command", "runbook", "change"],
        )?;
        statements.push(incident_event(which, now, kind, &by, &text_of("note", note)?));
    }
    if let Some(priority) = change.priority {
        check_priority(priority)?;
        let respond_by = app.watching.clocks.respond_by(priority, now);
        statements.push(incident_priority(number, priority, respond_by));
        statements.push(incident_event(which, now, "priority", &by, &format!("P{priority}")));
    }
    if let Some(role) = &change.role {
        let role = one_of("role", role, &ROLES)?;
        let person = words::line("person", change.person.as_deref().unwrap_or_default(), PERSON_CHARS_MAX)?;
        statements.push(app.store.incident_role(number, role, &person)?);
        let text = if person.is_empty() { format!("{role}: nobody") } else { format!("{role}: {person}") };
        statements.push(incident_event(which, now, "role", &by, &text));
    }
    if let Some(message) = &change.message {
        statements.push(app.store.incident_message(number, message.trim()));
        let text = if message.trim().is_empty() { "taken back" } else { message.trim() };
        statements.push(incident_event(which, now, "message", &by, text));
    }
    if let Some(state) = &change.state {
        let state = one_of("state", state, &["open", "acknowledged", "resolved", "closed"])?;
        statements.push(incident_state(number, state, now));
        statements.push(incident_event(which, now, "state", &by, state));
        if state == "acknowledged" {
            take_alerts(app, number, &by)?;
        }
    }
    Ok(statements)
}

/// Whoever takes an incident takes its alerts too.
fn take_alerts(app: &App, number: i64, by: &str) -> Result<()> {
    let alerts = app.store.alerts_of_incident(number)?;
    for alert in alerts.iter().filter(|alert| alert.resolved_at.is_none()) {
        app.store.alert_acknowledge(alert.number, by).or_else(|error| match error.code {
            "alert_unknown" => Ok(()),
            _ => Err(error),
        })?;
    }
    Ok(())
}

fn one_of<'a>(field: &str, value: &'a str, allowed: &[&str]) -> Result<&'a str> {
    if allowed.contains(&value) {
        return Ok(value);
    }
    let what = format!("{field} '{value}' is not known; use {}", allowed.join(", "));
    Err(Error::bad_request("value_unknown", what))
}

/// The review afterwards, as Markdown to complete.
#[utoipa::path(get, path = "/v1/ops/incidents/{number}/review", tag = "operations", params(("number" = i64, Path)),
    responses((status = 200, body = str, content_type = "text/markdown"), (status = "default", body = Problem)))]
pub async fn review(app: Caller, Path(number): Path<String>) -> Answered<Response> {
    let text = blocking(&app, move |app| {
        let number = number_of(&number)?;
        let (row, events) = (app.store.incident(number)?, events_for(app, number)?);
        Ok(write_review(&row, &events, &app.store.alerts_of_incident(number)?))
    })
    .await?;
    Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response())
}

/// What people who use the service may know, without a key; only where `incidents.status_page` is on.
#[utoipa::path(get, path = "/status", tag = "operations",
    responses((status = 200, body = str, content_type = "text/html"), (status = 404, body = Problem)))]
pub async fn page(app: Caller) -> Answered<Html<String>> {
    let page = blocking(&app, |app| {
        let config = &app.config.incidents;
        if !config.status_page {
            return Err(Error::not_found(
                "page_unknown",
                "there is no status page; see incidents.status_page",
            ));
        }
        let rows = app.store.incidents_list(None, SHOWN_MAX)?;
        Ok(status_page(&config.status_title, &rows, app.clock.now()))
    })
    .await?;
    Ok(Html(page))
}
