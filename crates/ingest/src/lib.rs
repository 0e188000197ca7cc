//! source -> parse -> chunk -> embed -> rows.
//!
//! Keeps true: no file makes a parser panic, loop or allocate without bound; what a parser returns passes
//! `Parsed::check`; the chunks of a text tile it.

mod builder;
mod changeover;
pub mod chunk;
mod dates;
pub mod format;
mod formats;
mod guard;
mod language;
pub mod parse;
mod pdf;
pub mod pipeline;
mod signature;
pub mod worker;

pub use changeover::Changeover;
pub use chunk::{ChunkConfig, chunk};
pub use dates::parse_date;
pub use format::{Format, is_readable_name, source_media_type};
pub use parse::{Hint, Limits, parse};
pub use pipeline::JobResult;
pub use signature::text_signature;
