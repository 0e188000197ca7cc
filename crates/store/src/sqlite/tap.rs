//! The log as it is written, for whoever ships it: every commit since the tap was attached, in order, once.
//!
//! Keeps true: frames are copied before the log is folded, so none is overwritten unseen; those that were taken but not
//! released yet go to the keeper as well, since whoever took them may die with them; a gap is told (`is_lost`), never passed
//! over; the writer waits for nothing but a copy from the page cache.
//!
//! The format of the log is SQLite's (sqlite.org/fileformat2.html, "The Write-Ahead Log").

use std::fs::File;
use std::io::{BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use ibid_runtime::Clock;
use ibid_types::{Error, Result, Timestamp};
use parking_lot::Mutex;

pub(super) const HEADER_BYTES: usize = 32;
/// Before the page of each frame.
pub const FRAME_HEAD_BYTES: usize = 24;
/// What is held for a shipper that does not come. Beyond it the log is given up; a new base is cheaper then.
const HELD_BYTES_MAX: usize = 256 << 20;
/// Magic number of a log whose checksums read words in little-endian order; the next number says big-endian.
const MAGIC: u32 = 0x377f_0682;

/// Which run of the log it is: SQLite chooses others each time it begins the log anew, the first one higher by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Salts(pub u32, pub u32);

/// A place in the log: after so many frames of that run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogPosition {
    pub salts: Salts,
    pub frames: u32,
}

/// A transaction: the last `frames` before the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    pub at: Timestamp,
    pub frames: u32,
    /// The database's size after it.
    pub pages: u32,
}

/// Commits that follow each other in one run of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPart {
    /// Higher for each part of this process.
    pub number: u64,
    /// Where the first of its frames is.
    pub from: LogPosition,
    pub page_bytes: usize,
    pub commits: Vec<Commit>,
    /// Head and page of each frame, as they are in the log.
    pub frames: Vec<u8>,
}

impl LogPart {
    const fn numbered(mut self, number: u64) -> Self {
        self.number = number;
        self
    }

    /// Page number and page of each frame.
    pub fn pages(&self) -> impl Iterator<Item = (u32, &[u8])> {
        self.frames
            .chunks_exact(FRAME_HEAD_BYTES + self.page_bytes)
            .map(|frame| (word(frame, 0), frame.get(FRAME_HEAD_BYTES..).unwrap_or_default()))
    }

    /// The part after its first `frames`; `None` where no commit ends there.
    #[must_use]
    pub fn without_first(mut self, frames: u32) -> Option<Self> {
        let (mut gone, mut commits) = (0, 0);
        while gone < frames {
            gone += self.commits.get(commits)?.frames;
            commits += 1;
        }
        let bytes = frames as usize * (FRAME_HEAD_BYTES + self.page_bytes);
        if gone != frames || bytes > self.frames.len() {
            return None;
        }
        self.commits.drain(..commits);
        self.frames.drain(..bytes);
        self.from.frames += frames;
        Some(self)
    }

    #[must_use]
    pub fn end(&self) -> LogPosition {
        let frames: u32 = self.commits.iter().map(|commit| commit.frames).sum();
        LogPosition { salts: self.from.salts, frames: self.from.frames + frames }
    }
}

/// What was committed since the last look.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    pub parts: Vec<Arc<LogPart>>,
    /// Where the log ends. A run that was just begun has no frames.
    pub end: LogPosition,
    /// Something before it was not kept: what follows does not continue what was taken before.
    pub is_lost: bool,
}

/// Keeps frames that nobody has released yet when the log is about to be folded. Called with the writer's lock held.
pub trait LogKeeper: Send + Sync + std::fmt::Debug {
    fn keep(&self, parts: &[Arc<LogPart>]) -> Result<()>;
}

/// See the head of this file. The writer notes, one shipper takes.
#[derive(Debug)]
pub struct LogTap {
    clock: Clock,
    keeper: OnceLock<Arc<dyn LogKeeper>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    log: PathBuf,
    file: Option<File>,
    position: LogPosition,
    last: Timestamp,
    /// Time and last frame of commits that are in the log only.
    noted: Vec<(Timestamp, u32)>,
    /// Copied from the log and not released yet, in order.
    held: Vec<Arc<LogPart>>,
    /// How many of them were taken, and how many the keeper has.
    taken: usize,
    kept: usize,
    /// Parts there were.
    parts: u64,
    is_lost: bool,
}

impl LogTap {
    #[must_use]
    pub fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self { clock, keeper: OnceLock::new(), state: Mutex::default() })
    }

    /// Whom to give frames that nobody has taken when the log is folded; the first one stays.
    pub fn set_keeper(&self, keeper: Arc<dyn LogKeeper>) {
        let _ = self.keeper.set(keeper);
    }

    /// Everything committed since the last call, complete up to a commit.
    pub fn take(&self) -> Taken {
        let mut state = self.state.lock();
        state.collect();
        let parts = state.held.get(state.taken..).unwrap_or_default().to_vec();
        state.taken = state.held.len();
        Taken { parts, end: state.position, is_lost: std::mem::take(&mut state.is_lost) }
    }

    /// The parts up to that number are safe elsewhere, or of no use any more.
    pub fn release(&self, number: u64) {
        let mut state = self.state.lock();
        let released = state.held.partition_point(|part| part.number <= number);
        state.held.drain(..released);
        state.taken = state.taken.saturating_sub(released);
        state.kept = state.kept.saturating_sub(released);
    }

    /// Begins with what the log holds when the database was opened. Nobody writes meanwhile.
    pub(super) fn attach(&self, log: &Path) -> Result<()> {
        let (salts, commits) = scan(log)?;
        let mut state = self.state.lock();
        log.clone_into(&mut state.log);
        state.position = LogPosition { salts, frames: 0 };
        state.last = written_at(log).unwrap_or_default().min(self.clock.now());
        let at = state.last;
        state.noted = commits.into_iter().map(|end| (at, end)).collect();
        Ok(())
    }

    /// A commit ended at that frame.
    pub(super) fn note(&self, frames: u32) {
        let now = self.clock.now();
        let mut state = self.state.lock();
        state.last = state.last.max(now);
        let at = state.last;
        state.noted.push((at, frames));
    }

    /// Saves what would be overwritten once the log was folded.
    pub(super) fn before_fold(&self) {
        let mut state = self.state.lock();
        state.collect();
        let Some(keeper) = self.keeper.get() else { return };
        let kept = state.held.get(state.kept..).map_or(Ok(()), |parts| match parts {
            [] => Ok(()),
            parts => keeper.keep(parts),
        });
        match kept {
            Ok(()) => state.kept = state.held.len(),
            // It is in memory still; only a crash before it is shipped would make a gap.
            Err(error) => tracing::warn!(code = error.code, "the log's tail is not kept: {}", error.chain()),
        }
    }
}

impl State {
    fn collect(&mut self) {
        if self.noted.is_empty() {
            return;
        }
        match self.read() {
            Ok(part) => self.held.push(Arc::new(part)),
            Err(error) => {
                tracing::warn!(code = error.code, "the log is given up: {}", error.chain());
                self.give_up();
            }
        }
        self.noted.clear();
        let untaken = self.held.get(self.taken..).unwrap_or_default();
        let held: usize = untaken.iter().map(|part| part.frames.len()).sum();
        if held > HELD_BYTES_MAX {
            tracing::warn!(bytes = held, "nobody takes the log; it is given up until the next base");
            self.give_up();
        }
    }

    fn give_up(&mut self) {
        self.held.clear();
        (self.taken, self.kept) = (0, 0);
        self.is_lost = true;
        self.position.frames = self.noted.last().map_or(self.position.frames, |(_, end)| *end);
    }

    fn read(&mut self) -> Result<LogPart> {
        let file = match self.file.take() {
            Some(file) => file,
            None => File::open(&self.log).map_err(|error| unreadable(&self.log, error))?,
        };
        let head = Head::read(&file, &self.log)?;
        if head.salts != self.position.salts {
            self.position = LogPosition { salts: head.salts, frames: 0 };
        }
        self.parts += 1;
        let part = head.part(&file, &self.log, self.position, &self.noted)?.numbered(self.parts);
        self.position = part.end();
        self.file = Some(file);
        Ok(part)
    }
}

/// The first bytes of the log.
struct Head {
    salts: Salts,
    page_bytes: usize,
}

impl Head {
    fn read(file: &File, log: &Path) -> Result<Self> {
        let mut bytes = [0; HEADER_BYTES];
        file.read_exact_at(&mut bytes, 0).map_err(|error| unreadable(log, error))?;
        Ok(Self { salts: Salts(word(&bytes, 16), word(&bytes, 20)), page_bytes: page_bytes(&bytes)? })
    }

    fn part(
        &self,
        file: &File,
        log: &Path,
        from: LogPosition,
        noted: &[(Timestamp, u32)],
    ) -> Result<LogPart> {
        let frame_bytes = FRAME_HEAD_BYTES + self.page_bytes;
        let end = noted.last().map_or(from.frames, |(_, end)| *end);
        let count = end.checked_sub(from.frames).ok_or_else(|| torn("it is shorter than it was"))?;
        if count as usize > HELD_BYTES_MAX / frame_bytes {
            return Err(torn("a transaction is too large to be shipped in one piece"));
        }
        let mut frames = vec![0; count as usize * frame_bytes];
        let offset = HEADER_BYTES as u64 + u64::from(from.frames) * frame_bytes as u64;
        file.read_exact_at(&mut frames, offset).map_err(|error| unreadable(log, error))?;
        let mut commits = Vec::with_capacity(noted.len());
        let mut before = from.frames;
        for (at, end) in noted {
            let last = (end - from.frames).checked_sub(1).map(|last| last as usize * frame_bytes);
            let last = last.and_then(|last| frames.get(last..)).unwrap_or_default();
            let pages = word(last, 4);
            if *end <= before || pages == 0 || Salts(word(last, 8), word(last, 12)) != from.salts {
                return Err(torn("a commit does not end where it should"));
            }
            commits.push(Commit { at: *at, frames: end - before, pages });
            before = *end;
        }
        Ok(LogPart { number: 0, from, page_bytes: self.page_bytes, commits, frames })
    }
}

/// The run of the log, and the last frame of every whole commit in it.
fn scan(log: &Path) -> Result<(Salts, Vec<u32>)> {
    let Ok(file) = File::open(log) else { return Ok((Salts::default(), Vec::new())) };
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut head = [0; HEADER_BYTES];
    if reader.read_exact(&mut head).is_err() {
        return Ok((Salts::default(), Vec::new()));
    }
    let salts = Salts(word(&head, 16), word(&head, 20));
    let mut sums = Checksums::begin(&head);
    if sums.sums != (word(&head, 24), word(&head, 28)) {
        return Ok((salts, Vec::new()));
    }
    let mut frame = vec![0; FRAME_HEAD_BYTES + page_bytes(&head)?];
    let mut commits = Vec::new();
    for number in 1_u32.. {
        if reader.read_exact(&mut frame).is_err() || Salts(word(&frame, 8), word(&frame, 12)) != salts {
            break;
        }
        sums.add(frame.get(..8).unwrap_or_default());
        sums.add(frame.get(FRAME_HEAD_BYTES..).unwrap_or_default());
        if sums.sums != (word(&frame, 16), word(&frame, 20)) {
            break;
        }
        if word(&frame, 4) != 0 {
            commits.push(number);
        }
    }
    Ok((salts, commits))
}

/// The running checksum of the log.
pub(super) struct Checksums {
    pub(super) is_big_endian: bool,
    pub(super) sums: (u32, u32),
}

impl Checksums {
    pub(super) fn begin(head: &[u8; HEADER_BYTES]) -> Self {
        let mut sums = Self { is_big_endian: word(head, 0) == MAGIC + 1, sums: (0, 0) };
        sums.add(&head[..24]);
        sums
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        let number = |four: &[u8]| {
            let four = <[u8; 4]>::try_from(four).unwrap_or_default();
            if self.is_big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
        };
        let (mut first, mut second) = self.sums;
        for eight in bytes.chunks_exact(8) {
            let (one, two) = eight.split_at(4);
            first = first.wrapping_add(number(one)).wrapping_add(second);
            second = second.wrapping_add(number(two)).wrapping_add(first);
        }
        self.sums = (first, second);
    }
}

fn page_bytes(head: &[u8]) -> Result<usize> {
    let bytes = word(head, 8) as usize;
    let is_size = (512..=65_536).contains(&bytes) && bytes.is_power_of_two();
    if is_size { Ok(bytes) } else { Err(torn("its head names an impossible size of pages")) }
}

pub(super) fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes)
}

fn written_at(log: &Path) -> Option<Timestamp> {
    let written = std::fs::metadata(log).ok()?.modified().ok()?;
    let since = written.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok().map(Timestamp)
}

fn torn(why: &str) -> Error {
    Error::internal("store_log", format!("the store's log cannot be shipped: {why}; a new base follows"))
}

fn unreadable(log: &Path, error: std::io::Error) -> Error {
    Error::unavailable("store_unavailable", format!("cannot read {}", log.display())).caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Db, Sqlite, SqliteConfig, Statement};

    #[derive(Debug, Default)]
    struct Kept(Mutex<Vec<u64>>);

    impl LogKeeper for Kept {
        fn keep(&self, parts: &[Arc<LogPart>]) -> Result<()> {
            self.0.lock().extend(parts.iter().map(|part| part.number));
            Ok(())
        }
    }

    fn open(folder: &Path) -> (Arc<LogTap>, Sqlite) {
        let tap = LogTap::new(Clock::system());
        let config = SqliteConfig::new(folder.join("ibid.db")).with_tap(Arc::clone(&tap));
        (tap, Sqlite::open(config).unwrap())
    }

    fn write(database: &Sqlite) {
        let sql = "INSERT INTO settings (key, value) VALUES (hex(randomblob(8)), '1')";
        drop(database.batch(vec![Statement::new(sql, vec![])]).unwrap());
    }

    #[test]
    fn what_was_taken_is_kept_until_it_is_released() {
        let home = tempfile::tempdir().unwrap();
        let (tap, database) = open(home.path());
        let kept = Arc::new(Kept::default());
        tap.set_keeper(Arc::clone(&kept) as Arc<dyn LogKeeper>);
        let first = tap.take().parts;
        tap.release(first[0].number);
        write(&database);
        let second = tap.take().parts;
        write(&database);
        assert!(database.fold().unwrap());
        assert_eq!(*kept.0.lock(), [second[0].number, second[0].number + 1]);
        assert!(database.fold().unwrap());
        assert_eq!(kept.0.lock().len(), 2);
        assert_eq!(tap.take().parts.len(), 1);
    }

    #[test]
    fn a_run_that_was_just_begun_is_known_by_its_salts() {
        let home = tempfile::tempdir().unwrap();
        let (tap, database) = open(home.path());
        write(&database);
        let end = tap.take().end;
        let log = home.path().join("copy");
        std::fs::copy(home.path().join("ibid.db-wal"), &log).unwrap();
        File::options().write(true).open(&log).unwrap().set_len(HEADER_BYTES as u64).unwrap();
        let after = LogTap::new(Clock::system());
        after.attach(&log).unwrap();
        let taken = after.take();
        assert!(taken.parts.is_empty() && !taken.is_lost);
        assert_eq!(taken.end, LogPosition { frames: 0, ..end });
    }
}
