//! The list of metrics, and the registry that counts them.
//!
//! Keeps true: every metric is an entry of the list, with a sentence and with the number of its labels in its type, so that
//! neither a name nor a label can be written wrong where something is counted, shown or watched.

pub mod list;
mod manual;
mod read;
mod registry;
mod text;

pub use manual::manual;
pub use read::read_text;
pub use registry::Registry;

/// How a metric's values are to be read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only grows, from 0 at the start of the program.
    Counter,
    Gauge,
    /// Counts by upper bounds, which ascend and are in the metric's unit.
    Histogram(&'static [f64]),
}

/// What the list says of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    /// As Prometheus names it, with `_total` for counters.
    pub name: &'static str,
    pub kind: Kind,
    /// One sentence without a full stop.
    pub help: &'static str,
    pub labels: &'static [&'static str],
}

/// A metric that only grows, with `N` labels.
#[derive(Clone, Copy, Debug)]
pub struct Counter<const N: usize>(pub Entry);

/// A metric that goes up and down, with `N` labels.
#[derive(Clone, Copy, Debug)]
pub struct Gauge<const N: usize>(pub Entry);

/// A metric of many observations, with `N` labels.
#[derive(Clone, Copy, Debug)]
pub struct Histogram<const N: usize>(pub Entry);

impl<const N: usize> Counter<N> {
    #[must_use]
    pub const fn new(name: &'static str, labels: &'static [&'static str; N], help: &'static str) -> Self {
        Self(Entry { name, kind: Kind::Counter, help, labels })
    }
}

impl<const N: usize> Gauge<N> {
    #[must_use]
    pub const fn new(name: &'static str, labels: &'static [&'static str; N], help: &'static str) -> Self {
        Self(Entry { name, kind: Kind::Gauge, help, labels })
    }
}

impl<const N: usize> Histogram<N> {
    #[must_use]
    pub const fn new(
        name: &'static str,
        labels: &'static [&'static str; N],
        bounds: &'static [f64],
        help: &'static str,
    ) -> Self {
        Self(Entry { name, kind: Kind::Histogram(bounds), help, labels })
    }
}

/// Every metric there is, in the order of the list.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    list::ROOMS.iter().flat_map(|(_, entries)| entries.iter())
}

/// The entry of that name; a histogram's may have the suffix of one of its series.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    let of_histogram = |suffix: &str| {
        let base = name.strip_suffix(suffix)?;
        all().find(|entry| entry.name == base && matches!(entry.kind, Kind::Histogram(_)))
    };
    all()
        .find(|entry| entry.name == name)
        .or_else(|| ["_bucket", "_sum", "_count"].iter().find_map(|suffix| of_histogram(suffix)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_follow_the_rule_and_are_unique() {
        let mut seen = BTreeSet::new();
        for entry in all() {
            let name = entry.name;
            let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            assert!(plain && name.starts_with("ibid_") && name.split('_').count() >= 3, "{name}");
            assert_eq!(entry.kind == Kind::Counter, name.ends_with("_total"), "{name}");
            assert!(seen.insert(name), "{name} is there twice");
        }
    }

    #[test]
    fn every_metric_has_a_sentence() {
        for entry in all() {
            let starts = entry.help.chars().next().is_some_and(char::is_uppercase);
            assert!(starts && entry.help.len() > 15 && !entry.help.ends_with('.'), "{}", entry.name);
            let help = entry.help.to_lowercase();
            for label in entry.labels {
                assert!(help.contains(&label.replace('_', " ")), "{} does not tell of {label}", entry.name);
            }
        }
    }

    #[test]
    fn bounds_ascend() {
        for entry in all() {
            if let Kind::Histogram(bounds) = entry.kind {
                assert!(bounds.is_sorted_by(|one, next| one < next) && !bounds.is_empty(), "{}", entry.name);
            }
        }
    }

    #[test]
    fn a_histogram_is_found_by_its_series() {
        assert_eq!(find("ibid_http_request_duration_seconds_bucket"), Some(&list::HTTP_DURATION.0));
        assert_eq!(find("ibid_http_requests_total"), Some(&list::HTTP_REQUESTS.0));
        assert_eq!(find("ibid_http_requests_total_sum"), None);
    }
}
