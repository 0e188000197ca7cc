//! How long a call may take, and the hand that ends it before.
//!
//! Keeps true: a call that was cancelled gives up its connection at once, whatever it waits for.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;

use crate::ChatTimeouts;

/// What a caller grants a call of a chat model; the model's own bounds hold besides.
#[derive(Clone, Debug)]
pub struct Patience {
    pub timeouts: ChatTimeouts,
    /// Whether a refusal that asks to come again may be followed; not where another model can be asked at once.
    pub may_retry: bool,
    pub cancel: Cancel,
}

impl Patience {
    /// As long as the model itself allows.
    #[must_use]
    pub fn unbounded() -> Self {
        Self { timeouts: ChatTimeouts::UNBOUNDED, may_retry: true, cancel: Cancel::default() }
    }
}

impl ChatTimeouts {
    /// No bound of one's own.
    pub const UNBOUNDED: Self =
        Self { first_token: Duration::MAX, further_token: Duration::MAX, total: Duration::MAX };

    /// The shorter of each.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            first_token: self.first_token.min(other.first_token),
            further_token: self.further_token.min(other.further_token),
            total: self.total.min(other.total),
        }
    }
}

/// Ends a call from another thread. Clones end the same call.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    is_cancelled: bool,
    /// Requests of this call. Few: one, and one for each parameter that a server refuses.
    requests: Vec<AbortHandle>,
}

impl Cancel {
    /// Ends what runs, and all that would begin later.
    pub fn cancel(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_cancelled = true;
        state.requests.drain(..).for_each(|request| request.abort());
    }

    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).is_cancelled
    }

    /// Puts a request within reach.
    pub(crate) fn reaches(&self, request: AbortHandle) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_cancelled {
            return request.abort();
        }
        state.requests.retain(|known| !known.is_finished());
        state.requests.push(request);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_after_the_end_is_ended_too() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let cancel = Cancel::default();
        let before = runtime.spawn(std::future::pending::<()>());
        cancel.reaches(before.abort_handle());
        cancel.clone().cancel();
        let after = runtime.spawn(std::future::pending::<()>());
        cancel.reaches(after.abort_handle());
        assert!(runtime.block_on(before).unwrap_err().is_cancelled());
        assert!(runtime.block_on(after).unwrap_err().is_cancelled());
        assert!(cancel.is_cancelled());
    }

    #[test]
    fn the_shorter_time_holds() {
        let second = Duration::from_secs(1);
        let own = ChatTimeouts { first_token: second, further_token: second, total: second * 9 };
        let both = own.and(ChatTimeouts { total: second, ..ChatTimeouts::UNBOUNDED });
        assert_eq!((both.first_token, both.total), (second, second));
    }
}
