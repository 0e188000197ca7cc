//! A library that is backed up, for the tests of this crate.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ibid_backup::{
    Backup, Destination, FolderDestination, Moment, Restored, Settings, SmallFiles, Source, Sources, Target,
    backup_keys, restore,
};
use ibid_blob::Blobs;
use ibid_runtime::{Chance, Clock, Shutdown};
use ibid_seal::{Keys, SealKey};
use ibid_store::{Db, LogTap, Snapshot, Sqlite, SqliteConfig, Statement};

pub fn keys() -> Keys {
    backup_keys(&[SealKey { id: 3, bytes: [9; 32] }])
}

/// A data directory and where its backup goes.
pub struct Home {
    pub folder: tempfile::TempDir,
    pub keys: Keys,
    pub clock: Clock,
}

impl Home {
    pub fn new(keys: Keys) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), keys, clock: Clock::system() }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn destination(&self) -> Arc<dyn Destination> {
        Arc::new(FolderDestination::new("there", &self.folder.path().join("there")))
    }

    pub fn sources(&self) -> Sources {
        Sources { destinations: vec![self.destination()], keys: self.keys.clone() }
    }

    pub fn open(&self) -> Library {
        Library::open(&self.data(), vec![self.destination()], self.keys.clone(), self.clock.clone())
    }

    /// The database restored to the moment, and what was said of it.
    pub fn restore(&self, moment: Moment) -> (tempfile::TempDir, Restored) {
        let into = tempfile::tempdir_in(self.folder.path()).unwrap();
        let restored = restore(&self.sources(), moment, into.path(), &|_, _, _| ()).unwrap();
        (into, restored)
    }
}

/// An open library with its backup; nothing runs by itself.
pub struct Library {
    pub database: Arc<Sqlite>,
    pub originals: Arc<ibid_backup::Originals>,
    pub backup: Arc<Backup>,
    pub shutdown: Shutdown,
}

impl Library {
    pub fn open(data: &Path, destinations: Vec<Arc<dyn Destination>>, keys: Keys, clock: Clock) -> Self {
        Self::shipping_every(Duration::from_millis(20), data, destinations, keys, clock)
    }

    pub fn shipping_every(
        interval: Duration,
        data: &Path,
        destinations: Vec<Arc<dyn Destination>>,
        keys: Keys,
        clock: Clock,
    ) -> Self {
        std::fs::create_dir_all(data).unwrap();
        let tap = LogTap::new(clock.clone());
        let path = data.join("ibid.db");
        let database = Sqlite::open(SqliteConfig::new(path.clone()).with_tap(Arc::clone(&tap))).unwrap();
        let database = Arc::new(database);
        let blobs: Arc<dyn Blobs> = Arc::new(ibid_blob::Folder::open(&data.join("blobs")).unwrap());
        let originals = ibid_backup::Originals::new(blobs);
        let target = |destination| Target { destination, keep_days: 30 };
        let settings = Settings {
            local: data.join("backup"),
            database: path,
            targets: destinations.into_iter().map(target).collect(),
            keys,
            interval,
            spool_bytes_max: 1 << 30,
            base_minute: 120,
            files: SmallFiles {
                root: data.to_owned(),
                folders: vec!["flows".to_owned()],
                texts: BTreeMap::new(),
            },
            program: "test".to_owned(),
        };
        let source =
            Source { tap, database: Arc::clone(&database), originals: Arc::clone(&originals), clock };
        let backup = Backup::open(settings, source).unwrap();
        Self { database, originals, backup, shutdown: Shutdown::new() }
    }

    pub fn base(&self) -> ibid_backup::BaseMade {
        self.backup.make_base(&self.shutdown).unwrap()
    }

    /// Cuts what there is and waits until it is there.
    pub fn ship(&self) -> ibid_backup::Link {
        let link = self.backup.ship().unwrap();
        assert!(self.backup.drained(Duration::from_secs(60)));
        link
    }

    /// Ends in order.
    pub fn close(self) {
        self.backup.finish(Duration::from_secs(60));
    }

    pub fn set(&self, key: &str, value: &str) {
        let sql =
            "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = $2";
        self.database.batch(vec![Statement::new(sql, vec![key.into(), value.into()])]).unwrap();
    }

    pub fn state(&self) -> Vec<(String, String)> {
        read(|sql| self.database.query(sql, &[]).unwrap())
    }
}

/// The settings of a restored library.
pub fn state_in(folder: &Path) -> Vec<(String, String)> {
    let snapshot = Snapshot::open(&folder.join("ibid.db")).unwrap();
    assert_eq!(snapshot.damages(true).unwrap(), Vec::<String>::new());
    read(|sql| snapshot.query(sql, &[]).unwrap())
}

fn read(query: impl Fn(&'static str) -> Vec<ibid_store::Row>) -> Vec<(String, String)> {
    let rows = query("SELECT key, value FROM settings ORDER BY key");
    rows.iter().map(|row| (row.get(0).unwrap(), row.get(1).unwrap())).collect()
}

/// A text that compresses about as well as real ones, of so many bytes.
pub fn text(chance: &Chance, bytes: usize) -> String {
    const WORDS: [&str; 12] =
        ["the", "lease", "ends", "on", "a", "day", "of", "notice", "rent", "due", "party", "months"];
    let mut text = String::new();
    while text.len() < bytes {
        text.push_str(WORDS[usize::try_from(chance.below(12)).unwrap()]);
        text.push_str(&format!(" {:x} ", chance.below(4096)));
    }
    text
}
