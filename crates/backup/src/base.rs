//! What a base says: the pieces of the database file, in order, the originals, and the small files.
//!
//! The file is copied while the library works, so a piece may hold pages from after the commit at which the copy began. All
//! of these are in the log after `segment`, whole the first time. So the state at `commit`, and at each one after it, is
//! the pieces with the log applied from there on; there is no state before `commit` to be had from this base.

use ibid_seal::Keys;
use ibid_types::{ContentHash, Result, Timestamp};
use serde::{Deserialize, Serialize};

use crate::envelope::{Kind, damaged, unwrap, wrap};
use crate::files::FileChange;
use crate::layout::{Reader, Writer};
use crate::names::BaseName;

/// The database file is cut into pieces of so many bytes; equal ones of several bases are stored once.
pub const PIECE_BYTES: usize = 1 << 20;

/// The head of a base.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseHead {
    pub generation: String,
    /// The segment after which the log goes on, the checksum of that segment, and its last commit.
    pub segment: u64,
    pub checksum: ContentHash,
    pub from_commit: u64,
    /// The first commit that can be restored from it, and its time.
    pub commit: u64,
    pub at: Timestamp,
    /// The whole of the database file.
    pub bytes: u64,
    pub pieces: u32,
    pub originals: u32,
    pub files: Vec<FileChange>,
    /// The version of the program that made it.
    pub program: String,
}

/// See the head of this file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    pub head: BaseHead,
    /// Hashes of the pieces of the database file.
    pub pieces: Vec<ContentHash>,
    /// Hashes of originals that its rows name.
    pub originals: Vec<ContentHash>,
}

impl Base {
    /// The object and its name.
    pub fn write(&self, name: &BaseName, keys: &Keys) -> Result<Vec<u8>> {
        let mut content = Writer::begin(&self.head)?;
        content.hashes(&self.pieces);
        content.hashes(&self.originals);
        wrap(Kind::Base, &name.to_string(), &content.end(), keys)
    }

    /// Errors: `backup_damaged`, `backup_key_missing`.
    pub fn read(name: &BaseName, object: &[u8], keys: &Keys) -> Result<Self> {
        let place = name.to_string();
        let content = unwrap(Kind::Base, &place, object, keys)?.content;
        Self::parse(&content)
            .filter(|base| base.head.commit == name.commit && base.head.segment == name.segment)
            .filter(|base| base.head.generation == name.generation.as_str())
            .ok_or_else(|| damaged(&place, "its content"))
    }

    fn parse(content: &[u8]) -> Option<Self> {
        let (head, mut reader) = Reader::begin::<BaseHead>(content)?;
        let pieces = reader.hashes(head.pieces as usize)?;
        let originals = reader.hashes(head.originals as usize)?;
        let is_whole = reader.is_at_end() && head.bytes.div_ceil(PIECE_BYTES as u64) == pieces.len() as u64;
        is_whole.then_some(Self { head, pieces, originals })
    }
}
