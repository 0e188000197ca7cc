//! The ways by which a reference is found, nearest first: receiver, qualifier, file, class, import, package, linking, wildcard.
//!
//! Keeps true: a way that leads out of the repository ends the search; what is foreign is not looked for at home.

use super::{
    BY_FILE, BY_IMPORT, BY_LINKING, BY_MENTION, BY_PACKAGE, BY_WILDCARD, Bound, Found, HOPS_MAX, Names,
};
use crate::language::Family;
use crate::resolve::modules::{Place, folder};
use crate::resolve::{SymbolAt, Target};
use crate::{Reference, ReferenceKind, SymbolKind};

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
        match self.type_found(file, subject, reference.from) {
            Found::There(Target::Symbol(of), _) => self.member(of, &reference.name),
            Found::Outside => Found::Outside,
            // A type of another library may still be given methods here.
            _ => match Found::symbol(self.member_in(file, subject, &reference.name), BY_MENTION) {
                Found::Nothing if !self.is_type_here(file, subject) => Found::Outside,
                found => found,
            },
        }
    }

    fn is_type_here(&self, file: u32, name: &str) -> bool {
        self.all_named(file, name).any(|at| self.symbol(at).kind.is_type())
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
            Found::Nothing if !reference.on_value && is_type_name(last) && !self.is_type_here(file, last) => {
                Found::Outside
            }
            other => other,
        }
    }

    fn by_path(&self, file: u32, qualifier: &str, reference: &Reference) -> Found {
        if self.families[file as usize] != Some(Family::Rust) || reference.on_value {
            return Found::Nothing;
        }
        match self.modules.locate(file, qualifier, &self.inline_modules(file, reference.from)) {
            Some(place) => self.in_place(&place, &reference.name, HOPS_MAX),
            None => Found::Nothing,
        }
    }

    /// A method of a receiver of unknown type: the only one of its name, of a type that this file speaks of.
    fn by_mention(&self, file: u32, reference: &Reference) -> Found {
        if reference.kind != ReferenceKind::Call || self.foreign.contains(reference.name.as_str()) {
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
            on_value: false,
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
}

fn file_of(place: &Place) -> Found {
    match place {
        Place::File { file, .. } => Found::There(Target::File(*file), BY_IMPORT),
        Place::Folder(folder) => Found::There(Target::Folder(folder.clone()), BY_IMPORT),
        Place::Outside => Found::Outside,
    }
}

/// `Vec`, and not `T`, which stands for any type.
fn is_type_name(name: &str) -> bool {
    name.len() > 1 && name.starts_with(char::is_uppercase)
}
