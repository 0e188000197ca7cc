//! Versions of documents.

use ibid_types::document::{Failure, Version};
use ibid_types::{DocumentId, Result, VersionId, WorkspaceId};

use crate::documents::read_status;
use crate::value::json;
use crate::{Row, Store};

pub const VERSION_COLUMNS: &str = "v.id, v.document_id, v.number, v.status, v.content, v.size_bytes, v.media_type, v.chunk_count, \
                                   v.text_bytes, v.page_count, v.warnings, v.failure_code, v.failure_reason, v.near_duplicate_of, v.created_at";

impl Store {
    /// All versions, newest first.
    pub fn version_list(&self, workspace: WorkspaceId, document: DocumentId) -> Result<Vec<Version>> {
        let sql = format!(
            "SELECT {VERSION_COLUMNS} FROM versions v JOIN documents d ON d.id = v.document_id \
             WHERE d.workspace_id = $1 AND v.document_id = $2 AND d.deleted_at IS NULL ORDER BY v.number DESC"
        );
        self.db
            .query(&sql, &[workspace.into(), document.into()])?
            .iter()
            .map(|row| read_version(row, 0))
            .collect()
    }

    pub fn version_find(
        &self,
        workspace: WorkspaceId,
        document: DocumentId,
        version: VersionId,
    ) -> Result<Option<Version>> {
        let list = self.version_list(workspace, document)?;
        Ok(list.into_iter().find(|found| found.id == version))
    }
}

/// A version whose columns begin at `at`.
pub fn read_version(row: &Row, at: usize) -> Result<Version> {
    let status: String = row.get(at + 3)?;
    let failure = match row.get::<Option<String>>(at + 11)? {
        Some(code) => Some(Failure { code, reason: row.get::<Option<String>>(at + 12)?.unwrap_or_default() }),
        None => None,
    };
    Ok(Version {
        id: row.get(at)?,
        document: row.get(at + 1)?,
        number: row.get(at + 2)?,
        status: read_status(&status),
        content: row.get(at + 4)?,
        size_bytes: row.get(at + 5)?,
        media_type: row.get(at + 6)?,
        chunk_count: row.get(at + 7)?,
        text_bytes: row.get(at + 8)?,
        page_count: row.get(at + 9)?,
        warnings: json(&row.get::<String>(at + 10)?)?,
        failure,
        near_duplicate_of: row.get(at + 13)?,
        created_at: row.get(at + 14)?,
    })
}
