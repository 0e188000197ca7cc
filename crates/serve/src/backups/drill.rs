//! Rehearsal of a restore: the newest backup becomes a library in a scratch folder, which is checked and asked questions.
//!
//! Keeps true: what is measured is what a restore would give: it reads the destinations and nothing of the living library; a
//! rehearsal leaves nothing behind but its report.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ibid_backup::Moment;
use ibid_config::Config;
use ibid_runtime::{Chance, Shutdown};
use ibid_store::Snapshot;
use ibid_types::search::{Filter, Mode as SearchMode, Request};
use ibid_types::{ChunkId, Error, Result, Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};

use super::Backups;
use crate::app::{App, Mode, database};

/// Reports, below the data directory.
const REPORTS: &str = "drills";
/// How long what was committed may take to arrive before the rehearsal goes on without it.
const ARRIVES_WITHIN: Duration = Duration::from_secs(30);
/// Words of a passage that are asked for: enough that it is the best answer, few enough for a search.
const WORDS_ASKED: usize = 12;
const HITS: usize = 5;
/// Between two looks whether a rehearsal is due, and after the start.
const LOOK_EVERY: Duration = Duration::from_secs(10 * 60);
const DAY_MS: i64 = 24 * 3600 * 1000;

/// What a rehearsal found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub at: Timestamp,
    pub is_passed: bool,
    /// Why it failed, one reason each.
    pub failures: Vec<String>,
    pub generation: String,
    pub commit: u64,
    pub commit_at: Timestamp,
    /// What would have been lost with this machine's disk when the rehearsal began: the age of the oldest commit on its way.
    pub rpo_ms: u64,
    /// From nothing to the first correct answer.
    pub rto_ms: u64,
    /// Of it: until the files were there, and until the library was open with its indexes.
    pub restored_ms: u64,
    pub opened_ms: u64,
    pub database_bytes: u64,
    pub segments: usize,
    pub originals: usize,
    pub originals_missing: usize,
    /// Rows by table.
    pub rows: Vec<(String, u64)>,
    pub questions: Vec<Question>,
}

/// A question whose passage must be found, byte for byte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    pub chunk: String,
    pub is_found: bool,
    pub is_exact: bool,
}

/// A passage of the living library.
struct Sample {
    workspace: WorkspaceId,
    chunk: ChunkId,
    text: String,
}

/// Rehearses now, and keeps the report. Errors: `drill_disabled`, those of the living library; a backup that cannot be
/// restored is no error but a report that says so.
pub fn run(app: &App) -> Result<Report> {
    let Some(backup) = &app.backup else {
        let what = "there is nothing to rehearse: backup.enabled is false";
        return Err(Error::conflict("drill_disabled", what));
    };
    let behind = backup.status().destinations.iter().map(|destination| destination.behind_ms).min();
    let samples = samples(app)?;
    backup.ship()?;
    backup.drained(ARRIVES_WITHIN);
    let scratch = app.config.data.dir.join("rehearsal");
    let _ = fs::remove_dir_all(&scratch);
    let mut report = Report { at: app.clock.now(), rpo_ms: behind.unwrap_or(0), ..Report::default() };
    if let Err(error) = rehearse(app, &samples, &scratch, &mut report) {
        report.failures.push(format!("{} [{}]", error.chain(), error.code));
    }
    let _ = fs::remove_dir_all(&scratch);
    report.is_passed = report.failures.is_empty();
    match report.is_passed {
        true => tracing::info!(rto_ms = report.rto_ms, commit = report.commit, "the rehearsal passed"),
        false => tracing::error!(failures = report.failures.join("; "), "the rehearsal failed"),
    }
    keep(&app.config.data.dir, &report)?;
    Ok(report)
}

/// Reports that are kept, newest first.
#[must_use]
pub fn list(data_dir: &Path) -> Vec<Report> {
    let entries = fs::read_dir(data_dir.join(REPORTS)).into_iter().flatten().flatten();
    let is_report = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    let paths = entries.map(|entry| entry.path()).filter(is_report);
    let mut reports: Vec<Report> =
        paths.filter_map(|path| serde_json::from_slice(&fs::read(path).ok()?).ok()).collect();
    reports.sort_by_key(|report| std::cmp::Reverse(report.at));
    reports
}

/// Rehearses when it is due until the shutdown.
pub fn run_when_due(app: &App, shutdown: &Shutdown) {
    while !shutdown.wait_timeout(LOOK_EVERY) {
        let days = i64::from(app.config.backup.drill_days);
        let last = list(&app.config.data.dir).first().map_or(Timestamp::default(), |report| report.at);
        let is_due = days > 0 && app.clock.now() >= last.plus_ms(days * DAY_MS);
        let has_base = app.backup.as_ref().is_some_and(|backup| backup.status().base_at.is_some());
        if is_due
            && has_base
            && let Err(error) = run(app)
        {
            tracing::warn!(code = error.code, "the rehearsal did not begin: {}", error.chain());
        }
    }
}

fn rehearse(app: &App, samples: &[Sample], scratch: &Path, report: &mut Report) -> Result<()> {
    let begun = Instant::now();
    let took = || u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let restored = Backups::open(&app.config, None)?.restore(Moment::Latest, scratch, &|_, _, _| ())?;
    report.restored_ms = took();
    (report.generation, report.commit, report.commit_at) =
        (restored.generation, restored.commit, restored.at);
    (report.segments, report.database_bytes) = (restored.segments, restored.database_bytes);
    (report.originals, report.originals_missing) = (restored.originals, restored.originals_missing.len());
    if report.originals_missing > 0 {
        report.failures.push(format!("{} originals are in no backup", report.originals_missing));
    }
    let library = App::open(scratch_config(&app.config, scratch), Mode::Command)?;
    report.opened_ms = took();
    for sample in samples {
        let question = ask(&library, sample)?;
        if !(question.is_found && question.is_exact) {
            report.failures.push(format!("passage {} is not found as it was", question.chunk));
        } else if report.rto_ms == 0 {
            report.rto_ms = took();
        }
        report.questions.push(question);
    }
    library.stop();
    drop(library);
    if samples.is_empty() {
        report.rto_ms = report.opened_ms;
    }
    let snapshot = Snapshot::open(&database(scratch))?;
    let damages = snapshot.damages(true)?;
    report.failures.extend(damages.into_iter().map(|damage| format!("the database: {damage}")));
    report.rows = snapshot.row_counts()?;
    Ok(())
}

/// The same library elsewhere, which is in no backup and does no work.
fn scratch_config(config: &Config, scratch: &Path) -> Config {
    let mut config = config.clone();
    if config.models.dir.as_os_str().is_empty() {
        config.models.dir = config.data.dir.join("models");
    }
    config.data.dir = scratch.to_owned();
    config.backup.enabled = false;
    "folder".clone_into(&mut config.blob.kind);
    config.tools.mcp.clear();
    config
}

/// Passages of documents that can be searched, others each time.
fn samples(app: &App) -> Result<Vec<Sample>> {
    let sql = "SELECT d.workspace_id, c.id, c.text FROM chunks c JOIN documents d ON d.id = c.document_id \
               AND d.current_version = c.version_id WHERE d.deleted_at IS NULL AND d.status = 'ready' \
               AND c.tokens >= 8 AND c.id >= $1 ORDER BY c.id LIMIT $2";
    let chance = Chance::seeded(app.clock.now().0.unsigned_abs());
    let wanted = app.config.backup.drill_questions;
    let mut samples = Vec::new();
    for from in [[chance.next_u64() as u8; 16], [0; 16]] {
        let params = [ibid_store::Value::Blob(from.to_vec()), wanted.into()];
        for row in app.store.db().query(sql, &params)? {
            samples.push(Sample { workspace: row.get(0)?, chunk: row.get(1)?, text: row.get(2)? });
        }
    }
    samples.truncate(wanted);
    Ok(samples)
}

fn ask(library: &App, sample: &Sample) -> Result<Question> {
    let words: Vec<&str> = sample.text.split_whitespace().take(WORDS_ASKED).collect();
    let found = library.search(&Request {
        workspace: sample.workspace,
        query: words.join(" "),
        mode: SearchMode::Lexical,
        filter: Filter::default(),
        limit: HITS,
    })?;
    let hit = found.hits.iter().find(|hit| hit.chunk.id == sample.chunk || hit.chunk.text == sample.text);
    Ok(Question {
        chunk: sample.chunk.to_string(),
        is_found: hit.is_some(),
        is_exact: hit.is_some_and(|hit| hit.chunk.text == sample.text),
    })
}

fn keep(data_dir: &Path, report: &Report) -> Result<()> {
    let folder = data_dir.join(REPORTS);
    let file = folder.join(format!("{:015}", report.at.0));
    let text = serde_json::to_vec_pretty(report).unwrap_or_default();
    let write = || {
        fs::create_dir_all(&folder)?;
        fs::write(file.with_extension("json"), &text)?;
        fs::write(file.with_extension("html"), page(report))
    };
    write().map_err(|error: std::io::Error| {
        let what = format!("cannot write into {}", folder.display());
        Error::unavailable("data_unwritable", what).caused_by(error)
    })
}

/// The report for people; a browser prints it as PDF.
fn page(report: &Report) -> String {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
    let row = |name: &str, value: String| format!("<tr><th>{name}</th><td>{}</td></tr>\n", escaped(&value));
    let seconds = |ms: u64| format!("{}.{:03} s", ms / 1000, ms % 1000);
    let found = report.questions.iter().filter(|question| question.is_found && question.is_exact).count();
    let mut table = [
        row("Outcome", if report.is_passed { "passed".to_owned() } else { "FAILED".to_owned() }),
        row("Restored commit", format!("{} of {}", report.commit, report.commit_at)),
        row("Recovery point (RPO)", seconds(report.rpo_ms)),
        row("Recovery time (RTO), to the first correct answer", seconds(report.rto_ms)),
        row("Files restored after", seconds(report.restored_ms)),
        row("Library open after", seconds(report.opened_ms)),
        row("Database", format!("{} bytes, {} segments of log", report.database_bytes, report.segments)),
        row("Originals", format!("{} restored, {} missing", report.originals, report.originals_missing)),
        row("Passages found again, byte for byte", format!("{found} of {}", report.questions.len())),
    ]
    .concat();
    report.failures.iter().for_each(|failure| table.push_str(&row("Failure", failure.clone())));
    report
        .rows
        .iter()
        .for_each(|(name, count)| table.push_str(&row(&format!("Rows of {name}"), count.to_string())));
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Restore rehearsal {at}</title>\n\
         <style>body{{font:15px sans-serif;max-width:50em;margin:2em auto}}th{{text-align:left;padding-right:2em}}</style>\n\
         <h1>Restore rehearsal</h1>\n<p>{at}</p>\n<table>\n{table}</table>\n</html>\n",
        at = report.at
    )
}
