//! Compression: zstd at its fastest with a dictionary of what states look like.
//!
//! Keeps true: a dictionary, once released, stays byte for byte: what it packed cannot be read with another.

use std::sync::LazyLock;

use ibid_types::{Error, Result};
use parking_lot::Mutex;
use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};

use super::damaged;

/// No checkpoint and no value is larger than this when it is unpacked.
pub const UNPACKED_BYTES_MAX: usize = 64 << 20;
/// Contexts kept for reuse: making one costs more than packing a small state.
const KEPT_MAX: usize = 8;
/// The fastest level: higher ones save less than a tenth of a small state.
const LEVEL: i32 = 1;

/// Names and phrases of states; a small state of 680 bytes takes 210 with it and 405 without.
static DICTIONARY: &[u8] = include_bytes!("dictionary.txt");
static ENCODER: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(DICTIONARY, LEVEL));
static DECODER: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(DICTIONARY));

static COMPRESSORS: Mutex<Vec<Compressor<'static>>> = Mutex::new(Vec::new());
static DECOMPRESSORS: Mutex<Vec<Decompressor<'static>>> = Mutex::new(Vec::new());

pub fn deflate(bytes: &[u8]) -> Result<Vec<u8>> {
    if bytes.len() > UNPACKED_BYTES_MAX {
        let what = format!("a state or value of {} bytes is larger than a checkpoint can be", bytes.len());
        return Err(Error::bad_request("checkpoint_too_large", what));
    }
    let kept = COMPRESSORS.lock().pop();
    let mut compressor = match kept {
        Some(compressor) => compressor,
        None => compressor_new().map_err(failed)?,
    };
    let packed = compressor.compress(bytes).map_err(failed);
    keep(&COMPRESSORS, compressor);
    packed
}

pub fn inflate(bytes: &[u8]) -> Result<Vec<u8>> {
    let size = zstd::zstd_safe::get_frame_content_size(bytes).ok().flatten();
    let size = size.and_then(|size| usize::try_from(size).ok()).filter(|size| *size <= UNPACKED_BYTES_MAX);
    let size = size.ok_or_else(|| damaged("what was stored does not say its size"))?;
    let kept = DECOMPRESSORS.lock().pop();
    let mut decompressor = match kept {
        Some(decompressor) => decompressor,
        None => Decompressor::with_prepared_dictionary(&DECODER).map_err(failed)?,
    };
    let unpacked = decompressor
        .decompress(bytes, size)
        .map_err(|error| damaged("what was stored cannot be decompressed").caused_by(error));
    keep(&DECOMPRESSORS, decompressor);
    unpacked
}

fn compressor_new() -> std::io::Result<Compressor<'static>> {
    let mut compressor = Compressor::with_prepared_dictionary(&ENCODER)?;
    compressor.include_checksum(false)?;
    compressor.include_dictid(false)?;
    Ok(compressor)
}

fn keep<T>(kept: &Mutex<Vec<T>>, context: T) {
    let mut kept = kept.lock();
    if kept.len() < KEPT_MAX {
        kept.push(context);
    }
}

fn failed(error: std::io::Error) -> Error {
    Error::internal("checkpoint_damaged", "a state cannot be compressed").caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back() {
        for bytes in [&b""[..], b"x", &[7; 100_000], DICTIONARY] {
            assert_eq!(inflate(&deflate(bytes).unwrap()).unwrap(), bytes);
        }
    }

    #[test]
    fn rubbish_is_refused() {
        let good = deflate(&[1; 500]).unwrap();
        assert_eq!(inflate(b"rubbish").unwrap_err().code, "checkpoint_damaged");
        assert_eq!(inflate(&good[..good.len() - 1]).unwrap_err().code, "checkpoint_damaged");
        assert_eq!(inflate(b"").unwrap_err().code, "checkpoint_damaged");
    }

    #[test]
    fn the_dictionary_is_the_released_one() {
        assert_eq!(blake3::hash(DICTIONARY).to_hex().as_str(), DICTIONARY_HASH);
    }

    const DICTIONARY_HASH: &str = "85844ac0d8b19365899a36f8feded6779b54aa4a1a4a271892c07a6d545183e4";
}
