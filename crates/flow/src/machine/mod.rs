//! The pure heart: a run's state, what can happen to it, and what it then asks for.
//!
//! Keeps true: no clock, no randomness, no I/O. Commands carry their time; ids are counted.

mod command;
mod state;

pub use command::{Action, Command, Effect, Fault};
pub use state::{Activity, Frame, FrameId, Interrupt, Outcome, Parent, RunState, Spent, Status};
