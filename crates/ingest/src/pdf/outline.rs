//! The titles of a document's outline (bookmarks, ISO 32000-1, 12.3.3), to know its headings by.
//!
//! Keeps true: at most `ITEMS_MAX` items are read, nested at most `NESTING_MAX` deep; loops end.

use std::collections::HashMap;

use hayro_font::hayro_syntax::object::dict::keys::{FIRST, NEXT, OUTLINES, TITLE};
use hayro_font::hayro_syntax::object::{self, Dict};

use super::destination::Destinations;
use super::text_string;

const ITEMS_MAX: usize = 10_000;
const NESTING_MAX: u8 = 6;

#[derive(Debug, Default)]
pub struct Outline {
    /// Levels and pages of the items with one title.
    items: HashMap<String, Vec<(u8, Option<usize>)>>,
}

impl Outline {
    pub fn new(catalog: &Dict<'_>, destinations: &Destinations) -> Self {
        let mut outline = Self::default();
        let mut items = ITEMS_MAX;
        if let Some(root) = catalog.get::<Dict<'_>>(OUTLINES) {
            outline.read(root.get::<Dict<'_>>(FIRST), 1, destinations, &mut items);
        }
        outline
    }

    /// The level, from 1, of the item with this title that leads to the page with this index, or to no known page.
    pub fn level(&self, title: &str, page: usize) -> Option<u8> {
        if self.items.is_empty() {
            return None;
        }
        let items = self.items.get(&letters(title))?;
        items.iter().find(|(_, target)| target.is_none_or(|target| target == page)).map(|(level, _)| *level)
    }

    fn read(&mut self, first: Option<Dict<'_>>, level: u8, destinations: &Destinations, items: &mut usize) {
        let mut next = first;
        while let Some(item) = next {
            if *items == 0 {
                return;
            }
            *items -= 1;
            if let Some(title) = item.get::<object::String<'_>>(TITLE) {
                self.add(&text_string::decode(title.as_bytes()), level, destinations.page(&item));
            }
            if level < NESTING_MAX {
                self.read(item.get::<Dict<'_>>(FIRST), level + 1, destinations, items);
            }
            next = item.get::<Dict<'_>>(NEXT);
        }
    }

    fn add(&mut self, title: &str, level: u8, page: Option<usize>) {
        let key = letters(title);
        if !key.is_empty() {
            self.items.entry(key).or_default().push((level, page));
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
        outline.add("2.1 Late fees", 2, None);
        assert_eq!(outline.level("Late Fees", 0), Some(2));
        assert_eq!(outline.level("2.1. Late fees", 0), Some(2));
        assert_eq!(outline.level("Fees", 0), None);
    }

    #[test]
    fn a_title_counts_on_its_page_only() {
        let mut outline = Outline::default();
        outline.add("Warning", 2, Some(7));
        assert_eq!((outline.level("Warning", 7), outline.level("Warning", 8)), (Some(2), None));
    }
}
