//! Models in order, as one: where one fails, the next is asked; where one is slow, the next is asked too.
//!
//! Keeps true: a call ends within the route's time, with the answer of one model or with an error that says why none
//! answered; text of a model that broke off is taken back (`ChatDelta::Anew`) before another's is shown; a fault of the
//! caller is the caller's, except that a longer text is tried with a model that reads more.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ibid_types::answer::Usage;
use ibid_types::{Class, Error, Result};

use super::patience::{Cancel, Patience};
use super::provider::{Provider, Tried, tokens_of};
use super::purse::{BUDGET_USED_UP, Purse, Unlimited};
use super::race::{Second, Side, race};
use super::report::{Attempt, CANCELLED, CallReport, Observer, PassedOver};
use crate::{ChatDelta, ChatModel, ChatOutcome, ChatRequest, ChatTimeouts};

/// Calls at a time that may have a second thread for a hedge; more than these wait for their first model alone.
const HEDGED_MAX: usize = 64;

/// How a route asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteConfig {
    /// After so long without a first token the next model is asked too; none: never.
    pub hedge_after: Option<Duration>,
    /// First and further token of each attempt, and the total of all of them; the models' own hold besides.
    pub timeouts: ChatTimeouts,
}

/// A chat model made of models in order.
#[derive(Debug)]
pub struct Route {
    name: String,
    members: Vec<Arc<Provider>>,
    config: RouteConfig,
    observer: Arc<dyn Observer>,
    purse: Arc<dyn Purse>,
    /// Calls that may have a second thread now.
    hedged: AtomicUsize,
}

impl Route {
    /// Error: `route_empty`.
    pub fn new(
        name: &str,
        members: Vec<Arc<Provider>>,
        config: RouteConfig,
        observer: Arc<dyn Observer>,
    ) -> Result<Self> {
        if members.is_empty() {
            let what = format!("the route {name} has no models; name some of chat.models in it");
            return Err(Error::bad_request("route_empty", what));
        }
        let (purse, hedged) = (Arc::new(Unlimited), AtomicUsize::new(0));
        Ok(Self { name: name.to_owned(), members, config, observer, purse, hedged })
    }

    /// The same route, which asks only what is paid for.
    #[must_use]
    pub fn with_purse(self, purse: Arc<dyn Purse>) -> Self {
        Self { purse, ..self }
    }

    /// The models in their order.
    #[must_use]
    pub fn members(&self) -> &[Arc<Provider>] {
        &self.members
    }

    /// Places of models that nobody pays for now, and why.
    fn unpayable(&self) -> Vec<(usize, Error)> {
        let check =
            |(place, member): (usize, &Arc<Provider>)| Some((place, self.purse.check(member.name()).err()?));
        self.members.iter().enumerate().filter_map(check).collect()
    }

    /// Room for a second thread, as long as the value lives.
    fn room(&self) -> Option<Room<'_>> {
        let room = Room(&self.hedged);
        (self.hedged.fetch_add(1, Ordering::Relaxed) < HEDGED_MAX).then_some(room)
    }
}

impl ChatModel for Route {
    fn name(&self) -> &str {
        &self.name
    }

    /// Of the first model: a text that a later one cannot read goes past it.
    fn context_tokens(&self) -> usize {
        self.members.first().map_or(0, |member| member.context_tokens())
    }

    /// Errors: that of the model where only one was asked, else `models_exhausted`.
    fn chat(
        &self,
        request: &ChatRequest,
        on_delta: &mut dyn FnMut(ChatDelta) -> ControlFlow<()>,
    ) -> Result<ChatOutcome> {
        let mut call = Call::new(self, request, on_delta);
        let done = call.run();
        self.observer.call(&CallReport {
            route: &self.name,
            model: done.as_ref().ok().and_then(|done| done.model.as_deref()),
            usage: done.as_ref().map_or_else(|_| Usage::default(), |done| done.usage),
            attempts: &call.attempts,
            outcome: done.as_ref().map_or_else(|error| error.code, |_| "done"),
        });
        done
    }

    /// Whether any of its models answers.
    fn probe(&self) -> Result<()> {
        let mut first = None;
        for member in &self.members {
            match member.probe() {
                Ok(()) => return Ok(()),
                Err(error) => drop(first.get_or_insert(error)),
            }
        }
        first.map_or(Ok(()), Err)
    }
}

struct Room<'a>(&'a AtomicUsize);

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One call of a route.
struct Call<'a> {
    route: &'a Route,
    request: &'a ChatRequest,
    stage: Stage<'a>,
    started: Instant,
    attempts: Vec<Attempt>,
    /// Places of models that failed, and why.
    failures: Vec<(usize, Error)>,
    /// Places of models that were cancelled because another was quicker.
    slower: Vec<usize>,
    /// A model must be able to read so much.
    window_min: usize,
}

impl<'a> Call<'a> {
    fn new(
        route: &'a Route,
        request: &'a ChatRequest,
        on_delta: &'a mut dyn FnMut(ChatDelta) -> ControlFlow<()>,
    ) -> Self {
        let stage = Stage { on_delta, shown: None };
        let (attempts, failures, slower) = (Vec::new(), route.unpayable(), Vec::new());
        Self { route, request, stage, started: Instant::now(), attempts, failures, slower, window_min: 0 }
    }

    fn run(&mut self) -> Result<ChatOutcome> {
        // Each round ends with one model less, or with one that was cut off and may still be asked.
        for _ in 0..2 * self.route.members.len() {
            let Some(place) = self.next(None) else { break };
            if let Some((by, outcome)) = self.ask(place) {
                return Ok(self.signed(by, outcome));
            }
        }
        Err(self.exhausted())
    }

    /// The place of the model to ask next, besides the one that is being asked.
    fn next(&self, asked: Option<usize>) -> Option<usize> {
        let may_go_on = self.failures.last().is_none_or(|(_, error)| another_may(error));
        if !may_go_on || self.left().is_zero() {
            return None;
        }
        let is_open =
            |place: &usize| Some(*place) != asked && self.failures.iter().all(|(failed, _)| failed != place);
        (0..self.route.members.len()).filter(is_open).find(|place| self.fits(*place))
    }

    /// Whether the model at a place can read the text. It was made for the first; only smaller ones need a look.
    fn fits(&self, place: usize) -> bool {
        let window = self.route.members[place].context_tokens();
        let is_as_large = window >= self.route.context_tokens();
        window >= self.window_min && (is_as_large || tokens_of(self.request) <= window as u64)
    }

    /// Asks the model at a place, and the next one too where it is slow. The outcome with the place of who gave it.
    fn ask(&mut self, place: usize) -> Option<(usize, ChatOutcome)> {
        let rival = self.next(Some(place));
        let room = self.route.config.hedge_after.and_then(|after| Some((after, rival?, self.route.room()?)));
        match room {
            Some((after, rival, _room)) => self.ask_two(place, rival, after),
            None => self.ask_one(place, rival.is_none()),
        }
    }

    fn ask_one(&mut self, place: usize, is_last: bool) -> Option<(usize, ChatOutcome)> {
        let patience = self.patience(is_last, Cancel::default());
        let (member, stage) = (&self.route.members[place], &mut self.stage);
        let tried = member.attempt(self.request, &patience, &mut |delta| stage.show(place, delta));
        self.note(place, tried)
    }

    fn ask_two(&mut self, place: usize, rival: usize, after: Duration) -> Option<(usize, ChatOutcome)> {
        let [first, second] = [place, rival].map(|place| Arc::clone(&self.route.members[place]));
        let (request, granted) = (self.request.clone(), self.patience(false, Cancel::default()));
        let (started, total) = (self.started, self.route.config.timeouts.total);
        let within = move |cancel: &Cancel| {
            let mut patience = Patience { cancel: cancel.clone(), ..granted.clone() };
            patience.timeouts.total = total.saturating_sub(started.elapsed());
            patience
        };
        let within_second = within.clone();
        let asked = Arc::clone(&first);
        let second = Second {
            after,
            may_begin: Box::new(move || asked.may_hedge()),
            ask: Box::new(move |cancel, on_delta| second.attempt(&request, &within_second(cancel), on_delta)),
        };
        let (request, stage) = (self.request, &mut self.stage);
        let (own, other) = race(
            |cancel, on_delta| first.attempt(request, &within(cancel), on_delta),
            second,
            &mut |side, delta| stage.show(if side == Side::First { place } else { rival }, delta),
        );
        let own = self.note(place, own);
        let other = other.and_then(|other| self.note(rival, other));
        own.or(other)
    }

    /// What is left of the route's time.
    fn left(&self) -> Duration {
        self.route.config.timeouts.total.saturating_sub(self.started.elapsed())
    }

    /// A model that has another behind it is not asked again: the other is asked at once.
    fn patience(&self, is_last: bool, cancel: Cancel) -> Patience {
        let timeouts = ChatTimeouts { total: self.left(), ..self.route.config.timeouts };
        Patience { timeouts, may_retry: is_last, cancel }
    }

    /// Takes note of an attempt. One that was cancelled has not failed.
    fn note(&mut self, place: usize, tried: Tried) -> Option<(usize, ChatOutcome)> {
        let is_cancelled = tried.is_cancelled();
        self.attempts.push(tried.attempt);
        match tried.outcome {
            Ok(outcome) => return Some((place, outcome)),
            Err(_) if is_cancelled => self.slower.push(place),
            Err(error) => {
                if error.code == "provider_context_exceeded" {
                    self.window_min = self.window_min.max(self.route.members[place].context_tokens() + 1);
                }
                self.failures.push((place, error));
            }
        }
        None
    }

    fn signed(&mut self, place: usize, mut outcome: ChatOutcome) -> ChatOutcome {
        outcome.model = Some(self.route.members[place].name().to_owned());
        // Nobody was to ask those behind it.
        self.failures.retain(|(failed, error)| *failed < place || error.code != BUDGET_USED_UP);
        outcome.passed_over = self.failed();
        let slower = self.slower.iter().filter(|slower| **slower < place);
        outcome.passed_over.extend(slower.map(|slower| self.passed(*slower, CANCELLED, "")));
        outcome
    }

    fn failed(&self) -> Vec<PassedOver> {
        self.failures.iter().map(|(place, error)| self.passed(*place, error.code, &error.message)).collect()
    }

    fn passed(&self, place: usize, code: &'static str, message: &str) -> PassedOver {
        PassedOver { model: self.route.members[place].name().to_owned(), code, message: message.to_owned() }
    }

    /// Why nobody answered.
    fn exhausted(&mut self) -> Error {
        let why: Vec<String> =
            self.failed().iter().map(|passed| format!("{}: {}", passed.model, passed.reason())).collect();
        match self.failures.pop() {
            Some((_, error)) if self.failures.is_empty() || !another_may(&error) => error,
            Some((_, error)) if self.failures.iter().all(|(_, other)| other.message == error.message) => {
                error
            }
            last => {
                let what = format!(
                    "none of the models of the route {} answered ({}); see `ibid providers`",
                    self.route.name,
                    why.join("; ")
                );
                let error = Error::unavailable("models_exhausted", what);
                last.into_iter().fold(error, |error, (_, cause)| error.caused_by(cause))
            }
        }
    }
}

/// Whether another model may give what this failure did not: not where the fault lies with what was asked.
fn another_may(error: &Error) -> bool {
    error.code == "provider_context_exceeded"
        || (error.code != "provider_refused"
            && matches!(error.class, Class::Unavailable | Class::Timeout | Class::Internal))
}

/// What the caller is shown.
struct Stage<'a> {
    on_delta: &'a mut dyn FnMut(ChatDelta) -> ControlFlow<()>,
    /// The place of the model whose text stands there.
    shown: Option<usize>,
}

impl Stage<'_> {
    fn show(&mut self, place: usize, delta: ChatDelta) -> ControlFlow<()> {
        if self.shown.is_some_and(|shown| shown != place) {
            (self.on_delta)(ChatDelta::Anew)?;
        }
        self.shown = Some(place);
        (self.on_delta)(delta)
    }
}
