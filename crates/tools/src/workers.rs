//! Threads for calls: one each, a bounded number, given up when time is over.
//!
//! Keeps true: a caller waits no longer than its deadline. A call that was given up keeps its place until it ends, so
//! that calls which never end cannot eat the machine.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use ibid_types::{Error, Result};
use parking_lot::{Condvar, Mutex};

use crate::ToolContext;

/// How soon a waiting caller sees that its call was cancelled.
const CANCEL_LOOK_INTERVAL: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(crate) struct Workers {
    places: Arc<Places>,
}

#[derive(Debug)]
struct Places {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A place that is taken; dropping it frees it.
struct Place(Arc<Places>);

impl Drop for Place {
    fn drop(&mut self) {
        *self.0.free.lock() += 1;
        self.0.freed.notify_one();
    }
}

impl Workers {
    pub(crate) fn new(concurrent_max: usize) -> Self {
        let free = Mutex::new(concurrent_max.max(1));
        Self { places: Arc::new(Places { free, freed: Condvar::new() }) }
    }

    /// Runs `work` on a thread of its own for at most `timeout`, or until `context` is cancelled or over.
    ///
    /// # Errors
    /// Those of `work`; `tool_timeout`, `tool_cancelled`, `tool_busy`, `tool_panicked`.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        name: &str,
        timeout: Duration,
        context: &ToolContext,
        work: impl FnOnce(&ToolContext) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let inner = context.within(timeout);
        let place = self.place(name, inner.deadline)?;
        let (sender, receiver) = sync_channel(1);
        let given = inner.clone();
        std::thread::Builder::new()
            .name("ibid-tool".to_owned())
            .spawn(move || {
                let outcome = work(&given);
                // Freed first, so that who has the result can take the place.
                drop(place);
                let _ = sender.try_send(outcome);
            })
            .map_err(|error| busy(name).caused_by(error))?;
        let outcome = loop {
            match receiver.recv_timeout(inner.remaining().min(CANCEL_LOOK_INTERVAL)) {
                Ok(outcome) => return outcome,
                Err(RecvTimeoutError::Disconnected) => break panicked(name),
                Err(RecvTimeoutError::Timeout) if context.cancelled.is_requested() => break cancelled(name),
                Err(RecvTimeoutError::Timeout) if inner.remaining().is_zero() => break timed_out(name),
                Err(RecvTimeoutError::Timeout) => {}
            }
        };
        inner.cancelled.request();
        Err(outcome)
    }

    /// A free place, or after the deadline an error.
    fn place(&self, name: &str, deadline: Instant) -> Result<Place> {
        let mut free = self.places.free.lock();
        while *free == 0 {
            if self.places.freed.wait_until(&mut free, deadline).timed_out() && *free == 0 {
                return Err(busy(name));
            }
        }
        *free -= 1;
        Ok(Place(Arc::clone(&self.places)))
    }
}

fn busy(name: &str) -> Error {
    Error::unavailable(
        "tool_busy",
        format!("no thread was free to call tool '{name}'; try again in a moment"),
    )
}

pub(crate) fn timed_out(name: &str) -> Error {
    Error::timeout(
        "tool_timeout",
        format!("tool '{name}' did not answer in time; allow it more or ask for less"),
    )
}

pub(crate) fn cancelled(name: &str) -> Error {
    Error::conflict("tool_cancelled", format!("the call of tool '{name}' was cancelled"))
}

fn panicked(name: &str) -> Error {
    Error::internal("tool_panicked", format!("tool '{name}' failed inside; please report it"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ibid_types::WorkspaceId;

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(30);

    fn context() -> ToolContext {
        ToolContext::new(WorkspaceId::new(), "key", LONG)
    }

    /// Waits for the stop signal, at most a minute.
    fn stuck(context: &ToolContext) -> Result<bool> {
        Ok(context.cancelled.wait_timeout(LONG))
    }

    #[test]
    fn a_result_comes_back() {
        assert_eq!(Workers::new(1).run("t", LONG, &context(), |_| Ok(5)).unwrap(), 5);
    }

    #[test]
    fn a_stuck_tool_is_given_up_and_told() {
        let (sender, receiver) = sync_channel(1);
        let work = move |context: &ToolContext| {
            let _ = sender.send(stuck(context)?);
            Ok(())
        };
        assert_eq!(Workers::new(1).run("t", SHORT, &context(), work).unwrap_err().code, "tool_timeout");
        assert!(receiver.recv().unwrap(), "the tool was not told to stop");
    }

    #[test]
    fn a_cancelled_call_ends_at_once() {
        let context = context();
        context.cancelled.request();
        assert_eq!(Workers::new(1).run("t", LONG, &context, stuck).unwrap_err().code, "tool_cancelled");
    }

    #[test]
    fn places_are_bounded_until_freed() {
        let workers = Workers::new(1);
        let (release, released) = sync_channel::<()>(1);
        let deaf = move |_: &ToolContext| Ok(released.recv().is_ok());
        assert_eq!(workers.run("deaf", SHORT, &context(), deaf).unwrap_err().code, "tool_timeout");
        assert_eq!(workers.run("next", SHORT, &context(), |_| Ok(())).unwrap_err().code, "tool_busy");
        release.send(()).unwrap();
        assert!(workers.run("next", LONG, &context(), |_| Ok(())).is_ok());
    }

    #[test]
    fn a_panic_is_an_error_and_frees_the_place() {
        let workers = Workers::new(1);
        for _ in 0..2 {
            let outcome: Result<()> = workers.run("t", LONG, &context(), |_| panic!("as tested"));
            assert_eq!(outcome.unwrap_err().code, "tool_panicked");
        }
    }
}
