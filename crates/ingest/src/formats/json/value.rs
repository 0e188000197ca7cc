//! A JSON value whose members keep their order, and its text.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    /// A number or truth value, as it is shown.
    Plain(String),
    Text(String),
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Value {
    pub const fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// Blank text, or a container of nothing else. A null says something: that there is no such thing.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Plain(text) | Self::Text(text) => text.trim().is_empty(),
            Self::Array(items) => items.iter().all(Self::is_empty),
            Self::Object(members) => members.iter().all(|(_, value)| value.is_empty()),
        }
    }

    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Plain(text) | Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of an array; none of anything else.
    pub fn items(&self) -> &[Self] {
        match self {
            Self::Array(items) => items,
            _ => &[],
        }
    }

    /// The value of a member of an object.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Whether keys and values together have at most this many bytes; looks no further than that.
    pub fn fits(&self, bytes_max: usize) -> bool {
        self.bytes_left(bytes_max).is_some()
    }

    fn bytes_left(&self, bytes: usize) -> Option<usize> {
        match self {
            Self::Null => bytes.checked_sub(1),
            Self::Plain(text) | Self::Text(text) => bytes.checked_sub(text.len() + 1),
            Self::Array(items) => items.iter().try_fold(bytes, |left, item| item.bytes_left(left)),
            Self::Object(members) => members.iter().try_fold(bytes, |left, (key, value)| {
                value.bytes_left(left).and_then(|left| left.checked_sub(key.len() + 2))
            }),
        }
    }

    /// Lines of `key: value`; empty texts and containers are left out.
    pub fn write(&self, indent: usize, lines: &mut Vec<String>) {
        let margin = "  ".repeat(indent);
        match self {
            Self::Object(members) => {
                for (key, value) in members.iter().filter(|(_, value)| !value.is_empty()) {
                    match value.inline() {
                        Some(text) => lines.push(format!("{margin}{key}: {text}")),
                        None => {
                            lines.push(format!("{margin}{key}:"));
                            value.write(indent + 1, lines);
                        }
                    }
                }
            }
            Self::Array(items) => {
                for item in items.iter().filter(|item| !item.is_empty()) {
                    let first = lines.len();
                    item.write(indent + 1, lines);
                    if let Some(line) = lines.get_mut(first) {
                        *line = format!("{margin}- {}", line.trim_start());
                    }
                }
            }
            value => lines.push(format!("{margin}{}", value.text().unwrap_or("null"))),
        }
    }

    /// The value on one line, if it is a scalar or a list of short ones.
    fn inline(&self) -> Option<String> {
        const ITEM_BYTES_MAX: usize = 60;
        match self {
            Self::Array(items)
                if items.iter().all(|item| item.text().is_some_and(|text| text.len() <= ITEM_BYTES_MAX)) =>
            {
                let texts: Vec<&str> = items.iter().filter_map(Self::text).collect();
                Some(texts.join(", "))
            }
            Self::Null => Some("null".to_owned()),
            value => value.text().map(|text| text.trim().to_owned()),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Plain(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Plain(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Plain(value.to_string()))
    }

    /// Very large and very small numbers in the short form.
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        let is_usual = value == 0.0 || (1e-5..1e16).contains(&value.abs());
        Ok(Value::Plain(if is_usual { value.to_string() } else { format!("{value:e}") }))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut found = Vec::new();
        while let Some(item) = items.next_element()? {
            found.push(item);
        }
        Ok(Value::Array(found))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut found = Vec::new();
        while let Some(member) = members.next_entry()? {
            found.push(member);
        }
        Ok(Value::Object(found))
    }
}
