//! Retrieval quality on judged collections, by `ibid eval` with its standard settings.

use std::path::Path;

use serde_json::Value;

use super::{Outcome, Row, Setup, program};

/// Collection and the nDCG@10 to reach.
const COLLECTIONS: [(&str, f64); 4] =
    [("scifact", 0.735), ("cranfield", 0.42), ("cacm", 0.59), ("dbpedia", 0.482)];

pub fn rows(setup: &Setup) -> Outcome<Vec<Row>> {
    let Some(data) = &setup.data else {
        return Ok(vec![Row::skipped("nDCG@10", "IBID_DATA names no folder with judged collections")]);
    };
    let row = |(name, target): &(&str, f64)| match data.join(name) {
        folder if folder.is_dir() => row(setup, name, &folder, *target),
        _ => Ok(Row::skipped(&format!("{name} nDCG@10"), "IBID_DATA does not have it")),
    };
    COLLECTIONS.iter().map(row).collect()
}

fn row(setup: &Setup, name: &str, folder: &Path, target: f64) -> Outcome<Row> {
    let scratch = setup.scratch()?;
    let output = program::command(setup, scratch.path())
        .args(["--json", "eval"])
        .arg(folder)
        .arg("--cache")
        .arg(&setup.cache)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().into());
    }
    let reports: Value = serde_json::from_slice(&output.stdout)?;
    let ndcg = |mode: &str| {
        let modes = reports[0]["modes"].as_array().map_or(&[][..], Vec::as_slice);
        let found = modes.iter().find(|one| one["mode"] == mode);
        found.and_then(|one| one["figures"]["ndcg_10"].as_f64()).unwrap_or(0.0)
    };
    let (hybrid, lexical, dense) = (ndcg("hybrid"), ndcg("lexical"), ndcg("dense"));
    let what = format!("{name} nDCG@10, {} questions", reports[0]["queries"]);
    let parts = format!("hybrid {hybrid:.3} (words {lexical:.3}, meaning {dense:.3})");
    Ok(Row::new(what, parts).judged(hybrid).at_least(target))
}
