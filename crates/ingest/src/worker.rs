//! Parsers are guests: they run in child processes of the same program, under limits that the system enforces.
//!
//! Keeps true: whatever a file makes a parser do (hang, crash, eat memory, overflow the stack), the parent gets a
//! classed error within the time limit and goes on with a fresh child. A child ends when its parent does, because
//! its input ends.

mod child;
mod guest;
mod wire;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use ibid_types::parsed::Parsed;
use ibid_types::{Error, Result};
use parking_lot::{Condvar, Mutex};

pub use child::worker_main;
use guest::Guest;

use crate::parse::{Hint, Limits};

/// Files after which a child is replaced, so that what a parser leaks does not add up.
const FILES_PER_CHILD: usize = 500;

/// What the children are and what they may use.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// The program that is run, with these arguments, as a child: it must call `worker_main`.
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// Children at the same time.
    pub workers: usize,
    /// Wall-clock time for one file.
    pub time_max: Duration,
    /// Address space of a child.
    pub memory_bytes_max: u64,
    pub limits: Limits,
    /// A child that had nothing to do for this long is ended.
    pub idle_max: Duration,
}

impl PoolConfig {
    #[must_use]
    pub fn new(program: PathBuf, arguments: Vec<String>) -> Self {
        Self {
            program,
            arguments,
            workers: 2,
            time_max: Duration::from_secs(60),
            memory_bytes_max: 1 << 30,
            limits: Limits::default(),
            idle_max: Duration::from_secs(10),
        }
    }
}

/// A pool of parsing children. Callable from many threads.
#[derive(Debug)]
pub struct ParsePool {
    config: PoolConfig,
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<(Guest, Instant)>,
    busy: usize,
}

impl ParsePool {
    #[must_use]
    pub fn new(config: PoolConfig) -> Self {
        Self { config, state: Mutex::default(), returned: Condvar::new() }
    }

    /// Parses the file in a child. Waits while all children are busy.
    pub fn parse(&self, bytes: &[u8], hint: &Hint) -> Result<Parsed> {
        if bytes.len() > self.config.limits.bytes_max {
            let what = format!(
                "the file has {} bytes; ingest.file_bytes_max is {}",
                bytes.len(),
                self.config.limits.bytes_max
            );
            return Err(Error::bad_request("document_too_large", what));
        }
        let guest = self.take();
        let outcome = guest.and_then(|mut guest| {
            let parsed = guest.parse(bytes, hint, self.config.time_max);
            Ok((guest, parsed?))
        });
        let (guest, outcome) = match outcome {
            Ok((guest, outcome)) => (Some(guest), outcome),
            Err(error) => (None, Err(error)),
        };
        self.give_back(guest);
        outcome
    }

    /// Ends children that have been idle for long.
    pub fn reap_idle(&self) {
        let idle_max = self.config.idle_max;
        self.state.lock().idle.retain(|(_, since)| since.elapsed() < idle_max);
    }

    fn take(&self) -> Result<Guest> {
        let mut state = self.state.lock();
        while state.busy >= self.config.workers.max(1) {
            self.returned.wait(&mut state);
        }
        state.busy += 1;
        let idle = state.idle.pop();
        drop(state);
        match idle {
            Some((guest, _)) => Ok(guest),
            None => Guest::start(&self.config),
        }
    }

    fn give_back(&self, guest: Option<Guest>) {
        let mut state = self.state.lock();
        state.busy -= 1;
        if let Some(guest) = guest.filter(|guest| guest.files < FILES_PER_CHILD) {
            state.idle.push((guest, Instant::now()));
        }
        drop(state);
        self.returned.notify_one();
    }
}
