//! benchmarks and retrieval evaluation.
