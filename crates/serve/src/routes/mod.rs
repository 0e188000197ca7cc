//! The endpoints, a file a noun.

pub mod ask;
pub mod documents;
pub mod jobs;
pub mod openai;
pub mod search;
pub mod sse;
pub mod system;
pub mod upload;
