//! The kinds `tool` and `http` over real tools.
#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use ibid_flow::nodes::registry;
use ibid_flow::{Call, Definition, Output, Registry};
use ibid_tools::{Calculator, HttpGet, HttpRequest, SystemLookup, Toolbox, ToolboxLimits};
use ibid_types::{Result, RunId, WorkspaceId};
use serde_json::{Value, json};

fn kinds() -> Registry {
    let mut toolbox = Toolbox::new(ToolboxLimits { concurrent_max: 4, result_bytes_max: 10_000 });
    toolbox.add(Arc::new(Calculator::new().unwrap())).unwrap();
    let hosts = ["example.org".to_owned()];
    let web = Arc::new(HttpGet::new(&hosts, 1000, Duration::from_secs(5), Arc::new(SystemLookup)).unwrap());
    toolbox.add(Arc::new(HttpRequest::new(web).unwrap())).unwrap();
    registry(Arc::new(toolbox))
}

fn perform(kind: &str, input: &Value) -> Result<Output> {
    kinds().find(kind).unwrap().perform(&Call {
        run: RunId::new(),
        workspace: WorkspaceId::new(),
        reader: ibid_types::access::Reader::Machine,
        node: "n",
        input,
        attempt: 1,
        idempotency_key: "k",
        timeout: Duration::from_secs(5),
        emit: &|_| ControlFlow::Continue(()),
    })
}

fn told(source: &str) -> String {
    match Definition::parse(source, &kinds(), &|_| false) {
        Ok(_) => String::new(),
        Err(problems) => problems.iter().map(|problem| format!("{problem}\n")).collect(),
    }
}

#[test]
fn an_allowed_tool_is_called() {
    let input = json!({"tool": "calculator", "input": {"expression": "2 * 21"}, "allow": ["calculator"]});
    let output = perform("tool", &input).unwrap().value;
    assert!(output.to_string().contains("42"), "{output}");
}

#[test]
fn what_the_flow_does_not_allow_is_not_called() {
    let input = json!({"tool": "calculator", "input": {"expression": "1"}, "allow": ["other"]});
    assert_eq!(perform("tool", &input).unwrap_err().code, "tool_not_allowed");
    let without = json!({"tool": "calculator", "input": {"expression": "1"}});
    assert_eq!(perform("tool", &without).unwrap_err().code, "flow_parameters_invalid");
}

#[test]
fn http_reaches_only_listed_hosts() {
    let input = json!({"url": "http://127.0.0.1:9/"});
    assert_eq!(perform("http", &input).unwrap_err().code, "http_host_not_allowed");
}

#[test]
fn a_flow_with_a_tool_is_checked_against_its_schema() {
    let with = |node: &str| format!("name: a\ntools: [calculator]\nnodes:\n  n: {node}\n");
    assert_eq!(told(&with("{kind: tool, with: {tool: calculator, input: {expression: \"1+1\"}}}")), "");
    assert!(
        told(&with("{kind: tool, with: {tool: calculator, input: {expresion: \"1\"}}}"))
            .contains("did you mean `expression`")
    );
    assert!(told(&with("{kind: tool, with: {tool: calculater}}")).contains("this flow may not call"));
    assert!(
        told("name: a\ntools: [calculater]\nnodes: {n: {kind: wait, with: {seconds: 1}}}")
            .contains("calculator")
    );
}

#[test]
fn only_requests_that_change_something_must_say_what_an_interruption_means() {
    let with = |more: &str| {
        format!("name: a\nnodes:\n  n: {{kind: http, with: {{url: \"https://example.org/\"{more}}}}}\n")
    };
    assert_eq!(told(&with("")), "");
    assert!(told(&with(", method: POST")).contains("on_interrupt"));
    assert!(told(&with(", method: FETCH")).contains("not possible here"));
}
