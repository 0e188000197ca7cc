//! Embeddings from a provider: batches, checks, unit length.
//!
//! Keeps true: as many vectors as texts, in their order, each of the dimensions that the first probe found and of
//! length 1; anything else from the provider is an error, because a wrong vector in an index is not seen again.

use std::time::{Duration, Instant};

use ibid_types::{Error, Result};
use serde_json::Value;

use super::prefix::prefix;
use super::{Endpoint, REFUSAL_BYTES_MAX, RemoteConfig, estimate, failure};
use crate::gateway::Cancel;
use crate::gateway::retry::Retry;
use crate::{EmbedderSpec, Purpose};

/// Texts of one request. Providers allow more, but servers on a small machine answer smaller batches sooner.
const BATCH: usize = 64;
/// What a request may take: 64 long texts on a small machine's processor.
const BATCH_TIME_MAX: Duration = Duration::from_secs(120);
/// What the first probe may take: the provider may have to load the model.
const PROBE_TIME_MAX: Duration = Duration::from_secs(60);
/// The largest answer: 64 vectors of 8,192 numbers of 25 characters, and as much again.
const ANSWER_BYTES_MAX: usize = 32 << 20;
const DIMENSIONS_MAX: usize = 8192;
/// Tokens that a model's own marks take.
const MARKS: usize = 2;

/// One vector a text.
pub type Vectors = Vec<Vec<f32>>;

/// How a kind of provider embeds.
#[derive(Clone, Copy, Debug)]
pub struct Dialect {
    pub path: &'static str,
    pub body: fn(&str, &[String]) -> Value,
    /// The vectors in the order of the texts; `None` if the answer is not of the protocol.
    pub read: fn(&[u8], usize) -> Option<Vectors>,
}

/// An embedding model at an endpoint.
#[derive(Debug)]
pub struct RemoteEmbedder {
    endpoint: Endpoint,
    dialect: Dialect,
    spec: EmbedderSpec,
}

impl RemoteEmbedder {
    /// Asks for one vector to learn the dimensions. Errors: those of `failure`.
    pub fn connect(endpoint: Endpoint, config: &RemoteConfig, dialect: Dialect) -> Result<Self> {
        let id = format!("{}/{}", endpoint.provider, endpoint.model);
        let mut embedder = Self {
            endpoint,
            dialect,
            spec: EmbedderSpec { id, dimensions: 0, tokens_max: config.tokens_max },
        };
        let probe = ["dimensions".to_owned()];
        let vectors = embedder.request(&probe, Instant::now() + PROBE_TIME_MAX)?;
        embedder.spec.dimensions = vectors.first().map_or(0, Vec::len);
        if !(1..=DIMENSIONS_MAX).contains(&embedder.spec.dimensions) {
            return Err(failure::broken(&embedder.endpoint, "its vectors have no or too many dimensions"));
        }
        Ok(embedder)
    }

    pub const fn spec(&self) -> &EmbedderSpec {
        &self.spec
    }

    pub fn embed(&self, texts: &[&str], purpose: Purpose) -> Result<Vec<Vec<f32>>> {
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(BATCH) {
            let inputs: Vec<String> = batch.iter().map(|text| self.input(text, purpose)).collect();
            for vector in self.request(&inputs, Instant::now() + BATCH_TIME_MAX)? {
                vectors.push(self.checked(vector)?);
            }
        }
        Ok(vectors)
    }

    /// The text as the model wants it, within its limit. Providers refuse the empty text, so that it becomes a space.
    fn input(&self, text: &str, purpose: Purpose) -> String {
        let prefix = prefix(&self.endpoint.model, purpose);
        let room = self.spec.tokens_max.saturating_sub(MARKS + estimate::tokens(prefix));
        let text = estimate::clipped(text, room);
        if text.is_empty() { format!("{prefix} ") } else { format!("{prefix}{text}") }
    }

    fn request(&self, inputs: &[String], until: Instant) -> Result<Vec<Vec<f32>>> {
        let endpoint = &self.endpoint;
        let failed = |cause| failure::failed(endpoint, cause, "its vectors");
        let body = (self.dialect.body)(&endpoint.model, inputs);
        let request = endpoint.post(self.dialect.path, &body)?;
        let sending = endpoint.sending(Retry::USUAL, Cancel::default());
        let mut reply = endpoint.http.send(request, sending, until).map_err(failed)?;
        if !reply.status.is_success() {
            let said = reply.body(REFUSAL_BYTES_MAX, until).unwrap_or_default();
            return Err(failure::refused(endpoint, reply.status, &said));
        }
        let body = reply.body(ANSWER_BYTES_MAX, until).map_err(failed)?;
        (self.dialect.read)(&body, inputs.len())
            .filter(|vectors| vectors.len() == inputs.len())
            .ok_or_else(|| failure::broken(endpoint, "it is not one vector for each text"))
    }

    fn checked(&self, mut vector: Vec<f32>) -> Result<Vec<f32>> {
        if vector.len() != self.spec.dimensions {
            return Err(self.changed(vector.len()));
        }
        let length = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
        if !length.is_normal() {
            return Err(failure::broken(&self.endpoint, "a vector has no direction"));
        }
        vector.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
        Ok(vector)
    }

    fn changed(&self, dimensions: usize) -> Error {
        Error::conflict(
            "embedder_dimensions_changed",
            format!(
                "{} gave a vector of {dimensions} dimensions where it gave {} before; restart to index with the model that runs there now, or bring back the old one",
                self.endpoint.label(),
                self.spec.dimensions
            ),
        )
    }
}
