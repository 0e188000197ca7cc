//! Originals on their way into the backup: whoever stores one makes it known here.
//!
//! Keeps true: an original is noted before a row can name it, so the segment that holds the row names it too; while it is
//! not in every backup, it is not deleted (the next sweep of unnamed originals takes it).

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock, Weak};

use ibid_blob::Blobs;
use ibid_types::{ContentHash, Result};
use parking_lot::Mutex;

use crate::courier::Courier;

/// A store of bytes whose news are noted.
#[derive(Debug)]
pub struct Originals {
    inner: Arc<dyn Blobs>,
    state: Mutex<State>,
    couriers: OnceLock<Vec<Weak<Courier>>>,
}

#[derive(Debug, Default)]
struct State {
    new: BTreeSet<ContentHash>,
    /// By how many segments that are not in every backup each is named.
    travelling: HashMap<ContentHash, usize>,
}

impl Originals {
    #[must_use]
    pub fn new(inner: Arc<dyn Blobs>) -> Arc<Self> {
        Arc::new(Self { inner, state: Mutex::default(), couriers: OnceLock::new() })
    }

    /// Who hears of each original as soon as it is stored; the first call counts.
    pub fn announce_to(&self, couriers: &[Arc<Courier>]) {
        let _ = self.couriers.set(couriers.iter().map(Arc::downgrade).collect());
    }

    /// What was stored since the last call; it travels from now on.
    pub fn take_new(&self) -> Vec<ContentHash> {
        let new: Vec<ContentHash> = std::mem::take(&mut self.state.lock().new).into_iter().collect();
        self.travel(&new);
        new
    }

    /// These are to be named by the next segment as well.
    pub fn again(&self, hashes: Vec<ContentHash>) {
        self.arrived(&hashes);
        self.state.lock().new.extend(hashes);
    }

    /// These are on their way again, as after a restart.
    pub fn travel(&self, hashes: &[ContentHash]) {
        let mut state = self.state.lock();
        hashes.iter().for_each(|hash| *state.travelling.entry(*hash).or_default() += 1);
    }

    /// These were named by a segment that is in every backup now.
    pub fn arrived(&self, hashes: &[ContentHash]) {
        let mut state = self.state.lock();
        for hash in hashes {
            if let Some(count) = state.travelling.get_mut(hash) {
                *count -= 1;
                if *count == 0 {
                    state.travelling.remove(hash);
                }
            }
        }
    }

    fn is_travelling(&self, hash: &ContentHash) -> bool {
        let state = self.state.lock();
        state.new.contains(hash) || state.travelling.contains_key(hash)
    }
}

impl Blobs for Originals {
    fn put(&self, bytes: &[u8]) -> Result<ContentHash> {
        let hash = self.inner.put(bytes)?;
        if self.state.lock().new.insert(hash) {
            let couriers = self.couriers.get().into_iter().flatten().filter_map(Weak::upgrade);
            couriers.for_each(|courier| courier.announce(hash));
        }
        Ok(hash)
    }

    fn get(&self, hash: &ContentHash) -> Result<Vec<u8>> {
        self.inner.get(hash)
    }

    fn exists(&self, hash: &ContentHash) -> Result<bool> {
        self.inner.exists(hash)
    }

    fn delete(&self, hash: &ContentHash) -> Result<()> {
        if self.is_travelling(hash) { Ok(()) } else { self.inner.delete(hash) }
    }

    fn list(&self) -> Result<Vec<ContentHash>> {
        self.inner.list()
    }

    fn check(&self) -> Result<()> {
        self.inner.check()
    }
}
