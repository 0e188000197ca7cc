//! A library in a temporary folder with a memory over it, a clock that stands, and an embedder that knows words only.
#![allow(clippy::unwrap_used, dead_code)]

use std::path::Path;
use std::sync::Arc;

use ibid_memory::{Memory, MemoryConfig, NewEpisode, Scope};
use ibid_model::{Embedder, EmbedderSpec, Purpose};
use ibid_runtime::Clock;
use ibid_store::{FactsQuery, Sqlite, SqliteConfig, Store};
use ibid_types::memory::{Fact, Owner};
use ibid_types::{Result, Timestamp, WorkspaceId};
use tempfile::TempDir;

const DIMENSIONS: usize = 64;

/// Texts with the same words have the same vector.
#[derive(Debug)]
pub struct Words(EmbedderSpec);

impl Embedder for Words {
    fn spec(&self) -> &EmbedderSpec {
        &self.0
    }

    fn embed(&self, texts: &[&str], _purpose: Purpose) -> Result<Vec<Vec<f32>>> {
        Ok(texts.iter().map(|text| vector(text)).collect())
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }
}

fn vector(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0; DIMENSIONS];
    for word in text.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let place =
            word.bytes().fold(7_usize, |hash, byte| hash.wrapping_mul(31).wrapping_add(usize::from(byte)));
        vector[place % DIMENSIONS] += 1.0;
    }
    let length = vector.iter().map(|number: &f32| number * number).sum::<f32>().sqrt().max(1e-6);
    vector.iter().map(|number| number / length).collect()
}

pub struct Home {
    pub folder: TempDir,
    pub clock: Clock,
    pub store: Store,
    pub memory: Memory,
    pub workspace: WorkspaceId,
}

pub const DAY: i64 = 24 * 3600 * 1000;

impl Home {
    /// On the 3rd of May 2026, a Sunday.
    pub fn new() -> Self {
        Self::with(MemoryConfig::default())
    }

    pub fn with(config: MemoryConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual("2026-05-03T10:00:00Z".parse().unwrap());
        let sqlite = Sqlite::open(SqliteConfig::new(folder.path().join("ibid.db"))).unwrap();
        let store = Store::new(Arc::new(sqlite), clock.clone());
        let workspace = store.workspace_ensure("main").unwrap().id;
        let spec = EmbedderSpec { id: "words".to_owned(), dimensions: DIMENSIONS, tokens_max: 256 };
        let memory = Memory::new(store.clone(), Arc::new(Words(spec)), config);
        Self { folder, clock, store, memory, workspace }
    }

    pub fn scope(&self) -> Scope {
        Scope { workspace: self.workspace, owner: Owner::Machine, now: self.clock.now() }
    }

    /// Takes a note in and reads it.
    pub fn note(&self, text: &str) -> ibid_types::EpisodeId {
        self.tell(NewEpisode::note(text))
    }

    pub fn tell(&self, episode: NewEpisode) -> ibid_types::EpisodeId {
        let taken = self.memory.remember(self.workspace, Owner::Machine, vec![episode]).unwrap();
        while self.memory.work().unwrap() > 0 {}
        taken.episodes[0]
    }

    pub fn facts(&self) -> Vec<Fact> {
        self.facts_as_of(None, None)
    }

    pub fn facts_as_of(&self, valid_at: Option<Timestamp>, believed_at: Option<Timestamp>) -> Vec<Fact> {
        let query = FactsQuery {
            owners: vec![Owner::Machine],
            valid_at,
            believed_at,
            limit: 10_000,
            ..FactsQuery::default()
        };
        self.store.fact_list(self.workspace, &query).unwrap().items
    }

    /// Files of the library that hold these bytes.
    pub fn files_with(&self, text: &str) -> Vec<String> {
        let holds = |path: &Path| {
            let bytes = std::fs::read(path).unwrap();
            bytes.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text.as_bytes()))
        };
        let files = std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.is_file() && holds(path)).map(|path| path.display().to_string()).collect()
    }
}
