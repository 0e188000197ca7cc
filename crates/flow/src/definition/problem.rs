//! What is wrong with a flow file, and where.
//!
//! Keeps true: a place is a line and a column of the file, both from 1, columns in characters; a message says what to do.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The most problems that one reading tells: who has more mends these first.
const PROBLEMS_MAX: usize = 200;

/// Something that is wrong in a flow file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub severity: Severity,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// Keys from the file's top: `nodes.look.next[0].if`. Empty for the file as a whole.
    pub path: String,
    /// Lower case, no full stop; what is wrong and what to do.
    pub message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The file is not a flow that can run.
    Error,
    /// It can run, and is probably not what was meant.
    Warning,
}

impl fmt::Display for Problem {
    /// `12:5: error: nodes.look.kind: there is no kind ...`, as compilers write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}:{}: {severity}: ", self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// A line and a column, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub line: u32,
    pub column: u32,
}

impl Place {
    pub const START: Self = Self { line: 1, column: 1 };
}

/// Problems as they are found.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<Problem>,
}

impl Problems {
    pub fn error(&mut self, place: Place, path: &str, message: impl Into<String>) {
        self.push(Severity::Error, place, path, message.into());
    }

    pub fn warning(&mut self, place: Place, path: &str, message: impl Into<String>) {
        self.push(Severity::Warning, place, path, message.into());
    }

    pub fn has_errors(&self) -> bool {
        self.found.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// In the order of the file.
    pub fn into_sorted(mut self) -> Vec<Problem> {
        self.found.sort_by(|a, b| (a.line, a.column, &a.path).cmp(&(b.line, b.column, &b.path)));
        self.found.dedup();
        self.found
    }

    fn push(&mut self, severity: Severity, place: Place, path: &str, message: String) {
        if self.found.len() < PROBLEMS_MAX {
            let Place { line, column } = place;
            self.found.push(Problem { severity, line, column, path: path.to_owned(), message });
        }
    }
}

/// The known name that an unknown one was probably meant to be.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let likeness = |known: &str| strsim::jaro_winkler(&name, &known.to_lowercase());
    let scored = known.into_iter().map(|known| (likeness(known), known));
    let (score, best) = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (score >= LIKENESS_MIN).then_some(best)
}

/// Jaro-Winkler likeness from which a name is offered: `nxt` for `next` has 0.93, `reply` for `retry` 0.76.
const LIKENESS_MIN: f64 = 0.78;

/// `; did you mean `x`?`, or all names there are if none is near and they are few.
pub(super) fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(near) = nearest(name, known.clone()) {
        return format!("; did you mean `{near}`?");
    }
    let mut names: Vec<_> = known.into_iter().map(|name| format!("`{name}`")).collect();
    names.sort_unstable();
    match names.len() {
        0 => String::new(),
        1..=NAMES_LISTED_MAX => format!("; there is {}", names.join(", ")),
        _ => format!("; there is {} and more", names[..NAMES_LISTED_MAX].join(", ")),
    }
}

const NAMES_LISTED_MAX: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_near() {
        assert_eq!(nearest("nxt", ["next", "name"]), Some("next"));
        assert_eq!(nearest("Retries", ["retry", "next"]), Some("retry"));
        assert_eq!(nearest("zebra", ["next", "name"]), None);
        assert_eq!(nearest("x", []), None);
    }

    #[test]
    fn a_suggestion_is_one_name_or_all_of_a_few() {
        assert_eq!(suggestion("nxt", ["next", "name"]), "; did you mean `next`?");
        assert_eq!(suggestion("zebra", ["next", "name"]), "; there is `name`, `next`");
        assert_eq!(suggestion("zebra", []), "");
    }

    #[test]
    fn problems_come_in_the_order_of_the_file_and_once() {
        let mut problems = Problems::default();
        problems.error(Place { line: 9, column: 1 }, "b", "second");
        problems.warning(Place { line: 2, column: 3 }, "a", "first");
        problems.error(Place { line: 9, column: 1 }, "b", "second");
        let lines: Vec<_> = problems.into_sorted().iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["2:3: warning: a: first", "9:1: error: b: second"]);
    }
}
