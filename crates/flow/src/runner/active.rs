//! A run in memory, and the one way to change it: apply a command, write the checkpoint, then tell and act.
//!
//! Keeps true: under the lock of the run, memory is what the journal says, or the run leaves memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ibid_store::{RunChange, RunRow, Statement, run_insert, run_update};
use ibid_types::access::Reader;
use ibid_types::{Class, Error, Result, RunId, ThreadId, Timestamp, WorkspaceId};
use parking_lot::Mutex;

use super::feed::Feed;
use super::queue::Task;
use super::{Runner, rounds::Alarm};
use crate::FlowHash;
use crate::events::{Numbered, derive};
use crate::journal::{Known, run_unknown};
use crate::machine::{
    Action, Applied, Command, Definitions, Effect, Fault, FrameId, Outcome, RunState, Status, apply,
};

/// Tries of a commit that the store could not take, with a delay that doubles from the first: 12 seconds in all.
const COMMIT_TRIES: u32 = 8;
const COMMIT_DELAY_FIRST: Duration = Duration::from_millis(50);
/// Checkpoints of commands that follow from each other, in one commit.
const CHAIN_MAX: usize = 64;

/// A run that is worked on.
#[derive(Debug)]
pub struct Active {
    pub run: RunId,
    pub workspace: WorkspaceId,
    /// Whoever began it.
    pub reader: Reader,
    pub(super) feed: Arc<Feed>,
    slot: Mutex<Option<Inner>>,
    /// It left memory; whoever still holds this looks for the run anew.
    is_gone: AtomicBool,
}

/// What is known of a run in memory.
#[derive(Debug)]
pub struct Inner {
    /// `None` before the first command.
    state: Option<RunState>,
    /// Of the next checkpoint.
    next: u32,
    known: Known,
    /// What the run's row says, where it has one.
    row: Option<Summary>,
    alarm: Option<Timestamp>,
}

/// What of a state stands in the run's row.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Summary {
    status: Status,
    wake_at: Option<Timestamp>,
    asks: usize,
}

impl Summary {
    fn of(state: &RunState) -> Self {
        let is_waiting = state.status == Status::Waiting;
        Self {
            status: state.status,
            wake_at: if is_waiting { state.wake_at() } else { None },
            asks: state.interrupts().count(),
        }
    }
}

/// A new run, without its state.
#[derive(Clone, Debug)]
pub struct Beginning {
    pub run: RunId,
    pub workspace: WorkspaceId,
    pub flow: FlowHash,
    pub key: Option<String>,
    pub thread: Option<ThreadId>,
    pub owner: Option<String>,
    pub forked_from: Option<(RunId, u32)>,
}

/// What goes with a command.
#[derive(Debug, Default)]
pub struct Extra {
    beginning: Option<Beginning>,
    also: Vec<Statement>,
}

/// Why a command did not go through.
enum Trouble {
    /// Nothing was changed.
    Refused(Error),
    /// The state cannot be written down.
    Unwritable(Error),
    /// The store did not take it, or has another's.
    Lost(Error),
}

/// Commands applied in memory and not yet written.
#[derive(Debug, Default)]
struct Pending {
    statements: Vec<Statement>,
    told: Vec<(u32, Option<Vec<Numbered>>)>,
    actions: Vec<Action>,
}

impl Runner {
    /// Writes the first checkpoint of a new run and sets it going.
    pub(super) fn begin(
        self: &Arc<Self>,
        beginning: Beginning,
        command: Command,
        also: Vec<Statement>,
    ) -> Result<()> {
        if self.queue.is_stopping() {
            return Err(stopped());
        }
        let (run, workspace) = (beginning.run, beginning.workspace);
        let active = Arc::new(Active {
            run,
            workspace,
            reader: Reader::of_owner(beginning.owner.as_deref()),
            feed: self.feed_at(run, 0),
            slot: Mutex::new(Some(Inner {
                state: None,
                next: 0,
                known: Known::default(),
                row: None,
                alarm: None,
            })),
            is_gone: AtomicBool::new(false),
        });
        let mut slot = active.slot.lock();
        self.active.lock().insert(run, Arc::clone(&active));
        let told = self.tell(&active, &mut slot, command, Extra { beginning: Some(beginning), also });
        if told.is_err() {
            self.evict(&active, &mut slot);
        }
        drop(slot);
        told?.into_iter().for_each(|effect| self.push(Task::Perform(Arc::clone(&active), effect)));
        Ok(())
    }

    /// Works on a run under its lock, after bringing it into memory where it is not.
    pub(super) fn with_run<T>(
        self: &Arc<Self>,
        run: RunId,
        work: impl FnOnce(&Arc<Active>, &mut Option<Inner>) -> Result<T>,
    ) -> Result<T> {
        loop {
            let active = self.active_of(run)?;
            let mut slot = active.slot.lock();
            if active.is_gone.load(Ordering::SeqCst) {
                continue;
            }
            if slot.is_none() {
                let loaded = self.bring_in(&active, &mut slot);
                loaded.inspect_err(|_| self.evict(&active, &mut slot))?;
            }
            let outcome = work(&active, &mut slot);
            self.settle(&active, &mut slot);
            return outcome;
        }
    }

    fn active_of(&self, run: RunId) -> Result<Arc<Active>> {
        if let Some(active) = self.active.lock().get(&run) {
            return Ok(Arc::clone(active));
        }
        let row = self.journal.store().run_find(run)?.ok_or_else(|| run_unknown(run))?;
        let active = Active {
            run,
            workspace: row.workspace,
            reader: Reader::of_owner(row.owner.as_deref()),
            feed: self.feed_of(run)?,
            slot: Mutex::new(None),
            is_gone: AtomicBool::new(false),
        };
        Ok(Arc::clone(self.active.lock().entry(run).or_insert_with(|| Arc::new(active))))
    }

    /// Loads the run, and finds out what became of the effects that its last owner began.
    fn bring_in(self: &Arc<Self>, active: &Arc<Active>, slot: &mut Option<Inner>) -> Result<()> {
        let inner = self.load(active)?;
        let now = self.clock.now();
        let pending: Vec<Effect> = inner.state.iter().flat_map(RunState::pending).cloned().collect();
        let is_stuck = pending.is_empty()
            && inner
                .state
                .as_ref()
                .is_some_and(|state| matches!(state.status, Status::Running | Status::Undoing));
        *slot = Some(inner);
        let mut commands = Vec::new();
        if is_stuck {
            commands.push(Command::Continue { at: now });
        }
        for effect in pending {
            match effect.not_before > now {
                true => self.rounds.add(effect.not_before, active.run, Alarm::Retry(effect)),
                false => commands.push(Command::Interrupted { effect: effect.id, at: now }),
            }
        }
        for command in commands {
            if slot.is_none() {
                break;
            }
            let effects = self.tell(active, slot, command, Extra::default())?;
            effects.into_iter().for_each(|effect| self.push(Task::Perform(Arc::clone(active), effect)));
        }
        Ok(())
    }

    fn load(&self, active: &Active) -> Result<Inner> {
        let store = self.journal.store();
        let row = store.run_find(active.run)?.ok_or_else(|| run_unknown(active.run))?;
        if ["running", "undoing"].contains(&row.status.as_str()) {
            let until = self.clock.now().plus_ms(self.config.lease_ms);
            if !store.run_lease(active.run, &row.status, &self.owner, until)? {
                return Err(taken(active.run));
            }
        }
        let last = self.journal.last(active.run)?.ok_or_else(|| run_unknown(active.run))?;
        let summary = Summary::of(&last.state);
        Ok(Inner {
            state: Some(last.state),
            next: last.number + 1,
            known: self.journal.known(active.run)?,
            row: Some(summary),
            alarm: None,
        })
    }

    /// Applies the end of an attempt, if it is still wanted; gives the run's next effect and queues the others.
    pub(super) fn end_effect(
        self: &Arc<Self>,
        active: &Arc<Active>,
        attempt: u32,
        command: Command,
    ) -> Option<Effect> {
        let mut slot = active.slot.lock();
        let id = command.effect()?;
        let state = slot.as_ref().and_then(|inner| inner.state.as_ref());
        let is_wanted =
            state.and_then(|state| state.find_effect(id)).is_some_and(|effect| effect.attempt == attempt);
        if !is_wanted {
            return None;
        }
        let told = self.tell(active, &mut slot, command, Extra::default());
        self.settle(active, &mut slot);
        drop(slot);
        let mut effects = told
            .inspect_err(
                |error| tracing::warn!(run = %active.run, %error, "a step of a run could not be kept"),
            )
            .ok()?
            .into_iter();
        let next = effects.next();
        effects.for_each(|effect| self.push(Task::Perform(Arc::clone(active), effect)));
        next
    }

    /// Applies a command and all that follows from it, writes it down, and gives the effects to perform now.
    pub(super) fn tell(
        self: &Arc<Self>,
        active: &Arc<Active>,
        slot: &mut Option<Inner>,
        command: Command,
        extra: Extra,
    ) -> Result<Vec<Effect>> {
        let inner = slot.as_mut().ok_or_else(|| taken(active.run))?;
        let effect = command.effect();
        match self.advance(active, inner, command, extra) {
            Ok(effects) => Ok(effects),
            Err(Trouble::Refused(error)) => Err(error),
            Err(Trouble::Unwritable(error)) => self.fail_instead(active, slot, effect, error),
            Err(Trouble::Lost(error)) => {
                let is_taken = error.class == Class::Conflict;
                self.evict(active, slot);
                if !is_taken {
                    self.rounds.lost(active.run);
                }
                Err(error)
            }
        }
    }

    /// The result of an effect makes a state that cannot be written: then the effect has failed.
    fn fail_instead(
        self: &Arc<Self>,
        active: &Arc<Active>,
        slot: &mut Option<Inner>,
        effect: Option<u32>,
        error: Error,
    ) -> Result<Vec<Effect>> {
        let is_new = slot.as_ref().is_none_or(|inner| inner.row.is_none());
        let Some(effect) = effect.filter(|_| !is_new) else {
            self.evict(active, slot);
            return Err(error);
        };
        let inner = slot.insert(self.load(active)?);
        let fault = Fault { is_passing: false, ..Fault::new(&error) };
        let command = Command::Failed { effect, fault, at: self.clock.now() };
        self.advance(active, inner, command, Extra::default()).map_err(|trouble| match trouble {
            Trouble::Refused(error) | Trouble::Unwritable(error) | Trouble::Lost(error) => {
                self.evict(active, slot);
                error
            }
        })
    }

    fn advance(
        self: &Arc<Self>,
        active: &Arc<Active>,
        inner: &mut Inner,
        command: Command,
        mut extra: Extra,
    ) -> Result<Vec<Effect>, Trouble> {
        let is_watched = active.feed.is_watched();
        let mut ended = command.effect();
        let mut next = Some(command);
        let mut ready = Vec::new();
        while next.is_some() {
            let mut pending = Pending::default();
            while let Some(mut command) = next.take() {
                self.apply_one(inner, &mut command, is_watched, &mut pending)?;
                let goes_on = pending.actions.contains(&Action::Continue);
                if goes_on {
                    pending.actions.retain(|action| *action != Action::Continue);
                    next = Some(Command::Continue { at: self.clock.now() });
                }
                if pending.told.len() >= CHAIN_MAX {
                    break;
                }
            }
            let Some(state) = &inner.state else { break };
            let is_over = state.status.is_over();
            self.row_statements(state, &mut inner.row, &mut extra, &mut pending.statements);
            if !pending.statements.is_empty() {
                self.commit(pending.statements).map_err(Trouble::Lost)?;
            }
            // Only once it is written, or the round that this begins would not find the run.
            if let Some(due) = inner.row.as_ref().and_then(|row| row.wake_at) {
                self.rounds.due(due);
            }
            let last = pending.told.len();
            for (at, (number, events)) in (1..).zip(pending.told) {
                active.feed.committed(number, events, ended.take(), is_over && at == last);
            }
            self.act(active, pending.actions, &mut ready);
        }
        self.set_alarm(active.run, inner);
        Ok(ready)
    }

    /// Applies one command in memory and adds its checkpoint to what is pending.
    fn apply_one(
        &self,
        inner: &mut Inner,
        command: &mut Command,
        is_watched: bool,
        pending: &mut Pending,
    ) -> Result<(), Trouble> {
        let before = if is_watched { inner.state.clone() } else { None };
        let Applied { actions, ended, is_ignored } =
            apply(&self.flows, &mut inner.state, command).map_err(|error| {
                if pending.told.is_empty() { Trouble::Refused(error) } else { Trouble::Lost(error) }
            })?;
        let Some(state) = inner.state.as_mut().filter(|_| !is_ignored) else { return Ok(()) };
        let node = if ended.is_empty() { None } else { Some(ended.join(",")) };
        let written = self.journal.statements(inner.next, command, state, node.as_deref(), &mut inner.known);
        pending.statements.extend(written.map_err(Trouble::Unwritable)?);
        let events = is_watched.then(|| {
            let names = |state: &RunState, frame, node| self.name_of(state, frame, node);
            derive(inner.next, before.as_ref(), command, state, &ended, &self.registry, &names)
        });
        pending.told.push((inner.next, events));
        pending.actions.extend(actions);
        inner.next += 1;
        Ok(())
    }

    /// Name and kind of a node of a frame's flow.
    pub(super) fn name_of(&self, state: &RunState, frame: FrameId, node: usize) -> (String, &'static str) {
        use crate::definition::NodeBody;
        let flow = state.frames.get(&frame).and_then(|frame| self.flows.definition(&frame.flow).ok());
        let Some(node) = flow.as_ref().and_then(|flow| flow.nodes.get(node)) else {
            return (String::new(), "");
        };
        let kind = match &node.body {
            NodeBody::Effect { .. } => "",
            NodeBody::Set { .. } => "set",
            NodeBody::Wait { .. } => "wait",
            NodeBody::Human(_) => "human",
            NodeBody::Map(_) => "map",
            NodeBody::Flow { .. } => "flow",
        };
        (node.name.clone(), kind)
    }

    /// What of a commit changes the run's row, or makes it.
    fn row_statements(
        &self,
        state: &RunState,
        row: &mut Option<Summary>,
        extra: &mut Extra,
        statements: &mut Vec<Statement>,
    ) {
        let now = self.clock.now();
        let summary = Summary::of(state);
        let until = now.plus_ms(self.config.lease_ms);
        let is_open = matches!(state.status, Status::Running | Status::Undoing);
        let change = RunChange {
            status: state.status.name(),
            wake_at: summary.wake_at,
            asks: u32::try_from(summary.asks).unwrap_or(u32::MAX),
            failure_code: failure_code(state),
            lease: is_open.then_some((self.owner.as_str(), until)),
            finished_at: state.status.is_over().then_some(now),
            now,
        };
        statements.append(&mut extra.also);
        if let Some(beginning) = extra.beginning.take() {
            let name = self.flows.definition(&beginning.flow).map(|flow| flow.name.clone());
            statements.push(run_insert(&row_of(beginning, name.unwrap_or_default(), &change)));
        } else if row.as_ref() != Some(&summary) {
            statements.push(run_update(state.run, &change));
        }
        let was_over = row.as_ref().is_some_and(|row| row.status.is_over());
        if let Some(owner) = self.config.on_finish.as_ref().filter(|_| state.status.is_over() && !was_over) {
            statements.extend(owner.statements(state, now));
        }
        *row = Some(summary);
    }

    /// Writes; tries again while the store cannot take it, so that what an effect gave is not thrown away.
    fn commit(&self, statements: Vec<Statement>) -> Result<()> {
        let db = self.journal.store().db();
        let mut delay = COMMIT_DELAY_FIRST;
        for _ in 1..COMMIT_TRIES {
            match db.batch(statements.clone()) {
                Ok(_) => return Ok(()),
                Err(error) if error.class != Class::Unavailable || error.code == "store_stopped" => {
                    return Err(error);
                }
                Err(error) => tracing::warn!(%error, "the store did not take a step; it is tried again"),
            }
            if self.queue.pause(delay) {
                break;
            }
            delay *= 2;
        }
        db.batch(statements).map(|_| ())
    }

    /// What the machine asks for after its command is on disk.
    fn act(self: &Arc<Self>, active: &Arc<Active>, actions: Vec<Action>, ready: &mut Vec<Effect>) {
        let now = self.clock.now();
        for action in actions {
            match action {
                Action::Perform(effect) if effect.not_before > now => {
                    self.rounds.add(effect.not_before, active.run, Alarm::Retry(effect));
                }
                Action::Perform(effect) => ready.push(effect),
                Action::Abandon(effect) => self.abandon(active, effect),
                Action::Continue | Action::WakeAt(_) | Action::Finish => {}
            }
        }
    }

    /// A run in memory is woken by the runner itself; one that waits, by its row.
    fn set_alarm(&self, run: RunId, inner: &mut Inner) {
        let wake_at =
            inner.state.as_ref().filter(|state| state.status == Status::Running).and_then(RunState::wake_at);
        if wake_at == inner.alarm {
            return;
        }
        if let Some(old) = inner.alarm.take() {
            self.rounds.remove(old, run);
        }
        if let Some(wake_at) = wake_at {
            self.rounds.add(wake_at, run, Alarm::Passed);
        }
        inner.alarm = wake_at;
    }

    /// A run that is over or waits leaves memory.
    fn settle(&self, active: &Arc<Active>, slot: &mut Option<Inner>) {
        let state = slot.as_ref().and_then(|inner| inner.state.as_ref());
        let is_idle = state.is_none_or(|state| state.status.is_over() || state.status == Status::Waiting);
        if is_idle {
            self.evict(active, slot);
        }
    }

    fn evict(&self, active: &Arc<Active>, slot: &mut Option<Inner>) {
        if let Some(alarm) = slot.take().and_then(|inner| inner.alarm) {
            self.rounds.remove(alarm, active.run);
        }
        if active.is_gone.swap(true, Ordering::SeqCst) {
            return;
        }
        self.active.lock().remove(&active.run);
        let mut feeds = self.feeds.lock();
        // This one is the active run's own; whoever else watches keeps it known.
        if Arc::strong_count(&active.feed) == 1 {
            feeds.remove(&active.run);
        }
    }
}

/// Whether `Passed` has something to do.
pub fn is_due(inner: Option<&Inner>, now: Timestamp) -> bool {
    let state = inner.and_then(|inner| inner.state.as_ref());
    state.and_then(RunState::wake_at).is_some_and(|wake_at| wake_at <= now)
}

fn row_of(beginning: Beginning, flow_name: String, change: &RunChange<'_>) -> RunRow {
    RunRow {
        id: beginning.run,
        workspace: beginning.workspace,
        flow: beginning.flow.into(),
        flow_name,
        status: change.status.to_owned(),
        idempotency_key: beginning.key,
        thread: beginning.thread,
        forked_from: beginning.forked_from,
        wake_at: change.wake_at,
        asks: change.asks,
        failure_code: change.failure_code.map(str::to_owned),
        lease_owner: change.lease.map(|(owner, _)| owner.to_owned()),
        lease_until: change.lease.map(|(_, until)| until),
        created_at: change.now,
        updated_at: change.now,
        finished_at: change.finished_at,
        owner: beginning.owner,
    }
}

fn failure_code(state: &RunState) -> Option<&str> {
    match &state.outcome {
        Some(Outcome::Fault(fault)) => Some(&fault.code),
        _ => None,
    }
}

fn taken(run: RunId) -> Error {
    Error::conflict("run_taken", format!("another process works on run {run}; ask that one"))
}

fn stopped() -> Error {
    Error::unavailable("runner_stopped", "the program is stopping and takes up no more runs")
}
