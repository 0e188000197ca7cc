//! one tree: defaults < file < environment < flags; every value knows its origin.
