//! Pieces: originals and stretches of the database file, stored once under the name of their content.

use ibid_seal::Keys;
use ibid_types::{ContentHash, Error, Result};

use crate::destination::Destination;
use crate::envelope::{Kind, damaged, unwrap, wrap};
use crate::names;

/// Where a content is: under its hash, or, with a key, under what the key makes of its hash.
#[must_use]
pub fn piece_name(hash: &ContentHash, keys: &Keys) -> String {
    names::piece(&if keys.is_sealing() { keys.hash(&hash.0) } else { *hash })
}

/// Where a content may be: under each of the keys, or under none.
#[must_use]
pub fn piece_names(hash: &ContentHash, keys: &Keys) -> Vec<String> {
    let mut under: Vec<ContentHash> = keys.hashes(&hash.0);
    under.pop();
    under.push(*hash);
    under.iter().map(names::piece).collect()
}

/// The object for a content of that hash.
pub fn piece_object(hash: &ContentHash, bytes: &[u8], keys: &Keys) -> Result<Vec<u8>> {
    wrap(Kind::Piece, &piece_name(hash, keys), bytes, keys)
}

/// The content of that hash, from the first destination that has it whole. Errors: `backup_object_missing`,
/// `backup_damaged`, `backup_key_missing`, `backup_unreachable`.
pub fn fetch_piece(
    sources: &[std::sync::Arc<dyn Destination>],
    hash: &ContentHash,
    keys: &Keys,
) -> Result<Vec<u8>> {
    let mut first_error = None;
    for source in sources {
        for name in piece_names(hash, keys) {
            match source.get(&name).and_then(|object| read_piece(&name, hash, &object, keys)) {
                Ok(bytes) => return Ok(bytes),
                Err(error) => keep_worse(&mut first_error, error),
            }
        }
    }
    Err(first_error.unwrap_or_else(|| nowhere(hash)))
}

/// The content of a piece that was fetched under that name.
pub fn read_piece(name: &str, hash: &ContentHash, object: &[u8], keys: &Keys) -> Result<Vec<u8>> {
    let content = unwrap(Kind::Piece, name, object, keys)?.content;
    if blake3::hash(&content).as_bytes() == &hash.0 { Ok(content) } else { Err(damaged(name, "its hash")) }
}

/// Damage says more than absence, which every other name of the piece gives.
fn keep_worse(kept: &mut Option<Error>, error: Error) {
    let is_better = kept.as_ref().is_none_or(|kept| kept.code == "backup_object_missing");
    if is_better {
        *kept = Some(error);
    }
}

fn nowhere(hash: &ContentHash) -> Error {
    Error::not_found("backup_object_missing", format!("piece {hash} is in no backup that was named"))
}
