//! Damage: a few random changes of a seed, in the container's members where it is one.

use std::io::{Cursor, Read as _, Write as _};

use crate::dice::Dice;
use crate::entries::Entry;

/// Inputs do not grow beyond this.
const BYTES_MAX: usize = 1 << 20;
const CHANGES_MAX: usize = 8;
/// Members of a container that are kept, so that each input takes little time.
const MEMBERS_MAX: usize = 200;
/// Bytes that mean something to many formats.
const ODD: [&[u8]; 24] = [
    b"\0",
    b"\xff",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"-1",
    b"0",
    b"9999999999999999999999",
    b"1e999",
    b"NaN",
    b"%00",
    b"%s%n",
    b"../../",
    b"\r\n\r\n",
    b"\n",
    b"\"",
    b"'",
    b"<",
    b"&#x110000;",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    "\u{202e}".as_bytes(),
    "\u{feff}".as_bytes(),
    "é".as_bytes(),
];

/// The input of that number: the seed itself first, then damaged ones.
#[must_use]
pub fn input(entry: &Entry, seeds: &[Vec<u8>], number: u64) -> Vec<u8> {
    let mut dice = Dice::of(entry.name, number);
    if let Some(seed) = usize::try_from(number).ok().and_then(|number| seeds.get(number)) {
        return seed.clone();
    }
    let seed = dice.pick(seeds).cloned().unwrap_or_default();
    if is_container(&seed) && dice.below(4) > 0 {
        let which = dice.next();
        let damage = &mut |bytes: Vec<u8>| damaged(bytes.clone(), &bytes, entry.words, &mut dice);
        return in_container(&seed, which, damage).unwrap_or(seed);
    }
    let other = dice.pick(seeds).cloned().unwrap_or_default();
    damaged(seed, &other, entry.words, &mut dice)
}

/// The bytes as one who knows what they led to changes them. That one knows nothing of containers and little of deep nesting.
pub fn guided(
    entry: &Entry,
    bytes: &[u8],
    number: u64,
    by_other: &mut dyn FnMut(Vec<u8>) -> Vec<u8>,
) -> Vec<u8> {
    let mut dice = Dice::of(entry.name, number);
    match dice.below(8) {
        0 => damaged(bytes.to_vec(), bytes, entry.words, &mut dice),
        1.. if is_container(bytes) => {
            in_container(bytes, dice.next(), by_other).unwrap_or_else(|| by_other(bytes.to_vec()))
        }
        _ => by_other(bytes.to_vec()),
    }
}

fn is_container(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// The bytes with a few changes; parts may come from `other`.
fn damaged(mut bytes: Vec<u8>, other: &[u8], words: &[&str], dice: &mut Dice) -> Vec<u8> {
    for _ in 0..=dice.below(CHANGES_MAX) {
        change(&mut bytes, other, words, dice);
        bytes.truncate(BYTES_MAX);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, other: &[u8], words: &[&str], dice: &mut Dice) {
    let at = dice.below(bytes.len() + 1);
    let end = (at + dice.below(64)).min(bytes.len());
    match dice.below(9) {
        0 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << dice.below(8)),
        1 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = dice.next() as u8),
        2 => drop(bytes.drain(at..end)),
        3 => insert(bytes, at, dice.pick(&ODD).copied().unwrap_or_default()),
        4 => insert(bytes, at, dice.pick(words).map_or(b"".as_slice(), |word| word.as_bytes())),
        5 => insert(bytes, at, &bytes[at..end].repeat(1 + dice.below(40))),
        6 => {
            let from = dice.below(other.len() + 1);
            let to = (from + dice.below(512)).min(other.len());
            insert(bytes, at, &other[from..to]);
        }
        7 => bytes.truncate(at),
        // Deep nesting is what recursion does not stand.
        _ => insert(
            bytes,
            at,
            &dice.pick(words).map_or(b"(".as_slice(), |word| word.as_bytes()).repeat(dice.below(3000)),
        ),
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, part: &[u8]) {
    let part = part.to_vec();
    bytes.splice(at..at, part);
}

/// A container of which one member is damaged: sums and offsets are right again, so that its readers come to it.
fn in_container(seed: &[u8], which: u64, damage: &mut dyn FnMut(Vec<u8>) -> Vec<u8>) -> Option<Vec<u8>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(seed)).ok()?;
    let damaged_one = usize::try_from(which).unwrap_or(0) % archive.len().max(1);
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for number in 0..archive.len().min(MEMBERS_MAX) {
        let mut member = archive.by_index(number).ok()?;
        let (name, mut bytes) = (member.name().ok()?.to_string(), Vec::new());
        member.by_ref().take(BYTES_MAX as u64).read_to_end(&mut bytes).ok()?;
        if number == damaged_one {
            bytes = damage(bytes);
        }
        writer.start_file(name, stored).ok()?;
        writer.write_all(&bytes).ok()?;
    }
    Some(writer.finish().ok()?.into_inner())
}
