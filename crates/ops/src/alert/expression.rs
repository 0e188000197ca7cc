//! What a rule measures: a small tree over the questions that the samples answer, and the same in Prometheus' language.

use std::fmt;
use std::time::Duration;

use ibid_types::Timestamp;

use crate::metric::{self, Kind};
use crate::series::{Samples, Selector};

#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// The sum of gauges now.
    Value(Selector),
    /// How much counters grew in a window.
    Increase(Selector, Duration),
    /// The same a second.
    Rate(Selector, Duration),
    /// The value below which a share of a histogram's observations lies.
    Quantile(f64, Selector, Duration),
    /// The share of a histogram's observations in a window that were above a bound of it.
    ShareAbove(f64, Selector, Duration),
    /// The mean of gauges over a window.
    Average(Selector, Duration),
    /// Where gauges will be after the second duration, by the trend of the first.
    Predict(Selector, Duration, Duration),
    /// Seconds since the moment that a gauge holds, in seconds since 1970.
    Age(Selector),
    /// The first by the second; nothing where the second is 0, 0 where only the first is not known.
    Ratio(Box<Self>, Box<Self>),
    /// 1 without it.
    Rest(Box<Self>),
}

impl Expression {
    #[must_use]
    pub fn ratio(part: Self, whole: Self) -> Self {
        Self::Ratio(Box::new(part), Box::new(whole))
    }

    /// The value at the moment of the samples, which is `now`; `None` where nothing was measured.
    #[must_use]
    pub fn measure(&self, samples: &dyn Samples, now: Timestamp) -> Option<f64> {
        match self {
            Self::Value(of) => samples.value(of),
            Self::Increase(of, window) => samples.increase(of, *window),
            Self::Rate(of, window) => samples.rate(of, *window),
            Self::Quantile(q, of, window) => samples.quantile(of, *q, *window),
            Self::ShareAbove(bound, of, window) => share_above(samples, *bound, of, *window),
            Self::Average(of, window) => samples.average(of, *window),
            Self::Predict(of, window, ahead) => samples.predict(of, *window, *ahead),
            Self::Age(of) => samples.value(of).filter(|at| *at > 0.0).map(|at| now.0 as f64 / 1000.0 - at),
            Self::Ratio(part, whole) => {
                let whole = whole.measure(samples, now).filter(|whole| *whole != 0.0)?;
                Some(part.measure(samples, now).unwrap_or(0.0) / whole)
            }
            Self::Rest(share) => share.measure(samples, now).map(|share| 1.0 - share),
        }
    }

    /// Every selector in it.
    #[must_use]
    pub fn selectors(&self) -> Vec<&Selector> {
        match self {
            Self::Value(of)
            | Self::Increase(of, _)
            | Self::Rate(of, _)
            | Self::Quantile(_, of, _)
            | Self::ShareAbove(_, of, _)
            | Self::Average(of, _)
            | Self::Predict(of, _, _)
            | Self::Age(of) => vec![of],
            Self::Ratio(part, whole) => [part.selectors(), whole.selectors()].concat(),
            Self::Rest(share) => share.selectors(),
        }
    }

    /// The same over one value of a label, for the metrics that have it.
    #[must_use]
    pub fn of(&self, label: &str, value: &str) -> Self {
        let of = |selector: &Selector| {
            let has = metric::find(&selector.name).is_some_and(|entry| entry.labels.contains(&label));
            if has { selector.clone().with(label, value) } else { selector.clone() }
        };
        match self {
            Self::Value(s) => Self::Value(of(s)),
            Self::Increase(s, window) => Self::Increase(of(s), *window),
            Self::Rate(s, window) => Self::Rate(of(s), *window),
            Self::Quantile(q, s, window) => Self::Quantile(*q, of(s), *window),
            Self::ShareAbove(bound, s, window) => Self::ShareAbove(*bound, of(s), *window),
            Self::Average(s, window) => Self::Average(of(s), *window),
            Self::Predict(s, window, ahead) => Self::Predict(of(s), *window, *ahead),
            Self::Age(s) => Self::Age(of(s)),
            Self::Ratio(part, whole) => Self::ratio(part.of(label, value), whole.of(label, value)),
            Self::Rest(share) => Self::Rest(Box::new(share.of(label, value))),
        }
    }

    /// As Prometheus reads it; `each` is the label by which the series stay apart.
    #[must_use]
    pub fn to_promql(&self, each: Option<&str>) -> String {
        let sum = |inner: String| match each {
            Some(label) => format!("sum by ({label}) ({inner})"),
            None => format!("sum({inner})"),
        };
        match self {
            Self::Value(of) => sum(promql(of, "")),
            Self::Increase(of, window) => sum(format!("increase({})", ranged(of, "", *window))),
            Self::Rate(of, window) => sum(format!("rate({})", ranged(of, "", *window))),
            Self::Quantile(q, of, window) => {
                let by = each.map_or_else(String::new, |label| format!(", {label}"));
                format!("histogram_quantile({q}, sum by (le{by}) (rate({})))", ranged(of, "_bucket", *window))
            }
            Self::ShareAbove(bound, of, window) => {
                let below = sum(format!(
                    "rate({})",
                    ranged(&of.clone().with("le", &bound.to_string()), "_bucket", *window)
                ));
                format!("(1 - {below} / {})", sum(format!("rate({})", ranged(of, "_count", *window))))
            }
            Self::Average(of, window) => sum(format!("avg_over_time({})", ranged(of, "", *window))),
            Self::Predict(of, window, ahead) => {
                sum(format!("predict_linear({}, {})", ranged(of, "", *window), ahead.as_secs()))
            }
            Self::Age(of) => format!("(time() - {} > 0)", promql(of, "")),
            Self::Ratio(part, whole) => {
                format!("({} / {})", part.to_promql(each), whole.to_promql(each))
            }
            Self::Rest(share) => format!("(1 - {})", share.to_promql(each)),
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_promql(None))
    }
}

/// The buckets of the store are each for itself: those up to the bound are the good ones.
fn share_above(samples: &dyn Samples, bound: f64, of: &Selector, window: Duration) -> Option<f64> {
    let Kind::Histogram(bounds) = metric::find(&of.name)?.kind else { return None };
    let within: Vec<String> =
        bounds.iter().filter(|upper| **upper <= bound).map(ToString::to_string).collect();
    let named = |suffix: &str| Selector { name: format!("{}{suffix}", of.name), labels: of.labels.clone() };
    let all = samples.increase(&named("_count"), window).filter(|all| *all > 0.0)?;
    let good = samples.increase(&named("_bucket").with("le", &within.join("|")), window).unwrap_or(0.0);
    Some((1.0 - good / all).clamp(0.0, 1.0))
}

fn ranged(of: &Selector, suffix: &str, window: Duration) -> String {
    format!("{}[{}s]", promql(of, suffix), window.as_secs())
}

/// A selector's choices and prefixes are regular expressions there.
fn promql(of: &Selector, suffix: &str) -> String {
    let label = |(name, wanted): (&String, &String)| match wanted.contains(['|', '*']) {
        false => format!("{name}={wanted:?}"),
        true => format!("{name}=~{:?}", wanted.replace('.', "\\.").replace('*', ".*")),
    };
    let labels: Vec<String> = of.labels.iter().map(label).collect();
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    format!("{}{suffix}{labels}", of.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(300);

    #[test]
    fn prometheus_reads_the_same() {
        let requests = || Selector::new("ibid_http_requests_total");
        let errors = Expression::Increase(requests().with("status", "5*"), WINDOW);
        let ratio = Expression::ratio(errors, Expression::Increase(requests(), WINDOW));
        assert_eq!(
            ratio.to_string(),
            r#"(sum(increase(ibid_http_requests_total{status=~"5.*"}[300s])) / sum(increase(ibid_http_requests_total[300s])))"#
        );
        let slow = Expression::Quantile(0.95, Selector::new("ibid_http_request_duration_seconds"), WINDOW);
        assert_eq!(
            slow.to_promql(Some("route")),
            "histogram_quantile(0.95, sum by (le, route) (rate(ibid_http_request_duration_seconds_bucket[300s])))"
        );
    }

    #[test]
    fn a_label_goes_only_to_metrics_that_have_it() {
        let cpu = Expression::ratio(
            Expression::Rate(Selector::new("ibid_model_requests_total"), WINDOW),
            Expression::Value(Selector::new("ibid_process_cpu_cores")),
        );
        let of = cpu.of("provider", "x");
        let labels: Vec<usize> = of.selectors().iter().map(|selector| selector.labels.len()).collect();
        assert_eq!(labels, [1, 0]);
    }
}
