//! Passkeys in a real browser: Chromium makes them and signs in with them, as its page would be asked to.
//!
//! Without Chromium, or the packages of the folder `ui`, these tests say that they skip.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use ibid_auth::passkey::{NewKey, Passkey, Signature, Site, User, Verification};
use ibid_types::Timestamp;
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp(1_795_000_000_000);
const ANN: User = User { handle: b"user 7", name: "ann", display_name: "Ann" };

#[test]
fn a_passkey_is_made_and_signs_in_with_and_without_a_name() {
    let Some(mut browser) = Browser::start() else { return };
    let site = Site::at(&browser.origin, "Ibid").unwrap();
    let passkey = browser.register(&site, &[]);
    let named = browser.sign_in(&site, &passkey, std::slice::from_ref(&passkey));
    // Nobody is named: the browser offers what it has for the site.
    let unnamed = browser.sign_in(&site, &named, &[]);
    assert!(passkey.counter < named.counter && named.counter < unnamed.counter);
}

#[test]
fn an_authenticator_makes_no_second_passkey_for_an_account() {
    let Some(mut browser) = Browser::start() else { return };
    let site = Site::at(&browser.origin, "Ibid").unwrap();
    let passkey = browser.register(&site, &[]);
    let (options, _) = site.begin_registration(&ANN, &[passkey], Verification::Required, NOW).unwrap();
    assert_eq!(browser.ask(&json!({ "create": options })), json!({"error": "InvalidStateError"}));
}

#[test]
fn an_answer_that_a_copy_has_overtaken_or_that_another_site_got_is_refused() {
    let Some(mut browser) = Browser::start() else { return };
    let site = Site::at(&browser.origin, "Ibid").unwrap();
    let passkey = browser.register(&site, &[]);
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

/// The browser in a process of its own; it ends when its input does.
struct Browser {
    process: Child,
    said: Lines<BufReader<ChildStdout>>,
    origin: String,
}

impl Browser {
    fn start() -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui");
        if !folder.join("node_modules/playwright-core").exists() || !Path::new("/usr/bin/chromium").exists() {
            println!("skipped: there is no Chromium, or no playwright-core; run `npm ci` in the folder ui");
            return None;
        }
        let mut process = Command::new("node")
            .current_dir(folder)
            .args(["--input-type=module", "--eval", include_str!("browser/browser.mjs")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
        let origin = said.next().unwrap().unwrap();
        Some(Self { process, said, origin })
    }

    fn ask(&mut self, order: &Value) -> Value {
        writeln!(self.process.stdin.as_mut().unwrap(), "{order}").unwrap();
        serde_json::from_str(&self.said.next().unwrap().unwrap()).unwrap()
    }

    fn register(&mut self, site: &Site, has: &[Passkey]) -> Passkey {
        let (options, begun) = site.begin_registration(&ANN, has, Verification::Required, NOW).unwrap();
        let answer = self.ask(&json!({ "create": options }));
        let answer: NewKey =
            serde_json::from_value(answer.clone()).unwrap_or_else(|error| panic!("{error}: {answer}"));
        site.finish_registration(&begun, &answer, NOW).unwrap()
    }

    fn sign_in(&mut self, site: &Site, passkey: &Passkey, allowed: &[Passkey]) -> Passkey {
        let (options, begun) = site.begin_sign_in(allowed, Verification::Required, NOW).unwrap();
        let answer = self.ask(&json!({ "get": options }));
        let answer: Signature =
            serde_json::from_value(answer.clone()).unwrap_or_else(|error| panic!("{error}: {answer}"));
        assert_eq!(answer.id, passkey.id);
        let signed_in = site.finish_sign_in(&begun, &answer, passkey, ANN.handle, NOW).unwrap();
        assert!(signed_in.is_user_verified);
        signed_in.passkey
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
