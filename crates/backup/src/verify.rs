//! Verification of everything that a destination holds: every object is read, checked, opened, and put in its chain.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use ibid_seal::Keys;
use ibid_types::{ContentHash, Result, Timestamp};
use serde::Serialize;

use crate::base::Base;
use crate::catalog::Catalog;
use crate::destination::Destination;
use crate::envelope::{Kind, damaged, unwrap};
use crate::log::read_log;
use crate::names::{self, Named};
use crate::pieces::piece_names;
use crate::restore::Progress;

/// What is wrong with one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damage {
    pub object: String,
    pub code: String,
    pub reason: String,
}

/// What was found in one destination.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    pub destination: String,
    pub objects: u64,
    pub bytes: u64,
    pub segments: u64,
    pub commits: u64,
    pub bases: u64,
    pub pieces: u64,
    /// Objects that are there and cannot be used, and such that are named and not there.
    pub damages: Vec<Damage>,
    /// The last commit, and its time, that can be restored from the newest generation.
    pub last_commit: u64,
    pub last_at: Timestamp,
}

/// Reads everything. Error: `backup_unreachable`.
pub fn verify(source: &Arc<dyn Destination>, keys: &Keys, progress: Progress<'_>) -> Result<Verified> {
    let mut verified = Verified { destination: source.label().to_owned(), ..Verified::default() };
    let pieces = verify_pieces(source, keys, &mut verified, progress)?;
    let catalog = Catalog::read(std::slice::from_ref(source))?;
    for holdings in catalog.generations.values() {
        let mut named = BTreeSet::new();
        for (name, bytes) in &holdings.bases {
            verified.counted(*bytes);
            let place = name.to_string();
            match source.get(&place).and_then(|object| Base::read(name, &object, keys)) {
                Ok(base) => {
                    verified.bases += 1;
                    (verified.last_commit, verified.last_at) = (base.head.commit, base.head.at);
                    named
                        .extend(base.pieces.iter().chain(&base.originals).map(|hash| (*hash, place.clone())));
                }
                Err(error) => verified.damaged(&place, &error),
            }
        }
        let mut previous: Option<(u64, ContentHash)> = None;
        let count = holdings.log.len() as u64;
        for (done, (name, bytes)) in holdings.log.iter().enumerate() {
            progress("log", done as u64, count);
            verified.counted(*bytes);
            let place = name.to_string();
            let chained = match previous {
                Some((last, checksum)) if last + 1 == name.segments.0 => Some(checksum),
                Some((last, _)) => {
                    let what = format!("segments {} to {} are not there", last + 1, name.segments.0 - 1);
                    verified.damages.push(Damage {
                        object: place.clone(),
                        code: "backup_object_missing".to_owned(),
                        reason: what,
                    });
                    None
                }
                None => None,
            };
            match source.get(&place).and_then(|object| read_log(name, &object, chained, keys)) {
                Ok(segments) => {
                    for segment in segments {
                        verified.segments += 1;
                        verified.commits += segment.commits.len() as u64;
                        named.extend(segment.head.originals.iter().map(|hash| (*hash, place.clone())));
                        previous = Some((segment.head.number, segment.checksum));
                    }
                    if verified.damages.is_empty() {
                        (verified.last_commit, verified.last_at) = (name.commits.1, name.at);
                    }
                }
                Err(error) => {
                    verified.damaged(&place, &error);
                    previous = None;
                }
            }
        }
        for (hash, place) in named {
            if !piece_names(&hash, keys).iter().any(|name| pieces.contains(name)) {
                verified.damages.push(Damage {
                    object: place,
                    code: "backup_object_missing".to_owned(),
                    reason: format!("it names piece {hash}, which is not there or damaged"),
                });
            }
        }
    }
    Ok(verified)
}

/// Names of all whole pieces.
fn verify_pieces(
    source: &Arc<dyn Destination>,
    keys: &Keys,
    verified: &mut Verified,
    progress: Progress<'_>,
) -> Result<HashSet<String>> {
    let listed = source.list("pieces/")?;
    let mut whole = HashSet::new();
    for (done, object) in listed.iter().enumerate() {
        progress("pieces", done as u64, listed.len() as u64);
        let Some(Named::Piece(_)) = names::read(&object.name) else { continue };
        verified.counted(object.bytes);
        let read = source.get(&object.name).and_then(|bytes| check_piece(&object.name, &bytes, keys));
        match read {
            Ok(()) => {
                verified.pieces += 1;
                whole.insert(object.name.clone());
            }
            Err(error) => verified.damaged(&object.name, &error),
        }
    }
    Ok(whole)
}

/// A piece's name follows from its content.
fn check_piece(name: &str, object: &[u8], keys: &Keys) -> Result<()> {
    let content = unwrap(Kind::Piece, name, object, keys)?.content;
    let hash = ContentHash(*blake3::hash(&content).as_bytes());
    let is_it = piece_names(&hash, keys).iter().any(|known| known == name);
    if is_it { Ok(()) } else { Err(damaged(name, "its name")) }
}

impl Verified {
    const fn counted(&mut self, bytes: u64) {
        self.objects += 1;
        self.bytes += bytes;
    }

    fn damaged(&mut self, object: &str, error: &ibid_types::Error) {
        self.damages.push(Damage {
            object: object.to_owned(),
            code: error.code.to_owned(),
            reason: error.chain(),
        });
    }
}
