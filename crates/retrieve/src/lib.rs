//! Question to hits: both searches, one fusion, near-duplicates left out, and a trace of why each hit is there.
//!
//! Keeps true: filters hold inside the searches; every hit says what it got from which part; a failing embedder or
//! reranker costs quality, never the answer.

mod config;
mod fusion;
mod retriever;
mod suppress;

pub use config::Config;
pub use fusion::{Fused, fuse};
pub use retriever::Retriever;
