//! What a rule may ask of the metrics, at one moment.

use std::time::Duration;

use crate::series::Selector;

/// The metrics up to one moment, "now". A window reaches from now back into the past. Every answer is over all
/// series that the selector matches; `None` where none of them has a sample in the window.
pub trait Samples {
    /// The sum of the gauges' latest values; one is forgotten after 5 minutes without a sample.
    fn value(&self, selector: &Selector) -> Option<f64>;

    /// How much the counters grew in the window, restarts of the program taken into account. A histogram's name
    /// with `_count` or `_sum` is a counter too.
    fn increase(&self, selector: &Selector, window: Duration) -> Option<f64>;

    /// The increase a second.
    fn rate(&self, selector: &Selector, window: Duration) -> Option<f64> {
        Some(self.increase(selector, window)? / window.as_secs_f64().max(1.0))
    }

    /// The value below which the share `q` (0 to 1) of what a histogram counted in the window lies, by linear
    /// interpolation inside a bucket as Prometheus does; the last finite bound when it lies beyond it. `None` also
    /// where nothing was counted.
    fn quantile(&self, selector: &Selector, q: f64, window: Duration) -> Option<f64>;

    /// The mean over time of the sum of the gauges.
    fn average(&self, selector: &Selector, window: Duration) -> Option<f64>;

    /// The largest sum of the gauges in the window.
    fn max(&self, selector: &Selector, window: Duration) -> Option<f64>;

    /// The smallest sum of the gauges in the window.
    fn min(&self, selector: &Selector, window: Duration) -> Option<f64>;

    /// Where the sum of the gauges will be after `ahead`, by the line of least squares through the window; `None`
    /// with fewer than two samples.
    fn predict(&self, selector: &Selector, window: Duration, ahead: Duration) -> Option<f64>;

    /// One selector for each value that the label has among the matching series, for rules that watch each of them.
    fn split(&self, selector: &Selector, label: &str) -> Vec<Selector>;
}
