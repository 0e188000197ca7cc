//! Every rule fires when its condition is there and is over when it is gone, on simulated metrics and a clock that the
//! test moves.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use ibid_config::Layers;
use ibid_ops::alert::{Board, Change, Rule, Settings, default_rules, evaluate, rules, to_prometheus};
use ibid_ops::metric::{Registry, list};
use ibid_ops::series::Series;
use ibid_types::Timestamp;

const START: i64 = 1_767_225_600_000;
/// Between two samples and looks.
const STEP_MS: i64 = 15_000;

/// What happens in one step, by its number.
type Scene = fn(&Registry, u32);

/// Rule, what causes it, what is well. Each scene runs every 15 seconds.
const SCENES: &[(&str, Scene, Scene)] = &[
    ("slow-answers", |r, _| served(r, "200", 6.0), |r, _| served(r, "200", 0.1)),
    ("slow-answers-warning", |r, _| served(r, "200", 3.0), |r, _| served(r, "200", 0.1)),
    (
        "high-error-rate",
        |r, n| served(r, if n % 10 == 0 { "500" } else { "200" }, 0.1),
        |r, _| served(r, "200", 0.1),
    ),
    (
        "high-error-rate-warning",
        |r, n| served(r, if n % 15 == 0 { "503" } else { "200" }, 0.1),
        |r, _| served(r, "200", 0.1),
    ),
    ("attack-or-abuse", |r, _| r.grow(&list::AUTH_REFUSALS, ["key_unknown"], 30.0), nothing),
    ("high-cpu", |r, _| cpu(r, 1.9), |r, _| cpu(r, 0.1)),
    ("high-cpu-warning", |r, _| cpu(r, 1.5), |r, _| cpu(r, 0.1)),
    ("out-of-memory", |r, _| memory(r, 0.97), |r, _| memory(r, 0.5)),
    ("out-of-memory-warning", |r, _| memory(r, 0.9), |r, _| memory(r, 0.5)),
    ("disk-full", |r, _| disk(r, 0.02), |r, _| disk(r, 0.6)),
    ("disk-full-warning", |r, _| disk(r, 0.08), |r, _| disk(r, 0.6)),
    ("disk-full-soon", |r, n| disk(r, 0.45 - f64::from(n) * 0.0001), |r, _| disk(r, 0.6)),
    ("files-open", |r, _| files(r, 900.0), |r, _| files(r, 100.0)),
    ("restarted", |r, n| started(r, n), |r, _| r.set(&list::PROCESS_START, [], 1.0)),
    ("store-damaged", |r, _| r.count(&list::STORE_BATCHES, ["store_corrupt"]), nothing),
    ("store-unreadable", |r, _| r.count(&list::STORE_QUERIES, ["store_corrupt"]), nothing),
    ("store-full", |r, _| r.count(&list::STORE_BATCHES, ["store_full"]), nothing),
    ("database-locked", |r, _| r.count(&list::STORE_BATCHES, ["store_busy"]), nothing),
    ("index-lag", |r, _| r.set(&list::INDEX_LAG, [], 900.0), |r, _| r.set(&list::INDEX_LAG, [], 0.0)),
    ("dead-jobs", |r, _| r.set(&list::JOBS, ["failed"], 20.0), |r, _| r.set(&list::JOBS, ["failed"], 0.0)),
    (
        "task-panicked",
        |r, _| r.set(&list::TASKS, ["panicked"], 1.0),
        |r, _| r.set(&list::TASKS, ["panicked"], 0.0),
    ),
    (
        "memory-behind",
        |r, n| r.set(&list::MEMORY_WAITING_AGE, [], f64::from(n) * 15.0),
        |r, _| r.set(&list::MEMORY_WAITING_AGE, [], 30.0),
    ),
    (
        "memory-unread",
        |r, _| r.set(&list::MEMORY_GIVEN_UP, [], 1.0),
        |r, _| r.set(&list::MEMORY_GIVEN_UP, [], 0.0),
    ),
    (
        "memory-closed",
        |r, _| r.count(&list::MEMORY_RECALLS, ["checkpoint_key_missing"]),
        |r, _| r.count(&list::MEMORY_RECALLS, ["entity_unknown"]),
    ),
    (
        "forgetting-held",
        |r, n| r.set(&list::MEMORY_LOG_HELD_AGE, [], f64::from(n) * 15.0),
        |r, _| r.set(&list::MEMORY_LOG_HELD_AGE, [], 4.0),
    ),
    (
        "provider-down",
        |r, n| called(r, if n % 4 == 0 { "done" } else { "provider_unreachable" }),
        |r, _| called(r, "done"),
    ),
    (
        "breaker-open",
        |r, _| r.set(&list::MODEL_BREAKER, ["m"], 2.0),
        |r, _| r.set(&list::MODEL_BREAKER, ["m"], 0.0),
    ),
    (
        "budget-warning",
        |r, _| r.set(&list::BUDGET_STATE, ["all"], 1.0),
        |r, _| r.set(&list::BUDGET_STATE, ["all"], 0.0),
    ),
    (
        "budget-used-up",
        |r, _| r.set(&list::BUDGET_STATE, ["all"], 2.0),
        |r, _| r.set(&list::BUDGET_STATE, ["all"], 0.0),
    ),
    (
        "provider-over-quota",
        |r, n| called(r, if n % 4 == 0 { "provider_busy" } else { "done" }),
        |r, _| called(r, "done"),
    ),
    (
        "bad-answers",
        |r, _| r.set(&list::QUALITY_ACCURACY, [], 0.8),
        |r, _| r.set(&list::QUALITY_ACCURACY, [], 0.97),
    ),
    (
        "failed-answers",
        |r, n| answered(r, if n % 3 == 0 { "failed" } else { "answered" }),
        |r, _| answered(r, "answered"),
    ),
    (
        "unanswered",
        |r, n| answered(r, if n % 5 == 0 { "answered" } else { "abstained" }),
        |r, _| answered(r, "answered"),
    ),
    (
        "disliked-answers",
        |r, _| r.count(&list::FEEDBACK, ["down"]),
        |r, _| r.grow(&list::FEEDBACK, ["up"], 20.0),
    ),
    (
        "failed-runs",
        |r, n| r.count(&list::FLOW_RUNS, [if n % 3 == 0 { "failed" } else { "finished" }]),
        |r, _| r.count(&list::FLOW_RUNS, ["finished"]),
    ),
    (
        "backup-late",
        |r, _| r.set(&list::BACKUP_AGE, ["here"], 4000.0),
        |r, _| r.set(&list::BACKUP_AGE, ["here"], 1.0),
    ),
    (
        "backup-late-warning",
        |r, _| r.set(&list::BACKUP_AGE, ["here"], 400.0),
        |r, _| r.set(&list::BACKUP_AGE, ["here"], 1.0),
    ),
    ("backup-failed", |r, _| r.count(&list::BACKUP_FAILURES, ["away"]), nothing),
    (
        "base-late",
        |r, _| r.set(&list::BACKUP_BASE_AGE, [], 140_000.0),
        |r, _| r.set(&list::BACKUP_BASE_AGE, [], 60.0),
    ),
    ("drill-failed", |r, _| r.set(&list::DRILL_FAILED, [], 1.0), |r, _| r.set(&list::DRILL_FAILED, [], 0.0)),
    ("drill-late", |r, _| r.set(&list::DRILL_AGE, [], 900_000.0), |r, _| r.set(&list::DRILL_AGE, [], 60.0)),
    (
        "service-down",
        |r, _| r.set(&list::CHECKS_FAILED, ["store"], 1.0),
        |r, _| r.set(&list::CHECKS_FAILED, ["store"], 0.0),
    ),
    (
        "model-unavailable",
        |r, _| r.set(&list::CHECKS_FAILED, ["chat"], 1.0),
        |r, _| r.set(&list::CHECKS_FAILED, ["chat"], 0.0),
    ),
    ("certificate-expiring", |r, _| ends(r, 2.0), |r, _| ends(r, 80.0)),
    ("certificate-expiring-warning", |r, _| ends(r, 20.0), |r, _| ends(r, 80.0)),
    ("undelivered", |r, _| r.count(&list::NOTIFICATIONS, ["pager", "dead"]), nothing),
    (
        "audit-behind",
        |r, _| r.set(&list::AUDIT_UNSENT_AGE, ["siem"], 900.0),
        |r, _| r.set(&list::AUDIT_UNSENT_AGE, ["siem"], 0.0),
    ),
    ("budget-spent", |r, _| r.grow(&list::MODEL_COST, ["m"], 1.0), nothing),
    ("budget-near-its-end", |r, _| r.grow(&list::MODEL_COST, ["m"], 1.0), nothing),
];

/// Objective, what spends its budget, what does not.
const OBJECTIVES: &[(&str, Scene, Scene)] = &[
    (
        "availability",
        |r, n| served(r, if n % 2 == 0 { "500" } else { "200" }, 0.1),
        |r, _| served(r, "200", 0.1),
    ),
    (
        "retrieval",
        |r, _| r.observe(&list::SEARCH_DURATION, [], 2.0),
        |r, _| r.observe(&list::SEARCH_DURATION, [], 0.01),
    ),
    (
        "first-token",
        |r, _| r.observe(&list::MODEL_FIRST_TOKEN, ["m"], 20.0),
        |r, _| r.observe(&list::MODEL_FIRST_TOKEN, ["m"], 0.1),
    ),
    ("answers", |r, _| answered(r, "failed"), |r, _| answered(r, "answered")),
    ("accuracy", |r, _| looked(r, "accuracy", "bad"), |r, _| looked(r, "accuracy", "good")),
    ("freshness", |r, _| looked(r, "freshness", "bad"), |r, _| looked(r, "freshness", "good")),
    ("backup-age", |r, _| looked(r, "backup-age", "bad"), |r, _| looked(r, "backup-age", "good")),
];

const fn nothing(_: &Registry, _: u32) {}

fn served(registry: &Registry, status: &str, seconds: f64) {
    for _ in 0..3 {
        registry.count(&list::HTTP_REQUESTS, ["POST", "/v1/ask", status]);
        registry.observe(&list::HTTP_DURATION, ["/v1/ask"], seconds);
    }
}

fn answered(registry: &Registry, outcome: &str) {
    registry.count(&list::ANSWERS, ["extractive", outcome]);
}

fn called(registry: &Registry, outcome: &str) {
    registry.count(&list::MODEL_REQUESTS, ["m", "chat", outcome]);
}

fn looked(registry: &Registry, objective: &str, outcome: &str) {
    registry.count(&list::SLO_CHECKS, [objective, outcome]);
}

fn ends(registry: &Registry, days: f64) {
    registry.set(&list::CERTIFICATE_REMAINING, ["h"], days * 86_400.0);
}

fn cpu(registry: &Registry, cores: f64) {
    registry.set(&list::PROCESS_CORES, [], 2.0);
    registry.grow(&list::PROCESS_CPU, [], cores * 15.0);
}

fn memory(registry: &Registry, share: f64) {
    registry.set(&list::PROCESS_MEMORY_MAX, [], 1e9);
    registry.set(&list::PROCESS_MEMORY, [], share * 1e9);
}

fn disk(registry: &Registry, free: f64) {
    registry.set(&list::DISK_TOTAL, [], 1e11);
    registry.set(&list::DISK_FREE, [], free * 1e11);
}

fn files(registry: &Registry, open: f64) {
    registry.set(&list::PROCESS_FILES_MAX, [], 1000.0);
    registry.set(&list::PROCESS_FILES, [], open);
}

fn started(registry: &Registry, step: u32) {
    let now = START as f64 / 1000.0 + f64::from(step) * 15.0;
    registry.set(&list::PROCESS_START, [], now - 20.0);
}

/// Plays `bad` and then `good`; gives the moments in seconds at which the rule fired and was over, if they came.
fn played(
    rule: &Rule,
    bad: Scene,
    good: Scene,
    bad_steps: u32,
    good_steps: u32,
) -> (Option<i64>, Option<i64>) {
    let (series, registry, mut board) = (Series::in_memory(), Registry::new(), Board::default());
    let rules = std::slice::from_ref(rule);
    let settings = Settings { quiet: Duration::from_secs(120) };
    let (mut fired, mut over) = (None, None);
    for step in 0..bad_steps + good_steps {
        let is_bad = step < bad_steps;
        if is_bad {
            bad(&registry, step)
        } else {
            good(&registry, step)
        }
        let now = Timestamp(START + i64::from(step) * STEP_MS);
        series.append(now, &registry.readings()).unwrap();
        // A look every minute, which is as often as matters here and four times as fast to play.
        if step % 4 != 0 {
            continue;
        }
        let met = evaluate(rules, &series.at(now), now);
        for change in board.advance(rules, &met, settings, now) {
            match change {
                Change::Fired { .. } if is_bad => fired = fired.or(Some(i64::from(step) * 15)),
                Change::Fired { .. } => {}
                Change::Resolved { .. } => over = Some(i64::from(step) * 15),
            }
        }
    }
    (fired, over)
}

#[test]
fn every_default_rule_fires_and_is_over() {
    let all = default_rules(10.0);
    for (name, ..) in SCENES {
        assert!(all.iter().any(|rule| rule.name == *name), "there is no rule {name}");
    }
    for rule in &all {
        let scene = SCENES.iter().find(|(name, ..)| *name == rule.name);
        let (_, bad, good) = scene.unwrap_or_else(|| panic!("the rule {} has no scene", rule.name));
        // The trend of the disk looks 6 hours back, what people say and cost 24 hours; the rest 30 minutes at most.
        let good_steps = match rule.name.as_str() {
            "budget-spent" | "budget-near-its-end" => 6000,
            _ => 500,
        };
        let (fired, over) = played(rule, *bad, *good, 360, good_steps);
        assert!(fired.is_some(), "{} did not fire", rule.name);
        assert!(over.is_some_and(|over| over > fired.unwrap()), "{} is not over", rule.name);
    }
}

#[test]
fn every_objective_tells_when_its_budget_burns() {
    let config = Layers::defaults().unwrap().finish().unwrap().0;
    let all = rules(&config).unwrap();
    let burning: Vec<&Rule> = all.iter().filter(|rule| rule.name.starts_with("slo-")).collect();
    assert_eq!(burning.len(), OBJECTIVES.len() * 3);
    for rule in burning {
        let (name, bad, good) =
            OBJECTIVES.iter().find(|(name, ..)| rule.name.starts_with(&format!("slo-{name}-"))).unwrap();
        // Objectives of 95 % burn at most 20 times too fast; the fast rule needs 72 % bad then, which these scenes pass.
        let (fired, over) = played(rule, *bad, *good, 300, 1700);
        assert!(fired.is_some(), "{} of {name} did not fire", rule.name);
        assert!(over.is_some_and(|over| over > fired.unwrap()), "{} is not over", rule.name);
    }
}

#[test]
fn prometheus_reads_the_same_rules() {
    let config = Layers::defaults().unwrap().finish().unwrap().0;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("alerts.yml").display().to_string();
    std::fs::write(&file, to_prometheus(&rules(&config).unwrap())).unwrap();
    match std::process::Command::new("promtool").args(["check", "rules", &file]).output() {
        Ok(said) => assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr)),
        Err(_) => println!("SKIPPED: promtool is not installed (Debian: prometheus)"),
    }
}
