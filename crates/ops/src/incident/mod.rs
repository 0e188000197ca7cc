//! Incidents P0 to P3: response clocks, templates for what to say, the status page, the review afterwards.

mod page;
mod review;
mod template;

pub use page::status_page;
pub use review::review;
pub use template::{TEMPLATES, template};

use ibid_types::Timestamp;

/// Who writes what the program itself notes.
pub const SELF: &str = "ibid";
/// What was done so long before an incident is in its timeline.
pub const CHANGES_WITHIN_MS: i64 = 2 * 3600 * 1000;
/// Roles that an incident can give.
pub const ROLES: [&str; 4] = ["commander", "operations", "communication", "scribe"];

/// How soon somebody must take an incident.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    /// Whether alerts open incidents.
    pub open: bool,
    /// Of P0, P1 and P2; P3 has no clock.
    pub minutes: [u64; 3],
}

impl Clocks {
    #[must_use]
    pub const fn new(config: &ibid_config::Incidents) -> Self {
        Self { open: config.open, minutes: [config.minutes_p0, config.minutes_p1, config.minutes_p2] }
    }

    /// Until when an incident that is opened now must be taken.
    #[must_use]
    pub fn respond_by(&self, priority: u32, now: Timestamp) -> Option<Timestamp> {
        let minutes = *self.minutes.get(usize::try_from(priority).ok()?)?;
        Some(now.plus_ms(i64::try_from(minutes).ok()?.saturating_mul(60_000)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_priority_but_the_last_has_a_clock() {
        let clocks = Clocks { open: true, minutes: [5, 15, 30] };
        let by = |priority| clocks.respond_by(priority, Timestamp(0)).map(|by| by.0 / 60_000);
        assert_eq!([by(0), by(1), by(2), by(3)], [Some(5), Some(15), Some(30), None]);
    }
}
