//! Continuous backup at work: the log is cut into segments every second, couriers bring them away, bases are made.
//!
//! Keeps true: the writer waits for nothing but a copy of its log; a segment is read once, compressed once and sealed once,
//! whatever the number of destinations; a destination that fails holds up none of the others.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ibid_blob::Blobs;
use ibid_runtime::{Clock, Shutdown, round};
use ibid_seal::{Keys, SealKey};
use ibid_store::{Db, LogPart, LogTap, Sqlite};
use ibid_types::{ContentHash, Error, Result, Timestamp};
use parking_lot::Mutex;

use crate::courier::{Courier, failure};
use crate::destination::Destination;
use crate::files::{Seen, SmallFiles};
use crate::line::Line;
use crate::local::{Fingerprint, Local};
use crate::names::{self, Named};
use crate::originals::Originals;
use crate::segment::{self, Cut, Link, Segment};
use crate::spool::Spool;
use crate::status::Status;

/// The context from which names of pieces are derived; another would orphan all that are stored.
const NAMING: &str = "ibid 2026-11-21 names of pieces of backups";
/// Originals of the newest versions that are looked for at every destination after a crash.
const RECHECKED_MAX: usize = 1000;
/// How often it is looked whether a base is due, and how long a base that failed waits.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const BASE_AGAIN: Duration = Duration::from_secs(60);

/// Keys of backups: the first seals, all of them open.
#[must_use]
pub fn backup_keys(keys: &[SealKey]) -> Keys {
    Keys::new(keys, NAMING)
}

/// A destination and how long it keeps.
#[derive(Clone, Debug)]
pub struct Target {
    pub destination: Arc<dyn Destination>,
    /// Every moment of so many days can be restored.
    pub keep_days: u32,
}

#[derive(Clone, Debug)]
pub struct Settings {
    /// Where this machine keeps what it knows of its backup, and segments on their way.
    pub local: PathBuf,
    pub database: PathBuf,
    pub targets: Vec<Target>,
    pub keys: Keys,
    /// Commits of so long become a segment.
    pub interval: Duration,
    pub spool_bytes_max: u64,
    /// When the daily base is made, in minutes after midnight UTC.
    pub base_minute: u32,
    pub files: SmallFiles,
    /// The version of the program.
    pub program: String,
}

/// What is backed up.
#[derive(Clone, Debug)]
pub struct Source {
    pub tap: Arc<LogTap>,
    pub database: Arc<Sqlite>,
    pub originals: Arc<Originals>,
    pub clock: Clock,
}

/// See the head of this file.
#[derive(Debug)]
pub struct Backup {
    pub(crate) settings: Settings,
    pub(crate) source: Source,
    pub(crate) line: Mutex<Line>,
    pub(crate) couriers: Vec<Arc<Courier>>,
    /// One base at a time.
    pub(crate) base: Mutex<()>,
    pub(crate) status: Mutex<Status>,
    local: Arc<Local>,
    spool: Arc<Spool>,
    /// Whether this process works on, and does not only answer one command.
    is_working: AtomicBool,
    carrying: Mutex<Carrying>,
}

#[derive(Debug, Default)]
struct Carrying {
    shutdown: Shutdown,
    threads: Vec<JoinHandle<()>>,
}

impl Backup {
    /// Takes up the log where it was. Nothing is sent anywhere yet. Errors: `backup_local`, `chance_unavailable`.
    pub fn open(settings: Settings, source: Source) -> Result<Arc<Self>> {
        let local = Arc::new(Local::open(&settings.local)?);
        let courier = |(number, target): (usize, &Target)| {
            let destination = Arc::clone(&target.destination);
            Courier::new(number, destination, settings.keys.clone(), source.clock.clone())
        };
        let couriers: Vec<_> = settings.targets.iter().enumerate().map(courier).collect();
        source.originals.announce_to(&couriers);
        let folder = settings.local.join("spool");
        let spool = Spool::open(&folder, settings.spool_bytes_max, Arc::clone(&source.originals), &couriers)?;
        let now = source.clock.now();
        let line = Line::resume(&local, &source.tap, &settings.database, &settings.files, now)?;
        let backup = Self {
            line: Mutex::new(line),
            couriers,
            base: Mutex::default(),
            status: Mutex::default(),
            local: Arc::clone(&local),
            spool: Arc::new(spool),
            is_working: AtomicBool::new(false),
            carrying: Mutex::default(),
            settings,
            source,
        };
        backup.take_up()?;
        backup.source.tap.set_keeper(local);
        Ok(Arc::new(backup))
    }

    /// Cuts segments until the shutdown; what is committed after that, `finish` ships.
    pub fn run(&self, shutdown: &Shutdown) {
        self.is_working.store(true, Ordering::Release);
        self.start_couriers();
        let mut wait = self.settings.interval;
        while !shutdown.wait_timeout(wait) {
            let begun = Instant::now();
            if let Err(error) = self.ship() {
                tracing::warn!(code = error.code, "the log waits: {}", error.chain());
            }
            // What the cut took is not added to what the loss of the disk costs; something is left for others to work in.
            wait = self.settings.interval.saturating_sub(begun.elapsed()).max(self.settings.interval / 4);
        }
    }

    /// Makes bases when they are due until the shutdown, and prunes after each.
    pub fn run_bases(&self, shutdown: &Shutdown) {
        let mut wait = Duration::ZERO;
        while !shutdown.wait_timeout(wait) {
            wait = LOOK_EVERY;
            if !self.is_base_due() {
                continue;
            }
            let base = round(&self.source.clock, "backup-base", || match self.make_base(shutdown) {
                Ok(base) => Ok(format!("a base of commit {} was made, {} bytes", base.commit, base.bytes)),
                Err(_) if shutdown.is_requested() => Ok("stopped with the program".to_owned()),
                Err(error) => Err(error),
            });
            match base {
                Ok(()) if shutdown.is_requested() => {}
                Ok(()) => {
                    // A failure is noted and logged there; the next base is followed by the next attempt.
                    let _ = round(&self.source.clock, "backup-retention", || self.pruned());
                }
                Err(_) => wait = BASE_AGAIN,
            }
        }
    }

    /// Cuts what was committed until now; gives where the log stands.
    pub fn ship(&self) -> Result<Link> {
        let mut line = self.line.lock();
        let outcome = self.ship_line(&mut line);
        self.noted(outcome)?;
        Ok(line.link.clone())
    }

    /// Ships the rest, at most so long, and notes that the log ended in order. Nobody writes any more.
    pub fn finish(&self, longest: Duration) {
        let is_known = self.is_working.load(Ordering::Acquire) || !self.line.lock().is_new;
        if is_known && let Err(error) = self.end(longest) {
            tracing::warn!(code = error.code, "the backup goes on at the next start: {}", error.chain());
        }
        let mut carrying = self.carrying.lock();
        carrying.shutdown.request();
        self.couriers.iter().for_each(|courier| courier.wake());
        for thread in carrying.threads.drain(..) {
            let _ = thread.join();
        }
    }

    /// Waits until all that was cut is at every destination, at most so long; says whether it is.
    pub fn drained(&self, longest: Duration) -> bool {
        if self.couriers.iter().any(|courier| courier.is_busy()) {
            self.start_couriers();
        }
        let deadline = Instant::now() + longest;
        let left = || deadline.saturating_duration_since(Instant::now());
        self.couriers.iter().filter(|courier| !courier.drained(left())).count() == 0
    }

    #[must_use]
    pub fn status(&self) -> Status {
        let counted = self.status.lock().clone();
        let line = self.line.lock();
        let pending = line.pending.iter().flat_map(|part| part.commits.first()).map(|commit| commit.at).min();
        let (generation, commit) = (line.link.generation.to_string(), line.link.commit);
        let (commit_at, base_at) = (line.link.at, line.base_at);
        drop(line);
        let uncut = pending.map_or(0, |at| self.source.clock.now().0.saturating_sub(at.0).max(0));
        let mut destinations: Vec<_> = self.couriers.iter().map(|courier| courier.status()).collect();
        for destination in &mut destinations {
            destination.behind_ms = destination.behind_ms.max(uncut.unsigned_abs());
        }
        let spool_bytes = self.spool.bytes();
        Status { generation, commit, commit_at, base_at, spool_bytes, destinations, ..counted }
    }

    #[must_use]
    pub fn targets(&self) -> &[Target] {
        &self.settings.targets
    }

    #[must_use]
    pub const fn keys(&self) -> &Keys {
        &self.settings.keys
    }

    pub(crate) fn noted<T>(&self, outcome: Result<T>) -> Result<T> {
        outcome.inspect_err(|error| {
            let now = self.source.clock.now();
            let mut status = self.status.lock();
            status.failures += 1;
            status.last_failure = Some(failure(now, error));
        })
    }

    pub(crate) fn ship_line(&self, line: &mut Line) -> Result<()> {
        let now = self.source.clock.now();
        line.take(&self.source.tap, now)?;
        let originals = self.source.originals.take_new();
        let files = self.settings.files.changes(&mut line.seen);
        if line.pending.is_empty() && originals.is_empty() && (files.is_empty() || line.is_new) {
            return Ok(());
        }
        let begun = Instant::now();
        let parts = std::mem::take(&mut line.pending);
        let since = parts.iter().find_map(|part| part.commits.first()).map_or(now, |commit| commit.at);
        let keys = &self.settings.keys;
        let cut = segment::cut(&line.link, &parts, originals.clone(), files, now, &mut line.memory, keys);
        let cut = match cut.and_then(|cut| self.advance(line, &parts, cut)) {
            Ok(cut) => cut,
            Err(error) => {
                line.memory.forget();
                line.seen = Seen::default();
                line.pending = parts;
                self.source.originals.again(originals);
                return Err(error);
            }
        };
        if let Some(last) = parts.last() {
            self.source.tap.release(last.number);
            self.local.shipped_until(last.number);
        }
        self.count(&parts, cut.object.len() as u64, cut.log_bytes, begun.elapsed());
        self.spool.send(&cut.name.to_string(), cut.object, cut.originals, since);
        Ok(())
    }

    /// Writes the segment down and then the line after it. Nobody gets the segment before the line knows of it: after a crash
    /// in between it is cut anew, and there must not be two of one number.
    fn advance(&self, line: &mut Line, parts: &[Arc<LogPart>], cut: Cut) -> Result<Cut> {
        let name = cut.name.to_string();
        self.spool.keep(&name, &cut.object)?;
        let former = (line.link.clone(), line.until, line.file);
        line.link = Link {
            generation: cut.name.generation.clone(),
            segment: cut.name.segments.1,
            commit: cut.name.commits.1,
            checksum: cut.checksum,
            at: line.link.at.max(cut.name.at),
        };
        if let Some(last) = parts.last() {
            line.until = last.end();
            line.file = None;
        }
        if let Err(error) = self.local.save(&line.shipped()) {
            (line.link, line.until, line.file) = former;
            self.spool.take_back(&name);
            return Err(error);
        }
        line.is_new = false;
        Ok(cut)
    }

    /// Saves the line after something of it changed that is no segment.
    pub(crate) fn save(&self, line: &Line) -> Result<()> {
        self.local.save(&line.shipped())
    }

    fn count(&self, parts: &[Arc<LogPart>], object_bytes: u64, log_bytes: u64, took: Duration) {
        let mut status = self.status.lock();
        status.segments += 1;
        status.commits += parts.iter().map(|part| part.commits.len() as u64).sum::<u64>();
        status.log_bytes += log_bytes;
        status.segment_bytes += object_bytes;
        status.cut_us += u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    }

    /// What an earlier process left: segments on their way, and a log that was not cut.
    fn take_up(&self) -> Result<()> {
        let link = self.line.lock().link.clone();
        for (name, object) in self.spool.left() {
            let Some(Named::Log(log)) = names::read(&name) else { continue };
            if log.generation == link.generation && log.segments.1 > link.segment {
                self.spool.take_back(&name);
                continue;
            }
            let read = Segment::read(&log.generation, log.segments.0, &object, &self.settings.keys);
            let Ok(segment) = read else {
                tracing::warn!(name, "a segment on its way is damaged; the next base makes up for it");
                self.couriers.iter().for_each(|courier| courier.lacks_base());
                continue;
            };
            let since = segment.commits.first().map_or(segment.head.at, |commit| commit.at);
            self.source.originals.travel(&segment.head.originals);
            self.spool.send(&name, object, segment.head.originals, since);
        }
        let mut line = self.line.lock();
        if line.is_after_crash {
            let recent = self.recent_originals()?;
            self.couriers.iter().for_each(|courier| courier.recheck(&recent));
            self.source.originals.again(recent);
        }
        if !line.is_new {
            match self.ship_line(&mut line) {
                Ok(()) => self.local.drop_tail(),
                // It is held, and cut as soon as that is possible; the tail stays until then.
                Err(error) => tracing::warn!(code = error.code, "the log waits: {}", error.chain()),
            }
        }
        Ok(())
    }

    fn recent_originals(&self) -> Result<Vec<ContentHash>> {
        let sql = "SELECT content FROM versions ORDER BY created_at DESC LIMIT $1";
        let rows = self.source.database.query(sql, &[RECHECKED_MAX.into()])?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    fn end(&self, longest: Duration) -> Result<()> {
        self.ship()?;
        if !self.drained(longest) {
            tracing::warn!("a destination does not have all yet; the rest goes at the next start");
        }
        let is_folded = self.source.database.fold()?;
        let mut line = self.line.lock();
        let generation = line.link.generation.clone();
        line.take(&self.source.tap, self.source.clock.now())?;
        if is_folded && line.pending.is_empty() && line.link.generation == generation {
            line.file = Fingerprint::of(&self.settings.database);
            self.save(&line)?;
        }
        Ok(())
    }

    fn start_couriers(&self) {
        let mut carrying = self.carrying.lock();
        if !carrying.threads.is_empty() || carrying.shutdown.is_requested() {
            return;
        }
        for courier in &self.couriers {
            let courier = Arc::clone(courier);
            let (blobs, spool) = (Arc::clone(&self.source.originals), Arc::clone(&self.spool));
            let name = format!("backup to {}", courier.destination().label());
            let run = move |shutdown: &Shutdown| {
                courier.run(blobs.as_ref() as &dyn Blobs, spool.as_ref(), shutdown)
            };
            let thread = ibid_runtime::background(&name, &carrying.shutdown, run);
            carrying.threads.push(thread);
        }
    }

    fn is_base_due(&self) -> bool {
        let base_at = self.line.lock().base_at;
        let boundary = last_boundary(self.source.clock.now(), self.settings.base_minute);
        base_at.is_none_or(|at| at < boundary) || self.couriers.iter().any(|courier| courier.wants_base())
    }
}

/// The newest moment at that minute of a day which is not after `now`.
fn last_boundary(now: Timestamp, minute: u32) -> Timestamp {
    const DAY_MS: i64 = 24 * 3600 * 1000;
    let minute_ms = i64::from(minute) * 60_000;
    Timestamp((now.0 - minute_ms).div_euclid(DAY_MS) * DAY_MS + minute_ms)
}

/// Error for work that ends because the program does.
pub(crate) fn stopping() -> Error {
    Error::unavailable("backup_stopping", "the program is ending; the backup goes on at the next start")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_due_once_a_day() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(last_boundary(at("2026-11-21T02:00:00Z"), 120), at("2026-11-21T02:00:00Z"));
        assert_eq!(last_boundary(at("2026-11-21T01:59:59Z"), 120), at("2026-11-20T02:00:00Z"));
        assert_eq!(last_boundary(at("2026-11-21T23:00:00Z"), 120), at("2026-11-21T02:00:00Z"));
    }
}
