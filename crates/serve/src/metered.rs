//! A kind of node that counts, times and traces what it does, on the account of whoever its run is for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ibid_flow::{Call, NodeKind, Output};
use ibid_types::Result;
use serde_json::Value;

use crate::metrics::Metrics;
use crate::spend::{self, Payer};
use crate::telemetry::RunTraces;

/// Passes everything on to the kind inside.
#[derive(Debug)]
pub struct Metered {
    inner: Arc<dyn NodeKind>,
    metrics: Metrics,
    traces: Arc<RunTraces>,
}

impl Metered {
    pub fn new(inner: Arc<dyn NodeKind>, metrics: Metrics, traces: Arc<RunTraces>) -> Self {
        Self { inner, metrics, traces }
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
        let trace = self.traces.of(call.run).map(|trace| trace.to_string());
        let span = tracing::info_span!(
            "effect",
            kind = self.name(),
            node = call.node,
            run = %call.run,
            attempt = call.attempt,
            traceparent = trace,
            error = tracing::field::Empty,
        );
        let _inside = span.enter();
        let started = Instant::now();
        let payer = Payer::of_run(call.run, call.workspace, call.reader);
        let (mut outcome, bought) = spend::on_account_of(payer, || self.inner.perform(call));
        if let (Ok(output), true) = (&mut outcome, bought.calls > 0) {
            // By the models that answered; the kind only knows which was to be asked.
            output.money = bought.usd();
        }
        if let Err(error) = &outcome {
            span.record("error", error.code);
        }
        self.metrics.performed(self.name(), call.node, outcome.is_ok(), started.elapsed());
        outcome
    }
}
