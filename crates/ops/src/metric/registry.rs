//! What the metrics have come to.
//!
//! Keeps true: a metric has at most [`SERIES_MAX`] series; what would be another is counted under labels `other`, so that
//! no caller can fill the memory. Counting takes a lock for reading and one allocation.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use super::{Counter, Entry, Gauge, Histogram, Kind};
use crate::series::Reading;

/// Series of one metric at most.
const SERIES_MAX: usize = 500;
/// What stands between the values of labels in a cell's key.
const BETWEEN: char = '\0';

/// The values of all metrics of the list. One for each application.
#[derive(Debug)]
pub struct Registry {
    families: HashMap<&'static str, Family>,
}

#[derive(Debug)]
struct Family {
    entry: &'static Entry,
    cells: RwLock<HashMap<String, Arc<Cell>>>,
}

/// The value of one series.
#[derive(Debug)]
struct Cell {
    /// A float's bits: the value, or the sum of what a histogram observed.
    value: AtomicU64,
    /// How many observations are up to each bound and above the one before; the last has no bound.
    counts: Vec<AtomicU64>,
}

/// What a series has come to, for those who write it down.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figure {
    pub entry: &'static Entry,
    pub labels: Vec<String>,
    pub value: f64,
    pub counts: Vec<u64>,
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl Registry {
    #[must_use]
    pub fn new() -> Self {
        let families = super::all().map(|entry| (entry.name, Family { entry, cells: RwLock::default() }));
        Self { families: families.collect() }
    }

    /// Lets a counter grow by 1.
    pub fn count<const N: usize>(&self, counter: &Counter<N>, labels: [&str; N]) {
        self.grow(counter, labels, 1.0);
    }

    /// Lets a counter grow; a negative amount is left out.
    pub fn grow<const N: usize>(&self, counter: &Counter<N>, labels: [&str; N], amount: f64) {
        if amount >= 0.0 {
            self.cell(&counter.0, &labels).add(amount);
        }
    }

    /// Brings a counter to what another has counted.
    pub fn bring<const N: usize>(&self, counter: &Counter<N>, labels: [&str; N], total: f64) {
        self.cell(&counter.0, &labels).set(total);
    }

    pub fn set<const N: usize>(&self, gauge: &Gauge<N>, labels: [&str; N], value: f64) {
        self.cell(&gauge.0, &labels).set(value);
    }

    /// Moves a gauge up or down.
    pub fn shift<const N: usize>(&self, gauge: &Gauge<N>, labels: [&str; N], by: f64) {
        self.cell(&gauge.0, &labels).add(by);
    }

    pub fn observe<const N: usize>(&self, histogram: &Histogram<N>, labels: [&str; N], value: f64) {
        let Kind::Histogram(bounds) = histogram.0.kind else { return };
        let cell = self.cell(&histogram.0, &labels);
        let at = bounds.partition_point(|bound| *bound < value);
        if let Some(count) = cell.counts.get(at) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        cell.add(value);
    }

    /// What a counter has grown to, over all its series.
    #[must_use]
    pub fn total<const N: usize>(&self, counter: &Counter<N>) -> f64 {
        let cells = self.families.get(counter.0.name).map(|family| family.cells.read());
        cells.map_or(0.0, |cells| cells.values().map(|cell| cell.get()).sum())
    }

    /// The value of a gauge; 0 where it was never set.
    #[must_use]
    pub fn level<const N: usize>(&self, gauge: &Gauge<N>, labels: [&str; N]) -> f64 {
        let key = key(&labels);
        let family = self.families.get(gauge.0.name);
        family.and_then(|family| Some(family.cells.read().get(&key)?.get())).unwrap_or(0.0)
    }

    /// Every series with its value, as [`crate::series::Series`] takes them. The buckets of a histogram are each for
    /// itself, not added up.
    #[must_use]
    pub fn readings(&self) -> Vec<Reading> {
        let mut readings = Vec::new();
        for figure in self.figures() {
            let values: Vec<&str> = figure.labels.iter().map(String::as_str).collect();
            let labels: Vec<(&str, &str)> = figure.entry.labels.iter().copied().zip(values).collect();
            let name = figure.entry.name;
            match figure.entry.kind {
                Kind::Counter => readings.push(Reading::counter(name, &labels, figure.value)),
                Kind::Gauge => readings.push(Reading::gauge(name, &labels, figure.value)),
                Kind::Histogram(bounds) => {
                    let all: u64 = figure.counts.iter().sum();
                    readings.push(Reading::counter(&format!("{name}_sum"), &labels, figure.value));
                    readings.push(Reading::counter(&format!("{name}_count"), &labels, all as f64));
                    for (count, bound) in figure.counts.iter().zip(bound_texts(bounds)) {
                        let mut labels = labels.clone();
                        labels.push(("le", &bound));
                        readings.push(Reading::counter(&format!("{name}_bucket"), &labels, *count as f64));
                    }
                }
            }
        }
        readings
    }

    /// What Prometheus reads.
    #[must_use]
    pub fn text(&self) -> String {
        super::text::text(&self.figures())
    }

    /// Every series in the order of the list, ordered by labels within a metric.
    fn figures(&self) -> Vec<Figure> {
        let mut figures = Vec::new();
        for family in super::all().filter_map(|entry| self.families.get(entry.name)) {
            let cells = family.cells.read();
            let mut cells: Vec<_> = cells.iter().collect();
            cells.sort_unstable_by_key(|(key, _)| *key);
            figures.extend(cells.into_iter().map(|(key, cell)| cell.figure(family.entry, key)));
        }
        figures
    }

    fn cell(&self, entry: &Entry, labels: &[&str]) -> Arc<Cell> {
        let Some(family) = self.families.get(entry.name) else { return Arc::new(Cell::of(entry)) };
        let key = key(labels);
        if let Some(cell) = family.cells.read().get(&key) {
            return Arc::clone(cell);
        }
        let mut cells = family.cells.write();
        let is_full = cells.len() >= SERIES_MAX && !cells.contains_key(&key);
        let key = if is_full { vec!["other"; labels.len()].join("\0") } else { key };
        Arc::clone(cells.entry(key).or_insert_with(|| Arc::new(Cell::of(family.entry))))
    }
}

/// The values with a byte between them that none of them may hold.
fn key(labels: &[&str]) -> String {
    let mut key = String::with_capacity(labels.iter().map(|label| label.len() + 1).sum());
    for (at, label) in labels.iter().enumerate() {
        if at > 0 {
            key.push(BETWEEN);
        }
        key.extend(label.chars().filter(|c| *c != BETWEEN));
    }
    key
}

/// The bounds as labels, the last of them `+Inf`.
pub(super) fn bound_texts(bounds: &[f64]) -> impl Iterator<Item = String> {
    bounds.iter().map(ToString::to_string).chain(std::iter::once("+Inf".to_owned()))
}

impl Cell {
    fn of(entry: &Entry) -> Self {
        let buckets = match entry.kind {
            Kind::Histogram(bounds) => bounds.len() + 1,
            Kind::Counter | Kind::Gauge => 0,
        };
        Self { value: AtomicU64::new(0), counts: (0..buckets).map(|_| AtomicU64::new(0)).collect() }
    }

    fn get(&self) -> f64 {
        f64::from_bits(self.value.load(Ordering::Relaxed))
    }

    fn set(&self, value: f64) {
        self.value.store(value.to_bits(), Ordering::Relaxed);
    }

    fn add(&self, amount: f64) {
        let added = |bits| Some((f64::from_bits(bits) + amount).to_bits());
        // The closure always gives a value, so this cannot fail.
        let _ = self.value.fetch_update(Ordering::Relaxed, Ordering::Relaxed, added);
    }

    fn figure(&self, entry: &'static Entry, key: &str) -> Figure {
        let labels = match entry.labels.len() {
            0 => Vec::new(),
            _ => key.split(BETWEEN).map(ToOwned::to_owned).collect(),
        };
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        Figure { entry, labels, value: self.get(), counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::list;

    #[test]
    fn counters_gauges_and_histograms() {
        let registry = Registry::new();
        registry.count(&list::FEEDBACK, ["up"]);
        registry.grow(&list::FEEDBACK, ["up"], 2.5);
        registry.grow(&list::FEEDBACK, ["down"], -1.0);
        registry.shift(&list::HTTP_RUNNING, [], 3.0);
        registry.shift(&list::HTTP_RUNNING, [], -1.0);
        assert_eq!(registry.total(&list::FEEDBACK), 3.5);
        assert_eq!(registry.level(&list::HTTP_RUNNING, []), 2.0);
        registry.observe(&list::HTTP_DURATION, ["/v1/ask"], 0.5);
        registry.observe(&list::HTTP_DURATION, ["/v1/ask"], 1000.0);
        let readings = registry.readings();
        let value = |name: &str, le: &str| {
            readings.iter().find(|r| r.key.name == name && r.key.label("le") == le).map(|r| r.value)
        };
        assert_eq!(value("ibid_http_request_duration_seconds_bucket", "0.5"), Some(1.0));
        assert_eq!(value("ibid_http_request_duration_seconds_bucket", "1"), Some(0.0));
        assert_eq!(value("ibid_http_request_duration_seconds_bucket", "+Inf"), Some(1.0));
        assert_eq!(value("ibid_http_request_duration_seconds_count", ""), Some(2.0));
        assert_eq!(value("ibid_http_request_duration_seconds_sum", ""), Some(1000.5));
    }

    #[test]
    fn labels_without_end_are_counted_as_others() {
        let registry = Registry::new();
        for number in 0..2 * SERIES_MAX {
            registry.count(&list::SEARCHES, [&number.to_string()]);
        }
        let readings = registry.readings();
        assert_eq!(readings.len(), SERIES_MAX + 1);
        let other = readings.iter().find(|reading| reading.key.label("outcome") == "other").unwrap();
        assert_eq!(other.value, SERIES_MAX as f64);
    }

    #[test]
    fn threads_lose_no_count() {
        let registry = Registry::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1000).for_each(|_| registry.count(&list::CITATIONS, [])));
            }
        });
        assert_eq!(registry.total(&list::CITATIONS), 4000.0);
    }
}
