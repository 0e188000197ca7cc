//! What this machine knows of its backup: how far the log was shipped, and the tail that is not shipped yet.
//!
//! Keeps true: after a crash at any instant the log either goes on exactly where it was, or is known to have a gap, and a new
//! generation begins. It goes on only over frames that can be shown to follow each other: by their place in one run of
//! SQLite's log, by a tail that was synced before that run ended, or, after an orderly end, by a database file that nobody
//! has touched.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ibid_store::{Commit, LogKeeper, LogPart, LogPosition, Salts};
use ibid_types::{ContentHash, Error, Result, Timestamp};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::layout::{Reader, Writer};
use crate::segment::Link;

/// More than two runs of the log are never on the tail; this is far above them.
const TAIL_BYTES_MAX: u64 = 1 << 30;

/// How far the log was shipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shipped {
    pub generation: String,
    pub segment: u64,
    pub commit: u64,
    pub checksum: ContentHash,
    pub at: Timestamp,
    /// When the newest whole base of the generation was made.
    pub base_at: Option<Timestamp>,
    /// The place in SQLite's log up to which it was: the run's salts, and frames.
    pub until: (u32, u32, u32),
    /// All of the log was folded into this file when the program ended.
    pub file: Option<Fingerprint>,
}

/// What changes when anybody writes a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    inode: u64,
    bytes: u64,
    modified_s: i64,
    modified_ns: i64,
}

impl Fingerprint {
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let meta = fs::metadata(path).ok()?;
        Some(Self {
            inode: meta.ino(),
            bytes: meta.len(),
            modified_s: meta.mtime(),
            modified_ns: meta.mtime_nsec(),
        })
    }
}

impl Shipped {
    /// Where the log was when it was shipped.
    #[must_use]
    pub const fn position(&self) -> LogPosition {
        let (first, second, frames) = self.until;
        LogPosition { salts: Salts(first, second), frames }
    }

    pub fn link(&self) -> Result<Link> {
        Ok(Link {
            generation: self.generation.parse()?,
            segment: self.segment,
            commit: self.commit,
            checksum: self.checksum,
            at: self.at,
        })
    }

    /// What of `parts` (the tail, then the log, which ends at `end`) is not shipped; `None` where they do not follow on what is.
    #[must_use]
    pub fn rest(
        &self,
        parts: Vec<Arc<LogPart>>,
        end: LogPosition,
        database: &Path,
    ) -> Option<Vec<Arc<LogPart>>> {
        let is_untouched = match self.file {
            Some(file) if Fingerprint::of(database) == Some(file) => true,
            Some(_) => return None,
            None => false,
        };
        let begin = self.position();
        let mut at = begin;
        let mut rest = Vec::new();
        // What was on the tail before what was shipped is shipped too: the tail goes later than the note is written.
        for part in parts.into_iter().skip_while(|part| !is_untouched && !follows(part.from, begin)) {
            let is_first = is_untouched && rest.is_empty() && part.from.frames == 0;
            if !is_first && !follows(part.from, at) {
                return None;
            }
            let shipped = if part.from.salts == at.salts { at.frames } else { 0 };
            let until = part.end();
            if until.frames > shipped {
                let part = Arc::unwrap_or_clone(part);
                let known = shipped - part.from.frames;
                rest.push(Arc::new(part.without_first(known)?));
                at = until;
            }
        }
        // A log that is gone, or lacks what was shipped, says nothing of what was in it; an untouched file says that nothing was.
        let is_whole = at == end || end.frames == 0 && end.salts != at.salts && follows(end, at);
        (is_whole || is_untouched && rest.is_empty()).then_some(rest)
    }
}

/// Whether what begins at `from` goes on at `at`, or has it inside if it is long enough.
const fn follows(from: LogPosition, at: LogPosition) -> bool {
    let is_same_run = from.salts.0 == at.salts.0 && from.salts.1 == at.salts.1;
    let is_next_run = from.salts.0 == at.salts.0.wrapping_add(1) && from.frames == 0;
    is_same_run && from.frames <= at.frames || is_next_run
}

/// Files of this machine about its backup.
#[derive(Debug)]
pub struct Local {
    folder: PathBuf,
    /// The number of the last part on the tail.
    tail: Mutex<Option<u64>>,
}

impl Local {
    /// Error: `backup_local`.
    pub fn open(folder: &Path) -> Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| unusable(folder, error))?;
        Ok(Self { folder: folder.to_owned(), tail: Mutex::default() })
    }

    /// Forgets how far the log was shipped: whoever works without a backup makes a gap.
    pub fn forget(folder: &Path) {
        let _ = fs::remove_file(folder.join("shipped.json"));
    }

    /// Forgets how far the log was shipped, because it has a gap.
    pub fn forget_shipped(&self) {
        Self::forget(&self.folder);
    }

    /// Nothing where there is nothing, or nothing that can be read.
    #[must_use]
    pub fn load(&self) -> Option<Shipped> {
        serde_json::from_slice(&fs::read(self.file()).ok()?).ok()
    }

    pub fn save(&self, shipped: &Shipped) -> Result<()> {
        let text = serde_json::to_vec(shipped).unwrap_or_default();
        let beside = self.folder.join("shipped.new");
        let write = || {
            let mut file = File::create(&beside)?;
            file.write_all(&text)?;
            file.sync_data()?;
            fs::rename(&beside, self.file())?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|error| unusable(&self.folder, error))
    }

    /// The parts on the tail, as far as they are whole.
    #[must_use]
    pub fn tail(&self) -> Vec<LogPart> {
        let path = self.tail_file();
        let is_sane = fs::metadata(&path).is_ok_and(|meta| meta.len() <= TAIL_BYTES_MAX);
        let bytes = if is_sane { fs::read(path).unwrap_or_default() } else { Vec::new() };
        let mut parts = Vec::new();
        let mut rest = bytes.as_slice();
        while let Some((part, after)) = read_part(rest) {
            parts.push(part);
            rest = after;
        }
        parts
    }

    /// The log is shipped up to the part of that number: the tail goes, unless more was added meanwhile.
    pub fn shipped_until(&self, number: u64) {
        let mut tail = self.tail.lock();
        if tail.is_some_and(|last| last <= number) {
            let _ = fs::remove_file(self.tail_file());
            *tail = None;
        }
    }

    /// The tail goes whatever it holds: it is of another generation.
    pub fn drop_tail(&self) {
        let mut tail = self.tail.lock();
        let _ = fs::remove_file(self.tail_file());
        *tail = None;
    }

    fn file(&self) -> PathBuf {
        self.folder.join("shipped.json")
    }

    fn tail_file(&self) -> PathBuf {
        self.folder.join("tail")
    }

    fn append(&self, parts: &[Arc<LogPart>]) -> std::io::Result<()> {
        let mut file = File::options().append(true).create(true).open(self.tail_file())?;
        for part in parts {
            file.write_all(&written(part).map_err(std::io::Error::other)?)?;
        }
        file.sync_data()
    }
}

impl LogKeeper for Local {
    fn keep(&self, parts: &[Arc<LogPart>]) -> Result<()> {
        let mut tail = self.tail.lock();
        self.append(parts).map_err(|error| {
            // Without these frames the log must not go on after a crash.
            Self::forget(&self.folder);
            unusable(&self.folder, error)
        })?;
        *tail = parts.last().map(|part| part.number);
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
struct PartHead {
    salts: (u32, u32),
    from: u32,
    page_bytes: usize,
    commits: Vec<(i64, u32, u32)>,
    bytes: usize,
}

fn written(part: &LogPart) -> Result<Vec<u8>> {
    let head = PartHead {
        salts: (part.from.salts.0, part.from.salts.1),
        from: part.from.frames,
        page_bytes: part.page_bytes,
        commits: part.commits.iter().map(|commit| (commit.at.0, commit.frames, commit.pages)).collect(),
        bytes: part.frames.len(),
    };
    let mut writer = Writer::begin(&head)?;
    writer.bytes(&part.frames);
    let mut bytes = writer.end();
    let checksum = blake3::hash(&bytes);
    bytes.extend_from_slice(checksum.as_bytes());
    Ok(bytes)
}

fn read_part(bytes: &[u8]) -> Option<(LogPart, &[u8])> {
    let (head, mut reader) = Reader::begin::<PartHead>(bytes)?;
    let frames = reader.bytes(head.bytes)?.to_vec();
    let checksum = reader.hashes(1)?;
    let rest = reader.rest();
    let content = bytes.get(..bytes.len() - rest.len() - 32)?;
    let commit = |(at, frames, pages)| Commit { at: Timestamp(at), frames, pages };
    let part = LogPart {
        number: 0,
        from: LogPosition { salts: Salts(head.salts.0, head.salts.1), frames: head.from },
        page_bytes: head.page_bytes,
        commits: head.commits.into_iter().map(commit).collect(),
        frames,
    };
    (checksum.first()?.0 == *blake3::hash(content).as_bytes()).then_some((part, rest))
}

fn unusable(folder: &Path, error: std::io::Error) -> Error {
    let what = format!("cannot write {}; the backup waits until it can", folder.display());
    Error::unavailable("backup_local", what).caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(salt: u32, from: u32, commits: &[u32]) -> Arc<LogPart> {
        let commit = |frames: &u32| Commit { at: Timestamp(5), frames: *frames, pages: 9 };
        let frames: u32 = commits.iter().sum();
        Arc::new(LogPart {
            number: 0,
            from: LogPosition { salts: Salts(salt, 1), frames: from },
            page_bytes: 512,
            commits: commits.iter().map(commit).collect(),
            frames: vec![1; frames as usize * (24 + 512)],
        })
    }

    /// Where a log with these parts ends.
    fn end(parts: &[Arc<LogPart>]) -> LogPosition {
        parts.last().map_or(LogPosition::default(), |part| part.end())
    }

    fn shipped(until: (u32, u32, u32), file: Option<Fingerprint>) -> Shipped {
        Shipped {
            generation: "000000000000001-00000000".to_owned(),
            segment: 3,
            commit: 4,
            checksum: ContentHash([0; 32]),
            at: Timestamp(1),
            base_at: None,
            until,
            file,
        }
    }

    fn rest(parts: Vec<Arc<LogPart>>) -> Option<Vec<(u32, u32)>> {
        let end = end(&parts);
        rest_until(parts, end)
    }

    fn rest_until(parts: Vec<Arc<LogPart>>, end: LogPosition) -> Option<Vec<(u32, u32)>> {
        let shipped = shipped((7, 1, 4), None);
        let rest = shipped.rest(parts, end, Path::new("nowhere"))?;
        Some(rest.iter().map(|part| (part.from.salts.0, part.from.frames)).collect())
    }

    #[test]
    fn what_follows_is_taken_up() {
        assert_eq!(rest(vec![part(7, 0, &[4])]), Some(vec![]));
        assert_eq!(rest(vec![part(7, 0, &[2, 2, 3])]), Some(vec![(7, 4)]));
        assert_eq!(rest(vec![part(7, 4, &[3]), part(7, 0, &[4, 3, 1])]), Some(vec![(7, 4), (7, 7)]));
        assert_eq!(
            rest(vec![part(7, 4, &[3]), part(8, 0, &[1]), part(9, 0, &[1])]),
            Some(vec![(7, 4), (8, 0), (9, 0)])
        );
        assert_eq!(rest(vec![part(8, 0, &[1])]), Some(vec![(8, 0)]));
    }

    #[test]
    fn a_log_that_was_just_begun_again_holds_nothing_new() {
        let begun = |salt| LogPosition { salts: Salts(salt, 2), frames: 0 };
        assert_eq!(rest_until(vec![], begun(8)), Some(vec![]));
        assert_eq!(rest_until(vec![part(7, 4, &[3])], begun(8)), Some(vec![(7, 4)]));
        assert_eq!(rest_until(vec![], begun(9)), None);
        assert_eq!(rest_until(vec![part(7, 4, &[3])], begun(9)), None);
    }

    #[test]
    fn what_was_shipped_may_still_be_on_the_tail() {
        assert_eq!(rest(vec![part(6, 3, &[2]), part(7, 0, &[4, 3])]), Some(vec![(7, 4)]));
        assert_eq!(rest(vec![part(5, 3, &[2]), part(6, 0, &[2]), part(8, 0, &[1])]), Some(vec![(8, 0)]));
        assert_eq!(rest(vec![part(6, 3, &[2]), part(7, 2, &[2]), part(7, 4, &[3])]), Some(vec![(7, 4)]));
    }

    #[test]
    fn a_gap_is_seen() {
        assert_eq!(rest(vec![]), None);
        assert_eq!(rest(vec![part(7, 5, &[3])]), None);
        assert_eq!(rest(vec![part(7, 0, &[3, 3])]), None);
        // The log lacks what was shipped.
        assert_eq!(rest(vec![part(7, 0, &[3])]), None);
        assert_eq!(rest(vec![part(7, 4, &[3]), part(7, 8, &[3])]), None);
        assert_eq!(rest(vec![part(9, 0, &[1])]), None);
        assert_eq!(rest(vec![part(8, 2, &[1])]), None);
    }

    #[test]
    fn after_an_orderly_end_the_file_must_be_untouched() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        fs::write(&file, "one").unwrap();
        let shipped = shipped((2, 1, 8), Fingerprint::of(&file));
        assert_eq!(shipped.rest(vec![], LogPosition::default(), &file), Some(vec![]));
        // What SQLite left of the log is shipped already.
        assert_eq!(shipped.rest(vec![part(2, 0, &[8])], end(&[part(2, 0, &[8])]), &file), Some(vec![]));
        assert_eq!(
            shipped
                .rest(vec![part(2, 0, &[8, 1])], end(&[part(2, 0, &[8, 1])]), &file)
                .map(|rest| rest.len()),
            Some(1)
        );
        assert_eq!(
            shipped.rest(vec![part(90, 0, &[1])], end(&[part(90, 0, &[1])]), &file).map(|rest| rest.len()),
            Some(1)
        );
        assert_eq!(shipped.rest(vec![part(90, 1, &[1])], end(&[part(90, 1, &[1])]), &file), None);
        fs::write(&file, "other").unwrap();
        assert_eq!(shipped.rest(vec![], LogPosition::default(), &file), None);
    }

    #[test]
    fn a_tail_comes_back_as_far_as_it_is_whole() {
        let home = tempfile::tempdir().unwrap();
        let local = Local::open(home.path()).unwrap();
        let parts = [part(7, 4, &[3]), part(8, 0, &[1])];
        local.keep(&parts).unwrap();
        assert_eq!(local.tail(), parts.clone().map(Arc::unwrap_or_clone));
        let bytes = fs::read(local.tail_file()).unwrap();
        fs::write(local.tail_file(), &bytes[..bytes.len() - 1]).unwrap();
        assert_eq!(local.tail(), [LogPart::clone(&parts[0])]);
        let later = LogPart { number: 5, ..LogPart::clone(&parts[0]) };
        local.keep(&[Arc::new(later)]).unwrap();
        local.shipped_until(4);
        assert!(local.tail_file().exists());
        local.shipped_until(6);
        assert!(!local.tail_file().exists());
    }
}
