//! From threads that wait to the one thread that runs the protocol's tasks.
//!
//! Keeps true: a caller comes back at its deadline whatever the task does, and the task is then dropped, which tells
//! the server that nobody waits any more.

use std::future::Future;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use ibid_runtime::Shutdown;
use ibid_types::{Error, Result};
use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle, Runtime};

/// How soon a waiting caller sees that its call was cancelled.
const CANCEL_LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// How long dropped tasks may take to be gone.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Bridge {
    handle: Handle,
    /// None after `stop`.
    runtime: Mutex<Option<Runtime>>,
}

/// Why there is no result.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum GivenUp {
    Late,
    Cancelled,
    Stopped,
}

impl Bridge {
    pub(super) fn new() -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(4)
            .thread_name("ibid-mcp")
            .enable_all()
            .build()
            .map_err(|error| {
                Error::internal("mcp_runtime", "cannot start the thread that talks to MCP servers")
                    .caused_by(error)
            })?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Mutex::new(Some(runtime)) })
    }

    /// Starts a task and gives the end of the channel that its result comes from.
    pub(super) fn start<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> Receiver<T> {
        self.spawn(task).0
    }

    /// Runs a task until it ends, the deadline passes or the caller's call is cancelled.
    pub(super) fn run<T: Send + 'static>(
        &self,
        deadline: Instant,
        cancelled: Option<&Shutdown>,
        task: impl Future<Output = T> + Send + 'static,
    ) -> std::result::Result<T, GivenUp> {
        let (receiver, task) = self.spawn(task);
        let given_up = loop {
            let remaining = deadline.saturating_duration_since(Instant::now());
            match receiver.recv_timeout(remaining.min(CANCEL_LOOK_INTERVAL)) {
                Ok(value) => return Ok(value),
                Err(RecvTimeoutError::Disconnected) => break GivenUp::Stopped,
                Err(RecvTimeoutError::Timeout) if cancelled.is_some_and(Shutdown::is_requested) => {
                    break GivenUp::Cancelled;
                }
                Err(RecvTimeoutError::Timeout) if remaining.is_zero() => break GivenUp::Late,
                Err(RecvTimeoutError::Timeout) => {}
            }
        };
        task.abort();
        Err(given_up)
    }

    /// Ends all tasks, and with them the programs that they have started, within a second.
    pub(super) fn stop(&self) {
        let Some(runtime) = self.runtime.lock().take() else {
            return;
        };
        // On a thread of its own, because a runtime may not be waited for on another's threads.
        let stopping = std::thread::Builder::new().spawn(move || runtime.shutdown_timeout(STOP_TIMEOUT));
        if let Ok(stopping) = stopping {
            let _ = stopping.join();
        }
    }

    fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> (Receiver<T>, tokio::task::JoinHandle<()>) {
        let (sender, receiver) = sync_channel(1);
        let task = self.handle.spawn(async move {
            let _ = sender.try_send(task.await);
        });
        (receiver, task)
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soon(ms: u64) -> Instant {
        Instant::now() + Duration::from_millis(ms)
    }

    #[test]
    fn results_come_back_and_late_ones_are_given_up() {
        let bridge = Bridge::new().unwrap();
        assert_eq!(bridge.run(soon(60_000), None, async { 5 }), Ok(5));
        assert_eq!(bridge.run(soon(30), None, std::future::pending::<()>()), Err(GivenUp::Late));
    }

    #[test]
    fn a_cancelled_caller_comes_back_and_a_stopped_bridge_says_so() {
        let (bridge, cancelled) = (Bridge::new().unwrap(), Shutdown::new());
        cancelled.request();
        let outcome = bridge.run(soon(60_000), Some(&cancelled), std::future::pending::<()>());
        assert_eq!(outcome, Err(GivenUp::Cancelled));
        bridge.stop();
        assert_eq!(bridge.run(soon(60_000), None, async { 5 }), Err(GivenUp::Stopped));
    }
}
