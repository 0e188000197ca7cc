//! Addresses of machines: IPv4 in four parts, IPv6.
//!
//! Keeps true: only what the standard library reads as an address, standing alone; `::` and a version in four parts
//! that follows the word are none.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::finding::{Finding, Kind};
use crate::text::{before, goes_on, holds_word};

/// The longest address in text (IPv6 with IPv4 inside).
const ADDRESS_MAX: usize = 45;
/// A number in four parts that is shorter is more often a section's than a machine's.
const SHORT: usize = 10;

pub fn find(text: &str) -> Vec<Finding> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let begins = belongs(bytes[at]) && (at == 0 || !goes_on(bytes, at - 1));
        if !begins {
            at += 1;
            continue;
        }
        let length = bytes[at..].iter().take_while(|byte| belongs(**byte)).count();
        found.extend(address(text, at, length));
        at += length;
    }
    found
}

const fn belongs(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':')
}

fn address(text: &str, start: usize, length: usize) -> Option<Finding> {
    let run = text.get(start..start + length)?;
    let word = run.trim_end_matches(['.', ':']);
    if word.len() < 7 || word.len() > ADDRESS_MAX || goes_on(text.as_bytes(), start + length) {
        return None;
    }
    let finding = |what, word: &str| Some(Finding::new(Kind::IpAddress, what, start, start + word.len()));
    let without_port = word.split_once(':').map_or(word, |(host, _)| host);
    if without_port.parse::<Ipv4Addr>().is_ok() {
        return if is_machine(text, start, without_port) {
            finding("IPv4 address", without_port)
        } else {
            None
        };
    }
    let is_v6 = word.matches(':').count() >= 3 && word.parse::<Ipv6Addr>().is_ok();
    if is_v6 { finding("IPv6 address", word) } else { None }
}

/// Numbers of sections, enzymes and versions have four parts too, but short ones; then a word must say what it is.
fn is_machine(text: &str, start: usize, word: &str) -> bool {
    const MACHINES: &[&str] =
        &["ip", "ipv4", "address", "host", "server", "ping", "dns", "gateway", "from", "adresse"];
    const OTHERS: &[&str] = &["version", "release", "v", "section", "ec", "paragraph"];
    let near = before(text, start, 20);
    word.len() >= SHORT && !holds_word(near, OTHERS) || holds_word(near, MACHINES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        find(text).iter().map(|finding| finding.text(text)).collect()
    }

    #[test]
    fn addresses_stand_alone() {
        assert_eq!(found("from 192.0.2.7:8080 to 10.20.30.14."), ["192.0.2.7", "10.20.30.14"]);
        assert_eq!(found("[2001:db8::8a2e:370:7334]:443"), ["2001:db8::8a2e:370:7334"]);
        assert_eq!(found("is fe80::1:2:3."), ["fe80::1:2:3"]);
    }

    #[test]
    fn versions_times_and_paths_are_none() {
        for text in [
            "version 1.22.33.4",
            "at 10:15:30",
            "a::b",
            "std::net",
            "1.2.3",
            "256.1.1.1",
            "1.2.3.4.5",
            "x1.2.3.4",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
