//! Conditions and templates of flows: a small part of Jinja, as `minijinja` reads it.
//!
//! Keeps true: an expression reads the scope that it is given and nothing else; it has no side effects, and its time
//! (fuel), its output (bytes, values, depth) and what it builds on the way are bounded. A name that the scope does not
//! have is an error, not an empty text.

mod compiled;
mod dialect;
mod value;

use std::collections::BTreeSet;

use ibid_types::{Error, Result};
use serde_json::{Map, Value};

pub use value::DEPTH_MAX;

use compiled::{Compiled, Form};

/// Why an expression cannot be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// In bytes, from the start of the text that was checked.
    pub offset: usize,
    /// Lower case, no full stop.
    pub message: String,
}

/// What an expression may read: the channels of a frame, and at most one more value with a name of its own.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    channels: &'a Map<String, Value>,
    also: Option<(&'a str, &'a Value)>,
}

impl<'a> Scope<'a> {
    #[must_use]
    pub const fn new(channels: &'a Map<String, Value>) -> Self {
        Self { channels, also: None }
    }

    /// The same with one more name, which hides a channel of that name.
    #[must_use]
    pub const fn with(self, name: &'a str, value: &'a Value) -> Self {
        Self { also: Some((name, value)), ..self }
    }

    fn find(&self, name: &str) -> Option<&'a Value> {
        match self.also {
            Some((also, value)) if also == name => Some(value),
            _ => self.channels.get(name),
        }
    }
}

/// Reads an expression without evaluating it; gives the names that it wants from its scope.
pub fn check(expression: &str) -> Result<BTreeSet<String>, Malformed> {
    Compiled::expression(expression).map(|compiled| compiled.names.iter().cloned().collect())
}

/// The same for one text of a template: `{{ … }}` among other words, or nothing special at all.
pub fn check_text(text: &str) -> Result<BTreeSet<String>, Malformed> {
    Compiled::text(text).map(|compiled| compiled.names.iter().cloned().collect())
}

/// The value of an expression. Errors: `flow_expression_malformed`, `flow_expression_failed`.
pub fn expression(expression: &str, scope: &Scope<'_>) -> Result<Value> {
    compiled::cached(Form::Expression, expression)?.value(scope).map_err(|why| failed(expression, &why))
}

/// Whether an expression holds: empty texts, lists and objects, 0 and null do not. Errors as `expression`.
pub fn condition(expression: &str, scope: &Scope<'_>) -> Result<bool> {
    compiled::cached(Form::Expression, expression)?.truth(scope).map_err(|why| failed(expression, &why))
}

/// A template with its texts filled in. A text that is exactly `{{ expression }}` becomes the expression's value, of
/// whatever type; other texts are rendered. Keys are taken as they are. Errors as `expression`.
pub fn render(template: &Value, scope: &Scope<'_>) -> Result<Value> {
    render_at(template, scope, 0)
}

fn render_at(template: &Value, scope: &Scope<'_>, depth: usize) -> Result<Value> {
    if depth > DEPTH_MAX {
        return Err(failed("", "the template is nested too deeply"));
    }
    Ok(match template {
        Value::String(text) => render_text(text, scope)?,
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| render_at(item, scope, depth + 1)).collect::<Result<_>>()?)
        }
        Value::Object(fields) => {
            let field =
                |(key, item): (&String, &Value)| Ok((key.clone(), render_at(item, scope, depth + 1)?));
            Value::Object(fields.iter().map(field).collect::<Result<_>>()?)
        }
        plain => plain.clone(),
    })
}

fn render_text(text: &str, scope: &Scope<'_>) -> Result<Value> {
    if dialect::is_plain(text) {
        return Ok(Value::from(text));
    }
    compiled::cached(Form::Text, text)?.value(scope).map_err(|why| failed(text, &why))
}

fn failed(text: &str, why: &str) -> Error {
    Error::bad_request("flow_expression_failed", format!("the expression '{}' failed: {why}", short(text)))
}

fn malformed(text: &str, problem: &Malformed) -> Error {
    Error::bad_request(
        "flow_expression_malformed",
        format!(
            "the expression '{}' cannot be read at byte {}: {}",
            short(text),
            problem.offset,
            problem.message
        ),
    )
}

/// Enough of an expression to know it by.
fn short(text: &str) -> &str {
    const SHOWN_BYTES: usize = 120;
    &text[..text.floor_char_boundary(SHOWN_BYTES)]
}

#[cfg(test)]
mod tests;
