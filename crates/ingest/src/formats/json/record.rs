//! A record of a data file: its title as heading if it has a body, its fields as lines, its long texts as prose.

use ibid_types::parsed::Metadata;

use super::value::Value;
use crate::builder::{Builder, prose};
use crate::dates::parse_date;
use crate::language::code_of;

/// Texts longer than this are a body, not a field.
const FIELD_BYTES_MAX: usize = 300;
const TITLE_BYTES_MAX: usize = 200;
const TITLES: [&str; 7] = ["title", "name", "heading", "headline", "subject", "question", "label"];

/// What a document that is one object says of itself.
pub fn metadata(value: &Value) -> Metadata {
    let field = |names: &[&str]| names.iter().find_map(|name| value.get(name)?.text()).map(str::to_owned);
    Metadata {
        title: title(value).map(|(_, title)| title),
        author: field(&["author", "creator"]),
        language: field(&["language", "lang"]).as_deref().and_then(code_of),
        created: field(&["created", "created_at", "date", "published"]).as_deref().and_then(parse_date),
        modified: field(&["modified", "updated", "updated_at"]).as_deref().and_then(parse_date),
        tags: Vec::new(),
    }
}

/// Writes a value as a record; what has a title and a body becomes a section.
pub fn write_record(value: &Value, level: u8, out: &mut Builder) {
    let Value::Object(members) = value else {
        return write_lines(value, out);
    };
    let is_body = |value: &Value| matches!(value, Value::Text(text) if text.len() > FIELD_BYTES_MAX);
    let (bodies, fields): (Vec<_>, Vec<_>) = members.iter().partition(|(_, value)| is_body(value));
    let title = if bodies.is_empty() { None } else { title(value) };
    if let Some((_, title)) = &title {
        out.heading(level, title);
    }
    let is_shown = |name: &str| title.as_ref().is_none_or(|(key, _)| *key != name);
    let fields = fields.into_iter().filter(|(name, _)| is_shown(name)).cloned();
    write_lines(&Value::Object(fields.collect()), out);
    let is_only = bodies.len() == 1;
    for (key, value) in bodies {
        write_prose(if is_only { "" } else { key }, value.text().unwrap_or_default(), out);
    }
}

fn title(value: &Value) -> Option<(&'static str, String)> {
    TITLES.into_iter().find_map(|key| {
        let title = prose(value.get(key)?.text()?).replace('\n', " ");
        (!title.is_empty() && title.len() <= TITLE_BYTES_MAX).then_some((key, title))
    })
}

fn write_lines(value: &Value, out: &mut Builder) {
    let mut lines = Vec::new();
    value.write(0, &mut lines);
    out.record(&lines.join("\n"));
}

/// A long text as paragraphs, the first behind its key.
pub fn write_prose(key: &str, text: &str, out: &mut Builder) {
    let text = text.replace("\r\n", "\n");
    for (number, paragraph) in text.split("\n\n").enumerate() {
        if number == 0 && !key.is_empty() {
            out.paragraph(&format!("{key}: {paragraph}"));
        } else {
            out.paragraph(paragraph);
        }
    }
}
