//! The memories of all workspaces that were asked for, made of rows and kept up with the feed.
//!
//! Keeps true: whoever asks after a commit was acknowledged finds what it wrote; nothing is held of a workspace that nobody asks.

use std::collections::HashMap;
use std::sync::Arc;

use ibid_store::{MemoryVector, Remembered, Store};
use ibid_types::memory::{Entity, Episode, EpisodeKind, Fact};
use ibid_types::{EntityId, EpisodeId, FactId, FactVersionId, Result, WorkspaceId};
use parking_lot::Mutex;

use super::{Change, Item, Key, Kind, Memory, Period, Place};

/// Rows read at once.
const PAGE: usize = 2000;

/// Every memory that was asked for since the start.
#[derive(Debug)]
pub struct Memories {
    store: Store,
    model: String,
    dimensions: usize,
    held: Mutex<HashMap<WorkspaceId, Arc<Mutex<Held>>>>,
}

/// One workspace's.
#[derive(Debug)]
struct Held {
    memory: Arc<Memory>,
    position: i64,
    /// The states of each fact that are in the index.
    states: HashMap<FactId, Vec<FactVersionId>>,
}

impl Memories {
    #[must_use]
    pub fn new(store: Store, model: &str, dimensions: usize) -> Self {
        Self { store, model: model.to_owned(), dimensions, held: Mutex::default() }
    }

    /// A workspace's memory as it is now: read whole at first, then kept up by what changes.
    pub fn of(&self, workspace: WorkspaceId) -> Result<Arc<Memory>> {
        let held = Arc::clone(self.held.lock().entry(workspace).or_insert_with(|| {
            let memory = Arc::new(Memory::new(self.dimensions));
            Arc::new(Mutex::new(Held { memory, position: -1, states: HashMap::new() }))
        }));
        let mut held = held.lock();
        if held.position < 0 {
            self.read(workspace, &mut held)?;
        }
        self.follow(workspace, &mut held)?;
        Ok(Arc::clone(&held.memory))
    }

    fn read(&self, workspace: WorkspaceId, held: &mut Held) -> Result<()> {
        let position = self.store.feed_head()?;
        *held = Held { memory: Arc::new(Memory::new(self.dimensions)), position, states: HashMap::new() };
        let mut after = None;
        loop {
            let page = self.store.entities_after(workspace, after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            held.memory.apply(&page.iter().map(|entity| put(of_entity(entity))).collect::<Vec<_>>());
        }
        let mut after = None;
        loop {
            let page = self.store.episodes_after(workspace, after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            self.put_episodes(held, &page)?;
        }
        let mut after = None;
        loop {
            let page = self.store.facts_after(workspace, after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some(last.version);
            self.put_facts(held, &page)?;
        }
        Ok(())
    }

    fn follow(&self, workspace: WorkspaceId, held: &mut Held) -> Result<()> {
        let (changed, position) = self.store.memory_changes(workspace, held.position)?;
        if changed.contains(&Remembered::All) {
            return self.read(workspace, held);
        }
        let (mut entities, mut episodes, mut facts) = (Vec::new(), Vec::new(), Vec::new());
        for what in changed {
            match what {
                Remembered::Entity(id) => entities.push(id),
                Remembered::Episode(id) => episodes.push(id),
                Remembered::Fact(id) => facts.push(id),
                Remembered::All => {}
            }
        }
        self.renew_entities(held, &entities)?;
        self.renew_facts(held, &facts)?;
        // What an episode names is known once its facts are.
        episodes.extend(self.store.sources_of(&facts)?.into_iter().map(|source| source.episode));
        episodes.sort_unstable();
        episodes.dedup();
        self.renew_episodes(held, &episodes)?;
        held.position = position;
        Ok(())
    }

    fn renew_entities(&self, held: &Held, ids: &[EntityId]) -> Result<()> {
        let mut changes: Vec<Change> = ids.iter().map(|id| remove(Kind::Entity, *id.as_bytes())).collect();
        changes.extend(self.store.entities_by_id(ids)?.iter().map(|entity| put(of_entity(entity))));
        held.memory.apply(&changes);
        Ok(())
    }

    fn renew_episodes(&self, held: &Held, ids: &[EpisodeId]) -> Result<()> {
        let gone: Vec<Change> = ids.iter().map(|id| remove(Kind::Episode, *id.as_bytes())).collect();
        held.memory.apply(&gone);
        self.put_episodes(held, &self.store.episodes_by_id(ids)?)
    }

    fn renew_facts(&self, held: &mut Held, ids: &[FactId]) -> Result<()> {
        let known = ids.iter().filter_map(|id| held.states.remove(id)).flatten();
        let gone: Vec<Change> = known.map(|version| remove(Kind::Fact, *version.as_bytes())).collect();
        held.memory.apply(&gone);
        let states = self.store.facts_by_id(ids)?;
        self.put_facts(held, &states)
    }

    fn put_episodes(&self, held: &Held, episodes: &[Episode]) -> Result<()> {
        let ids: Vec<EpisodeId> = episodes.iter().map(|episode| episode.id).collect();
        let vectors = self.vectors(ids.iter().map(|id| *id.as_bytes()).collect())?;
        let sources = self.store.sources_in(&ids)?;
        let mut facts: Vec<FactId> = sources.iter().map(|source| source.fact).collect();
        facts.sort_unstable();
        facts.dedup();
        let about: HashMap<FactId, Vec<EntityId>> =
            self.store.facts_by_id(&facts)?.into_iter().map(|fact| (fact.id, entities_of(&fact))).collect();
        let item = |episode: &Episode| {
            let own = sources.iter().filter(|source| source.episode == episode.id);
            let mut entities: Vec<EntityId> =
                own.filter_map(|source| about.get(&source.fact)).flatten().copied().collect();
            entities.sort_unstable();
            entities.dedup();
            put(of_episode(episode, &entities, vectors.get(episode.id.as_bytes()).cloned()))
        };
        held.memory
            .apply(&episodes.iter().filter(|episode| !is_noise(episode)).map(item).collect::<Vec<_>>());
        Ok(())
    }

    fn put_facts(&self, held: &mut Held, facts: &[Fact]) -> Result<()> {
        let vectors = self.vectors(facts.iter().map(|fact| *fact.id.as_bytes()).collect())?;
        let item = |fact: &Fact| put(of_fact(fact, vectors.get(fact.id.as_bytes()).cloned()));
        held.memory.apply(&facts.iter().map(item).collect::<Vec<_>>());
        facts.iter().for_each(|fact| held.states.entry(fact.id).or_default().push(fact.version));
        Ok(())
    }

    fn vectors(&self, mut ids: Vec<[u8; 16]>) -> Result<HashMap<[u8; 16], Vec<f32>>> {
        ids.sort_unstable();
        ids.dedup();
        let read = |found: MemoryVector| (found.id, found.numbers());
        Ok(self.store.memory_vectors(&ids, &self.model)?.into_iter().map(read).collect())
    }
}

fn put(item: Item) -> Change {
    Change::Put(Box::new(item))
}

const fn remove(kind: Kind, id: [u8; 16]) -> Change {
    Change::Remove(Key::new(kind, id))
}

fn entities_of(fact: &Fact) -> Vec<EntityId> {
    [Some(fact.subject), fact.object].into_iter().flatten().collect()
}

fn of_entity(entity: &Entity) -> Item {
    let mut names = vec![entity.known.name.clone()];
    names.extend(entity.known.aliases.iter().cloned());
    let key = Key::new(Kind::Entity, *entity.id.as_bytes());
    let class = entity.kind.name().to_owned();
    Item { class, names, ..Item::new(key, &entity.owner.to_string(), &entity.known.name) }
}

/// That a file was saved is kept, very often, and asked for by nobody.
fn is_noise(episode: &Episode) -> bool {
    episode.kind == EpisodeKind::Event && episode.archived_at.is_some()
}

fn of_episode(episode: &Episode, entities: &[EntityId], vector: Option<Vec<f32>>) -> Item {
    let key = Key::new(Kind::Episode, *episode.id.as_bytes());
    Item {
        archived: episode.archived_at.is_some(),
        class: episode.kind.name().to_owned(),
        vector,
        at: Some(episode.at),
        speaker: episode.said.speaker.clone(),
        place: episode.series.map(|series| Place { series: series.id, ordinal: series.ordinal }),
        importance: episode.importance.unwrap_or_default(),
        entities: entities.iter().map(|id| *id.as_bytes()).collect(),
        ..Item::new(key, &episode.owner.to_string(), &episode.said.text)
    }
}

fn of_fact(fact: &Fact, vector: Option<Vec<f32>>) -> Item {
    let key = Key::new(Kind::Fact, *fact.version.as_bytes());
    Item {
        archived: fact.archived_at.is_some(),
        class: fact.kind.name().to_owned(),
        vector,
        valid: Period { from: fact.valid.from, to: fact.valid.to },
        believed: Period { from: Some(fact.recorded_at), to: fact.retracted_at },
        importance: fact.importance,
        entities: entities_of(fact).iter().map(|id| *id.as_bytes()).collect(),
        ..Item::new(key, &fact.owner.to_string(), &fact.stated.statement)
    }
}
