//! Marked content: what a content stream says about the text inside of it (ISO 32000-1, 14.6 to 14.9).
//!
//! Keeps true: nesting is at most `NESTING_MAX` deep; what is deeper is taken as its parent.

use hayro_font::hayro_syntax::object::{self, Dict};

use super::text_string;

const NESTING_MAX: usize = 512;
/// Replacements are for ligatures, hyphens and clusters; whole sentences would lose their places.
const REPLACEMENT_CHARS_MAX: usize = 16;

#[derive(Debug, Default)]
pub struct Marked {
    open: Vec<Span>,
    beyond: usize,
}

#[derive(Clone, Debug, Default)]
struct Span {
    is_hidden: bool,
    is_artifact: bool,
    heading: u8,
    /// What the letters inside say together; taken by the first of them.
    replacement: Option<Replacement>,
}

#[derive(Clone, Debug)]
enum Replacement {
    Due(String),
    Said,
}

impl Marked {
    pub fn begin(&mut self, tag: &[u8], properties: Option<&Dict<'_>>, is_hidden: bool) {
        if self.open.len() >= NESTING_MAX {
            self.beyond += 1;
            return;
        }
        let around = self.open.last();
        let span = Span {
            is_hidden: is_hidden || around.is_some_and(|span| span.is_hidden),
            is_artifact: tag == b"Artifact" || around.is_some_and(|span| span.is_artifact),
            heading: heading_level(tag).or_else(|| around.map(|span| span.heading)).unwrap_or(0),
            replacement: properties.and_then(replacement_of).map(Replacement::Due),
        };
        self.open.push(span);
    }

    pub fn end(&mut self) {
        if self.beyond > 0 {
            self.beyond -= 1;
        } else {
            self.open.pop();
        }
    }

    pub fn depth(&self) -> usize {
        self.open.len() + self.beyond
    }

    pub fn end_to(&mut self, depth: usize) {
        while self.depth() > depth {
            self.end();
        }
    }

    pub fn is_hidden(&self) -> bool {
        self.open.last().is_some_and(|span| span.is_hidden)
    }

    pub fn is_artifact(&self) -> bool {
        self.open.last().is_some_and(|span| span.is_artifact)
    }

    /// From 1, or 0 where the text is no heading.
    pub fn heading(&self) -> u8 {
        self.open.last().map_or(0, |span| span.heading)
    }

    /// What to say in place of the next letter: `None` to say the letter itself.
    pub fn replace(&mut self) -> Option<String> {
        let replacement = self.open.iter_mut().rev().find_map(|span| span.replacement.as_mut())?;
        match std::mem::replace(replacement, Replacement::Said) {
            Replacement::Due(text) => Some(text),
            Replacement::Said => Some(String::new()),
        }
    }
}

/// `H1` to `H6`; `H` alone and `Title` are of the first level.
fn heading_level(tag: &[u8]) -> Option<u8> {
    match tag {
        b"Title" | b"H" => Some(1),
        [b'H', level @ b'1'..=b'6'] => Some(level - b'0'),
        _ => None,
    }
}

fn replacement_of(properties: &Dict<'_>) -> Option<String> {
    let text = text_string::decode(properties.get::<object::String<'_>>(b"ActualText")?.as_bytes());
    let fits = text.chars().count() <= REPLACEMENT_CHARS_MAX && !text.trim().contains(char::is_whitespace);
    fits.then_some(text)
}
