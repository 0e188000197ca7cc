//! A certificate with its key, read from PEM and made ready for connections.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use ibid_types::{Error, Result, Timestamp};
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

/// Larger files hold no chain of certificates.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What connections are opened with.
#[derive(Debug)]
pub struct Presented {
    pub config: Arc<ServerConfig>,
    /// The first end of a certificate of the chain.
    pub ends_at: Timestamp,
}

impl Presented {
    /// Error: `tls_certificate_over`.
    pub fn that_holds(self, now: Timestamp) -> Result<Self> {
        if self.ends_at > now {
            return Ok(self);
        }
        let what =
            format!("the certificate ended at {}; put one that still holds into its place", self.ends_at);
        Err(Error::unavailable("tls_certificate_over", what))
    }
}

/// Errors: `tls_file_unreadable`, `tls_certificate_malformed`, `tls_key_wrong`, `tls_client_ca`.
pub fn of_files(settings: &ibid_config::Tls) -> Result<Presented> {
    of_pem(&read(&settings.certificate)?, &read(&settings.key)?, settings)
}

/// The same for texts.
pub fn of_pem(chain: &[u8], key: &[u8], settings: &ibid_config::Tls) -> Result<Presented> {
    let chain = certificates(chain).ok_or_else(malformed)?;
    let ends: Option<Vec<Timestamp>> = chain.iter().map(|one| not_after(one)).collect();
    let ends_at = ends.and_then(|ends| ends.into_iter().min()).ok_or_else(malformed)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| key_wrong().caused_by(error))?;
    let provider = Arc::new(default_provider());
    let clients = clients(&provider, settings)?;
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| key_wrong().caused_by(error))?.with_client_cert_verifier(clients);
    let mut config = builder.with_single_cert(chain, key).map_err(|error| key_wrong().caused_by(error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Presented { config: Arc::new(config), ends_at })
}

/// Who may connect, by what they show.
fn clients(
    provider: &Arc<CryptoProvider>,
    settings: &ibid_config::Tls,
) -> Result<Arc<dyn ClientCertVerifier>> {
    let Some(file) = settings.client_authority() else { return Ok(WebPkiClientVerifier::no_client_auth()) };
    let unusable = || {
        let what = format!("{} holds no authority for the certificates of clients", file.display());
        Error::bad_request("tls_client_ca", what)
    };
    let mut roots = RootCertStore::empty();
    for authority in certificates(&read(file)?).ok_or_else(unusable)? {
        roots.add(authority).map_err(|error| unusable().caused_by(error))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let builder = if settings.client_for == "api" { builder.allow_unauthenticated() } else { builder };
    builder.build().map_err(|error| unusable().caused_by(error))
}

/// All of a PEM text, the server's own first; nothing where there is none, or one is malformed.
fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<std::result::Result<_, _>>().ok()?;
    (!all.is_empty()).then_some(all)
}

fn not_after(certificate: &[u8]) -> Option<Timestamp> {
    let (_, read) = X509Certificate::from_der(certificate).ok()?;
    Some(Timestamp(read.validity().not_after.timestamp().checked_mul(1000)?))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let unreadable = |why: &str| {
        let what =
            format!("cannot read {} ({why}); name a PEM file that this program may read", path.display());
        Error::unavailable("tls_file_unreadable", what)
    };
    let size = fs::metadata(path).map_err(|error| unreadable("it is not there").caused_by(error))?.len();
    if size > FILE_BYTES_MAX {
        return Err(unreadable("it is too large"));
    }
    fs::read(path).map_err(|error| unreadable("it does not open").caused_by(error))
}

fn malformed() -> Error {
    let what =
        "the file of the certificate holds none, or a malformed one; it must be PEM, the server's own first";
    Error::bad_request("tls_certificate_malformed", what)
}

fn key_wrong() -> Error {
    let what = "the key is none, or not that of the certificate; give the key with which the certificate was asked for";
    Error::bad_request("tls_key_wrong", what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertifiedKey, generate_simple_self_signed};

    fn settings() -> ibid_config::Tls {
        ibid_config::Layers::defaults().unwrap().finish().unwrap().0.server.tls
    }

    fn pair() -> (String, String) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["a.example".to_owned()]).unwrap();
        (cert.pem(), signing_key.serialize_pem())
    }

    fn code(chain: &str, key: &str) -> &'static str {
        of_pem(chain.as_bytes(), key.as_bytes(), &settings()).unwrap_err().code
    }

    #[test]
    fn a_certificate_and_its_key_are_presented() {
        let (chain, key) = pair();
        let presented = of_pem(chain.as_bytes(), key.as_bytes(), &settings()).unwrap();
        assert_eq!(presented.config.alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
        let after = presented.ends_at.plus_ms(1);
        assert_eq!(presented.that_holds(after).unwrap_err().code, "tls_certificate_over");
    }

    #[test]
    fn what_does_not_belong_together_is_told() {
        let ((chain, key), (_, other)) = (pair(), pair());
        assert_eq!(code("", &key), "tls_certificate_malformed");
        assert_eq!(code(&chain[..chain.len() / 2], &key), "tls_certificate_malformed");
        assert_eq!(code(&chain, ""), "tls_key_wrong");
        assert_eq!(code(&chain, &other), "tls_key_wrong");
        let missing = ibid_config::Tls { certificate: "nowhere.pem".into(), ..settings() };
        assert_eq!(of_files(&missing).unwrap_err().code, "tls_file_unreadable");
    }

    #[test]
    fn clients_are_known_by_an_authority() {
        let (chain, key) = pair();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("authority.pem");
        let with = |text: &str| {
            fs::write(&file, text).unwrap();
            of_pem(
                chain.as_bytes(),
                key.as_bytes(),
                &ibid_config::Tls { client_ca: file.clone(), ..settings() },
            )
        };
        assert!(with(&chain).is_ok());
        assert_eq!(with("none").unwrap_err().code, "tls_client_ca");
    }
}
