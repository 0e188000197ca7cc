//! The JSON Schema of flow files: what editors complete and explain.
//!
//! Keeps true: it knows the same keys as reading does, each with a description; what it accepts can still be refused by
//! reading (names that do not exist, paths without end), but what it refuses, reading refuses too.

use serde_json::{Map, Value, json};

use super::channels::{REDUCERS, TYPES};
use super::keys;
use super::model::{Limits, Retry};
use super::parse::{MONEY_MAX, TOKENS_MAX};
use crate::{NodeKind, Registry};

/// JSON Schema (2020-12) of a flow file whose nodes are of the engine's kinds or of those in the registry.
#[must_use]
pub fn json_schema(registry: &Registry) -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Ibid flow",
        "description": "A flow: named nodes, edges between them, and a typed state that they share.",
        "type": "object",
        "additionalProperties": false,
        "required": ["name", "nodes"],
        "properties": {
            "name": named("What the flow is called: by commands, and by flows that run it as a node.", "-"),
            "description": {"type": "string", "description": "What the flow does, for people."},
            "input": channels("What a run must be given: names and types. A `?` behind the type, or a default, makes it optional."),
            "state": channels("What nodes write and read besides the input: names and types."),
            "tools": {
                "description": "Names of the tools that nodes of this flow may call; `SERVER.*` allows all of a server.",
                "type": "array", "items": {"type": "string"}
            },
            "limits": limits(),
            "start": {
                "description": "The node that runs first, or a list of nodes that run side by side. Without it: the first node of the file.",
                "oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]
            },
            "nodes": {
                "description": "The steps, by name.",
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"pattern": "^[a-z][a-z0-9_-]{0,63}$", "not": {"enum": keys::NODES_RESERVED}},
                "additionalProperties": {"$ref": "#/$defs/node"}
            },
            "output": {"description": "The result: a value with templates. Without it: the whole state."}
        },
        "$defs": {
            "seconds": {"type": "number", "minimum": 0, "maximum": super::reader::SECONDS_MAX},
            "template": {"type": "string", "pattern": "\\{\\{"},
            "secondsOrTemplate": {"anyOf": [{"$ref": "#/$defs/seconds"}, {"$ref": "#/$defs/template"}]},
            "channel": channel(),
            "retry": retry(),
            "edge": edge(),
            "compensate": compensate(registry),
            "node": node(registry),
        }
    })
}

fn named(description: &str, also: &str) -> Value {
    json!({"type": "string", "description": description, "pattern": format!("^[a-z][a-z0-9{also}]{{0,63}}$")})
}

fn channels(description: &str) -> Value {
    json!({
        "description": description,
        "type": "object",
        "propertyNames": {"pattern": "^[a-z][a-z0-9_]{0,63}$", "not": {"enum": keys::CHANNELS_RESERVED}},
        "additionalProperties": {"$ref": "#/$defs/channel"}
    })
}

fn channel() -> Value {
    let types: Vec<_> = TYPES.iter().flat_map(|(name, _)| [(*name).to_owned(), format!("{name}?")]).collect();
    let reducers: Vec<_> = REDUCERS.iter().map(|(name, _)| *name).collect();
    let kind = json!({"description": "What it holds.", "enum": types});
    json!({
        "oneOf": [kind, {
            "type": "object",
            "additionalProperties": false,
            "required": ["type"],
            "properties": {
                "type": kind,
                "default": {"description": "What it holds before anything is written. Without it: an empty value of the type."},
                "reducer": {
                    "description": "How a new value and the old one become one: set (the new one), append, merge, add, max, min.",
                    "enum": reducers
                },
                "description": {"type": "string", "description": "What it is for, for people."}
            }
        }]
    })
}

fn limits() -> Value {
    let usual = Limits::default();
    let whole = |description: &str, default: u64, most: u64| json!({"type": "integer", "minimum": 1, "maximum": most, "default": default, "description": description});
    json!({
        "description": "Bounds of a run. A run that reaches one fails, and says which.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "steps": whole("Executions of nodes, those of sub-flows too.", usual.steps.into(), 1_000_000),
            "seconds": {
                "type": "number", "minimum": 0, "maximum": super::reader::SECONDS_MAX, "default": usual.seconds,
                "description": "Time at work; waiting for a person or a timer does not count."
            },
            "tokens": whole("Tokens of chat models, read and written.", usual.tokens, TOKENS_MAX),
            "money": money("Cost of chat models in USD, by the prices of the configuration. Without it: no bound."),
            "visits": whole("Executions of one node: what bounds a loop.", usual.visits.into(), 1_000_000),
        }
    })
}

fn money(description: &str) -> Value {
    json!({"type": "number", "minimum": 0, "maximum": MONEY_MAX, "description": description})
}

fn node_limits() -> Value {
    json!({
        "description": "What the node may spend in all its executions, those of flows that it runs included. One that has spent more fails: `on_error` is for that.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "tokens": {
                "type": "integer", "minimum": 1, "maximum": TOKENS_MAX,
                "description": "Tokens of chat models, read and written. Without it: no bound."
            },
            "money": money("Cost of chat models in USD. Without it: no bound."),
        }
    })
}

fn retry() -> Value {
    let usual = Retry::default();
    json!({
        "description": "How failed attempts are tried again. Only errors that may pass are: timeouts, too many requests, unavailable.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "attempts": {
                "type": "integer", "minimum": 1, "maximum": 100, "default": usual.attempts,
                "description": "Attempts in all, the first included; 1 tries nothing again."
            },
            "first_seconds": seconds("Pause before the second attempt.", usual.first_seconds),
            "factor": {
                "type": "number", "minimum": 1, "maximum": 100, "default": usual.factor,
                "description": "Each pause is so many times as long as the one before."
            },
            "most_seconds": seconds("The longest pause.", usual.most_seconds),
        }
    })
}

fn seconds(description: &str, default: f64) -> Value {
    json!({"$ref": "#/$defs/seconds", "default": default, "description": description})
}

fn edge() -> Value {
    json!({
        "oneOf": [
            {"type": "string", "description": "The next node, or `end`."},
            {
                "type": "object",
                "additionalProperties": false,
                "required": ["to"],
                "properties": {
                    "if": {"type": ["string", "boolean"], "description": "An expression over the state, without braces."},
                    "to": {"type": "string", "description": "The next node, or `end`."}
                }
            }
        ]
    })
}

fn next() -> Value {
    json!({
        "description": "Where the path goes on. Of a list, the first whose `if` holds; `{all: [a, b]}` goes on along all. Without it the path ends.",
        "oneOf": [
            {"$ref": "#/$defs/edge"},
            {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/edge"}},
            {
                "type": "object", "additionalProperties": false, "required": ["all"],
                "properties": {"all": {
                    "description": "Nodes that run side by side.",
                    "type": "array", "minItems": 1, "items": {"type": "string"}, "uniqueItems": true
                }}
            }
        ]
    })
}

fn compensate(registry: &Registry) -> Value {
    let kinds: Vec<_> = registry.kinds().map(|kind| json!(kind.name())).collect();
    json!({
        "description": "What undoes the node: run when it was interrupted (`on_interrupt: compensate`), or when the run fails or is cancelled after it.",
        "type": "object",
        "additionalProperties": false,
        "required": ["kind"],
        "properties": {
            "kind": {"enum": kinds, "description": "A kind that performs something."},
            "with": {"type": "object", "description": "Its parameters. Templates may use `output`, what the node gave."}
        }
    })
}

fn node(registry: &Registry) -> Value {
    let engine = keys::ENGINE_KINDS.iter().map(|kind| (json!({"const": kind}), of_engine(kind)));
    let others = registry.kinds().map(|kind| (json!({"const": kind.name()}), of_kind(kind.as_ref())));
    let described = |kind: &str, text: &str| json!({"const": kind, "description": text});
    let mut kinds: Vec<_> =
        keys::ENGINE_KINDS.iter().map(|kind| described(kind, engine_description(kind))).collect();
    kinds.extend(registry.kinds().map(|kind| described(kind.name(), kind.description())));
    let branches: Vec<_> = engine
        .chain(others)
        .map(|(kind, then)| json!({"if": {"properties": {"kind": kind}, "required": ["kind"]}, "then": then}))
        .collect();
    json!({
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"description": "What the node does.", "oneOf": kinds}},
        "allOf": branches
    })
}

fn engine_description(kind: &str) -> &'static str {
    match kind {
        "set" => "Writes channels.",
        "wait" => "Waits for some time. The run needs no memory meanwhile.",
        "human" => "Asks a person and waits for the answer.",
        "map" => "Runs a flow for each item of a list.",
        _ => "Runs another flow as one node.",
    }
}

fn of_engine(kind: &str) -> Value {
    let required: &[&str] = match kind {
        "map" => &["kind", "over", "as", "flow"],
        "flow" => &["kind", "flow"],
        "set" => return set(),
        _ => &["kind", "with"],
    };
    closed(keys::of_node(kind), required, &|key| match (kind, key) {
        (_, "with") => with_of_engine(kind),
        _ => common(key),
    })
}

/// Of channels or edges it needs one: without either it would do nothing.
fn set() -> Value {
    let mut schema = closed(keys::NODE_SET, &["kind"], &|key| match key {
        "with" => with_of_engine("set"),
        _ => common(key),
    });
    schema["anyOf"] = json!([{"required": ["with"]}, {"required": ["next"]}]);
    schema
}

fn of_kind(kind: &dyn NodeKind) -> Value {
    let required: &[&str] = if kind.has_side_effects() { &["kind", "on_interrupt"] } else { &["kind"] };
    closed(keys::NODE_EFFECT, required, &|key| match key {
        "with" => with_templates(kind.parameters()),
        _ => common(key),
    })
}

fn closed(keys: &[&str], required: &[&str], schema: &dyn Fn(&str) -> Value) -> Value {
    let properties: Map<_, _> = keys.iter().map(|key| ((*key).to_owned(), schema(key))).collect();
    json!({"additionalProperties": false, "required": required, "properties": properties})
}

fn common(key: &str) -> Value {
    match key {
        "next" => next(),
        "retry" => json!({"$ref": "#/$defs/retry"}),
        "compensate" => json!({"$ref": "#/$defs/compensate"}),
        "limits" => node_limits(),
        "into" => json!({
            "description": "The channel for the output, or a map from channels to expressions over `output` and the state. Without it the output is dropped.",
            "oneOf": [{"type": "string"}, {"type": "object", "minProperties": 1, "additionalProperties": {"type": ["string", "number", "boolean"]}}]
        }),
        "timeout_seconds" => {
            json!({"$ref": "#/$defs/seconds", "description": "How long one attempt may take. Without it: what the kind says."})
        }
        "on_interrupt" => json!({
            "description": "What to do if a crash interrupts the node, so that nobody knows how far it came: try again, undo with `compensate`, or fail.",
            "enum": ["retry", "compensate", "fail"]
        }),
        "on_error" => {
            json!({"type": "string", "description": "The node to go to when attempts are used up. Without it the run fails."})
        }
        "over" => json!({
            "description": "The list to go over: usually a template, \"{{ questions }}\".",
            "oneOf": [{"$ref": "#/$defs/template"}, {"type": "array", "minItems": 1}]
        }),
        "as" => named("The input of the flow that gets the item.", "_"),
        "flow" => json!({"type": "string", "description": "The name of the flow to run."}),
        "concurrency" => {
            json!({"type": "integer", "minimum": 1, "maximum": 64, "default": 4, "description": "Items at work at the same time."})
        }
        _ => json!({"type": "string", "description": "What the node does."}),
    }
}

fn with_of_engine(kind: &str) -> Value {
    match kind {
        "set" => {
            json!({"type": "object", "description": "Channels and their new values, all made from the state before."})
        }
        "wait" => json!({
            "type": "object", "additionalProperties": false, "required": ["seconds"],
            "properties": {"seconds": {"$ref": "#/$defs/secondsOrTemplate", "description": "For how long."}}
        }),
        "human" => json!({
            "type": "object", "additionalProperties": false, "required": ["prompt"],
            "properties": {
                "prompt": {"type": "string", "description": "The question, for a person."},
                "schema": {"type": ["object", "boolean"], "description": "JSON Schema of the answer. Without it any answer is taken."},
                "expires_seconds": {"$ref": "#/$defs/secondsOrTemplate", "description": "How long to wait for an answer. Without it: as long as the run may last."},
                "on_expiry": {"type": "string", "description": "The node to go to when nobody answered in time. Without it the run fails."}
            }
        }),
        _ => json!({"type": "object", "description": "Inputs of the flow and their values."}),
    }
}

/// The parameters of a kind, each of which may be a template instead.
fn with_templates(parameters: Value) -> Value {
    let Value::Object(mut schema) = parameters else { return json!({"type": "object"}) };
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for property in properties.values_mut() {
            let own = property.take();
            let description = own.get("description").cloned();
            *property = json!({"anyOf": [own, {"$ref": "#/$defs/template"}]});
            if let Some(description) = description {
                property["description"] = description;
            }
        }
    }
    schema.entry("description").or_insert_with(|| json!("Parameters of the kind. Texts may hold templates."));
    Value::Object(schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys_of(schema: &Value) -> Vec<&str> {
        schema["properties"].as_object().unwrap().keys().map(String::as_str).collect()
    }

    fn sorted<'k>(keys: &[&'k str]) -> Vec<&'k str> {
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn reading_and_schema_know_the_same_keys() {
        let schema = json_schema(&Registry::default());
        assert_eq!(keys_of(&schema), sorted(keys::FLOW));
        assert_eq!(keys_of(&schema["properties"]["limits"]), sorted(keys::LIMITS));
        assert_eq!(keys_of(&node_limits()), sorted(keys::NODE_LIMITS));
        assert_eq!(keys_of(&schema["$defs"]["retry"]), sorted(keys::RETRY));
        assert_eq!(keys_of(&schema["$defs"]["compensate"]), sorted(keys::COMPENSATE));
        assert_eq!(keys_of(&schema["$defs"]["channel"]["oneOf"][1]), sorted(keys::CHANNEL));
        assert_eq!(keys_of(&with_of_engine("human")), sorted(keys::WITH_HUMAN));
        assert_eq!(keys_of(&with_of_engine("wait")), sorted(keys::WITH_WAIT));
    }

    #[test]
    fn every_kind_of_the_engine_is_described() {
        let schema = json_schema(&Registry::default());
        let kinds = schema["$defs"]["node"]["properties"]["kind"]["oneOf"].as_array().unwrap();
        assert_eq!(kinds.len(), keys::ENGINE_KINDS.len());
        assert_eq!(schema["$defs"]["node"]["allOf"].as_array().unwrap().len(), kinds.len());
    }
}
