//! `ibid backup`, `ibid restore` and `ibid drill`. What only reads backups needs no library: it works on a new machine.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;

use ibid_serve::{Backups, DrillReport, Mode};
use ibid_types::{Error, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

use super::part;
use crate::args::{Backup, Common, Drill, Restore};
use crate::context::{Context, configuration, escaped};
use crate::output::{Color, PARTLY_FAILED, counted, foreign, grouped, json, line, note, piece};

pub fn backup(common: &Common, command: &Backup) -> Result<ExitCode> {
    match command {
        Backup::Now => now(&Context::open(common.clone(), Mode::Command)?),
        Backup::List { from } => list(common, from.as_deref()),
        Backup::Verify { from } => verify(common, from.as_deref()),
        Backup::Prune => prune(&Context::open(common.clone(), Mode::Command)?),
        Backup::Status => status(&Context::open(common.clone(), Mode::Command)?),
    }
}

pub fn restore(common: &Common, arguments: &Restore) -> Result<ExitCode> {
    if let Some(only) = &arguments.only {
        return part::restore(&Context::open(common.clone(), Mode::Command)?, arguments, only);
    }
    let (config, _) = configuration(common)?;
    let backups = Backups::open(&config, arguments.from.as_deref())?;
    let moment = arguments.to.parse()?;
    let (restored, into) = match &arguments.into {
        Some(into) if !arguments.dry_run => {
            let bar = Bar::new();
            (backups.restore(moment, into, &|what, done, all| bar.show(what, done, all))?, Some(into))
        }
        _ => (backups.plan(moment)?, None),
    };
    if common.json {
        json(&restored)?;
    } else {
        line(&format!("commit {} of {}", grouped(restored.commit), restored.at))?;
        line(&format!(
            "from the base of {} ({} bytes) and {}",
            restored.base_at,
            grouped(restored.database_bytes),
            counted(restored.segments as u64, "segment")
        ))?;
        let files = counted(restored.files as u64, "small file");
        // Which originals belong to it is known when its rows are there.
        line(&match into {
            Some(_) => format!("{} and {files}", counted(restored.originals as u64, "original")),
            None => format!("the originals of its documents and {files}"),
        })?;
    }
    let missing = restored.originals_missing.len() as u64;
    if missing > 0 {
        note(&format!(
            "{} in no backup: documents without them are searched and cited as before",
            counted(missing, "original")
        ));
    }
    match into {
        Some(into) => note(&format!(
            "Restored, with whatever was forgotten after that moment. Look at it with `ibid --data-dir {0} status`, and work with it: \
             `ibid --data-dir {0} serve`.",
            into.display()
        )),
        None => note("Nothing was restored: this was a dry run."),
    }
    Ok(if missing > 0 { ExitCode::from(PARTLY_FAILED) } else { ExitCode::SUCCESS })
}

pub fn drill(context: &Context, command: &Drill) -> Result<ExitCode> {
    match command {
        Drill::Now => {
            let report: DrillReport = context.client.post("/v1/ops/drills", &())?.json()?;
            let is_passed = report.is_passed;
            if context.common.json {
                json(&report)?
            } else {
                show_drill(context.color, &report)?
            };
            Ok(if is_passed { ExitCode::SUCCESS } else { ExitCode::from(PARTLY_FAILED) })
        }
        Drill::Report { at, out } => report(context, at.as_deref(), out.as_deref()),
        Drill::List => {
            let listed: Value = context.client.get("/v1/ops/drills")?.json()?;
            if context.common.json {
                json(&listed)?;
                return Ok(ExitCode::SUCCESS);
            }
            let reports: Vec<DrillReport> = read(listed.get("drills"))?;
            reports.iter().try_for_each(|report| show_drill(context.color, report))?;
            line(&context.color.dim(&counted(reports.len() as u64, "rehearsal")))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn now(context: &Context) -> Result<ExitCode> {
    let made: Value = context.client.post("/v1/ops/backups", &())?.json()?;
    if context.common.json {
        json(&made)?;
    } else {
        let number = |key: &str| grouped(made.get(key).and_then(Value::as_u64).unwrap_or(0));
        line(&format!(
            "base of commit {}: {} bytes of database, {}; {} new bytes were stored",
            number("commit"),
            number("bytes"),
            counted(made.get("originals").and_then(Value::as_u64).unwrap_or(0), "original"),
            number("bytes_new")
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn list(common: &Common, from: Option<&str>) -> Result<ExitCode> {
    let (config, _) = configuration(common)?;
    let held = Backups::open(&config, from)?.list()?;
    if common.json {
        json(&held)?;
        return Ok(ExitCode::SUCCESS);
    }
    let color = Color::new(common.color);
    for one in &held {
        line(&color.bold(&foreign(&one.destination)))?;
        for stretch in &one.stretches {
            line(&format!(
                "  commit {} of {}  to  commit {} of {}",
                grouped(stretch.from_commit),
                stretch.from,
                grouped(stretch.to_commit),
                stretch.to
            ))?;
            let held = format!(
                "    {}, {}, {} bytes of log and bases",
                counted(stretch.bases as u64, "base"),
                counted(stretch.segments, "segment"),
                grouped(stretch.bytes)
            );
            line(&color.dim(&held))?;
        }
        if one.stretches.is_empty() {
            line(&color.yellow("  nothing that can be restored yet"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn verify(common: &Common, from: Option<&str>) -> Result<ExitCode> {
    let (config, _) = configuration(common)?;
    let backups = Backups::open(&config, from)?;
    let verified = {
        let bar = Bar::new();
        backups.verify(&|what, done, all| bar.show(what, done, all))?
    };
    let damages: usize = verified.iter().map(|one| one.damages.len()).sum();
    if common.json {
        json(&verified)?;
    } else {
        let color = Color::new(common.color);
        for one in &verified {
            let found = if one.damages.is_empty() { color.green("whole") } else { color.red("damaged") };
            line(&format!(
                "{}  {found}: {}, {} bytes, {} in {}",
                color.bold(&foreign(&one.destination)),
                counted(one.objects, "object"),
                grouped(one.bytes),
                counted(one.commits, "commit"),
                counted(one.segments, "segment")
            ))?;
            for damage in &one.damages {
                line(&color.red(&format!("  {}: {} [{}]", damage.object, damage.reason, damage.code)))?;
            }
        }
    }
    Ok(if damages > 0 { ExitCode::from(PARTLY_FAILED) } else { ExitCode::SUCCESS })
}

fn prune(context: &Context) -> Result<ExitCode> {
    let pruned: Value = context.client.post("/v1/ops/backups/prune", &())?.json()?;
    if context.common.json {
        json(&pruned)?;
        return Ok(ExitCode::SUCCESS);
    }
    for one in pruned.get("pruned").and_then(Value::as_array).into_iter().flatten() {
        let number = |key: &str| one.get(key).and_then(Value::as_u64).unwrap_or(0);
        line(&format!(
            "{}: {}, {}, {} and {} bytes removed",
            one.get("destination").and_then(Value::as_str).map(foreign).unwrap_or_default(),
            counted(number("bases"), "base"),
            counted(number("segments"), "segment"),
            counted(number("pieces"), "piece"),
            grouped(number("bytes"))
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn status(context: &Context) -> Result<ExitCode> {
    let status: Value = context.client.get("/v1/ops/backups/status")?.json()?;
    if context.common.json {
        json(&status)?;
        return Ok(ExitCode::SUCCESS);
    }
    let number = |from: &Value, key: &str| from.get(key).and_then(Value::as_u64).unwrap_or(0);
    let time = |from: &Value, key: &str| {
        let ms = from.get(key).and_then(Value::as_i64);
        ms.map_or_else(|| "never".to_owned(), |ms| ibid_types::Timestamp(ms).to_string())
    };
    let color = context.color;
    line(&format!(
        "{}  {} of {}",
        color.dim("commit  "),
        grouped(number(&status, "commit")),
        time(&status, "commit_at")
    ))?;
    line(&format!("{}  {}", color.dim("base    "), time(&status, "base_at")))?;
    line(&format!(
        "{}  {} of log became {} in {}",
        color.dim("shipped "),
        grouped(number(&status, "log_bytes")),
        grouped(number(&status, "segment_bytes")),
        counted(number(&status, "segments"), "segment")
    ))?;
    for one in status.get("destinations").and_then(Value::as_array).into_iter().flatten() {
        let label = one.get("label").and_then(Value::as_str).map(foreign).unwrap_or_default();
        let waiting = number(one, "waiting_segments");
        let behind = match waiting {
            0 => color.green("has everything"),
            _ => color.yellow(&format!(
                "{} behind, {} ms",
                counted(waiting, "segment"),
                number(one, "behind_ms")
            )),
        };
        line(&format!("{}  {behind}", color.bold(&label)))?;
        if let Some(failure) = one.get("last_failure").filter(|failure| failure.is_object()) {
            let reason = failure.get("reason").and_then(Value::as_str).unwrap_or_default();
            line(&color.red(&format!("  last failure {}: {}", time(failure, "at"), foreign(reason))))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn report(context: &Context, at: Option<&str>, out: Option<&Path>) -> Result<ExitCode> {
    let asked = at.map_or_else(String::new, |at| format!("?at={}", escaped(at)));
    let page = context.client.get(&format!("/v1/ops/drills/report{asked}"))?.bytes()?;
    let Some(out) = out else {
        piece(&String::from_utf8_lossy(&page))?;
        return Ok(ExitCode::SUCCESS);
    };
    std::fs::write(out, page).map_err(|error| {
        let what = format!("cannot write {}; is the folder there and writable?", out.display());
        Error::unavailable("output_unwritable", what).caused_by(error)
    })?;
    note(&format!("The report is in {}.", out.display()));
    Ok(ExitCode::SUCCESS)
}

fn show_drill(color: Color, report: &DrillReport) -> Result<()> {
    let outcome = if report.is_passed { color.green("passed") } else { color.red("FAILED") };
    let seconds = |ms: u64| format!("{}.{:03} s", ms / 1000, ms % 1000);
    line(&format!(
        "{}  {outcome}  commit {}, recovery point {}, recovery time {}",
        report.at,
        grouped(report.commit),
        seconds(report.rpo_ms),
        seconds(report.rto_ms)
    ))?;
    report.failures.iter().try_for_each(|failure| line(&color.red(&format!("  {}", foreign(failure)))))
}

fn read<T: serde::de::DeserializeOwned>(value: Option<&Value>) -> Result<T> {
    serde_json::from_value(value.cloned().unwrap_or_default()).map_err(|error| {
        Error::internal("client_answer", "the server's answer cannot be read; is it another version?")
            .caused_by(error)
    })
}

/// A progress bar on a terminal, nothing elsewhere.
struct Bar(Mutex<ProgressBar>);

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(8));
        if let Ok(style) = ProgressStyle::with_template("{msg:10} {bar:30} {pos}/{len}  {elapsed}") {
            bar.set_style(style);
        }
        Self(Mutex::new(bar))
    }

    fn show(&self, what: &str, done: u64, all: u64) {
        if let Ok(bar) = self.0.lock() {
            bar.set_message(what.to_owned());
            bar.set_length(all);
            bar.set_position(done);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Ok(bar) = self.0.lock() {
            bar.finish_and_clear();
        }
    }
}
