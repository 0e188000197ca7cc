//! The golden questions, read from `golden.yaml` of the data directory.

use std::fmt::Display;
use std::io::Read as _;
use std::path::Path;

use ibid_flow::definition::yaml_value;
use ibid_types::{Error, Result};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

const FILE: &str = "golden.yaml";
/// Questions asked in one round.
const QUESTIONS_MAX: usize = 500;
const BYTES_MAX: u64 = 1 << 20;

/// A question whose right answer is known.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    #[serde(deserialize_with = "text")]
    pub question: String,
    /// Of which it is asked; empty for the default one.
    #[serde(default, deserialize_with = "text")]
    pub workspace: String,
    /// Must stand in the answer, in any case.
    #[serde(default, deserialize_with = "text")]
    pub expect: String,
    /// Must stand in the source of a citation.
    #[serde(default, deserialize_with = "text")]
    pub source: String,
    /// Whether the documents do not hold the answer, which must then be said.
    #[serde(default)]
    pub abstain: bool,
}

/// None where there is no file. Error: `golden_malformed`.
pub fn read(data_dir: &Path) -> Result<Vec<Golden>> {
    let path = data_dir.join(FILE);
    let mut text = String::new();
    match std::fs::File::open(&path).and_then(|file| file.take(BYTES_MAX + 1).read_to_string(&mut text)) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(malformed("it cannot be read").caused_by(error)),
    }
    if text.len() as u64 > BYTES_MAX {
        return Err(malformed(format!("it has more than {BYTES_MAX} bytes")));
    }
    parse(&text)
}

fn parse(text: &str) -> Result<Vec<Golden>> {
    let all = match yaml_value(text).map_err(malformed)? {
        Value::Null => Vec::new(),
        Value::Array(all) => all,
        _ => return Err(malformed("it is no list; each question begins with `- question:`")),
    };
    if all.len() > QUESTIONS_MAX {
        return Err(malformed(format!("it has {} questions; {QUESTIONS_MAX} may be asked", all.len())));
    }
    let read = |(number, one)| golden(one).map_err(|what| malformed(format!("entry {}: {what}", number + 1)));
    all.into_iter().enumerate().map(read).collect()
}

fn golden(entry: Value) -> std::result::Result<Golden, String> {
    let golden: Golden = serde_json::from_value(entry).map_err(|error| error.to_string())?;
    match (golden.question.trim(), golden.abstain, golden.expect.is_empty() && golden.source.is_empty()) {
        ("", ..) => Err("the question is empty".to_owned()),
        (_, true, false) => Err("what abstains has nothing to `expect` and no `source`".to_owned()),
        (_, false, true) => Err("say what to `expect`, the `source`, or `abstain: true`".to_owned()),
        _ => Ok(golden),
    }
}

fn malformed(what: impl Display) -> Error {
    Error::bad_request("golden_malformed", format!("{FILE} of the data directory: {what}"))
}

/// Numbers and the like, which need no quotes, are text as well.
fn text<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<String, D::Error> {
    match Value::deserialize(from)? {
        Value::String(text) => Ok(text),
        other @ (Value::Number(_) | Value::Bool(_)) => Ok(other.to_string()),
        _ => Err(serde::de::Error::custom("a text is wanted")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_questions_are_read() {
        let text = "# known\n- question: \"Who pays: you?\"\n  expect: the tenant   # in any case\n  source: lease.md\n  workspace: law\n\
                    - question: What is the moon made of?\n  abstain: true\n- {question: How many?, expect: 14}\n";
        let all = parse(text).unwrap();
        assert_eq!(all.len(), 3);
        assert_eq!((all[0].question.as_str(), all[0].expect.as_str()), ("Who pays: you?", "the tenant"));
        assert_eq!((all[0].workspace.as_str(), all[1].workspace.as_str()), ("law", ""));
        assert!(all[1].abstain && all[2].expect == "14");
        assert!(parse("# none yet\n").unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, told) in [
            ("question: x", "it is no list"),
            ("- question: x\n  expct: y", "entry 1: unknown field `expct`"),
            ("- question: x", "entry 1: say what to `expect`"),
            ("- question: ''\n  expect: y", "entry 1: the question is empty"),
            ("- question: [x]\n  expect: y", "a text is wanted"),
            ("- question: x\n  expect: y\n  abstain: true", "nothing to `expect`"),
            ("- question: \"x", "1:"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.message.contains(told), "{}", error.message);
        }
    }
}
