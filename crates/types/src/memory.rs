//! Memory: episodes, and the entities and dated facts that were found in them.
//!
//! Keeps true: a fact's version says when it holds in the world (`valid`) and when the system believed it (`believed`);
//! both are half open, and an end that is not known is none.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::access::Holder;
use crate::{EntityId, EpisodeId, Error, FactId, FactVersionId, Result, Timestamp, WorkspaceId};

macro_rules! named {
    ($(#[$doc:meta])* $type:ident, $what:literal, $($(#[$of:meta])* $variant:ident => $name:literal),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $type {
            $($(#[$of])* $variant),+
        }

        impl $type {
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $type {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                Self::ALL.iter().copied().find(|known| known.name() == text).ok_or_else(|| {
                    let names: Vec<&str> = Self::ALL.iter().map(|known| known.name()).collect();
                    let what = format!("there is no {} '{text}'; use {}", $what, names.join(", "));
                    Error::bad_request("value_unknown", what)
                })
            }
        }
    };
}

named!(
    /// What a piece of text that is remembered was.
    EpisodeKind, "kind of episode",
    /// A question of a conversation, or what somebody said in one.
    Turn => "turn",
    /// Something that was asked to be remembered.
    Note => "note",
    /// A passage of a document.
    Passage => "passage",
    /// What an editor or another program told of itself.
    Event => "event",
);

named!(
    /// What kind of memory a fact is.
    MemoryKind, "kind of memory",
    Fact => "fact",
    /// What was learned or decided, and why.
    Insight => "insight",
    /// How something is done.
    Procedure => "procedure",
    /// What something means.
    Concept => "concept",
    Preference => "preference",
);

named!(
    /// What an entity is.
    EntityKind, "kind of entity",
    Person => "person",
    Organisation => "organisation",
    Place => "place",
    Event => "event",
    Work => "work",
    Product => "product",
    Concept => "concept",
    File => "file",
    Symbol => "symbol",
    Commit => "commit",
    Document => "document",
    Other => "other",
);

named!(
    /// How carefully a memory is to be handled.
    Sensitivity, "sensitivity",
    /// Nothing about a person.
    Ordinary => "ordinary",
    /// Of a person's life.
    Personal => "personal",
    /// Health, belief, money, credentials: never told to others, nor given to models of others.
    Sensitive => "sensitive",
);

named!(
    /// What somebody allows to be remembered of them.
    Consent, "consent",
    /// Nothing: what is asked to be remembered is refused too.
    Off => "off",
    /// What they ask to be remembered, and no more.
    Asked => "asked",
    /// What they say in conversations as well.
    On => "on",
);

named!(
    /// Why a version of a fact is there.
    Cause, "cause",
    Recorded => "recorded",
    /// The same was said again: sources, confidence or validity grew.
    Merged => "merged",
    /// A newer fact ended its validity.
    Closed => "closed",
    Edited => "edited",
    /// A person decided between two that contradict each other.
    Overruled => "overruled",
    /// Nobody believes it any more; it was a mistake.
    Retracted => "retracted",
    Imported => "imported",
);

/// Whose memory something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// Everybody's who reads in the workspace.
    Shared,
    /// Whoever can read the data directory.
    Machine,
    Holder(Holder),
}

/// `shared`, `machine`, `user:ID`, `key:ID`.
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shared => f.write_str("shared"),
            Self::Machine => f.write_str("machine"),
            Self::Holder(holder) => holder.fmt(f),
        }
    }
}

impl FromStr for Owner {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "shared" => Ok(Self::Shared),
            "machine" => Ok(Self::Machine),
            other => other.parse().map(Self::Holder),
        }
    }
}

impl Serialize for Owner {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Owner {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error: Error| serde::de::Error::custom(error.message))
    }
}

/// The relations that have a meaning of their own; every other is the user's.
pub mod relation {
    pub const RELATES_TO: &str = "RELATES_TO";
    pub const DEPENDS_ON: &str = "DEPENDS_ON";
    pub const BUILDS_ON: &str = "BUILDS_ON";
    pub const CONTRADICTS: &str = "CONTRADICTS";
    pub const SUPERSEDES: &str = "SUPERSEDES";
    pub const EXCEPTION_TO: &str = "EXCEPTION_TO";
    pub const PART_OF: &str = "PART_OF";

    /// Characters of a relation's name.
    pub const CHARS_MAX: usize = 64;

    use crate::{Error, Result};

    /// A relation's name as it is kept: `works at` and `WORKS_AT` are the same. Error: `relation_malformed`.
    pub fn read(text: &str) -> Result<String> {
        let words: Vec<String> = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_uppercase)
            .collect();
        let name = words.join("_");
        let is_name = name.starts_with(char::is_alphabetic) && name.chars().count() <= CHARS_MAX;
        if is_name {
            return Ok(name);
        }
        let what = format!(
            "'{text}' names no relation; use up to {CHARS_MAX} letters, such as DEPENDS_ON or WORKS_AT"
        );
        Err(Error::bad_request("relation_malformed", what))
    }
}

/// A time from an instant on, up to another; without an end where none is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
}

impl Span {
    #[must_use]
    pub const fn new(from: Option<Timestamp>, to: Option<Timestamp>) -> Self {
        Self { from, to }
    }

    #[must_use]
    pub fn holds_at(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }

    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        let begins_before_end = |a: &Self, b: &Self| match (a.from, b.to) {
            (Some(from), Some(to)) => from < to,
            _ => true,
        };
        begins_before_end(self, other) && begins_before_end(other, self)
    }

    /// Whether it ends no earlier than it begins.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        !matches!((self.from, self.to), (Some(from), Some(to)) if to < from)
    }
}

/// Where an episode stands among others: turn 3 of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Series {
    pub id: [u8; 16],
    pub ordinal: u32,
}

/// A text that was remembered, as it was said.
#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    pub id: EpisodeId,
    pub workspace: WorkspaceId,
    pub owner: Owner,
    pub kind: EpisodeKind,
    pub series: Option<Series>,
    /// When it was said, in the world.
    pub at: Timestamp,
    pub recorded_at: Timestamp,
    /// 0 (small talk) to 1; none until it was read.
    pub importance: Option<f32>,
    pub archived_at: Option<Timestamp>,
    pub said: Said,
}

/// What an episode says, and of whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Said {
    pub text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addressee: Option<String>,
    /// IANA name of the zone in which its words for days are meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Where it came from, in the words of whoever sent it: a thread, a file, an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    pub sensitivity: Option<Sensitivity>,
}

/// Somebody or something that facts are about.
#[derive(Clone, Debug, PartialEq)]
pub struct Entity {
    pub id: EntityId,
    pub workspace: WorkspaceId,
    pub owner: Owner,
    pub kind: EntityKind,
    pub created_at: Timestamp,
    pub known: Known,
}

/// What an entity is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Known {
    pub name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// One state of a fact: what is believed from `recorded_at` on, until `retracted_at`.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    pub version: FactVersionId,
    pub id: FactId,
    pub workspace: WorkspaceId,
    pub owner: Owner,
    pub kind: MemoryKind,
    pub subject: EntityId,
    /// None where it says something that is no entity; `stated.object` has its words then.
    pub object: Option<EntityId>,
    pub valid: Span,
    pub recorded_at: Timestamp,
    pub retracted_at: Option<Timestamp>,
    pub cause: Cause,
    /// The fact that ended this one's validity, or that it was decided for or against.
    pub closed_by: Option<FactId>,
    /// 0 to 1.
    pub confidence: f32,
    /// 0 to 1.
    pub importance: f32,
    pub sensitivity: Sensitivity,
    pub archived_at: Option<Timestamp>,
    pub stated: Stated,
}

impl Fact {
    #[must_use]
    pub const fn believed(&self) -> Span {
        Span { from: Some(self.recorded_at), to: self.retracted_at }
    }
}

/// What a fact says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stated {
    /// `DEPENDS_ON`, `WORKS_AT`, ...
    pub relation: String,
    /// Where the object is no entity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The whole, in words.
    pub statement: String,
    pub negated: bool,
    /// It has one value at a time, so that a newer one ends it.
    pub single_valued: bool,
    /// When it holds by what was said, whatever else was said since.
    pub said: Span,
    /// Of two that contradict each other the one with the greater counts: when it was recorded, or decided for.
    pub rank: i64,
}

/// The exact place that says it: bytes `[start, end)` of an episode's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source {
    pub fact: FactId,
    pub episode: EpisodeId,
    pub start: usize,
    pub end: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_are_read_in_any_writing() {
        assert_eq!(relation::read("works at").unwrap(), "WORKS_AT");
        assert_eq!(relation::read(" depends-on ").unwrap(), relation::DEPENDS_ON);
        for wrong in ["", "  ", "7th", &"x".repeat(65)] {
            assert_eq!(relation::read(wrong).unwrap_err().code, "relation_malformed", "{wrong}");
        }
    }

    #[test]
    fn spans_are_half_open() {
        let span = |from, to| Span::new(Option::map(from, Timestamp), Option::map(to, Timestamp));
        let june = span(Some(10), Some(20));
        assert!(june.holds_at(Timestamp(10)) && !june.holds_at(Timestamp(20)));
        assert!(june.meets(&span(None, Some(11))) && !june.meets(&span(Some(20), None)));
        assert!(
            june.is_ordered() && !span(Some(3), Some(2)).is_ordered() && span(None, Some(2)).is_ordered()
        );
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for owner in ["shared", "machine", "user:01890a5d-ac96-774b-bcce-b302099a8057"] {
            assert_eq!(owner.parse::<Owner>().unwrap().to_string(), owner);
        }
        assert_eq!("nobody".parse::<Owner>().unwrap_err().code, "holder_malformed");
        assert_eq!("insight".parse::<MemoryKind>().unwrap(), MemoryKind::Insight);
        assert_eq!("joke".parse::<MemoryKind>().unwrap_err().code, "value_unknown");
    }
}
