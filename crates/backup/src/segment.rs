//! A segment: commits that follow each other, the originals that came with them, and small files that changed.
//!
//! Keeps true: applied to the state before its first commit it gives, commit by commit, exactly the states after them; its
//! head names the checksum of the segment before it, so none can be left out, doubled or exchanged.
//!
//! Content: head (JSON), then for each commit its time (i64 each), its number of frames (u32 each) and the database's
//! size in pages (u32 each), then for each frame its page number (u32 each) and form (1 byte each: 0 whole, 1 difference by
//! exclusive or from the page before it), then the frames' pages.

use std::sync::Arc;

use ibid_seal::Keys;
use ibid_store::{Commit, LogPart};
use ibid_types::{ContentHash, Error, Result, Timestamp};
use serde::{Deserialize, Serialize};

use crate::envelope::{self, Kind, damaged, unwrap, wrap};
use crate::files::FileChange;
use crate::layout::{Reader, Writer};
use crate::names::{Generation, LogName, segment_place};
use crate::pages::PageMemory;

const WHOLE: u8 = 0;
const DIFFERENCE: u8 = 1;

/// What a segment says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentHead {
    pub generation: String,
    pub number: u64,
    /// The number of its first commit.
    pub first_commit: u64,
    /// The checksum of the segment before it; zeros for the first of a generation.
    pub previous: ContentHash,
    /// When it was cut.
    pub at: Timestamp,
    pub page_bytes: u32,
    pub commits: u32,
    pub frames: u32,
    /// BLAKE3 of the pages after each frame, in order.
    pub images: ContentHash,
    /// Originals that were stored since the segment before.
    pub originals: Vec<ContentHash>,
    pub files: Vec<FileChange>,
}

/// A segment that was read.
#[derive(Clone, Debug)]
pub struct Segment {
    pub head: SegmentHead,
    pub commits: Vec<Commit>,
    pub checksum: ContentHash,
    pages: Vec<u32>,
    forms: Vec<u8>,
    images: Vec<u8>,
}

/// A segment that was cut: its name and the object.
#[derive(Clone, Debug)]
pub struct Cut {
    pub name: LogName,
    pub object: Vec<u8>,
    pub checksum: ContentHash,
    pub originals: Vec<ContentHash>,
    /// Bytes of the log that it stands for.
    pub log_bytes: u64,
}

/// Where the next segment goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub generation: Generation,
    /// Of the segment before.
    pub segment: u64,
    /// The last commit in it.
    pub commit: u64,
    pub checksum: ContentHash,
    /// The time of that commit.
    pub at: Timestamp,
}

impl Link {
    /// Before the first segment of a generation that begins after `commit`.
    #[must_use]
    pub const fn begin(generation: Generation, commit: u64, at: Timestamp) -> Self {
        Self { generation, segment: 0, commit, checksum: ContentHash([0; 32]), at }
    }
}

/// Cuts the segment after `link`.
pub fn cut(
    link: &Link,
    parts: &[Arc<LogPart>],
    originals: Vec<ContentHash>,
    files: Vec<FileChange>,
    at: Timestamp,
    memory: &mut PageMemory,
    keys: &Keys,
) -> Result<Cut> {
    let commits: Vec<Commit> = parts.iter().flat_map(|part| part.commits.iter().copied()).collect();
    let frames: Vec<(u32, &[u8])> = parts.iter().flat_map(|part| part.pages()).collect();
    let page_bytes = parts.first().map_or(0, |part| part.page_bytes);
    if parts.iter().any(|part| part.page_bytes != page_bytes) {
        return Err(Error::internal(
            "backup_pages",
            "the store's pages changed their size; a new base follows",
        ));
    }
    let mut images = Vec::with_capacity(frames.len() * page_bytes);
    let mut hasher = blake3::Hasher::new();
    let forms: Vec<u8> = frames
        .iter()
        .map(|(page, bytes)| {
            hasher.update(bytes);
            u8::from(memory.ship(*page, bytes, &mut images))
        })
        .collect();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let head = SegmentHead {
        generation: link.generation.to_string(),
        number: link.segment + 1,
        first_commit: link.commit + 1,
        previous: link.checksum,
        at,
        page_bytes: count(page_bytes),
        commits: count(commits.len()),
        frames: count(frames.len()),
        images: ContentHash(*hasher.finalize().as_bytes()),
        originals,
        files,
    };
    let mut content = Writer::begin(&head)?;
    content.i64s(commits.iter().map(|commit| commit.at.0));
    content.u32s(commits.iter().map(|commit| commit.frames));
    content.u32s(commits.iter().map(|commit| commit.pages));
    content.u32s(frames.iter().map(|(page, _)| *page));
    content.bytes(&forms);
    content.bytes(&images);
    let place = segment_place(&link.generation, head.number);
    let object = wrap(Kind::Segment, &place, &content.end(), keys)?;
    let name = LogName {
        generation: link.generation.clone(),
        segments: (head.number, head.number),
        commits: (head.first_commit, link.commit + commits.len() as u64),
        at: commits.last().map_or(at, |commit| commit.at),
    };
    let log_bytes = parts.iter().map(|part| part.frames.len() as u64).sum();
    Ok(Cut { name, checksum: envelope::checksum_of(&object), object, originals: head.originals, log_bytes })
}

impl Segment {
    /// Reads the segment of that number. Errors: `backup_damaged`, `backup_key_missing`.
    pub fn read(generation: &Generation, number: u64, object: &[u8], keys: &Keys) -> Result<Self> {
        let place = segment_place(generation, number);
        let unwrapped = unwrap(Kind::Segment, &place, object, keys)?;
        let segment = Self::parse(&unwrapped.content, unwrapped.checksum);
        let is_it =
            |segment: &Self| segment.head.number == number && segment.head.generation == generation.as_str();
        segment.filter(is_it).ok_or_else(|| damaged(&place, "its content"))
    }

    fn parse(content: &[u8], checksum: ContentHash) -> Option<Self> {
        let (head, mut reader) = Reader::begin::<SegmentHead>(content)?;
        let (commits, frames) = (head.commits as usize, head.frames as usize);
        let times = reader.i64s(commits)?;
        let lengths = reader.u32s(commits)?;
        let sizes = reader.u32s(commits)?;
        let pages = reader.u32s(frames)?;
        let forms = reader.bytes(frames)?.to_vec();
        let images = reader.bytes(frames.checked_mul(head.page_bytes as usize)?)?.to_vec();
        let rows = times.into_iter().zip(lengths).zip(sizes);
        let commits: Vec<Commit> =
            rows.map(|((at, frames), pages)| Commit { at: Timestamp(at), frames, pages }).collect();
        let is_whole = commits.iter().map(|commit| u64::from(commit.frames)).sum::<u64>() == frames as u64
            && forms.iter().all(|form| *form <= DIFFERENCE)
            && pages.iter().all(|page| *page > 0)
            && is_counted(&head)
            && reader.is_at_end();
        is_whole.then_some(Self { head, commits, checksum, pages, forms, images })
    }

    /// Number of the last commit; one before the first where there is none.
    #[must_use]
    pub fn last_commit(&self) -> u64 {
        self.head.first_commit + self.commits.len() as u64 - 1
    }

    /// The frames of each commit, in order.
    pub fn frames(&self) -> impl Iterator<Item = Vec<Frame<'_>>> {
        let mut from = 0;
        self.commits.iter().map(move |commit| {
            let until = from + commit.frames as usize;
            let frames = (from..until).filter_map(|at| self.frame(at)).collect();
            from = until;
            frames
        })
    }

    fn frame(&self, at: usize) -> Option<Frame<'_>> {
        let page_bytes = self.head.page_bytes as usize;
        Some(Frame {
            page: *self.pages.get(at)?,
            is_whole: *self.forms.get(at)? == WHOLE,
            bytes: self.images.get(at * page_bytes..(at + 1) * page_bytes)?,
        })
    }
}

/// Whether its commits have numbers, and its pages are as long as SQLite has them.
fn is_counted(head: &SegmentHead) -> bool {
    let has_numbers =
        head.first_commit > 0 && head.first_commit.checked_add(u64::from(head.commits)).is_some();
    let is_page = head.page_bytes.is_power_of_two() && (512..=65_536).contains(&head.page_bytes);
    has_numbers && (is_page || (head.page_bytes == 0 && head.frames == 0))
}

/// What a page becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// From 1.
    pub page: u32,
    /// Else `bytes` are the difference from what it was.
    pub is_whole: bool,
    pub bytes: &'a [u8],
}

#[cfg(test)]
mod tests {
    use super::*;
    use ibid_store::{FRAME_HEAD_BYTES, LogPosition};

    fn part(pages: &[(u32, u8)]) -> Arc<LogPart> {
        let mut frames = Vec::new();
        for (page, byte) in pages {
            frames.extend_from_slice(&page.to_be_bytes());
            frames.extend_from_slice(&[0; FRAME_HEAD_BYTES - 4]);
            frames.extend_from_slice(&[*byte; 512]);
        }
        let commit = |at| Commit { at: Timestamp(at), frames: 1, pages: 9 };
        let commits = (1..=pages.len() as i64).map(commit).collect();
        Arc::new(LogPart { number: 0, from: LogPosition::default(), page_bytes: 512, commits, frames })
    }

    fn link() -> Link {
        Link::begin(Generation::begin(Timestamp(1)).unwrap(), 40, Timestamp(1))
    }

    #[test]
    fn a_segment_says_again_what_was_put_in() {
        let (link, keys) = (link(), Keys::default());
        let mut memory = PageMemory::default();
        let parts = [part(&[(3, 7), (4, 8)]), part(&[(3, 6)])];
        let cut = cut(&link, &parts, vec![], vec![], Timestamp(9), &mut memory, &keys).unwrap();
        assert_eq!((cut.name.segments, cut.name.commits), ((1, 1), (41, 43)));
        let segment = Segment::read(&link.generation, 1, &cut.object, &keys).unwrap();
        let frames: Vec<_> = segment.frames().flatten().map(|f| (f.page, f.is_whole, f.bytes[0])).collect();
        assert_eq!(frames, [(3, true, 7), (4, true, 8), (3, false, 7 ^ 6)]);
        assert_eq!((segment.last_commit(), segment.checksum), (43, cut.checksum));
        assert!(Segment::read(&link.generation, 2, &cut.object, &keys).is_err());
    }

    #[test]
    fn commits_without_numbers_and_pages_that_are_none_are_refused() {
        let read = |change: fn(&mut SegmentHead)| {
            let mut head = SegmentHead {
                generation: "a".to_owned(),
                number: 1,
                first_commit: 41,
                previous: ContentHash([0; 32]),
                at: Timestamp(9),
                page_bytes: 0,
                commits: 0,
                frames: 0,
                images: ContentHash([0; 32]),
                originals: Vec::new(),
                files: Vec::new(),
            };
            change(&mut head);
            Segment::parse(&Writer::begin(&head).unwrap().end(), ContentHash([0; 32]))
        };
        assert_eq!(read(|_| ()).unwrap().last_commit(), 40);
        assert!(read(|head| head.first_commit = 0).is_none());
        assert!(read(|head| head.page_bytes = 1 << 31).is_none());
    }

    #[test]
    fn random_contents_are_refused_and_do_no_harm() {
        let chance = ibid_runtime::Chance::seeded(3);
        for _ in 0..2000 {
            let bytes: Vec<u8> = (0..chance.below(200)).map(|_| chance.next_u64() as u8).collect();
            assert!(Segment::parse(&bytes, ContentHash([0; 32])).is_none());
        }
    }
}
