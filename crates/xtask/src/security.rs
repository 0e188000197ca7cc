//! Whether `docs/security.md` is whole: one row for each requirement, a test behind each name, counts and the list of what is not
//! met as the rows say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Number and level of each requirement of the levels 1 and 2 of OWASP ASVS 5.0.0, a line each.
const REQUIREMENTS: &str = include_str!("asvs-5.0.0.txt");
/// In the order of the table of counts.
const VERDICTS: [&str; 3] = ["met", "not met", "not applicable"];

/// A requirement as the manual has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Such as `3.4.1`.
    pub number: &'a str,
    pub verdict: &'a str,
    pub evidence: &'a str,
}

/// The rows of requirements of a manual, in its order.
#[must_use]
pub fn rows(manual: &str) -> Vec<Row<'_>> {
    let row = |line| match cells(line)[..] {
        [number, _, verdict, evidence] if is_number(number) => Some(Row { number, verdict, evidence }),
        _ => None,
    };
    manual.lines().filter_map(row).collect()
}

/// All that is wrong with the rows of a manual, as sentences.
#[must_use]
pub fn wrong_rows(manual: &str) -> Vec<String> {
    let rows = rows(manual);
    let mut wrong = Vec::new();
    for number in numbers() {
        let found = rows.iter().filter(|row| row.number == number).count();
        if found != 1 {
            wrong.push(format!("{number} has {found} rows"));
        }
    }
    let known: BTreeSet<&str> = numbers().collect();
    for row in rows {
        if !known.contains(row.number) {
            wrong.push(format!("{} is no requirement of these levels", row.number));
        }
        if !VERDICTS.contains(&row.verdict) || row.evidence.is_empty() {
            wrong.push(format!("{} has no verdict with its evidence", row.number));
        }
    }
    wrong
}

/// The counts that the rows give: chapter such as `V3`, or `all`, to how often each verdict stands there.
#[must_use]
pub fn counts(manual: &str) -> BTreeMap<String, [usize; 3]> {
    let mut counts = BTreeMap::<String, [usize; 3]>::new();
    for row in rows(manual) {
        let chapter = row.number.split('.').next().unwrap_or_default();
        let verdict = VERDICTS.iter().position(|verdict| *verdict == row.verdict).unwrap_or_default();
        for name in [format!("V{chapter}"), "all".to_owned()] {
            counts.entry(name).or_default()[verdict] += 1;
        }
    }
    counts
}

/// The counts that the manual tells.
#[must_use]
pub fn told_counts(manual: &str) -> BTreeMap<String, [usize; 3]> {
    let told = |line| match cells(line)[..] {
        [name, met, not_met, not_applicable] => {
            let name = name.trim_matches('*').split(' ').next()?.to_owned();
            Some((name, [met.parse().ok()?, not_met.parse().ok()?, not_applicable.parse().ok()?]))
        }
        _ => None,
    };
    manual.lines().filter_map(told).collect()
}

/// Numbers in the list of what is not met: severity, numbers, mend.
#[must_use]
pub fn told_not_met(manual: &str) -> BTreeSet<&str> {
    let rows = manual.lines().map(cells).filter(|cells| cells.len() == 3);
    rows.flat_map(|cells| cells[1].split(", ")).filter(|text| is_number(text)).collect()
}

/// The tests that a manual names, as `FILE::FUNCTION`.
#[must_use]
pub fn tests_named(manual: &str) -> BTreeSet<&str> {
    let names = manual.split('`').skip(1).step_by(2);
    names.filter(|name| name.contains(".rs::") || name.contains(".js::")).collect()
}

/// Whether there is a test of that name: in a file below `crates/`, or of the page below `ui/`.
#[must_use]
pub fn is_test(root: &Path, name: &str) -> bool {
    let Some((file, test)) = name.split_once("::") else { return false };
    let is_of_page = file.starts_with("ui/");
    let path = if is_of_page { root.join(file) } else { root.join("crates").join(file) };
    let text = fs::read_to_string(path).unwrap_or_default();
    if is_of_page {
        return text.contains(&format!("test('{test}'"));
    }
    let lines: Vec<&str> = text.lines().collect();
    let is_begin =
        |line: &str| line.trim_start().trim_start_matches("async ").starts_with(&format!("fn {test}("));
    let is_marked = |at: usize| {
        lines[at.saturating_sub(4)..at].iter().any(|line| line.contains("test]") || line.contains("test("))
    };
    lines.iter().enumerate().any(|(at, line)| is_begin(line) && is_marked(at))
}

fn numbers() -> impl Iterator<Item = &'static str> {
    REQUIREMENTS.lines().filter_map(|line| line.split(' ').next())
}

fn cells(line: &str) -> Vec<&str> {
    let inner = line.strip_prefix('|').and_then(|line| line.strip_suffix('|'));
    inner.map_or_else(Vec::new, |inner| inner.split('|').map(str::trim).collect())
}

fn is_number(text: &str) -> bool {
    text.split('.').count() == 3 && text.split('.').all(|part| part.parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root;

    fn manual() -> String {
        fs::read_to_string(root().join("docs/security.md")).unwrap()
    }

    #[test]
    fn every_requirement_has_its_row() {
        assert_eq!(numbers().count(), 253);
        assert_eq!(wrong_rows(&manual()), Vec::<String>::new());
        for risk in 1..=10 {
            let begin = format!("| API{risk} ");
            assert_eq!(manual().lines().filter(|line| line.starts_with(&begin)).count(), 1, "{begin}");
        }
    }

    #[test]
    fn every_test_that_is_named_is_there() {
        let (manual, root) = (manual(), root());
        let named = tests_named(&manual);
        let missing: Vec<_> = named.iter().filter(|name| !is_test(&root, name)).collect();
        assert!(named.len() > 100, "the names were not found");
        assert_eq!(missing, Vec::<&&str>::new());
    }

    #[test]
    fn counts_and_what_is_not_met_are_told_as_the_rows_say() {
        let manual = manual();
        assert_eq!(told_counts(&manual), counts(&manual));
        let not_met = rows(&manual).into_iter().filter(|row| row.verdict == "not met");
        assert_eq!(told_not_met(&manual), not_met.map(|row| row.number).collect());
    }

    #[test]
    fn what_is_missing_is_seen() {
        let wrong =
            wrong_rows("| 1.1.1 | a | met | b |\n| 1.1.1 | a | perhaps | b |\n| 99.1.1 | a | met | b |");
        assert!(
            wrong.contains(&"1.1.1 has 2 rows".to_owned()) && wrong.contains(&"1.1.2 has 0 rows".to_owned())
        );
        assert!(wrong.iter().any(|text| text.contains("no verdict")));
        assert!(wrong.contains(&"99.1.1 is no requirement of these levels".to_owned()));
        assert!(!is_test(&root(), "xtask/src/security.rs::manual") && !is_test(&root(), "nowhere.rs::a"));
        assert_eq!(told_not_met("| low | 1.2.3, 1.2.4 | a |"), BTreeSet::from(["1.2.3", "1.2.4"]));
    }

    /// What is shown of documents, answers and names is text: nothing else is put into the page, so none of it can become markup.
    #[test]
    fn the_page_makes_no_markup_of_text() {
        const MAKERS: [&str; 6] =
            ["{@html", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("];
        let mut folders = vec![root().join("ui/src")];
        let mut looked = 0;
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = fs::read_to_string(&path).unwrap();
                assert!(!MAKERS.iter().any(|maker| text.contains(maker)), "{}", path.display());
                looked += 1;
            }
        }
        assert!(looked > 50, "the page was not found");
    }
}
