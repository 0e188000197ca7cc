//! Models that count, time and trace what is asked of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use ibid_model::{Attempt, CallReport, Embedder, EmbedderSpec, GateState, Observer, Price, Purpose};
use ibid_ops::metric::list;
use ibid_types::Result;

use super::{Metrics, outcome};

/// Counts what models are asked for, and what came of it.
#[derive(Debug)]
pub struct CallMetrics {
    /// By the model's name.
    prices: HashMap<String, Price>,
    metrics: Metrics,
}

impl CallMetrics {
    pub fn new(prices: impl Iterator<Item = (String, Price)>, metrics: Metrics) -> Self {
        Self { prices: prices.collect(), metrics }
    }
}

/// Several that hear of calls.
#[derive(Debug)]
pub struct Everyone(pub Vec<Arc<dyn Observer>>);

impl Observer for Everyone {
    fn attempt(&self, attempt: &Attempt) {
        self.0.iter().for_each(|observer| observer.attempt(attempt));
    }

    fn call(&self, report: &CallReport<'_>) {
        self.0.iter().for_each(|observer| observer.call(report));
    }
}

impl Observer for CallMetrics {
    fn attempt(&self, attempt: &Attempt) {
        let (registry, provider) = (self.metrics.registry(), attempt.model.as_str());
        let kind = attempt.kind.name();
        registry.count(&list::MODEL_REQUESTS, [provider, kind, attempt.outcome]);
        registry.observe(&list::MODEL_DURATION, [provider, kind], attempt.took.as_secs_f64());
        if let Some(first_token) = attempt.first_token {
            registry.observe(&list::MODEL_FIRST_TOKEN, [provider], first_token.as_secs_f64());
        }
        let usage = attempt.usage;
        registry.grow(&list::MODEL_TOKENS, [provider, "prompt"], usage.prompt_tokens as f64);
        registry.grow(&list::MODEL_TOKENS, [provider, "completion"], usage.completion_tokens as f64);
        let price = self.prices.get(provider).copied().unwrap_or_default();
        registry.grow(&list::MODEL_COST, [provider], price.usd(usage));
    }

    fn call(&self, report: &CallReport<'_>) {
        let by = report.model.unwrap_or("none");
        self.metrics.registry().count(&list::MODEL_CALLS, [report.route, by, report.outcome]);
    }
}

/// An embedder.
#[derive(Debug)]
pub struct MeteredEmbedder {
    inner: Arc<dyn Embedder>,
    metrics: Metrics,
}

impl MeteredEmbedder {
    pub const fn new(inner: Arc<dyn Embedder>, metrics: Metrics) -> Self {
        Self { inner, metrics }
    }
}

impl Embedder for MeteredEmbedder {
    fn spec(&self) -> &EmbedderSpec {
        self.inner.spec()
    }

    fn embed(&self, texts: &[&str], purpose: Purpose) -> Result<Vec<Vec<f32>>> {
        let provider = &self.inner.spec().id;
        let span = tracing::info_span!("embed", provider, texts = texts.len(), error = tracing::field::Empty);
        let _inside = span.enter();
        let _running = running(&self.metrics, provider, "embedding");
        let started = Instant::now();
        let made = self.inner.embed(texts, purpose);
        if let Err(error) = &made {
            span.record("error", error.code);
        }
        let registry = self.metrics.registry();
        registry.count(&list::MODEL_REQUESTS, [provider, "embedding", outcome(&made)]);
        registry.observe(&list::MODEL_DURATION, [provider, "embedding"], started.elapsed().as_secs_f64());
        registry.grow(&list::MODEL_TEXTS, [provider], texts.len() as f64);
        made
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.inner.count_tokens(text)
    }

    fn gate(&self) -> Option<GateState> {
        self.inner.gate()
    }
}

/// Counts a call in work until the value is dropped.
struct Running<'a> {
    metrics: &'a Metrics,
    labels: [&'a str; 2],
}

fn running<'a>(metrics: &'a Metrics, provider: &'a str, kind: &'a str) -> Running<'a> {
    let labels = [provider, kind];
    metrics.registry().shift(&list::MODEL_RUNNING, labels, 1.0);
    Running { metrics, labels }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.metrics.registry().shift(&list::MODEL_RUNNING, self.labels, -1.0);
    }
}
