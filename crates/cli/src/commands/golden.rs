//! `ibid golden`: asks the questions whose right answers are known.

use std::process::ExitCode;

use ibid_api::quality::Golden;
use ibid_types::Result;

use crate::context::Context;
use crate::output::{PARTLY_FAILED, counted, foreign, json, line, note};

pub fn run(context: &Context) -> Result<ExitCode> {
    let all: Vec<Golden> = context.client.post("/v1/ops/golden", &())?.json()?;
    if context.common.json {
        json(&all)?;
    } else {
        all.iter().try_for_each(|told| show(context, told))?;
    }
    if all.is_empty() {
        note("there is no question: write some into golden.yaml of the data directory (docs/alerts.md)");
    }
    let wrong = all.iter().filter(|told| !told.is_right).count();
    note(&format!("{}, {wrong} answered wrongly", counted(all.len() as u64, "question")));
    Ok(if wrong > 0 { ExitCode::from(PARTLY_FAILED) } else { ExitCode::SUCCESS })
}

fn show(context: &Context, told: &Golden) -> Result<()> {
    let (color, question) = (context.color, foreign(&told.question));
    if told.is_right {
        return line(&format!("{}  {question}", color.green("right")));
    }
    line(&format!("{}  {question}: {}", color.red("wrong"), foreign(&told.fault)))?;
    if !told.said.is_empty() {
        line(&color.dim(&format!("       said: {}", foreign(&told.said))))?;
    }
    told.sources.iter().try_for_each(|source| line(&color.dim(&format!("       from: {}", foreign(source)))))
}
