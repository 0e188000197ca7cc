//! What keeps secrets secret: encryption of what is stored, random secrets and their hashes.
//!
//! Encryption is XChaCha20-Poly1305 with a random nonce of 24 bytes, bound to the place where the body is stored.
//!
//! Keeps true: a body that was moved, changed or sealed with another key does not open.
//!
//! A body is one byte (0: not encrypted; else the id of the key), and then the payload as it is, or nonce and ciphertext.

mod chance;
pub mod secret;

use std::borrow::Cow;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use ibid_types::{ContentHash, Error, Result};

pub use chance::random_bytes;

const NONCE_BYTES: usize = 24;
/// The format of a body that no key sealed.
const OPEN: u8 = 0;

/// 32 bytes under an id from 1 to 255 that never names another key.
#[derive(Clone, PartialEq, Eq)]
pub struct SealKey {
    pub id: u8,
    pub bytes: [u8; 32],
}

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealKey({}, ...)", self.id)
    }
}

#[derive(Clone)]
struct Key {
    id: u8,
    cipher: XChaCha20Poly1305,
    /// Names what is stored by its content, so that nobody without the key can tell by its hash that a known text is.
    naming: [u8; 32],
}

/// The first seals, all open. Cheap to clone.
#[derive(Clone, Default)]
pub struct Keys(Arc<Vec<Key>>);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| key.id)).finish()
    }
}

/// Why a body does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unopened {
    /// It is shorter than any body.
    Cut,
    /// The key of that id is not configured.
    KeyUnknown(u8),
    /// The key of that id is another one, the body stands at another place, or it is damaged.
    Refused(u8),
}

impl std::fmt::Display for Unopened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cut => write!(f, "it is cut short"),
            Self::KeyUnknown(id) => write!(f, "it was encrypted with key {id}, which is not configured"),
            Self::Refused(id) => write!(
                f,
                "it was encrypted with key {id}, which does not open it (another key under the same id, or damage)"
            ),
        }
    }
}

impl std::error::Error for Unopened {}

impl Keys {
    /// `naming` is the context from which names of contents are derived (see [`Keys::hash`]): another for each purpose.
    #[must_use]
    pub fn new(keys: &[SealKey], naming: &str) -> Self {
        let key = |key: &SealKey| Key {
            id: key.id,
            cipher: XChaCha20Poly1305::new(&key.bytes.into()),
            naming: blake3::derive_key(naming, &key.bytes),
        };
        Self(Arc::new(keys.iter().filter(|key| key.id != OPEN).map(key).collect()))
    }

    #[must_use]
    pub fn is_sealing(&self) -> bool {
        !self.0.is_empty()
    }

    /// The id of the key that seals; 0 where none does.
    #[must_use]
    pub fn first_id(&self) -> u8 {
        self.0.first().map_or(OPEN, |key| key.id)
    }

    /// The name of a content: its hash under the sealing key, or its plain BLAKE3 hash where there is none.
    #[must_use]
    pub fn hash(&self, bytes: &[u8]) -> ContentHash {
        let hash = match self.0.first() {
            None => blake3::hash(bytes),
            Some(key) => blake3::keyed_hash(&key.naming, bytes),
        };
        ContentHash(*hash.as_bytes())
    }

    /// Names of a content under every key, the sealing one first; its plain hash where there is no key.
    #[must_use]
    pub fn hashes(&self, bytes: &[u8]) -> Vec<ContentHash> {
        let named = |key: &Key| ContentHash(*blake3::keyed_hash(&key.naming, bytes).as_bytes());
        let mut names: Vec<ContentHash> = self.0.iter().map(named).collect();
        names.push(ContentHash(*blake3::hash(bytes).as_bytes()));
        names
    }

    /// A body for the place. Errors: `chance_unavailable`, `seal_failed`.
    pub fn seal(&self, place: &[u8], payload: Vec<u8>) -> Result<Vec<u8>> {
        let Some(key) = self.0.first() else {
            let mut body = Vec::with_capacity(payload.len() + 1);
            body.push(OPEN);
            body.extend_from_slice(&payload);
            return Ok(body);
        };
        let nonce = random_bytes::<NONCE_BYTES>()?;
        let sealed = key
            .cipher
            .encrypt(&XNonce::from(nonce), Payload { msg: &payload, aad: place })
            .map_err(|_| Error::internal("seal_failed", "these bytes cannot be encrypted; report it"))?;
        Ok([&[key.id], &nonce[..], &sealed].concat())
    }

    /// What was sealed for the place.
    pub fn open<'a>(&self, place: &[u8], body: &'a [u8]) -> Result<Cow<'a, [u8]>, Unopened> {
        let (&id, rest) = body.split_first().ok_or(Unopened::Cut)?;
        if id == OPEN {
            return Ok(Cow::Borrowed(rest));
        }
        let key = self.0.iter().find(|key| key.id == id).ok_or(Unopened::KeyUnknown(id))?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(Unopened::Cut)?;
        key.cipher
            .decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: place })
            .map(Cow::Owned)
            .map_err(|_| Unopened::Refused(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(ids: &[(u8, u8)]) -> Keys {
        let keys: Vec<_> = ids.iter().map(|(id, byte)| SealKey { id: *id, bytes: [*byte; 32] }).collect();
        Keys::new(&keys, "a test")
    }

    #[test]
    fn what_one_key_sealed_opens_as_long_as_it_is_there() {
        let body = keys(&[(1, 10)]).seal(b"here", b"text".to_vec()).unwrap();
        assert_eq!(*keys(&[(2, 20), (1, 10)]).open(b"here", &body).unwrap(), *b"text");
        assert_eq!(keys(&[(2, 20)]).open(b"here", &body), Err(Unopened::KeyUnknown(1)));
    }

    #[test]
    fn another_key_of_the_same_id_is_found_out() {
        let body = keys(&[(1, 10)]).seal(b"here", b"text".to_vec()).unwrap();
        assert_eq!(keys(&[(1, 11)]).open(b"here", &body), Err(Unopened::Refused(1)));
    }

    #[test]
    fn a_body_opens_at_its_place_only() {
        let keys = keys(&[(1, 10)]);
        let body = keys.seal(b"here", b"text".to_vec()).unwrap();
        assert!(keys.open(b"there", &body).is_err());
        assert!(keys.open(b"here", &body[..9]).is_err());
        assert_eq!(keys.open(b"here", &[]), Err(Unopened::Cut));
        assert!(!body.windows(4).any(|part| part == b"text"));
    }

    #[test]
    fn names_of_contents_depend_on_the_key() {
        assert_ne!(keys(&[(1, 10)]).hash(b"text"), keys(&[(2, 20)]).hash(b"text"));
        assert_eq!(keys(&[]).hash(b"text").0, *blake3::hash(b"text").as_bytes());
        assert_eq!(keys(&[(2, 20), (1, 10)]).hashes(b"text")[1], keys(&[(1, 10)]).hash(b"text"));
    }
}
