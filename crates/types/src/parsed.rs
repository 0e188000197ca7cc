//! What a parser makes of a file: plain text plus the structure that lies over it.
//!
//! Keeps true: blocks are in text order, do not overlap, and lie on character boundaries; a page's start never
//! decreases. `Parsed::check` proves it and every parser's tests call it.

use serde::{Deserialize, Serialize};

use crate::{Error, Result, Timestamp};

/// The extracted text of a file, with structure as spans over it. All offsets are UTF-8 bytes into `text`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parsed {
    pub text: String,
    pub blocks: Vec<Block>,
    /// The start of each page or slide or sheet, in order; empty where the format has none.
    pub pages: Vec<Page>,
    pub metadata: Metadata,
    /// What was lost or guessed, for the reader: "page 3 has no text layer".
    pub warnings: Vec<String>,
}

/// A piece of structure over `text[start..end)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    pub kind: BlockKind,
    pub start: usize,
    pub end: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum BlockKind {
    /// `level` counts from 1.
    Heading {
        level: u8,
    },
    Paragraph,
    ListItem,
    Quote,
    /// A whole table, one line a row, cells joined by " | ", the header row first.
    Table {
        rows: usize,
    },
    /// A code listing; `language` as the file names it, empty where unknown.
    Code {
        language: String,
    },
    /// A record of a data file (a JSONL line, a JSON array element).
    Record,
}

/// Page `number` (as a reader counts, from 1) begins at byte `start`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    pub number: u32,
    pub start: usize,
    /// The name of a sheet or slide, where it has one.
    #[serde(default)]
    pub label: Option<String>,
}

/// What a file says of itself. Flags and front matter override it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    #[serde(default)]
    pub title: Option<String>,
    #[serde(default)]
    pub author: Option<String>,
    /// ISO 639-1, lower case: `en`, `de`, `zh`.
    #[serde(default)]
    pub language: Option<String>,
    #[serde(default)]
    pub created: Option<Timestamp>,
    #[serde(default)]
    pub modified: Option<Timestamp>,
    #[serde(default)]
    pub tags: Vec<String>,
}

impl Metadata {
    /// Takes each field from `self` where it has one, and from `other` where it has none; tags are joined.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let mut tags = self.tags;
        for tag in other.tags {
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        Self {
            title: self.title.or(other.title),
            author: self.author.or(other.author),
            language: self.language.or(other.language),
            created: self.created.or(other.created),
            modified: self.modified.or(other.modified),
            tags,
        }
    }
}

impl Parsed {
    /// Says which promise of this module a parser broke.
    pub fn check(&self) -> Result<()> {
        let broken = |what: String| Err(Error::internal("parser_broken", what));
        let mut previous_end = 0;
        for block in &self.blocks {
            let on_boundaries =
                self.text.is_char_boundary(block.start) && self.text.is_char_boundary(block.end);
            if block.start < previous_end || block.end < block.start || !on_boundaries {
                return broken(format!("block {block:?} overlaps, is reversed or splits a character"));
            }
            previous_end = block.end;
        }
        for pair in self.pages.windows(2) {
            if pair[0].start > pair[1].start {
                return broken(format!("page {} begins before the page ahead of it", pair[1].number));
            }
        }
        if self.pages.iter().any(|page| !self.text.is_char_boundary(page.start)) {
            return broken("a page splits a character or lies outside the text".into());
        }
        Ok(())
    }
}
