//! How the calls of the last minutes went.
//!
//! Keeps true: memory is bounded however many calls there are.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ibid_types::Timestamp;

/// What counts as recent.
const WINDOW_MS: i64 = 5 * 60_000;
const CALLS_MAX: usize = 2000;

/// The calls of one model.
#[derive(Debug, Default)]
pub struct Figures {
    running: AtomicUsize,
    calls: Mutex<VecDeque<Call>>,
}

#[derive(Clone, Copy, Debug)]
struct Call {
    at: Timestamp,
    is_failure: bool,
    first_token: Option<Duration>,
}

/// The calls of the last five minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recent {
    pub calls: usize,
    pub failures: usize,
    /// Median time to the first token, of calls that had one.
    pub first_token_p50: Option<Duration>,
    pub first_token_p95: Option<Duration>,
}

impl Figures {
    pub fn begin(&self) {
        self.running.fetch_add(1, Ordering::Relaxed);
    }

    pub fn end(&self) {
        self.running.fetch_sub(1, Ordering::Relaxed);
    }

    /// Calls under way.
    pub fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    pub fn note(&self, at: Timestamp, is_failure: bool, first_token: Option<Duration>) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.len() == CALLS_MAX {
            calls.pop_front();
        }
        calls.push_back(Call { at, is_failure, first_token });
    }

    pub fn recent(&self, now: Timestamp) -> Recent {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.retain(|call| call.at >= now.plus_ms(-WINDOW_MS));
        let mut times: Vec<Duration> = calls.iter().filter_map(|call| call.first_token).collect();
        times.sort_unstable();
        Recent {
            calls: calls.len(),
            failures: calls.iter().filter(|call| call.is_failure).count(),
            first_token_p50: quantile(&times, 50),
            first_token_p95: quantile(&times, 95),
        }
    }
}

/// By the nearest rank.
fn quantile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_ago_does_not_count() {
        let figures = Figures::default();
        figures.note(Timestamp(0), true, None);
        figures.note(Timestamp(WINDOW_MS), false, Some(Duration::from_millis(7)));
        let recent = figures.recent(Timestamp(WINDOW_MS + 1));
        assert_eq!((recent.calls, recent.failures), (1, 0));
        assert_eq!(recent.first_token_p95, Some(Duration::from_millis(7)));
    }

    #[test]
    fn quantiles_are_of_the_nearest_rank() {
        let times: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(quantile(&times, 50), Some(Duration::from_millis(50)));
        assert_eq!(quantile(&times, 95), Some(Duration::from_millis(95)));
        assert_eq!(quantile(&[], 50), None);
    }

    #[test]
    fn memory_is_bounded() {
        let figures = Figures::default();
        (0..CALLS_MAX + 9).for_each(|_| figures.note(Timestamp(0), false, None));
        assert_eq!(figures.recent(Timestamp(0)).calls, CALLS_MAX);
    }
}
