//! Metrics over time, and the questions that rules ask of them.
//!
//! Samples of every 15 seconds are kept for 2 days, means of every 5 minutes for 30 days, in `data.dir/series/`. A sample of a
//! counter is how much it grew since the one before, so that restarts of the program and sums over time need no care.
//! Derived data: the folder can be deleted at any time.
//!
//! Keeps true: what was appended is there after `kill -9`; the folder never holds more than [`Limits::bytes_max`].

mod at;
mod block;
mod column;
mod head;
mod key;
mod part;
mod range;
mod samples;
mod selector;
mod shelf;
mod store;
mod thin;

pub use at::At;
pub use key::Key;
pub use range::{How, Point, Range};
pub use samples::Samples;
pub use selector::Selector;
pub use store::{Limits, Series};

/// The value of one series at the moment of a sample, as the registry of metrics gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub key: Key,
    /// Of a counter the value is what it has grown to since the start of the program.
    pub is_counter: bool,
    pub value: f64,
}

impl Reading {
    #[must_use]
    pub fn counter(name: &str, labels: &[(&str, &str)], value: f64) -> Self {
        Self { key: Key::new(name, labels), is_counter: true, value }
    }

    #[must_use]
    pub fn gauge(name: &str, labels: &[(&str, &str)], value: f64) -> Self {
        Self { key: Key::new(name, labels), is_counter: false, value }
    }
}
