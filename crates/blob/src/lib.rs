//! Original files by content: the name of some bytes is their BLAKE3 hash.
//!
//! Keeps true: when `put` returns, the bytes are safe; what `get` returns has the hash that was asked for. Putting
//! the same bytes twice is one blob.

mod folder;
mod s3;

use std::fmt::Debug;

use ibid_types::{ContentHash, Error, Result};

pub use folder::Folder;
pub use s3::{S3, S3Config};

/// A store of bytes. Blocking.
pub trait Blobs: Send + Sync + Debug {
    /// Keeps the bytes and gives their name.
    fn put(&self, bytes: &[u8]) -> Result<ContentHash>;

    /// The bytes of that name; `blob_missing` where there are none, `blob_corrupt` where they are others.
    fn get(&self, hash: &ContentHash) -> Result<Vec<u8>>;

    fn exists(&self, hash: &ContentHash) -> Result<bool>;

    /// Removes the bytes; removing what is not there is no fault.
    fn delete(&self, hash: &ContentHash) -> Result<()>;

    /// Every name.
    fn list(&self) -> Result<Vec<ContentHash>>;

    /// Whether bytes could be put now.
    fn check(&self) -> Result<()>;
}

fn hash_of(bytes: &[u8]) -> ContentHash {
    ContentHash(*blake3::hash(bytes).as_bytes())
}

/// `ab/cdef...`: two digits of folder keep folders small.
fn name_of(hash: &ContentHash) -> String {
    let digits = hash.to_string();
    format!("{}/{}", &digits[..2], &digits[2..])
}

fn verified(hash: &ContentHash, bytes: Vec<u8>) -> Result<Vec<u8>> {
    if hash_of(&bytes) == *hash {
        return Ok(bytes);
    }
    let what = format!("the stored file {hash} is damaged; ingest the original again");
    Err(Error::internal("blob_corrupt", what))
}

fn missing(hash: &ContentHash) -> Error {
    Error::not_found("blob_missing", format!("the stored file {hash} is gone; ingest the original again"))
}
