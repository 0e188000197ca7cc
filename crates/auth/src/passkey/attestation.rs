//! What comes with a new key (WebAuthn Level 2, section 6.5): we ask for no attestation, and take none or the key's own.
//!
//! Keeps true: a statement that is there is right. Whoever made the authenticator is neither asked nor trusted.

use ciborium::Value;
use ibid_types::Result;

use super::authenticator::{AuthenticatorData, NewCredential};
use super::cbor::{Members, integer, read_whole};
use super::{malformed, refused, unsupported};

/// An attestation object whose statement was checked.
pub struct Attested {
    pub data: AuthenticatorData,
    pub credential: NewCredential,
}

/// Section 7.1, steps 12, 18, 19 and 21. `hash` is that of the client data.
pub fn read(object: &[u8], hash: &[u8; 32]) -> Result<Attested> {
    let object = read_whole(object).and_then(Members::of).ok_or_else(malformed)?;
    let format = object.find_text("fmt").and_then(Value::as_text).ok_or_else(malformed)?;
    let statement = object.find_text("attStmt").cloned().and_then(Members::of).ok_or_else(malformed)?;
    let bytes = object.find_text("authData").and_then(Value::as_bytes).ok_or_else(malformed)?;
    let data = AuthenticatorData::read(bytes).ok_or_else(malformed)?;
    let credential = data.credential.clone().ok_or_else(malformed)?;
    match format {
        // Section 8.7: the statement of none is empty.
        "none" if statement.is_empty() => {}
        "packed" if statement.find_text("x5c").is_none() => check_own(&statement, &credential, bytes, hash)?,
        _ => return Err(unsupported()),
    }
    Ok(Attested { data, credential })
}

/// Section 8.2, self attestation: the algorithm is the key's, and so is the signature.
fn check_own(statement: &Members, credential: &NewCredential, data: &[u8], hash: &[u8; 32]) -> Result<()> {
    let algorithm = statement.find_text("alg").and_then(integer);
    let signature = statement.find_text("sig").and_then(Value::as_bytes).ok_or_else(malformed)?;
    let signed = [data, hash].concat();
    if algorithm != Some(credential.key.algorithm) || !credential.key.verifies(&signed, signature) {
        return Err(refused("its attestation is not signed by its own key"));
    }
    Ok(())
}
