//! `ibid status`: what is in the library, how it answers, how the server fares; on one screen.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use ibid_api::system::{Check, Ready, Status};
use ibid_ops::metric::list;
use ibid_types::Result;

use super::scrape::Scrape;
use super::top::bytes;
use super::upkeep;
use crate::args;
use crate::context::Context;
use crate::output::{Color, clear_screen, foreign, grouped, json, line};

const EVERY: Duration = Duration::from_secs(2);

pub fn run(context: &Context, arguments: &args::Status) -> Result<ExitCode> {
    if context.common.json {
        let status: Status = context.client.get(&context.path("/v1/status"))?.json()?;
        json(&status)?;
        return Ok(ExitCode::SUCCESS);
    }
    loop {
        let lines = screen(context)?;
        if arguments.watch && std::io::stdout().is_terminal() {
            clear_screen()?;
        }
        lines.iter().try_for_each(|text| line(text))?;
        if !arguments.watch {
            return Ok(ExitCode::SUCCESS);
        }
        // Ctrl-C ends it; nothing else is to be waited for.
        let (_open, never) = std::sync::mpsc::channel::<()>();
        let _ = never.recv_timeout(EVERY);
    }
}

fn screen(context: &Context) -> Result<Vec<String>> {
    let status: Status = context.client.get(&context.path("/v1/status"))?.json()?;
    let mut lines = library(&status, context.color);
    if context.has_server() {
        let now = Scrape::take(context)?;
        lines.extend(server(&now, context.color));
        lines.extend(breakers(&now, context.color));
        lines.extend(health(context)?);
        lines.extend(upkeep::lines(context)?);
    }
    Ok(lines)
}

fn row(color: Color, name: &str, value: &str) -> String {
    format!("{}  {}", color.dim(&format!("{name:<10}")), foreign(value))
}

fn library(status: &Status, color: Color) -> Vec<String> {
    let jobs = status.jobs;
    let chat = if status.chat_models.is_empty() { "none".to_owned() } else { status.chat_models.join(", ") };
    let index = match status.index_lag {
        0 => "up to date".to_owned(),
        lag => format!("{lag} entries behind"),
    };
    [
        ("version", status.version.clone()),
        ("workspace", status.workspace.clone()),
        ("documents", grouped(status.documents)),
        ("chunks", grouped(status.chunks)),
        ("jobs", format!("{} queued, {} running, {} failed", jobs.queued, jobs.running, jobs.failed)),
        ("index", index),
        ("embedder", status.embedder.clone()),
        ("chat", chat),
        ("answers", status.answer_mode.clone()),
    ]
    .into_iter()
    .map(|(name, value)| row(color, name, &value))
    .collect()
}

/// How the server fares since it started.
fn server(now: &Scrape, color: Color) -> Vec<String> {
    let started = now.level(&list::PROCESS_START);
    let up = (ibid_runtime::Clock::system().now().0 as f64 / 1000.0 - started).max(0.0);
    let failed = now.total(&list::HTTP_REQUESTS, |key| key.label("status").starts_with('5'));
    let requests = now.total(&list::HTTP_REQUESTS, |_| true);
    let answers = |outcome: &str| now.total(&list::ANSWERS, |key| key.label("outcome") == outcome);
    let feedback = |rating: &str| now.total(&list::FEEDBACK, |key| key.label("rating") == rating);
    [
        ("up", duration(up)),
        (
            "requests",
            format!("{requests} answered, {failed} failed, {} in work", now.level(&list::HTTP_RUNNING)),
        ),
        (
            "questions",
            format!(
                "{} answered, {} abstained, {} failed",
                answers("answered"),
                answers("abstained"),
                answers("failed")
            ),
        ),
        ("feedback", format!("{} up, {} down", feedback("up"), feedback("down"))),
        (
            "memory",
            format!(
                "{} of {}",
                bytes(now.level(&list::PROCESS_MEMORY)),
                bytes(now.level(&list::PROCESS_MEMORY_MAX))
            ),
        ),
        (
            "disk",
            format!("{} free of {}", bytes(now.level(&list::DISK_FREE)), bytes(now.level(&list::DISK_TOTAL))),
        ),
        (
            "tasks",
            format!(
                "{} running, {} panicked",
                now.level_of(&list::TASKS, "state", "running"),
                now.level_of(&list::TASKS, "state", "panicked")
            ),
        ),
    ]
    .into_iter()
    .map(|(name, value)| row(color, name, &value))
    .collect()
}

/// Chat models that are left alone for a while.
fn breakers(now: &Scrape, color: Color) -> Vec<String> {
    let models = now.values_of(list::MODEL_BREAKER.0.name, "provider");
    let told = |model: String| {
        let state = match now.level_of(&list::MODEL_BREAKER, "provider", &model) {
            2.0.. => "open",
            1.0.. => "half open",
            _ => return None,
        };
        let told = format!("breaker {state}: {} failed too often and is left alone", foreign(&model));
        Some(format!("{}  {}", color.dim(&format!("{:<10}", "chat")), color.red(&told)))
    };
    models.into_iter().filter_map(told).collect()
}

/// The dependencies, those that fail in colour.
fn health(context: &Context) -> Result<Vec<String>> {
    let checks = context.client.get("/v1/ops/health")?.json::<Ready>()?.checks;
    Ok(checks.iter().map(|check| checked(context.color, check)).collect())
}

fn checked(color: Color, check: &Check) -> String {
    let status = match check.status.as_str() {
        "ok" => color.green("ok"),
        "degraded" => color.yellow("degraded"),
        other => color.red(&foreign(other)),
    };
    format!("{}  {status}: {}", color.dim(&format!("{:<10}", check.name)), foreign(&check.detail))
}

/// `3 d 4 h`, `5 min 2 s`
pub fn duration(seconds: f64) -> String {
    let seconds = seconds as u64;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min {} s", seconds % 60),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_have_two_units() {
        assert_eq!(
            [59.0, 61.0, 3700.0, 90_000.0].map(duration),
            ["59 s", "1 min 1 s", "1 h 1 min", "1 d 1 h"]
        );
    }
}
