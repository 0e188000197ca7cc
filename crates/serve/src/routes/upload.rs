//! `POST /v1/documents`: files in. When it answers, their bytes and the jobs that read them are on disk.

use std::panic::resume_unwind;

use axum::extract::Multipart;
use axum::extract::multipart::{Field, MultipartError};
use axum::http::StatusCode;
use bytes::Bytes;
use ibid_api::document::{Accepted as WireAccepted, AcceptedFile, Upload};
use ibid_api::problem::Problem;
use ibid_store::{Accepted, NewUpload};
use ibid_types::parsed::Metadata;
use ibid_types::{ContentHash, Error, JobId, Result, Timestamp};
use serde::Deserialize;

use super::documents::TITLE_CHARS_MAX;
use crate::access::Caller;
use crate::audit::Noted;
use crate::http::{Answered, Failure, Form, Parameters, blocking};
use crate::{identity, words};

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
    app: Caller,
    noted: Noted,
    Parameters(query): Parameters<UploadQuery>,
    Form(form): Form,
) -> Answered<(StatusCode, axum::Json<WireAccepted>)> {
    let parts = Parts::read(form, app.config.ingest.file_bytes_max).await?;
    let accepted = blocking(&app, move |app| take(app, &noted, query, parts)).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(accepted)))
}

/// A form as it arrived.
#[derive(Debug, Default)]
struct Parts {
    files: Vec<(String, Option<String>, Bytes)>,
    sources: Vec<String>,
    metadata: Metadata,
    readers: Option<Vec<String>>,
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
            "title" => self.metadata.title = Some(words::line("title", &text, TITLE_CHARS_MAX)?),
            "author" => self.metadata.author = Some(text),
            "language" => self.metadata.language = Some(text.to_lowercase()),
            "date" => self.metadata.modified = Some(text.parse::<Timestamp>()?),
            "tags" => self.metadata.tags = tags(&text),
            "readers" => self.readers = Some(tags(&text)),
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

fn take(app: &Caller, noted: &Noted, query: UploadQuery, parts: Parts) -> Result<WireAccepted> {
    let workspace = app.workspace(query.workspace.as_deref())?.id;
    let batch = query.batch.unwrap_or_else(|| JobId::new().to_string());
    let Parts { files, sources, metadata, readers } = parts;
    let readers = readers.map(|named| identity::readers_named(app, workspace, &named)).transpose()?;
    let named = files.into_iter().enumerate().map(|(index, (name, media_type, bytes))| {
        let source = sources.get(index).cloned().unwrap_or(name);
        (source, media_type, bytes)
    });
    let named: Vec<Named> = named.collect();
    identity::check_sources(app, workspace, named.iter().map(|(source, ..)| source.as_str()))?;
    let _no_cleanup = app.uploads.read();
    // The bytes first, then the rows that name them: a crash between leaves bytes that the clean-up finds.
    let contents = put_side_by_side(&named, &|bytes| app.blobs.put(bytes))?;
    let upload = |((source, media_type, bytes), content): (&Named, ContentHash)| NewUpload {
        workspace,
        source: source.clone(),
        content,
        size_bytes: bytes.len() as u64,
        media_type: media_type_of(source, media_type.as_deref()),
        metadata: metadata.clone(),
        readers: readers.clone(),
        batch: batch.clone(),
    };
    let uploads: Vec<NewUpload> = named.iter().zip(contents).map(upload).collect();
    let accepted = app.store.accept_many(&uploads)?;
    if let Some(readers) = &readers {
        noted.say(&identity::readers_told(readers));
        accepted.iter().for_each(|one| noted.say(&one.document().to_string()));
    }
    app.wake_pipeline();
    let files = uploads.into_iter().zip(accepted).map(|(upload, accepted)| answer(upload.source, accepted));
    Ok(WireAccepted { batch, files: files.collect() })
}

/// Source, media type and bytes of a file.
type Named = (String, Option<String>, Bytes);

/// Files stored at the same time. Each waits for the disk, and waits can be shared: on a busy machine 800 small files
/// were in after 5 seconds instead of 14.
const LANES: usize = 8;

/// Stores the bytes, answers in the order of the files.
fn put_side_by_side(
    files: &[Named],
    put: &(impl Fn(&[u8]) -> Result<ContentHash> + Sync),
) -> Result<Vec<ContentHash>> {
    let share = files.len().div_ceil(LANES).max(1);
    let put_share = |share: &[Named]| share.iter().map(|(.., bytes)| put(bytes)).collect::<Result<Vec<_>>>();
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            files.chunks(share).map(|share| scope.spawn(move || put_share(share))).collect();
        let mut contents = Vec::with_capacity(files.len());
        for thread in threads {
            contents.extend(thread.join().unwrap_or_else(|panic| resume_unwind(panic))?);
        }
        Ok(contents)
    })
}

fn media_type_of(source: &str, stated: Option<&str>) -> String {
    let stated = stated.filter(|kind| *kind != "application/octet-stream");
    stated.unwrap_or_else(|| ibid_ingest::source_media_type(source)).to_owned()
}

fn answer(source: String, accepted: Accepted) -> AcceptedFile {
    let (outcome, document, job) = match accepted {
        Accepted::Unchanged { document } => ("unchanged", document, None),
        Accepted::Queued { document, job, .. } => ("queued", document, Some(job.to_string())),
    };
    AcceptedFile { source, outcome: outcome.to_owned(), document: document.to_string(), job }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(count: usize) -> Vec<Named> {
        (0..count).map(|number| (number.to_string(), None, Bytes::from(number.to_string()))).collect()
    }

    fn hash(bytes: &[u8]) -> ContentHash {
        ContentHash(std::array::from_fn(|at| bytes.get(at).copied().unwrap_or(0)))
    }

    #[test]
    fn contents_come_in_the_order_of_the_files() {
        for count in [0, 1, 7, 50] {
            let contents = put_side_by_side(&named(count), &|bytes| Ok(hash(bytes))).unwrap();
            let expected: Vec<ContentHash> = (0..count).map(|n| hash(n.to_string().as_bytes())).collect();
            assert_eq!(contents, expected);
        }
    }

    #[test]
    fn a_file_that_is_refused_refuses_the_request() {
        let put = |_: &[u8]| Err(Error::bad_request("upload_empty", "x"));
        assert_eq!(put_side_by_side(&named(1), &put).unwrap_err().code, "upload_empty");
    }

    #[test]
    fn a_stated_media_type_wins_unless_it_says_nothing() {
        assert_eq!(media_type_of("a.md", Some("text/plain")), "text/plain");
        assert_eq!(media_type_of("a.md", Some("application/octet-stream")), media_type_of("a.md", None));
    }
}
