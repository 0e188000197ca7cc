//! Accepting a file: its document, its version and the job that reads it, in one commit.

use ibid_types::document::DocumentStatus;
use ibid_types::parsed::Metadata;
use ibid_types::{Class, ContentHash, DocumentId, Error, JobId, Result, VersionId, WorkspaceId};
use serde::{Deserialize, Serialize};

use crate::value::{json, to_json};
use crate::{Job, NewJob, Row, Statement, Store};

/// Uploads of one source at the same instant that all get in; each attempt lets at least one through.
const ATTEMPTS_MAX: usize = 16;

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
struct Known {
    document: DocumentId,
    /// The newest version: id, number, status, content.
    newest: Option<(VersionId, u32, String, ContentHash)>,
    current: Option<ContentHash>,
}

impl Known {
    /// Whether these bytes are current and no other version is on its way to take their place.
    fn stays(&self, content: &ContentHash) -> bool {
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
        let mut outcome = self.accept_once(&upload);
        for _ in 1..ATTEMPTS_MAX {
            // Another upload of the same source was faster; what it wrote is seen now.
            if !outcome.as_ref().is_err_and(|error| error.class == Class::Conflict) {
                break;
            }
            outcome = self.accept_once(&upload);
        }
        outcome
    }

    fn accept_once(&self, upload: &NewUpload) -> Result<Accepted> {
        let known = self.known(upload.workspace, &upload.source)?;
        if let Some(known) = &known {
            if known.stays(&upload.content) && upload.metadata == Metadata::default() {
                return Ok(Accepted::Unchanged { document: known.document });
            }
            if let Some(waiting) = self.waiting(known, upload)? {
                return Ok(waiting);
            }
        }
        self.queue(known, upload)
    }

    fn known(&self, workspace: WorkspaceId, source: &str) -> Result<Option<Known>> {
        let sql = "SELECT d.id, v.id, v.number, v.status, v.content, c.content FROM documents d \
                   LEFT JOIN versions v ON v.document_id = d.id AND v.number = (SELECT MAX(number) FROM versions WHERE document_id = d.id) \
                   LEFT JOIN versions c ON c.id = d.current_version \
                   WHERE d.workspace_id = $1 AND d.source = $2 AND d.deleted_at IS NULL";
        let rows = self.db.query(sql, &[workspace.into(), source.into()])?;
        rows.first().map(read_known).transpose()
    }

    /// The job that works on the same bytes of the same source, if one does.
    fn waiting(&self, known: &Known, upload: &NewUpload) -> Result<Option<Accepted>> {
        let Some((version, _, _, content)) = &known.newest else { return Ok(None) };
        if *content != upload.content {
            return Ok(None);
        }
        let sql = "SELECT id, payload FROM jobs WHERE document_id = $1 AND state IN ('queued', 'running') ORDER BY id DESC";
        for row in self.db.query(sql, &[known.document.into()])? {
            let payload: UploadPayload = json(&row.get::<String>(1)?)?;
            if payload.version == *version && payload.metadata == upload.metadata {
                let job = row.get(0)?;
                self.adopt(job, &upload.batch)?;
                return Ok(Some(Accepted::Queued { document: known.document, version: *version, job }));
            }
        }
        Ok(None)
    }

    fn adopt(&self, job: JobId, batch: &str) -> Result<()> {
        let sql = "UPDATE jobs SET batch = $2 WHERE id = $1 AND state IN ('queued', 'running')";
        self.db.batch(vec![Statement::new(sql, vec![job.into(), batch.into()])]).map(|_| ())
    }

    fn queue(&self, known: Option<Known>, upload: &NewUpload) -> Result<Accepted> {
        let now = self.now();
        let mut batch = Vec::new();
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
            batch.push(insert_version(document, version, number, upload, now));
        }
        let job = JobId::new();
        batch.push(self.jobs().enqueue_statement(&new_job(job, document, version, upload)));
        self.db.batch(batch)?;
        Ok(Accepted::Queued { document, version, job })
    }
}

fn read_known(row: &Row) -> Result<Known> {
    let newest = match row.get::<Option<VersionId>>(1)? {
        Some(version) => Some((version, row.get(2)?, row.get(3)?, row.get(4)?)),
        None => None,
    };
    let current =
        row.get::<Option<Vec<u8>>>(5)?.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()).map(ContentHash);
    Ok(Known { document: row.get(0)?, newest, current })
}

fn insert_document(document: DocumentId, upload: &NewUpload, now: ibid_types::Timestamp) -> Statement {
    let sql = "INSERT INTO documents (id, workspace_id, source, status, title, tags, date, created_at, updated_at) \
               VALUES ($1, $2, $3, 'pending', $4, $5, $6, $6, $6)";
    let title = upload.metadata.title.clone().unwrap_or_else(|| upload.source.clone());
    let tags = to_json(&upload.metadata.tags);
    let params = vec![
        document.into(),
        upload.workspace.into(),
        upload.source.as_str().into(),
        title.into(),
        tags.into(),
        now.into(),
    ];
    Statement::new(sql, params)
}

fn insert_version(
    document: DocumentId,
    version: VersionId,
    number: u32,
    upload: &NewUpload,
    now: ibid_types::Timestamp,
) -> Statement {
    let sql = "INSERT INTO versions (id, document_id, number, status, content, size_bytes, media_type, chunk_count, text_bytes, warnings, created_at) \
               VALUES ($1, $2, $3, 'pending', $4, $5, $6, 0, 0, '[]', $7)";
    let params = vec![
        version.into(),
        document.into(),
        number.into(),
        upload.content.into(),
        upload.size_bytes.into(),
        upload.media_type.as_str().into(),
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
