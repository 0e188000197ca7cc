//! When a server that failed is tried again.
//!
//! Keeps true: the first failure costs no waiting, the following ever more, never more than half a minute.

use std::time::{Duration, Instant};

const DELAY_FIRST: Duration = Duration::from_millis(500);
const DELAY_MAX: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    retry_at: Option<Instant>,
    why: String,
}

impl Backoff {
    /// Why not to try now, and how long not to, if so.
    pub(super) fn blocked(&self, now: Instant) -> Option<(Duration, &str)> {
        let wait = self.retry_at?.saturating_duration_since(now);
        (!wait.is_zero()).then_some((wait, self.why.as_str()))
    }

    pub(super) fn failed(&mut self, now: Instant, why: String) {
        self.failures = self.failures.saturating_add(1);
        self.retry_at = now.checked_add(delay(self.failures));
        self.why = why;
    }

    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }
}

fn delay(failures: u32) -> Duration {
    match failures {
        0 | 1 => Duration::ZERO,
        _ => DELAY_FIRST.saturating_mul(1 << (failures - 2).min(16)).min(DELAY_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_grows_to_a_bound() {
        let (mut backoff, now) = (Backoff::default(), Instant::now());
        let waits: Vec<_> = (0..9)
            .map(|_| {
                backoff.failed(now, "down".to_owned());
                backoff.blocked(now).map_or(0, |(wait, _)| wait.as_millis())
            })
            .collect();
        assert_eq!(waits, [0, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        assert!(backoff.blocked(now + DELAY_MAX).is_none());
    }

    #[test]
    fn success_forgets() {
        let (mut backoff, now) = (Backoff::default(), Instant::now());
        backoff.failed(now, String::new());
        backoff.failed(now, "second".to_owned());
        assert_eq!(backoff.blocked(now).unwrap().1, "second");
        backoff.succeeded();
        backoff.failed(now, String::new());
        assert!(backoff.blocked(now).is_none());
    }
}
