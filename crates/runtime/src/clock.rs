//! The time: the system's, or one that a test moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ibid_types::Timestamp;

/// A cheap handle on a source of time.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    manual: Option<Arc<AtomicI64>>,
}

impl Clock {
    #[must_use]
    pub const fn system() -> Self {
        Self { manual: None }
    }

    /// A clock that stands until `advance_ms`; clones move together.
    #[must_use]
    pub fn manual(start: Timestamp) -> Self {
        Self { manual: Some(Arc::new(AtomicI64::new(start.0))) }
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.manual.as_ref().map_or_else(system_now, |time| Timestamp(time.load(Ordering::SeqCst)))
    }

    /// Moves a manual clock; the system's clock goes by itself.
    pub fn advance_ms(&self, ms: i64) {
        if let Some(time) = &self.manual {
            time.fetch_add(ms, Ordering::SeqCst);
        }
    }
}

/// The one place that asks the system. A clock before 1970 reads as 1970.
#[allow(clippy::disallowed_methods)]
fn system_now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_of_a_manual_clock_move_together() {
        let clock = Clock::manual(Timestamp(5));
        clock.clone().advance_ms(10);
        assert_eq!(clock.now(), Timestamp(15));
    }

    #[test]
    fn the_system_clock_is_past_2026() {
        assert!(Clock::system().now().0 > 1_767_000_000_000);
    }
}
