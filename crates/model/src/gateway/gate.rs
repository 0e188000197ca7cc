//! What a call of a model passes on its way: the breaker, the quota, and the books of how calls went.
//!
//! Keeps true: a call that may not pass fails at once and touches nothing; a call that passed is accounted for once, in
//! whatever way it ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ibid_runtime::Clock;
use ibid_types::{Class, Error, Result};

use super::breaker::{Breaker, BreakerConfig, BreakerState, Permit};
use super::figures::{Figures, Recent};
use super::line::Line;
use super::quota::{Left, Quota, QuotaConfig};

/// What keeps calls away from a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GateConfig {
    pub breaker: BreakerConfig,
    pub quota: QuotaConfig,
}

/// The gate before one model at one provider.
#[derive(Debug)]
pub struct Gate {
    name: String,
    /// None where nothing opens it.
    breaker: Option<Breaker>,
    quota: Quota,
    line: Arc<Line>,
    figures: Figures,
    clock: Clock,
}

/// How a gate stands.
#[derive(Clone, Debug)]
pub struct GateState {
    /// None for a model without a breaker.
    pub breaker: Option<BreakerState>,
    /// Calls under way.
    pub running: usize,
    pub recent: Recent,
    pub quota: Vec<Left>,
    /// Requests sent again since the start.
    pub retries: u64,
}

/// A call that passed; dropped without a word it counts as a failure.
#[derive(Debug)]
pub struct Pass<'a> {
    gate: &'a Gate,
    permit: Option<Permit<'a>>,
    tokens_reserved: u64,
    started: Instant,
    first_token: Option<Duration>,
    is_told: bool,
}

impl Gate {
    /// `line` is what the adapter behind the gate was given. `name` is what messages call the model.
    #[must_use]
    pub fn new(name: &str, config: GateConfig, line: Arc<Line>, clock: Clock) -> Self {
        let breaker = (!config.breaker.is_off()).then(|| Breaker::new(config.breaker, clock.clone()));
        let (quota, figures) = (Quota::new(config.quota), Figures::default());
        Self { name: name.to_owned(), breaker, quota, line, figures, clock }
    }

    /// Lets a call through that will use about so many tokens; they are counted only where a quota asks for it.
    ///
    /// # Errors
    /// `provider_resting`, `provider_quota_used`.
    pub fn enter(&self, tokens: impl FnOnce() -> u64) -> Result<Pass<'_>> {
        let permit = self.breaker.as_ref().map(Breaker::admit).transpose();
        let permit = permit.map_err(|left| resting(&self.name, left))?;
        let tokens_reserved = if self.quota.counts_tokens() { tokens() } else { 0 };
        let now = self.clock.now();
        if let Err(used_up) = self.quota.reserve(now, tokens_reserved) {
            permit.into_iter().for_each(Permit::withdraw);
            let seconds = (used_up.resets_at.0 - now.0).max(0).unsigned_abs().div_ceil(1000);
            return Err(quota_used(&self.name, used_up.of, seconds));
        }
        self.figures.begin();
        self.line.retries.request();
        let started = Instant::now();
        Ok(Pass { gate: self, permit, tokens_reserved, started, first_token: None, is_told: false })
    }

    /// Whether one more request than the caller's own may be made: a retry, a hedge.
    pub(super) fn may_ask_again(&self) -> bool {
        self.line.retries.take()
    }

    #[must_use]
    pub fn state(&self) -> GateState {
        let now = self.clock.now();
        GateState {
            breaker: self.breaker.as_ref().map(Breaker::state),
            running: self.figures.running(),
            recent: self.figures.recent(now),
            quota: self.quota.left(now),
            retries: self.line.retries_count(),
        }
    }
}

impl Pass<'_> {
    /// Says that the model has begun to answer.
    pub fn answers(&mut self) {
        if self.first_token.is_none() {
            self.first_token = Some(self.started.elapsed());
            self.permit.iter_mut().for_each(Permit::answers);
        }
    }

    /// Time to the first sign of an answer.
    #[must_use]
    pub const fn first_token(&self) -> Option<Duration> {
        self.first_token
    }

    /// Since the call began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Says that the call ended: what it used, where the provider said so, and what went wrong.
    pub fn end(mut self, tokens_used: Option<u64>, error: Option<&Error>) {
        let used = tokens_used.unwrap_or(self.tokens_reserved);
        self.gate.quota.settle(self.tokens_reserved, used);
        self.tell(error.is_some_and(is_the_providers));
    }

    /// Says that we ended the call ourselves, which says nothing of the provider.
    pub fn withdraw(mut self) {
        self.is_told = true;
        self.permit.take().into_iter().for_each(Permit::withdraw);
    }

    fn tell(&mut self, is_failure: bool) {
        self.is_told = true;
        let (gate, now) = (self.gate, self.gate.clock.now());
        self.permit.take().into_iter().for_each(|permit| permit.tell(is_failure));
        gate.quota.hear(now, gate.line.take());
        gate.figures.note(now, is_failure, self.first_token);
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if !self.is_told {
            self.tell(true);
        }
        self.gate.figures.end();
    }
}

/// Whether the fault lies with the provider, and not with what it was asked.
fn is_the_providers(error: &Error) -> bool {
    matches!(error.class, Class::Unavailable | Class::Timeout | Class::Internal)
}

fn resting(name: &str, left: Duration) -> Error {
    let again = match left.as_secs() {
        0 => "it is being tried again now".to_owned(),
        seconds => format!("it is tried again in {seconds} s"),
    };
    let what = format!(
        "the model {name} failed too often and is left alone: {again}; see `ibid runbook run provider-down`"
    );
    Error::unavailable("provider_resting", what)
}

fn quota_used(name: &str, of: &str, seconds: u64) -> Error {
    let what = format!(
        "the quota of the model {name} is used up ({of}): it is asked again in {seconds} s; see `ibid providers`"
    );
    Error::unavailable("provider_quota_used", what)
}

#[cfg(test)]
mod tests {
    use ibid_types::Timestamp;

    use super::*;

    fn gate(requests_per_minute: u64) -> (Gate, Clock) {
        let clock = Clock::manual(Timestamp(1_000_000));
        let (window, pause) = (Duration::from_secs(60), Duration::from_secs(10));
        let breaker = BreakerConfig { failures_max: 1, share_max: 0.0, calls_min: 1, window, pause };
        let quota = QuotaConfig { requests_per_minute, ..QuotaConfig::default() };
        (Gate::new("m", GateConfig { breaker, quota }, Arc::default(), clock.clone()), clock)
    }

    fn code(gate: &Gate) -> &'static str {
        gate.enter(|| 0).map_or_else(
            |error| error.code,
            |pass| {
                pass.end(None, None);
                "passed"
            },
        )
    }

    #[test]
    fn a_call_without_room_in_the_quota_gives_its_trial_back() {
        let (gate, clock) = gate(1);
        gate.enter(|| 0).unwrap().end(None, Some(&Error::timeout("t", "t")));
        assert_eq!(code(&gate), "provider_resting");
        clock.advance_ms(13_000);
        assert_eq!(code(&gate), "provider_quota_used");
        clock.advance_ms(60_000);
        assert_eq!(code(&gate), "passed");
        assert_eq!(gate.state().breaker, Some(BreakerState::Closed));
    }

    #[test]
    fn a_call_that_is_forgotten_is_a_failure_and_over() {
        let (gate, _) = gate(0);
        drop(gate.enter(|| 0).unwrap());
        let state = gate.state();
        assert_eq!((state.running, state.recent.failures, state.breaker), (0, 1, Some(BreakerState::Open)));
    }

    #[test]
    fn faults_of_the_caller_and_calls_that_we_ended_say_nothing_of_the_provider() {
        let (gate, _) = gate(0);
        gate.enter(|| 0).unwrap().end(None, Some(&Error::bad_request("b", "b")));
        gate.enter(|| 0).unwrap().withdraw();
        assert_eq!((gate.state().recent.failures, gate.state().breaker), (0, Some(BreakerState::Closed)));
    }
}
