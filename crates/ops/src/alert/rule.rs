//! A rule: when it holds, for how long before anybody is told, how bad it is, and what to do.

use std::time::Duration;

use ibid_types::{Error, Result, Timestamp};
use serde::{Deserialize, Serialize};

use crate::alert::Expression;
use crate::series::Samples;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Warning,
    Critical,
}

impl Severity {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// Error: `value_unknown`.
    pub fn read(name: &str) -> Result<Self> {
        [Self::Info, Self::Warning, Self::Critical]
            .into_iter()
            .find(|severity| severity.name() == name)
            .ok_or_else(|| {
                let what = format!("severity '{name}' is not known; use critical, warning or info");
                Error::bad_request("value_unknown", what)
            })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Above,
    AtLeast,
    Below,
}

impl Comparison {
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Below => "<",
        }
    }
}

/// A measured value and what it must not pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub expression: Expression,
    pub comparison: Comparison,
    pub threshold: f64,
}

impl Condition {
    #[must_use]
    pub const fn above(expression: Expression, threshold: f64) -> Self {
        Self { expression, comparison: Comparison::Above, threshold }
    }

    #[must_use]
    pub const fn at_least(expression: Expression, threshold: f64) -> Self {
        Self { expression, comparison: Comparison::AtLeast, threshold }
    }

    #[must_use]
    pub const fn below(expression: Expression, threshold: f64) -> Self {
        Self { expression, comparison: Comparison::Below, threshold }
    }

    /// The measured value where the condition holds; where nothing was measured it does not.
    fn holds(&self, samples: &dyn Samples, now: Timestamp) -> Option<f64> {
        let value = self.expression.measure(samples, now)?;
        let holds = match self.comparison {
            Comparison::Above => value > self.threshold,
            Comparison::AtLeast => value >= self.threshold,
            Comparison::Below => value < self.threshold,
        };
        holds.then_some(value)
    }

    fn to_promql(&self, each: Option<&str>) -> String {
        format!("{} {} {}", self.expression.to_promql(each), self.comparison.sign(), self.threshold)
    }
}

/// All conditions must hold, at every look, for `hold`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Lower case with hyphens, unique.
    pub name: String,
    pub severity: Severity,
    /// The first one's value is told.
    pub conditions: Vec<Condition>,
    /// The label by whose values the rule watches things apart.
    pub each: Option<String>,
    pub hold: Duration,
    /// One sentence without a full stop; `{value}` and `{subject}` stand for what was measured, and of what.
    pub summary: String,
    /// The runbook's name; empty for none.
    pub runbook: String,
    /// The priority of the incident that it opens: 0 to 3; none for no incident.
    pub priority: Option<u32>,
    /// Whether the values are shares of 1, which people read as per cent.
    pub is_share: bool,
}

impl Rule {
    /// Subject and value where the conditions hold now; the subject is empty for a rule that watches one thing.
    #[must_use]
    pub fn met(&self, samples: &dyn Samples, now: Timestamp) -> Vec<(String, f64)> {
        let Some(label) = &self.each else {
            return all_hold(&self.conditions, samples, now)
                .map(|value| (String::new(), value))
                .into_iter()
                .collect();
        };
        let mut met = Vec::new();
        for subject in self.subjects(label, samples) {
            let of_subject: Vec<Condition> = self
                .conditions
                .iter()
                .map(|condition| Condition {
                    expression: condition.expression.of(label, &subject),
                    ..condition.clone()
                })
                .collect();
            if let Some(value) = all_hold(&of_subject, samples, now) {
                met.push((subject, value));
            }
        }
        met
    }

    fn subjects(&self, label: &str, samples: &dyn Samples) -> Vec<String> {
        let selector = self.conditions.iter().flat_map(|condition| condition.expression.selectors()).next();
        let of_each = selector.map(|selector| samples.split(selector, label)).unwrap_or_default();
        of_each.into_iter().filter_map(|selector| selector.labels.get(label).cloned()).collect()
    }

    /// The sentence with its value.
    #[must_use]
    pub fn told(&self, subject: &str, value: f64) -> String {
        let value = if self.is_share { per_cent(value) } else { rounded(value) };
        self.summary.replace("{value}", &value).replace("{subject}", subject)
    }

    /// The whole condition as Prometheus reads it.
    #[must_use]
    pub fn to_promql(&self) -> String {
        let each = self.each.as_deref();
        let by = each.map_or_else(String::new, |label| format!(" on ({label})"));
        let all: Vec<String> = self.conditions.iter().map(|condition| condition.to_promql(each)).collect();
        all.join(&format!(" and{by} "))
    }
}

fn all_hold(conditions: &[Condition], samples: &dyn Samples, now: Timestamp) -> Option<f64> {
    let mut first = None;
    for condition in conditions {
        let value = condition.holds(samples, now)?;
        first = first.or(Some(value));
    }
    first
}

/// `0.123` as `12.3 %`.
#[must_use]
pub fn per_cent(share: f64) -> String {
    format!("{} %", rounded(share * 100.0))
}

/// Three digits that say something: `1234`, `12.3`, `0.012`.
fn rounded(value: f64) -> String {
    let digits = if value.abs() >= 100.0 {
        0
    } else if value.abs() >= 1.0 {
        1
    } else {
        3
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_as_people_read_them() {
        assert_eq!((per_cent(0.1234), per_cent(1.0)), ("12.3 %".to_owned(), "100 %".to_owned()));
        assert_eq!(
            (rounded(1234.5), rounded(5.0), rounded(0.0123)),
            ("1234".into(), "5".into(), "0.012".into())
        );
    }

    #[test]
    fn severities_are_ordered_and_read() {
        assert!(Severity::Critical > Severity::Warning && Severity::Warning > Severity::Info);
        assert_eq!(Severity::read("warning").unwrap(), Severity::Warning);
        assert_eq!(Severity::read("bad").unwrap_err().code, "value_unknown");
    }
}
