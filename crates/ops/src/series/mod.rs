//! Metrics over time, and the questions that rules ask of them.

mod samples;
mod selector;

pub use samples::Samples;
pub use selector::Selector;
