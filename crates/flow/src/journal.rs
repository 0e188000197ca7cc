//! The journal of runs: one checkpoint for each applied command, with the state after it.
//!
//! Keeps true: what is read back is what was written; a value that a run uses is stored no later than the checkpoint
//! that names it, in the same batch.

use std::collections::HashSet;

use ibid_store::{CheckpointHead, CheckpointRow, Statement, Store, checkpoint_insert, value_insert};
use ibid_types::{ContentHash, Error, Result, RunId, Timestamp};

use crate::Codec;
use crate::machine::{Activity, Command, Effect, Interrupt, RunState};

/// One applied command and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    pub number: u32,
    pub at: Timestamp,
    /// The node that the command was about, if one.
    pub node: Option<String>,
    /// Stored size of the body.
    pub bytes: u64,
    pub command: Command,
    /// After the command.
    pub state: RunState,
}

/// Large values that a run has stored already, so that they are not sent to the store with every step.
pub type Known = HashSet<ContentHash>;

/// Reads and writes checkpoints. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Journal {
    store: Store,
    codec: Codec,
}

impl Journal {
    #[must_use]
    pub const fn new(store: Store, codec: Codec) -> Self {
        Self { store, codec }
    }

    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    #[must_use]
    pub const fn codec(&self) -> &Codec {
        &self.codec
    }

    /// The statements that write a checkpoint; the last is the compare-and-set. Both are as before when it returns.
    pub fn statements(
        &self,
        number: u32,
        command: &mut Command,
        state: &mut RunState,
        node: Option<&str>,
        known: &mut Known,
    ) -> Result<Vec<Statement>> {
        let packed = self.codec.pack(state.run, number, command, state, known)?;
        let mut statements = Vec::with_capacity(1 + 2 * packed.values.len());
        for (hash, body) in packed.values {
            known.insert(hash);
            statements.extend(value_insert(state.run, hash, body));
        }
        let (at, kind) = (command.at(), command.name());
        statements.push(checkpoint_insert(state.run, number, at, kind, node, packed.body));
        Ok(statements)
    }

    /// What the run's state is now; nothing if there is no such run.
    pub fn last(&self, run: RunId) -> Result<Option<Checkpoint>> {
        self.store.checkpoint_last(run)?.map(|row| self.read(row)).transpose()
    }

    /// The state at a checkpoint.
    ///
    /// # Errors
    /// `run_unknown`, `checkpoint_unknown`, and what the codec says of a body that cannot be opened.
    pub fn at(&self, run: RunId, number: u32) -> Result<Checkpoint> {
        if let Some(row) = self.store.checkpoint_find(run, number)? {
            return self.read(row);
        }
        if self.store.run_find(run)?.is_none() {
            return Err(run_unknown(run));
        }
        let what = format!("run {run} has no checkpoint {number}; take the number from its history");
        Err(Error::not_found("checkpoint_unknown", what))
    }

    /// Up to `limit` checkpoints from `number` on, in order.
    pub fn from(&self, run: RunId, number: u32, limit: usize) -> Result<Vec<Checkpoint>> {
        let rows = self.store.checkpoints_from(run, number, limit)?;
        rows.into_iter().map(|row| self.read(row)).collect()
    }

    /// Up to `limit` heads from `number` on, in order.
    pub fn heads(&self, run: RunId, number: u32, limit: usize) -> Result<Vec<CheckpointHead>> {
        self.store.checkpoint_heads(run, number, limit)
    }

    /// What a run that is taken up again has stored already.
    pub fn known(&self, run: RunId) -> Result<Known> {
        Ok(self.store.run_values(run)?.into_iter().collect())
    }

    fn read(&self, row: CheckpointRow) -> Result<Checkpoint> {
        let fetch = |hashes: &[ContentHash]| self.store.values_find(hashes);
        let (command, state) = self.codec.unpack(row.run, row.number, &row.body, &fetch)?;
        let bytes = row.body.len() as u64;
        Ok(Checkpoint { number: row.number, at: row.at, node: row.node, bytes, command, state })
    }
}

/// Says that there is no such run.
#[must_use]
pub fn run_unknown(run: RunId) -> Error {
    Error::not_found(
        "run_unknown",
        format!("there is no run {run}; runs that ended are deleted after a time"),
    )
}

impl Command {
    /// When it happened.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::Start { at, .. }
            | Self::Adopt { at, .. }
            | Self::Continue { at }
            | Self::Performed { at, .. }
            | Self::Failed { at, .. }
            | Self::Interrupted { at, .. }
            | Self::Passed { at }
            | Self::Answer { at, .. }
            | Self::Cancel { at, .. }
            | Self::Resume { at } => *at,
        }
    }

    /// As its tag in JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Start { .. } => "start",
            Self::Adopt { .. } => "adopt",
            Self::Continue { .. } => "continue",
            Self::Performed { .. } => "performed",
            Self::Failed { .. } => "failed",
            Self::Interrupted { .. } => "interrupted",
            Self::Passed { .. } => "passed",
            Self::Answer { .. } => "answer",
            Self::Cancel { .. } => "cancel",
            Self::Resume { .. } => "resume",
        }
    }

    /// The effect that it is about.
    #[must_use]
    pub const fn effect(&self) -> Option<u32> {
        match self {
            Self::Performed { effect, .. }
            | Self::Failed { effect, .. }
            | Self::Interrupted { effect, .. } => Some(*effect),
            _ => None,
        }
    }
}

impl RunState {
    /// The effect of that number, if its result is wanted.
    #[must_use]
    pub fn find_effect(&self, id: u32) -> Option<&Effect> {
        self.pending().find(|effect| effect.id == id)
    }

    /// Questions to people that are open.
    pub fn interrupts(&self) -> impl Iterator<Item = &Interrupt> {
        let activities = self.frames.values().flat_map(|frame| frame.active.values());
        activities.filter_map(|activity| match activity {
            Activity::Asking(interrupt) if !self.status.is_over() => Some(interrupt),
            _ => None,
        })
    }
}
