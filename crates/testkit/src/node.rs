//! What stands elsewhere when somebody signs in, each a program for Node: a browser with an authenticator, and an OpenID Connect
//! provider with its pages.
//!
//! Keeps true: such a program ends when its test does; where its packages are missing the test says that it skips.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use reqwest::blocking::{Client, Response};
use reqwest::{Url, redirect};
use serde_json::Value;

const PAGES_MAX: usize = 20;
const CHROMIUM: &str = "/usr/bin/chromium";

/// A program for Node that says what it has to on lines; it ends when its input does.
#[derive(Debug)]
struct Program {
    process: Child,
    said: Lines<BufReader<ChildStdout>>,
    /// Where it answers: the first address that it says.
    address: String,
}

impl Program {
    fn start(folder: &Path, source: &str, arguments: &[&str]) -> Self {
        let mut process = Command::new("node")
            .current_dir(folder)
            .args(["--input-type=module", "--eval", source, "--"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = said.find_map(|line| line.ok().filter(|line| line.starts_with("http://"))).unwrap();
        Self { process, said, address }
    }

    fn order(&mut self, order: &str) -> &mut Lines<BufReader<ChildStdout>> {
        writeln!(self.process.stdin.as_mut().unwrap(), "{order}").unwrap();
        &mut self.said
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// Chromium with an authenticator that knows its owner, at a page of its own.
#[derive(Debug)]
pub struct Browser {
    program: Program,
    pub origin: String,
}

impl Browser {
    /// Nothing, said on standard output, without Chromium or the packages of the folder `ui`.
    #[must_use]
    pub fn open() -> Option<Self> {
        let folder = crate::repository().join("ui");
        if !folder.join("node_modules/playwright-core").exists() || !Path::new(CHROMIUM).exists() {
            println!("skipped: there is no Chromium, or no playwright-core; run `npm ci` in the folder ui");
            return None;
        }
        let program = Program::start(&folder, include_str!("node/browser.mjs"), &[]);
        Some(Self { origin: program.address.clone(), program })
    }

    /// What the browser answers to `{"create": options}` or `{"get": options}`; a refusal is `{"error": name}`.
    #[must_use]
    pub fn ask(&mut self, order: &Value) -> Value {
        let said = self.program.order(&order.to_string()).next();
        serde_json::from_str(&said.unwrap().unwrap()).unwrap()
    }
}

/// `oidc-provider`, which the OpenID Foundation certified. Everybody is let in with any password.
#[derive(Debug)]
pub struct OpenIdProvider {
    program: Program,
    pub issuer: String,
    back: String,
}

impl OpenIdProvider {
    pub const CLIENT: &str = "ibid";
    pub const SECRET: &str = "hunter2";

    /// One that signs with `algorithm` and sends people to the address `back`. Nothing, said on standard output, where the packages are
    /// missing: `IBID_TEST_CLIENTS` names the folder that `scripts/setup-clients.sh` made.
    #[must_use]
    pub fn start(algorithm: &str, back: &str) -> Option<Self> {
        let folder = clients("oidc-provider")?;
        let arguments = [Self::CLIENT, Self::SECRET, back, algorithm];
        let program = Program::start(&folder, include_str!("node/openid.mjs"), &arguments);
        Some(Self { issuer: program.address.clone(), program, back: back.to_owned() })
    }

    /// From now on it signs with another key.
    pub fn rotate(&mut self) {
        assert!(self.program.order("rotate").any(|line| line.unwrap() == "rotated"));
    }

    /// Follows redirects and fills in forms until the browser is sent back; the address to which it is.
    #[must_use]
    pub fn browse(&self, url: &str, person: &str) -> Url {
        let client = Client::builder().cookie_store(true).no_proxy().redirect(redirect::Policy::none());
        let client = client.build().unwrap();
        let mut page = client.get(url).send().unwrap();
        for _ in 0..PAGES_MAX {
            let Some(next) = location(&page) else {
                page = submit(&client, page, person);
                continue;
            };
            if next.as_str().starts_with(&self.back) {
                return next;
            }
            page = client.get(next).send().unwrap();
        }
        panic!("the provider did not send the browser back");
    }
}

fn clients(package: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("IBID_TEST_CLIENTS").map(PathBuf::from);
    let found = folder.filter(|folder| folder.join("node_modules").join(package).exists());
    if found.is_none() {
        println!(
            "skipped: IBID_TEST_CLIENTS names no folder with {package}; run scripts/setup-clients.sh FOLDER"
        );
    }
    found
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
