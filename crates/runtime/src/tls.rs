//! TLS is rustls with ring; the provider is process-wide and is set before the first connection.

/// Sets the provider; calling it again changes nothing.
pub fn set_up_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
