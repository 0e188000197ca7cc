//! The runner: takes runs from step to step, on as many threads as there are effects at work.
//!
//! Keeps true: an effect is performed only after the checkpoint that holds it is on disk; of a run that two processes
//! work on, one goes on and the other finds out at its next checkpoint; a run that waits is not in memory.
//!
//! A worker that has performed an effect applies the result, commits it and goes on with the run's next effect itself,
//! so a run that does one thing after another stays on one thread.

mod active;
mod feed;
mod flows;
mod perform;
mod queue;
mod rounds;
mod watch;

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, Weak};
use std::time::Duration;

use ibid_runtime::Clock;
use ibid_store::{RunRow, Statement};
use ibid_types::{Error, Result, RunId, ThreadId, Timestamp, WorkspaceId};
use parking_lot::Mutex;
use serde_json::Value;

use crate::journal::run_unknown;
use crate::machine::{Command, RunState};
use crate::{FlowHash, Journal, Registry};

pub use active::Active;
pub use flows::Flows;
pub(crate) use perform::fits;
pub use watch::{Watch, Watched};

use active::{Beginning, Extra};
use feed::Feed;
use perform::Attempt;
use queue::{Queue, Task};
use rounds::Rounds;

/// Bytes of an idempotency key.
const KEY_BYTES_MAX: usize = 200;
/// How long a watcher that finds nothing waits before it looks whether another process went on.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
pub struct RunnerConfig {
    /// Effects performed at the same time.
    pub workers_max: usize,
    /// Threads in effects that outlived their timeout and whose place was given to others.
    pub abandoned_max: usize,
    /// How long a run belongs to a process that shows no sign of life.
    pub lease_ms: i64,
    /// How long effects may take to end when the program stops.
    pub stop_longest: Duration,
    pub on_finish: Option<Arc<dyn OnFinish>>,
}

impl Default for RunnerConfig {
    fn default() -> Self {
        Self {
            workers_max: 64,
            abandoned_max: 64,
            lease_ms: 30_000,
            stop_longest: Duration::from_secs(10),
            on_finish: None,
        }
    }
}

/// What else is written in the commit that ends a run. Called with every run; those of others give nothing.
pub trait OnFinish: Send + Sync + Debug {
    fn statements(&self, state: &RunState, now: Timestamp) -> Vec<Statement>;
}

/// A run to be started.
#[derive(Clone, Debug)]
pub struct NewRun {
    pub id: RunId,
    pub workspace: WorkspaceId,
    pub flow: FlowHash,
    pub input: Value,
    /// A second start with the same key in the workspace gives the first run.
    pub key: Option<String>,
    pub thread: Option<ThreadId>,
    /// Who starts it.
    pub owner: Option<String>,
    /// What is written in the commit that starts the run, such as its turn.
    pub also: Vec<Statement>,
}

impl NewRun {
    #[must_use]
    pub fn new(workspace: WorkspaceId, flow: FlowHash, input: Value) -> Self {
        Self {
            id: RunId::new(),
            workspace,
            flow,
            input,
            key: None,
            thread: None,
            owner: None,
            also: Vec::new(),
        }
    }
}

/// What `start` gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Started {
    pub run: RunId,
    /// False for a run that was started before under the same key.
    pub is_new: bool,
}

/// A run as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct RunView {
    pub row: RunRow,
    /// Of the last checkpoint.
    pub number: u32,
    pub state: RunState,
}

/// Runs flows. One for each process.
#[derive(Debug)]
pub struct Runner {
    config: RunnerConfig,
    journal: Journal,
    registry: Registry,
    flows: Flows,
    clock: Clock,
    /// How it signs its leases.
    owner: String,
    active: Mutex<HashMap<RunId, Arc<Active>>>,
    feeds: Mutex<HashMap<RunId, Weak<Feed>>>,
    attempts: Mutex<HashMap<(RunId, u32), Arc<Attempt>>>,
    queue: Queue,
    rounds: Rounds,
}

impl Runner {
    #[must_use]
    pub fn new(config: RunnerConfig, journal: Journal, registry: Registry, clock: Clock) -> Arc<Self> {
        let store = journal.store().clone();
        // A process can have several runners, as tests do, so its own name is not enough.
        let owner = format!("{}:{}", store.jobs().owner(), RunId::new());
        let flows = Flows::new(store, registry.clone());
        Arc::new(Self {
            config,
            journal,
            registry,
            flows,
            clock,
            owner,
            active: Mutex::default(),
            feeds: Mutex::default(),
            attempts: Mutex::default(),
            queue: Queue::default(),
            rounds: Rounds::default(),
        })
    }

    #[must_use]
    pub const fn journal(&self) -> &Journal {
        &self.journal
    }

    #[must_use]
    pub const fn flows(&self) -> &Flows {
        &self.flows
    }

    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Starts a run; when it returns, the run is on disk and will be finished.
    ///
    /// # Errors
    /// `flow_unknown`, `flow_input_invalid`, `flow_value_too_large`, `run_key_too_long`, `runner_stopped`, those of
    /// the store, and `store_conflict` where a statement of `also` finds other rows than it expects.
    pub fn start(self: &Arc<Self>, new: NewRun) -> Result<Started> {
        fits(&new.input, "the input")?;
        if let Some(first) = self.started_before(&new)? {
            return Ok(Started { run: first, is_new: false });
        }
        let command = Command::Start {
            run: new.id,
            workspace: new.workspace,
            flow: new.flow,
            flows: self.flows.versions(&new.flow)?,
            input: new.input.clone(),
            at: self.clock.now(),
        };
        let beginning = Beginning {
            run: new.id,
            workspace: new.workspace,
            flow: new.flow,
            key: new.key.clone(),
            thread: new.thread,
            owner: new.owner.clone(),
            forked_from: None,
        };
        match self.begin(beginning, command, new.also.clone()) {
            Ok(()) => Ok(Started { run: new.id, is_new: true }),
            // Two starts with one key at the same time: one of them wrote its row first.
            Err(error) if error.code == "store_conflict" => match self.started_before(&new)? {
                Some(first) => Ok(Started { run: first, is_new: false }),
                None => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    fn started_before(&self, new: &NewRun) -> Result<Option<RunId>> {
        let Some(key) = &new.key else { return Ok(None) };
        if key.len() > KEY_BYTES_MAX {
            let what = format!("the idempotency key is longer than {KEY_BYTES_MAX} bytes");
            return Err(Error::bad_request("run_key_too_long", what));
        }
        Ok(self.journal.store().run_by_key(new.workspace, key)?.map(|run| run.id))
    }

    /// Starts a run with the state of another's checkpoint, already changed as wished.
    pub(crate) fn adopt(
        self: &Arc<Self>,
        run: RunId,
        from: (RunId, u32),
        flow: FlowHash,
        state: RunState,
        owner: Option<String>,
    ) -> Result<()> {
        let workspace = state.workspace;
        let beginning =
            Beginning { run, workspace, flow, key: None, thread: None, owner, forked_from: Some(from) };
        let command = Command::Adopt { state: Box::new(state), at: self.clock.now() };
        self.begin(beginning, command, Vec::new())
    }

    /// Answers a question of a run; without a number, its only one.
    ///
    /// # Errors
    /// `run_unknown`, `flow_interrupt_unknown`, `flow_interrupt_expired`, `flow_answer_invalid`, `flow_run_over`.
    pub fn answer(
        self: &Arc<Self>,
        run: RunId,
        interrupt: Option<u32>,
        value: Value,
        by: &str,
    ) -> Result<()> {
        fits(&value, "the answer")?;
        let interrupt = match interrupt {
            Some(interrupt) => interrupt,
            None => only_interrupt(&self.view(run)?.state)?,
        };
        self.command(run, Command::Answer { interrupt, value, by: by.to_owned(), at: self.clock.now() })
    }

    /// Cancels a run; what was done is undone where the flow says how.
    ///
    /// # Errors
    /// `run_unknown`, `flow_run_over`.
    pub fn cancel(self: &Arc<Self>, run: RunId, reason: &str) -> Result<()> {
        self.command(run, Command::Cancel { reason: reason.to_owned(), at: self.clock.now() })
    }

    /// Takes a failed run up again.
    ///
    /// # Errors
    /// `run_unknown`, `flow_run_not_failed`, `flow_run_undone`.
    pub fn resume(self: &Arc<Self>, run: RunId) -> Result<()> {
        self.command(run, Command::Resume { at: self.clock.now() })
    }

    /// Applies a command; when it returns, it is on disk.
    ///
    /// # Errors
    /// `run_unknown`, `run_taken`, those of `machine::apply` and of the store.
    pub fn command(self: &Arc<Self>, run: RunId, command: Command) -> Result<()> {
        let effects = self.with_run(run, |active, slot| {
            let effects = self.tell(active, slot, command, Extra::default())?;
            Ok((Arc::clone(active), effects))
        })?;
        let (active, effects) = effects;
        effects.into_iter().for_each(|effect| self.push(Task::Perform(Arc::clone(&active), effect)));
        Ok(())
    }

    /// The run as its last checkpoint says.
    ///
    /// # Errors
    /// `run_unknown`, and those of the journal.
    pub fn view(&self, run: RunId) -> Result<RunView> {
        let last = self.journal.last(run)?.ok_or_else(|| run_unknown(run))?;
        // The row after the checkpoint, so that it is not older.
        let row = self.journal.store().run_find(run)?.ok_or_else(|| run_unknown(run))?;
        Ok(RunView { row, number: last.number, state: last.state })
    }

    /// Waits until the run is over, at most so long, and gives it as it is then.
    ///
    /// # Errors
    /// As `view`.
    pub fn wait(self: &Arc<Self>, run: RunId, longest: Duration) -> Result<RunView> {
        let feed = self.feed_of(run)?;
        let mut left = longest;
        loop {
            // Of a run at work here the feed hears the end: reading its state again and again would tell nothing.
            let is_here = !feed.is_over() && self.active.lock().contains_key(&run);
            if !is_here || left.is_zero() || self.queue.is_stopping() {
                let view = self.view(run)?;
                if view.state.status.is_over() || left.is_zero() || self.queue.is_stopping() {
                    return Ok(view);
                }
            }
            let part = left.min(LOOK_AGAIN);
            feed.wait_over(part);
            left -= part;
        }
    }

    /// All that the run tells after an event; from the beginning after `EventId::default()`.
    ///
    /// # Errors
    /// `run_unknown`.
    pub fn watch(self: &Arc<Self>, run: RunId, after: Option<crate::events::EventId>) -> Result<Watch> {
        let feed = self.feed_of(run)?;
        Ok(Watch::new(Arc::clone(self), run, feed, after))
    }

    /// The feed of a run, shared by all who hold one.
    /// Effects that wait for a worker.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    fn feed_of(&self, run: RunId) -> Result<Arc<Feed>> {
        if let Some(feed) = self.feeds.lock().get(&run).and_then(Weak::upgrade) {
            return Ok(feed);
        }
        let number = self.journal.store().checkpoint_number(run)?.ok_or_else(|| run_unknown(run))?;
        Ok(self.feed_at(run, number))
    }

    fn feed_at(&self, run: RunId, number: u32) -> Arc<Feed> {
        let mut feeds = self.feeds.lock();
        if let Some(feed) = feeds.get(&run).and_then(Weak::upgrade) {
            return feed;
        }
        let feed = Arc::new(Feed::new(number));
        feeds.insert(run, Arc::downgrade(&feed));
        feed
    }
}

fn only_interrupt(state: &RunState) -> Result<u32> {
    let mut open = state.interrupts().map(|interrupt| interrupt.id);
    match (open.next(), open.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(Error::conflict("flow_interrupt_unknown", "the run waits for no answer")),
        _ => {
            let what = "the run asks more than one thing; say which is answered";
            Err(Error::bad_request("flow_interrupt_unknown", what))
        }
    }
}
