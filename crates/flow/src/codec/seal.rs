//! Sealing of checkpoints: the keys of `ibid_seal`, with the failures of a journal.
//!
//! Keeps true: a body that was moved, changed or sealed with another key does not open.

use std::borrow::Cow;

use ibid_seal::Unopened;
use ibid_types::{ContentHash, Error, Result};

use super::damaged;

pub use ibid_seal::SealKey as CheckpointKey;

/// The context from which names of large values are derived; another would orphan all that are stored.
const NAMING: &str = "ibid 2026-11-21 names of large values of checkpoints";

/// The first seals, all open.
#[derive(Clone, Debug, Default)]
pub struct Keys(ibid_seal::Keys);

impl Keys {
    pub fn new(keys: &[CheckpointKey]) -> Self {
        Self(ibid_seal::Keys::new(keys, NAMING))
    }

    pub fn is_sealing(&self) -> bool {
        self.0.is_sealing()
    }

    pub fn first_id(&self) -> u8 {
        self.0.first_id()
    }

    /// The name of a large value.
    pub fn hash(&self, bytes: &[u8]) -> ContentHash {
        self.0.hash(bytes)
    }

    pub fn seal(&self, place: &[u8], payload: Vec<u8>) -> Result<Vec<u8>> {
        self.0.seal(place, payload)
    }

    pub fn open<'a>(&self, place: &[u8], body: &'a [u8]) -> Result<Cow<'a, [u8]>> {
        self.0.open(place, body).map_err(|why| match why {
            Unopened::Cut => damaged("a checkpoint is cut short"),
            Unopened::KeyUnknown(_) | Unopened::Refused(_) => {
                let what = format!("what is stored here does not open: {why}; bring that key back");
                Error::unavailable("checkpoint_key_missing", what)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(id: u8) -> Keys {
        Keys::new(&[CheckpointKey { id, bytes: [id; 32] }])
    }

    #[test]
    fn a_missing_key_and_a_cut_body_are_told_apart() {
        let body = keys(1).seal(b"here", b"text".to_vec()).unwrap();
        let error = keys(2).open(b"here", &body).unwrap_err();
        assert_eq!(error.code, "checkpoint_key_missing");
        assert!(error.message.contains("key 1"), "{error}");
        assert_eq!(keys(1).open(b"here", &[]).unwrap_err().code, "checkpoint_damaged");
    }
}
