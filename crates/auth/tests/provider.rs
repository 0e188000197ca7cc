//! Sign-in with a real provider: `oidc-provider` for Node, which the OpenID Foundation certified, and a browser that
//! fills in its forms.
//!
//! `IBID_TEST_CLIENTS` names the folder that `scripts/setup-clients.sh` made; without it these tests say that they skip.
#![allow(clippy::unwrap_used)]

use ibid_auth::oidc::{Callback, Provider, Settings};
use ibid_runtime::Clock;
use ibid_testkit::OpenIdProvider;
use ibid_types::{Secret, Timestamp};

const REDIRECT_URL: &str = "https://ibid.example/api/sign-in/oidc";

#[test]
fn people_sign_in_with_every_algorithm() {
    for algorithm in ["RS256", "PS256", "ES256", "EdDSA"] {
        let Some(server) = OpenIdProvider::start(algorithm, REDIRECT_URL) else { return };
        let provider = client(&server, OpenIdProvider::SECRET);
        let (url, begun) = provider.begin(now()).unwrap();
        let identity = provider.finish(&begun, &browse(&server, &url, "ann"), now()).unwrap();
        assert_eq!(
            (identity.issuer, identity.subject.as_str()),
            (server.issuer.clone(), "ann"),
            "{algorithm}"
        );
        // The provider gives these to those who ask with the access token only.
        assert_eq!((identity.email.as_deref(), identity.is_email_verified), (Some("ann@example.org"), true));
        assert_eq!(identity.name.as_deref(), Some("The ann"));
    }
}

#[test]
fn a_key_that_the_provider_changed_is_found() {
    let Some(mut server) = OpenIdProvider::start("ES256", REDIRECT_URL) else { return };
    let provider = client(&server, OpenIdProvider::SECRET);
    let sign_in = |server: &OpenIdProvider, at: Timestamp| {
        let (url, begun) = provider.begin(at).unwrap();
        provider.finish(&begun, &browse(server, &url, "ann"), at)
    };
    assert!(sign_in(&server, now()).is_ok());
    server.rotate();
    assert!(sign_in(&server, now().plus_ms(61_000)).is_ok());
}

#[test]
fn a_code_is_good_for_one_sign_in_and_for_who_began_it() {
    let Some(server) = OpenIdProvider::start("RS256", REDIRECT_URL) else { return };
    let provider = client(&server, OpenIdProvider::SECRET);
    let (url, begun) = provider.begin(now()).unwrap();
    let callback = browse(&server, &url, "ann");
    let (other_url, other) = provider.begin(now()).unwrap();
    let other_callback = browse(&server, &other_url, "eve");
    // Somebody else's code, with the right state: the provider refuses it, for it asks for the verifier.
    let stolen = Callback { code: other_callback.code.clone(), ..callback.clone() };
    assert_eq!(provider.finish(&begun, &stolen, now()).unwrap_err().code, "oidc_refused");
    assert_eq!(provider.finish(&other, &callback, now()).unwrap_err().code, "oidc_refused");
    assert!(provider.finish(&begun, &callback, now()).is_ok());
    assert_eq!(provider.finish(&begun, &callback, now()).unwrap_err().code, "oidc_refused");
}

#[test]
fn a_wrong_secret_is_told() {
    let Some(server) = OpenIdProvider::start("RS256", REDIRECT_URL) else { return };
    let provider = client(&server, "another");
    let (url, begun) = provider.begin(now()).unwrap();
    let refused = provider.finish(&begun, &browse(&server, &url, "ann"), now()).unwrap_err();
    assert_eq!(refused.code, "oidc_client");
}

fn now() -> Timestamp {
    Clock::system().now()
}

fn client(server: &OpenIdProvider, secret: &str) -> Provider {
    Provider::new(Settings {
        issuer: server.issuer.clone(),
        client_id: OpenIdProvider::CLIENT.into(),
        client_secret: Some(Secret::new(secret.into())),
        redirect_url: REDIRECT_URL.into(),
        scopes: vec!["profile".into(), "email".into()],
    })
    .unwrap()
}

fn browse(server: &OpenIdProvider, url: &str, person: &str) -> Callback {
    let url = server.browse(url, person);
    let find =
        |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    Callback { state: find("state"), code: find("code"), iss: find("iss"), error: find("error") }
}
