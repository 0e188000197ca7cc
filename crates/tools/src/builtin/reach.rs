//! How far `http_get` reaches: hosts, addresses and networks that an operator listed.
//!
//! Keeps true: nothing that is not listed is reached; a name alone never leads to a private address, which
//! `ibid_guard::allowed` sees to.

use std::net::IpAddr;

use ibid_guard::Network;
use ibid_types::{Error, Result};

/// A parsed list of hosts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reach {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    hosts: Hosts,
    /// None: the usual port of the scheme.
    port: Option<u16>,
}

#[derive(Clone, Debug)]
enum Hosts {
    Name(String),
    /// All below the name, as `*.example.org` is written.
    Below(String),
    Network(Network),
}

impl Reach {
    /// Reads entries such as `example.org`, `*.example.org:8443`, `10.0.0.5`, `10.0.0.0/8`, `[::1]:8080`.
    ///
    /// # Errors
    /// `http_host_malformed`.
    pub(crate) fn parse(hosts: &[String]) -> Result<Self> {
        let entries = hosts.iter().map(|host| Entry::parse(host).ok_or_else(|| malformed(host)));
        Ok(Self { entries: entries.collect::<Result<_>>()? })
    }

    /// Whether an address of the web may be asked for. `host` is as in the URL, IPv6 without brackets; `usual` says
    /// that `port` is the usual one of the scheme.
    pub(crate) fn permits_host(&self, host: &str, port: u16, usual: bool) -> bool {
        let address: Option<IpAddr> = host.parse().ok();
        self.entries.iter().any(|entry| {
            let port_fits = entry.port.map_or(usual, |listed| listed == port);
            port_fits
                && address.map_or_else(|| entry.holds_name(host), |address| entry.holds_address(address))
        })
    }

    /// The addresses of `host` that a connection may be made to: all of `resolved`, which are public, listed, or this
    /// machine for `localhost`.
    ///
    /// # Errors
    /// Those of `ibid_guard::allowed`.
    pub(crate) fn allowed(&self, host: &str, resolved: &[IpAddr]) -> Result<Vec<IpAddr>> {
        let networks = self.entries.iter().filter_map(|entry| match entry.hosts {
            Hosts::Network(network) => Some(network),
            Hosts::Name(_) | Hosts::Below(_) => None,
        });
        ibid_guard::allowed(
            host,
            resolved,
            &ibid_guard::Reach { networks: networks.collect(), localhost: true },
        )
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        let (host, port) = split_port(text.trim())?;
        let host = host.to_ascii_lowercase();
        Some(Self { hosts: Hosts::parse(&host)?, port })
    }

    fn holds_name(&self, host: &str) -> bool {
        match &self.hosts {
            Hosts::Name(name) => name == host,
            Hosts::Below(name) => {
                host.strip_suffix(name.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
            }
            Hosts::Network(_) => false,
        }
    }

    fn holds_address(&self, address: IpAddr) -> bool {
        matches!(self.hosts, Hosts::Network(network) if network.holds(address))
    }
}

impl Hosts {
    fn parse(host: &str) -> Option<Self> {
        if let Some(network) = Network::parse(host) {
            return Some(Self::Network(network));
        }
        match host.strip_prefix("*.") {
            Some(name) => is_name(name).then(|| Self::Below(name.to_owned())),
            None => is_name(host).then(|| Self::Name(host.to_owned())),
        }
    }
}

/// `host:80`, `[::1]:80`, `[::1]`, `::1`, `host`.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        return match after.strip_prefix(':') {
            Some(port) => Some((host, Some(port.parse().ok()?))),
            None => after.is_empty().then_some((host, None)),
        };
    }
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') => Some((host, Some(port.parse().ok()?))),
        _ => Some((text, None)),
    }
}

fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    // What ends in a number would be read as an IPv4 address by URLs, in one of its strange forms.
    let last = text.rsplit('.').next().unwrap_or_default();
    text.chars().all(allowed) && !last.is_empty() && !last.starts_with(|c: char| c.is_ascii_digit())
}

fn malformed(host: &str) -> Error {
    Error::bad_request(
        "http_host_malformed",
        format!(
            "'{host}' in tools.http_hosts is not a host; write example.org, *.example.org, example.org:8443, 10.0.0.5 \
             or 10.0.0.0/8"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(hosts: &[&str]) -> Reach {
        Reach::parse(&hosts.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    fn permits(hosts: &[&str], host: &str, port: u16) -> bool {
        reach(hosts).permits_host(host, port, port == 443)
    }

    #[test]
    fn nothing_is_permitted_by_an_empty_list() {
        assert!(!permits(&[], "example.org", 443) && !permits(&[], "1.1.1.1", 443));
    }

    #[test]
    fn names_are_taken_whole() {
        assert!(permits(&["Example.org"], "example.org", 443));
        assert!(!permits(&["example.org"], "www.example.org", 443));
        assert!(!permits(&["example.org"], "example.org.evil.net", 443));
        assert!(permits(&["*.example.org"], "www.example.org", 443));
        for other in ["example.org", ".example.org", "evilexample.org"] {
            assert!(!permits(&["*.example.org"], other, 443), "{other}");
        }
    }

    #[test]
    fn ports_are_the_usual_or_the_listed() {
        assert!(!permits(&["example.org"], "example.org", 8443));
        assert!(permits(&["example.org:8443"], "example.org", 8443));
        assert!(!permits(&["example.org:8443"], "example.org", 443));
        assert!(permits(&["[::1]:8080"], "::1", 8080));
    }

    #[test]
    fn networks_hold_their_addresses() {
        assert!(permits(&["10.0.0.0/8"], "10.200.1.1", 443) && !permits(&["10.0.0.0/8"], "11.0.0.1", 443));
        assert!(permits(&["fd00::/8"], "fd12::1", 443) && permits(&["0.0.0.0/0"], "8.8.8.8", 443));
        assert!(!permits(&["0.0.0.0/0"], "::1", 443));
        assert!(permits(&["127.0.0.1"], "::ffff:127.0.0.1", 443), "the same address in another dress");
    }

    #[test]
    fn a_name_leads_to_private_addresses_only_if_they_are_listed() {
        let allows = |hosts: &[&str], host: &str, address: &str| {
            reach(hosts).allowed(host, &[address.parse().unwrap()]).is_ok()
        };
        assert!(!allows(&["wiki.corp"], "wiki.corp", "10.1.2.3"));
        assert!(allows(&["wiki.corp", "10.0.0.0/8"], "wiki.corp", "10.1.2.3"));
        assert!(allows(&["localhost"], "localhost", "127.0.0.1"));
        assert!(!allows(&["localhost"], "localhost", "10.1.2.3"));
        assert!(allows(&["example.org"], "example.org", "1.1.1.1"));
    }

    #[test]
    fn faulty_entries_are_refused() {
        for faulty in [
            "",
            "*",
            "*.",
            "a b",
            "http://x",
            "x:port",
            "x:99999",
            "10.0.0.0/33",
            "10.0.0",
            "0x7f.1",
            "[::1",
            "x/8",
        ] {
            let error = Reach::parse(&[faulty.to_owned()]).unwrap_err();
            assert_eq!(error.code, "http_host_malformed", "{faulty}");
        }
    }
}
