//! `Embedder`, `Reranker`, `ChatModel`: small, object-safe, synchronous.

use std::fmt::Debug;
use std::ops::ControlFlow;

use ibid_types::Result;
use ibid_types::answer::Usage;
use serde::{Deserialize, Serialize};

use crate::{GateState, PassedOver, Patience};

/// What an embedder is: vectors of one `id` are comparable with each other and with no others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbedderSpec {
    /// `all-MiniLM-L6-v2`, or `PROVIDER/MODEL` for a remote one.
    pub id: String,
    pub dimensions: usize,
    /// Longest input in tokens, special tokens included; what is beyond is cut off.
    pub tokens_max: usize,
}

/// Some models embed questions and passages differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Question,
    Passage,
}

/// Text to unit vectors.
pub trait Embedder: Send + Sync + Debug {
    fn spec(&self) -> &EmbedderSpec;

    /// One vector a text, in order, each of `dimensions` numbers and length 1. Callers may pass any number of
    /// texts; the adapter forms its own batches.
    fn embed(&self, texts: &[&str], purpose: Purpose) -> Result<Vec<Vec<f32>>>;

    /// Tokens of `text` without special tokens. Adapters without the model's tokenizer give an upper estimate.
    fn count_tokens(&self, text: &str) -> usize;

    /// How its gate stands; none for an embedder without one.
    fn gate(&self) -> Option<GateState> {
        None
    }
}

/// Scores how well passages answer a question.
pub trait Reranker: Send + Sync + Debug {
    fn id(&self) -> &str;
    /// One score a passage, in order, 0 to 1, higher is better.
    fn score(&self, question: &str, passages: &[&str]) -> Result<Vec<f32>>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    System,
    User,
    Assistant,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    pub role: Role,
    pub content: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ChatRequest {
    pub messages: Vec<ChatMessage>,
    pub temperature: f32,
    pub tokens_max: usize,
    /// Generation ends at the first of these.
    pub stop: Vec<String>,
    /// The JSON schema that the answer is to have. A provider that cannot hold a model to it leaves it out: whoever asks checks.
    pub schema: Option<serde_json::Value>,
}

/// The answer as it arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChatDelta {
    /// Its next piece.
    Text(String),
    /// What came before is void: the model broke off, and another begins the answer anew.
    Anew,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChatOutcome {
    /// All pieces since the last `Anew`.
    pub text: String,
    pub usage: Usage,
    /// Whether the model stopped by itself, and not at a limit or at the caller's wish.
    pub complete: bool,
    /// The model of a route that answered; none says that it was the model that was asked.
    pub model: Option<String>,
    /// Models of the route that should have answered before it and did not.
    pub passed_over: Vec<PassedOver>,
}

/// Generates text.
pub trait ChatModel: Send + Sync + Debug {
    /// The name configuration gives it.
    fn name(&self) -> &str;

    /// Longest prompt and answer together, in tokens.
    fn context_tokens(&self) -> usize;

    /// Streams an answer. `on_delta` returns `Break` to stop early, which ends the call without an error.
    fn chat(
        &self,
        request: &ChatRequest,
        on_delta: &mut dyn FnMut(ChatDelta) -> ControlFlow<()>,
    ) -> Result<ChatOutcome>;

    /// The same within what the caller grants. A model that cannot be bounded from outside keeps its own bounds.
    fn chat_within(
        &self,
        request: &ChatRequest,
        _patience: &Patience,
        on_delta: &mut dyn FnMut(ChatDelta) -> ControlFlow<()>,
    ) -> Result<ChatOutcome> {
        self.chat(request, on_delta)
    }

    /// Whether the provider answers, cheaply and within two seconds.
    fn probe(&self) -> Result<()>;
}
