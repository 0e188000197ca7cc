//! When a refused request is sent again, and after how long.
//!
//! Keeps true: only 429 and 503 are retried, which providers answer before they do any work; a wait never goes beyond
//! the call's deadline, nor beyond `WAIT_MAX`; requests sent again are a small share of all, so that a provider in
//! trouble does not get more than it would without us (Google's SRE book, chapter 21, "Handling overload").

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ibid_runtime::Chance;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// A provider that wants a longer pause is reported instead: its caller can do better than to wait.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// Retries for a request, over a window.
const SHARE_MAX: f64 = 0.1;
/// Retries of a window that need no share: a provider that is seldom asked is asked again too.
const FLOOR: f64 = 10.0;
const WINDOW: Duration = Duration::from_secs(60);

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

    /// The pause after `refusals` refusals before this one; `None` means to give up. `chance` is from 0 to 1: a pause of
    /// our own is shortened by up to a half, one that the provider named is lengthened by up to a tenth, so that many
    /// callers do not come back in one instant.
    pub fn wait(
        self,
        refusals: u32,
        status: StatusCode,
        headers: &HeaderMap,
        left: Duration,
        chance: f64,
    ) -> Option<Duration> {
        let busy = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        if !busy || refusals >= self.retries_max {
            return None;
        }
        let doubled = self.wait_first.saturating_mul(1 << refusals.min(16));
        let wait = match asked(headers) {
            Some(asked) if asked > WAIT_MAX => return None,
            Some(asked) => asked.mul_f64(1.0 + 0.1 * chance),
            None => doubled.mul_f64(1.0 - 0.5 * chance),
        };
        (wait < left.min(WAIT_MAX)).then_some(wait)
    }
}

/// The pause that a provider asks for, in (parts of) seconds. A date is not followed: clocks differ.
pub fn asked(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms").map(|ms| ms / 1000.0).or_else(|| number(RETRY_AFTER.as_str()))?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// How many requests may be sent again: a tenth of those of the last minute, and ten.
#[derive(Debug)]
pub struct Allowance {
    chance: Chance,
    state: Mutex<Spending>,
}

#[derive(Debug)]
struct Spending {
    since: Instant,
    requests: f64,
    retries: f64,
    taken: u64,
}

impl Default for Allowance {
    fn default() -> Self {
        let spending = Spending { since: Instant::now(), requests: 0.0, retries: 0.0, taken: 0 };
        let chance = Chance::seeded(RandomState::new().hash_one(0));
        Self { chance, state: Mutex::new(spending) }
    }
}

impl Allowance {
    /// Notes a request that is no retry.
    pub fn request(&self) {
        self.now(Instant::now()).requests += 1.0;
    }

    /// The right to one more request, if there is any left.
    pub fn take(&self) -> bool {
        self.take_at(Instant::now())
    }

    /// What was taken since the start.
    pub fn taken(&self) -> u64 {
        self.now(Instant::now()).taken
    }

    /// From 0 to 1.
    pub fn chance(&self) -> f64 {
        self.chance.unit()
    }

    fn take_at(&self, now: Instant) -> bool {
        let mut spending = self.now(now);
        let is_left = spending.retries + 1.0 <= FLOOR + SHARE_MAX * spending.requests;
        if is_left {
            spending.retries += 1.0;
            spending.taken += 1;
        }
        is_left
    }

    /// The state at `now`: what was counted fades with the window, so that no instant gives all of it back.
    fn now(&self, now: Instant) -> std::sync::MutexGuard<'_, Spending> {
        let mut spending = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(spending.since).as_secs_f64() / WINDOW.as_secs_f64();
        let left = (-passed).exp();
        spending.since = now.max(spending.since);
        spending.requests *= left;
        spending.retries *= left;
        spending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(refusals: u32, status: u16, retry_after: Option<&str>, left_s: u64) -> Option<u128> {
        wait_by(0.0, refusals, status, retry_after, left_s)
    }

    fn wait_by(
        chance: f64,
        refusals: u32,
        status: u16,
        retry_after: Option<&str>,
        left_s: u64,
    ) -> Option<u128> {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert(RETRY_AFTER, value.parse().unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        Retry::USUAL
            .wait(refusals, status, &headers, Duration::from_secs(left_s), chance)
            .map(|wait| wait.as_millis())
    }

    #[test]
    fn pauses_double() {
        assert_eq!(wait(0, 429, None, 60), Some(500));
        assert_eq!(wait(2, 503, None, 60), Some(2000));
        assert_eq!(wait(3, 503, None, 60), None);
    }

    #[test]
    fn pauses_differ_by_chance() {
        assert_eq!(wait_by(0.5, 0, 429, None, 60), Some(375));
        assert_eq!(wait_by(1.0, 0, 429, None, 60), Some(250));
        assert_eq!(wait_by(1.0, 0, 429, Some("2"), 60), Some(2200));
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

    #[test]
    fn ten_retries_are_free_and_then_one_for_ten_requests() {
        let (allowance, now) = (Allowance::default(), Instant::now());
        let taken = |allowance: &Allowance| (0..100).filter(|_| allowance.take_at(now)).count();
        assert_eq!(taken(&allowance), 10);
        (0..50).for_each(|_| allowance.request());
        assert!((4..=5).contains(&taken(&allowance)));
    }

    #[test]
    fn what_was_spent_comes_back_with_the_window() {
        let (allowance, now) = (Allowance::default(), Instant::now());
        while allowance.take_at(now) {}
        assert!(!allowance.take_at(now + WINDOW / 20));
        assert!((0..5).all(|_| allowance.take_at(now + WINDOW)));
        assert_eq!(allowance.taken(), 15);
    }
}
