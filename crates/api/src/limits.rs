//! Addresses that are not answered, on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A network whose requests are refused.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Block {
    /// An address, or a network as `192.0.2.0/24`.
    pub network: String,
    pub reason: String,
    /// An administrator, or `server` where the address guessed too often.
    pub made_by: String,
    pub created_at: String,
    /// Left out: until it is ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// `PUT /v1/limits/blocks`
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockRequest {
    /// An address, or a network as `192.0.2.0/24`.
    pub network: String,
    /// For so long; left out: until it is ended.
    #[serde(default)]
    pub minutes: Option<u32>,
    /// What those who are blocked are told.
    #[serde(default)]
    pub reason: String,
}
