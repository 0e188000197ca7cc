//! `http`: a request to a host that the operator allows.
//!
//! Keeps true: it reaches exactly what the tool `http_get` reaches, since the same list and the same checks decide.

use std::sync::Arc;
use std::time::Duration;

use ibid_tools::{HttpRequest, Toolbox};
use ibid_types::Result;
use serde_json::Value;

use super::call_tool;
use crate::{Call, NodeKind, Output};

#[derive(Debug)]
pub struct HttpNode {
    toolbox: Arc<Toolbox>,
}

impl HttpNode {
    #[must_use]
    pub const fn new(toolbox: Arc<Toolbox>) -> Self {
        Self { toolbox }
    }
}

impl NodeKind for HttpNode {
    fn name(&self) -> &'static str {
        "http"
    }

    fn description(&self) -> &'static str {
        "Sends an HTTP request to a host that the operator allows."
    }

    fn parameters(&self) -> Value {
        HttpRequest::schema()
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// Reading changes nothing; what only a template decides may change something.
    fn has_side_effects_with(&self, with: &Value) -> bool {
        !matches!(with["method"].as_str(), None | Some("GET" | "HEAD"))
    }

    fn perform(&self, call: &Call<'_>) -> Result<Output> {
        let allowed = [HttpRequest::NAME.to_owned()];
        call_tool(&self.toolbox, HttpRequest::NAME, call.input, &allowed, call)
    }
}
