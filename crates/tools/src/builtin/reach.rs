//! How far `http_get` reaches: hosts, addresses and networks that an operator listed.
//!
//! Keeps true: nothing that is not listed is reached; a name alone never leads to a private address.

use std::net::IpAddr;

use ibid_guard::is_public;
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
    /// Addresses that share so many first bits.
    Network(IpAddr, u8),
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

    /// Whether a connection for `host` may be made to `address`: a public one, a listed one, or this machine for
    /// `localhost`.
    pub(crate) fn permits_address(&self, host: &str, address: IpAddr) -> bool {
        is_public(address)
            || host == "localhost" && address.is_loopback()
            || self.entries.iter().any(|entry| entry.holds_address(address))
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
            Hosts::Network(..) => false,
        }
    }

    fn holds_address(&self, address: IpAddr) -> bool {
        match self.hosts {
            Hosts::Network(network, bits) => in_network(address.to_canonical(), network, bits),
            Hosts::Name(_) | Hosts::Below(_) => false,
        }
    }
}

impl Hosts {
    fn parse(host: &str) -> Option<Self> {
        if let Some((network, bits)) = host.split_once('/') {
            let network: IpAddr = network.parse().ok()?;
            let bits = bits.parse().ok().filter(|bits| *bits <= width(network))?;
            return Some(Self::Network(network, bits));
        }
        if let Ok(address) = host.parse::<IpAddr>() {
            return Some(Self::Network(address, width(address)));
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

const fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// Whether two addresses of one family share their first bits.
fn in_network(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let differing = match (address, network.to_canonical()) {
        (IpAddr::V4(a), IpAddr::V4(b)) => u128::from(a.to_bits() ^ b.to_bits()) << 96,
        (IpAddr::V6(a), IpAddr::V6(b)) => a.to_bits() ^ b.to_bits(),
        _ => return false,
    };
    differing.leading_zeros() >= u32::from(bits)
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
        let private: IpAddr = "10.1.2.3".parse().unwrap();
        assert!(!reach(&["wiki.corp"]).permits_address("wiki.corp", private));
        assert!(reach(&["wiki.corp", "10.0.0.0/8"]).permits_address("wiki.corp", private));
        assert!(reach(&["localhost"]).permits_address("localhost", "127.0.0.1".parse().unwrap()));
        assert!(!reach(&["localhost"]).permits_address("localhost", private));
    }

    #[test]
    fn special_addresses_are_not_public() {
        for special in [
            "127.0.0.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "192.0.0.1",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd00::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2002:a00:1::1",
            "2001:db8::1",
            "2001::1",
            "::10.0.0.1",
            "5f00::1",
        ] {
            assert!(!is_public(special.parse().unwrap()), "{special}");
        }
        for public in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
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
