//! When a refused request is sent again, and after how long.
//!
//! Keeps true: only 429 and 503 are retried, which providers answer before they do any work; a wait never goes
//! beyond the call's deadline, nor beyond `WAIT_MAX`.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// A provider that wants a longer pause is reported instead: its caller can do better than to wait.
const WAIT_MAX: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// Requests sent again at most.
    pub retries_max: u32,
    /// The first pause where the provider names none; each further one is twice as long.
    pub wait_first: Duration,
}

impl Retry {
    pub const NEVER: Self = Self { retries_max: 0, wait_first: Duration::ZERO };
    /// Three pauses of 3.5 s together: enough for a burst, short enough for a person who waits.
    pub const USUAL: Self = Self { retries_max: 3, wait_first: Duration::from_millis(500) };

    /// The pause after `refusals` refusals before this one; `None` means to give up.
    pub fn wait(
        self,
        refusals: u32,
        status: StatusCode,
        headers: &HeaderMap,
        left: Duration,
    ) -> Option<Duration> {
        let busy = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        if !busy || refusals >= self.retries_max {
            return None;
        }
        let doubled = self.wait_first.saturating_mul(1 << refusals.min(16));
        let wait = asked(headers).unwrap_or(doubled);
        (wait < left.min(WAIT_MAX)).then_some(wait)
    }
}

/// The pause that a provider asks for, in (parts of) seconds. A date is not followed: clocks differ.
pub fn asked(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(refusals: u32, status: u16, retry_after: Option<&str>, left_s: u64) -> Option<u128> {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert(RETRY_AFTER, value.parse().unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        Retry::USUAL
            .wait(refusals, status, &headers, Duration::from_secs(left_s))
            .map(|wait| wait.as_millis())
    }

    #[test]
    fn pauses_double() {
        assert_eq!(wait(0, 429, None, 60), Some(500));
        assert_eq!(wait(2, 503, None, 60), Some(2000));
        assert_eq!(wait(3, 503, None, 60), None);
    }

    #[test]
    fn the_provider_names_the_pause() {
        assert_eq!(wait(0, 429, Some("2"), 60), Some(2000));
        assert_eq!(wait(0, 429, Some("0.25"), 60), Some(250));
        assert_eq!(wait(0, 429, Some("0"), 60), Some(0));
    }

    #[test]
    fn a_pause_ends_before_the_deadline_and_is_bounded() {
        assert_eq!(wait(0, 429, Some("5"), 4), None);
        assert_eq!(wait(0, 429, Some("3600"), 100_000), None);
    }

    #[test]
    fn nonsense_is_as_if_not_said() {
        for value in ["soon", "-1", "NaN", "1e300", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            assert_eq!(wait(0, 429, Some(value), 60), Some(500), "{value}");
        }
    }

    #[test]
    fn other_refusals_are_final() {
        for status in [200, 400, 401, 404, 500, 502] {
            assert_eq!(wait(0, status, Some("0"), 60), None, "{status}");
        }
    }
}
