//! Points in time as milliseconds since 1970-01-01T00:00:00Z, which every store can index.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// Milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, to the millisecond.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) => write!(f, "{time:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    /// Reads RFC 3339 (`2026-11-21T08:00:00Z`) or a plain date (`2026-11-21`, its first instant in UTC).
    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if let Ok(time) = text.parse::<jiff::Timestamp>() {
            return Ok(Self(time.as_millisecond()));
        }
        let date = text.parse::<jiff::civil::DateTime>().or_else(|_| {
            text.parse::<jiff::civil::Date>().map(|date| date.to_datetime(jiff::civil::Time::midnight()))
        });
        date.and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC))
            .map(|zoned| Self(zoned.timestamp().as_millisecond()))
            .map_err(|_| {
                Error::bad_request(
                    "date_malformed",
                    format!("'{text}' is not a date; write 2026-11-21 or 2026-11-21T08:00:00Z"),
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_instants_are_read() {
        assert_eq!("1970-01-02".parse::<Timestamp>().unwrap(), Timestamp(86_400_000));
        assert_eq!("1970-01-01T00:00:01Z".parse::<Timestamp>().unwrap(), Timestamp(1000));
        assert_eq!(Timestamp(1000).to_string(), "1970-01-01T00:00:01.000Z");
        assert_eq!("soon".parse::<Timestamp>().unwrap_err().code, "date_malformed");
    }
}
