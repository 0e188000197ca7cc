//! Ground truth: `Db` with its two verbs, the tables, the change feed and the job queue over it.
//!
//! Keeps true: an acknowledged batch is on disk; a row and its feed entry are one commit; SQL is written once,
//! in the dialect that SQLite and PostgreSQL share.

mod chunks;
#[cfg(feature = "testing")]
pub mod conformance;
mod db;
mod documents;
mod fault;
mod feed;
mod jobs;
mod keys;
mod migrations;
mod sqlite;
pub mod statements;
mod upkeep;
mod upload;
mod value;
mod versions;
mod workspaces;

use std::sync::Arc;

use ibid_runtime::Clock;
use ibid_types::Timestamp;

pub use chunks::{Around, Split};
pub use db::{Db, Outcome, Row, Statement, Value};
pub use documents::{DocumentChange, DocumentsPage, DocumentsQuery};
pub use feed::{FeedEntry, Searchable};
pub use jobs::{Job, JobCounts, JobState, Jobs, JobsPage, JobsQuery, Lease, NewJob};
pub use keys::{Key, random_secret, secrets_equal};
pub use sqlite::{Sqlite, SqliteConfig};
pub use statements::PublishVersion;
pub use upkeep::Garbage;
pub use upload::{Accepted, NewUpload, UploadPayload};
pub use workspaces::{Counts, Workspace};

/// The tables, typed. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    db: Arc<dyn Db>,
    clock: Clock,
}

impl Store {
    #[must_use]
    pub fn new(db: Arc<dyn Db>, clock: Clock) -> Self {
        Self { db, clock }
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
