//! Flows by the hash of their source text.
//!
//! Keeps true: a version that a run began on stays as it was; nothing here changes or deletes one. What a name meant
//! at a time stays known.

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
    /// Keeps the version, and that its name means it from now on.
    pub fn flow_save(&self, hash: ContentHash, name: &str, source: &str) -> Result<()> {
        let flow = "INSERT INTO flows (hash, name, source, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (hash) DO NOTHING";
        let meaning = "INSERT INTO flow_names (name, since, hash) SELECT $1, $2, $3 WHERE NOT EXISTS \
                       (SELECT 1 FROM flow_names WHERE name = $1 AND hash = $3 \
                       AND since = (SELECT MAX(since) FROM flow_names WHERE name = $1)) \
                       ON CONFLICT (name, since) DO UPDATE SET hash = excluded.hash";
        let now = self.now();
        let params = vec![hash.into(), name.into(), source.into(), now.into()];
        let named = vec![name.into(), now.into(), hash.into()];
        self.db.batch(vec![Statement::new(flow, params), Statement::new(meaning, named)]).map(|_| ())
    }

    pub fn flow_find(&self, hash: ContentHash) -> Result<Option<FlowRow>> {
        let rows = self.db.query(&format!("SELECT {COLUMNS} FROM flows WHERE hash = $1"), &[hash.into()])?;
        rows.first().map(read).transpose()
    }

    /// What the name means now.
    pub fn flow_newest(&self, name: &str) -> Result<Option<FlowRow>> {
        self.flow_as_of(name, Timestamp(i64::MAX))
    }

    /// What the name meant at a time: runs find their sub-flows as they were when they began.
    pub fn flow_as_of(&self, name: &str, at: Timestamp) -> Result<Option<FlowRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM flows WHERE hash = (SELECT hash FROM flow_names WHERE name = $1 AND since <= $2 \
             ORDER BY since DESC LIMIT 1)"
        );
        self.db.query(&sql, &[name.into(), at.into()])?.first().map(read).transpose()
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
