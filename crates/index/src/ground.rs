//! `Ground`: what the index reads. The store implements it; tests have one in memory.
//!
//! Keeps true: the feed is level-triggered. An entry says only "look at this document now", so reading it twice, or
//! after later changes, gives the same index.

use std::fmt::Debug;

use ibid_types::document::{Chunk, Document};
use ibid_types::{DocumentId, Result, WorkspaceId};

/// One change of what is searchable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Grows from 1; not every number is used.
    pub position: i64,
    pub workspace: WorkspaceId,
    pub what: What,
}

/// What an entry asks to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Document(DocumentId),
    /// The active embedder is now this one: the vectors of every workspace are others.
    Model(String),
    /// The workspace is gone with all that was in it.
    WorkspaceGone,
    /// Nothing that concerns an index.
    Other,
}

/// A document as it is to be found now.
#[derive(Clone, Debug, PartialEq)]
pub struct Searchable {
    pub document: Document,
    /// In order, each with its vector as little-endian f16; empty where there is none yet.
    pub chunks: Vec<(Chunk, Vec<u8>)>,
}

/// The ground truth as far as an index needs it. Blocking.
pub trait Ground: Send + Sync + Debug {
    /// At most `limit` entries after `position`, in order.
    fn changes(&self, after: i64, limit: usize) -> Result<Vec<Change>>;

    /// The position of the newest entry, 0 if there is none.
    fn head(&self) -> Result<i64>;

    /// The rows of the first of these documents, in order: of so many as have `chunks_max` chunks together, and of one
    /// at least. `None` for one that is gone or has no current version.
    fn searchables(
        &self,
        documents: &[DocumentId],
        model: &str,
        chunks_max: usize,
    ) -> Result<Vec<Option<Searchable>>>;
}
