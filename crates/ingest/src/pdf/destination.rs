//! The pages that the items of an outline lead to (ISO 32000-1, 12.3.2).
//!
//! Keeps true: at most `NAMES_MAX` names are read, from a tree at most `NESTING_MAX` deep.

use std::collections::HashMap;

use hayro_font::hayro_syntax::Pdf;
use hayro_font::hayro_syntax::object::dict::keys::{A, D, DEST, DESTS, KIDS, NAMES};
use hayro_font::hayro_syntax::object::{Array, Dict, Object, ObjectIdentifier};

const NAMES_MAX: usize = 200_000;
const NESTING_MAX: usize = 16;

#[derive(Debug, Default)]
pub struct Destinations {
    pages: HashMap<ObjectIdentifier, usize>,
    names: HashMap<Vec<u8>, usize>,
}

impl Destinations {
    pub fn new(pdf: &Pdf, catalog: &Dict<'_>) -> Self {
        let ids = pdf.pages().iter().enumerate();
        let pages = ids.filter_map(|(index, page)| Some((page.raw().obj_id()?, index))).collect();
        let mut all = Self { pages, names: HashMap::new() };
        if let Some(old) = catalog.get::<Dict<'_>>(DESTS) {
            for name in old.keys().take(NAMES_MAX) {
                let target = old.get::<Object<'_>>(&*name);
                all.name(name.to_vec(), target);
            }
        }
        if let Some(tree) = catalog.get::<Dict<'_>>(NAMES).and_then(|names| names.get::<Dict<'_>>(DESTS)) {
            all.tree(&tree, 0);
        }
        all
    }

    /// The index of the page that an item of the outline leads to.
    pub fn page(&self, item: &Dict<'_>) -> Option<usize> {
        let action = || item.get::<Dict<'_>>(A)?.get::<Object<'_>>(D);
        match item.get::<Object<'_>>(DEST).or_else(action)? {
            Object::Array(place) => self.place(&place),
            Object::String(name) => self.names.get(name.as_bytes()).copied(),
            Object::Name(name) => self.names.get(&*name).copied(),
            _ => None,
        }
    }

    fn tree(&mut self, node: &Dict<'_>, nesting: usize) {
        if nesting >= NESTING_MAX {
            return;
        }
        let mut names = node.get::<Array<'_>>(NAMES).unwrap_or_default().iter::<Object<'_>>();
        while let (Some(Object::String(name)), Some(target)) = (names.next(), names.next()) {
            self.name(name.as_bytes().to_vec(), Some(target));
        }
        for kid in node.get::<Array<'_>>(KIDS).unwrap_or_default().iter::<Dict<'_>>() {
            if self.names.len() >= NAMES_MAX {
                return;
            }
            self.tree(&kid, nesting + 1);
        }
    }

    fn name(&mut self, name: Vec<u8>, target: Option<Object<'_>>) {
        let place = match target {
            Some(Object::Array(place)) => Some(place),
            Some(Object::Dict(dict)) => dict.get::<Array<'_>>(D),
            _ => None,
        };
        if let Some(page) =
            place.and_then(|place| self.place(&place)).filter(|_| self.names.len() < NAMES_MAX)
        {
            self.names.insert(name, page);
        }
    }

    /// `[page /XYZ left top zoom]`; the page by reference.
    fn place(&self, place: &Array<'_>) -> Option<usize> {
        let page = place.raw_iter().next()?.as_obj_ref()?;
        self.pages.get(&page.into()).copied()
    }
}
