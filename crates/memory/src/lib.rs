//! Memory: what is told becomes episodes, and episodes become dated facts about entities.
//!
//! Keeps true: nothing stands in front of whoever tells something; every fact shows the words it came from; what contradicts ends, and is
//! never deleted; what is forgotten is gone.

mod alike;
mod change;
mod config;
mod export;
mod fade;
mod forget;
mod found;
mod import;
mod names;
mod observe;
mod read;
mod record;
mod remember;
mod restore;
mod second_reading;
mod settle;
mod work;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ibid_model::Embedder;
use ibid_store::Store;
use ibid_types::memory::Owner;
use ibid_types::{EntityId, Result, WorkspaceId};
use parking_lot::{Condvar, Mutex};

pub use change::{FactChange, fact_now};
pub use config::{DAY_MS, MemoryConfig, Retention};
pub use export::{ExportFormat, export};
pub use fade::Faded;
pub use forget::{Forget, Forgetting, Receipt, without_naming};
pub use found::{Named, NewFact, Object};
pub use import::{Imported, Origin, Rejected};
pub use names::Names;
pub use observe::{Event, Observed};
pub use read::{Reading, read};
pub use record::{Recorded, Recording, Scope};
pub use remember::{JOB, NewEpisode, Taken, day_of, zone_of};
pub use restore::{BringBack, Returned};
pub use second_reading::{SECOND_JOB, SecondReader};
pub use settle::{Assertion, Piece, Settled, settle};
pub use work::{text_of, text_of_fact};

/// Keeps what is told.
#[derive(Debug)]
pub struct Memory {
    store: Store,
    embedder: Arc<dyn Embedder>,
    config: MemoryConfig,
    reader: Option<Arc<dyn SecondReader>>,
    names: Mutex<HashMap<WorkspaceId, Names>>,
    figures: Mutex<Figures>,
    woken: (Mutex<bool>, Condvar),
}

/// What was done since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Episodes that were read, and those that could not be.
    pub read: u64,
    pub failed: u64,
    pub facts: u64,
    pub merged: u64,
    pub closed: u64,
}

impl Memory {
    #[must_use]
    pub fn new(store: Store, embedder: Arc<dyn Embedder>, config: MemoryConfig) -> Self {
        Self {
            store,
            embedder,
            config,
            reader: None,
            names: Mutex::default(),
            figures: Mutex::default(),
            woken: (Mutex::new(false), Condvar::new()),
        }
    }

    /// With a chat model that reads what the rules have read.
    #[must_use]
    pub fn with_reader(mut self, reader: Option<Arc<dyn SecondReader>>) -> Self {
        self.reader = reader;
        self
    }

    #[must_use]
    pub const fn has_reader(&self) -> bool {
        self.reader.is_some()
    }

    #[must_use]
    pub const fn config(&self) -> &MemoryConfig {
        &self.config
    }

    #[must_use]
    pub fn figures(&self) -> Figures {
        *self.figures.lock()
    }

    /// There is something to read.
    pub fn wake(&self) {
        *self.woken.0.lock() = true;
        self.woken.1.notify_all();
    }

    /// Whom or what an owner means by a name.
    pub fn entity_named(&self, workspace: WorkspaceId, owner: Owner, name: &str) -> Result<Option<EntityId>> {
        self.with_names(workspace, |names| Ok(names.find(owner, name)))
    }

    fn wait(&self, most: Duration) {
        let mut woken = self.woken.0.lock();
        if !*woken {
            self.woken.1.wait_for(&mut woken, most);
        }
        *woken = false;
    }

    /// The names of a workspace as they are now; one at a time has them. After a failure they are read anew, for what was added to them
    /// was not written.
    fn with_names<T>(&self, workspace: WorkspaceId, work: impl FnOnce(&mut Names) -> Result<T>) -> Result<T> {
        let mut all = self.names.lock();
        let mut names = match all.remove(&workspace) {
            Some(names) => names,
            None => Names::load(&self.store, workspace)?,
        };
        names.refresh(&self.store)?;
        let done = work(&mut names)?;
        all.insert(workspace, names);
        Ok(done)
    }
}
