//! The folder that tantivy writes its segments to. A new segment has about seven files; each on its own would wait for
//! the disk twice.
//!
//! Keeps true: when `meta.json` names a segment, its files are on disk: they are synced, side by side, before that file
//! is written. What a crash leaves behind is in no list of files and is removed when the folder is opened.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    AntiCallToken, Directory, DirectoryLock, FileHandle, Lock, MmapDirectory, TerminatingWrite,
    WatchCallback, WatchHandle, WritePtr,
};

use crate::column::replace_file;

/// Tantivy's list of the files that it made, which it writes again for each of them.
const LIST: &str = ".managed.json";

/// Where tantivy writes.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    inner: MmapDirectory,
    waiting: Arc<Mutex<Waiting>>,
}

/// What is not on disk yet.
#[derive(Debug, Default)]
struct Waiting {
    files: Vec<File>,
    list: Option<Vec<u8>>,
}

impl Folder {
    pub(crate) fn open(root: &Path) -> tantivy::Result<Self> {
        let inner = MmapDirectory::open(root)?;
        let folder = Self { root: root.to_owned(), inner, waiting: Arc::default() };
        folder.remove_unlisted()?;
        Ok(folder)
    }

    /// Returns when all that was written is on disk.
    fn sync(&self) -> io::Result<()> {
        let waiting = std::mem::take(&mut *self.waiting.lock());
        std::thread::scope(|scope| {
            let others: Vec<_> =
                waiting.files.iter().map(|file| scope.spawn(move || file.sync_data())).collect();
            let listed = waiting.list.map_or(Ok(()), |list| replace_file(&self.root.join(LIST), &list));
            for other in others {
                other.join().unwrap_or_else(|_| Err(io::Error::other("a thread that syncs broke off")))?;
            }
            listed.map_err(io::Error::other)
        })
    }

    fn remove_unlisted(&self) -> tantivy::Result<()> {
        let Ok(list) = self.inner.atomic_read(Path::new(LIST)) else { return Ok(()) };
        let listed: HashSet<String> = serde_json::from_slice(&list).unwrap_or_default();
        for entry in fs::read_dir(&self.root)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if !listed.is_empty() && !name.starts_with('.') && !listed.contains(&name) {
                fs::remove_file(self.root.join(name))?;
            }
        }
        Ok(())
    }
}

impl Directory for Folder {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        self.inner.get_file_handle(path)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.inner.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.inner.exists(path)
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        let file =
            File::options().write(true).create_new(true).open(self.root.join(path)).map_err(|error| {
                if error.kind() == io::ErrorKind::AlreadyExists {
                    OpenWriteError::FileAlreadyExists(path.to_owned())
                } else {
                    OpenWriteError::wrap_io_error(error, path.to_owned())
                }
            })?;
        Ok(BufWriter::new(Box::new(Late { file: Some(file), waiting: Arc::clone(&self.waiting) })))
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        self.inner.atomic_read(path)
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        if path == Path::new(LIST) {
            self.waiting.lock().list = Some(data.to_vec());
            return Ok(());
        }
        self.sync()?;
        replace_file(&self.root.join(path), data).map_err(io::Error::other)
    }

    /// Tantivy asks for it before it writes `meta.json`, which waits for everything anyhow.
    fn sync_directory(&self) -> io::Result<()> {
        Ok(())
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        self.inner.acquire_lock(lock)
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.inner.watch(callback)
    }
}

/// A file that is synced with others, later.
#[derive(Debug)]
struct Late {
    file: Option<File>,
    waiting: Arc<Mutex<Waiting>>,
}

impl Write for Late {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file
            .as_mut()
            .map_or_else(|| Err(io::Error::other("the file is ended")), |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl TerminatingWrite for Late {
    fn terminate_ref(&mut self, _: AntiCallToken) -> io::Result<()> {
        self.waiting.lock().files.extend(self.file.take());
        Ok(())
    }
}
