//! Tokens with which services call each other: short-lived, signed, with a part of the rights of the key that they were made by.
//!
//! Keeps true: a token dies with its key, and with the signing key's last day; nobody gets more by it than the key has.

use ibid_auth::jwt::{Claims, Expected, KeyShown, Order, SigningKeys};
use ibid_store::Key;
use ibid_types::access::{Granted, Holder, Rights};
use ibid_types::{Error, Result, Secret, Timestamp};
use serde_json::Value;

use crate::App;
use crate::access::{Caller, Who};

/// A signing key is replaced after this; its tokens are taken for a day more.
const ROTATED_EVERY_MS: i64 = 90 * 24 * 3_600_000;
const OVERLAP_MS: i64 = 24 * 3_600_000;
/// What a token begins with: `{"` in the alphabet of RFC 4648, section 5.
const MARK: &str = "eyJ";

/// What a token is to be good for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// This server, where nobody is named.
    pub audience: Option<&'a str>,
    pub seconds: i64,
    /// No more than this of the key's rights.
    pub within: Option<Granted>,
}

/// Whether this is a token, as opposed to a key.
pub fn is_token(presented: &str) -> bool {
    presented.starts_with(MARK)
}

/// A token of the key that asks, and when it ends. A token gets none: it would outlive itself, and be more than it is. Errors:
/// `key_needed`, `audience_unknown`, `token_lifetime`.
pub fn issue(caller: &Caller, wanted: &Wanted<'_>) -> Result<(Secret, Timestamp)> {
    let (Who::Key { id, .. }, false) = (caller.who(), caller.is_by_token()) else {
        let what =
            "tokens are for services: ask for one with an API key itself (`ibid keys create NAME` makes one)";
        return Err(Error::forbidden("key_needed", what));
    };
    let issuer = caller.public_url();
    check_audience(caller, wanted.audience, &issuer)?;
    let workspace = wanted.within.and_then(|within| within.workspace);
    let workspace = workspace.map(|id| id.to_string());
    let order = Order {
        issuer: &issuer,
        audience: wanted.audience.unwrap_or(&issuer),
        subject: &Holder::Key(*id).to_string(),
        role: wanted.within.map(|within| within.role.name()),
        workspace: workspace.as_deref(),
        seconds: wanted.seconds,
    };
    let (token, claims) = with_keys(caller, |keys, now| keys.issue(&order, now))?;
    Ok((token, Timestamp(claims.exp.saturating_mul(1000))))
}

/// A token is for this server, or for one that the configuration names: nobody else should be shown what we have signed. Error:
/// `audience_unknown`.
fn check_audience(app: &App, audience: Option<&str>, own: &str) -> Result<()> {
    let named = &app.config.identity.token_audiences;
    match audience.filter(|audience| *audience != own && named.iter().all(|one| one != audience)) {
        None => Ok(()),
        Some(audience) => {
            let what = format!(
                "tokens are not made for '{audience}'; an operator adds it to identity.token_audiences, or leave the audience out"
            );
            Err(Error::bad_request("audience_unknown", what))
        }
    }
}

/// The key behind a token, with the rights that the token has. Errors: `token_invalid`, `token_audience`, `token_expired`,
/// `key_unknown`.
pub fn verify(app: &App, token: &str) -> Result<(Key, Rights)> {
    let own = app.public_url();
    let expected = Expected { issuer: &own, audience: &own };
    let claims = with_keys(app, |keys, now| keys.verify(token, &expected, now))?;
    let over = || Error::unauthenticated("key_unknown", "the key of this token was revoked, or is over");
    let Ok(Holder::Key(id)) = claims.sub.parse() else { return Err(over()) };
    let key = app.store.key_by_id(id)?.ok_or_else(over)?;
    let rights = Rights { within: within(&claims)?, ..app.store.rights_of(Holder::Key(id))? };
    Ok((key, rights))
}

fn within(claims: &Claims) -> Result<Option<Granted>> {
    let workspace = claims.workspace.as_deref().map(str::parse).transpose()?;
    let role = claims.role.as_deref().map(str::parse).transpose()?;
    Ok(role.map(|role| Granted { role, workspace }))
}

/// The document at `/.well-known/jwks.json`.
pub fn jwks(app: &App) -> Result<Value> {
    with_keys(app, |keys, now| Ok(keys.jwks(now)))
}

/// The keys that sign and that verify, the newest first.
pub fn signing_keys(app: &App) -> Result<Vec<KeyShown>> {
    with_keys(app, |keys, _| Ok(keys.shown()))
}

/// A new key signs; the former one's tokens are taken for a day more, or no longer.
pub fn rotate(app: &App, at_once: bool) -> Result<()> {
    let mut held = app.sign_ins.signing.lock();
    let mut keys = load(app, held.take())?;
    keys.rotate(app.clock.now(), if at_once { 0 } else { OVERLAP_MS })?;
    app.store.signing_keys_set(&keys.export()?)?;
    *held = Some(keys);
    Ok(())
}

/// Rotates when it is time; says whether it was. Where no token was ever made, there is nothing to rotate.
pub fn rotate_when_due(app: &App) -> Result<bool> {
    let Some(keys) = app.store.signing_keys()? else { return Ok(false) };
    let newest = SigningKeys::import(&keys)?.shown().into_iter().next();
    let is_due = newest.is_some_and(|key| app.clock.now().0 - key.created_at.0 >= ROTATED_EVERY_MS);
    if is_due {
        rotate(app, false)?;
    }
    Ok(is_due)
}

pub fn with_keys<T>(app: &App, work: impl FnOnce(&SigningKeys, Timestamp) -> Result<T>) -> Result<T> {
    let mut held = app.sign_ins.signing.lock();
    let keys = load(app, held.take())?;
    let done = work(&keys, app.clock.now());
    *held = Some(keys);
    done
}

/// Those in memory, those of the store, or the first ones.
fn load(app: &App, held: Option<SigningKeys>) -> Result<SigningKeys> {
    if let Some(keys) = held {
        return Ok(keys);
    }
    if let Some(stored) = app.store.signing_keys()? {
        return SigningKeys::import(&stored);
    }
    let keys = SigningKeys::generate(app.clock.now())?;
    app.store.signing_keys_set(&keys.export()?)?;
    Ok(keys)
}
