//! Sign-ins with a provider that lives in memory, as it should be and in every way that the checks are for.

mod fake;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use proptest::prelude::*;
use serde_json::{Value, json};

use self::fake::{Fake, at_hash, seconds};
use super::*;
use crate::jwt::SigningKeys;

const NOW: Timestamp = Timestamp(1_795_000_000_000);
const ISSUER: &str = "https://login.example";

fn settings() -> Settings {
    Settings {
        issuer: ISSUER.into(),
        client_id: "ibid".into(),
        client_secret: Some(Secret::new("hunter2".into())),
        redirect_url: "https://ibid.example/api/sign-in/oidc".into(),
        scopes: vec!["openid".into(), "profile".into(), "email".into()],
    }
}

fn refusal(result: &Result<Identity>) -> &'static str {
    result.as_ref().err().map_or("", |error| error.code)
}

/// The refusal of a token with these claims, which alone says who somebody is: userinfo is not asked.
fn with_claims(claims: Value) -> &'static str {
    refusal(&Fake::with(|state| state.claims = fake::merged(state.claims.clone(), &claims)).sign_in())
}

fn with_forged(forge: impl Fn(&str) -> String + Send + 'static) -> &'static str {
    refusal(&Fake::with(|state| state.forge = Some(Box::new(forge))).sign_in())
}

#[test]
fn whom_the_provider_names_is_signed_in() {
    let identity = Fake::new().sign_in().unwrap();
    assert_eq!((identity.issuer.as_str(), identity.subject.as_str()), (ISSUER, "ann-7"));
    assert_eq!((identity.email.as_deref(), identity.is_email_verified), (Some("ann@example.org"), true));
}

#[test]
fn how_somebody_was_recognised_is_told_by_the_signed_token_alone() {
    let told = |claims: Value| {
        let fake = Fake::with(|state| {
            state.claims = claims;
            state.userinfo["amr"] = json!(["mfa"]);
        });
        fake.sign_in().unwrap().methods
    };
    assert_eq!(told(json!({})), Vec::<String>::new());
    assert_eq!(told(json!({"amr": ["pwd", "otp"]})), ["pwd", "otp"]);
    assert_eq!(told(json!({"acr": "urn:two", "amr": "mfa"})), ["urn:two", "mfa"]);
    assert_eq!(told(json!({"acr": 1, "amr": {"mfa": true}})), Vec::<String>::new());
}

#[test]
fn the_browser_is_sent_with_what_the_standards_ask_for() {
    let fake = Fake::new();
    let (url, begun) = fake.provider().begin(NOW).unwrap();
    fake.visit(&url);
    assert!(url.starts_with("https://login.example/authorize?tenant=a&"));
    assert_eq!(
        (fake.asked("response_type"), fake.asked("scope")),
        ("code".into(), "openid profile email".into())
    );
    assert_eq!(
        (fake.asked("code_challenge_method"), fake.asked("code_challenge").len()),
        ("S256".into(), 43)
    );
    assert!(!url.contains(&begun.verifier) && !url.contains("hunter2"));
}

#[test]
fn the_challenge_is_that_of_rfc_7636() {
    // Appendix B.
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

#[test]
fn the_code_is_exchanged_with_verifier_and_secret() {
    let fake = Fake::new();
    fake.sign_in().unwrap();
    let call = fake.calls_of("/token").remove(0);
    let form = call.form.unwrap();
    let verifier = form.reveal().split_once("code_verifier=").unwrap().1;
    assert_eq!(challenge(&verifier[..43]), fake.asked("code_challenge"));
    assert_eq!(call.authorization.unwrap().reveal(), format!("Basic {}", BASE64.encode(b"ibid:hunter2")));
    assert!(!form.reveal().contains("hunter2"));
}

#[test]
fn a_provider_that_takes_no_basic_gets_the_secret_in_the_form() {
    let fake = Fake::with(|state| {
        state.metadata["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"])
    });
    fake.sign_in().unwrap();
    let call = fake.calls_of("/token").remove(0);
    assert!(call.authorization.is_none());
    assert!(call.form.unwrap().reveal().ends_with("client_id=ibid&client_secret=hunter2"));
}

#[test]
fn a_public_client_has_no_secret() {
    let fake = Fake::new();
    let settings = Settings { client_secret: None, ..settings() };
    let provider = Provider::over(settings, Box::new(fake.clone())).unwrap();
    fake.sign_in_at(&provider, NOW).unwrap();
    assert!(fake.calls_of("/token").remove(0).form.unwrap().reveal().ends_with("client_id=ibid"));
}

#[test]
fn only_the_browser_that_began_finishes() {
    let fake = Fake::new();
    let provider = fake.provider();
    let (url, begun) = provider.begin(NOW).unwrap();
    fake.visit(&url);
    for state in [None, Some(String::new()), Some("x".into()), Some(begun.nonce.clone())] {
        let callback = Callback { state, ..fake.callback() };
        assert_eq!(refusal(&provider.finish(&begun, &callback, NOW)), "oidc_refused");
    }
    let (_, another) = provider.begin(NOW).unwrap();
    assert_eq!(refusal(&provider.finish(&another, &fake.callback(), NOW)), "oidc_refused");
    assert!(fake.calls_of("/token").is_empty());
}

#[test]
fn what_takes_too_long_is_refused() {
    let fake = Fake::new();
    let provider = fake.provider();
    let (url, begun) = provider.begin(NOW).unwrap();
    fake.visit(&url);
    let late = NOW.plus_ms(ANSWER_WITHIN_MS);
    assert_eq!(refusal(&provider.finish(&begun, &fake.callback(), late)), "oidc_refused");
    assert!(fake.calls_of("/token").is_empty());
}

#[test]
fn a_provider_that_refuses_is_heard() {
    let fake = Fake::new();
    let provider = fake.provider();
    let (url, begun) = provider.begin(NOW).unwrap();
    fake.visit(&url);
    for (error, shown) in [("access_denied", "access_denied"), ("<script>", "an error of its own")] {
        let callback = Callback { error: Some(error.into()), code: None, ..fake.callback() };
        let denied = provider.finish(&begun, &callback, NOW).unwrap_err();
        assert_eq!(denied.code, "oidc_denied");
        assert!(denied.message.contains(shown) && !denied.message.contains('<'), "{}", denied.message);
    }
}

#[test]
fn a_callback_of_another_provider_is_refused() {
    let fake =
        Fake::with(|state| state.metadata["authorization_response_iss_parameter_supported"] = json!(true));
    let provider = fake.provider();
    let (url, begun) = provider.begin(NOW).unwrap();
    fake.visit(&url);
    let finish = |iss: Option<&str>| {
        let callback = Callback { iss: iss.map(Into::into), ..fake.callback() };
        refusal(&provider.finish(&begun, &callback, NOW))
    };
    assert_eq!((finish(None), finish(Some("https://evil.example"))), ("oidc_refused", "oidc_refused"));
    assert_eq!(finish(Some(ISSUER)), "");
}

#[test]
fn a_callback_needs_a_code_of_bearable_length() {
    let fake = Fake::new();
    let provider = fake.provider();
    let (url, begun) = provider.begin(NOW).unwrap();
    fake.visit(&url);
    for code in [None, Some(String::new()), Some("x".repeat(CODE_BYTES_MAX + 1))] {
        let callback = Callback { code, ..fake.callback() };
        assert_eq!(refusal(&provider.finish(&begun, &callback, NOW)), "oidc_refused");
    }
}

#[test]
fn tokens_for_others_of_others_or_of_other_sign_ins_are_refused() {
    let changes = [
        json!({"iss": "https://evil.example"}),
        json!({"iss": "https://login.example/"}),
        json!({"aud": "another"}),
        json!({"aud": ["another"]}),
        json!({"aud": []}),
        json!({"aud": ["ibid", "another"]}),
        json!({"aud": ["ibid", "another"], "azp": "another"}),
        json!({"azp": "another"}),
        json!({"nonce": "another"}),
        json!({"nonce": null}),
        json!({"at_hash": at_hash("another")}),
        json!({"at_hash": ""}),
        json!({"sub": ""}),
        json!({"sub": null}),
        json!({"sub": "x".repeat(256)}),
        json!({"sub": 7}),
    ];
    for change in changes {
        assert_eq!(with_claims(change.clone()), "oidc_refused", "{change}");
    }
}

#[test]
fn tokens_of_another_time_are_refused() {
    let now = seconds();
    for (change, expected) in [
        (json!({"exp": now - 59}), ""),
        (json!({"exp": now - 60}), "oidc_refused"),
        (json!({"exp": null}), "oidc_refused"),
        (json!({"iat": now + 60}), ""),
        (json!({"iat": now + 61}), "oidc_refused"),
        (json!({"iat": null}), "oidc_refused"),
        (json!({"nbf": now + 61}), "oidc_refused"),
        (json!({"exp": 1e300}), ""),
        (json!({"exp": "2030-01-01"}), "oidc_refused"),
    ] {
        assert_eq!(with_claims(change.clone()), expected, "{change}");
    }
}

#[test]
fn several_audiences_with_us_as_the_party_are_right() {
    assert_eq!(with_claims(json!({"aud": ["ibid", "another"], "azp": "ibid"})), "");
    assert_eq!(with_claims(json!({"aud": ["ibid"]})), "");
    assert_eq!(with_claims(json!({"at_hash": null})), "");
}

#[test]
fn tokens_that_the_provider_did_not_sign_are_refused() {
    let other = SigningKeys::generate(NOW).unwrap();
    assert_eq!(
        with_forged(move |token| {
            let payload = BASE64URL_NOPAD.decode(token.split('.').nth(1).unwrap().as_bytes()).unwrap();
            other.sign(&payload)
        }),
        "oidc_refused"
    );
    assert_eq!(with_forged(|_| String::new()), "oidc_refused");
    assert_eq!(with_forged(|token| token.rsplit_once('.').unwrap().0.to_owned() + "."), "oidc_refused");
}

#[test]
fn no_header_talks_us_into_no_signature() {
    for alg in ["none", "HS256", "RS256", "ES256"] {
        let forge = move |token: &str| {
            let (_, rest) = token.split_once('.').unwrap();
            format!("{}.{rest}", BASE64URL_NOPAD.encode(json!({"alg": alg}).to_string().as_bytes()))
        };
        assert_eq!(with_forged(forge), "oidc_refused", "{alg}");
    }
}

#[test]
fn keys_that_the_provider_changed_are_asked_for_again() {
    let fake = Fake::new();
    let provider = fake.provider();
    fake.sign_in_at(&provider, NOW).unwrap();
    fake.0.lock().keys = SigningKeys::generate(NOW).unwrap();
    assert_eq!(refusal(&fake.sign_in_at(&provider, NOW.plus_ms(KEYS_AGAIN_AFTER_MS - 1))), "oidc_refused");
    assert_eq!(fake.calls_of("/jwks").len(), 1);
    fake.sign_in_at(&provider, NOW.plus_ms(KEYS_AGAIN_AFTER_MS)).unwrap();
    assert_eq!(fake.calls_of("/jwks").len(), 2);
}

#[test]
fn what_is_known_is_not_asked_for_again_within_the_hour() {
    let fake = Fake::new();
    let provider = fake.provider();
    for _ in 0..3 {
        fake.sign_in_at(&provider, NOW).unwrap();
    }
    assert_eq!(
        (fake.calls_of("/jwks").len(), fake.calls_of("/.well-known/openid-configuration").len()),
        (1, 1)
    );
    let _ = provider.begin(NOW.plus_ms(KNOWN_FOR_MS)).unwrap();
    assert_eq!(fake.calls_of("/.well-known/openid-configuration").len(), 2);
}

#[test]
fn userinfo_fills_what_the_token_lacks_and_is_about_the_same_person() {
    let with_userinfo = |userinfo: Value| {
        Fake::with(|state| {
            state.claims = json!({});
            state.userinfo = userinfo;
        })
        .sign_in()
    };
    let about =
        json!({"sub": "ann-7", "email": "ann@example.org", "email_verified": true, "groups": ["staff"]});
    let identity = with_userinfo(about).unwrap();
    assert_eq!(
        (identity.email.as_deref(), identity.groups),
        (Some("ann@example.org"), vec!["staff".to_owned()])
    );
    let other = with_userinfo(json!({"sub": "bob-8", "email": "bob@example.org", "email_verified": true}));
    assert_eq!(refusal(&other), "oidc_refused");
    assert_eq!(refusal(&with_userinfo(json!({"email": "bob@example.org"}))), "oidc_answer");
}

#[test]
fn userinfo_is_not_asked_for_what_the_token_says() {
    let fake = Fake::new();
    fake.sign_in().unwrap();
    assert!(fake.calls_of("/userinfo").is_empty());
}

#[test]
fn a_provider_that_calls_itself_otherwise_is_refused() {
    for (member, value) in [
        ("issuer", json!("https://evil.example")),
        ("issuer", json!("https://login.example/")),
        ("token_endpoint", json!("http://login.example/token")),
        ("jwks_uri", json!("file:///etc/passwd")),
        ("authorization_endpoint", json!("javascript:alert(1)")),
        ("authorization_endpoint", Value::Null),
        ("userinfo_endpoint", json!("http://169.254.169.254/")),
    ] {
        let fake = Fake::with(|state| state.metadata[member] = value.clone());
        assert_eq!(fake.provider().begin(NOW).unwrap_err().code, "oidc_answer", "{member} {value}");
    }
}

#[test]
fn a_provider_that_fails_is_told_so() {
    for path in ["/.well-known/openid-configuration", "/jwks", "/token"] {
        let fake = Fake::with(|state| state.failing = Some((path, 500, json!({}))));
        assert_eq!(refusal(&fake.sign_in()), "oidc_unreachable", "{path}");
    }
    for tokens in [json!({"id_token": null}), json!({"token_type": "mac"}), json!({"access_token": 7})] {
        assert_eq!(refusal(&Fake::with(|state| state.tokens = tokens).sign_in()), "oidc_answer");
    }
}

#[test]
fn a_refused_code_a_refused_client_and_another_failure_are_told_apart() {
    for (status, error, expected) in [
        (400, "invalid_grant", "oidc_refused"),
        (400, "invalid_request", "oidc_unreachable"),
        (500, "invalid_grant", "oidc_unreachable"),
        (400, "invalid_client", "oidc_client"),
        (401, "x", "oidc_client"),
    ] {
        let fake = Fake::with(|state| state.failing = Some(("/token", status, json!({"error": error}))));
        assert_eq!(refusal(&fake.sign_in()), expected, "{status} {error}");
    }
}

#[test]
fn settings_that_are_unsafe_are_refused() {
    let with = |issuer: &str, client_id: &str, redirect_url: &str| {
        let settings = Settings {
            issuer: issuer.into(),
            client_id: client_id.into(),
            redirect_url: redirect_url.into(),
            ..settings()
        };
        Provider::over(settings, Box::new(Fake::new())).map_or_else(|error| error.code, |_| "")
    };
    assert_eq!(with(ISSUER, "ibid", "https://ibid.example/"), "");
    for issuer in
        ["", "login.example", "http://login.example", "https://login.example?x", "https://login.example#x"]
    {
        assert_eq!(with(issuer, "ibid", "https://ibid.example/"), "oidc_settings", "{issuer}");
    }
    assert_eq!(with(ISSUER, "", "https://ibid.example/"), "oidc_settings");
    assert_eq!(with(ISSUER, "ibid", "/sign-in"), "oidc_settings");
}

#[test]
fn what_is_secret_does_not_print() {
    let fake = Fake::new();
    let provider = fake.provider();
    let (_, begun) = provider.begin(NOW).unwrap();
    let shown = format!("{provider:?} {begun:?}");
    assert!(!shown.contains("hunter2") && !shown.contains(&begun.verifier) && !shown.contains(&begun.state));
}

#[test]
fn what_was_begun_comes_back_from_storage() {
    let (_, begun) = Fake::new().provider().begin(NOW).unwrap();
    let again: Begun = serde_json::from_str(&serde_json::to_string(&begun).unwrap()).unwrap();
    assert_eq!(again, begun);
}

proptest! {
    #[test]
    fn any_callback_gets_an_answer(state in "\\PC{0,50}", code in "\\PC{0,50}", iss in proptest::option::of("\\PC{0,20}")) {
        let fake = Fake::new();
        let provider = fake.provider();
        let (_, begun) = provider.begin(NOW).unwrap();
        let callback = Callback { state: Some(state), code: Some(code), iss, error: None };
        prop_assert_eq!(refusal(&provider.finish(&begun, &callback, NOW)), "oidc_refused");
    }

    #[test]
    fn any_claims_get_an_answer(name in "[a-z_]{1,8}", text in "\\PC{0,40}") {
        let _ = with_claims(json!({name: text}));
    }
}
