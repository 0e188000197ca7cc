//! source -> parse -> chunk -> embed -> rows.
//!
//! Keeps true: no file makes a parser panic, loop or allocate without bound; what a parser returns passes
//! `Parsed::check`; the chunks of a text tile it.

pub mod format;
mod formats;
pub mod parse;

pub use format::{Format, is_readable_name, source_media_type};
