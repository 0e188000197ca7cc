//! What a memory index takes in: items derived from rows, each under a key, and what narrows a search of them.

use ibid_types::Timestamp;

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A text that was remembered as it was said.
    Episode,
    /// One version of what is believed.
    Fact,
    Entity,
}

/// An item's identity: the id of its row, among those of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub kind: Kind,
    pub id: [u8; 16],
}

impl Key {
    #[must_use]
    pub const fn new(kind: Kind, id: [u8; 16]) -> Self {
        Self { kind, id }
    }
}

/// From an instant on, up to another; without an end where none is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
}

/// Turn 3 of a thread: what stands beside an episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub series: [u8; 16],
    /// Grows along the series; gaps are no matter, and each number is used once.
    pub ordinal: u32,
}

/// An episode, a version of a fact, or an entity, as it is to be found.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub key: Key,
    /// Whose it is; a search names the owners whose items it may see.
    pub owner: String,
    /// Left out of searches that do not ask for it.
    pub archived: bool,
    /// A finer kind (`preference`, `turn`, `person`); searches may be narrowed to some.
    pub class: String,
    /// Its words are indexed, itself is not kept.
    pub text: String,
    /// Its language (ISO 639-1), where it is known.
    pub language: Option<String>,
    /// Without one, or with one of another length than the index's, it is found by its words and links.
    pub vector: Option<Vec<f32>>,
    /// When it was said. The words of the date can be asked for.
    pub at: Option<Timestamp>,
    /// Who said it.
    pub speaker: Option<String>,
    pub place: Option<Place>,
    /// When it holds in the world.
    pub valid: Period,
    /// When the system believed it.
    pub believed: Period,
    /// 0 to 1.
    pub importance: f32,
    /// The ids of the entities that it names.
    pub entities: Vec<[u8; 16]>,
    /// What an entity is called: a question that says one of these means it.
    pub names: Vec<String>,
}

impl Item {
    /// An item of which nothing is known but its text.
    #[must_use]
    pub fn new(key: Key, owner: &str, text: &str) -> Self {
        Self {
            key,
            owner: owner.to_owned(),
            archived: false,
            class: String::new(),
            text: text.to_owned(),
            language: None,
            vector: None,
            at: None,
            speaker: None,
            place: None,
            valid: Period::default(),
            believed: Period::default(),
            importance: 0.0,
            entities: Vec::new(),
            names: Vec::new(),
        }
    }
}

/// One change of a memory index.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Takes the place of an item with the same key.
    Put(Box<Item>),
    /// An item that is not there is no matter.
    Remove(Key),
}

/// What narrows a search. Every field that is set must hold; it is applied inside each search, never after it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// The owners whose items may be seen. Without any, nothing is found.
    pub owners: Vec<String>,
    /// One of these kinds.
    pub kinds: Vec<Kind>,
    /// One of these classes.
    pub classes: Vec<String>,
    /// Archived items too.
    pub archived: bool,
    /// Facts that hold in the world at this instant.
    pub valid_at: Option<Timestamp>,
    /// Facts that the system believed at this instant; without it, those that it believes now.
    pub believed_at: Option<Timestamp>,
    /// What was said, or held, at or after this.
    pub from: Option<Timestamp>,
    /// What was said, or held, before this.
    pub to: Option<Timestamp>,
    /// What this entity has to do with: items that name it, and itself.
    pub entity: Option<[u8; 16]>,
    /// What this speaker said.
    pub speaker: Option<String>,
    /// Of at least this importance.
    pub importance_min: f32,
}

impl Filter {
    /// This filter with only what says whose memory it is, as of when.
    #[must_use]
    pub fn reach(&self) -> Self {
        let owners = self.owners.clone();
        Self { owners, archived: self.archived, believed_at: self.believed_at, ..Self::default() }
    }
}
