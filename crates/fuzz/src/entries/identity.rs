//! What somebody shows to prove who they are.

use std::sync::OnceLock;

use ibid_auth::jwt::{Expected, Order, SigningKeys};
use ibid_auth::passkey::{NewKey, Registering, Site};
use ibid_auth::totp::TotpSecret as Totp;
use ibid_types::{Secret, Timestamp};
use serde_json::json;

use super::{keep, text};

const NOW: Timestamp = Timestamp(1_795_000_000_000);
const ISSUER: &str = "https://ibid.example";

/// The same keys for all inputs: making some takes longer than an input.
fn keys() -> Option<SigningKeys> {
    static KEYS: OnceLock<Option<Secret>> = OnceLock::new();
    let exported = KEYS.get_or_init(|| SigningKeys::generate(NOW).ok()?.export().ok());
    SigningKeys::import(exported.as_ref()?).ok()
}

pub fn token(bytes: &[u8]) -> Result<(), String> {
    let Some(keys) = keys() else { return Err("keys are made".to_owned()) };
    let expected = Expected { issuer: ISSUER, audience: "ibid" };
    let taken = keys.verify(&text(bytes), &expected, NOW).is_ok();
    keep(!taken || token_seeds().contains(&bytes.to_vec()), "only what was signed is taken")
}

/// A token of ours, and one that nobody signed.
pub fn token_seeds() -> Vec<Vec<u8>> {
    static SEEDS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    SEEDS.get_or_init(issue).clone()
}

fn issue() -> Vec<Vec<u8>> {
    let order = Order {
        issuer: ISSUER,
        audience: "ibid",
        subject: "a",
        role: Some("reader"),
        workspace: None,
        seconds: 60,
    };
    let issued = keys().and_then(|keys| keys.issue(&order, NOW).ok());
    let none = b"eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2liaWQuZXhhbXBsZSJ9.".to_vec();
    issued.map(|(token, _)| token.reveal().as_bytes().to_vec()).into_iter().chain([none]).collect()
}

pub fn signing_keys(bytes: &[u8]) -> Result<(), String> {
    let _ = SigningKeys::import(&Secret::new(text(bytes)));
    Ok(())
}

pub fn signing_keys_seeds() -> Vec<Vec<u8>> {
    keys()
        .and_then(|keys| keys.export().ok())
        .map(|text| text.reveal().as_bytes().to_vec())
        .into_iter()
        .collect()
}

/// The bytes are the attestation object, around which all else is right.
pub fn passkey(bytes: &[u8]) -> Result<(), String> {
    let Ok(site) = Site::at(ISSUER, "Ibid") else { return Err("the site is one".to_owned()) };
    let client =
        json!({ "type": "webauthn.create", "challenge": CHALLENGE, "origin": ISSUER, "crossOrigin": false })
            .to_string();
    let begun = json!({ "challenge": CHALLENGE, "verification": "preferred", "expires_at": NOW.0 + 60_000 });
    let answer = json!({ "id": "AAAA", "type": "public-key", "response": {
        "clientDataJSON": base64(client.as_bytes()), "attestationObject": base64(bytes), "transports": ["usb"],
    } });
    let begun: Registering = serde_json::from_value(begun).map_err(|error| error.to_string())?;
    let answer: NewKey = serde_json::from_value(answer).map_err(|error| error.to_string())?;
    let _ = site.finish_registration(&begun, &answer, NOW);
    Ok(())
}

const CHALLENGE: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// CBOR: `{"fmt": "none", "attStmt": {}, "authData": ...}`.
pub fn passkey_seeds() -> Vec<Vec<u8>> {
    let mut data = vec![0_u8; 32];
    data.extend([0x45, 0, 0, 0, 1]);
    data.extend([0; 16]);
    data.extend([0, 3, 0, 0, 0]);
    data.extend([0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32]);
    data.extend([7; 32]);
    data.extend([0x22, 0x58, 32]);
    data.extend([7; 32]);
    let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
    object.push(u8::try_from(data.len()).unwrap_or(u8::MAX));
    object.extend(data);
    vec![object]
}

pub fn second_factor(bytes: &[u8]) -> Result<(), String> {
    let typed = text(bytes);
    if let Ok(app) = Totp::from_bytes(&[7; 20]) {
        let _ = app.verify(&typed, NOW, None);
    }
    let _ = Totp::from_bytes(bytes);
    Ok(())
}

pub fn second_factor_seeds() -> Vec<Vec<u8>> {
    vec![b"123456".to_vec(), b"123 456".to_vec(), vec![7; 20]]
}

/// Base64 for addresses, without padding (RFC 4648, section 5).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let bits =
            part.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - part.len()));
        for digit in 0..=part.len() {
            text.push(char::from(DIGITS[(bits >> (18 - 6 * digit)) as usize & 63]));
        }
    }
    text
}
