//! All names of a repository, and looking into one module or type for one of them. `ways` says where to look for a reference.
//!
//! Keeps true: exports that go in circles and types that inherit from themselves end.

mod ways;

use std::collections::{HashMap, HashSet};

use super::modules::{Modules, Place, folder, nearness};
use super::package::Package;
use super::{SymbolAt, Target};
use crate::language::Family;
use crate::{FileSymbols, Reference, ReferenceKind, Symbol, SymbolKind};

/// Confidence by the way that a name was found. They order the ways; of 41 links of the lowest that were looked at in this
/// program's own sources, none was seen to be wrong.
const BY_TYPE: f32 = 0.95;
const BY_FILE: f32 = 0.95;
const BY_IMPORT: f32 = 0.95;
const BY_PARENT: f32 = 0.85;
const BY_PACKAGE: f32 = 0.9;
const BY_WILDCARD: f32 = 0.85;
const BY_LINKING: f32 = 0.8;
const BY_MENTION: f32 = 0.7;
/// Exports that pass names on, and types that inherit, are followed so far.
const HOPS_MAX: usize = 5;

/// How a search ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    There(Target, f32),
    Outside,
    Nothing,
}

impl Found {
    fn symbol(symbol: Option<SymbolAt>, confidence: f32) -> Self {
        symbol.map_or(Self::Nothing, |symbol| Self::There(Target::Symbol(symbol), confidence))
    }

    /// The first of the ways that leads anywhere.
    fn or_else(self, other: impl FnOnce() -> Self) -> Self {
        if self == Self::Nothing { other() } else { self }
    }
}

/// A name that an import brings into a file.
#[derive(Debug)]
struct Bound<'a> {
    place: Place,
    /// None for the module itself.
    name: Option<&'a str>,
}

#[derive(Debug)]
pub struct Names<'a> {
    files: Vec<(&'a str, &'a FileSymbols)>,
    families: Vec<Option<Family>>,
    modules: Modules<'a>,
    by_name: HashMap<&'a str, Vec<SymbolAt>>,
    by_folder: HashMap<&'a str, Vec<u32>>,
    /// What each file imports by name, and all of.
    bound: Vec<HashMap<&'a str, Bound<'a>>>,
    wildcards: Vec<Vec<Place>>,
    /// The types that a type inherits from or implements, by name.
    parents: HashMap<&'a str, Vec<&'a str>>,
    /// Names that are called on types of other libraries, so that the name alone says nothing.
    foreign: HashSet<&'a str>,
    /// The names that each file speaks of.
    mentioned: Vec<HashSet<&'a str>>,
}

impl<'a> Names<'a> {
    pub fn new(files: Vec<(&'a str, &'a FileSymbols)>, packages: &'a [Package]) -> Self {
        let modules = Modules::new(files.iter().map(|(path, _)| *path).collect(), packages);
        let mut names = Self {
            families: files.iter().map(|(_, symbols)| symbols.language.map(|l| l.family())).collect(),
            files,
            modules,
            by_name: HashMap::new(),
            by_folder: HashMap::new(),
            bound: Vec::new(),
            wildcards: Vec::new(),
            parents: HashMap::new(),
            foreign: HashSet::new(),
            mentioned: Vec::new(),
        };
        for file in 0..names.count() {
            names.index(file);
        }
        names.foreign = names.find_foreign();
        names
    }

    fn find_foreign(&self) -> HashSet<&'a str> {
        let mut foreign = HashSet::new();
        for file in 0..self.count() {
            for reference in &self.symbols(file).references {
                let is_of_type = reference.kind == ReferenceKind::Call && reference.subject.is_some();
                if is_of_type
                    && !foreign.contains(reference.name.as_str())
                    && self.find(file, reference) == Found::Outside
                {
                    foreign.insert(reference.name.as_str());
                }
            }
        }
        foreign
    }

    fn index(&mut self, file: u32) {
        let (path, found) = self.files[file as usize];
        self.by_folder.entry(folder(path)).or_default().push(file);
        for (symbol, entry) in found.symbols.iter().enumerate() {
            self.by_name.entry(&entry.name).or_default().push(SymbolAt { file, symbol: symbol as u32 });
        }
        let (mut bound, mut wildcards) = (HashMap::new(), Vec::new());
        let mut mentioned: HashSet<&str> = found.symbols.iter().map(|symbol| symbol.name.as_str()).collect();
        for reference in &found.references {
            mentioned.insert(&reference.name);
            match reference.kind {
                ReferenceKind::Import => self.bind(file, reference, &mut bound, &mut wildcards),
                ReferenceKind::Implements | ReferenceKind::Inherits => {
                    let subject = reference.subject.as_deref();
                    if let Some(subject) = subject {
                        self.parents.entry(subject).or_default().push(&reference.name);
                    }
                }
                _ => {}
            }
        }
        self.bound.push(bound);
        self.wildcards.push(wildcards);
        self.mentioned.push(mentioned);
    }

    fn bind(
        &self,
        file: u32,
        import: &'a Reference,
        bound: &mut HashMap<&'a str, Bound<'a>>,
        wildcards: &mut Vec<Place>,
    ) {
        let Some(place) = self.place_of(file, import) else { return };
        match (import.name.as_str(), import.alias.as_deref()) {
            ("", _) => {}
            ("*", None) => wildcards.push(place),
            ("*", Some(alias)) => drop(bound.insert(alias, Bound { place, name: None })),
            (name, alias) => drop(bound.insert(alias.unwrap_or(name), Bound { place, name: Some(name) })),
        }
    }

    fn place_of(&self, file: u32, import: &Reference) -> Option<Place> {
        self.modules.locate(file, import.qualifier.as_deref()?, &self.inline_modules(file, import.from))
    }

    pub fn count(&self) -> u32 {
        self.files.len() as u32
    }

    pub fn path(&self, file: u32) -> &'a str {
        self.files[file as usize].0
    }

    pub fn symbols(&self, file: u32) -> &'a FileSymbols {
        self.files[file as usize].1
    }

    fn symbol(&self, at: SymbolAt) -> &'a Symbol {
        &self.files[at.file as usize].1.symbols[at.symbol as usize]
    }

    /// Whether a symbol of the repository has the name, in the file's family of languages.
    pub fn knows(&self, file: u32, name: &str) -> bool {
        self.all_named(file, name).next().is_some()
    }

    fn all_named(&self, file: u32, name: &str) -> impl Iterator<Item = SymbolAt> {
        let family = self.families[file as usize];
        self.by_name
            .get(name)
            .into_iter()
            .flatten()
            .copied()
            .filter(move |at| self.families[at.file as usize] == family)
    }

    /// The names of the inline modules around a symbol, outermost first.
    fn inline_modules(&self, file: u32, from: Option<u32>) -> Vec<&'a str> {
        let symbols = &self.symbols(file).symbols;
        let mut around = Vec::new();
        let mut next = from;
        while let Some(symbol) = next.and_then(|index| symbols.get(index as usize)) {
            if symbol.kind == SymbolKind::Module {
                around.push(symbol.name.as_str());
            }
            next = symbol.parent;
        }
        around.reverse();
        around
    }
}

/// Looking into modules and types.
impl Names<'_> {
    /// A member of a type, or of what it inherits from.
    fn member(&self, of: SymbolAt, name: &str) -> Found {
        let type_name = self.symbol(of).name.as_str();
        let mut seen = HashSet::from([type_name]);
        let mut level = vec![type_name];
        for hop in 0..HOPS_MAX {
            for container in &level {
                let found = self.member_in(of.file, container, name);
                if found.is_some() {
                    return Found::symbol(found, if hop == 0 { BY_TYPE } else { BY_PARENT });
                }
            }
            let parents = level.iter().filter_map(|container| self.parents.get(container)).flatten();
            level = parents.copied().filter(|parent| seen.insert(parent)).collect();
        }
        Found::Nothing
    }

    fn member_in(&self, near: u32, container: &str, name: &str) -> Option<SymbolAt> {
        let members =
            self.all_named(near, name).filter(|at| self.symbol(*at).container.as_deref() == Some(container));
        self.nearest(near, members)
    }

    /// A name in a module: its own, or one that it passes on.
    fn in_place(&self, place: &Place, name: &str, hops: usize) -> Found {
        match place {
            Place::Outside => Found::Outside,
            Place::Folder(path) => {
                let files = self.by_folder.get(path.as_str()).into_iter().flatten();
                let found = files.map(|file| self.own(*file, "", name)).find(Option::is_some).flatten();
                Found::symbol(found, BY_IMPORT)
            }
            Place::File { file, rest } => Found::symbol(self.own(*file, rest, name), BY_IMPORT)
                .or_else(|| self.passed_on(*file, rest, name, hops)),
        }
    }

    /// A symbol of the file itself, under the inner modules or types of `rest`.
    fn own(&self, file: u32, rest: &str, name: &str) -> Option<SymbolAt> {
        let named = self.by_name.get(name)?.iter().copied().filter(|at| at.file == file);
        let wanted = rest.replace("::", ".");
        let mut fitting = named.filter(|at| {
            let qualified = self.symbol(*at).qualified.replace("::", ".");
            let around = qualified.strip_suffix(name).unwrap_or_default().trim_end_matches('.');
            around == wanted
        });
        fitting.next()
    }

    /// What the file imports, others may import from it.
    fn passed_on(&self, file: u32, rest: &str, name: &str, hops: usize) -> Found {
        let Some(hops) = hops.checked_sub(1) else { return Found::Nothing };
        // What is asked of a type that is passed on.
        if let Some((first, "")) = rest.split_once("::").or((!rest.is_empty()).then_some((rest, ""))) {
            return match self.in_place(&Place::File { file, rest: String::new() }, first, hops) {
                Found::There(Target::Symbol(of), _) => self.member(of, name),
                other => {
                    if other == Found::Outside {
                        Found::Outside
                    } else {
                        Found::Nothing
                    }
                }
            };
        }
        if !rest.is_empty() {
            return Found::Nothing;
        }
        if let Some(bound) = self.bound[file as usize].get(name) {
            return bound.name.map_or(Found::Nothing, |inner| self.in_place(&bound.place, inner, hops));
        }
        let places = self.wildcards[file as usize].iter().filter(|place| **place != Place::Outside);
        let mut found = places.map(|place| self.in_place(place, name, hops));
        found.find(|found| *found != Found::Nothing).unwrap_or(Found::Nothing)
    }

    /// The one that is meant among those of one name: in this file, defined rather than declared, near.
    fn nearest(&self, file: u32, found: impl Iterator<Item = SymbolAt>) -> Option<SymbolAt> {
        let path = self.path(file);
        let rank = |at: &SymbolAt| {
            let is_defined = !self.symbol(*at).signature.ends_with(';');
            (at.file == file, is_defined, nearness(self.path(at.file), path), std::cmp::Reverse(*at))
        };
        found.max_by_key(rank)
    }
}
