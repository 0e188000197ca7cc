//! `ibid search`: passages, and with `--explain` why each is there.

use std::process::ExitCode;

use ibid_api::search::{Hit, Part, SearchRequest, SearchResponse, Trace, Why};
use ibid_types::Result;

use super::{filter, place};
use crate::args::{Search, SearchMode};
use crate::context::Context;
use crate::output::{counted, foreign, foreign_line, json, line, shortened};

pub fn run(context: &Context, arguments: &Search) -> Result<ExitCode> {
    let request = SearchRequest {
        query: arguments.query.join(" "),
        workspace: context.common.workspace.clone(),
        mode: Some(mode_name(arguments.mode).to_owned()),
        limit: Some(arguments.limit),
        filter: filter(&arguments.filters),
        explain: arguments.explain,
    };
    let response: SearchResponse = context.client.post("/v1/search", &request)?.json()?;
    if context.common.json {
        json(&response)?;
        return Ok(ExitCode::SUCCESS);
    }
    for (index, hit) in response.hits.iter().enumerate() {
        show(context, index + 1, hit)?;
    }
    if response.hits.is_empty() {
        line("Nothing fits. `ibid status` says what is in the library.")?;
    }
    if let Some(trace) = &response.trace {
        show_trace(context, trace)?;
    }
    let summary = format!("{} · {:.1} ms", counted(response.hits.len() as u64, "hit"), response.took_ms);
    line(&context.color.dim(&summary))?;
    Ok(ExitCode::SUCCESS)
}

pub const fn mode_name(mode: SearchMode) -> &'static str {
    match mode {
        SearchMode::Hybrid => "hybrid",
        SearchMode::Lexical => "lexical",
        SearchMode::Dense => "dense",
    }
}

fn show(context: &Context, rank: usize, hit: &Hit) -> Result<()> {
    let color = context.color;
    let at = place(&hit.title, hit.page, &hit.heading_path);
    line(&format!("{rank:>2}. {} {}", color.bold(&at), color.dim(&format!("{:.3}", hit.score))))?;
    line(&format!("    {}", foreign(&shortened(&hit.text, 240))))?;
    line(&color.dim(&format!("    {}", foreign_line(&hit.source))))?;
    match &hit.why {
        Some(why) => show_why(context, why),
        None => Ok(()),
    }
}

fn show_why(context: &Context, why: &Why) -> Result<()> {
    let parts = [
        ("lexical", &why.lexical),
        ("dense", &why.dense),
        ("feedback", &why.feedback),
        ("neighbours", &why.neighbours),
        ("links", &why.links),
        ("rerank", &why.rerank),
    ];
    for (name, part) in parts {
        if let Some(part) = part {
            line(&context.color.dim(&format!("      {name:<10} {}", part_text(name, part))))?;
        }
    }
    if !why.terms.is_empty() {
        line(&context.color.dim(&format!("      terms      {}", foreign(&why.terms.join(" ")))))?;
    }
    if !why.names.is_empty() {
        line(&context.color.dim(&format!("      linked by  {}", foreign(&why.names.join(", ")))))?;
    }
    if !why.duplicates.is_empty() {
        let left_out = counted(why.duplicates.len() as u64, "near-duplicate");
        line(&context.color.dim(&format!("      left out   {left_out}")))?;
    }
    Ok(())
}

/// Only the two searches have lists of their own, in which a hit has a rank or is none of the candidates.
fn part_text(name: &str, part: &Part) -> String {
    let rank = match part.rank {
        Some(rank) => format!("rank {rank}, "),
        None if matches!(name, "lexical" | "dense") => "not a candidate, ".to_owned(),
        None => String::new(),
    };
    format!("{rank}score {:.3}, normalised {:.3} x weight {:.2}", part.score, part.normalised, part.weight)
}

/// What was done to find the hits.
pub fn show_trace(context: &Context, trace: &Trace) -> Result<()> {
    let language = trace.language.as_deref().unwrap_or("unknown");
    let timings: Vec<String> = trace
        .timings
        .iter()
        .map(|timing| format!("{} {:.2} ms", timing.step, timing.us as f64 / 1000.0))
        .collect();
    for text in [
        format!("{} search for [{}], language {language}", trace.mode, trace.terms.join(" ")),
        format!("{} of {} chunks pass the filter", trace.eligible, trace.total),
        format!(
            "{} lexical and {} dense candidates; {}",
            trace.lexical_candidates, trace.dense_candidates, trace.fusion
        ),
        timings.join(", "),
    ] {
        line(&context.color.dim(&foreign(&text)))?;
    }
    Ok(())
}
