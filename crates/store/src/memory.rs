//! Rows of memory: episodes, entities, facts with all their states, consents, receipts.
//!
//! Keeps true: whatever changes what can be recalled has its feed entry in the same commit; texts are sealed; a fact's row never
//! changes what it says, but for when it ceased to be believed.

mod code;
mod consents;
mod entities;
mod episodes;
mod facts;
mod forget;
mod receipts;
mod vectors;

use ibid_types::memory::Owner;
use ibid_types::{EntityId, EpisodeId, Error, FactId, Result, Timestamp, WorkspaceId};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::sealing::SealedColumn;
use crate::statements::feed_entry;
use crate::{Row, Sealer, Statement, Store, Value};

pub use code::{CodeHead, RepositoryId, code_forget, code_segment_insert};
pub use consents::{ConsentRow, consent_insert};
pub use entities::{entity_insert, entity_update};
pub use episodes::{EpisodesPage, EpisodesQuery, episode_insert, episode_judged, episode_update};
pub use facts::{FactEdge, FactsPage, FactsQuery, fact_insert, fact_retract, source_insert, topic_of};
pub(crate) use forget::workspace_forget;
pub use forget::{
    Forgotten, closer_forget, entity_forget, episode_forget, fact_forget, log_holds, owner_forget,
    source_forget,
};
pub use receipts::{ReceiptRow, receipt_insert};
pub use vectors::{MemoryVector, memory_used, memory_vector_insert};

/// The kind of the feed's entries about memory.
pub const FEED_KIND: &str = "memory";

/// What an entry of the feed asks to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Remembered {
    Episode(EpisodeId),
    Entity(EntityId),
    Fact(FactId),
    /// More than can be told one by one: all of it is to be read again.
    All,
}

impl Remembered {
    fn key(self) -> Vec<u8> {
        let (mark, id) = match self {
            Self::Episode(id) => (b'e', *id.as_bytes()),
            Self::Entity(id) => (b'n', *id.as_bytes()),
            Self::Fact(id) => (b'f', *id.as_bytes()),
            Self::All => return b"*".to_vec(),
        };
        [&[mark], id.as_slice()].concat()
    }

    fn read(key: &[u8]) -> Option<Self> {
        let (mark, id) = key.split_first()?;
        if key == b"*" {
            return Some(Self::All);
        }
        let id: [u8; 16] = id.try_into().ok()?;
        match mark {
            b'e' => Some(Self::Episode(EpisodeId::from_bytes(id))),
            b'n' => Some(Self::Entity(EntityId::from_bytes(id))),
            b'f' => Some(Self::Fact(FactId::from_bytes(id))),
            _ => None,
        }
    }
}

/// The entry that tells the indexes of a change.
#[must_use]
pub fn memory_changed(workspace: WorkspaceId, what: Remembered) -> Statement {
    feed_entry(workspace, FEED_KIND, what.key())
}

impl Store {
    /// What of a workspace's memory has changed after a position, each once, and the position up to which that is all.
    pub fn memory_changes(&self, workspace: WorkspaceId, after: i64) -> Result<(Vec<Remembered>, i64)> {
        let head = self.feed_head()?;
        if head == after {
            return Ok((Vec::new(), head));
        }
        let sql =
            "SELECT key FROM feed WHERE position > $1 AND position <= $2 AND workspace_id = $3 AND kind = $4";
        let params = [after.into(), head.into(), workspace.into(), FEED_KIND.into()];
        let keys: Vec<Vec<u8>> =
            self.db.query(sql, &params)?.iter().map(|row| row.get(0)).collect::<Result<_>>()?;
        let mut changed: Vec<Remembered> = keys.iter().filter_map(|key| Remembered::read(key)).collect();
        changed.sort_unstable();
        changed.dedup();
        Ok((changed, head))
    }
}

/// A page's place in rows that are ordered by a time, the newest first, and by their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) at: Timestamp,
    pub(crate) id: Vec<u8>,
}

impl Place {
    /// Error: `cursor_malformed`.
    pub(crate) fn read(cursor: Option<&str>) -> Result<Option<Self>> {
        let Some(cursor) = cursor else { return Ok(None) };
        let malformed = || Error::bad_request("cursor_malformed", "the cursor is not one of a page before");
        let (at, id) = cursor.split_once('.').ok_or_else(malformed)?;
        let at = Timestamp(at.parse().map_err(|_| malformed())?);
        let id = id.parse::<EpisodeId>().map_err(|_| malformed())?.as_bytes().to_vec();
        Ok(Some(Self { at, id }))
    }

    pub(crate) fn written(at: Timestamp, id: [u8; 16]) -> String {
        format!("{}.{}", at.0, EpisodeId::from_bytes(id))
    }
}

fn seal<T: Serialize>(sealer: &dyn Sealer, column: SealedColumn, id: &[u8; 16], body: &T) -> Result<Value> {
    column.seal(sealer, id, &crate::value::to_json(body)).map(Value::from)
}

fn open<T: DeserializeOwned>(
    sealer: &dyn Sealer,
    column: SealedColumn,
    id: &[u8; 16],
    row: &Row,
    at: usize,
) -> Result<T> {
    crate::value::json(&column.open(sealer, id, &row.get::<String>(at)?)?)
}

/// A column of one of our names.
fn parsed<T: std::str::FromStr<Err = Error>>(row: &Row, at: usize) -> Result<T> {
    row.get::<String>(at)?.parse().map_err(|error| {
        Error::internal("store_column", "a row of memory has a word that is not known").caused_by(error)
    })
}

fn real(row: &Row, at: usize) -> Result<f32> {
    row.get::<f64>(at).map(|number| number as f32)
}

/// `$n, ...` for the owners, and the parameters with them.
fn owner_marks(first: Vec<Value>, owners: &[Owner]) -> (String, Vec<Value>) {
    let owners: Vec<String> = owners.iter().map(Owner::to_string).collect();
    crate::value::marks(first, &owners)
}
