//! `ibid jobs`: the work queue.

use std::process::ExitCode;

use ibid_api::job::{Job, JobsPage};
use ibid_types::Result;

use crate::args::Jobs;
use crate::context::{Context, escaped};
use crate::output::{foreign_line, json, line};

pub fn run(context: &Context, command: Jobs) -> Result<ExitCode> {
    match command {
        Jobs::List { state, limit } => list(context, state.as_deref(), limit)?,
        Jobs::Show { id } => show(context, &context.client.get(&path(&id, ""))?.json()?)?,
        Jobs::Retry { ids, failed: None } => retry(context, &ids)?,
        Jobs::Retry { failed: Some(kind), .. } => retry(context, &failed(context, &kind)?)?,
        Jobs::Cancel { ids } => {
            for id in &ids {
                show(context, &context.client.delete(&path(id, ""))?.json()?)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn path(id: &str, action: &str) -> String {
    format!("/v1/jobs/{}{action}", escaped(id))
}

fn retry(context: &Context, ids: &[String]) -> Result<()> {
    for id in ids {
        show(context, &context.client.post(&path(id, "/retry"), &())?.json()?)?;
    }
    Ok(())
}

/// Every job of the kind that gave up.
fn failed(context: &Context, kind: &str) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = context.path(&format!("/v1/jobs?state=failed&limit=100{cursor}"));
        let page: JobsPage = context.client.get(&path)?.json()?;
        ids.extend(page.jobs.into_iter().filter(|job| job.kind == kind).map(|job| job.id));
        let Some(next) = page.next else { return Ok(ids) };
        cursor = format!("&cursor={}", escaped(&next));
    }
}

fn list(context: &Context, state: Option<&str>, limit: usize) -> Result<()> {
    let state = state.map_or_else(String::new, |state| format!("&state={}", escaped(state)));
    let page: JobsPage =
        context.client.get(&context.path(&format!("/v1/jobs?limit={limit}{state}")))?.json()?;
    if context.common.json {
        return json(&page);
    }
    for job in &page.jobs {
        show(context, job)?;
    }
    let counts = page.counts;
    let text = format!(
        "{} queued, {} running, {} done, {} failed, {} cancelled",
        counts.queued, counts.running, counts.done, counts.failed, counts.cancelled
    );
    line(&context.color.dim(&text))
}

fn show(context: &Context, job: &Job) -> Result<()> {
    if context.common.json {
        return json(job);
    }
    let color = context.color;
    let state = match job.state.as_str() {
        "done" => color.green("done     "),
        "failed" => color.red("failed   "),
        other => color.yellow(&format!("{other:<9}")),
    };
    line(&format!("{}  {state} {} {}", job.id, job.kind, foreign_line(&job.subject)))?;
    if let Some(failure) = &job.failure {
        line(&color.red(&format!("    {} [{}]", foreign_line(&failure.reason), failure.code)))?;
    }
    Ok(())
}
