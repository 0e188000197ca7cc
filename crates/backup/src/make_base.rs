//! Making a base while the library works. `base.rs` says why that is exact.

use std::collections::HashSet;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ibid_blob::Blobs;
use ibid_runtime::Shutdown;
use ibid_store::Db;
use ibid_types::{Class, ContentHash, Error, Result, Timestamp};
use serde::Serialize;

use crate::backup::{Backup, stopping};
use crate::base::{Base, BaseHead, PIECE_BYTES};
use crate::courier::Courier;
use crate::names::BaseName;
use crate::pieces::{piece_name, piece_object};

/// Attempts to fold the whole log, and between them: a reader of an old state is gone in milliseconds.
const FOLDS_MAX: usize = 40;
const FOLD_AGAIN: Duration = Duration::from_millis(250);

/// What a base holds, and what it cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BaseMade {
    pub generation: String,
    pub commit: u64,
    pub at: Timestamp,
    /// Of the database.
    pub bytes: u64,
    pub originals: u64,
    /// Pieces that a destination lacked, and what they had after compression.
    pub pieces_new: u64,
    pub bytes_new: u64,
    /// Where it is.
    pub destinations: Vec<String>,
}

impl Backup {
    /// Makes a base at every destination that answers. Errors: `backup_unreachable` where none does,
    /// `backup_base_overtaken`, `backup_source_damaged`, `backup_stopping`, those of the store.
    pub fn make_base(&self, shutdown: &Shutdown) -> Result<BaseMade> {
        let _one = self.base.lock();
        self.status.lock().is_base_running = true;
        let outcome = self.noted(self.base_now(shutdown));
        let mut status = self.status.lock();
        status.is_base_running = false;
        status.bases += u64::from(outcome.is_ok());
        drop(status);
        outcome
    }

    fn base_now(&self, shutdown: &Shutdown) -> Result<BaseMade> {
        let begin = {
            let mut line = self.line.lock();
            self.ship_line(&mut line)?;
            line.memory.forget();
            line.link.clone()
        };
        self.fold_all(shutdown)?;
        self.refuse_damage()?;
        let originals = self.named_originals()?;
        let mut places = self.places()?;
        let mut made = Copying { backup: self, places: &mut places, pieces_new: 0, bytes_new: 0, shutdown };
        let (bytes, pieces) = made.database(&self.settings.database)?;
        made.originals(&originals)?;
        let (pieces_new, bytes_new) = (made.pieces_new, made.bytes_new);
        let mut line = self.line.lock();
        self.ship_line(&mut line)?;
        let end = line.link.clone();
        if end.generation != begin.generation {
            let what = "the log had a gap while a base was made; another one follows";
            return Err(Error::unavailable("backup_base_overtaken", what));
        }
        let name = BaseName {
            generation: end.generation.clone(),
            commit: end.commit,
            segment: begin.segment,
            at: end.at,
        };
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let head = BaseHead {
            generation: end.generation.to_string(),
            segment: begin.segment,
            checksum: begin.checksum,
            from_commit: begin.commit,
            commit: end.commit,
            at: end.at,
            bytes,
            pieces: count(pieces.len()),
            originals: count(originals.len()),
            files: self.settings.files.all(),
            program: self.settings.program.clone(),
        };
        let base = Base { head, pieces, originals };
        let object = base.write(&name, &self.settings.keys)?;
        let destinations = put_everywhere(&mut places, &name.to_string(), &object)?;
        line.base_at = Some(self.source.clock.now());
        line.is_new = false;
        self.save(&line)?;
        Ok(BaseMade {
            generation: name.generation.to_string(),
            commit: name.commit,
            at: name.at,
            bytes,
            originals: base.originals.len() as u64,
            pieces_new,
            bytes_new,
            destinations,
        })
    }

    fn fold_all(&self, shutdown: &Shutdown) -> Result<()> {
        for _ in 0..FOLDS_MAX {
            if self.source.database.fold()? {
                return Ok(());
            }
            if shutdown.wait_timeout(FOLD_AGAIN) {
                return Err(stopping());
            }
        }
        let what = "a query has been reading for so long that the store's log cannot be folded in; end it";
        Err(Error::unavailable("backup_base_overtaken", what))
    }

    /// A base of a damaged database would be the newest, and the whole ones before it would go in time.
    fn refuse_damage(&self) -> Result<()> {
        let damaged = self.source.database.damaged_pages()?.len();
        if damaged == 0 {
            return Ok(());
        }
        let what = format!(
            "{damaged} pages of the database are damaged: no base is made of it, and those before stay; `ibid runbook run store-damaged`"
        );
        Err(Error::internal("backup_source_damaged", what))
    }

    fn named_originals(&self) -> Result<Vec<ContentHash>> {
        let rows =
            self.source.database.query("SELECT DISTINCT content FROM versions ORDER BY content", &[])?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    fn places(&self) -> Result<Vec<Place>> {
        let mut places = Vec::new();
        let mut last = None;
        for courier in &self.couriers {
            let listed = courier.destination().list("pieces/");
            courier.note(&listed);
            match listed {
                Ok(listed) => {
                    let there = listed.into_iter().map(|object| object.name).collect();
                    places.push(Place {
                        courier: Arc::clone(courier),
                        there,
                        failed: AtomicBool::new(false),
                    });
                }
                Err(error) => last = Some(error),
            }
        }
        match last {
            Some(error) if places.is_empty() => Err(error),
            _ => Ok(places),
        }
    }
}

/// A destination that gets the base.
struct Place {
    courier: Arc<Courier>,
    /// Names of pieces.
    there: HashSet<String>,
    failed: AtomicBool,
}

impl Place {
    fn put(&self, name: &str, object: &[u8]) -> bool {
        if self.failed.load(Ordering::Relaxed) {
            return false;
        }
        let outcome = self.courier.destination().put(name, object);
        self.courier.note(&outcome);
        if let Err(error) = &outcome {
            tracing::warn!(code = error.code, "this destination gets no base: {}", error.chain());
            self.courier.lacks_base();
            self.failed.store(true, Ordering::Relaxed);
        }
        outcome.is_ok()
    }
}

fn put_everywhere(places: &mut [Place], name: &str, object: &[u8]) -> Result<Vec<String>> {
    let mut labels = Vec::new();
    for place in places.iter().filter(|place| place.put(name, object)) {
        place.courier.has_base();
        labels.push(place.courier.destination().label().to_owned());
    }
    if labels.is_empty() {
        let what = "no destination took the base; `ibid backup status` says what each of them answers";
        return Err(Error::unavailable("backup_unreachable", what));
    }
    Ok(labels)
}

struct Copying<'a> {
    backup: &'a Backup,
    places: &'a mut [Place],
    pieces_new: u64,
    bytes_new: u64,
    shutdown: &'a Shutdown,
}

impl Copying<'_> {
    /// The database file's length and its pieces. What changes meanwhile is in the log.
    fn database(&mut self, path: &Path) -> Result<(u64, Vec<ContentHash>)> {
        let unreadable = |error: std::io::Error| {
            Error::unavailable("store_unavailable", format!("cannot read {}", path.display()))
                .caused_by(error)
        };
        let file = File::open(path).map_err(unreadable)?;
        let bytes = file.metadata().map_err(unreadable)?.len();
        let mut pieces = Vec::new();
        let mut offset = 0;
        while offset < bytes {
            let length = usize::try_from(bytes - offset).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
            let mut piece = vec![0; length];
            read_or_zeros(&file, &mut piece, offset).map_err(unreadable)?;
            pieces.push(self.piece(&piece)?);
            offset += length as u64;
        }
        Ok((bytes, pieces))
    }

    fn originals(&mut self, hashes: &[ContentHash]) -> Result<()> {
        for hash in hashes {
            let name = piece_name(hash, &self.backup.settings.keys);
            if self.places.iter().all(|place| place.there.contains(&name)) {
                continue;
            }
            match self.backup.source.originals.get(hash) {
                Ok(bytes) => self.put(hash, &name, &bytes)?,
                Err(error) if matches!(error.class, Class::NotFound | Class::Internal) => {
                    tracing::warn!(code = error.code, "an original is not in the backup: {error}");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn piece(&mut self, bytes: &[u8]) -> Result<ContentHash> {
        let hash = ContentHash(*blake3::hash(bytes).as_bytes());
        let name = piece_name(&hash, &self.backup.settings.keys);
        if !self.places.iter().all(|place| place.there.contains(&name)) {
            self.put(&hash, &name, bytes)?;
        }
        Ok(hash)
    }

    fn put(&mut self, hash: &ContentHash, name: &str, bytes: &[u8]) -> Result<()> {
        if self.shutdown.is_requested() {
            return Err(stopping());
        }
        let object = piece_object(hash, bytes, &self.backup.settings.keys)?;
        self.pieces_new += 1;
        self.bytes_new += object.len() as u64;
        for place in self.places.iter_mut() {
            if !place.there.contains(name) && place.put(name, &object) {
                place.there.insert(name.to_owned());
            }
        }
        if self.places.iter().all(|place| place.failed.load(Ordering::Relaxed)) {
            let what = "no destination took the base; `ibid backup status` says what each of them answers";
            return Err(Error::unavailable("backup_unreachable", what));
        }
        Ok(())
    }
}

/// A file that shrinks while it is copied ends in zeros: the log says how long it is.
fn read_or_zeros(file: &File, piece: &mut [u8], offset: u64) -> std::io::Result<()> {
    let mut read = 0;
    while let Some(rest) = piece.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + read as u64) {
            Ok(0) => return Ok(()),
            Ok(count) => read += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
