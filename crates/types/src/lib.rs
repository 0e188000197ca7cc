//! Ids, domain values and the nine error classes that every other crate shares.
//!
//! Keeps true: no I/O, no async, no clock. What is here is data and the rules that hold for it.

pub mod access;
pub mod answer;
pub mod day;
pub mod document;
pub mod error;
pub mod hash;
pub mod host;
pub mod id;
pub mod memory;
pub mod parsed;
pub mod plain;
pub mod search;
pub mod secret;
pub mod sentences;
pub mod time;

pub use day::Day;
pub use error::{Class, Error, Result};
pub use hash::ContentHash;
pub use id::{
    ChunkId, DocumentId, EntityId, EpisodeId, FactId, FactVersionId, GroupId, JobId, KeptId, KeyId,
    ReceiptId, RunId, SessionId, ThreadId, TurnId, UserId, VersionId, WorkspaceId,
};
pub use secret::Secret;
pub use time::Timestamp;
