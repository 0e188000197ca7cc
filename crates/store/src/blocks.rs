//! Addresses that are not answered for a time, or until an administrator lets them in again.

use ibid_types::{Error, Result, Timestamp};

use crate::statements::no_rows_is;
use crate::{Row, Statement, Store};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// An address, or a network as `192.0.2.0/24`.
    pub network: String,
    pub reason: String,
    /// Who blocked it, as the audit log names them.
    pub made_by: String,
    pub created_at: Timestamp,
    /// None: until it is ended.
    pub until: Option<Timestamp>,
}

impl Block {
    #[must_use]
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

impl Store {
    /// Blocks the network, or changes the block that is there.
    pub fn block_set(&self, block: &Block) -> Result<()> {
        let sql = "INSERT INTO blocks (network, reason, made_by, created_at, until) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT (network) DO UPDATE SET reason = $2, made_by = $3, created_at = $4, until = $5";
        let params = vec![
            block.network.as_str().into(),
            block.reason.as_str().into(),
            block.made_by.as_str().into(),
            block.created_at.into(),
            block.until.into(),
        ];
        self.db.batch(vec![Statement::new(sql, params)]).map(drop)
    }

    /// Those that hold now, the last one first.
    pub fn block_list(&self) -> Result<Vec<Block>> {
        let sql = "SELECT network, reason, made_by, created_at, until FROM blocks \
                   WHERE until IS NULL OR until > $1 ORDER BY created_at DESC, network";
        self.db.query(sql, &[self.now().into()])?.iter().map(read).collect()
    }

    /// Error: `block_unknown`.
    pub fn block_end(&self, network: &str) -> Result<()> {
        let delete =
            Statement::new("DELETE FROM blocks WHERE network = $1", vec![network.into()]).expecting(1);
        let unknown = || {
            let what = format!("{network} is not blocked as such; `ibid limits list` shows what is");
            Error::not_found("block_unknown", what)
        };
        self.db.batch(vec![delete]).map(drop).map_err(no_rows_is(unknown))
    }

    /// Removes what is over; says how many.
    pub fn blocks_cleanup(&self) -> Result<u64> {
        let sql = "DELETE FROM blocks WHERE until <= $1";
        Ok(self.db.batch(vec![Statement::new(sql, vec![self.now().into()])])?.rows_affected.iter().sum())
    }
}

fn read(row: &Row) -> Result<Block> {
    Ok(Block {
        network: row.get(0)?,
        reason: row.get(1)?,
        made_by: row.get(2)?,
        created_at: row.get(3)?,
        until: row.get(4)?,
    })
}
