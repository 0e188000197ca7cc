//! The samples up to one moment, as rules see them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ibid_types::Timestamp;

use crate::series::{Samples, Selector, Series};

/// A gauge without a sample for so long is not known any more, as in Prometheus.
const STALE: Duration = Duration::from_secs(300);

/// The store as it was, or is, at one moment.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    series: &'a Series,
    now: Timestamp,
}

impl<'a> At<'a> {
    pub(super) const fn new(series: &'a Series, now: Timestamp) -> Self {
        Self { series, now }
    }

    fn sums(&self, selector: &Selector, window: Duration) -> Vec<(i64, f64)> {
        self.series.sums(selector, self.start(window), self.now.0)
    }

    fn start(&self, window: Duration) -> i64 {
        self.now.0.saturating_sub(i64::try_from(window.as_millis()).unwrap_or(i64::MAX))
    }
}

impl Samples for At<'_> {
    fn value(&self, selector: &Selector) -> Option<f64> {
        self.sums(selector, STALE).last().map(|(_, sum)| *sum)
    }

    fn increase(&self, selector: &Selector, window: Duration) -> Option<f64> {
        let growth = self.series.growth(selector, self.start(window), self.now.0);
        (!growth.is_empty()).then(|| growth.values().sum())
    }

    fn quantile(&self, selector: &Selector, q: f64, window: Duration) -> Option<f64> {
        let growth = self.series.growth(&buckets(selector), self.start(window), self.now.0);
        let mut counted: Vec<(f64, f64)> = Vec::new();
        for (key, grown) in growth {
            counted.push((key.label("le").parse().ok()?, grown));
        }
        quantile(&mut counted, q)
    }

    fn average(&self, selector: &Selector, window: Duration) -> Option<f64> {
        let sums = self.sums(selector, window);
        let count = u32::try_from(sums.len()).ok().filter(|count| *count > 0)?;
        Some(sums.iter().map(|(_, sum)| sum).sum::<f64>() / f64::from(count))
    }

    fn max(&self, selector: &Selector, window: Duration) -> Option<f64> {
        self.sums(selector, window).into_iter().map(|(_, sum)| sum).reduce(f64::max)
    }

    fn min(&self, selector: &Selector, window: Duration) -> Option<f64> {
        self.sums(selector, window).into_iter().map(|(_, sum)| sum).reduce(f64::min)
    }

    fn predict(&self, selector: &Selector, window: Duration, ahead: Duration) -> Option<f64> {
        let now = self.now.0;
        let points: Vec<(f64, f64)> = self
            .sums(selector, window)
            .into_iter()
            .map(|(time, sum)| ((time - now) as f64 / 1000.0, sum))
            .collect();
        on_line(&points, ahead.as_secs_f64())
    }

    fn split(&self, selector: &Selector, label: &str) -> Vec<Selector> {
        let keys = self.series.keys(selector, Timestamp(self.start(STALE)), self.now);
        let values: BTreeSet<&str> = keys.iter().map(|key| key.label(label)).collect();
        values.into_iter().map(|value| selector.clone().with(label, value)).collect()
    }
}

/// The same series, of the histogram's buckets.
pub(super) fn buckets(selector: &Selector) -> Selector {
    Selector { name: format!("{}_bucket", selector.name), labels: selector.labels.clone() }
}

/// The value below which the share `q` of what was counted lies. `counted` holds upper bounds and how many are between
/// the bound below and this one; bounds may come more than once.
pub(super) fn quantile(counted: &mut [(f64, f64)], q: f64) -> Option<f64> {
    let mut bounds: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
    for (bound, count) in counted {
        // Bounds are not negative, so that their bits are in their order.
        bounds.entry(bound.max(0.0).to_bits()).or_insert((*bound, 0.0)).1 += *count;
    }
    let all: f64 = bounds.values().map(|(_, count)| count).sum();
    if all <= 0.0 {
        return None;
    }
    let rank = q.clamp(0.0, 1.0) * all;
    let (mut below, mut seen) = (0.0, 0.0);
    for (bound, count) in bounds.into_values() {
        if seen + count >= rank && count > 0.0 {
            let inside = if bound.is_finite() { (rank - seen) / count * (bound - below) } else { 0.0 };
            return Some(below + inside);
        }
        seen += count;
        if bound.is_finite() {
            below = bound;
        }
    }
    Some(below)
}

/// The least-squares line through `(x, y)`, at `x`.
fn on_line(points: &[(f64, f64)], x: f64) -> Option<f64> {
    let count = points.len() as f64;
    if points.len() < 2 {
        return None;
    }
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (mean_x, mean_y) = (mean(|point| point.0), mean(|point| point.1));
    let (mut covariance, mut variance) = (0.0, 0.0);
    for (x, y) in points {
        covariance += (x - mean_x) * (y - mean_y);
        variance += (x - mean_x) * (x - mean_x);
    }
    (variance > 0.0).then(|| mean_y + covariance / variance * (x - mean_x))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::Reading;

    const START: i64 = 1_767_225_600_000;
    const MINUTE: Duration = Duration::from_secs(60);

    fn after(seconds: i64) -> Timestamp {
        Timestamp(START + seconds * 1000)
    }

    /// One sample every 15 seconds of what `readings` gives for its number.
    fn filled(samples: u32, readings: impl Fn(f64) -> Vec<Reading>) -> Series {
        let series = Series::in_memory();
        for at in 0..samples {
            series.append(after(i64::from(at) * 15), &readings(f64::from(at))).unwrap();
        }
        series
    }

    #[test]
    fn a_value_is_the_sum_of_the_latest_until_it_is_stale() {
        let series = filled(3, |at| {
            vec![Reading::gauge("g", &[("a", "x")], at), Reading::gauge("g", &[("a", "y")], 10.0)]
        });
        let value = |seconds, selector: &Selector| series.at(after(seconds)).value(selector);
        assert_eq!(value(30, &Selector::new("g")), Some(12.0));
        assert_eq!(value(15, &Selector::new("g")), Some(11.0));
        assert_eq!(value(30, &Selector::new("g").with("a", "x")), Some(2.0));
        assert_eq!(value(331, &Selector::new("g")), None);
        assert_eq!(value(30, &Selector::new("other")), None);
    }

    #[test]
    fn a_rate_survives_a_restart() {
        // Grows by 3 each sample and begins anew after the fourth.
        let series = filled(9, |at| vec![Reading::counter("c_total", &[], 3.0 * (at % 4.0 + 1.0))]);
        let at = series.at(after(120));
        let selector = Selector::new("c_total");
        assert_eq!(at.increase(&selector, MINUTE), Some(12.0));
        assert_eq!(at.rate(&selector, MINUTE), Some(0.2));
        assert_eq!(at.increase(&selector, 10 * MINUTE), Some(27.0));
    }

    #[test]
    fn quantiles_are_those_of_prometheus() {
        // 10 up to 1, 10 up to 2, none beyond.
        let mut counted = [(1.0, 10.0), (2.0, 6.0), (2.0, 4.0), (f64::INFINITY, 0.0)];
        assert_eq!(quantile(&mut counted, 0.5), Some(1.0));
        assert_eq!(quantile(&mut counted, 0.95), Some(1.9));
        assert_eq!(quantile(&mut counted, 0.25), Some(0.5));
        assert_eq!(quantile(&mut [(1.0, 1.0), (f64::INFINITY, 9.0)], 0.9), Some(1.0));
        assert_eq!(quantile(&mut [(1.0, 0.0)], 0.5), None);
    }

    #[test]
    fn a_quantile_is_over_the_window_only() {
        let series = filled(9, |at| {
            let slow = if at >= 4.0 { (at - 3.0) * 10.0 } else { 0.0 };
            vec![
                Reading::counter("h_bucket", &[("le", "1")], 100.0),
                Reading::counter("h_bucket", &[("le", "4")], slow),
                Reading::counter("h_bucket", &[("le", "+Inf")], 0.0),
            ]
        });
        let at = series.at(after(120));
        assert_eq!(at.quantile(&Selector::new("h"), 0.5, MINUTE), Some(2.5));
        assert!(at.quantile(&Selector::new("h"), 0.5, 10 * MINUTE).is_some_and(|seconds| seconds < 1.0));
        assert_eq!(at.quantile(&Selector::new("none"), 0.5, MINUTE), None);
    }

    #[test]
    fn windows_of_gauges() {
        let series = filled(9, |at| vec![Reading::gauge("g", &[], at)]);
        let at = series.at(after(120));
        let selector = Selector::new("g");
        assert_eq!(at.average(&selector, MINUTE), Some(6.5));
        assert_eq!((at.min(&selector, MINUTE), at.max(&selector, MINUTE)), (Some(5.0), Some(8.0)));
        let in_a_minute = at.predict(&selector, 2 * MINUTE, MINUTE).unwrap();
        assert!((in_a_minute - 12.0).abs() < 1e-9, "{in_a_minute}");
        assert_eq!(at.predict(&selector, Duration::from_secs(15), MINUTE), None);
    }

    #[test]
    fn a_rule_can_watch_each_value_of_a_label() {
        let series = filled(1, |_| {
            vec![Reading::gauge("g", &[("a", "y")], 1.0), Reading::gauge("g", &[("a", "x")], 1.0)]
        });
        let all = series.at(after(0)).split(&Selector::new("g"), "a");
        assert_eq!(all, [Selector::new("g").with("a", "x"), Selector::new("g").with("a", "y")]);
    }
}
