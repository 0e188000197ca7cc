//! Ground truth: `Db` with its two verbs, the tables, the change feed and the job queue over it.
//!
//! Keeps true: an acknowledged batch is on disk; a row and its feed entry are one commit; SQL is written once,
//! in the dialect that SQLite and PostgreSQL share.

mod alerts;
mod audit;
mod blocks;
mod checkpoints;
mod chunks;
#[cfg(feature = "testing")]
pub mod conformance;
mod db;
mod documents;
mod factors;
mod fault;
mod feed;
mod feedback;
mod flows;
mod grants;
mod incidents;
mod jobs;
mod kept;
mod keys;
mod known;
mod links;
mod memory;
mod merge;
mod migrations;
mod readable;
mod ready;
mod runs;
mod sealing;
mod sessions;
mod spend;
mod sqlite;
pub mod statements;
mod threads;
mod upkeep;
mod upload;
mod users;
mod value;
mod versions;
mod workspaces;

use std::sync::Arc;

use ibid_runtime::Clock;
use ibid_types::Timestamp;

pub use alerts::{AlertRow, NewAlert, SilenceRow, alert_fire, alert_resolve, alert_told};
pub use audit::{AuditChain, AuditEntry, incident_changes_since};
pub use blocks::Block;
pub use checkpoints::{
    CheckpointHead, CheckpointRow, CheckpointTotals, checkpoint_insert, checkpoint_repack, value_insert,
    value_repack,
};
pub use chunks::{Around, Split};
pub use db::{Db, Outcome, Row, Statement, Value};
pub use documents::{DocumentChange, DocumentsPage, DocumentsQuery};
pub use factors::{PasskeyRow, Totp};
pub use feed::{FeedEntry, Searchable};
pub use feedback::FeedbackRow;
pub use flows::FlowRow;
pub use grants::Grant;
pub use incidents::{
    IncidentEvent, IncidentRow, NewIncident, Which, incident_event, incident_open, incident_priority,
    incident_state,
};
pub use jobs::{Job, JobCounts, JobState, Jobs, JobsPage, JobsQuery, Lease, NewJob, UndoneJobs};
pub use kept::{KeptPlace, KeptRow, NewKept};
pub use keys::Key;
pub use links::link_over;
pub use memory::{
    CodeHead, ConsentRow, EpisodesPage, EpisodesQuery, FactEdge, FactsPage, FactsQuery, Forgotten,
    MemoryVector, ReceiptRow, Remembered, RepositoryId, closer_forget, code_forget, code_segment_insert,
    consent_insert, entity_forget, entity_insert, entity_update, episode_forget, episode_insert,
    episode_judged, episode_update, fact_forget, fact_insert, fact_retract, log_holds, memory_changed,
    memory_used, memory_vector_insert, owner_forget, receipt_insert, source_forget, source_insert, topic_of,
};
pub use merge::{Part, PartHeld, PartNamed};
pub use ready::{ReadyChunk, ReadyDocument};
pub use runs::{RunChange, RunRow, RunsPage, RunsQuery, run_delete, run_insert, run_update};
pub use sealing::{SealedColumn, SealedText, Sealer, Unsealed};
pub use sessions::Session;
pub use spend::{Spend, SpendBy, SpendKey, SpendOf, spend_add};
pub use sqlite::{
    Commit, FRAME_HEAD_BYTES, LogKeeper, LogPart, LogPosition, LogTap, Salts, Snapshot, Sqlite, SqliteConfig,
    Taken,
};
pub use statements::PublishVersion;
pub use threads::{
    SeenBy, ThreadRow, ThreadsPage, ThreadsQuery, TurnEnd, TurnRow, TurnStart, thread_insert, thread_summary,
    thread_title, turn_finish, turn_insert,
};
pub use upkeep::Garbage;
pub use upload::{Accepted, NewUpload, UploadPayload};
pub use users::{Group, User};
pub use workspaces::{Counts, Workspace};

/// The tables, typed. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    db: Arc<dyn Db>,
    clock: Clock,
    sealer: Arc<dyn Sealer>,
    known: Arc<known::Known>,
}

impl Store {
    #[must_use]
    pub fn new(db: Arc<dyn Db>, clock: Clock) -> Self {
        let known = Arc::<known::Known>::default();
        let db = Arc::new(known::Watched::new(db, Arc::clone(&known)));
        Self { db, clock, sealer: Arc::new(Unsealed), known }
    }

    /// The same store, which writes and reads what people say through a sealer.
    #[must_use]
    pub fn with_sealer(self, sealer: Arc<dyn Sealer>) -> Self {
        Self { sealer, ..self }
    }

    /// For the statements that others put into their batches.
    #[must_use]
    pub fn sealer(&self) -> &dyn Sealer {
        self.sealer.as_ref()
    }

    #[must_use]
    pub const fn db(&self) -> &Arc<dyn Db> {
        &self.db
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The queue of durable work.
    #[must_use]
    pub const fn jobs(&self) -> Jobs<'_> {
        Jobs { store: self }
    }
}
