//! Flows by the hash of their source text.
//!
//! Keeps true: a version that a run began on stays as it was; nothing here changes or deletes one.

use ibid_types::{ContentHash, Result, Timestamp};

use crate::{Row, Statement, Store};

/// A flow's source text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowRow {
    /// BLAKE3 of `source`.
    pub hash: ContentHash,
    pub name: String,
    pub source: String,
    pub created_at: Timestamp,
}

const COLUMNS: &str = "hash, name, source, created_at";

impl Store {
    /// Keeps the version; one that is known stays as it is.
    pub fn flow_save(&self, hash: ContentHash, name: &str, source: &str) -> Result<()> {
        let sql = "INSERT INTO flows (hash, name, source, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (hash) DO NOTHING";
        let params = vec![hash.into(), name.into(), source.into(), self.now().into()];
        self.db.batch(vec![Statement::new(sql, params)]).map(|_| ())
    }

    pub fn flow_find(&self, hash: ContentHash) -> Result<Option<FlowRow>> {
        let rows = self.db.query(&format!("SELECT {COLUMNS} FROM flows WHERE hash = $1"), &[hash.into()])?;
        rows.first().map(read).transpose()
    }

    /// The version of that name which was saved last.
    pub fn flow_newest(&self, name: &str) -> Result<Option<FlowRow>> {
        let sql =
            format!("SELECT {COLUMNS} FROM flows WHERE name = $1 ORDER BY created_at DESC, hash LIMIT 1");
        self.db.query(&sql, &[name.into()])?.first().map(read).transpose()
    }

    /// Up to `limit` versions, by name, the newest of each first.
    pub fn flow_list(&self, limit: usize) -> Result<Vec<FlowRow>> {
        let sql = format!("SELECT {COLUMNS} FROM flows ORDER BY name, created_at DESC, hash LIMIT $1");
        self.db.query(&sql, &[limit.into()])?.iter().map(read).collect()
    }
}

fn read(row: &Row) -> Result<FlowRow> {
    Ok(FlowRow { hash: row.get(0)?, name: row.get(1)?, source: row.get(2)?, created_at: row.get(3)? })
}
