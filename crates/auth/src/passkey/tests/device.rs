//! An authenticator that signs whatever it is told to.

use ring::signature::KeyPair;

use super::*;

/// An authenticator with one key.
pub struct Device {
    pub pair: Pair,
    pub flags: u8,
    pub counter: u32,
    pub site: String,
    pub extensions: Vec<u8>,
}

pub enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(ring::signature::EcdsaKeyPair),
    Rsa(ring::rsa::KeyPair),
}

const PRESENT_VERIFIED: u8 = 0x05;

impl Device {
    pub fn new(algorithm: i64) -> Self {
        let pair = match algorithm {
            -7 => Pair::P256(p256()),
            -8 => Pair::Ed25519(Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()),
            _ => Pair::Rsa(crate::rsa_of_rfc_7515()),
        };
        Self { pair, flags: PRESENT_VERIFIED, counter: 1, site: "example.org".into(), extensions: Vec::new() }
    }

    pub fn key(&self) -> Vec<u8> {
        let members: Vec<(i64, Cbor)> = match &self.pair {
            Pair::Ed25519(pair) => {
                let x = Cbor::Bytes(pair.public_key().as_ref().to_vec());
                vec![(1, 1.into()), (3, (-8).into()), (-1, 6.into()), (-2, x)]
            }
            Pair::P256(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (Cbor::Bytes(point[1..33].to_vec()), Cbor::Bytes(point[33..].to_vec()));
                vec![(1, 2.into()), (3, (-7).into()), (-1, 1.into()), (-2, x), (-3, y)]
            }
            Pair::Rsa(pair) => {
                let parts = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public());
                vec![
                    (1, 3.into()),
                    (3, (-257).into()),
                    (-1, Cbor::Bytes(parts.n)),
                    (-2, Cbor::Bytes(parts.e)),
                ]
            }
        };
        cbor(Cbor::Map(members.into_iter().map(|(key, value)| (key.into(), value)).collect()))
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let chance = ring::rand::SystemRandom::new();
        match &self.pair {
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::P256(pair) => pair.sign(&chance, message).unwrap().as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&ring::signature::RSA_PKCS1_SHA256, &chance, message, &mut signature).unwrap();
                signature
            }
        }
    }

    pub fn id(&self) -> Base64 {
        Base64(vec![42; 20])
    }

    pub fn data(&self, credential: &[u8]) -> Vec<u8> {
        let site = sha256(self.site.as_bytes());
        let flags = [self.flags | if credential.is_empty() { 0 } else { 0x40 }];
        [&site[..], &flags, &self.counter.to_be_bytes(), credential, &self.extensions].concat()
    }

    pub fn attest(&self, format: &str, statement: Vec<(Cbor, Cbor)>) -> Base64 {
        let credential = [&[0; 16][..], &[0, 20], &self.id().0, &self.key()].concat();
        let object = vec![
            ("fmt".into(), format.into()),
            ("attStmt".into(), Cbor::Map(statement)),
            ("authData".into(), Cbor::Bytes(self.data(&credential))),
        ];
        Base64(cbor(Cbor::Map(object)))
    }

    pub fn register(&self, challenge: &Base64) -> NewKey {
        new_key(self.id(), client_data("webauthn.create", challenge), self.attest("none", Vec::new()))
    }

    pub fn sign_in(&self, challenge: &Base64) -> Signature {
        let client_data = client_data("webauthn.get", challenge);
        let data = self.data(&[]);
        let signed = self.sign(&[&data[..], &sha256(&client_data.0)].concat());
        signature(self.id(), client_data, Base64(data), Base64(signed))
    }
}

fn p256() -> ring::signature::EcdsaKeyPair {
    let (algorithm, chance) =
        (&ring::signature::ECDSA_P256_SHA256_ASN1_SIGNING, ring::rand::SystemRandom::new());
    let key = ring::signature::EcdsaKeyPair::generate_pkcs8(algorithm, &chance).unwrap();
    ring::signature::EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &chance).unwrap()
}

fn cbor(value: Cbor) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(&value, &mut bytes).unwrap();
    bytes
}

pub fn client_data(kind: &str, challenge: &Base64) -> Base64 {
    let data =
        json!({"type": kind, "challenge": challenge, "origin": "https://example.org", "crossOrigin": false});
    Base64(data.to_string().into_bytes())
}
