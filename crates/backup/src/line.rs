//! Where the log stands: which segment comes next, and what is taken from the log but not cut yet.
//!
//! Keeps true: segments follow each other without a gap; where the log has one, a new generation begins.

use std::path::Path;
use std::sync::Arc;

use ibid_store::{LogPart, LogPosition, LogTap, Salts, Taken};
use ibid_types::{Result, Timestamp};

use crate::files::{Seen, SmallFiles};
use crate::local::{Fingerprint, Local, Shipped};
use crate::names::Generation;
use crate::pages::PageMemory;
use crate::segment::Link;

/// What is held when segments cannot be written down; above it the log is given up.
const PENDING_BYTES_MAX: usize = 256 << 20;

/// See the head of this file.
#[derive(Debug)]
pub struct Line {
    pub link: Link,
    pub pending: Vec<Arc<LogPart>>,
    pub memory: PageMemory,
    pub seen: Seen,
    /// Of this generation.
    pub base_at: Option<Timestamp>,
    /// The end of what was cut, in SQLite's log.
    pub until: LogPosition,
    /// Where all of it was folded in.
    pub file: Option<Fingerprint>,
    /// An earlier process ended without having said so.
    pub is_after_crash: bool,
    /// Nothing of this generation is known on disk yet.
    pub is_new: bool,
}

impl Line {
    /// Goes on where an earlier process was, or begins a generation.
    pub fn resume(
        local: &Local,
        tap: &LogTap,
        database: &Path,
        files: &SmallFiles,
        now: Timestamp,
    ) -> Result<Self> {
        let taken = tap.take();
        let shipped = local.load();
        let mut parts: Vec<Arc<LogPart>> = local.tail().into_iter().map(Arc::new).collect();
        parts.extend(taken.parts.iter().cloned());
        if let Some(shipped) = shipped.as_ref().filter(|_| !taken.is_lost)
            && let Some(rest) = shipped.rest(parts, taken.end, database)
        {
            return Self::following(shipped, rest, files);
        }
        local.drop_tail();
        local.forget_shipped();
        Self::begin_after(&taken, tap, shipped.map_or(0, |shipped| shipped.commit), now)
    }

    fn following(shipped: &Shipped, rest: Vec<Arc<LogPart>>, files: &SmallFiles) -> Result<Self> {
        Ok(Self {
            link: shipped.link()?,
            pending: rest,
            memory: PageMemory::default(),
            seen: files.seen_at(shipped.at),
            base_at: shipped.base_at,
            until: shipped.position(),
            file: shipped.file,
            is_after_crash: shipped.file.is_none(),
            is_new: false,
        })
    }

    /// A generation that begins where the log ends: its base has all of what was taken.
    fn begin_after(taken: &Taken, tap: &LogTap, commit: u64, now: Timestamp) -> Result<Self> {
        if let Some(last) = taken.parts.last() {
            tap.release(last.number);
        }
        Ok(Self {
            link: Link::begin(Generation::begin(now)?, commit, now),
            pending: Vec::new(),
            memory: PageMemory::default(),
            seen: Seen::default(),
            base_at: None,
            until: taken.end,
            file: None,
            is_after_crash: false,
            is_new: true,
        })
    }

    /// Adds what was taken from the log.
    pub fn take(&mut self, tap: &LogTap, now: Timestamp) -> Result<()> {
        let taken = tap.take();
        let held: usize = self.pending.iter().map(|part| part.frames.len()).sum();
        if taken.is_lost || held > PENDING_BYTES_MAX {
            let commits: usize = self.pending.iter().chain(&taken.parts).map(|part| part.commits.len()).sum();
            tracing::warn!("the log has a gap: a new generation of the backup begins with a base");
            let begun = Self::begin_after(&taken, tap, self.link.commit + commits as u64, now)?;
            let seen = std::mem::take(&mut self.seen);
            *self = Self { seen, ..begun };
            return Ok(());
        }
        self.pending.extend(taken.parts);
        Ok(())
    }

    #[must_use]
    pub fn shipped(&self) -> Shipped {
        let LogPosition { salts: Salts(first, second), frames } = self.until;
        Shipped {
            generation: self.link.generation.to_string(),
            segment: self.link.segment,
            commit: self.link.commit,
            checksum: self.link.checksum,
            at: self.link.at,
            base_at: self.base_at,
            until: (first, second, frames),
            file: self.file,
        }
    }
}
