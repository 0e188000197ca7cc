//! A line of the log: flat JSON for collectors (Loki, ELK), or text for people.
//!
//! Keeps true: one line an event; every text in it went through `redact`; a field never takes the place of the line's own.

use std::fmt::{Debug, Write};

use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Level, Metadata};

use super::redact::redact;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    Text { colored: bool },
}

/// Names that a field must not take.
const OWN: [&str; 4] = ["timestamp", "level", "target", "message"];

/// Fields with their values, redacted.
#[derive(Clone, Debug, Default)]
pub struct Fields(pub Vec<(&'static str, Value)>);

impl Fields {
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(field, _)| *field == name).map(|(_, value)| value)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// Sets a field that has no value yet, or another.
    fn set(&mut self, field: &Field, value: Value) {
        match self.0.iter_mut().find(|(name, _)| *name == field.name()) {
            Some((_, old)) => *old = value,
            None => self.0.push((field.name(), value)),
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, redact(value).into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.set(field, redact(&format!("{value:?}")).into());
    }
}

/// One line with its end. `ids` are those of the request and the trace; a field of the same name is left out.
pub fn line(
    format: Format,
    time: &str,
    metadata: &Metadata<'_>,
    fields: &Fields,
    ids: &[(&'static str, String)],
) -> String {
    let message = fields.text("message").unwrap_or_default();
    let named = |name: &str| ids.iter().any(|(id, _)| *id == name);
    let others = fields.0.iter().filter(|(name, _)| *name != "message" && !named(name));
    match format {
        Format::Json => json_line(time, metadata, message, ids, others),
        Format::Text { colored } => text_line(colored, time, metadata, message, ids, others),
    }
}

fn json_line<'a>(
    time: &str,
    metadata: &Metadata<'_>,
    message: &str,
    ids: &[(&'static str, String)],
    fields: impl Iterator<Item = &'a (&'static str, Value)>,
) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    let level = metadata.level().as_str().to_ascii_lowercase();
    let mut line = format!(
        "{{\"timestamp\":{},\"level\":\"{level}\",\"target\":{},\"message\":{}",
        quoted(time),
        quoted(metadata.target()),
        quoted(message)
    );
    for (name, id) in ids {
        let _ = write!(line, ",\"{name}\":{}", quoted(id));
    }
    for (name, value) in fields {
        let prefix = if OWN.contains(name) { "field_" } else { "" };
        let _ = write!(line, ",{}:{value}", quoted(&format!("{prefix}{name}")));
    }
    line.push_str("}\n");
    line
}

fn text_line<'a>(
    colored: bool,
    time: &str,
    metadata: &Metadata<'_>,
    message: &str,
    ids: &[(&'static str, String)],
    fields: impl Iterator<Item = &'a (&'static str, Value)>,
) -> String {
    let level = *metadata.level();
    let color = match level {
        Level::ERROR => "31",
        Level::WARN => "33",
        Level::INFO => "32",
        _ => "34",
    };
    let (paint, dim, plain) = match colored {
        true => (format!("\u{1b}[{color}m"), "\u{1b}[2m", "\u{1b}[0m"),
        false => (String::new(), "", ""),
    };
    let mut line =
        format!("{dim}{time}{plain} {paint}{level:>5}{plain} {dim}{}:{plain} {message}", metadata.target());
    for (name, value) in fields {
        let _ = match value {
            Value::String(text) => write!(line, " {dim}{name}={plain}{}", visible(text)),
            other => write!(line, " {dim}{name}={plain}{other}"),
        };
    }
    for (name, id) in ids {
        let _ = write!(line, " {dim}{name}={id}{plain}");
    }
    line.push('\n');
    line
}

/// What came from outside must neither end the line nor steer the terminal.
fn visible(text: &str) -> String {
    text.replace(|c: char| c.is_control(), " ")
}
