//! A receiver of messages on a free port that takes HTTP posts.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// A post as it came.
#[derive(Clone, Debug)]
pub struct Post {
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Null where it is no JSON.
    pub body: Value,
    pub text: String,
}

impl Post {
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// Answers each post with the next status of its script, then with 200.
#[derive(Debug)]
pub struct Inbox {
    address: SocketAddr,
    posts: Arc<Mutex<Vec<Post>>>,
}

impl Inbox {
    #[must_use]
    pub fn start(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let posts = Arc::new(Mutex::new(Vec::new()));
        let (kept, mut statuses) = (Arc::clone(&posts), statuses.to_vec());
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let status = if statuses.is_empty() { 200 } else { statuses.remove(0) };
                let _ = take_post(stream, status, &kept);
            }
        });
        Self { address, posts }
    }

    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What came so far.
    #[must_use]
    pub fn posts(&self) -> Vec<Post> {
        self.posts.lock().unwrap().clone()
    }
}

fn take_post(stream: TcpStream, status: u16, kept: &Mutex<Vec<Post>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split_whitespace().nth(1)?.to_owned();
    let (mut headers, mut length) = (Vec::new(), 0);
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        let (name, value) = (name.to_ascii_lowercase(), value.trim().to_owned());
        if name == "content-length" {
            length = value.parse().ok()?;
        }
        headers.push((name, value));
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let text = String::from_utf8(body).ok()?;
    let body = serde_json::from_str(&text).unwrap_or_default();
    kept.lock().unwrap().push(Post { path, headers, body, text });
    let mut stream = stream;
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()
}
