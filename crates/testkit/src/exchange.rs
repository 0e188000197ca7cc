//! One request and its answer on the wire, as far as a proxy between two programs must understand them.
//!
//! Keeps true: an answer comes in the pieces in which it arrived, whatever framing it had.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

/// A request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// Reads one; none where the other side has left.
    pub fn read(reader: &mut BufReader<TcpStream>) -> Option<Self> {
        let first = line(reader)?;
        let mut words = first.split_whitespace().map(str::to_owned);
        let (method, path) = (words.next()?, words.next()?);
        let headers = headers(reader)?;
        let mut request = Self { method, path, headers, body: Vec::new() };
        let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        request.body = vec![0; length];
        reader.read_exact(&mut request.body).ok()?;
        Some(request)
    }

    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// Null where it is no JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Sends it to another, over a connection of its own.
    pub fn send(&self, to: SocketAddr) -> Option<Response> {
        let mut stream = TcpStream::connect(to).ok()?;
        let hops = ["connection", "host", "accept-encoding", "content-length"];
        let kept = self.headers.iter().filter(|(name, _)| !hops.contains(&name.as_str()));
        let kept: String = kept.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!(
            "{} {} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\ncontent-length: {}\r\n{kept}\r\n",
            self.method,
            self.path,
            self.body.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(&self.body).ok()?;
        Response::read(BufReader::new(stream))
    }
}

/// An answer whose body is still to come.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    reader: BufReader<TcpStream>,
    framing: Framing,
}

#[derive(Clone, Copy, Debug)]
enum Framing {
    /// Until the connection closes.
    Close,
    Length(usize),
    Chunks,
    Over,
}

impl Response {
    fn read(mut reader: BufReader<TcpStream>) -> Option<Self> {
        let status = line(&mut reader)?.split_whitespace().nth(1)?.parse().ok()?;
        let headers = headers(&mut reader)?;
        let is_chunked = find(&headers, "transfer-encoding").is_some_and(|value| value.contains("chunked"));
        let framing = match find(&headers, "content-length").and_then(|length| length.parse().ok()) {
            _ if is_chunked => Framing::Chunks,
            Some(length) => Framing::Length(length),
            None => Framing::Close,
        };
        Some(Self { status, headers, reader, framing })
    }

    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The next bytes; none at the end, however it came.
    pub fn piece(&mut self) -> Option<Vec<u8>> {
        match self.framing {
            Framing::Over | Framing::Length(0) => None,
            Framing::Close => self.some(usize::MAX),
            Framing::Length(left) => {
                let piece = self.some(left)?;
                self.framing = Framing::Length(left - piece.len());
                Some(piece)
            }
            Framing::Chunks => self.chunk(),
        }
    }

    fn some(&mut self, most: usize) -> Option<Vec<u8>> {
        let bytes = self.reader.fill_buf().ok().filter(|bytes| !bytes.is_empty())?;
        let piece = bytes[..bytes.len().min(most)].to_vec();
        self.reader.consume(piece.len());
        Some(piece)
    }

    fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = usize::from_str_radix(line(&mut self.reader)?.split(';').next()?.trim(), 16).ok()?;
        let mut chunk = vec![0; size];
        self.reader.read_exact(&mut chunk).ok()?;
        line(&mut self.reader)?;
        if size == 0 {
            self.framing = Framing::Over;
            return None;
        }
        Some(chunk)
    }
}

fn line(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
    Some(line.trim_end().to_owned())
}

fn headers(reader: &mut BufReader<TcpStream>) -> Option<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let line = line(reader)?;
        let Some((name, value)) = line.split_once(':') else { return Some(headers) };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}
