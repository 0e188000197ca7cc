//! Tokens of services: JSON Web Tokens (RFC 7519) signed with Ed25519 (RFC 8037), and the keys that sign them.
//!
//! Keeps true: the algorithm is the key's, never the token's choice (RFC 8725, section 3.1); what a token says is read
//! only after its signature was found right; the newest key signs, a former one verifies until its date.

mod compact;
mod jwk;
mod keys;

use ibid_types::{Error, Result, Secret, Timestamp};
use serde::{Deserialize, Serialize};

pub(crate) use compact::Compact;
pub(crate) use jwk::JwkSet;
pub use keys::{KeyShown, SigningKeys, TOKEN_SECONDS_MAX};

use ibid_seal::random_bytes;
use ibid_seal::secret::secrets_equal;

/// How far another machine's clock may be ahead of ours.
pub(crate) const SKEW_SECONDS: i64 = 60;

/// What a token says. Times are seconds since 1970 (RFC 7519, section 2: NumericDate).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it: our public address.
    pub iss: String,
    /// Whose it is: the service's id.
    pub sub: String,
    /// For whom it is meant; nobody else takes it.
    pub aud: String,
    /// The first second in which it is no longer valid.
    pub exp: i64,
    /// The first second in which it is valid.
    pub nbf: i64,
    pub iat: i64,
    /// Names this token alone, so that one can be refused before its time.
    pub jti: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
}

/// What a new token is to say.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    pub issuer: &'a str,
    pub audience: &'a str,
    pub subject: &'a str,
    pub role: Option<&'a str>,
    pub workspace: Option<&'a str>,
    /// From now; at most [`TOKEN_SECONDS_MAX`].
    pub seconds: i64,
}

/// What a token must say to be taken.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub audience: &'a str,
}

impl SigningKeys {
    /// A signed token, and what it says. Errors: `token_lifetime`, `chance_unavailable`.
    pub fn issue(&self, order: &Order, now: Timestamp) -> Result<(Secret, Claims)> {
        if !(1..=TOKEN_SECONDS_MAX).contains(&order.seconds) {
            return Err(Error::bad_request(
                "token_lifetime",
                format!(
                    "a token may live from 1 to {TOKEN_SECONDS_MAX} seconds; ask for a new one when it ends"
                ),
            ));
        }
        let iat = seconds(now);
        let claims = Claims {
            iss: order.issuer.to_owned(),
            sub: order.subject.to_owned(),
            aud: order.audience.to_owned(),
            exp: iat.saturating_add(order.seconds),
            nbf: iat,
            iat,
            jti: data_encoding::HEXLOWER.encode(&random_bytes::<16>()?),
            role: order.role.map(ToOwned::to_owned),
            workspace: order.workspace.map(ToOwned::to_owned),
        };
        let payload = serde_json::to_vec(&claims).map_err(|error| unwritable().caused_by(error))?;
        Ok((Secret::new(self.sign(&payload)), claims))
    }

    /// What a token says, if it is one of ours, for this audience, now. Whether its `jti` was revoked is the caller's
    /// to know.
    ///
    /// Errors: `token_invalid`, `token_audience`, `token_expired`.
    pub fn verify(&self, token: &str, expected: &Expected, now: Timestamp) -> Result<Claims> {
        let token = Compact::read(token).ok_or_else(invalid)?;
        if !self.has_signed(&token, now) {
            return Err(invalid());
        }
        let claims: Claims = serde_json::from_slice(&token.payload).map_err(|_| invalid())?;
        check(&claims, expected, seconds(now))?;
        Ok(claims)
    }
}

fn check(claims: &Claims, expected: &Expected, now: i64) -> Result<()> {
    if claims.iss != expected.issuer
        || !(1..=TOKEN_SECONDS_MAX).contains(&claims.exp.saturating_sub(claims.iat))
    {
        return Err(invalid());
    }
    if !secrets_equal(&claims.aud, expected.audience) {
        return Err(Error::unauthenticated(
            "token_audience",
            "the token is meant for another service; ask for one for this",
        ));
    }
    let ahead = now.saturating_add(SKEW_SECONDS);
    if now >= claims.exp || claims.nbf > ahead || claims.iat > ahead {
        return Err(Error::unauthenticated(
            "token_expired",
            "the token is not valid at this time; ask for a new one, and compare the clocks",
        ));
    }
    Ok(())
}

pub(crate) const fn seconds(now: Timestamp) -> i64 {
    now.0.div_euclid(1000)
}

fn invalid() -> Error {
    Error::unauthenticated("token_invalid", "the token is not one of ours, or was changed; ask for a new one")
}

fn unwritable() -> Error {
    Error::internal("token_unwritable", "the token could not be written; report it")
}

#[cfg(test)]
mod tests;
