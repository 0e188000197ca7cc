//! The store: appending, finishing blocks, thinning them out, forgetting.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use ibid_types::{Error, Result, Timestamp};
use parking_lot::Mutex;

use crate::series::block::Block;
use crate::series::head::Head;
use crate::series::part::Part;
use crate::series::shelf::Shelf;
use crate::series::thin::{joined, thinned};
use crate::series::{At, Key, Reading, Selector};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// A fine block is finished after 2 hours: 480 samples.
const BLOCK_MS: i64 = 2 * HOUR_MS;
/// The resolution of what is kept long.
const COARSE_MS: i64 = 300_000;

/// What is kept.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long every sample is kept, and how long the means of 5 minutes.
    pub fine_ms: i64,
    pub coarse_ms: i64,
    /// All blocks together; the oldest are deleted above it.
    pub bytes_max: u64,
    /// Series in one block; further ones are left out.
    pub series_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { fine_ms: 2 * DAY_MS, coarse_ms: 30 * DAY_MS, bytes_max: 64 << 20, series_max: 4_000 }
    }
}

/// The store of samples. One process has a folder; its threads share the value.
#[derive(Debug)]
pub struct Series {
    limits: Limits,
    folder: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    head: Head,
    fine: Shelf,
    coarse: Shelf,
    /// What each counter had grown to at its last sample.
    grown: HashMap<Key, f64>,
}

impl Series {
    /// The samples in a folder, which is made where it is missing. Error: `series_unwritable`.
    pub fn open(folder: &Path, limits: Limits) -> Result<Self> {
        let state = State::open(folder).map_err(|error| unwritable(folder, error))?;
        let series = Self { limits, folder: Some(folder.to_owned()), state: Mutex::new(state) };
        series.state.lock().thin_out().map_err(|error| unwritable(folder, error))?;
        Ok(series)
    }

    /// Samples that go with the process, for tests of rules.
    #[must_use]
    pub fn in_memory() -> Self {
        let (fine, coarse) = (Shelf::in_memory(), Shelf::in_memory());
        let state = State { head: Head::default(), fine, coarse, grown: HashMap::new() };
        Self { limits: Limits::default(), folder: None, state: Mutex::new(state) }
    }

    /// Takes the readings of one moment in. A moment that is not after the latest is left out; where the clock was set
    /// back by more than an hour, what it had not reached yet is forgotten. Error: `series_unwritable`.
    pub fn append(&self, at: Timestamp, readings: &[Reading]) -> Result<()> {
        self.append_at(&mut self.state.lock(), at.0, readings)
            .map_err(|error| unwritable(self.folder.as_deref().unwrap_or(Path::new("")), error))
    }

    fn append_at(&self, state: &mut State, time: i64, readings: &[Reading]) -> std::io::Result<()> {
        if state.latest().is_some_and(|latest| latest - time > HOUR_MS) {
            state.forget_after(time, self.folder.as_deref())?;
        }
        if state.latest().is_some_and(|latest| time <= latest) {
            return Ok(());
        }
        if state.head.times.first().is_some_and(|start| time - start >= BLOCK_MS) {
            self.finish(state, time)?;
        }
        let grown = state.growths(readings);
        state.head.append(time, &grown, self.limits.series_max)
    }

    /// Ends the head's block, thins it out, and forgets what is too old or too much.
    fn finish(&self, state: &mut State, now: i64) -> std::io::Result<()> {
        let block = state.head.to_block();
        state.fine.put(block)?;
        state.head = new_head(self.folder.as_deref())?;
        state.thin_out()?;
        state.fine.forget_before(now - self.limits.fine_ms);
        state.coarse.forget_before(now - self.limits.coarse_ms);
        while state.fine.bytes() + state.coarse.bytes() > self.limits.bytes_max {
            if !state.coarse.forget_oldest() && !state.fine.forget_oldest() {
                break;
            }
        }
        Ok(())
    }

    /// The samples up to `now`.
    #[must_use]
    pub const fn at(&self, now: Timestamp) -> At<'_> {
        At::new(self, now)
    }

    /// The moment of the latest sample.
    #[must_use]
    pub fn latest(&self) -> Option<Timestamp> {
        self.state.lock().latest().map(Timestamp)
    }

    /// Bytes of the finished blocks. The journal of the block that is being filled is beside them.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let state = self.state.lock();
        state.fine.bytes() + state.coarse.bytes()
    }

    /// The series that a selector means and that have a place after `from` up to `to`.
    #[must_use]
    pub fn keys(&self, selector: &Selector, from: Timestamp, to: Timestamp) -> Vec<Key> {
        let mut keys: BTreeSet<Key> = BTreeSet::new();
        self.state.lock().each_part(from.0, to.0, |part| {
            part.each_key(selector, |key| {
                keys.insert(key.clone());
            });
        });
        keys.into_iter().collect()
    }

    /// For each moment after `from` up to `to` the sum over the selected series; nothing where none has a sample.
    pub(super) fn sums(&self, selector: &Selector, from: i64, to: i64) -> Vec<(i64, f64)> {
        let mut sums = Vec::new();
        self.state.lock().each_part(from, to, |part| part.add_sums(selector, &mut sums));
        sums
    }

    /// How much each of the selected counters grew after `from` up to `to`.
    pub(super) fn growth(&self, selector: &Selector, from: i64, to: i64) -> BTreeMap<Key, f64> {
        let mut growth: BTreeMap<Key, f64> = BTreeMap::new();
        self.state.lock().each_part(from, to, |part| {
            part.each_growth(selector, |key, grown| match growth.get_mut(key) {
                Some(sum) => *sum += grown,
                None => drop(growth.insert(key.clone(), grown)),
            });
        });
        growth
    }
}

impl State {
    fn open(folder: &Path) -> std::io::Result<Self> {
        fs::create_dir_all(folder)?;
        let fine = Shelf::open(folder, "fine")?;
        let coarse = Shelf::open(folder, "coarse")?;
        let mut head = Head::open(&folder.join(JOURNAL))?;
        // A process that ended between the block and the end of its journal left both.
        if head.times.first().is_some_and(|start| fine.end().is_some_and(|end| *start <= end)) {
            head = new_head(Some(folder))?;
        }
        Ok(Self { head, fine, coarse, grown: HashMap::new() })
    }

    fn latest(&self) -> Option<i64> {
        self.head.times.last().copied().or_else(|| self.fine.end()).or_else(|| self.coarse.end())
    }

    /// Forgets all that is not before `time`.
    fn forget_after(&mut self, time: i64, folder: Option<&Path>) -> std::io::Result<()> {
        self.fine.forget_after(time);
        self.coarse.forget_after(time);
        self.head = new_head(folder)?;
        Ok(())
    }

    /// Each reading with what is kept of it: a gauge's value, a counter's growth. A counter that is smaller than it was
    /// began anew at 0, as all do at the start of a process.
    fn growths<'a>(&mut self, readings: &'a [Reading]) -> Vec<(&'a Reading, f64)> {
        let growth = |reading: &'a Reading| {
            if !reading.is_counter {
                return (reading, reading.value);
            }
            let before = match self.grown.get_mut(&reading.key) {
                Some(before) => std::mem::replace(before, reading.value),
                None => {
                    self.grown.insert(reading.key.clone(), reading.value);
                    0.0
                }
            };
            let is_same_process = reading.value >= before;
            (reading, if is_same_process { reading.value - before } else { reading.value })
        };
        readings.iter().map(growth).collect()
    }

    /// Visits what holds samples after `from` up to `to`, the oldest first, the finest there is of each moment.
    fn each_part(&mut self, from: i64, to: i64, mut see: impl FnMut(Part<'_>)) {
        let head_start = self.head.times.first().copied().unwrap_or(i64::MAX);
        let fine_start = self.fine.start().unwrap_or(head_start);
        for block in self.coarse.between(from, to.min(fine_start.saturating_sub(1))) {
            see(Part::finished(&block, from, to.min(fine_start.saturating_sub(1))));
        }
        for block in self.fine.between(from, to) {
            see(Part::finished(&block, from, to));
        }
        see(Part::growing(&self.head, from, to));
    }

    /// Adds what the fine blocks have beyond the coarse ones to the block of its day.
    fn thin_out(&mut self) -> std::io::Result<()> {
        let done = self.coarse.end().unwrap_or(i64::MIN);
        for block in self.fine.between(done, i64::MAX) {
            let thin = thinned(&block, COARSE_MS);
            let of_day = |block: &Block| block.start().map(|start| start.div_euclid(DAY_MS));
            let before = self.coarse.last().filter(|before| of_day(before) == of_day(&thin));
            let joined = before.map_or_else(|| thin.clone(), |before| joined(&before, &thin));
            self.coarse.put(joined)?;
        }
        Ok(())
    }
}

fn unwritable(folder: &Path, error: std::io::Error) -> Error {
    let what = format!("cannot keep metrics in {}; is it writable and is there room?", folder.display());
    Error::unavailable("series_unwritable", what).caused_by(error)
}

fn new_head(folder: Option<&Path>) -> std::io::Result<Head> {
    let Some(folder) = folder else { return Ok(Head::default()) };
    let journal = folder.join(JOURNAL);
    match fs::remove_file(&journal) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Head::open(&journal),
    }
}

const JOURNAL: &str = "head.log";
