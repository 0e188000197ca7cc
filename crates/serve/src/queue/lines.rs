//! Who is next: a line for each workspace, in it one for each holder of a key or an account, and places that all of them want.
//!
//! Keeps true: no place is free while somebody waits; a place that becomes free goes to the workspace that has fewest, and in it to the
//! holder that has fewest, by turns where they have as many; who waits is bounded, and whoever waits most pays for it.
//!
//! Counting places and not requests served makes long requests as dear as they are, without knowing beforehand how long one takes;
//! where all take as long it is a plain round of one request each (fluid fair queueing: Demers, Keshav, Shenker 1989).

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use ibid_types::WorkspaceId;
use ibid_types::access::Holder;

/// A line that was not empty for so long is no burst any more: more come than can be served.
const STANDING: Duration = Duration::from_secs(1);
/// A line that is empty for no longer than this, or than a place is held in the mean, still stands: in a flood two places become free at
/// once now and then, before the next to come is looked at.
const PAUSE: Duration = Duration::from_millis(100);
/// What one more request weighs in the mean of how long places are held: about the last 16 count.
const NEWEST_WEIGHT: f64 = 1.0 / 16.0;

/// On whose behalf a place is wanted; the command line of this machine is no holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whose {
    /// None for work that is for no workspace, and has a line of its own.
    pub workspace: Option<WorkspaceId>,
    pub holder: Option<Holder>,
}

/// How much there is of everything.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub places: usize,
    pub waiting_max: usize,
    pub workspace_waiting_max: usize,
    /// Who would wait longer is not let in.
    pub wait_max: Duration,
}

/// What becomes of a request for a place. `T` is what tells it later.
#[derive(Debug, PartialEq, Eq)]
pub enum Entered<T> {
    /// It has one.
    Now,
    /// It waits under that number; another had to leave for it.
    Waits {
        ticket: u64,
        displaced: Option<(T, Busy)>,
    },
    Refused(Busy),
}

/// No place, and none soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy {
    pub reason: Reason,
    /// When those who wait now will have been served, as far as can be told.
    pub wait: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// As many wait as may.
    Full,
    /// It would have been served too late.
    Slow,
    /// Another who has less took its place in the line.
    Displaced,
    /// It waited as long as it may.
    Late,
}

impl Reason {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Slow => "slow",
            Self::Displaced => "displaced",
            Self::Late => "late",
        }
    }
}

/// See the head of this file.
#[derive(Debug)]
pub struct Lines<T> {
    bounds: Bounds,
    shares: BTreeMap<Option<WorkspaceId>, Share<T>>,
    running: usize,
    waiting: usize,
    /// The last ticket that was given out.
    ticket: u64,
    /// The last turn that was taken; even, so that there is one before it and after all others.
    turn: u64,
    /// How long a place is held, in the mean; 0 before the first is given back.
    held_seconds: f64,
    /// Since when more are wanted than there are places, and when the last one was.
    crowded: Option<Crowded>,
}

#[derive(Clone, Copy, Debug)]
struct Crowded {
    since: Instant,
    last: Instant,
}

/// What a workspace has.
#[derive(Debug)]
struct Share<T> {
    running: usize,
    turn: u64,
    holders: BTreeMap<Option<Holder>, Line<T>>,
}

/// What a holder has in a workspace.
#[derive(Debug)]
struct Line<T> {
    running: usize,
    turn: u64,
    waiting: VecDeque<(u64, T)>,
}

impl<T> Lines<T> {
    pub const fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            shares: BTreeMap::new(),
            running: 0,
            waiting: 0,
            ticket: 0,
            turn: 0,
            held_seconds: 0.0,
            crowded: None,
        }
    }

    pub const fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    pub const fn running(&self) -> usize {
        self.running
    }

    pub const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Wants a place.
    pub fn enter(&mut self, whose: Whose, token: T, now: Instant) -> Entered<T> {
        if self.running < self.bounds.places {
            self.begin(whose);
            return Entered::Now;
        }
        self.note_crowd(now);
        let ahead = self.ahead(whose);
        let busy = |reason| Busy { reason, wait: self.wait_behind(ahead) };
        if busy(Reason::Slow).wait > self.bounds.wait_max || self.is_too_long(whose, ahead, now) {
            return Entered::Refused(busy(Reason::Slow));
        }
        let full = busy(Reason::Full);
        match self.make_room(whose) {
            Err(()) => Entered::Refused(full),
            Ok(displaced) => {
                let displaced = displaced.map(|token| (token, Busy { reason: Reason::Displaced, ..full }));
                Entered::Waits { ticket: self.join(whose, token), displaced }
            }
        }
    }

    /// Gives a place back that was held for so long. Whoever has it next is told with what they left.
    pub fn leave(&mut self, whose: Whose, held: Duration) -> Option<(Whose, T)> {
        let held = held.as_secs_f64();
        let is_first = self.held_seconds == 0.0;
        self.held_seconds += (held - self.held_seconds) * if is_first { 1.0 } else { NEWEST_WEIGHT };
        self.end(whose);
        let (next, token) = self.pop()?;
        self.begin(next);
        Some((next, token))
    }

    /// Leaves the line. What is not in it any more had its end before.
    pub fn give_up(&mut self, whose: Whose, ticket: u64) {
        let Some(line) = self.line(whose) else { return };
        let before = line.waiting.len();
        line.waiting.retain(|(waiting, _)| *waiting != ticket);
        let left = before - line.waiting.len();
        self.waiting -= left;
        self.forget(whose);
    }

    /// How long the last of those who wait now will wait.
    pub fn wait_of_all(&self) -> Duration {
        self.wait_behind(self.waiting)
    }

    /// Requests that would be served before one more of that holder.
    fn ahead(&self, whose: Whose) -> usize {
        let own = self.shares.get(&whose.workspace).map_or(0, |share| share.ahead(whose.holder));
        let others = self.shares.iter().filter(|(workspace, _)| **workspace != whose.workspace);
        own + others.map(|(_, share)| share.waiting().min(own + 1)).sum::<usize>()
    }

    /// With so many ahead: a place becomes free after each part of the mean time.
    fn wait_behind(&self, ahead: usize) -> Duration {
        #[allow(clippy::cast_precision_loss, reason = "a few hundred at most")]
        let rounds = (ahead + 1) as f64 / self.bounds.places as f64;
        Duration::from_secs_f64((rounds * self.held_seconds).min(1e6))
    }

    /// A line that only grows makes everybody wait and nobody faster: where it stands, as many wait as there are places, so that whoever
    /// is served waited about as long as the work takes. One of each workspace waits in any case.
    fn is_too_long(&self, whose: Whose, ahead: usize, now: Instant) -> bool {
        let is_standing = self.crowded.is_some_and(|crowded| now.duration_since(crowded.since) >= STANDING);
        let has_one = self.shares.get(&whose.workspace).is_some_and(|share| share.waiting() > 0);
        is_standing && has_one && ahead >= self.bounds.places
    }

    /// A place is wanted, and all are taken.
    fn note_crowd(&mut self, now: Instant) {
        let pause = PAUSE.max(Duration::from_secs_f64(self.held_seconds.min(1e6)));
        let is_new = |crowded: Crowded| self.waiting == 0 && now.duration_since(crowded.last) > pause;
        let since = self.crowded.filter(|crowded| !is_new(*crowded)).map_or(now, |crowded| crowded.since);
        self.crowded = Some(Crowded { since, last: now });
    }

    /// Room for one more of that holder: where there is none, the newest of a line that is longer goes.
    fn make_room(&mut self, whose: Whose) -> Result<Option<T>, ()> {
        let own = self.shares.get(&whose.workspace).map_or(0, Share::waiting);
        if own >= self.bounds.workspace_waiting_max {
            return self.displace(whose.workspace, Some(whose.holder)).map(Some);
        }
        if self.waiting < self.bounds.waiting_max {
            return Ok(None);
        }
        let longest = self.shares.iter().max_by_key(|(_, share)| share.waiting());
        let (longest, waiting) = longest.map(|(id, share)| (*id, share.waiting())).ok_or(())?;
        if longest == whose.workspace {
            return self.displace(longest, Some(whose.holder)).map(Some);
        }
        if waiting > own + 1 { self.displace(longest, None).map(Some) } else { Err(()) }
    }

    /// Takes the newest of the workspace's longest line out; for a holder of the same workspace only if that line is longer than theirs.
    fn displace(&mut self, workspace: Option<WorkspaceId>, by: Option<Option<Holder>>) -> Result<T, ()> {
        let share = self.shares.get_mut(&workspace).ok_or(())?;
        let own = by.map(|holder| share.holders.get(&holder).map_or(0, |line| line.waiting.len()));
        let longest = share.holders.iter_mut().max_by_key(|(_, line)| line.waiting.len());
        let (holder, line) = longest.ok_or(())?;
        if own.is_some_and(|own| line.waiting.len() <= own + 1) {
            return Err(());
        }
        let (_, token) = line.waiting.pop_back().ok_or(())?;
        let whose = Whose { workspace, holder: *holder };
        self.waiting -= 1;
        self.forget(whose);
        Ok(token)
    }

    fn join(&mut self, whose: Whose, token: T) -> u64 {
        self.ticket += 1;
        let ticket = self.ticket;
        self.line_or_new(whose).waiting.push_back((ticket, token));
        self.waiting += 1;
        ticket
    }

    /// Takes the next one out of the lines.
    fn pop(&mut self) -> Option<(Whose, T)> {
        let waiting = self.shares.iter_mut().filter(|(_, share)| share.waiting() > 0);
        let (workspace, share) =
            waiting.min_by_key(|(_, share)| (share.running, share.turn, share.first()))?;
        let lines = share.holders.iter_mut().filter(|(_, line)| !line.waiting.is_empty());
        let (holder, line) = lines.min_by_key(|(_, line)| (line.running, line.turn, line.first()))?;
        let (_, token) = line.waiting.pop_front()?;
        let whose = Whose { workspace: *workspace, holder: *holder };
        self.waiting -= 1;
        Some((whose, token))
    }

    fn begin(&mut self, whose: Whose) {
        self.running += 1;
        self.turn += 2;
        let turn = self.turn;
        let line = self.line_or_new(whose);
        (line.running, line.turn) = (line.running + 1, turn);
        if let Some(share) = self.shares.get_mut(&whose.workspace) {
            (share.running, share.turn) = (share.running + 1, turn);
        }
    }

    fn end(&mut self, whose: Whose) {
        self.running -= 1;
        if let Some(share) = self.shares.get_mut(&whose.workspace) {
            share.running -= 1;
        }
        if let Some(line) = self.line(whose) {
            line.running -= 1;
        }
        self.forget(whose);
    }

    fn line(&mut self, whose: Whose) -> Option<&mut Line<T>> {
        self.shares.get_mut(&whose.workspace)?.holders.get_mut(&whose.holder)
    }

    /// Whoever is new comes before the one who had the last turn, and after all others: coming often is no advantage.
    fn line_or_new(&mut self, whose: Whose) -> &mut Line<T> {
        let turn = self.turn.saturating_sub(1);
        let new = || Share { running: 0, turn, holders: BTreeMap::new() };
        let share = self.shares.entry(whose.workspace).or_insert_with(new);
        let new = || Line { running: 0, turn, waiting: VecDeque::new() };
        share.holders.entry(whose.holder).or_insert_with(new)
    }

    /// What has nothing is not kept.
    fn forget(&mut self, whose: Whose) {
        let Some(share) = self.shares.get_mut(&whose.workspace) else { return };
        share.holders.retain(|_, line| line.running > 0 || !line.waiting.is_empty());
        if share.holders.is_empty() {
            self.shares.remove(&whose.workspace);
        }
    }
}

impl<T> Share<T> {
    /// The ticket of whoever waits longest.
    fn first(&self) -> u64 {
        self.holders.values().filter_map(|line| line.first()).min().unwrap_or(u64::MAX)
    }

    fn waiting(&self) -> usize {
        self.holders.values().map(|line| line.waiting.len()).sum()
    }

    /// Requests of the workspace that would be served before one more of that holder.
    fn ahead(&self, holder: Option<Holder>) -> usize {
        let own = self.holders.get(&holder).map_or(0, |line| line.waiting.len());
        let others = self.holders.iter().filter(|(other, _)| **other != holder);
        own + others.map(|(_, line)| line.waiting.len().min(own + 1)).sum::<usize>()
    }
}

impl<T> Line<T> {
    fn first(&self) -> Option<u64> {
        self.waiting.front().map(|(ticket, _)| *ticket)
    }
}

#[cfg(test)]
mod tests;
