//! The pure heart: a run's state, what can happen to it, and what it then asks for.
//!
//! Keeps true: no clock, no randomness, no I/O. Commands carry their time; ids are counted. A command that is refused
//! leaves the state as it was. The rules are in `apply`, `superstep`, `effects`, `people` and `ending`.

mod apply;
mod begin;
mod channels;
mod command;
mod effects;
mod ending;
mod frames;
mod limits;
mod people;
mod rebase;
mod start;
mod state;
mod superstep;

pub use apply::{Applied, Definitions, apply};
pub use command::{Action, Command, Effect, Fault};
pub use people::check_answer;
pub use rebase::rebase;
pub use start::{check_input, sub_flows};
pub use state::{
    Activity, Frame, FrameId, Interrupt, NodeSpent, Outcome, Parent, RunState, Spent, Status, Undo, Undoing,
};
