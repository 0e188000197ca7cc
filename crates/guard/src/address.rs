//! Addresses of machines that may be connected to, when somebody else named them: no inner network, no machine of the
//! operator, whatever a name, a redirect or a changed answer of the DNS says.
//!
//! Keeps true: what is not known to be public is not public. The check takes the very addresses that a connection is
//! going to use, so it must be made for each connection, after the name was looked up, and the connection be made to
//! what it gives back.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ibid_types::{Error, Result};

/// Addresses that share so many first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// Who may be reached beside the public internet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Inner networks that an operator listed.
    pub networks: Vec<Network>,
    /// Whether the name `localhost` may lead to this machine.
    pub localhost: bool,
}

/// Special blocks of IPv4: what IANA's registry of special-purpose addresses (RFC 6890, as of 2026) does not call
/// globally reachable, with multicast and the reserved rest.
const SPECIAL_V4: &[([u8; 4], u8)] = &[
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// Special blocks inside of 2000::/3; outside of it nothing is public but NAT64.
const SPECIAL_V6: &[([u16; 8], u8)] = &[
    // Protocol assignments with Teredo, benchmarks and ORCHID; the few public ones among them serve no pages.
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    // Documentation.
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];

/// Whether an address is one of the public internet. IPv6 that carries an IPv4 address (mapped, NAT64, 6to4) is as
/// public as that is; Teredo never is.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let holds = |(block, bits): &([u8; 4], u8)| {
        Network { address: IpAddr::V4((*block).into()), bits: *bits }.holds(IpAddr::V4(address))
    };
    !SPECIAL_V4.iter().any(holds)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let carried = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_public_v4(carried(high, low)),
        [0x2002, high, low, ..] => is_public_v4(carried(high, low)),
        [first, ..] if first & 0xe000 != 0x2000 => false,
        // ISATAP: the last half is 0:5efe or 200:5efe and an IPv4 address.
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => is_public_v4(carried(high, low)),
        _ => {
            let holds = |(block, bits): &([u16; 8], u8)| {
                Network { address: IpAddr::V6((*block).into()), bits: *bits }.holds(IpAddr::V6(address))
            };
            !SPECIAL_V6.iter().any(holds)
        }
    }
}

impl Network {
    /// Reads `10.0.0.0/8`, `fd00::/8`, or a single address; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address.parse::<IpAddr>().ok()?, Some(bits.parse().ok()?)),
            None => (text.parse().ok()?, None),
        };
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(width);
        (bits <= width).then_some(Self { address, bits })
    }

    /// Whether an address is of the network; mapped IPv4 counts as what it carries.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        let differing = match (address.to_canonical(), self.address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => u128::from(a.to_bits() ^ b.to_bits()) << 96,
            (IpAddr::V6(a), IpAddr::V6(b)) => a.to_bits() ^ b.to_bits(),
            _ => return false,
        };
        differing.leading_zeros() >= u32::from(self.bits)
    }
}

impl Reach {
    fn permits(&self, host: &str, address: IpAddr) -> bool {
        is_public(address)
            || self.localhost && host == "localhost" && address.is_loopback()
            || self.networks.iter().any(|network| network.holds(address))
    }
}

/// The addresses that a connection for `host` may use, which are all of `resolved` or none: a name that leads both to
/// a public and to an inner address is a trick or a mistake. `host` is as in the address, IPv6 with or without brackets.
///
/// # Errors
/// `address_malformed` for a host that programs read differently (`0x7f.1`, `2130706433`, `127.1`), `address_unresolved`
/// where there is no address, `address_private` where one may not be reached.
pub fn allowed(host: &str, resolved: &[IpAddr], reach: &Reach) -> Result<Vec<IpAddr>> {
    let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    if !is_host(&host) {
        let what =
            format!("'{host}' cannot be read as a host; write a name, or an address in its usual form");
        return Err(Error::bad_request("address_malformed", what));
    }
    if resolved.is_empty() {
        let what = format!("'{host}' leads to no address; see whether the name is right");
        return Err(Error::unavailable("address_unresolved", what));
    }
    match resolved.iter().find(|address| !reach.permits(&host, **address)) {
        Some(address) => Err(Error::forbidden(
            "address_private",
            format!(
                "'{host}' leads to {address}, which is not a public address and not among those allowed here"
            ),
        )),
        None => Ok(resolved.iter().map(IpAddr::to_canonical).collect()),
    }
}

/// An address in its usual form, or a name. What ends in a number is an IPv4 address to some programs (octal,
/// hexadecimal, fewer parts), so it is one in full or nothing.
fn is_host(host: &str) -> bool {
    if host.parse::<IpAddr>().is_ok() {
        return true;
    }
    let belongs = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_number = last.starts_with(|c: char| c.is_ascii_digit());
    let labels = host.split('.').all(|label| !label.is_empty() && label.len() <= 63);
    host.len() <= 253 && host.chars().all(belongs) && labels && !is_number
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn code(host: &str, resolved: &[&str], reach: &Reach) -> Option<&'static str> {
        let resolved: Vec<IpAddr> = resolved.iter().map(|text| ip(text)).collect();
        allowed(host, &resolved, reach).err().map(|error| error.code)
    }

    #[test]
    fn special_addresses_are_not_public() {
        for special in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:a00:1::1",
            "2002:7f00:1::1",
            "3fff::1",
            "3fff:fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2606:4700::5efe:a00:1",
        ] {
            assert!(!is_public(ip(special)), "{special}");
        }
    }

    #[test]
    fn public_addresses_are() {
        for public in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "126.0.0.1",
            "128.0.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "192.167.0.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "2a00:1450::1",
            "64:ff9b::808:808",
            "2002:808:808::1",
            "::ffff:8.8.8.8",
            "3ffe::1",
        ] {
            assert!(is_public(ip(public)), "{public}");
        }
    }

    #[test]
    fn one_inner_address_among_public_ones_refuses_all() {
        let none = Reach::default();
        assert_eq!(code("example.org", &["93.184.216.34"], &none), None);
        assert_eq!(code("example.org", &["93.184.216.34", "10.0.0.1"], &none), Some("address_private"));
        assert_eq!(code("example.org", &[], &none), Some("address_unresolved"));
    }

    #[test]
    fn hosts_in_strange_forms_are_refused() {
        for host in [
            "0x7f.1",
            "2130706433",
            "127.1",
            "0177.0.0.1",
            "a..b",
            "",
            "a b",
            "exa%6dple.org",
            "a@b",
            "ex\u{200b}.org",
        ] {
            assert_eq!(code(host, &["8.8.8.8"], &Reach::default()), Some("address_malformed"), "{host}");
        }
        for host in ["example.org.", "[2606:4700::1111]", "8.8.8.8", "xn--mller-kva.de", "_srv.example.org"] {
            assert_eq!(code(host, &["8.8.8.8"], &Reach::default()), None, "{host}");
        }
    }

    #[test]
    fn what_an_operator_listed_may_be_reached() {
        let reach = Reach { networks: vec![Network::parse("10.0.0.0/8").unwrap()], localhost: true };
        assert_eq!(code("wiki.corp", &["10.1.2.3"], &reach), None);
        assert_eq!(code("wiki.corp", &["::ffff:10.1.2.3"], &reach), None);
        assert_eq!(code("wiki.corp", &["192.168.0.1"], &reach), Some("address_private"));
        assert_eq!(code("LOCALHOST", &["127.0.0.1", "::1"], &reach), None);
        assert_eq!(code("evil.org", &["127.0.0.1"], &reach), Some("address_private"));
    }

    #[test]
    fn networks_are_read_in_full() {
        assert!(
            Network::parse("fd00::/8")
                .is_some_and(|one| one.holds(ip("fd12::1")) && !one.holds(ip("fe80::1")))
        );
        assert!(
            Network::parse("0.0.0.0/0").is_some_and(|one| one.holds(ip("8.8.8.8")) && !one.holds(ip("::1")))
        );
        for text in ["", "10.0.0.0/33", "10.0.0/8", "x/8", "::/129", "10.0.0.0/-1"] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }
}
