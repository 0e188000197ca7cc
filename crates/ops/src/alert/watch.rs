//! The watch: looks at the rules, keeps what changes, opens incidents, and puts messages into the queue.

use std::collections::BTreeMap;

use ibid_store::{
    AlertRow, IncidentRow, NewAlert, NewIncident, Statement, Store, Which, alert_fire, alert_resolve,
    alert_told, incident_changes_since, incident_event, incident_open, incident_priority, incident_state,
};
use ibid_types::{Result, Timestamp};

use crate::alert::{Board, Change, Event, Met, Plan, Routes, Rule, Settings, Severity, evaluate, plan};
use crate::incident::{CHANGES_WITHIN_MS, Clocks, SELF};
use crate::notify::{Notice, delivery};
use crate::series::Samples;

/// How long the end of an alert may still be told.
const RESOLVED_WITHIN_MS: i64 = 24 * 3600 * 1000;
const RESOLVED_MAX: usize = 500;

/// One for each process that serves.
#[derive(Debug)]
pub struct Watch {
    store: Store,
    rules: Vec<Rule>,
    routes: Routes,
    settings: Settings,
    clocks: Clocks,
    board: Board,
}

/// What a look came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ticked {
    /// Firing alerts by severity.
    pub firing: BTreeMap<Severity, u64>,
    /// Open incidents by priority.
    pub incidents: BTreeMap<u32, u64>,
    pub changes: Vec<Change>,
    /// Messages put into the queue.
    pub messages: usize,
}

impl Watch {
    /// Takes up what fired before.
    pub fn new(
        store: Store,
        rules: Vec<Rule>,
        routes: Routes,
        settings: Settings,
        clocks: Clocks,
    ) -> Result<Self> {
        let mut board = Board::default();
        let now = store.now();
        for alert in store.alerts_firing()? {
            board.restore(&alert.rule, &alert.subject, alert.began_at, now);
        }
        Ok(Self { store, rules, routes, settings, clocks, board })
    }

    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Looks once. What changed is stored, and told from the queue; after an error nothing has changed.
    pub fn tick(&mut self, samples: &dyn Samples, now: Timestamp) -> Result<Ticked> {
        let met = evaluate(&self.rules, samples, now);
        let changes = self.keep(&met, now)?;
        let messages = self.tell(now)?;
        let messages = messages + self.look_at_clocks(now)?;
        let mut ticked = Ticked { changes, messages, ..Ticked::default() };
        for alert in self.store.alerts_firing()? {
            if let Ok(severity) = Severity::read(&alert.severity) {
                *ticked.firing.entry(severity).or_default() += 1;
            }
        }
        for incident in self.store.incidents_open()? {
            *ticked.incidents.entry(incident.priority).or_default() += 1;
        }
        Ok(ticked)
    }

    fn keep(&mut self, met: &[Met], now: Timestamp) -> Result<Vec<Change>> {
        let mut board = self.board.clone();
        let changes = board.advance(&self.rules, met, self.settings, now);
        if !changes.is_empty() {
            let (firing, incidents) = (self.store.alerts_firing()?, self.store.incidents_open()?);
            let mut statements = self.fire_all(&changes, now, &incidents);
            for change in &changes {
                if let Change::Resolved { rule, subject } = change {
                    statements.extend(resolve(rule, subject, now, &firing, &incidents));
                }
            }
            statements.extend(self.calm(&changes, &firing, &incidents, now));
            self.store.db().batch(statements)?;
        }
        self.board = board;
        Ok(changes)
    }

    /// Alerts that begin, those of one runbook one after the other with the worst first, so that they are one incident.
    fn fire_all(&self, changes: &[Change], now: Timestamp, open: &[IncidentRow]) -> Vec<Statement> {
        let mut fired: Vec<(&Rule, &Change)> = changes
            .iter()
            .filter_map(|change| match change {
                Change::Fired { rule, .. } => Some((self.rules.get(*rule)?, change)),
                Change::Resolved { .. } => None,
            })
            .collect();
        fired.sort_by_key(|(rule, _)| (&rule.runbook, rule.priority.unwrap_or(u32::MAX)));
        let (mut statements, mut newest) = (Vec::new(), None);
        for (rule, change) in fired {
            let Change::Fired { subject, value, since, .. } = change else { continue };
            let summary = rule.told(subject, *value);
            tracing::warn!(rule = rule.name, subject, severity = rule.severity.name(), "alert: {summary}");
            let (opening, incident) = self.incident_of(rule, &summary, now, open, newest);
            statements.extend(opening);
            if incident == Some(Which::Newest) {
                newest = Some(rule.runbook.as_str());
            }
            statements.push(alert_fire(&NewAlert {
                rule: &rule.name,
                subject,
                severity: rule.severity.name(),
                summary: &summary,
                runbook: &rule.runbook,
                value: *value,
                began_at: *since,
                fired_at: now,
                incident,
            }));
        }
        statements
    }

    /// The incident that an alert belongs to: the open one that is mended by the same runbook, or a new one. `newest` is the
    /// runbook of one that this batch has opened last.
    fn incident_of(
        &self,
        rule: &Rule,
        summary: &str,
        now: Timestamp,
        open: &[IncidentRow],
        newest: Option<&str>,
    ) -> (Vec<Statement>, Option<Which>) {
        let Some(priority) = rule.priority.filter(|_| self.clocks.open) else { return (Vec::new(), None) };
        let fires = |which| incident_event(which, now, "alert", SELF, &format!("fires: {summary}"));
        if let Some(known) = open.iter().find(|incident| incident.runbook == rule.runbook) {
            let which = Which::Number(known.number);
            let mut statements = vec![fires(which)];
            if known.state == "resolved" {
                statements.push(incident_state(known.number, "open", now));
                statements.push(incident_event(which, now, "state", SELF, "opened again"));
            }
            if priority < known.priority {
                let respond_by = self.clocks.respond_by(priority, now);
                statements.push(incident_priority(known.number, priority, respond_by));
                let text = format!("P{} is P{priority} now", known.priority);
                statements.push(incident_event(which, now, "state", SELF, &text));
            }
            return (statements, Some(which));
        }
        if newest == Some(&rule.runbook) {
            return (vec![fires(Which::Newest)], Some(Which::Newest));
        }
        let opened = incident_open(&NewIncident {
            priority,
            title: summary,
            rule: Some(&rule.name),
            runbook: &rule.runbook,
            opened_at: now,
            respond_by: self.clocks.respond_by(priority, now),
        });
        let text = format!("opened as P{priority} by the alert {}: {summary}", rule.name);
        let before = incident_changes_since(now.plus_ms(-CHANGES_WITHIN_MS));
        let statements = vec![opened, before, incident_event(Which::Newest, now, "opened", SELF, &text)];
        (statements, Some(Which::Newest))
    }

    /// Incidents of which the last alerts that fired in them end now.
    fn calm(
        &self,
        changes: &[Change],
        firing: &[AlertRow],
        open: &[IncidentRow],
        now: Timestamp,
    ) -> Vec<Statement> {
        let ends = |alert: &AlertRow| {
            let is_it = |change: &Change| matches!(change, Change::Resolved { rule, subject } if *rule == alert.rule && *subject == alert.subject);
            changes.iter().any(is_it)
        };
        let begins_in = |incident: &IncidentRow, change: &Change| match change {
            Change::Fired { rule, .. } => {
                self.rules.get(*rule).is_some_and(|rule| rule.runbook == incident.runbook)
            }
            Change::Resolved { .. } => false,
        };
        let mut statements = Vec::new();
        for incident in open.iter().filter(|incident| incident.state != "resolved") {
            let mut alerts = firing.iter().filter(|alert| alert.incident == Some(incident.number)).peekable();
            let is_calm = alerts.peek().is_some() && alerts.all(ends);
            if is_calm && !changes.iter().any(|change| begins_in(incident, change)) {
                let text = "resolved: none of its alerts fires any more";
                statements.push(incident_state(incident.number, "resolved", now));
                statements.push(incident_event(Which::Number(incident.number), now, "state", SELF, text));
            }
        }
        statements
    }

    /// Puts what is due into the queue, and notes whom it was told, in one commit.
    fn tell(&self, now: Timestamp) -> Result<usize> {
        let firing = self.store.alerts_firing()?;
        let resolved = self.store.alerts_resolved_after(now.plus_ms(-RESOLVED_WITHIN_MS), RESOLVED_MAX)?;
        let Plan { messages, told } = plan(&firing, &resolved, &self.store.silences()?, &self.routes, now);
        if told.is_empty() {
            return Ok(0);
        }
        let all: BTreeMap<i64, &AlertRow> =
            firing.iter().chain(&resolved).map(|alert| (alert.number, alert)).collect();
        let mut statements: Vec<Statement> =
            told.iter().map(|(number, told)| alert_told(*number, told)).collect();
        for message in &messages {
            let alerts: Vec<&AlertRow> =
                message.alerts.iter().filter_map(|number| all.get(number).copied()).collect();
            let notice = Notice::of_alerts(message.event, &message.severity, &alerts, now);
            statements.push(delivery(&self.store, &message.receiver, &notice));
        }
        self.store.db().batch(statements)?;
        Ok(messages.len())
    }

    /// Incidents that nobody took in time are noted once and told to the next receivers.
    fn look_at_clocks(&self, now: Timestamp) -> Result<usize> {
        let mut messages = 0;
        for incident in self.store.incidents_open()? {
            let is_late = incident.state == "open" && incident.respond_by.is_some_and(|by| by <= now);
            if !is_late || incident.late_at.is_some() {
                continue;
            }
            let text = "nobody took it in time";
            let mut statements = vec![
                self.store.incident_late(incident.number, now),
                incident_event(Which::Number(incident.number), now, "clock", SELF, text),
            ];
            let deliveries = self.incident_deliveries(&incident, text, 1, now);
            messages += deliveries.len();
            statements.extend(deliveries);
            self.store.db().batch(statements)?;
        }
        Ok(messages)
    }

    fn incident_deliveries(
        &self,
        incident: &IncidentRow,
        text: &str,
        level: usize,
        now: Timestamp,
    ) -> Vec<Statement> {
        let severity = if incident.priority <= 1 { Severity::Critical } else { Severity::Warning };
        let notice = Notice::of_incident(incident, severity, text, now);
        let receivers = self.routes.at(severity, level);
        let receivers = receivers.iter().filter(|receiver| !self.routes.relays.contains(*receiver));
        receivers.map(|receiver| delivery(&self.store, receiver, &notice)).collect()
    }
}

/// Ends an alert and says so in its incident.
fn resolve(
    rule: &str,
    subject: &str,
    now: Timestamp,
    firing: &[AlertRow],
    open: &[IncidentRow],
) -> Vec<Statement> {
    let mut statements = vec![alert_resolve(rule, subject, now)];
    let alert = firing.iter().find(|alert| alert.rule == rule && alert.subject == subject);
    let incident =
        alert.and_then(|alert| open.iter().find(|incident| Some(incident.number) == alert.incident));
    if let (Some(alert), Some(incident)) = (alert, incident) {
        let text = format!("over: {}", alert.summary);
        statements.push(incident_event(Which::Number(incident.number), now, "alert", SELF, &text));
    }
    statements
}

/// Tells the first receivers of an incident that somebody opened by hand.
#[must_use]
pub fn told_by_hand(
    store: &Store,
    routes: &Routes,
    incident: &IncidentRow,
    now: Timestamp,
) -> Vec<Statement> {
    let severity = if incident.priority <= 1 { Severity::Critical } else { Severity::Warning };
    let notice = Notice::of_incident(incident, severity, "opened by hand", now);
    let receivers = routes.at(severity, 0).iter().filter(|receiver| !routes.relays.contains(*receiver));
    receivers.map(|receiver| delivery(store, receiver, &notice)).collect()
}

/// An alert that was tried out.
#[must_use]
pub fn told_as_test(store: &Store, receivers: &[String], now: Timestamp) -> Vec<Statement> {
    let notice = Notice::of_test(now);
    receivers.iter().map(|receiver| delivery(store, receiver, &notice)).collect()
}

impl Event {
    /// As a heading says it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Firing => "FIRING",
            Self::Escalated => "ESCALATED",
            Self::Repeated => "STILL FIRING",
            Self::Resolved => "RESOLVED",
            Self::Test => "TEST",
            Self::Incident => "INCIDENT",
        }
    }
}
