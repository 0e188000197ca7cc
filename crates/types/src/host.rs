//! Which hosts are this machine.

use std::net::IpAddr;

/// Whether the host of an address, as it stands there, is this machine: `localhost`, or an address that never leaves it. Other
/// names are not looked up: whoever answers for them may change.
#[must_use]
pub fn is_this_machine(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_told_from_others() {
        for host in ["localhost", "127.0.0.1", "127.8.8.8", "[::1]", "::1"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in ["", "localhost.evil", "127.0.0.1.evil", "10.0.0.1", "[::2]", "0.0.0.0"] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
