//! A mail server on a free port that takes everything (RFC 5321, as little as a client needs), plain or over TLS.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How it is spoken to.
#[derive(Clone, Debug)]
pub enum Security {
    Plain,
    /// TLS from the first byte.
    Tls(Arc<ServerConfig>),
    /// TLS after `STARTTLS`; before it no mail is taken.
    StartTls(Arc<ServerConfig>),
}

/// The running server.
#[derive(Debug)]
pub struct MailServer {
    pub address: SocketAddr,
    mails: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    #[must_use]
    pub fn start() -> Self {
        Self::secured(&Security::Plain)
    }

    #[must_use]
    pub fn secured(security: &Security) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mails = Arc::new(Mutex::new(Vec::new()));
        let (kept, security) = (Arc::clone(&mails), security.clone());
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let _ = receive(stream, &security, &kept);
            }
        });
        Self { address, mails }
    }

    /// The mails so far, with their envelopes before them.
    #[must_use]
    pub fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().clone()
    }
}

fn receive(mut stream: TcpStream, security: &Security, kept: &Mutex<Vec<String>>) -> Option<()> {
    let secured = |stream, config: &Arc<ServerConfig>| {
        Some(StreamOwned::new(ServerConnection::new(Arc::clone(config)).ok()?, stream))
    };
    match security {
        Security::Plain => talk(&mut greeted(stream)?, kept),
        Security::Tls(config) => talk(&mut greeted(secured(stream, config)?)?, kept),
        Security::StartTls(config) => {
            stream.write_all(b"220 test\r\n").ok()?;
            loop {
                let answer: &[u8] = match word(&line(&mut stream)?).as_str() {
                    "EHLO" => b"250-test\r\n250 STARTTLS\r\n",
                    "STARTTLS" => break,
                    _ => b"530 TLS first\r\n",
                };
                stream.write_all(answer).ok()?;
            }
            stream.write_all(b"220 go on\r\n").ok()?;
            talk(&mut secured(stream, config)?, kept)
        }
    }
}

fn greeted<S: Write>(mut stream: S) -> Option<S> {
    stream.write_all(b"220 test\r\n").ok()?;
    Some(stream)
}

fn talk<S: Read + Write>(stream: &mut S, kept: &Mutex<Vec<String>>) -> Option<()> {
    let mut mail = String::new();
    loop {
        let heard = line(stream)?;
        let answer: &[u8] = match word(&heard).as_str() {
            "DATA" => {
                stream.write_all(b"354 go on\r\n").ok()?;
                loop {
                    let text = line(stream)?;
                    if text.trim_end() == "." {
                        break;
                    }
                    mail.push_str(&text);
                }
                kept.lock().unwrap().push(std::mem::take(&mut mail));
                b"250 taken\r\n"
            }
            "QUIT" => return stream.write_all(b"221 bye\r\n").ok(),
            "MAIL" | "RCPT" => {
                mail.push_str(&heard);
                b"250 ok\r\n"
            }
            _ => b"250 ok\r\n",
        };
        stream.write_all(answer).ok()?;
    }
}

/// A line with its end. Byte by byte, so that nothing behind it is taken from whoever reads next.
fn line(stream: &mut impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    while bytes.last() != Some(&b'\n') {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        bytes.push(byte[0]);
    }
    String::from_utf8(bytes).ok()
}

fn word(line: &str) -> String {
    line.split([' ', ':', '\r']).next().unwrap_or_default().to_ascii_uppercase()
}
