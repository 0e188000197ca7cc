//! Accounts: signing in and out with passwords, second factors, passkeys, providers and one-time links; users and what is granted to
//! them; tokens of services.
//!
//! Keeps true: whoever signs in wrongly learns neither whether the name or the password was wrong nor, by the time that it
//! takes, whether the name is known; there is always somebody who can act as an owner; every step is in the audit log.

mod guesses;
pub mod passkeys;
mod pending;
mod people;
pub mod provider;
mod readers;
pub mod receipts;
pub mod second_factor;
mod sign_in;
pub mod tokens;

use std::sync::OnceLock;

use ibid_auth::jwt::SigningKeys;
use ibid_auth::oidc::{Begun, Provider};
use ibid_auth::passkey::{Registering, SigningIn};
use ibid_auth::totp::TotpSecret;
use ibid_types::{Error, Result, Secret, UserId};
use parking_lot::Mutex;

use crate::App;
use guesses::Guesses;
use pending::Pending;

pub use people::{
    factors_reset, grant, grant_end, group_delete, key_revoke, may_grant, member, user_create, user_delete,
    user_disable, user_link,
};
pub use readers::{check_sources, readers_named, readers_shown, readers_told};
pub use sign_in::{ByLink, SignedIn, Visitor, change_password, sign_in, use_link};

/// What a server remembers of sign-ins.
#[derive(Debug, Default)]
pub struct SignIns {
    guesses: Guesses,
    apps: Pending<(UserId, TotpSecret)>,
    registering: Pending<(UserId, Registering)>,
    signing_in: Pending<SigningIn>,
    at_provider: Pending<(Begun, Option<Secret>)>,
    /// Who came from the provider and is to show a second factor here.
    awaited: Pending<(UserId, Option<Secret>)>,
    provider: OnceLock<Option<Provider>>,
    signing: Mutex<Option<SigningKeys>>,
}

impl App {
    /// Where people reach this server, without a slash at the end: as configured, or on this machine.
    #[must_use]
    pub fn public_url(&self) -> String {
        let configured = self.config.notify.public_url.trim_end_matches('/');
        if !configured.is_empty() {
            return configured.to_owned();
        }
        let port =
            self.listens_at.get().map_or_else(|| self.config.server.address.port(), |address| address.port());
        let scheme = if self.config.server.tls.is_on() { "https" } else { "http" };
        format!("{scheme}://localhost:{port}")
    }

    /// Errors: `oidc_missing`, `oidc_settings`.
    fn sign_in_provider(&self) -> Result<&Provider> {
        if self.sign_ins.provider.get().is_none() {
            let opened = provider::open(&self.config.identity.provider, &self.public_url())?;
            // Another request may have been faster, with the same.
            let _ = self.sign_ins.provider.set(opened);
        }
        let missing = || {
            let what = "no sign-in provider is configured (identity.provider.issuer)";
            Error::not_found("oidc_missing", what)
        };
        self.sign_ins.provider.get().and_then(Option::as_ref).ok_or_else(missing)
    }
}
