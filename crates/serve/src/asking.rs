//! The kind of node `ask`: one question answered from the documents, as `POST /v1/ask` does it.

use std::sync::Arc;
use std::time::Duration;

use ibid_chat::Answerer;
use ibid_flow::{Call, Emitted, NodeKind, Output};
use ibid_types::answer::{Answer, AnswerMode, Event, Question};
use ibid_types::search::Filter;
use ibid_types::{Error, Result};
use serde::Deserialize;
use serde_json::{Value, json};

/// Answers with the answerer of the application.
pub struct AskNode {
    pub answerer: Arc<Answerer>,
}

impl std::fmt::Debug for AskNode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AskNode").finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(default)]
struct Asked {
    question: String,
    mode: AnswerMode,
    model: Option<String>,
    filter: Filter,
    context_tokens: usize,
    citations: usize,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            question: String::new(),
            mode: AnswerMode::Auto,
            model: None,
            filter: Filter::default(),
            context_tokens: 2000,
            citations: 6,
        }
    }
}

impl NodeKind for AskNode {
    fn name(&self) -> &str {
        "ask"
    }

    fn description(&self) -> &str {
        "Answers one question from the documents, with citations."
    }

    fn parameters(&self) -> Value {
        json!({
            "type": "object",
            "required": ["question"],
            "properties": {
                "question": { "type": "string", "description": "What to answer." },
                "mode": { "enum": ["auto", "extractive", "generative"], "description": "How to answer." },
                "model": { "type": ["string", "null"], "description": "A chat model by its configured name." },
                "filter": { "type": "object", "description": "Which documents to look in." },
                "context_tokens": { "type": "integer", "description": "How much of the sources a model is shown." },
                "citations": { "type": "integer", "description": "Citations at most." }
            }
        })
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(300)
    }

    fn events_of(&self, output: &Value) -> Vec<(String, Value)> {
        let each = |list: &str, name: &str| -> Vec<(String, Value)> {
            let values = output[list].as_array().cloned().unwrap_or_default();
            values.into_iter().map(|value| (name.to_owned(), value)).collect()
        };
        [each("citations", "citation"), each("claims", "claim")].concat()
    }

    fn text_of(&self, output: &Value) -> Option<String> {
        output["text"].as_str().map(str::to_owned)
    }

    fn perform(&self, call: &Call<'_>) -> Result<Output> {
        let asked: Asked = serde_json::from_value(call.input.clone()).map_err(|error| {
            Error::bad_request("request_malformed", "the node's parameters cannot be read").caused_by(error)
        })?;
        let question = Question {
            workspace: call.workspace,
            text: asked.question,
            filter: asked.filter,
            mode: asked.mode,
            model: asked.model,
            context_tokens_max: asked.context_tokens,
            citations_max: asked.citations,
        };
        let answer = self.answerer.ask(&question, &mut |event| match event {
            Event::Token(text) => (call.emit)(Emitted::Token(text)),
            Event::Step { detail, .. } => (call.emit)(Emitted::Progress(detail)),
            _ => std::ops::ControlFlow::Continue(()),
        })?;
        output(&answer)
    }
}

fn output(answer: &Answer) -> Result<Output> {
    let value = serde_json::to_value(answer)
        .map_err(|error| Error::internal("answer_unwritable", "the answer is no JSON").caused_by(error))?;
    let usage = answer.usage;
    Ok(Output {
        value,
        prompt_tokens: usage.prompt_tokens,
        completion_tokens: usage.completion_tokens,
        money: 0.0,
    })
}
