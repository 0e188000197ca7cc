//! `/v1/documents`: what is in, its versions and passages, changing and deleting it.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ibid_api::document::{
    Document, DocumentChange, DocumentsPage, DocumentsQuery, Passage, PassageQuery, Version,
};
use ibid_api::problem::Problem;
use ibid_types::access::Readable;
use ibid_types::{DocumentId, Error, Result, VersionId, WorkspaceId, document as domain};
use serde::Deserialize;

use super::ask::within;
use crate::access::{Caller, Within};
use crate::audit::Noted;
use crate::http::{Answered, Json, Parameters, Path, Place, blocking, respond};
use crate::identity::{readers_named, readers_shown, readers_told};
use crate::words;

/// Longer ones are no titles.
pub const TITLE_CHARS_MAX: usize = 1000;

/// Lists documents, newest first.
#[utoipa::path(get, path = "/v1/documents", tag = "documents", params(DocumentsQuery),
    responses((status = 200, body = DocumentsPage), (status = "default", body = Problem)))]
pub async fn list(
    app: Caller,
    Parameters(query): Parameters<DocumentsQuery>,
) -> Answered<axum::Json<DocumentsPage>> {
    respond(&app, move |app| page(app, query)).await
}

/// Finds documents by their titles and sources, newest first.
#[utoipa::path(post, path = "/v1/documents/find", tag = "documents", request_body = DocumentsQuery,
    responses((status = 200, body = DocumentsPage), (status = "default", body = Problem)))]
pub async fn find_by_words(
    app: Caller,
    Json(request): Json<DocumentsQuery>,
) -> Answered<axum::Json<DocumentsPage>> {
    respond(&app, move |app| page(app, request)).await
}

fn page(app: &Caller, query: DocumentsQuery) -> Result<DocumentsPage> {
    let workspace = app.workspace(query.workspace.as_deref())?;
    let readable = app.readable(workspace.id)?;
    let page = app.store.document_list(
        workspace.id,
        &readable,
        &ibid_store::DocumentsQuery {
            status: query.status.as_deref().map(ibid_api::convert::status).transpose()?,
            text: query.text,
            tag: query.tag,
            limit: within("limit", query.limit, 50, 1..=500)?,
            cursor: query.cursor,
        },
    )?;
    let wire = |(document, version)| wire(app, &readable, &workspace.name, document, version);
    Ok(DocumentsPage {
        documents: page.items.into_iter().map(wire).collect::<Result<_>>()?,
        total: page.total,
        next: page.next,
    })
}

/// Shows a document with its current version.
#[utoipa::path(get, path = "/v1/documents/{id}", tag = "documents", params(("id" = String, Path), Place),
    responses((status = 200, body = Document), (status = "default", body = Problem)))]
pub async fn show(
    app: Caller,
    Path(id): Path<String>,
    Parameters(place): Parameters<Place>,
) -> Answered<axum::Json<Document>> {
    respond(&app, move |app| {
        let (name, document, version) = find(app, &place, &id)?;
        wire(app, &app.readable(document.workspace)?, &name, document, version)
    })
    .await
}

fn wire(
    app: &Caller,
    readable: &Readable,
    workspace: &str,
    document: domain::Document,
    version: Option<domain::Version>,
) -> Result<Document> {
    let readers = readers_shown(app, &document.readers)?;
    let version = version.map(|version| told(app, readable, document.workspace, version)).transpose()?;
    Ok(Document { readers, ..Document::new(workspace, document, version) })
}

/// A version without the near duplicate that it has, where that is not for the caller.
fn told(
    app: &Caller,
    readable: &Readable,
    workspace: WorkspaceId,
    version: domain::Version,
) -> Result<domain::Version> {
    let near_duplicate_of = duplicate_told(app, readable, workspace, version.near_duplicate_of)?;
    Ok(domain::Version { near_duplicate_of, ..version })
}

/// The document, if the caller may know that it is there: else whoever uploads a guess would learn how near it is.
pub fn duplicate_told(
    app: &Caller,
    readable: &Readable,
    workspace: WorkspaceId,
    duplicate: Option<DocumentId>,
) -> Result<Option<DocumentId>> {
    let Some(duplicate) = duplicate.filter(|_| *readable != Readable::All) else { return Ok(duplicate) };
    let found = app.store.documents_by_id(workspace, &[duplicate])?;
    Ok(found.first().filter(|document| readable.holds(&document.readers)).map(|document| document.id))
}

fn find(
    app: &Caller,
    place: &Place,
    id: &str,
) -> Result<(String, domain::Document, Option<domain::Version>)> {
    let Within { workspace, it: (document, version) } = app.document_in(place.workspace.as_deref(), id)?;
    Ok((workspace.name, document, version))
}

/// Changes what is said of a document; fields that are left out stay.
#[utoipa::path(patch, path = "/v1/documents/{id}", tag = "documents", params(("id" = String, Path), Place),
    request_body = DocumentChange,
    responses((status = 200, body = Document), (status = "default", body = Problem)))]
pub async fn change(
    app: Caller,
    noted: Noted,
    Path(id): Path<String>,
    Parameters(place): Parameters<Place>,
    Json(change): Json<DocumentChange>,
) -> Answered<axum::Json<Document>> {
    respond(&app, move |app| {
        let (_, document, _) = find(app, &place, &id)?;
        let workspace = document.workspace;
        let readers = change.readers.map(|named| readers_named(app, workspace, &named)).transpose()?;
        let said = readers.as_deref().map(readers_told);
        let title = change.title.map(|title| words::line("title", &title, TITLE_CHARS_MAX)).transpose()?;
        let position = app.store.document_change(
            document.workspace,
            document.id,
            ibid_store::DocumentChange {
                title,
                author: change.author,
                language: change.language.map(|language| language.to_lowercase()),
                date: change.date.map(|date| date.parse()).transpose()?,
                tags: change.tags,
                readers,
            },
        )?;
        if let Some(said) = said {
            noted.say(&said);
        }
        app.wait_indexed(position)?;
        let (name, document, version) = find(app, &place, &id)?;
        wire(app, &app.readable(workspace)?, &name, document, version)
    })
    .await
}

/// Deletes a document from every index at once; its bytes are removed by a later clean-up.
#[utoipa::path(delete, path = "/v1/documents/{id}", tag = "documents", params(("id" = String, Path), Place),
    responses((status = 204), (status = "default", body = Problem)))]
pub async fn delete(
    app: Caller,
    noted: Noted,
    Path(id): Path<String>,
    Parameters(place): Parameters<Place>,
) -> Answered<StatusCode> {
    blocking(&app, move |app| {
        let (_, document, _) = find(app, &place, &id)?;
        let position = app.store.document_delete(document.workspace, document.id)?;
        noted.say("deleted");
        app.wait_indexed(position)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists a document's versions, newest first.
#[utoipa::path(get, path = "/v1/documents/{id}/versions", tag = "documents", params(("id" = String, Path), Place),
    responses((status = 200, body = Vec<Version>), (status = "default", body = Problem)))]
pub async fn versions(
    app: Caller,
    Path(id): Path<String>,
    Parameters(place): Parameters<Place>,
) -> Answered<axum::Json<Vec<Version>>> {
    let versions = blocking(&app, move |app| {
        let (_, document, _) = find(app, &place, &id)?;
        let readable = app.readable(document.workspace)?;
        let versions = app.store.version_list(document.workspace, document.id)?.into_iter();
        let told = |version| told(app, &readable, document.workspace, version);
        versions.map(told).collect::<Result<Vec<_>>>()
    })
    .await?;
    Ok(axum::Json(versions.into_iter().map(Into::into).collect()))
}

/// Shows a span of a version's text with what stands around it.
#[utoipa::path(get, path = "/v1/documents/{id}/versions/{version}/passage", tag = "documents",
    params(("id" = String, Path), ("version" = String, Path), Place, PassageQuery),
    responses((status = 200, body = Passage), (status = "default", body = Problem)))]
pub async fn passage(
    app: Caller,
    Path((id, version)): Path<(String, String)>,
    Parameters(place): Parameters<Place>,
    Parameters(query): Parameters<PassageQuery>,
) -> Answered<axum::Json<Passage>> {
    respond(&app, move |app| read_passage(app, &place, &id, &version, &query)).await
}

fn read_passage(
    app: &Caller,
    place: &Place,
    id: &str,
    version: &str,
    query: &PassageQuery,
) -> Result<Passage> {
    let (name, document, _) = find(app, place, id)?;
    let readable = app.readable(document.workspace)?;
    let version: VersionId = version.parse()?;
    let found = app.store.version_find(document.workspace, document.id, version)?.ok_or_else(|| {
        Error::not_found("version_unknown", format!("document {} has no version {version}", document.id))
    })?;
    let text_bytes = usize::try_from(found.text_bytes).unwrap_or(usize::MAX);
    let (start, end) = (query.start_byte, query.end_byte);
    if start > end || end > text_bytes {
        let what =
            format!("start_byte {start} and end_byte {end} do not lie in a text of {text_bytes} bytes");
        return Err(Error::bad_request("span_out_of_range", what));
    }
    let context = within("context_bytes", query.context_bytes, 1_500, 0..=20_000)?;
    let (from, to) = (start.saturating_sub(context), (end + context).min(text_bytes));
    let around = app.store.text_around(version, from, to)?;
    let split = around.split(start, end)?;
    Ok(Passage {
        heading_path: split.heading_path,
        page: split.page,
        before: split.before,
        quote: split.quote,
        after: split.after,
        start_byte: split.start,
        text_bytes,
        version: told(app, &readable, document.workspace, found)?.into(),
        document: wire(app, &readable, &name, document, None)?,
    })
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct ContentQuery {
    /// The current version without it.
    pub version: Option<String>,
}

/// The original file, byte for byte.
#[utoipa::path(get, path = "/v1/documents/{id}/content", tag = "documents",
    params(("id" = String, Path), Place, ContentQuery),
    responses((status = 200, content_type = "application/octet-stream"), (status = "default", body = Problem)))]
pub async fn content(
    app: Caller,
    Path(id): Path<String>,
    Parameters(place): Parameters<Place>,
    Parameters(query): Parameters<ContentQuery>,
) -> Answered<Response> {
    let (source, version, bytes) = blocking(&app, move |app| {
        let (_, document, current) = find(app, &place, &id)?;
        let version = match query.version {
            Some(version) => app.store.version_find(document.workspace, document.id, version.parse()?)?,
            None => current,
        };
        let version =
            version.ok_or_else(|| Error::not_found("version_unknown", "the document has no such version"))?;
        let bytes = app.blobs.get(&version.content)?;
        Ok((document.source, version, bytes))
    })
    .await?;
    let kind = inert(&version.media_type);
    let is_framed = kind == "application/pdf";
    let head = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, inline(&source))];
    let mut response = (head, bytes).into_response();
    if !is_framed {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(ALONE));
    }
    Ok(response)
}

/// An original is a page of nobody, not even of this server. Browsers show no PDF in such a page.
const ALONE: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'; sandbox";
/// Of the name of a file, what a browser is told at most.
const NAME_BYTES_MAX: usize = 200;

/// The header that names a file, by the last part of its source (RFC 6266; the characters of RFC 8187, section 3.2.1, stand for
/// themselves).
fn inline(source: &str) -> String {
    let name = source.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let mut header = "inline; filename*=UTF-8''".to_owned();
    for byte in name.bytes().take(NAME_BYTES_MAX) {
        if is_plain(byte) { header.push(char::from(byte)) } else { header.push_str(&format!("%{byte:02X}")) }
    }
    header
}

/// What a browser may show as it is; all else that could run or be styled is shown as text.
fn inert(media_type: &str) -> String {
    let shown = ["application/pdf", "image/png", "image/jpeg", "image/gif", "image/webp"];
    if shown.contains(&media_type) {
        return media_type.to_owned();
    }
    let text = media_type.starts_with("text/") || media_type == "application/json";
    if text { "text/plain; charset=utf-8".to_owned() } else { "application/octet-stream".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_a_file_is_no_header_of_its_own() {
        assert_eq!(inline("minutes/May 9.pdf"), "inline; filename*=UTF-8''May%209.pdf");
        assert_eq!(
            inline("a\r\nSet-Cookie: \"b\""),
            "inline; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20%22b%22"
        );
        assert_eq!(inline("C:\\folder\\\u{e9}.md"), "inline; filename*=UTF-8''%C3%A9.md");
        assert_eq!(inline(&"x".repeat(1000)).len(), "inline; filename*=UTF-8''".len() + NAME_BYTES_MAX);
    }

    #[test]
    fn only_what_cannot_run_is_shown_as_it_is() {
        assert_eq!(inert("application/pdf"), "application/pdf");
        assert_eq!(inert("text/html"), "text/plain; charset=utf-8");
        for other in ["image/svg+xml", "application/xhtml+xml", "application/javascript", ""] {
            assert_eq!(inert(other), "application/octet-stream", "{other}");
        }
    }
}
