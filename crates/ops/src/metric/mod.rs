//! The list of metrics: name, kind, labels and a sentence for each.

/// How a metric's values are to be read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only grows, from 0 at the start of the program.
    Counter,
    Gauge,
    /// Counts by upper bounds, which are in the metric's unit and ascend.
    Histogram(&'static [f64]),
}

/// One metric, known at compile time.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// As Prometheus names it, with `_total` for counters.
    pub name: &'static str,
    pub kind: Kind,
    /// One sentence without a full stop.
    pub help: &'static str,
    pub labels: &'static [&'static str],
}
