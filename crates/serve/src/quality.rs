//! The quality of answers while they are given: a sample is checked again, golden questions are asked now and then.
//!
//! Keeps true: a check reads what is stored, not what the answer says of itself: a citation is right when its quote is, byte
//! for byte, in the cited version at its place. A claim counts as right when a right citation supports it.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use ibid_ops::metric::list;
use ibid_ops::series::{Samples, Selector};
use ibid_runtime::Shutdown;
use ibid_types::answer::{Answer, AnswerMode, Citation, Question, Verdict};
use ibid_types::search::Filter;
use ibid_types::{Result, Timestamp, TurnId};

use crate::App;
use crate::turns::read_answer;

const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Turns looked at in one round.
const TURNS_MAX: usize = 200;
/// Golden questions asked in one round, and the largest file of them.
const GOLDEN_MAX: usize = 500;
const GOLDEN_BYTES_MAX: u64 = 1 << 20;
/// Fewer checks within a day say nothing of accuracy.
const CHECKS_MIN: f64 = 5.0;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Checks again and asks until the shutdown.
pub fn watch(app: &Arc<App>, shutdown: &Shutdown) {
    let mut seen = app.clock.now();
    let mut asked: Option<Timestamp> = None;
    while !shutdown.wait_timeout(LOOK_EVERY) {
        let now = app.clock.now();
        match check_turns(app, seen, now) {
            Ok(()) => seen = now,
            Err(error) => {
                tracing::warn!(code = error.code, reason = error.chain(), "turns will be checked later")
            }
        }
        let every = i64::try_from(app.config.slo.golden_hours).unwrap_or(0).saturating_mul(3_600_000);
        if every > 0 && asked.is_none_or(|at| now.0 - at.0 >= every) {
            asked = Some(now);
            ask_golden(app, shutdown, now);
        }
        measure(app, now);
    }
}

/// The share of what was right within a day, as a gauge.
fn measure(app: &App, now: Timestamp) {
    let Some(series) = app.series() else { return };
    let samples = series.at(now);
    let checks = Selector::new(list::QUALITY_CHECKED.0.name);
    let all = samples.increase(&checks, DAY).unwrap_or(0.0);
    if all >= CHECKS_MIN {
        let right = samples.increase(&checks.with("outcome", "right"), DAY).unwrap_or(0.0);
        app.metrics.registry().set(&list::QUALITY_ACCURACY, [], right / all);
    }
}

fn count(app: &App, kind: &str, is_right: bool) {
    let outcome = if is_right { "right" } else { "wrong" };
    app.metrics.registry().count(&list::QUALITY_CHECKED, [kind, outcome]);
}

/// Checks the sampled ones of the turns that ended after `from`.
fn check_turns(app: &App, from: Timestamp, to: Timestamp) -> Result<()> {
    let sql =
        "SELECT id FROM turns WHERE finished_at > $1 AND finished_at <= $2 ORDER BY finished_at LIMIT $3";
    let rows = app.store.db().query(sql, &[from.into(), to.into(), TURNS_MAX.into()])?;
    for row in rows {
        let id: TurnId = row.get(0)?;
        if !is_sampled(id, app.config.slo.quality_sample_percent) {
            continue;
        }
        let answer = app.store.turn_find(id)?.and_then(|turn| read_answer(turn.answer.as_ref()?));
        if let Some(answer) = answer {
            check_answer(app, &answer)?;
        }
    }
    Ok(())
}

/// Chosen by the id's own random end, so that a turn is sampled or not whoever looks.
fn is_sampled(id: TurnId, percent: u32) -> bool {
    let bytes = id.as_bytes();
    let number = u32::from(bytes[14]) << 8 | u32::from(bytes[15]);
    number % 100 < percent
}

/// Counts each citation and each claim that can be checked.
pub fn check_answer(app: &App, answer: &Answer) -> Result<()> {
    let mut right = Vec::new();
    for citation in &answer.citations {
        if let Some(is_right) = is_exact(app, citation)? {
            count(app, "citation", is_right);
            if is_right {
                right.push(citation.number);
            }
        }
    }
    for claim in answer.claims.iter().filter(|claim| claim.verdict != Verdict::NotCheckable) {
        let is_carried = claim.citations.iter().any(|number| right.contains(number));
        count(app, "claim", claim.verdict == Verdict::Supported && is_carried);
    }
    Ok(())
}

/// Whether the quote stands where it says; nothing where its document is gone or the quote is withheld.
fn is_exact(app: &App, citation: &Citation) -> Result<Option<bool>> {
    let Some(chunk) = app.store.chunks_by_id(&[citation.chunk])?.pop().filter(|_| !citation.withheld) else {
        return Ok(None);
    };
    let place = citation.start.checked_sub(chunk.span.start).zip(citation.end.checked_sub(chunk.span.start));
    let there = place.and_then(|(start, end)| chunk.text.get(start..end));
    Ok(Some(there == Some(citation.quote.as_str()) && chunk.version == citation.version))
}

/// A question whose right answer is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Golden {
    pub question: String,
    /// Must stand in the answer, in any case.
    pub expect: String,
    /// Must stand in the source of a citation.
    pub source: String,
    /// Whether the documents do not hold the answer, which must then be said.
    pub abstain: bool,
}

/// `golden.yaml` of the data directory: a list of `question`, `expect`, `source`, `abstain`.
fn golden(app: &App) -> Vec<Golden> {
    let path = app.config.data.dir.join("golden.yaml");
    let is_small = std::fs::metadata(&path).is_ok_and(|file| file.len() <= GOLDEN_BYTES_MAX);
    if !is_small {
        return Vec::new();
    }
    read_golden(&std::fs::read_to_string(&path).unwrap_or_default())
}

/// The part of YAML that such a list needs: entries that begin with `-`, and `key: value` with or without quotes.
fn read_golden(text: &str) -> Vec<Golden> {
    let mut all: Vec<Golden> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let line = match line.strip_prefix('-') {
            Some(rest) => {
                all.push(Golden::default());
                rest.trim()
            }
            None => line,
        };
        let (Some(last), Some((key, value))) = (all.last_mut(), line.split_once(':')) else { continue };
        let value = unquoted(value.trim());
        match key.trim() {
            "question" => last.question = value,
            "expect" => last.expect = value,
            "source" => last.source = value,
            "abstain" => last.abstain = value == "true",
            _ => {}
        }
    }
    all.retain(|golden| !golden.question.is_empty());
    all.truncate(GOLDEN_MAX);
    all
}

fn unquoted(value: &str) -> String {
    let inner = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    inner.unwrap_or(value).to_owned()
}

fn ask_golden(app: &App, shutdown: &Shutdown, now: Timestamp) {
    let all = golden(app);
    for golden in &all {
        if shutdown.is_requested() {
            return;
        }
        match ask(app, golden) {
            Ok(is_right) => {
                if !is_right {
                    tracing::warn!(question = golden.question, "a golden question was answered wrongly");
                }
                count(app, "golden", is_right);
            }
            Err(error) => {
                tracing::warn!(code = error.code, "a golden question was not answered: {}", error.chain())
            }
        }
    }
    if !all.is_empty() {
        app.metrics.registry().set(&list::QUALITY_AGE, [], now.0 as f64 / 1000.0);
    }
}

fn ask(app: &App, golden: &Golden) -> Result<bool> {
    let defaults = &app.config.answer;
    let question = Question {
        workspace: app.workspace(None)?.id,
        text: golden.question.clone(),
        filter: Filter::default(),
        mode: AnswerMode::Auto,
        model: None,
        context_tokens_max: defaults.context_tokens,
        citations_max: defaults.citations_max,
    };
    let answer = app.ask(&question, &mut |_| ControlFlow::Continue(()))?;
    check_answer(app, &answer)?;
    Ok(is_right(golden, &answer))
}

fn is_right(golden: &Golden, answer: &Answer) -> bool {
    if golden.abstain || answer.abstained.is_some() {
        return golden.abstain == answer.abstained.is_some();
    }
    let says = answer.text.to_lowercase().contains(&golden.expect.to_lowercase());
    let cites = answer.citations.iter().any(|citation| citation.source.contains(&golden.source));
    says && (golden.source.is_empty() || cites)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_questions_are_read() {
        let text = "# known\n- question: \"Who pays: you?\"\n  expect: the tenant\n  source: lease.md\n- question: What is the moon made of?\n  abstain: true\n";
        let all = read_golden(text);
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].question.as_str(), all[0].source.as_str()), ("Who pays: you?", "lease.md"));
        assert!(all[1].abstain);
    }

    #[test]
    fn the_sample_is_about_as_large_as_asked() {
        let sampled = (0..2000).filter(|_| is_sampled(TurnId::new(), 10)).count();
        assert!((100..300).contains(&sampled), "{sampled}");
        assert!(!is_sampled(TurnId::new(), 0) && is_sampled(TurnId::new(), 100));
    }
}
