//! Retrieval evaluation on judged collections, and benchmarks.
//!
//! Keeps true: what is measured is the product's own store, index and retriever, with nothing in between.

pub mod eval;
pub mod figures;
pub mod load;
