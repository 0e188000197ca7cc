//! What passes between parent and child: frames of a length and as many bytes.

use std::io::{Read, Write};

use ibid_types::parsed::Parsed;
use ibid_types::{Class, Error};
use serde::{Deserialize, Serialize};

/// More than any answer may have: text, structure and JSON's escapes.
const FRAME_BYTES_MAX: u64 = 2 << 30;

/// What the parent asks; the file's bytes follow as a frame of their own.
#[derive(Debug, Serialize, Deserialize)]
pub struct Request {
    pub source: String,
    pub media_type: Option<String>,
}

/// What the child answers.
#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    Parsed(Parsed),
    Failed { class: Class, code: String, message: String },
}

impl Answer {
    pub fn failed(error: &Error) -> Self {
        Self::Failed { class: error.class, code: error.code.to_owned(), message: error.chain() }
    }
}

pub fn write_frame(to: &mut impl Write, bytes: &[u8]) -> std::io::Result<()> {
    to.write_all(&(bytes.len() as u64).to_le_bytes())?;
    to.write_all(bytes)?;
    to.flush()
}

/// The next frame, or `None` at the end of the stream.
pub fn read_frame(from: &mut impl Read) -> std::io::Result<Option<Vec<u8>>> {
    let mut length = [0; 8];
    match from.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u64::from_le_bytes(length);
    if length > FRAME_BYTES_MAX {
        return Err(std::io::Error::other("a frame is longer than any may be"));
    }
    let mut bytes = Vec::new();
    from.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length { Ok(Some(bytes)) } else { Err(std::io::ErrorKind::UnexpectedEof.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_and_a_cut_one_does_not() {
        let mut stream = Vec::new();
        write_frame(&mut stream, b"abc").unwrap();
        assert_eq!(read_frame(&mut stream.as_slice()).unwrap().unwrap(), b"abc");
        assert!(read_frame(&mut &stream[..9]).is_err());
        assert!(read_frame(&mut [].as_slice()).unwrap().is_none());
    }
}
