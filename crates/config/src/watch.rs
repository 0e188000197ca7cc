//! What watches and tells: objectives, alerts, receivers, incidents.

use std::collections::BTreeMap;

use ibid_types::Secret;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    pub availability_percent: f64,
    pub retrieval_seconds: f64,
    pub retrieval_percent: f64,
    pub first_token_seconds: f64,
    pub first_token_percent: f64,
    pub answers_percent: f64,
    pub accuracy_min: f64,
    pub accuracy_percent: f64,
    pub freshness_entries_max: u64,
    pub freshness_percent: f64,
    pub backup_age_seconds_max: u64,
    pub backup_percent: f64,
    pub quality_sample_percent: u32,
    pub golden_hours: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alerts {
    pub enabled: bool,
    pub interval_seconds: u64,
    pub quiet_seconds: u64,
    pub group_seconds: u64,
    pub repeat_hours: u64,
    pub escalate_minutes: u64,
    pub usd_a_day: f64,
    /// Receivers in the order in which they are told; those of one entry together, with a comma between them.
    pub critical: Vec<String>,
    pub warning: Vec<String>,
    pub info: Vec<String>,
    /// Names of default rules that are left out.
    pub disabled: Vec<String>,
    pub rules: Vec<AlertRule>,
}

/// A rule of the operator's own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertRule {
    pub name: String,
    pub severity: String,
    pub metric: String,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// `value`, `increase`, `rate`, `average` or `quantile`.
    #[serde(default = "value_word")]
    pub measure: String,
    #[serde(default = "window_usual")]
    pub window_seconds: u64,
    #[serde(default = "quantile_usual")]
    pub quantile: f64,
    /// The value is divided by this one.
    pub divided_by: Option<Divisor>,
    /// A label by whose values things are watched apart.
    #[serde(default)]
    pub each: String,
    pub above: Option<f64>,
    pub below: Option<f64>,
    #[serde(default)]
    pub hold_seconds: u64,
    pub summary: String,
    #[serde(default)]
    pub runbook: String,
}

/// What a rule's value is divided by; measured in the same way, over the same window, unless it says otherwise.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Divisor {
    pub metric: String,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    pub measure: Option<String>,
    /// Where it is less, nothing is told: a share of little says little.
    #[serde(default)]
    pub at_least: f64,
}

fn value_word() -> String {
    "value".to_owned()
}

const fn window_usual() -> u64 {
    300
}

const fn quantile_usual() -> f64 {
    0.95
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    pub timeout_seconds: u64,
    pub attempts_max: u32,
    /// Where people reach this server's page: links in messages begin with it.
    pub public_url: String,
    pub receivers: Vec<Receiver>,
}

/// Who or what is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receiver {
    pub name: String,
    /// `webhook`, `slack`, `pagerduty`, `email` or `alertmanager`.
    pub kind: String,
    /// Of a webhook, Slack or Alertmanager; it may hold a secret and is never shown.
    #[serde(default)]
    pub url: Secret,
    /// PagerDuty's routing key, or the bearer token of a webhook.
    #[serde(default)]
    pub key: Secret,
    /// `HOST:PORT` of the mail server.
    #[serde(default)]
    pub smtp: String,
    /// `tls`, `starttls` or `none`.
    #[serde(default = "starttls_word")]
    pub security: String,
    #[serde(default)]
    pub user: String,
    #[serde(default)]
    pub password: Secret,
    #[serde(default)]
    pub from: String,
    #[serde(default)]
    pub to: Vec<String>,
}

fn starttls_word() -> String {
    "starttls".to_owned()
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incidents {
    /// Whether critical alerts open incidents.
    pub open: bool,
    pub minutes_p0: u64,
    pub minutes_p1: u64,
    pub minutes_p2: u64,
    pub status_page: bool,
    pub status_title: String,
}

/// Takes whether something holds, its key, and what would be right.
type Must<'a> = dyn FnMut(bool, &str, &str) + 'a;

impl Slo {
    pub(crate) fn problems(&self, must: &mut Must<'_>) {
        for (key, percent) in [
            ("slo.availability_percent", self.availability_percent),
            ("slo.retrieval_percent", self.retrieval_percent),
            ("slo.first_token_percent", self.first_token_percent),
            ("slo.answers_percent", self.answers_percent),
            ("slo.accuracy_percent", self.accuracy_percent),
            ("slo.freshness_percent", self.freshness_percent),
            ("slo.backup_percent", self.backup_percent),
        ] {
            must((50.0..=99.999).contains(&percent), key, "50 to 99.999");
        }
        must((0.0..=1.0).contains(&self.accuracy_min), "slo.accuracy_min", "0 to 1");
        must(self.retrieval_seconds > 0.0, "slo.retrieval_seconds", "more than 0");
        must(self.first_token_seconds > 0.0, "slo.first_token_seconds", "more than 0");
        must(self.quality_sample_percent <= 100, "slo.quality_sample_percent", "0 to 100");
    }
}

impl Alerts {
    pub(crate) fn problems(&self, receivers: &[Receiver], must: &mut Must<'_>) {
        must((1..=3600).contains(&self.interval_seconds), "alerts.interval_seconds", "1 to 3600");
        must(self.escalate_minutes >= 1, "alerts.escalate_minutes", "at least 1");
        must(self.repeat_hours >= 1, "alerts.repeat_hours", "at least 1");
        must(self.usd_a_day >= 0.0, "alerts.usd_a_day", "0 for no budget, or US dollars");
        for (severity, levels) in
            [("critical", &self.critical), ("warning", &self.warning), ("info", &self.info)]
        {
            for (index, name) in levels.iter().flat_map(|level| level.split(',')).enumerate() {
                let known = receivers.iter().any(|receiver| receiver.name == name.trim());
                must(
                    known,
                    &format!("alerts.{severity}[{index}]"),
                    "the name of a receiver of notify.receivers",
                );
            }
        }
        for (index, rule) in self.rules.iter().enumerate() {
            let key = |field: &str| format!("alerts.rules[{index}].{field}");
            must(is_word(&rule.name), &key("name"), "lower-case letters, digits and hyphens");
            must(
                ["critical", "warning", "info"].contains(&rule.severity.as_str()),
                &key("severity"),
                "\"critical\", \"warning\" or \"info\"",
            );
            let measures = ["value", "increase", "rate", "average", "quantile"];
            let words = "\"value\", \"increase\", \"rate\", \"average\" or \"quantile\"";
            must(measures.contains(&rule.measure.as_str()), &key("measure"), words);
            let of_divisor = rule.divided_by.as_ref().and_then(|divisor| divisor.measure.as_deref());
            let is_known = of_divisor.is_none_or(|measure| measures.contains(&measure));
            must(is_known, &key("divided_by.measure"), words);
            must(rule.above.is_some() != rule.below.is_some(), &key("above"), "give either above or below");
            must((0.0..=1.0).contains(&rule.quantile), &key("quantile"), "0 to 1");
        }
    }
}

impl Notify {
    pub(crate) fn problems(&self, must: &mut Must<'_>) {
        must((1..=120).contains(&self.timeout_seconds), "notify.timeout_seconds", "1 to 120");
        must((1..=64).contains(&self.attempts_max), "notify.attempts_max", "1 to 64");
        for (index, receiver) in self.receivers.iter().enumerate() {
            let key = |field: &str| format!("notify.receivers[{index}].{field}");
            let earlier = &self.receivers[..index];
            must(
                is_word(&receiver.name) && earlier.iter().all(|other| other.name != receiver.name),
                &key("name"),
                "lower-case letters, digits and hyphens, each name once",
            );
            receiver.problems(&key, must);
        }
    }
}

impl Receiver {
    fn problems(&self, key: &dyn Fn(&str) -> String, must: &mut Must<'_>) {
        let is_url = ["http://", "https://"].iter().any(|scheme| self.url.reveal().starts_with(scheme));
        match self.kind.as_str() {
            "webhook" | "slack" | "alertmanager" => {
                must(is_url, &key("url"), "an http:// or https:// address")
            }
            "pagerduty" => must(!self.key.is_empty(), &key("key"), "the routing key of a service"),
            "email" => {
                must(self.smtp.contains(':'), &key("smtp"), "HOST:PORT of the mail server");
                must(self.from.contains('@'), &key("from"), "an address");
                must(!self.to.is_empty(), &key("to"), "at least one address");
                must(
                    ["tls", "starttls", "none"].contains(&self.security.as_str()),
                    &key("security"),
                    "\"tls\", \"starttls\" or \"none\"",
                );
            }
            _ => must(
                false,
                &key("kind"),
                "\"webhook\", \"slack\", \"pagerduty\", \"email\" or \"alertmanager\"",
            ),
        }
    }
}

impl Incidents {
    pub(crate) fn problems(&self, must: &mut Must<'_>) {
        for (key, minutes) in [
            ("incidents.minutes_p0", self.minutes_p0),
            ("incidents.minutes_p1", self.minutes_p1),
            ("incidents.minutes_p2", self.minutes_p2),
        ] {
            must((1..=10_080).contains(&minutes), key, "1 to 10080 minutes");
        }
    }
}

pub(crate) fn is_word(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty() && text.len() <= 64 && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use crate::Layers;
    use crate::tried::told;

    #[test]
    fn receivers_have_what_their_kind_needs() {
        let pager = "notify.receivers=[{name='pager', kind='pagerduty', key='k'}]";
        assert_eq!(told(&[pager, "alerts.critical=['pager']"]), "fine");
        let bad = told(&["notify.receivers=[{name='a', kind='pagerduty'}, {name='a', kind='fax'}]"]);
        for key in ["receivers[0].key", "receivers[1].name", "receivers[1].kind"] {
            assert!(bad.contains(key), "{bad}");
        }
        assert!(told(&["alerts.critical=['nobody']"]).contains("alerts.critical[0]"));
    }

    #[test]
    fn a_rule_can_divide_by_another_measure() {
        let rule = |measure: &str| {
            told(&[&format!(
                "alerts.rules=[{{name='r', severity='info', metric='a', above=0.5, summary='x', divided_by={{metric='b', measure='{measure}'}}}}]"
            )])
        };
        assert_eq!(rule("increase"), "fine");
        assert!(rule("guess").contains("alerts.rules[0].divided_by.measure"));
    }

    #[test]
    fn receivers_are_not_shown() {
        let mut layers = Layers::defaults().unwrap();
        layers.flag("notify.receivers=[{name='s', kind='slack', url='https://hooks.example/T0/secret'}]");
        let (config, shown) = layers.finish().unwrap();
        assert_eq!(shown["notify.receivers"].0, "[set]");
        assert!(!format!("{config:?}").contains("T0/secret"));
    }
}
