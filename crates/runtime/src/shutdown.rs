//! One stop signal for threads and async tasks alike.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;

/// A cheap handle; clones share the signal.
#[derive(Clone, Debug)]
pub struct Shutdown {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    requested: Mutex<bool>,
    changed: Condvar,
    signal: watch::Sender<bool>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

impl Shutdown {
    #[must_use]
    pub fn new() -> Self {
        let (signal, _) = watch::channel(false);
        Self { shared: Arc::new(Shared { requested: Mutex::new(false), changed: Condvar::new(), signal }) }
    }

    /// Asks everybody to end; asking twice changes nothing.
    pub fn request(&self) {
        *self.shared.requested.lock() = true;
        self.shared.changed.notify_all();
        self.shared.signal.send_replace(true);
    }

    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.shared.requested.lock()
    }

    /// Waits at most so long; says whether the end was requested.
    pub fn wait_timeout(&self, longest: Duration) -> bool {
        let mut requested = self.shared.requested.lock();
        if !*requested && !longest.is_zero() {
            self.shared.changed.wait_while_for(&mut requested, |requested| !*requested, longest);
        }
        *requested
    }

    /// Waits, on an async task, until the end is requested.
    pub async fn wait(&self) {
        let mut signal = self.shared.signal.subscribe();
        // The sender lives as long as `self`, so the channel cannot close while this waits.
        let _ = signal.wait_for(|requested| *requested).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_thread_is_woken() {
        let shutdown = Shutdown::new();
        assert!(!shutdown.wait_timeout(Duration::ZERO));
        let waiting = shutdown.clone();
        let thread = std::thread::spawn(move || waiting.wait_timeout(Duration::from_secs(60)));
        shutdown.request();
        assert!(thread.join().unwrap());
        assert!(shutdown.is_requested());
    }
}
