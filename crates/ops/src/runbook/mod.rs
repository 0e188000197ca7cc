//! Runbooks that run: Markdown with steps that the program itself carries out.
//!
//! Keeps true: a step is a command of `ibid` as a child process of the same program, never a shell; nothing is changed
//! without a confirmation; whether it helped is found out, not assumed. `docs/runbooks/README.md` describes the format.

mod builtin;
mod parse;
mod run;

pub use builtin::{builtin, find, list, text};
pub use parse::{Kind, Part, Runbook, Step, parse};
pub use run::{Outcome, Ran, Stage, StepOutcome, run};
