//! Operations on the wire: metrics over time, the log's level.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /v1/ops/series`: a metric over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Series {
    pub name: String,
    /// What a point says of its step: `average`, `max`, `increase`, `rate`, or a quantile such as `p95`.
    pub how: String,
    /// Seconds between two points.
    pub step: i64,
    pub lines: Vec<Line>,
}

/// One line of a chart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Line {
    /// The value of the label that `by` names; empty where all series are one line.
    pub label: String,
    pub points: Vec<Point>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Point {
    /// The end of the step, in seconds since 1970.
    pub at: i64,
    /// Nothing where there are no samples.
    pub value: Option<f64>,
}

/// `GET` and `PUT /v1/ops/log-level`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogLevel {
    /// `error`, `warn`, `info`, `debug` or `trace`; also `ibid_serve=debug,info`.
    pub level: String,
}

/// What the server does beside its requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tasks {
    pub tasks: Vec<Task>,
    /// The last round of each kind of work that comes back: clean-up by category, upkeep of the indexes, bases, rehearsals.
    pub rounds: Vec<TaskRound>,
}

/// A background task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Task {
    pub name: String,
    /// `running`, `ended` or `panicked`
    pub state: String,
}

/// A round of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaskRound {
    pub task: String,
    /// When it began.
    pub at: String,
    pub took_ms: u64,
    /// What it did; the reason where it failed.
    pub result: String,
    /// The code of the failure.
    pub failure: Option<String>,
    /// Rounds since the start of the server, and how many of them failed.
    pub rounds: u64,
    pub failed: u64,
}
