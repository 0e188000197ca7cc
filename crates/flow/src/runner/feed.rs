//! The events of one run that are still in memory, and those who wait for them.
//!
//! Keeps true: `recent` holds all events after `floor`, in order; what came before follows from checkpoints; the text
//! of every running effect is kept as long as it runs, up to a bound.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::events::{Event, EventId, Numbered, TOKEN_SUB_FIRST};

/// Events kept for those who come back soon.
const RECENT_MAX: usize = 4096;
/// Text kept of one running effect: longer than any answer of a model.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// What watchers of a run share.
#[derive(Debug)]
pub struct Feed {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    recent: VecDeque<Numbered>,
    floor: EventId,
    /// The last id that was given.
    newest: EventId,
    /// Of each running effect: its node and its text so far.
    texts: BTreeMap<u32, (String, String)>,
    watchers: usize,
    /// The run was seen to be over.
    is_over: bool,
}

/// What a watcher finds after the last event it saw.
#[derive(Debug)]
pub enum Found {
    Events(Vec<Numbered>),
    /// Nothing new.
    Nothing,
    /// Nothing new, and there will be nothing.
    Over,
    /// Read the checkpoints up to `upto` first; `then` follows, and after it the watcher has all up to `newest`.
    Behind {
        upto: u32,
        then: Vec<Numbered>,
        newest: EventId,
    },
}

impl Feed {
    /// Of a run whose last checkpoint is `number`.
    pub fn new(number: u32) -> Self {
        let floor = EventId::end_of(number);
        let state = State {
            recent: VecDeque::new(),
            floor,
            newest: floor,
            texts: BTreeMap::new(),
            watchers: 0,
            is_over: false,
        };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Whether somebody wants to know at once.
    pub fn is_watched(&self) -> bool {
        self.state.lock().watchers > 0
    }

    pub fn watchers_add(&self, change: isize) {
        let mut state = self.state.lock();
        state.watchers = state.watchers.saturating_add_signed(change);
    }

    /// The run has a new checkpoint. Without its events watchers find them in the journal.
    pub fn committed(&self, number: u32, events: Option<Vec<Numbered>>, ended: Option<u32>, is_over: bool) {
        let mut state = self.state.lock();
        let end = EventId::end_of(number);
        if end <= state.newest && !is_over {
            return;
        }
        state.newest = state.newest.max(end);
        match events {
            Some(events) => events.into_iter().for_each(|event| state.push(event)),
            None => {
                state.recent.clear();
                state.floor = end;
            }
        }
        if let Some(ended) = ended {
            state.texts.remove(&ended);
        }
        state.is_over = is_over;
        if is_over {
            state.texts.clear();
        }
        let is_watched = state.watchers > 0;
        drop(state);
        if is_watched || is_over {
            self.changed.notify_all();
        }
    }

    /// A piece of the text of a running effect.
    pub fn token(&self, effect: u32, node: &str, text: String) {
        let mut state = self.state.lock();
        let (_, whole) = state.texts.entry(effect).or_insert_with(|| (node.to_owned(), String::new()));
        if whole.len() + text.len() <= TEXT_BYTES_MAX {
            whole.push_str(&text);
        }
        self.tell(state, Event::Token { node: node.to_owned(), text, replace: false });
    }

    /// Something that only those who watch now are told.
    pub fn passing(&self, event: Event) {
        self.tell(self.state.lock(), event);
    }

    /// An attempt begins: the text of the one before does not count.
    pub fn begins(&self, effect: u32) {
        self.state.lock().texts.remove(&effect);
    }

    fn tell(&self, mut state: parking_lot::MutexGuard<'_, State>, event: Event) {
        let sub = (state.newest.sub + 1).max(TOKEN_SUB_FIRST);
        let id = EventId::new(state.newest.checkpoint, sub);
        state.newest = id;
        state.push(Numbered { id, event, late: false });
        let is_watched = state.watchers > 0;
        drop(state);
        if is_watched {
            self.changed.notify_all();
        }
    }

    /// What somebody who saw nothing yet finds.
    pub fn behind(&self) -> Found {
        self.state.lock().behind()
    }

    /// What came after an event.
    pub fn after(&self, id: EventId) -> Found {
        let mut state = self.state.lock();
        if id < state.floor {
            return state.behind();
        }
        let start = state.recent.partition_point(|event| event.id <= id);
        let events: Vec<Numbered> =
            state.recent.iter().skip(start).filter(|event| !event.late).cloned().collect();
        match (events.is_empty(), state.is_over) {
            (false, _) => Found::Events(events),
            (true, false) => Found::Nothing,
            (true, true) => Found::Over,
        }
    }

    /// Waits until there is something after the event, at most so long.
    pub fn wait(&self, id: EventId, longest: Duration) {
        let mut state = self.state.lock();
        let nothing = |state: &State| {
            id >= state.floor && state.recent.back().is_none_or(|event| event.id <= id) && !state.is_over
        };
        if nothing(&state) {
            self.changed.wait_while_for(&mut state, |state| nothing(state), longest);
        }
    }

    /// Waits until the run is over, at most so long; says whether it is.
    pub fn wait_over(&self, longest: Duration) -> bool {
        let mut state = self.state.lock();
        if !state.is_over {
            self.changed.wait_while_for(&mut state, |state| !state.is_over, longest);
        }
        state.is_over
    }

    pub fn is_over(&self) -> bool {
        self.state.lock().is_over
    }

    /// The number of the last checkpoint that this feed heard of.
    pub fn number(&self) -> u32 {
        self.state.lock().newest.checkpoint
    }
}

impl State {
    fn push(&mut self, event: Numbered) {
        self.newest = self.newest.max(event.id);
        self.recent.push_back(event);
        if self.recent.len() > RECENT_MAX
            && let Some(event) = self.recent.pop_front()
        {
            self.floor = self.floor.max(event.id);
        }
    }

    /// Checkpoints up to the floor, durable events since, and the texts of running effects as they are now.
    fn behind(&mut self) -> Found {
        let is_piece = |event: &Numbered| matches!(event.event, Event::Token { replace: false, .. });
        let mut then: Vec<Numbered> = self.recent.iter().filter(|event| !is_piece(event)).cloned().collect();
        for (node, text) in self.texts.values() {
            // Each has an id of its own, so that a watcher that leaves between two of them misses none.
            self.newest.sub += 1;
            let event = Event::Token { node: node.clone(), text: text.clone(), replace: true };
            then.push(Numbered { id: self.newest, event, late: false });
        }
        Found::Behind { upto: self.floor.checkpoint, then, newest: self.newest }
    }
}
