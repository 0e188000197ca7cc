//! Health, status, workspaces and keys on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words::Role;

/// `GET /health/ready`: 200 when every required dependency answers, else 503 with the same body; without version and details.
/// `GET /v1/ops/health`, for those who look after the server, has them.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Ready {
    /// `ready` or `not_ready`.
    pub status: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    pub checks: Vec<Check>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// `store`, `blobs`, `index`, `embedder`, `chat`.
    pub name: String,
    /// `ok`, `degraded` or `failed`.
    pub status: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Whether the server refuses work without it.
    pub required: bool,
}

/// `GET /v1/status`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Status {
    pub version: String,
    pub workspace: String,
    pub documents: u64,
    pub chunks: u64,
    pub jobs: crate::job::JobCounts,
    pub embedder: String,
    /// Names of configured chat models; the first is the default.
    pub chat_models: Vec<String>,
    /// `extractive` without a chat model, else `generative`.
    pub answer_mode: String,
    /// Feed entries that the indexes have not applied yet.
    pub index_lag: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Workspace {
    pub id: String,
    pub name: String,
    pub documents: u64,
    pub chunks: u64,
    pub created_at: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkspaceRequest {
    /// Lower-case letters, digits and hyphens.
    #[schema(pattern = "^[a-z0-9-]{1,64}$")]
    pub name: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRequest {
    #[schema(pattern = r"\S", max_length = 100)]
    pub name: String,
    /// `owner`, `admin`, `editor`, `reader`, `operator` or `auditor`; left out: `reader`.
    #[serde(default)]
    #[schema(value_type = Option<Role>)]
    pub role: Option<String>,
    /// Where; left out: everywhere.
    #[serde(default)]
    pub workspace: Option<String>,
    /// RFC 3339; left out: it lasts until it is revoked.
    #[serde(default)]
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Key {
    pub id: String,
    pub name: String,
    /// The first characters, to recognise it by.
    pub prefix: String,
    pub created_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
    /// What was granted to it: `editor`, or `reader in legal`.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The whole key, shown once, on creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}
