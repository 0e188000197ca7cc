//! A bounded load of HTTP requests on a server of this machine.
//!
//! Keeps true: it ends by itself; at a given rate a request's time counts from when it was due, so that a server
//! that falls behind is seen to; every answer that is not 200, or not what was asked for, is an error.

mod connection;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::eval::Latency;
pub use connection::{Answer, Connection, Door};

/// Requests to one path.
#[derive(Clone, Debug)]
pub struct Load {
    pub door: Door,
    pub path: String,
    /// JSON; one after the other, from the first again.
    pub bodies: Vec<String>,
    /// What an answer must hold to be one: a search that goes on without its embedder is none.
    pub holds: String,
    /// Requests in work at the same time, at most.
    pub connections: usize,
    /// Requests a second; `None` for as many as the server answers.
    pub rate: Option<f64>,
    pub lasts: Duration,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    pub answered: usize,
    pub errors: usize,
    pub first_error: Option<String>,
    pub seconds: f64,
    pub latency: Latency,
    /// From when a request was sent, however late: of a flood, in which nobody can send while all connections wait.
    pub latency_sent: Latency,
}

impl Loaded {
    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.answered as f64 / self.seconds.max(f64::MIN_POSITIVE)
    }
}

/// Sends the load and waits for its end.
#[must_use]
pub fn run(load: &Load) -> Loaded {
    let (started, next) = (Instant::now(), AtomicUsize::new(0));
    let workers: Vec<Worker> = std::thread::scope(|scope| {
        let work = || Worker::default().run(load, started, &next);
        let threads: Vec<_> = (0..load.connections.max(1)).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_default()).collect()
    });
    let seconds = started.elapsed().as_secs_f64();
    let all = |times: fn(&Worker) -> &[Duration]| workers.iter().flat_map(times).copied().collect();
    let (times, times_sent): (Vec<Duration>, Vec<Duration>) =
        (all(|worker| &worker.times), all(|worker| &worker.times_sent));
    Loaded {
        answered: times.len(),
        errors: workers.iter().map(|worker| worker.errors).sum(),
        first_error: workers.into_iter().find_map(|worker| worker.first_error),
        seconds,
        latency: Latency::of(times),
        latency_sent: Latency::of(times_sent),
    }
}

/// One connection's part.
#[derive(Debug, Default)]
struct Worker {
    connection: Option<Connection>,
    times: Vec<Duration>,
    times_sent: Vec<Duration>,
    errors: usize,
    first_error: Option<String>,
}

impl Worker {
    fn run(mut self, load: &Load, started: Instant, next: &AtomicUsize) -> Self {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let due = load.rate.map(|rate| started + Duration::from_secs_f64(number as f64 / rate));
            let begins = due.unwrap_or_else(Instant::now);
            if begins >= started + load.lasts || load.bodies.is_empty() {
                return self;
            }
            wait_until(begins);
            let sent = Instant::now();
            match self.send(load, &load.bodies[number % load.bodies.len()]) {
                Ok(()) => {
                    self.times.push(begins.elapsed());
                    self.times_sent.push(sent.elapsed());
                }
                Err(error) => self.fail(error),
            }
        }
    }

    fn send(&mut self, load: &Load, body: &str) -> std::io::Result<()> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(&load.door)?,
        };
        let answer = connection.post(&load.path, body)?;
        self.connection = Some(connection);
        if answer.status == 200 && answer.holds(&load.holds) {
            Ok(())
        } else {
            Err(std::io::Error::other(answer.in_words()))
        }
    }

    fn fail(&mut self, error: std::io::Error) {
        self.errors += 1;
        self.first_error.get_or_insert_with(|| error.to_string());
    }
}

/// Parks this thread.
pub fn wait_until(then: Instant) {
    while let Some(left) = then.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        std::thread::park_timeout(left);
    }
}

#[cfg(test)]
mod tests;
