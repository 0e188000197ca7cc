//! An embedder behind a gate.

use std::sync::Arc;

use ibid_types::Result;

use super::gate::{Gate, GateState};
use crate::{Embedder, EmbedderSpec, Purpose};

/// A remote embedder with its breaker and quota.
#[derive(Debug)]
pub struct GatedEmbedder {
    inner: Arc<dyn Embedder>,
    gate: Gate,
}

impl GatedEmbedder {
    #[must_use]
    pub const fn new(inner: Arc<dyn Embedder>, gate: Gate) -> Self {
        Self { inner, gate }
    }
}

impl Embedder for GatedEmbedder {
    fn spec(&self) -> &EmbedderSpec {
        self.inner.spec()
    }

    /// Errors besides the embedder's own: `provider_resting`, `provider_quota_used`, at once.
    fn embed(&self, texts: &[&str], purpose: Purpose) -> Result<Vec<Vec<f32>>> {
        let tokens = || texts.iter().map(|text| self.count_tokens(text) as u64).sum();
        let pass = self.gate.enter(tokens)?;
        let made = self.inner.embed(texts, purpose);
        pass.end(None, made.as_ref().err());
        made
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.inner.count_tokens(text)
    }

    fn gate(&self) -> Option<GateState> {
        Some(self.gate.state())
    }
}
