//! source -> parse -> chunk -> embed -> rows.
