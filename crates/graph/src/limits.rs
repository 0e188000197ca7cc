//! What a question may cost: results, links looked at, and a way to stop it.
//!
//! Keeps true: a question that looks at single links counts each one here, so its work is bounded by `links_max`
//! whatever the graph looks like, and it says when it stopped early.

use std::fmt;

use ibid_types::{Error, Result};

/// How many links pass between two looks at whether somebody wants it stopped: some tens of microseconds.
const LINKS_BETWEEN_CHECKS: u64 = 4096;

/// The bounds of one question.
#[derive(Clone, Copy)]
pub struct Limits<'a> {
    pub results_max: usize,
    /// Links looked at, whether the view shows them or not.
    pub links_max: u64,
    /// Says `true` when the answer is no longer wanted.
    pub is_cancelled: &'a dyn Fn() -> bool,
}

impl Default for Limits<'_> {
    /// 100 results, two million links (some tens of milliseconds), never stopped.
    fn default() -> Self {
        Self { results_max: 100, links_max: 2_000_000, is_cancelled: &|| false }
    }
}

impl fmt::Debug for Limits<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limits")
            .field("results_max", &self.results_max)
            .field("links_max", &self.links_max)
            .finish_non_exhaustive()
    }
}

impl<'a> Limits<'a> {
    #[must_use]
    pub const fn results(mut self, results_max: usize) -> Self {
        self.results_max = results_max;
        self
    }

    #[must_use]
    pub const fn links(mut self, links_max: u64) -> Self {
        self.links_max = links_max;
        self
    }

    #[must_use]
    pub const fn cancelled_by(mut self, is_cancelled: &'a dyn Fn() -> bool) -> Self {
        self.is_cancelled = is_cancelled;
        self
    }

    /// For questions that have no partial answer.
    pub(crate) fn check(&self) -> Result<()> {
        if (self.is_cancelled)() { Err(cancelled()) } else { Ok(()) }
    }

    pub(crate) const fn meter(&self) -> Meter<'a> {
        Meter { spent: 0, links_max: self.links_max, is_cancelled: self.is_cancelled, is_empty: false }
    }
}

/// Counts the links of one question.
pub(crate) struct Meter<'a> {
    spent: u64,
    links_max: u64,
    is_cancelled: &'a dyn Fn() -> bool,
    is_empty: bool,
}

impl Meter<'_> {
    /// Whether one more link may be looked at.
    pub fn spend(&mut self) -> bool {
        if self.spent >= self.links_max {
            self.is_empty = true;
        } else {
            self.spent += 1;
            if self.spent.is_multiple_of(LINKS_BETWEEN_CHECKS) {
                self.is_empty |= (self.is_cancelled)();
            }
        }
        !self.is_empty
    }

    /// Whether the question was stopped before its end.
    pub const fn is_empty(&self) -> bool {
        self.is_empty
    }

    pub const fn spent(&self) -> u64 {
        self.spent
    }
}

fn cancelled() -> Error {
    Error::timeout(
        "graph_cancelled",
        "the question about the graph was stopped before it had an answer; ask of fewer relations or a shorter time",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_ends_at_its_bound() {
        let mut meter = Limits::default().links(2).meter();
        assert_eq!([meter.spend(), meter.spend(), meter.spend()], [true, true, false]);
        assert!(meter.is_empty());
        assert_eq!(meter.spent(), 2);
    }

    #[test]
    fn a_meter_ends_when_it_is_cancelled() {
        let stop = || true;
        let mut meter = Limits::default().cancelled_by(&stop).meter();
        let passed = (0..10_000).take_while(|_| meter.spend()).count();
        assert_eq!(passed as u64, LINKS_BETWEEN_CHECKS - 1);
        assert_eq!(Limits::default().cancelled_by(&stop).check().unwrap_err().code, "graph_cancelled");
    }
}
