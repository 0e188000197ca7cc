//! Contents of objects: a head in JSON, then tables of numbers, little-endian.
//!
//! Keeps true: nothing is read beyond what is there, and no length is believed before it was compared with what is there.

use ibid_types::{ContentHash, Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Writes a content.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Begins with the head and its length. Error: `backup_head`.
    pub fn begin(head: &impl Serialize) -> Result<Self> {
        let head = serde_json::to_vec(head).map_err(|error| {
            Error::internal("backup_head", "the head of a part of the backup cannot be written")
                .caused_by(error)
        })?;
        let length = u32::try_from(head.len()).unwrap_or(u32::MAX);
        Ok(Self { bytes: [&length.to_le_bytes()[..], &head].concat() })
    }

    pub fn u32s(&mut self, numbers: impl Iterator<Item = u32>) {
        numbers.for_each(|number| self.bytes.extend_from_slice(&number.to_le_bytes()));
    }

    pub fn i64s(&mut self, numbers: impl Iterator<Item = i64>) {
        numbers.for_each(|number| self.bytes.extend_from_slice(&number.to_le_bytes()));
    }

    pub fn hashes(&mut self, hashes: &[ContentHash]) {
        hashes.iter().for_each(|hash| self.bytes.extend_from_slice(&hash.0));
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    #[must_use]
    pub fn end(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads a content; `None` where it is shorter than it must be.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// The head and the rest.
    pub fn begin<T: DeserializeOwned>(content: &'a [u8]) -> Option<(T, Self)> {
        let (length, rest) = content.split_first_chunk::<4>()?;
        let (head, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        Some((serde_json::from_slice(head).ok()?, Self { rest }))
    }

    pub fn u32s(&mut self, count: usize) -> Option<Vec<u32>> {
        let (bytes, _) = self.bytes(count.checked_mul(4)?)?.as_chunks::<4>();
        Some(bytes.iter().map(|four| u32::from_le_bytes(*four)).collect())
    }

    pub fn i64s(&mut self, count: usize) -> Option<Vec<i64>> {
        let (bytes, _) = self.bytes(count.checked_mul(8)?)?.as_chunks::<8>();
        Some(bytes.iter().map(|eight| i64::from_le_bytes(*eight)).collect())
    }

    pub fn hashes(&mut self, count: usize) -> Option<Vec<ContentHash>> {
        let (bytes, _) = self.bytes(count.checked_mul(32)?)?.as_chunks::<32>();
        Some(bytes.iter().map(|hash| ContentHash(*hash)).collect())
    }

    pub fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(bytes)
    }

    /// What was not read.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether all was read.
    #[must_use]
    pub const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }
}
