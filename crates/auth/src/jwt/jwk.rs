//! Public keys as JSON (RFC 7517, 7518, 8037): those that providers publish.
//!
//! Keeps true: a key that is not understood is passed over, as RFC 7517, section 5, asks; a key for encryption verifies
//! nothing; secret parts are not read.

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde_json::Value;

use super::compact::Compact;
use crate::signature::{PublicKey, Scheme};

/// Keys read of one set. Large providers publish fewer than ten.
const KEYS_MAX: usize = 64;

/// One entry of a set.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Jwk {
    #[serde(default)]
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default, rename = "use")]
    purpose: Option<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
}

impl Jwk {
    /// The key, if it is of a kind that we know and meant for signatures.
    pub fn public_key(&self) -> Option<PublicKey> {
        if self.purpose.as_deref().is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("OKP", Some("Ed25519")) => bytes(self.x.as_ref()).map(PublicKey::Ed25519),
            ("EC", Some("P-256")) => PublicKey::p256(&bytes(self.x.as_ref())?, &bytes(self.y.as_ref())?),
            ("EC", Some("P-384")) => PublicKey::p384(&bytes(self.x.as_ref())?, &bytes(self.y.as_ref())?),
            ("RSA", _) => {
                Some(PublicKey::Rsa { modulus: bytes(self.n.as_ref())?, exponent: bytes(self.e.as_ref())? })
            }
            _ => None,
        }
    }

    /// Whether the key may have signed a token with this header.
    fn fits(&self, token: &Compact) -> bool {
        let names_agree = token.header.kid.is_none() || token.header.kid == self.kid;
        let algorithms_agree = self.alg.as_ref().is_none_or(|alg| *alg == token.header.alg);
        names_agree && algorithms_agree
    }
}

fn bytes(part: Option<&String>) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(part?.as_bytes()).ok()
}

/// What stands at a provider's `jwks_uri`.
#[derive(Clone, Debug, Default)]
pub struct JwkSet(Vec<Jwk>);

impl JwkSet {
    /// The keys of `{"keys": [...]}`. None where it is not that.
    pub fn read(text: &[u8]) -> Option<Self> {
        let set: Value = serde_json::from_slice(text).ok()?;
        let keys = set.get("keys")?.as_array()?.iter().take(KEYS_MAX);
        Some(Self(keys.filter_map(|key| Jwk::deserialize(key).ok()).collect()))
    }

    /// Whether a key may have signed the token: if none, the set may be an old one.
    pub fn has_key_for(&self, token: &Compact) -> bool {
        self.0.iter().any(|key| key.fits(token) && key.public_key().is_some())
    }

    /// The scheme of the token's signature, if it is right under one of the keys that its header allows.
    pub fn verify(&self, token: &Compact) -> Option<Scheme> {
        let scheme = Scheme::of_jose(&token.header.alg)?;
        let fitting = self.0.iter().filter(|key| key.fits(token));
        let is_signed = fitting
            .filter_map(Jwk::public_key)
            .any(|key| key.verifies(scheme, token.signed, &token.signature));
        is_signed.then_some(scheme)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RFC_7515_A_2: (&str, &str) = (
        r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#,
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
    );
    const RFC_7515_A_3: (&str, &str) = (
        r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    );
    const RFC_8037_A_4: (&str, &str) = (
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    );
    const VECTORS: [(&str, &str); 3] = [RFC_7515_A_2, RFC_7515_A_3, RFC_8037_A_4];

    fn set(keys: &[&str]) -> JwkSet {
        JwkSet::read(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes()).unwrap()
    }

    fn verified(keys: &JwkSet, token: &str) -> bool {
        Compact::read(token).is_some_and(|token| keys.verify(&token).is_some())
    }

    #[test]
    fn the_examples_of_the_rfcs_are_right() {
        for (key, token) in VECTORS {
            assert!(verified(&set(&[key]), token), "{key}");
        }
    }

    #[test]
    fn no_key_verifies_what_another_signed() {
        for (at, (key, _)) in VECTORS.iter().enumerate() {
            for (_, token) in
                VECTORS.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, vector)| vector)
            {
                assert!(!verified(&set(&[key]), token));
            }
        }
    }

    #[test]
    fn the_right_one_of_several_keys_is_found() {
        let keys = set(&VECTORS.map(|(key, _)| key));
        assert!(VECTORS.iter().all(|(_, token)| verified(&keys, token)));
    }

    #[test]
    fn every_changed_part_is_refused() {
        for (key, token) in VECTORS {
            let keys = set(&[key]);
            for at in (0..token.len()).step_by(7) {
                let mut changed = token.as_bytes().to_vec();
                changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
                assert!(!verified(&keys, std::str::from_utf8(&changed).unwrap()), "{at} of {token}");
            }
        }
    }

    #[test]
    fn keys_for_encryption_verify_nothing() {
        let (key, token) = RFC_8037_A_4;
        assert!(!verified(&set(&[&key.replace('}', r#","use":"enc"}"#)]), token));
        assert!(verified(&set(&[&key.replace('}', r#","use":"sig"}"#)]), token));
    }

    #[test]
    fn a_key_of_another_algorithm_verifies_nothing() {
        let (key, token) = RFC_7515_A_2;
        assert!(!verified(&set(&[&key.replace('}', r#","alg":"PS256"}"#)]), token));
    }

    #[test]
    fn a_set_may_hold_what_we_do_not_know() {
        let (key, token) = RFC_7515_A_3;
        let keys = set(&[
            r#"{"kty":"oct","k":"AAAA"}"#,
            "7",
            r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#,
            "{}",
            key,
        ]);
        assert!(verified(&keys, token));
        for text in ["", "[]", "{}", r#"{"keys":{}}"#, "null"] {
            assert!(JwkSet::read(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn keys_beyond_the_bound_are_not_read() {
        let (key, token) = RFC_8037_A_4;
        let mut keys = vec!["{}"; KEYS_MAX];
        keys.push(key);
        assert!(!verified(&set(&keys), token));
    }

    #[test]
    fn a_public_key_is_no_secret_of_an_hmac() {
        // The classic confusion: the public key's text as the key of HS256.
        let (key, _) = RFC_7515_A_2;
        let signed = format!("{}.e30", BASE64URL_NOPAD.encode(br#"{"alg":"HS256"}"#));
        let hmac = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key.as_bytes());
        let tag = BASE64URL_NOPAD.encode(ring::hmac::sign(&hmac, signed.as_bytes()).as_ref());
        assert!(!verified(&set(&[key]), &format!("{signed}.{tag}")));
        assert!(!verified(&set(&[r#"{"kty":"oct","k":"AAAA","alg":"HS256"}"#]), &format!("{signed}.{tag}")));
    }

    proptest! {
        #[test]
        fn any_text_gets_an_answer(text in "\\PC{0,200}") {
            let _ = JwkSet::read(text.as_bytes());
        }
    }
}
