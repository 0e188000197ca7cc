//! Kinds of nodes that need no chat: `tool` and `http`.
//!
//! Keeps true: a node calls only what its flow allows, whatever its templates give.

mod http;
mod tool;

use std::sync::Arc;

use ibid_tools::{ToolContext, Toolbox};
use ibid_types::Result;
use serde_json::Value;

pub use http::HttpNode;
pub use tool::ToolNode;

use crate::{Call, Emitted, Output, Registry};

/// The kinds of this module, over the tools that there are.
#[must_use]
pub fn registry(toolbox: Arc<Toolbox>) -> Registry {
    Registry::default()
        .with(Arc::new(ToolNode::new(Arc::clone(&toolbox))))
        .with(Arc::new(HttpNode::new(toolbox)))
}

/// One call of a tool on behalf of a node. A run that was cancelled before it does not make it.
fn call_tool(
    toolbox: &Toolbox,
    name: &str,
    input: &Value,
    allowed: &[String],
    call: &Call<'_>,
) -> Result<Output> {
    let context =
        ToolContext::new(call.workspace, call.idempotency_key, call.timeout).on_behalf_of(call.reader);
    if (call.emit)(Emitted::Progress(format!("calling {name}"))).is_break() {
        context.cancelled.request();
    }
    let value = toolbox.call(name, input, allowed, &context)?;
    Ok(Output { value, ..Output::default() })
}
