//! Documents, their versions and their chunks, as the store holds them.
//!
//! Keeps true: the chunks of a version tile its text. `chunks[0].start == 0`, each chunk starts where the one
//! before it ends, and the concatenation of their texts is the extracted text, byte for byte. So the text is
//! stored once, and a citation can always be shown in its place.

use serde::{Deserialize, Serialize};

use crate::access::Holder;
use crate::{ChunkId, ContentHash, DocumentId, Timestamp, VersionId, WorkspaceId};

/// A source text over all its versions. `source` is its identity inside a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    pub id: DocumentId,
    pub workspace: WorkspaceId,
    /// Where it came from: a path (`reports/q3.pdf`), an `https://` address, or what the caller named it.
    pub source: String,
    pub status: DocumentStatus,
    /// The version that answers are made from. `None` while the first one is being read, or when all failed.
    pub current: Option<VersionId>,
    pub title: String,
    pub author: Option<String>,
    pub language: Option<String>,
    pub tags: Vec<String>,
    /// Who may read it; empty: everybody who reads in the workspace.
    #[serde(default)]
    pub readers: Vec<Holder>,
    /// The document's own date: modified, else created, else when it was ingested.
    pub date: Timestamp,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentStatus {
    /// Accepted, not yet searchable.
    Pending,
    /// Searchable.
    Ready,
    /// Could not be read; the version says why.
    Failed,
}

impl DocumentStatus {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }
}

/// One state of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    pub id: VersionId,
    pub document: DocumentId,
    /// Counts from 1.
    pub number: u32,
    pub status: DocumentStatus,
    /// The hash of the original bytes, under which the blob store keeps them.
    pub content: ContentHash,
    pub size_bytes: u64,
    pub media_type: String,
    pub chunk_count: u32,
    pub text_bytes: u64,
    pub page_count: Option<u32>,
    pub warnings: Vec<String>,
    /// Set when `status` is `Failed`: a stable code and a reason.
    pub failure: Option<Failure>,
    /// Another document whose text is nearly the same, where one was found.
    pub near_duplicate_of: Option<DocumentId>,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub code: String,
    pub reason: String,
}

/// A span `[start, end)` of a version's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    pub id: ChunkId,
    pub document: DocumentId,
    pub version: VersionId,
    /// Counts from 0 within the version.
    pub ordinal: u32,
    pub span: ChunkSpan,
    pub text: String,
}

/// Where a chunk lies and what it lies under.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkSpan {
    /// UTF-8 bytes into the version's text.
    pub start: usize,
    pub end: usize,
    /// The same `start` counted in Unicode characters, for readers whose strings are not UTF-8.
    pub start_char: usize,
    /// The pages the chunk touches, each with the byte within the chunk where it begins; the first at 0.
    /// Empty where the format has no pages.
    pub pages: Vec<(u32, usize)>,
    /// The headings above it, outermost first.
    pub heading_path: Vec<String>,
    pub kind: ChunkKind,
    /// By the embedder's tokenizer, without special tokens.
    pub tokens: u32,
}

impl ChunkSpan {
    /// The page on which byte `offset` of the chunk stands.
    #[must_use]
    pub fn page_at(&self, offset: usize) -> Option<u32> {
        self.pages.iter().take_while(|(_, start)| *start <= offset).last().map(|(number, _)| *number)
    }
}

/// The form of what a chunk mostly holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChunkKind {
    #[default]
    Text,
    Table,
    Code,
    Record,
}

impl ChunkKind {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Table => "table",
            Self::Code => "code",
            Self::Record => "record",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Text, Self::Table, Self::Code, Self::Record].into_iter().find(|kind| kind.name() == name)
    }
}

/// The text that is embedded and indexed for a chunk: its place first, so that a passage under "Refunds" is
/// found by that word even where it does not repeat it. The place is context, never part of a quote.
#[must_use]
pub fn searchable_context(title: &str, heading_path: &[String]) -> String {
    let mut context = title.trim().to_owned();
    for heading in heading_path.iter().map(|heading| heading.trim()) {
        if !heading.is_empty() && heading != title.trim() {
            if !context.is_empty() {
                context.push_str(" > ");
            }
            context.push_str(heading);
        }
    }
    context
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_stands_on_the_page_that_began_last() {
        let span = ChunkSpan { pages: vec![(3, 0), (4, 100)], ..ChunkSpan::default() };
        assert_eq!((span.page_at(99), span.page_at(100)), (Some(3), Some(4)));
        assert_eq!(ChunkSpan::default().page_at(5), None);
    }

    #[test]
    fn context_does_not_repeat_the_title() {
        let path = ["Manual".to_owned(), "Refunds".to_owned()];
        assert_eq!(searchable_context("Manual", &path), "Manual > Refunds");
        assert_eq!(searchable_context("", &path), "Manual > Refunds");
    }
}
