//! A codebase as typed relations between things with stable keys: what a graph of memories takes in.
//!
//! Keeps true: each relation is given once, with its evidence; the same codebase gives the same relations in the same order.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::ReferenceKind;
use crate::codebase::{Codebase, keys};
use crate::git::CommitId;
use crate::mentions::{Mention, mentions};
use crate::resolve::{Resolution, SymbolAt, Target};

/// A thing, by its key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thing {
    /// The repository itself.
    Repository,
    Folder(String),
    File(String),
    Symbol(SymbolKey),
    Commit(CommitId),
    /// A comment, by its file and its place among the file's notes.
    Note(String, u32),
}

/// A path, a folder's with a slash at its end; `path#symbol`; a commit's id; `path!3` for a note; nothing for the repository.
impl std::fmt::Display for Thing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Repository => Ok(()),
            Self::Folder(path) => write!(f, "{path}/"),
            Self::File(path) => f.write_str(path),
            Self::Symbol(key) => key.fmt(f),
            Self::Commit(id) => id.fmt(f),
            Self::Note(path, index) => write!(f, "{path}!{index}"),
        }
    }
}

/// A symbol by its file's path and its key in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SymbolKey {
    pub path: String,
    pub symbol: String,
}

impl SymbolKey {
    /// Its name, without what encloses it and without its place among others of that name.
    #[must_use]
    pub fn name(&self) -> &str {
        let qualified = self.qualified();
        let last = qualified.rsplit("::").next().unwrap_or(qualified);
        last.rsplit('.').next().unwrap_or(last)
    }

    /// With what encloses it.
    #[must_use]
    pub fn qualified(&self) -> &str {
        match self.symbol.rsplit_once('~') {
            Some((qualified, place)) if place.bytes().all(|byte| byte.is_ascii_digit()) => qualified,
            _ => &self.symbol,
        }
    }
}

impl std::fmt::Display for SymbolKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}#{}", self.path, self.symbol)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RelationKind {
    PartOf,
    Calls,
    Changes,
    Implements,
    Imports,
    Inherits,
    Mentions,
    /// Names a type.
    Uses,
}

impl RelationKind {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PartOf => "PART_OF",
            Self::Calls => "CALLS",
            Self::Changes => "CHANGES",
            Self::Implements => "IMPLEMENTS",
            Self::Imports => "IMPORTS",
            Self::Inherits => "INHERITS",
            Self::Mentions => "MENTIONS",
            Self::Uses => "USES",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Relation {
    pub from: Thing,
    pub kind: RelationKind,
    pub to: Thing,
    /// Of the surest evidence.
    pub confidence: f32,
    /// How often it was seen.
    pub count: u32,
    /// The first line where it was seen, in the file of `from`.
    pub line: Option<u32>,
}

/// All relations, ordered by their ends.
#[must_use]
pub fn relations(codebase: &Codebase, resolution: &Resolution) -> Vec<Relation> {
    let mut writer = Writer::new(codebase);
    writer.places();
    writer.links(resolution);
    writer.history();
    writer.notes();
    writer.sorted()
}

/// Those of the code itself, ordered by their ends: what is in what, and what refers to what.
#[must_use]
pub fn structure(codebase: &Codebase, resolution: &Resolution) -> Vec<Relation> {
    let mut writer = Writer::new(codebase);
    writer.places();
    writer.links(resolution);
    writer.sorted()
}

/// Finds the symbols that a text means. One name of many symbols means each of them a little, and none beyond a bound.
#[derive(Debug)]
pub struct Lexicon<'a> {
    by_name: HashMap<&'a str, Vec<(SymbolKey, &'a str)>>,
}

/// A name that more symbols share says nothing of one of them.
const SHARED_MAX: usize = 5;

impl<'a> Lexicon<'a> {
    #[must_use]
    pub fn new(codebase: &'a Codebase) -> Self {
        let mut by_name: HashMap<&str, Vec<(SymbolKey, &str)>> = HashMap::new();
        for (path, file) in &codebase.files {
            for (key, symbol) in keys(&file.symbols).into_iter().zip(&file.symbols.symbols) {
                let key = SymbolKey { path: path.clone(), symbol: key };
                by_name.entry(&symbol.name).or_default().push((key, &symbol.qualified));
            }
        }
        Self { by_name }
    }

    /// Symbols that the text names, surest first. Those in one of the `near` paths are meant rather than others of their name.
    #[must_use]
    pub fn meant(&self, text: &str, near: &[&str]) -> Vec<(SymbolKey, f32)> {
        let mut meant: BTreeMap<SymbolKey, f32> = BTreeMap::new();
        for mention in mentions(text) {
            for (key, confidence) in self.of_mention(&mention, near) {
                let known = meant.entry(key).or_insert(0.0);
                *known = known.max(confidence);
            }
        }
        let mut meant: Vec<_> = meant.into_iter().collect();
        meant.sort_by(|one, other| other.1.total_cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        meant
    }

    fn of_mention(&self, mention: &Mention, near: &[&str]) -> Vec<(SymbolKey, f32)> {
        let all = self.by_name.get(mention.name.as_str()).map(Vec::as_slice).unwrap_or_default();
        let mut fitting: Vec<_> =
            all.iter().filter(|(_, qualified)| is_qualified_so(qualified, mention)).collect();
        let is_near = |key: &SymbolKey| near.contains(&key.path.as_str());
        if fitting.iter().any(|(key, _)| is_near(key)) {
            fitting.retain(|(key, _)| is_near(key));
        }
        if fitting.len() > SHARED_MAX {
            return Vec::new();
        }
        let confidence = mention.confidence / fitting.len().max(1) as f32;
        fitting.into_iter().map(|(key, _)| (key.clone(), confidence)).collect()
    }
}

/// Whether the last part of the mention's qualifier stands before the name, or there is none.
fn is_qualified_so(qualified: &str, mention: &Mention) -> bool {
    let Some(wanted) = &mention.qualifier else { return true };
    let last = wanted.rsplit([':', '.']).next().unwrap_or(wanted);
    let before = qualified.strip_suffix(mention.name.as_str()).unwrap_or_default();
    let is_whole = before.trim_end_matches([':', '.']).rsplit([':', '.']).next() == Some(last);
    // A module's own name stands in its path rather than in the symbol's.
    is_whole || before.is_empty()
}

#[derive(Debug)]
struct Writer<'a> {
    codebase: &'a Codebase,
    paths: Vec<&'a str>,
    keys: Vec<Vec<String>>,
    found: HashMap<(Thing, RelationKind, Thing), Relation>,
}

impl<'a> Writer<'a> {
    fn new(codebase: &'a Codebase) -> Self {
        Self {
            codebase,
            paths: codebase.files.keys().map(String::as_str).collect(),
            keys: codebase.files.values().map(|file| keys(&file.symbols)).collect(),
            found: HashMap::new(),
        }
    }

    fn sorted(self) -> Vec<Relation> {
        let mut relations: Vec<Relation> = self.found.into_values().collect();
        relations
            .sort_by(|one, other| (&one.from, one.kind, &one.to).cmp(&(&other.from, other.kind, &other.to)));
        relations
    }

    fn add(&mut self, from: Thing, kind: RelationKind, to: Thing, confidence: f32, line: Option<u32>) {
        if from == to {
            return;
        }
        let key = (from.clone(), kind, to.clone());
        let relation =
            self.found.entry(key).or_insert(Relation { from, kind, to, confidence, count: 0, line });
        relation.count += 1;
        relation.confidence = relation.confidence.max(confidence);
        relation.line = relation.line.min(line).or(line);
    }

    fn symbol(&self, at: SymbolAt) -> Thing {
        Thing::Symbol(SymbolKey {
            path: self.paths[at.file as usize].to_owned(),
            symbol: self.keys[at.file as usize][at.symbol as usize].clone(),
        })
    }

    fn file(&self, file: u32) -> Thing {
        Thing::File(self.paths[file as usize].to_owned())
    }

    /// Symbols in symbols or files, files in folders, folders in the repository.
    fn places(&mut self) {
        let codebase = self.codebase;
        for (file, (path, entry)) in codebase.files.iter().enumerate() {
            let file = file as u32;
            self.place_of_file(path);
            for (symbol, entry) in entry.symbols.symbols.iter().enumerate() {
                let around = entry.parent.map(|parent| self.symbol(SymbolAt { file, symbol: parent }));
                let around = around.unwrap_or_else(|| self.file(file));
                let at = SymbolAt { file, symbol: symbol as u32 };
                self.add(self.symbol(at), RelationKind::PartOf, around, 1.0, Some(entry.lines.0));
            }
        }
    }

    fn place_of_file(&mut self, path: &str) {
        let mut inner = Thing::File(path.to_owned());
        let mut rest = path;
        while let Some((folder, _)) = rest.rsplit_once('/') {
            let outer = Thing::Folder(folder.to_owned());
            self.add(inner, RelationKind::PartOf, outer.clone(), 1.0, None);
            (inner, rest) = (outer, folder);
        }
        self.add(inner, RelationKind::PartOf, Thing::Repository, 1.0, None);
    }

    fn links(&mut self, resolution: &Resolution) {
        for link in &resolution.links {
            let Some(entry) = self.codebase.files.get(self.paths[link.file as usize]) else { continue };
            let reference = &entry.symbols.references[link.reference as usize];
            let kind = match reference.kind {
                ReferenceKind::Call => RelationKind::Calls,
                ReferenceKind::Implements => RelationKind::Implements,
                ReferenceKind::Import => RelationKind::Imports,
                ReferenceKind::Inherits => RelationKind::Inherits,
                ReferenceKind::Type => RelationKind::Uses,
            };
            let from = match (kind, link.from) {
                (RelationKind::Imports, _) | (_, None) => self.file(link.file),
                (_, Some(symbol)) => self.symbol(symbol),
            };
            let to = match &link.to {
                // A file imports files; the symbols that it takes from them are told by calls and uses.
                Target::Symbol(symbol) if kind == RelationKind::Imports => self.file(symbol.file),
                Target::Symbol(symbol) => self.symbol(*symbol),
                Target::File(file) => self.file(*file),
                Target::Folder(folder) if folder.is_empty() => Thing::Repository,
                Target::Folder(folder) => Thing::Folder(folder.clone()),
            };
            self.add(from, kind, to, link.confidence, Some(reference.line));
        }
    }

    /// Commits change files and symbols, and speak of symbols.
    fn history(&mut self) {
        let codebase = self.codebase;
        let lexicon = Lexicon::new(codebase);
        for commit in &codebase.commits {
            let near: Vec<&str> = commit.changes.iter().map(crate::git::Change::path).collect();
            for path in near.iter().filter(|path| codebase.files.contains_key(**path)) {
                let file = Thing::File((*path).to_owned());
                self.add(Thing::Commit(commit.id.clone()), RelationKind::Changes, file, 1.0, None);
            }
            for (symbol, confidence) in lexicon.meant(&commit.message, &near) {
                let from = Thing::Commit(commit.id.clone());
                self.add(from, RelationKind::Mentions, Thing::Symbol(symbol), confidence, None);
            }
        }
        for edit in &codebase.edits {
            let symbol = SymbolKey { path: edit.path.clone(), symbol: edit.symbol.clone() };
            let from = Thing::Commit(edit.commit.clone());
            self.add(from, RelationKind::Changes, Thing::Symbol(symbol), 1.0, None);
        }
    }

    /// Notes are a part of what they stand in, and speak of symbols.
    fn notes(&mut self) {
        let codebase = self.codebase;
        let lexicon = Lexicon::new(codebase);
        for (file, (path, entry)) in codebase.files.iter().enumerate() {
            let file = file as u32;
            for (index, note) in entry.symbols.notes.iter().enumerate() {
                let thing = Thing::Note(path.clone(), index as u32);
                let around = note.symbol.map(|symbol| self.symbol(SymbolAt { file, symbol }));
                let around = around.unwrap_or_else(|| self.file(file));
                self.add(thing.clone(), RelationKind::PartOf, around, 1.0, Some(note.line));
                for (symbol, confidence) in lexicon.meant(&note.text, &[path]) {
                    self.add(
                        thing.clone(),
                        RelationKind::Mentions,
                        Thing::Symbol(symbol),
                        confidence,
                        Some(note.line),
                    );
                }
            }
        }
    }
}
