//! Models that count, time and trace what is asked of them.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use ibid_model::{
    BreakerState, ChatDelta, ChatModel, ChatOutcome, ChatRequest, Embedder, EmbedderSpec, Price, Purpose,
};
use ibid_ops::metric::list;
use ibid_types::Result;

use super::{Metrics, outcome};

/// A chat model with its price.
#[derive(Debug)]
pub struct MeteredChat {
    inner: Arc<dyn ChatModel>,
    price: Price,
    metrics: Metrics,
}

impl MeteredChat {
    pub const fn new(inner: Arc<dyn ChatModel>, price: Price, metrics: Metrics) -> Self {
        Self { inner, price, metrics }
    }

    fn note(&self, done: &Result<ChatOutcome>, started: Instant, first_token: Option<f64>) {
        let (registry, provider) = (self.metrics.registry(), self.inner.name());
        registry.count(&list::MODEL_REQUESTS, [provider, "chat", outcome(done)]);
        registry.observe(&list::MODEL_DURATION, [provider, "chat"], started.elapsed().as_secs_f64());
        if let Some(seconds) = first_token {
            registry.observe(&list::MODEL_FIRST_TOKEN, [provider], seconds);
        }
        if let Ok(done) = done {
            let usage = done.usage;
            registry.grow(&list::MODEL_TOKENS, [provider, "prompt"], usage.prompt_tokens as f64);
            registry.grow(&list::MODEL_TOKENS, [provider, "completion"], usage.completion_tokens as f64);
            registry.grow(&list::MODEL_COST, [provider], self.price.usd(usage));
        }
    }
}

impl ChatModel for MeteredChat {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn context_tokens(&self) -> usize {
        self.inner.context_tokens()
    }

    fn chat(
        &self,
        request: &ChatRequest,
        on_delta: &mut dyn FnMut(ChatDelta) -> ControlFlow<()>,
    ) -> Result<ChatOutcome> {
        let span = tracing::info_span!(
            "chat model",
            provider = self.inner.name(),
            prompt_tokens = tracing::field::Empty,
            completion_tokens = tracing::field::Empty,
            error = tracing::field::Empty,
        );
        let _inside = span.enter();
        let _running = running(&self.metrics, self.inner.name(), "chat");
        let started = Instant::now();
        let mut first_token = None;
        let done = self.inner.chat(request, &mut |delta| {
            first_token.get_or_insert_with(|| started.elapsed().as_secs_f64());
            on_delta(delta)
        });
        match &done {
            Ok(done) => {
                span.record("prompt_tokens", done.usage.prompt_tokens);
                span.record("completion_tokens", done.usage.completion_tokens);
            }
            Err(error) => drop(span.record("error", error.code)),
        }
        self.note(&done, started, first_token);
        done
    }

    fn probe(&self) -> Result<()> {
        self.inner.probe()
    }

    fn breaker(&self) -> Option<BreakerState> {
        self.inner.breaker()
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
