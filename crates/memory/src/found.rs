//! What is to be remembered, whoever found it: the rules, a model, a person, another program.

use std::ops::Range;

use ibid_types::EpisodeId;
use ibid_types::memory::{EntityKind, MemoryKind, Sensitivity, Span};

/// A name with what it stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Named {
    pub name: String,
    pub kind: EntityKind,
}

impl Named {
    #[must_use]
    pub fn new(name: impl Into<String>, kind: EntityKind) -> Self {
        Self { name: name.into(), kind }
    }
}

/// What a fact says of its subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    Entity(Named),
    Words(String),
}

/// A fact that is not recorded yet.
#[derive(Clone, Debug, PartialEq)]
pub struct NewFact {
    pub kind: MemoryKind,
    pub subject: Named,
    pub relation: String,
    pub object: Object,
    pub statement: String,
    pub negated: bool,
    /// It says that one which held has ended.
    pub closes: bool,
    pub single_valued: bool,
    pub said: Span,
    pub confidence: f32,
    pub importance: f32,
    pub sensitivity: Sensitivity,
    /// Where it is said: bytes of an episode's text.
    pub sources: Vec<(EpisodeId, Range<usize>)>,
}

impl NewFact {
    /// Something that is certain and matters, with no time of its own.
    #[must_use]
    pub fn new(
        subject: Named,
        relation: impl Into<String>,
        object: Object,
        statement: impl Into<String>,
    ) -> Self {
        Self {
            kind: MemoryKind::Fact,
            subject,
            relation: relation.into(),
            object,
            statement: statement.into(),
            negated: false,
            closes: false,
            single_valued: false,
            said: Span::default(),
            confidence: 1.0,
            importance: 0.5,
            sensitivity: Sensitivity::Ordinary,
            sources: Vec::new(),
        }
    }
}
