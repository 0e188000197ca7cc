//! Servers that speak TLS under an authority of the test's own.

use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

/// Who signs. Programs trust it where `SSL_CERT_FILE` names its file.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Default for Authority {
    fn default() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer }
    }
}

impl Authority {
    /// Its certificate as a file in the folder.
    #[must_use]
    pub fn file(&self, folder: &Path) -> PathBuf {
        let path = folder.join("authority.pem");
        std::fs::write(&path, self.issuer.pem()).unwrap();
        path
    }

    /// Its certificate as PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for this machine and its key as PEM, for so many days from now.
    #[must_use]
    pub fn sign(&self, days: i64) -> (String, String) {
        let (certificate, key) = self.issue(days);
        (certificate.pem(), key.serialize_pem())
    }

    /// What a server on this machine needs, for so many days from now.
    #[must_use]
    pub fn server(&self, days: i64) -> Arc<ServerConfig> {
        ibid_runtime::set_up_tls();
        let (certificate, key) = self.issue(days);
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder().with_no_client_auth();
        Arc::new(config.with_single_cert(vec![certificate.der().clone()], key).unwrap())
    }

    fn issue(&self, days: i64) -> (Certificate, KeyPair) {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.subject_alt_names.push(SanType::IpAddress("127.0.0.1".parse().unwrap()));
        let now = time::OffsetDateTime::now_utc();
        params.not_before = now - time::Duration::days(30);
        params.not_after = now + time::Duration::days(days);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }
}

/// Shakes hands with whoever comes, and says nothing.
#[derive(Debug)]
pub struct TlsPeer {
    pub address: SocketAddr,
    authority: Authority,
    config: Arc<Mutex<Arc<ServerConfig>>>,
}

impl TlsPeer {
    /// With a certificate that ends in so many days.
    #[must_use]
    pub fn start(days: i64) -> Self {
        let authority = Authority::default();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let config = Arc::new(Mutex::new(authority.server(days)));
        let shared = Arc::clone(&config);
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let config = Arc::clone(&shared.lock().unwrap());
                std::thread::spawn(move || {
                    let connection = rustls::ServerConnection::new(config).unwrap();
                    let _ = rustls::StreamOwned::new(connection, stream).read(&mut [0; 64]);
                });
            }
        });
        Self { address, authority, config }
    }

    /// Shows another certificate from now on.
    pub fn renew(&self, days: i64) {
        *self.config.lock().unwrap() = self.authority.server(days);
    }
}
