//! The metrics of a server as a command sees them: read twice, what happened in between.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use ibid_ops::metric::{Counter, Gauge, Histogram, read_text};
use ibid_ops::series::Key;
use ibid_types::Result;

use crate::context::Context;

/// All metrics at one moment.
pub struct Scrape {
    at: Instant,
    values: BTreeMap<Key, f64>,
}

/// What happened between two moments.
pub struct Between {
    before: Scrape,
    pub now: Scrape,
}

impl Scrape {
    pub fn take(context: &Context) -> Result<Self> {
        let text = context.client.get("/metrics")?.bytes()?;
        let values = read_text(&String::from_utf8_lossy(&text)).into_iter().collect();
        Ok(Self { at: Instant::now(), values })
    }

    /// The sum of a gauge over its series.
    pub fn level<const N: usize>(&self, gauge: &Gauge<N>) -> f64 {
        self.sum(gauge.0.name, |_| true)
    }

    /// The gauge where a label has a value.
    pub fn level_of<const N: usize>(&self, gauge: &Gauge<N>, label: &str, value: &str) -> f64 {
        self.sum(gauge.0.name, |key| key.label(label) == value)
    }

    /// What a counter has grown to.
    pub fn total<const N: usize>(&self, counter: &Counter<N>, chosen: impl Fn(&Key) -> bool) -> f64 {
        self.sum(counter.0.name, chosen)
    }

    /// Each value of a label.
    pub fn values_of(&self, name: &str, label: &str) -> BTreeSet<String> {
        self.values.keys().filter(|key| key.name == name).map(|key| key.label(label).to_owned()).collect()
    }

    fn sum(&self, name: &str, chosen: impl Fn(&Key) -> bool) -> f64 {
        let chosen = self.values.iter().filter(|(key, _)| key.name == name && chosen(key));
        // A sum of nothing would be -0.
        chosen.fold(0.0, |sum, (_, value)| sum + value)
    }
}

impl Between {
    pub const fn new(before: Scrape, now: Scrape) -> Self {
        Self { before, now }
    }

    fn seconds(&self) -> f64 {
        self.now.at.duration_since(self.before.at).as_secs_f64().max(0.001)
    }

    fn grown(&self, name: &str, chosen: impl Fn(&Key) -> bool) -> f64 {
        (self.now.sum(name, &chosen) - self.before.sum(name, &chosen)).max(0.0)
    }

    /// The growth of a counter a second.
    pub fn rate<const N: usize>(&self, counter: &Counter<N>, chosen: impl Fn(&Key) -> bool) -> f64 {
        self.grown(counter.0.name, chosen) / self.seconds()
    }

    /// The mean of what a histogram observed; nothing where it observed nothing.
    pub fn mean<const N: usize>(
        &self,
        histogram: &Histogram<N>,
        chosen: impl Fn(&Key) -> bool,
    ) -> Option<f64> {
        let count = self.grown(&format!("{}_count", histogram.0.name), &chosen);
        let sum = self.grown(&format!("{}_sum", histogram.0.name), &chosen);
        (count > 0.0).then(|| sum / count)
    }
}
