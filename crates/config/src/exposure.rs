//! Who can reach the server, and whether what passes can be read on the way.

use std::net::SocketAddr;

use ibid_types::host::is_this_machine;

use crate::{Config, Server};

impl Config {
    /// Whether people come from beyond this machine: by the server's address, by a proxy before it, or by the address that it has for them.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        let server = &self.server;
        server.is_open_to_others() || !server.trusted_proxies.is_empty() || self.is_named_elsewhere()
    }

    /// Whether every account must have a second factor before it may do anything else.
    #[must_use]
    pub fn is_second_factor_required(&self) -> bool {
        match self.identity.second_factor.as_str() {
            "exposed" => self.is_exposed(),
            word => word == "required",
        }
    }

    fn is_named_elsewhere(&self) -> bool {
        let place = self.notify.public_url.split_once("://").map_or("", |(_, rest)| rest);
        let place = place.split('/').next().unwrap_or_default();
        let host = place
            .rsplit_once(':')
            .filter(|(_, port)| port.parse::<u16>().is_ok())
            .map_or(place, |(host, _)| host);
        !host.is_empty() && !is_this_machine(host)
    }
}

impl Server {
    /// Whether machines beside this one can connect. An address that stands for all of a machine's is one of them.
    #[must_use]
    pub const fn is_open_to_others(&self) -> bool {
        !self.address.ip().to_canonical().is_loopback()
    }

    /// Whether others can connect and would speak without TLS: neither the server nor a proxy before it has a certificate.
    #[must_use]
    pub fn is_in_the_clear(&self) -> bool {
        self.is_open_to_others() && !self.tls.is_on() && self.trusted_proxies.is_empty()
    }

    /// What to do about an address that others would reach without TLS.
    #[must_use]
    pub fn clear_told(address: SocketAddr) -> String {
        format!(
            "{address} can be reached by other machines, and what passes would not be encrypted: passwords and documents could be read \
             on the way; set server.tls.certificate or server.tls.acme_domains, or put a proxy with TLS before it and name it in \
             server.trusted_proxies, or listen on 127.0.0.1 (docs/operating.md)"
        )
    }
}

#[cfg(test)]
mod tests {
    use crate::tried::read;

    fn is_in_the_clear(flags: &[&str]) -> bool {
        read(flags).unwrap().server.is_in_the_clear()
    }

    fn is_required(flags: &[&str]) -> bool {
        read(flags).unwrap().is_second_factor_required()
    }

    #[test]
    fn what_others_reach_without_tls_is_in_the_clear() {
        for near in ["127.0.0.1:1", "127.8.8.8:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert!(!is_in_the_clear(&[&format!("server.address={near}")]), "{near}");
        }
        for far in ["0.0.0.0:1", "[::]:1", "10.0.0.7:1", "[::ffff:10.0.0.7]:1"] {
            assert!(is_in_the_clear(&[&format!("server.address={far}")]), "{far}");
        }
        let open = "server.address=0.0.0.0:1";
        assert!(!is_in_the_clear(&[open, "server.trusted_proxies=['10.0.0.7']"]));
        assert!(!is_in_the_clear(&[open, "server.tls.certificate=a", "server.tls.key=b"]));
        assert!(!is_in_the_clear(&[open, "server.tls.acme_domains=['a.example']"]));
    }

    #[test]
    fn a_second_factor_is_required_where_people_come_from_elsewhere() {
        assert!(!is_required(&[]) && !is_required(&["notify.public_url=http://localhost:8080/"]));
        assert!(!is_required(&["notify.public_url=http://[::1]:8080"]));
        assert!(is_required(&["notify.public_url=https://ibid.example"]));
        assert!(
            is_required(&["server.address=0.0.0.0:1"])
                && is_required(&["server.trusted_proxies=['127.0.0.1']"])
        );
        assert!(is_required(&["identity.second_factor=required"]));
        assert!(!is_required(&["identity.second_factor=optional", "server.address=0.0.0.0:1"]));
    }
}
