//! Which series are meant: a metric's name and values of some of its labels.

use std::collections::BTreeMap;

/// Matches every series of the metric whose labels have one of the wanted values; other labels may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// As Prometheus names it: `ibid_http_requests_total`; of a histogram without suffix.
    pub name: String,
    /// Label to what it must be: an exact value, several with `|` between them, or a prefix that ends in `*`.
    pub labels: BTreeMap<String, String>,
}

impl Selector {
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), labels: BTreeMap::new() }
    }

    /// The same, only where `label` is `wanted`: a value, `a|b`, or `5*`.
    #[must_use]
    pub fn with(mut self, label: &str, wanted: &str) -> Self {
        self.labels.insert(label.to_owned(), wanted.to_owned());
        self
    }

    /// Whether a series of this metric with these labels is meant.
    #[must_use]
    pub fn matches(&self, labels: &[(String, String)]) -> bool {
        self.labels.iter().all(|(label, wanted)| {
            let value = labels.iter().find(|(name, _)| name == label).map_or("", |(_, value)| value.as_str());
            wanted.split('|').any(|wanted| is_value(wanted, value))
        })
    }
}

fn is_value(wanted: &str, value: &str) -> bool {
    wanted.strip_suffix('*').map_or(wanted == value, |prefix| value.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(wanted: &str, status: &str) -> bool {
        let labels = [("route".to_owned(), "/v1/ask".to_owned()), ("status".to_owned(), status.to_owned())];
        Selector::new("any").with("status", wanted).matches(&labels)
    }

    #[test]
    fn a_value_a_choice_or_a_prefix() {
        assert!(matches("503", "503") && !matches("503", "504"));
        assert!(matches("500|503", "503") && !matches("500|503", "504"));
        assert!(matches("5*", "504") && !matches("5*", "404"));
    }

    #[test]
    fn a_label_that_is_not_there_is_empty() {
        assert!(!Selector::new("any").with("mode", "x").matches(&[]));
        assert!(Selector::new("any").with("mode", "").matches(&[]));
    }
}
