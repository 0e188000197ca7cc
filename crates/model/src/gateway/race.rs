//! Two models after one another for one answer: the second is asked when the first has said nothing for a while, and who
//! speaks first is heard alone.
//!
//! Keeps true: the listener is called on the caller's thread only and hears one of the two; the other is cancelled the
//! moment it has lost; when the race is over, neither is asked any more; a second that is not needed takes no thread.

use std::ops::ControlFlow;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::patience::Cancel;
use super::provider::Tried;
use crate::{ChatDelta, wire};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    First,
    Second,
}

type Listener<'a> = &'a mut dyn FnMut(ChatDelta) -> ControlFlow<()>;

/// Asks it, from any thread.
type Ask = dyn FnOnce(&Cancel, Listener<'_>) -> Tried + Send;

/// Who is asked second.
pub struct Second {
    pub after: Duration,
    /// Asked when the time has come.
    pub may_begin: Box<dyn FnOnce() -> bool + Send>,
    pub ask: Box<Ask>,
}

/// Runs the race. The second's result is none where it was not asked.
pub fn race(
    first: impl FnOnce(&Cancel, Listener<'_>) -> Tried,
    second: Second,
    on_delta: &mut dyn FnMut(Side, ChatDelta) -> ControlFlow<()>,
) -> (Tried, Option<Tried>) {
    let (track, span) = (Arc::new(Track::default()), tracing::Span::current());
    let (sender, pieces) = channel();
    let (ended, end) = channel();
    // Without the thread that all requests share, the first could not be asked either.
    let work = begin_in_time(Arc::clone(&track), span, second, sender, ended);
    let clock = wire::runtime().ok().map(|runtime| runtime.spawn(work).abort_handle());
    let own = first(&track.cancels[0], &mut |delta| {
        if track.claims(Side::First) { on_delta(Side::First, delta) } else { ControlFlow::Break(()) }
    });
    if !track.first_is_over(own.outcome.is_ok()) {
        clock.inspect(tokio::task::AbortHandle::abort);
        return (own, None);
    }
    for piece in pieces {
        if on_delta(Side::Second, piece).is_break() {
            break;
        }
    }
    (own, end.recv().ok())
}

/// Waits, and asks the second on a thread of its own if the first has still not said anything.
async fn begin_in_time(
    track: Arc<Track>,
    span: tracing::Span,
    second: Second,
    pieces: Sender<ChatDelta>,
    ended: Sender<Tried>,
) {
    tokio::time::sleep(second.after).await;
    if (second.may_begin)() && track.begins_second() {
        tokio::task::spawn_blocking(move || {
            let _inside = span.enter();
            let _ = ended.send(track.run_second(second.ask, pieces));
        });
    }
}

#[derive(Debug, Default)]
struct Track {
    state: Mutex<State>,
    /// Of the first and of the second.
    cancels: [Cancel; 2],
}

#[derive(Debug, Default)]
struct State {
    winner: Option<Side>,
    first_is_over: bool,
    /// The second is asked, or was.
    second_begun: bool,
}

impl Track {
    /// Whether `side` is the one that is heard: the first to ask is.
    fn claims(&self, side: Side) -> bool {
        let mut state = self.state();
        if state.winner.is_none() {
            state.winner = Some(side);
            self.cancels[usize::from(side == Side::First)].cancel();
        }
        state.winner == Some(side)
    }

    /// An answer without a word is an answer too; after a failure, nobody is to be asked beside it any more. Says whether somebody was.
    fn first_is_over(&self, is_ok: bool) -> bool {
        if is_ok {
            self.claims(Side::First);
        }
        let mut state = self.state();
        state.first_is_over = true;
        state.second_begun
    }

    /// Whether the second is to be asked now: the first has still not said anything.
    fn begins_second(&self) -> bool {
        let mut state = self.state();
        state.second_begun = state.winner.is_none() && !state.first_is_over;
        state.second_begun
    }

    fn run_second(
        &self,
        ask: impl FnOnce(&Cancel, Listener<'_>) -> Tried,
        pieces: Sender<ChatDelta>,
    ) -> Tried {
        let tried = ask(&self.cancels[1], &mut |delta| {
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
