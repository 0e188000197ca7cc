//! What a server asks of its indexes: whether they hold what was committed, and to be built anew.

use ibid_types::{Error, Result};

use super::{App, INDEXED_WITHIN, SETTLED_WITHIN};
use crate::upkeep;

impl App {
    /// Waits until the indexes hold what was committed up to `position`.
    pub fn wait_indexed(&self, position: i64) -> Result<()> {
        self.indexes.poke();
        if self.threads.lock().is_empty() {
            self.indexes.catch_up()?;
        }
        self.indexes.wait_for(position, INDEXED_WITHIN)
    }

    /// Gives the indexes a moment to hold all that is committed, so that what is told to be done can be found. Where
    /// they need longer, `/health/ready` and the metrics say so.
    pub fn settle(&self) -> Result<()> {
        let head = self.store.feed_head()?;
        if self.indexes.applied() < head {
            self.indexes.poke();
            self.indexes.wait_for(head, SETTLED_WITHIN).or_else(|error| match error.code {
                "index_behind" => Ok(()),
                _ => Err(error),
            })?;
        }
        Ok(())
    }

    pub fn index_lag(&self) -> Result<u64> {
        let head = self.store.feed_head()?;
        Ok(u64::try_from(head - self.indexes.applied()).unwrap_or(0))
    }

    /// Builds every index anew, after a change of embedder that is on its way; says whether they were as they should be.
    pub fn rebuild_indexes(&self) -> Result<serde_json::Value> {
        if self.former_embedder.is_some() {
            upkeep::changeover(self).finish()?;
        }
        // One that cannot even be read is built anew all the same.
        let before = self.compared().unwrap_or_else(|error| {
            tracing::warn!(code = error.code, "the indexes cannot be compared: {}", error.chain());
            Vec::new()
        });
        let rebuilt = self.indexes.rebuild(None)?;
        let workspaces: Vec<serde_json::Value> = rebuilt
            .iter()
            .map(|made| {
                let old = before.iter().find(|verified| verified.workspace == made.workspace);
                let differences = old.map_or(&[][..], |verified| verified.differences.as_slice());
                let was_equal = old.is_some() && differences.is_empty();
                serde_json::json!({
                    "workspace": made.workspace.to_string(), "documents": made.documents, "chunks": made.chunks,
                    "was_equal": was_equal, "differences": differences,
                })
            })
            .collect();
        Ok(serde_json::json!({ "rebuilt": workspaces }))
    }

    /// Compares the indexes with the store. What is mapped from a file can be damaged under the index's library, which then
    /// panics; that is a finding like any other. Error besides the indexes' own: `index_broken`.
    fn compared(&self) -> Result<Vec<ibid_index::Verified>> {
        let compare = std::panic::AssertUnwindSafe(|| self.indexes.verify(None));
        std::panic::catch_unwind(compare).unwrap_or_else(|_| {
            let what = "the files of an index do not hold together; run 'ibid index rebuild'";
            Err(Error::internal("index_broken", what))
        })
    }

    /// How the indexes differ from the store; empty where they are as they should be.
    pub fn index_differences(&self) -> Result<Vec<String>> {
        Ok(self.compared()?.into_iter().flat_map(|of_workspace| of_workspace.differences).collect())
    }

    /// Tells the indexes that the feed has grown.
    pub fn indexes_changed(&self) {
        self.indexes.poke();
    }
}
