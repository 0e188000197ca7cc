//! Question to hits: both searches, one fusion, a second look at the best, a walk over the links between them and
//! others, near-duplicates left out, and a trace of why each hit is there. `memory` does the same for what is remembered.
//!
//! Keeps true: filters hold inside the searches; every hit says what it got from which part; a failing embedder or
//! reranker costs quality, never the answer.

mod config;
mod explain;
mod fusion;
mod links;
pub mod memory;
mod refine;
mod retriever;
mod suppress;
mod vectors;
mod walk;

pub use config::Config;
pub use fusion::{Fused, SecondLook, fuse};
pub use refine::Refinement;
pub use retriever::Retriever;
