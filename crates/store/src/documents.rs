//! Documents: finding, listing, changing, deleting.

use ibid_types::access::{Holder, Readable};
use ibid_types::document::{Document, DocumentStatus, Version};
use ibid_types::{DocumentId, Error, Result, Timestamp, WorkspaceId};

use crate::kept::kept_of_document;
use crate::readable;
use crate::statements::{bands, feed_entry};
use crate::value::{IDS_MAX, json, marks, to_json};
use crate::versions::{VERSION_COLUMNS, read_version};
use crate::{Row, Statement, Store, Value};

pub const DOCUMENT_COLUMNS: &str = "d.id, d.workspace_id, d.source, d.status, d.current_version, d.title, d.author, d.language, d.tags, \
                                d.date, d.created_at, d.updated_at, d.readers";
pub const DOCUMENT_WIDTH: usize = 13;

/// The version that is shown with a document: the current one, else the newest.
const SHOWN_VERSION: &str = "LEFT JOIN versions v ON v.id = COALESCE(d.current_version, \
                             (SELECT id FROM versions WHERE document_id = d.id ORDER BY number DESC LIMIT 1))";

#[derive(Clone, Debug, Default)]
pub struct DocumentsQuery {
    pub status: Option<DocumentStatus>,
    /// Part of the title or source, in any case.
    pub text: Option<String>,
    pub tag: Option<String>,
    pub limit: usize,
    pub cursor: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub struct DocumentsPage {
    pub items: Vec<(Document, Option<Version>)>,
    pub total: u64,
    pub next: Option<String>,
}

/// What is set replaces what is there.
#[derive(Clone, Debug, Default)]
pub struct DocumentChange {
    pub title: Option<String>,
    pub author: Option<String>,
    pub language: Option<String>,
    pub date: Option<Timestamp>,
    pub tags: Option<Vec<String>>,
    /// Nobody in it: everybody who reads in the workspace.
    pub readers: Option<Vec<Holder>>,
}

impl Store {
    pub fn document_find(
        &self,
        workspace: WorkspaceId,
        id: DocumentId,
    ) -> Result<Option<(Document, Option<Version>)>> {
        let filter = "d.workspace_id = $1 AND d.id = $2 AND d.deleted_at IS NULL";
        Ok(self.documents(filter, "", &[workspace.into(), id.into()])?.pop())
    }

    /// The documents of these ids, in any order and without their versions; ids that are not there are left out.
    pub fn documents_by_id(&self, workspace: WorkspaceId, ids: &[DocumentId]) -> Result<Vec<Document>> {
        let mut found = Vec::with_capacity(ids.len());
        for some in ids.chunks(IDS_MAX) {
            let (marks, params) = marks(Vec::new(), some);
            let sql = format!(
                "SELECT {DOCUMENT_COLUMNS} FROM documents d WHERE d.id IN ({marks}) AND d.deleted_at IS NULL"
            );
            for row in self.db.query(&sql, &params)? {
                found.push(read_document(&row)?);
            }
        }
        // Not in the query: SQLite would go through all of a workspace's documents for a handful of ids.
        found.retain(|document| document.workspace == workspace);
        Ok(found)
    }

    pub fn document_by_source(
        &self,
        workspace: WorkspaceId,
        source: &str,
    ) -> Result<Option<(Document, Option<Version>)>> {
        let filter = "d.workspace_id = $1 AND d.source = $2 AND d.deleted_at IS NULL";
        Ok(self.documents(filter, "", &[workspace.into(), source.into()])?.pop())
    }

    fn documents(
        &self,
        filter: &str,
        tail: &str,
        params: &[Value],
    ) -> Result<Vec<(Document, Option<Version>)>> {
        let sql = format!(
            "SELECT {DOCUMENT_COLUMNS}, {VERSION_COLUMNS} FROM documents d {SHOWN_VERSION} WHERE {filter} {tail}"
        );
        self.db.query(&sql, params)?.iter().map(read_with_version).collect()
    }

    /// A page of documents, the last changed first, of those that are readable.
    pub fn document_list(
        &self,
        workspace: WorkspaceId,
        readable: &Readable,
        query: &DocumentsQuery,
    ) -> Result<DocumentsPage> {
        let (mut filter, mut params) = filter_of(workspace, query);
        filter.push_str(&format!(" AND {}", readable::condition(readable, "d.readers", &mut params)));
        let count = self.db.query(&format!("SELECT COUNT(*) FROM documents d WHERE {filter}"), &params)?;
        let total = count.first().map_or(Ok(0), |row| row.get(0))?;
        if let Some(cursor) = &query.cursor {
            let (updated_at, id) = read_cursor(cursor)?;
            let (at, than) = (params.len() + 1, params.len() + 2);
            filter
                .push_str(&format!(" AND (d.updated_at < ${at} OR d.updated_at = ${at} AND d.id > ${than})"));
            params.extend([updated_at.into(), id.into()]);
        }
        let tail = format!("ORDER BY d.updated_at DESC, d.id LIMIT {}", query.limit + 1);
        let mut items = self.documents(&filter, &tail, &params)?;
        let more = items.len() > query.limit;
        items.truncate(query.limit);
        let next = items
            .last()
            .filter(|_| more)
            .map(|(document, _)| format!("{}.{}", document.updated_at.0, document.id));
        Ok(DocumentsPage { items, total, next })
    }

    /// Changes what is said of a document; gives the feed position at which the indexes know.
    pub fn document_change(
        &self,
        workspace: WorkspaceId,
        id: DocumentId,
        change: DocumentChange,
    ) -> Result<i64> {
        let sql = "UPDATE documents SET title = COALESCE($3, title), author = COALESCE($4, author), language = COALESCE($5, language), \
                   date = COALESCE($6, date), tags = COALESCE($7, tags), updated_at = $8, \
                   readers = CASE WHEN $9 THEN $10 ELSE readers END \
                   WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL";
        let params = vec![
            workspace.into(),
            id.into(),
            change.title.into(),
            change.author.into(),
            change.language.into(),
            change.date.into(),
            change.tags.map(|tags| to_json(&tags)).into(),
            self.now().into(),
            i64::from(change.readers.is_some()).into(),
            change.readers.as_deref().and_then(readable::written).into(),
        ];
        let statement = Statement::new(sql, params).expecting(1);
        let fed = feed_entry(workspace, "document", id.as_bytes().to_vec());
        self.db.batch(vec![statement, kept_of_document(id), fed])?;
        self.feed_head()
    }

    /// Marks the document deleted, which hides it at once; gives the feed position at which the indexes know.
    pub fn document_delete(&self, workspace: WorkspaceId, id: DocumentId) -> Result<i64> {
        let now = self.now();
        let mark =
            "UPDATE documents SET deleted_at = $3 WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL";
        let cancel = "UPDATE jobs SET state = 'cancelled', finished_at = $2 WHERE document_id = $1 AND state = 'queued'";
        self.db.batch(vec![
            Statement::new(mark, vec![workspace.into(), id.into(), now.into()]).expecting(1),
            Statement::new(cancel, vec![id.into(), now.into()]),
            Statement::new("DELETE FROM signatures WHERE document_id = $1", vec![id.into()]),
            kept_of_document(id),
            feed_entry(workspace, "document", id.as_bytes().to_vec()),
        ])?;
        self.feed_head()
    }

    /// Another document of the workspace whose text differs in at most three bits of its signature.
    pub fn near_duplicate(
        &self,
        workspace: WorkspaceId,
        document: DocumentId,
        signature: u64,
    ) -> Result<Option<DocumentId>> {
        const BITS_MAX: u32 = 3;
        if signature == 0 {
            return Ok(None);
        }
        let sql = "SELECT s.document_id, s.signature FROM signatures s JOIN documents d ON d.id = s.document_id AND d.deleted_at IS NULL \
                   WHERE s.workspace_id = $1 AND s.document_id <> $2 AND ((s.band = 0 AND s.value = $3) OR (s.band = 1 AND s.value = $4) \
                   OR (s.band = 2 AND s.value = $5) OR (s.band = 3 AND s.value = $6)) ORDER BY s.document_id LIMIT 200";
        let mut params: Vec<Value> = vec![workspace.into(), document.into()];
        params.extend(bands(signature).map(Value::from));
        for row in self.db.query(sql, &params)? {
            let other: u64 = row.get(1)?;
            if (other ^ signature).count_ones() <= BITS_MAX {
                return row.get(0).map(Some);
            }
        }
        Ok(None)
    }
}

fn filter_of(workspace: WorkspaceId, query: &DocumentsQuery) -> (String, Vec<Value>) {
    let mut filter = "d.workspace_id = $1 AND d.deleted_at IS NULL".to_owned();
    let mut params: Vec<Value> = vec![workspace.into()];
    if let Some(status) = query.status {
        params.push(status.name().into());
        filter.push_str(&format!(" AND d.status = ${}", params.len()));
    }
    if let Some(text) = &query.text {
        params.push(format!("%{}%", like(&text.to_lowercase())).into());
        let at = params.len();
        filter.push_str(&format!(
            " AND (LOWER(d.title) LIKE ${at} ESCAPE '\\' OR LOWER(d.source) LIKE ${at} ESCAPE '\\')"
        ));
    }
    if let Some(tag) = &query.tag {
        params.push(format!("%{}%", like(&to_json(tag))).into());
        filter.push_str(&format!(" AND d.tags LIKE ${} ESCAPE '\\'", params.len()));
    }
    (filter, params)
}

/// What LIKE would read as a pattern is taken as it stands.
fn like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

fn read_cursor(cursor: &str) -> Result<(Timestamp, DocumentId)> {
    let malformed = || {
        Error::bad_request("cursor_malformed", "the cursor is not one that a page gave; start without one")
    };
    let (time, id) = cursor.split_once('.').ok_or_else(malformed)?;
    Ok((Timestamp(time.parse().map_err(|_| malformed())?), id.parse().map_err(|_| malformed())?))
}

fn read_with_version(row: &Row) -> Result<(Document, Option<Version>)> {
    let version = match row.0.get(DOCUMENT_WIDTH) {
        None | Some(Value::Null) => None,
        Some(_) => Some(read_version(row, DOCUMENT_WIDTH)?),
    };
    Ok((read_document(row)?, version))
}

pub fn read_document(row: &Row) -> Result<Document> {
    let status: String = row.get(3)?;
    Ok(Document {
        id: row.get(0)?,
        workspace: row.get(1)?,
        source: row.get(2)?,
        status: read_status(&status),
        current: row.get(4)?,
        title: row.get(5)?,
        author: row.get(6)?,
        language: row.get(7)?,
        tags: json(&row.get::<String>(8)?)?,
        date: row.get(9)?,
        created_at: row.get(10)?,
        updated_at: row.get(11)?,
        readers: readable::read(row.get::<Option<String>>(12)?.as_deref())?,
    })
}

pub fn read_status(name: &str) -> DocumentStatus {
    match name {
        "ready" => DocumentStatus::Ready,
        "failed" => DocumentStatus::Failed,
        _ => DocumentStatus::Pending,
    }
}
