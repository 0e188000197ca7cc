//! What a flow is, once it has been read and found valid.
//!
//! Keeps true: every name that an edge, a channel or a sub-flow mentions exists; so running never looks one up in vain.

mod model;

pub use model::{
    Channel, ChannelType, Definition, Edge, ErrorEdge, FlowHash, Human, Into, Limits, MapOver, Next, Node,
    NodeBody, OnInterrupt, Reducer, Retry,
};
