//! What comes with time: alarms, timeouts, leases, and runs that nobody works on.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use ibid_runtime::Shutdown;
use ibid_types::{Result, RunId, Timestamp};
use parking_lot::{Condvar, Mutex};

use super::Runner;
use super::active::Extra;
use super::queue::Task;
use crate::machine::{Command, Effect};

/// The longest sleep between two rounds: how late a stop is noticed, and a timeout.
const ROUND: Duration = Duration::from_millis(200);
/// Runs taken up in one round.
const TAKE_MAX: usize = 256;
/// Leases are kept, and orphans looked for, this often in the life of a lease.
const ROUNDS_A_LEASE: i64 = 3;
/// A run that was to be woken and is due still is looked at again after so long.
const DUE_AGAIN_MS: i64 = 1_000;

/// Why a run in memory is looked at.
#[derive(Clone, Debug)]
pub enum Alarm {
    /// Its deadline, or a timer or expiry beside its effects.
    Passed,
    /// An effect that waits for its next attempt.
    Retry(Effect),
}

#[derive(Debug)]
pub struct Rounds {
    /// By time, run and effect (0 for none).
    alarms: Mutex<BTreeMap<(Timestamp, RunId, u32), Alarm>>,
    added: Condvar,
    /// When the next run that waits is due, in milliseconds.
    due_ms: AtomicI64,
    /// Runs that left memory because the store failed.
    lost: Mutex<HashSet<RunId>>,
    /// When leases are seen to next, in milliseconds.
    leases_ms: AtomicI64,
    has_more: AtomicBool,
}

impl Default for Rounds {
    fn default() -> Self {
        Self {
            alarms: Mutex::default(),
            added: Condvar::new(),
            due_ms: AtomicI64::new(0),
            lost: Mutex::default(),
            leases_ms: AtomicI64::new(0),
            has_more: AtomicBool::new(false),
        }
    }
}

impl Rounds {
    pub fn add(&self, at: Timestamp, run: RunId, alarm: Alarm) {
        let id = match &alarm {
            Alarm::Passed => 0,
            Alarm::Retry(effect) => effect.id,
        };
        let mut alarms = self.alarms.lock();
        let is_first = alarms.first_key_value().is_none_or(|(first, _)| at < first.0);
        alarms.insert((at, run, id), alarm);
        drop(alarms);
        if is_first {
            self.added.notify_one();
        }
    }

    pub fn remove(&self, at: Timestamp, run: RunId) {
        self.alarms.lock().remove(&(at, run, 0));
    }

    pub fn due(&self, at: Timestamp) {
        if self.due_ms.fetch_min(at.0, Ordering::SeqCst) > at.0 {
            self.added.notify_one();
        }
    }

    pub fn lost(&self, run: RunId) {
        self.lost.lock().insert(run);
    }

    fn take_due(&self, now: Timestamp) -> Vec<(RunId, Alarm)> {
        let mut alarms = self.alarms.lock();
        let mut due = Vec::new();
        while let Some(entry) = alarms.first_entry().filter(|entry| entry.key().0 <= now) {
            let run = entry.key().1;
            due.push((run, entry.remove()));
        }
        due
    }

    fn sleep(&self, now: Timestamp) {
        let mut alarms = self.alarms.lock();
        let first = alarms.first_key_value().map_or(i64::MAX, |(first, _)| first.0.0);
        let next = first.min(self.due_ms.load(Ordering::SeqCst)).saturating_sub(now.0).max(0);
        let next = Duration::from_millis(next.cast_unsigned()).min(ROUND);
        if !next.is_zero() {
            self.added.wait_for(&mut alarms, next);
        }
    }
}

impl Runner {
    /// Takes up the runs of former processes, wakes those whose time has come and keeps leases, until a stop is
    /// requested; then tells running effects to stop and waits for them.
    pub fn run(self: &Arc<Self>, shutdown: &Shutdown) {
        while !shutdown.is_requested() {
            self.tick();
            self.rounds.sleep(self.clock.now());
        }
        self.stop();
    }

    /// One round: what is due now. `run` does it all the time; tests with a clock of their own call it.
    pub fn tick(self: &Arc<Self>) {
        let now = self.clock.now();
        for (run, alarm) in self.rounds.take_due(now) {
            self.ring(run, alarm, now);
        }
        if self.is_performing() {
            self.give_up_late();
        }
        if self.rounds.due_ms.load(Ordering::SeqCst) <= now.0 {
            self.log("runs that are due could not be listed", self.wake_due(now));
        }
        let is_time = self.rounds.leases_ms.load(Ordering::SeqCst) <= now.0;
        if is_time || self.rounds.has_more.load(Ordering::SeqCst) && self.queue.len() < TAKE_MAX {
            self.log("leases could not be kept", self.keep_leases(now));
        }
    }

    /// Ends the work of this runner: effects are told to stop, and what they were about stays in the journal.
    pub fn stop(&self) {
        self.stop_attempts();
        let all_ended = self.queue.stop(self.config.stop_longest);
        if !all_ended {
            tracing::warn!("some effects of flows did not stop in time; they are taken up at the next start");
        }
        self.log(
            "leases could not be given back",
            self.journal.store().runs_release(&self.owner).map(|_| ()),
        );
    }

    fn ring(self: &Arc<Self>, run: RunId, alarm: Alarm, now: Timestamp) {
        match alarm {
            Alarm::Passed => self.push(Task::TakeUp(run)),
            Alarm::Retry(effect) => {
                let active = self.active.lock().get(&run).cloned();
                // A run that left memory finds its effects when it comes back.
                if let Some(active) = active.filter(|_| effect.not_before <= now) {
                    self.push(Task::Perform(active, effect));
                }
            }
        }
    }

    fn wake_due(self: &Arc<Self>, now: Timestamp) -> Result<()> {
        let store = self.journal.store();
        self.rounds.due_ms.store(i64::MAX, Ordering::SeqCst);
        let due = store.runs_due(now, TAKE_MAX)?;
        if !due.is_empty() {
            self.rounds.due_ms.fetch_min(now.plus_ms(DUE_AGAIN_MS).0, Ordering::SeqCst);
        }
        due.into_iter().for_each(|run| self.push(Task::TakeUp(run)));
        if let Some(next) = store.runs_next_due(now)? {
            self.rounds.due_ms.fetch_min(next.0, Ordering::SeqCst);
        }
        Ok(())
    }

    fn keep_leases(self: &Arc<Self>, now: Timestamp) -> Result<()> {
        let store = self.journal.store();
        let next = now.plus_ms(self.config.lease_ms / ROUNDS_A_LEASE);
        self.rounds.leases_ms.store(next.0, Ordering::SeqCst);
        store.runs_renew(&self.owner, now.plus_ms(self.config.lease_ms))?;
        let orphans = store.runs_orphaned(now, TAKE_MAX)?;
        self.rounds.has_more.store(orphans.len() == TAKE_MAX, Ordering::SeqCst);
        let lost = std::mem::take(&mut *self.rounds.lost.lock());
        orphans.into_iter().chain(lost).for_each(|run| self.push(Task::TakeUp(run)));
        Ok(())
    }

    /// Brings a run into memory, which takes up what was interrupted, and lets it see what time it is.
    pub(super) fn take_up(self: &Arc<Self>, run: RunId) {
        let taken = self.with_run(run, |active, slot| {
            let now = self.clock.now();
            if !super::active::is_due(slot.as_ref(), now) {
                return Ok(None);
            }
            let effects = self.tell(active, slot, Command::Passed { at: now }, Extra::default())?;
            Ok(Some((Arc::clone(active), effects)))
        });
        match taken {
            Ok(None) => {}
            Ok(Some((active, effects))) => {
                effects.into_iter().for_each(|effect| self.push(Task::Perform(Arc::clone(&active), effect)));
            }
            Err(error) if error.code == "run_taken" => {}
            Err(error) => tracing::warn!(%run, %error, "a run could not be taken up"),
        }
    }

    fn log(&self, what: &str, outcome: Result<()>) {
        if let Err(error) = outcome {
            tracing::warn!(owner = self.owner, %error, "{what}");
        }
    }
}
