//! How a checkpoint becomes bytes: JSON, large values taken out, compressed, and encrypted where a key is configured.
//!
//! Keeps true: what was packed comes back equal; a body that was encrypted opens only at its own place, under a key
//! that is configured; bytes from outside never make more than `UNPACKED_BYTES_MAX`.
//!
//! A body is one byte of format (0: deflated only; else the id of the key that sealed it) and the payload.

mod large;
mod pack;
mod seal;
mod text;

use std::collections::{BTreeMap, HashSet};

use ibid_types::{ContentHash, Error, Result, RunId};
use serde::{Deserialize, Serialize};

use crate::machine::{Command, RunState};

pub use large::depth_of;
pub use pack::UNPACKED_BYTES_MAX;
pub use seal::CheckpointKey;

use large::TakenOut;
use seal::Keys;

/// Values by hash: what a body names and does not hold.
pub type Values = BTreeMap<ContentHash, Vec<u8>>;

/// Gives the stored form of values by hash, in any order.
pub type Fetch<'a> = &'a dyn Fn(&[ContentHash]) -> Result<Vec<(ContentHash, Vec<u8>)>>;

/// A checkpoint as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    pub body: Vec<u8>,
    /// Large values that it names and that were not known, each in its stored form.
    pub values: Values,
}

#[derive(Serialize)]
struct Written<'a>(&'a Command, &'a RunState);

#[derive(Deserialize)]
struct Read(Command, RunState);

/// Packs and unpacks. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Codec {
    keys: Keys,
}

impl Codec {
    /// The first key seals, all of them open; without keys nothing is encrypted.
    #[must_use]
    pub fn new(keys: &[CheckpointKey]) -> Self {
        Self { keys: Keys::new(keys) }
    }

    /// A command with the state after it, for the place (run, number). Values that are known already are named and not
    /// packed again. Both are as before when it returns; they lend their large values meanwhile.
    pub fn pack(
        &self,
        run: RunId,
        number: u32,
        command: &mut Command,
        state: &mut RunState,
        known: &HashSet<ContentHash>,
    ) -> Result<Packed> {
        let mut taken = TakenOut::default();
        let write = |command: &Command, state: &RunState| to_json(&Written(command, state));
        let hash = |bytes: &[u8]| self.keys.hash(bytes);
        let json = large::without_large(command, state, &mut taken, &hash, write)?;
        let body = self.seal(&place(run, number), &json)?;
        let new = taken.into_iter().filter(|(hash, _)| !known.contains(hash));
        let values = new.map(|(hash, json)| Ok((hash, self.seal(&hash.0, &json)?)));
        Ok(Packed { body, values: values.collect::<Result<_>>()? })
    }

    /// The command and the state; `fetch` gives the stored form of values by hash.
    pub fn unpack(
        &self,
        run: RunId,
        number: u32,
        body: &[u8],
        fetch: Fetch<'_>,
    ) -> Result<(Command, RunState)> {
        let json = self.open(&place(run, number), body)?;
        let Read(mut command, mut state) = serde_json::from_slice(&json)
            .map_err(|error| damaged("a checkpoint's JSON cannot be read").caused_by(error))?;
        let fetch = |hashes: &[ContentHash]| -> Result<Vec<(ContentHash, Vec<u8>)>> {
            let stored = fetch(hashes)?;
            stored.into_iter().map(|(hash, body)| Ok((hash, self.open(&hash.0, &body)?))).collect()
        };
        large::put_back(&mut command, &mut state, &fetch)?;
        Ok((command, state))
    }

    /// The same body under the first key, or nothing if it is so already. `place` as `checkpoint_place` or a hash.
    pub fn repack(&self, place: &[u8], body: &[u8]) -> Result<Option<Vec<u8>>> {
        if body.first() == Some(&self.keys.first_id()) {
            return Ok(None);
        }
        let payload = self.keys.open(place, body)?;
        self.keys.seal(place, payload.into_owned()).map(Some)
    }

    fn seal(&self, place: &[u8], json: &[u8]) -> Result<Vec<u8>> {
        self.keys.seal(place, pack::deflate(json)?)
    }

    fn open(&self, place: &[u8], body: &[u8]) -> Result<Vec<u8>> {
        pack::inflate(&self.keys.open(place, body)?)
    }
}

/// What a sealed body is bound to, so that it opens nowhere else.
#[must_use]
pub fn place(run: RunId, number: u32) -> [u8; 20] {
    let mut place = [0; 20];
    place[..16].copy_from_slice(run.as_bytes());
    place[16..].copy_from_slice(&number.to_be_bytes());
    place
}

fn to_json<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    let mut json = Vec::with_capacity(1024);
    serde_json::to_writer(&mut json, value).map_err(|error| {
        Error::internal("checkpoint_damaged", "a state cannot be written as JSON").caused_by(error)
    })?;
    Ok(json)
}

fn damaged(what: &str) -> Error {
    Error::internal("checkpoint_damaged", format!("{what}; restore the store from a backup"))
}
