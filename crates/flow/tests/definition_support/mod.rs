//! Kinds and flows that tests of definitions share.
//!
//! Keeps true: nothing here performs anything; only what kinds say of themselves is used.

use std::sync::Arc;

use ibid_flow::{Call, NodeKind, Output, Registry};
use ibid_types::{Error, Result};
use serde_json::{Value, json};

/// `retrieve` (no side effects), `mail` (side effects) and `tool` (uses tools).
pub fn kinds() -> Registry {
    Registry::default()
        .with(Arc::new(Kind {
            name: "retrieve",
            parameters: json!({
                "type": "object", "additionalProperties": false, "required": ["query"],
                "properties": {
                    "query": {"type": "string", "minLength": 1, "description": "What to look for."},
                    "limit": {"type": "integer", "minimum": 1, "maximum": 100, "description": "Passages."},
                    "mode": {"enum": ["lexical", "vector", "both"], "description": "How."},
                    "filter": {"type": "object", "additionalProperties": false, "properties": {"tags": {"type": "array", "items": {"type": "string"}}}}
                }
            }),
            ..Kind::default()
        }))
        .with(Arc::new(Kind {
            name: "mail",
            has_side_effects: true,
            parameters: json!({"type": "object", "required": ["to"], "properties": {"to": {"type": "string"}, "text": {"type": "string"}}}),
            ..Kind::default()
        }))
        .with(Arc::new(Kind {
            name: "tool",
            uses_tools: true,
            parameters: json!({
                "type": "object", "additionalProperties": false, "required": ["tool"],
                "properties": {"tool": {"type": "string"}, "input": {"type": "object"}, "allow": {"type": "array"}}
            }),
            ..Kind::default()
        }))
}

/// The only flow besides the one that is read.
pub fn is_known(flow: &str) -> bool {
    flow == "answer-one"
}

#[derive(Debug)]
struct Kind {
    name: &'static str,
    parameters: Value,
    has_side_effects: bool,
    uses_tools: bool,
}

impl Default for Kind {
    fn default() -> Self {
        Self { name: "", parameters: json!({}), has_side_effects: false, uses_tools: false }
    }
}

impl NodeKind for Kind {
    fn name(&self) -> &str {
        self.name
    }

    fn description(&self) -> &str {
        "A kind for tests."
    }

    fn parameters(&self) -> Value {
        self.parameters.clone()
    }

    fn has_side_effects(&self) -> bool {
        self.has_side_effects
    }

    fn uses_tools(&self) -> bool {
        self.uses_tools
    }

    fn check_tool(&self, name: &str) -> Result<()> {
        match name {
            "calculator" | "files.*" => Ok(()),
            _ => Err(Error::not_found(
                "tool_unknown",
                format!("there is no tool '{name}'; did you mean 'calculator'?"),
            )),
        }
    }

    fn perform(&self, _call: &Call<'_>) -> Result<Output> {
        Ok(Output::default())
    }
}

/// A flow with every key and every kind.
#[allow(dead_code, reason = "not every test file needs it")]
pub const EVERYTHING: &str = r#"
name: triage
description: sorts a request and answers it
input:
  question: text
  language: text?
  limit: {type: integer, default: 8, description: passages to look for}
state:
  hits: list
  notes: {type: list, reducer: append}
  total: {type: number, reducer: add}
  a: integer
  b: integer
  questions: list
  answers: list
  result: any
  approved: boolean
  error: any
tools: [calculator, "files.*"]
limits: {steps: 40, seconds: 60, tokens: 20000, money: 0.10, visits: 25}
start: look
nodes:
  look:
    kind: retrieve
    with: {query: "{{ question }}", limit: "{{ limit }}"}
    into: {hits: output.hits, notes: "[output.note]"}
    retry: {attempts: 3, first_seconds: 0.5, factor: 2, most_seconds: 30}
    timeout_seconds: 20
    on_interrupt: retry
    on_error: sorry
    next:
      - {if: "hits | length == 0", to: sorry}
      - {if: total > 10, to: end}
      - both
  both: {kind: set, with: {a: 1}, next: {all: [calc, nap]}}
  calc: {kind: set, with: {total: "{{ a + b }}"}, next: ask}
  nap: {kind: wait, with: {seconds: 5}, next: ask}
  ask:
    kind: human
    with: {prompt: "Send {{ total }}?", schema: {type: boolean}, expires_seconds: 3600, on_expiry: sorry}
    into: approved
    next:
      - {if: approved, to: send}
      - look
  send:
    kind: mail
    with: {to: "x@example.org", text: "{{ question }}"}
    on_interrupt: compensate
    compensate: {kind: mail, with: {to: "x@example.org", text: "forget {{ output.id }}"}}
    next: each
  each: {kind: map, over: "{{ questions }}", as: question, flow: answer-one, concurrency: 4, with: {language: "{{ language }}"}, into: answers, next: sub}
  sub: {kind: flow, flow: answer-one, with: {question: "{{ question }}"}, into: result, next: sum}
  sum: {kind: tool, with: {tool: calculator, input: {expression: "{{ a }} + 1"}}, into: result}
  sorry: {kind: set, with: {result: "nothing found"}, next: end}
output: {answer: "{{ result }}", notes: "{{ notes }}"}
"#;
