//! question -> search -> fuse -> rerank -> context, with a trace of why each hit is there.
