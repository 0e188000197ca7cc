//! Packs the atoms of a section into parts of about equal size.

use ibid_types::document::ChunkKind;

use super::atom::{Atom, atoms};
use super::section::{Section, Tile, TileKind};
use super::{ChunkConfig, main_kind};

/// A chunk to be.
#[derive(Debug)]
pub struct Part {
    pub start: usize,
    pub end: usize,
    pub tokens: usize,
    pub kind: ChunkKind,
    /// The header of the table that the part begins inside of.
    pub columns: Option<String>,
}

/// The parts of a section; one if it fits.
pub fn pack(
    section: &Section,
    text: &str,
    config: &ChunkConfig,
    count_tokens: &dyn Fn(&str) -> usize,
) -> Vec<Part> {
    let has_records = section.blocks.iter().any(|tile| tile.kind == TileKind::Record);
    if section.tokens() <= config.tokens_max && !has_records {
        return whole(section).into_iter().collect();
    }
    let tokens_max = max_beside_columns(section, text, config, count_tokens);
    let numbered = section.blocks.iter().enumerate();
    let atoms: Vec<Atom> =
        numbered.flat_map(|(block, tile)| atoms(tile, block, text, tokens_max, count_tokens)).collect();
    let total: usize = atoms.iter().map(|atom| atom.tokens).sum();
    let tokens_target = config.tokens_target.min(tokens_max);
    let mut packer = Packer {
        tokens_max,
        tokens_small: config.tokens_small,
        tokens_target,
        tokens_left: total,
        open: Vec::new(),
        open_tokens: 0,
        done: Vec::new(),
    };
    atoms.into_iter().for_each(|atom| packer.add(atom));
    packer.close();
    let done = packer.done;
    done.iter().map(|atoms| part(atoms, section, text)).collect()
}

fn whole(section: &Section) -> Option<Part> {
    let (first, last) = (section.blocks.first()?, section.blocks.last()?);
    let bytes: Vec<_> =
        section.blocks.iter().map(|tile| (tile.kind.chunk_kind(), tile.end - tile.start)).collect();
    let (start, end, tokens) = (first.start, last.end, section.tokens());
    Some(Part { start, end, tokens, kind: main_kind(&bytes), columns: None })
}

struct Packer {
    tokens_max: usize,
    tokens_small: usize,
    tokens_target: usize,
    /// Of the section, less those of the parts that are done.
    tokens_left: usize,
    open: Vec<Atom>,
    open_tokens: usize,
    done: Vec<Vec<Atom>>,
}

impl Packer {
    fn add(&mut self, atom: Atom) {
        if self.ends_before(&atom) {
            self.close();
        }
        self.open_tokens += atom.tokens;
        self.open.push(atom);
    }

    /// A part ends where the next atom does not fit, or where the aim is nearer without it than with it. Between
    /// blocks it may end a little early, so that paragraphs stay whole. A heading never ends a part.
    fn ends_before(&self, atom: &Atom) -> bool {
        let Some(last) = self.open.last() else { return false };
        let with = self.open_tokens + atom.tokens;
        if with > self.tokens_max {
            return true;
        }
        if last.kind == TileKind::Heading {
            return false;
        }
        if atom.kind == TileKind::Record && atom.opens_block {
            return self.open_tokens >= self.tokens_small;
        }
        let aim = self.aim();
        let early = if atom.opens_block { aim / 10 } else { 0 };
        self.open_tokens + atom.tokens / 2 + early > aim
    }

    /// Tokens of a part if all that are left were equal.
    fn aim(&self) -> usize {
        let parts = self.tokens_left.div_ceil(self.tokens_target).max(1);
        self.tokens_left.div_ceil(parts)
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.done.push(std::mem::take(&mut self.open));
            self.tokens_left = self.tokens_left.saturating_sub(self.open_tokens);
            self.open_tokens = 0;
        }
    }
}

fn part(atoms: &[Atom], section: &Section, text: &str) -> Part {
    let bytes: Vec<_> = atoms.iter().map(|atom| (atom.kind.chunk_kind(), atom.end - atom.start)).collect();
    let inside = atoms.first().filter(|atom| atom.kind == TileKind::Table && !atom.opens_block);
    Part {
        start: atoms.first().map_or(0, |atom| atom.start),
        end: atoms.last().map_or(0, |atom| atom.end),
        tokens: atoms.iter().map(|atom| atom.tokens).sum(),
        kind: main_kind(&bytes),
        columns: inside.and_then(|atom| section.blocks.get(atom.block)).and_then(|tile| columns(tile, text)),
    }
}

/// The header row of a table, as the end of a heading path.
fn columns(tile: &Tile, text: &str) -> Option<String> {
    const COLUMNS_CHARS_MAX: usize = 160;
    let header = text[tile.start..tile.end].lines().next()?.trim();
    let shown: String = header.chars().take(COLUMNS_CHARS_MAX).collect();
    (!shown.is_empty()).then(|| format!("Columns: {shown}"))
}

/// Rows stand under their table's header, which takes room; at least half is left.
fn max_beside_columns(
    section: &Section,
    text: &str,
    config: &ChunkConfig,
    count_tokens: &dyn Fn(&str) -> usize,
) -> usize {
    let tables = section.blocks.iter().filter(|tile| tile.kind == TileKind::Table);
    let headers = tables.filter_map(|tile| columns(tile, text)).map(|header| count_tokens(&header));
    let taken = headers.max().unwrap_or(0);
    config.tokens_max.saturating_sub(taken).max(config.tokens_max / 2)
}
