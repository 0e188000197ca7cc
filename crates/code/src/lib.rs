//! A repository -> files, symbols, references, commits: plain data that a memory can keep as entities and typed relations.
//!
//! - `symbols`: one file's bytes -> what stands in it, by tree-sitter.
//! - `Repository`: what git tracks: files, contents, changes, commits.
//! - `Codebase`: both for a whole repository, brought from commit to commit by a `Plan`.
//! - `Delta`: what an update brings, to be sent and kept. `Ledger`: which relations held when.
//! - `Resolver`: what references between files mean. `relations`: all of it as typed relations between stable keys.
//!
//! Keeps true: any bytes are data, never a panic, and cost no more than `Limits` say; only committed content is read; no
//! program is run but `git`, and git runs none (`git::command` says how). There is no store and no clock.
//!
//! Git is the user's own program, called. The library for it in Rust, `gix`, cut down to reading objects and diffs, costs 58
//! further crates and 90 s of processor time for a cold release build, and would have to follow every form of repository
//! that git comes to know (SHA-256, reftable, partial clones). A run of git costs 7 ms on a busy machine, and an update takes
//! eleven; contents come from one that stays open. Who has a repository on a machine has git there.
//!
//! Tree-sitter costs 8 s of processor time in a cold release build, and the grammars 7 s together: TypeScript and TSX 2.5,
//! Rust 1.2, JavaScript 0.9, Python 0.9, Java 0.6, C 0.4, Go 0.4.

mod codebase;
mod comments;
mod delta;
pub mod git;
mod grammar;
mod language;
mod ledger;
mod mentions;
mod parse;
mod plan;
mod questions;
mod relations;
pub mod resolve;
mod skip;
mod symbol;
mod trace;
mod walk;

pub use codebase::{Codebase, File, Options, Update, keys};
pub use delta::{Delta, Head};
pub use git::{BlobId, Change, Commit, CommitId, Repository};
pub use language::Language;
pub use ledger::{Ends, Entry, Ledger, Tie};
pub use mentions::{Mention, mentions};
pub use parse::symbols;
pub use plan::{Basis, Known, Plan};
pub use questions::{Caller, Changed, Reason, Since, Why};
pub use relations::{Lexicon, Relation, RelationKind, SymbolKey, Thing, relations, structure};
pub use resolve::{Counts, Resolution, Resolver};
pub use skip::{SkipReason, Skipped};
pub use symbol::{
    FileSymbols, Limits, Note, NoteKind, Reference, ReferenceKind, Span, Symbol, SymbolKind, Warning,
};
pub use trace::Edit;
