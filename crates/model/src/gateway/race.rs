//! Two models after one another for one answer: the second is asked when the first has said nothing for a while, and who
//! speaks first is heard alone.
//!
//! Keeps true: the listener is called on the caller's thread only and hears one of the two; the other is cancelled the
//! moment it has lost; no thread outlives the race.

use std::ops::ControlFlow;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::patience::Cancel;
use super::provider::Tried;
use crate::ChatDelta;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    First,
    Second,
}

/// Asks one of the two.
pub type Ask<'a> = &'a (dyn Fn(&Cancel, &mut dyn FnMut(ChatDelta) -> ControlFlow<()>) -> Tried + Sync);

/// Runs the race. The second is asked after `after`, if `may_begin` then says so; its result is none where it was not.
pub fn race(
    first: Ask<'_>,
    second: Ask<'_>,
    after: Duration,
    may_begin: &(dyn Fn() -> bool + Sync),
    on_delta: &mut dyn FnMut(Side, ChatDelta) -> ControlFlow<()>,
) -> (Tried, Option<Tried>) {
    let (track, span) = (Track::default(), tracing::Span::current());
    let (sender, pieces) = channel();
    std::thread::scope(|scope| {
        let rival = || {
            let _inside = span.enter();
            track.waits_in_vain(after).then(may_begin).filter(|may| *may)?;
            Some(track.run_second(second, sender))
        };
        let thread = std::thread::Builder::new().name("hedge".to_owned()).spawn_scoped(scope, rival);
        let own = first(&track.cancels[0], &mut |delta| {
            if track.claims(Side::First) { on_delta(Side::First, delta) } else { ControlFlow::Break(()) }
        });
        track.first_is_over(own.outcome.is_ok());
        for piece in pieces {
            if on_delta(Side::Second, piece).is_break() {
                break;
            }
        }
        (own, thread.ok().and_then(|thread| thread.join().ok()).flatten())
    })
}

#[derive(Debug, Default)]
struct Track {
    state: Mutex<State>,
    changed: Condvar,
    /// Of the first and of the second.
    cancels: [Cancel; 2],
}

#[derive(Debug, Default)]
struct State {
    winner: Option<Side>,
    first_is_over: bool,
}

impl Track {
    /// Whether `side` is the one that is heard: the first to ask is.
    fn claims(&self, side: Side) -> bool {
        let mut state = self.state();
        if state.winner.is_none() {
            state.winner = Some(side);
            self.cancels[usize::from(side == Side::First)].cancel();
            self.changed.notify_all();
        }
        state.winner == Some(side)
    }

    /// An answer without a word is an answer too; after a failure, nobody is to be asked beside it any more.
    fn first_is_over(&self, is_ok: bool) {
        if is_ok {
            self.claims(Side::First);
        }
        self.state().first_is_over = true;
        self.changed.notify_all();
    }

    /// Waits; says whether the first has still not said anything.
    fn waits_in_vain(&self, after: Duration) -> bool {
        let goes_on = |state: &mut State| state.winner.is_none() && !state.first_is_over;
        let waited = self.changed.wait_timeout_while(self.state(), after, goes_on);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        goes_on(&mut state)
    }

    fn run_second(&self, second: Ask<'_>, pieces: Sender<ChatDelta>) -> Tried {
        let tried = second(&self.cancels[1], &mut |delta| {
            let is_heard = self.claims(Side::Second) && pieces.send(delta).is_ok();
            if is_heard { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        if tried.outcome.is_ok() {
            self.claims(Side::Second);
        }
        tried
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
