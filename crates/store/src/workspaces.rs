//! Workspaces: the unit of isolation.

use ibid_types::access::Readable;
use ibid_types::{Error, Result, Timestamp, WorkspaceId};

use crate::kept::kept_of_workspace;
use crate::memory::{log_holds, workspace_forget};
use crate::readable;
use crate::statements::feed_entry;
use crate::{Row, Statement, Store};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    pub id: WorkspaceId,
    pub name: String,
    pub created_at: Timestamp,
}

/// What can be searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub documents: u64,
    pub chunks: u64,
}

fn read(row: &Row) -> Result<Workspace> {
    Ok(Workspace { id: row.get(0)?, name: row.get(1)?, created_at: row.get(2)? })
}

impl Store {
    /// The workspace of that name, made where there is none.
    pub fn workspace_ensure(&self, name: &str) -> Result<Workspace> {
        if let Some(found) = self.workspace_find(name)? {
            return Ok(found);
        }
        let sql =
            "INSERT INTO workspaces (id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING";
        let params = vec![WorkspaceId::new().into(), name.into(), self.now().into()];
        self.db.batch(vec![Statement::new(sql, params)])?;
        self.workspace_find(name)?
            .ok_or_else(|| Error::internal("store_failed", "the workspace was not made"))
    }

    pub(crate) fn workspace_read(&self, name: &str) -> Result<Option<Workspace>> {
        let rows =
            self.db.query("SELECT id, name, created_at FROM workspaces WHERE name = $1", &[name.into()])?;
        rows.first().map(read).transpose()
    }

    pub fn workspace_list(&self) -> Result<Vec<Workspace>> {
        let rows = self.db.query("SELECT id, name, created_at FROM workspaces ORDER BY name", &[])?;
        rows.iter().map(read).collect()
    }

    /// Deletes the workspace with all that was remembered there; its documents leave the indexes, and the clean-up removes the rows of
    /// its documents, threads and runs. Gives the position of the feed at which the indexes know.
    pub fn workspace_delete(&self, id: WorkspaceId) -> Result<i64> {
        let now = self.now();
        let mut all = vec![
            Statement::new(
                "UPDATE documents SET deleted_at = $1 WHERE workspace_id = $2 AND deleted_at IS NULL",
                vec![now.into(), id.into()],
            ),
            Statement::new(
                "UPDATE jobs SET state = 'cancelled', finished_at = $1 WHERE workspace_id = $2 AND state = 'queued'",
                vec![now.into(), id.into()],
            ),
            Statement::new(
                "UPDATE threads SET deleted_at = $1 WHERE workspace_id = $2 AND deleted_at IS NULL",
                vec![now.into(), id.into()],
            ),
            Statement::new(
                "UPDATE workspaces SET name = name || ' (deleted ' || $1 || ')' WHERE id = $2",
                vec![WorkspaceId::new().to_string().into(), id.into()],
            ),
            kept_of_workspace(id),
            feed_entry(id, "workspace", id.as_bytes().to_vec()),
            log_holds(now, *WorkspaceId::new().as_bytes()),
        ];
        all.extend(workspace_forget(id));
        self.db.batch(all)?;
        self.feed_head()
    }

    /// Of what is readable there.
    pub fn workspace_counts(&self, id: WorkspaceId, readable: &Readable) -> Result<Counts> {
        let mut params = vec![id.into()];
        let is_readable = readable::condition(readable, "d.readers", &mut params);
        let sql = format!(
            "SELECT COUNT(*), COALESCE(SUM(v.chunk_count), 0) FROM documents d JOIN versions v ON v.id = d.current_version \
             WHERE d.workspace_id = $1 AND d.deleted_at IS NULL AND {is_readable}"
        );
        counts(&self.db.query(&sql, &params)?)
    }

    /// Over all workspaces.
    pub fn counts(&self) -> Result<Counts> {
        let sql = "SELECT COUNT(*), COALESCE(SUM(v.chunk_count), 0) FROM documents d JOIN versions v ON v.id = d.current_version \
                   WHERE d.deleted_at IS NULL";
        counts(&self.db.query(sql, &[])?)
    }
}

fn counts(rows: &[Row]) -> Result<Counts> {
    let row = rows.first().ok_or_else(|| Error::internal("store_failed", "a count gave no row"))?;
    Ok(Counts { documents: row.get(0)?, chunks: row.get(1)? })
}
