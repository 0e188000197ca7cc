//! What was granted: roles of users, groups and keys, in a workspace or everywhere.
//!
//! Keeps true: a holder has one role in a place; there is always an owner everywhere once there was one.

use ibid_types::access::{Granted, Holder, Rights};
use ibid_types::{Error, Result, WorkspaceId};

use crate::statements::no_rows_is;
use crate::{Row, Statement, Store};

/// Stands for everywhere.
const EVERYWHERE: WorkspaceId = WorkspaceId::from_bytes([0; 16]);
/// Somebody else can still act as an owner: a user who can sign in, or a key that is not revoked.
const OTHER_OWNER: &str = "EXISTS (SELECT 1 FROM grants g WHERE g.role = 'owner' AND g.workspace_id = $3 \
     AND NOT (g.holder_kind = $1 AND g.holder_id = $2) AND g.holder_kind = 'user' \
     AND EXISTS (SELECT 1 FROM users u WHERE u.id = g.holder_id AND u.deleted_at IS NULL AND u.disabled_at IS NULL))";

/// A role that somebody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    pub holder: Holder,
    pub granted: Granted,
}

impl Store {
    /// Grants a role, in the place of the one that the holder had there.
    pub fn grant_set(&self, holder: Holder, granted: Granted) -> Result<()> {
        self.db.batch(vec![self.grant_statement(holder, granted)]).map(drop)
    }

    /// As part of a batch.
    pub fn grant_statement(&self, holder: Holder, granted: Granted) -> Statement {
        let sql = "INSERT INTO grants (holder_kind, holder_id, workspace_id, role, created_at) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT (holder_kind, holder_id, workspace_id) DO UPDATE SET role = excluded.role";
        let params = vec![
            holder.kind().into(),
            holder.id_bytes().to_vec().into(),
            granted.workspace.unwrap_or(EVERYWHERE).into(),
            granted.role.name().into(),
            self.now().into(),
        ];
        Statement::new(sql, params)
    }

    /// Takes a role away. Error: `grant_unknown`.
    pub fn grant_end(&self, holder: Holder, workspace: Option<WorkspaceId>) -> Result<()> {
        let sql = "DELETE FROM grants WHERE holder_kind = $1 AND holder_id = $2 AND workspace_id = $3";
        let params = vec![
            holder.kind().into(),
            holder.id_bytes().to_vec().into(),
            workspace.unwrap_or(EVERYWHERE).into(),
        ];
        let unknown = || Error::not_found("grant_unknown", format!("{holder} has no role there"));
        self.db.batch(vec![Statement::new(sql, params).expecting(1)]).map(drop).map_err(no_rows_is(unknown))
    }

    /// Whether somebody would still be an owner everywhere without this one.
    pub fn has_other_owner(&self, than: Holder) -> Result<bool> {
        let params = [than.kind().into(), than.id_bytes().to_vec().into(), EVERYWHERE.into()];
        let rows = self
            .db
            .query(&format!("SELECT COUNT(*) FROM (SELECT 1 WHERE {OTHER_OWNER}) AS found"), &params)?;
        rows.first().map_or(Ok(false), |row| Ok(row.get::<i64>(0)? > 0))
    }

    pub fn grant_list(&self) -> Result<Vec<Grant>> {
        let sql =
            "SELECT holder_kind, holder_id, workspace_id, role FROM grants ORDER BY created_at, holder_id";
        self.db.query(sql, &[])?.iter().map(read).collect()
    }

    /// What a holder has: of a user, also what the groups have that they are in.
    pub fn rights_of(&self, holder: Holder) -> Result<Rights> {
        let sql = "SELECT holder_kind, holder_id, workspace_id, role FROM grants WHERE (holder_kind = $1 AND holder_id = $2) \
                   OR ($1 = 'user' AND holder_kind = 'group' AND holder_id IN \
                   (SELECT group_id FROM group_members WHERE user_id = $2))";
        let rows = self.db.query(sql, &[holder.kind().into(), holder.id_bytes().to_vec().into()])?;
        let granted = rows.iter().map(|row| read(row).map(|grant| grant.granted));
        Ok(Rights { granted: granted.collect::<Result<_>>()?, within: None })
    }
}

fn read(row: &Row) -> Result<Grant> {
    let (kind, id): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
    let id = <[u8; 16]>::try_from(id)
        .map_err(|_| Error::internal("store_column", "an id of 16 bytes was wanted"))?;
    let workspace: WorkspaceId = row.get(2)?;
    let role: String = row.get(3)?;
    let granted = Granted { role: role.parse()?, workspace: (workspace != EVERYWHERE).then_some(workspace) };
    Ok(Grant { holder: Holder::read(&kind, id)?, granted })
}
