//! The search for one name, step by step, nearest first.

use std::collections::{HashMap, HashSet};

use super::modules::{Modules, Place, folder, nearness};
use super::package::Package;
use super::{SymbolAt, Target};
use crate::language::Family;
use crate::{FileSymbols, Reference, ReferenceKind, Symbol, SymbolKind};

/// Confidence by the way that a name was found. They order the ways; measured on this program's own sources, nine in ten of
/// the lowest are right.
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
            mentioned: Vec::new(),
        };
        for file in 0..names.count() {
            names.index(file);
        }
        names
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
                    subject.map(|subject| self.parents.entry(subject).or_default().push(&reference.name));
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

/// The ways.
impl<'a> Names<'a> {
    pub fn find(&self, file: u32, reference: &Reference) -> Found {
        match (reference.kind, reference.subject.as_deref(), reference.qualifier.as_deref()) {
            (ReferenceKind::Import, ..) => self.find_import(file, reference),
            (ReferenceKind::Call, Some(subject), _) => self.find_member(file, subject, reference),
            (_, _, Some(qualifier)) => self.find_qualified(file, qualifier, reference),
            (..) => self.find_plain(file, reference),
        }
    }

    fn find_import(&self, file: u32, import: &Reference) -> Found {
        let Some(place) = self.place_of(file, import) else { return Found::Nothing };
        let (Place::File { .. } | Place::Folder(_)) = &place else { return Found::Outside };
        if !matches!(import.name.as_str(), "*" | "") {
            let inner =
                self.in_place(&place, &import.name, HOPS_MAX).or_else(|| self.submodule(file, import));
            if inner != Found::Nothing {
                return inner;
            }
        }
        match place {
            Place::File { file: to, .. } if to != file => Found::There(Target::File(to), BY_IMPORT),
            Place::Folder(folder) => Found::There(Target::Folder(folder), BY_IMPORT),
            _ => Found::Nothing,
        }
    }

    /// `use crate::a::b`, `from a import b`, where b is a module.
    fn submodule(&self, file: u32, import: &Reference) -> Found {
        let module = import.qualifier.as_deref().unwrap_or_default();
        let separator = match self.families[file as usize] {
            Some(Family::Rust) => "::",
            Some(Family::Python) if module.ends_with('.') => "",
            Some(Family::Python | Family::Java) => ".",
            _ => return Found::Nothing,
        };
        let whole = format!("{module}{separator}{}", import.name);
        match self.modules.locate(file, &whole, &self.inline_modules(file, import.from)) {
            Some(Place::File { file: to, rest }) if rest.is_empty() && to != file => {
                Found::There(Target::File(to), BY_IMPORT)
            }
            _ => Found::Nothing,
        }
    }

    /// A call on a receiver whose type is known.
    fn find_member(&self, file: u32, subject: &str, reference: &Reference) -> Found {
        let of = self.type_found(file, subject, reference.from);
        match of {
            Found::There(Target::Symbol(of), _) => self.member(of, &reference.name),
            other => {
                if other == Found::Outside {
                    Found::Outside
                } else {
                    self.member_by_name(file, subject, &reference.name)
                }
            }
        }
    }

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

    /// A type that is defined in no file that is known may still have methods here.
    fn member_by_name(&self, file: u32, type_name: &str, name: &str) -> Found {
        Found::symbol(self.member_in(file, type_name, name), BY_MENTION)
    }

    fn member_in(&self, near: u32, container: &str, name: &str) -> Option<SymbolAt> {
        let members =
            self.all_named(near, name).filter(|at| self.symbol(*at).container.as_deref() == Some(container));
        self.nearest(near, members)
    }

    /// `path::name`, `module.name`, `Type::name`, or a receiver of unknown type.
    fn find_qualified(&self, file: u32, qualifier: &str, reference: &Reference) -> Found {
        let name = reference.name.as_str();
        self.by_binding(file, qualifier, name)
            .or_else(|| self.by_type(file, qualifier, reference))
            .or_else(|| self.by_path(file, qualifier, reference))
            .or_else(|| self.by_mention(file, reference))
    }

    /// The qualifier is an import's name, or begins with one.
    fn by_binding(&self, file: u32, qualifier: &str, name: &str) -> Found {
        let bound = &self.bound[file as usize];
        if let Some(bound) = bound.get(qualifier) {
            return self.in_bound(bound, name);
        }
        let Some((first, rest)) = qualifier.split_once("::").or_else(|| qualifier.split_once('.')) else {
            return Found::Nothing;
        };
        match bound.get(first).map(|bound| (&bound.place, bound)) {
            Some((Place::Outside, _)) => Found::Outside,
            Some((Place::File { file: at, .. }, bound)) => {
                let inner = bound.name.map_or(rest.to_owned(), |module| format!("self::{module}::{rest}"));
                match self.modules.locate(*at, &inner, &[]) {
                    Some(place) => self.in_place(&place, name, HOPS_MAX),
                    None => Found::Nothing,
                }
            }
            _ => Found::Nothing,
        }
    }

    fn in_bound(&self, bound: &Bound<'_>, name: &str) -> Found {
        let Some(inner) = bound.name else { return self.in_place(&bound.place, name, HOPS_MAX) };
        // The bound name is a type, whose member is meant, or a module, whose symbol is.
        match self.in_place(&bound.place, inner, HOPS_MAX) {
            Found::There(Target::Symbol(of), _) if self.symbol(of).kind != SymbolKind::Module => {
                self.member(of, name)
            }
            Found::There(Target::File(file), _) => {
                self.in_place(&Place::File { file, rest: String::new() }, name, HOPS_MAX)
            }
            Found::Outside => Found::Outside,
            _ => self.in_inner_module(&bound.place, inner, name),
        }
    }

    fn in_inner_module(&self, place: &Place, module: &str, name: &str) -> Found {
        let Place::File { file, rest } = place else { return Found::Nothing };
        let inner = match self.families[*file as usize] {
            Some(Family::Rust) if rest.is_empty() => format!("self::{module}"),
            Some(Family::Python) => format!(".{module}"),
            _ => return Found::Nothing,
        };
        match self.modules.locate(*file, &inner, &[]) {
            Some(Place::File { file: to, rest }) if to != *file || !rest.is_empty() => {
                self.in_place(&Place::File { file: to, rest }, name, HOPS_MAX)
            }
            _ => Found::Nothing,
        }
    }

    /// The qualifier's last part is a type that is known here.
    fn by_type(&self, file: u32, qualifier: &str, reference: &Reference) -> Found {
        let last =
            qualifier.rsplit("::").next().and_then(|last| last.rsplit('.').next()).unwrap_or(qualifier);
        let last = last.split('<').next().unwrap_or(last);
        match self.type_found(file, last, reference.from) {
            Found::There(Target::Symbol(of), _) => self.member(of, &reference.name),
            other => other,
        }
    }

    fn by_path(&self, file: u32, qualifier: &str, reference: &Reference) -> Found {
        if self.families[file as usize] != Some(Family::Rust) || !is_path(qualifier) {
            return Found::Nothing;
        }
        match self.modules.locate(file, qualifier, &self.inline_modules(file, reference.from)) {
            // A single lower-case word may be a variable, of which nothing is known.
            Some(Place::Outside) if !qualifier.contains("::") => Found::Nothing,
            Some(place) => self.in_place(&place, &reference.name, HOPS_MAX),
            None => Found::Nothing,
        }
    }

    /// A method of a receiver of unknown type: the only one of its name, of a type that this file speaks of.
    fn by_mention(&self, file: u32, reference: &Reference) -> Found {
        if reference.kind != ReferenceKind::Call {
            return Found::Nothing;
        }
        let mut methods =
            self.all_named(file, &reference.name).filter(|at| self.symbol(*at).container.is_some());
        let (Some(only), None) = (methods.next(), methods.next()) else { return Found::Nothing };
        let container = self.symbol(only).container.as_deref().unwrap_or_default();
        let is_near = only.file == file || self.mentioned[file as usize].contains(container);
        Found::symbol(Some(only).filter(|_| is_near), BY_MENTION)
    }

    /// A name alone.
    fn find_plain(&self, file: u32, reference: &Reference) -> Found {
        let fits = |at: &SymbolAt| self.fits(*at, reference.kind);
        let own = self.all_named(file, &reference.name).filter(|at| at.file == file).filter(fits);
        let own = own.filter(|at| self.is_in_reach(*at, reference));
        let by_file = Found::symbol(self.nearest(file, own), BY_FILE);
        by_file
            .or_else(|| self.by_class(file, reference))
            .or_else(|| self.by_import(file, &reference.name))
            .or_else(|| self.by_package(file, reference))
            .or_else(|| self.by_linking(file, reference))
            .or_else(|| self.by_wildcard(file, &reference.name))
    }

    /// Members are not called by their name alone, but for Java's.
    fn is_in_reach(&self, at: SymbolAt, reference: &Reference) -> bool {
        let symbol = self.symbol(at);
        let is_free = symbol.container.is_none() || symbol.kind.is_type();
        is_free || reference.from.is_some_and(|from| Some(from) == symbol.parent)
    }

    /// Java calls methods of its own class and of those around and above it without a qualifier.
    fn by_class(&self, file: u32, reference: &Reference) -> Found {
        let from = reference.from.filter(|_| self.families[file as usize] == Some(Family::Java));
        let mut next = from;
        while let Some(symbol) = next.and_then(|index| self.symbols(file).symbols.get(index as usize)) {
            if symbol.kind.is_type()
                && let Some(index) = next
            {
                let found = self.member(SymbolAt { file, symbol: index }, &reference.name);
                if found != Found::Nothing {
                    return found;
                }
            }
            next = symbol.parent;
        }
        Found::Nothing
    }

    fn by_import(&self, file: u32, name: &str) -> Found {
        match self.bound[file as usize].get(name) {
            Some(Bound { place: Place::Outside, .. }) => Found::Outside,
            Some(Bound { place, name: Some("default") }) => {
                self.in_place(place, name, HOPS_MAX).or_else(|| file_of(place))
            }
            Some(Bound { place, name: Some(inner) }) => self.in_place(place, inner, HOPS_MAX),
            Some(Bound { place, name: None }) => file_of(place),
            None => Found::Nothing,
        }
    }

    /// Files of one folder are one package in Go and Java.
    fn by_package(&self, file: u32, reference: &Reference) -> Found {
        if !matches!(self.families[file as usize], Some(Family::Go | Family::Java)) {
            return Found::Nothing;
        }
        let own = folder(self.path(file));
        let near = self.all_named(file, &reference.name).filter(|at| folder(self.path(at.file)) == own);
        let near = near.filter(|at| self.fits(*at, reference.kind) && self.symbol(*at).container.is_none());
        Found::symbol(self.nearest(file, near), BY_PACKAGE)
    }

    fn by_wildcard(&self, file: u32, name: &str) -> Found {
        let places = self.wildcards[file as usize].iter();
        let found = places.map(|place| self.in_place(place, name, HOPS_MAX));
        match found.into_iter().find(|found| matches!(found, Found::There(..))) {
            Some(Found::There(target, _)) => Found::There(target, BY_WILDCARD),
            _ => Found::Nothing,
        }
    }

    /// C links by name, and Rust's macros reach everywhere in a crate.
    fn by_linking(&self, file: u32, reference: &Reference) -> Found {
        let is_c = self.families[file as usize] == Some(Family::C);
        let linked = self.all_named(file, &reference.name).filter(|at| self.fits(*at, reference.kind));
        let linked = linked.filter(|at| match is_c {
            true => at.file == file || !self.is_static(*at),
            false => self.symbol(*at).kind == SymbolKind::Macro,
        });
        Found::symbol(self.nearest(file, linked), BY_LINKING)
    }

    /// Whether only its own file can name it. In a header it belongs to whoever includes that.
    fn is_static(&self, at: SymbolAt) -> bool {
        self.symbol(at).signature.starts_with("static") && !self.path(at.file).ends_with(".h")
    }

    fn fits(&self, at: SymbolAt, kind: ReferenceKind) -> bool {
        let symbol = self.symbol(at).kind;
        match kind {
            ReferenceKind::Call => symbol.is_callable(),
            ReferenceKind::Import => true,
            _ => symbol.is_type(),
        }
    }

    /// The type of that name, as the file knows it.
    fn type_found(&self, file: u32, name: &str, from: Option<u32>) -> Found {
        let reference = Reference {
            from,
            name: name.to_owned(),
            qualifier: None,
            subject: None,
            alias: None,
            kind: ReferenceKind::Type,
            span: 0..0,
            line: 0,
        };
        self.find_plain(file, &reference)
    }

    pub fn type_named(&self, file: u32, name: &str, from: Option<u32>) -> Option<SymbolAt> {
        match self.type_found(file, name, from) {
            Found::There(Target::Symbol(symbol), _) => Some(symbol),
            _ => None,
        }
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

fn file_of(place: &Place) -> Found {
    match place {
        Place::File { file, .. } => Found::There(Target::File(*file), BY_IMPORT),
        Place::Folder(folder) => Found::There(Target::Folder(folder.clone()), BY_IMPORT),
        Place::Outside => Found::Outside,
    }
}

fn is_path(qualifier: &str) -> bool {
    qualifier.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | ':' | '$'))
}
