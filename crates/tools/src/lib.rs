//! What a flow may call: tools with a JSON Schema, called by name from an allow list, under limits of time and size.
//!
//! Keeps true: a tool that does not come back never blocks its caller; input that does not match the schema never
//! reaches a tool; a server of tools that cannot be reached never blocks a start.

mod builtin;
#[cfg(any(test, feature = "testing"))]
pub mod conformance;
mod mcp;
mod schema;
mod tool;
mod toolbox;
mod workers;

pub use builtin::{
    Calculator, CurrentTime, DocumentText, HttpGet, HttpRequest, Library, Lookup, Passage, ReadDocument,
    SearchDocuments, SystemLookup, add_built_in,
};
pub use mcp::McpServers;
pub use schema::Schema;
pub use tool::{Tool, ToolContext, ToolSpec};
pub use toolbox::{Listing, ToolSource, Toolbox, ToolboxLimits};
