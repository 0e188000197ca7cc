//! Files of a commit, and what changed from one commit to another, read from git's lists between zero bytes.

use ibid_types::{Error, Result};
use serde::{Deserialize, Serialize};

use super::BlobId;
use crate::skip::{SkipReason, Skipped};

/// A tracked file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeFile {
    pub path: String,
    pub blob: BlobId,
    pub bytes: u64,
}

/// What happened to a path between two commits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Added { path: String },
    Deleted { path: String },
    Modified { path: String },
    Renamed { from: String, to: String },
}

impl Change {
    /// Where the file is now, or was last.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Added { path }
            | Self::Deleted { path }
            | Self::Modified { path }
            | Self::Renamed { to: path, .. } => path,
        }
    }
}

/// `ls-tree -r -l -z`: `mode type id size<TAB>path<NUL>`. Links and submodules are counted, not listed.
pub fn files(listing: &[u8], skipped: &mut Skipped) -> Result<Vec<TreeFile>> {
    let mut files = Vec::new();
    for entry in parts(listing) {
        let tab = entry.iter().position(|byte| *byte == b'\t').ok_or_else(malformed)?;
        let head = String::from_utf8_lossy(&entry[..tab]);
        let [mode, kind, id, size] = head.split_whitespace().collect::<Vec<_>>()[..] else {
            return Err(malformed());
        };
        let Ok(path) = std::str::from_utf8(&entry[tab + 1..]) else {
            skipped.count(SkipReason::PathUnreadable);
            continue;
        };
        match (mode, kind) {
            ("120000", _) => skipped.count(SkipReason::Link),
            (_, "blob") => files.push(TreeFile {
                path: path.to_owned(),
                blob: BlobId::parse(id)?,
                bytes: size.parse().unwrap_or(0),
            }),
            _ => skipped.count(SkipReason::Submodule),
        }
    }
    Ok(files)
}

/// `--name-status -z`: `status<NUL>path<NUL>`, and for renames a second path.
pub fn changes(listing: &[u8]) -> Result<Vec<Change>> {
    let mut words = parts(listing);
    let mut changes = Vec::new();
    while let Some(status) = words.next() {
        changes.extend(change(status, &mut words)?);
    }
    Ok(changes)
}

/// One change, whose status has been read. Paths that are no text are left out: nothing is known of their files.
pub fn change<'l>(status: &[u8], words: &mut impl Iterator<Item = &'l [u8]>) -> Result<Option<Change>> {
    let path = readable(words.next().ok_or_else(malformed)?);
    Ok(match status.first() {
        Some(b'A') => path.map(|path| Change::Added { path }),
        Some(b'D') => path.map(|path| Change::Deleted { path }),
        Some(b'R') => {
            let to = readable(words.next().ok_or_else(malformed)?);
            path.zip(to).map(|(from, to)| Change::Renamed { from, to })
        }
        Some(b'C') => readable(words.next().ok_or_else(malformed)?).map(|path| Change::Added { path }),
        Some(b'M' | b'T') => path.map(|path| Change::Modified { path }),
        _ => return Err(malformed()),
    })
}

fn readable(path: &[u8]) -> Option<String> {
    std::str::from_utf8(path).ok().map(str::to_owned)
}

pub fn parts(listing: &[u8]) -> impl Iterator<Item = &[u8]> {
    listing.split(|byte| *byte == 0).filter(|part| !part.is_empty())
}

pub fn malformed() -> Error {
    Error::unavailable("git_failed", "git's answer has another form than expected; is it older than 2.36?")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "1234567890123456789012345678901234567890";

    #[test]
    fn files_are_listed_and_what_is_no_file_is_counted() {
        let listing = format!(
            "100644 blob {ID}      12\ta b.rs\0120000 blob {ID}       3\tlink\0160000 commit {ID}       -\tsub\0"
        );
        let mut skipped = Skipped::default();
        let files = files(listing.as_bytes(), &mut skipped).unwrap();
        assert_eq!(
            files,
            [TreeFile { path: "a b.rs".to_owned(), blob: BlobId::parse(ID).unwrap(), bytes: 12 }]
        );
        assert_eq!((skipped.of(SkipReason::Link), skipped.of(SkipReason::Submodule)), (1, 1));
    }

    #[test]
    fn changes_are_read() {
        let read = changes(b"M\0a\0R087\0b\0c\0D\0d\0A\0e\0").unwrap();
        let paths: Vec<_> = read.iter().map(Change::path).collect();
        assert_eq!(paths, ["a", "c", "d", "e"]);
    }

    #[test]
    fn an_unknown_form_is_an_error() {
        assert_eq!(files(b"what\0", &mut Skipped::default()).unwrap_err().code, "git_failed");
        assert_eq!(changes(b"R100\0only one\0").unwrap_err().code, "git_failed");
    }
}
