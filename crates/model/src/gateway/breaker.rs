//! A circuit breaker: a provider that fails again and again is left alone for a while, so that questions do not wait for it.
//!
//! Keeps true: a call that is refused fails at once and touches nothing; while the breaker is open exactly one call at a time
//! tries whether the provider is back; a call that ends in whatever way, also by a panic, is accounted for.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ibid_runtime::{Chance, Clock};
use ibid_types::Timestamp;

/// Calls that are remembered for the share of failures.
const CALLS_MAX: usize = 1000;
/// How often the pause doubles: a provider that stays away is tried every 8 pauses.
const DOUBLINGS_MAX: u32 = 3;
/// Pauses vary by this share in each direction, so that many servers do not come back in one instant.
const JITTER: f64 = 0.2;

/// When a provider is left alone, and for how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerConfig {
    /// So many failures in a row open it; 0: only the share does.
    pub failures_max: u32,
    /// So large a share of the calls within the window, 0 to 1; 0: only failures in a row do.
    pub share_max: f64,
    /// Fewer calls within the window say nothing of a share.
    pub calls_min: usize,
    pub window: Duration,
    /// The first pause. Each trial that fails doubles it, up to eight times as long.
    pub pause: Duration,
}

impl BreakerConfig {
    /// Neither failures in a row nor a share opens it.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.failures_max == 0 && self.share_max <= 0.0
    }
}

/// In the order of how bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BreakerState {
    /// Every call goes through.
    Closed,
    /// The pause is over: the next call tries, or one is trying.
    HalfOpen,
    /// Calls are refused.
    Open,
}

impl BreakerState {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half open",
            Self::Open => "open",
        }
    }
}

/// The breaker of one provider.
#[derive(Debug)]
pub struct Breaker {
    config: BreakerConfig,
    clock: Clock,
    chance: Chance,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Since the last success.
    failures: u32,
    /// The calls of the window: when they ended, and whether they failed.
    calls: VecDeque<(Timestamp, bool)>,
    opened: Option<Opened>,
}

#[derive(Clone, Copy, Debug)]
struct Opened {
    at: Timestamp,
    until: Timestamp,
    /// Trials that failed since it was closed.
    trials: u32,
    is_tried: bool,
}

/// The right to make one call; dropped without a word it counts as a failure.
#[derive(Debug)]
pub struct Permit<'a> {
    breaker: &'a Breaker,
    is_trial: bool,
    is_told: bool,
}

impl Breaker {
    #[must_use]
    pub fn new(config: BreakerConfig, clock: Clock) -> Self {
        let chance = Chance::seeded(clock.now().0.cast_unsigned());
        Self { config, clock, chance, inner: Mutex::default() }
    }

    /// Lets a call through. Where it may not: how long the pause still is, zero while another call tries.
    pub fn admit(&self) -> std::result::Result<Permit<'_>, Duration> {
        let mut inner = self.inner();
        let now = self.clock.now();
        let permit = |is_trial| Permit { breaker: self, is_trial, is_told: false };
        let Some(opened) = &mut inner.opened else { return Ok(permit(false)) };
        let left = opened.left(now);
        if opened.is_tried || !left.is_zero() {
            return Err(left);
        }
        opened.is_tried = true;
        Ok(permit(true))
    }

    #[must_use]
    pub fn state(&self) -> BreakerState {
        match self.inner().opened {
            None => BreakerState::Closed,
            Some(opened) if opened.left(self.clock.now()).is_zero() => BreakerState::HalfOpen,
            Some(_) => BreakerState::Open,
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, is_trial: bool, is_failure: bool) {
        let now = self.clock.now();
        let mut inner = self.inner();
        if is_trial {
            let trials = inner.opened.map_or(0, |opened| opened.trials);
            *inner = if is_failure { Inner::opened(self.opened(now, trials + 1)) } else { Inner::default() };
            return;
        }
        inner.keep(now, is_failure, self.config.window);
        // A call that began before the breaker opened says nothing new.
        if inner.opened.is_none() && is_failure && inner.is_too_much(&self.config) {
            *inner = Inner::opened(self.opened(now, 0));
        }
    }

    fn opened(&self, now: Timestamp, trials: u32) -> Opened {
        let doubled = self.config.pause.saturating_mul(1 << trials.min(DOUBLINGS_MAX));
        let pause = doubled.mul_f64(1.0 - JITTER + 2.0 * JITTER * self.chance.unit());
        let until = now.plus_ms(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX / 2));
        Opened { at: now, until, trials, is_tried: false }
    }
}

impl Opened {
    /// A clock that was set back before the opening ends the pause.
    fn left(&self, now: Timestamp) -> Duration {
        if now < self.at {
            return Duration::ZERO;
        }
        Duration::from_millis(u64::try_from(self.until.0 - now.0).unwrap_or(0))
    }
}

impl Inner {
    fn opened(opened: Opened) -> Self {
        Self { opened: Some(opened), ..Self::default() }
    }

    fn keep(&mut self, now: Timestamp, is_failure: bool, window: Duration) {
        self.failures = if is_failure { self.failures.saturating_add(1) } else { 0 };
        self.calls.push_back((now, is_failure));
        let from = now.plus_ms(-i64::try_from(window.as_millis()).unwrap_or(i64::MAX / 2));
        while self.calls.len() > CALLS_MAX || self.calls.front().is_some_and(|(at, _)| *at < from) {
            self.calls.pop_front();
        }
    }

    fn is_too_much(&self, config: &BreakerConfig) -> bool {
        if config.failures_max > 0 && self.failures >= config.failures_max {
            return true;
        }
        let (all, failed) = (self.calls.len(), self.calls.iter().filter(|(_, failed)| *failed).count());
        config.share_max > 0.0
            && all >= config.calls_min.max(1)
            && failed as f64 >= config.share_max * all as f64
    }
}

impl Permit<'_> {
    /// Says that the provider has begun to answer: a trial has then shown what it was for, and others need not wait for
    /// its end.
    pub fn answers(&mut self) {
        if std::mem::take(&mut self.is_trial) {
            self.breaker.note(true, false);
        }
    }

    /// Gives it back unused: the call was ended by us, and says nothing of the provider. A trial is another's then.
    pub fn withdraw(mut self) {
        self.is_told = true;
        if self.is_trial
            && let Some(opened) = &mut self.breaker.inner().opened
        {
            opened.is_tried = false;
        }
    }

    /// Says how the call ended.
    pub fn tell(mut self, is_failure: bool) {
        self.is_told = true;
        self.breaker.note(self.is_trial, is_failure);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !self.is_told {
            self.breaker.note(self.is_trial, true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE_MS: i64 = 10_000;

    fn breaker(failures_max: u32, share_max: f64) -> (Breaker, Clock) {
        let clock = Clock::manual(Timestamp(1_000_000));
        let config = BreakerConfig {
            failures_max,
            share_max,
            calls_min: 10,
            window: Duration::from_secs(60),
            pause: Duration::from_millis(PAUSE_MS.cast_unsigned()),
        };
        (Breaker::new(config, clock.clone()), clock)
    }

    /// Makes a call for each letter: `x` fails, `.` succeeds; says `-` where it is refused.
    fn calls(breaker: &Breaker, letters: &str) -> String {
        let call = |letter: char| match breaker.admit() {
            Ok(permit) => {
                permit.tell(letter == 'x');
                letter
            }
            Err(_) => '-',
        };
        letters.chars().map(call).collect()
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_between_does_not() {
        let (breaker, _) = breaker(3, 0.0);
        assert_eq!(calls(&breaker, "xx.xxx.."), "xx.xxx--");
        assert_eq!(breaker.state(), BreakerState::Open);
    }

    #[test]
    fn a_share_of_failures_opens_it_once_there_are_enough_calls() {
        let (halves, clock) = breaker(0, 0.5);
        assert_eq!(calls(&halves, "x.x.x.x.."), "x.x.x.x..");
        assert_eq!(calls(&halves, "x."), "x-");
        let (old, _) = breaker(0, 0.5);
        calls(&old, "xxxxxxxxx");
        clock.advance_ms(120_000);
        assert_eq!(old.state(), BreakerState::Closed);
    }

    #[test]
    fn failures_outside_of_the_window_do_not_count() {
        let (breaker, clock) = breaker(0, 0.5);
        calls(&breaker, "xxxxxxxxx");
        clock.advance_ms(61_000);
        assert_eq!(calls(&breaker, ".........x."), ".........x.");
    }

    #[test]
    fn after_the_pause_one_call_tries() {
        let (breaker, clock) = breaker(1, 0.0);
        assert_eq!(calls(&breaker, "x."), "x-");
        clock.advance_ms(PAUSE_MS * 2);
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        let trial = breaker.admit().unwrap();
        assert_eq!(breaker.admit().unwrap_err(), Duration::ZERO);
        trial.tell(false);
        assert_eq!((breaker.state(), calls(&breaker, "..")), (BreakerState::Closed, "..".to_owned()));
    }

    #[test]
    fn the_first_word_of_a_trial_lets_the_others_in() {
        let (breaker, clock) = breaker(1, 0.0);
        calls(&breaker, "x");
        clock.advance_ms(PAUSE_MS * 2);
        let mut trial = breaker.admit().unwrap();
        trial.answers();
        assert_eq!(calls(&breaker, "."), ".");
        trial.tell(true);
        assert_eq!(breaker.state(), BreakerState::Open);
    }

    #[test]
    fn a_trial_that_fails_makes_the_pause_longer_up_to_a_bound() {
        let (breaker, clock) = breaker(1, 0.0);
        calls(&breaker, "x");
        let mut pauses = Vec::new();
        for _ in 0..6 {
            let left = breaker.admit().unwrap_err();
            pauses.push(left.as_secs_f64());
            clock.advance_ms(i64::try_from(left.as_millis()).unwrap() + 1);
            assert_eq!(calls(&breaker, "x"), "x");
        }
        for (pause, usual) in pauses.iter().zip([10.0, 20.0, 40.0, 80.0, 80.0, 80.0]) {
            assert!((usual * 0.79..usual * 1.21).contains(pause), "{pauses:?}");
        }
    }

    #[test]
    fn a_call_that_panics_or_is_forgotten_is_a_failure() {
        let (breaker, clock) = breaker(1, 0.0);
        drop(breaker.admit().unwrap());
        assert_eq!(breaker.state(), BreakerState::Open);
        clock.advance_ms(PAUSE_MS * 2);
        drop(breaker.admit().unwrap());
        assert_eq!(breaker.state(), BreakerState::Open);
    }

    #[test]
    fn a_trial_that_was_called_off_is_made_by_another() {
        let (breaker, clock) = breaker(1, 0.0);
        calls(&breaker, "x");
        clock.advance_ms(PAUSE_MS * 2);
        breaker.admit().unwrap().withdraw();
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        assert_eq!(calls(&breaker, ".."), "..");
    }

    #[test]
    fn a_late_success_of_an_old_call_does_not_close_it() {
        let (breaker, _) = breaker(1, 0.0);
        let old = breaker.admit().unwrap();
        calls(&breaker, "x");
        old.tell(false);
        assert_eq!(breaker.state(), BreakerState::Open);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_lock_it() {
        let (breaker, clock) = breaker(1, 0.0);
        calls(&breaker, "x");
        clock.advance_ms(-500_000);
        assert_eq!(calls(&breaker, "."), ".");
    }

    #[test]
    fn only_one_of_many_threads_tries() {
        let (breaker, clock) = breaker(1, 0.0);
        calls(&breaker, "x");
        clock.advance_ms(PAUSE_MS * 2);
        let admitted = std::thread::scope(|scope| {
            let all: Vec<_> =
                (0..8).map(|_| scope.spawn(|| breaker.admit().map(std::mem::forget).is_ok())).collect();
            all.into_iter().map(|thread| thread.join().unwrap()).filter(|is| *is).count()
        });
        assert_eq!(admitted, 1);
    }
}
