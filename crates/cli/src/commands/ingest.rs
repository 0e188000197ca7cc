//! `ibid ingest`: uploads, then follows the jobs until every file is searchable or has failed with a reason.
//!
//! Stopping it at any instant loses nothing: what was uploaded is queued on disk and goes on at the next start, and
//! a file that is in already is recognised by its content and skipped.

use std::ops::ControlFlow;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ibid_api::document::{Accepted, DocumentsPage, DocumentsQuery};
use ibid_api::job::{Job, JobCounts};
use ibid_types::{Error, JobId, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::code::{self, CodeSummary};
use super::form::Form;
use crate::args::Ingest;
use crate::context::{Context, escaped};
use crate::files::{Item, Loaded, gather};
use crate::output::{PARTLY_FAILED, counted, foreign_line, grouped, json, line, note};

/// Files and bytes that one request carries at most.
const REQUEST_FILES_MAX: usize = 64;
const REQUEST_BYTES_MAX: usize = 8 << 20;

/// What became of the files.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    pub files: u64,
    pub ingested: u64,
    pub chunks: u64,
    pub unchanged: u64,
    pub deleted: u64,
    pub failed: Vec<Failed>,
    pub near_duplicates: Vec<NearDuplicate>,
    pub warnings: Vec<Warned>,
    /// Repositories whose code was looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub code: Vec<CodeSummary>,
    pub seconds: f64,
}

#[derive(Debug, Serialize)]
pub struct Failed {
    pub source: String,
    pub code: String,
    pub reason: String,
}

#[derive(Debug, Serialize)]
pub struct NearDuplicate {
    pub source: String,
    pub near_duplicate_of: String,
}

#[derive(Debug, Serialize)]
pub struct Warned {
    pub source: String,
    pub warning: String,
}

pub fn run(context: &Context, arguments: &Ingest) -> Result<ExitCode> {
    let repositories = code::repositories(arguments)?;
    let items = if arguments.code { Vec::new() } else { gather(arguments)? };
    if items.is_empty() && repositories.is_empty() && !arguments.watch {
        let what = "there is no readable file under these paths; --all also takes hidden and ignored ones";
        return Err(Error::not_found("nothing_to_ingest", what));
    }
    let started = Instant::now();
    let mut summary = take(context, arguments, &items)?;
    summary.code = code::take_all(context, arguments, &repositories)?;
    summary.seconds = started.elapsed().as_secs_f64();
    report(context, &summary)?;
    if arguments.watch {
        return super::watch::run(context, arguments);
    }
    Ok(if summary.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(PARTLY_FAILED) })
}

/// Uploads the items and follows their jobs to the end.
pub fn take(context: &Context, arguments: &Ingest, items: &[Item]) -> Result<Summary> {
    let started = Instant::now();
    let mut summary = Summary { files: items.len() as u64, ..Summary::default() };
    let batch = JobId::new().to_string();
    let bar = bar(context, items.len() as u64);
    let queued = upload(context, arguments, items, &batch, &bar, &mut summary)?;
    if queued > 0 {
        follow(context, &batch, &bar, &mut summary)?;
    }
    if arguments.prune {
        summary.deleted = super::watch::prune(context, arguments, items)?;
    }
    bar.finish_and_clear();
    summary.seconds = started.elapsed().as_secs_f64();
    Ok(summary)
}

fn bar(context: &Context, files: u64) -> ProgressBar {
    if context.common.json || !context.color.err {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {bar:30} {pos}/{len} files {elapsed} {wide_msg}");
    let bar = ProgressBar::new(files);
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// Sends the files in requests of a bounded size; counts those that became jobs.
fn upload(
    context: &Context,
    arguments: &Ingest,
    items: &[Item],
    batch: &str,
    bar: &ProgressBar,
    summary: &mut Summary,
) -> Result<u64> {
    let mut queued = 0;
    let mut waiting: Vec<Loaded> = Vec::new();
    let mut bytes = 0;
    for item in items {
        match item.load() {
            Ok(loaded) => {
                bytes += loaded.bytes.len();
                waiting.push(loaded);
            }
            Err(error) => summary.failed.push(Failed {
                source: item.source().to_owned(),
                code: error.code.to_owned(),
                reason: error.chain(),
            }),
        }
        if waiting.len() >= REQUEST_FILES_MAX || bytes >= REQUEST_BYTES_MAX {
            queued += send(context, arguments, batch, std::mem::take(&mut waiting), bar, summary)?;
            bytes = 0;
        }
    }
    queued += send(context, arguments, batch, waiting, bar, summary)?;
    Ok(queued)
}

/// One request. Where it is refused as a whole, its files are sent one by one, so that one bad file fails alone.
fn send(
    context: &Context,
    arguments: &Ingest,
    batch: &str,
    files: Vec<Loaded>,
    bar: &ProgressBar,
    summary: &mut Summary,
) -> Result<u64> {
    if files.is_empty() {
        return Ok(0);
    }
    let path = context.path(&format!("/v1/documents?batch={batch}"));
    let form = form(arguments, &files);
    let kind = form.content_type();
    let reply = context.client.send(reqwest::Method::POST, &path, Some(&kind), form.finish());
    match reply {
        Ok(reply) => Ok(count(&reply.json::<Accepted>()?, bar, summary)),
        Err(error) if files.len() > 1 && error.class == ibid_types::Class::BadRequest => {
            let mut queued = 0;
            for file in files {
                queued += send(context, arguments, batch, vec![file], bar, summary)?;
            }
            Ok(queued)
        }
        Err(error) if error.class == ibid_types::Class::BadRequest => {
            bar.inc(1);
            for file in files {
                let (code, reason) = (error.code.to_owned(), error.chain());
                summary.failed.push(Failed { source: file.source, code, reason });
            }
            Ok(0)
        }
        Err(error) => Err(error),
    }
}

fn count(accepted: &Accepted, bar: &ProgressBar, summary: &mut Summary) -> u64 {
    let unchanged = accepted.files.iter().filter(|file| file.outcome == "unchanged").count() as u64;
    summary.unchanged += unchanged;
    bar.inc(unchanged);
    accepted.files.len() as u64 - unchanged
}

fn form(arguments: &Ingest, files: &[Loaded]) -> Form {
    let mut form = Form::new();
    let (tags, readers) = (arguments.tags.join(","), arguments.readers.join(","));
    let texts = [
        ("title", arguments.title.as_deref()),
        ("author", arguments.author.as_deref()),
        ("language", arguments.language.as_deref()),
        ("date", arguments.date.as_deref()),
        ("tags", (!tags.is_empty()).then_some(tags.as_str())),
        ("readers", (!readers.is_empty()).then_some(readers.as_str())),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            form.text(name, value);
        }
    }
    for file in files {
        form.text("source", &file.source);
        form.file("file", &file.source, file.media_type.as_deref(), &file.bytes);
    }
    form
}

fn follow(context: &Context, batch: &str, bar: &ProgressBar, summary: &mut Summary) -> Result<()> {
    let before = bar.position();
    let path = format!("/v1/jobs/events?batch={}", escaped(batch));
    context.client.get(&path)?.events(|name, data| {
        match name {
            "job" => show_step(&read(data)?, bar),
            "counts" | "done" => {
                let counts: JobCounts = read(data)?;
                bar.set_position(before + counts.done + counts.failed + counts.cancelled);
            }
            "error" => {
                return Err(Error::unavailable("jobs_lost", format!("cannot follow the jobs: {data}")));
            }
            _ => {}
        }
        Ok(if name == "done" { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    collect(context, batch, summary)
}

/// The stream shows progress; the queue itself says how each job ended.
fn collect(context: &Context, batch: &str, summary: &mut Summary) -> Result<()> {
    let mut cursor = String::new();
    loop {
        let path = format!("/v1/jobs?limit=1000&batch={}{cursor}", escaped(batch));
        let page: ibid_api::job::JobsPage = context.client.get(&path)?.json()?;
        page.jobs.into_iter().for_each(|job| ended(job, summary));
        match page.next {
            Some(next) => cursor = format!("&cursor={}", escaped(&next)),
            None => return Ok(()),
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(data: &str) -> Result<T> {
    serde_json::from_str(data)
        .map_err(|error| Error::internal("client_answer", "a progress event cannot be read").caused_by(error))
}

fn show_step(job: &Job, bar: &ProgressBar) {
    if job.state == "running" {
        let name = job.subject.rsplit('/').next().unwrap_or(&job.subject);
        bar.set_message(format!("{} {}", job.step.as_deref().unwrap_or("waiting"), foreign_line(name)));
    }
}

fn ended(job: Job, summary: &mut Summary) {
    if let Some(near_duplicate_of) = job.near_duplicate_of {
        summary.near_duplicates.push(NearDuplicate { source: job.subject.clone(), near_duplicate_of });
    }
    for warning in job.warnings {
        summary.warnings.push(Warned { source: job.subject.clone(), warning });
    }
    match (job.state.as_str(), job.failure) {
        ("done", _) => {
            summary.ingested += 1;
            summary.chunks += u64::from(job.chunks.unwrap_or(0));
        }
        (_, Some(failure)) => {
            summary.failed.push(Failed { source: job.subject, code: failure.code, reason: failure.reason });
        }
        _ => {}
    }
}

/// Prints the summary: the counts on standard output, what needs attention below them.
pub fn report(context: &Context, summary: &Summary) -> Result<()> {
    if context.common.json {
        return json(summary);
    }
    let color = context.color;
    summary.code.iter().try_for_each(|code| code::report(context, code))?;
    if summary.files == 0 && !summary.code.is_empty() {
        return Ok(());
    }
    let mut parts =
        vec![format!("{} ingested", counted(summary.ingested, "file")), counted(summary.chunks, "chunk")];
    if summary.unchanged > 0 {
        parts.push(format!("{} unchanged", grouped(summary.unchanged)));
    }
    if summary.deleted > 0 {
        parts.push(format!("{} deleted", grouped(summary.deleted)));
    }
    if !summary.failed.is_empty() {
        parts.push(color.red(&format!("{} failed", grouped(summary.failed.len() as u64))));
    }
    line(&format!("{} in {:.1} s", parts.join(", "), summary.seconds))?;
    for duplicate in &summary.near_duplicates {
        note(&color.yellow(&format!(
            "  {} says nearly the same as document {}",
            foreign_line(&duplicate.source),
            duplicate.near_duplicate_of
        )));
    }
    for warned in &summary.warnings {
        note(&color.yellow(&format!(
            "  {}: {}",
            foreign_line(&warned.source),
            foreign_line(&warned.warning)
        )));
    }
    for failed in &summary.failed {
        let why = format!("{} [{}]", foreign_line(&failed.reason), failed.code);
        note(&format!("  {} {}: {why}", color.red("failed"), foreign_line(&failed.source)));
    }
    Ok(())
}

/// Sources in the library that begin with `prefix`, with their ids.
pub fn sources_under(context: &Context, prefix: &str) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    let workspace = context.common.workspace.clone();
    let mut find = DocumentsQuery {
        workspace,
        text: Some(prefix.to_owned()),
        limit: Some(500),
        ..DocumentsQuery::default()
    };
    loop {
        let page: DocumentsPage = context.client.post("/v1/documents/find", &find)?.json()?;
        let fitting = page.documents.into_iter().filter(|document| document.source.starts_with(prefix));
        found.extend(fitting.map(|document| (document.source, document.id)));
        if page.next.is_none() {
            return Ok(found);
        }
        find.cursor = page.next;
    }
}
