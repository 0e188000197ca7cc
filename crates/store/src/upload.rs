//! Accepting a file: its document, its version and the job that reads it, in one commit.

use std::collections::{HashMap, HashSet};

use ibid_types::access::Holder;
use ibid_types::document::DocumentStatus;
use ibid_types::parsed::Metadata;
use ibid_types::{Class, ContentHash, DocumentId, Error, JobId, Result, VersionId, WorkspaceId};
use serde::{Deserialize, Serialize};

use crate::readable;
use crate::statements::{alike_together, feed_entry};
use crate::value::{IDS_MAX, json, marks, to_json};
use crate::{Job, NewJob, Row, Statement, Store};

/// Uploads of one source at the same instant that all get in; each attempt lets at least one through.
const ATTEMPTS_MAX: usize = 16;
/// Uploads in one commit.
const TOGETHER_MAX: usize = 256;

/// A file whose bytes are in the blob store.
#[derive(Clone, Debug)]
pub struct NewUpload {
    pub workspace: WorkspaceId,
    /// The document's identity in the workspace.
    pub source: String,
    pub content: ContentHash,
    pub size_bytes: u64,
    pub media_type: String,
    /// What the caller says of the file; wins over what the file says.
    pub metadata: Metadata,
    /// Who may read the document from now on; none: as it is, and everybody for a new one.
    pub readers: Option<Vec<Holder>>,
    pub batch: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// The same bytes are the current version already.
    Unchanged {
        document: DocumentId,
    },
    Queued {
        document: DocumentId,
        version: VersionId,
        job: JobId,
    },
}

impl Accepted {
    #[must_use]
    pub const fn document(&self) -> DocumentId {
        match self {
            Self::Unchanged { document } | Self::Queued { document, .. } => *document,
        }
    }
}

/// What an ingest job has to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UploadPayload {
    pub version: VersionId,
    pub content: ContentHash,
    pub media_type: String,
    pub metadata: Metadata,
}

impl UploadPayload {
    pub fn read(job: &Job) -> Result<Self> {
        serde_json::from_value(job.payload.clone()).map_err(|error| {
            Error::internal("job_malformed", "the job's payload cannot be read").caused_by(error)
        })
    }
}

/// What is known of a source before the upload.
pub(crate) struct Known {
    pub(crate) document: DocumentId,
    /// The newest version: id, number, status, content.
    pub(crate) newest: Option<(VersionId, u32, String, ContentHash)>,
    current: Option<ContentHash>,
    readers: Vec<Holder>,
}

impl Known {
    /// Whether these bytes are current and no other version is on its way to take their place.
    pub(crate) fn stays(&self, content: &ContentHash) -> bool {
        let replaced = self.newest.as_ref().is_some_and(|(_, _, status, newest)| {
            newest != content && status == DocumentStatus::Pending.name()
        });
        self.current == Some(*content) && !replaced
    }
}

impl Store {
    /// Queues the file, unless it is what is there already. Asking twice for the same bytes gives the same job while
    /// it waits or runs; the job then belongs to the later batch, as the earlier may be that of a caller who is gone.
    pub fn accept(&self, upload: NewUpload) -> Result<Accepted> {
        let accepted = self.accept_many(&[upload])?.pop();
        accepted.ok_or_else(|| Error::internal("store_conflict", "an upload was not accepted"))
    }

    /// As [`Self::accept`] for each, in order, with one commit for up to 256 of different sources.
    pub fn accept_many(&self, uploads: &[NewUpload]) -> Result<Vec<Accepted>> {
        let mut accepted = Vec::with_capacity(uploads.len());
        let mut rest = uploads;
        while !rest.is_empty() {
            let (together, later) = rest.split_at(different(rest));
            accepted.extend(until_no_conflict(|| self.accept_once(together))?);
            rest = later;
        }
        Ok(accepted)
    }

    /// Uploads of different sources in one workspace.
    fn accept_once(&self, uploads: &[NewUpload]) -> Result<Vec<Accepted>> {
        let mut known = self.known(uploads.iter())?;
        let mut batch = Vec::new();
        let mut accepted = Vec::with_capacity(uploads.len());
        for upload in uploads {
            accepted.push(self.accept_one(known.remove(&upload.source), upload, &mut batch)?);
        }
        if !batch.is_empty() {
            self.db.batch(alike_together(batch))?;
        }
        Ok(accepted)
    }

    fn accept_one(
        &self,
        known: Option<Known>,
        upload: &NewUpload,
        batch: &mut Vec<Statement>,
    ) -> Result<Accepted> {
        if let Some(known) = &known {
            if let Some(readers) = upload.readers.as_ref().filter(|readers| **readers != known.readers) {
                batch.extend(change_readers(upload.workspace, known.document, readers));
            }
            if known.stays(&upload.content) && upload.metadata == Metadata::default() {
                return Ok(Accepted::Unchanged { document: known.document });
            }
            if let Some(waiting) = self.waiting(known, upload, batch)? {
                return Ok(waiting);
            }
        }
        Ok(self.queue(known, upload, batch))
    }

    /// What is known of the uploads' sources, which are all of one workspace.
    pub(crate) fn known<'a>(
        &self,
        uploads: impl Iterator<Item = &'a NewUpload>,
    ) -> Result<HashMap<String, Known>> {
        let uploads: Vec<&NewUpload> = uploads.collect();
        let mut known = HashMap::with_capacity(uploads.len());
        for some in uploads.chunks(IDS_MAX) {
            let workspace = some.iter().map(|upload| upload.workspace.into()).take(1).collect();
            let sources: Vec<&str> = some.iter().map(|upload| upload.source.as_str()).collect();
            let (marks, params) = marks(workspace, &sources);
            let sql = format!(
                "SELECT d.id, v.id, v.number, v.status, v.content, c.content, d.source, d.readers FROM documents d \
                 LEFT JOIN versions v ON v.document_id = d.id AND v.number = (SELECT MAX(number) FROM versions WHERE document_id = d.id) \
                 LEFT JOIN versions c ON c.id = d.current_version \
                 WHERE d.workspace_id = $1 AND d.source IN ({marks}) AND d.deleted_at IS NULL"
            );
            for row in self.db.query(&sql, &params)? {
                known.insert(row.get(6)?, read_known(&row)?);
            }
        }
        Ok(known)
    }

    /// The job that works on the same bytes of the same source, if one does.
    fn waiting(
        &self,
        known: &Known,
        upload: &NewUpload,
        batch: &mut Vec<Statement>,
    ) -> Result<Option<Accepted>> {
        let Some((version, _, _, content)) = &known.newest else { return Ok(None) };
        if *content != upload.content {
            return Ok(None);
        }
        let sql = "SELECT id, payload FROM jobs WHERE document_id = $1 AND state IN ('queued', 'running') ORDER BY id DESC";
        for row in self.db.query(sql, &[known.document.into()])? {
            let payload: UploadPayload = json(&row.get::<String>(1)?)?;
            if payload.version == *version && payload.metadata == upload.metadata {
                let job = row.get(0)?;
                batch.push(adopt(job, &upload.batch));
                return Ok(Some(Accepted::Queued { document: known.document, version: *version, job }));
            }
        }
        Ok(None)
    }

    fn queue(&self, known: Option<Known>, upload: &NewUpload, batch: &mut Vec<Statement>) -> Accepted {
        let now = self.now();
        let document = known.as_ref().map_or_else(DocumentId::new, |known| known.document);
        if known.is_none() {
            batch.push(insert_document(document, upload, now));
        }
        let newest = known.and_then(|known| known.newest);
        // A version that failed or never ended is read again; only a finished one is followed by another.
        let (version, number, again) = match newest {
            Some((version, number, status, content))
                if content == upload.content && status != DocumentStatus::Ready.name() =>
            {
                (version, number, true)
            }
            Some((_, number, _, _)) => (VersionId::new(), number + 1, false),
            None => (VersionId::new(), 1, false),
        };
        if again {
            batch.push(Statement::new("UPDATE versions SET status = 'pending', failure_code = NULL, failure_reason = NULL WHERE id = $1", vec![version.into()]));
        } else {
            batch.push(insert_version(document, version, number, "pending", (0, 0), upload, now));
        }
        let job = JobId::new();
        batch.push(self.jobs().enqueue_statement(&new_job(job, document, version, upload)));
        Accepted::Queued { document, version, job }
    }
}

/// Runs again what lost against another upload of the same source: what that wrote is seen now.
pub(crate) fn until_no_conflict<T>(mut run: impl FnMut() -> Result<T>) -> Result<T> {
    let mut outcome = run();
    for _ in 1..ATTEMPTS_MAX {
        if !outcome.as_ref().is_err_and(|error| error.class == Class::Conflict) {
            break;
        }
        outcome = run();
    }
    outcome
}

/// How many of the first uploads are of one workspace and of different sources; one at least.
fn different(uploads: &[NewUpload]) -> usize {
    let mut sources = HashSet::new();
    let workspace = uploads.first().map(|upload| upload.workspace);
    uploads
        .iter()
        .take(TOGETHER_MAX)
        .take_while(|upload| Some(upload.workspace) == workspace && sources.insert(upload.source.as_str()))
        .count()
}

fn adopt(job: JobId, batch: &str) -> Statement {
    let sql = "UPDATE jobs SET batch = $2 WHERE id = $1 AND state IN ('queued', 'running')";
    Statement::new(sql, vec![job.into(), batch.into()])
}

fn read_known(row: &Row) -> Result<Known> {
    let newest = match row.get::<Option<VersionId>>(1)? {
        Some(version) => Some((version, row.get(2)?, row.get(3)?, row.get(4)?)),
        None => None,
    };
    let current =
        row.get::<Option<Vec<u8>>>(5)?.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()).map(ContentHash);
    let readers = readable::read(row.get::<Option<String>>(7)?.as_deref())?;
    Ok(Known { document: row.get(0)?, newest, current, readers })
}

/// Another access list, which the indexes learn of in the same commit.
fn change_readers(workspace: WorkspaceId, document: DocumentId, readers: &[Holder]) -> [Statement; 2] {
    let sql = "UPDATE documents SET readers = $2 WHERE id = $1";
    let change = Statement::new(sql, vec![document.into(), readable::written(readers).into()]);
    [change, feed_entry(workspace, "document", document.as_bytes().to_vec())]
}

fn insert_document(document: DocumentId, upload: &NewUpload, now: ibid_types::Timestamp) -> Statement {
    let sql = "INSERT INTO documents (id, workspace_id, source, status, title, tags, date, created_at, updated_at, readers) \
               VALUES ($1, $2, $3, 'pending', $4, $5, $6, $6, $6, $7)";
    let title = upload.metadata.title.clone().unwrap_or_else(|| upload.source.clone());
    let tags = to_json(&upload.metadata.tags);
    let params = vec![
        document.into(),
        upload.workspace.into(),
        upload.source.as_str().into(),
        title.into(),
        tags.into(),
        now.into(),
        upload.readers.as_deref().and_then(readable::written).into(),
    ];
    Statement::new(sql, params)
}

/// `sizes`: its chunks and the bytes of its text, 0 while they are not known.
pub(crate) fn insert_version(
    document: DocumentId,
    version: VersionId,
    number: u32,
    status: &'static str,
    (chunk_count, text_bytes): (u32, u64),
    upload: &NewUpload,
    now: ibid_types::Timestamp,
) -> Statement {
    let sql = "INSERT INTO versions (id, document_id, number, status, content, size_bytes, media_type, chunk_count, text_bytes, warnings, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '[]', $10)";
    let params = vec![
        version.into(),
        document.into(),
        number.into(),
        status.into(),
        upload.content.into(),
        upload.size_bytes.into(),
        upload.media_type.as_str().into(),
        chunk_count.into(),
        text_bytes.into(),
        now.into(),
    ];
    Statement::new(sql, params)
}

fn new_job(id: JobId, document: DocumentId, version: VersionId, upload: &NewUpload) -> NewJob {
    let payload = UploadPayload {
        version,
        content: upload.content,
        media_type: upload.media_type.clone(),
        metadata: upload.metadata.clone(),
    };
    NewJob {
        id,
        kind: "ingest".to_owned(),
        workspace: Some(upload.workspace),
        document: Some(document),
        subject: upload.source.clone(),
        batch: Some(upload.batch.clone()),
        payload: serde_json::to_value(payload).unwrap_or_default(),
        attempts_max: 5,
        run_at: None,
    }
}
