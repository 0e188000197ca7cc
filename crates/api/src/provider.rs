//! Providers of models: where they are, how they fare, and what is left of their quotas.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /v1/providers`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Providers {
    pub providers: Vec<Provider>,
    /// Routes with their models in order; the first is asked where a request names none.
    pub routes: Vec<ProviderRoute>,
}

/// One model at one provider.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Provider {
    /// By which requests and routes name it.
    pub name: String,
    /// `chat` or `embedding`.
    pub kind: String,
    /// `openai`, `ollama` or `local`.
    pub provider: String,
    /// Without credentials; empty for a local model.
    pub address: String,
    /// What the provider calls it.
    pub model: String,
    /// `closed`, `half open` or `open`; none for a model without a breaker.
    pub breaker: Option<String>,
    /// Calls under way.
    pub running: usize,
    /// Within the last five minutes.
    pub calls: usize,
    pub failures: usize,
    /// Of those calls.
    pub first_token_ms_p50: Option<f64>,
    pub first_token_ms_p95: Option<f64>,
    /// Requests sent again since the server started.
    pub retries: u64,
    /// Empty where nothing bounds it.
    pub quota: Vec<QuotaLeft>,
    /// US dollars.
    pub usd_per_million_prompt_tokens: f64,
    pub usd_per_million_completion_tokens: f64,
}

/// What is left of one limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuotaLeft {
    /// `requests per minute`, `tokens per day`, `requests by the provider's word`, ...
    pub of: String,
    pub left: u64,
    pub limit: Option<u64>,
    pub resets_at: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProviderRoute {
    pub name: String,
    pub models: Vec<String>,
}

/// `POST /v1/providers/{name}/test`: what came of one tiny request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProviderTest {
    pub name: String,
    pub is_well: bool,
    /// The model that answered; of a route one of its models.
    pub model: Option<String>,
    pub took_ms: f64,
    pub first_token_ms: Option<f64>,
    /// What it said, cut short.
    pub said: String,
    /// Of the error where it did not answer.
    pub code: Option<String>,
    pub reason: Option<String>,
}
