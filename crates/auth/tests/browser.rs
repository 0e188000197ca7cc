//! Passkeys in a real browser: Chromium makes them and signs in with them, as its page would be asked to.
//!
//! Without Chromium, or the packages of the folder `ui`, these tests say that they skip.
#![allow(clippy::unwrap_used, clippy::panic)]

use ibid_auth::passkey::{NewKey, Passkey, Signature, Site, User, Verification};
use ibid_testkit::Browser;
use ibid_types::Timestamp;
use serde_json::json;

const NOW: Timestamp = Timestamp(1_795_000_000_000);
const ANN: User = User { handle: b"user 7", name: "ann", display_name: "Ann" };

#[test]
fn a_passkey_is_made_and_signs_in_with_and_without_a_name() {
    let Some(mut browser) = Browser::open() else { return };
    let site = Site::at(&browser.origin, "Ibid").unwrap();
    let passkey = register(&mut browser, &site, &[]);
    let named = sign_in(&mut browser, &site, &passkey, std::slice::from_ref(&passkey));
    // Nobody is named: the browser offers what it has for the site.
    let unnamed = sign_in(&mut browser, &site, &named, &[]);
    assert!(passkey.counter < named.counter && named.counter < unnamed.counter);
}

#[test]
fn an_authenticator_makes_no_second_passkey_for_an_account() {
    let Some(mut browser) = Browser::open() else { return };
    let site = Site::at(&browser.origin, "Ibid").unwrap();
    let passkey = register(&mut browser, &site, &[]);
    let (options, _) = site.begin_registration(&ANN, &[passkey], Verification::Required, NOW).unwrap();
    assert_eq!(browser.ask(&json!({ "create": options })), json!({"error": "InvalidStateError"}));
}

#[test]
fn an_answer_that_a_copy_has_overtaken_or_that_another_site_got_is_refused() {
    let Some(mut browser) = Browser::open() else { return };
    let site = Site::at(&browser.origin, "Ibid").unwrap();
    let passkey = register(&mut browser, &site, &[]);
    let (options, begun) = site.begin_sign_in(&[], Verification::Required, NOW).unwrap();
    let answer: Signature = serde_json::from_value(browser.ask(&json!({ "get": options }))).unwrap();
    let overtaken = Passkey { counter: 1000, ..passkey.clone() };
    let code = |site: &Site, passkey| {
        site.finish_sign_in(&begun, &answer, passkey, ANN.handle, NOW).unwrap_err().code
    };
    assert_eq!(code(&site, &overtaken), "passkey_cloned");
    assert_eq!(code(&Site::at("http://localhost:1", "Ibid").unwrap(), &passkey), "passkey_refused");
    assert_eq!(code(&Site::at("https://ibid.example", "Ibid").unwrap(), &passkey), "passkey_refused");
}

fn register(browser: &mut Browser, site: &Site, has: &[Passkey]) -> Passkey {
    let (options, begun) = site.begin_registration(&ANN, has, Verification::Required, NOW).unwrap();
    let answer = browser.ask(&json!({ "create": options }));
    let answer: NewKey =
        serde_json::from_value(answer.clone()).unwrap_or_else(|error| panic!("{error}: {answer}"));
    site.finish_registration(&begun, &answer, NOW).unwrap()
}

fn sign_in(browser: &mut Browser, site: &Site, passkey: &Passkey, allowed: &[Passkey]) -> Passkey {
    let (options, begun) = site.begin_sign_in(allowed, Verification::Required, NOW).unwrap();
    let answer = browser.ask(&json!({ "get": options }));
    let answer: Signature =
        serde_json::from_value(answer.clone()).unwrap_or_else(|error| panic!("{error}: {answer}"));
    assert_eq!(answer.id, passkey.id);
    let signed_in = site.finish_sign_in(&begun, &answer, passkey, ANN.handle, NOW).unwrap();
    assert!(signed_in.is_user_verified);
    signed_in.passkey
}
