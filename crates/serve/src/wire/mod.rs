//! Flows and runs as clients see them.

mod flow;
mod run;

pub use flow::flow;
pub use run::{approval, checkpoint, run, spent};
