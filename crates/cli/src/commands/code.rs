//! The code of repositories: read here, where they are, and sent to whoever keeps it; and `ibid memory callers`, `since`, `why`, `code`.
//!
//! Keeps true: only what is committed is read; what was read before is not read again; a folder that is no repository costs nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ibid_api::code as wire;
use ibid_code::{BlobId, CommitId, Delta, Options, Repository};
use ibid_types::{Class, Error, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::memory::{day, hit};
use crate::args::Ingest;
use crate::args::memory::{Callers, Since, Why};
use crate::context::{Context, escaped};
use crate::output::{counted, foreign, foreign_line, grouped, json, line, note};

/// JSON that one request carries, about.
const PART_BYTES: usize = 4 << 20;
const CODE: &str = "/v1/memory/code";
/// Callers that are less sure than this are told so.
const UNSURE: f32 = 0.7;

/// What became of a repository's code.
#[derive(Debug, Default, Serialize)]
pub struct CodeSummary {
    pub repository: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Nothing was committed since it was read last.
    pub is_unchanged: bool,
    /// Read and parsed now.
    pub files_read: u64,
    pub files_removed: u64,
    pub files_unchanged: u64,
    /// In what was read now.
    pub symbols_read: u64,
    pub references_read: u64,
    /// New ones.
    pub commits: u64,
    pub relations_stated: u64,
    pub relations_ended: u64,
    /// All that is known now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known: Option<wire::CodeRepository>,
    /// Why it was left out, as code and reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<LeftOut>,
    pub seconds: f64,
}

#[derive(Debug, Serialize)]
pub struct LeftOut {
    pub code: String,
    pub reason: String,
}

/// The repositories among the paths, each by its folder. Errors: `repository_unknown` where --code names none, `code_readers`.
pub fn repositories(arguments: &Ingest) -> Result<Vec<PathBuf>> {
    if arguments.no_code {
        return Ok(Vec::new());
    }
    let folders = arguments.paths.iter().map(Path::new).filter(|path| is_repository(path));
    let found: Vec<PathBuf> = folders.filter_map(|path| path.canonicalize().ok()).collect();
    if arguments.code && found.is_empty() {
        let what =
            "none of these paths is a git repository; name the folder that holds '.git', or a bare one";
        return Err(Error::not_found("repository_unknown", what));
    }
    if !arguments.readers.is_empty() && !found.is_empty() {
        if arguments.code {
            let what = "what is known of code is seen by all who read in the workspace; leave out --reader, or use a workspace of its own";
            return Err(Error::bad_request("code_readers", what));
        }
        note(
            "The code memory is left out: everybody in the workspace would see it, and --reader says who alone may.",
        );
        return Ok(Vec::new());
    }
    Ok(found)
}

/// A work tree, also one that git keeps elsewhere, or a bare repository.
fn is_repository(path: &Path) -> bool {
    let is_bare =
        || path.join("HEAD").is_file() && path.join("objects").is_dir() && path.join("refs").is_dir();
    path.join(".git").exists() || is_bare()
}

/// Brings what is known of repositories up to date. Beside documents nothing of it fails their ingest: what was left out is told.
pub fn take_all(context: &Context, arguments: &Ingest, repositories: &[PathBuf]) -> Result<Vec<CodeSummary>> {
    let mut all = Vec::with_capacity(repositories.len());
    for folder in repositories {
        match take(context, folder) {
            Ok(summary) => all.push(summary),
            Err(error) if arguments.code || error.class == Class::Internal => return Err(error),
            Err(error) => all.push(CodeSummary {
                repository: folder.to_string_lossy().into_owned(),
                left_out: Some(LeftOut { code: error.code.to_owned(), reason: error.chain() }),
                ..CodeSummary::default()
            }),
        }
    }
    Ok(all)
}

fn take(context: &Context, folder: &Path) -> Result<CodeSummary> {
    let started = Instant::now();
    let source = folder.to_string_lossy().into_owned();
    let bar = bar(context, &source);
    let repository = Repository::open(folder)?;
    let head = repository.head()?;
    let known = known(context, &source)?;
    let mut summary = CodeSummary {
        repository: source.clone(),
        commit: Some(head.to_string()),
        is_unchanged: known.commit.as_ref() == Some(&head),
        files_unchanged: known.files.len() as u64,
        ..CodeSummary::default()
    };
    if !summary.is_unchanged {
        let (delta, update) = Delta::read(&repository, &known, &head, &Options::default())?;
        summary.files_read = update.parsed.len() as u64;
        summary.files_removed = update.removed.len() as u64;
        summary.files_unchanged = update.unchanged as u64;
        summary.commits = update.commits as u64;
        for file in delta.files.values() {
            summary.symbols_read += file.symbols.symbols.len() as u64;
            summary.references_read += file.symbols.references.len() as u64;
        }
        let taken = send(context, &source, delta, &bar)?;
        (summary.relations_stated, summary.relations_ended) = (taken.stated, taken.ended);
        summary.known = Some(taken.repository);
    }
    bar.finish_and_clear();
    summary.seconds = started.elapsed().as_secs_f64();
    Ok(summary)
}

fn bar(context: &Context, source: &str) -> ProgressBar {
    if context.common.json || !context.color.err {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.set_message(format!("reading the code of {}", foreign_line(source)));
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn known(context: &Context, source: &str) -> Result<ibid_code::Known> {
    let path = format!("{CODE}/known?source={}", escaped(source));
    let known: wire::CodeKnown = context.client.get(&context.path(&path))?.json()?;
    let files = known.files.into_iter().map(|(path, blob)| Ok((path, BlobId::parse(&blob)?)));
    Ok(ibid_code::Known {
        commit: known.commit.as_deref().map(CommitId::parse).transpose()?,
        files: files.collect::<Result<BTreeMap<_, _>>>()?,
    })
}

fn send(context: &Context, source: &str, delta: Delta, bar: &ProgressBar) -> Result<wire::CodeTaken> {
    let parts = delta.parts(PART_BYTES);
    let count = parts.len();
    let mut taken = None;
    for (place, part) in parts.into_iter().enumerate() {
        bar.set_message(format!("keeping part {} of {count} of {}", place + 1, foreign_line(source)));
        let delta = serde_json::to_value(part).map_err(|error| {
            Error::internal("code_unwritten", "what was read of a repository cannot be written")
                .caused_by(error)
        })?;
        let request = wire::CodeRequest {
            workspace: context.common.workspace.clone(),
            source: source.to_owned(),
            delta,
        };
        taken = Some(context.client.post(CODE, &request)?.json()?);
    }
    taken.ok_or_else(|| Error::internal("code_unwritten", "nothing was read of the repository"))
}

pub fn report(context: &Context, code: &CodeSummary) -> Result<()> {
    let name = foreign_line(&code.repository);
    if let Some(left_out) = &code.left_out {
        let why = format!("{} [{}]", foreign_line(&left_out.reason), left_out.code);
        note(&context.color.yellow(&format!("  The code of {name} is left out: {why}")));
        return Ok(());
    }
    if code.is_unchanged {
        return line(&format!("code of {name}: unchanged, {}", counted(code.files_unchanged, "file")));
    }
    let text = format!(
        "code of {name}: {} read, {} unchanged, {} removed, {}, {}, {} in {:.1} s",
        counted(code.files_read, "file"),
        grouped(code.files_unchanged),
        grouped(code.files_removed),
        counted(code.symbols_read, "symbol"),
        counted(code.references_read, "reference"),
        counted(code.commits, "commit"),
        code.seconds
    );
    line(&text)
}

pub fn list(context: &Context) -> Result<()> {
    let found: wire::CodeRepositories = context.client.get(&context.path(CODE))?.json()?;
    if context.common.json {
        return json(&found);
    }
    found.repositories.iter().try_for_each(|one| {
        line(&format!(
            "{}  {}, {}, {}, {} {}",
            context.color.bold(&foreign_line(&one.source)),
            counted(one.files, "file"),
            counted(one.symbols, "symbol"),
            counted(one.relations, "relation"),
            counted(one.commits, "commit"),
            context.color.dim(one.commit.as_deref().map_or("incomplete", short))
        ))
    })
}

pub fn callers(context: &Context, asked: &Callers) -> Result<()> {
    let at = asked.valid_at.as_deref().map_or(String::new(), |at| format!("&valid_at={}", escaped(at)));
    let path = format!("{CODE}/callers?symbol={}&limit={}{at}", escaped(&asked.symbol), asked.limit);
    let found: wire::CodeCallers = context.client.get(&context.path(&path))?.json()?;
    if context.common.json {
        return json(&found);
    }
    for called in &found.symbols {
        line(&format!("{} {}", symbol(context, &called.symbol), counted(called.total, "caller")))?;
        called.callers.iter().try_for_each(|tie| line(&format!("  {}", caller(context, tie))))?;
    }
    Ok(())
}

/// A symbol that was named beside what is recalled.
pub fn named(context: &Context, named: &wire::CodeNamed) -> Result<()> {
    line(&format!("{} {}", symbol(context, &named.symbol), counted(named.callers_total, "caller")))?;
    named.callers.iter().try_for_each(|tie| line(&format!("  called by {}", caller(context, tie))))?;
    named.commit.iter().try_for_each(|last| line(&format!("  changed by {}", commit(context, last))))
}

pub fn since(context: &Context, asked: &Since) -> Result<()> {
    let of = asked.of.as_deref().map_or(String::new(), |of| format!("&of={}", escaped(of)));
    let path = format!("{CODE}/since?since={}&limit={}{of}", escaped(&asked.since), asked.limit);
    let found: wire::CodeSince = context.client.get(&context.path(&path))?.json()?;
    if context.common.json {
        return json(&found);
    }
    found.commits.iter().try_for_each(|one| line(&commit(context, one)))?;
    found.paths.iter().try_for_each(|path| line(&format!("  {}", foreign_line(path))))?;
    found.symbols.iter().try_for_each(|key| line(&format!("  {}", foreign_line(key))))?;
    let tie = |mark: &str, tie: &wire::CodeRelation| {
        let relation = context.color.cyan(&tie.relation);
        line(&format!("{mark} {} {relation} {}", foreign_line(&tie.from), foreign_line(&tie.to)))
    };
    found.began.iter().try_for_each(|began| tie("+", began))?;
    found.ended.iter().try_for_each(|ended| tie("-", ended))?;
    if found.truncated {
        line(&context.color.dim("there is more; -n shows it"))?;
    }
    Ok(())
}

pub fn why(context: &Context, asked: &Why) -> Result<()> {
    let path = format!("{CODE}/why?of={}&limit={}", escaped(&asked.of), asked.limit);
    let found: wire::CodeWhy = context.client.get(&context.path(&path))?.json()?;
    if context.common.json {
        return json(&found);
    }
    for reasons in &found.things {
        line(&symbol(context, &reasons.thing))?;
        if let Some(doc) = &reasons.thing.doc {
            line(&format!("  {}", foreign(doc)))?;
        }
        for note in &reasons.notes {
            let place = context.color.dim(&format!("{}:{}", foreign_line(&note.path), note.line));
            line(&format!("  {place} {}", foreign(&note.text)))?;
        }
        for reason in &reasons.commits {
            let mark = if reason.first {
                "made by"
            } else if reason.changed {
                "changed by"
            } else {
                "named by"
            };
            line(&format!("  {mark} {}", commit(context, &reason.commit)))?;
        }
    }
    found.memories.iter().try_for_each(|memory| hit(context, memory))?;
    found.documents.iter().try_for_each(|passage| {
        let place =
            context.color.dim(&format!("{} at {}", foreign_line(&passage.source), passage.start_byte));
        line(&format!("{place} {}", foreign_line(&passage.text)))
    })
}

fn symbol(context: &Context, thing: &wire::CodeThing) -> String {
    let place = thing.line.map_or(String::new(), |line| format!(" line {line}"));
    let gone = if thing.gone { ", no longer there" } else { "" };
    let what = context.color.dim(&format!("{}{place}{gone}", thing.kind));
    format!("{} {what}", context.color.bold(&foreign_line(&thing.key)))
}

fn caller(context: &Context, tie: &wire::CodeRelation) -> String {
    let line = tie.line.map_or(String::new(), |line| format!(" line {line}"));
    let until = tie.valid_to.as_deref().map_or(String::new(), |to| format!(" until {}", day(to)));
    let unsure = if tie.confidence < UNSURE { " probably" } else { "" };
    format!("{}{}", foreign_line(&tie.from), context.color.dim(&format!("{line}{until}{unsure}")))
}

fn commit(context: &Context, commit: &wire::CodeCommit) -> String {
    let head = format!("{} {} {}", short(&commit.id), day(&commit.at), foreign_line(&commit.author));
    format!("{} {}", context.color.dim(&head), foreign_line(commit.message.lines().next().unwrap_or("")))
}

fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}
