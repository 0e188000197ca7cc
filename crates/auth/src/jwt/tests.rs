//! Every token that is not ours, not for us or not of now is refused; the others say what was put into them.

use data_encoding::BASE64URL_NOPAD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const NOW: Timestamp = Timestamp(1_795_000_000_000);
const ORDER: Order = Order {
    issuer: "https://ibid.example",
    audience: "https://ibid.example/api",
    subject: "indexer",
    role: Some("reader"),
    workspace: Some("law"),
    seconds: 600,
};
const EXPECTED: Expected = Expected { issuer: ORDER.issuer, audience: ORDER.audience };

fn keys() -> SigningKeys {
    SigningKeys::generate(NOW).unwrap()
}

fn issued(keys: &SigningKeys) -> String {
    keys.issue(&ORDER, NOW).unwrap().0.reveal().to_owned()
}

fn refusal(keys: &SigningKeys, token: &str, now: Timestamp) -> &'static str {
    keys.verify(token, &EXPECTED, now).map_or_else(|error| error.code, |_| "")
}

/// The token with another header, its signature left as it is.
fn with_header(token: &str, header: &Value) -> String {
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", BASE64URL_NOPAD.encode(header.to_string().as_bytes()))
}

#[test]
fn a_token_says_what_was_put_into_it() {
    let keys = keys();
    let (token, claims) = keys.issue(&ORDER, NOW).unwrap();
    assert_eq!(keys.verify(token.reveal(), &EXPECTED, NOW).unwrap(), claims);
    assert_eq!((claims.exp - claims.iat, claims.nbf), (600, claims.iat));
    assert_eq!((claims.role.as_deref(), claims.workspace.as_deref()), (Some("reader"), Some("law")));
}

#[test]
fn every_token_has_a_name_of_its_own() {
    let keys = keys();
    assert_ne!(keys.issue(&ORDER, NOW).unwrap().1.jti, keys.issue(&ORDER, NOW).unwrap().1.jti);
}

#[test]
fn a_token_ends_with_its_last_second() {
    let keys = keys();
    let token = issued(&keys);
    assert_eq!(refusal(&keys, &token, NOW.plus_ms(599_999)), "");
    assert_eq!(refusal(&keys, &token, NOW.plus_ms(600_000)), "token_expired");
    assert_eq!(refusal(&keys, &token, Timestamp(i64::MAX)), "token_expired");
}

#[test]
fn a_token_from_the_future_is_refused_but_for_a_minute() {
    let keys = keys();
    let token = issued(&keys);
    assert_eq!(refusal(&keys, &token, NOW.plus_ms(-60_000)), "");
    assert_eq!(refusal(&keys, &token, NOW.plus_ms(-61_000)), "token_expired");
    assert_eq!(refusal(&keys, &token, Timestamp(i64::MIN)), "token_expired");
}

#[test]
fn a_token_for_another_audience_is_refused() {
    let keys = keys();
    let other = Expected { audience: "https://ibid.example/other", ..EXPECTED };
    assert_eq!(keys.verify(&issued(&keys), &other, NOW).unwrap_err().code, "token_audience");
}

#[test]
fn a_token_of_another_issuer_is_refused() {
    let keys = keys();
    let other = Expected { issuer: "https://evil.example", ..EXPECTED };
    assert_eq!(keys.verify(&issued(&keys), &other, NOW).unwrap_err().code, "token_invalid");
    assert_eq!(refusal(&self::keys(), &issued(&keys), NOW), "token_invalid");
}

#[test]
fn no_header_talks_us_into_another_algorithm() {
    let keys = keys();
    let token = issued(&keys);
    let kid = keys.shown()[0].id.clone();
    for alg in ["none", "None", "HS256", "ES256", "RS256", "Ed25519", ""] {
        let changed = with_header(&token, &json!({"alg": alg, "kid": kid, "typ": "JWT"}));
        assert_eq!(refusal(&keys, &changed, NOW), "token_invalid", "{alg}");
        let (unsigned, _) = changed.rsplit_once('.').unwrap();
        assert_eq!(refusal(&keys, &format!("{unsigned}."), NOW), "token_invalid", "{alg}");
    }
}

#[test]
fn the_public_key_is_no_shared_secret() {
    let keys = keys();
    let kid = keys.shown()[0].id.clone();
    let x = keys.jwks(NOW)["keys"][0]["x"].as_str().unwrap().to_owned();
    let token = with_header(&issued(&keys), &json!({"alg": "HS256", "kid": kid}));
    let (signed, _) = token.rsplit_once('.').unwrap();
    for secret in [x.as_bytes().to_vec(), BASE64URL_NOPAD.decode(x.as_bytes()).unwrap()] {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret);
        let tag = BASE64URL_NOPAD.encode(ring::hmac::sign(&key, signed.as_bytes()).as_ref());
        assert_eq!(refusal(&keys, &format!("{signed}.{tag}"), NOW), "token_invalid");
    }
}

#[test]
fn a_token_must_name_a_key_of_ours() {
    let keys = keys();
    let mine = keys.shown()[0].id.clone();
    let attacker = self::keys();
    let theirs = issued(&attacker);
    for header in [
        json!({"alg": "EdDSA"}),
        json!({"alg": "EdDSA", "kid": "../../etc/passwd"}),
        json!({"alg": "EdDSA", "kid": mine}),
        json!({"alg": "EdDSA", "jwk": attacker.jwks(NOW)["keys"][0]}),
        json!({"alg": "EdDSA", "kid": mine, "jku": "https://evil.example/jwks.json"}),
    ] {
        assert_eq!(refusal(&keys, &with_header(&theirs, &header), NOW), "token_invalid", "{header}");
    }
}

#[test]
fn tokens_outlive_a_rotation_by_the_overlap() {
    let mut keys = keys();
    let token = issued(&keys);
    keys.rotate(NOW.plus_ms(1000), 60_000).unwrap();
    assert_eq!(refusal(&keys, &token, NOW.plus_ms(60_999)), "");
    assert_eq!(refusal(&keys, &token, NOW.plus_ms(61_000)), "token_invalid");
    assert_eq!(refusal(&keys, &issued(&keys), NOW.plus_ms(1000)), "");
}

#[test]
fn a_rotation_without_overlap_ends_every_token() {
    let mut keys = keys();
    let token = issued(&keys);
    keys.rotate(NOW, 0).unwrap();
    assert_eq!(refusal(&keys, &token, NOW), "token_invalid");
}

#[test]
fn a_lifetime_is_bounded() {
    for seconds in [i64::MIN, -1, 0, TOKEN_SECONDS_MAX + 1, i64::MAX] {
        let order = Order { seconds, ..ORDER };
        assert_eq!(keys().issue(&order, NOW).unwrap_err().code, "token_lifetime");
    }
}

#[test]
fn claims_that_were_signed_but_make_no_sense_are_refused() {
    let keys = keys();
    let claims = serde_json::to_value(keys.issue(&ORDER, NOW).unwrap().1).unwrap();
    let changes = [
        ("exp", json!(i64::MAX)),
        ("exp", json!("tomorrow")),
        ("iat", json!(i64::MIN)),
        ("aud", json!(["https://ibid.example/api"])),
        ("sub", Value::Null),
        ("jti", json!(7)),
    ];
    for (name, value) in changes {
        let mut changed = claims.clone();
        changed[name] = value;
        let token = keys.sign(changed.to_string().as_bytes());
        assert_eq!(refusal(&keys, &token, NOW), "token_invalid", "{name}");
    }
    assert_eq!(refusal(&keys, &keys.sign(b"not json"), NOW), "token_invalid");
}

#[test]
fn each_of_the_times_counts() {
    let keys = keys();
    let claims = serde_json::to_value(keys.issue(&ORDER, NOW).unwrap().1).unwrap();
    let later = claims["iat"].as_i64().unwrap() + 61;
    for (name, expected) in [("nbf", "token_expired"), ("iat", "token_expired"), ("exp", "")] {
        let mut changed = claims.clone();
        changed[name] = json!(later);
        assert_eq!(refusal(&keys, &keys.sign(changed.to_string().as_bytes()), NOW), expected, "{name}");
    }
}

#[test]
fn a_claim_twice_is_refused() {
    let keys = keys();
    let claims = serde_json::to_string(&keys.issue(&ORDER, NOW).unwrap().1).unwrap();
    let twice = claims.replacen('{', r#"{"role":"owner","#, 1);
    assert_eq!(refusal(&keys, &keys.sign(twice.as_bytes()), NOW), "token_invalid");
}

proptest! {
    #[test]
    fn any_text_is_refused(token in "\\PC{0,300}") {
        prop_assert_eq!(refusal(&keys(), &token, NOW), "token_invalid");
    }

    #[test]
    fn any_change_of_a_character_is_refused(at in 0..1000_usize, to in "[A-Za-z0-9_.-]") {
        let keys = keys();
        let token = issued(&keys);
        let at = at % token.len();
        let changed = format!("{}{to}{}", &token[..at], &token[at + 1..]);
        prop_assume!(changed != token);
        prop_assert_eq!(refusal(&keys, &changed, NOW), "token_invalid");
    }
}
