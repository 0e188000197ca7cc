//! The test vectors of the W3C (Web Authentication Level 3, section 16) register and sign in, and no byte of one can be
//! another.

use data_encoding::HEXLOWER;

use super::*;

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

fn hex(text: &str) -> Base64 {
    Base64(HEXLOWER.decode(text.as_bytes()).unwrap())
}

fn registering(challenge: Base64) -> Registering {
    Registering { challenge, verification: Verification::Preferred, expires_at: NOW.plus_ms(1) }
}

fn signing_in(challenge: Base64, allowed: Vec<Base64>) -> SigningIn {
    SigningIn { challenge, verification: Verification::Preferred, expires_at: NOW.plus_ms(1), allowed }
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
