//! Chunks and the text they tile.

use ibid_types::document::{Chunk, ChunkKind, ChunkSpan};
use ibid_types::{ChunkId, Error, Result, VersionId};

use crate::value::{IDS_MAX, json, marks};
use crate::{Row, Store};

pub const CHUNK_COLUMNS: &str = "c.id, c.document_id, c.version_id, c.ordinal, c.start_byte, c.end_byte, c.start_char, c.pages, \
                                 c.heading_path, c.kind, c.tokens, c.text";
pub const CHUNK_WIDTH: usize = 12;

/// A stretch of a version's text, in whole chunks.
#[derive(Clone, Debug)]
pub struct Around {
    chunks: Vec<Chunk>,
    from: usize,
    to: usize,
}

/// A stretch cut at a span; the three texts joined are the version's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The byte of the version's text at which `before` begins.
    pub start: usize,
    pub before: String,
    pub quote: String,
    pub after: String,
    pub heading_path: Vec<String>,
    pub page: Option<u32>,
}

impl Store {
    /// The chunks of these ids, in the order asked; ids that are not there are left out.
    pub fn chunks_by_id(&self, ids: &[ChunkId]) -> Result<Vec<Chunk>> {
        let mut found = std::collections::HashMap::with_capacity(ids.len());
        for some in ids.chunks(IDS_MAX) {
            let (marks, params) = marks(Vec::new(), some);
            let sql = format!("SELECT {CHUNK_COLUMNS} FROM chunks c WHERE c.id IN ({marks})");
            for row in self.db.query(&sql, &params)? {
                let chunk = read_chunk(&row)?;
                found.insert(chunk.id, chunk);
            }
        }
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }

    pub fn chunks_of_version(&self, version: VersionId) -> Result<Vec<Chunk>> {
        self.chunks_between(version, 0, u32::MAX)
    }

    /// Chunks `first` to `last`, both included.
    pub fn chunks_between(&self, version: VersionId, first: u32, last: u32) -> Result<Vec<Chunk>> {
        let sql = format!(
            "SELECT {CHUNK_COLUMNS} FROM chunks c WHERE c.version_id = $1 AND c.ordinal BETWEEN $2 AND $3 ORDER BY c.ordinal"
        );
        self.db.query(&sql, &[version.into(), first.into(), last.into()])?.iter().map(read_chunk).collect()
    }

    /// The whole extracted text of a version.
    pub fn text_of(&self, version: VersionId) -> Result<String> {
        Ok(self.chunks_of_version(version)?.into_iter().map(|chunk| chunk.text).collect())
    }

    /// The chunks that touch bytes `[from, to)` of a version's text.
    pub fn text_around(&self, version: VersionId, from: usize, to: usize) -> Result<Around> {
        let sql = format!(
            "SELECT {CHUNK_COLUMNS} FROM chunks c WHERE c.version_id = $1 AND c.end_byte >= $2 AND c.start_byte <= $3 ORDER BY c.ordinal"
        );
        let rows = self.db.query(&sql, &[version.into(), from.into(), to.into()])?;
        Ok(Around { chunks: rows.iter().map(read_chunk).collect::<Result<_>>()?, from, to })
    }
}

impl Around {
    /// Cuts the stretch at `[start, end)`, bytes of the version's text. Bounds that would split a character move
    /// outward, except those of the quote, which must be right.
    pub fn split(&self, start: usize, end: usize) -> Result<Split> {
        let base = self.chunks.first().map_or(0, |chunk| chunk.span.start);
        let text: String = self.chunks.iter().map(|chunk| chunk.text.as_str()).collect();
        let inside = |at: usize| at.saturating_sub(base).min(text.len());
        let (from, to) = (floor(&text, inside(self.from)), ceiling(&text, inside(self.to)));
        let wrong = || {
            Error::bad_request("span_out_of_range", "the span splits a character; offsets are UTF-8 bytes")
        };
        let cut = |from: usize, to: usize| text.get(from..to).map(ToOwned::to_owned).ok_or_else(wrong);
        let (start, end) = (inside(start), inside(end));
        let at = self.chunks.iter().find(|chunk| chunk.span.end > base + start).or(self.chunks.last());
        Ok(Split {
            start: base + from,
            before: cut(from, start)?,
            quote: cut(start, end)?,
            after: cut(end, to)?,
            heading_path: at.map(|chunk| chunk.span.heading_path.clone()).unwrap_or_default(),
            page: at.and_then(|chunk| chunk.span.page_at((base + start).saturating_sub(chunk.span.start))),
        })
    }
}

fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at)
}

fn ceiling(text: &str, at: usize) -> usize {
    text.ceil_char_boundary(at)
}

pub fn read_chunk(row: &Row) -> Result<Chunk> {
    let kind: String = row.get(9)?;
    Ok(Chunk {
        id: row.get(0)?,
        document: row.get(1)?,
        version: row.get(2)?,
        ordinal: row.get(3)?,
        span: ChunkSpan {
            start: row.get(4)?,
            end: row.get(5)?,
            start_char: row.get(6)?,
            pages: json(&row.get::<String>(7)?)?,
            heading_path: json(&row.get::<String>(8)?)?,
            kind: ChunkKind::from_name(&kind).unwrap_or_default(),
            tokens: row.get(10)?,
        },
        text: row.get(11)?,
    })
}
