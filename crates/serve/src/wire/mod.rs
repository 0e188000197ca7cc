//! Flows, runs and memories as clients see them.

mod flow;
pub mod memory;
mod run;

pub use flow::flow;
pub use run::{approval, checkpoint, run, spent};
