//! A kind of node that counts and times what it does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ibid_flow::{Call, NodeKind, Output};
use ibid_types::Result;
use serde_json::Value;

use crate::metrics::Metrics;

/// Passes everything on to the kind inside.
#[derive(Debug)]
pub struct Metered {
    inner: Arc<dyn NodeKind>,
    metrics: Metrics,
}

impl Metered {
    pub fn new(inner: Arc<dyn NodeKind>, metrics: Metrics) -> Self {
        Self { inner, metrics }
    }
}

impl NodeKind for Metered {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn description(&self) -> &str {
        self.inner.description()
    }

    fn parameters(&self) -> Value {
        self.inner.parameters()
    }

    fn timeout(&self) -> Duration {
        self.inner.timeout()
    }

    fn has_side_effects(&self) -> bool {
        self.inner.has_side_effects()
    }

    fn has_side_effects_with(&self, with: &Value) -> bool {
        self.inner.has_side_effects_with(with)
    }

    fn uses_tools(&self) -> bool {
        self.inner.uses_tools()
    }

    fn check_tool(&self, name: &str) -> Result<()> {
        self.inner.check_tool(name)
    }

    fn events_of(&self, output: &Value) -> Vec<(String, Value)> {
        self.inner.events_of(output)
    }

    fn text_of(&self, output: &Value) -> Option<String> {
        self.inner.text_of(output)
    }

    fn perform(&self, call: &Call<'_>) -> Result<Output> {
        let started = Instant::now();
        let outcome = self.inner.perform(call);
        self.metrics.performed(self.name(), call.node, outcome.is_ok(), started.elapsed());
        outcome
    }
}
