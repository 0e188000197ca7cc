//! From where a request comes, where proxies that we trust stand between.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};
use ibid_guard::Network;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Longer chains of proxies are read from their near end only.
const HOPS_MAX: usize = 16;

/// The last address that no trusted proxy has. What stands before it in the header was written by whoever has that address, and
/// proves nothing.
pub fn client(peer: SocketAddr, headers: &HeaderMap, proxies: &[Network]) -> SocketAddr {
    let is_trusted = |address: IpAddr| proxies.iter().any(|proxy| proxy.holds(address));
    if !is_trusted(peer.ip()) {
        return peer;
    }
    let mut nearest = peer.ip();
    let values: Vec<&str> =
        headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).collect();
    for hop in values.iter().flat_map(|value| value.split(',')).rev().take(HOPS_MAX) {
        let Some(address) = read(hop.trim()) else { break };
        nearest = address;
        if !is_trusted(address) {
            break;
        }
    }
    SocketAddr::new(nearest, 0)
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1` or `[2001:db8::1]:80`.
fn read(text: &str) -> Option<IpAddr> {
    let bare = text.trim_matches(['[', ']']).parse().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare.or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str]) -> String {
        let proxies = ["127.0.0.1", "10.0.0.0/8"].map(|text| Network::parse(text).unwrap());
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
        client(peer, &headers, &proxies).ip().to_string()
    }

    #[test]
    fn only_proxies_that_are_trusted_are_believed() {
        assert_eq!(seen("192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(seen("127.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(seen("127.0.0.1", &["1.2.3.4, 198.51.100.7, 10.0.0.2"]), "198.51.100.7");
        assert_eq!(seen("127.0.0.1", &["1.2.3.4", "198.51.100.7"]), "198.51.100.7");
        assert_eq!(seen("127.0.0.1", &[]), "127.0.0.1");
    }

    #[test]
    fn what_is_no_address_ends_the_chain() {
        assert_eq!(seen("127.0.0.1", &["198.51.100.7, unknown"]), "127.0.0.1");
        assert_eq!(seen("127.0.0.1", &["[2001:db8::1]:80"]), "2001:db8::1");
        assert_eq!(seen("127.0.0.1", &["192.0.2.9:1234"]), "192.0.2.9");
    }
}
