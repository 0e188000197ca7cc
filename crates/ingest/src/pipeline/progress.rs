//! How far a job is, and what it came to, as the queue keeps it.

use ibid_store::Job;
use serde::{Deserialize, Serialize};

/// The `progress` and `result` of an ingest job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct JobResult {
    /// `parse`, `chunk`, `embed`, `write` while it runs.
    pub step: Option<String>,
    /// 0 to 1.
    pub progress: f32,
    pub chunks: Option<u32>,
    pub near_duplicate_of: Option<String>,
    pub warnings: Vec<String>,
}

impl JobResult {
    /// What the queue knows; a job that ended has no step and is whole.
    #[must_use]
    pub fn read(job: &Job) -> Self {
        let ended = job.finished_at.is_some();
        let json = if ended { &job.result } else { &job.progress };
        let read: Self =
            json.as_ref().and_then(|json| serde_json::from_value(json.clone()).ok()).unwrap_or_default();
        if ended { Self { step: None, progress: 1.0, ..read } } else { read }
    }

    pub(super) fn at(step: &str, progress: f32) -> serde_json::Value {
        serde_json::json!({ "step": step, "progress": progress })
    }

    pub(super) fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}
