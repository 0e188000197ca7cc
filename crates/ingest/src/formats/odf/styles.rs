//! What a text's styles say: which paragraphs are titles, quotes or listings, and which lists are numbered.

use std::collections::HashMap;

use crate::formats::xml::{ROOT, Xml};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Title,
    Quote,
    Code,
    Plain,
}

#[derive(Debug, Default)]
pub struct Styles {
    /// The style that each one is based on.
    parents: HashMap<String, String>,
    /// Whether a list's levels are numbered, from the first.
    lists: HashMap<String, Vec<bool>>,
}

/// Styles that are based on one another, at most; a ring ends here.
const CHAIN_MAX: usize = 16;

impl Styles {
    /// Adds the styles of a part.
    pub fn read(&mut self, xml: &Xml) {
        for node in xml.descendants(ROOT) {
            let Some(name) = xml.attribute(node, "style:name") else { continue };
            match xml.name(node) {
                "style" => {
                    let parent = xml.attribute(node, "style:parent-style-name").unwrap_or_default();
                    self.parents.insert(name.to_owned(), parent.to_owned());
                }
                "list-style" => {
                    let levels = xml.children(node).map(|level| xml.name(level) == "list-level-style-number");
                    self.lists.insert(name.to_owned(), levels.collect());
                }
                _ => {}
            }
        }
    }

    pub fn role(&self, style: &str) -> Role {
        let parent = |name: &&str| self.parents.get(*name).map(String::as_str);
        let mut chain = std::iter::successors(Some(style), parent).take(CHAIN_MAX);
        chain.find_map(role_of).unwrap_or(Role::Plain)
    }

    pub fn is_numbered(&self, list_style: &str, depth: usize) -> bool {
        self.lists.get(list_style).and_then(|levels| levels.get(depth)).copied().unwrap_or(false)
    }
}

fn role_of(name: &str) -> Option<Role> {
    match name {
        "Title" => Some(Role::Title),
        "Quotations" => Some(Role::Quote),
        "Preformatted_20_Text" | "Source_20_Code" => Some(Role::Code),
        _ => None,
    }
}
