//! Who can reach the server, and whether what passes can be read on the way.

use std::net::SocketAddr;

use crate::{Config, Server};

impl Server {
    /// Whether machines beside this one can connect. An address that stands for all of a machine's is one of them.
    #[must_use]
    pub const fn is_open_to_others(&self) -> bool {
        !self.address.ip().to_canonical().is_loopback()
    }

    /// Whether others can connect and would speak without TLS: neither the server nor a proxy before it has a certificate.
    #[must_use]
    pub const fn is_in_the_clear(&self) -> bool {
        self.is_open_to_others() && !self.tls.is_on() && self.trusted_proxies.is_empty()
    }

    /// What to do about an address that others would reach without TLS.
    #[must_use]
    pub fn clear_told(&self, address: SocketAddr) -> String {
        format!(
            "{address} can be reached by other machines, and what passes would not be encrypted: passwords and documents could be read \
             on the way; set server.tls.certificate or server.tls.acme_domains, or put a proxy with TLS before it and name it in \
             server.trusted_proxies, or listen on 127.0.0.1 (docs/operating.md)"
        )
    }
}
