//! What every `Tool` must do. A tool's tests call `check` with inputs of both kinds.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use ibid_types::{Class, Result, WorkspaceId};
use serde_json::{Value, json};

use crate::{Schema, Tool, ToolContext, Toolbox, ToolboxLimits};

/// Runs the suite. `right` is an input that works; `wrong` are inputs that the schema must refuse, each with the place
/// of its fault (`/limit`).
pub fn check(tool: &Arc<dyn Tool>, right: &Value, wrong: &[(Value, &str)]) {
    it_describes_itself(tool);
    right_input_gives_a_value(tool, right);
    for (input, place) in wrong {
        wrong_input_is_refused_with_its_place(tool, input, place);
    }
    input_that_is_no_object_is_refused(tool);
    time_that_is_over_is_honoured(tool, right);
    a_cancelled_call_ends(tool, right);
}

/// Calls a tool as a flow does, with a minute of time.
pub fn call(tool: &Arc<dyn Tool>, input: &Value) -> Result<Value> {
    call_within(tool, input, &context(Duration::from_secs(60)))
}

fn call_within(tool: &Arc<dyn Tool>, input: &Value, context: &ToolContext) -> Result<Value> {
    let mut toolbox = Toolbox::new(ToolboxLimits { concurrent_max: 1, result_bytes_max: 1 << 24 });
    toolbox.add(Arc::clone(tool)).unwrap();
    let name = &tool.spec().name;
    toolbox.call(name, input, std::slice::from_ref(name), context)
}

fn context(timeout: Duration) -> ToolContext {
    ToolContext::new(WorkspaceId::from_bytes([7; 16]), "conformance", timeout)
}

fn it_describes_itself(tool: &Arc<dyn Tool>) {
    let spec = tool.spec();
    assert!(!spec.description.trim().is_empty(), "{} has no description", spec.name);
    assert!(!spec.timeout.is_zero(), "{} may not take any time", spec.name);
    Schema::compile(&spec.input_schema).unwrap();
}

fn right_input_gives_a_value(tool: &Arc<dyn Tool>, right: &Value) {
    let value = call(tool, right).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&value.to_string()).unwrap(), value);
}

fn wrong_input_is_refused_with_its_place(tool: &Arc<dyn Tool>, wrong: &Value, place: &str) {
    let error = call(tool, wrong).unwrap_err();
    assert_eq!((error.class, error.code), (Class::BadRequest, "tool_input_invalid"), "{wrong}");
    assert!(error.message.contains(&format!("at {place}: ")), "{place} is not in '{}'", error.message);
}

fn input_that_is_no_object_is_refused(tool: &Arc<dyn Tool>) {
    for wrong in [json!(null), json!([]), json!("text"), json!(5)] {
        wrong_input_is_refused_with_its_place(tool, &wrong, "/");
    }
}

fn time_that_is_over_is_honoured(tool: &Arc<dyn Tool>, right: &Value) {
    match call_within(tool, right, &context(Duration::ZERO)) {
        Err(error) => assert!(["tool_timeout", "mcp_unavailable"].contains(&error.code), "{}", error.chain()),
        Ok(value) => assert!(!value.is_null(), "a tool that was quick enough has a value"),
    }
}

fn a_cancelled_call_ends(tool: &Arc<dyn Tool>, right: &Value) {
    let context = context(Duration::from_secs(60));
    context.cancelled.request();
    if let Err(error) = call_within(tool, right, &context) {
        assert!(["tool_cancelled", "tool_timeout"].contains(&error.code), "{}", error.chain());
    }
}
