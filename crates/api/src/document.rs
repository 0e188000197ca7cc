//! Documents, versions and passages on the wire.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::words::DocumentStatus;

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Document {
    pub id: String,
    pub workspace: String,
    pub source: String,
    /// `pending`, `ready` or `failed`.
    pub status: String,
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    pub tags: Vec<String>,
    /// Who may read it; nobody named: everybody who reads in the workspace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readers: Vec<DocumentReader>,
    /// The document's own date.
    pub date: String,
    pub created_at: String,
    pub updated_at: String,
    /// The version that answers are made from, or the newest failed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
}

/// One of those who may read a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DocumentReader {
    /// `user:ID`, `group:ID` or `key:ID`.
    pub holder: String,
    /// As people know it; empty for one that is gone.
    pub name: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Version {
    pub id: String,
    pub number: u32,
    pub status: String,
    /// BLAKE3 of the original bytes.
    pub content_hash: String,
    pub size_bytes: u64,
    pub media_type: String,
    pub chunk_count: u32,
    pub text_bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_count: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Why it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub near_duplicate_of: Option<String>,
    pub created_at: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    pub code: String,
    pub reason: String,
}

/// Parameters of `GET /v1/documents`, and the body of `POST /v1/documents/find`, since addresses are written down on the way.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DocumentsQuery {
    pub workspace: Option<String>,
    /// `pending`, `ready` or `failed`.
    #[param(inline, value_type = Option<DocumentStatus>)]
    #[schema(value_type = Option<DocumentStatus>)]
    pub status: Option<String>,
    /// Part of the title or source.
    pub text: Option<String>,
    pub tag: Option<String>,
    /// 1 to 500; 50 without it.
    #[param(minimum = 1, maximum = 500)]
    #[schema(minimum = 1, maximum = 500)]
    pub limit: Option<usize>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DocumentsPage {
    pub documents: Vec<Document>,
    /// All that match, over every page.
    pub total: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One part `file` per file; the other parts hold for all of them.
#[derive(Debug, Clone, ToSchema)]
pub struct Upload {
    #[schema(value_type = Vec<String>, format = Binary)]
    pub file: Vec<u8>,
    /// The file's identity in the workspace; its name without it. With several files, one part for each, in order.
    pub source: Option<String>,
    pub title: Option<String>,
    pub author: Option<String>,
    pub language: Option<String>,
    pub date: Option<String>,
    /// Comma-separated.
    pub tags: Option<String>,
    /// Comma-separated: who may read it, as for `PATCH /v1/documents/{id}`. Left out, a new document is open to everybody who reads
    /// in the workspace, and one that is there stays as it is.
    pub readers: Option<String>,
}

/// What became of an upload. The bytes are on disk when this arrives; `job` reads them.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Accepted {
    /// Names this upload in `GET /v1/jobs?batch=`.
    pub batch: String,
    pub files: Vec<AcceptedFile>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AcceptedFile {
    pub source: String,
    /// `queued`, or `unchanged` where the same bytes are already the current version.
    pub outcome: String,
    pub document: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DocumentChange {
    pub title: Option<String>,
    pub author: Option<String>,
    pub language: Option<String>,
    pub date: Option<String>,
    pub tags: Option<Vec<String>>,
    /// Each `user:NAME`, `group:NAME` or `key:NAME`, or with an id in the name's place; none: everybody who reads in the workspace.
    pub readers: Option<Vec<String>>,
}

/// A stretch of a version's text around a span: the three texts joined are the version's own, byte for byte.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Passage {
    pub document: Document,
    pub version: Version,
    pub heading_path: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    pub before: String,
    /// The span that was asked for.
    pub quote: String,
    pub after: String,
    /// Byte in the version's text at which `before` begins.
    pub start_byte: usize,
    pub text_bytes: usize,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct PassageQuery {
    /// UTF-8 bytes into the version's text.
    pub start_byte: usize,
    pub end_byte: usize,
    /// Bytes of context wanted on each side, up to 20,000; 1,500 without it.
    #[param(maximum = 20_000)]
    pub context_bytes: Option<usize>,
}
