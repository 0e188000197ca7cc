//! How much a provider may still be asked: by the configuration, and by the provider's own word.
//!
//! Keeps true: a model whose quota is used up is known without being asked; what a call will use is counted before it is
//! made, so that many calls at once do not go over together; minutes and days are those of UTC.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ibid_types::Timestamp;

use super::told::{Share, Told};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// What may be asked of one model; 0: without bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuotaConfig {
    pub requests_per_minute: u64,
    /// Read and written.
    pub tokens_per_minute: u64,
    pub requests_per_day: u64,
    pub tokens_per_day: u64,
}

/// What is left of one limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// `requests per minute`, `requests by the provider's word`, ...
    pub of: &'static str,
    pub left: u64,
    pub limit: Option<u64>,
    pub resets_at: Timestamp,
}

/// The quota of one model.
#[derive(Debug)]
pub struct Quota {
    counts_tokens: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    windows: Vec<Window>,
    /// Requests, tokens.
    told: [Option<(Share, Timestamp)>; 2],
    paused_until: Option<Timestamp>,
}

/// A minute or a day.
#[derive(Debug)]
struct Window {
    of: &'static str,
    is_of_tokens: bool,
    most: u64,
    length_ms: i64,
    begun: Timestamp,
    used: u64,
}

const TOLD: [&str; 2] = ["requests by the provider's word", "tokens by the provider's word"];
const PAUSE: &str = "a pause that the provider asked for";

impl Quota {
    pub fn new(config: QuotaConfig) -> Self {
        let window = |of, is_of_tokens, most, length_ms| Window {
            of,
            is_of_tokens,
            most,
            length_ms,
            begun: Timestamp::default(),
            used: 0,
        };
        let all = [
            window("requests per minute", false, config.requests_per_minute, MINUTE_MS),
            window("tokens per minute", true, config.tokens_per_minute, MINUTE_MS),
            window("requests per day", false, config.requests_per_day, DAY_MS),
            window("tokens per day", true, config.tokens_per_day, DAY_MS),
        ];
        let windows: Vec<Window> = all.into_iter().filter(|window| window.most > 0).collect();
        let counts_tokens = windows.iter().any(|window| window.is_of_tokens);
        Self { counts_tokens, state: Mutex::new(State { windows, told: [None, None], paused_until: None }) }
    }

    /// Whether it matters how many tokens a call will use.
    pub const fn counts_tokens(&self) -> bool {
        self.counts_tokens
    }

    /// Counts a call that will use about so many tokens. Where nothing is left: of what, and until when. A call that is
    /// larger than a whole limit has it for itself.
    pub fn reserve(&self, now: Timestamp, tokens: u64) -> Result<(), Left> {
        let mut state = self.state();
        state.windows.iter_mut().for_each(|window| window.turn(now));
        if let Some(used_up) = state.used_up(now, tokens) {
            return Err(used_up);
        }
        for window in &mut state.windows {
            window.used = window.used.saturating_add(window.of_a_call(tokens));
        }
        Ok(())
    }

    /// Puts right what was reserved when it is known what was used.
    pub fn settle(&self, reserved: u64, used: u64) {
        for window in self.state().windows.iter_mut().filter(|window| window.is_of_tokens) {
            window.used = window.used.saturating_sub(reserved).saturating_add(used);
        }
    }

    /// Takes note of what the provider said.
    pub fn hear(&self, now: Timestamp, told: Told) {
        let mut state = self.state();
        for (known, share) in state.told.iter_mut().zip([told.requests, told.tokens]) {
            if let Some(share) = share {
                *known = Some((share, share.reset.at(now)));
            }
        }
        if let Some(pause) = told.pause {
            state.paused_until = Some(super::told::Reset::After(pause).at(now));
        }
    }

    /// What is left of each limit; of one that the provider told of and that has begun anew since, all of it.
    pub fn left(&self, now: Timestamp) -> Vec<Left> {
        let mut state = self.state();
        state.windows.iter_mut().for_each(|window| window.turn(now));
        let told = state.told().filter_map(|told| match told.limit {
            _ if now < told.resets_at => Some(told),
            Some(limit) => Some(Left { left: limit, ..told }),
            None => None,
        });
        told.chain(state.windows.iter().map(Window::left)).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn used_up(&self, now: Timestamp, tokens: u64) -> Option<Left> {
        let windows = self.windows.iter().filter(|window| !window.has_room(tokens)).map(Window::left);
        let told = self.told().filter(|told| told.left == 0 && now < told.resets_at);
        windows.chain(told).max_by_key(|left| left.resets_at)
    }

    /// What the provider said last.
    fn told(&self) -> impl Iterator<Item = Left> {
        let told = |of, (share, resets_at): &(Share, Timestamp)| Left {
            of,
            left: share.remaining,
            limit: share.limit,
            resets_at: *resets_at,
        };
        let shares = TOLD.into_iter().zip(&self.told);
        let shares = shares.filter_map(move |(of, share)| share.as_ref().map(|share| told(of, share)));
        let pause = self.paused_until.map(|resets_at| Left { of: PAUSE, left: 0, limit: None, resets_at });
        shares.chain(pause)
    }
}

impl Window {
    /// Begins anew where its time is over, or the clock was set back.
    fn turn(&mut self, now: Timestamp) {
        let begun = Timestamp(now.0 - now.0.rem_euclid(self.length_ms));
        if begun != self.begun {
            (self.begun, self.used) = (begun, 0);
        }
    }

    fn has_room(&self, tokens: u64) -> bool {
        self.used == 0 || self.used.saturating_add(self.of_a_call(tokens)) <= self.most
    }

    const fn of_a_call(&self, tokens: u64) -> u64 {
        if self.is_of_tokens { tokens } else { 1 }
    }

    fn left(&self) -> Left {
        Left {
            of: self.of,
            left: self.most.saturating_sub(self.used),
            limit: Some(self.most),
            resets_at: self.begun.plus_ms(self.length_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::told::Reset;
    use super::*;

    /// In the middle of a minute.
    const NOW: Timestamp = Timestamp(10 * DAY_MS + 30_000);

    fn at(seconds: i64) -> Timestamp {
        NOW.plus_ms(seconds * 1000)
    }

    fn quota(requests_per_minute: u64, tokens_per_day: u64) -> Quota {
        Quota::new(QuotaConfig { requests_per_minute, tokens_per_day, ..QuotaConfig::default() })
    }

    #[test]
    fn without_a_limit_nothing_is_used_up() {
        let quota = quota(0, 0);
        assert!((0..1000).all(|_| quota.reserve(NOW, 1 << 40).is_ok()));
        assert!(quota.left(NOW).is_empty() && !quota.counts_tokens());
    }

    #[test]
    fn requests_come_back_with_the_minute() {
        let quota = quota(2, 0);
        assert!(quota.reserve(NOW, 0).is_ok() && quota.reserve(at(29), 0).is_ok());
        let used_up = quota.reserve(at(29), 0).unwrap_err();
        assert_eq!((used_up.of, used_up.resets_at), ("requests per minute", at(30)));
        assert!(quota.reserve(at(30), 0).is_ok());
    }

    #[test]
    fn what_a_call_will_use_counts_before_it_is_known() {
        let quota = quota(0, 1000);
        assert!(quota.reserve(NOW, 600).is_ok());
        assert_eq!(quota.reserve(NOW, 600).unwrap_err().of, "tokens per day");
        quota.settle(600, 100);
        assert!(quota.reserve(NOW, 600).is_ok());
        assert_eq!(quota.left(NOW)[0].left, 300);
    }

    #[test]
    fn a_call_larger_than_the_limit_has_it_for_itself() {
        let quota = quota(0, 10);
        assert!(quota.reserve(NOW, 50).is_ok());
        assert!(quota.reserve(NOW, 1).is_err());
    }

    #[test]
    fn the_providers_word_holds_until_its_reset() {
        let quota = quota(0, 0);
        let reset = Reset::After(Duration::from_secs(5));
        let requests = Some(Share { limit: Some(9), remaining: 0, reset });
        quota.hear(NOW, Told { requests, ..Told::default() });
        assert_eq!(quota.reserve(at(4), 0).unwrap_err().resets_at, at(5));
        assert!(quota.reserve(at(5), 0).is_ok());
        assert_eq!((quota.left(at(4))[0].left, quota.left(at(5))[0].left), (0, 9));
    }

    #[test]
    fn a_pause_that_was_asked_for_is_kept() {
        let quota = quota(0, 0);
        quota.hear(NOW, Told { pause: Some(Duration::from_secs(3)), ..Told::default() });
        assert!(quota.reserve(at(2), 0).is_err() && quota.reserve(at(3), 0).is_ok());
    }

    #[test]
    fn a_clock_that_was_set_back_begins_a_new_window() {
        let quota = quota(1, 0);
        quota.reserve(NOW, 0).unwrap();
        assert!(quota.reserve(at(-3600), 0).is_ok());
    }
}
