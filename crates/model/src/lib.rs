//! The three model boundaries, their adapters, and the manifest that says where weights come from.
//!
//! Keeps true: models are called from blocking threads and are synchronous; a caller never sees a provider's own
//! types; a failing provider gives a classed error that names the provider and what to do.

mod bert;
mod boundary;
mod gateway;
pub mod manifest;
mod minilm;
#[cfg(test)]
mod peer;
mod remote;
mod wire;
mod wordpiece;

pub use bert::Isa;
pub use boundary::{
    ChatDelta, ChatMessage, ChatModel, ChatOutcome, ChatRequest, Embedder, EmbedderSpec, Purpose, Reranker,
    Role,
};
pub use gateway::{
    Attempt, Breaker, BreakerConfig, BreakerState, CallReport, Cancel, Gate, GateConfig, GateState,
    GatedEmbedder, Kind, Left, Line, Observer, Pass, PassedOver, Patience, Permit, Price, Provider, Purse,
    QuotaConfig, Recent, Route, RouteConfig, Unlimited, Unobserved,
};
pub use minilm::MiniLm;
pub use remote::{
    ChatTimeouts, OllamaChat, OllamaEmbedder, OpenAiChat, OpenAiEmbedder, RemoteConfig, bare_address,
    detect_ollama,
};
