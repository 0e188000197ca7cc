//! Change feed -> lexical and vector index of each workspace.
//!
//! A workspace's index numbers its chunks densely (`u32` slots, in feed order). The lexical part (tantivy) and the
//! vector part (append-only files) share the numbering, so filters and deletions are one bitmap, applied inside both.
//! What is remembered of people has an index of its own, `memory`, which is in RAM only.
//!
//! Keeps true: everything here is derived. It is written by following the feed from a stored position, a crash at
//! any step only means applying entries again, and `Indexes::verify` proves that it equals a rebuild.

mod analysis;
mod best;
mod codes;
mod column;
mod compose;
mod content;
mod dense;
mod documents;
mod fault;
mod folder;
mod generation;
mod ground;
mod indexes;
mod language;
mod lexical;
mod manifest;
pub mod memory;
mod names;
mod question;
mod raw;
#[cfg(test)]
mod sample;
mod search;
mod shelf;
mod slots;
mod snapshot;
mod stored;
mod terms;

pub use best::Scored;
pub use ground::{Change, Ground, Searchable, What};
pub use indexes::{IndexConfig, Indexes, Rebuilt, Verified};
pub use names::{Mention, phrases, title_keys};
pub use raw::kernel_name;
pub use search::{Analysed, FieldWeights};
pub use slots::Slots;
pub use snapshot::{ChunkRef, Snapshot};
