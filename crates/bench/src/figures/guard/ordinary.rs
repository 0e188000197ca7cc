//! Ordinary questions and passages from the judged collections: what a guard must let pass.
//!
//! Keeps true: only texts whose SHA-256 is odd are given; thresholds and words were chosen on the others.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::figures::Outcome;

const COLLECTIONS: [&str; 4] = ["dbpedia", "scifact", "cranfield", "cacm"];
const LANGUAGES: [&str; 3] = ["en", "de", "zh"];
/// Turns of a conversation that are one passage.
const TURNS: usize = 8;
/// Bytes after which a passage of a long document ends with its paragraph.
const PASSAGE_BYTES: usize = 1200;

/// Questions of people and of test sets.
pub fn questions(data: &Path) -> Outcome<Vec<String>> {
    let mut all = Vec::new();
    for name in COLLECTIONS {
        all.extend(lines(&data.join(name).join("queries.jsonl"))?.iter().map(|one| string(one, "text")));
    }
    all.extend(strings(&json(&data.join("multihop/hotpotqa_train.json"))?, "question"));
    for conversation in array(&json(&data.join("locomo/locomo_dev.json"))?) {
        all.extend(strings(&conversation["qa"], "question"));
    }
    for paragraph in xquad(data)? {
        all.extend(strings(&paragraph["qas"], "question"));
    }
    for record in lines(&data.join("halueval/data/general_data.json"))? {
        all.push(string(&record, "user_query"));
    }
    for record in lines(&data.join("halueval/generation/qa/qa_one-turn_data.json"))? {
        all.push(string(&record, "question"));
    }
    Ok(held_out(all))
}

/// Abstracts, encyclopaedia entries, conversations, and pieces of all sorts of documents.
pub fn passages(data: &Path) -> Outcome<Vec<String>> {
    let mut all = Vec::new();
    for name in COLLECTIONS {
        for record in lines(&data.join(name).join("corpus.jsonl"))? {
            all.push(format!("{}\n{}", string(&record, "title"), string(&record, "text")).trim().to_owned());
        }
    }
    let wiki = json(&data.join("multihop/hotpotqa_train_corpus.json"))?;
    for (title, sentences) in wiki.as_object().into_iter().flatten() {
        let text: String = array(sentences).iter().filter_map(Value::as_str).collect();
        all.push(format!("{title}\n{text}"));
    }
    for conversation in array(&json(&data.join("locomo/locomo_dev.json"))?) {
        all.extend(talks(&conversation["conversation"]));
    }
    all.extend(xquad(data)?.iter().map(|paragraph| string(paragraph, "context")));
    for path in markdown(&data.join("docling")) {
        all.extend(pieces(&String::from_utf8_lossy(&fs::read(path)?)));
    }
    Ok(held_out(all))
}

fn held_out(texts: Vec<String>) -> Vec<String> {
    let is_odd = |text: &String| Sha256::digest(text.as_bytes()).last().is_some_and(|byte| byte % 2 == 1);
    texts.into_iter().filter(|text| !text.is_empty() && is_odd(text)).collect()
}

fn xquad(data: &Path) -> Outcome<Vec<Value>> {
    let mut paragraphs = Vec::new();
    for language in LANGUAGES {
        for article in array(&json(&data.join(format!("xquad/xquad.{language}.json")))?["data"]) {
            paragraphs.extend(array(&article["paragraphs"]).iter().cloned());
        }
    }
    Ok(paragraphs)
}

fn talks(conversation: &Value) -> Vec<String> {
    let sessions = conversation.as_object().into_iter().flatten();
    let sessions = sessions.filter(|(name, turns)| name.starts_with("session_") && turns.is_array());
    let said = |turn: &Value| format!("{}: {}", string(turn, "speaker"), string(turn, "text"));
    let mut talks = Vec::new();
    for (_, turns) in sessions {
        let turns: Vec<String> = array(turns).iter().map(said).collect();
        talks.extend(turns.chunks(TURNS).map(|some| some.join("\n")));
    }
    talks
}

fn markdown(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn pieces(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for paragraph in text.split("\n\n") {
        match pieces.last_mut() {
            Some(last) if last.is_empty() => last.push_str(paragraph),
            Some(last) if last.len() + paragraph.len() <= PASSAGE_BYTES => {
                last.push_str("\n\n");
                last.push_str(paragraph);
            }
            _ => pieces.push(paragraph.to_owned()),
        }
    }
    pieces
}

/// What is in a file; nothing where it is not there.
fn json(path: &Path) -> Outcome<Value> {
    if path.is_file() { Ok(serde_json::from_str(&fs::read_to_string(path)?)?) } else { Ok(Value::Null) }
}

fn lines(path: &Path) -> Outcome<Vec<Value>> {
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(path)?;
    Ok(text.lines().map(serde_json::from_str).collect::<serde_json::Result<_>>()?)
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn strings(value: &Value, key: &str) -> Vec<String> {
    array(value).iter().map(|one| string(one, key)).collect()
}

fn string(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}
