//! Sign-in with others: OpenID Connect Core 1.0, the code flow (section 3.1) with PKCE (RFC 7636), for any provider.
//!
//! Keeps true: what a provider says of a person is believed only with its signature, for us, for this sign-in, now; a
//! sign-in that was begun is finished by the browser that began it, once, within ten minutes. The checks are those of
//! sections 3.1.3.7 and 3.1.3.8, and of RFC 9700 (state, PKCE, issuer).
//!
//! What was begun is to be stored for the browser, and deleted when the first answer comes.

mod discovery;
mod http;
mod id_token;
mod token;

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use ibid_types::{Error, Result, Secret, Timestamp};
use parking_lot::Mutex;
use reqwest::Url;
use serde::{Deserialize, Serialize};

use self::discovery::Metadata;
pub use self::http::{Call, Fetch, Http, Reply};
use self::id_token::{Expected, Profile};
use crate::jwt::{Compact, JwkSet};
use crate::signature::{Scheme, sha256};
use ibid_seal::random_bytes;
use ibid_seal::secret::secrets_equal;

/// For somebody who looks for a password, and a second factor, at the provider.
const ANSWER_WITHIN_MS: i64 = 600_000;
/// What the provider says of itself, and its keys, are asked for again after an hour.
const KNOWN_FOR_MS: i64 = 3_600_000;
/// Keys are not asked for more often, however many tokens name one that we do not know.
const KEYS_AGAIN_AFTER_MS: i64 = 60_000;
/// Longer codes are not sent on.
const CODE_BYTES_MAX: usize = 4096;

/// What an operator configures for a provider.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The provider's address, exactly as it calls itself: `https://login.example.org/realms/a`.
    pub issuer: String,
    pub client_id: String,
    /// None for a public client, whom PKCE alone protects.
    pub client_secret: Option<Secret>,
    /// Our address to which the provider sends the browser back; registered there.
    pub redirect_url: String,
    /// Besides `openid`; usually `profile` and `email`.
    pub scopes: Vec<String>,
}

/// Whom the provider signed in. The pair of issuer and subject names a person for ever; nothing else does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub issuer: String,
    pub subject: String,
    pub email: Option<String>,
    /// Only then does the address say who somebody is.
    pub is_email_verified: bool,
    pub name: Option<String>,
    pub username: Option<String>,
    /// What stands under `groups`, in the provider's words.
    pub groups: Vec<String>,
    /// How the provider found out who it is, in its words: what the signed token has under `acr` and `amr`.
    pub methods: Vec<String>,
}

/// A sign-in that was begun. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    state: String,
    nonce: String,
    verifier: String,
    expires_at: Timestamp,
}

impl std::fmt::Debug for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Begun").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// What the provider appended to our address when it sent the browser back.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Callback {
    #[serde(default)]
    pub state: Option<String>,
    #[serde(default)]
    pub code: Option<String>,
    #[serde(default)]
    pub iss: Option<String>,
    #[serde(default)]
    pub error: Option<String>,
}

/// A provider, and what is known of it.
pub struct Provider {
    settings: Settings,
    fetch: Box<dyn Fetch>,
    metadata: Mutex<Option<Known<Metadata>>>,
    keys: Mutex<Option<Known<JwkSet>>>,
}

struct Known<T> {
    what: Arc<T>,
    since: Timestamp,
}

impl<T> Known<T> {
    fn is_younger(&self, than_ms: i64, now: Timestamp) -> bool {
        now < self.since.plus_ms(than_ms)
    }
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Provider {
    /// A provider that is reached over HTTP. Nothing is asked of it yet. Errors: `oidc_settings`.
    pub fn new(settings: Settings) -> Result<Self> {
        let http = Http::new(&settings.issuer)?;
        Self::over(settings, Box::new(http))
    }

    /// A provider that is reached in another way. Errors: `oidc_settings`.
    pub fn over(settings: Settings, fetch: Box<dyn Fetch>) -> Result<Self> {
        let issuer =
            Url::parse(&settings.issuer).ok().filter(|url| url.query().is_none() && url.fragment().is_none());
        if !issuer.is_some_and(|url| http::is_safe(&url)) {
            return Err(unfit("its issuer must be an https address without a query"));
        }
        if settings.client_id.is_empty() || Url::parse(&settings.redirect_url).is_err() {
            return Err(unfit("it needs a client id, and the address to which it sends people back"));
        }
        Ok(Self { settings, fetch, metadata: Mutex::new(None), keys: Mutex::new(None) })
    }

    /// Begins a sign-in: the provider's address to which the browser is sent, and what is to be stored.
    ///
    /// Errors: `oidc_unreachable`, `oidc_answer`, `chance_unavailable`.
    pub fn begin(&self, now: Timestamp) -> Result<(String, Begun)> {
        let metadata = self.metadata(now)?;
        let begun = Begun {
            state: random_text()?,
            nonce: random_text()?,
            verifier: random_text()?,
            expires_at: now.plus_ms(ANSWER_WITHIN_MS),
        };
        let mut url = metadata.authorization_endpoint.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", &self.settings.redirect_url)
            .append_pair("scope", &self.scope())
            .append_pair("state", &begun.state)
            .append_pair("nonce", &begun.nonce)
            .append_pair("code_challenge", &challenge(&begun.verifier))
            .append_pair("code_challenge_method", "S256");
        Ok((url.into(), begun))
    }

    /// Finishes a sign-in with what the provider sent back.
    ///
    /// Errors: `oidc_refused`, `oidc_denied`, `oidc_client`, `oidc_unreachable`, `oidc_answer`.
    pub fn finish(&self, begun: &Begun, callback: &Callback, now: Timestamp) -> Result<Identity> {
        if now >= begun.expires_at {
            return Err(refused("it took longer than ten minutes"));
        }
        if !callback.state.as_deref().is_some_and(|state| secrets_equal(state, &begun.state)) {
            return Err(refused("it was begun in another browser"));
        }
        let metadata = self.metadata(now)?;
        let code = read_callback(callback, &metadata)?;
        let tokens = token::exchange(&*self.fetch, &self.settings, &metadata, code, &begun.verifier)?;
        let id_token = Compact::read(&tokens.id_token).ok_or_else(|| refused("its token cannot be read"))?;
        let scheme = self.verify(&id_token, &metadata, now)?;
        let expected = Expected {
            issuer: &metadata.issuer,
            client_id: &self.settings.client_id,
            nonce: &begun.nonce,
            access_token: &tokens.access_token,
            scheme,
        };
        let named = id_token::check(&id_token.payload, &expected, now)?;
        let mut profile = Profile::read(&id_token.payload)?;
        if !profile.is_complete()
            && let Some(userinfo) = &metadata.userinfo_endpoint
        {
            profile.fill(token::userinfo(&*self.fetch, userinfo, &tokens.access_token, &named.subject)?);
        }
        Ok(profile.into_identity(metadata.issuer.clone(), named))
    }

    fn scope(&self) -> String {
        let others = self.settings.scopes.iter().map(String::as_str).filter(|scope| *scope != "openid");
        std::iter::once("openid").chain(others).collect::<Vec<_>>().join(" ")
    }

    fn metadata(&self, now: Timestamp) -> Result<Arc<Metadata>> {
        if let Some(known) = &*self.metadata.lock()
            && known.is_younger(KNOWN_FOR_MS, now)
        {
            return Ok(Arc::clone(&known.what));
        }
        let what = Arc::new(discovery::fetch(&*self.fetch, &self.settings.issuer)?);
        *self.metadata.lock() = Some(Known { what: Arc::clone(&what), since: now });
        Ok(what)
    }

    /// The scheme in which one of the provider's keys signed the token. Keys are asked for again where none fits.
    fn verify(&self, token: &Compact, metadata: &Metadata, now: Timestamp) -> Result<Scheme> {
        let mut keys = self.keys(metadata, KNOWN_FOR_MS, now)?;
        if !keys.has_key_for(token) {
            keys = self.keys(metadata, KEYS_AGAIN_AFTER_MS, now)?;
        }
        keys.verify(token).ok_or_else(|| refused("its token is not signed by the provider"))
    }

    fn keys(&self, metadata: &Metadata, known_for_ms: i64, now: Timestamp) -> Result<Arc<JwkSet>> {
        if let Some(known) = &*self.keys.lock()
            && known.is_younger(known_for_ms, now)
        {
            return Ok(Arc::clone(&known.what));
        }
        let body = self.fetch.fetch(&Call::get(metadata.jwks_uri.clone()))?.ok("its keys")?;
        let what = Arc::new(JwkSet::read(&body).ok_or_else(|| malformed("its keys"))?);
        *self.keys.lock() = Some(Known { what: Arc::clone(&what), since: now });
        Ok(what)
    }
}

/// The code, after the issuer (RFC 9207: who may have sent it) and the error (RFC 6749, section 4.1.2.1).
fn read_callback<'a>(callback: &'a Callback, metadata: &Metadata) -> Result<&'a str> {
    let names_issuer = match &callback.iss {
        Some(issuer) => *issuer == metadata.issuer,
        None => !metadata.authorization_response_iss_parameter_supported,
    };
    if !names_issuer {
        return Err(refused("it came from another provider"));
    }
    if let Some(error) = &callback.error {
        return Err(Error::unauthenticated(
            "oidc_denied",
            format!("the provider did not sign in: {}; try again, or ask who runs it", known_error(error)),
        ));
    }
    let code = callback.code.as_deref().filter(|code| (1..=CODE_BYTES_MAX).contains(&code.len()));
    code.ok_or_else(|| refused("it has no code"))
}

/// Errors of RFC 6749 and of Core, section 3.1.2.6, by name; other text from outside is not repeated.
fn known_error(error: &str) -> &str {
    const KNOWN: [&str; 11] = [
        "access_denied",
        "invalid_request",
        "unauthorized_client",
        "unsupported_response_type",
        "invalid_scope",
        "server_error",
        "temporarily_unavailable",
        "interaction_required",
        "login_required",
        "account_selection_required",
        "consent_required",
    ];
    KNOWN.into_iter().find(|known| *known == error).unwrap_or("an error of its own")
}

/// 256 bits as 43 characters, the least that RFC 7636, section 4.1, allows a verifier.
fn random_text() -> Result<String> {
    Ok(BASE64URL_NOPAD.encode(&random_bytes::<32>()?))
}

/// RFC 7636, section 4.2: S256.
fn challenge(verifier: &str) -> String {
    BASE64URL_NOPAD.encode(&sha256(verifier.as_bytes()))
}

fn refused(why: &str) -> Error {
    Error::unauthenticated("oidc_refused", format!("the sign-in was refused: {why}; begin again"))
}

fn malformed(what: &str) -> Error {
    Error::unavailable(
        "oidc_answer",
        format!(
            "the sign-in provider's answer about {what} is not that of OpenID Connect; check its issuer address"
        ),
    )
}

fn unfit(why: &str) -> Error {
    Error::bad_request("oidc_settings", format!("the sign-in provider cannot be used: {why}"))
}

#[cfg(test)]
mod tests;
