//! What is found in a text.
//!
//! Keeps true: every span is a byte range of the text that was read, on character boundaries.

use std::ops::Range;

use ibid_types::Timestamp;
use serde::{Deserialize, Serialize};

/// What sort of thing a name stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntityKind {
    Person,
    Organisation,
    Place,
    Event,
    /// A book, film, song, picture.
    Work,
    Product,
    File,
    /// A name of code: `parse_config`, `Reader::open`.
    Symbol,
    Url,
    Email,
    Concept,
    #[default]
    Other,
}

/// A name in the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    pub span: Range<usize>,
    /// As it is written, without article, quotes and possessive.
    pub name: String,
    pub kind: EntityKind,
}

/// How a date bounds what is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateRole {
    #[default]
    On,
    Since,
    Until,
    Before,
    After,
}

/// A date in the text, resolved against the episode's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DateMention {
    /// Without the preposition before it.
    pub span: Range<usize>,
    pub from: Timestamp,
    /// The first instant that is no longer meant.
    pub to: Timestamp,
    pub role: DateRole,
    /// False for "a few years ago" and its like.
    pub exact: bool,
}

/// What is remembered of a statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemoryKind {
    #[default]
    Fact,
    /// Something learned, noticed or decided.
    Insight,
    /// How something is done.
    Procedure,
    /// What a word means.
    Concept,
    Preference,
}

/// How subject and object stand to each other; the relation's own name says it more closely.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RelationKind {
    #[default]
    RelatesTo,
    DependsOn,
    BuildsOn,
    Contradicts,
    Supersedes,
    ExceptionTo,
    PartOf,
}

/// Who or what a statement is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    pub name: String,
    /// None where the text leaves it out ("Just got back from Rome").
    pub span: Option<Range<usize>>,
    pub is_speaker: bool,
    /// "we": the speaker and others.
    pub is_group: bool,
}

/// What is said about the subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// The words, or the name as [`Mention::name`] has it.
    pub text: String,
    pub span: Range<usize>,
    /// It is a name, not a description.
    pub is_entity: bool,
}

/// From when to when something holds in the world; None is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validity {
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
}

/// Something said that may be remembered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// The words that say it.
    pub span: Range<usize>,
    pub subject: Subject,
    /// The verb in its base form with its preposition: `work_at`, `live_in`, `want_to`.
    pub relation: String,
    pub relation_kind: RelationKind,
    pub object: Object,
    pub kind: MemoryKind,
    /// It is denied: "does not like", "no longer works at".
    pub negated: bool,
    /// It says that something which held has ended ("left", "no longer", "used to"): a fact with this subject,
    /// relation and object that is open ends with it.
    pub closes: bool,
    /// A subject has one value of this relation at a time, so a newer one ends the older.
    pub single_valued: bool,
    /// None where neither a date nor the tense says when.
    pub valid: Option<Validity>,
    /// How surely the text says so, 0 to 1.
    pub confidence: f32,
    /// How much it is worth to remember, 0 to 1.
    pub importance: f32,
}

/// All that is found in an episode.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Extracted {
    pub mentions: Vec<Mention>,
    pub dates: Vec<DateMention>,
    pub statements: Vec<Statement>,
    /// Of the whole episode, 0 to 1; small talk is near 0.
    pub importance: f32,
}
