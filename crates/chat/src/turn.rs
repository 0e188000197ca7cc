//! A turn as the chat flow takes it and gives it back, typed.
//!
//! Keeps true: what `TurnInput::to_value` writes is what `flows/chat.yaml` takes; what the flow gives is a `TurnOutput`.

use ibid_types::access::Reader;
use ibid_types::answer::{Answer, AnswerMode, Question};
use ibid_types::search::Filter;
use ibid_types::{Error, Result, WorkspaceId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::AnswerConfig;
use crate::followup::Exchange;
use crate::route::Route;

/// Passages that an answer may be made of, at most.
pub const ITEMS_MAX: usize = 100;

/// How hard an answer is tried for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// At most one improvement.
    Quick,
    /// At most two.
    #[default]
    Balanced,
    /// At most four, and independent answers must agree.
    Thorough,
}

impl Quality {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Balanced => "balanced",
            Self::Thorough => "thorough",
        }
    }

    /// Reads `quick`, `balanced` or `thorough`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Quick, Self::Balanced, Self::Thorough].into_iter().find(|quality| quality.name() == name)
    }
}

/// What one turn may ask for. The workspace is the run's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TurnOptions {
    pub filter: Filter,
    pub mode: AnswerMode,
    /// A chat model by its configured name; `None` is the default one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Passages that an answer may be made of, 1 to 100.
    pub items: usize,
    /// How much of the sources may be put before a chat model, in tokens.
    pub context_tokens: usize,
    /// Citations at most.
    pub citations: usize,
    /// Longest generated answer, in tokens.
    pub tokens_max: usize,
    /// Of the chat model, 0 to 2.
    pub temperature: f32,
    pub quality: Quality,
    /// Whether the answer is to be made anew, whatever was answered before.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fresh: bool,
}

impl Default for TurnOptions {
    fn default() -> Self {
        let config = AnswerConfig::default();
        Self {
            filter: Filter::default(),
            mode: AnswerMode::Auto,
            model: None,
            items: config.extract_hits_max,
            context_tokens: 2_000,
            citations: 6,
            tokens_max: config.answer_tokens_max,
            temperature: config.temperature,
            quality: Quality::default(),
            fresh: false,
        }
    }
}

impl TurnOptions {
    /// A question under these options.
    #[must_use]
    pub fn question(&self, workspace: WorkspaceId, reader: Reader, text: &str) -> Question {
        Question {
            workspace,
            reader,
            text: text.to_owned(),
            filter: self.filter.clone(),
            mode: self.mode,
            model: self.model.clone(),
            context_tokens_max: self.context_tokens,
            citations_max: self.citations,
            fresh: self.fresh,
        }
    }

    /// The operator's configuration, changed as these options say, within its bounds.
    #[must_use]
    pub fn config(&self, base: &AnswerConfig) -> AnswerConfig {
        let items = self.items.clamp(1, ITEMS_MAX);
        AnswerConfig {
            search_hits_max: base.search_hits_max.max(items),
            extract_hits_max: items,
            answer_tokens_max: self.tokens_max.clamp(1, 32_000),
            temperature: self.temperature.clamp(0.0, 2.0),
            ..base.clone()
        }
    }
}

/// What a turn begins with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TurnInput {
    pub question: String,
    /// Turns since the summary, oldest first.
    pub history: Vec<Exchange>,
    /// What was before the history.
    pub summary: String,
    pub options: TurnOptions,
}

impl TurnInput {
    /// The input of the flow `chat`.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({
            "question": self.question, "history": self.history, "summary": self.summary,
            "options": self.options, "quality": self.options.quality,
        })
    }
}

/// What a turn ends with.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct TurnOutput {
    pub answer: Answer,
    pub route: Route,
    /// The question as it was answered, after rewriting.
    pub question: String,
    pub rewritten: bool,
    /// Improvements that were made.
    #[serde(default)]
    pub loops: u32,
    /// Rounds of looking further.
    #[serde(default)]
    pub widenings: u32,
    /// What went less than well, of all steps; those of the answer among them.
    #[serde(default)]
    pub notices: Vec<String>,
    /// The thread's new summary, where one was made.
    #[serde(default)]
    pub summary: String,
}

impl TurnOutput {
    /// Reads the output of the flow `chat`. Error: `turn_output_invalid`, for a flow of one's own that gives another.
    pub fn read(value: &Value) -> Result<Self> {
        let mut output: Self = serde_json::from_value(value.clone()).map_err(|error| {
            Error::internal(
                "turn_output_invalid",
                "the chat flow's output is no turn; see its `output` in the flow file",
            )
            .caused_by(error)
        })?;
        let own = std::mem::take(&mut output.answer.notices);
        output.notices.extend(own);
        let mut seen = std::collections::HashSet::new();
        output.notices.retain(|notice| seen.insert(notice.clone()));
        output.answer.notices.clone_from(&output.notices);
        Ok(output)
    }
}

/// The events of a finished node, in order: each `citation`, then each `claim`, as the domain types write themselves.
/// Only the last nodes before a reader give any (`guard` and `reply`), so that nothing is told that a guard takes out.
#[must_use]
pub fn events_of(kind: &str, output: &Value) -> Vec<(String, Value)> {
    if !matches!(kind, "guard" | "reply") {
        return Vec::new();
    }
    let each = |list: &str, name: &str| -> Vec<(String, Value)> {
        let items = output.pointer(&format!("/answer/{list}")).and_then(Value::as_array);
        items.into_iter().flatten().map(|item| (name.to_owned(), item.clone())).collect()
    };
    [each("citations", "citation"), each("claims", "claim")].concat()
}
