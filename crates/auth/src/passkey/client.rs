//! What the browser says it was asked (WebAuthn Level 2, section 5.8.1): for what, with which challenge, by which site.

use data_encoding::BASE64URL_NOPAD;
use ibid_types::Result;
use serde::Deserialize;

use super::{malformed, refused};
use ibid_seal::secret::secrets_equal;

/// The members that are checked; browsers may add others.
#[derive(Debug, Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: bool,
    #[serde(rename = "topOrigin", default)]
    top_origin: Option<String>,
}

/// What the ceremony expects.
pub struct Asked<'a> {
    /// `webauthn.create` or `webauthn.get`.
    pub kind: &'static str,
    pub challenge: &'a [u8],
    pub origins: &'a [String],
}

/// Sections 7.1, steps 5 to 9, and 7.2, steps 9 to 13. Token binding (7.1.10, 7.2.14) is not negotiated by rustls.
pub fn check(json: &[u8], asked: &Asked) -> Result<()> {
    let data: ClientData = serde_json::from_slice(json).map_err(|_| malformed())?;
    // 7.1.7, 7.2.11: verify that the type is that of the ceremony.
    if data.kind != asked.kind {
        return Err(refused("it is the answer to another question"));
    }
    // 7.1.8, 7.2.12: verify that the challenge equals the one that was given.
    if !secrets_equal(&data.challenge, &BASE64URL_NOPAD.encode(asked.challenge)) {
        return Err(refused("it answers another challenge"));
    }
    // 7.1.9, 7.2.13: verify that the origin is ours.
    if !asked.origins.contains(&data.origin) {
        return Err(refused("it was made for another address than this site's"));
    }
    // Level 3, 7.1.10 and 7.2.13: we are never framed by another site.
    if data.cross_origin || data.top_origin.is_some() {
        return Err(refused("this site was shown inside another one"));
    }
    Ok(())
}
