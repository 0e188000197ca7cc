//! Rehearsal of a restore: the newest backup becomes a library in a scratch folder, which is checked and asked questions.
//!
//! Keeps true: what is measured is what a restore would give: it reads the destinations and nothing of the living library; a
//! rehearsal leaves nothing behind but its report.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ibid_backup::{Moment, Restored};
use ibid_config::Config;
use ibid_runtime::{Chance, Shutdown, round};
use ibid_store::Snapshot;
use ibid_types::access::Reader;
use ibid_types::search::{Filter, Mode as SearchMode, Request};
use ibid_types::{ChunkId, Error, Result, Timestamp, WorkspaceId};

use super::Backups;
use super::report::{Check, Question, Report, page};
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

/// A passage of the living library.
struct Sample {
    workspace: WorkspaceId,
    chunk: ChunkId,
    text: String,
    source: String,
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
    let mut report = Report {
        at: app.clock.now(),
        rpo_ms: behind.unwrap_or(0),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        ..Report::default()
    };
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

/// The report of the rehearsal of that second or millisecond, or of the newest. Errors: `time_malformed`, `drill_unknown`.
pub fn find(data_dir: &Path, at: Option<&str>) -> Result<Report> {
    let at = at
        .map(|at| at.parse().map_or_else(|_| at.parse::<Timestamp>(), |ms| Ok(Timestamp(ms))))
        .transpose()?;
    let is_meant = |report: &Report| {
        at.is_none_or(|at| report.at == at || at.0 % 1000 == 0 && report.at.0 / 1000 == at.0 / 1000)
    };
    list(data_dir).into_iter().find(is_meant).ok_or_else(|| {
        let what = "there was no such rehearsal; `ibid drill list` shows them, `ibid drill now` makes one";
        Error::not_found("drill_unknown", what)
    })
}

/// Removes all reports but the newest `kept`; says how many.
pub fn forget_old(data_dir: &Path, kept: usize) -> usize {
    let old: Vec<Report> = list(data_dir).into_iter().skip(kept).collect();
    for report in &old {
        let file = file_of(data_dir, report);
        let _ = fs::remove_file(file.with_extension("html"));
        let _ = fs::remove_file(file.with_extension("json"));
    }
    old.len()
}

/// Rehearses when it is due until the shutdown.
pub fn run_when_due(app: &App, shutdown: &Shutdown) {
    while !shutdown.wait_timeout(LOOK_EVERY) {
        let days = i64::from(app.config.backup.drill_days);
        let last = list(&app.config.data.dir).first().map_or(Timestamp::default(), |report| report.at);
        let is_due = days > 0 && app.clock.now() >= last.plus_ms(days * DAY_MS);
        let has_base = app.backup.as_ref().is_some_and(|backup| backup.status().base_at.is_some());
        if is_due && has_base {
            // A failure is noted and logged there.
            let _ = round(&app.clock, "drill", || run(app).map(|report| report.outcome()));
        }
    }
}

fn rehearse(app: &App, samples: &[Sample], scratch: &Path, report: &mut Report) -> Result<()> {
    let begun = Instant::now();
    let took = || u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let backups = Backups::open(&app.config, None)?;
    report.destinations = backups.labels();
    let restored = backups.restore(Moment::Latest, scratch, &|_, _, _| ())?;
    report.restored_ms = took();
    note_restored(report, restored);
    let library = App::open(scratch_config(&app.config, scratch), Mode::Command)?;
    report.opened_ms = took();
    report.check("the library opens, its indexes are built anew", Vec::new(), "opened");
    for sample in samples {
        let question = ask(&library, sample)?;
        if question.is_passed() && report.rto_ms == 0 {
            report.rto_ms = took();
        }
        report.questions.push(question);
    }
    library.stop();
    drop(library);
    if samples.is_empty() {
        report.rto_ms = report.opened_ms;
    }
    check_passages(report);
    check_database(report, scratch)
}

fn note_restored(report: &mut Report, restored: Restored) {
    (report.generation, report.base_commit, report.base_at) =
        (restored.generation, restored.base_commit, restored.base_at);
    (report.commit, report.commit_at) = (restored.commit, restored.at);
    (report.segments, report.database_bytes) = (restored.segments, restored.database_bytes);
    (report.originals, report.originals_missing) = (restored.originals, restored.originals_missing.len());
    let log = format!("base and {} segments, each by its checksum and in its chain", report.segments);
    report.check("the backup is whole", Vec::new(), &log);
    let missing = match report.originals_missing {
        0 => Vec::new(),
        missing => vec![format!("{missing} originals are in no backup")],
    };
    let found = format!("{} originals, each by the hash of its bytes", report.originals);
    report.check("the originals are whole", missing, &found);
}

fn check_passages(report: &mut Report) {
    let lost = report.questions.iter().filter(|question| !question.is_passed());
    let lost = lost.map(|question| format!("passage {} is not found as it was", question.chunk)).collect();
    let found = format!("{} of the living library", report.questions.len());
    report.check("passages are found, byte for byte", lost, &found);
}

fn check_database(report: &mut Report, scratch: &Path) -> Result<()> {
    let snapshot = Snapshot::open(&database(scratch))?;
    let damages = snapshot.damages(true)?;
    let damages = damages.into_iter().map(|damage| format!("the database: {damage}")).collect();
    report.check("the database is whole", damages, "PRAGMA integrity_check found nothing");
    report.rows = snapshot.row_counts()?;
    let last = snapshot.query("SELECT max(name) FROM migrations", &[])?;
    report.tables = last.first().map_or_else(|| Ok(String::new()), |row| row.get(0))?;
    Ok(())
}

impl Report {
    /// Without what stands in documents, and where: whoever runs the server need not read them.
    #[must_use]
    pub fn without_texts(mut self) -> Self {
        for question in &mut self.questions {
            question.asked.clear();
            question.source.clear();
        }
        self
    }

    fn outcome(&self) -> String {
        let outcome = if self.is_passed { "passed" } else { "FAILED" };
        format!(
            "the rehearsal {outcome}: commit {}, {} ms to the first correct answer",
            self.commit, self.rto_ms
        )
    }

    /// Notes a check, which failed where there are reasons.
    fn check(&mut self, name: &str, reasons: Vec<String>, passed: &str) {
        let is_passed = reasons.is_empty();
        let result = if is_passed { passed.to_owned() } else { reasons.join("; ") };
        self.checks.push(Check { name: name.to_owned(), is_passed, result });
        self.failures.extend(reasons);
    }
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
    // Nothing is done for anybody here: what tools may do is no part of what a restore gives.
    config.chat.tools.clear();
    config
}

/// Passages of documents that can be searched, others each time.
fn samples(app: &App) -> Result<Vec<Sample>> {
    let sql = "SELECT d.workspace_id, c.id, c.text, d.source FROM chunks c JOIN documents d ON d.id = c.document_id \
               AND d.current_version = c.version_id WHERE d.deleted_at IS NULL AND d.status = 'ready' \
               AND c.tokens >= 8 AND c.id >= $1 ORDER BY c.id LIMIT $2";
    let chance = Chance::seeded(app.clock.now().0.unsigned_abs());
    let wanted = app.config.backup.drill_questions;
    let mut samples = Vec::new();
    for from in [[chance.next_u64() as u8; 16], [0; 16]] {
        let params = [ibid_store::Value::Blob(from.to_vec()), wanted.into()];
        for row in app.store.db().query(sql, &params)? {
            samples.push(Sample {
                workspace: row.get(0)?,
                chunk: row.get(1)?,
                text: row.get(2)?,
                source: row.get(3)?,
            });
        }
    }
    samples.truncate(wanted);
    Ok(samples)
}

fn ask(library: &App, sample: &Sample) -> Result<Question> {
    let words: Vec<&str> = sample.text.split_whitespace().take(WORDS_ASKED).collect();
    let found = library.search(&Request {
        workspace: sample.workspace,
        reader: Reader::Machine,
        query: words.join(" "),
        mode: SearchMode::Lexical,
        filter: Filter::default(),
        limit: HITS,
    })?;
    let hit = found.hits.iter().find(|hit| hit.chunk.id == sample.chunk || hit.chunk.text == sample.text);
    Ok(Question {
        chunk: sample.chunk.to_string(),
        asked: words.join(" "),
        source: sample.source.clone(),
        is_found: hit.is_some(),
        is_exact: hit.is_some_and(|hit| hit.chunk.text == sample.text),
    })
}

fn file_of(data_dir: &Path, report: &Report) -> PathBuf {
    data_dir.join(REPORTS).join(format!("{:015}", report.at.0))
}

fn keep(data_dir: &Path, report: &Report) -> Result<()> {
    let folder = data_dir.join(REPORTS);
    let file = file_of(data_dir, report);
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
