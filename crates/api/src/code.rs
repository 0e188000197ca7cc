//! What is known of repositories, on the wire: what an update brings, and answers to who calls this, what changed since, why is this so.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::memory::RecallHit;
use crate::words::Moment;

/// What reading a repository brought. It may come in parts: those before the last bring files alone.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CodeRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// Where the repository is, as whoever reads it calls the place: a path. It is known by this name; the server does not look there.
    #[schema(pattern = r"\S")]
    pub source: String,
    /// As `ibid ingest` of the same version makes it from `GET /v1/memory/code/known`.
    #[schema(value_type = Object)]
    pub delta: serde_json::Value,
}

/// What became of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CodeTaken {
    pub repository: CodeRepository,
    /// Relations that are new or stand elsewhere, and relations that have ended.
    pub stated: u64,
    pub ended: u64,
    /// Commits whose messages were remembered.
    pub remembered: u64,
}

/// A repository as far as it is known.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CodeRepository {
    pub source: String,
    /// The last part of its source.
    pub name: String,
    /// None while its first reading is not complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    pub files: u64,
    pub symbols: u64,
    pub references: u64,
    /// That hold now.
    pub relations: u64,
    pub commits: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CodeRepositories {
    pub repositories: Vec<CodeRepository>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CodePlace {
    pub workspace: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CodeKnownQuery {
    pub workspace: Option<String>,
    /// The repository's.
    #[param(required = true)]
    pub source: String,
}

/// What an update goes on from.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct CodeKnown {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The hash of each file's content, by its path.
    pub files: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CodeCallersQuery {
    pub workspace: Option<String>,
    /// `parse`, `Reader::parse` or `src/read.rs#Reader::parse`.
    #[param(required = true)]
    pub symbol: String,
    /// Who called it then; who calls it now without it.
    #[param(inline, value_type = Option<Moment>)]
    pub valid_at: Option<String>,
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<usize>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CodeSinceQuery {
    pub workspace: Option<String>,
    /// A commit, which is not counted, by eight or more digits of its id; a day; or a time of RFC 3339.
    #[param(required = true)]
    pub since: String,
    /// A symbol, a file or a folder; all without it.
    pub of: Option<String>,
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<usize>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CodeWhyQuery {
    pub workspace: Option<String>,
    /// A symbol or a file.
    #[param(required = true)]
    pub of: String,
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<usize>,
}

/// A symbol or a file of a repository.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct CodeThing {
    pub repository: String,
    /// `src/read.rs#Reader::parse`, or a file's path.
    pub key: String,
    pub path: String,
    /// `function`, `struct`, `file`, ...
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// What its comment says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc: Option<String>,
    /// It was there once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
}

/// Something that holds between two things of a repository.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CodeRelation {
    pub from: String,
    /// `CALLS`, `PART_OF`, `IMPORTS`, `IMPLEMENTS`, `INHERITS`, `USES`.
    pub relation: String,
    pub to: String,
    /// Where it is first seen in the file of `from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// How often.
    pub count: u32,
    pub confidence: f32,
    /// The time of the commit that brought it; none where it was there at the first reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<String>,
}

/// A symbol with those that call it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CodeCalled {
    pub symbol: CodeThing,
    pub callers: Vec<CodeRelation>,
    pub total: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CodeCallers {
    pub symbols: Vec<CodeCalled>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CodeCommit {
    pub repository: String,
    pub id: String,
    pub at: String,
    pub author: String,
    pub message: String,
}

/// What changed, the newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct CodeSince {
    pub commits: Vec<CodeCommit>,
    /// Also those that are gone.
    pub paths: Vec<String>,
    /// As far as they are still there.
    pub symbols: Vec<String>,
    /// Relations that began, and that ended.
    pub began: Vec<CodeRelation>,
    pub ended: Vec<CodeRelation>,
    /// There is more than `limit` of one of them.
    pub truncated: bool,
}

/// A comment that says why, or what is to be done.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CodeNote {
    pub path: String,
    pub line: u32,
    /// `why`, `todo`, `fixme`.
    pub kind: String,
    pub text: String,
}

/// A commit that has to do with a thing.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CodeReason {
    pub commit: CodeCommit,
    pub changed: bool,
    /// All of it came with this commit.
    pub first: bool,
    /// Its message names the thing.
    pub named: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CodeReasons {
    pub thing: CodeThing,
    pub notes: Vec<CodeNote>,
    /// Most telling first: those that changed and name it, those that changed it, those that name it.
    pub commits: Vec<CodeReason>,
}

/// A passage of a document that names it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CodePassage {
    pub document: String,
    pub title: String,
    pub source: String,
    pub start_byte: u64,
    pub text: String,
}

/// Why something is as it is, each reason with its source.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CodeWhy {
    pub things: Vec<CodeReasons>,
    /// What else was remembered and names it.
    pub memories: Vec<RecallHit>,
    pub documents: Vec<CodePassage>,
}

/// A symbol that a question names, with what is known of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CodeNamed {
    pub symbol: CodeThing,
    /// Some of them.
    pub callers: Vec<CodeRelation>,
    pub callers_total: u64,
    /// The newest that changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CodeCommit>,
}
