//! Sign-in with a real provider: `oidc-provider` for Node, which the OpenID Foundation certified, and a browser that
//! fills in its forms.
//!
//! `IBID_TEST_CLIENTS` names the folder that `scripts/setup-clients.sh` made; without it these tests say that they skip.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use ibid_auth::oidc::{Callback, Provider, Settings};
use ibid_runtime::Clock;
use ibid_types::{Secret, Timestamp};
use reqwest::blocking::{Client, Response};
use reqwest::{Url, redirect};

const REDIRECT_URL: &str = "https://ibid.example/api/sign-in/oidc";
const PAGES_MAX: usize = 20;

#[test]
fn people_sign_in_with_every_algorithm() {
    for algorithm in ["RS256", "PS256", "ES256", "EdDSA"] {
        let Some(server) = Server::start(algorithm) else { return };
        let provider = server.provider("hunter2");
        let (url, begun) = provider.begin(now()).unwrap();
        let identity = provider.finish(&begun, &browse(&url, "ann"), now()).unwrap();
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
    let Some(mut server) = Server::start("ES256") else { return };
    let provider = server.provider("hunter2");
    let sign_in = |at: Timestamp| {
        let (url, begun) = provider.begin(at).unwrap();
        provider.finish(&begun, &browse(&url, "ann"), at)
    };
    assert!(sign_in(now()).is_ok());
    server.rotate();
    assert!(sign_in(now().plus_ms(61_000)).is_ok());
}

#[test]
fn a_code_is_good_for_one_sign_in_and_for_who_began_it() {
    let Some(server) = Server::start("RS256") else { return };
    let provider = server.provider("hunter2");
    let (url, begun) = provider.begin(now()).unwrap();
    let callback = browse(&url, "ann");
    let (other_url, other) = provider.begin(now()).unwrap();
    let other_callback = browse(&other_url, "eve");
    // Somebody else's code, with the right state: the provider refuses it, for it asks for the verifier.
    let stolen = Callback { code: other_callback.code.clone(), ..callback.clone() };
    assert_eq!(provider.finish(&begun, &stolen, now()).unwrap_err().code, "oidc_refused");
    assert_eq!(provider.finish(&other, &callback, now()).unwrap_err().code, "oidc_refused");
    assert!(provider.finish(&begun, &callback, now()).is_ok());
    assert_eq!(provider.finish(&begun, &callback, now()).unwrap_err().code, "oidc_refused");
}

#[test]
fn a_wrong_secret_is_told() {
    let Some(server) = Server::start("RS256") else { return };
    let provider = server.provider("another");
    let (url, begun) = provider.begin(now()).unwrap();
    let refused = provider.finish(&begun, &browse(&url, "ann"), now()).unwrap_err();
    assert_eq!(refused.code, "oidc_client");
}

fn now() -> Timestamp {
    Clock::system().now()
}

/// The provider in a process of its own; it ends when its input does.
struct Server {
    process: Child,
    said: Lines<BufReader<ChildStdout>>,
    issuer: String,
}

impl Server {
    fn start(algorithm: &str) -> Option<Self> {
        let folder = std::env::var_os("IBID_TEST_CLIENTS").map(PathBuf::from);
        let Some(folder) = folder.filter(|folder| folder.join("node_modules/oidc-provider").exists()) else {
            println!(
                "skipped: IBID_TEST_CLIENTS names no folder with oidc-provider; run scripts/setup-clients.sh FOLDER"
            );
            return None;
        };
        let mut process = Command::new("node")
            .current_dir(folder)
            .args(["--input-type=module", "--eval", include_str!("provider/provider.mjs"), "--"])
            .args(["ibid", "hunter2", REDIRECT_URL, algorithm])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
        let issuer = said.find_map(|line| line.ok().filter(|line| line.starts_with("http://"))).unwrap();
        Some(Self { process, said, issuer })
    }

    fn provider(&self, secret: &str) -> Provider {
        Provider::new(Settings {
            issuer: self.issuer.clone(),
            client_id: "ibid".into(),
            client_secret: Some(Secret::new(secret.into())),
            redirect_url: REDIRECT_URL.into(),
            scopes: vec!["profile".into(), "email".into()],
        })
        .unwrap()
    }

    fn rotate(&mut self) {
        writeln!(self.process.stdin.as_mut().unwrap(), "rotate").unwrap();
        assert!(self.said.any(|line| line.unwrap() == "rotated"));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// Follows redirects and fills in forms until the provider sends the browser back to us.
fn browse(url: &str, person: &str) -> Callback {
    let client = Client::builder().cookie_store(true).no_proxy().redirect(redirect::Policy::none());
    let client = client.build().unwrap();
    let mut page = client.get(url).send().unwrap();
    for _ in 0..PAGES_MAX {
        let Some(next) = location(&page) else {
            page = submit(&client, page, person);
            continue;
        };
        if next.as_str().starts_with(REDIRECT_URL) {
            return callback(&next);
        }
        page = client.get(next).send().unwrap();
    }
    panic!("the provider did not send the browser back");
}

fn location(page: &Response) -> Option<Url> {
    let location = page.headers().get("location")?.to_str().unwrap();
    Some(page.url().join(location).unwrap())
}

/// The provider's pages have one form: with a name and a password, or asking for consent.
fn submit(client: &Client, page: Response, person: &str) -> Response {
    let html = page.text().unwrap();
    let action = between(&html, "action=\"", "\"").unwrap_or_else(|| panic!("no form in {html}"));
    let prompt = between(&html, "name=\"prompt\" value=\"", "\"").unwrap();
    let body = format!("prompt={prompt}&login={person}&password=any");
    client.post(action).header("content-type", "application/x-www-form-urlencoded").body(body).send().unwrap()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(after).map(|(found, _)| found)
}

fn callback(url: &Url) -> Callback {
    let find =
        |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    Callback { state: find("state"), code: find("code"), iss: find("iss"), error: find("error") }
}
