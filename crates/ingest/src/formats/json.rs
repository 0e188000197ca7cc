//! JSON and JSON Lines as readable text: `key: value` lines, nested ones indented, a record an element.
//!
//! Keeps true: members keep their order; nesting ends where serde_json ends it, at 128 levels. Text that is not JSON
//! is read as plain text, with a warning.

use ibid_types::parsed::Parsed;

mod record;
mod value;

use super::text;
use crate::builder::Builder;
use crate::parse::Limits;
use record::write_record;
pub use value::Value;

/// One value. An array gives a record an element; an object gives one record if it is small, else a section for each
/// of its large members.
pub fn parse(text: &str, limits: &Limits) -> Parsed {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => written(&value, limits),
        Err(error) => {
            as_text(text, &format!("this is not JSON ({error}); it was read as plain text"), limits)
        }
    }
}

/// A value of any origin, as `parse` writes it.
pub fn written(value: &Value, limits: &Limits) -> Parsed {
    let mut out = Builder::new(limits);
    if let Value::Object(_) = value {
        *out.metadata() = record::metadata(value);
    }
    section(value, 1, &mut out);
    out.finish()
}

/// A value a line. A line that is no JSON stays as it is.
pub fn parse_lines(text: &str, limits: &Limits) -> Parsed {
    let mut out = Builder::new(limits);
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        match serde_json::from_str::<Value>(line) {
            Ok(value) => write_record(&value, 1, &mut out),
            Err(_) => {
                out.warn(format!("line {number} is not JSON; it was kept as it is"));
                out.record(line);
            }
        }
        if out.is_full() {
            break;
        }
    }
    out.finish()
}

fn as_text(text: &str, warning: &str, limits: &Limits) -> Parsed {
    let mut parsed = text::parse(text, limits);
    parsed.warnings.push(warning.to_owned());
    parsed
}

/// Writes a value; large objects member by member, under headings.
fn section(value: &Value, level: u8, out: &mut Builder) {
    const LEVEL_MAX: u8 = 6;
    match value {
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for item in items {
                write_record(item, level, out);
                if out.is_full() {
                    break;
                }
            }
        }
        Value::Object(members) if level < LEVEL_MAX && !is_small(value) => {
            let (simple, nested): (Vec<_>, Vec<_>) = members.iter().partition(|(_, value)| is_small(value));
            write_record(&Value::Object(simple.into_iter().cloned().collect()), level, out);
            for (key, value) in nested {
                if let Value::Text(text) = value {
                    record::write_prose(key, text, out);
                } else {
                    out.heading(level, key);
                    section(value, level + 1, out);
                }
            }
        }
        _ => write_record(value, level, out),
    }
}

/// Whether a value reads well in one piece.
fn is_small(value: &Value) -> bool {
    const RECORD_BYTES_MAX: usize = 800;
    value.fits(RECORD_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use ibid_types::parsed::BlockKind;

    use super::*;

    fn check(json: &str, expected: &str) -> Parsed {
        let parsed = parse(json, &Limits::default());
        parsed.check().unwrap();
        assert_eq!(parsed.text, expected);
        parsed
    }

    #[test]
    fn an_object_is_lines_in_its_own_order() {
        let parsed = check(
            r#"{"title": "T", "b": {"c": 1, "d": null}, "a": [1, "x"], "e": [{"f": true, "g": 2}]}"#,
            "title: T\nb:\n  c: 1\n  d: null\na: 1, x\ne:\n  - f: true\n    g: 2",
        );
        assert_eq!(parsed.metadata.title.as_deref(), Some("T"));
    }

    #[test]
    fn an_array_is_a_record_an_element() {
        let parsed = check(r#"[{"a": 1}, {"a": 2}, 3]"#, "a: 1\n\na: 2\n\n3");
        assert_eq!(parsed.blocks.iter().filter(|block| block.kind == BlockKind::Record).count(), 3);
    }

    #[test]
    fn a_long_text_is_prose_under_its_title() {
        let body = "A sentence of some length. ".repeat(20);
        let json = format!(r#"[{{"id": 7, "title": "Tea", "body": "{body}"}}]"#);
        let parsed = check(&json, &format!("Tea\n\nid: 7\n\n{}", body.trim()));
        assert_eq!(parsed.blocks[0].kind, BlockKind::Heading { level: 1 });
        assert_eq!(parsed.blocks[2].kind, BlockKind::Paragraph);
    }

    #[test]
    fn large_members_are_sections() {
        let many: Vec<String> = (0..100).map(|n| format!(r#""key{n}": "value{n}""#)).collect();
        let parsed = parse(&format!(r#"{{"v": 1, "paths": {{{}}}}}"#, many.join(",")), &Limits::default());
        assert!(parsed.text.starts_with("v: 1\n\npaths\n\nkey0: value0"), "{}", parsed.text);
    }

    #[test]
    fn what_is_no_json_is_text() {
        let parsed = check("{not json", "{not json");
        assert_eq!(parsed.warnings.len(), 1);
        let deep = "[".repeat(100_000);
        check(&deep, &deep);
    }

    #[test]
    fn lines_are_records_and_bad_ones_stay() {
        let parsed = parse_lines("{\"a\": 1}\n\nbad\n{\"a\": 2}", &Limits::default());
        assert_eq!((parsed.text.as_str(), parsed.warnings.len()), ("a: 1\n\nbad\n\na: 2", 1));
    }
}
