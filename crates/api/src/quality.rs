//! What golden questions came to, and which keys are out.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One question of `POST /v1/ops/golden`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Golden {
    pub question: String,
    pub workspace: String,
    /// Whether there was an answer to judge, or a workspace to ask.
    pub is_asked: bool,
    pub is_right: bool,
    /// What is wrong; empty where nothing is.
    pub fault: String,
    /// The answer; empty where there was none.
    pub said: String,
    /// What it cites: where a false document is found.
    pub sources: Vec<String>,
}

impl Golden {
    /// One that was not asked yet.
    #[must_use]
    pub fn new(question: &str, workspace: &str) -> Self {
        Self { question: question.to_owned(), workspace: workspace.to_owned(), ..Self::default() }
    }
}

/// One key of `GET /v1/keys/leaked`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeakedKey {
    pub id: String,
    pub name: String,
    pub prefix: String,
    /// A document that holds the whole key.
    pub source: String,
}
