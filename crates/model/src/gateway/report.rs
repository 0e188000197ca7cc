//! What is told of calls: each attempt at a model, and each call of a route with what came of it.

use std::fmt::Debug;
use std::time::Duration;

use ibid_types::answer::Usage;

use super::purse::BUDGET_USED_UP;

/// What a model was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Chat,
    Embedding,
}

impl Kind {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embedding => "embedding",
        }
    }
}

/// The outcome of an attempt that another was quicker than.
pub(super) const CANCELLED: &str = "cancelled";

/// One attempt at one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// By the name that configuration gives it.
    pub model: String,
    pub kind: Kind,
    /// `done`, `cancelled` where another model was quicker, or the code of the error.
    pub outcome: &'static str,
    /// What the provider said that it used; zero where it said nothing.
    pub usage: Usage,
    pub took: Duration,
    pub first_token: Option<Duration>,
}

/// What came of a call of a route.
#[derive(Debug)]
pub struct CallReport<'a> {
    pub route: &'a str,
    /// The model that answered, if any did.
    pub model: Option<&'a str>,
    /// Of the model that answered.
    pub usage: Usage,
    /// In the order in which they ended.
    pub attempts: &'a [Attempt],
    /// `done`, or the code of the error.
    pub outcome: &'static str,
}

/// Hears of every attempt and of every call, on the thread that made it.
pub trait Observer: Send + Sync + Debug {
    fn attempt(&self, _attempt: &Attempt) {}
    fn call(&self, _report: &CallReport<'_>) {}
}

/// Nobody listens.
#[derive(Clone, Copy, Debug)]
pub struct Unobserved;

impl Observer for Unobserved {}

/// A model that should have answered and did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOver {
    pub model: String,
    /// Of the error.
    pub code: &'static str,
    /// Of the error.
    pub message: String,
}

impl PassedOver {
    /// Why, in words for the reader of the answer.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self.code {
            BUDGET_USED_UP => &self.message,
            "provider_busy" => "it is busy",
            "provider_quota_used" => "its quota is used up",
            "provider_resting" => "it failed too often and is left alone for a while",
            "provider_timeout" | CANCELLED => "it was too slow",
            "provider_unreachable" => "it cannot be reached",
            "provider_broken_answer" => "its answer broke off",
            "provider_context_exceeded" => "the text is longer than it can read",
            "provider_refused_key" | "provider_model_unknown" => "it is not set up rightly",
            _ => "it failed",
        }
    }
}
