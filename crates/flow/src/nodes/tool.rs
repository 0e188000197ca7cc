//! `tool`: calls a tool that the flow allows.
//!
//! Keeps true: the tool's name is looked up in `allow`, which reading the flow has filled in from its `tools`.

use std::sync::Arc;
use std::time::Duration;

use ibid_tools::{ToolSpec, Toolbox};
use ibid_types::{Error, Result};
use serde_json::{Value, json};

use super::call_tool;
use crate::{Call, NodeKind, Output};

#[derive(Debug)]
pub struct ToolNode {
    toolbox: Arc<Toolbox>,
}

impl ToolNode {
    #[must_use]
    pub const fn new(toolbox: Arc<Toolbox>) -> Self {
        Self { toolbox }
    }
}

impl NodeKind for ToolNode {
    fn name(&self) -> &'static str {
        "tool"
    }

    fn description(&self) -> &'static str {
        "Calls a tool that the flow's `tools` name."
    }

    /// With the input of each tool that is known without asking a server, so that editors complete it.
    fn parameters(&self) -> Value {
        let specs = self.toolbox.specs().filter(|spec| is_self_contained(&spec.input_schema));
        let inputs: Vec<_> = specs.map(input_of).collect();
        let mut schema = json!({
            "type": "object",
            "required": ["tool"],
            "additionalProperties": false,
            "properties": {
                "tool": {"type": "string", "minLength": 1, "description": "The tool's name; one of the flow's `tools`."},
                "input": {"type": "object", "description": "What the tool takes, as its own schema says."},
                "allow": {
                    "type": "array", "items": {"type": "string"},
                    "description": "Narrower than the flow's `tools`, for a name that a template gives."
                }
            }
        });
        if !inputs.is_empty() {
            schema["allOf"] = Value::Array(inputs);
        }
        schema
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(60)
    }

    /// Tools of servers, and names that only a template gives, may do anything.
    fn has_side_effects_with(&self, with: &Value) -> bool {
        let name = with["tool"].as_str().unwrap_or_default();
        self.toolbox.specs().find(|spec| spec.name == name).is_none_or(|spec| spec.has_side_effects)
    }

    fn uses_tools(&self) -> bool {
        true
    }

    fn check_tool(&self, name: &str) -> Result<()> {
        self.toolbox.check_name(name)
    }

    fn perform(&self, call: &Call<'_>) -> Result<Output> {
        let name = call.input["tool"].as_str().ok_or_else(|| malformed("tool"))?;
        let allowed: Vec<String> =
            serde_json::from_value(call.input["allow"].clone()).map_err(|_| malformed("allow"))?;
        let input = match call.input.get("input") {
            None | Some(Value::Null) => json!({}),
            Some(input) => input.clone(),
        };
        call_tool(&self.toolbox, name, &input, &allowed, call)
    }
}

fn malformed(parameter: &str) -> Error {
    let message = format!(
        "the parameter `{parameter}` of a tool node is missing or of the wrong type; see what its template gives"
    );
    Error::bad_request("flow_parameters_invalid", message)
}

/// References of a schema lead from its own root, and this one is put into another.
fn is_self_contained(schema: &Value) -> bool {
    !schema.to_string().contains("\"$ref\"")
}

fn input_of(spec: &ToolSpec) -> Value {
    json!({
        "if": {"properties": {"tool": {"const": spec.name}}, "required": ["tool"]},
        "then": {"properties": {"input": spec.input_schema}}
    })
}
