//! Checkpoints: the journal of every run, and the large values that it names by hash.
//!
//! Keeps true: (run, number) is written once, so two owners of a run cannot both go on from the same state.

use ibid_types::{ContentHash, Result, RunId, Timestamp};

use crate::{Row, Statement, Store, Value};

/// One applied command with the state after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointRow {
    pub run: RunId,
    /// From 0, without gaps unless they were thinned.
    pub number: u32,
    pub at: Timestamp,
    /// What the command was.
    pub kind: String,
    /// The node it was about, if one.
    pub node: Option<String>,
    /// As the codec of the journal packs it.
    pub body: Vec<u8>,
}

/// A checkpoint without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointHead {
    pub number: u32,
    pub at: Timestamp,
    pub kind: String,
    pub node: Option<String>,
    /// Bytes of the body as stored.
    pub bytes: u64,
}

/// How much is stored of all runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckpointTotals {
    pub checkpoints: u64,
    pub checkpoint_bytes: u64,
    pub values: u64,
    pub value_bytes: u64,
}

const COLUMNS: &str = "run_id, number, at, kind, node, body";
/// Hashes asked for in one query.
const HASHES_MAX: usize = 64;

/// The compare-and-set of a run: fails with `store_conflict` where the number is taken.
#[must_use]
pub fn checkpoint_insert(
    run: RunId,
    number: u32,
    at: Timestamp,
    kind: &str,
    node: Option<&str>,
    body: Vec<u8>,
) -> Statement {
    let sql =
        "INSERT INTO checkpoints (run_id, number, at, kind, node, body) VALUES ($1, $2, $3, $4, $5, $6)";
    let node = node.map_or(Value::Null, Value::from);
    Statement::new(sql, vec![run.into(), number.into(), at.into(), kind.into(), node, body.into()])
}

/// Keeps a large value, and that the run uses it.
#[must_use]
pub fn value_insert(run: RunId, hash: ContentHash, body: Vec<u8>) -> Vec<Statement> {
    let value = "INSERT INTO flow_values (hash, body) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING";
    let used = "INSERT INTO run_values (run_id, hash) VALUES ($1, $2) ON CONFLICT (run_id, hash) DO NOTHING";
    vec![
        Statement::new(value, vec![hash.into(), body.into()]),
        Statement::new(used, vec![run.into(), hash.into()]),
    ]
}

impl Store {
    pub fn checkpoint_find(&self, run: RunId, number: u32) -> Result<Option<CheckpointRow>> {
        let sql = format!("SELECT {COLUMNS} FROM checkpoints WHERE run_id = $1 AND number = $2");
        self.db.query(&sql, &[run.into(), number.into()])?.first().map(read).transpose()
    }

    /// What the run's state is now.
    pub fn checkpoint_last(&self, run: RunId) -> Result<Option<CheckpointRow>> {
        let sql = format!("SELECT {COLUMNS} FROM checkpoints WHERE run_id = $1 ORDER BY number DESC LIMIT 1");
        self.db.query(&sql, &[run.into()])?.first().map(read).transpose()
    }

    /// The number of the run's last checkpoint.
    pub fn checkpoint_number(&self, run: RunId) -> Result<Option<u32>> {
        let sql = "SELECT MAX(number) FROM checkpoints WHERE run_id = $1";
        self.db.query(sql, &[run.into()])?.first().map_or(Ok(None), |row| row.get(0))
    }

    /// Up to `limit` checkpoints from `number` on, in order.
    pub fn checkpoints_from(&self, run: RunId, number: u32, limit: usize) -> Result<Vec<CheckpointRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM checkpoints WHERE run_id = $1 AND number >= $2 ORDER BY number LIMIT $3"
        );
        self.db.query(&sql, &[run.into(), number.into(), limit.into()])?.iter().map(read).collect()
    }

    /// Up to `limit` heads from `number` on, in order.
    pub fn checkpoint_heads(&self, run: RunId, number: u32, limit: usize) -> Result<Vec<CheckpointHead>> {
        let sql = "SELECT number, at, kind, node, LENGTH(body) FROM checkpoints WHERE run_id = $1 AND number >= $2 \
                   ORDER BY number LIMIT $3";
        self.db.query(sql, &[run.into(), number.into(), limit.into()])?.iter().map(read_head).collect()
    }

    /// Bodies of values in any order; hashes that are not there are left out.
    pub fn values_find(&self, hashes: &[ContentHash]) -> Result<Vec<(ContentHash, Vec<u8>)>> {
        let mut found = Vec::with_capacity(hashes.len());
        for some in hashes.chunks(HASHES_MAX) {
            let mut params: Vec<Value> = some.iter().map(|hash| (*hash).into()).collect();
            // Few lengths, so that the plans are prepared once.
            params.resize(some.len().next_power_of_two(), Value::Null);
            let marks: Vec<String> = (1..=params.len()).map(|number| format!("${number}")).collect();
            let sql = format!("SELECT hash, body FROM flow_values WHERE hash IN ({})", marks.join(", "));
            for row in self.db.query(&sql, &params)? {
                found.push((row.get(0)?, row.get(1)?));
            }
        }
        Ok(found)
    }

    /// Hashes of the values that the run uses.
    pub fn run_values(&self, run: RunId) -> Result<Vec<ContentHash>> {
        let rows = self.db.query("SELECT hash FROM run_values WHERE run_id = $1", &[run.into()])?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Up to `limit` checkpoints of all runs after that of `after`, in order: for a walk over everything.
    pub fn checkpoints_after(&self, after: Option<(RunId, u32)>, limit: usize) -> Result<Vec<CheckpointRow>> {
        let (run, number) = after.unwrap_or((RunId::from_bytes([0; 16]), 0));
        let sql = format!(
            "SELECT {COLUMNS} FROM checkpoints WHERE (run_id, number) > ($1, $2) ORDER BY run_id, number LIMIT $3"
        );
        self.db.query(&sql, &[run.into(), number.into(), limit.into()])?.iter().map(read).collect()
    }

    /// Up to `limit` values after that of `after`, in order: for a walk over everything.
    pub fn values_after(
        &self,
        after: Option<ContentHash>,
        limit: usize,
    ) -> Result<Vec<(ContentHash, Vec<u8>)>> {
        let after = after.map_or_else(|| Value::Blob(Vec::new()), Value::from);
        let sql = "SELECT hash, body FROM flow_values WHERE hash > $1 ORDER BY hash LIMIT $2";
        let rows = self.db.query(sql, &[after, limit.into()])?;
        rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    }

    /// How much is stored. Reads the length of every row: for statistics, not for every request.
    pub fn checkpoint_totals(&self) -> Result<CheckpointTotals> {
        let sums = |table: &str| -> Result<(u64, u64)> {
            let sql = format!("SELECT COUNT(*), COALESCE(SUM(LENGTH(body)), 0) FROM {table}");
            let rows = self.db.query(&sql, &[])?;
            rows.first().map_or(Ok((0, 0)), |row| Ok((row.get(0)?, row.get(1)?)))
        };
        let (checkpoints, checkpoint_bytes) = sums("checkpoints")?;
        let (values, value_bytes) = sums("flow_values")?;
        Ok(CheckpointTotals { checkpoints, checkpoint_bytes, values, value_bytes })
    }
}

/// Puts another body in the place of `before`: for keys that change, never for what it says.
#[must_use]
pub fn checkpoint_repack(row: &CheckpointRow, body: Vec<u8>) -> Statement {
    let sql = "UPDATE checkpoints SET body = $3 WHERE run_id = $1 AND number = $2";
    Statement::new(sql, vec![row.run.into(), row.number.into(), body.into()])
}

/// Puts another body in the place of a value's.
#[must_use]
pub fn value_repack(hash: ContentHash, body: Vec<u8>) -> Statement {
    Statement::new("UPDATE flow_values SET body = $2 WHERE hash = $1", vec![hash.into(), body.into()])
}

fn read(row: &Row) -> Result<CheckpointRow> {
    Ok(CheckpointRow {
        run: row.get(0)?,
        number: row.get(1)?,
        at: row.get(2)?,
        kind: row.get(3)?,
        node: row.get(4)?,
        body: row.get(5)?,
    })
}

fn read_head(row: &Row) -> Result<CheckpointHead> {
    Ok(CheckpointHead {
        number: row.get(0)?,
        at: row.get(1)?,
        kind: row.get(2)?,
        node: row.get(3)?,
        bytes: row.get(4)?,
    })
}
