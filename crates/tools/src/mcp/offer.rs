//! A tool that a server offers, and what its results become.

use std::sync::Arc;
use std::time::Duration;

use ibid_types::{Error, Result};
use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::{Value, json};

use super::server::McpServer;
use crate::{Tool, ToolContext, ToolSpec};

/// The most of a server's own words that an error repeats.
const WORDS_CHARS_MAX: usize = 500;

/// `SERVER.tool`. What says nothing of itself is taken to have side effects.
#[derive(Debug)]
pub(super) struct McpTool {
    spec: ToolSpec,
    /// The name as the server knows it.
    name: String,
    server: Arc<McpServer>,
}

impl McpTool {
    pub(super) fn new(offered: rmcp::model::Tool, timeout: Duration, server: Arc<McpServer>) -> Result<Self> {
        let name = offered.name.into_owned();
        let described = offered.description.map(Into::into).or(offered.title).unwrap_or_else(|| name.clone());
        let schema = Value::Object((*offered.input_schema).clone());
        let is_harmless = offered.annotations.is_some_and(|notes| notes.read_only_hint == Some(true));
        let spec = ToolSpec::new(format!("{}.{name}", server.name()), described, schema)?
            .with_side_effects(!is_harmless)
            .with_timeout(timeout);
        Ok(Self { spec, name, server })
    }
}

impl Tool for McpTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, input: &Value, context: &ToolContext) -> Result<Value> {
        let result = self.server.call(&self.name, input, context)?;
        if result.is_error == Some(true) {
            return Err(failed(&self.spec.name, &texts(&result.content)));
        }
        Ok(value_of(result))
    }
}

/// The structured content if there is some; else `{"text"}`, with `content` beside it where there is more than text.
fn value_of(result: CallToolResult) -> Value {
    if let Some(structured) = result.structured_content {
        return structured;
    }
    let others: Vec<_> =
        result.content.iter().filter(|block| !matches!(block, ContentBlock::Text(_))).collect();
    let mut value = json!({"text": texts(&result.content)});
    if !others.is_empty() {
        value["content"] = json!(others);
    }
    value
}

fn texts(content: &[ContentBlock]) -> String {
    let texts = content.iter().filter_map(|block| match block {
        ContentBlock::Text(text) => Some(text.text.as_str()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// The tool says that it failed.
pub(super) fn failed(name: &str, words: &str) -> Error {
    let words: String = words.trim().chars().take(WORDS_CHARS_MAX).collect();
    Error::bad_request("tool_failed", format!("tool '{name}' says that it failed: {words}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(result: Value) -> Value {
        value_of(serde_json::from_value(result).unwrap())
    }

    #[test]
    fn results_become_values() {
        assert_eq!(
            value(json!({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]})),
            json!({"text": "a\nb"})
        );
        assert_eq!(value(json!({"content": [], "structuredContent": {"n": 1}})), json!({"n": 1}));
        let picture = json!({"type": "image", "data": "AA==", "mimeType": "image/png"});
        assert_eq!(value(json!({"content": [picture]}))["content"][0]["data"], json!("AA=="));
    }

    #[test]
    fn words_of_a_failure_are_bounded() {
        assert!(failed("a.b", &"é".repeat(10_000)).message.chars().count() < 600);
    }
}
