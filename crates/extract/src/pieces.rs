//! A text in pieces that are read one at a time: its sentences, the overlong ones cut.
//!
//! Keeps true: pieces tile the text, lie on character boundaries and are at most [`PIECE_BYTES_MAX`] long, which
//! bounds the memory that reading takes.

use std::ops::Range;

use ibid_types::sentences::sentences;

/// Far longer than any sentence of prose.
pub(crate) const PIECE_BYTES_MAX: usize = 2048;

pub(crate) fn pieces(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for sentence in sentences(text) {
        let mut start = sentence.start;
        while sentence.end - start > PIECE_BYTES_MAX {
            let end = cut(text, start);
            found.push(start..end);
            start = end;
        }
        found.push(start..sentence.end);
    }
    found
}

/// Behind the last space that fits, else at the last character that does.
fn cut(text: &str, start: usize) -> usize {
    let mut end = start + PIECE_BYTES_MAX;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let space = text[start..end].rfind(char::is_whitespace).filter(|offset| *offset > PIECE_BYTES_MAX / 2);
    let mut end = space.map_or(end, |offset| start + offset + 1);
    while !text.is_char_boundary(end) {
        end += 1;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_tile_the_text() {
        for text in ["", "One. Two.", &"word ".repeat(3000), &"é".repeat(5000), &"a\u{2003}".repeat(4000)] {
            let found = pieces(text);
            let joined: String = found.iter().map(|piece| &text[piece.clone()]).collect();
            assert!(joined == text && found.iter().all(|piece| piece.len() <= PIECE_BYTES_MAX + 4));
        }
    }
}
