//! Cuts a text into chunks along its structure.
//!
//! Keeps true: the chunks tile the text (`ibid_types::document`); each starts and ends on a character boundary; none
//! has more tokens than `ChunkConfig::tokens_max` less what its place needs, by the sum over its parts; every part of
//! the text is counted at most twice, so the work is linear in the text.
//!
//! In order: sections (a heading opens one and belongs to it), blocks, then sentences, table rows or code paragraphs,
//! and words as the last resort. A section that fits is one chunk. A longer one is cut into parts of about equal size.
//! The later chunks of a table that was cut cannot repeat its header, so their `heading_path` ends with
//! `Columns: first | second`.

use ibid_types::document::{ChunkKind, ChunkSpan};
use ibid_types::parsed::Parsed;

mod atom;
mod pack;
mod section;

use pack::{Part, pack};
use section::{Section, sections};

/// Sizes in tokens of the embedder's tokenizer, without special tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkConfig {
    /// No chunk is longer.
    pub tokens_max: usize,
    /// Sections are cut into parts of about this size. At 180 a chunk is a paragraph or two, which MiniLM (trained
    /// on 128 tokens, 256 at most) still represents well.
    pub tokens_target: usize,
    /// Sections below this join a neighbour under the same parent; records below it share a chunk.
    pub tokens_small: usize,
    /// What the caller has left free of the embedder's limit for a heading path. A longer path shortens its chunks.
    pub path_tokens_free: usize,
}

impl Default for ChunkConfig {
    fn default() -> Self {
        Self { tokens_max: 220, tokens_target: 180, tokens_small: 40, path_tokens_free: 16 }
    }
}

/// The chunks of a text, in its order; none for an empty text.
#[must_use]
pub fn chunk(parsed: &Parsed, config: &ChunkConfig, count_tokens: &dyn Fn(&str) -> usize) -> Vec<ChunkSpan> {
    let config = sane(config);
    let count_tokens: &dyn Fn(&str) -> usize = &|text| count_bounded(text, config.tokens_max, count_tokens);
    let mut spans = Spans { parsed, chunks: Vec::new(), next_page: 0, chars: 0 };
    for section in sections(parsed, &config, count_tokens) {
        let room = room(&section, &config, count_tokens);
        for part in pack(&section, &parsed.text, &room, count_tokens) {
            spans.push(&section, part);
        }
    }
    spans.chunks
}

/// Tokens of `text`, but no fewer than its bytes suggest: a tokenizer may take a word of a megabyte for one unknown
/// token. A text that is too long in any case is not counted.
fn count_bounded(text: &str, tokens_max: usize, count_tokens: &dyn Fn(&str) -> usize) -> usize {
    /// Longer than the tokens of any ordinary text are on average.
    const TOKEN_BYTES: usize = 16;
    let least = text.len() / TOKEN_BYTES;
    if least > tokens_max { least } else { count_tokens(text).max(least) }
}

/// The configuration with sizes that are in order and not zero.
fn sane(config: &ChunkConfig) -> ChunkConfig {
    let tokens_max = config.tokens_max.max(8);
    let tokens_target = config.tokens_target.clamp(4, tokens_max);
    let tokens_small = config.tokens_small.min(tokens_target);
    ChunkConfig { tokens_max, tokens_target, tokens_small, ..config.clone() }
}

/// The sizes for a section, whose place takes tokens from the embedder's limit too; at least half is left.
fn room(section: &Section, config: &ChunkConfig, count_tokens: &dyn Fn(&str) -> usize) -> ChunkConfig {
    let path = section.path.iter().map(|heading| count_tokens(heading) + 1).sum::<usize>();
    let taken = path.saturating_sub(config.path_tokens_free);
    let tokens_max = config.tokens_max.saturating_sub(taken).max(config.tokens_max / 2);
    sane(&ChunkConfig { tokens_max, ..config.clone() })
}

/// Turns parts into spans, keeping count of pages and characters.
struct Spans<'a> {
    parsed: &'a Parsed,
    chunks: Vec<ChunkSpan>,
    next_page: usize,
    chars: usize,
}

impl Spans<'_> {
    fn push(&mut self, section: &Section, part: Part) {
        let mut heading_path = section.path.clone();
        heading_path.extend(part.columns);
        let pages = self.pages(part.start, part.end);
        let start_char = self.chars;
        self.chars += self.parsed.text[part.start..part.end].chars().count();
        self.chunks.push(ChunkSpan {
            start: part.start,
            end: part.end,
            start_char,
            pages,
            heading_path,
            kind: part.kind,
            tokens: u32::try_from(part.tokens).unwrap_or(u32::MAX),
        });
    }

    /// The page that is open at `start` and those that begin in the chunk.
    fn pages(&mut self, start: usize, end: usize) -> Vec<(u32, usize)> {
        let pages = &self.parsed.pages;
        while pages.get(self.next_page).is_some_and(|page| page.start <= start) {
            self.next_page += 1;
        }
        let open = self.next_page.checked_sub(1).and_then(|open| pages.get(open));
        let mut touched: Vec<(u32, usize)> = open.map(|page| (page.number, 0)).into_iter().collect();
        for page in pages[self.next_page..].iter().take_while(|page| page.start < end) {
            touched.push((page.number, page.start - start));
        }
        if let (None, Some(first)) = (open, touched.first_mut()) {
            first.1 = 0;
        }
        touched
    }
}

/// The form of most of the bytes.
fn main_kind(bytes: &[(ChunkKind, usize)]) -> ChunkKind {
    let sum = |kind: ChunkKind| bytes.iter().filter(|(k, _)| *k == kind).map(|(_, n)| n).sum::<usize>();
    let kinds = [ChunkKind::Text, ChunkKind::Table, ChunkKind::Code, ChunkKind::Record];
    kinds.into_iter().rev().max_by_key(|kind| sum(*kind)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
