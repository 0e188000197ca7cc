//! The examples of the manual: each flow in docs/flows.md is valid, without a warning.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use ibid_flow::Registry;
use ibid_flow::definition::{mermaid, read};
use ibid_flow::nodes::registry;
use ibid_tools::{Calculator, HttpGet, HttpRequest, SystemLookup, Toolbox, ToolboxLimits};

const MANUAL: &str = include_str!("../../../docs/flows.md");

fn kinds() -> Registry {
    let mut toolbox = Toolbox::new(ToolboxLimits { concurrent_max: 1, result_bytes_max: 1000 });
    toolbox.add(Arc::new(Calculator::new().unwrap())).unwrap();
    let web = Arc::new(HttpGet::new(&[], 1000, Duration::from_secs(5), Arc::new(SystemLookup)).unwrap());
    toolbox.add(Arc::new(HttpRequest::new(web).unwrap())).unwrap();
    registry(Arc::new(toolbox))
}

fn examples() -> Vec<&'static str> {
    let blocks = MANUAL.split("```yaml\n").skip(1);
    blocks.map(|block| block.split("\n```").next().unwrap()).collect()
}

#[test]
fn every_example_is_a_flow() {
    assert!(examples().len() >= 9);
    for example in examples() {
        let reading = read(example, &kinds(), &|flow| flow == "answer-one");
        assert_eq!(reading.problems, [], "{example}");
        assert!(mermaid(&reading.definition.unwrap()).starts_with("flowchart"));
    }
}

#[test]
fn every_key_is_in_the_manual() {
    let schema = ibid_flow::definition::json_schema(&kinds());
    let top = schema["properties"].as_object().unwrap().keys();
    let limits = schema["properties"]["limits"]["properties"].as_object().unwrap().keys();
    let retry = schema["$defs"]["retry"]["properties"].as_object().unwrap().keys();
    for key in top.chain(limits).chain(retry) {
        assert!(MANUAL.contains(&format!("`{key}`")) || MANUAL.contains(&format!("{key}:")), "{key}");
    }
}
