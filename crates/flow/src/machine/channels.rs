//! Channels: what a node's output writes, whether it may, and how it is joined with what is there.
//!
//! Keeps true: types are checked when a node ends, so applying a superstep cannot fail half way.

use ibid_types::{Error, Result};
use serde_json::{Map, Number, Value};

use crate::definition::{Channel, ChannelType, Definition, Into, Node, Reducer};
use crate::expression::{self, DEPTH_MAX, Scope};

/// Channel to value, for what a node gave; expressions see the channels as they were when the node ran.
pub(super) fn writes(
    flow: &Definition,
    node: &Node,
    channels: &Map<String, Value>,
    output: Value,
) -> Result<Map<String, Value>> {
    let writes = match &node.into {
        Into::Nowhere => Map::new(),
        Into::Channel(channel) => Map::from_iter([(channel.clone(), output)]),
        Into::Channels(expressions) => {
            let scope = Scope::new(channels).with("output", &output);
            let write = |(channel, text): (&String, &String)| {
                Ok((channel.clone(), expression::expression(text, &scope)?))
            };
            expressions.iter().map(write).collect::<Result<_>>()?
        }
    };
    check(flow, node, &writes)?;
    Ok(writes)
}

/// Whether the channels exist and take these values. Errors: `flow_type_mismatch`, which names node and channel.
pub(super) fn check(flow: &Definition, node: &Node, writes: &Map<String, Value>) -> Result<()> {
    for (name, value) in writes {
        let wanted = match flow.channels.get(name) {
            Some(channel) => check_write(channel, value),
            None => Err("no channel at all"),
        };
        wanted.map_err(|wanted| mismatch(node, name, wanted, value))?;
    }
    Ok(())
}

fn mismatch(node: &Node, channel: &str, wanted: &str, value: &Value) -> Error {
    let message = format!(
        "node '{}' wrote {} to channel '{channel}', which takes {wanted}",
        node.name,
        kind_name(value)
    );
    Error::bad_request("flow_type_mismatch", message)
}

pub(super) fn check_write(channel: &Channel, value: &Value) -> Result<(), &'static str> {
    match (channel.reducer, channel.kind) {
        (Reducer::Append, ChannelType::List | ChannelType::Any) => check_depth(value),
        (Reducer::Append, ChannelType::Text) if value.is_string() => Ok(()),
        (Reducer::Append, _) => Err("text or items to append"),
        (Reducer::Merge, _) if !value.is_object() => Err("an object to merge"),
        (Reducer::Add, _) if !value.is_number() => Err("a number to add"),
        _ => check_kind(channel, value),
    }
}

/// Whether a value is of a channel's type; else what is. Null is what a channel without any other default has.
pub(super) fn check_kind(channel: &Channel, value: &Value) -> Result<(), &'static str> {
    if value.is_null() && channel.default.is_null() {
        return Ok(());
    }
    let (fits, wanted) = match channel.kind {
        ChannelType::Text => (value.is_string(), "text"),
        ChannelType::Number => (value.is_number(), "a number"),
        ChannelType::Integer => (value.is_i64() || value.is_u64(), "a whole number"),
        ChannelType::Boolean => (value.is_boolean(), "true or false"),
        ChannelType::List => (value.is_array(), "a list"),
        ChannelType::Object => (value.is_object(), "an object"),
        ChannelType::Any => (true, "anything"),
    };
    if fits { check_depth(value) } else { Err(wanted) }
}

fn check_depth(value: &Value) -> Result<(), &'static str> {
    if is_within(value, DEPTH_MAX) { Ok(()) } else { Err("values that are nested less deeply") }
}

fn is_within(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(items) => depth > 0 && items.iter().all(|item| is_within(item, depth - 1)),
        Value::Object(fields) => depth > 0 && fields.values().all(|item| is_within(item, depth - 1)),
        _ => true,
    }
}

const fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Joins a checked value with what a channel holds.
pub(super) fn reduce(slot: &mut Value, reducer: Reducer, value: Value) {
    if slot.is_null() && reducer != Reducer::Append {
        *slot = value;
        return;
    }
    match reducer {
        Reducer::Set => *slot = value,
        Reducer::Append => append(slot, value),
        Reducer::Merge => merge(slot, value),
        Reducer::Add => *slot = sum(slot, &value),
        Reducer::Max if is_less(slot, &value) => *slot = value,
        Reducer::Min if is_less(&value, slot) => *slot = value,
        Reducer::Max | Reducer::Min => {}
    }
}

fn append(slot: &mut Value, value: Value) {
    match (slot, value) {
        (Value::String(text), Value::String(more)) => {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&more);
        }
        (Value::Array(items), Value::Array(more)) => items.extend(more),
        (Value::Array(items), value) => items.push(value),
        (slot, value @ (Value::String(_) | Value::Array(_))) => *slot = value,
        (slot, value) => *slot = Value::Array(vec![value]),
    }
}

fn merge(slot: &mut Value, value: Value) {
    match (slot, value) {
        (Value::Object(fields), Value::Object(more)) => fields.extend(more),
        (slot, value) => *slot = value,
    }
}

fn sum(left: &Value, right: &Value) -> Value {
    if let (Some(left), Some(right)) = (left.as_i64(), right.as_i64()) {
        return left.saturating_add(right).into();
    }
    let sum = left.as_f64().unwrap_or_default() + right.as_f64().unwrap_or_default();
    Number::from_f64(sum).map_or_else(|| right.clone(), Value::Number)
}

fn is_less(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::String(left), Value::String(right)) => left < right,
        (Value::Number(left), Value::Number(right)) => match (left.as_i64(), right.as_i64()) {
            (Some(left), Some(right)) => left < right,
            _ => left.as_f64() < right.as_f64(),
        },
        _ => false,
    }
}
