//! Restore to a moment, into a new directory.
//!
//! Keeps true: every object is verified before it is used; the directory appears whole, under its name, or not at all; the
//! living one is never touched.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ibid_blob::{Blobs, Folder};
use ibid_seal::Keys;
use ibid_store::{Commit, Snapshot};
use ibid_types::{ContentHash, Error, Result, Timestamp};
use parking_lot::Mutex;
use serde::Serialize;

use crate::base::{Base, PIECE_BYTES};
use crate::catalog::{Catalog, Moment, Plan};
use crate::destination::Destination;
use crate::files::{FileChange, place_of};
use crate::log::fetch_log;
use crate::pieces::fetch_piece;
use crate::segment::{Frame, Segment};

/// Pieces fetched at the same time: enough to hide the way to a distant store.
const FETCHERS: usize = 4;

/// Where from, and under which keys.
#[derive(Clone, Debug)]
pub struct Sources {
    /// In order of preference; what one lacks or has damaged comes from the next.
    pub destinations: Vec<Arc<dyn Destination>>,
    pub keys: Keys,
}

/// What a restore gives, or would give.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Restored {
    pub generation: String,
    pub base_commit: u64,
    pub base_at: Timestamp,
    pub commit: u64,
    /// When that commit was made.
    pub at: Timestamp,
    pub segments: usize,
    /// Of the database, as the base has it.
    pub database_bytes: u64,
    /// Read from the backup for base and log; pieces come on top.
    pub log_bytes: u64,
    pub originals: usize,
    /// Originals that rows name and no backup has.
    pub originals_missing: Vec<ContentHash>,
    pub files: usize,
}

/// How far a restore is: done and of how many, by what is being done.
pub type Progress<'a> = &'a (dyn Fn(&str, u64, u64) + Sync);

/// What would be restored. Reads names and one base only.
pub fn plan(sources: &Sources, moment: Moment) -> Result<Restored> {
    let plans = Catalog::read(&sources.destinations)?.plans(moment)?;
    first_that_works(&plans, |plan| {
        let base = fetch_base(sources, plan)?;
        let last = plan.log.last();
        let (commit, at) = match (moment, last) {
            (Moment::Commit(commit), Some(last)) => (commit.min(last.commits.1), last.at),
            (Moment::Time(time), Some(last)) => (last.commits.1.max(plan.base.commit), last.at.min(time)),
            (_, Some(last)) => (last.commits.1.max(plan.base.commit), last.at),
            (_, None) => (plan.base.commit, plan.base.at),
        };
        Ok(Restored {
            originals: base.originals.len(),
            files: base.head.files.len(),
            commit,
            at,
            segments: plan.log.len(),
            ..described(plan, &base)
        })
    })
}

/// Restores the moment into `into`, which must not exist or be empty. Errors: `restore_target`, `restore_nothing`,
/// `restore_too_early`, `restore_unfinished`, those of reading a backup.
pub fn restore(sources: &Sources, moment: Moment, into: &Path, progress: Progress<'_>) -> Result<Restored> {
    restore_with(sources, moment, into, progress, true)
}

/// The same without the originals, of which `fetch_original` gives single ones.
pub fn restore_rows(
    sources: &Sources,
    moment: Moment,
    into: &Path,
    progress: Progress<'_>,
) -> Result<Restored> {
    restore_with(sources, moment, into, progress, false)
}

/// An original, checked. Errors: `backup_object_missing`, `backup_damaged`, `backup_key_missing`, `backup_unreachable`.
pub fn fetch_original(sources: &Sources, hash: &ContentHash) -> Result<Vec<u8>> {
    fetch_piece(&sources.destinations, hash, &sources.keys)
}

fn restore_with(
    sources: &Sources,
    moment: Moment,
    into: &Path,
    progress: Progress<'_>,
    with_originals: bool,
) -> Result<Restored> {
    refuse_used(into)?;
    let plans = Catalog::read(&sources.destinations)?.plans(moment)?;
    let partial = partial_of(into);
    let restored = first_that_works(&plans, |plan| {
        let _ = fs::remove_dir_all(&partial);
        make_private(&partial).map_err(|error| unwritable(&partial, error))?;
        restore_plan(sources, plan, &partial, progress, with_originals)
    })
    .inspect_err(|_| {
        let _ = fs::remove_dir_all(&partial);
    })?;
    let _ = fs::remove_dir(into);
    fs::rename(&partial, into).map_err(|error| unwritable(into, error))?;
    let parent = into.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|folder| folder.sync_all()).map_err(|error| unwritable(into, error))?;
    Ok(restored)
}

/// Damage of one way leads to the next; other failures, and the last damage, to the caller.
fn first_that_works<T>(plans: &[Plan], mut work: impl FnMut(&Plan) -> Result<T>) -> Result<T> {
    let mut first = None;
    for plan in plans {
        match work(plan) {
            Err(error) if ["backup_damaged", "backup_object_missing"].contains(&error.code) => {
                tracing::warn!(code = error.code, base = %plan.base, "another base is tried: {}", error.chain());
                first.get_or_insert(error);
            }
            outcome => return outcome,
        }
    }
    Err(first.unwrap_or_else(|| Error::not_found("restore_nothing", "the backup holds no whole base")))
}

fn restore_plan(
    sources: &Sources,
    plan: &Plan,
    into: &Path,
    progress: Progress<'_>,
    with_originals: bool,
) -> Result<Restored> {
    let base = fetch_base(sources, plan)?;
    let path = into.join("ibid.db");
    let file = File::options().read(true).write(true).create_new(true).open(&path);
    let file = file.map_err(|error| unwritable(&path, error))?;
    fetch_all(sources, &base.pieces, "database", progress, &|number, bytes| {
        file.write_all_at(bytes, number as u64 * PIECE_BYTES as u64).map_err(|error| unwritable(&path, error))
    })?;
    file.set_len(base.head.bytes).map_err(|error| unwritable(&path, error))?;
    let mut replay = Replay::new(&file, &path, &base, plan.moment);
    let mut previous = base.head.checksum;
    for (done, name) in plan.log.iter().enumerate() {
        progress("log", done as u64, plan.log.len() as u64);
        let chained = (base.head.segment > 0 || done > 0).then_some(previous);
        for segment in fetch_log(&sources.destinations, name, chained, &sources.keys)? {
            previous = segment.checksum;
            replay.segment(&segment)?;
        }
        if replay.is_done {
            break;
        }
    }
    let files = replay.finish(&base)?;
    let (commit, at, segments) = (replay.commit, replay.at, replay.segments);
    file.sync_all().map_err(|error| unwritable(&path, error))?;
    let named = if with_originals { Snapshot::open(&path)?.contents()? } else { Vec::new() };
    let missing = restore_originals(sources, &named, into, progress)?;
    let count = write_files(&files, into)?;
    let restored = Restored {
        commit,
        at,
        segments,
        originals: named.len() - missing.len(),
        originals_missing: missing,
        files: count,
        ..described(plan, &base)
    };
    let note = serde_json::to_vec_pretty(&restored).unwrap_or_default();
    write_synced(&into.join("restored.json"), &note)?;
    Ok(restored)
}

fn described(plan: &Plan, base: &Base) -> Restored {
    Restored {
        generation: plan.base.generation.to_string(),
        base_commit: plan.base.commit,
        base_at: plan.base.at,
        commit: plan.base.commit,
        at: plan.base.at,
        segments: 0,
        database_bytes: base.head.bytes,
        log_bytes: plan.bytes,
        originals: 0,
        originals_missing: Vec::new(),
        files: 0,
    }
}

fn fetch_base(sources: &Sources, plan: &Plan) -> Result<Base> {
    let name = plan.base.to_string();
    let mut kept: Option<Error> = None;
    for source in &sources.destinations {
        match source.get(&name).and_then(|object| Base::read(&plan.base, &object, &sources.keys)) {
            Ok(base) => return Ok(base),
            Err(error) if kept.as_ref().is_none_or(|kept| kept.code == "backup_object_missing") => {
                kept = Some(error);
            }
            Err(_) => {}
        }
    }
    Err(kept.unwrap_or_else(|| Error::not_found("backup_object_missing", format!("{name} is in no backup"))))
}

/// Applies the log to the database file.
struct Replay<'a> {
    file: &'a File,
    path: &'a Path,
    moment: Moment,
    /// Commits before this one are no restore points of the base.
    commit_min: u64,
    commit: u64,
    at: Timestamp,
    pages: Option<(u32, usize)>,
    files: Vec<FileChange>,
    segments: usize,
    is_done: bool,
    page: Vec<u8>,
}

impl<'a> Replay<'a> {
    fn new(file: &'a File, path: &'a Path, base: &Base, moment: Moment) -> Self {
        Self {
            file,
            path,
            moment,
            commit_min: base.head.commit,
            commit: base.head.from_commit,
            at: base.head.at,
            pages: None,
            files: base.head.files.clone(),
            segments: 0,
            is_done: false,
            page: Vec::new(),
        }
    }

    fn segment(&mut self, segment: &Segment) -> Result<()> {
        let mut images = blake3::Hasher::new();
        let page_bytes = segment.head.page_bytes as usize;
        for (number, (commit, frames)) in
            (segment.head.first_commit..).zip(segment.commits.iter().zip(segment.frames()))
        {
            if self.is_past(number, commit) {
                self.is_done = true;
                self.segments += 1;
                return Ok(());
            }
            for frame in frames {
                self.frame(frame, page_bytes, &mut images)?;
            }
            (self.commit, self.at) = (number, commit.at);
            self.pages = Some((commit.pages, page_bytes));
        }
        if images.finalize().as_bytes() != &segment.head.images.0 {
            let what = format!("segment {}", segment.head.number);
            return Err(crate::envelope::damaged(&what, "what it makes of the state before it"));
        }
        let is_after = matches!(self.moment, Moment::Time(time) if segment.head.at > time);
        if !is_after {
            self.files.extend(segment.head.files.iter().cloned());
        }
        self.segments += 1;
        Ok(())
    }

    fn is_past(&self, number: u64, commit: &Commit) -> bool {
        number > self.commit_min
            && match self.moment {
                Moment::Latest => false,
                Moment::Time(time) => commit.at > time,
                Moment::Commit(last) => number > last,
            }
    }

    fn frame(&mut self, frame: Frame<'_>, page_bytes: usize, images: &mut blake3::Hasher) -> Result<()> {
        let offset = (u64::from(frame.page) - 1) * page_bytes as u64;
        let unwritable = |error| unwritable(self.path, error);
        if frame.is_whole {
            images.update(frame.bytes);
            return self.file.write_all_at(frame.bytes, offset).map_err(unwritable);
        }
        self.page.resize(page_bytes, 0);
        self.file.read_exact_at(&mut self.page, offset).map_err(unwritable)?;
        self.page.iter_mut().zip(frame.bytes).for_each(|(byte, difference)| *byte ^= difference);
        images.update(&self.page);
        self.file.write_all_at(&self.page, offset).map_err(unwritable)
    }

    /// Cuts the file to its length; gives the small files.
    fn finish(&mut self, base: &Base) -> Result<Vec<FileChange>> {
        if self.commit < self.commit_min {
            let what = format!(
                "the log ends at commit {}, before the base is whole at {}",
                self.commit, base.head.commit
            );
            return Err(Error::not_found("backup_object_missing", what));
        }
        if let Moment::Commit(commit) = self.moment
            && self.commit != commit
        {
            let what = format!(
                "the log has a gap: the last commit that can be restored is {} at {}",
                self.commit, self.at
            );
            return Err(Error::not_found("restore_unfinished", what));
        }
        if let Some((pages, page_bytes)) = self.pages {
            let length = u64::from(pages) * page_bytes as u64;
            self.file.set_len(length).map_err(|error| unwritable(self.path, error))?;
        }
        Ok(std::mem::take(&mut self.files))
    }
}

/// Fetches pieces on several threads and hands each to `keep` with its number.
fn fetch_all(
    sources: &Sources,
    hashes: &[ContentHash],
    what: &str,
    progress: Progress<'_>,
    keep: &(dyn Fn(usize, &[u8]) -> Result<()> + Sync),
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let failed: Mutex<Option<Error>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..FETCHERS.min(hashes.len()) {
            scope.spawn(|| {
                while failed.lock().is_none() {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(hash) = hashes.get(number) else { return };
                    progress(what, number as u64, hashes.len() as u64);
                    let fetched = fetch_piece(&sources.destinations, hash, &sources.keys);
                    if let Err(error) = fetched.and_then(|bytes| keep(number, &bytes)) {
                        failed.lock().get_or_insert(error);
                    }
                }
            });
        }
    });
    failed.into_inner().map_or(Ok(()), Err)
}

/// Gives the originals that no backup has.
fn restore_originals(
    sources: &Sources,
    named: &[ContentHash],
    into: &Path,
    progress: Progress<'_>,
) -> Result<Vec<ContentHash>> {
    let folder = Folder::open(&into.join("blobs"))?;
    let missing = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    let failed: Mutex<Option<Error>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..FETCHERS.min(named.len()) {
            scope.spawn(|| {
                while failed.lock().is_none() {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(hash) = named.get(number) else { return };
                    progress("originals", number as u64, named.len() as u64);
                    match fetch_piece(&sources.destinations, hash, &sources.keys) {
                        Ok(bytes) => {
                            if let Err(error) = folder.put(&bytes) {
                                failed.lock().get_or_insert(error);
                            }
                        }
                        Err(error) if error.code == "backup_unreachable" => {
                            failed.lock().get_or_insert(error);
                        }
                        // The rest is worth having without it; the report names it.
                        Err(error) => {
                            tracing::warn!(
                                code = error.code,
                                "an original is not restored: {}",
                                error.chain()
                            );
                            missing.lock().push(*hash);
                        }
                    }
                }
            });
        }
    });
    failed.into_inner().map_or(Ok(missing.into_inner()), Err)
}

/// The files as they are after all changes; says how many there are.
fn write_files(changes: &[FileChange], into: &Path) -> Result<usize> {
    let mut last = std::collections::BTreeMap::new();
    for change in changes {
        last.insert(change.path.as_str(), change.text.as_deref());
    }
    let mut written = 0;
    for (path, text) in last {
        let (Some(place), Some(text)) = (place_of(into, path), text) else { continue };
        if let Some(folder) = place.parent() {
            make_private(folder).map_err(|error| unwritable(folder, error))?;
        }
        write_synced(&place, text.as_bytes())?;
        written += 1;
    }
    Ok(written)
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|error| unwritable(path, error))
}

fn refuse_used(into: &Path) -> Result<()> {
    let is_used = fs::read_dir(into).is_ok_and(|mut entries| entries.next().is_some()) || into.is_file();
    if !is_used {
        return Ok(());
    }
    let what = format!(
        "{} is not empty; restore into a new directory, look at it, and then work with it (--data-dir)",
        into.display()
    );
    Err(Error::conflict("restore_target", what))
}

fn partial_of(into: &Path) -> PathBuf {
    let mut name = into.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    into.with_file_name(name)
}

fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn unwritable(path: &Path, error: std::io::Error) -> Error {
    let what = format!("cannot write {}; is there room, and may this user write there?", path.display());
    Error::unavailable("restore_unwritable", what).caused_by(error)
}
