//! Certificates from an authority by ACME (RFC 8555): the server proves that it answers under its names by what it shows to the
//! authority in a handshake (TLS-ALPN-01, RFC 8737), so nothing but its own port is needed.
//!
//! Keeps true: a certificate is kept before it is shown; one that holds is not fetched again; an authority is asked less and less
//! often while it refuses.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ibid_types::{Error, Result, Timestamp};
use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Identifier, NewAccount, NewOrder, Order, OrderStatus,
    RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use super::certificate::of_pem;
use super::watch::tell;
use super::{ACME_PROTOCOL, Keep, Tls};
use crate::App;

/// How long an authority may take to look, and to sign.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between attempts: the first pause, doubled up to the last. Authorities allow about five failures an hour.
const PAUSE_FIRST: Duration = Duration::from_secs(15 * 60);
const PAUSE_LAST: Duration = Duration::from_secs(12 * 3600);
/// How often it is looked whether the certificate ends soon.
const LOOK_EVERY: Duration = Duration::from_secs(3600);
const DAY_MS: i64 = 24 * 3_600_000;

/// Has a certificate fetched whenever the one that is there ends soon, until the shutdown.
pub async fn run(app: Arc<App>, tls: Arc<Tls>) {
    let keep = Keep::new(&app.config);
    take_up(&app, &tls, &keep);
    let mut pause = PAUSE_FIRST / 2;
    loop {
        let wait = if !is_due(&tls, app.clock.now()) {
            LOOK_EVERY
        } else if renew(&app, &tls, &keep).await {
            pause = PAUSE_FIRST / 2;
            LOOK_EVERY
        } else {
            pause = (pause * 2).min(PAUSE_LAST);
            pause
        };
        tokio::select! { () = app.shutdown.wait() => return, () = tokio::time::sleep(wait) => {} }
    }
}

/// Whether the certificate ends within the configured days, or is not there.
fn is_due(tls: &Tls, now: Timestamp) -> bool {
    tls.ends_at().is_none_or(|ends_at| ends_at.0 - now.0 < tls.settings.acme_renew_days * DAY_MS)
}

/// Shows what an earlier run fetched, where it still holds.
fn take_up(app: &App, tls: &Tls, keep: &Keep) {
    let Some(pem) = keep.load(&name_of(tls, "certificate")) else { return };
    if tls.take(of_pem(&pem, &pem, &tls.settings), app.clock.now()).is_ok() {
        tokio::task::block_in_place(|| tell(app, tls, "certificate.kept"));
    }
}

/// Whether there is another certificate now.
async fn renew(app: &App, tls: &Tls, keep: &Keep) -> bool {
    let fetched = fetch(tls, keep).await;
    tls.challenges.write().clear();
    let taken = fetched.and_then(|pem| {
        let pem = pem.as_bytes();
        let presented = of_pem(pem, pem, &tls.settings)?;
        keep.save(&name_of(tls, "certificate"), pem)?;
        tls.take(Ok(presented), app.clock.now())
    });
    if let Err(error) = &taken {
        tls.note(error);
        tracing::error!(code = error.code, "no certificate was fetched: {}", error.chain());
    }
    let outcome = if taken.is_ok() { "certificate.fetched" } else { "certificate.refused" };
    tokio::task::block_in_place(|| tell(app, tls, outcome));
    taken.is_ok()
}

/// The chain and its key as one PEM text. Error: `acme_failed`.
async fn fetch(tls: &Tls, keep: &Keep) -> Result<String> {
    let account = account(tls, keep).await?;
    let names: Vec<Identifier> = tls.settings.acme_domains.iter().cloned().map(Identifier::Dns).collect();
    let order = account.new_order(&NewOrder::new(&names)).await;
    let mut order = order.map_err(|error| {
        if is_unknown(&error) {
            keep.forget(&name_of(tls, "account"));
        }
        failed("takes no order")(error)
    })?;
    prepare(tls, &mut order).await?;
    let retries = RetryPolicy::new().timeout(PATIENCE);
    let status = order.poll_ready(&retries).await.map_err(failed("does not say what it saw"))?;
    if status != OrderStatus::Ready {
        return Err(refused(&mut order).await);
    }
    let key = order.finalize().await.map_err(failed("does not sign"))?;
    let chain = order.poll_certificate(&retries).await.map_err(failed("gives no certificate"))?;
    Ok(format!("{chain}\n{key}"))
}

/// The account of an earlier run, or a new one that is kept. Its key is the directory's only proof of who asks.
async fn account(tls: &Tls, keep: &Keep) -> Result<Account> {
    ibid_runtime::set_up_tls();
    let builder = || match tls.settings.acme_directory_ca.as_path() {
        none if none == Path::new("") => Account::builder(),
        file => Account::builder_with_root(file),
    };
    let builder = || builder().map_err(failed("cannot be asked from here"));
    let name = name_of(tls, "account");
    if let Some(kept) = keep.load(&name).and_then(|kept| serde_json::from_slice(&kept).ok()) {
        return builder()?.from_credentials(kept).await.map_err(failed("cannot be reached"));
    }
    let mail = format!("mailto:{}", tls.settings.acme_email);
    let contact: &[&str] = if tls.settings.acme_email.is_empty() { &[] } else { &[&mail] };
    let new = NewAccount { contact, terms_of_service_agreed: true, only_return_existing: false };
    let made = builder()?.create(&new, tls.settings.acme_directory.clone(), None).await;
    let (account, credentials) = made.map_err(failed("makes no account"))?;
    keep.save(&name, &serde_json::to_vec(&credentials).map_err(failed("gives an odd account"))?)?;
    Ok(account)
}

/// Whether the authority does not know the account any more: the next attempt makes another.
fn is_unknown(error: &instant_acme::Error) -> bool {
    let instant_acme::Error::Api(problem) = error else { return false };
    problem.r#type.as_deref() == Some("urn:ietf:params:acme:error:accountDoesNotExist")
}

/// Lets the authority see that each name is answered here, and asks it to look.
async fn prepare(tls: &Tls, order: &mut Order) -> Result<()> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.map_err(failed("does not say how to prove a name"))?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let none = || Error::unavailable("acme_failed", "the authority does not look by TLS-ALPN-01");
        let mut challenge = authorization.challenge(ChallengeType::TlsAlpn01).ok_or_else(none)?;
        let name = challenge.identifier().to_string();
        let shown = shown_to_authority(&name, challenge.key_authorization().digest().as_ref())?;
        tls.challenges.write().insert(name, shown);
        challenge.set_ready().await.map_err(failed("does not look"))?;
    }
    Ok(())
}

/// A certificate for one name that carries the proof (RFC 8737, section 3).
fn shown_to_authority(name: &str, digest: &[u8]) -> Result<Arc<ServerConfig>> {
    let mut params = CertificateParams::new([name.to_owned()]).map_err(failed("names what is no name"))?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate().map_err(failed("cannot be shown a key"))?;
    let certificate = params.self_signed(&key).map_err(failed("cannot be shown a certificate"))?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(failed("cannot be shown a key"))?;
    let key = any_supported_type(&key).map_err(failed("cannot be shown a key"))?;
    // Not read before it is shown: the proof is an extension that nobody but the authority knows.
    let shown = SingleCertAndKey::from(CertifiedKey::new(vec![certificate.der().clone()], key));
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(failed("cannot be answered"))?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::new(shown));
    config.alpn_protocols = vec![ACME_PROTOCOL.to_vec()];
    Ok(Arc::new(config))
}

/// What the authority says that it saw.
async fn refused(order: &mut Order) -> Error {
    let mut said = String::new();
    let mut authorizations = order.authorizations();
    while let Some(Ok(authorization)) = authorizations.next().await {
        for challenge in &authorization.challenges {
            if let Some(problem) = &challenge.error {
                said = format!("; {}: {problem}", authorization.identifier());
            }
        }
    }
    let what = format!(
        "the authority did not see this server under its names{said}; are they right in the DNS, and does port 443 lead here?"
    );
    Error::unavailable("acme_failed", what)
}

fn failed<E>(what: &str) -> impl Fn(E) -> Error + use<'_, E>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    move |error| {
        let what = format!("the authority {what}; look at server.tls.acme_directory and at the network");
        Error::unavailable("acme_failed", what).caused_by(error)
    }
}

/// Another directory has another account, other names have another certificate.
fn name_of(tls: &Tls, what: &str) -> String {
    let settings = &tls.settings;
    let names = if what == "account" { String::new() } else { settings.acme_domains.join(",") };
    format!("{what}-{}", Keep::digits(&format!("{} {names}", settings.acme_directory)))
}
