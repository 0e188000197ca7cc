//! Questions to what is known of repositories, answered in the words of the API.

use std::collections::{BTreeMap, BTreeSet};

use ibid_api::code as wire;
use ibid_api::memory::{EntityNamed, Fact};
use ibid_code::{Change, Commit, CommitId, NoteKind, Since, SymbolKey, Thing, Tie, mentions};
use ibid_types::{Error, Result, Timestamp};

use super::graph::{Placed, kind_of};
use super::{Kept, Shelf};

/// Symbols of one name that a question answers about.
const SYMBOLS_MAX: usize = 20;
/// Callers told beside what is recalled.
const CALLERS_NEAR: usize = 8;
const COMMIT_DIGITS_MIN: usize = 8;

impl Shelf {
    /// The files that are known, for an update to go on from.
    pub fn known(&self, source: &str) -> wire::CodeKnown {
        let Some(kept) = self.repository(source) else { return wire::CodeKnown::default() };
        let known = kept.codebase.known();
        wire::CodeKnown {
            commit: known.commit.map(|commit| commit.to_string()),
            files: known.files.into_iter().map(|(path, blob)| (path, blob.to_string())).collect(),
        }
    }

    /// Error: `symbol_unknown`.
    pub fn callers(&self, symbol: &str, at: Option<Timestamp>, limit: usize) -> Result<wire::CodeCallers> {
        let mut symbols = Vec::new();
        for (kept, key) in self.symbols(symbol)? {
            let mut ties: Vec<&Tie> = kept.ledger.callers(&key, at).collect();
            ties.sort_by(|one, other| one.relation.from.cmp(&other.relation.from));
            let total = ties.len() as u64;
            let callers = ties.into_iter().take(limit).map(|tie| kept.relation(tie)).collect();
            symbols.push(wire::CodeCalled { symbol: kept.symbol(&key), callers, total });
        }
        // Who is called is what was asked for: those of the name that nobody calls come last.
        symbols.sort_by_key(|called| std::cmp::Reverse(called.total));
        Ok(wire::CodeCallers { symbols })
    }

    /// Errors: `commit_unknown`, `symbol_unknown`.
    pub fn since(&self, since: &str, of: Option<&str>, limit: usize) -> Result<wire::CodeSince> {
        let mut told = wire::CodeSince::default();
        let places = of.map(|of| self.places(of)).transpose()?;
        for (kept, since) in self.reaches(since)? {
            let within: Option<Vec<&Thing>> = places.as_ref().map(|places| {
                places.iter().filter(|placed| placed.kept == kept).map(|placed| &placed.thing).collect()
            });
            kept.tell_since(&since, within.as_deref(), &mut told);
        }
        told.commits.sort_by(|one, other| other.at.cmp(&one.at));
        let lists =
            [told.paths.len(), told.symbols.len(), told.began.len(), told.ended.len(), told.commits.len()];
        told.truncated = lists.iter().any(|count| *count > limit);
        told.commits.truncate(limit);
        told.paths.truncate(limit);
        told.symbols.truncate(limit);
        told.began.truncate(limit);
        told.ended.truncate(limit);
        Ok(told)
    }

    /// Error: `symbol_unknown`.
    pub fn why(&self, of: &str, limit: usize) -> Result<Vec<wire::CodeReasons>> {
        let mut things = Vec::new();
        for Placed { kept, thing } in self.places(of)? {
            let mut reasons = match &thing {
                Thing::Symbol(key) => kept.why_symbol(key),
                other => kept.why_path(other),
            };
            reasons.notes.truncate(limit);
            reasons.commits.truncate(limit);
            things.push(reasons);
        }
        Ok(things)
    }

    /// Symbols that a question names, each with who calls it and what changed it last.
    pub fn named_in(&self, question: &str) -> Vec<wire::CodeNamed> {
        let mut named: Vec<wire::CodeNamed> = Vec::new();
        for mention in mentions(question) {
            let name = match &mention.qualifier {
                Some(qualifier) => format!("{qualifier}::{}", mention.name),
                None => mention.name,
            };
            let found: Vec<(&Kept, SymbolKey)> = self
                .repositories()
                .flat_map(|kept| kept.symbols(&name).into_iter().map(move |key| (kept, key)))
                .collect();
            // A name of very many says nothing of one of them.
            if found.len() <= CALLERS_NEAR {
                named.extend(found.into_iter().map(|(kept, key)| kept.named(&key)));
            }
        }
        named.truncate(CALLERS_NEAR);
        named
    }

    /// Whether a source of a document is one of the files of code that are known.
    pub fn is_code(&self, source: &str) -> bool {
        self.repositories().any(|kept| {
            let path = source.strip_prefix(&kept.source).map(|path| path.trim_start_matches('/'));
            path.and_then(|path| kept.codebase.files.get(path))
                .is_some_and(|file| file.symbols.language.is_some())
        })
    }

    fn symbols(&self, name: &str) -> Result<Vec<(&Kept, SymbolKey)>> {
        let all =
            self.repositories().flat_map(|kept| kept.symbols(name).into_iter().map(move |key| (kept, key)));
        let found: Vec<_> = all.take(SYMBOLS_MAX).collect();
        if found.is_empty() { Err(self.unknown(name)) } else { Ok(found) }
    }

    /// Things of a name: symbols, a file by its path or the end of it, a folder.
    fn places(&self, of: &str) -> Result<Vec<Placed<'_>>> {
        if let Some(placed) = self.thing(of) {
            return Ok(vec![placed]);
        }
        let mut found: Vec<Placed<'_>> = Vec::new();
        for kept in self.repositories() {
            let things =
                kept.symbols(of).into_iter().map(Thing::Symbol).chain(kept.paths(of).map(Thing::File));
            found.extend(things.map(|thing| Placed { kept, thing }));
        }
        found.truncate(SYMBOLS_MAX);
        if found.is_empty() { Err(self.unknown(of)) } else { Ok(found) }
    }

    fn unknown(&self, name: &str) -> Error {
        let what = if self.repositories.is_empty() {
            "no repository is known here; read one with `ibid ingest PATH`".to_owned()
        } else {
            format!(
                "no repository that is known holds '{name}'; names are told apart by case, and `path#name` names one symbol"
            )
        };
        Error::not_found("symbol_unknown", what)
    }

    /// Since when, in each repository. Error: `commit_unknown`.
    fn reaches(&self, since: &str) -> Result<Vec<(&Kept, Since)>> {
        if let Ok(at) = since.parse::<Timestamp>() {
            return Ok(self.repositories().map(|kept| (kept, Since::Time(at))).collect());
        }
        let digits = since.to_ascii_lowercase();
        let is_id =
            digits.len() >= COMMIT_DIGITS_MIN && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let of = |kept: &Kept| {
            let commit =
                kept.codebase.commits.iter().find(|commit| commit.id.as_str().starts_with(&digits))?;
            Some(Since::Commit(commit.id.clone()))
        };
        let found: Vec<_> =
            self.repositories().filter_map(|kept| of(kept).map(|since| (kept, since))).collect();
        if is_id && !found.is_empty() {
            return Ok(found);
        }
        let what = format!(
            "'{since}' is no commit that is known, and no day; give {COMMIT_DIGITS_MIN} or more digits of a commit's id, or a day such as 2026-05-03"
        );
        Err(Error::not_found("commit_unknown", what))
    }
}

impl Kept {
    pub fn shown(&self) -> wire::CodeRepository {
        let files = self.codebase.files.values();
        let (symbols, references) = files.fold((0, 0), |(symbols, references), file| {
            (symbols + file.symbols.symbols.len() as u64, references + file.symbols.references.len() as u64)
        });
        wire::CodeRepository {
            source: self.source.clone(),
            name: self.name().to_owned(),
            commit: self.codebase.commit.as_ref().map(ToString::to_string),
            files: self.codebase.files.len() as u64,
            symbols,
            references,
            relations: self.ledger.open() as u64,
            commits: self.codebase.commits.len() as u64,
        }
    }

    fn symbol(&self, key: &SymbolKey) -> wire::CodeThing {
        let known = self.codebase.symbol(key);
        wire::CodeThing {
            repository: self.name().to_owned(),
            key: key.to_string(),
            path: key.path.clone(),
            kind: known.map_or("symbol", |symbol| symbol.kind.name()).to_owned(),
            line: known.map(|symbol| symbol.lines.0),
            signature: known.map(|symbol| symbol.signature.clone()),
            doc: known.and_then(|symbol| symbol.doc.clone()),
            gone: known.is_none(),
        }
    }

    fn relation(&self, tie: &Tie) -> wire::CodeRelation {
        let relation = &tie.relation;
        wire::CodeRelation {
            from: self.called(&relation.from),
            relation: relation.kind.name().to_owned(),
            to: self.called(&relation.to),
            line: relation.line,
            count: relation.count,
            confidence: relation.confidence,
            valid_from: tie.valid.from.map(|at| at.to_string()),
            valid_to: tie.valid.to.map(|at| at.to_string()),
        }
    }

    fn commit(&self, commit: &Commit) -> wire::CodeCommit {
        wire::CodeCommit {
            repository: self.name().to_owned(),
            id: commit.id.to_string(),
            at: commit.at.to_string(),
            author: commit.author.name.clone(),
            message: commit.message.clone(),
        }
    }

    fn named(&self, key: &SymbolKey) -> wire::CodeNamed {
        let ties: Vec<&Tie> = self.ledger.callers(key, None).collect();
        let edits = self.codebase.edits.iter();
        let newest = edits
            .filter(|edit| edit.path == key.path && edit.symbol == key.symbol)
            .map(|edit| &edit.commit)
            .next();
        let commit = newest.and_then(|id| self.codebase.commits.iter().find(|commit| commit.id == *id));
        wire::CodeNamed {
            symbol: self.symbol(key),
            callers: ties.iter().take(CALLERS_NEAR).map(|tie| self.relation(tie)).collect(),
            callers_total: ties.len() as u64,
            commit: commit.map(|commit| self.commit(commit)),
        }
    }

    /// Paths that are it or end so, also those that only commits know.
    fn paths(&self, of: &str) -> impl Iterator<Item = String> {
        let end = format!("/{of}");
        let fits = |path: &&str| *path == of || path.ends_with(&end);
        let changed = self.codebase.commits.iter().flat_map(|commit| commit.changes.iter().map(Change::path));
        let files = self.codebase.files.keys().map(String::as_str);
        files.chain(changed).filter(fits).map(str::to_owned).collect::<BTreeSet<_>>().into_iter()
    }

    fn tell_since(&self, since: &Since, within: Option<&[&Thing]>, told: &mut wire::CodeSince) {
        let is_in = |path: &str, symbol: Option<&str>| {
            within.is_none_or(|things| things.iter().any(|thing| holds(thing, path, symbol)))
        };
        let changed = self.codebase.changed_since(since);
        let (commits, symbols): (BTreeSet<&CommitId>, _) =
            (changed.commits.iter().collect(), changed.symbols);
        let mut edited: BTreeMap<&CommitId, Vec<(&str, &str)>> = BTreeMap::new();
        for edit in self.codebase.edits.iter().filter(|edit| commits.contains(&edit.commit)) {
            edited.entry(&edit.commit).or_default().push((&edit.path, &edit.symbol));
        }
        for commit in self.codebase.commits.iter().filter(|commit| commits.contains(&commit.id)) {
            let edits = edited.get(&commit.id).map(Vec::as_slice).unwrap_or_default();
            let has_changed = commit.changes.iter().any(|change| is_in(change.path(), None))
                || edits.iter().any(|(path, symbol)| is_in(path, Some(symbol)));
            if has_changed || within.is_none() {
                told.commits.push(self.commit(commit));
            }
        }
        told.paths.extend(changed.paths.into_iter().filter(|path| is_in(path, None)));
        let symbols = symbols.into_iter().filter(|key| is_in(&key.path, Some(&key.symbol)));
        told.symbols.extend(symbols.map(|key| key.to_string()));
        self.tell_relations(self.instant(since), &is_in, told);
    }

    fn tell_relations(
        &self,
        since: Timestamp,
        is_in: &dyn Fn(&str, Option<&str>) -> bool,
        told: &mut wire::CodeSince,
    ) {
        let concerns = |thing: &Thing| match thing {
            Thing::Symbol(key) => is_in(&key.path, Some(&key.symbol)),
            Thing::File(path) => is_in(path, None),
            _ => false,
        };
        for tie in self.ledger.ties() {
            let is_after = |at: Option<Timestamp>| at.is_some_and(|at| at >= since);
            if !concerns(&tie.relation.from) && !concerns(&tie.relation.to) {
                continue;
            }
            if is_after(tie.valid.from) {
                told.began.push(self.relation(tie));
            }
            if is_after(tie.valid.to) {
                told.ended.push(self.relation(tie));
            }
        }
    }

    /// The first instant that counts.
    fn instant(&self, since: &Since) -> Timestamp {
        match since {
            Since::Time(at) => *at,
            Since::Commit(id) => {
                let known = self.codebase.commits.iter().find(|commit| commit.id == *id);
                known.map_or(Timestamp(i64::MIN), |commit| commit.at.plus_ms(1))
            }
        }
    }

    fn why_symbol(&self, key: &SymbolKey) -> wire::CodeReasons {
        let Some(why) = self.codebase.why(key) else {
            let commits = self.codebase.commits.iter();
            let naming = commits.filter(|commit| {
                ibid_code::mentions(&commit.message).iter().any(|mention| mention.name == key.name())
            });
            let reason = |commit| wire::CodeReason {
                commit: self.commit(commit),
                changed: false,
                first: false,
                named: true,
            };
            return wire::CodeReasons {
                thing: self.symbol(key),
                notes: Vec::new(),
                commits: naming.map(reason).collect(),
            };
        };
        let reason = |reason: &ibid_code::Reason<'_>| wire::CodeReason {
            commit: self.commit(reason.commit),
            changed: reason.has_changed,
            first: reason.is_first,
            named: reason.mention.is_some(),
        };
        wire::CodeReasons {
            thing: self.symbol(key),
            notes: why.notes.iter().map(|(path, note)| told_note(path, note)).collect(),
            commits: why.commits.iter().map(reason).collect(),
        }
    }

    /// Of a file, a folder or the repository: what its comments say, and the commits that changed it.
    fn why_path(&self, thing: &Thing) -> wire::CodeReasons {
        let file = match thing {
            Thing::File(path) => self.codebase.files.get(path),
            _ => None,
        };
        let notes = self.codebase.files.iter().filter(|(path, _)| holds(thing, path, None));
        let commits = self
            .codebase
            .commits
            .iter()
            .filter(|commit| commit.changes.iter().any(|change| holds(thing, change.path(), None)));
        let reason = |commit: &Commit| wire::CodeReason {
            commit: self.commit(commit),
            changed: true,
            first: commit.changes.iter().any(
                |change| matches!((change, thing), (Change::Added { path }, Thing::File(of)) if path == of),
            ),
            named: false,
        };
        let path = self.called(thing);
        wire::CodeReasons {
            thing: wire::CodeThing {
                repository: self.name().to_owned(),
                key: path.clone(),
                path,
                kind: word_of(thing).to_owned(),
                doc: file.and_then(|file| file.symbols.doc.clone()),
                gone: matches!(thing, Thing::File(_)) && file.is_none(),
                ..wire::CodeThing::default()
            },
            notes: notes
                .flat_map(|(path, file)| file.symbols.notes.iter().map(move |note| told_note(path, note)))
                .collect(),
            commits: commits.map(reason).collect(),
        }
    }
}

impl Placed<'_> {
    pub fn named(&self) -> EntityNamed {
        EntityNamed {
            id: self.entity().to_string(),
            name: self.kept.called(&self.thing),
            kind: kind_of(&self.thing).name().to_owned(),
        }
    }

    /// All that held of it, in the order in which it held.
    pub fn timeline(&self) -> Vec<Fact> {
        let ties = self.kept.ledger.ties().iter();
        let mut about: Vec<&Tie> =
            ties.filter(|tie| tie.relation.from == self.thing || tie.relation.to == self.thing).collect();
        about.sort_by_key(|tie| (tie.valid.from, tie.valid.to));
        about.into_iter().map(|tie| self.fact(tie)).collect()
    }

    fn fact(&self, tie: &Tie) -> Fact {
        let relation = &tie.relation;
        let named = |thing: &Thing| Placed { kept: self.kept, thing: thing.clone() }.named();
        let recorded = self.kept.at.unwrap_or(Timestamp(0)).to_string();
        edge_fact(
            &self.kept.fact_id(relation).to_string(),
            named(&relation.from),
            relation.kind.name(),
            named(&relation.to),
            (tie.valid.from.map(|at| at.to_string()), tie.valid.to.map(|at| at.to_string())),
            &recorded,
        )
    }
}

/// A relation of code as a fact.
pub fn edge_fact(
    id: &str,
    subject: EntityNamed,
    relation: &str,
    object: EntityNamed,
    (valid_from, valid_to): (Option<String>, Option<String>),
    recorded_at: &str,
) -> Fact {
    let verb = relation.to_lowercase().replace('_', " ");
    Fact {
        id: id.to_owned(),
        kind: "fact".to_owned(),
        statement: format!("{} {verb} {}", subject.name, object.name),
        subject,
        relation: relation.to_owned(),
        object: Some(object),
        object_text: None,
        negated: false,
        cause: if valid_to.is_some() { "closed" } else { "recorded" }.to_owned(),
        valid_from,
        valid_to,
        recorded_at: recorded_at.to_owned(),
        retracted_at: None,
        closed_by: None,
        confidence: 1.0,
        importance: 0.5,
        sensitivity: "ordinary".to_owned(),
        archived: false,
        shared: true,
        sources: Vec::new(),
    }
}

/// Whether a path, or a symbol in it, is a thing or a part of it. Without a symbol a symbol's file does not count as it.
fn holds(thing: &Thing, path: &str, symbol: Option<&str>) -> bool {
    match thing {
        Thing::Repository => true,
        Thing::Folder(folder) => path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/')),
        Thing::File(of) => of == path,
        Thing::Symbol(key) => key.path == path && symbol == Some(key.symbol.as_str()),
        Thing::Commit(_) | Thing::Note(..) => false,
    }
}

const fn word_of(thing: &Thing) -> &'static str {
    match thing {
        Thing::Repository => "repository",
        Thing::Folder(_) => "folder",
        Thing::File(_) => "file",
        Thing::Symbol(_) => "symbol",
        Thing::Commit(_) => "commit",
        Thing::Note(..) => "note",
    }
}

fn told_note(path: &str, note: &ibid_code::Note) -> wire::CodeNote {
    let kind = match note.kind {
        NoteKind::Fixme => "fixme",
        NoteKind::Todo => "todo",
        NoteKind::Why => "why",
    };
    wire::CodeNote { path: path.to_owned(), line: note.line, kind: kind.to_owned(), text: note.text.clone() }
}
