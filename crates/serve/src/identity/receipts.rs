//! The signatures of receipts: what was forgotten is said by this server, and can be shown to others.

use ibid_types::Result;

use super::tokens::with_keys;
use crate::App;

/// A receipt is no token: nobody takes it for one.
const TYPE: &str = "receipt+jws";

/// A JSON Web Signature of the receipt (RFC 7515, compact), with the public key in its head.
pub fn sign(app: &App, receipt: &str) -> Result<String> {
    with_keys(app, |keys, _| Ok(keys.attest(receipt.as_bytes(), TYPE)))
}
