//! Receivers that take JSON over HTTP.

use ibid_types::{Error, JobId, Result, Secret, Timestamp};
use serde_json::{Value, json};

use crate::alert::Event;
use crate::notify::{Notice, Receiver, Told};

const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";
/// Without news for so long Alertmanager takes an alert for over.
const RELAYED_MS: i64 = 300_000;

/// Posts to one address.
#[derive(Debug)]
pub struct Post {
    kind: Kind,
    name: String,
    url: Secret,
    key: Secret,
    public_url: String,
    http: reqwest::blocking::Client,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Webhook,
    Slack,
    PagerDuty,
    Alertmanager,
}

impl Post {
    #[must_use]
    pub fn new(receiver: &ibid_config::Receiver, public_url: &str, http: reqwest::blocking::Client) -> Self {
        let kind = match receiver.kind.as_str() {
            "slack" => Kind::Slack,
            "pagerduty" => Kind::PagerDuty,
            "alertmanager" => Kind::Alertmanager,
            _ => Kind::Webhook,
        };
        let given = receiver.url.reveal().trim_end_matches('/');
        let url = match kind {
            Kind::PagerDuty if given.is_empty() => PAGERDUTY.to_owned(),
            Kind::Alertmanager => format!("{given}/api/v2/alerts"),
            _ => given.to_owned(),
        };
        Self {
            kind,
            name: receiver.name.clone(),
            url: Secret::new(url),
            key: receiver.key.clone(),
            public_url: public_url.to_owned(),
            http,
        }
    }

    fn bodies(&self, notice: &Notice) -> Vec<Value> {
        match self.kind {
            Kind::Webhook => vec![webhook(notice, &self.public_url)],
            Kind::Slack => vec![slack(notice, &self.public_url)],
            Kind::PagerDuty => pagerduty(notice, self.key.reveal(), &self.public_url),
            Kind::Alertmanager => vec![alertmanager(notice, &self.public_url)],
        }
    }

    fn post(&self, body: &Value, id: JobId) -> Result<()> {
        let mut request =
            self.http.post(self.url.reveal()).header("idempotency-key", id.to_string()).json(body);
        if self.kind == Kind::Webhook && !self.key.is_empty() {
            request = request.bearer_auth(self.key.reveal());
        }
        let response = request.send().map_err(|error| {
            // The address may hold a secret, and the client's error repeats it.
            let what = format!("cannot reach the receiver {}; is its address right?", self.name);
            Error::unavailable("notify_unreachable", what).caused_by(error.without_url())
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let what = format!("the receiver {} answered with status {}", self.name, status.as_u16());
        Err(Error::unavailable("notify_refused", what))
    }
}

impl Receiver for Post {
    fn deliver(&self, notice: &Notice, id: JobId) -> Result<()> {
        self.bodies(notice).iter().try_for_each(|body| self.post(body, id))
    }
}

fn webhook(notice: &Notice, public_url: &str) -> Value {
    let mut body = serde_json::to_value(notice).unwrap_or_default();
    body["text"] = format!("{}\n{}", notice.heading(), notice.body(public_url)).into();
    body["at"] = notice.at.to_string().into();
    body
}

/// An incoming webhook of Slack; Mattermost takes the same.
fn slack(notice: &Notice, public_url: &str) -> Value {
    let color = match (notice.is_over(), notice.severity.as_str()) {
        (true, _) => "good",
        (false, "critical") => "danger",
        (false, "warning") => "warning",
        _ => "#439fe0",
    };
    let text = escaped(&notice.body(public_url));
    json!({ "text": escaped(&notice.heading()), "attachments": [{ "color": color, "text": text }] })
}

/// Slack reads these three as markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// PagerDuty Events API v2: an event for each alert, which the key joins to its incident there.
fn pagerduty(notice: &Notice, routing_key: &str, public_url: &str) -> Vec<Value> {
    let event = |key: String, summary: &str, severity: &str, details: Value| {
        let action = if notice.is_over() { "resolve" } else { "trigger" };
        // The summary is at most 1,024 characters there.
        let summary: String = summary.chars().take(1000).collect();
        json!({
            "routing_key": routing_key, "event_action": action, "dedup_key": key, "client": "Ibid",
            "client_url": public_url,
            "payload": { "summary": summary, "source": "ibid", "severity": severity,
                "timestamp": notice.at.to_string(), "custom_details": details },
        })
    };
    if notice.alerts.is_empty() {
        return vec![event(notice.key(), &notice.title, &notice.severity, Value::Null)];
    }
    let of_alert = |alert: &Told| {
        let details = json!({ "rule": alert.rule, "subject": alert.subject, "value": alert.value,
            "runbook": alert.runbook, "incident": alert.incident, "since": alert.fired_at.to_string() });
        event(format!("ibid-{}-{}", alert.rule, alert.subject), &alert.summary, &alert.severity, details)
    };
    notice.alerts.iter().map(of_alert).collect()
}

/// Alertmanager's API v2: `POST /api/v2/alerts`. It groups, routes and silences by itself.
fn alertmanager(notice: &Notice, public_url: &str) -> Value {
    let of_alert = |alert: &Told| {
        let ends: Timestamp = match (notice.event, alert.resolved_at) {
            (Event::Resolved, Some(resolved)) => resolved,
            _ => notice.at.plus_ms(RELAYED_MS),
        };
        let mut alert_body = json!({
            "labels": { "alertname": alert.rule, "severity": alert.severity, "service": "ibid", "subject": alert.subject },
            "annotations": { "summary": alert.summary, "runbook": alert.runbook },
            "startsAt": alert.fired_at.to_string(), "endsAt": ends.to_string(),
        });
        if !public_url.is_empty() {
            alert_body["generatorURL"] = public_url.into();
        }
        alert_body
    };
    if notice.alerts.is_empty() {
        let ends = notice.at.plus_ms(RELAYED_MS).to_string();
        return json!([{ "labels": { "alertname": notice.key(), "severity": notice.severity, "service": "ibid" },
            "annotations": { "summary": notice.title }, "startsAt": notice.at.to_string(), "endsAt": ends }]);
    }
    notice.alerts.iter().map(of_alert).collect()
}
