//! the binary ibid.
