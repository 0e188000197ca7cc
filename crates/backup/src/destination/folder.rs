//! Backups in a folder, on another disk or a mounted share.
//!
//! Written beside their place, synced, renamed, and the folder synced: a crash leaves a whole object or none.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use ibid_types::{Result, Timestamp};

use super::{Destination, Listed, missing, unreachable};

/// Where objects are while they are written.
const INCOMING: &str = "incoming";
/// Folders below the root at most: more is not ours.
const DEPTH_MAX: usize = 4;

/// See the head of this file.
#[derive(Debug)]
pub struct FolderDestination {
    label: String,
    root: PathBuf,
    written: AtomicU64,
}

impl FolderDestination {
    /// Nothing is read or made before the first call.
    #[must_use]
    pub fn new(label: &str, root: &Path) -> Self {
        Self { label: label.to_owned(), root: root.to_owned(), written: AtomicU64::new(0) }
    }

    fn write(&self, place: &Path, object: &[u8]) -> std::io::Result<()> {
        let incoming = self.root.join(INCOMING);
        make_private(&incoming)?;
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let beside = incoming.join(format!("{}-{number}", std::process::id()));
        let mut file = File::create(&beside)?;
        file.write_all(object)?;
        file.sync_data()?;
        let folder = place.parent().unwrap_or(&self.root);
        let is_new = !folder.exists();
        make_private(folder)?;
        fs::rename(&beside, place)?;
        File::open(folder)?.sync_all()?;
        // A new folder's own entry, and those of folders made above it.
        let above = folder.ancestors().skip(1).take_while(|above| is_new && above.starts_with(&self.root));
        above.take(DEPTH_MAX).try_for_each(|above| File::open(above)?.sync_all())
    }

    fn walk(&self, folder: &Path, depth: usize, found: &mut Vec<Listed>) -> std::io::Result<()> {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            let Ok(relative) = path.strip_prefix(&self.root) else { continue };
            let meta = match entry.metadata() {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                meta => meta?,
            };
            if meta.is_dir() && depth < DEPTH_MAX && !relative.starts_with(INCOMING) {
                self.walk(&path, depth + 1, found)?;
            } else if meta.is_file() {
                let since = meta.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                let written = Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
                found.push(Listed {
                    name: relative.to_string_lossy().into_owned(),
                    bytes: meta.len(),
                    written,
                });
            }
        }
        Ok(())
    }
}

impl Destination for FolderDestination {
    fn label(&self) -> &str {
        &self.label
    }

    fn put(&self, name: &str, object: &[u8]) -> Result<()> {
        self.write(&self.root.join(name), object).map_err(|error| unreachable(&self.label, error))
    }

    fn get(&self, name: &str) -> Result<Vec<u8>> {
        fs::read(self.root.join(name)).map_err(|error| match error.kind() {
            ErrorKind::NotFound => missing(&self.label, name),
            _ => unreachable(&self.label, error),
        })
    }

    fn exists(&self, name: &str) -> Result<bool> {
        self.root.join(name).try_exists().map_err(|error| unreachable(&self.label, error))
    }

    fn list(&self, prefix: &str) -> Result<Vec<Listed>> {
        let mut found = Vec::new();
        let folder = self.root.join(prefix.trim_end_matches('/'));
        let depth = prefix.split('/').filter(|part| !part.is_empty()).count();
        self.walk(&folder, depth, &mut found).map_err(|error| unreachable(&self.label, error))?;
        found.sort();
        Ok(found)
    }

    fn delete(&self, name: &str) -> Result<()> {
        match fs::remove_file(self.root.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(unreachable(&self.label, error)),
            _ => Ok(()),
        }
    }
}

/// Backups hold what the library holds: the folder is its owner's alone.
fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
