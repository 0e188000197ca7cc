//! Panels: a title, a unit and queries over metrics of the list.

use crate::metric::{Counter, Entry, Gauge, Histogram};

/// The window of rates, as Grafana fills it in.
const WINDOW: &str = "$__rate_interval";

#[derive(Clone, Debug)]
pub struct Panel {
    pub title: &'static str,
    pub unit: Unit,
    pub queries: Vec<Query>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Number,
    PerSecond,
    Seconds,
    Bytes,
    /// 0 to 1.
    Share,
    Dollars,
}

/// A line, or one for each value of a label.
#[derive(Clone, Debug)]
pub struct Query {
    pub expression: String,
    pub legend: String,
    /// What it is over.
    pub entry: Entry,
}

impl Panel {
    #[must_use]
    pub const fn new(title: &'static str, unit: Unit, queries: Vec<Query>) -> Self {
        Self { title, unit, queries }
    }
}

/// The growth of a counter a second; `by` is a label or empty.
#[must_use]
pub fn rate<const N: usize>(counter: &Counter<N>, by: &str) -> Query {
    of(counter.0, by, &format!("rate({}[{WINDOW}])", counter.0.name))
}

/// The growth of a counter a second where a label is as it must be (a regular expression).
#[must_use]
pub fn rate_where<const N: usize>(counter: &Counter<N>, label: &str, wanted: &str, by: &str) -> Query {
    let selected = selected(counter.0, label, wanted);
    let mut query = of(counter.0, by, &format!("rate({selected}[{WINDOW}])"));
    if by.is_empty() {
        wanted.clone_into(&mut query.legend);
    }
    query
}

/// How much a counter grew in an hour.
#[must_use]
pub fn hourly<const N: usize>(counter: &Counter<N>, by: &str) -> Query {
    of(counter.0, by, &format!("increase({}[1h])", counter.0.name))
}

/// The level of a gauge.
#[must_use]
pub fn level<const N: usize>(gauge: &Gauge<N>, by: &str) -> Query {
    of(gauge.0, by, gauge.0.name)
}

/// A quantile of a histogram, in per cent.
#[must_use]
pub fn quantile<const N: usize>(histogram: &Histogram<N>, percent: u8, by: &str) -> Query {
    let entry = histogram.0;
    let labels = if by.is_empty() { "le".to_owned() } else { format!("le, {}", checked(entry, by)) };
    let expression = format!(
        "histogram_quantile({}, sum by ({labels}) (rate({}_bucket[{WINDOW}])))",
        f64::from(percent) / 100.0,
        entry.name
    );
    let legend = if by.is_empty() { format!("p{percent}") } else { format!("p{percent} {{{{{by}}}}}") };
    Query { expression, legend, entry }
}

/// The share of a counter where a label is as it must be, of all where it is one of `among` (regular expressions).
#[must_use]
pub fn share<const N: usize>(counter: &Counter<N>, label: &str, wanted: &str, among: &str) -> Query {
    let part = selected(counter.0, label, wanted);
    let all = selected(counter.0, label, among);
    Query {
        expression: format!("sum(rate({part}[1h])) / sum(rate({all}[1h]))"),
        legend: wanted.to_owned(),
        entry: counter.0,
    }
}

/// One gauge as a share of another.
#[must_use]
pub fn ratio(part: &Gauge<0>, whole: &Gauge<0>) -> Query {
    Query {
        expression: format!("{} / {}", part.0.name, whole.0.name),
        legend: part.0.name.trim_start_matches("ibid_").replace('_', " "),
        entry: part.0,
    }
}

fn of(entry: Entry, by: &str, inner: &str) -> Query {
    match by {
        "" => Query {
            expression: format!("sum({inner})"),
            legend: entry.name.trim_start_matches("ibid_").trim_end_matches("_total").replace('_', " "),
            entry,
        },
        by => Query {
            expression: format!("sum by ({}) ({inner})", checked(entry, by)),
            legend: format!("{{{{{by}}}}}"),
            entry,
        },
    }
}

fn selected(entry: Entry, label: &str, wanted: &str) -> String {
    format!("{}{{{}=~\"{wanted}\"}}", entry.name, checked(entry, label))
}

/// The label, if the metric has it. Views are fixed and their test makes all of them, so that nobody meets the other word.
fn checked(entry: Entry, label: &str) -> String {
    let known = entry.labels.contains(&label);
    if known { label.to_owned() } else { format!("no_such_label_{label}") }
}
