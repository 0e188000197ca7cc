//! `POST /v1/documents`: files in. When it answers, their bytes and the jobs that read them are on disk.

use std::sync::Arc;

use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{Multipart, State};
use axum::http::StatusCode;
use bytes::Bytes;
use ibid_api::document::{Accepted as WireAccepted, AcceptedFile, Upload};
use ibid_api::problem::Problem;
use ibid_store::{Accepted, NewUpload};
use ibid_types::parsed::Metadata;
use ibid_types::{Error, JobId, Result, Timestamp, WorkspaceId};
use serde::Deserialize;

use crate::App;
use crate::http::{Answered, Failure, Parameters, blocking};

/// More files than this in one request are refused; send several requests.
const FILES_MAX: usize = 1000;

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct UploadQuery {
    pub workspace: Option<String>,
    /// Names several uploads as one batch for `GET /v1/jobs?batch=`.
    pub batch: Option<String>,
}

/// Puts documents in. They are safe on disk when this answers, and searchable when their jobs are done.
#[utoipa::path(post, path = "/v1/documents", tag = "documents", params(UploadQuery),
    request_body(content = Upload, content_type = "multipart/form-data"),
    responses((status = 202, body = WireAccepted), (status = "default", body = Problem)))]
pub async fn upload(
    State(app): State<Arc<App>>,
    Parameters(query): Parameters<UploadQuery>,
    form: Multipart,
) -> Answered<(StatusCode, axum::Json<WireAccepted>)> {
    let parts = Parts::read(form, app.config.ingest.file_bytes_max).await?;
    let accepted = blocking(&app, move |app| take(app, query, parts)).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(accepted)))
}

/// A form as it arrived.
#[derive(Debug, Default)]
struct Parts {
    files: Vec<(String, Option<String>, Bytes)>,
    sources: Vec<String>,
    metadata: Metadata,
}

impl Parts {
    async fn read(mut form: Multipart, file_bytes_max: usize) -> Answered<Self> {
        let mut parts = Self::default();
        while let Some(field) = form.next_field().await.map_err(|error| broken(&error))? {
            match field.name().unwrap_or_default() {
                "file" => parts.add_file(field, file_bytes_max).await?,
                name => {
                    let name = name.to_owned();
                    let text = field.text().await.map_err(|error| broken(&error))?;
                    parts.add_text(&name, text)?;
                }
            }
        }
        if parts.files.is_empty() {
            return Err(Error::bad_request("upload_empty", "the form has no part named 'file'").into());
        }
        if !parts.sources.is_empty() && parts.sources.len() != parts.files.len() {
            let what = "send one part 'source' for each part 'file', or none";
            return Err(Error::bad_request("upload_sources", what).into());
        }
        Ok(parts)
    }

    async fn add_file(&mut self, field: Field<'_>, file_bytes_max: usize) -> Answered<()> {
        if self.files.len() == FILES_MAX {
            let what = format!("one request may hold {FILES_MAX} files; send more requests");
            return Err(Error::bad_request("upload_too_many", what).into());
        }
        let name = field.file_name().unwrap_or("unnamed").to_owned();
        let media_type = field.content_type().map(ToOwned::to_owned);
        let bytes = field.bytes().await.map_err(|error| broken(&error))?;
        if bytes.len() > file_bytes_max {
            let what = format!("{name} has {} bytes; ingest.file_bytes_max is {file_bytes_max}", bytes.len());
            return Err(Error::bad_request("document_too_large", what).into());
        }
        self.files.push((name, media_type, bytes));
        Ok(())
    }

    fn add_text(&mut self, name: &str, text: String) -> Result<()> {
        let text = text.trim().to_owned();
        if text.is_empty() {
            return Ok(());
        }
        match name {
            "source" => self.sources.push(text),
            "title" => self.metadata.title = Some(text),
            "author" => self.metadata.author = Some(text),
            "language" => self.metadata.language = Some(text.to_lowercase()),
            "date" => self.metadata.modified = Some(text.parse::<Timestamp>()?),
            "tags" => self.metadata.tags = tags(&text),
            _ => {
                return Err(Error::bad_request(
                    "upload_part",
                    format!("the form part '{name}' is not known"),
                ));
            }
        }
        Ok(())
    }
}

/// `a, b` is the tags `a` and `b`.
pub fn tags(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(ToOwned::to_owned).collect()
}

fn broken(error: &MultipartError) -> Failure {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Error::bad_request(
            "request_too_large",
            "the upload is larger than server.upload_bytes_max; send fewer files at once",
        )
        .into();
    }
    Error::bad_request("upload_malformed", format!("the form cannot be read: {}", error.body_text())).into()
}

fn take(app: &App, query: UploadQuery, parts: Parts) -> Result<WireAccepted> {
    let workspace = app.workspace(query.workspace.as_deref())?.id;
    let batch = query.batch.unwrap_or_else(|| JobId::new().to_string());
    let mut files = Vec::with_capacity(parts.files.len());
    for (index, (name, media_type, bytes)) in parts.files.into_iter().enumerate() {
        let source = parts.sources.get(index).cloned().unwrap_or(name);
        let metadata = parts.metadata.clone();
        files.push(take_one(app, workspace, &batch, source, media_type, metadata, &bytes)?);
    }
    app.wake_pipeline();
    Ok(WireAccepted { batch, files })
}

/// The bytes first, then the row that names them: a crash between leaves bytes that the clean-up finds.
fn take_one(
    app: &App,
    workspace: WorkspaceId,
    batch: &str,
    source: String,
    media_type: Option<String>,
    metadata: Metadata,
    bytes: &[u8],
) -> Result<AcceptedFile> {
    let _no_cleanup = app.uploads.read();
    let content = app.blobs.put(bytes)?;
    let media_type = media_type
        .filter(|kind| kind != "application/octet-stream")
        .unwrap_or_else(|| ibid_ingest::source_media_type(&source).to_owned());
    let accepted = app.store.accept(NewUpload {
        workspace,
        source: source.clone(),
        content,
        size_bytes: bytes.len() as u64,
        media_type,
        metadata,
        batch: batch.to_owned(),
    })?;
    let (outcome, document, job) = match accepted {
        Accepted::Unchanged { document } => ("unchanged", document, None),
        Accepted::Queued { document, job, .. } => ("queued", document, Some(job.to_string())),
    };
    Ok(AcceptedFile { source, outcome: outcome.to_owned(), document: document.to_string(), job })
}
