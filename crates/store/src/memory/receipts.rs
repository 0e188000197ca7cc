//! Receipts: what was forgotten, without what it said.

use ibid_types::memory::Owner;
use ibid_types::{ReceiptId, Result, Timestamp, WorkspaceId};

use super::{owner_marks, parsed};
use crate::{Row, Statement, Store};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptRow {
    pub id: ReceiptId,
    pub workspace: WorkspaceId,
    /// Of whose memory.
    pub owner: Owner,
    pub at: Timestamp,
    /// JSON, exactly as it was signed.
    pub body: String,
    pub signature: String,
}

#[must_use]
pub fn receipt_insert(receipt: &ReceiptRow) -> Statement {
    let sql =
        "INSERT INTO receipts (id, workspace_id, owner, at, body, signature) VALUES ($1, $2, $3, $4, $5, $6)";
    let params = vec![
        receipt.id.into(),
        receipt.workspace.into(),
        receipt.owner.to_string().into(),
        receipt.at.into(),
        receipt.body.as_str().into(),
        receipt.signature.as_str().into(),
    ];
    Statement::new(sql, params)
}

impl Store {
    /// The newest first.
    pub fn receipt_list(
        &self,
        workspace: WorkspaceId,
        owners: &[Owner],
        limit: usize,
    ) -> Result<Vec<ReceiptRow>> {
        let (owners, params) = owner_marks(vec![workspace.into(), limit.into()], owners);
        let sql = format!(
            "SELECT id, workspace_id, owner, at, body, signature FROM receipts WHERE workspace_id = $1 AND owner IN ({owners}) \
             ORDER BY at DESC, id LIMIT $2"
        );
        let read = |row: &Row| {
            Ok(ReceiptRow {
                id: row.get(0)?,
                workspace: row.get(1)?,
                owner: parsed(row, 2)?,
                at: row.get(3)?,
                body: row.get(4)?,
                signature: row.get(5)?,
            })
        };
        self.db.query(&sql, &params)?.iter().map(read).collect()
    }
}
