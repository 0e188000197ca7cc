//! All files' symbols -> what their references mean: a symbol, a file, a folder, something outside, or nothing that is known.
//!
//! Names are looked for as their language does: on the type of the receiver, in the file, among what it imports (through what
//! others export again), in its package; and last, where it is the only one of its name. Each step has its confidence.
//!
//! Keeps true: what is only a guess is not given as a link; it is counted. The same files give the same links, in the same order.

mod modules;
mod names;
mod package;

pub use package::{Package, PackageKind};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{FileSymbols, Reference, ReferenceKind};
use names::{Found, Names};

/// A symbol by its file's place among the resolver's files, and its own in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SymbolAt {
    pub file: u32,
    pub symbol: u32,
}

/// What a reference means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Link {
    pub file: u32,
    pub reference: u32,
    /// The symbol that refers; for `Implements` and `Inherits` the type that does, which may be in another file.
    pub from: Option<SymbolAt>,
    pub to: Target,
    pub confidence: f32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    Symbol(SymbolAt),
    File(u32),
    Folder(String),
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Resolution {
    pub links: Vec<Link>,
    pub counts: Counts,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub references: usize,
    pub resolved: usize,
    /// Of something that the repository imports and does not hold.
    pub outside: usize,
    /// No symbol of the repository has the name: the language's own, or a library's.
    pub unknown: usize,
    /// Symbols of that name are there, and nothing says that one of them is meant.
    pub unresolved: usize,
}

impl Counts {
    /// Of the references that may mean something in the repository, how many are resolved.
    #[must_use]
    pub fn resolved_share(&self) -> f64 {
        let possible = self.resolved + self.unresolved;
        if possible == 0 { 1.0 } else { self.resolved as f64 / possible as f64 }
    }

    fn count(&mut self, found: &Found, is_known: bool) {
        self.references += 1;
        match found {
            Found::There(..) => self.resolved += 1,
            Found::Outside => self.outside += 1,
            Found::Nothing if is_known => self.unresolved += 1,
            Found::Nothing => self.unknown += 1,
        }
    }
}

#[derive(Debug)]
pub struct Resolver<'a> {
    names: Names<'a>,
}

impl<'a> Resolver<'a> {
    /// Files in the order of their paths; `SymbolAt::file` counts them from zero.
    #[must_use]
    pub fn new(files: &'a BTreeMap<String, FileSymbols>, packages: &'a [Package]) -> Self {
        Self::over(files.iter().map(|(path, symbols)| (path.as_str(), symbols)), packages)
    }

    /// The same over files that are kept in another form, in the order of their paths.
    pub fn over(files: impl Iterator<Item = (&'a str, &'a FileSymbols)>, packages: &'a [Package]) -> Self {
        Self { names: Names::new(files.collect(), packages) }
    }

    #[must_use]
    pub fn path(&self, file: u32) -> &'a str {
        self.names.path(file)
    }

    #[must_use]
    pub fn symbols(&self, file: u32) -> &'a FileSymbols {
        self.names.symbols(file)
    }

    /// Everything.
    #[must_use]
    pub fn resolve(&self) -> Resolution {
        let mut resolution = Resolution::default();
        for file in 0..self.names.count() {
            self.resolve_file(file, &mut resolution);
        }
        resolution
    }

    /// The references of one file.
    pub fn resolve_file(&self, file: u32, into: &mut Resolution) {
        for (index, reference) in self.symbols(file).references.iter().enumerate() {
            let found = self.names.find(file, reference);
            into.counts.count(&found, self.names.knows(file, &reference.name));
            if let Found::There(to, confidence) = found {
                let from = self.from(file, reference);
                into.links.push(Link { file, reference: index as u32, from, to, confidence });
            }
        }
    }

    /// Files whose references may mean something else once symbols of these names came or went.
    #[must_use]
    pub fn files_naming(&self, names: &std::collections::BTreeSet<&str>) -> Vec<u32> {
        let names_one = |file: &u32| {
            let references = &self.symbols(*file).references;
            references.iter().any(|reference| {
                names.contains(reference.name.as_str())
                    || matches!(reference.name.as_str(), "*" | "" | "default")
            })
        };
        (0..self.names.count()).filter(names_one).collect()
    }

    fn from(&self, file: u32, reference: &Reference) -> Option<SymbolAt> {
        let is_of_type = matches!(reference.kind, ReferenceKind::Implements | ReferenceKind::Inherits);
        let subject = reference.subject.as_deref().filter(|_| is_of_type);
        let of_type = subject.and_then(|name| self.names.type_named(file, name, reference.from));
        of_type.or(reference.from.map(|symbol| SymbolAt { file, symbol }))
    }
}

#[cfg(test)]
mod tests;
