//! What every object of a backup is wrapped in: compressed, sealed where a key is configured, checksummed.
//!
//! Keeps true: a flipped bit anywhere in an object is found before its content is used; an object that was renamed, or put
//! in another's place, does not open under a key; what is unwrapped is never longer than it says and never than a limit.
//!
//! Layout (numbers little-endian): `IBIDBAK1`, kind (1 byte), length of the content (8), length of the body (8), the body,
//! and BLAKE3 (32) of all before it. The body is `ibid_seal`'s: key id, then nonce and ciphertext where it is not 0. Sealed
//! is the content's zstd frame; the associated data are the kind and the place.

use ibid_seal::{Keys, Unopened};
use ibid_types::{ContentHash, Error, Result};

const MAGIC: &[u8; 8] = b"IBIDBAK1";
const HEAD_BYTES: usize = 25;
const CHECKSUM_BYTES: usize = 32;
/// The largest content of one object: the largest original and the largest segment fit, a bomb does not.
pub const CONTENT_BYTES_MAX: u64 = 1 << 30;
/// Level 1 is the fastest; higher ones gained under a tenth on logs, where most is taken out already as differences.
const LEVEL: i32 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Commits that follow each other.
    Segment = 1,
    /// What makes up the database at one commit.
    Base = 2,
    /// A stretch of the database file, or an original.
    Piece = 3,
}

/// The content of an object, and its checksum, which the next of a chain names.
#[derive(Clone, Debug)]
pub struct Unwrapped {
    pub content: Vec<u8>,
    pub checksum: ContentHash,
}

/// Wraps a content for its place. Errors: `seal_failed`, `chance_unavailable`, `backup_compress`.
pub fn wrap(kind: Kind, place: &str, content: &[u8], keys: &Keys) -> Result<Vec<u8>> {
    let squeezed = zstd::bulk::compress(content, LEVEL).map_err(|error| {
        Error::internal("backup_compress", "a part of the backup cannot be compressed").caused_by(error)
    })?;
    let body = keys.seal(&bound_to(kind, place), squeezed)?;
    let mut object = Vec::with_capacity(HEAD_BYTES + body.len() + CHECKSUM_BYTES);
    object.extend_from_slice(MAGIC);
    object.push(kind as u8);
    object.extend_from_slice(&(content.len() as u64).to_le_bytes());
    object.extend_from_slice(&(body.len() as u64).to_le_bytes());
    object.extend_from_slice(&body);
    let checksum = blake3::hash(&object);
    object.extend_from_slice(checksum.as_bytes());
    Ok(object)
}

/// Checks and unwraps one object. Errors: `backup_damaged`, `backup_key_missing`.
pub fn unwrap(kind: Kind, place: &str, object: &[u8], keys: &Keys) -> Result<Unwrapped> {
    let (length, body, checksum) = checked(kind, object).ok_or_else(|| damaged(place, "its checksum"))?;
    let squeezed = keys.open(&bound_to(kind, place), body).map_err(|why| unopened(place, why))?;
    let content = zstd::bulk::decompress(&squeezed, usize::try_from(length).unwrap_or(usize::MAX))
        .map_err(|error| damaged(place, "its compression").caused_by(error))?;
    if content.len() as u64 != length {
        return Err(damaged(place, "its length"));
    }
    Ok(Unwrapped { content, checksum })
}

/// The checksum at the end of an object that this process has made.
#[must_use]
pub fn checksum_of(object: &[u8]) -> ContentHash {
    let end = object.last_chunk::<CHECKSUM_BYTES>();
    ContentHash(end.copied().unwrap_or_default())
}

/// The objects that stand one after the other in `bytes`; what cannot be one ends it.
pub fn split(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut objects = Vec::new();
    while !bytes.is_empty() {
        let end = number(bytes, 17)
            .and_then(|body| usize::try_from(body).ok())
            .and_then(|body| body.checked_add(HEAD_BYTES + CHECKSUM_BYTES))
            .filter(|end| *end <= bytes.len())
            .unwrap_or(bytes.len());
        let (object, rest) = bytes.split_at(end);
        objects.push(object);
        bytes = rest;
    }
    objects
}

fn checked(kind: Kind, object: &[u8]) -> Option<(u64, &[u8], ContentHash)> {
    let (before, checksum) = object.split_last_chunk::<CHECKSUM_BYTES>()?;
    let (head, body) = before.split_at_checked(HEAD_BYTES)?;
    let is_whole = blake3::hash(before).as_bytes() == checksum;
    let is_ours = head.starts_with(MAGIC) && head.get(8) == Some(&(kind as u8));
    let length = number(head, 9).filter(|length| *length <= CONTENT_BYTES_MAX)?;
    let fits = number(head, 17) == Some(body.len() as u64);
    (is_whole && is_ours && fits).then_some((length, body, ContentHash(*checksum)))
}

fn number(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

fn bound_to(kind: Kind, place: &str) -> Vec<u8> {
    [&[kind as u8], place.as_bytes()].concat()
}

/// What is wrong with an object.
pub fn damaged(place: &str, what: &str) -> Error {
    let message = format!(
        "{place} of the backup is damaged ({what} does not fit); `ibid backup verify` lists what can be restored"
    );
    Error::internal("backup_damaged", message)
}

fn unopened(place: &str, why: Unopened) -> Error {
    match why {
        Unopened::Cut => damaged(place, "its body"),
        Unopened::KeyUnknown(_) | Unopened::Refused(_) => {
            let what = format!("{place} of the backup does not open: {why}; put that key into backup.keys");
            Error::unavailable("backup_key_missing", what)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ibid_seal::SealKey;

    fn keys() -> Keys {
        Keys::new(&[SealKey { id: 1, bytes: [7; 32] }], "a test")
    }

    #[test]
    fn what_was_wrapped_comes_back() {
        for keys in [Keys::default(), keys()] {
            let object = wrap(Kind::Piece, "here", b"text", &keys).unwrap();
            let unwrapped = unwrap(Kind::Piece, "here", &object, &keys).unwrap();
            assert_eq!((unwrapped.content, unwrapped.checksum), (b"text".to_vec(), checksum_of(&object)));
        }
    }

    #[test]
    fn every_flipped_bit_is_found() {
        for keys in [Keys::default(), keys()] {
            let object = wrap(Kind::Piece, "here", b"some text that is long enough", &keys).unwrap();
            for bit in 0..object.len() * 8 {
                let mut flipped = object.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert!(unwrap(Kind::Piece, "here", &flipped, &keys).is_err(), "bit {bit}");
            }
        }
    }

    #[test]
    fn a_sealed_object_opens_as_what_it_is_only() {
        let object = wrap(Kind::Piece, "here", b"text", &keys()).unwrap();
        let code = |kind, place, keys: &Keys| unwrap(kind, place, &object, keys).unwrap_err().code;
        assert_eq!(code(Kind::Piece, "there", &keys()), "backup_key_missing");
        assert_eq!(code(Kind::Base, "here", &keys()), "backup_damaged");
        assert_eq!(code(Kind::Piece, "here", &Keys::default()), "backup_key_missing");
    }

    #[test]
    fn objects_in_a_row_are_told_apart() {
        let one = wrap(Kind::Segment, "1", b"one", &keys()).unwrap();
        let two = wrap(Kind::Segment, "2", b"two", &keys()).unwrap();
        let row = [one.clone(), two.clone()].concat();
        assert_eq!(split(&row), [one.as_slice(), two.as_slice()]);
        assert_eq!(split(&row[..row.len() - 1]).len(), 2);
        assert!(split(&[]).is_empty());
    }
}
