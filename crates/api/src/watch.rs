//! Alerts, objectives, incidents and findings on the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A page of a list that is counted downwards, the newest first.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Newest {
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<usize>,
    /// Only entries before this number: `next` of the page before.
    pub before: Option<i64>,
}

/// An alert that fires or fired.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Alert {
    pub number: i64,
    pub rule: String,
    /// Which of the things that the rule watches; empty where it watches one.
    pub subject: String,
    /// `critical`, `warning` or `info`
    pub severity: String,
    pub summary: String,
    /// The runbook's name; empty for none.
    pub runbook: String,
    pub value: f64,
    pub fired_at: String,
    pub resolved_at: Option<String>,
    pub acknowledged_by: Option<String>,
    /// Whether a silence keeps it from being told.
    pub silenced: bool,
    pub incident: Option<i64>,
}

/// A condition that holds and will fire if it goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PendingAlert {
    pub rule: String,
    pub subject: String,
    pub severity: String,
    pub summary: String,
    pub value: f64,
    /// How long the condition must hold before it fires.
    pub hold_seconds: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Silence {
    pub number: i64,
    /// A rule's name, or a beginning of names that ends in `*`.
    pub rule: String,
    pub subject: String,
    pub reason: String,
    pub by: String,
    pub until: String,
}

/// `GET /v1/ops/alerts`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertsPage {
    pub alerts: Vec<Alert>,
    /// What holds now and does not fire yet.
    #[serde(default)]
    pub pending: Vec<PendingAlert>,
    pub silences: Vec<Silence>,
    pub next: Option<i64>,
}

/// `POST /v1/ops/silences`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SilenceRequest {
    pub rule: String,
    #[serde(default)]
    pub subject: String,
    #[schema(minimum = 1, maximum = 43_200)]
    pub minutes: u32,
    pub reason: String,
    #[serde(default)]
    pub by: String,
}

/// Who does something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct By {
    pub by: String,
}

/// `GET /v1/ops/alert-rules`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertRule {
    pub name: String,
    pub severity: String,
    /// As Prometheus reads it.
    pub expression: String,
    pub hold_seconds: u64,
    pub summary: String,
    pub runbook: String,
    /// The priority of the incident that it opens.
    pub priority: Option<u32>,
    pub is_firing: bool,
}

/// How a message was delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    pub receiver: String,
    /// `done`, `failed` (it is tried again), `dead` or `queued`
    pub outcome: String,
}

/// `GET /v1/ops/slo`: an objective and how it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Objective {
    pub name: String,
    pub promise: String,
    pub target: f64,
    /// The good share of the last 30 days; none where nothing was counted.
    pub good: Option<f64>,
    /// The share of the error budget that is left; below 0 it is overdrawn.
    pub budget_left: Option<f64>,
    /// How many times too fast it was spent within the last hour.
    pub burn: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Incident {
    pub number: i64,
    /// 0 (all stands still) to 3 (a nuisance)
    pub priority: u32,
    pub title: String,
    /// `open`, `acknowledged`, `resolved` or `closed`
    pub state: String,
    pub rule: Option<String>,
    pub runbook: String,
    /// Role to person.
    pub roles: BTreeMap<String, String>,
    /// What the status page says.
    pub message: Option<String>,
    pub opened_at: String,
    /// Until when somebody should take it.
    pub respond_by: Option<String>,
    /// Whether nobody did in time.
    pub is_late: bool,
    pub acknowledged_at: Option<String>,
    pub resolved_at: Option<String>,
    pub closed_at: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IncidentEvent {
    pub number: u32,
    pub at: String,
    pub kind: String,
    pub who: String,
    pub text: String,
}

/// `GET /v1/ops/incidents/{number}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IncidentDetail {
    pub incident: Incident,
    pub events: Vec<IncidentEvent>,
    pub alerts: Vec<Alert>,
    /// Messages to choose from, by name.
    pub templates: BTreeMap<String, String>,
}

/// `GET /v1/ops/incidents`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IncidentsPage {
    pub incidents: Vec<Incident>,
    pub next: Option<i64>,
}

/// `POST /v1/ops/incidents`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentRequest {
    #[schema(pattern = r"\S", max_length = 20_000)]
    pub title: String,
    #[schema(maximum = 3)]
    pub priority: u32,
    #[serde(default)]
    pub runbook: String,
    #[serde(default)]
    pub by: String,
}

/// `POST /v1/ops/incidents/{number}/events`; an empty field changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IncidentChange {
    pub by: String,
    pub note: Option<String>,
    /// What the note is: `note` (without it), `command`, `runbook` or `change`.
    pub kind: Option<String>,
    /// `acknowledged`, `resolved`, `closed` or `open`
    pub state: Option<String>,
    /// 0 to 3; the clock of one that nobody took yet begins anew.
    #[schema(maximum = 3)]
    pub priority: Option<u32>,
    /// `commander`, `operations`, `communication` or `scribe`, with the person; an empty person takes it back.
    pub role: Option<String>,
    pub person: Option<String>,
    /// For the status page; empty takes it back.
    pub message: Option<String>,
}

/// What `ibid doctor` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// What was looked at: `disk`, `store`, ...
    pub area: String,
    /// `ok`, `note` or `problem`
    pub state: String,
    /// A stable word for it.
    pub code: String,
    pub what: String,
    /// What to do; empty where all is well.
    pub fix: String,
}

/// `GET /v1/ops/runbooks`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Runbook {
    pub name: String,
    pub title: String,
    /// Steps that run; 0 for one that cannot be read, whose title then says why.
    pub steps: usize,
}
