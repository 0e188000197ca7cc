//! One who watches a run: first what the journal says, then what happens.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ibid_types::{Result, RunId};

use super::feed::{Feed, Found};
use super::{LOOK_AGAIN, Runner};
use crate::events::{Event, EventId, Numbered, derive};
use crate::machine::RunState;

/// Checkpoints read at once.
const PAGE: usize = 64;

/// What `Watch::next` gave.
#[derive(Clone, Debug, PartialEq)]
pub enum Watched {
    Event(EventId, Event),
    /// Nothing happened in the time given.
    Nothing,
    /// The run is over and all was told.
    Over,
}

/// The events of a run, one after another. Blocking.
#[derive(Debug)]
pub struct Watch {
    runner: Arc<Runner>,
    run: RunId,
    feed: Arc<Feed>,
    /// The last event that was seen; none before the first.
    seen: Option<EventId>,
    ready: VecDeque<Numbered>,
    /// What counts as seen once `ready` is told: tokens that are part of a text have later ids than what is told.
    caught_up: Option<EventId>,
    is_over: bool,
}

impl Watch {
    pub(super) fn new(runner: Arc<Runner>, run: RunId, feed: Arc<Feed>, seen: Option<EventId>) -> Self {
        feed.watchers_add(1);
        Self { runner, run, feed, seen, ready: VecDeque::new(), caught_up: None, is_over: false }
    }

    /// The next event, or nothing if none comes in time.
    ///
    /// # Errors
    /// Those of the journal; `run_unknown` when the run was deleted.
    pub fn next(&mut self, longest: Duration) -> Result<Watched> {
        let mut left = longest;
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.seen = self.seen.max(Some(event.id));
                if self.ready.is_empty() {
                    self.seen = self.seen.max(self.caught_up.take());
                }
                self.is_over = matches!(event.event, Event::Done { .. });
                return Ok(Watched::Event(event.id, event.event));
            }
            if self.is_over {
                return Ok(Watched::Over);
            }
            if self.fill()? {
                continue;
            }
            if left.is_zero() {
                return Ok(Watched::Nothing);
            }
            let part = left.min(LOOK_AGAIN);
            self.feed.wait(self.place(), part);
            left -= part;
            if left.is_zero() || part == LOOK_AGAIN {
                self.runner.look(self.run, &self.feed)?;
            }
        }
    }

    /// Where the feed is asked from: before everything there is no checkpoint 0 in memory.
    fn place(&self) -> EventId {
        self.seen.unwrap_or_default()
    }

    /// Whether something came, or the end is known.
    fn fill(&mut self) -> Result<bool> {
        let found = match self.seen {
            None => self.feed.behind(),
            Some(seen) => self.feed.after(seen),
        };
        match found {
            Found::Events(events) => self.ready.extend(events),
            Found::Nothing => {}
            // Who comes with the id of the last event of a run that is over.
            Found::Over => self.is_over = true,
            Found::Behind { upto, then, newest } => {
                let mut events = self.told_until(upto)?;
                let last = events.last().map(|event| event.id).max(self.seen);
                events.extend(then.into_iter().filter(|event| Some(event.id) > last));
                match events.is_empty() {
                    true => self.seen = self.seen.max(Some(newest)),
                    false => self.caught_up = Some(newest),
                }
                self.ready.extend(events);
            }
        }
        Ok(!self.ready.is_empty() || self.is_over)
    }

    /// What follows from the checkpoints after the last event seen, up to a number.
    fn told_until(&self, upto: u32) -> Result<Vec<Numbered>> {
        let first = self.seen.map_or(0, |seen| seen.checkpoint.saturating_sub(1));
        let mut told = Vec::new();
        let (mut next, mut before) = (first, None);
        while next <= upto {
            let page = self.runner.journal().from(self.run, next, PAGE)?;
            let Some(last) = page.last() else { break };
            let follows = last.number + 1;
            for checkpoint in page {
                if checkpoint.number > upto {
                    return Ok(told);
                }
                let before_it = before.filter(|_| checkpoint.number == next);
                told.extend(self.events_of(&checkpoint, before_it.as_ref()));
                next = checkpoint.number + 1;
                before = Some(checkpoint.state);
            }
            next = follows;
        }
        Ok(told)
    }

    fn events_of(&self, checkpoint: &crate::Checkpoint, before: Option<&RunState>) -> Vec<Numbered> {
        let names = |state: &RunState, frame, node| self.runner.name_of(state, frame, node);
        let ended: Vec<String> =
            checkpoint.node.iter().flat_map(|nodes| nodes.split(',')).map(str::to_owned).collect();
        let (number, command, state) = (checkpoint.number, &checkpoint.command, &checkpoint.state);
        let mut events = derive(number, before, command, state, &ended, self.runner.registry(), &names);
        events.retain(|event| Some(event.id) > self.seen);
        events
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.feed.watchers_add(-1);
    }
}

impl Runner {
    /// Finds out whether a process that shares the store went on with the run, or whether it is over.
    fn look(&self, run: RunId, feed: &Feed) -> Result<()> {
        let store = self.journal().store();
        let row = store.run_find(run)?.ok_or_else(|| crate::journal::run_unknown(run))?;
        let number = store.checkpoint_number(run)?.unwrap_or_default();
        let is_over = row.finished_at.is_some();
        if number > feed.number() || is_over && !feed.is_over() {
            feed.committed(number, None, None, is_over);
        }
        Ok(())
    }
}
