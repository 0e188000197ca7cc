//! Who is to be told of what, now.
//!
//! Keeps true: pure. A receiver is told of an alert once when it begins, again only after the time to repeat, and of its
//! end only where it was told of its beginning; what is silenced is told when the silence ends, if it still fires.

use std::collections::{BTreeMap, BTreeSet};

use ibid_config::Config;
use ibid_store::{AlertRow, SilenceRow};
use ibid_types::Timestamp;
use serde::{Deserialize, Serialize};

use crate::alert::Severity;

/// Receivers, and the times between messages.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// For each severity the receivers in the order in which they are told; those of one entry together.
    pub levels: BTreeMap<Severity, Vec<Vec<String>>>,
    /// Receivers that group and repeat by themselves and must be told again and again that an alert still fires.
    pub relays: BTreeSet<String>,
    pub group_ms: i64,
    pub repeat_ms: i64,
    pub escalate_ms: i64,
}

/// How often a relay hears that an alert still fires.
const RELAY_MS: i64 = 60_000;
/// Alerts in one message.
const ALERTS_MAX: usize = 50;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    Firing,
    /// Nobody took it in time, so the next receiver is told.
    Escalated,
    /// It still fires.
    Repeated,
    Resolved,
    /// Somebody tries out whether messages arrive.
    Test,
    /// Of an incident: opened by hand, or not taken in time.
    Incident,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub receiver: String,
    pub event: Event,
    pub severity: String,
    /// Numbers of alerts.
    pub alerts: Vec<i64>,
}

/// The messages, and for each alert that they tell of whom it was told when from now on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub messages: Vec<Message>,
    pub told: BTreeMap<i64, BTreeMap<String, i64>>,
}

impl Routes {
    /// As configured; a severity without receivers of its own is told to all.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let all: Vec<String> = config.notify.receivers.iter().map(|receiver| receiver.name.clone()).collect();
        let levels = |configured: &[String]| -> Vec<Vec<String>> {
            if configured.is_empty() {
                return vec![all.clone()];
            }
            let together = |entry: &String| entry.split(',').map(|name| name.trim().to_owned()).collect();
            configured.iter().map(together).collect()
        };
        let alerts = &config.alerts;
        let relays = config.notify.receivers.iter().filter(|receiver| receiver.kind == "alertmanager");
        let milliseconds = |seconds: u64| i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
        Self {
            levels: BTreeMap::from([
                (Severity::Critical, levels(&alerts.critical)),
                (Severity::Warning, levels(&alerts.warning)),
                (Severity::Info, levels(&alerts.info)),
            ]),
            relays: relays.map(|receiver| receiver.name.clone()).collect(),
            group_ms: milliseconds(alerts.group_seconds),
            repeat_ms: milliseconds(alerts.repeat_hours.saturating_mul(3600)),
            escalate_ms: milliseconds(alerts.escalate_minutes.saturating_mul(60)),
        }
    }

    /// The receivers of one level; the last one stands for those beyond.
    #[must_use]
    pub fn at(&self, severity: Severity, level: usize) -> &[String] {
        let levels = self.levels.get(&severity).map_or(&[][..], Vec::as_slice);
        levels.get(level.min(levels.len().saturating_sub(1))).map_or(&[], Vec::as_slice)
    }

    /// Each receiver that an alert has reached by now, with the level at which it did.
    fn reached(&self, alert: &AlertRow, now: Timestamp) -> Vec<(&str, usize)> {
        let Ok(severity) = Severity::read(&alert.severity) else { return Vec::new() };
        let waited = now.0 - alert.fired_at.0;
        let mut reached: Vec<(&str, usize)> = Vec::new();
        for (level, receivers) in self.levels.get(&severity).into_iter().flatten().enumerate() {
            let due = i64::try_from(level).unwrap_or(i64::MAX).saturating_mul(self.escalate_ms);
            if level > 0 && (alert.acknowledged_at.is_some() || waited < due) {
                break;
            }
            for receiver in receivers {
                if reached.iter().all(|(known, _)| known != receiver) {
                    reached.push((receiver, level));
                }
            }
        }
        reached
    }

    /// What a receiver is to hear of a firing alert now.
    fn event(&self, alert: &AlertRow, receiver: &str, level: usize, now: Timestamp) -> Option<Event> {
        let is_relay = self.relays.contains(receiver);
        let Some(last) = alert.told.get(receiver) else {
            let is_new = if level > 0 { Event::Escalated } else { Event::Firing };
            let grouped = is_relay || now.0 - alert.fired_at.0 >= self.group_ms;
            return grouped.then_some(is_new);
        };
        let again = if is_relay { RELAY_MS } else { self.repeat_ms };
        let is_wanted = is_relay || alert.acknowledged_at.is_none();
        (is_wanted && now.0 - last >= again).then_some(Event::Repeated)
    }
}

/// What is to be told now. `resolved` are those that ended and whose end may not have been told yet.
#[must_use]
pub fn plan(
    firing: &[AlertRow],
    resolved: &[AlertRow],
    silences: &[SilenceRow],
    routes: &Routes,
    now: Timestamp,
) -> Plan {
    let mut groups: BTreeMap<(String, Event, String), Vec<i64>> = BTreeMap::new();
    let mut told = BTreeMap::new();
    for alert in firing {
        if silences.iter().any(|silence| silence.covers(&alert.rule, &alert.subject)) {
            continue;
        }
        let mut of_alert = alert.told.clone();
        for (receiver, level) in routes.reached(alert, now) {
            if let Some(event) = routes.event(alert, receiver, level, now) {
                let group = (receiver.to_owned(), event, alert.severity.clone());
                groups.entry(group).or_default().push(alert.number);
                of_alert.insert(receiver.to_owned(), now.0);
            }
        }
        if of_alert != alert.told {
            told.insert(alert.number, of_alert);
        }
    }
    for alert in resolved.iter().filter(|alert| !alert.told.is_empty()) {
        for receiver in alert.told.keys() {
            let group = (receiver.clone(), Event::Resolved, alert.severity.clone());
            groups.entry(group).or_default().push(alert.number);
        }
        told.insert(alert.number, BTreeMap::new());
    }
    let mut messages = Vec::new();
    for ((receiver, event, severity), numbers) in groups {
        for alerts in numbers.chunks(ALERTS_MAX) {
            let (receiver, severity) = (receiver.clone(), severity.clone());
            messages.push(Message { receiver, event, severity, alerts: alerts.to_vec() });
        }
    }
    Plan { messages, told }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn routes() -> Routes {
        let level = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        Routes {
            levels: BTreeMap::from([(Severity::Critical, vec![level(&["chat", "mail"]), level(&["pager"])])]),
            relays: BTreeSet::new(),
            group_ms: 10_000,
            repeat_ms: 240 * MINUTE,
            escalate_ms: 15 * MINUTE,
        }
    }

    fn alert(number: i64, fired_at: i64) -> AlertRow {
        AlertRow {
            number,
            rule: format!("rule-{number}"),
            subject: String::new(),
            severity: "critical".to_owned(),
            summary: String::new(),
            runbook: String::new(),
            value: 1.0,
            began_at: Timestamp(fired_at),
            fired_at: Timestamp(fired_at),
            resolved_at: None,
            acknowledged_at: None,
            acknowledged_by: None,
            told: BTreeMap::new(),
            incident: None,
        }
    }

    /// Plans at a moment and lets the alerts know whom they were told to.
    fn told(alerts: &mut [AlertRow], at: i64) -> Vec<String> {
        let plan = plan(alerts, &[], &[], &routes(), Timestamp(at));
        for (number, told) in plan.told {
            alerts.iter_mut().find(|alert| alert.number == number).unwrap().told = told;
        }
        let line =
            |message: Message| format!("{} {:?} {:?}", message.receiver, message.event, message.alerts);
        plan.messages.into_iter().map(line).collect()
    }

    #[test]
    fn alerts_that_begin_together_come_together_and_once() {
        let mut alerts = [alert(1, 0), alert(2, 5_000)];
        assert!(told(&mut alerts, 9_000).is_empty());
        assert_eq!(told(&mut alerts, 15_000), ["chat Firing [1, 2]", "mail Firing [1, 2]"]);
        assert!(told(&mut alerts, MINUTE).is_empty());
    }

    #[test]
    fn what_nobody_takes_goes_to_the_next_and_is_repeated() {
        let mut alerts = [alert(1, 0)];
        assert_eq!(told(&mut alerts, 10_000).len(), 2);
        assert_eq!(told(&mut alerts, 15 * MINUTE), ["pager Escalated [1]"]);
        assert_eq!(told(&mut alerts, 250 * MINUTE), ["chat Repeated [1]", "mail Repeated [1]"]);
    }

    #[test]
    fn what_somebody_took_is_neither_escalated_nor_repeated() {
        let mut alerts = [alert(1, 0)];
        told(&mut alerts, 10_000);
        alerts[0].acknowledged_at = Some(Timestamp(MINUTE));
        assert!(told(&mut alerts, 500 * MINUTE).is_empty());
    }

    #[test]
    fn the_end_is_told_to_those_who_know_of_the_beginning() {
        let mut ended = alert(1, 0);
        ended.told = BTreeMap::from([("mail".to_owned(), 10_000)]);
        let plan = plan(&[], &[ended, alert(2, 0)], &[], &routes(), Timestamp(MINUTE));
        assert_eq!(plan.messages.len(), 1);
        assert_eq!((plan.messages[0].receiver.as_str(), plan.messages[0].event), ("mail", Event::Resolved));
        assert_eq!(plan.told, BTreeMap::from([(1, BTreeMap::new())]));
    }

    #[test]
    fn what_is_silenced_is_told_when_the_silence_ends() {
        let silence = SilenceRow {
            number: 1,
            rule: "rule-*".to_owned(),
            subject: String::new(),
            reason: String::new(),
            made_by: String::new(),
            made_at: Timestamp(0),
            until: Timestamp(MINUTE),
        };
        let alerts = [alert(1, 0)];
        assert_eq!(plan(&alerts, &[], &[silence], &routes(), Timestamp(30_000)), Plan::default());
        assert_eq!(plan(&alerts, &[], &[], &routes(), Timestamp(MINUTE)).messages.len(), 2);
    }
}
