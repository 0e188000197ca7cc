//! Public keys of others and the signatures that they check. The arithmetic is `ring`'s.
//!
//! Keeps true: a key checks signatures of its own kind only, so that nobody can choose another for it; there is no
//! symmetric scheme and no empty one.

use ring::digest;
use ring::signature::{
    self as algorithms, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};

/// How something was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    EdDsa,
    /// ECDSA with P-256; the signature is two numbers of 32 bytes (RFC 7518, section 3.4).
    Es256,
    /// The same; the signature is their ASN.1 form (WebAuthn Level 2, section 6.5.6).
    Es256Asn1,
    Es384,
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
}

impl Scheme {
    /// The scheme of an `alg` of RFC 7518, 8037 or 9864. `none` and `HS...` are not among them.
    pub fn of_jose(name: &str) -> Option<Self> {
        Some(match name {
            "EdDSA" | "Ed25519" => Self::EdDsa,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            _ => return None,
        })
    }

    /// The hash that belongs to the scheme, as `at_hash` of OpenID Connect uses it (Core, section 3.1.3.6).
    pub fn digest(self) -> &'static digest::Algorithm {
        match self {
            Self::Es256 | Self::Es256Asn1 | Self::Rs256 | Self::Ps256 => &digest::SHA256,
            Self::Es384 | Self::Rs384 | Self::Ps384 => &digest::SHA384,
            Self::EdDsa | Self::Rs512 | Self::Ps512 => &digest::SHA512,
        }
    }

    fn rsa(self) -> Option<&'static RsaParameters> {
        Some(match self {
            Self::Rs256 => &algorithms::RSA_PKCS1_2048_8192_SHA256,
            Self::Rs384 => &algorithms::RSA_PKCS1_2048_8192_SHA384,
            Self::Rs512 => &algorithms::RSA_PKCS1_2048_8192_SHA512,
            Self::Ps256 => &algorithms::RSA_PSS_2048_8192_SHA256,
            Self::Ps384 => &algorithms::RSA_PSS_2048_8192_SHA384,
            Self::Ps512 => &algorithms::RSA_PSS_2048_8192_SHA512,
            _ => return None,
        })
    }

    fn curve(self) -> Option<&'static dyn VerificationAlgorithm> {
        Some(match self {
            Self::EdDsa => &algorithms::ED25519,
            Self::Es256 => &algorithms::ECDSA_P256_SHA256_FIXED,
            Self::Es256Asn1 => &algorithms::ECDSA_P256_SHA256_ASN1,
            Self::Es384 => &algorithms::ECDSA_P384_SHA384_FIXED,
            _ => return None,
        })
    }
}

/// A public key, as large as its kind allows or refused when it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// 32 bytes (RFC 8032).
    Ed25519(Vec<u8>),
    /// An uncompressed point: 4, x, y.
    P256(Vec<u8>),
    /// The same on the other curve.
    P384(Vec<u8>),
    /// Big-endian, without leading zeros; 2,048 to 8,192 bits.
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
}

impl PublicKey {
    /// The uncompressed point of two coordinates.
    pub fn p256(x: &[u8], y: &[u8]) -> Option<Self> {
        point::<32>(x, y).map(Self::P256)
    }

    pub fn p384(x: &[u8], y: &[u8]) -> Option<Self> {
        point::<48>(x, y).map(Self::P384)
    }

    /// Whether the signature is this key's, in this scheme, of this message. False for a scheme of another kind of key.
    #[must_use]
    pub fn verifies(&self, scheme: Scheme, message: &[u8], signature: &[u8]) -> bool {
        match (self, scheme) {
            (Self::Ed25519(point), Scheme::EdDsa)
            | (Self::P256(point), Scheme::Es256 | Scheme::Es256Asn1)
            | (Self::P384(point), Scheme::Es384) => scheme
                .curve()
                .is_some_and(|curve| UnparsedPublicKey::new(curve, point).verify(message, signature).is_ok()),
            (Self::Rsa { modulus, exponent }, _) => scheme.rsa().is_some_and(|parameters| {
                let key = RsaPublicKeyComponents { n: modulus, e: exponent };
                key.verify(parameters, message, signature).is_ok()
            }),
            _ => false,
        }
    }
}

fn point<const BYTES: usize>(x: &[u8], y: &[u8]) -> Option<Vec<u8>> {
    let fits = x.len() == BYTES && y.len() == BYTES;
    fits.then(|| [&[4], x, y].concat())
}

/// SHA-256, for the standards that ask for it.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, bytes);
    digest.as_ref().try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn there_is_no_scheme_without_a_key_pair() {
        for name in ["none", "None", "NONE", "", "HS256", "HS384", "HS512", "eddsa", "RS1", "ES256K"] {
            assert_eq!(Scheme::of_jose(name), None, "{name}");
        }
    }

    #[test]
    fn a_point_has_both_coordinates_whole() {
        assert!(PublicKey::p256(&[1; 32], &[2; 32]).is_some());
        assert!(PublicKey::p256(&[1; 31], &[2; 32]).is_none());
        assert!(PublicKey::p256(&[1; 32], &[2; 33]).is_none());
        assert!(PublicKey::p384(&[1; 32], &[2; 32]).is_none());
    }

    #[test]
    fn the_hash_of_nothing_is_known() {
        // FIPS 180-4, SHA-256 of the empty message.
        assert_eq!(sha256(b"")[..4], [0xe3, 0xb0, 0xc4, 0x42]);
    }

    proptest! {
        #[test]
        fn random_keys_and_signatures_are_refused(key: Vec<u8>, message: Vec<u8>, signature: Vec<u8>) {
            let keys = [
                PublicKey::Ed25519(key.clone()),
                PublicKey::P256(key.clone()),
                PublicKey::P384(key.clone()),
                PublicKey::Rsa { modulus: key.clone(), exponent: key },
            ];
            for scheme in ["EdDSA", "ES256", "ES384", "RS256", "PS512"].into_iter().filter_map(Scheme::of_jose) {
                for key in &keys {
                    prop_assert!(!key.verifies(scheme, &message, &signature));
                }
            }
        }
    }
}
