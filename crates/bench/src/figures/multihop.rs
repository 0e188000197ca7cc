//! Multi-hop questions: how many of the passages that an answer needs are found, with links between documents and
//! without.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use ibid_types::search::Mode;
use serde_json::{Map, Value, json};

use super::{Outcome, Row, Setup};
use crate::eval::{self, EvalConfig, Figures};

const QUESTIONS: &str = "multihop/hotpotqa_train.json";
const PASSAGES: &str = "multihop/hotpotqa_train_corpus.json";

pub fn rows(setup: &Setup) -> Outcome<Vec<Row>> {
    const WHAT: &str = "hotpotqa recall@5";
    let Some(data) = &setup.data else {
        return Ok(vec![Row::skipped(WHAT, "IBID_DATA names no folder with judged collections")]);
    };
    if !data.join(QUESTIONS).is_file() {
        return Ok(vec![Row::skipped(WHAT, "IBID_DATA does not have it")]);
    }
    let folder = setup.scratch()?;
    let questions = write_collection(data, folder.path())?;
    let (with, without) = measured(setup, folder.path())?;
    let row = |depth, with: f64, without: f64| {
        let what = format!("hotpotqa recall@{depth}, {questions} questions of two passages each");
        Row::new(what, format!("{with:.3}"))
            .beside(format!("without links {without:.3}"), with / without)
            .judged(with)
    };
    Ok(vec![
        row(5, with.recall_5, without.recall_5).at_least(0.9),
        row(10, with.recall_10, without.recall_10).at_least(0.95),
    ])
}

fn measured(setup: &Setup, folder: &Path) -> Outcome<(Figures, Figures)> {
    let mut config = EvalConfig::new(folder);
    config.modes = vec![Mode::Hybrid];
    config.cache = Some(setup.cache.clone());
    let mut without = config.config.clone();
    without.set("links_weight=0")?;
    config.compare = Some(without);
    let report = eval::run(&config, Arc::new(setup.embedder(0)?), &mut |_| {})?;
    let mode = report.modes.first().ok_or("nothing was measured")?;
    let compared = mode.compared.as_ref().ok_or("nothing was compared")?;
    Ok((mode.figures, compared.figures))
}

/// Writes the collection as `ibid eval` reads it; returns how many questions there are.
fn write_collection(data: &Path, folder: &Path) -> Outcome<usize> {
    let passages: Map<String, Value> = serde_json::from_str(&fs::read_to_string(data.join(PASSAGES))?)?;
    let questions: Vec<Value> = serde_json::from_str(&fs::read_to_string(data.join(QUESTIONS))?)?;
    // Judgements are divided at spaces, which titles have.
    let numbers: HashMap<&str, usize> = passages.keys().map(String::as_str).zip(0..).collect();
    let mut corpus = fs::File::create(folder.join("corpus.jsonl"))?;
    for (title, sentences) in &passages {
        let text: String = sentences.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        writeln!(corpus, "{}", json!({ "_id": numbers[title.as_str()], "title": title, "text": text }))?;
    }
    let mut asked = fs::File::create(folder.join("queries.jsonl"))?;
    let mut judged = fs::File::create(folder.join("qrels.tsv"))?;
    writeln!(judged, "query-id\tcorpus-id\tscore")?;
    for question in &questions {
        writeln!(asked, "{}", json!({ "_id": question["_id"], "text": question["question"] }))?;
        for fact in question["supporting_facts"].as_array().into_iter().flatten() {
            let number =
                fact[0].as_str().and_then(|title| numbers.get(title)).ok_or("a fact has no passage")?;
            writeln!(judged, "{}\t{number}\t1", question["_id"].as_str().unwrap_or_default())?;
        }
    }
    Ok(questions.len())
}
