//! The endpoints, a file a noun.

pub mod ask;
pub mod documents;
pub mod flows;
pub mod jobs;
pub mod openai;
pub mod runs;
pub mod search;
pub mod sse;
pub mod system;
pub mod telemetry;
pub mod threads;
pub mod upload;
