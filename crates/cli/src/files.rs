//! From paths on the command line to things to upload.

use std::io::Read;
use std::path::{Path, PathBuf};

use globset::{Glob, GlobSet, GlobSetBuilder};
use ibid_types::{Error, Result};
use ignore::WalkBuilder;

use crate::args::Ingest;
use crate::fetch::fetch;

/// Something to upload, read when its turn comes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    File { path: PathBuf, source: String },
    Address(String),
    Input { source: String },
}

/// Bytes with the name they go by.
#[derive(Debug)]
pub struct Loaded {
    pub source: String,
    pub media_type: Option<String>,
    pub bytes: Vec<u8>,
}

/// Everything that the paths name, in a fixed order and without repetition.
pub fn gather(arguments: &Ingest) -> Result<Vec<Item>> {
    let choice = Choice::new(&arguments.include, &arguments.exclude, arguments.all)?;
    let mut items = Vec::new();
    for path in &arguments.paths {
        if path == "-" {
            let source = arguments.name.clone().unwrap_or_else(|| "stdin.txt".to_owned());
            items.push(Item::Input { source });
        } else if path.starts_with("http://") || path.starts_with("https://") {
            items.push(Item::Address(path.clone()));
        } else {
            gather_path(path, &choice, &mut items)?;
        }
    }
    items.sort();
    items.dedup();
    Ok(items)
}

/// A glob that the shell did not expand is expanded here, so that quoted globs work too.
fn gather_path(text: &str, choice: &Choice, items: &mut Vec<Item>) -> Result<()> {
    let path = Path::new(text);
    if path.exists() {
        return gather_existing(path, choice, items);
    }
    if !text.contains(['*', '?', '[', '{']) {
        let what = format!("there is no file or folder {text}; check the path");
        return Err(Error::not_found("path_unknown", what));
    }
    let fixed: PathBuf =
        path.iter().take_while(|part| !part.to_string_lossy().contains(['*', '?', '[', '{'])).collect();
    let base = if fixed.as_os_str().is_empty() { Path::new(".") } else { &fixed };
    let wanted = Choice { include: globs(&[text.to_owned()])?, ..choice.clone() };
    let before = items.len();
    if base.is_dir() {
        wanted.walk(base, items);
    }
    if items.len() == before {
        return Err(Error::not_found("path_unknown", format!("no file fits {text}")));
    }
    Ok(())
}

fn gather_existing(path: &Path, choice: &Choice, items: &mut Vec<Item>) -> Result<()> {
    if path.is_dir() {
        choice.walk(path, items);
    } else if path.is_file() {
        items.push(file(path));
    } else {
        let what = format!("{} is neither a file nor a folder", path.display());
        return Err(Error::bad_request("path_special", what));
    }
    Ok(())
}

/// A file's identity is its absolute path, so that the same file named in two ways is one document.
fn file(path: &Path) -> Item {
    let absolute = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    Item::File { source: absolute.to_string_lossy().into_owned(), path: absolute }
}

/// Which files of a folder are wanted.
#[derive(Clone, Debug)]
pub struct Choice {
    include: Option<GlobSet>,
    exclude: Option<GlobSet>,
    all: bool,
}

impl Choice {
    pub fn new(include: &[String], exclude: &[String], all: bool) -> Result<Self> {
        Ok(Self { include: globs(include)?, exclude: globs(exclude)?, all })
    }

    fn walk(&self, folder: &Path, items: &mut Vec<Item>) {
        let walk = WalkBuilder::new(folder)
            .standard_filters(!self.all)
            .require_git(false)
            .follow_links(false)
            .build();
        for entry in walk {
            match entry {
                Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => {
                    if self.wants(folder, entry.path()) {
                        items.push(file(entry.path()));
                    }
                }
                Ok(_) => {}
                Err(error) => crate::output::note(&format!("skipped: {error}")),
            }
        }
    }

    /// In a folder only files of a readable format are taken; one that is named itself is always tried.
    fn wants(&self, folder: &Path, path: &Path) -> bool {
        let inside = path.strip_prefix(folder).unwrap_or(path);
        let fits = |set: &GlobSet| {
            set.is_match(path)
                || set.is_match(inside)
                || path.file_name().is_some_and(|name| set.is_match(name))
        };
        let included = self
            .include
            .as_ref()
            .map_or_else(|| ibid_ingest::is_readable_name(&path.to_string_lossy()), fits);
        included && !self.exclude.as_ref().is_some_and(fits)
    }
}

fn globs(patterns: &[String]) -> Result<Option<GlobSet>> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let malformed = |error: globset::Error| {
        Error::bad_request("glob_malformed", format!("'{}' is not a glob", error.glob().unwrap_or_default()))
            .caused_by(error)
    };
    let mut builder = GlobSetBuilder::new();
    for pattern in patterns {
        let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
        builder.add(Glob::new(pattern).map_err(malformed)?);
    }
    builder.build().map(Some).map_err(malformed)
}

impl Item {
    pub fn source(&self) -> &str {
        match self {
            Self::File { source, .. } | Self::Input { source } => source,
            Self::Address(address) => address,
        }
    }

    /// Reads it whole.
    pub fn load(&self) -> Result<Loaded> {
        match self {
            Self::File { path, source } => {
                let bytes = std::fs::read(path).map_err(|error| {
                    Error::unavailable("file_unreadable", format!("cannot read {}", path.display()))
                        .caused_by(error)
                })?;
                Ok(Loaded { source: source.clone(), media_type: None, bytes })
            }
            Self::Input { source } => {
                let mut bytes = Vec::new();
                std::io::stdin().lock().read_to_end(&mut bytes).map_err(|error| {
                    Error::unavailable("file_unreadable", "cannot read standard input").caused_by(error)
                })?;
                Ok(Loaded { source: source.clone(), media_type: None, bytes })
            }
            Self::Address(address) => fetch(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(include: &[&str], exclude: &[&str]) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.md", "b.txt", "sub/c.md", "sub/.hidden.md", "photo.xyz"] {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        let own = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let choice = Choice::new(&own(include), &own(exclude), false).unwrap();
        let mut items = Vec::new();
        choice.walk(dir.path(), &mut items);
        items.sort();
        let root = dir.path().canonicalize().unwrap();
        items.iter().map(|item| item.source().replace(&format!("{}/", root.display()), "")).collect()
    }

    #[test]
    fn a_folder_gives_what_can_be_read() {
        assert_eq!(gathered(&[], &[]), ["a.md", "b.txt", "sub/c.md"]);
    }

    #[test]
    fn globs_choose_and_exclude() {
        assert_eq!(gathered(&["*.md"], &[]), ["a.md", "sub/c.md"]);
        assert_eq!(gathered(&[], &["sub/**"]), ["a.md", "b.txt"]);
    }

    #[test]
    fn a_path_that_is_not_there_is_told() {
        let mut items = Vec::new();
        let choice = Choice::new(&[], &[], false).unwrap();
        assert_eq!(gather_path("/no/such", &choice, &mut items).unwrap_err().code, "path_unknown");
        assert_eq!(gather_path("/no/such/*.md", &choice, &mut items).unwrap_err().code, "path_unknown");
    }
}
