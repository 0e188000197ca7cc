//! JSON into the values of expressions and back.
//!
//! Keeps true: nothing undefined becomes JSON, and what does is bounded in depth and in the number of its parts.

use minijinja::value::ValueKind;
use serde_json::{Map, Value};

/// Deepest nesting of a value in a run: half of what a JSON reader takes, so that a state that holds it can be read.
pub const DEPTH_MAX: usize = 64;
/// Most numbers, texts, lists and so on in one result.
const PARTS_MAX: usize = 1_000_000;

pub(super) const UNDEFINED: &str = "it uses a name or field that is not there; `default(…)` gives one";

pub(super) fn from_json(value: &Value) -> minijinja::Value {
    match value {
        Value::Null => minijinja::Value::from(()),
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => from_number(number),
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(from_json).collect(),
        Value::Object(fields) => {
            minijinja::Value::from_pairs(fields.iter().map(|(key, item)| (key.as_str(), from_json(item))))
        }
    }
}

fn from_number(number: &serde_json::Number) -> minijinja::Value {
    match (number.as_i64(), number.as_u64()) {
        (Some(number), _) => number.into(),
        (None, Some(number)) => number.into(),
        (None, None) => number.as_f64().unwrap_or_default().into(),
    }
}

pub(super) fn to_json(value: &minijinja::Value) -> Result<Value, String> {
    let mut parts_left = PARTS_MAX;
    to_json_at(value, 0, &mut parts_left)
}

fn to_json_at(value: &minijinja::Value, depth: usize, parts_left: &mut usize) -> Result<Value, String> {
    if depth > DEPTH_MAX {
        return Err(format!("its result is nested deeper than {DEPTH_MAX}"));
    }
    *parts_left =
        parts_left.checked_sub(1).ok_or_else(|| format!("its result has more than {PARTS_MAX} parts"))?;
    match value.kind() {
        ValueKind::Undefined => Err(UNDEFINED.to_owned()),
        ValueKind::None => Ok(Value::Null),
        ValueKind::Bool => Ok(value.is_true().into()),
        ValueKind::Number => to_number(value),
        ValueKind::String => Ok(value.as_str().unwrap_or_default().into()),
        ValueKind::Seq | ValueKind::Iterable => to_list(value, depth, parts_left),
        ValueKind::Map => to_object(value, depth, parts_left),
        kind => Err(format!("its result is {kind}, which no channel can hold")),
    }
}

fn to_number(value: &minijinja::Value) -> Result<Value, String> {
    if let Some(number) = value.as_i64().filter(|_| value.is_integer()) {
        return Ok(number.into());
    }
    if let Ok(number) = u64::try_from(value.clone())
        && value.is_integer()
    {
        return Ok(number.into());
    }
    let number = f64::try_from(value.clone()).ok().and_then(serde_json::Number::from_f64);
    number.map(Value::Number).ok_or_else(|| "its result is not a finite number".to_owned())
}

fn to_list(value: &minijinja::Value, depth: usize, parts_left: &mut usize) -> Result<Value, String> {
    let items = value.try_iter().map_err(|error| error.to_string())?;
    items.map(|item| to_json_at(&item, depth + 1, parts_left)).collect::<Result<_, _>>().map(Value::Array)
}

fn to_object(value: &minijinja::Value, depth: usize, parts_left: &mut usize) -> Result<Value, String> {
    let mut fields = Map::new();
    for key in value.try_iter().map_err(|error| error.to_string())? {
        let item = value.get_item(&key).map_err(|error| error.to_string())?;
        fields.insert(key.to_string(), to_json_at(&item, depth + 1, parts_left)?);
    }
    Ok(Value::Object(fields))
}
