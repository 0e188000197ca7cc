//! Random flows, what must come of them, and a scheduler that tries hard to make something else of them.
//!
//! Keeps true: everything follows from the seed. The oracle shares nothing with the machine but the definitions and
//! the expressions: it has no commands, no journal and no state that could be resumed.

mod generator;
mod oracle;
mod script;
mod simulation;

pub use generator::{Case, Library, case};
pub use oracle::{Ending, Expected, expect};
pub use script::{Random, Script, Trial};
pub use simulation::{Report, simulate};
