//! What is told, before it takes the form of one kind of receiver.

use ibid_store::{AlertRow, IncidentRow};
use ibid_types::Timestamp;
use serde::{Deserialize, Serialize};

use crate::alert::{Event, Severity};

/// One message. It says all that it needs, so that it can be delivered whatever has changed since.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    pub event: Event,
    pub severity: String,
    pub title: String,
    pub alerts: Vec<Told>,
    pub incident: Option<i64>,
    pub at: Timestamp,
}

/// An alert as it is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    pub number: i64,
    pub rule: String,
    pub subject: String,
    pub severity: String,
    pub summary: String,
    pub runbook: String,
    pub value: f64,
    pub incident: Option<i64>,
    pub fired_at: Timestamp,
    pub resolved_at: Option<Timestamp>,
}

impl Notice {
    #[must_use]
    pub fn of_alerts(event: Event, severity: &str, alerts: &[&AlertRow], at: Timestamp) -> Self {
        let told: Vec<Told> = alerts.iter().map(|alert| Told::of(alert)).collect();
        let title = match told.as_slice() {
            [one] => one.summary.clone(),
            many => format!("{} alerts: {}", many.len(), names(many)),
        };
        let incident = told.iter().find_map(|alert| alert.incident);
        Self { event, severity: severity.to_owned(), title, alerts: told, incident, at }
    }

    #[must_use]
    pub fn of_incident(incident: &IncidentRow, severity: Severity, text: &str, at: Timestamp) -> Self {
        let title =
            format!("incident {} (P{}): {}: {text}", incident.number, incident.priority, incident.title);
        Self {
            event: Event::Incident,
            severity: severity.name().to_owned(),
            title,
            alerts: Vec::new(),
            incident: Some(incident.number),
            at,
        }
    }

    #[must_use]
    pub fn of_test(at: Timestamp) -> Self {
        let title = "this is a test; messages of Ibid arrive here".to_owned();
        let severity = Severity::Info.name().to_owned();
        Self { event: Event::Test, severity, title, alerts: Vec::new(), incident: None, at }
    }

    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.event, Event::Resolved)
    }

    /// `[FIRING critical] the disk takes no more`
    #[must_use]
    pub fn heading(&self) -> String {
        format!("[{} {}] {}", self.event.word(), self.severity, self.title)
    }

    /// A line for each alert, what to do, and where to look.
    #[must_use]
    pub fn body(&self, public_url: &str) -> String {
        let mut lines = Vec::new();
        for alert in &self.alerts {
            let subject =
                if alert.subject.is_empty() { String::new() } else { format!(" ({})", alert.subject) };
            lines.push(format!("- {}{subject}: {}, since {}", alert.rule, alert.summary, alert.fired_at));
            if !alert.runbook.is_empty() && alert.resolved_at.is_none() {
                lines.push(format!("  what to do: ibid runbook run {}", alert.runbook));
            }
        }
        if let Some(incident) = self.incident {
            lines.push(format!("Incident {incident}: ibid incidents show {incident}"));
        }
        if !public_url.is_empty() {
            lines.push(format!("{}/#/operations", public_url.trim_end_matches('/')));
        }
        lines.join("\n")
    }

    /// What all messages of the same alerts share, so that a receiver joins them: the first alert, or the incident.
    #[must_use]
    pub fn key(&self) -> String {
        match (self.alerts.first(), self.incident) {
            (Some(alert), _) => format!("ibid-{}-{}", alert.rule, alert.subject),
            (None, Some(incident)) => format!("ibid-incident-{incident}"),
            (None, None) => "ibid-test".to_owned(),
        }
    }
}

impl Told {
    fn of(alert: &AlertRow) -> Self {
        Self {
            number: alert.number,
            rule: alert.rule.clone(),
            subject: alert.subject.clone(),
            severity: alert.severity.clone(),
            summary: alert.summary.clone(),
            runbook: alert.runbook.clone(),
            value: alert.value,
            incident: alert.incident,
            fired_at: alert.fired_at,
            resolved_at: alert.resolved_at,
        }
    }
}

fn names(alerts: &[Told]) -> String {
    let names: Vec<&str> = alerts.iter().take(5).map(|alert| alert.rule.as_str()).collect();
    let more = alerts.len().saturating_sub(names.len());
    if more > 0 { format!("{} and {more} more", names.join(", ")) } else { names.join(", ") }
}
