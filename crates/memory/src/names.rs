//! Which entity a name means: by its key, else by a name so like it that no other can be meant.
//!
//! Keeps true: names of one owner are never taken for those of another; what is shared is known to all.

use std::collections::{HashMap, HashSet};

use ibid_extract::{Known, name_key, same_name};
use ibid_store::{Remembered, Store};
use ibid_types::memory::{Entity, EntityKind, Owner};
use ibid_types::{EntityId, Result, WorkspaceId};

/// Names less alike than this are of two.
const SAME_MIN: f32 = 0.85;
/// Names with a word in common that are looked at.
const ALIKE_MAX: usize = 64;
const PAGE: usize = 2000;

/// The names of a workspace's entities, as they are after a position of the feed.
#[derive(Debug)]
pub struct Names {
    workspace: WorkspaceId,
    position: i64,
    by_key: HashMap<(Owner, String), EntityId>,
    by_word: HashMap<(Owner, String), Vec<EntityId>>,
    entities: HashMap<EntityId, Entity>,
}

impl Names {
    /// Reads all there are.
    pub fn load(store: &Store, workspace: WorkspaceId) -> Result<Self> {
        let position = store.feed_head()?;
        let (by_key, by_word, entities) = Default::default();
        let mut names = Self { workspace, position, by_key, by_word, entities };
        let mut after = None;
        loop {
            let page = store.entities_after(workspace, after, PAGE)?;
            let Some(last) = page.last() else { return Ok(names) };
            after = Some(last.id);
            page.into_iter().for_each(|entity| names.put(entity));
        }
    }

    /// Reads what has changed since.
    pub fn refresh(&mut self, store: &Store) -> Result<()> {
        let (changed, position) = store.memory_changes(self.workspace, self.position)?;
        if changed.contains(&Remembered::All) {
            *self = Self::load(store, self.workspace)?;
            return Ok(());
        }
        let ids: Vec<EntityId> = changed
            .into_iter()
            .filter_map(|what| match what {
                Remembered::Entity(id) => Some(id),
                _ => None,
            })
            .collect();
        ids.iter().for_each(|id| self.remove(*id));
        store.entities_by_id(&ids)?.into_iter().for_each(|entity| self.put(entity));
        self.position = position;
        Ok(())
    }

    #[must_use]
    pub fn entity(&self, id: EntityId) -> Option<&Entity> {
        self.entities.get(&id)
    }

    /// The entity that an owner means by a name: their own before what is shared.
    #[must_use]
    pub fn find(&self, owner: Owner, name: &str) -> Option<EntityId> {
        let key = name_key(name);
        if key.is_empty() {
            return None;
        }
        let scopes = [owner, Owner::Shared];
        let exact = scopes.iter().find_map(|scope| self.by_key.get(&(*scope, key.clone())).copied());
        exact.or_else(|| scopes.iter().find_map(|scope| self.alike(*scope, name, &key)))
    }

    /// Those that an owner knows.
    #[must_use]
    pub const fn of(&self, owner: Owner) -> KnownTo<'_> {
        KnownTo { names: self, owner }
    }

    /// Adds an entity that is about to be written, so that the next name of the same batch finds it.
    pub fn put(&mut self, entity: Entity) {
        for name in std::iter::once(&entity.known.name).chain(&entity.known.aliases) {
            let key = name_key(name);
            for word in words(&key) {
                self.by_word.entry((entity.owner, word.to_owned())).or_default().push(entity.id);
            }
            self.by_key.entry((entity.owner, key)).or_insert(entity.id);
        }
        self.entities.insert(entity.id, entity);
    }

    /// Forgets an entity.
    pub fn remove(&mut self, id: EntityId) {
        let Some(entity) = self.entities.remove(&id) else { return };
        for name in std::iter::once(&entity.known.name).chain(&entity.known.aliases) {
            let key = name_key(name);
            for word in words(&key) {
                if let Some(ids) = self.by_word.get_mut(&(entity.owner, word.to_owned())) {
                    ids.retain(|other| *other != id);
                }
            }
            let at = (entity.owner, key);
            if self.by_key.get(&at) == Some(&id) {
                self.by_key.remove(&at);
            }
        }
    }

    /// The only entity with a name that is much like this one.
    fn alike(&self, owner: Owner, name: &str, key: &str) -> Option<EntityId> {
        let mut near: HashSet<EntityId> = HashSet::new();
        for word in words(key) {
            let ids = self.by_word.get(&(owner, word.to_owned()));
            near.extend(ids.into_iter().flatten().take(ALIKE_MAX));
        }
        let is_alike = |id: &EntityId| self.likeness(*id, name) >= SAME_MIN;
        let mut alike = near.into_iter().filter(is_alike);
        let first = alike.next()?;
        alike.next().is_none().then_some(first)
    }

    fn likeness(&self, id: EntityId, name: &str) -> f32 {
        let Some(entity) = self.entities.get(&id) else { return 0.0 };
        let names = std::iter::once(&entity.known.name).chain(&entity.known.aliases);
        names.map(|known| same_name(known, name)).fold(0.0, f32::max)
    }
}

/// The names that an owner knows, for whoever reads what they tell.
#[derive(Debug)]
pub struct KnownTo<'a> {
    names: &'a Names,
    owner: Owner,
}

impl Known for KnownTo<'_> {
    fn kind(&self, key: &str) -> Option<ibid_extract::EntityKind> {
        let scopes = [self.owner, Owner::Shared];
        let id = scopes.iter().find_map(|scope| self.names.by_key.get(&(*scope, key.to_owned())))?;
        self.names.entities.get(id).map(|entity| extracted(entity.kind))
    }

    fn is_empty(&self) -> bool {
        self.names.entities.is_empty()
    }
}

const fn extracted(kind: EntityKind) -> ibid_extract::EntityKind {
    use ibid_extract::EntityKind as Kind;
    match kind {
        EntityKind::Person => Kind::Person,
        EntityKind::Organisation => Kind::Organisation,
        EntityKind::Place => Kind::Place,
        EntityKind::Event => Kind::Event,
        EntityKind::Work | EntityKind::Document => Kind::Work,
        EntityKind::Product => Kind::Product,
        EntityKind::Concept => Kind::Concept,
        EntityKind::File => Kind::File,
        EntityKind::Symbol => Kind::Symbol,
        EntityKind::Commit | EntityKind::Other => Kind::Other,
    }
}

fn words(key: &str) -> impl Iterator<Item = &str> {
    key.split(' ').filter(|word| word.len() > 1)
}
