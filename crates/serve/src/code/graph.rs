//! Repositories as a part of a workspace's graph: symbols, files and folders as entities, what holds between them as edges, and people's
//! own entities tied to the code that they name.
//!
//! Keeps true: ids are made of keys, so they stay from update to update; nothing of it is a row among people's memories.

use std::collections::HashMap;

use ibid_code::{Relation, SymbolKey, Thing};
use ibid_index::memory::{Beside, Bond};
use ibid_store::RepositoryId;
use ibid_types::memory::{Entity, EntityKind, Known, Owner, Span};
use ibid_types::{EntityId, FactId, Timestamp, WorkspaceId};

use super::{Kept, Shelf};

/// The relation of what people told to the code that it is about.
const NAMES: &str = "NAMES";

/// A thing of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed<'a> {
    pub kept: &'a Kept,
    pub thing: Thing,
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Kept {}

impl Placed<'_> {
    pub fn entity(&self) -> EntityId {
        EntityId::from_bytes(self.kept.hash(&["entity", &self.thing.to_string()]))
    }
}

impl Kept {
    fn hash(&self, parts: &[&str]) -> [u8; 16] {
        let mut all = self.source.clone();
        for part in parts {
            all.push('\0');
            all.push_str(part);
        }
        RepositoryId::of(&all).0
    }

    pub fn fact_id(&self, relation: &Relation) -> FactId {
        let ends = [relation.from.to_string(), relation.to.to_string()];
        FactId::from_bytes(self.hash(&[relation.kind.name(), &ends[0], &ends[1]]))
    }

    /// What people call it.
    pub fn called(&self, thing: &Thing) -> String {
        match thing {
            Thing::Repository => self.name().to_owned(),
            other => other.to_string(),
        }
    }
}

pub const fn kind_of(thing: &Thing) -> EntityKind {
    match thing {
        Thing::File(_) => EntityKind::File,
        Thing::Symbol(_) => EntityKind::Symbol,
        Thing::Commit(_) => EntityKind::Commit,
        Thing::Repository | Thing::Folder(_) | Thing::Note(..) => EntityKind::Other,
    }
}

impl Shelf {
    /// What a name means: a symbol, a file, a folder, a repository; nothing where it means several things or none.
    pub fn thing(&self, name: &str) -> Option<Placed<'_>> {
        let mut found = self.things(name);
        if found.len() > 1 {
            found.retain(|placed| placed.thing.to_string() == name);
        }
        (found.len() == 1).then(|| found.remove(0))
    }

    fn things(&self, name: &str) -> Vec<Placed<'_>> {
        let mut found = Vec::new();
        for kept in self.repositories() {
            let mut put = |thing| found.push(Placed { kept, thing });
            let folder = name.trim_end_matches('/');
            if kept.name() == name || kept.source == name {
                put(Thing::Repository);
            } else if kept.codebase.files.contains_key(name) {
                put(Thing::File(name.to_owned()));
            } else if !folder.is_empty() && kept.has_folder(folder) {
                put(Thing::Folder(folder.to_owned()));
            } else {
                kept.symbols(name).into_iter().map(Thing::Symbol).for_each(put);
            }
        }
        found
    }

    /// The thing of an id.
    pub fn thing_of(&self, id: EntityId) -> Option<Placed<'_>> {
        let all = self
            .repositories()
            .flat_map(|kept| kept.things().into_iter().map(move |thing| Placed { kept, thing }));
        all.into_iter().find(|placed| placed.entity() == id)
    }

    /// All of it, and its ties to people's entities.
    pub fn beside(&self, workspace: WorkspaceId, entities: &[Entity]) -> Beside {
        let mut beside = Beside::default();
        for kept in self.repositories() {
            kept.add_to(workspace, &mut beside);
        }
        for entity in entities {
            if let Some(placed) = self.thing(&entity.known.name) {
                beside.bonds.push(Bond {
                    fact: FactId::from_bytes(placed.kept.hash(&[NAMES, &entity.id.to_string()])),
                    from: entity.id,
                    to: placed.entity(),
                    relation: NAMES,
                    owner: entity.owner,
                    valid: Span::default(),
                    recorded_at: entity.created_at,
                    weight: 0.5,
                });
            }
        }
        beside
    }
}

impl Kept {
    fn has_folder(&self, folder: &str) -> bool {
        let start = format!("{folder}/");
        self.codebase.files.range(start.clone()..).next().is_some_and(|(path, _)| path.starts_with(&start))
    }

    /// By name, by qualified name or its end, or by key.
    pub fn symbols(&self, name: &str) -> Vec<SymbolKey> {
        let (path, symbol) = name.split_once('#').map_or((None, name), |(path, symbol)| (Some(path), symbol));
        let asked = SymbolKey { path: String::new(), symbol: symbol.to_owned() };
        let fits = |key: &&SymbolKey| {
            let is_of = key.symbol == symbol || key.qualified() == symbol || {
                let before = key.qualified().strip_suffix(symbol);
                before.is_some_and(|before| before.ends_with("::") || before.ends_with('.'))
            };
            is_of && path.is_none_or(|path| key.path == path)
        };
        let all = self.names.get(asked.name()).map(Vec::as_slice).unwrap_or_default();
        all.iter().filter(fits).cloned().collect()
    }

    fn things(&self) -> Vec<Thing> {
        let mut things = vec![Thing::Repository];
        things.extend(self.codebase.files.keys().cloned().map(Thing::File));
        let mut others: Vec<Thing> = Vec::new();
        for tie in self.ledger.ties() {
            others.extend([tie.relation.from.clone(), tie.relation.to.clone()]);
        }
        others.sort_unstable();
        others.dedup();
        others.retain(|thing| !matches!(thing, Thing::Repository | Thing::File(_)));
        things.extend(others);
        things
    }

    fn add_to(&self, workspace: WorkspaceId, beside: &mut Beside) {
        let at = self.at.unwrap_or(Timestamp(0));
        let mut ids: HashMap<&Thing, EntityId> = HashMap::new();
        for tie in self.ledger.ties() {
            for thing in [&tie.relation.from, &tie.relation.to] {
                ids.entry(thing).or_insert_with(|| {
                    let id = EntityId::from_bytes(self.hash(&["entity", &thing.to_string()]));
                    let known = Known { name: self.called(thing), aliases: Vec::new() };
                    let kind = kind_of(thing);
                    beside.entities.push(Entity {
                        id,
                        workspace,
                        owner: Owner::Shared,
                        kind,
                        created_at: at,
                        known,
                    });
                    id
                });
            }
            let relation = &tie.relation;
            beside.bonds.push(Bond {
                fact: self.fact_id(relation),
                from: ids[&relation.from],
                to: ids[&relation.to],
                relation: relation.kind.name(),
                owner: Owner::Shared,
                valid: tie.valid,
                // What is read of a commit is true of it: it is believed of all times at which it held.
                recorded_at: Timestamp(i64::MIN),
                weight: relation.confidence * 0.5,
            });
        }
    }
}
