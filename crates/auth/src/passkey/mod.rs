//! Passkeys: the relying party of W3C Web Authentication, Level 2. A browser is asked for a new key or for a signature of
//! one, and its answer is checked; `ring` does the arithmetic.
//!
//! Keeps true: the checks are those of sections 7.1 and 7.2, in their order; algorithms are ES256, EdDSA and RS256; an
//! answer is bounded before it is read. What was begun is to be stored, and deleted when the first answer comes.

mod attestation;
mod authenticator;
mod cbor;
mod client;
mod cose;
mod site;

use ibid_types::{Error, Result, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::authenticator::AuthenticatorData;
use self::client::Asked;
use self::cose::{ALGORITHMS, CoseKey};
pub use self::site::Site;
pub use crate::base64::Base64;
use crate::signature::sha256;
use ibid_seal::random_bytes;
use ibid_seal::secret::bytes_equal;

/// Section 13.4.3: at least 16 bytes of chance.
const CHALLENGE_BYTES: usize = 32;
/// Five minutes to find the key and touch it, as section 15.1 recommends.
const ANSWER_WITHIN_MS: i64 = 300_000;
/// Of one part of an answer. Attestation objects of the kinds we take have less than 2 KiB.
const PART_BYTES_MAX: usize = 16 * 1024;
/// Keys of one person that are named to the browser.
const KEYS_NAMED_MAX: usize = 64;
/// Ways to reach an authenticator (`usb`, `nfc`, `internal`) that are remembered of a key.
const TRANSPORTS_MAX: usize = 8;

/// Whether the authenticator must know its owner, by a code or a finger, and not only be touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verification {
    /// Where the passkey replaces the password.
    Required,
    /// Where it is the second factor beside it.
    Preferred,
}

/// Who gets a passkey.
#[derive(Clone, Copy, Debug)]
pub struct User<'a> {
    /// 1 to 64 bytes that tell nothing about the person (section 14.6.1), such as those of the user's id.
    pub handle: &'a [u8],
    /// What tells apart accounts that have the same display name: the sign-in name.
    pub name: &'a str,
    pub display_name: &'a str,
}

/// A key of a person, to be stored. It holds nothing secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    pub id: Base64,
    /// The key in COSE form.
    pub public_key: Base64,
    /// Signatures so far, as the authenticator counts them; 0 where it does not.
    pub counter: u32,
    /// The authenticator's model in 32 hexadecimal digits; zeros where it does not tell.
    pub model: String,
    /// Whether it may be synchronised between devices.
    pub is_backup_eligible: bool,
    pub is_backed_up: bool,
    pub transports: Vec<String>,
    pub created_at: Timestamp,
}

/// A registration that was begun: to be stored until its answer comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registering {
    challenge: Base64,
    verification: Verification,
    expires_at: Timestamp,
}

/// A sign-in that was begun: to be stored until its answer comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningIn {
    challenge: Base64,
    verification: Verification,
    expires_at: Timestamp,
    /// Empty: any passkey of the site.
    allowed: Vec<Base64>,
}

/// The browser's answer to a registration: `RegistrationResponseJSON` of Level 3, `credential.toJSON()`.
#[derive(Debug, Deserialize)]
pub struct NewKey {
    id: Base64,
    #[serde(rename = "type")]
    kind: String,
    response: NewKeyParts,
}

#[derive(Debug, Deserialize)]
struct NewKeyParts {
    #[serde(rename = "clientDataJSON")]
    client_data: Base64,
    #[serde(rename = "attestationObject")]
    attestation: Base64,
    #[serde(default)]
    transports: Vec<String>,
}

/// The browser's answer to a sign-in: `AuthenticationResponseJSON` of Level 3.
#[derive(Debug, Deserialize)]
pub struct Signature {
    /// By which the passkey is found.
    pub id: Base64,
    #[serde(rename = "type")]
    kind: String,
    response: SignatureParts,
}

#[derive(Debug, Deserialize)]
struct SignatureParts {
    #[serde(rename = "clientDataJSON")]
    client_data: Base64,
    #[serde(rename = "authenticatorData")]
    authenticator_data: Base64,
    signature: Base64,
    #[serde(rename = "userHandle", default)]
    user_handle: Option<Base64>,
}

/// A sign-in that was right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// The passkey as it is now, to be stored: its counter has moved.
    pub passkey: Passkey,
    /// Whether the authenticator knew its owner.
    pub is_user_verified: bool,
}

impl Site {
    /// Begins a registration: the options for `PublicKeyCredential.parseCreationOptionsFromJSON`, and what is to be stored.
    /// `has` are the person's passkeys; their authenticators are not asked for another.
    ///
    /// Errors: `chance_unavailable`.
    pub fn begin_registration(
        &self,
        user: &User,
        has: &[Passkey],
        verification: Verification,
        now: Timestamp,
    ) -> Result<(Value, Registering)> {
        let challenge = Base64(random_bytes::<CHALLENGE_BYTES>()?.to_vec());
        let algorithms = ALGORITHMS.map(|algorithm| json!({"type": "public-key", "alg": algorithm}));
        let options = json!({
            "rp": {"id": self.id, "name": self.name},
            "user": {
                "id": Base64(user.handle.to_vec()), "name": user.name, "displayName": user.display_name,
            },
            "challenge": challenge,
            "pubKeyCredParams": algorithms,
            "timeout": ANSWER_WITHIN_MS,
            "excludeCredentials": named(has),
            "authenticatorSelection": {
                "residentKey": "preferred", "userVerification": verification,
            },
            "attestation": "none",
        });
        Ok((options, Registering { challenge, verification, expires_at: now.plus_ms(ANSWER_WITHIN_MS) }))
    }

    /// Checks the answer to a registration (section 7.1). Whether somebody has the passkey already (step 22) is the
    /// caller's to ask: its id must be new.
    ///
    /// Errors: `passkey_malformed`, `passkey_unsupported`, `passkey_late`, `passkey_refused`.
    pub fn finish_registration(
        &self,
        begun: &Registering,
        answer: &NewKey,
        now: Timestamp,
    ) -> Result<Passkey> {
        check_in_time(begun.expires_at, now)?;
        let parts = &answer.response;
        check_form(&answer.kind, &[&parts.client_data, &parts.attestation])?;
        // Steps 5 to 10.
        self.check_client("webauthn.create", &begun.challenge, &parts.client_data)?;
        // Steps 11, 12, 18, 19, 21; 16: only the algorithms that were asked for can be read.
        let attested = attestation::read(&parts.attestation.0, &sha256(&parts.client_data.0))?;
        // Steps 13 to 15.
        self.check_data(&attested.data, begun.verification)?;
        if attested.credential.id != answer.id.0 {
            return Err(refused("its id is not that of its key"));
        }
        // Step 23.
        Ok(Passkey {
            id: Base64(attested.credential.id),
            public_key: Base64(attested.credential.public_key),
            counter: attested.data.counter,
            model: data_encoding::HEXLOWER.encode(&attested.credential.aaguid),
            is_backup_eligible: attested.data.is_backup_eligible(),
            is_backed_up: attested.data.is_backed_up(),
            transports: parts
                .transports
                .iter()
                .filter(|name| is_transport(name))
                .take(TRANSPORTS_MAX)
                .cloned()
                .collect(),
            created_at: now,
        })
    }

    /// Begins a sign-in: the options for `PublicKeyCredential.parseRequestOptionsFromJSON`, and what is to be stored.
    /// `allowed` are the person's passkeys; with none, the browser offers those that it has for the site.
    ///
    /// Errors: `chance_unavailable`.
    pub fn begin_sign_in(
        &self,
        allowed: &[Passkey],
        verification: Verification,
        now: Timestamp,
    ) -> Result<(Value, SigningIn)> {
        let challenge = Base64(random_bytes::<CHALLENGE_BYTES>()?.to_vec());
        let options = json!({
            "challenge": challenge,
            "timeout": ANSWER_WITHIN_MS,
            "rpId": self.id,
            "allowCredentials": named(allowed),
            "userVerification": verification,
        });
        let allowed = allowed.iter().take(KEYS_NAMED_MAX).map(|key| key.id.clone()).collect();
        Ok((
            options,
            SigningIn { challenge, verification, expires_at: now.plus_ms(ANSWER_WITHIN_MS), allowed },
        ))
    }

    /// Checks the answer to a sign-in (section 7.2). `passkey` is the one that was stored under the answer's id, and
    /// `owner` its person's handle.
    ///
    /// Errors: `passkey_malformed`, `passkey_late`, `passkey_refused`, `passkey_cloned`.
    pub fn finish_sign_in(
        &self,
        begun: &SigningIn,
        answer: &Signature,
        passkey: &Passkey,
        owner: &[u8],
        now: Timestamp,
    ) -> Result<SignedIn> {
        check_in_time(begun.expires_at, now)?;
        let parts = &answer.response;
        check_form(&answer.kind, &[&parts.client_data, &parts.authenticator_data, &parts.signature])?;
        check_whose(begun, answer, passkey, owner)?;
        // Steps 9 to 14.
        self.check_client("webauthn.get", &begun.challenge, &parts.client_data)?;
        let data = AuthenticatorData::read(&parts.authenticator_data.0).ok_or_else(malformed)?;
        // Steps 15 to 17.
        self.check_data(&data, begun.verification)?;
        if data.credential.is_some() || data.is_backup_eligible() != passkey.is_backup_eligible {
            return Err(refused("its flags are not those of this passkey"));
        }
        // Steps 7, 19 and 20: the signature is over the authenticator data and the hash of the client data.
        let key = CoseKey::read(&passkey.public_key.0).ok_or_else(damaged)?;
        let signed = [&parts.authenticator_data.0[..], &sha256(&parts.client_data.0)].concat();
        if !key.verifies(&signed, &parts.signature.0) {
            return Err(refused("its signature is not right"));
        }
        check_counter(passkey.counter, data.counter)?;
        let passkey = Passkey { counter: data.counter, is_backed_up: data.is_backed_up(), ..passkey.clone() };
        Ok(SignedIn { passkey, is_user_verified: data.is_user_verified() })
    }

    fn check_client(&self, kind: &'static str, challenge: &Base64, client_data: &Base64) -> Result<()> {
        client::check(&client_data.0, &Asked { kind, challenge: &challenge.0, origins: &self.origins })
    }

    fn check_data(&self, data: &AuthenticatorData, verification: Verification) -> Result<()> {
        // 7.1.13, 7.2.15: verify that the rpIdHash is the hash of our id.
        if data.site_hash != sha256(self.id.as_bytes()) {
            return Err(refused("it was made for another site"));
        }
        // 7.1.14, 7.2.16: verify that the User Present bit is set.
        if !data.is_user_present() {
            return Err(refused("nobody touched the authenticator"));
        }
        // 7.1.15, 7.2.17: where it is required, verify that the User Verified bit is set.
        if verification == Verification::Required && !data.is_user_verified() {
            return Err(refused("the authenticator did not ask for a code or a finger"));
        }
        // Level 3, 6.1.3: what may not be backed up is not.
        if data.is_backed_up() && !data.is_backup_eligible() {
            return Err(refused("its flags contradict each other"));
        }
        Ok(())
    }
}

/// 7.2.5: the passkey is one of those that were allowed; 7.2.6: it belongs to the person that it names, who must be named
/// where nobody was before; and it is the one whose id the answer has.
fn check_whose(begun: &SigningIn, answer: &Signature, passkey: &Passkey, owner: &[u8]) -> Result<()> {
    let is_allowed = begun.allowed.is_empty() || begun.allowed.contains(&answer.id);
    let is_owners = match &answer.response.user_handle {
        Some(handle) => bytes_equal(&handle.0, owner),
        None => !begun.allowed.is_empty(),
    };
    if !is_allowed || !is_owners || answer.id != passkey.id {
        return Err(refused("it is not a passkey of this account"));
    }
    Ok(())
}

/// 7.2.21: a counter that is used must grow; one that does not is that of a copy.
fn check_counter(stored: u32, counter: u32) -> Result<()> {
    if (stored, counter) != (0, 0) && counter <= stored {
        return Err(Error::forbidden(
            "passkey_cloned",
            "the passkey counts fewer uses than before, as a copy of it would; remove it and register another",
        ));
    }
    Ok(())
}

fn check_in_time(expires_at: Timestamp, now: Timestamp) -> Result<()> {
    if now >= expires_at {
        return Err(Error::unauthenticated(
            "passkey_late",
            "the answer came after more than five minutes; try again",
        ));
    }
    Ok(())
}

/// Level 3, 5.8.2: there is one type. Parts are bounded before anything reads them.
fn check_form(kind: &str, parts: &[&Base64]) -> Result<()> {
    if kind != "public-key" || parts.iter().any(|part| part.0.len() > PART_BYTES_MAX) {
        return Err(malformed());
    }
    Ok(())
}

/// Descriptors (section 5.10.3) of the passkeys.
fn named(keys: &[Passkey]) -> Vec<Value> {
    let name = |key: &Passkey| json!({"type": "public-key", "id": key.id, "transports": key.transports});
    keys.iter().take(KEYS_NAMED_MAX).map(name).collect()
}

/// Short words; browsers pass over those that they do not know (section 5.8.4).
fn is_transport(name: &str) -> bool {
    (1..=16).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

fn malformed() -> Error {
    Error::bad_request(
        "passkey_malformed",
        "the browser's answer is not that of a passkey; try again, or with another browser",
    )
}

fn unsupported() -> Error {
    Error::bad_request(
        "passkey_unsupported",
        "the authenticator insists on an attestation that was not asked for; use another one",
    )
}

fn refused(why: &str) -> Error {
    Error::unauthenticated(
        "passkey_refused",
        format!("the passkey was refused: {why}; try again from the site's own address"),
    )
}

fn damaged() -> Error {
    Error::internal("passkey_damaged", "the stored passkey is damaged; remove it and register another")
}

#[cfg(test)]
mod tests;
