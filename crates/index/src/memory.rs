//! The index of one workspace's memory, in RAM and never on disk, so that what is forgotten stays nowhere.
//!
//! Items (episodes, versions of facts, entities) come from rows and go with them. Words, vectors and links of an item
//! share its slot, and a filter is one bitmap that is applied inside every search.
//!
//! Keeps true: an item is found by nobody to whom its owner is not named; scores do not depend on items that the
//! filter leaves out; after a removal nothing of the item is held, and the index is that which never had it.

mod interner;
mod item;
mod links;
mod names;
mod reading;
mod scope;
mod shelf;
mod state;
mod vectors;
mod view;
mod web;
mod words;

use parking_lot::RwLock;

pub use item::{Change, Filter, Item, Key, Kind, Period, Place};
pub use reading::Reading;
pub use shelf::Memories;
pub use view::{Measured, Snapshot, Statistics, Vectors};
pub use web::{Beside, Bond, Strand, Web, Webs};

use state::{Analysers, State};

/// What one workspace remembers, ready to be searched.
#[derive(Debug)]
pub struct Memory {
    state: RwLock<State>,
}

impl Memory {
    /// An empty index for vectors of this length.
    #[must_use]
    pub fn new(dimensions: usize) -> Self {
        Self { state: RwLock::new(State::new(dimensions)) }
    }

    /// Applies the changes in order, all seen at once. Costs by what changes, not by what is there.
    pub fn apply(&self, changes: &[Change]) {
        let mut analysers = Analysers::default();
        let mut state = self.state.write();
        for change in changes {
            match change {
                Change::Put(item) => state.put(item, &mut analysers),
                Change::Remove(key) => drop(state.remove(*key)),
            }
        }
    }

    /// The index as it is now. Changes wait for it to be dropped: hold it for a search, not longer, and take no second
    /// one meanwhile.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot<'_> {
        Snapshot::new(self.state.read())
    }
}

#[cfg(test)]
mod tests;
