//! Durable runs of flows: named nodes, conditional edges, a typed state, and a checkpoint after every step.
//!
//! Keeps true: `machine::apply` reads no clock, no randomness and no I/O, so the same commands give the same state;
//! an effect is in the journal before it is tried, with a key that stays the same over all its attempts.

pub mod definition;
pub mod machine;
mod registry;

pub use definition::{Definition, FlowHash};
pub use registry::{Call, Emitted, NodeKind, Output, Registry};
