//! What can be known of the repository without running it: ranks of crates, heads of files, error codes, its bill of materials, the
//! table of security.

pub mod sbom;
pub mod security;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Crates for development only; they may depend on anything, and nothing else may depend on them.
const DEVELOPMENT: [&str; 3] = ["fuzz", "testkit", "xtask"];

/// The repository's root folder.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Crate to rank, read from the table in ARCHITECTURE.md, so that document and check are one.
#[must_use]
pub fn ranks(architecture: &str) -> BTreeMap<String, u32> {
    let mut ranks = BTreeMap::new();
    for line in architecture.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if let [rank, name, ..] = cells[..]
            && let Ok(rank) = rank.parse()
        {
            ranks.insert(name.trim_matches('`').to_owned(), rank);
        }
    }
    ranks
}

/// Every dependency of one of our crates on one of equal or higher rank, as a sentence.
#[must_use]
pub fn rank_violations(ranks: &BTreeMap<String, u32>, manifests: &BTreeMap<String, String>) -> Vec<String> {
    let mut violations = Vec::new();
    for (name, manifest) in manifests {
        let Some(rank) = ranks.get(name) else {
            if !DEVELOPMENT.contains(&name.as_str()) {
                violations.push(format!("{name} has no rank in ARCHITECTURE.md"));
            }
            continue;
        };
        for dependency in own_dependencies(manifest) {
            match ranks.get(&dependency) {
                Some(lower) if lower < rank => {}
                _ => violations.push(format!("{name} may not depend on {dependency}")),
            }
        }
    }
    violations
}

/// Our own crates that a manifest's `[dependencies]` names.
fn own_dependencies(manifest: &str) -> Vec<String> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line == "[dependencies]";
        } else if inside && let Some(rest) = line.strip_prefix("ibid-") {
            found.extend(rest.split(['.', ' ', '=']).next().map(ToOwned::to_owned));
        }
    }
    found
}

/// Crate folder to manifest text.
#[must_use]
pub fn manifests(root: &Path) -> BTreeMap<String, String> {
    let folders = fs::read_dir(root.join("crates")).into_iter().flatten().flatten();
    folders
        .filter_map(|entry| {
            let text = fs::read_to_string(entry.path().join("Cargo.toml")).ok()?;
            Some((entry.file_name().to_string_lossy().into_owned(), text))
        })
        .collect()
}

/// All Rust sources under `crates/`, with their text.
#[must_use]
pub fn sources(root: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root.join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && let Ok(text) = fs::read_to_string(&path)
            {
                found.push((path, text));
            }
        }
    }
    found.sort();
    found
}

/// Error codes that the text makes: the first argument of `Error::CLASS("code", ...)`.
#[must_use]
pub fn error_codes(text: &str) -> BTreeSet<String> {
    const CLASSES: [&str; 9] = [
        "bad_request",
        "unauthenticated",
        "forbidden",
        "not_found",
        "conflict",
        "too_many_requests",
        "timeout",
        "unavailable",
        "internal",
    ];
    let text = text.split("#[cfg(test)]").next().unwrap_or(text);
    let mut codes = BTreeSet::new();
    for class in CLASSES {
        for (at, _) in text.match_indices(&format!("Error::{class}(")) {
            let rest = text[at..].split_once('(').map_or("", |(_, rest)| rest.trim_start());
            if let Some(code) = rest.strip_prefix('"').and_then(|rest| rest.split('"').next()) {
                codes.insert(code.to_owned());
            }
        }
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn architecture() -> String {
        fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap()
    }

    #[test]
    fn no_crate_depends_on_one_of_equal_or_higher_rank() {
        let ranks = ranks(&architecture());
        assert!(ranks.len() >= 13, "the table of crates was not found");
        assert_eq!(rank_violations(&ranks, &manifests(&root())), Vec::<String>::new());
    }

    #[test]
    fn a_wrong_dependency_is_seen() {
        let ranks = BTreeMap::from([("low".to_owned(), 1), ("high".to_owned(), 2)]);
        let manifest = "[dependencies]\nibid-high.workspace = true\n".to_owned();
        let manifests = BTreeMap::from([("low".to_owned(), manifest)]);
        assert_eq!(rank_violations(&ranks, &manifests), ["low may not depend on high"]);
    }

    #[test]
    fn every_file_says_what_it_is() {
        let silent: Vec<_> = sources(&root())
            .into_iter()
            .filter(|(_, text)| !text.starts_with("//!"))
            .map(|(path, _)| path)
            .collect();
        assert_eq!(silent, Vec::<PathBuf>::new());
    }

    #[test]
    fn every_error_code_has_an_entry_in_the_manual() {
        let manual = fs::read_to_string(root().join("docs/errors.md")).unwrap();
        let codes: BTreeSet<String> = sources(&root())
            .iter()
            .filter(|(path, _)| {
                !path.components().any(|part| {
                    ["tests", "examples", "tests.rs", "fixture.rs"]
                        .iter()
                        .any(|test| part.as_os_str() == *test)
                })
            })
            .flat_map(|(_, text)| error_codes(text))
            .collect();
        let missing: Vec<_> =
            codes.iter().filter(|code| !manual.contains(&format!("| `{code}` |"))).collect();
        assert!(codes.len() > 20, "the codes were not found");
        assert_eq!(missing, Vec::<&String>::new());
    }

    #[test]
    fn codes_are_found_over_line_ends() {
        let text = "Error::not_found(\n    \"page_unknown\",\n x)  Error::bad_request(\"a_b\", y)";
        assert_eq!(error_codes(text), BTreeSet::from(["a_b".to_owned(), "page_unknown".to_owned()]));
    }
}
