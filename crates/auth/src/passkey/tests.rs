//! Answers of an authenticator of our own are taken as they are, and refused as soon as one thing about them is not as it
//! should be.

mod device;
mod vectors;

use ciborium::Value as Cbor;
use proptest::prelude::*;
use ring::signature::Ed25519KeyPair;

use self::device::{Device, Pair, client_data};
use super::*;

const NOW: Timestamp = Timestamp(1_795_000_000_000);
const OWNER: &[u8] = b"owner";

fn code<T>(result: &Result<T>) -> &'static str {
    result.as_ref().err().map_or("", |error| error.code)
}

fn example() -> Site {
    Site::at("https://example.org", "Example").unwrap()
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
