//! What is at an address that somebody wants to be ingested.
//!
//! Keeps true: the address that was typed may lead anywhere, since who types it could open it; where it redirects to may be
//! the same host or a public address, so that no page of the web reads an inner network; what is connected to is what was
//! checked; time and bytes are bounded.

use std::io::Read;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

use ibid_guard::{Reach, allowed};
use ibid_types::{Error, Result};
use reqwest::Url;
use reqwest::blocking::Client;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::{Attempt, Policy};

use crate::files::Loaded;

/// Longest wait for an address to answer, and the most that is read from it.
const WAIT_MAX: Duration = Duration::from_secs(60);
const BYTES_MAX: u64 = 256 << 20;
const REDIRECTS_MAX: usize = 5;

/// Reads an address whole.
///
/// # Errors
/// `address_unreachable`, `address_malformed`, `document_too_large`.
pub fn fetch(address: &str) -> Result<Loaded> {
    let response = client(address)?
        .get(address)
        .send()
        .map_err(|error| failed(format!("no answer from {address}")).caused_by(error))?;
    if !response.status().is_success() {
        return Err(failed(format!("{address} answered {}", response.status())));
    }
    let kind = response.headers().get("content-type").and_then(|value| value.to_str().ok());
    let media_type = kind.map(|kind| kind.split(';').next().unwrap_or(kind).trim().to_owned());
    let mut bytes = Vec::new();
    response
        .take(BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(format!("{address} ended early")).caused_by(error))?;
    if bytes.len() as u64 > BYTES_MAX {
        let what = format!("{address} holds more than {BYTES_MAX} bytes");
        return Err(Error::bad_request("document_too_large", what));
    }
    Ok(Loaded { source: address.to_owned(), media_type, bytes })
}

fn failed(what: String) -> Error {
    Error::unavailable("address_unreachable", what)
}

fn client(address: &str) -> Result<Client> {
    let malformed =
        || Error::bad_request("address_malformed", format!("'{address}' is no address of the web"));
    let url = Url::parse(address).map_err(|error| malformed().caused_by(error))?;
    let typed = url.host_str().ok_or_else(malformed)?.to_owned();
    ibid_runtime::set_up_tls();
    Client::builder()
        .timeout(WAIT_MAX)
        .user_agent(concat!("ibid/", env!("CARGO_PKG_VERSION")))
        .redirect(redirects(typed.clone()))
        .dns_resolver(std::sync::Arc::new(Checked { typed }))
        .build()
        .map_err(|error| Error::internal("client_setup", "cannot set up the HTTP client").caused_by(error))
}

/// A name is checked when it is looked up; an address in numbers, which is not, here.
fn redirects(typed: String) -> Policy {
    Policy::custom(move |attempt: Attempt<'_>| {
        if attempt.previous().len() > REDIRECTS_MAX {
            return attempt.error("too many redirects");
        }
        match attempt.url().host_str().map(|host| may_lead_to(host, &typed)) {
            Some(Ok(())) => attempt.follow(),
            Some(Err(error)) => attempt.error(error),
            None => attempt.error("a redirect leads to no host"),
        }
    })
}

fn may_lead_to(host: &str, typed: &str) -> Result<()> {
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(address) if host != typed => allowed(host, &[address], &Reach::default()).map(drop),
        _ => Ok(()),
    }
}

/// Looks names up, and hands on only addresses that may be connected to.
struct Checked {
    typed: String,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let (host, is_typed) = (name.as_str().to_owned(), name.as_str() == self.typed);
        Box::pin(async move {
            let found = tokio::task::spawn_blocking(move || addresses(&host, is_typed)).await??;
            Ok(Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

fn addresses(host: &str, is_typed: bool) -> Result<Vec<IpAddr>> {
    let resolved = (host, 0).to_socket_addrs().map_err(|error| {
        failed(format!("'{host}' leads to no address; see whether the name is right")).caused_by(error)
    })?;
    let resolved: Vec<IpAddr> = resolved.map(|address| address.ip()).collect();
    if is_typed { Ok(resolved) } else { allowed(host, &resolved, &Reach::default()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;

    /// Answers each connection with one of these, in order; gives the port.
    fn server(responses: Vec<String>) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for response in responses {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(response.as_bytes());
            }
        });
        port
    }

    fn redirect(to: &str) -> String {
        format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    }

    const PAGE: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi";

    #[test]
    fn what_was_typed_is_read_and_may_redirect_to_itself() {
        let port = server(vec![redirect("/other"), PAGE.to_owned()]);
        let loaded = fetch(&format!("http://127.0.0.1:{port}/page")).unwrap();
        assert_eq!((loaded.bytes.as_slice(), loaded.media_type.as_deref()), (&b"hi"[..], Some("text/plain")));
    }

    #[test]
    fn a_redirect_leads_into_no_inner_network() {
        for inner in
            ["http://10.0.0.1/", "http://[::1]/", "http://169.254.169.254/latest", "http://localhost:1/"]
        {
            let port = server(vec![redirect(inner)]);
            let error = fetch(&format!("http://127.0.0.1:{port}/page")).unwrap_err();
            assert_eq!(error.code, "address_unreachable");
            assert!(error.chain().contains("not a public address"), "{}", error.chain());
        }
    }

    #[test]
    fn redirects_come_to_an_end() {
        let port = server(vec![redirect("/again"); REDIRECTS_MAX + 2]);
        let error = fetch(&format!("http://127.0.0.1:{port}/page")).unwrap_err();
        assert!(error.chain().contains("too many redirects"), "{}", error.chain());
    }

    #[test]
    fn what_is_no_address_is_told() {
        assert_eq!(fetch("http://").unwrap_err().code, "address_malformed");
    }
}
