//! Durable runs of flows: named nodes, conditional edges, a typed state, and a checkpoint after every step.
//!
//! Keeps true: `machine::apply` reads no clock, no randomness and no I/O, so the same commands give the same state;
//! an effect is in the journal before it is tried, with a key that stays the same over all its attempts.

mod codec;
pub mod definition;
pub mod events;
pub mod expression;
mod history;
mod journal;
pub mod machine;
pub mod nodes;
mod registry;
mod runner;
#[cfg(feature = "testing")]
pub mod testing;
mod upkeep;

pub use codec::{CheckpointKey, Codec};
pub use definition::{Definition, FlowHash};
pub use history::{Diff, Difference, Fork, Replay, Statistics, differences};
pub use journal::{Checkpoint, Journal};
pub use registry::{Call, Emitted, NodeKind, Output, Registry};
pub use runner::{Flows, NewRun, OnFinish, RunView, Runner, RunnerConfig, Started, Watch, Watched};
pub use upkeep::{Cleaned, KeepPolicy, Reencrypted};
