//! A collector of syslog: messages of RFC 5424 over TLS (RFC 5425), TCP (RFC 6587, with octet counts) or UDP (RFC 5426).
//!
//! Keeps true: over TLS and TCP entries count as taken when the collector has read the connection to its end and closed it, since syslog
//! has no answers. UDP promises nothing.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use ibid_types::{Error, Result};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::{Format, Line, Sink};
use crate::connect::connect;

/// For the connection, and for each wait on it.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Facility `log audit` (RFC 5424, table 1).
const FACILITY: u32 = 13;
const WARNING: u32 = 4;
const INFORMATIONAL: u32 = 6;
/// RFC 5424, section 6.
const HOST_BYTES_MAX: usize = 255;
const KIND_BYTES_MAX: usize = 32;
/// What a collector might say is nothing to us.
const HEARD_BYTES_MAX: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Tls,
    Tcp,
    Udp,
}

#[derive(Debug)]
pub struct Syslog {
    name: String,
    way: Way,
    host: String,
    port: u16,
    format: Format,
    /// This machine, as it calls itself.
    from: String,
    tls: Option<Arc<ClientConfig>>,
}

impl Syslog {
    /// Of an address such as `syslog+tls://logs.example.org:6514`. Error: `audit_setup`.
    pub fn new(name: &str, url: &str, format: Format) -> Result<Self> {
        let wrong = || {
            let what = format!(
                "the address of the audit receiver {name} is not syslog+tls://HOST:PORT, syslog+tcp:// or syslog+udp://"
            );
            Error::bad_request("audit_setup", what)
        };
        let (scheme, place) = url.split_once("://").ok_or_else(wrong)?;
        let (way, usual) = match scheme {
            "syslog+tls" => (Way::Tls, 6514),
            "syslog+tcp" => (Way::Tcp, 601),
            "syslog+udp" => (Way::Udp, 514),
            _ => return Err(wrong()),
        };
        let (host, port) = host_and_port(place.trim_end_matches('/'), usual).ok_or_else(wrong)?;
        let tls = (way == Way::Tls).then(trusting).transpose()?;
        Ok(Self { name: name.to_owned(), way, host, port, format, from: own_name(), tls })
    }

    fn message(&self, line: &Line) -> String {
        let severity = if line.is_refusal() { WARNING } else { INFORMATIONAL };
        let kind = plain(&line.action, KIND_BYTES_MAX);
        let text = line.text(self.format);
        format!("<{}>1 {} {} ibid - {kind} - {text}", FACILITY * 8 + severity, line.at, self.from)
    }

    fn unreachable(&self, error: std::io::Error) -> Error {
        let what = format!("cannot give entries to the audit receiver {}; is its address right?", self.name);
        Error::unavailable("audit_unreachable", what).caused_by(error)
    }

    fn give_framed(&self, lines: &[Line]) -> std::io::Result<()> {
        let mut bytes = Vec::new();
        for line in lines {
            let message = self.message(line);
            bytes.extend_from_slice(format!("{} {message}", message.len()).as_bytes());
        }
        let stream = connect(&self.host, self.port, WAIT_MAX)?;
        match &self.tls {
            None => give_open(stream, &bytes),
            Some(config) => give_sealed(stream, Arc::clone(config), &self.host, &bytes),
        }
    }

    fn give_datagrams(&self, lines: &[Line]) -> std::io::Result<()> {
        let mut last = std::io::Error::from(ErrorKind::NotFound);
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            let own = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            let socket = UdpSocket::bind(own)?;
            match socket.connect(address) {
                Ok(()) => {
                    return lines
                        .iter()
                        .try_for_each(|line| socket.send(self.message(line).as_bytes()).map(drop));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

impl Sink for Syslog {
    fn give(&self, lines: &[Line]) -> Result<()> {
        let given = if self.way == Way::Udp { self.give_datagrams(lines) } else { self.give_framed(lines) };
        given.map_err(|error| self.unreachable(error))
    }
}

fn give_open(mut stream: TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    stream.write_all(bytes)?;
    stream.shutdown(Shutdown::Write)?;
    read_to_end(&mut stream)
}

fn give_sealed(
    stream: TcpStream,
    config: Arc<ClientConfig>,
    host: &str,
    bytes: &[u8],
) -> std::io::Result<()> {
    let name = ServerName::try_from(host.to_owned()).map_err(std::io::Error::other)?;
    let connection = ClientConnection::new(config, name).map_err(std::io::Error::other)?;
    let mut sealed = StreamOwned::new(connection, stream);
    sealed.write_all(bytes)?;
    sealed.conn.send_close_notify();
    sealed.flush()?;
    sealed.sock.shutdown(Shutdown::Write)?;
    match read_to_end(&mut sealed) {
        // Many close without saying so first; that all was read is known by then.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(()),
        read => read,
    }
}

/// A connection that is reset before it was read to its end is an error here.
fn read_to_end(stream: &mut impl Read) -> std::io::Result<()> {
    let mut heard = [0; 512];
    for _ in 0..HEARD_BYTES_MAX / heard.len() {
        if stream.read(&mut heard)? == 0 {
            return Ok(());
        }
    }
    Err(std::io::Error::other("it says more than a collector does"))
}

/// What trusts whom this machine trusts. Error: `audit_setup`.
fn trusting() -> Result<Arc<ClientConfig>> {
    use rustls_platform_verifier::BuilderVerifierExt as _;
    let failed = |error: rustls::Error| {
        Error::internal("audit_setup", "cannot set up TLS for the audit log").caused_by(error)
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.and_then(|builder| builder.with_platform_verifier()).map_err(failed)?;
    Ok(Arc::new(builder.with_no_client_auth()))
}

fn host_and_port(place: &str, usual: u16) -> Option<(String, u16)> {
    // The colons of an IPv6 address stand in brackets.
    let is_host = |host: &str| !host.contains(':') || host.ends_with(']');
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if is_host(host) && !port.ends_with(']') => (host, port.parse().ok()?),
        _ => (place, usual),
    };
    let host = host.trim_matches(['[', ']']);
    (!host.is_empty() && !host.contains('/')).then(|| (host.to_owned(), port))
}

fn own_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    plain(name.trim(), HOST_BYTES_MAX)
}

/// What a header field of RFC 5424 may hold: printable ASCII without blanks, or `-` for nothing.
fn plain(text: &str, bytes_max: usize) -> String {
    let text: String = text.chars().filter(char::is_ascii_graphic).take(bytes_max).collect();
    if text.is_empty() { "-".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(action: &str) -> Line {
        Line {
            number: 7,
            at: "2026-11-21T00:00:00.123Z".to_owned(),
            actor: "user ada".to_owned(),
            action: action.to_owned(),
            subject: "from ::1".to_owned(),
            hash: "00".to_owned(),
        }
    }

    #[test]
    fn a_message_is_that_of_rfc_5424() {
        let syslog =
            Syslog { from: "host".to_owned(), ..Syslog::new("s", "syslog+udp://h", Format::Jsonl).unwrap() };
        let told = syslog.message(&line("sign-in"));
        assert!(
            told.starts_with("<110>1 2026-11-21T00:00:00.123Z host ibid - sign-in - {\"number\":7,"),
            "{told}"
        );
        assert!(syslog.message(&line("sign-in.failed")).starts_with("<108>1 "));
        let odd = syslog.message(&line("a b\u{e9}\u{1b}"));
        assert!(odd.contains(" ibid - ab - {"), "{odd}");
    }

    #[test]
    fn addresses_have_a_host_and_a_port() {
        let of = |url: &str| Syslog::new("s", url, Format::Cef).map(|one| (one.way, one.host, one.port));
        assert_eq!(of("syslog+tls://logs.example/").unwrap(), (Way::Tls, "logs.example".to_owned(), 6514));
        assert_eq!(of("syslog+tcp://[::1]:99").unwrap(), (Way::Tcp, "::1".to_owned(), 99));
        assert_eq!(of("syslog+udp://[fd00::1]").unwrap(), (Way::Udp, "fd00::1".to_owned(), 514));
        for wrong in ["syslog://h", "h:1", "syslog+tcp://", "syslog+tcp://h:x", "syslog+tcp://h/p"] {
            assert_eq!(of(wrong).unwrap_err().code, "audit_setup", "{wrong}");
        }
    }
}
