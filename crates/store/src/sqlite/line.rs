//! The line of batches before the writer. There is no thread that commits: whoever comes first leads, takes all who
//! came in the meantime along in one commit, and hands the lead to the next who waits.
//!
//! Keeps true: one leads at a time; everyone is told once; the first in the line is never passed over, so a leader's own
//! batch is in the group that it takes.

use std::collections::VecDeque;
use std::sync::Arc;

use ibid_types::{Error, Result};
use parking_lot::{Condvar, Mutex};

use crate::{Outcome, Statement};

/// Batches committed together at most: enough that the sync is shared by all who wait, few enough that the first
/// does not wait long.
const GROUP_MAX: usize = 256;

#[derive(Debug, Default)]
pub struct Line {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Waiting>,
    is_led: bool,
}

/// A batch in the line. Dropped before it was told, as in a panic of the leader, it tells that itself.
#[derive(Debug)]
pub struct Waiting {
    pub statements: Vec<Statement>,
    place: Arc<Place>,
}

/// Where a caller waits.
#[derive(Debug, Default)]
struct Place {
    turn: Mutex<Turn>,
    changed: Condvar,
}

#[derive(Debug, Default)]
enum Turn {
    #[default]
    Waits,
    Leads,
    Done(Result<Outcome>),
}

impl Line {
    /// Waits until the batch is done, or does it: `commit` gets the group that this caller leads and tells each of it.
    pub fn pass(&self, statements: Vec<Statement>, commit: impl FnOnce(Vec<Waiting>)) -> Result<Outcome> {
        let place = Arc::new(Place::default());
        if self.enter(statements, &place) || place.leads() {
            let _lead = Lead(self);
            commit(self.group());
        }
        place.outcome()
    }

    /// Says whether the one who enters leads.
    fn enter(&self, statements: Vec<Statement>, place: &Arc<Place>) -> bool {
        let mut state = self.state.lock();
        state.waiting.push_back(Waiting { statements, place: Arc::clone(place) });
        !std::mem::replace(&mut state.is_led, true)
    }

    fn group(&self) -> Vec<Waiting> {
        let mut state = self.state.lock();
        let group = state.waiting.len().min(GROUP_MAX);
        state.waiting.drain(..group).collect()
    }
}

/// The lead, which goes to the first who waits.
struct Lead<'a>(&'a Line);

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        match state.waiting.front() {
            Some(first) => first.place.turn_to(Turn::Leads),
            None => state.is_led = false,
        }
    }
}

impl Waiting {
    pub fn tell(self, outcome: Result<Outcome>) {
        self.place.turn_to(Turn::Done(outcome));
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !matches!(*self.place.turn.lock(), Turn::Done(_)) {
            let what = "the store's writer has ended; start the program again";
            self.place.turn_to(Turn::Done(Err(Error::unavailable("store_stopped", what))));
        }
    }
}

impl Place {
    fn turn_to(&self, turn: Turn) {
        *self.turn.lock() = turn;
        self.changed.notify_one();
    }

    /// Waits for a turn; says whether it is the lead.
    fn leads(&self) -> bool {
        let mut turn = self.turn.lock();
        self.changed.wait_while(&mut turn, |turn| matches!(turn, Turn::Waits));
        matches!(*turn, Turn::Leads)
    }

    /// What the batch did, once it is done.
    fn outcome(&self) -> Result<Outcome> {
        match std::mem::take(&mut *self.turn.lock()) {
            Turn::Done(outcome) => outcome,
            Turn::Waits | Turn::Leads => {
                Err(Error::internal("store_line", "a batch was left behind; report it with the log"))
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    fn tell_all(group: Vec<Waiting>) {
        group.into_iter().for_each(|waiting| waiting.tell(Ok(Outcome::default())));
    }

    #[test]
    fn who_comes_alone_commits_alone() {
        let line = Line::default();
        let mut groups = Vec::new();
        for _ in 0..2 {
            line.pass(Vec::new(), |group| {
                groups.push(group.len());
                tell_all(group);
            })
            .unwrap();
        }
        assert_eq!(groups, [1, 1]);
    }

    #[test]
    fn those_who_come_during_a_commit_go_together_in_the_next() {
        let (line, groups) = (Line::default(), Mutex::new(Vec::new()));
        let first_leads = Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                line.pass(Vec::new(), |group| {
                    first_leads.wait();
                    while line.state.lock().waiting.len() < 5 {
                        std::thread::yield_now();
                    }
                    groups.lock().push(group.len());
                    tell_all(group);
                })
            });
            first_leads.wait();
            for _ in 0..5 {
                scope.spawn(|| {
                    line.pass(Vec::new(), |group| {
                        groups.lock().push(group.len());
                        tell_all(group);
                    })
                });
            }
        });
        assert_eq!(*groups.lock(), [1, 5]);
    }

    #[test]
    fn who_is_forgotten_by_the_leader_is_told_so_and_the_line_goes_on() {
        let line = Line::default();
        assert_eq!(line.pass(Vec::new(), drop).unwrap_err().code, "store_stopped");
        assert!(line.pass(Vec::new(), tell_all).is_ok());
    }
}
