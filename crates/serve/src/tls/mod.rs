//! TLS of the server: its certificate from files or by ACME, and the certificates that clients show.
//!
//! Keeps true: connections that are open keep what they were opened with; a file that is wrong changes nothing and is told until it
//! is right; rustls with ring does all of it.

pub mod acme;
mod certificate;
mod keep;
mod watch;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use ibid_ops::certificate::{self as certificates, Endpoint, Looked};
use ibid_ops::doctor::Finding;
use ibid_types::{Error, Result, Timestamp};
use parking_lot::RwLock;
use rustls::ServerConfig;
use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use certificate::Presented;
pub use keep::Keep;
pub use watch::{reloads, tell, watch};

/// What a validating authority asks for (RFC 8737).
const ACME_PROTOCOL: &[u8] = b"acme-tls/1";

/// See the head of this file.
#[derive(Debug)]
pub struct Tls {
    settings: ibid_config::Tls,
    presented: RwLock<Option<Presented>>,
    /// What an authority that looks at a name is shown.
    challenges: RwLock<HashMap<String, Arc<ServerConfig>>>,
    /// Why the last attempt at another certificate failed: code and sentence.
    trouble: RwLock<Option<(&'static str, String)>>,
}

impl Tls {
    /// With the certificate of the configured files; by ACME, with none yet. Errors: `tls_file_unreadable`,
    /// `tls_certificate_malformed`, `tls_key_wrong`, `tls_client_ca`.
    pub fn open(settings: &ibid_config::Tls) -> Result<Self> {
        let tls = Self {
            settings: settings.clone(),
            presented: RwLock::default(),
            challenges: RwLock::default(),
            trouble: RwLock::default(),
        };
        if !settings.is_by_acme() {
            *tls.presented.write() = Some(certificate::of_files(settings)?);
        }
        Ok(tls)
    }

    /// Reads the files again. What is wrong with them is told here and by `trouble`, and the former certificate stays. Errors: those
    /// of `open`, and `tls_certificate_over`.
    pub fn reload(&self, now: Timestamp) -> Result<()> {
        if self.settings.is_by_acme() {
            return Ok(());
        }
        self.take(certificate::of_files(&self.settings), now)
    }

    /// Shows another certificate from now on, if it is one.
    fn take(&self, presented: Result<Presented>, now: Timestamp) -> Result<()> {
        let presented = presented.and_then(|presented| presented.that_holds(now));
        match presented {
            Ok(presented) => {
                *self.presented.write() = Some(presented);
                *self.trouble.write() = None;
                Ok(())
            }
            Err(error) => {
                self.note(&error);
                Err(error)
            }
        }
    }

    fn note(&self, error: &Error) {
        *self.trouble.write() = Some((error.code, error.chain()));
    }

    /// Why the last attempt at another certificate failed.
    pub fn trouble(&self) -> Option<(&'static str, String)> {
        self.trouble.read().clone()
    }

    /// How the certificate fares. Error: `tls_certificate_refused`.
    pub fn check(&self) -> Result<String> {
        if let Some((code, why)) = self.trouble() {
            let what = format!("another certificate was not taken up ({code}): {why}");
            return Err(Error::unavailable("tls_certificate_refused", what));
        }
        Ok(self.ends_at().map_or_else(
            || "a certificate is being fetched".to_owned(),
            |ends_at| format!("the certificate ends at {ends_at}"),
        ))
    }

    /// When the certificate ends; nothing where there is none yet.
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.presented.read().as_ref().map(|presented| presented.ends_at)
    }

    /// What the doctor says of it.
    pub fn findings(&self, now: Timestamp) -> Vec<Finding> {
        if let Err(error) = self.check() {
            let fix = "put a certificate and its key into place that belong together (docs/operating.md)";
            return vec![Finding::problem("certificates", error.code, error.message, fix)];
        }
        let endpoint =
            Endpoint { host: "this server".to_owned(), port: 443, what: "its own certificate".to_owned() };
        let looked = self.ends_at().map(|ends_at| Looked { endpoint, ends_at: Ok(ends_at) });
        looked.map(|looked| certificates::findings(&[looked], now)).unwrap_or_default()
    }

    /// Whether clients must show a certificate for the API, where the handshake asks but does not insist.
    pub fn wants_client_for_api(&self) -> bool {
        self.settings.client_authority().is_some() && self.settings.client_for == "api"
    }

    /// Shakes hands. Nothing comes back where an authority only looked at a name.
    pub async fn accept<S>(&self, stream: S) -> io::Result<Option<TlsStream<S>>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let begun = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let hello = begun.client_hello();
        let is_authority = hello.alpn().is_some_and(|mut names| names.any(|name| name == ACME_PROTOCOL));
        if !is_authority {
            let config = self.config().ok_or_else(|| io::Error::other("there is no certificate yet"))?;
            return begun.into_stream(config).await.map(Some);
        }
        let config = hello.server_name().and_then(|name| self.challenges.read().get(name).cloned());
        let config = config.ok_or_else(|| io::Error::other("nobody was asked to look at this name"))?;
        begun.into_stream(config).await?.shutdown().await.map(|()| None)
    }

    fn config(&self) -> Option<Arc<ServerConfig>> {
        self.presented.read().as_ref().map(|presented| Arc::clone(&presented.config))
    }
}
