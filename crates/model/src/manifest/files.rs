//! Files and their hashes.

use std::io::Read;
use std::path::Path;

use ibid_types::{Error, Result};
use sha2::{Digest, Sha256};

use super::{Entry, Progress, Status, Step};

const BUFFER_BYTES: usize = 256 * 1024;

/// Whether the files are in `dir`, by name and size.
pub fn status(dir: &Path, entry: &Entry) -> Status {
    if !dir.is_dir() {
        return Status::Missing;
    }
    let is_other = |path: &Path, bytes: u64| {
        !std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() == bytes)
    };
    match entry.files.iter().find(|file| is_other(&dir.join(file.name), file.bytes)) {
        Some(file) => Status::Damaged { file: file.name },
        None => Status::Present,
    }
}

/// Hashes the files in `dir`. Error: `model_damaged` for the first one that is not what the manifest says.
pub fn verify(dir: &Path, entry: &Entry, progress: &mut dyn FnMut(Progress)) -> Result<()> {
    let bytes_total = entry.bytes();
    let mut before = 0;
    for file in entry.files {
        let path = dir.join(file.name);
        let opened = std::fs::File::open(&path).map_err(|error| unusable(&path, error))?;
        let mut on_bytes =
            |done| progress(Progress { step: Step::Verify, bytes_done: before + done, bytes_total });
        let found =
            sha256(opened, &mut std::io::sink(), &mut on_bytes).map_err(|error| unusable(&path, error))?;
        if found != file.sha256 {
            return Err(damaged(entry.name, file.name));
        }
        before += file.bytes;
    }
    Ok(())
}

/// Copies `from` to `to` and gives the SHA-256 of what was copied, in hexadecimal. `on_bytes` gets the bytes so far.
pub fn sha256(
    mut from: impl Read,
    to: &mut dyn std::io::Write,
    on_bytes: &mut dyn FnMut(u64),
) -> std::io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut done = 0;
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => return Ok(hex(&hasher.finalize())),
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..count]);
        to.write_all(&buffer[..count])?;
        done += count as u64;
        on_bytes(done);
    }
}

pub fn damaged(name: &str, file: &str) -> Error {
    Error::internal(
        "model_damaged",
        format!(
            "the file {file} of the model '{name}' is not what it should be; get it anew with `ibid models pull {name}`"
        ),
    )
}

/// A file or folder that cannot be read or written.
pub fn unusable(path: &Path, error: std::io::Error) -> Error {
    let path = path.display();
    let message = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            format!(
                "the disk is full at {path}; make room and run the command again, it goes on where it stopped"
            )
        }
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            format!(
                "{path} may not be written or read; check its rights, or set models.dir to another folder"
            )
        }
        _ => format!("{path} cannot be written or read; check the disk and models.dir"),
    };
    Error::unavailable("model_disk", message).caused_by(error)
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .map(char::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_standard() {
        // FIPS 180-4, the example "abc".
        let mut copy = Vec::new();
        let hash = sha256(&b"abc"[..], &mut copy, &mut |_| {}).unwrap();
        assert_eq!(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(copy, b"abc");
    }

    #[test]
    fn a_full_disk_is_told_as_such() {
        let error = unusable(Path::new("/m"), std::io::ErrorKind::StorageFull.into());
        assert!(error.message.starts_with("the disk is full at /m"), "{}", error.message);
    }
}
