//! Damage to a file, the same for the same seed: flipped bytes, cuts, copies from one place to another, and for a zip
//! container the same within one of its entries, so that damage reaches what is packed.

use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Entries that are unpacked for a mutation, at most, in bytes.
const ENTRY_BYTES_MAX: u64 = 8 << 20;

pub fn mutated(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut random = Random(seed ^ bytes.len() as u64);
    if bytes.starts_with(b"PK")
        && random.below(3) > 0
        && let Some(container) = with_damaged_entry(bytes, &mut random)
    {
        return container;
    }
    damaged(bytes, &mut random)
}

fn damaged(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if bytes.is_empty() {
        return bytes;
    }
    for _ in 0..=random.below(2) {
        match random.below(5) {
            0 => bytes.truncate(random.below(bytes.len())),
            1 => splice(&mut bytes, random, 64),
            2 => splice(&mut bytes, random, 4096),
            _ => flip(&mut bytes, random),
        }
    }
    bytes
}

fn flip(bytes: &mut [u8], random: &mut Random) {
    for _ in 0..=random.below(16) {
        if !bytes.is_empty() {
            let at = random.below(bytes.len());
            bytes[at] = u8::try_from(random.below(256)).unwrap_or(0);
        }
    }
}

/// Copies a range to another place, several times.
fn splice(bytes: &mut Vec<u8>, random: &mut Random, length_max: usize) {
    if bytes.is_empty() {
        return;
    }
    let from = random.below(bytes.len());
    let length = random.below(length_max).min(bytes.len() - from);
    let piece = bytes[from..from + length].repeat(1 + random.below(8));
    let to = random.below(bytes.len());
    let until = if random.below(2) == 0 { to } else { (to + length).min(bytes.len()) };
    bytes.splice(to..until, piece);
}

/// The container packed again with one entry damaged.
fn with_damaged_entry(bytes: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
    let target = random.below(archive.len());
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for number in 0..archive.len() {
        let entry = archive.by_index(number).ok()?;
        let name = entry.name().ok()?.into_owned();
        let mut content = Vec::new();
        entry.take(ENTRY_BYTES_MAX).read_to_end(&mut content).ok()?;
        let content = if number == target { damaged(&content, random) } else { content };
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        writer.start_file(name, stored).ok()?;
        writer.write_all(&content).ok()?;
    }
    Some(writer.finish().ok()?.into_inner())
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
struct Random(u64);

impl Random {
    /// Below `bound`; 0 if that is 0.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((x ^ (x >> 31)) % (bound.max(1) as u64)).unwrap_or(0)
    }
}
