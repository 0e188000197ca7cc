//! The runbooks that come with the program, and those of an installation.

use std::path::Path;

use ibid_types::{Error, Result};

use crate::runbook::{Runbook, parse};

macro_rules! books {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../../docs/runbooks/", $name, ".md")))),*]
    };
}

/// Name and text.
static BOOKS: &[(&str, &str)] = books![
    "attack-or-abuse",
    "authentication-bypass",
    "backup-failed",
    "bad-answers",
    "bad-release",
    "certificate-expiring",
    "database-locked",
    "disk-full",
    "high-error-rate",
    "index-damaged",
    "lost-machine",
    "memory-behind",
    "out-of-memory",
    "provider-down",
    "secret-leaked",
    "service-down",
    "slow-answers",
    "store-damaged",
];

/// Those that come with the program.
pub fn builtin() -> impl Iterator<Item = (&'static str, &'static str)> {
    BOOKS.iter().copied()
}

/// The runbook of that name: the installation's own before the program's. Errors: `runbook_unknown`,
/// `runbook_malformed`.
pub fn find(name: &str, folder: &Path) -> Result<Runbook> {
    parse(name, &text(name, folder)?)
}

/// Its text. Error: `runbook_unknown`.
pub fn text(name: &str, folder: &Path) -> Result<String> {
    let is_word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if is_word && let Ok(text) = std::fs::read_to_string(folder.join(format!("{name}.md"))) {
        return Ok(text);
    }
    let known = builtin().find(|(known, _)| *known == name);
    known.map(|(_, text)| text.to_owned()).ok_or_else(|| {
        let what = format!("there is no runbook '{name}'; see `ibid runbook list`");
        Error::not_found("runbook_unknown", what)
    })
}

/// Every runbook by name; one that cannot be read is an error in its place.
pub fn list(folder: &Path) -> Vec<(String, Result<Runbook>)> {
    let mut names: Vec<String> = builtin().map(|(name, _)| name.to_owned()).collect();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let file = entry.file_name().to_string_lossy().into_owned();
        names.extend(file.strip_suffix(".md").map(ToOwned::to_owned));
    }
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|name| (name.clone(), find(&name, folder))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::default_rules;
    use crate::runbook::{Kind, Step};

    #[test]
    fn every_runbook_can_be_read_and_finds_out_whether_it_helped() {
        for (name, text) in builtin() {
            let runbook = parse(name, text).unwrap();
            assert!(runbook.steps().any(|step: &Step| step.kind == Kind::Diagnose), "{name}");
            assert_ne!(runbook.title, name, "{name} has no title");
        }
    }

    #[test]
    fn every_rule_names_a_runbook_that_exists() {
        for rule in default_rules(1.0) {
            let is_known = builtin().any(|(name, _)| name == rule.runbook);
            assert!(is_known, "{} names {}", rule.name, rule.runbook);
        }
    }

    #[test]
    fn an_installation_can_have_its_own() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("own.md"), "# Own\n```runbook\nkind: verify\nrun: status\n```\n")
            .unwrap();
        assert_eq!(find("own", folder.path()).unwrap().title, "Own");
        assert_eq!(find("../own", folder.path()).unwrap_err().code, "runbook_unknown");
        assert!(list(folder.path()).iter().any(|(name, _)| name == "own"));
    }
}
