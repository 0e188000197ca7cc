//! Places for dear work, and a fair line before them: whoever searches or asks takes a place until the work ends.
//!
//! Keeps true: one workspace that floods keeps no other out (`lines` says how); nobody waits for longer than the configuration lets
//! them; whoever cannot be served in time is told at once, with the time after which it is worth trying again; a client that leaves
//! leaves the line too.

mod lines;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ibid_config::Config;
use ibid_types::Error;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::http::Wait;
use crate::metrics::Metrics;
pub use lines::Whose;
use lines::{Bounds, Busy, Entered, Lines, Reason};

/// Searches that one core has in work at the same time: while one waits for the disk, another goes on. More would only make each slower,
/// and whoever comes next wait longer for a place.
const SEARCHES_OF_CORE: usize = 2;
/// Searches whose words another machine embeds mostly wait for it.
const SEARCHES_ELSEWHERE: usize = 64;
/// Nobody is told to come again later than this.
const WAIT_TOLD_MAX: Duration = Duration::from_secs(60);

/// Places for each kind of work.
#[derive(Debug)]
pub struct Queues {
    /// Searches, embeddings and answers in the documents' own words: this machine computes.
    pub searches: Arc<Queue>,
    /// Answers of chat models and flows: others are waited for.
    pub answers: Arc<Queue>,
}

impl Queues {
    pub fn new(config: &Config, metrics: &Metrics) -> Self {
        let queue = |name, setting, places| {
            let bounds = Bounds {
                places,
                waiting_max: config.limits.waiting_max,
                workspace_waiting_max: config.limits.workspace_waiting_max,
                wait_max: Duration::from_millis(config.limits.waiting_ms_max),
            };
            let lines = Mutex::new(Lines::new(bounds));
            Arc::new(Queue { name, setting, lines, metrics: metrics.clone() })
        };
        let answers = config.limits.answers_concurrent_max;
        Self {
            searches: queue("searches", "limits.searches_concurrent_max", searches(config)),
            answers: queue("answers", "limits.answers_concurrent_max", answers),
        }
    }
}

fn searches(config: &Config) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    match config.limits.searches_concurrent_max {
        0 if config.embedder.provider == "local" => SEARCHES_OF_CORE * cores(),
        0 => SEARCHES_ELSEWHERE.max(SEARCHES_OF_CORE * cores()),
        told => told,
    }
}

/// See the head of this file.
#[derive(Debug)]
pub struct Queue {
    pub name: &'static str,
    setting: &'static str,
    lines: Mutex<Lines<Told>>,
    metrics: Metrics,
}

/// Whoever waits is told here.
type Told = oneshot::Sender<Result<Place, Busy>>;

/// One place; the next in line has it when it is dropped.
#[derive(Debug)]
pub struct Place {
    queue: Arc<Queue>,
    whose: Whose,
    since: Instant,
}

/// Somebody in the line, as long as somebody waits for the answer.
struct Ticket<'a> {
    queue: &'a Queue,
    whose: Whose,
    number: u64,
}

impl Queue {
    /// Waits for a place. Error: `server_busy`.
    pub async fn enter(self: &Arc<Self>, whose: Whose) -> Result<Place, Error> {
        let arrived = Instant::now();
        let (told, answer) = oneshot::channel();
        let entered = self.lines.lock().enter(whose, told, arrived);
        let place = match entered {
            Entered::Now => Ok(self.place(whose)),
            Entered::Refused(busy) => Err(busy),
            Entered::Waits { ticket: number, displaced } => {
                if let Some((told, busy)) = displaced {
                    let _ = told.send(Err(busy));
                }
                self.wait(Ticket { queue: self, whose, number }, answer).await
            }
        };
        match place {
            Ok(place) => {
                self.metrics.queue_waited(self.name, arrived.elapsed());
                Ok(place)
            }
            Err(busy) => {
                self.metrics.queue_refused(self.name, busy.reason.name());
                Err(self.error(busy))
            }
        }
    }

    /// Requests that have a place, and that wait for one.
    pub fn figures(&self) -> (usize, usize) {
        let lines = self.lines.lock();
        (lines.running(), lines.waiting())
    }

    async fn wait(
        &self,
        ticket: Ticket<'_>,
        answer: oneshot::Receiver<Result<Place, Busy>>,
    ) -> Result<Place, Busy> {
        let longest = self.lines.lock().bounds().wait_max;
        if let Ok(Ok(told)) = tokio::time::timeout(longest, answer).await {
            return told;
        }
        let wait = ticket.queue.lines.lock().wait_of_all();
        Err(Busy { reason: Reason::Late, wait })
    }

    fn place(self: &Arc<Self>, whose: Whose) -> Place {
        Place { queue: Arc::clone(self), whose, since: Instant::now() }
    }

    fn error(&self, busy: Busy) -> Error {
        let wait = Wait(busy.wait.min(WAIT_TOLD_MAX));
        let what = format!(
            "all {} places for {} are taken and others wait ({}); come again in {} s",
            self.lines.lock().bounds().places,
            self.name,
            self.setting,
            wait.seconds()
        );
        Error::unavailable("server_busy", what).caused_by(wait)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let next = self.queue.lines.lock().leave(self.whose, self.since.elapsed());
        if let Some((whose, told)) = next {
            // One that left in this very moment drops it, and so passes it on.
            let _ = told.send(Ok(self.queue.place(whose)));
        }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.queue.lines.lock().give_up(self.whose, self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ibid_types::WorkspaceId;

    /// The machine is never so slow.
    const LONG_MS: u64 = 600_000;

    fn queue(waiting_ms_max: u64) -> Arc<Queue> {
        let mut config = ibid_config::Layers::defaults().unwrap().finish().unwrap().0;
        (config.limits.searches_concurrent_max, config.limits.waiting_ms_max) = (1, waiting_ms_max);
        Queues::new(&config, &Metrics::new()).searches
    }

    fn somebody() -> Whose {
        Whose { workspace: Some(WorkspaceId::new()), holder: None }
    }

    #[tokio::test]
    async fn a_place_goes_to_the_next_in_line() {
        let queue = queue(LONG_MS);
        let first = queue.enter(somebody()).await.unwrap();
        let mut second = Box::pin(queue.enter(somebody()));
        assert!(futures_util::poll!(&mut second).is_pending());
        assert_eq!(queue.figures(), (1, 1));
        drop(first);
        let second = second.await.unwrap();
        assert_eq!(queue.figures(), (1, 0));
        drop(second);
        assert_eq!(queue.figures(), (0, 0));
    }

    #[tokio::test]
    async fn whoever_leaves_leaves_the_line_also_with_a_place_that_was_just_given() {
        let queue = queue(LONG_MS);
        let first = queue.enter(somebody()).await.unwrap();
        let (mut second, mut third) = (Box::pin(queue.enter(somebody())), Box::pin(queue.enter(somebody())));
        assert!(
            futures_util::poll!(&mut second).is_pending() && futures_util::poll!(&mut third).is_pending()
        );
        drop(second);
        assert_eq!(queue.figures(), (1, 1));
        drop(first);
        drop(third);
        assert_eq!(queue.figures(), (0, 0), "nobody took the place");
    }

    #[tokio::test]
    async fn nobody_waits_for_longer_than_they_may() {
        let queue = queue(1);
        let _held = queue.enter(somebody()).await.unwrap();
        let error = queue.enter(somebody()).await.unwrap_err();
        assert_eq!(error.code, "server_busy");
        assert!(error.message.contains("limits.searches_concurrent_max"), "{error}");
        assert_eq!(queue.figures(), (1, 0));
    }

    #[tokio::test]
    async fn a_full_line_refuses_at_once_and_says_when_to_come_again() {
        let queue = queue(LONG_MS);
        let (_held, whose) = (queue.enter(somebody()).await.unwrap(), somebody());
        let mut waiting: Vec<_> = (0..32).map(|_| Box::pin(queue.enter(whose))).collect();
        for one in &mut waiting {
            assert!(futures_util::poll!(one).is_pending());
        }
        let error = queue.enter(whose).await.unwrap_err();
        assert_eq!(Wait::told_in(&error), Some(Wait(Duration::ZERO)));
        let mut other = Box::pin(queue.enter(somebody()));
        assert!(futures_util::poll!(&mut other).is_pending(), "another workspace is let in");
    }
}
