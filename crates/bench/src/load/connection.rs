//! As much of HTTP/1.1 as a load needs: one connection that is kept, JSON up, an answer of a told length down.
//! Small, because whoever makes the load takes its time from the server that is measured.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(30);
const HEAD_BYTES_MAX: usize = 64 << 10;
const BODY_BYTES_MAX: usize = 64 << 20;

/// A server, and the key that it lets us in with.
#[derive(Clone, Debug)]
pub struct Door {
    pub address: SocketAddr,
    pub key: String,
}

/// A connection that is kept open.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    /// Of every request: where it goes, and who sends it.
    headers: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    /// Whether the words are in the body.
    #[must_use]
    pub fn holds(&self, words: &str) -> bool {
        std::str::from_utf8(&self.body).is_ok_and(|body| body.contains(words))
    }

    /// The status and how the body begins.
    #[must_use]
    pub fn in_words(&self) -> String {
        let body = &self.body[..self.body.len().min(200)];
        format!("{}: {}", self.status, String::from_utf8_lossy(body))
    }
}

impl Connection {
    /// # Errors
    /// What the system says.
    pub fn open(door: &Door) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&door.address, TIMEOUT)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        let headers = format!("Host: {}\r\nAuthorization: Bearer {}\r\n", door.address, door.key);
        Ok(Self { stream, headers })
    }

    /// # Errors
    /// What the system says, and `InvalidData` for an answer whose length is not told.
    pub fn post(&mut self, path: &str, body: &str) -> Result<Answer> {
        self.post_as(path, "application/json", body)
    }

    /// A body of another media type.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub fn post_as(&mut self, path: &str, media_type: &str, body: &str) -> Result<Answer> {
        let head = format!(
            "POST {path} HTTP/1.1\r\n{}Content-Type: {media_type}\r\nContent-Length: {}\r\n\r\n",
            self.headers,
            body.len()
        );
        self.stream.write_all((head + body).as_bytes())?;
        self.answer()
    }

    /// # Errors
    /// As [`Self::post`].
    pub fn get(&mut self, path: &str) -> Result<Answer> {
        self.stream.write_all(format!("GET {path} HTTP/1.1\r\n{}\r\n", self.headers).as_bytes())?;
        self.answer()
    }

    fn answer(&mut self) -> Result<Answer> {
        let mut bytes = Vec::with_capacity(16 << 10);
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if bytes.len() > HEAD_BYTES_MAX {
                return Err(malformed("the answer's head is too long"));
            }
            self.read_more(&mut bytes)?;
        };
        let (status, length) = read_head(&bytes[..end])?;
        while bytes.len() < end + length {
            self.read_more(&mut bytes)?;
        }
        Ok(Answer { status, body: bytes.split_off(end) })
    }

    fn read_more(&mut self, bytes: &mut Vec<u8>) -> Result<()> {
        let mut buffer = [0; 16 << 10];
        match self.stream.read(&mut buffer)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            count => {
                bytes.extend_from_slice(&buffer[..count]);
                Ok(())
            }
        }
    }
}

/// Status and length of the body.
fn read_head(head: &[u8]) -> Result<(u16, usize)> {
    let text = std::str::from_utf8(head).map_err(|_| malformed("the answer's head is not text"))?;
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    match (status, length) {
        (Some(status), Some(length)) if length <= BODY_BYTES_MAX => Ok((status, length)),
        _ => Err(malformed("the answer has no status or no length")),
    }
}

fn malformed(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_status_and_length() {
        let head = b"HTTP/1.1 503 Busy\r\ncontent-length: 12\r\n\r\n";
        assert_eq!(read_head(head).unwrap(), (503, 12));
        assert!(read_head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(read_head(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n").is_err());
    }

    #[test]
    fn words_begin_with_the_status() {
        assert_eq!(Answer { status: 404, body: b"gone".to_vec() }.in_words(), "404: gone");
    }
}
