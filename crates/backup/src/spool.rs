//! Segments on this machine's disk until every destination has them.
//!
//! Keeps true: a segment that was cut survives a crash; the spool stays below its limit, and a destination for which
//! segments were given up is known to need a base.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use ibid_types::{ContentHash, Error, Result, Timestamp};
use parking_lot::Mutex;

use crate::courier::{Courier, Depot, Parcel};
use crate::originals::Originals;

/// Objects that wait in memory as well, so that a destination that keeps up reads nothing back.
const MEMORY_BYTES_MAX: u64 = 32 << 20;

/// See the head of this file.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    bytes_max: u64,
    originals: Arc<Originals>,
    couriers: Vec<Weak<Courier>>,
    waiting: Mutex<BTreeMap<String, Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    bytes: u64,
    couriers: BTreeSet<usize>,
    originals: Arc<Vec<ContentHash>>,
}

impl Spool {
    /// Error: `backup_local`.
    pub fn open(
        folder: &Path,
        bytes_max: u64,
        originals: Arc<Originals>,
        couriers: &[Arc<Courier>],
    ) -> Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| unusable(folder, error))?;
        Ok(Self {
            folder: folder.to_owned(),
            bytes_max,
            originals,
            couriers: couriers.iter().map(Arc::downgrade).collect(),
            waiting: Mutex::default(),
        })
    }

    /// Names of what was left by an earlier process, in order.
    pub fn left(&self) -> Vec<(String, Vec<u8>)> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut left: Vec<(String, Vec<u8>)> = entries
            .filter_map(|entry| {
                let name = entry.file_name().to_string_lossy().replace('+', "/");
                if name.ends_with(".new") {
                    return None;
                }
                Some((name, fs::read(entry.path()).ok()?))
            })
            .collect();
        left.sort();
        left
    }

    /// Writes a segment down. It is given to nobody yet.
    pub fn keep(&self, name: &str, object: &[u8]) -> Result<()> {
        self.write(name, object).map_err(|error| unusable(&self.folder, error))
    }

    /// Takes back a segment that was given to nobody.
    pub fn take_back(&self, name: &str) {
        let _ = fs::remove_file(self.place(name));
    }

    /// Gives a segment that is written down to every courier.
    pub fn send(&self, name: &str, object: Vec<u8>, originals: Vec<ContentHash>, since: Timestamp) {
        let bytes = object.len() as u64;
        let originals = Arc::new(originals);
        let couriers: Vec<Arc<Courier>> = self.couriers.iter().filter_map(Weak::upgrade).collect();
        let held = {
            let mut waiting = self.waiting.lock();
            let all = (0..couriers.len()).collect();
            waiting
                .insert(name.to_owned(), Waiting { bytes, couriers: all, originals: Arc::clone(&originals) });
            waiting.values().map(|one| one.bytes).sum::<u64>()
        };
        let object = (held <= MEMORY_BYTES_MAX).then(|| Arc::new(object));
        for courier in &couriers {
            let (object, originals) = (object.clone(), Arc::clone(&originals));
            courier.send(Parcel { name: name.to_owned(), object, bytes, originals, since });
        }
        if held > self.bytes_max {
            self.make_room(&couriers);
        }
    }

    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.waiting.lock().values().map(|one| one.bytes).sum()
    }

    /// Gives up what waits for the destination that is furthest behind.
    fn make_room(&self, couriers: &[Arc<Courier>]) {
        let Some((number, courier)) =
            couriers.iter().enumerate().max_by_key(|(_, courier)| courier.status().waiting_bytes)
        else {
            return;
        };
        let label = courier.destination().label();
        tracing::warn!(label, "the spool is full; this destination gets a new base when it answers again");
        for parcel in courier.give_up() {
            self.arrived(&parcel.name, number);
        }
    }

    fn write(&self, name: &str, object: &[u8]) -> std::io::Result<()> {
        let place = self.place(name);
        let beside = place.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(object)?;
        file.sync_data()?;
        fs::rename(&beside, &place)?;
        File::open(&self.folder)?.sync_all()
    }

    fn place(&self, name: &str) -> PathBuf {
        self.folder.join(name.replace('/', "+"))
    }
}

impl Depot for Spool {
    fn load(&self, name: &str) -> Result<Vec<u8>> {
        fs::read(self.place(name)).map_err(|error| unusable(&self.folder, error))
    }

    fn arrived(&self, name: &str, courier: usize) {
        let mut waiting = self.waiting.lock();
        let Some(one) = waiting.get_mut(name) else { return };
        one.couriers.remove(&courier);
        if one.couriers.is_empty() {
            self.originals.arrived(&one.originals);
            waiting.remove(name);
            let _ = fs::remove_file(self.place(name));
        }
    }
}

fn unusable(folder: &Path, error: std::io::Error) -> Error {
    let what = format!("cannot write into {}; the backup waits until it can", folder.display());
    Error::unavailable("backup_local", what).caused_by(error)
}
