//! Questions over a codebase in memory: who calls this, what changed since, why is this so.

use std::collections::{BTreeMap, BTreeSet};

use ibid_types::Timestamp;
use serde::{Deserialize, Serialize};

use crate::codebase::{Codebase, keys};
use crate::git::{Commit, CommitId};
use crate::relations::{Lexicon, SymbolKey};
use crate::resolve::{Resolution, Target};
use crate::{Note, ReferenceKind, Symbol};

/// A place that calls a symbol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Caller {
    pub path: String,
    pub line: u32,
    /// The symbol that calls; none at a file's top.
    pub symbol: Option<SymbolKey>,
    pub confidence: f32,
}

/// Since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    /// After this commit, which is not counted.
    Commit(CommitId),
    /// From this instant on.
    Time(Timestamp),
}

/// What changed, as far as it is still there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Newest first.
    pub commits: Vec<CommitId>,
    /// Paths as the commits name them, also those that are gone.
    pub paths: BTreeSet<String>,
    pub symbols: BTreeSet<SymbolKey>,
}

/// What is known of the reasons for a symbol.
#[derive(Clone, Debug, PartialEq)]
pub struct Why<'a> {
    pub doc: Option<&'a str>,
    /// In the symbol first, then elsewhere about it.
    pub notes: Vec<(&'a str, &'a Note)>,
    pub commits: Vec<Reason<'a>>,
}

/// A commit that has to do with a symbol, most telling first: those that changed and name it, those that changed it, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason<'a> {
    pub commit: &'a Commit,
    pub has_changed: bool,
    pub is_first: bool,
    pub mention: Option<f32>,
}

impl Codebase {
    /// Symbols by name or by qualified name.
    #[must_use]
    pub fn find_symbols(&self, name: &str) -> Vec<(SymbolKey, &Symbol)> {
        let mut found = Vec::new();
        for (path, file) in &self.files {
            for (key, symbol) in keys(&file.symbols).into_iter().zip(&file.symbols.symbols) {
                if symbol.name == name || symbol.qualified == name || key == name {
                    found.push((SymbolKey { path: path.clone(), symbol: key }, symbol));
                }
            }
        }
        found
    }

    #[must_use]
    pub fn symbol(&self, key: &SymbolKey) -> Option<&Symbol> {
        let file = self.files.get(&key.path)?;
        let index = keys(&file.symbols).iter().position(|known| *known == key.symbol)?;
        file.symbols.symbols.get(index)
    }

    /// Who calls it, by file and line.
    #[must_use]
    pub fn callers(&self, of: &SymbolKey, resolution: &Resolution) -> Vec<Caller> {
        let paths: Vec<&String> = self.files.keys().collect();
        let key_of = |file: u32, symbol: u32| {
            let path = paths[file as usize];
            SymbolKey {
                path: path.clone(),
                symbol: keys(&self.files[path].symbols).swap_remove(symbol as usize),
            }
        };
        let mut callers = Vec::new();
        for link in &resolution.links {
            let path = paths[link.file as usize];
            let reference = &self.files[path].symbols.references[link.reference as usize];
            let Target::Symbol(to) = &link.to else { continue };
            let is_there = reference.kind == ReferenceKind::Call && *paths[to.file as usize] == of.path;
            if is_there && key_of(to.file, to.symbol) == *of {
                callers.push(Caller {
                    path: path.clone(),
                    line: reference.line,
                    symbol: link.from.map(|from| key_of(from.file, from.symbol)),
                    confidence: link.confidence,
                });
            }
        }
        callers
    }

    /// What the commits that are known changed. A commit that is not known leaves all of them.
    #[must_use]
    pub fn changed_since(&self, since: &Since) -> Changed {
        let end = match since {
            Since::Commit(commit) => self.commits.iter().position(|known| known.id == *commit),
            Since::Time(_) => None,
        };
        let is_new = |commit: &&Commit| match since {
            Since::Commit(_) => true,
            Since::Time(time) => commit.at >= *time,
        };
        let mut changed = Changed::default();
        for commit in self.commits.iter().take(end.unwrap_or(usize::MAX)).filter(is_new) {
            changed.commits.push(commit.id.clone());
            changed.paths.extend(commit.changes.iter().map(|change| change.path().to_owned()));
        }
        let commits: BTreeSet<&CommitId> = changed.commits.iter().collect();
        for edit in self.edits.iter().filter(|edit| commits.contains(&edit.commit)) {
            changed.symbols.insert(SymbolKey { path: edit.path.clone(), symbol: edit.symbol.clone() });
        }
        changed
    }

    /// Comments in it and about it, and the commits that made it what it is.
    #[must_use]
    pub fn why(&self, of: &SymbolKey) -> Option<Why<'_>> {
        let symbol = self.symbol(of)?;
        let lexicon = Lexicon::new(self);
        let notes = self.notes_on(of, symbol, &lexicon);
        let commits = self.reasons(of, &lexicon);
        Some(Why { doc: symbol.doc.as_deref(), notes, commits })
    }

    fn notes_on(&self, of: &SymbolKey, symbol: &Symbol, lexicon: &Lexicon<'_>) -> Vec<(&str, &Note)> {
        let mut within = Vec::new();
        let mut about = Vec::new();
        for (path, file) in &self.files {
            for note in &file.symbols.notes {
                let owner = note.symbol.and_then(|index| file.symbols.symbols.get(index as usize));
                let is_within = *path == of.path
                    && (owner == Some(symbol)
                        || symbol.span.start <= note.span.start && note.span.end <= symbol.span.end);
                if is_within {
                    within.push((path.as_str(), note));
                } else if lexicon.meant(&note.text, &[path]).iter().any(|(key, _)| key == of) {
                    about.push((path.as_str(), note));
                }
            }
        }
        within.extend(about);
        within
    }

    fn reasons(&self, of: &SymbolKey, lexicon: &Lexicon<'_>) -> Vec<Reason<'_>> {
        let edits = self.edits.iter().filter(|edit| edit.path == of.path && edit.symbol == of.symbol);
        let edited: BTreeMap<&CommitId, bool> = edits.map(|edit| (&edit.commit, edit.is_first)).collect();
        let mut reasons = Vec::new();
        for commit in &self.commits {
            let near: Vec<&str> = commit.changes.iter().map(crate::git::Change::path).collect();
            let meant = lexicon.meant(&commit.message, &near);
            let mention = meant.iter().find(|(key, _)| key == of).map(|(_, confidence)| *confidence);
            let is_first = edited.get(&commit.id).copied();
            if is_first.is_some() || mention.is_some() {
                let is_first = is_first.unwrap_or(false);
                reasons.push(Reason {
                    commit,
                    has_changed: edited.contains_key(&commit.id),
                    is_first,
                    mention,
                });
            }
        }
        // Stable: within each sort the newest stays first.
        reasons.sort_by_key(|reason| {
            std::cmp::Reverse((reason.has_changed && reason.mention.is_some(), reason.has_changed))
        });
        reasons
    }
}
