//! The titles of a document's outline (bookmarks, ISO 32000-1, 12.3.3), to know its headings by.
//!
//! Keeps true: at most `ITEMS_MAX` items are read, nested at most `NESTING_MAX` deep; loops end.

use std::collections::HashMap;

use hayro_font::hayro_syntax::object::dict::keys::{FIRST, NEXT, OUTLINES, TITLE};
use hayro_font::hayro_syntax::object::{self, Dict};

use super::text_string;

const ITEMS_MAX: usize = 10_000;
const NESTING_MAX: u8 = 6;

#[derive(Debug, Default)]
pub struct Outline {
    levels: HashMap<String, u8>,
}

impl Outline {
    pub fn new(catalog: &Dict<'_>) -> Self {
        let mut outline = Self::default();
        let mut items = ITEMS_MAX;
        if let Some(root) = catalog.get::<Dict<'_>>(OUTLINES) {
            outline.read(root.get::<Dict<'_>>(FIRST), 1, &mut items);
        }
        outline
    }

    /// The level of the item with this title, from 1.
    pub fn level(&self, title: &str) -> Option<u8> {
        if self.levels.is_empty() {
            return None;
        }
        self.levels.get(&letters(title)).copied()
    }

    fn read(&mut self, first: Option<Dict<'_>>, level: u8, items: &mut usize) {
        let mut next = first;
        while let Some(item) = next {
            if *items == 0 {
                return;
            }
            *items -= 1;
            if let Some(title) = item.get::<object::String<'_>>(TITLE) {
                self.add(&text_string::decode(title.as_bytes()), level);
            }
            if level < NESTING_MAX {
                self.read(item.get::<Dict<'_>>(FIRST), level + 1, items);
            }
            next = item.get::<Dict<'_>>(NEXT);
        }
    }

    fn add(&mut self, title: &str, level: u8) {
        let key = letters(title);
        if !key.is_empty() {
            self.levels.entry(key).or_insert(level);
        }
    }
}

/// Letters in lower case without the section's number, which outlines and pages give or not.
fn letters(title: &str) -> String {
    let bare = title.trim_start_matches(|c: char| {
        c.is_ascii_digit() || c.is_whitespace() || matches!(c, '.' | ')' | '-')
    });
    bare.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_sections_do_not_matter() {
        let mut outline = Outline::default();
        outline.add("2.1 Late fees", 2);
        assert_eq!(outline.level("Late Fees"), Some(2));
        assert_eq!(outline.level("2.1. Late fees"), Some(2));
        assert_eq!(outline.level("Fees"), None);
    }
}
