//! Reading a chain of segments from destinations, each from the first that has it whole.

use std::sync::Arc;

use ibid_seal::Keys;
use ibid_types::{ContentHash, Error, Result};

use crate::destination::Destination;
use crate::envelope::{damaged, split};
use crate::names::LogName;
use crate::segment::Segment;

/// The segments of an object, in order, which follow `previous`. Errors: `backup_damaged`, `backup_object_missing`,
/// `backup_key_missing`, `backup_unreachable`.
pub fn fetch_log(
    sources: &[Arc<dyn Destination>],
    name: &LogName,
    previous: Option<ContentHash>,
    keys: &Keys,
) -> Result<Vec<Segment>> {
    let place = name.to_string();
    let mut kept: Option<Error> = None;
    for source in sources {
        let read = source.get(&place).and_then(|object| read_log(name, &object, previous, keys));
        match read {
            Ok(segments) => return Ok(segments),
            Err(error) if kept.as_ref().is_none_or(|kept| kept.code == "backup_object_missing") => {
                kept = Some(error);
            }
            Err(_) => {}
        }
    }
    Err(kept.unwrap_or_else(|| Error::not_found("backup_object_missing", format!("{place} is in no backup"))))
}

/// Reads an object of the log and checks that it continues the chain.
pub fn read_log(
    name: &LogName,
    object: &[u8],
    previous: Option<ContentHash>,
    keys: &Keys,
) -> Result<Vec<Segment>> {
    let place = name.to_string();
    let mut previous = previous;
    let mut segments = Vec::new();
    let parts = split(object);
    let count = parts.len() as u64;
    for (number, one) in (name.segments.0..=name.segments.1).zip(parts) {
        let segment = Segment::read(&name.generation, number, one, keys)?;
        if previous.is_some_and(|previous| previous != segment.head.previous) {
            return Err(damaged(&place, "the chain from the segment before it"));
        }
        previous = Some(segment.checksum);
        segments.push(segment);
    }
    let first = segments.first().map(|segment| segment.head.first_commit);
    let last = segments.last().map(|segment| (segment.head.number, segment.last_commit()));
    let is_all = name.segments.0 + count == name.segments.1 + 1;
    let is_whole = is_all && first == Some(name.commits.0) && last == Some((name.segments.1, name.commits.1));
    if is_whole { Ok(segments) } else { Err(damaged(&place, "its name")) }
}
