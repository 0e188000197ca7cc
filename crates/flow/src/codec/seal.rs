//! Encryption: XChaCha20-Poly1305 with a random nonce of 24 bytes, bound to the place where the body is stored.
//!
//! Keeps true: a body that was moved, changed or sealed with another key does not open.

use std::borrow::Cow;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use ibid_types::{ContentHash, Error, Result};

use super::damaged;

const NONCE_BYTES: usize = 24;
/// The format of a body that no key sealed.
const OPEN: u8 = 0;

/// 32 bytes under an id from 1 to 255 that never names another key.
#[derive(Clone, PartialEq, Eq)]
pub struct CheckpointKey {
    pub id: u8,
    pub bytes: [u8; 32],
}

impl std::fmt::Debug for CheckpointKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CheckpointKey({}, ...)", self.id)
    }
}

#[derive(Clone)]
struct Key {
    id: u8,
    cipher: XChaCha20Poly1305,
    /// Names large values, so that nobody without the key can tell by its hash that a known text is stored.
    naming: [u8; 32],
}

/// The first seals, all open.
#[derive(Clone, Default)]
pub struct Keys(Arc<Vec<Key>>);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| key.id)).finish()
    }
}

impl Keys {
    pub fn new(keys: &[CheckpointKey]) -> Self {
        let key = |key: &CheckpointKey| Key {
            id: key.id,
            cipher: XChaCha20Poly1305::new(&key.bytes.into()),
            naming: blake3::derive_key("ibid 2026-11-21 names of large values of checkpoints", &key.bytes),
        };
        Self(Arc::new(keys.iter().filter(|key| key.id != OPEN).map(key).collect()))
    }

    pub fn is_sealing(&self) -> bool {
        !self.0.is_empty()
    }

    pub fn first_id(&self) -> u8 {
        self.0.first().map_or(OPEN, |key| key.id)
    }

    /// The name of a large value.
    pub fn hash(&self, bytes: &[u8]) -> ContentHash {
        let hash = match self.0.first() {
            None => blake3::hash(bytes),
            Some(key) => blake3::keyed_hash(&key.naming, bytes),
        };
        ContentHash(*hash.as_bytes())
    }

    pub fn seal(&self, place: &[u8], payload: Vec<u8>) -> Result<Vec<u8>> {
        let Some(key) = self.0.first() else {
            let mut body = Vec::with_capacity(payload.len() + 1);
            body.push(OPEN);
            body.extend_from_slice(&payload);
            return Ok(body);
        };
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|error| {
            Error::internal("chance_unavailable", "the system gives no random bytes")
                .caused_by(error.to_string())
        })?;
        let sealed = key
            .cipher
            .encrypt(&XNonce::from(nonce), Payload { msg: &payload, aad: place })
            .map_err(|_| Error::internal("checkpoint_damaged", "a state cannot be encrypted"))?;
        Ok([&[key.id], &nonce[..], &sealed].concat())
    }

    pub fn open<'a>(&self, place: &[u8], body: &'a [u8]) -> Result<Cow<'a, [u8]>> {
        let (&id, rest) = body.split_first().ok_or_else(|| damaged("a checkpoint is empty"))?;
        if id == OPEN {
            return Ok(Cow::Borrowed(rest));
        }
        let key = self.0.iter().find(|key| key.id == id).ok_or_else(|| missing(id, "is not configured"))?;
        let (nonce, sealed) =
            rest.split_first_chunk::<NONCE_BYTES>().ok_or_else(|| damaged("a checkpoint is cut short"))?;
        key.cipher
            .decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: place })
            .map(Cow::Owned)
            .map_err(|_| missing(id, "does not open it (another key under the same id, or damage)"))
    }
}

fn missing(id: u8, why: &str) -> Error {
    let what = format!("what is stored here was encrypted with key {id}, which {why}; bring that key back");
    Error::unavailable("checkpoint_key_missing", what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(ids: &[(u8, u8)]) -> Keys {
        let keys: Vec<_> =
            ids.iter().map(|(id, byte)| CheckpointKey { id: *id, bytes: [*byte; 32] }).collect();
        Keys::new(&keys)
    }

    #[test]
    fn what_one_key_sealed_opens_as_long_as_it_is_there() {
        let body = keys(&[(1, 10)]).seal(b"here", b"text".to_vec()).unwrap();
        assert_eq!(*keys(&[(2, 20), (1, 10)]).open(b"here", &body).unwrap(), *b"text");
        let error = keys(&[(2, 20)]).open(b"here", &body).unwrap_err();
        assert_eq!(error.code, "checkpoint_key_missing");
        assert!(error.message.contains("key 1"), "{error}");
    }

    #[test]
    fn another_key_of_the_same_id_is_found_out() {
        let body = keys(&[(1, 10)]).seal(b"here", b"text".to_vec()).unwrap();
        assert_eq!(keys(&[(1, 11)]).open(b"here", &body).unwrap_err().code, "checkpoint_key_missing");
    }

    #[test]
    fn a_body_opens_at_its_place_only() {
        let keys = keys(&[(1, 10)]);
        let body = keys.seal(b"here", b"text".to_vec()).unwrap();
        assert!(keys.open(b"there", &body).is_err());
        assert!(keys.open(b"here", &body[..9]).is_err());
        assert!(keys.open(b"here", &[]).is_err());
        assert!(!body.windows(4).any(|part| part == b"text"));
    }

    #[test]
    fn names_of_values_depend_on_the_key() {
        assert_ne!(keys(&[(1, 10)]).hash(b"text"), keys(&[(2, 20)]).hash(b"text"));
        assert_eq!(keys(&[]).hash(b"text").0, *blake3::hash(b"text").as_bytes());
    }
}
