//! Definitions as a whole: a flow with every key, its schema, its drawing.
#![allow(clippy::unwrap_used, clippy::panic)]

mod definition_support;

use definition_support::{EVERYTHING, is_known, kinds};
use expect_test::expect;
use ibid_flow::Definition;
use ibid_flow::definition::{
    Edge, Into, Next, NodeBody, OnInterrupt, Reducer, Severity, find_recursion, json_schema, mermaid, read,
};
use serde_json::{Value, json};

fn everything() -> Definition {
    match Definition::parse(EVERYTHING, &kinds(), &is_known) {
        Ok(flow) => flow,
        Err(problems) => panic!("{problems:#?}"),
    }
}

fn small(name: &str, calls: &str) -> Definition {
    let source = format!("name: {name}\nnodes: {{a: {{kind: flow, flow: {calls}}}}}");
    Definition::parse(&source, &kinds(), &|_| true).unwrap()
}

#[test]
fn every_key_arrives_in_the_definition() {
    let flow = everything();
    assert_eq!((flow.name.as_str(), flow.start.as_slice()), ("triage", [0].as_slice()));
    assert!(flow.input["question"].required && !flow.input["language"].required);
    assert_eq!(flow.input["limit"].default, json!(8));
    assert_eq!(flow.channels["notes"].reducer, Reducer::Append);
    assert_eq!(flow.channels.len(), 13);
    assert_eq!(flow.tools, ["calculator", "files.*"]);
    assert_eq!((flow.limits.steps, flow.limits.seconds, flow.limits.money), (40, 60, 0.1));
    assert_eq!(flow.nodes.len(), 10);
    let look = &flow.nodes[0];
    assert_eq!(look.timeout_seconds, Some(20.0));
    assert_eq!(look.on_error, Some(9));
    assert!(matches!(&look.into, Into::Channels(map) if map["notes"] == "[output.note]"));
    let Next::First(edges) = &look.next else { panic!() };
    assert_eq!(edges[1], Edge { condition: Some("total > 10".to_owned()), to: None });
    assert_eq!(edges[2], Edge { condition: None, to: Some(1) });
    assert_eq!(flow.nodes[1].next, Next::All(vec![2, 3]));
    let send = &flow.nodes[5];
    assert_eq!(send.on_interrupt, OnInterrupt::Compensate);
    assert_eq!(send.compensate.as_ref().unwrap().0, "mail");
    assert_eq!(flow.sub_flows().collect::<Vec<_>>(), ["answer-one", "answer-one"]);
}

#[test]
fn a_kind_that_uses_tools_gets_the_flows_list() {
    let NodeBody::Effect { with, .. } = &everything().nodes[8].body else { panic!() };
    assert_eq!(with["allow"], json!(["calculator", "files.*"]));
}

#[test]
fn without_start_the_first_node_begins() {
    let flow =
        Definition::parse("name: a\nnodes: {b: {kind: wait, with: {seconds: 1}}}", &kinds(), &is_known);
    assert_eq!(flow.unwrap().start, [0]);
}

#[test]
fn an_endless_loop_is_a_warning_and_runs() {
    let source = "name: a\nnodes:\n  b: {kind: wait, with: {seconds: 1}, next: c}\n  c: {kind: wait, with: {seconds: 1}, next: b}";
    let reading = read(source, &kinds(), &is_known);
    assert!(reading.definition.is_some());
    assert_eq!(reading.problems.len(), 1);
    assert_eq!((reading.problems[0].severity, reading.problems[0].line), (Severity::Warning, 3));
}

#[test]
fn recursion_over_other_flows_is_found() {
    let flows = [small("a", "b"), small("b", "c"), small("c", "a"), small("d", "a")];
    let found = find_recursion(&flows);
    assert_eq!(found[0], ["a", "b", "c", "a"]);
    assert_eq!(found.len(), 3);
    assert!(find_recursion(&flows[1..]).is_empty());
}

#[test]
fn the_schema_takes_what_reading_takes() {
    let schema = json_schema(&kinds());
    let mut compiler = boon::Compiler::new();
    compiler.add_resource("ibid:flow", schema).unwrap();
    let mut schemas = boon::Schemas::new();
    let root = compiler.compile("ibid:flow", &mut schemas).unwrap();
    let valid = to_json(EVERYTHING);
    assert!(schemas.validate(&valid, root).is_ok(), "{:#}", schemas.validate(&valid, root).unwrap_err());
    for (pointer, wrong) in [
        ("/name", json!("Two words")),
        ("/limits/steps", json!(0)),
        ("/nodes/look/kind", json!("nothing")),
        ("/nodes/look/with/limit", json!("many")),
        ("/nodes/look/retry/attempts", json!("3")),
        ("/nodes/calc/next", json!([])),
        ("/input/question", json!("string")),
    ] {
        let mut value = valid.clone();
        *value.pointer_mut(pointer).unwrap() = wrong;
        assert!(schemas.validate(&value, root).is_err(), "{pointer}");
    }
}

#[test]
fn every_property_of_the_schema_is_described() {
    fn check(value: &Value, path: &str) {
        if let Some(properties) =
            value.get("properties").and_then(Value::as_object).filter(|_| !path.ends_with("/if"))
        {
            for (key, property) in properties {
                let text = property.to_string();
                let is_reference = property.get("$ref").is_some();
                assert!(
                    text.contains("description") || is_reference || path.contains("with"),
                    "{path}/{key}"
                );
            }
        }
        match value {
            Value::Object(fields) => {
                fields.iter().for_each(|(key, value)| check(value, &format!("{path}/{key}")))
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(at, value)| check(value, &format!("{path}/{at}")))
            }
            _ => {}
        }
    }
    check(&json_schema(&kinds()), "");
}

#[test]
fn a_drawing_shows_every_node_and_edge() {
    expect![[r#"
        flowchart TD
          start_(((start)))
          end_(((end)))
          n0["look<br/>retrieve"]
          n1[/"both<br/>set"/]
          n2[/"calc<br/>set"/]
          n3(["nap<br/>wait"])
          n4{{"ask<br/>human"}}
          n5["send<br/>mail"]
          n6[/"each<br/>for each: answer-one"\]
          n7[["sub<br/>flow: answer-one"]]
          n8["sum<br/>tool"]
          n9[/"sorry<br/>set"/]
          start_ --> n0
          n0 -- "hits #124; length == 0" --> n9
          n0 -- "total #62; 10" --> end_
          n0 -- "else" --> n1
          n0 -. "error" .-> n9
          n1 --> f1[" "]:::fork
          f1 ==> n2 & n3
          n2 --> n4
          n3 --> n4
          n4 -- "approved" --> n5
          n4 -- "else" --> n0
          n4 -. "expired" .-> n9
          n5 --> n6
          n6 --> n7
          n7 --> n8
          n8 --> end_
          n9 --> end_
          classDef fork fill:#555,stroke:#555,height:8px
    "#]]
    .assert_eq(&mermaid(&everything()));
}

/// By way of a flow whose output is the file itself, since reading YAML is private to the crate.
fn to_json(source: &str) -> Value {
    let source = source.replace("output.id", "result");
    let (head, _) = source.split_once("\noutput:").unwrap();
    let indented: String = source.lines().map(|line| format!("  {line}\n")).collect();
    let wrapped = format!("{head}\noutput:\n{indented}");
    Definition::parse(&wrapped, &kinds(), &is_known).unwrap().output.unwrap()
}
