//! The keys that sign our tokens: Ed25519, named by the thumbprint of their public part (RFC 7638, 8037).
//!
//! Keeps true: there is always one key that signs; the newest does. What is exported and comes back signs the same.

use std::fmt;
use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use ibid_types::{Error, Result, Secret, Timestamp};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::compact::Compact;
use crate::signature::{PublicKey, Scheme, sha256};
use ibid_seal::random_bytes;

/// A token lives at most a day, so that a key that no longer signs need not verify for longer.
pub const TOKEN_SECONDS_MAX: i64 = 24 * 60 * 60;
/// The algorithm of every token of ours.
const ALGORITHM: &str = "EdDSA";
const SEED_BYTES: usize = 32;
/// Keys of an exported set. A set that rotates daily, with a day of overlap, has two.
const KEYS_MAX: usize = 64;

#[derive(Clone)]
struct SigningKey {
    id: String,
    seed: [u8; SEED_BYTES],
    pair: Arc<Ed25519KeyPair>,
    created_at: Timestamp,
    /// A former key's tokens are refused from here on.
    verifies_until: Option<Timestamp>,
}

impl SigningKey {
    fn new(seed: [u8; SEED_BYTES], created_at: Timestamp, verifies_until: Option<Timestamp>) -> Result<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| malformed())?;
        let id = thumbprint(pair.public_key().as_ref());
        Ok(Self { id, seed, pair: Arc::new(pair), created_at, verifies_until })
    }

    fn verifies_at(&self, now: Timestamp) -> bool {
        self.verifies_until.is_none_or(|until| now < until)
    }

    fn jwk(&self) -> Value {
        let x = BASE64URL_NOPAD.encode(self.pair.public_key().as_ref());
        json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.id, "alg": ALGORITHM, "use": "sig"})
    }
}

/// RFC 7638, section 3: the hash of the members that are the key, in the order of the alphabet.
fn thumbprint(public: &[u8]) -> String {
    let x = BASE64URL_NOPAD.encode(public);
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    BASE64URL_NOPAD.encode(&sha256(members.as_bytes()))
}

/// What a list shows of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyShown {
    pub id: String,
    pub created_at: Timestamp,
    /// None: it signs.
    pub verifies_until: Option<Timestamp>,
}

/// The keys, the newest first. Its `Debug` shows their ids.
#[derive(Clone)]
pub struct SigningKeys {
    newest: SigningKey,
    former: Vec<SigningKey>,
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys().map(|key| &key.id)).finish()
    }
}

/// One key as it is exported.
#[derive(Serialize, Deserialize)]
struct Exported {
    seed: String,
    created_at: Timestamp,
    #[serde(default)]
    verifies_until: Option<Timestamp>,
}

impl SigningKeys {
    /// One new key. Errors: `chance_unavailable`.
    pub fn generate(now: Timestamp) -> Result<Self> {
        Ok(Self { newest: SigningKey::new(random_bytes()?, now, None)?, former: Vec::new() })
    }

    /// A new key signs from now on. Former ones verify for `overlap_ms` more, or until the date that they have; with an
    /// overlap of 0 every token in use is refused at once. Keys past their date are dropped.
    ///
    /// Errors: `chance_unavailable`.
    pub fn rotate(&mut self, now: Timestamp, overlap_ms: i64) -> Result<()> {
        let newest = SigningKey::new(random_bytes()?, now, None)?;
        self.former.insert(0, std::mem::replace(&mut self.newest, newest));
        let until = now.plus_ms(overlap_ms);
        for key in &mut self.former {
            key.verifies_until = Some(key.verifies_until.map_or(until, |earlier| earlier.min(until)));
        }
        self.former.retain(|key| key.verifies_at(now));
        self.former.truncate(KEYS_MAX - 1);
        Ok(())
    }

    /// The public parts of the keys that verify now: the document at `/.well-known/jwks.json`.
    #[must_use]
    pub fn jwks(&self, now: Timestamp) -> Value {
        let keys: Vec<Value> = self.keys().filter(|key| key.verifies_at(now)).map(SigningKey::jwk).collect();
        json!({ "keys": keys })
    }

    /// The keys for a list, the newest first.
    #[must_use]
    pub fn shown(&self) -> Vec<KeyShown> {
        let show = |key: &SigningKey| KeyShown {
            id: key.id.clone(),
            created_at: key.created_at,
            verifies_until: key.verifies_until,
        };
        self.keys().map(show).collect()
    }

    /// The keys with their secret parts, as JSON, to be stored sealed. Errors: `signing_keys_malformed`.
    pub fn export(&self) -> Result<Secret> {
        let export = |key: &SigningKey| Exported {
            seed: BASE64URL_NOPAD.encode(&key.seed),
            created_at: key.created_at,
            verifies_until: key.verifies_until,
        };
        let keys: Vec<Exported> = self.keys().map(export).collect();
        serde_json::to_string(&keys).map(Secret::new).map_err(|error| malformed().caused_by(error))
    }

    /// What was exported. Errors: `signing_keys_malformed`.
    pub fn import(exported: &Secret) -> Result<Self> {
        let keys: Vec<Exported> = serde_json::from_str(exported.reveal()).map_err(|_| malformed())?;
        if keys.len() > KEYS_MAX {
            return Err(malformed());
        }
        let mut former = keys.into_iter().map(import).collect::<Result<Vec<_>>>()?;
        if former.is_empty() {
            return Err(malformed());
        }
        Ok(Self { newest: former.remove(0), former })
    }

    fn keys(&self) -> impl Iterator<Item = &SigningKey> {
        std::iter::once(&self.newest).chain(&self.former)
    }

    pub(crate) fn sign(&self, payload: &[u8]) -> String {
        self.signed(&json!({"alg": ALGORITHM, "kid": self.newest.id, "typ": "JWT"}), payload)
    }

    /// A statement that anybody can verify by itself, at any time: the public key is in its head. It is no token, by its type.
    #[must_use]
    pub fn attest(&self, statement: &[u8], typ: &str) -> String {
        let header = json!({"alg": ALGORITHM, "kid": self.newest.id, "typ": typ, "jwk": self.newest.jwk()});
        self.signed(&header, statement)
    }

    fn signed(&self, header: &Value, payload: &[u8]) -> String {
        let head = BASE64URL_NOPAD.encode(header.to_string().as_bytes());
        let signed = format!("{head}.{}", BASE64URL_NOPAD.encode(payload));
        let signature = self.newest.pair.sign(signed.as_bytes());
        format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
    }

    /// Whether the token names one of the keys, which verifies now and has signed it.
    pub(super) fn has_signed(&self, token: &Compact, now: Timestamp) -> bool {
        let is_ours =
            token.header.alg == ALGORITHM && token.header.typ.as_deref().is_none_or(|typ| typ == "JWT");
        let named = self.keys().find(|key| token.header.kid.as_ref() == Some(&key.id));
        is_ours
            && named.is_some_and(|key| {
                let public = PublicKey::Ed25519(key.pair.public_key().as_ref().to_vec());
                key.verifies_at(now) && public.verifies(Scheme::EdDsa, token.signed, &token.signature)
            })
    }
}

fn import(key: Exported) -> Result<SigningKey> {
    let seed = BASE64URL_NOPAD.decode(key.seed.as_bytes()).map_err(|_| malformed())?;
    let seed: [u8; SEED_BYTES] = seed.try_into().map_err(|_| malformed())?;
    SigningKey::new(seed, key.created_at, key.verifies_until)
}

fn malformed() -> Error {
    Error::internal(
        "signing_keys_malformed",
        "the keys that sign tokens are damaged; rotate them, which ends every token",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, appendix A.1.
    const D: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn of_the_rfc() -> SigningKeys {
        SigningKeys::import(&Secret::new(format!(r#"[{{"seed":"{D}","created_at":0}}]"#))).unwrap()
    }

    #[test]
    fn the_public_part_and_the_thumbprint_are_those_of_rfc_8037() {
        let jwks = of_the_rfc().jwks(Timestamp(0));
        assert_eq!(jwks["keys"][0]["x"], X);
        assert_eq!(jwks["keys"][0]["kid"], "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn the_signature_is_that_of_rfc_8037() {
        let signed = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = of_the_rfc().newest.pair.sign(signed);
        assert_eq!(
            BASE64URL_NOPAD.encode(signature.as_ref()),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
    }

    #[test]
    fn secret_parts_neither_print_nor_are_published() {
        let keys = of_the_rfc();
        let shown =
            format!("{keys:?} {} {:?} {:?}", keys.jwks(Timestamp(0)), keys.shown(), keys.export().unwrap());
        assert!(!shown.contains(D));
        assert!(keys.export().unwrap().reveal().contains(D));
    }

    #[test]
    fn what_was_exported_comes_back() {
        let mut keys = SigningKeys::generate(Timestamp(1)).unwrap();
        keys.rotate(Timestamp(2), 10).unwrap();
        let again = SigningKeys::import(&keys.export().unwrap()).unwrap();
        assert_eq!(again.shown(), keys.shown());
        assert_eq!(again.jwks(Timestamp(3)), keys.jwks(Timestamp(3)));
    }

    #[test]
    fn damaged_exports_are_refused() {
        for text in ["", "[]", "{}", r#"[{"seed":"AA","created_at":0}]"#, r#"[{"seed":"!","created_at":0}]"#]
        {
            let refused = SigningKeys::import(&Secret::new(text.to_owned())).unwrap_err();
            assert_eq!(refused.code, "signing_keys_malformed", "{text}");
        }
    }

    #[test]
    fn a_set_is_bounded() {
        let keys = |count: usize| {
            let key = format!(r#"{{"seed":"{D}","created_at":0}}"#);
            SigningKeys::import(&Secret::new(format!("[{}]", vec![key; count].join(",")))).is_ok()
        };
        assert_eq!([keys(KEYS_MAX), keys(KEYS_MAX + 1)], [true, false]);
    }

    #[test]
    fn even_our_own_signature_stands_for_one_algorithm_and_one_type() {
        let keys = of_the_rfc();
        let signed = |alg: &str, typ: &str| {
            let header = json!({"alg": alg, "typ": typ, "kid": keys.newest.id}).to_string();
            let signed = format!("{}.e30", BASE64URL_NOPAD.encode(header.as_bytes()));
            let signature = BASE64URL_NOPAD.encode(keys.newest.pair.sign(signed.as_bytes()).as_ref());
            let token = format!("{signed}.{signature}");
            keys.has_signed(&Compact::read(&token).unwrap(), Timestamp(0))
        };
        assert!(signed("EdDSA", "JWT"));
        assert!(!signed("HS256", "JWT") && !signed("none", "JWT") && !signed("EdDSA", "secevent+jwt"));
    }

    #[test]
    fn a_former_key_is_published_until_its_date() {
        let mut keys = SigningKeys::generate(Timestamp(0)).unwrap();
        keys.rotate(Timestamp(100), 50).unwrap();
        let published = |now| keys.jwks(Timestamp(now))["keys"].as_array().unwrap().len();
        assert_eq!((published(149), published(150)), (2, 1));
    }

    #[test]
    fn a_later_rotation_prolongs_no_key() {
        let mut keys = SigningKeys::generate(Timestamp(0)).unwrap();
        keys.rotate(Timestamp(100), 50).unwrap();
        keys.rotate(Timestamp(110), 1000).unwrap();
        let dates: Vec<_> = keys.shown().iter().map(|key| key.verifies_until).collect();
        assert_eq!(dates, [None, Some(Timestamp(1110)), Some(Timestamp(150))]);
        keys.rotate(Timestamp(150), 1000).unwrap();
        assert_eq!(keys.shown().len(), 3);
    }
}
