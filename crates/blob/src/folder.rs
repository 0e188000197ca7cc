//! Blobs as files of a folder.
//!
//! Written beside their place, synced, renamed, and the folder synced: a crash leaves a whole blob or none. (The
//! local adapter of the `object_store` crate does not sync, so it is not used here.)

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use ibid_types::{ContentHash, Error, Result};

use crate::{Blobs, hash_of, missing, name_of, verified};

/// A folder of blobs.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    written: AtomicU64,
}

impl Folder {
    /// Opens the folder, makes it where there is none, and removes what a crash left half written.
    pub fn open(root: &Path) -> Result<Self> {
        let incoming = root.join("incoming");
        let _ = fs::remove_dir_all(&incoming);
        fs::create_dir_all(&incoming).map_err(|error| unusable(root, error))?;
        Ok(Self { root: root.to_owned(), written: AtomicU64::new(0) })
    }

    fn path(&self, hash: &ContentHash) -> PathBuf {
        self.root.join(name_of(hash))
    }

    fn write(&self, bytes: &[u8], place: &Path) -> std::io::Result<()> {
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let beside = self.root.join("incoming").join(format!("{}-{number}", std::process::id()));
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        let folder = place.parent().unwrap_or(&self.root);
        let is_new = !folder.exists();
        fs::create_dir_all(folder)?;
        fs::rename(&beside, place)?;
        File::open(folder)?.sync_all()?;
        if is_new {
            File::open(&self.root)?.sync_all()?;
        }
        Ok(())
    }
}

impl Blobs for Folder {
    fn put(&self, bytes: &[u8]) -> Result<ContentHash> {
        let hash = hash_of(bytes);
        let place = self.path(&hash);
        if !place.exists() {
            self.write(bytes, &place).map_err(|error| unusable(&self.root, error))?;
        }
        Ok(hash)
    }

    fn get(&self, hash: &ContentHash) -> Result<Vec<u8>> {
        match fs::read(self.path(hash)) {
            Ok(bytes) => verified(hash, bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(missing(hash)),
            Err(error) => Err(unusable(&self.root, error)),
        }
    }

    fn exists(&self, hash: &ContentHash) -> Result<bool> {
        Ok(self.path(hash).exists())
    }

    fn delete(&self, hash: &ContentHash) -> Result<()> {
        match fs::remove_file(self.path(hash)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(unusable(&self.root, error)),
            _ => Ok(()),
        }
    }

    fn list(&self) -> Result<Vec<ContentHash>> {
        let mut found = Vec::new();
        for folder in fs::read_dir(&self.root).map_err(|error| unusable(&self.root, error))?.flatten() {
            let first = folder.file_name().to_string_lossy().into_owned();
            let files = if first.len() == 2 { fs::read_dir(folder.path()).ok() } else { None };
            for file in files.into_iter().flatten().flatten() {
                found.extend(format!("{first}{}", file.file_name().to_string_lossy()).parse::<ContentHash>());
            }
        }
        found.sort();
        Ok(found)
    }

    fn check(&self) -> Result<()> {
        let probe = self.root.join("incoming").join("probe");
        fs::write(&probe, b"ok")
            .and_then(|()| fs::remove_file(&probe))
            .map_err(|error| unusable(&self.root, error))
    }
}

fn unusable(root: &Path, error: std::io::Error) -> Error {
    let place = root.display();
    if error.kind() == ErrorKind::StorageFull {
        let what = format!("the disk under {place} is full; make room and try again");
        return Error::unavailable("blob_full", what).caused_by(error);
    }
    let what = format!("cannot read or write {place}; check disk and permissions");
    Error::unavailable("blob_unavailable", what).caused_by(error)
}
