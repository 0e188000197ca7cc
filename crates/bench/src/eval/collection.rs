//! A judged collection in the layout of BEIR (Thakur et al., NeurIPS 2021): `corpus.jsonl`, `queries.jsonl`, `qrels`.
//!
//! Keeps true: ids are distinct; every query has a relevant document; what is malformed is named by file and line.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use ibid_types::{Error, Result};
use serde_json::Value;

/// Where judgements are looked for, the first that is there.
const JUDGEMENTS: [&str; 5] =
    ["qrels/test.tsv", "qrels.tsv", "qrels.txt", "qrels/dev.tsv", "qrels/train.tsv"];
/// A longer line is no record of a collection.
const LINE_BYTES_MAX: u64 = 16 << 20;

/// A text that can be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub id: String,
    pub title: String,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    pub text: String,
    /// Record id to grade; above 0 is relevant.
    pub grades: HashMap<String, f64>,
}

#[derive(Clone, Debug)]
pub struct Collection {
    pub records: Vec<Record>,
    /// Those with a relevant document, in the order of their file.
    pub queries: Vec<Query>,
}

impl Collection {
    pub fn read(folder: &Path) -> Result<Self> {
        let records = read_records(&folder.join("corpus.jsonl"))?;
        let mut judgements = read_judgements(&find_judgements(folder)?)?;
        let path = folder.join("queries.jsonl");
        let mut queries = Vec::new();
        read_objects(&path, |line, value| {
            let id = id_of(&value).ok_or_else(|| malformed(&path, line, "there is no '_id'"))?;
            let text = text_of(&value, "text");
            let grades = judgements.remove(&id).unwrap_or_default();
            if grades.values().any(|grade| *grade > 0.0) && !text.is_empty() {
                queries.push(Query { text, grades });
            }
            Ok(())
        })?;
        if records.is_empty() || queries.is_empty() {
            let what = format!(
                "{} has {} documents and {} queries with a relevant document; both are needed",
                folder.display(),
                records.len(),
                queries.len()
            );
            return Err(Error::bad_request("eval_empty", what));
        }
        Ok(Self { records, queries })
    }
}

fn read_records(path: &Path) -> Result<Vec<Record>> {
    let (mut records, mut seen) = (Vec::new(), HashSet::new());
    read_objects(path, |line, value| {
        let id = id_of(&value).ok_or_else(|| malformed(path, line, "there is no '_id'"))?;
        if !seen.insert(id.clone()) {
            return Err(malformed(path, line, &format!("'{id}' is there already")));
        }
        records.push(Record { id, title: text_of(&value, "title"), text: text_of(&value, "text") });
        Ok(())
    })?;
    Ok(records)
}

type Judgements = HashMap<String, HashMap<String, f64>>;

/// Lines `query document grade` (BEIR, with a heading) or `query 0 document grade` (TREC).
fn read_judgements(path: &Path) -> Result<Judgements> {
    let mut judgements = Judgements::new();
    read_lines(path, |line, text| {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let (query, document, grade) = match fields.as_slice() {
            [query, document, grade] | [query, _, document, grade] => (*query, *document, *grade),
            _ => return Err(malformed(path, line, "a judgement is a query, a document and a grade")),
        };
        match grade.parse::<f64>() {
            Ok(grade) if grade.is_finite() => {
                judgements.entry(query.to_owned()).or_default().insert(document.to_owned(), grade);
                Ok(())
            }
            _ if line == 1 => Ok(()),
            _ => Err(malformed(path, line, &format!("the grade '{grade}' is no number"))),
        }
    })?;
    Ok(judgements)
}

fn find_judgements(folder: &Path) -> Result<PathBuf> {
    let found = JUDGEMENTS.iter().map(|name| folder.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| {
        let what =
            format!("{} has no judgements; {} was looked for", folder.display(), JUDGEMENTS.join(", "));
        Error::not_found("eval_folder", what)
    })
}

fn read_objects(path: &Path, mut on_object: impl FnMut(usize, Value) -> Result<()>) -> Result<()> {
    read_lines(path, |line, text| match serde_json::from_str(text) {
        Ok(value) => on_object(line, value),
        Err(error) => Err(malformed(path, line, "the line is no JSON object").caused_by(error)),
    })
}

/// Lines that are not blank, with their numbers from 1.
fn read_lines(path: &Path, mut on_line: impl FnMut(usize, &str) -> Result<()>) -> Result<()> {
    let file = File::open(path).map_err(|error| {
        let what = format!("cannot open {}; a judged collection needs it", path.display());
        Error::not_found("eval_folder", what).caused_by(error)
    })?;
    let mut reader = BufReader::new(file);
    let mut line = String::new();
    for number in 1.. {
        line.clear();
        let read = reader.by_ref().take(LINE_BYTES_MAX).read_line(&mut line);
        match read.map_err(|error| malformed(path, number, "the line is not UTF-8 text").caused_by(error))? {
            0 => break,
            length if length as u64 == LINE_BYTES_MAX => {
                return Err(malformed(path, number, "the line is longer than 16 MiB"));
            }
            _ if line.trim().is_empty() => {}
            _ => on_line(number, line.trim_end_matches(['\r', '\n']).trim_start_matches('\u{FEFF}'))?,
        }
    }
    Ok(())
}

fn malformed(path: &Path, line: usize, what: &str) -> Error {
    Error::bad_request("eval_line", format!("{}, line {line}: {what}", path.display()))
}

/// Ids are strings; some collections write numbers.
fn id_of(value: &Value) -> Option<String> {
    match value.get("_id").or_else(|| value.get("id"))? {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

fn text_of(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_owned()
}
