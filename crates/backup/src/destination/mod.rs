//! Where backups go: a small boundary with a folder and an S3-compatible store behind it.
//!
//! Keeps true: after `put` returns, the object is safe and whole; a reader never sees half of one.

mod folder;
mod s3;

use std::fmt::Debug;

use ibid_types::{Error, Result, Timestamp};

pub use folder::FolderDestination;
pub use s3::{S3Destination, S3Settings};

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    pub name: String,
    pub bytes: u64,
    pub written: Timestamp,
}

/// A place for objects by name. Blocking. Names have parts of letters, digits, `-` and `_`, separated by `/`.
pub trait Destination: Send + Sync + Debug {
    /// How people call it.
    fn label(&self) -> &str;

    /// Puts an object in place of what has the name. Error: `backup_unreachable`.
    fn put(&self, name: &str, object: &[u8]) -> Result<()>;

    /// Errors: `backup_object_missing`, `backup_unreachable`.
    fn get(&self, name: &str) -> Result<Vec<u8>>;

    fn exists(&self, name: &str) -> Result<bool>;

    /// All objects below a prefix that ends in `/`, in the order of their names.
    fn list(&self, prefix: &str) -> Result<Vec<Listed>>;

    /// Removes an object; removing what is not there is no fault.
    fn delete(&self, name: &str) -> Result<()>;
}

fn missing(label: &str, name: &str) -> Error {
    let what =
        format!("{name} is not in the backup {label}; `ibid backup verify` lists what can be restored");
    Error::not_found("backup_object_missing", what)
}

fn unreachable(label: &str, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let what = format!(
        "the backup {label} cannot be read or written; check it and its entry in backup.destinations"
    );
    Error::unavailable("backup_unreachable", what).caused_by(cause)
}
