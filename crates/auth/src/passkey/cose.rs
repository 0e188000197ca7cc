//! Public keys of authenticators: COSE (RFC 9052, 9053; RFC 8230 for RSA), as WebAuthn Level 2, section 5.8.5, narrows it.
//!
//! Keeps true: a key has exactly one of the three algorithms that were asked for, and its parts have their lengths.

use super::cbor::{Members, read_one, read_whole};
use crate::signature::{PublicKey, Scheme};

/// The algorithms that are asked for, the best first: ES256, EdDSA, RS256.
pub const ALGORITHMS: [i64; 3] = [ES256, EDDSA, RS256];
const ES256: i64 = -7;
const EDDSA: i64 = -8;
const RS256: i64 = -257;

// Labels of RFC 9052, section 7.1, and RFC 9053, section 7. The negative ones depend on the kind of key.
const KIND: i64 = 1;
const ALGORITHM: i64 = 3;
const CURVE: i64 = -1;
const X: i64 = -2;
const Y: i64 = -3;
const MODULUS: i64 = -1;
const EXPONENT: i64 = -2;
const KIND_OKP: i64 = 1;
const KIND_EC2: i64 = 2;
const KIND_RSA: i64 = 3;
const CURVE_P256: i64 = 1;
const CURVE_ED25519: i64 = 6;
/// 2,048 to 8,192 bits.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;
const EXPONENT_BYTES: std::ops::RangeInclusive<usize> = 1..=4;

/// A key and the scheme in which it signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoseKey {
    pub algorithm: i64,
    pub scheme: Scheme,
    pub key: PublicKey,
}

impl CoseKey {
    /// The key at the beginning of the bytes, and how many of them it is.
    pub fn read_first(bytes: &[u8]) -> Option<(Self, usize)> {
        let mut rest = bytes;
        let key = Self::of(&Members::of(read_one(&mut rest)?)?)?;
        Some((key, bytes.len() - rest.len()))
    }

    pub fn read(bytes: &[u8]) -> Option<Self> {
        Self::of(&Members::of(read_whole(bytes)?)?)
    }

    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verifies(self.scheme, message, signature)
    }

    fn of(members: &Members) -> Option<Self> {
        let algorithm = members.integer(ALGORITHM)?;
        let (scheme, key) = match (members.integer(KIND)?, algorithm) {
            (KIND_EC2, ES256) => (Scheme::Es256Asn1, p256(members)?),
            (KIND_OKP, EDDSA) => (Scheme::EdDsa, ed25519(members)?),
            (KIND_RSA, RS256) => (Scheme::Rs256, rsa(members)?),
            _ => return None,
        };
        Some(Self { algorithm, scheme, key })
    }
}

/// Both coordinates: WebAuthn Level 2, section 5.8.5, forbids the compressed form.
fn p256(members: &Members) -> Option<PublicKey> {
    let is_p256 = members.integer(CURVE) == Some(CURVE_P256);
    is_p256.then(|| PublicKey::p256(members.bytes(X)?, members.bytes(Y)?)).flatten()
}

fn ed25519(members: &Members) -> Option<PublicKey> {
    let point = members.bytes(X)?;
    let fits = members.integer(CURVE) == Some(CURVE_ED25519) && point.len() == 32;
    fits.then(|| PublicKey::Ed25519(point.to_vec()))
}

/// RFC 8230, section 4: no leading zeros.
fn rsa(members: &Members) -> Option<PublicKey> {
    let (modulus, exponent) = (members.bytes(MODULUS)?, members.bytes(EXPONENT)?);
    let is_canonical = modulus.first() != Some(&0) && exponent.first() != Some(&0);
    let fits = MODULUS_BYTES.contains(&modulus.len()) && EXPONENT_BYTES.contains(&exponent.len());
    (is_canonical && fits).then(|| PublicKey::Rsa { modulus: modulus.to_vec(), exponent: exponent.to_vec() })
}

#[cfg(test)]
mod tests {
    use ciborium::Value;
    use proptest::prelude::*;

    use super::*;

    fn cose(members: &[(i64, Value)]) -> Vec<u8> {
        let map = members.iter().map(|(key, value)| (Value::from(*key), value.clone())).collect();
        let mut bytes = Vec::new();
        ciborium::into_writer(&Value::Map(map), &mut bytes).unwrap();
        bytes
    }

    fn bytes(length: usize) -> Value {
        Value::Bytes(vec![7; length])
    }

    fn ec(algorithm: i64, curve: i64, x: usize, y: Value) -> Vec<u8> {
        cose(&[(1, 2.into()), (3, algorithm.into()), (-1, curve.into()), (-2, bytes(x)), (-3, y)])
    }

    #[test]
    fn the_three_kinds_are_read() {
        let okp = cose(&[(1, 1.into()), (3, EDDSA.into()), (-1, 6.into()), (-2, bytes(32))]);
        let rsa =
            cose(&[(1, 3.into()), (3, RS256.into()), (-1, bytes(256)), (-2, Value::Bytes(vec![1, 0, 1]))]);
        let read = [ec(ES256, 1, 32, bytes(32)), okp, rsa].map(|key| CoseKey::read(&key).unwrap().algorithm);
        assert_eq!(read, ALGORITHMS);
    }

    #[test]
    fn other_curves_lengths_and_forms_are_refused() {
        assert!(CoseKey::read(&ec(ES256, 2, 32, bytes(32))).is_none());
        assert!(CoseKey::read(&ec(ES256, 1, 31, bytes(32))).is_none());
        assert!(CoseKey::read(&ec(ES256, 1, 32, Value::Bool(true))).is_none());
        assert!(CoseKey::read(&ec(-35, 1, 32, bytes(32))).is_none());
        assert!(CoseKey::read(&ec(EDDSA, 1, 32, bytes(32))).is_none());
    }

    #[test]
    fn ed25519_has_one_curve_and_one_length() {
        let okp = |curve: i64, length| {
            CoseKey::read(&cose(&[(1, 1.into()), (3, EDDSA.into()), (-1, curve.into()), (-2, bytes(length))]))
                .is_some()
        };
        assert_eq!([okp(6, 32), okp(4, 32), okp(6, 31), okp(6, 33)], [true, false, false, false]);
    }

    #[test]
    fn weak_and_padded_rsa_keys_are_refused() {
        let rsa = |modulus: Value, exponent: Value| {
            CoseKey::read(&cose(&[(1, 3.into()), (3, RS256.into()), (-1, modulus), (-2, exponent)]))
        };
        assert!(rsa(bytes(128), bytes(3)).is_none());
        assert!(rsa(bytes(1025), bytes(3)).is_none());
        assert!(rsa(bytes(256), bytes(0)).is_none());
        assert!(rsa(bytes(256), bytes(5)).is_none());
        assert!(rsa(Value::Bytes([&[0], &[7; 256][..]].concat()), bytes(3)).is_none());
    }

    #[test]
    fn a_key_ends_where_extensions_begin() {
        let key = ec(ES256, 1, 32, bytes(32));
        let longer = [&key[..], &[0xa0]].concat();
        assert_eq!(CoseKey::read_first(&longer).unwrap().1, key.len());
        assert!(CoseKey::read(&longer).is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_get_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = CoseKey::read(&bytes);
        }

        #[test]
        fn any_change_of_a_key_gets_an_answer(at in 0..77_usize, to: u8) {
            let mut key = ec(ES256, 1, 32, bytes(32));
            if let Some(byte) = key.get_mut(at) {
                *byte = to;
            }
            let _ = CoseKey::read_first(&key);
        }
    }
}
