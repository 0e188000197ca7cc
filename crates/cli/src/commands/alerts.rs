//! `ibid alerts` and `ibid slo`.

use std::process::ExitCode;

use ibid_api::watch::{Alert, AlertRule, AlertsPage, By, Delivery, Objective, Silence, SilenceRequest};
use ibid_types::Result;

use crate::args::Alerts;
use crate::context::Context;
use crate::output::{Color, PARTLY_FAILED, foreign_line, json, line, note, piece};

pub fn run(context: &Context, command: Alerts) -> Result<ExitCode> {
    match command {
        Alerts::List { limit } => list(context, limit)?,
        Alerts::Ack { number, by } => {
            context.client.post(&format!("/v1/ops/alerts/{number}/acknowledge"), &By { by })?;
            note("taken");
        }
        Alerts::Silence { rule, minutes, subject, reason, by } => {
            let request = SilenceRequest { rule, subject, minutes, reason, by };
            let made: Silence = context.client.post("/v1/ops/silences", &request)?.json()?;
            if context.common.json { json(&made)? } else { line(&told_silence(&made))? }
        }
        Alerts::Unsilence { number } => {
            context.client.delete(&format!("/v1/ops/silences/{number}"))?;
            note("ended");
        }
        Alerts::Rules { prometheus: true } => {
            piece(&context.client.get("/v1/ops/alert-rules/prometheus")?.text()?)?;
        }
        Alerts::Rules { prometheus: false } => rules(context)?,
        Alerts::Test => return test(context),
    }
    Ok(ExitCode::SUCCESS)
}

fn list(context: &Context, limit: usize) -> Result<()> {
    let page: AlertsPage = context.client.get(&format!("/v1/ops/alerts?limit={limit}"))?.json()?;
    if context.common.json {
        return json(&page);
    }
    if page.alerts.is_empty() {
        note("no alert has fired");
    }
    page.alerts.iter().try_for_each(|alert| line(&told(alert, context.color)))?;
    page.silences.iter().try_for_each(|silence| line(&context.color.dim(&told_silence(silence))))
}

/// `12  FIRING    critical  disk-full  97 % of the disk is in use`
pub fn told(alert: &Alert, color: Color) -> String {
    let state = match (&alert.resolved_at, alert.silenced, &alert.acknowledged_by) {
        (Some(_), _, _) => color.dim("over     "),
        (None, true, _) => color.yellow("silenced "),
        (None, false, Some(_)) => color.yellow("taken    "),
        (None, false, None) => color.red("FIRING   "),
    };
    let subject = if alert.subject.is_empty() { String::new() } else { format!(" ({})", alert.subject) };
    let incident = alert.incident.map_or_else(String::new, |number| format!(", incident {number}"));
    let since = color.dim(&format!("since {}{incident}", alert.fired_at));
    let what = foreign_line(&format!("{}{subject}: {}", alert.rule, alert.summary));
    format!("{:>4}  {state} {:<8}  {what}  {since}", alert.number, alert.severity)
}

fn told_silence(silence: &Silence) -> String {
    let reason = if silence.reason.is_empty() { String::new() } else { format!(": {}", silence.reason) };
    foreign_line(&format!(
        "silence {}  {} until {} by {}{reason}",
        silence.number, silence.rule, silence.until, silence.by
    ))
}

fn rules(context: &Context) -> Result<()> {
    let rules: Vec<AlertRule> = context.client.get("/v1/ops/alert-rules")?.json()?;
    if context.common.json {
        return json(&rules);
    }
    let color = context.color;
    for rule in &rules {
        let state = if rule.is_firing { color.red("FIRING") } else { color.green("quiet ") };
        line(&format!("{state}  {:<8}  {}  {}", rule.severity, color.bold(&rule.name), rule.summary))?;
        let hold =
            if rule.hold_seconds > 0 { format!(" for {} s", rule.hold_seconds) } else { String::new() };
        line(&color.dim(&format!("        {}{hold}", rule.expression)))?;
    }
    Ok(())
}

fn test(context: &Context) -> Result<ExitCode> {
    let deliveries: Vec<Delivery> = context.client.post("/v1/ops/alerts/test", &())?.json()?;
    let all_done = deliveries.iter().all(|delivery| delivery.outcome == "done");
    if context.common.json {
        json(&deliveries)?;
    } else {
        for delivery in &deliveries {
            line(&format!("{}  {}", delivery.receiver, delivery.outcome))?;
        }
    }
    Ok(if all_done { ExitCode::SUCCESS } else { ExitCode::from(PARTLY_FAILED) })
}

pub fn slo(context: &Context) -> Result<ExitCode> {
    let objectives: Vec<Objective> = context.client.get("/v1/ops/slo")?.json()?;
    if context.common.json {
        json(&objectives)?;
        return Ok(ExitCode::SUCCESS);
    }
    let color = context.color;
    for objective in &objectives {
        let left = match objective.budget_left {
            None => color.dim("nothing counted yet"),
            Some(left) if left > 0.25 => color.green(&format!("{:.0} % of the budget left", left * 100.0)),
            Some(left) if left > 0.0 => color.yellow(&format!("{:.0} % of the budget left", left * 100.0)),
            Some(left) => color.red(&format!("overdrawn: {:.0} %", left * 100.0)),
        };
        let good = objective.good.map_or_else(String::new, |good| format!(", {:.3} % good", good * 100.0));
        let burn = objective
            .burn
            .map_or_else(String::new, |burn| format!(", burning {burn:.1} times as fast as allowed"));
        line(&format!("{:<12}  {left}{good}{burn}", objective.name))?;
        line(&color.dim(&format!("              {}", objective.promise)))?;
    }
    Ok(ExitCode::SUCCESS)
}
