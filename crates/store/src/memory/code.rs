//! What was read of repositories, as segments: each update adds one that holds what it changed.

use ibid_types::{Result, WorkspaceId};

use crate::sealing::SealedColumn;
use crate::{Row, Sealer, Statement, Store};

/// A repository in a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepositoryId(pub [u8; 16]);

impl RepositoryId {
    /// The one that is at this place, as whoever read it calls the place.
    #[must_use]
    pub fn of(source: &str) -> Self {
        let hash = blake3::hash(source.as_bytes());
        Self(hash.as_bytes().first_chunk().copied().unwrap_or_default())
    }
}

/// How far what is kept of a repository reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeHead {
    pub repository: RepositoryId,
    /// The ordinal of the first segment that counts.
    pub basis: u64,
    pub ordinal: u64,
    /// Of all segments.
    pub bytes: u64,
}

/// The row of a segment. The batch fails with `store_conflict` where another took its place.
pub fn code_segment_insert(
    workspace: WorkspaceId,
    repository: RepositoryId,
    (basis, ordinal): (u64, u64),
    body: &str,
    sealer: &dyn Sealer,
) -> Result<Statement> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(workspace.as_bytes()).update(&repository.0).update(&ordinal.to_le_bytes());
    let id: [u8; 16] = hasher.finalize().as_bytes().first_chunk().copied().unwrap_or_default();
    let sql = "INSERT INTO code_segments (id, workspace_id, repository, basis, ordinal, bytes, body) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let params = vec![
        id.to_vec().into(),
        workspace.into(),
        repository.0.to_vec().into(),
        basis.into(),
        ordinal.into(),
        body.len().into(),
        SealedColumn::Code.seal(sealer, &id, body)?.into(),
    ];
    Ok(Statement::new(sql, params))
}

/// What was written of a repository before an ordinal goes.
#[must_use]
pub fn code_forget(workspace: WorkspaceId, repository: RepositoryId, before: u64) -> Statement {
    let sql = "DELETE FROM code_segments WHERE workspace_id = $1 AND repository = $2 AND ordinal < $3";
    Statement::new(sql, vec![workspace.into(), repository.0.to_vec().into(), before.into()])
}

impl Store {
    /// The repositories of a workspace.
    pub fn code_heads(&self, workspace: WorkspaceId) -> Result<Vec<CodeHead>> {
        let sql = "SELECT repository, MAX(basis), MAX(ordinal), SUM(bytes) FROM code_segments WHERE workspace_id = $1 \
                   GROUP BY repository ORDER BY repository";
        let read = |row: &Row| {
            let repository: Vec<u8> = row.get(0)?;
            Ok(CodeHead {
                repository: RepositoryId(repository.try_into().unwrap_or_default()),
                basis: row.get(1)?,
                ordinal: row.get(2)?,
                bytes: row.get(3)?,
            })
        };
        self.db.query(sql, &[workspace.into()])?.iter().map(read).collect()
    }

    /// The segments of a repository from an ordinal on, each with its ordinal.
    pub fn code_segments(
        &self,
        workspace: WorkspaceId,
        repository: RepositoryId,
        from: u64,
    ) -> Result<Vec<(u64, String)>> {
        let sql = "SELECT id, ordinal, body FROM code_segments WHERE workspace_id = $1 AND repository = $2 AND ordinal >= $3 ORDER BY ordinal";
        let rows = self.db.query(sql, &[workspace.into(), repository.0.to_vec().into(), from.into()])?;
        let read = |row: &Row| {
            let (id, stored): (Vec<u8>, String) = (row.get(0)?, row.get(2)?);
            Ok((row.get(1)?, SealedColumn::Code.open(self.sealer(), &id, &stored)?))
        };
        rows.iter().map(read).collect()
    }
}
