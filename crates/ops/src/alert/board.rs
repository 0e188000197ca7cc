//! The life of an alert: pending while its condition has not held long enough, firing, over.
//!
//! Keeps true: `advance` is pure but for the board; the same looks at the same moments give the same changes.

use std::collections::BTreeMap;
use std::time::Duration;

use ibid_types::Timestamp;

use crate::alert::Rule;
use crate::series::Samples;

/// A rule, by its place in the list, that holds now for a subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Met {
    pub rule: usize,
    pub subject: String,
    pub value: f64,
}

/// Rule and subject.
type Place = (String, String);

/// How long a condition must be away before its alert is over, so that one that comes and goes is one alert.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub quiet: Duration,
}

/// What holds now, and since when.
#[derive(Clone, Debug, Default)]
pub struct Board {
    states: BTreeMap<Place, State>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct State {
    since: Timestamp,
    seen: Timestamp,
    is_firing: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Fired { rule: usize, name: String, subject: String, value: f64, since: Timestamp },
    Resolved { rule: String, subject: String },
}

/// What holds at the moment of the samples.
#[must_use]
pub fn evaluate(rules: &[Rule], samples: &dyn Samples, now: Timestamp) -> Vec<Met> {
    let of_rule = |(at, rule): (usize, &Rule)| {
        rule.met(samples, now)
            .into_iter()
            .map(move |(subject, value)| Met { rule: at, subject, value })
            .collect::<Vec<_>>()
    };
    rules.iter().enumerate().flat_map(of_rule).collect()
}

impl Board {
    /// Takes up an alert that fired before the process started.
    pub fn restore(&mut self, rule: &str, subject: &str, since: Timestamp, now: Timestamp) {
        let place = (rule.to_owned(), subject.to_owned());
        self.states.insert(place, State { since, seen: now, is_firing: true });
    }

    /// Goes on to `now`, at which `met` holds: what begins to fire, and what is over.
    pub fn advance(
        &mut self,
        rules: &[Rule],
        met: &[Met],
        settings: Settings,
        now: Timestamp,
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        for found in met {
            let Some(rule) = rules.get(found.rule) else { continue };
            let place = (rule.name.clone(), found.subject.clone());
            let new = State { since: now, seen: now, is_firing: false };
            let state = self.states.entry(place).or_insert(new);
            state.seen = now;
            if !state.is_firing && passed(state.since, now) >= rule.hold {
                state.is_firing = true;
                changes.push(Change::Fired {
                    rule: found.rule,
                    name: rule.name.clone(),
                    subject: found.subject.clone(),
                    value: found.value,
                    since: state.since,
                });
            }
        }
        changes.extend(self.forget(settings, now));
        changes
    }

    /// A pending one goes with its condition; a firing one when it has been quiet for long enough.
    fn forget(&mut self, settings: Settings, now: Timestamp) -> Vec<Change> {
        let mut over = Vec::new();
        self.states.retain(|(rule, subject), state| {
            let gone = state.seen < now && (!state.is_firing || passed(state.seen, now) >= settings.quiet);
            if gone && state.is_firing {
                over.push(Change::Resolved { rule: rule.clone(), subject: subject.clone() });
            }
            !gone
        });
        over
    }
}

fn passed(from: Timestamp, to: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(to.0.saturating_sub(from.0)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::Severity;

    fn rule() -> Rule {
        Rule {
            name: "hot".to_owned(),
            severity: Severity::Warning,
            conditions: Vec::new(),
            each: None,
            hold: Duration::from_secs(60),
            summary: String::new(),
            runbook: String::new(),
            priority: None,
            is_share: false,
        }
    }

    /// Looks every 30 seconds; `holds` says at which the condition held. Gives `F` and `R` where something changed.
    fn life(holds: &str) -> String {
        let (rules, mut board) = ([rule()], Board::default());
        let settings = Settings { quiet: Duration::from_secs(60) };
        let mut told = String::new();
        for (at, look) in holds.chars().enumerate() {
            let met: Vec<Met> = (look == 'x')
                .then(|| Met { rule: 0, subject: String::new(), value: 1.0 })
                .into_iter()
                .collect();
            let now = Timestamp(i64::try_from(at).unwrap() * 30_000);
            let changes = board.advance(&rules, &met, settings, now);
            told.push(match changes.first() {
                Some(Change::Fired { .. }) => 'F',
                Some(Change::Resolved { .. }) => 'R',
                None => '.',
            });
        }
        told
    }

    #[test]
    fn a_condition_must_hold_before_it_fires_and_stay_away_before_it_is_over() {
        assert_eq!(life("xx.xxxxx"), ".....F..");
        assert_eq!(life("xxx...."), "..F.R..");
        assert_eq!(life("xxx.x.x.."), "..F.....R");
        assert_eq!(life("xxxxxxx"), "..F....");
    }

    #[test]
    fn what_fired_before_a_restart_does_not_fire_again() {
        let mut board = Board::default();
        board.restore("hot", "", Timestamp(0), Timestamp(90_000));
        let met = [Met { rule: 0, subject: String::new(), value: 1.0 }];
        let settings = Settings { quiet: Duration::from_secs(60) };
        assert_eq!(board.advance(&[rule()], &met, settings, Timestamp(100_000)), []);
        let over = board.advance(&[rule()], &[], settings, Timestamp(170_000));
        assert_eq!(over, [Change::Resolved { rule: "hot".to_owned(), subject: String::new() }]);
    }
}
