//! A metric over a stretch of time, as charts show it.

use std::collections::BTreeMap;

use ibid_types::{Error, Result, Timestamp};
use serde::{Deserialize, Serialize};

use crate::series::at::{buckets, quantile};
use crate::series::{Key, Selector, Series};

/// Points in one answer at most.
const POINTS_MAX: i64 = 2_000;

/// What a point says of its step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum How {
    /// The mean of a gauge.
    Average,
    /// The largest value of a gauge.
    Max,
    /// How much a counter grew.
    Increase,
    /// How much a counter grew a second.
    Rate,
    /// The quantile of a histogram, 0 to 1.
    Quantile(f64),
}

/// What is asked for: points at `from + step`, `from + 2 step`, ..., each of the step before it.
#[derive(Clone, Debug)]
pub struct Range {
    pub selector: Selector,
    pub how: How,
    pub from: Timestamp,
    pub to: Timestamp,
    pub step_ms: i64,
}

/// The end of a step in milliseconds since 1970, and its value; none where there are no samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub at: i64,
    pub value: Option<f64>,
}

impl Range {
    fn points(&self) -> i64 {
        (self.to.0 - self.from.0).max(0) / self.step_ms.max(1)
    }

    /// The step that a moment belongs to.
    fn step_of(&self, time: i64) -> usize {
        usize::try_from((time - self.from.0 - 1).max(0) / self.step_ms.max(1)).unwrap_or(0)
    }
}

impl Series {
    /// The points of one line. Error: `series_range`.
    pub fn range(&self, range: &Range) -> Result<Vec<Point>> {
        if range.step_ms < 1_000 || range.to < range.from || range.points() > POINTS_MAX {
            let what = format!(
                "a range gives at most {POINTS_MAX} points, at least a second apart, and ends after its start; \
                 choose a longer step or a shorter range"
            );
            return Err(Error::bad_request("series_range", what));
        }
        let steps = usize::try_from(range.points()).unwrap_or(0);
        let values = match range.how {
            How::Quantile(q) => self.quantiles(range, q, steps),
            how => self.folded(range, how, steps),
        };
        let at = |step: i64| range.from.0 + step * range.step_ms;
        Ok((1..).zip(values).map(|(step, value)| Point { at: at(step), value }).collect())
    }

    fn folded(&self, range: &Range, how: How, steps: usize) -> Vec<Option<f64>> {
        let mut folds: Vec<Fold> = vec![Fold::default(); steps];
        for (time, sum) in self.sums(&range.selector, range.from.0, range.to.0) {
            if let Some(fold) = folds.get_mut(range.step_of(time)) {
                fold.add(sum);
            }
        }
        let seconds = range.step_ms as f64 / 1000.0;
        folds.into_iter().map(|fold| fold.value(how, seconds)).collect()
    }

    fn quantiles(&self, range: &Range, q: f64, steps: usize) -> Vec<Option<f64>> {
        let selector = buckets(&range.selector);
        let keys = self.keys(&selector, range.from, range.to);
        let bounds: BTreeMap<&str, f64> =
            keys.iter().filter_map(|key| Some((key.label("le"), key.label("le").parse().ok()?))).collect();
        let mut counted = vec![Vec::with_capacity(bounds.len()); steps];
        for (label, bound) in bounds {
            for (time, sum) in self.sums(&selector.clone().with("le", label), range.from.0, range.to.0) {
                if let Some(counted) = counted.get_mut(range.step_of(time)) {
                    counted.push((bound, sum));
                }
            }
        }
        counted.into_iter().map(|mut counted| quantile(&mut counted, q)).collect()
    }

    /// The values that a label has among the selected series in the range, to draw a line for each.
    #[must_use]
    pub fn label_values(&self, range: &Range, label: &str) -> Vec<String> {
        let selector = match range.how {
            How::Quantile(_) => buckets(&range.selector),
            _ => range.selector.clone(),
        };
        let keys = self.keys(&selector, range.from, range.to);
        let mut values: Vec<String> = keys.iter().map(|key: &Key| key.label(label).to_owned()).collect();
        values.sort_unstable();
        values.dedup();
        values
    }
}

/// What the samples of a step come to.
#[derive(Clone, Debug, Default)]
struct Fold {
    count: u32,
    sum: f64,
    max: f64,
}

impl Fold {
    fn add(&mut self, value: f64) {
        self.max = if self.count == 0 { value } else { self.max.max(value) };
        self.count += 1;
        self.sum += value;
    }

    fn value(&self, how: How, seconds: f64) -> Option<f64> {
        (self.count > 0).then(|| match how {
            How::Average | How::Quantile(_) => self.sum / f64::from(self.count),
            How::Max => self.max,
            How::Increase => self.sum,
            How::Rate => self.sum / seconds,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::Reading;

    fn range(name: &str, how: How, to: i64, step_ms: i64) -> Range {
        Range { selector: Selector::new(name), how, from: Timestamp(0), to: Timestamp(to), step_ms }
    }

    fn filled() -> Series {
        let series = Series::in_memory();
        for at in 1..=8_u32 {
            let readings = [
                Reading::gauge("g", &[], f64::from(at)),
                Reading::counter("c", &[], f64::from(at) * 2.0),
                Reading::counter("h_bucket", &[("le", "1")], f64::from(at)),
            ];
            series.append(Timestamp(i64::from(at) * 1_000), &readings).unwrap();
        }
        series
    }

    fn values(name: &str, how: How) -> Vec<Option<f64>> {
        let points = filled().range(&range(name, how, 12_000, 4_000)).unwrap();
        points.into_iter().map(|point| point.value).collect()
    }

    #[test]
    fn each_point_is_of_the_step_before_it() {
        assert_eq!(values("g", How::Average), [Some(2.5), Some(6.5), None]);
        assert_eq!(values("g", How::Max), [Some(4.0), Some(8.0), None]);
        assert_eq!(values("c", How::Increase), [Some(8.0), Some(8.0), None]);
        assert_eq!(values("c", How::Rate), [Some(2.0), Some(2.0), None]);
        assert_eq!(values("h", How::Quantile(0.5)), [Some(0.5), Some(0.5), None]);
    }

    #[test]
    fn too_many_points_are_refused() {
        let refused = |to, step| filled().range(&range("g", How::Average, to, step)).unwrap_err().code;
        assert_eq!(refused(10_000_000, 1_000), "series_range");
        assert_eq!(refused(10, 1), "series_range");
        assert_eq!(refused(-1, 1_000), "series_range");
    }
}
