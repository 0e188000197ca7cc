//! Parts of a block that are too small to be cut without need: sentences, rows, lines, words.
//!
//! Keeps true: the atoms of a block tile it, and none has more than `tokens_max` tokens unless it is one character.

use std::ops::Range;

use ibid_types::sentences::sentences;

use super::section::{Tile, TileKind};

/// A stretch of text that stays together.
#[derive(Debug, Clone)]
pub struct Atom {
    pub start: usize,
    pub end: usize,
    pub tokens: usize,
    pub kind: TileKind,
    /// The first atom of its block: the better place to cut.
    pub opens_block: bool,
    /// The block's number within its section.
    pub block: usize,
}

/// The block as one atom if it fits, else in parts.
pub fn atoms(
    tile: &Tile,
    block: usize,
    text: &str,
    tokens_max: usize,
    count_tokens: &dyn Fn(&str) -> usize,
) -> Vec<Atom> {
    let atom = |range: Range<usize>, tokens, opens_block| Atom {
        start: range.start,
        end: range.end,
        tokens,
        kind: tile.kind,
        opens_block,
        block,
    };
    let is_rows = tile.kind == TileKind::Table;
    if tile.tokens <= tokens_max && !is_rows {
        return vec![atom(tile.start..tile.end, tile.tokens, true)];
    }
    let mut found = Vec::new();
    for range in parts(&text[tile.start..tile.end], tile.kind) {
        let range = tile.start + range.start..tile.start + range.end;
        let tokens = count_tokens(&text[range.clone()]);
        split(text, range, tokens, tile.kind, tokens_max, count_tokens, &mut |range, tokens| {
            let opens_block = found.is_empty();
            found.push(atom(range, tokens, opens_block));
        });
    }
    found
}

fn parts(text: &str, kind: TileKind) -> Vec<Range<usize>> {
    match kind {
        TileKind::Table | TileKind::Record => lines(text),
        TileKind::Code => paragraphs(text),
        TileKind::Heading | TileKind::Prose => sentences(text),
    }
}

/// Lines with their ends.
fn lines(text: &str) -> Vec<Range<usize>> {
    let mut at = 0;
    let mut found = Vec::new();
    for line in text.split_inclusive('\n') {
        found.push(at..at + line.len());
        at += line.len();
    }
    found
}

/// Runs of lines, each with the blank lines behind it.
fn paragraphs(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut was_blank = true;
    for line in lines(text) {
        let is_blank = text[line.clone()].trim().is_empty();
        match found.last_mut() {
            Some(open) if is_blank || !was_blank => open.end = line.end,
            _ => found.push(line),
        }
        was_blank = is_blank;
    }
    found
}

/// Hands on the range, or if it is too long its lines (in code), or else pieces between words.
fn split(
    text: &str,
    range: Range<usize>,
    tokens: usize,
    kind: TileKind,
    tokens_max: usize,
    count_tokens: &dyn Fn(&str) -> usize,
    take: &mut dyn FnMut(Range<usize>, usize),
) {
    let piece = &text[range.clone()];
    if tokens <= tokens_max || piece.chars().nth(1).is_none() {
        return take(range, tokens);
    }
    let by_lines = kind == TileKind::Code && piece.trim_end().contains('\n');
    let ranges = if by_lines { lines(piece) } else { slices(piece, tokens.div_ceil(tokens_max / 2 + 1)) };
    for part in ranges {
        let part = range.start + part.start..range.start + part.end;
        let tokens = count_tokens(&text[part.clone()]);
        split(text, part, tokens, kind, tokens_max, count_tokens, take);
    }
}

/// About `count` (at least two) pieces of equal length, cut behind white space where there is some nearby.
fn slices(text: &str, count: usize) -> Vec<Range<usize>> {
    let step = (text.len() / count.max(2)).max(1);
    let mut found = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let end = cut_near(text, start, start + step);
        found.push(start..end);
        start = end;
    }
    found
}

/// A place at or before `wish`, behind white space in its last half, else at a character; always after `start`.
fn cut_near(text: &str, start: usize, wish: usize) -> usize {
    if wish >= text.len() {
        return text.len();
    }
    let wish = text.ceil_char_boundary(wish.max(start + 1));
    let from = text.ceil_char_boundary(start + (wish - start) / 2);
    let tail = &text[from..wish];
    let space = tail.char_indices().rev().find(|(_, c)| c.is_whitespace());
    space.map_or(wish, |(at, c)| from + at + c.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_cut_between_paragraphs() {
        let text = "a\nb\n\n\nc\n";
        let found: Vec<&str> = paragraphs(text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, ["a\nb\n\n\n", "c\n"]);
    }

    #[test]
    fn slices_end_behind_words() {
        let text = "alpha beta gamma delta";
        let found: Vec<&str> = slices(text, 2).into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, ["alpha beta ", "gamma delta"]);
        assert_eq!(slices("日本", 9).len(), 2);
    }
}
