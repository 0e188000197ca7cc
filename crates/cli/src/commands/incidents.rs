//! `ibid incidents`.

use std::process::ExitCode;

use ibid_api::watch::{Incident, IncidentChange, IncidentDetail, IncidentRequest, IncidentsPage};
use ibid_types::Result;

use super::alerts::told as told_alert;
use crate::args::Incidents;
use crate::context::Context;
use crate::output::{Color, foreign, foreign_line, json, line, note, piece};

pub fn run(context: &Context, command: Incidents) -> Result<ExitCode> {
    match command {
        Incidents::List { limit } => list(context, limit)?,
        Incidents::Open { title, priority, runbook, by } => {
            open(context, &IncidentRequest { title, priority, runbook, by })?
        }
        Incidents::Show { number } => show(context, &context.client.get(&path(number, ""))?.json()?)?,
        Incidents::Take { number, by } => state(context, number, "acknowledged", by)?,
        Incidents::Resolve { number, by } => state(context, number, "resolved", by)?,
        Incidents::Close { number, by } => state(context, number, "closed", by)?,
        Incidents::Note { number, text, kind, by } => {
            change(
                context,
                number,
                &IncidentChange { by, note: Some(text), kind: Some(kind), ..IncidentChange::default() },
            )?;
        }
        Incidents::Role { number, role, person } => {
            change(
                context,
                number,
                &IncidentChange { role: Some(role), person: Some(person), ..IncidentChange::default() },
            )?;
        }
        Incidents::Message { number, text } => {
            change(context, number, &IncidentChange { message: Some(text), ..IncidentChange::default() })?;
        }
        Incidents::Review { number } => piece(&context.client.get(&path(number, "/review"))?.text()?)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn path(number: i64, rest: &str) -> String {
    format!("/v1/ops/incidents/{number}{rest}")
}

fn state(context: &Context, number: i64, state: &str, by: String) -> Result<()> {
    change(
        context,
        number,
        &IncidentChange { by, state: Some(state.to_owned()), ..IncidentChange::default() },
    )
}

fn change(context: &Context, number: i64, change: &IncidentChange) -> Result<()> {
    let detail: IncidentDetail = context.client.post(&path(number, "/events"), change)?.json()?;
    if context.common.json { json(&detail) } else { line(&headline(&detail.incident, context.color)) }
}

fn open(context: &Context, request: &IncidentRequest) -> Result<()> {
    let opened: Incident = context.client.post("/v1/ops/incidents", request)?.json()?;
    if context.common.json { json(&opened) } else { line(&headline(&opened, context.color)) }
}

fn list(context: &Context, limit: usize) -> Result<()> {
    let page: IncidentsPage = context.client.get(&format!("/v1/ops/incidents?limit={limit}"))?.json()?;
    if context.common.json {
        return json(&page);
    }
    if page.incidents.is_empty() {
        note("there was no incident");
    }
    page.incidents.iter().try_for_each(|incident| line(&headline(incident, context.color)))
}

/// `3  P1  open          the disk takes no more  2026-11-21T...`
fn headline(incident: &Incident, color: Color) -> String {
    let state = format!("{:<12}", incident.state);
    let state = match incident.state.as_str() {
        "open" => color.red(&state),
        "acknowledged" => color.yellow(&state),
        _ => color.green(&state),
    };
    let late = if incident.is_late { color.red(" (nobody took it in time)") } else { String::new() };
    let at = color.dim(&incident.opened_at);
    format!(
        "{:>4}  P{}  {state} {}{late}  {at}",
        incident.number,
        incident.priority,
        foreign_line(&incident.title)
    )
}

fn show(context: &Context, detail: &IncidentDetail) -> Result<()> {
    if context.common.json {
        return json(detail);
    }
    let (incident, color) = (&detail.incident, context.color);
    line(&headline(incident, color))?;
    if let Some(by) = incident.respond_by.as_ref().filter(|_| incident.state == "open") {
        line(&format!("      take it until {by}: ibid incidents take {}", incident.number))?;
    }
    if !incident.runbook.is_empty() && incident.resolved_at.is_none() {
        line(&format!(
            "      what to do: ibid runbook run {} --incident {}",
            incident.runbook, incident.number
        ))?;
    }
    for (role, person) in &incident.roles {
        line(&format!("      {role}: {}", foreign_line(person)))?;
    }
    detail.alerts.iter().try_for_each(|alert| line(&told_alert(alert, color)))?;
    for event in &detail.events {
        let text = foreign(&event.text.replace('\n', "\n          "));
        line(&format!("  {}  {} {}: {text}", color.dim(&event.at), foreign_line(&event.who), event.kind))?;
    }
    line(&color.dim("Messages to choose from:"))?;
    for (name, text) in &detail.templates {
        line(&format!("  {name}: {}", foreign(text)))?;
    }
    Ok(())
}
