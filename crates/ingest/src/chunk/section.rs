//! A text as sections: a heading and what follows it, up to the next heading.
//!
//! Keeps true: the sections tile the text, and so do the blocks of each.

use ibid_types::document::ChunkKind;
use ibid_types::parsed::{Block, BlockKind, Parsed};

use super::ChunkConfig;

/// A stretch of the text with the headings above it, its own included.
#[derive(Debug, Clone)]
pub struct Section {
    pub path: Vec<String>,
    pub blocks: Vec<Tile>,
    /// Nothing but headings so far.
    pub is_bare: bool,
}

/// A block with the gap behind it.
#[derive(Debug, Clone, Copy)]
pub struct Tile {
    pub start: usize,
    pub end: usize,
    pub kind: TileKind,
    pub tokens: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TileKind {
    Heading,
    Prose,
    Table,
    Code,
    Record,
}

impl TileKind {
    pub const fn chunk_kind(self) -> ChunkKind {
        match self {
            Self::Heading | Self::Prose => ChunkKind::Text,
            Self::Table => ChunkKind::Table,
            Self::Code => ChunkKind::Code,
            Self::Record => ChunkKind::Record,
        }
    }
}

impl Section {
    pub fn tokens(&self) -> usize {
        self.blocks.iter().map(|tile| tile.tokens).sum()
    }

    fn join(&mut self, next: Self) {
        self.path = if self.is_bare { next.path } else { shared(&self.path, &next.path) };
        self.is_bare &= next.is_bare;
        self.blocks.extend(next.blocks);
    }
}

/// The sections of a text, small ones joined.
pub fn sections(parsed: &Parsed, config: &ChunkConfig, count_tokens: &dyn Fn(&str) -> usize) -> Vec<Section> {
    let mut joined: Vec<Section> = Vec::new();
    for section in raw_sections(parsed, count_tokens) {
        match joined.last_mut() {
            Some(open) if may_join(open, &section, config) => open.join(section),
            _ => joined.push(section),
        }
    }
    joined
}

/// A heading without text joins what it stands above; else one of the two must be small, both together must not
/// exceed a chunk, and the next must lie under the same parent.
fn may_join(open: &Section, next: &Section, config: &ChunkConfig) -> bool {
    if open.is_bare && next.path.starts_with(&open.path) {
        return true;
    }
    let (tokens, next_tokens) = (open.tokens(), next.tokens());
    let is_small = tokens < config.tokens_small || next_tokens < config.tokens_small;
    is_small
        && tokens + next_tokens <= config.tokens_target
        && parent(&next.path).starts_with(parent(&open.path))
}

fn parent(path: &[String]) -> &[String] {
    path.split_last().map_or(&[], |(_, parent)| parent)
}

fn shared(a: &[String], b: &[String]) -> Vec<String> {
    a.iter().zip(b).take_while(|(a, b)| a == b).map(|(a, _)| a.clone()).collect()
}

fn raw_sections(parsed: &Parsed, count_tokens: &dyn Fn(&str) -> usize) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut headings: Vec<(u8, String)> = Vec::new();
    let mut named_pages =
        parsed.pages.iter().filter(|page| page.label.is_some()).map(|page| page.start).peekable();
    for (mut tile, level) in tiles(parsed) {
        let mut is_new = sections.is_empty();
        while named_pages.next_if(|start| *start <= tile.start).is_some() {
            is_new = true;
        }
        if let Some(level) = level {
            while headings.last().is_some_and(|(above, _)| *above >= level) {
                headings.pop();
            }
            headings.push((level, label(&parsed.text, &tile)));
            is_new = true;
        }
        if is_new {
            let path = headings.iter().map(|(_, heading)| heading.clone()).collect();
            sections.push(Section { path, blocks: Vec::new(), is_bare: true });
        }
        tile.tokens = count_tokens(&parsed.text[tile.start..tile.end]);
        if let Some(section) = sections.last_mut() {
            section.is_bare &= tile.kind == TileKind::Heading;
            section.blocks.push(tile);
        }
    }
    sections
}

/// The blocks, each reaching to the next; text that no block covers is prose. With a heading's level.
fn tiles(parsed: &Parsed) -> Vec<(Tile, Option<u8>)> {
    let mut tiles: Vec<(Tile, Option<u8>)> = Vec::with_capacity(parsed.blocks.len());
    let mut covered = 0;
    for block in parsed.blocks.iter().filter(|block| block.start < block.end) {
        cover(parsed, &mut tiles, covered, block.start);
        let (kind, level) = kind_of(block);
        let start = if tiles.is_empty() { 0 } else { block.start };
        tiles.push((Tile { start, end: block.end, kind, tokens: 0 }, level));
        covered = block.end;
    }
    cover(parsed, &mut tiles, covered, parsed.text.len());
    tiles
}

/// Gives `text[from..to]` to the tile before it if it is white space, else to a tile of its own.
fn cover(parsed: &Parsed, tiles: &mut Vec<(Tile, Option<u8>)>, from: usize, to: usize) {
    let gap = &parsed.text[from..to];
    let is_space = gap.trim().is_empty();
    let lead = gap.len() - gap.trim_start().len();
    match tiles.last_mut() {
        Some((last, _)) if is_space => last.end = to,
        None if is_space && to < parsed.text.len() => {}
        last => {
            let start = last.map_or(from, |(last, _)| {
                last.end += lead;
                last.end
            });
            if start < to {
                tiles.push((Tile { start, end: to, kind: TileKind::Prose, tokens: 0 }, None));
            }
        }
    }
}

fn kind_of(block: &Block) -> (TileKind, Option<u8>) {
    match block.kind {
        BlockKind::Heading { level } => (TileKind::Heading, Some(level)),
        BlockKind::Paragraph | BlockKind::ListItem | BlockKind::Quote => (TileKind::Prose, None),
        BlockKind::Table { .. } => (TileKind::Table, None),
        BlockKind::Code { .. } => (TileKind::Code, None),
        BlockKind::Record => (TileKind::Record, None),
    }
}

/// A heading as it is shown in a path: one line of bounded length, without the marks that some texts
/// write before it. A heading that spans lines is an item of source
/// code with its comment; its last line names it.
fn label(text: &str, tile: &Tile) -> String {
    const LABEL_CHARS_MAX: usize = 100;
    let whole = text[tile.start..tile.end].trim();
    let line = whole.lines().last().unwrap_or(whole).trim();
    let line = line.trim_start_matches(['#', '=']).trim_start();
    if line.chars().count() <= LABEL_CHARS_MAX {
        return line.to_owned();
    }
    let cut: String = line.chars().take(LABEL_CHARS_MAX).collect();
    let words = cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words);
    format!("{words}…")
}
