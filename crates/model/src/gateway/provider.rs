//! A configured chat model behind its gate.
//!
//! Keeps true: every attempt passes the gate once, is traced, and is told to the observer once.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use ibid_types::answer::Usage;
use ibid_types::{Error, Result};

use super::gate::{Gate, GateState, Pass};
use super::patience::Patience;
use super::report::{Attempt, CANCELLED, Kind, Observer};
use crate::remote::estimate;
use crate::{ChatDelta, ChatModel, ChatOutcome, ChatRequest};

/// A chat model of the configuration.
#[derive(Debug)]
pub struct Provider {
    model: Arc<dyn ChatModel>,
    gate: Gate,
    observer: Arc<dyn Observer>,
}

/// What came of an attempt.
#[derive(Debug)]
pub struct Tried {
    pub outcome: Result<ChatOutcome>,
    pub attempt: Attempt,
}

impl Tried {
    /// Whether we ended it ourselves.
    pub fn is_cancelled(&self) -> bool {
        self.attempt.outcome == CANCELLED
    }
}

impl Provider {
    #[must_use]
    pub fn new(model: Arc<dyn ChatModel>, gate: Gate, observer: Arc<dyn Observer>) -> Self {
        Self { model, gate, observer }
    }

    /// The name that configuration gives it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.model.name()
    }

    #[must_use]
    pub fn context_tokens(&self) -> usize {
        self.model.context_tokens()
    }

    #[must_use]
    pub fn state(&self) -> GateState {
        self.gate.state()
    }

    /// Whether the provider answers now; past the gate.
    ///
    /// # Errors
    /// Those of the model.
    pub fn probe(&self) -> Result<()> {
        self.model.probe()
    }

    /// Whether it may be asked beside another that is slow.
    pub(super) fn may_hedge(&self) -> bool {
        self.gate.may_ask_again()
    }

    pub(super) fn attempt(
        &self,
        request: &ChatRequest,
        patience: &Patience,
        on_delta: &mut dyn FnMut(ChatDelta) -> ControlFlow<()>,
    ) -> Tried {
        let span = tracing::info_span!(
            "chat model",
            provider = self.name(),
            prompt_tokens = tracing::field::Empty,
            completion_tokens = tracing::field::Empty,
            error = tracing::field::Empty,
        );
        let _inside = span.enter();
        let tried = match self.gate.enter(|| tokens_of(request)) {
            Ok(pass) => self.through(pass, request, patience, on_delta),
            Err(error) => self.tried(Err(error), Duration::ZERO, None),
        };
        match &tried.outcome {
            Ok(done) => {
                span.record("prompt_tokens", done.usage.prompt_tokens);
                span.record("completion_tokens", done.usage.completion_tokens);
            }
            Err(error) => drop(span.record("error", error.code)),
        }
        self.observer.attempt(&tried.attempt);
        tried
    }

    fn through(
        &self,
        mut pass: Pass<'_>,
        request: &ChatRequest,
        patience: &Patience,
        on_delta: &mut dyn FnMut(ChatDelta) -> ControlFlow<()>,
    ) -> Tried {
        let outcome = self.model.chat_within(request, patience, &mut |delta| {
            pass.answers();
            on_delta(delta)
        });
        let (took, first_token) = (pass.elapsed(), pass.first_token());
        if patience.cancel.is_cancelled() {
            pass.withdraw();
            let error = Error::unavailable(CANCELLED, "another model was quicker");
            return self.tried(Err(error), took, first_token);
        }
        let used = outcome.as_ref().ok().map(|done| done.usage).filter(|usage| *usage != Usage::default());
        pass.end(used.map(|usage| usage.prompt_tokens + usage.completion_tokens), outcome.as_ref().err());
        self.tried(outcome, took, first_token)
    }

    fn tried(&self, outcome: Result<ChatOutcome>, took: Duration, first_token: Option<Duration>) -> Tried {
        let (usage, said) = match &outcome {
            Ok(done) => (done.usage, "done"),
            Err(error) => (Usage::default(), error.code),
        };
        let model = self.name().to_owned();
        let attempt = Attempt { model, kind: Kind::Chat, outcome: said, usage, took, first_token };
        Tried { outcome, attempt }
    }
}

/// What a request may use at most: its text as estimated, and the whole of its answer.
pub(super) fn tokens_of(request: &ChatRequest) -> u64 {
    let prompt: usize = request.messages.iter().map(|message| estimate::tokens(&message.content)).sum();
    (prompt + request.tokens_max) as u64
}
