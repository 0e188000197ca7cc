//! Reading typed values out of a tree: each that is not what it must be becomes a problem at its place.
//!
//! Keeps true: a reading function gives `None` only after it has told a problem, or where the value is absent.

use std::ops::RangeInclusive;

use super::problem::{Place, Problems, suggestion};
use super::yaml::{Data, Entry, Tree};

/// A value, with the keys that lead to it.
#[derive(Clone, Debug)]
pub(super) struct At<'t> {
    pub path: String,
    /// The last of them; empty for the whole and for items of a list.
    pub key: &'t str,
    pub tree: &'t Tree,
    /// Of its key, or its own.
    pub key_place: Place,
}

/// A map whose keys are all known and each there once; others have been told.
#[derive(Clone, Debug)]
pub(super) struct Fields<'t> {
    pub path: String,
    pub key_place: Place,
    /// Whether some keys were told as unknown, so that others may be missing because of that.
    pub has_unknown: bool,
    entries: &'t [Entry],
}

impl<'t> At<'t> {
    pub fn root(tree: &'t Tree) -> Self {
        Self { path: String::new(), key: "", tree, key_place: tree.place }
    }

    pub fn under(path: &str, entry: &'t Entry) -> Self {
        Self { path: joined(path, &entry.key), key: &entry.key, tree: &entry.value, key_place: entry.place }
    }

    pub fn error(&self, problems: &mut Problems, message: impl Into<String>) {
        problems.error(self.tree.place, &self.path, message);
    }

    /// At the key rather than the value: for a key that should not be there.
    pub fn error_at_key(&self, problems: &mut Problems, message: impl Into<String>) {
        problems.error(self.key_place, &self.path, message);
    }

    pub fn text(&self, problems: &mut Problems, what: &str) -> Option<&'t str> {
        let text = self.tree.text();
        if text.is_none() {
            self.wrong_type(problems, what);
        }
        text
    }

    pub fn whole(&self, problems: &mut Problems, range: RangeInclusive<u64>) -> Option<u64> {
        let whole = match &self.tree.data {
            Data::Number(number) => number.as_u64().filter(|number| range.contains(number)),
            _ => None,
        };
        if whole.is_none() {
            let (low, high) = (range.start(), range.end());
            self.error(
                problems,
                format!("this must be a whole number from {low} to {high}; it is {}", self.shown()),
            );
        }
        whole
    }

    pub fn number(&self, problems: &mut Problems, range: RangeInclusive<f64>) -> Option<f64> {
        let number = match &self.tree.data {
            Data::Number(number) => number.as_f64().filter(|number| range.contains(number)),
            _ => None,
        };
        if number.is_none() {
            let (low, high) = (range.start(), range.end());
            self.error(
                problems,
                format!("this must be a number from {low} to {high}; it is {}", self.shown()),
            );
        }
        number
    }

    /// A length of time, as a number of seconds of at most a year.
    pub fn seconds(&self, problems: &mut Problems) -> Option<f64> {
        if let Some(seconds) = self.tree.text().and_then(seconds_meant) {
            self.error(problems, format!("times are plain numbers of seconds; write {seconds}"));
            return None;
        }
        self.number(problems, 0.0..=SECONDS_MAX)
    }

    pub fn items(&self) -> Option<Vec<Self>> {
        let Data::List(items) = &self.tree.data else { return None };
        let item = |(index, tree): (usize, &'t Tree)| Self {
            path: format!("{}[{index}]", self.path),
            key: "",
            tree,
            key_place: tree.place,
        };
        Some(items.iter().enumerate().map(item).collect())
    }

    /// A map with any keys, each once.
    pub fn entries(&self, problems: &mut Problems, what: &str) -> Option<Vec<Self>> {
        let Some(entries) = self.tree.entries() else {
            self.wrong_type(problems, what);
            return None;
        };
        tell_repeated(&self.path, entries, problems);
        Some(entries.iter().map(|entry| Self::under(&self.path, entry)).collect())
    }

    pub fn fields(&self, problems: &mut Problems, what: &str, known: &[&str]) -> Option<Fields<'t>> {
        let Some(entries) = self.tree.entries() else {
            self.wrong_type(problems, what);
            return None;
        };
        tell_repeated(&self.path, entries, problems);
        let has_unknown = tell_unknown(&self.path, entries, known, problems);
        Some(Fields { has_unknown, path: self.path.clone(), key_place: self.key_place, entries })
    }

    pub fn wrong_type(&self, problems: &mut Problems, what: &str) {
        self.error(problems, format!("this must be {what}; it is {}", self.shown()));
    }

    /// The value for a message: short, or only what it is.
    pub fn shown(&self) -> String {
        match &self.tree.data {
            Data::Text(text) if text.chars().count() <= 40 => format!("the text `{text}`"),
            Data::Number(number) => number.to_string(),
            Data::Boolean(value) => value.to_string(),
            _ => self.tree.noun().to_owned(),
        }
    }
}

impl<'t> Fields<'t> {
    /// A key that holds nothing (`retry:`) counts as absent.
    pub fn find(&self, key: &str) -> Option<At<'t>> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        (entry.value.data != Data::Null).then(|| At::under(&self.path, entry))
    }

    pub fn require(&self, key: &str, problems: &mut Problems, advice: &str) -> Option<At<'t>> {
        let found = self.find(key);
        if found.is_none() {
            problems.error(self.key_place, &self.path, format!("`{key}` is missing; {advice}"));
        }
        found
    }
}

pub(super) fn joined(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        _ => format!("{path}.{key}"),
    }
}

/// A year.
pub(super) const SECONDS_MAX: f64 = 31_536_000.0;

fn tell_repeated(path: &str, entries: &[Entry], problems: &mut Problems) {
    let mut seen = std::collections::HashMap::new();
    for entry in entries {
        if let Some(first) = seen.insert(entry.key.as_str(), entry.place) {
            let message = format!(
                "`{}` is here twice, first in line {}; take one out or rename it",
                entry.key, first.line
            );
            problems.error(entry.place, &joined(path, &entry.key), message);
        }
    }
}

/// Whether there was any.
fn tell_unknown(path: &str, entries: &[Entry], known: &[&str], problems: &mut Problems) -> bool {
    let unknown: Vec<_> = entries.iter().filter(|entry| !known.contains(&entry.key.as_str())).collect();
    for entry in &unknown {
        let message =
            format!("there is no key `{}` here{}", entry.key, suggestion(&entry.key, known.iter().copied()));
        problems.error(entry.place, &joined(path, &entry.key), message);
    }
    !unknown.is_empty()
}

/// `1.5 min` as 90: what people write where seconds are asked for.
fn seconds_meant(text: &str) -> Option<f64> {
    let unit_at = text.find(|letter: char| letter.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit_at);
    let factor = match unit {
        "ms" => 0.001,
        "s" | "sec" | "second" | "seconds" => 1.0,
        "m" | "min" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    };
    let seconds = number.trim().parse::<f64>().ok()? * factor;
    seconds.is_finite().then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_with_units_are_understood_for_the_message() {
        assert_eq!(seconds_meant("20s"), Some(20.0));
        assert_eq!(seconds_meant("1.5 min"), Some(90.0));
        assert_eq!(seconds_meant("soon"), None);
        assert_eq!(seconds_meant("{{ x }}"), None);
    }
}
