//! What the log holds while nobody has it open, and whether something is missing from its middle.
//!
//! SQLite takes a log up to its first damaged frame and forgets the rest, which is right after a loss of power, when the
//! rest was never acknowledged, and wrong where a bit of an older frame was flipped.
//!
//! Keeps true: a log that a crash left behind is never called damaged: only what follows a whole later transaction was synced.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use super::tap::{Checksums, FRAME_HEAD_BYTES, HEADER_BYTES, word};

/// Pages by their number with the sum of their last committed image.
pub type Images = HashMap<u32, u64>;

/// What a log holds.
#[derive(Debug, Default)]
pub struct Survey {
    /// The run that it is of.
    pub salts: (u32, u32),
    /// Of the commits that SQLite will take.
    pub images: Images,
    /// The last frame of those commits.
    pub whole: u64,
    /// The last frame that follows from the one before it, damaged ones between or not.
    pub last: u64,
    /// The first frame that is not what was written, where acknowledged ones are behind it; 0 for the head.
    pub damaged_at: Option<u64>,
}

/// Reads the log; empty where there is none.
pub fn survey(log: &Path, page_bytes: usize, sum: fn(&[u8]) -> u64) -> Survey {
    let Ok(file) = File::open(log) else { return Survey::default() };
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut head = [0; HEADER_BYTES];
    if reader.read_exact(&mut head).is_err() {
        return Survey::default();
    }
    let mut walk = Walk::begin(&head);
    let mut frame = vec![0; FRAME_HEAD_BYTES + page_bytes];
    while reader.read_exact(&mut frame).is_ok() {
        walk.frame(&frame, sum);
    }
    walk.found
}

/// The salts of the current run of the log, which this process wrote, and the numbers of the pages in it after the first
/// `folded.1` frames, if it is still the run of `folded.0`.
pub fn pages_in(log: &Path, page_bytes: usize, folded: ((u32, u32), u64)) -> ((u32, u32), Vec<u32>) {
    let Ok(file) = File::open(log) else { return Default::default() };
    let read =
        |bytes: &mut [u8], at: u64| std::os::unix::fs::FileExt::read_exact_at(&file, bytes, at).is_ok();
    let mut head = [0; HEADER_BYTES];
    if !read(&mut head, 0) {
        return Default::default();
    }
    let salts = (word(&head, 16), word(&head, 20));
    let skipped = if salts == folded.0 { folded.1 } else { 0 };
    let frame_bytes = (FRAME_HEAD_BYTES + page_bytes) as u64;
    let mut pages = Vec::new();
    let (mut at, mut frame) = (HEADER_BYTES as u64 + skipped * frame_bytes, [0; FRAME_HEAD_BYTES]);
    while read(&mut frame, at) && frame[8..16] == head[16..24] {
        pages.push(word(&frame, 0));
        at += frame_bytes;
    }
    pages.sort_unstable();
    pages.dedup();
    (salts, pages)
}

struct Walk {
    is_big_endian: bool,
    /// The checksum that the frame before has stored.
    before: (u32, u32),
    number: u64,
    /// The first frame that is not what was written; 0 for the head.
    bad: Option<u64>,
    /// Whether a transaction ended at or after the bad frame.
    has_ended: bool,
    open: Vec<(u32, u64)>,
    found: Survey,
}

impl Walk {
    fn begin(head: &[u8; HEADER_BYTES]) -> Self {
        let sums = Checksums::begin(head);
        let stored = (word(head, 24), word(head, 28));
        let is_whole = sums.sums == stored;
        Self {
            is_big_endian: sums.is_big_endian,
            before: stored,
            number: 0,
            bad: (!is_whole).then_some(0),
            // A head is synced before the first frame is written.
            has_ended: !is_whole,
            open: Vec::new(),
            found: Survey { salts: (word(head, 16), word(head, 20)), ..Survey::default() },
        }
    }

    fn frame(&mut self, frame: &[u8], sum: fn(&[u8]) -> u64) {
        self.number += 1;
        let salts = (word(frame, 8), word(frame, 12));
        if self.bad == Some(0) && self.number == 1 {
            self.found.salts = salts;
        }
        let (page, is_end) = (frame.get(FRAME_HEAD_BYTES..).unwrap_or_default(), word(frame, 4) != 0);
        let mut sums = Checksums { is_big_endian: self.is_big_endian, sums: self.before };
        sums.add(frame.get(..8).unwrap_or_default());
        sums.add(page);
        self.before = (word(frame, 16), word(frame, 20));
        let is_good = salts == self.found.salts && sums.sums == self.before;
        if is_good {
            self.found.last = self.number;
        }
        match self.bad {
            None if is_good => {
                self.open.push((word(frame, 0), sum(page)));
                if is_end {
                    self.found.images.extend(self.open.drain(..));
                    self.found.whole = self.number;
                }
            }
            None => {
                self.bad = Some(self.number);
                self.has_ended = is_end && salts == self.found.salts;
            }
            Some(bad) if is_good => {
                if self.has_ended {
                    self.found.damaged_at.get_or_insert(bad);
                }
                self.has_ended |= is_end;
            }
            Some(_) => {}
        }
    }
}
