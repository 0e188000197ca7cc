//! The rules that hold without any configuration.
//!
//! Keeps true: each names only metrics of the list, and has a scenario in `tests/rules.rs` in which it fires and ends.

use std::time::Duration;

use crate::alert::expression::Expression as E;
use crate::alert::{Condition, Rule, Severity};
use crate::certificate::{CRITICAL_DAYS, DAY_MS, WARNING_DAYS};
use crate::metric::{Entry, list};
use crate::series::Selector;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// Fewer requests than this in the window say nothing of their share of errors.
const REQUESTS_MIN: f64 = 20.0;
const ANSWERS_MIN: f64 = 10.0;

/// Every default rule; `usd_a_day` is the budget for chat models, 0 for none.
#[must_use]
pub fn default_rules(usd_a_day: f64) -> Vec<Rule> {
    let mut rules =
        [requests(), machine(), store(), memory(), models(), answers(), backups(), health()].concat();
    if usd_a_day > 0.0 {
        rules.extend(budget(usd_a_day));
    }
    rules
}

fn of(entry: Entry) -> Selector {
    Selector::new(entry.name)
}

/// A rule about one thing; `fires` and the like refine it.
fn rule(name: &str, severity: Severity, summary: &str, runbook: &str, conditions: Vec<Condition>) -> Rule {
    Rule {
        name: name.to_owned(),
        severity,
        conditions,
        each: None,
        hold: 2 * MINUTE,
        summary: summary.to_owned(),
        runbook: runbook.to_owned(),
        priority: (severity == Severity::Critical).then_some(1),
        is_share: false,
    }
}

impl Rule {
    fn each(self, label: &str) -> Self {
        Self { each: Some(label.to_owned()), ..self }
    }

    fn held(self, hold: Duration) -> Self {
        Self { hold, ..self }
    }

    fn share(self) -> Self {
        Self { is_share: true, ..self }
    }

    fn opens(self, priority: u32) -> Self {
        Self { priority: Some(priority), ..self }
    }
}

use Severity::{Critical, Info, Warning};

/// The two levels of one measure.
fn levels(
    name: &str,
    summary: &str,
    runbook: &str,
    measure: &E,
    limits: [f64; 2],
    besides: &[Condition],
) -> [Rule; 2] {
    let level = |severity, limit, name: String| {
        let mut all = vec![Condition::above(measure.clone(), limit)];
        all.extend_from_slice(besides);
        rule(&name, severity, summary, runbook, all)
    };
    [level(Critical, limits[0], name.to_owned()), level(Warning, limits[1], format!("{name}-warning"))]
}

fn requests() -> Vec<Rule> {
    let all = E::Increase(of(list::HTTP_REQUESTS.0), 5 * MINUTE);
    let failed = E::Increase(of(list::HTTP_REQUESTS.0).with("status", "5*"), 5 * MINUTE);
    let enough = [Condition::above(all.clone(), REQUESTS_MIN)];
    let slow = E::Quantile(0.95, of(list::HTTP_DURATION.0), 5 * MINUTE);
    let mut rules = Vec::new();
    rules.extend(levels(
        "slow-answers",
        "one request in twenty takes longer than {value} s",
        "slow-answers",
        &slow,
        [5.0, 2.0],
        &enough,
    ));
    rules.extend(
        levels(
            "high-error-rate",
            "{value} of the requests fail",
            "high-error-rate",
            &E::ratio(failed, all),
            [0.05, 0.01],
            &enough,
        )
        .map(Rule::share),
    );
    rules.push(rule(
        "attack-or-abuse",
        Warning,
        "{value} requests a second are refused: unknown, not allowed, or too fast",
        "attack-or-abuse",
        vec![Condition::above(E::Rate(of(list::AUTH_REFUSALS.0), 5 * MINUTE), 1.0)],
    ));
    rules
}

fn machine() -> Vec<Rule> {
    let cpu = E::ratio(E::Rate(of(list::PROCESS_CPU.0), 5 * MINUTE), E::Value(of(list::PROCESS_CORES.0)));
    let memory = E::ratio(E::Value(of(list::PROCESS_MEMORY.0)), E::Value(of(list::PROCESS_MEMORY_MAX.0)));
    let files = E::ratio(E::Value(of(list::PROCESS_FILES.0)), E::Value(of(list::PROCESS_FILES_MAX.0)));
    let used = E::Rest(Box::new(E::ratio(E::Value(of(list::DISK_FREE.0)), E::Value(of(list::DISK_TOTAL.0)))));
    let tomorrow = E::Predict(of(list::DISK_FREE.0), 6 * HOUR, 24 * HOUR);
    let mut rules = Vec::new();
    let cpu_told = "the processors are {value} busy";
    rules.extend(
        levels("high-cpu", cpu_told, "slow-answers", &cpu, [0.9, 0.7], &[])
            .map(|r| r.held(10 * MINUTE).share()),
    );
    let memory_told = "{value} of the memory is in use";
    rules.extend(
        levels("out-of-memory", memory_told, "out-of-memory", &memory, [0.95, 0.85], &[]).map(Rule::share),
    );
    let disk_told = "{value} of the disk is in use";
    rules.extend(levels("disk-full", disk_told, "disk-full", &used, [0.97, 0.90], &[]).map(Rule::share));
    rules.push(
        rule(
            "disk-full-soon",
            Warning,
            "the disk will be full within a day if it goes on like this",
            "disk-full",
            vec![Condition::below(tomorrow, 0.0), Condition::above(used, 0.5)],
        )
        .held(30 * MINUTE),
    );
    rules.push(
        rule(
            "files-open",
            Warning,
            "{value} of the files that may be open are",
            "high-error-rate",
            vec![Condition::above(files, 0.8)],
        )
        .share(),
    );
    rules.push(
        rule(
            "restarted",
            Info,
            "the program started a few minutes ago",
            "service-down",
            vec![Condition::below(E::Age(of(list::PROCESS_START.0)), 300.0)],
        )
        .held(Duration::ZERO),
    );
    rules
}

fn store() -> Vec<Rule> {
    let refused = |code: &str| {
        let batches = E::Increase(of(list::STORE_BATCHES.0).with("outcome", code), 5 * MINUTE);
        vec![Condition::above(batches, 0.0)]
    };
    let unread = E::Increase(of(list::STORE_QUERIES.0).with("outcome", "store_corrupt"), 5 * MINUTE);
    let told = "the database file is damaged";
    let locked =
        E::Increase(of(list::STORE_BATCHES.0).with("outcome", "store_busy|store_locked"), 5 * MINUTE);
    vec![
        rule("store-damaged", Critical, told, "store-damaged", refused("store_corrupt"))
            .held(Duration::ZERO)
            .opens(0),
        rule("store-unreadable", Critical, told, "store-damaged", vec![Condition::above(unread, 0.0)])
            .held(Duration::ZERO)
            .opens(0),
        rule("store-full", Critical, "the disk takes no more", "disk-full", refused("store_full"))
            .held(Duration::ZERO),
        rule(
            "database-locked",
            Critical,
            "another process keeps the database from being written",
            "database-locked",
            vec![Condition::above(locked, 0.0)],
        )
        .held(MINUTE),
        rule(
            "index-lag",
            Warning,
            "the indexes are {value} changes behind",
            "index-damaged",
            vec![Condition::above(E::Value(of(list::INDEX_LAG.0)), 500.0)],
        )
        .held(5 * MINUTE),
        rule(
            "dead-jobs",
            Warning,
            "{value} jobs gave up; see `ibid jobs list --state failed`",
            "high-error-rate",
            vec![Condition::above(E::Value(of(list::JOBS.0).with("state", "failed")), 10.0)],
        )
        .held(5 * MINUTE),
        rule(
            "task-panicked",
            Critical,
            "{value} background tasks ended in a panic",
            "service-down",
            vec![Condition::above(E::Value(of(list::TASKS.0).with("state", "panicked")), 0.0)],
        )
        .held(Duration::ZERO),
    ]
}

/// Of what is remembered. Its index cannot be behind: it follows the rows at every question, and a question that it cannot follow fails.
fn memory() -> Vec<Rule> {
    let failed = of(list::MEMORY_RECALLS.0).with("outcome", "store_*|checkpoint_*|memory_*|model_*");
    let runbook = "memory-behind";
    vec![
        rule(
            "memory-behind",
            Warning,
            "an episode waits since {value} s to be read",
            runbook,
            vec![Condition::above(E::Value(of(list::MEMORY_WAITING_AGE.0)), 300.0)],
        ),
        rule(
            "memory-unread",
            Warning,
            "{value} jobs to read episodes gave up",
            runbook,
            vec![Condition::above(E::Value(of(list::MEMORY_GIVEN_UP.0)), 0.0)],
        )
        .held(Duration::ZERO),
        rule(
            "memory-closed",
            Critical,
            "{value} questions to memory failed within five minutes",
            runbook,
            vec![Condition::above(E::Increase(failed, 5 * MINUTE), 0.0)],
        ),
        rule(
            "forgetting-held",
            Warning,
            "the log of the database holds since {value} s what was forgotten",
            runbook,
            vec![Condition::above(E::Value(of(list::MEMORY_LOG_HELD_AGE.0)), 60.0)],
        ),
    ]
}

fn models() -> Vec<Rule> {
    let calls = || of(list::MODEL_REQUESTS.0);
    let all = E::Increase(calls(), 5 * MINUTE);
    let done = E::Increase(calls().with("outcome", "done"), 5 * MINUTE);
    let busy = E::Increase(calls().with("outcome", "provider_busy"), 5 * MINUTE);
    let enough = Condition::above(all.clone(), 3.0);
    let told_down = "more than half of the calls of the model {subject} fail ({value} succeed)";
    vec![
        rule(
            "provider-down",
            Critical,
            told_down,
            "provider-down",
            vec![Condition::below(E::ratio(done, all.clone()), 0.5), enough.clone()],
        )
        .each("provider")
        .share(),
        rule(
            "breaker-open",
            Warning,
            "the model {subject} failed too often and is left alone; answers are extractive meanwhile",
            "provider-down",
            vec![Condition::above(E::Value(of(list::MODEL_BREAKER.0)), 0.5)],
        )
        .each("provider")
        .held(Duration::ZERO),
        rule(
            "provider-over-quota",
            Warning,
            "the provider of {subject} refuses {value} of the calls as too many",
            "provider-down",
            vec![Condition::above(E::ratio(busy, all), 0.05), enough],
        )
        .each("provider")
        .share(),
        rule(
            "budget-warning",
            Warning,
            "the budget {subject} for chat models is nearly used up; see `ibid costs budgets`",
            "attack-or-abuse",
            vec![Condition::above(E::Value(of(list::BUDGET_STATE.0)), 0.5)],
        )
        .each("budget")
        .held(Duration::ZERO),
        rule(
            "budget-used-up",
            Critical,
            "the budget {subject} for chat models is used up; see `ibid costs budgets`",
            "attack-or-abuse",
            vec![Condition::above(E::Value(of(list::BUDGET_STATE.0)), 1.5)],
        )
        .each("budget")
        .held(Duration::ZERO)
        .opens(2),
    ]
}

fn answers() -> Vec<Rule> {
    let ends = || of(list::ANSWERS.0);
    let all = E::Increase(ends(), 30 * MINUTE);
    let share =
        |outcome: &str| E::ratio(E::Increase(ends().with("outcome", outcome), 30 * MINUTE), all.clone());
    let enough = Condition::above(all.clone(), ANSWERS_MIN);
    let said = E::Increase(of(list::FEEDBACK.0).with("rating", "up|down"), 24 * HOUR);
    let down = E::Increase(of(list::FEEDBACK.0).with("rating", "down"), 24 * HOUR);
    let runs = || of(list::FLOW_RUNS.0);
    let ended = E::Increase(runs(), 30 * MINUTE);
    let failed = E::Increase(runs().with("state", "failed"), 30 * MINUTE);
    vec![
        rule(
            "bad-answers",
            Critical,
            "only {value} of what was checked again in answers is right",
            "bad-answers",
            vec![Condition::below(E::Value(of(list::QUALITY_ACCURACY.0)), 0.90)],
        )
        .held(5 * MINUTE)
        .share(),
        rule(
            "failed-answers",
            Critical,
            "{value} of the questions got no answer because of an error",
            "high-error-rate",
            vec![Condition::above(share("failed"), 0.2), enough.clone()],
        )
        .share(),
        rule(
            "unanswered",
            Warning,
            "the documents did not hold the answer to {value} of the questions",
            "bad-answers",
            vec![Condition::above(share("abstained"), 0.6), enough],
        )
        .share(),
        rule(
            "disliked-answers",
            Warning,
            "people disliked {value} of the answers of which they said anything",
            "bad-answers",
            vec![Condition::above(E::ratio(down, said.clone()), 0.4), Condition::above(said, ANSWERS_MIN)],
        )
        .share(),
        rule(
            "failed-runs",
            Warning,
            "{value} of the runs of flows failed",
            "high-error-rate",
            vec![
                Condition::above(E::ratio(failed, ended.clone()), 0.2),
                Condition::above(ended, ANSWERS_MIN),
            ],
        )
        .share(),
    ]
}

fn backups() -> Vec<Rule> {
    let age = || E::Value(of(list::BACKUP_AGE.0));
    let base = E::Value(of(list::BACKUP_BASE_AGE.0));
    let failed = E::Increase(of(list::BACKUP_FAILURES.0), HOUR);
    let behind = "the backup at {subject} is {value} s behind";
    let day = 86_400.0;
    vec![
        rule("backup-late", Critical, behind, "backup-failed", vec![Condition::above(age(), 3600.0)])
            .each("destination"),
        rule("backup-late-warning", Warning, behind, "backup-failed", vec![Condition::above(age(), 300.0)])
            .each("destination"),
        rule(
            "backup-failed",
            Warning,
            "{value} attempts at the backup at {subject} failed within an hour",
            "backup-failed",
            vec![Condition::above(failed, 3.0)],
        )
        .each("destination"),
        rule(
            "base-late",
            Warning,
            "the newest base is {value} s old, though one is made every day",
            "backup-failed",
            vec![Condition::above(base, 1.5 * day)],
        )
        .held(5 * MINUTE),
        rule(
            "drill-failed",
            Critical,
            "the last rehearsal of a restore failed",
            "backup-failed",
            vec![Condition::above(E::Value(of(list::DRILL_FAILED.0)), 0.0)],
        )
        .held(Duration::ZERO),
        rule(
            "drill-late",
            Warning,
            "the last rehearsal that succeeded was {value} s ago",
            "backup-failed",
            vec![Condition::above(E::Value(of(list::DRILL_AGE.0)), 9.0 * day)],
        )
        .held(5 * MINUTE),
    ]
}

fn health() -> Vec<Rule> {
    let failed = |checks: &str| E::Value(of(list::CHECKS_FAILED.0).with("check", checks));
    vec![
        rule(
            "service-down",
            Critical,
            "the check of {subject} fails, so nothing can be answered",
            "service-down",
            vec![Condition::above(failed("store|blobs|index"), 0.0)],
        )
        .each("check")
        .held(MINUTE)
        .opens(0),
        certificate("certificate-expiring", Critical, CRITICAL_DAYS).opens(2),
        certificate("certificate-expiring-warning", Warning, WARNING_DAYS),
        rule(
            "model-unavailable",
            Warning,
            "the check of {subject} fails; answers go on without it as well as they can",
            "provider-down",
            vec![Condition::above(failed("embedder|chat"), 0.0)],
        )
        .each("check")
        .opens(2),
        rule(
            "undelivered",
            Warning,
            "what should be told to {subject} was given up",
            "provider-down",
            vec![Condition::above(E::Increase(of(list::NOTIFICATIONS.0).with("outcome", "dead"), HOUR), 0.0)],
        )
        .each("receiver")
        .held(Duration::ZERO),
        rule(
            "audit-behind",
            Warning,
            "the audit receiver {subject} misses entries since {value} s",
            "provider-down",
            vec![Condition::above(E::Value(of(list::AUDIT_UNSENT_AGE.0)), 600.0)],
        )
        .each("receiver"),
    ]
}

fn certificate(name: &str, severity: Severity, days: i64) -> Rule {
    let left = E::Value(of(list::CERTIFICATE_REMAINING.0));
    let limit = (days * DAY_MS) as f64 / 1000.0;
    let told = "the certificate of {subject} ends in {value} s";
    rule(name, severity, told, "certificate-expiring", vec![Condition::below(left, limit)])
        .each("host")
        .held(Duration::ZERO)
}

fn budget(usd_a_day: f64) -> Vec<Rule> {
    let spent = E::Increase(of(list::MODEL_COST.0), 24 * HOUR);
    let told = "chat models cost {value} US dollars within a day";
    vec![
        rule(
            "budget-spent",
            Critical,
            told,
            "attack-or-abuse",
            vec![Condition::above(spent.clone(), usd_a_day)],
        )
        .opens(2),
        rule(
            "budget-near-its-end",
            Warning,
            told,
            "attack-or-abuse",
            vec![Condition::above(spent, usd_a_day * 0.8)],
        ),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::metric;

    #[test]
    fn rules_name_metrics_and_labels_that_exist() {
        for rule in default_rules(1.0) {
            for selector in rule.conditions.iter().flat_map(|condition| condition.expression.selectors()) {
                let entry = metric::find(&selector.name);
                let entry = entry.unwrap_or_else(|| panic!("{} names {}", rule.name, selector.name));
                for label in selector.labels.keys() {
                    assert!(entry.labels.contains(&label.as_str()), "{}: {label}", rule.name);
                }
            }
        }
    }

    #[test]
    fn rules_have_names_of_their_own() {
        let rules = default_rules(1.0);
        let names: BTreeSet<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
        assert_eq!(names.len(), rules.len());
        assert!(rules.iter().all(|rule| !rule.summary.ends_with('.')));
    }
}
