//! A sum for each page of the database file, in a file beside it: SQLite has none, and would serve a flipped bit of a text as text.
//!
//! The database file changes only when the log is folded in, which the writer does; so the sums of the pages in the log are
//! made anew after each fold, and all are compared at each start. Blocks of 511 sums have a sum of their own; the first block
//! says up to which frame the log was folded in, so that a log that became shorter since is not taken for what is newest.
//!
//! Keeps true: a page of which it is not sure is not compared; so neither a crash at any instant nor damage of the sums calls a
//! whole page damaged. The file can be deleted at any time: the pages are then taken as they are.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use ibid_types::{Error, Result};

use super::log_of;
use super::survey::{Images, pages_in, survey};

/// The first of each block is its own sum.
const BLOCK_BYTES: usize = 4096;
const BLOCK_SUMS: usize = BLOCK_BYTES / 8 - 1;
/// Of a page that is not known.
const UNKNOWN: u64 = 0;
/// Read at once.
const READ_BYTES: usize = 1 << 20;
/// Damaged pages that are named.
const NAMED_MAX: usize = 8;

/// See the head of this file.
#[derive(Debug)]
pub struct Sums {
    database: PathBuf,
    path: PathBuf,
    page_bytes: usize,
    /// By page, from the first.
    sums: Vec<u64>,
    folded: Folded,
    /// Blocks that are not on disk as they are here.
    changed: BTreeSet<usize>,
}

/// Up to where the log is in the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Folded {
    salts: (u32, u32),
    frames: u64,
}

impl Sums {
    /// Compares the file, which nobody has open, and its log. Errors: `store_corrupt`, `store_log_damaged`, `store_unavailable`.
    pub fn compared(database: &Path) -> Result<Self> {
        let page_bytes = page_bytes(database);
        let mut sums = Self::read(database, page_bytes);
        let images = sums.log_images()?;
        let damaged = sums.compare(&images)?;
        if !damaged.is_empty() {
            return Err(corrupt(database, &damaged));
        }
        sums.write();
        Ok(sums)
    }

    /// Adds the pages of a stretch that are not as they were folded in, and says where the next stretch begins. Nothing is folded in
    /// meanwhile.
    pub fn damaged_from(&mut self, first: u32, damaged: &mut Vec<u32>) -> Result<Option<u32>> {
        let Ok(file) = File::open(&self.database) else { return Ok(None) };
        self.compare_stretch(&file, first, &Images::new(), damaged)
    }

    /// What a fold may change: pages in the part of the log that the database does not have. Those that it has are left alone,
    /// or damage since then would be taken for what was written.
    pub fn before_fold(&self) -> InLog {
        let folded = (self.folded.salts, self.folded.frames);
        let (salts, pages) = pages_in(&log_of(&self.database), self.page_bytes, folded);
        InLog { salts, pages }
    }

    /// Takes the pages as they are now; `frames` of the log are in the database. A log that was begun anew says 0 until its
    /// first frame is written.
    pub fn after_fold(&mut self, in_log: &InLog, frames: u64) {
        let before = if in_log.salts == self.folded.salts { self.folded.frames } else { 0 };
        self.folded = Folded { salts: in_log.salts, frames: frames.max(before) };
        self.changed.insert(0);
        self.renew(&in_log.pages);
    }

    /// The images of pages in the log that are to be read instead of the database's. A log that is damaged in what the database
    /// has all of is put aside. Error: `store_log_damaged`.
    fn log_images(&self) -> Result<Images> {
        let log = log_of(&self.database);
        let found = survey(&log, self.page_bytes, sum_of);
        let is_known = self.folded.frames > 0 && self.folded.salts == found.salts;
        let is_short = is_known && found.whole < self.folded.frames;
        if found.damaged_at.is_none() && !is_short {
            return Ok(found.images);
        }
        let at = found.damaged_at.unwrap_or(found.whole + 1);
        if !is_known || found.last > self.folded.frames {
            return Err(log_damaged(&log, at));
        }
        tracing::warn!(
            frame = at,
            "the store's log is damaged in a part that the database has; it is put aside"
        );
        let mut aside = log.as_os_str().to_owned();
        aside.push("-damaged");
        std::fs::rename(&log, PathBuf::from(aside)).map_err(|error| unreadable(&log, error))?;
        Ok(Images::new())
    }

    fn renew(&mut self, pages: &[u32]) {
        let renewed = File::open(&self.database).and_then(|file| {
            let mut page = vec![0; self.page_bytes];
            for number in pages {
                let offset = (u64::from(*number) - 1) * self.page_bytes as u64;
                match file.read_exact_at(&mut page, offset) {
                    Ok(()) => self.set(*number, sum_of(&page)),
                    // It is in the log still, or the file became shorter.
                    Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                        self.set(*number, UNKNOWN);
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        });
        match renewed {
            Ok(()) => self.write(),
            Err(error) => self.forget(&error),
        }
    }

    /// Makes every page unknown.
    pub fn forget(&mut self, why: &dyn std::fmt::Display) {
        tracing::warn!(
            "the sums of the database's pages are given up and made anew at the next start: {why}"
        );
        self.sums.clear();
        self.changed.clear();
        self.folded = Folded::default();
        let _ = File::options().write(true).open(&self.path).and_then(|file| file.set_len(0));
        let _ = std::fs::remove_file(&self.path);
    }

    fn read(database: &Path, page_bytes: usize) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push("-sums");
        let path = PathBuf::from(path);
        let bytes = std::fs::read(&path).unwrap_or_default();
        let mut blocks = bytes.chunks(BLOCK_BYTES).zip(0_u64..).map(|(block, number)| sums_in(block, number));
        let first = blocks.next().unwrap_or_default();
        let at = |place: usize| first.get(place).copied().unwrap_or(UNKNOWN);
        let folded = Folded { salts: ((at(0) >> 32) as u32, at(0) as u32), frames: at(1) };
        let sums = blocks.flatten().collect();
        Self { database: database.to_owned(), path, page_bytes, sums, folded, changed: BTreeSet::new() }
    }

    fn compare(&mut self, images: &Images) -> Result<Vec<u32>> {
        let (mut damaged, mut next) = (Vec::new(), Some(1));
        let Ok(file) = File::open(&self.database) else { return Ok(damaged) };
        while let Some(first) = next {
            next = self.compare_stretch(&file, first, images, &mut damaged)?;
        }
        Ok(damaged)
    }

    /// Compares what is read at once from that page on; gives the page after it, nothing at the end of the file.
    fn compare_stretch(
        &mut self,
        file: &File,
        first: u32,
        images: &Images,
        damaged: &mut Vec<u32>,
    ) -> Result<Option<u32>> {
        let mut bytes = vec![0; READ_BYTES.next_multiple_of(self.page_bytes)];
        let offset = (u64::from(first) - 1) * self.page_bytes as u64;
        let read = read_full(file, &mut bytes, offset).map_err(|error| unreadable(&self.database, error))?;
        let mut number = first;
        for page in bytes.get(..read).unwrap_or_default().chunks_exact(self.page_bytes) {
            if !self.compare_page(number, sum_of(page), images.get(&number)) {
                damaged.push(number);
            }
            number += 1;
        }
        Ok((read == bytes.len()).then_some(number))
    }

    /// Whether the page is as it should be, or not known. `in_log`: its image in the log, which is read instead of it.
    fn compare_page(&mut self, number: u32, found: u64, in_log: Option<&u64>) -> bool {
        let known = self.sums.get(number as usize - 1).copied().unwrap_or(UNKNOWN);
        match in_log {
            Some(image) if *image == found => self.set(number, found),
            // Whoever folds the log in next may be another.
            Some(_) => self.set(number, UNKNOWN),
            None if known == UNKNOWN => self.set(number, found),
            None => return known == found,
        }
        true
    }

    fn set(&mut self, number: u32, sum: u64) {
        let at = number as usize - 1;
        if self.sums.len() <= at {
            self.sums.resize(at + 1, UNKNOWN);
            self.changed.insert(at / BLOCK_SUMS + 1);
        }
        if let Some(place) = self.sums.get_mut(at)
            && *place != sum
        {
            *place = sum;
            self.changed.insert(at / BLOCK_SUMS + 1);
        }
    }

    fn block(&self, number: usize) -> Vec<u64> {
        let Some(before) = number.checked_sub(1) else {
            let (first, second) = self.folded.salts;
            return vec![u64::from(first) << 32 | u64::from(second), self.folded.frames];
        };
        let from = before * BLOCK_SUMS;
        self.sums.get(from..self.sums.len().min(from + BLOCK_SUMS)).unwrap_or_default().to_vec()
    }

    fn write(&mut self) {
        if self.changed.is_empty() {
            return;
        }
        let changed = std::mem::take(&mut self.changed);
        let write = || {
            let file =
                File::options().read(true).write(true).create(true).truncate(false).open(&self.path)?;
            for number in &changed {
                let block = block_of(&self.block(*number), *number as u64);
                file.write_all_at(&block, (number * BLOCK_BYTES) as u64)?;
            }
            file.sync_data()
        };
        if let Err(error) = write() {
            self.forget(&error);
        }
    }
}

/// The run of the log before a fold, and the pages in it.
#[derive(Debug)]
pub struct InLog {
    salts: (u32, u32),
    pages: Vec<u32>,
}

fn sums_in(block: &[u8], number: u64) -> Vec<u64> {
    let sums: Vec<u64> =
        block.chunks_exact(8).map(|eight| u64::from_le_bytes(eight.try_into().unwrap_or_default())).collect();
    let is_whole = block.len() == BLOCK_BYTES && sums.first() == Some(&block_sum(&block[8..], number));
    if is_whole { sums[1..].to_vec() } else { vec![UNKNOWN; BLOCK_SUMS] }
}

fn block_of(sums: &[u64], number: u64) -> Vec<u8> {
    let mut block = vec![0; 8];
    sums.iter().for_each(|sum| block.extend_from_slice(&sum.to_le_bytes()));
    block.resize(BLOCK_BYTES, 0);
    let own = block_sum(&block[8..], number);
    block[..8].copy_from_slice(&own.to_le_bytes());
    block
}

fn block_sum(bytes: &[u8], number: u64) -> u64 {
    sum_of(bytes) ^ (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The first eight bytes of BLAKE3, never that of an unknown page.
fn sum_of(bytes: &[u8]) -> u64 {
    let hash = blake3::hash(bytes);
    let eight = hash.as_bytes().first_chunk::<8>().copied().unwrap_or_default();
    u64::from_le_bytes(eight).max(UNKNOWN + 1)
}

/// As the file's head says; the usual size where there is none yet.
fn page_bytes(database: &Path) -> usize {
    let mut head = [0; 18];
    let read = File::open(database).and_then(|file| file.read_exact_at(&mut head, 0));
    match (read, u16::from_be_bytes([head[16], head[17]])) {
        (Ok(()), 1) => 65_536,
        (Ok(()), bytes) if bytes >= 512 && bytes.is_power_of_two() => bytes.into(),
        _ => 4096,
    }
}

fn read_full(file: &File, bytes: &mut [u8], offset: u64) -> std::io::Result<usize> {
    let mut read = 0;
    while read < bytes.len() {
        match file.read_at(&mut bytes[read..], offset + read as u64) {
            Ok(0) => break,
            Ok(count) => read += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

fn corrupt(database: &Path, pages: &[u32]) -> Error {
    let named: Vec<String> = pages.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    let what = format!(
        "{} is damaged: {} of its pages are not what was written ({}{}); restore it from a backup. If another program \
         changed it on purpose, delete {0}-sums",
        database.display(),
        pages.len(),
        named.join(", "),
        if pages.len() > NAMED_MAX { ", ..." } else { "" }
    );
    Error::internal("store_corrupt", what)
}

fn log_damaged(log: &Path, frame: u64) -> Error {
    let what = format!(
        "{} is damaged at frame {frame}, and what was committed after it would be lost; restore the library from its backup \
         (`ibid restore --to latest --into DIR`), or move that file away to go on with what was before",
        log.display()
    );
    Error::internal("store_log_damaged", what)
}

fn unreadable(database: &Path, error: std::io::Error) -> Error {
    Error::unavailable("store_unavailable", format!("cannot read {}", database.display())).caused_by(error)
}
