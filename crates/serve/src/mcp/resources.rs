//! Documents and threads as resources: listed page by page, read piece by piece.
//!
//! Keeps true: a piece of a document is its text byte for byte; an answer has a bound, and says where to read on.

use ibid_api::document::{Document, DocumentsPage, Passage};
use ibid_api::thread::{Thread, ThreadsPage, Turn, TurnsPage};
use ibid_types::{Error, Result};
use rmcp::model::{ListResourcesResult, ReadResourceResult, Resource, ResourceContents, ResourceTemplate};

use super::api::get;
use super::told::document_uri;
use super::{Api, Handler, code};

const LISTED: usize = 50;
/// Of a document, what is read at once.
const TEXT_BYTES_MAX: usize = 60_000;
/// The API gives as many around a place.
const PIECE_BYTES: usize = 20_000;
const TURNS: usize = 20;

const DOCUMENTS: &str = "documents";
const THREADS: &str = "threads";

pub fn templates() -> Vec<ResourceTemplate> {
    let mut all = vec![
        ResourceTemplate::new("ibid://documents/{id}{?from}", "document")
            .with_description("The text of a document's current version, from a byte on")
            .with_mime_type("text/plain"),
        ResourceTemplate::new("ibid://threads/{id}{?after}", "thread")
            .with_description("A conversation, after a turn")
            .with_mime_type("text/markdown"),
    ];
    all.extend(code::templates());
    all
}

/// Documents first, then threads. A cursor says of which, and from where on: `documents:NEXT`.
pub async fn list<A: Api>(handler: &Handler<A>, cursor: Option<&str>) -> Result<ListResourcesResult> {
    match cursor.map(|cursor| cursor.split_once(':')) {
        None => documents(handler, None).await,
        Some(Some((DOCUMENTS, next))) => documents(handler, Some(next)).await,
        Some(Some((THREADS, next))) => threads(handler, Some(next).filter(|next| !next.is_empty())).await,
        Some(_) => Err(Error::bad_request(
            "cursor_malformed",
            "the cursor is not one that a page of this list gave; begin without a cursor",
        )),
    }
}

async fn documents<A: Api>(handler: &Handler<A>, cursor: Option<&str>) -> Result<ListResourcesResult> {
    let path = handler.path("/v1/documents", &[("limit", Some(&LISTED.to_string())), ("cursor", cursor)]);
    let page: DocumentsPage = get(handler.api.as_ref(), path).await?;
    let next = page.next.map_or_else(|| format!("{THREADS}:"), |next| format!("{DOCUMENTS}:{next}"));
    Ok(listed(page.documents.iter().map(document).collect(), Some(next)))
}

fn document(document: &Document) -> Resource {
    let resource = Resource::new(document_uri(&document.id, 0), document.title.clone())
        .with_description(document.source.clone())
        .with_mime_type("text/plain");
    match &document.version {
        Some(version) => resource.with_size(version.text_bytes),
        None => resource,
    }
}

async fn threads<A: Api>(handler: &Handler<A>, cursor: Option<&str>) -> Result<ListResourcesResult> {
    let path = handler.path("/v1/threads", &[("limit", Some(&LISTED.to_string())), ("cursor", cursor)]);
    let page: ThreadsPage = match get(handler.api.as_ref(), path).await {
        Ok(page) => page,
        // Who may read and not converse has documents only.
        Err(error) if error.code == "not_allowed" && cursor.is_none() => return Ok(listed(Vec::new(), None)),
        Err(error) => return Err(error),
    };
    let next = page.next.map(|next| format!("{THREADS}:{next}"));
    Ok(listed(page.threads.iter().map(thread).collect(), next))
}

fn thread(thread: &Thread) -> Resource {
    Resource::new(thread_uri(&thread.id, None), thread.title.clone())
        .with_description(format!(
            "A conversation of {} turns, last used {}",
            thread.turns, thread.updated_at
        ))
        .with_mime_type("text/markdown")
}

fn thread_uri(id: &str, after: Option<&str>) -> String {
    match after {
        Some(after) => format!("ibid://threads/{id}?after={after}"),
        None => format!("ibid://threads/{id}"),
    }
}

fn listed(resources: Vec<Resource>, next: Option<String>) -> ListResourcesResult {
    let mut list = ListResourcesResult::with_all_items(resources);
    list.next_cursor = next;
    list
}

/// Errors: `mcp_resource_unknown`, and those of the API.
pub async fn read<A: Api>(handler: &Handler<A>, uri: &str) -> Result<ReadResourceResult> {
    if let Some(read) = code::read(handler, uri).await {
        return read;
    }
    let place = Place::read(uri)?;
    match place.kind {
        Kind::Document => read_document(handler, &place).await,
        Kind::Thread => read_thread(handler, &place).await,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Document,
    Thread,
}

/// What an address names.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    kind: Kind,
    id: String,
    /// A byte of a document's text, or the number of a thread's turn.
    from: usize,
}

impl Place {
    /// Error: `mcp_resource_unknown`.
    fn read(uri: &str) -> Result<Self> {
        let unknown = || {
            let what =
                format!("'{uri}' is none of ibid://documents/ID?from=BYTE and ibid://threads/ID?after=TURN");
            Error::not_found("mcp_resource_unknown", what)
        };
        let (path, query) = uri.split_once('?').map_or((uri, None), |(path, query)| (path, Some(query)));
        let (kind, id) =
            path.strip_prefix("ibid://").and_then(|rest| rest.split_once('/')).ok_or_else(unknown)?;
        let (kind, parameter) = match kind {
            DOCUMENTS => (Kind::Document, "from="),
            THREADS => (Kind::Thread, "after="),
            _ => return Err(unknown()),
        };
        // It becomes a part of a path.
        if id.is_empty() || !id.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-') {
            return Err(unknown());
        }
        let from = match query {
            Some(query) => {
                query.strip_prefix(parameter).and_then(|from| from.parse().ok()).ok_or_else(unknown)?
            }
            None => 0,
        };
        Ok(Self { kind, id: id.to_owned(), from })
    }
}

async fn read_document<A: Api>(handler: &Handler<A>, place: &Place) -> Result<ReadResourceResult> {
    let path = handler.path(&format!("/v1/documents/{}", place.id), &[]);
    let document: Document = get(handler.api.as_ref(), path).await?;
    let version = document.version.filter(|version| version.status == "ready").ok_or_else(|| {
        Error::not_found("version_unknown", "the document has no version that could be read")
    })?;
    let (mut text, mut at) = (String::new(), place.from);
    let total = usize::try_from(version.text_bytes).unwrap_or(usize::MAX);
    while at < total && text.len() + PIECE_BYTES <= TEXT_BYTES_MAX {
        let path = format!("/v1/documents/{}/versions/{}/passage", place.id, version.id);
        let (start, around) = (at.to_string(), PIECE_BYTES.to_string());
        let query =
            [("start_byte", Some(&*start)), ("end_byte", Some(&*start)), ("context_bytes", Some(&*around))];
        let passage: Passage = get(handler.api.as_ref(), handler.path(&path, &query)).await?;
        if passage.after.is_empty() {
            break;
        }
        at += passage.after.len();
        text.push_str(&passage.after);
    }
    let mut contents = vec![ResourceContents::text(text, document_uri(&place.id, place.from))];
    if at < total {
        let next = document_uri(&place.id, at);
        contents.push(ResourceContents::text(format!("{at} of {total} bytes; read on at {next}"), next));
    }
    Ok(ReadResourceResult::new(contents))
}

async fn read_thread<A: Api>(handler: &Handler<A>, place: &Place) -> Result<ReadResourceResult> {
    let path = format!("/v1/threads/{}", place.id);
    let thread: Thread = get(handler.api.as_ref(), handler.path(&path, &[])).await?;
    let (after, limit) = (place.from.to_string(), TURNS.to_string());
    let query = [("limit", Some(&*limit)), ("cursor", Some(&*after).filter(|_| place.from > 0))];
    let path = handler.path(&format!("{path}/turns"), &query);
    let page: TurnsPage = get(handler.api.as_ref(), path).await?;
    let mut parts = vec![format!("# {}", thread.title)];
    parts.extend(page.turns.iter().map(turn));
    let after = Some(after).filter(|_| place.from > 0);
    let uri = thread_uri(&place.id, after.as_deref());
    let text = ResourceContents::text(parts.join("\n\n"), uri).with_mime_type("text/markdown");
    let mut contents = vec![text];
    if let Some(next) = &page.next {
        let next = thread_uri(&place.id, Some(next));
        contents.push(ResourceContents::text(format!("There are more turns; read on at {next}"), next));
    }
    Ok(ReadResourceResult::new(contents))
}

fn turn(turn: &Turn) -> String {
    let answer = match (&turn.answer, &turn.failure) {
        (Some(answer), _) => super::told::answered(answer),
        (None, Some(failure)) => format!("[{}] {}", failure.code, failure.reason),
        (None, None) => format!("({})", turn.status),
    };
    format!("## {}. {}\n\n{answer}", turn.number, turn.question)
}

impl<A: Api> Handler<A> {
    /// A path of the API with its parameters and the workspace.
    pub(super) fn path(&self, path: &str, parameters: &[(&str, Option<&str>)]) -> String {
        let mut whole = path.to_owned();
        let workspace = [("workspace", self.workspace.as_deref())];
        for (name, value) in parameters.iter().chain(&workspace) {
            let Some(value) = value else { continue };
            whole.push(if whole.contains('?') { '&' } else { '?' });
            whole.push_str(&format!("{name}={}", escaped(value)));
        }
        whole
    }
}

/// Percent-encodes what may not stand in a query value.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_document_or_a_thread() {
        let place = Place::read("ibid://documents/0190-a?from=60000").unwrap();
        assert_eq!((place.kind, place.id.as_str(), place.from), (Kind::Document, "0190-a", 60_000));
        assert_eq!(Place::read("ibid://threads/0190?after=20").unwrap().kind, Kind::Thread);
        for wrong in [
            "",
            "ibid://documents/",
            "ibid://documents/../keys",
            "ibid://documents/a?from=x",
            "ibid://documents/a?after=1",
            "ibid://keys/a",
            "file:///etc/passwd",
            "ibid://documents/a%2F..",
        ] {
            assert_eq!(Place::read(wrong).unwrap_err().code, "mcp_resource_unknown", "{wrong}");
        }
    }

    #[test]
    fn what_is_no_part_of_an_address_is_escaped() {
        assert_eq!(escaped("a b&c=ä"), "a%20b%26c%3D%C3%A4");
    }
}
