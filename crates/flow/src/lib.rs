//! Durable runs of flows: named nodes, conditional edges, a typed state, and a checkpoint after every step.
//!
//! Keeps true: `machine::apply` reads no clock, no randomness and no I/O, so the same commands give the same state;
//! an effect is in the journal before it is tried, with a key that stays the same over all its attempts.

mod codec;
pub mod definition;
pub mod expression;
mod journal;
pub mod machine;
pub mod nodes;
mod registry;

pub use codec::{CheckpointKey, Codec};
pub use definition::{Definition, FlowHash};
pub use journal::{Checkpoint, Journal};
pub use registry::{Call, Emitted, NodeKind, Output, Registry};
