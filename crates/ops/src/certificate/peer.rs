//! A handshake that only looks at the certificates: nothing is sent, and nothing that is shown is trusted.

use std::sync::Arc;
use std::time::Duration;

use ibid_types::{Error, Result, Timestamp};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme};

use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use super::Endpoint;
use crate::connect::connect;

/// For the connection, and for each wait within the handshake.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// A handshake takes two round trips; more reads than this are no handshake.
const READS_MAX: usize = 64;
/// Certificates of a chain that are looked at.
const CHAIN_MAX: usize = 10;

/// The first end of a certificate of the chain. Errors: `certificate_unseen`, `certificate_malformed`.
pub fn ends_at(endpoint: &Endpoint) -> Result<Timestamp> {
    let chain = chain(endpoint)?;
    let ends: Option<Vec<Timestamp>> = chain.iter().take(CHAIN_MAX).map(|one| not_after(one)).collect();
    ends.and_then(|ends| ends.into_iter().min()).ok_or_else(|| {
        let what = format!("{} shows something that is no certificate", endpoint.label());
        Error::unavailable("certificate_malformed", what)
    })
}

/// The end of one; nothing where the bytes are no certificate.
fn not_after(certificate: &[u8]) -> Option<Timestamp> {
    let (_, read) = X509Certificate::from_der(certificate).ok()?;
    Some(Timestamp(read.validity().not_after.timestamp().checked_mul(1000)?))
}

fn chain(endpoint: &Endpoint) -> Result<Vec<CertificateDer<'static>>> {
    let unseen = |what: &str| {
        let what =
            format!("{} {what}; is its address right, and does the machine reach it?", endpoint.label());
        Error::unavailable("certificate_unseen", what)
    };
    let mut stream = connect(&endpoint.host, endpoint.port, WAIT_MAX)
        .map_err(|error| unseen("cannot be reached").caused_by(error))?;
    let name =
        ServerName::try_from(endpoint.host.clone()).map_err(|error| unseen("is no name").caused_by(error))?;
    let mut connection = ClientConnection::new(config()?, name)
        .map_err(|error| unseen("cannot be spoken to").caused_by(error))?;
    for _ in 0..READS_MAX {
        if !connection.is_handshaking() {
            break;
        }
        connection.complete_io(&mut stream).map_err(|error| unseen("does not speak TLS").caused_by(error))?;
    }
    let shown = connection
        .peer_certificates()
        .map(|chain| chain.iter().cloned().map(CertificateDer::into_owned).collect());
    shown.ok_or_else(|| unseen("shows no certificate"))
}

fn config() -> Result<Arc<ClientConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let schemes = provider.signature_verification_algorithms.supported_schemes();
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| {
        Error::internal("certificate_setup", "cannot set up TLS to look at certificates").caused_by(error)
    })?;
    let looker = Arc::new(Looker { schemes });
    Ok(Arc::new(builder.dangerous().with_custom_certificate_verifier(looker).with_no_client_auth()))
}

/// Lets everything pass: an expired certificate is what is looked for.
#[derive(Debug)]
struct Looker {
    schemes: Vec<SignatureScheme>,
}

impl ServerCertVerifier for Looker {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_has_no_end() {
        assert_eq!(not_after(b""), None);
        assert_eq!(not_after(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x30]), None);
    }
}
