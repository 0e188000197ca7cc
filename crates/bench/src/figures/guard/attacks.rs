//! BIPIA: attacks of its test half put into its test contexts, each at the beginning, in the middle and at the end, on a
//! line of its own.
//!
//! Keeps true: attacks and contexts of the training half are not read.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::figures::Outcome;

/// Attacked passages, and the contexts without an attack.
pub struct Attacks {
    /// "text: Scams & Fraud" and the passages.
    pub by_kind: Vec<(String, Vec<String>)>,
    pub contexts: Vec<String>,
}

/// `None` where the folder is not there.
pub fn read(data: &Path) -> Outcome<Option<Attacks>> {
    let folder = data.join("bipia");
    if !folder.is_dir() {
        return Ok(None);
    }
    let mut prose = contexts(&folder.join("email/test.jsonl"))?;
    prose.extend(contexts(&folder.join("table/test.jsonl"))?);
    let code = contexts(&folder.join("code/test.jsonl"))?;
    let mut by_kind = kinds("text", &folder.join("text_attack_test.json"), &prose)?;
    by_kind.extend(kinds("code", &folder.join("code_attack_test.json"), &code)?);
    Ok(Some(Attacks { by_kind, contexts: [prose, code].concat() }))
}

fn contexts(path: &Path) -> Outcome<Vec<String>> {
    let text = fs::read_to_string(path)?;
    let records = text.lines().map(serde_json::from_str::<Value>).collect::<serde_json::Result<Vec<_>>>()?;
    Ok(records.iter().map(|record| context(&record["context"])).collect())
}

/// A text, or its lines.
fn context(value: &Value) -> String {
    match value.as_array() {
        Some(lines) => lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"),
        None => value.as_str().unwrap_or_default().to_owned(),
    }
}

fn kinds(sort: &str, path: &Path, contexts: &[String]) -> Outcome<Vec<(String, Vec<String>)>> {
    let attacks: Value = serde_json::from_str(&fs::read_to_string(path)?)?;
    let kinds = attacks.as_object().into_iter().flatten();
    Ok(kinds.map(|(kind, texts)| (format!("{sort}: {kind}"), attacked(texts, contexts))).collect())
}

fn attacked(attacks: &Value, contexts: &[String]) -> Vec<String> {
    let mut passages = Vec::new();
    for attack in attacks.as_array().into_iter().flatten().filter_map(Value::as_str) {
        for context in contexts {
            let (before, after) = context.split_at(middle(context));
            passages.push(format!("{attack}\n{context}"));
            passages.push(format!("{}\n{attack}\n{}", before.trim_end_matches('\n'), after.trim_start()));
            passages.push(format!("{context}\n{attack}"));
        }
    }
    passages
}

/// The end of the sentence or line that stands in the middle.
fn middle(context: &str) -> usize {
    let bytes = context.as_bytes();
    let ends = |at: &usize| {
        bytes[*at] == b'\n'
            || matches!(bytes[*at], b'.' | b'!' | b'?')
                && bytes.get(at + 1).is_some_and(u8::is_ascii_whitespace)
    };
    let ends: Vec<usize> = (0..bytes.len()).filter(ends).collect();
    ends.get(ends.len() / 2).map_or(context.len(), |at| at + 1)
}
