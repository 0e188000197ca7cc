//! Answers of the W3C's test vectors and of an authenticator of our own are taken as they are, and refused as soon as one
//! thing about them is not as it should be.

use ciborium::Value as Cbor;
use data_encoding::HEXLOWER;
use proptest::prelude::*;
use ring::signature::{Ed25519KeyPair, KeyPair};

use super::*;

const NOW: Timestamp = Timestamp(1_795_000_000_000);
const OWNER: &[u8] = b"owner";

fn hex(text: &str) -> Base64 {
    Base64(HEXLOWER.decode(text.as_bytes()).unwrap())
}

fn code<T>(result: &Result<T>) -> &'static str {
    result.as_ref().err().map_or("", |error| error.code)
}

/// A registration and a sign-in of Web Authentication Level 3, section 16: challenge, client data, object or data, signature.
struct Vector {
    registration: [&'static str; 3],
    sign_in: [&'static str; 4],
    id: &'static str,
}

/// 16.2: ES256, no attestation.
const NONE_ES256: Vector = Vector {
    registration: [
        "00c30fb78531c464d2b6771dab8d7b603c01162f2fa486bea70f283ae556e130",
        "7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a22414d4d507434557878475453746e63647134313759447742466938767049612d7077386f4f755657345441222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320746869733a20426b5165446a646354427258426941774a544c453551227d",
        "a363666d74646e6f6e656761747453746d74a068617574684461746158a4bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b559000000008446ccb9ab1db374750b2367ff6f3a1f0020f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4a5010203262001215820afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61225820930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220",
    ],
    sign_in: [
        "39c0e7521417ba54d43e8dc95174f423dee9bf3cd804ff6d65c857c9abf4d408",
        "7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a224f63446e55685158756c5455506f334a5558543049393770767a7a59425039745a63685879617630314167222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73657d",
        "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b51900000000",
        "3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd380221008480ac0f0b93538174f575bf11a1dd5d78c6e486013f937295ea13653e331e87",
    ],
    id: "f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4",
};

/// 16.3: ES256, attested by its own key.
const SELF_ES256: Vector = Vector {
    registration: [
        "7869c2b772d4b58eba9378cf8f29e26cf935aa77df0da89fa99c0bdc0a76f7e5",
        "7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a2265476e4374334c55745936366b336a506a796e6962506b31716e666644616966715a774c33417032392d55222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320746869733a205539685458764b453255526b4d6e625f307859485667227d",
        "a363666d74667061636b65646761747453746d74a263616c672663736967584630440220067a20754ab925005dbf378097c92120031581c73228d1fb4f5b881bcd7da98302207fc7b147558c7c0eba3af18bd9d121fa3d3a26d17fe3f220272178f473b6006d68617574684461746158a4bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b55d00000000df850e09db6afbdfab51697791506cfc0020455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58ca5010203262001215820eb151c8176b225cc651559fecf07af450fd85802046656b34c18f6cf193843c5225820927b8aa427a2be1b8834d233a2d34f61f13bfd44119c325d5896e183fee484f2",
    ],
    sign_in: [
        "4478a10b1352348dd160c1353b0d469b5db19eb91c27f7dfa6fed39fe26af20b",
        "7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a225248696843784e534e493352594d45314f7731476d3132786e726b634a5f6666707637546e2d4a71386773222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320746869733a206754623533727a36456853576f6d58477a696d433151227d",
        "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50900000000",
        "304402203310b9431903c401f1be2bdc8d23a4007682dbbddcf846994947b7f465daf84002204e94dd00047b316061b3b99772b7efd95994a83ef584b3b6b825ea3550251b66",
    ],
    id: "455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58c",
};

/// 16.4: shown inside another site.
const CROSS_ORIGIN: [&str; 3] = [
    "3be5aacd03537142472340ab5969f240f1d87716e20b6807ac230655fa4b3b49",
    "7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a224f2d57717a514e5463554a484930437257576e7951504859647862694332674872434d475666704c4f306b222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a747275652c22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320746869733a207a5a7175457444523944577170573574425754467567227d",
    "a363666d74646e6f6e656761747453746d74a068617574684461746158a4bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b54500000000883f4f6014f19c09d87aa38123be48d000206e1050c0d2ca2f07c755cb2c66a74c64fa43065c18f938354d9915db2bd5ce57a501020326200121582022200a473f90b11078851550d03b4e44a2279f8c4eca27b3153dedfe03e4e97d225820cbd0be95e746ad6f5a8191be11756e4c0420e72f65b466d39bc56b8b123a9c6e",
];

/// 16.11: Ed25519; the sign-in, and the key from the registration (whose attestation is of a kind that we refuse).
const EDDSA_SIGN_IN: [&str; 4] = [
    "895957e01c633a698348a2d8a31a54b7db27e8c1c43b2080d79ae2190267bfd2",
    "7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a2269566c583442786a4f6d6d44534b4c596f7870557439736e364d48454f7943413135726947514a6e763949222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73657d",
    "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50100000000",
    "f5c59c7e46c34f6f8cc197101ddf9934fa2595f68eb1913a637e8419eb9ba4cfdfc48f85393bc0d40b011f0d6fecb097d6607525713223a0dc0d453993dae00b",
];
const EDDSA_KEY: &str =
    "a401010327200621582044e06ddd331c36a8dc667bab52bcae63486c916aa5e339e6acebaa84934bf832";

fn example() -> Site {
    Site::at("https://example.org", "Example").unwrap()
}

fn registering(challenge: Base64) -> Registering {
    Registering { challenge, verification: Verification::Preferred, expires_at: NOW.plus_ms(1) }
}

fn signing_in(challenge: Base64, allowed: Vec<Base64>) -> SigningIn {
    SigningIn { challenge, verification: Verification::Preferred, expires_at: NOW.plus_ms(1), allowed }
}

fn new_key(id: Base64, client_data: Base64, attestation: Base64) -> NewKey {
    let response =
        NewKeyParts { client_data, attestation, transports: vec!["internal".into(), "<b>".into()] };
    NewKey { id, kind: "public-key".into(), response }
}

fn signature(id: Base64, client_data: Base64, authenticator_data: Base64, signature: Base64) -> Signature {
    let response = SignatureParts { client_data, authenticator_data, signature, user_handle: None };
    Signature { id, kind: "public-key".into(), response }
}

fn register(vector: [&str; 3], id: &str) -> Result<Passkey> {
    let [challenge, client_data, attestation] = vector.map(hex);
    example().finish_registration(&registering(challenge), &new_key(hex(id), client_data, attestation), NOW)
}

fn sign_in(vector: [&str; 4], passkey: &Passkey) -> Result<SignedIn> {
    let [challenge, client_data, data, signed] = vector.map(hex);
    let begun = signing_in(challenge, vec![passkey.id.clone()]);
    example().finish_sign_in(
        &begun,
        &signature(passkey.id.clone(), client_data, data, signed),
        passkey,
        OWNER,
        NOW,
    )
}

#[test]
fn the_vectors_of_the_w3c_register_and_sign_in() {
    for vector in [NONE_ES256, SELF_ES256] {
        let passkey = register(vector.registration, vector.id).unwrap();
        assert_eq!((passkey.id.clone(), passkey.counter), (hex(vector.id), 0));
        assert!(!sign_in(vector.sign_in, &passkey).unwrap().is_user_verified);
    }
}

#[test]
fn what_a_vector_says_of_itself_is_kept() {
    let passkey = register(NONE_ES256.registration, NONE_ES256.id).unwrap();
    assert_eq!(passkey.model, "8446ccb9ab1db374750b2367ff6f3a1f");
    assert!(passkey.is_backup_eligible && passkey.is_backed_up);
    assert_eq!(passkey.transports, ["internal"]);
    let passkey = register(SELF_ES256.registration, SELF_ES256.id).unwrap();
    assert!(passkey.is_backup_eligible && passkey.is_backed_up);
    assert!(!sign_in(SELF_ES256.sign_in, &passkey).unwrap().passkey.is_backed_up);
}

#[test]
fn the_vector_for_ed25519_signs_in() {
    let id = hex("ce9f840ed96599580cd140fbc7bb3230633f50f61041aff73308ae71caa8a2bd");
    let passkey = Passkey { id, public_key: hex(EDDSA_KEY), ..stored(&Device::new(-8)) };
    assert!(sign_in(EDDSA_SIGN_IN, &passkey).is_ok());
}

#[test]
fn the_vector_from_inside_another_site_is_refused() {
    let refused = register(CROSS_ORIGIN, "6e1050c0d2ca2f07c755cb2c66a74c64fa43065c18f938354d9915db2bd5ce57");
    assert_eq!(code(&refused), "passkey_refused");
}

#[test]
fn no_byte_of_a_vector_can_be_another() {
    let passkey = register(NONE_ES256.registration, NONE_ES256.id).unwrap();
    for part in 1..4 {
        let length = NONE_ES256.sign_in[part].len() / 2;
        for at in 0..length {
            let mut changed = NONE_ES256.sign_in.map(hex);
            changed[part].0[at] ^= 1;
            let [challenge, client_data, data, signed] = changed;
            let begun = signing_in(challenge, vec![passkey.id.clone()]);
            let answer = signature(passkey.id.clone(), client_data, data, signed);
            assert!(
                example().finish_sign_in(&begun, &answer, &passkey, OWNER, NOW).is_err(),
                "{at} of {part}"
            );
        }
    }
}

/// An authenticator with one key.
struct Device {
    pair: Pair,
    flags: u8,
    counter: u32,
    site: String,
    extensions: Vec<u8>,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(ring::signature::EcdsaKeyPair),
    Rsa(ring::rsa::KeyPair),
}

const PRESENT_VERIFIED: u8 = 0x05;

impl Device {
    fn new(algorithm: i64) -> Self {
        let pair = match algorithm {
            -7 => Pair::P256(p256()),
            -8 => Pair::Ed25519(Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()),
            _ => Pair::Rsa(crate::rsa_of_rfc_7515()),
        };
        Self { pair, flags: PRESENT_VERIFIED, counter: 1, site: "example.org".into(), extensions: Vec::new() }
    }

    fn key(&self) -> Vec<u8> {
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

    fn sign(&self, message: &[u8]) -> Vec<u8> {
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

    fn id(&self) -> Base64 {
        Base64(vec![42; 20])
    }

    fn data(&self, credential: &[u8]) -> Vec<u8> {
        let site = sha256(self.site.as_bytes());
        let flags = [self.flags | if credential.is_empty() { 0 } else { 0x40 }];
        [&site[..], &flags, &self.counter.to_be_bytes(), credential, &self.extensions].concat()
    }

    fn attest(&self, format: &str, statement: Vec<(Cbor, Cbor)>) -> Base64 {
        let credential = [&[0; 16][..], &[0, 20], &self.id().0, &self.key()].concat();
        let object = vec![
            ("fmt".into(), format.into()),
            ("attStmt".into(), Cbor::Map(statement)),
            ("authData".into(), Cbor::Bytes(self.data(&credential))),
        ];
        Base64(cbor(Cbor::Map(object)))
    }

    fn register(&self, challenge: &Base64) -> NewKey {
        new_key(self.id(), client_data("webauthn.create", challenge), self.attest("none", Vec::new()))
    }

    fn sign_in(&self, challenge: &Base64) -> Signature {
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

fn client_data(kind: &str, challenge: &Base64) -> Base64 {
    let data =
        json!({"type": kind, "challenge": challenge, "origin": "https://example.org", "crossOrigin": false});
    Base64(data.to_string().into_bytes())
}

/// What was stored of the device's passkey when it was registered.
fn stored(device: &Device) -> Passkey {
    Passkey {
        id: device.id(),
        public_key: Base64(device.key()),
        counter: 0,
        model: "0".repeat(32),
        is_backup_eligible: false,
        is_backed_up: false,
        transports: Vec::new(),
        created_at: NOW,
    }
}

fn device() -> Device {
    Device::new(-8)
}

fn begun() -> (Registering, SigningIn) {
    let user = User { handle: OWNER, name: "ann", display_name: "Ann" };
    let (_, registering) = example().begin_registration(&user, &[], Verification::Required, NOW).unwrap();
    let (_, signing_in) = example().begin_sign_in(&[stored(&device())], Verification::Required, NOW).unwrap();
    (registering, signing_in)
}

/// The code of the refusal of a registration that was changed.
fn registration(change: impl FnOnce(&mut NewKey)) -> &'static str {
    let (begun, _) = begun();
    let mut answer = device().register(&begun.challenge);
    change(&mut answer);
    code(&example().finish_registration(&begun, &answer, NOW))
}

/// The code of the refusal of a sign-in with a device that was changed.
fn sign_in_with(change: impl FnOnce(&mut Device)) -> &'static str {
    let (_, begun) = begun();
    let mut device = device();
    change(&mut device);
    code(&example().finish_sign_in(
        &begun,
        &device.sign_in(&begun.challenge),
        &stored(&self::device()),
        OWNER,
        NOW,
    ))
}

/// The code of the refusal of a sign-in whose answer was changed.
fn sign_in_changed(change: impl FnOnce(&mut Signature)) -> &'static str {
    let (_, begun) = begun();
    let mut answer = device().sign_in(&begun.challenge);
    change(&mut answer);
    code(&example().finish_sign_in(&begun, &answer, &stored(&device()), OWNER, NOW))
}

#[test]
fn keys_of_all_three_kinds_register_and_sign_in() {
    for algorithm in ALGORITHMS {
        let mut device = Device::new(algorithm);
        let (registering, signing_in) = begun();
        let passkey = example()
            .finish_registration(&registering, &device.register(&registering.challenge), NOW)
            .unwrap();
        device.counter = 2;
        let answer = device.sign_in(&signing_in.challenge);
        let signed_in = example().finish_sign_in(&signing_in, &answer, &passkey, OWNER, NOW).unwrap();
        assert_eq!((signed_in.passkey.counter, signed_in.is_user_verified), (2, true), "{algorithm}");
    }
}

#[test]
fn an_answer_to_another_challenge_is_refused() {
    let other = Base64(vec![1; 32]);
    let create = client_data("webauthn.create", &other);
    assert_eq!(registration(|answer| answer.response.client_data = create), "passkey_refused");
    assert_eq!(sign_in_changed(|answer| *answer = device().sign_in(&other)), "passkey_refused");
}

#[test]
fn an_answer_to_the_other_question_is_refused() {
    let (registering, _) = begun();
    let mut answer = device().register(&registering.challenge);
    answer.response.client_data = client_data("webauthn.get", &registering.challenge);
    assert_eq!(code(&example().finish_registration(&registering, &answer, NOW)), "passkey_refused");
}

#[test]
fn an_answer_from_another_address_is_refused() {
    for origin in [
        "https://evil.example",
        "http://example.org",
        "https://example.org:8443",
        "https://example.org.evil.example",
        "https://sub.example.org",
        "null",
        "",
    ] {
        let (registering, _) = begun();
        let mut answer = device().register(&registering.challenge);
        let text = String::from_utf8(answer.response.client_data.0.clone()).unwrap();
        answer.response.client_data = Base64(text.replace("https://example.org", origin).into_bytes());
        assert_eq!(
            code(&example().finish_registration(&registering, &answer, NOW)),
            "passkey_refused",
            "{origin}"
        );
    }
}

#[test]
fn an_answer_for_another_site_is_refused() {
    assert_eq!(sign_in_with(|device| device.site = "evil.example".into()), "passkey_refused");
}

#[test]
fn an_answer_that_nobody_touched_or_verified_is_refused() {
    assert_eq!(sign_in_with(|device| device.flags = 0x04), "passkey_refused");
    assert_eq!(sign_in_with(|device| device.flags = 0x01), "passkey_refused");
    assert_eq!(sign_in_with(|_| ()), "");
}

#[test]
fn as_a_second_factor_a_touch_is_enough() {
    let (_, begun) = example().begin_sign_in(&[stored(&device())], Verification::Preferred, NOW).unwrap();
    let device = Device { flags: 0x01, ..device() };
    let answer = device.sign_in(&begun.challenge);
    let signed_in = example().finish_sign_in(&begun, &answer, &stored(&device), OWNER, NOW).unwrap();
    assert!(!signed_in.is_user_verified);
}

#[test]
fn flags_of_backup_agree_with_each_other_and_with_the_registration() {
    assert_eq!(sign_in_with(|device| device.flags |= 0x10), "passkey_refused");
    assert_eq!(sign_in_with(|device| device.flags |= 0x08), "passkey_refused");
}

#[test]
fn a_counter_that_does_not_grow_is_that_of_a_copy() {
    let table = [
        (0, 0, ""),
        (0, 1, ""),
        (5, 6, ""),
        (5, 5, "passkey_cloned"),
        (5, 4, "passkey_cloned"),
        (5, 0, "passkey_cloned"),
        (u32::MAX, 0, "passkey_cloned"),
    ];
    for (stored, now, expected) in table {
        assert_eq!(code(&check_counter(stored, now)), expected, "{stored} {now}");
    }
    assert_eq!(sign_in_with(|device| device.counter = 0), "");
}

#[test]
fn a_signature_of_another_key_is_refused() {
    let other = Ed25519KeyPair::from_seed_unchecked(&[8; 32]).unwrap();
    assert_eq!(sign_in_with(|device| device.pair = Pair::Ed25519(other)), "passkey_refused");
    assert_eq!(sign_in_changed(|answer| answer.response.signature = Base64(Vec::new())), "passkey_refused");
}

#[test]
fn only_passkeys_that_were_allowed_sign_in() {
    assert_eq!(sign_in_changed(|answer| answer.id = Base64(vec![43; 20])), "passkey_refused");
}

#[test]
fn a_passkey_of_somebody_else_is_refused() {
    let other = Some(Base64(b"somebody else".to_vec()));
    assert_eq!(sign_in_changed(|answer| answer.response.user_handle = other), "passkey_refused");
    let own = Some(Base64(OWNER.to_vec()));
    assert_eq!(sign_in_changed(|answer| answer.response.user_handle = own), "");
}

#[test]
fn where_nobody_was_named_the_answer_names_its_owner() {
    let (_, begun) = example().begin_sign_in(&[], Verification::Required, NOW).unwrap();
    let mut answer = device().sign_in(&begun.challenge);
    let finish =
        |answer: &Signature| code(&example().finish_sign_in(&begun, answer, &stored(&device()), OWNER, NOW));
    assert_eq!(finish(&answer), "passkey_refused");
    answer.response.user_handle = Some(Base64(OWNER.to_vec()));
    assert_eq!(finish(&answer), "");
}

#[test]
fn a_late_answer_is_refused() {
    let (registering, signing_in) = begun();
    let late = NOW.plus_ms(ANSWER_WITHIN_MS);
    let answer = device().register(&registering.challenge);
    assert_eq!(code(&example().finish_registration(&registering, &answer, late)), "passkey_late");
    let answer = device().sign_in(&signing_in.challenge);
    let finished = example().finish_sign_in(&signing_in, &answer, &stored(&device()), OWNER, late);
    assert_eq!(code(&finished), "passkey_late");
}

#[test]
fn a_registration_whose_id_is_another_is_refused() {
    assert_eq!(registration(|answer| answer.id = Base64(vec![1])), "passkey_refused");
}

#[test]
fn attestations_that_were_not_asked_for_are_refused() {
    let attested = |format: &str, statement| {
        let attestation = device().attest(format, statement);
        registration(|answer| answer.response.attestation = attestation)
    };
    assert_eq!(attested("none", vec![("x".into(), 1.into())]), "passkey_unsupported");
    assert_eq!(attested("tpm", Vec::new()), "passkey_unsupported");
    assert_eq!(attested("NONE", Vec::new()), "passkey_unsupported");
    assert_eq!(attested("packed", vec![("x5c".into(), Cbor::Array(Vec::new()))]), "passkey_unsupported");
    assert_eq!(attested("packed", Vec::new()), "passkey_malformed");
    let forged = vec![("alg".into(), (-8).into()), ("sig".into(), Cbor::Bytes(vec![0; 64]))];
    assert_eq!(attested("packed", forged), "passkey_refused");
}

#[test]
fn a_signature_without_a_registration_holds_no_key() {
    let device = device();
    let credential = [&[0; 16][..], &[0, 20], &device.id().0, &device.key()].concat();
    let (_, begun) = begun();
    let mut answer = device.sign_in(&begun.challenge);
    let data = device.data(&credential);
    answer.response.signature =
        Base64(device.sign(&[&data[..], &sha256(&answer.response.client_data.0)].concat()));
    answer.response.authenticator_data = Base64(data);
    assert_eq!(
        code(&example().finish_sign_in(&begun, &answer, &stored(&device), OWNER, NOW)),
        "passkey_refused"
    );
}

#[test]
fn extensions_may_follow_and_are_signed_too() {
    let with = |extensions: Vec<u8>| {
        sign_in_with(|device| {
            device.flags |= 0x80;
            device.extensions = extensions;
        })
    };
    assert_eq!(with(vec![0xa1, 0x61, b'a', 0xf5]), "");
    assert_eq!(with(vec![0x00]), "passkey_malformed");
    assert_eq!(with(Vec::new()), "passkey_malformed");
}

#[test]
fn parts_that_are_too_large_are_not_read() {
    let large = Base64(vec![b' '; PART_BYTES_MAX + 1]);
    assert_eq!(sign_in_changed(|answer| answer.response.client_data = large.clone()), "passkey_malformed");
    assert_eq!(registration(|answer| answer.response.attestation = large.clone()), "passkey_malformed");
}

#[test]
fn another_type_of_credential_is_refused() {
    assert_eq!(sign_in_changed(|answer| answer.kind = "password".into()), "passkey_malformed");
}

#[test]
fn a_stored_key_that_is_damaged_is_our_fault() {
    let (_, begun) = begun();
    let passkey = Passkey { public_key: Base64(vec![0]), ..stored(&device()) };
    let finished =
        example().finish_sign_in(&begun, &device().sign_in(&begun.challenge), &passkey, OWNER, NOW);
    assert_eq!(code(&finished), "passkey_damaged");
}

#[test]
fn options_are_those_that_browsers_parse() {
    let user = User { handle: OWNER, name: "ann", display_name: "Ann" };
    let (options, begun) =
        example().begin_registration(&user, &[stored(&device())], Verification::Required, NOW).unwrap();
    assert_eq!(options["challenge"], json!(begun.challenge));
    assert_eq!(options["user"]["id"], "b3duZXI");
    assert_eq!(options["pubKeyCredParams"][0], json!({"type": "public-key", "alg": -7}));
    assert_eq!(options["excludeCredentials"][0]["id"], json!(device().id()));
    assert_eq!(options["attestation"], "none");
    let (options, _) = example().begin_sign_in(&[], Verification::Preferred, NOW).unwrap();
    assert_eq!(
        (options["rpId"].as_str(), options["userVerification"].as_str()),
        (Some("example.org"), Some("preferred"))
    );
}

#[test]
fn challenges_differ_and_what_was_begun_comes_back_from_storage() {
    let ((a, x), (b, y)) = (begun(), begun());
    assert!(a.challenge != b.challenge && x.challenge != y.challenge);
    assert_eq!(a.challenge.0.len(), 32);
    let again: Registering = serde_json::from_value(serde_json::to_value(&a).unwrap()).unwrap();
    assert_eq!(again, a);
    let again: SigningIn = serde_json::from_value(serde_json::to_value(&x).unwrap()).unwrap();
    assert_eq!(again, x);
    let passkey: Passkey = serde_json::from_value(serde_json::to_value(stored(&device())).unwrap()).unwrap();
    assert_eq!(passkey, stored(&device()));
}

#[test]
fn answers_are_read_as_browsers_write_them() {
    let text = json!({
        "id": "Kio", "rawId": "Kio", "type": "public-key", "authenticatorAttachment": "platform",
        "clientExtensionResults": {},
        "response": {
            "clientDataJSON": "e30", "authenticatorData": "AA", "signature": "AA", "userHandle": null,
        },
    });
    let answer: Signature = serde_json::from_value(text).unwrap();
    assert_eq!(answer.id, Base64(vec![42, 42]));
    assert!(answer.response.user_handle.is_none());
}

proptest! {
    #[test]
    fn any_client_data_gets_an_answer(text in "\\PC{0,200}") {
        let answer = sign_in_changed(|answer| answer.response.client_data = Base64(text.into_bytes()));
        prop_assert!(["passkey_malformed", "passkey_refused"].contains(&answer));
    }

    #[test]
    fn any_attestation_gets_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_ne!(registration(|answer| answer.response.attestation = Base64(bytes)), "");
    }

    #[test]
    fn any_change_of_an_attestation_gets_an_answer(at in 0..200_usize, to: u8) {
        let _ = registration(|answer| {
            if let Some(byte) = answer.response.attestation.0.get_mut(at) {
                *byte = to;
            }
        });
    }

    #[test]
    fn any_authenticator_data_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        prop_assert_ne!(sign_in_changed(|answer| answer.response.authenticator_data = Base64(bytes)), "");
    }
}
