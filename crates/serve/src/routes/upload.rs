//! `POST /v1/documents`: files in. When it answers, their bytes and the jobs that read them are on disk.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::resume_unwind;
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
    let Parts { files, sources, metadata } = parts;
    let named = files.into_iter().enumerate().map(|(index, (name, media_type, bytes))| {
        let source = sources.get(index).cloned().unwrap_or(name);
        (source, media_type, bytes)
    });
    let named: Vec<Named> = named.collect();
    let one = |(source, media_type, bytes): &Named| {
        take_one(app, workspace, &batch, source.clone(), media_type.clone(), metadata.clone(), bytes)
    };
    let files = take_side_by_side(&named, &one)?;
    app.wake_pipeline();
    Ok(WireAccepted { batch, files })
}

/// Source, media type and bytes of a file.
type Named = (String, Option<String>, Bytes);

/// Files taken at the same time. Each waits for the disk four times, and waits can be shared: on a busy machine
/// 800 small files were in after 5 seconds instead of 14.
const LANES: usize = 8;

/// Takes the files, answers in their order. Those of one source go one after the other, so that the last one wins.
fn take_side_by_side(
    files: &[Named],
    one: &(impl Fn(&Named) -> Result<AcceptedFile> + Sync),
) -> Result<Vec<AcceptedFile>> {
    let lanes = lanes_of(files);
    let mut taken = std::thread::scope(|scope| {
        let run = |lane: &[usize]| lane.iter().map(|&at| (at, one(&files[at]))).collect::<Vec<_>>();
        let threads: Vec<_> = lanes.iter().map(|lane| scope.spawn(move || run(lane))).collect();
        let joined =
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        joined.flatten().collect::<Vec<_>>()
    });
    taken.sort_unstable_by_key(|(at, _)| *at);
    taken.into_iter().map(|(_, accepted)| accepted).collect()
}

/// Places of the files in each lane that has any.
fn lanes_of(files: &[Named]) -> Vec<Vec<usize>> {
    let mut lanes = vec![Vec::new(); LANES];
    for (at, (source, ..)) in files.iter().enumerate() {
        let mut hasher = DefaultHasher::new();
        source.hash(&mut hasher);
        lanes[hasher.finish() as usize % LANES].push(at);
    }
    lanes.retain(|lane| !lane.is_empty());
    lanes
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

#[cfg(test)]
mod tests {
    use super::*;

    fn named(sources: &[&str]) -> Vec<Named> {
        sources.iter().map(|source| ((*source).to_owned(), None, Bytes::new())).collect()
    }

    #[test]
    fn files_of_one_source_share_a_lane_in_order() {
        let lanes = lanes_of(&named(&["a", "b", "a", "c", "a"]));
        let lane = lanes.iter().find(|lane| lane.contains(&0)).unwrap();
        let of_a: Vec<usize> = lane.iter().copied().filter(|at| [0, 2, 4].contains(at)).collect();
        assert_eq!(of_a, [0, 2, 4]);
        assert_eq!(lanes.iter().map(Vec::len).sum::<usize>(), 5);
    }

    #[test]
    fn answers_come_in_the_order_of_the_files() {
        let sources: Vec<String> = (0..50).map(|number| number.to_string()).collect();
        let files = named(&sources.iter().map(String::as_str).collect::<Vec<_>>());
        let one = |(source, ..): &Named| {
            let (outcome, document) = ("queued".to_owned(), String::new());
            Ok(AcceptedFile { source: source.clone(), outcome, document, job: None })
        };
        let taken = take_side_by_side(&files, &one).unwrap();
        assert_eq!(taken.into_iter().map(|file| file.source).collect::<Vec<_>>(), sources);
    }

    #[test]
    fn a_file_that_is_refused_refuses_the_request() {
        let one = |_: &Named| Err(Error::bad_request("upload_empty", "x"));
        assert_eq!(take_side_by_side(&named(&["a"]), &one).unwrap_err().code, "upload_empty");
    }
}
