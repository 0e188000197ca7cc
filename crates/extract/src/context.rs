//! Who says something, when, and which names are known already.

use std::collections::HashMap;

use ibid_types::Timestamp;
use jiff::tz::TimeZone;

use crate::found::EntityKind;

/// Names that are known before a text is read.
pub trait Known {
    /// What the name with this key ([`crate::name_key`]) stands for.
    fn kind(&self, key: &str) -> Option<EntityKind>;

    /// Nothing is known: names in small letters need not be looked for.
    fn is_empty(&self) -> bool;
}

/// Nothing is known.
impl Known for () {
    fn kind(&self, _key: &str) -> Option<EntityKind> {
        None
    }

    fn is_empty(&self) -> bool {
        true
    }
}

impl<S: std::hash::BuildHasher> Known for HashMap<String, EntityKind, S> {
    fn kind(&self, key: &str) -> Option<EntityKind> {
        self.get(key).copied()
    }

    fn is_empty(&self) -> bool {
        HashMap::is_empty(self)
    }
}

/// What a text is read against.
pub struct Context<'a> {
    /// When it was said.
    pub at: Timestamp,
    /// Where: days begin at midnight there.
    pub zone: TimeZone,
    /// Who "I" is.
    pub speaker: Option<&'a str>,
    /// Who "you" is.
    pub addressee: Option<&'a str>,
    pub known: &'a dyn Known,
}

impl Context<'_> {
    /// Said at `at`, UTC, by nobody in particular.
    #[must_use]
    pub fn at(at: Timestamp) -> Self {
        Self { at, zone: TimeZone::UTC, speaker: None, addressee: None, known: &() }
    }
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("at", &self.at)
            .field("speaker", &self.speaker)
            .finish_non_exhaustive()
    }
}
