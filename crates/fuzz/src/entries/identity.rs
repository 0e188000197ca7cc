//! What somebody shows to prove who they are, to us ourselves: tokens, keys, codes, passkeys.

use std::sync::OnceLock;

use ibid_auth::jwt::{Expected, Order, SigningKeys};
use ibid_auth::passkey::{NewKey, Passkey, Registering, Signature, SigningIn, Site};
use ibid_auth::recovery::RecoveryCodes;
use ibid_auth::totp::TotpSecret as Totp;
use ibid_types::{Secret, Timestamp};
use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{halves, joined, keep, text};

pub const NOW: Timestamp = Timestamp(1_795_000_000_000);
const ISSUER: &str = "https://ibid.example";
const HOST: &str = "ibid.example";
const CHALLENGE: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// Signatures so far.
const COUNTED: u32 = 3;
const OWNER: &[u8] = b"owner";

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
    let Ok(keys) = SigningKeys::import(&Secret::new(text(bytes))) else { return Ok(()) };
    let again = keys.export().and_then(|exported| SigningKeys::import(&exported));
    keep(again.is_ok_and(|again| again.shown() == keys.shown()), "keys come back as they were written")
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
    register(&new_key(&client_data("webauthn.create"), bytes))
}

/// `{"fmt": "none", "attStmt": {}, "authData": ...}` in CBOR.
pub fn passkey_seeds() -> Vec<Vec<u8>> {
    vec![attestation(), attestation_of(&[0; 32], &p256_key())]
}

/// The bytes are what the browser says it was asked.
pub fn passkey_client(bytes: &[u8]) -> Result<(), String> {
    register(&new_key(bytes, &attestation()))?;
    sign_in(&signature(bytes, &authenticator_data()))
}

pub fn passkey_client_seeds() -> Vec<Vec<u8>> {
    vec![client_data("webauthn.create"), client_data("webauthn.get")]
}

/// The bytes are what the browser says it was asked and what the authenticator says, which are signed here.
pub fn passkey_sign_in(bytes: &[u8]) -> Result<(), String> {
    let (client, data) = halves(bytes);
    sign_in(&signature(client, data))
}

pub fn passkey_sign_in_seeds() -> Vec<Vec<u8>> {
    vec![joined(&[&client_data("webauthn.get"), &authenticator_data()])]
}

/// The bytes are the whole answer of a browser, to a registration or to a sign-in.
pub fn passkey_answer(bytes: &[u8]) -> Result<(), String> {
    let Ok(answer) = serde_json::from_slice::<Value>(bytes) else { return Ok(()) };
    register(&answer)?;
    sign_in(&answer)
}

pub fn passkey_answer_seeds() -> Vec<Vec<u8>> {
    let registered = new_key(&client_data("webauthn.create"), &attestation());
    let signed = signature(&client_data("webauthn.get"), &authenticator_data());
    [registered, signed].map(|answer| answer.to_string().into_bytes()).to_vec()
}

fn register(answer: &Value) -> Result<(), String> {
    let Some(key) = registered(answer)? else { return Ok(()) };
    let stored = serde_json::to_value(&key).map_err(|error| error.to_string())?;
    keep(of::<Passkey>(stored)? == key, "a passkey comes back as it was stored")
}

fn registered(answer: &Value) -> Result<Option<Passkey>, String> {
    let Ok(answer) = serde_json::from_value::<NewKey>(answer.clone()) else { return Ok(None) };
    let begun = json!({ "challenge": CHALLENGE, "verification": "preferred", "expires_at": NOW.0 + 60_000 });
    let begun: Registering = of(begun)?;
    Ok(site()?.finish_registration(&begun, &answer, NOW).ok())
}

fn sign_in(answer: &Value) -> Result<(), String> {
    let counter = signed_in(answer)?.map_or(0, |passkey| passkey.counter);
    keep(counter > COUNTED || counter == 0, "a counter does not go back")
}

fn signed_in(answer: &Value) -> Result<Option<Passkey>, String> {
    let Ok(answer) = serde_json::from_value::<Signature>(answer.clone()) else { return Ok(None) };
    let begun: SigningIn = of(json!({
        "challenge": CHALLENGE, "verification": "preferred", "expires_at": NOW.0 + 60_000, "allowed": ["AAAA"],
    }))?;
    let stored: Passkey = of(json!({
        "id": "AAAA", "public_key": base64(&ed25519_key()), "counter": COUNTED, "model": "0".repeat(32),
        "is_backup_eligible": false, "is_backed_up": false, "transports": [], "created_at": NOW.0,
    }))?;
    Ok(site()?.finish_sign_in(&begun, &answer, &stored, OWNER, NOW).ok().map(|signed_in| signed_in.passkey))
}

fn site() -> Result<Site, String> {
    Site::at(ISSUER, "Ibid").map_err(|error| error.to_string())
}

fn of<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

fn client_data(kind: &str) -> Vec<u8> {
    json!({ "type": kind, "challenge": CHALLENGE, "origin": ISSUER, "crossOrigin": false })
        .to_string()
        .into_bytes()
}

fn new_key(client: &[u8], attestation: &[u8]) -> Value {
    json!({ "id": "AAAA", "type": "public-key", "response": {
        "clientDataJSON": base64(client), "attestationObject": base64(attestation), "transports": ["usb"],
    } })
}

fn signature(client: &[u8], data: &[u8]) -> Value {
    let signed = [data, digest(&SHA256, client).as_ref()].concat();
    json!({ "id": "AAAA", "type": "public-key", "response": {
        "clientDataJSON": base64(client), "authenticatorData": base64(data), "signature": base64(&sign(&signed)),
    } })
}

/// Somebody was there and was known; the fourth signature.
fn authenticator_data() -> Vec<u8> {
    [digest(&SHA256, HOST.as_bytes()).as_ref(), &[0x05, 0, 0, 0, 4]].concat()
}

fn attestation() -> Vec<u8> {
    let site = digest(&SHA256, HOST.as_bytes());
    attestation_of(site.as_ref(), &ed25519_key())
}

fn attestation_of(site: &[u8], key: &[u8]) -> Vec<u8> {
    let data = [site, &[0x45, 0, 0, 0, 1], &[0; 16], &[0, 3, 0, 0, 0], key].concat();
    let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
    object.push(u8::try_from(data.len()).unwrap_or(u8::MAX));
    object.extend(data);
    object
}

/// In the form of COSE.
fn ed25519_key() -> Vec<u8> {
    let key = pair().map(|pair| pair.public_key().as_ref().to_vec()).unwrap_or_default();
    [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32], key.as_slice()].concat()
}

/// One that is no point of the curve.
fn p256_key() -> Vec<u8> {
    let head = [0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32];
    [&head[..], &[7; 32], &[0x22, 0x58, 32], &[7; 32]].concat()
}

pub fn second_factor(bytes: &[u8]) -> Result<(), String> {
    let typed = text(bytes);
    if let Ok(app) = Totp::from_bytes(&[7; 20]) {
        let _ = app.verify(&typed, NOW, None);
    }
    let _ = Totp::from_bytes(bytes);
    let mut codes = recovery_codes();
    let taken = codes.as_mut().is_some_and(|codes| codes.take(&typed));
    keep(!taken || codes.is_some_and(|codes| codes.left() == 9), "a code that was taken is gone")
}

fn recovery_codes() -> Option<RecoveryCodes> {
    static CODES: OnceLock<Option<RecoveryCodes>> = OnceLock::new();
    CODES.get_or_init(|| RecoveryCodes::generate().ok().map(|(_, codes)| codes)).clone()
}

pub fn second_factor_seeds() -> Vec<Vec<u8>> {
    vec![b"123456".to_vec(), b"123 456".to_vec(), vec![7; 20], b"abcd-efgh-ijkl-mnop".to_vec()]
}

/// The pair that stands for an authenticator, and for a provider of sign-ins.
pub fn pair() -> Option<&'static Ed25519KeyPair> {
    static PAIR: OnceLock<Option<Ed25519KeyPair>> = OnceLock::new();
    PAIR.get_or_init(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).ok()).as_ref()
}

pub fn sign(message: &[u8]) -> Vec<u8> {
    pair().map(|pair| pair.sign(message).as_ref().to_vec()).unwrap_or_default()
}

/// Base64 for addresses, without padding (RFC 4648, section 5).
pub fn base64(bytes: &[u8]) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_get_through() {
        let answers = passkey_answer_seeds();
        let answers: Vec<Value> = answers.iter().map(|seed| serde_json::from_slice(seed).unwrap()).collect();
        assert!(registered(&answers[0]).unwrap().is_some());
        assert_eq!(signed_in(&answers[1]).unwrap().unwrap().counter, COUNTED + 1);
    }
}
