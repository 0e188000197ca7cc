//! Where ACME's account and certificate are kept: files of the data directory that only their owner can read, sealed where the
//! library is.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

use ibid_config::Config;
use ibid_seal::{Keys, SealKey};
use ibid_types::{Error, Result};

const PURPOSE: &str = "ibid acme 1";

/// The folder, with the keys that seal what is in it.
#[derive(Clone, Debug)]
pub struct Keep {
    folder: PathBuf,
    keys: Keys,
}

impl Keep {
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let key = |key: &ibid_config::FlowKey| Some(SealKey { id: key.id, bytes: key.bytes()? });
        let keys: Vec<SealKey> = config.flow.keys.iter().filter_map(key).collect();
        Self { folder: config.data.dir.join("acme"), keys: Keys::new(&keys, PURPOSE) }
    }

    /// What was kept under the name; nothing where nothing was, or it does not open any more.
    #[must_use]
    pub fn load(&self, name: &str) -> Option<Vec<u8>> {
        let body = fs::read(self.folder.join(name)).ok()?;
        self.keys.open(name.as_bytes(), &body).ok().map(|open| open.into_owned())
    }

    /// Keeps it no longer.
    pub fn forget(&self, name: &str) {
        let _ = fs::remove_file(self.folder.join(name));
    }

    /// Digits that tell one text from another, for names of files.
    #[must_use]
    pub fn digits(text: &str) -> String {
        Keys::default().hash(text.as_bytes()).to_string().chars().take(16).collect()
    }

    /// Keeps it, whole or not at all. Error: `data_unwritable`.
    pub fn save(&self, name: &str, payload: &[u8]) -> Result<()> {
        let body = self.keys.seal(name.as_bytes(), payload.to_vec())?;
        let place = self.folder.join(name);
        let write = || -> std::io::Result<()> {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
            let new = self.folder.join(format!("{name}.new"));
            let mut options = fs::OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
            file.write_all(&body)?;
            file.sync_all()?;
            fs::rename(&new, &place)
        };
        write().map_err(|error| {
            let what = format!("cannot write {}", place.display());
            Error::unavailable("data_unwritable", what).caused_by(error)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn keep(folder: &std::path::Path, keys: &str) -> Keep {
        let mut layers = ibid_config::Layers::defaults().unwrap();
        layers.flag(&format!("data.dir={}", folder.display()));
        layers.flag(&format!("flow.keys=[{keys}]"));
        Keep::new(&layers.finish().unwrap().0)
    }

    #[test]
    fn only_the_owner_reads_it_and_sealed_where_there_is_a_key() {
        let folder = tempfile::tempdir().unwrap();
        let key = format!("{{id=1, key='{}'}}", "ab".repeat(32));
        let sealed = keep(folder.path(), &key);
        sealed.save("account", b"private").unwrap();
        assert_eq!(sealed.load("account").unwrap(), b"private");
        let path = folder.path().join("acme/account");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!fs::read(&path).unwrap().windows(7).any(|part| part == b"private"));
        assert_eq!(keep(folder.path(), "").load("account"), None);
        assert_eq!(sealed.load("other"), None);
    }
}
