//! What a flow is: read from YAML, described as JSON Schema, drawn as Mermaid.
//!
//! Keeps true: every name that an edge, a channel or a sub-flow mentions exists; so running never looks one up in vain.

mod channels;
mod edges;
mod expressions;
mod keys;
mod mermaid;
mod model;
mod node;
mod parameters;
mod parse;
mod problem;
mod reader;
mod routes;
mod schema;
mod yaml;

pub use mermaid::mermaid;
pub use model::{
    Channel, ChannelType, Definition, Edge, ErrorEdge, FlowHash, Human, Into, Limits, MapOver, Next, Node,
    NodeBody, NodeLimits, OnInterrupt, Reducer, Retry,
};
pub use parse::{Reading, find_recursion, read, yaml_value};
pub use problem::{Problem, Severity};
pub use schema::json_schema;
