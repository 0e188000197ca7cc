//! Brings segments to one destination, in order, for as long as it takes.
//!
//! Keeps true: an original is at the destination before the segment that names it; a segment before the next one; nothing is
//! given up in silence. Originals that no segment names yet go while there is nothing else to bring, so that a segment
//! which names many has little to wait for.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use ibid_blob::Blobs;
use ibid_runtime::{Clock, Shutdown};
use ibid_seal::Keys;
use ibid_types::{Class, ContentHash, Error, Result, Timestamp};
use parking_lot::{Condvar, Mutex};

use crate::destination::Destination;
use crate::pieces::{piece_name, piece_object};
use crate::status::{DestinationStatus, Failure};

/// Between attempts at a destination that fails: doubled from the first to the last.
const AGAIN_FIRST: Duration = Duration::from_millis(500);
const AGAIN_LAST: Duration = Duration::from_secs(60);
/// Originals that may wait without a segment; those beyond it go with theirs.
const EARLY_MAX: usize = 1000;
/// How long an idle courier sleeps before it looks whether it shall end.
const IDLE: Duration = Duration::from_millis(500);

/// A segment on its way.
#[derive(Clone, Debug)]
pub struct Parcel {
    pub name: String,
    /// Its object, where it is still in memory; else it is read from the spool.
    pub object: Option<Arc<Vec<u8>>>,
    pub bytes: u64,
    pub originals: Arc<Vec<ContentHash>>,
    /// The time of its first commit.
    pub since: Timestamp,
}

/// Where parcels are until they have arrived.
pub trait Depot: Send + Sync + std::fmt::Debug {
    fn load(&self, name: &str) -> Result<Vec<u8>>;
    fn arrived(&self, name: &str, courier: usize);
}

/// See the head of this file.
#[derive(Debug)]
pub struct Courier {
    number: usize,
    destination: Arc<dyn Destination>,
    keys: Keys,
    clock: Clock,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    parcels: VecDeque<Parcel>,
    early: VecDeque<ContentHash>,
    status: DestinationStatus,
    /// Originals that this process has put there.
    there: HashSet<ContentHash>,
    rechecked: HashSet<ContentHash>,
}

impl Courier {
    #[must_use]
    pub fn new(number: usize, destination: Arc<dyn Destination>, keys: Keys, clock: Clock) -> Arc<Self> {
        let label = destination.label().to_owned();
        let status = DestinationStatus { label, is_reachable: true, ..DestinationStatus::default() };
        let queue = Mutex::new(Queue { status, ..Queue::default() });
        Arc::new(Self { number, destination, keys, clock, queue, changed: Condvar::new() })
    }

    #[must_use]
    pub const fn destination(&self) -> &Arc<dyn Destination> {
        &self.destination
    }

    pub fn send(&self, parcel: Parcel) {
        self.queue.lock().parcels.push_back(parcel);
        self.changed.notify_all();
    }

    /// A segment will name this soon.
    pub fn announce(&self, original: ContentHash) {
        let mut queue = self.queue.lock();
        if queue.early.len() < EARLY_MAX {
            queue.early.push_back(original);
            self.changed.notify_all();
        }
    }

    /// Gives up what waits, because the spool is full: from the next base on all goes on.
    pub fn give_up(&self) -> Vec<Parcel> {
        let mut queue = self.queue.lock();
        if queue.parcels.is_empty() {
            return Vec::new();
        }
        queue.status.needs_base = true;
        queue.parcels.drain(..).collect()
    }

    /// These may not be there, although they are not new: each is looked for first.
    pub fn recheck(&self, hashes: &[ContentHash]) {
        self.queue.lock().rechecked.extend(hashes);
    }

    pub fn lacks_base(&self) {
        self.queue.lock().status.needs_base = true;
    }

    pub fn has_base(&self) {
        self.queue.lock().status.needs_base = false;
    }

    /// Whether a base should be made for it now: it lacks one and answers.
    #[must_use]
    pub fn wants_base(&self) -> bool {
        let queue = self.queue.lock();
        queue.status.needs_base && queue.status.is_reachable
    }

    #[must_use]
    pub fn status(&self) -> DestinationStatus {
        let queue = self.queue.lock();
        let oldest = queue.parcels.front().map(|parcel| parcel.since);
        let behind = oldest.map_or(0, |since| self.clock.now().0.saturating_sub(since.0).max(0));
        DestinationStatus {
            waiting_segments: queue.parcels.len() as u64,
            waiting_bytes: queue.parcels.iter().map(|parcel| parcel.bytes).sum(),
            behind_ms: behind.unsigned_abs(),
            ..queue.status.clone()
        }
    }

    /// Notes how an attempt at the destination went.
    pub fn note<T>(&self, outcome: &Result<T>) {
        let now = self.clock.now();
        let mut queue = self.queue.lock();
        match outcome {
            Ok(_) => {
                queue.status.is_reachable = true;
                queue.status.last_success_at = Some(now);
            }
            Err(error) => {
                queue.status.is_reachable = false;
                queue.status.failures += 1;
                queue.status.last_failure = Some(failure(now, error));
            }
        }
    }

    /// Whether something is on its way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.queue.lock().parcels.is_empty()
    }

    /// Lets it look whether it shall end.
    pub fn wake(&self) {
        let _queue = self.queue.lock();
        self.changed.notify_all();
    }

    /// Waits until nothing is on its way, at most so long; says whether that is so.
    pub fn drained(&self, longest: Duration) -> bool {
        let mut queue = self.queue.lock();
        self.changed.wait_while_for(&mut queue, |queue| !queue.parcels.is_empty(), longest);
        queue.parcels.is_empty()
    }

    /// Carries until it shall end.
    pub fn run(&self, blobs: &dyn Blobs, depot: &dyn Depot, shutdown: &Shutdown) {
        let mut again = AGAIN_FIRST;
        while !shutdown.is_requested() {
            let Some(parcel) = self.next(shutdown) else {
                self.carry_early(blobs);
                continue;
            };
            let outcome = self.carry(&parcel, blobs, depot);
            self.note(&outcome);
            match outcome {
                Ok(()) => {
                    again = AGAIN_FIRST;
                    self.delivered(&parcel, depot);
                }
                Err(error) => {
                    let label = self.destination.label();
                    tracing::warn!(code = error.code, label, "a segment waits: {}", error.chain());
                    shutdown.wait_timeout(again);
                    again = (again * 2).min(AGAIN_LAST);
                }
            }
        }
    }

    fn next(&self, shutdown: &Shutdown) -> Option<Parcel> {
        let mut queue = self.queue.lock();
        if queue.parcels.is_empty() && queue.early.is_empty() && !shutdown.is_requested() {
            self.changed.wait_for(&mut queue, IDLE);
        }
        queue.parcels.front().cloned()
    }

    /// Where it fails, the segment that names it tries again and tells.
    fn carry_early(&self, blobs: &dyn Blobs) {
        let original = self.queue.lock().early.pop_front();
        if let Some(original) = original
            && let Err(error) = self.carry_original(&original, blobs)
        {
            tracing::debug!(code = error.code, "an original waits for its segment: {}", error.chain());
            self.queue.lock().early.clear();
        }
    }

    fn delivered(&self, parcel: &Parcel, depot: &dyn Depot) {
        {
            let mut queue = self.queue.lock();
            if queue.parcels.front().is_some_and(|first| first.name == parcel.name) {
                queue.parcels.pop_front();
            }
            queue.status.uploaded_bytes += parcel.bytes;
        }
        depot.arrived(&parcel.name, self.number);
        self.changed.notify_all();
    }

    fn carry(&self, parcel: &Parcel, blobs: &dyn Blobs, depot: &dyn Depot) -> Result<()> {
        for hash in parcel.originals.iter() {
            self.carry_original(hash, blobs)?;
        }
        match &parcel.object {
            Some(object) => self.destination.put(&parcel.name, object),
            None => self.destination.put(&parcel.name, &depot.load(&parcel.name)?),
        }
    }

    fn carry_original(&self, hash: &ContentHash, blobs: &dyn Blobs) -> Result<()> {
        let is_rechecked = {
            let mut queue = self.queue.lock();
            if queue.there.contains(hash) {
                return Ok(());
            }
            queue.rechecked.remove(hash)
        };
        let name = piece_name(hash, &self.keys);
        if is_rechecked && self.destination.exists(&name)? {
            self.queue.lock().there.insert(*hash);
            return Ok(());
        }
        let bytes = match blobs.get(hash) {
            Ok(bytes) => bytes,
            // A file that was never named, or is damaged already: verification of the library tells, not this.
            Err(error) if matches!(error.class, Class::NotFound | Class::Internal) => {
                tracing::warn!(code = error.code, "an original is not in the backup: {error}");
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let object = piece_object(hash, &bytes, &self.keys)?;
        self.destination.put(&name, &object)?;
        let mut queue = self.queue.lock();
        queue.there.insert(*hash);
        queue.status.uploaded_bytes += object.len() as u64;
        Ok(())
    }
}

/// A failure as the status shows it.
pub fn failure(at: Timestamp, error: &Error) -> Failure {
    Failure { at, code: error.code.to_owned(), reason: error.chain() }
}
