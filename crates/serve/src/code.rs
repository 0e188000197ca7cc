//! What is known of the repositories of a workspace: read from segments when somebody asks, brought up to date by what updates bring.
//!
//! Keeps true: what is held is what is written; an update costs what it changes, in reading and in writing, and resolves names over all in
//! RAM; no path of a client's is opened and no program run: whoever has the repository reads it.

pub mod erase;
mod graph;
mod questions;

pub use questions::edge_fact;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ibid_code::{Codebase, Delta, Entry, Head, Ledger, Options, SymbolKey, Thing, Tie, structure};
use ibid_store::{CodeHead, RepositoryId, Statement, Store, code_forget, code_segment_insert};
use ibid_types::{Error, Result, Timestamp, WorkspaceId};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

/// JSON of one segment where all is written anew: small enough to be sealed and moved at once.
const SEGMENT_BYTES: usize = 8 << 20;
/// Updates after which all is written anew, so that opening does not read every one that there ever was.
const SEGMENTS_MAX: u64 = 64;
const PACKING_LEVEL: i32 = 3;

/// All workspaces that were asked for.
#[derive(Debug)]
pub struct Codes {
    store: Store,
    held: parking_lot::Mutex<HashMap<WorkspaceId, Arc<RwLock<Shelf>>>>,
}

/// The repositories of a workspace.
#[derive(Debug, Default)]
pub struct Shelf {
    repositories: BTreeMap<RepositoryId, Kept>,
}

/// A repository.
#[derive(Debug, Default)]
pub struct Kept {
    pub source: String,
    pub codebase: Codebase,
    pub ledger: Ledger,
    basis: u64,
    ordinal: u64,
    /// Of the newest commit that was taken in.
    at: Option<Timestamp>,
    names: HashMap<String, Vec<SymbolKey>>,
}

/// What a row holds.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Segment {
    source: String,
    delta: Delta,
    #[serde(default)]
    at: Option<Timestamp>,
    /// What an update changed.
    #[serde(default)]
    entry: Option<Entry>,
    /// Everything, where all was written anew.
    #[serde(default)]
    ties: Vec<Tie>,
}

/// What an update did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Taken {
    pub stated: u64,
    pub ended: u64,
}

impl Codes {
    pub fn new(store: Store) -> Self {
        Self { store, held: parking_lot::Mutex::default() }
    }

    /// Looks at what is known of a workspace's repositories now.
    pub fn with<T>(&self, workspace: WorkspaceId, look: impl FnOnce(&Shelf) -> Result<T>) -> Result<T> {
        let shelf = self.shelf(workspace);
        let heads = self.store.code_heads(workspace)?;
        if !shelf.read().is_at(&heads) {
            shelf.write().follow(&self.store, workspace, &heads)?;
        }
        let shelf = shelf.read();
        look(&shelf)
    }

    /// Changes with every update of a workspace's repositories; nothing where there is none.
    pub fn stamp(&self, workspace: WorkspaceId) -> Result<Option<u64>> {
        let heads = self.store.code_heads(workspace)?;
        Ok((!heads.is_empty()).then(|| {
            heads.iter().fold(0, |stamp: u64, head| {
                let repository = u64::from_le_bytes(*head.repository.0.first_chunk().unwrap_or(&[0; 8]));
                [repository, head.ordinal, head.bytes]
                    .iter()
                    .fold(stamp, |stamp, part| stamp.wrapping_mul(1_000_003).wrapping_add(*part))
            })
        }))
    }

    /// Takes in what an update brought. Errors: `code_malformed`, `code_outdated`, `store_conflict`.
    pub fn take(&self, workspace: WorkspaceId, source: &str, delta: Delta) -> Result<Taken> {
        delta.check()?;
        let shelf = self.shelf(workspace);
        let mut shelf = shelf.write();
        shelf.follow(&self.store, workspace, &self.store.code_heads(workspace)?)?;
        let id = RepositoryId::of(source);
        check_follows(&delta, shelf.repositories.get(&id))?;
        // Until it is written it is not held, so that a failure leaves what is written.
        let mut kept = shelf.repositories.remove(&id).unwrap_or_default();
        source.clone_into(&mut kept.source);
        let (segment, taken) = kept.update(delta);
        kept.ordinal += 1;
        kept.basis = kept.basis.max(1);
        let place = (kept.basis, kept.ordinal);
        let row = code_segment_insert(workspace, id, place, &packed(&segment)?, self.store.sealer())?;
        self.store.db().batch(vec![row])?;
        if segment.entry.is_some() && kept.ordinal - kept.basis >= SEGMENTS_MAX {
            self.write_anew(workspace, id, &mut kept)?;
        }
        kept.name_symbols();
        shelf.repositories.insert(id, kept);
        Ok(taken)
    }

    /// Erases words of all that is known: `change` says whether it did so in a repository. What has none of them stays as it is.
    pub fn erase(&self, workspace: WorkspaceId, change: impl Fn(&mut Codebase) -> bool) -> Result<()> {
        let shelf = self.shelf(workspace);
        let mut shelf = shelf.write();
        shelf.follow(&self.store, workspace, &self.store.code_heads(workspace)?)?;
        let ids: Vec<RepositoryId> = shelf.repositories.keys().copied().collect();
        for id in ids {
            let Some(mut kept) = shelf.repositories.remove(&id) else { continue };
            if change(&mut kept.codebase) {
                self.write_anew(workspace, id, &mut kept)?;
            }
            shelf.repositories.insert(id, kept);
        }
        Ok(())
    }

    fn shelf(&self, workspace: WorkspaceId) -> Arc<RwLock<Shelf>> {
        Arc::clone(self.held.lock().entry(workspace).or_default())
    }

    /// All of a repository under a new basis, in place of what was written before; one commit.
    fn write_anew(&self, workspace: WorkspaceId, id: RepositoryId, kept: &mut Kept) -> Result<()> {
        let basis = kept.ordinal + 1;
        let mut statements: Vec<Statement> = vec![code_forget(workspace, id, basis)];
        let mut ordinal = kept.ordinal;
        for segment in kept.segments() {
            ordinal += 1;
            let body = packed(&segment)?;
            statements.push(code_segment_insert(
                workspace,
                id,
                (basis, ordinal),
                &body,
                self.store.sealer(),
            )?);
        }
        self.store.db().batch(statements)?;
        (kept.basis, kept.ordinal) = (basis, ordinal);
        Ok(())
    }
}

/// An update goes on from where another has not been meanwhile. Error: `code_outdated`.
fn check_follows(delta: &Delta, known: Option<&Kept>) -> Result<()> {
    let follows = delta.head.as_ref().and_then(|head| head.follows.as_ref());
    let is_at = known.and_then(|kept| kept.codebase.commit.as_ref());
    if follows.is_none() || follows == is_at {
        return Ok(());
    }
    let what = "another update of this repository came between; run `ibid ingest` again";
    Err(Error::conflict("code_outdated", what))
}

impl Shelf {
    /// Those that there are, by their sources.
    pub fn repositories(&self) -> impl Iterator<Item = &Kept> {
        self.repositories.values()
    }

    pub fn repository(&self, source: &str) -> Option<&Kept> {
        self.repositories.get(&RepositoryId::of(source))
    }

    fn is_at(&self, heads: &[CodeHead]) -> bool {
        let is_held = |head: &CodeHead| {
            let kept = self.repositories.get(&head.repository);
            kept.is_some_and(|kept| (kept.basis, kept.ordinal) == (head.basis, head.ordinal))
        };
        heads.len() == self.repositories.len() && heads.iter().all(is_held)
    }

    fn follow(&mut self, store: &Store, workspace: WorkspaceId, heads: &[CodeHead]) -> Result<()> {
        if self.is_at(heads) {
            return Ok(());
        }
        let there: BTreeSet<RepositoryId> = heads.iter().map(|head| head.repository).collect();
        self.repositories.retain(|id, _| there.contains(id));
        for head in heads {
            let known = self.repositories.remove(&head.repository);
            let mut kept = known
                .filter(|kept| kept.basis == head.basis && kept.ordinal <= head.ordinal)
                .unwrap_or_else(|| Kept { basis: head.basis, ordinal: head.basis - 1, ..Kept::default() });
            for (ordinal, body) in store.code_segments(workspace, head.repository, kept.ordinal + 1)? {
                kept.apply(unpacked(&body)?);
                kept.ordinal = ordinal;
            }
            kept.name_symbols();
            self.repositories.insert(head.repository, kept);
        }
        Ok(())
    }
}

impl Kept {
    /// The last part of its source.
    pub fn name(&self) -> &str {
        let source = self.source.trim_end_matches('/').trim_end_matches("/.git");
        source.rsplit('/').next().unwrap_or(source)
    }

    fn apply(&mut self, segment: Segment) {
        self.source = segment.source;
        self.at = segment.at.or(self.at);
        self.codebase.apply(segment.delta, Options::default().commits_max);
        if !segment.ties.is_empty() {
            self.ledger = Ledger::of(segment.ties);
        }
        if let Some(entry) = segment.entry {
            self.ledger.apply(entry);
        }
    }

    /// Takes a delta in, and gives what is to be written of it. Relations are compared once all of its files are there.
    fn update(&mut self, delta: Delta) -> (Segment, Taken) {
        let newest = delta.head.as_ref().and_then(|head| head.commits.first()).map(|commit| commit.at);
        // Times of commits may go back; what holds does not.
        self.at = newest.max(self.at);
        let mut segment =
            Segment { source: self.source.clone(), at: self.at, delta: delta.clone(), ..Segment::default() };
        let is_whole = delta.head.is_some();
        self.codebase.apply(delta, Options::default().commits_max);
        if !is_whole {
            return (segment, Taken::default());
        }
        let since = self.at.filter(|_| !self.ledger.ties().is_empty());
        let entry = self.ledger.compare(structure(&self.codebase, &self.codebase.resolve()), since);
        let taken = Taken { stated: entry.stated.len() as u64, ended: entry.ended.len() as u64 };
        self.ledger.apply(entry.clone());
        segment.entry = Some(entry);
        (segment, taken)
    }

    /// All that is known, to be written anew.
    fn segments(&self) -> Vec<Segment> {
        let codebase = &self.codebase;
        let head = codebase.commit.clone().map(|commit| Head {
            commit,
            follows: None,
            commits: codebase.commits.clone(),
            edits: codebase.edits.clone(),
            skipped: codebase.skipped.clone(),
        });
        let all = Delta { files: codebase.files.clone(), head, ..Delta::default() };
        let segment =
            |delta| Segment { source: self.source.clone(), at: self.at, delta, ..Segment::default() };
        let mut segments: Vec<Segment> = all.parts(SEGMENT_BYTES).into_iter().map(segment).collect();
        if let Some(last) = segments.last_mut() {
            last.ties = self.ledger.ties().to_vec();
        }
        segments
    }

    /// Also those that are gone, as long as something is known of them.
    fn name_symbols(&mut self) {
        let mut keys: BTreeSet<SymbolKey> = BTreeSet::new();
        for (path, file) in &self.codebase.files {
            let symbols = ibid_code::keys(&file.symbols).into_iter();
            keys.extend(symbols.map(|symbol| SymbolKey { path: path.clone(), symbol }));
        }
        for tie in self.ledger.ties().iter().filter(|tie| tie.valid.to.is_some()) {
            for end in [&tie.relation.from, &tie.relation.to] {
                if let Thing::Symbol(key) = end {
                    keys.insert(key.clone());
                }
            }
        }
        self.names.clear();
        for key in keys {
            self.names.entry(key.name().to_owned()).or_default().push(key);
        }
    }
}

fn packed(segment: &Segment) -> Result<String> {
    let unwritten = |error: std::io::Error| {
        Error::internal("code_unwritten", "what a repository holds cannot be packed").caused_by(error)
    };
    let json = serde_json::to_vec(segment).map_err(|error| unwritten(error.into()))?;
    let packed = zstd::encode_all(json.as_slice(), PACKING_LEVEL).map_err(unwritten)?;
    Ok(STANDARD.encode(packed))
}

fn unpacked(body: &str) -> Result<Segment> {
    let unread = |error: std::io::Error| {
        let what = "what is known of a repository cannot be read; have it forgotten (`ibid memory forget --code`) and ingest it again";
        Error::internal("code_unreadable", what).caused_by(error)
    };
    let packed = STANDARD.decode(body).map_err(|error| unread(std::io::Error::other(error)))?;
    let json = zstd::decode_all(packed.as_slice()).map_err(unread)?;
    serde_json::from_slice(&json).map_err(|error| unread(error.into()))
}
