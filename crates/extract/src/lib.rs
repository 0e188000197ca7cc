//! Text to what can be remembered of it: names, dates, statements and how much they matter.
//!
//! Keeps true: pure and deterministic, no model, no I/O. Time is linear in the text, memory is bounded by it. Every
//! span is a byte range of the text on character boundaries; any text gives an answer and none a panic.

mod clause;
mod context;
mod copula;
mod dates;
mod extract;
mod foreign;
mod found;
mod judge;
mod key;
mod language;
mod lexicon;
mod names;
mod naming;
mod patterns;
mod pieces;
mod relation;
mod same;
mod scene;
mod shape;
mod statements;
mod tag;
mod token;
mod told;
mod validity;

pub use context::{Context, Known};
pub use extract::extract;
pub use found::{
    DateMention, DateRole, EntityKind, Extracted, MemoryKind, Mention, Object, RelationKind, Statement,
    Subject, Validity,
};
pub use key::name_key;
pub use names::mentions;
pub use same::same_name;
