//! Rounds of background work that comes back: what each did last, and how it went.
//!
//! Keeps true: one entry for each name, so that there are as many as the program has such tasks.

use ibid_types::{Result, Timestamp};
use parking_lot::Mutex;

use crate::Clock;

/// The last round of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    pub task: &'static str,
    /// How many there were since the start of the program, and how many of them failed.
    pub rounds: u64,
    pub failed: u64,
    /// When it began.
    pub at: Timestamp,
    pub took_ms: u64,
    /// What it did, in a few words; the reason where it failed.
    pub result: String,
    /// The code of the failure.
    pub failure: Option<&'static str>,
}

static ROUNDS: Mutex<Vec<Round>> = Mutex::new(Vec::new());

/// Does a round of the task and notes it; a failure is also logged. Errors: those of the work.
pub fn round(clock: &Clock, task: &'static str, work: impl FnOnce() -> Result<String>) -> Result<()> {
    let at = clock.now();
    let outcome = work();
    let took_ms = u64::try_from(clock.now().0 - at.0).unwrap_or(0);
    if let Err(error) = &outcome {
        tracing::warn!(task, code = error.code, reason = error.chain(), "background work will try again");
    }
    let mut rounds = ROUNDS.lock();
    let before = rounds.iter().position(|round| round.task == task).map(|place| rounds.swap_remove(place));
    let (all, failed) = before.map_or((0, 0), |before| (before.rounds, before.failed));
    rounds.push(Round {
        task,
        rounds: all + 1,
        failed: failed + u64::from(outcome.is_err()),
        at,
        took_ms,
        result: outcome.as_ref().map_or_else(|error| error.chain(), Clone::clone),
        failure: outcome.as_ref().err().map(|error| error.code),
    });
    outcome.map(|_| ())
}

/// The last round of every task, by name.
#[must_use]
pub fn rounds() -> Vec<Round> {
    let mut rounds = ROUNDS.lock().clone();
    rounds.sort_by_key(|round| round.task);
    rounds
}

#[cfg(test)]
mod tests {
    use ibid_types::Error;

    use super::*;

    #[test]
    fn the_last_round_of_each_task_is_kept() {
        let clock = Clock::manual(Timestamp(5));
        let work = || {
            clock.advance_ms(2);
            Ok("3 removed".to_owned())
        };
        round(&clock, "first", work).unwrap();
        let failed = round(&clock, "second", || Err(Error::unavailable("store_full", "the disk is full")));
        assert_eq!(failed.unwrap_err().code, "store_full");
        round(&clock, "second", || Ok(String::new())).unwrap();
        let found = rounds();
        let of = |task: &str| found.iter().find(|round| round.task == task).unwrap();
        assert_eq!((of("first").at, of("first").took_ms, of("first").rounds), (Timestamp(5), 2, 1));
        assert_eq!((of("second").rounds, of("second").failed, of("second").failure), (2, 1, None));
    }
}
