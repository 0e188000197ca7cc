//! Flows on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Flow {
    pub name: String,
    pub description: String,
    /// The first 12 digits of the hash of its source.
    pub version: String,
    /// Whether it came with the program.
    pub built_in: bool,
    pub nodes: Vec<FlowNode>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FlowNode {
    pub name: String,
    pub kind: String,
    /// Names of nodes that may come next; `end` ends the path.
    pub next: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FlowsPage {
    pub flows: Vec<Flow>,
    /// Files of the folder `flows` that hold no valid flow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub broken: Vec<BrokenFlow>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BrokenFlow {
    pub name: String,
    /// What is wrong and where.
    pub message: String,
}

/// `GET /v1/flows/{name}`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FlowDetail {
    pub flow: Flow,
    /// The YAML.
    pub source: String,
    /// The flow drawn in Mermaid's language.
    pub mermaid: String,
}

/// `POST /v1/flows/validate`, `PUT /v1/flows/{name}`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowSource {
    pub source: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Validated {
    pub valid: bool,
    pub problems: Vec<FlowProblem>,
    /// The flow drawn, where it is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mermaid: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FlowProblem {
    /// From 1.
    pub line: u32,
    pub column: u32,
    /// `error` or `warning`.
    pub severity: String,
    pub message: String,
}
