//! Objectives: what share must be good over 30 days, how much of the rest is left, and alerts when it goes too fast.
//!
//! Multi-window, multi-burn-rate alerts as in the Site Reliability Workbook, chapter 5: a budget of 30 days that burns 14.4
//! times too fast loses 2 % within an hour, 6 times too fast 5 % within six hours; the short window ends the alert soon
//! after the cause is gone.

use std::time::Duration;

use ibid_config::Slo;
use ibid_types::Timestamp;
use serde::Serialize;

use crate::alert::{Condition, Expression, Rule, Severity};
use crate::metric::list;
use crate::series::{Samples, Selector};

const HOUR: Duration = Duration::from_secs(3600);
/// Over which a budget is counted.
pub const PERIOD: Duration = Duration::from_secs(30 * 24 * 3600);

/// Severity, factor, long window, short window.
const BURNS: [(Severity, &str, f64, Duration, Duration); 3] = [
    (Severity::Critical, "fast", 14.4, HOUR, Duration::from_secs(5 * 60)),
    (Severity::Critical, "slow", 6.0, Duration::from_secs(6 * 3600), Duration::from_secs(30 * 60)),
    (Severity::Warning, "creeping", 1.0, Duration::from_secs(3 * 24 * 3600), Duration::from_secs(6 * 3600)),
];

/// How the share of the bad is measured.
#[derive(Clone, Debug, PartialEq)]
enum Bad {
    /// Counted events among all.
    Events { bad: Selector, all: Selector },
    /// Observations above a bound.
    Above { bound: f64, of: Selector },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    pub name: &'static str,
    /// What is promised, as a sentence.
    pub promise: String,
    /// The share that must be good, 0 to 1.
    pub target: f64,
    bad: Bad,
    pub runbook: &'static str,
}

/// How an objective stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Standing {
    pub name: String,
    pub promise: String,
    pub target: f64,
    /// The good share of the last 30 days; none where nothing was counted.
    pub good: Option<f64>,
    /// How much of the error budget is left: 1 is all of it, below 0 it is overdrawn.
    pub budget_left: Option<f64>,
    /// How many times too fast it burned within the last hour.
    pub burn: Option<f64>,
}

impl Objective {
    /// The bad share within a window.
    #[must_use]
    pub fn bad_share(&self, window: Duration) -> Expression {
        match &self.bad {
            Bad::Events { bad, all } => Expression::ratio(
                Expression::Increase(bad.clone(), window),
                Expression::Increase(all.clone(), window),
            ),
            Bad::Above { bound, of } => Expression::ShareAbove(*bound, of.clone(), window),
        }
    }

    #[must_use]
    pub fn standing(&self, samples: &dyn Samples, now: Timestamp) -> Standing {
        let allowed = 1.0 - self.target;
        let bad = self.bad_share(PERIOD).measure(samples, now);
        Standing {
            name: self.name.to_owned(),
            promise: self.promise.clone(),
            target: self.target,
            good: bad.map(|bad| 1.0 - bad),
            budget_left: bad.map(|bad| 1.0 - bad / allowed),
            burn: self.bad_share(HOUR).measure(samples, now).map(|bad| bad / allowed),
        }
    }

    /// A rule for each speed at which the budget may burn.
    #[must_use]
    pub fn rules(&self) -> Vec<Rule> {
        let rule = |(severity, speed, factor, long, short): &(Severity, &str, f64, Duration, Duration)| {
            let limit = factor * (1.0 - self.target);
            Rule {
                name: format!("slo-{}-{speed}", self.name),
                severity: *severity,
                conditions: vec![
                    Condition::above(self.bad_share(*long), limit),
                    Condition::above(self.bad_share(*short), limit),
                ],
                each: None,
                hold: Duration::ZERO,
                summary: format!(
                    "{{value}} instead of at most {} break the objective {} ({factor} times too fast)",
                    crate::alert::per_cent(1.0 - self.target),
                    self.name
                ),
                runbook: self.runbook.to_owned(),
                priority: (*severity == Severity::Critical).then_some(2),
                is_share: true,
            }
        };
        BURNS.iter().map(rule).collect()
    }
}

/// The configured objectives.
#[must_use]
pub fn objectives(slo: &Slo) -> Vec<Objective> {
    let requests = Selector::new(list::HTTP_REQUESTS.0.name);
    let answers = Selector::new(list::ANSWERS.0.name);
    let mut all = vec![
        Objective {
            name: "availability",
            promise: format!("{} % of the requests do not fail", slo.availability_percent),
            target: slo.availability_percent / 100.0,
            bad: Bad::Events { bad: requests.clone().with("status", "5*"), all: requests },
            runbook: "high-error-rate",
        },
        Objective {
            name: "retrieval",
            promise: format!(
                "{} % of the searches take {} s at most",
                slo.retrieval_percent, slo.retrieval_seconds
            ),
            target: slo.retrieval_percent / 100.0,
            bad: Bad::Above { bound: slo.retrieval_seconds, of: Selector::new(list::SEARCH_DURATION.0.name) },
            runbook: "slow-answers",
        },
        Objective {
            name: "first-token",
            promise: format!(
                "{} % of the answers of models begin within {} s",
                slo.first_token_percent, slo.first_token_seconds
            ),
            target: slo.first_token_percent / 100.0,
            bad: Bad::Above {
                bound: slo.first_token_seconds,
                of: Selector::new(list::MODEL_FIRST_TOKEN.0.name),
            },
            runbook: "slow-answers",
        },
        Objective {
            name: "answers",
            promise: format!("{} % of the questions do not end in an error", slo.answers_percent),
            target: slo.answers_percent / 100.0,
            bad: Bad::Events { bad: answers.clone().with("outcome", "failed"), all: answers },
            runbook: "high-error-rate",
        },
    ];
    all.extend(looked_at(slo));
    all
}

/// Objectives over what is looked at now and then: the share of looks at which it was as it should be.
fn looked_at(slo: &Slo) -> Vec<Objective> {
    let of = |name: &'static str, promise: String, percent: f64, runbook: &'static str| {
        let looks = Selector::new(list::SLO_CHECKS.0.name).with("objective", name);
        let bad = Bad::Events { bad: looks.clone().with("outcome", "bad"), all: looks };
        Objective { name, promise, target: percent / 100.0, bad, runbook }
    };
    let behind = slo.freshness_entries_max;
    let hours = slo.backup_age_seconds_max / 3600;
    vec![
        of(
            ACCURACY,
            format!(
                "{} % of the time at least {} of what answers say is right",
                slo.accuracy_percent, slo.accuracy_min
            ),
            slo.accuracy_percent,
            "bad-answers",
        ),
        of(
            FRESHNESS,
            format!(
                "{} % of the time the indexes are at most {behind} changes behind",
                slo.freshness_percent
            ),
            slo.freshness_percent,
            "index-damaged",
        ),
        of(
            BACKUP,
            format!("{} % of the time the last backup is at most {hours} h old", slo.backup_percent),
            slo.backup_percent,
            "lost-machine",
        ),
    ]
}

/// Names of the objectives that are looked at.
pub const ACCURACY: &str = "accuracy";
pub const FRESHNESS: &str = "freshness";
pub const BACKUP: &str = "backup-age";
