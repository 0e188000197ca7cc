//! Days and months of UTC: what sums of time are kept by.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Timestamp};

const DAY_MS: i64 = 24 * 3600 * 1000;
/// More days than any month has.
const MONTH_DAYS_MAX: i64 = 31;

/// A day of UTC, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(pub i64);

impl Day {
    #[must_use]
    pub const fn of(time: Timestamp) -> Self {
        Self(time.0.div_euclid(DAY_MS))
    }

    /// Its first instant.
    #[must_use]
    pub const fn start(self) -> Timestamp {
        Timestamp(self.0.saturating_mul(DAY_MS))
    }

    #[must_use]
    pub const fn plus(self, days: i64) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// The first day of its month.
    #[must_use]
    pub fn month_start(self) -> Self {
        self.date().map_or(self, |date| self.plus(1 - i64::from(date.day())))
    }

    /// The first day of the month after its own.
    #[must_use]
    pub fn next_month(self) -> Self {
        self.month_start().plus(MONTH_DAYS_MAX).month_start()
    }

    fn date(self) -> Option<jiff::civil::Date> {
        let time = jiff::Timestamp::from_millisecond(self.start().0).ok()?;
        Some(time.to_zoned(jiff::tz::TimeZone::UTC).date())
    }
}

/// `2026-11-22`
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.date() {
            Some(date) => write!(f, "{date}"),
            None => write!(f, "day {}", self.0),
        }
    }
}

impl FromStr for Day {
    type Err = Error;

    /// Reads a date, or the day of an instant. Error: `date_malformed`.
    fn from_str(text: &str) -> Result<Self, Error> {
        text.parse().map(Self::of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_is_from_midnight_to_midnight_of_utc() {
        assert_eq!(Day::of(Timestamp(DAY_MS - 1)), Day(0));
        assert_eq!(Day::of(Timestamp(-1)), Day(-1));
        assert_eq!(day("2026-11-22T23:59:59Z").to_string(), "2026-11-22");
        assert_eq!(day("2026-11-22").start().to_string(), "2026-11-22T00:00:00.000Z");
    }

    #[test]
    fn months_have_their_own_lengths() {
        let next = |text: &str| day(text).next_month().to_string();
        assert_eq!((next("2026-01-31"), next("2026-02-01")), ("2026-02-01".into(), "2026-03-01".into()));
        assert_eq!((next("2026-12-31"), next("2028-02-29")), ("2027-01-01".into(), "2028-03-01".into()));
        assert_eq!(day("2026-11-22").month_start(), day("2026-11-01"));
    }

    #[test]
    fn a_day_beyond_all_calendars_is_no_panic() {
        assert_eq!(Day(i64::MAX).next_month(), Day(i64::MAX).plus(MONTH_DAYS_MAX));
        assert_eq!(Day(i64::MAX).to_string(), format!("day {}", i64::MAX));
    }
}
