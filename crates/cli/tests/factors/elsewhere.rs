//! What stands elsewhere when somebody signs in: a browser with an authenticator, a provider with its pages.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use reqwest::blocking::{Client, Response};
use reqwest::{Url, redirect};
use serde_json::Value;

/// Where the provider sends people back to: an address that nobody has, in whose place the test asks the server.
const PUBLIC_URL: &str = "https://ibid.example";
const PAGES_MAX: usize = 20;
const CHROMIUM: &str = "/usr/bin/chromium";

/// A program for Node that says what it has to on lines; it ends when its input does.
struct Program {
    process: Child,
    said: Lines<BufReader<ChildStdout>>,
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
        let said = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, said }
    }

    fn address(&mut self) -> String {
        self.said.find_map(|line| line.ok().filter(|line| line.starts_with("http://"))).unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// The packages of the clients that tests try; see `scripts/setup-clients.sh`.
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

/// Chromium with an authenticator that knows its owner.
pub struct Browser {
    program: Program,
    pub origin: String,
}

impl Browser {
    pub fn open() -> Option<Self> {
        let folder = ibid_testkit::repository().join("ui");
        if !folder.join("node_modules/playwright-core").exists() || !Path::new(CHROMIUM).exists() {
            println!("skipped: there is no Chromium, or no playwright-core; run `npm ci` in the folder ui");
            return None;
        }
        let source = include_str!("../../../auth/tests/browser/browser.mjs");
        let mut program = Program::start(&folder, source, &[]);
        Some(Self { origin: program.address(), program })
    }

    pub fn answer(&mut self, order: &Value) -> Value {
        writeln!(self.program.process.stdin.as_mut().unwrap(), "{order}").unwrap();
        let answer: Value = serde_json::from_str(&self.program.said.next().unwrap().unwrap()).unwrap();
        assert!(answer["error"].is_null(), "{answer}");
        answer
    }
}

/// A certified OpenID Connect provider.
pub struct Provider {
    _program: Program,
    issuer: String,
}

impl Provider {
    pub fn start() -> Option<Self> {
        let folder = clients("oidc-provider")?;
        let source = include_str!("../../../auth/tests/provider/provider.mjs");
        let back = format!("{PUBLIC_URL}/v1/auth/oidc/callback");
        let mut program = Program::start(&folder, source, &["ibid", "hunter2", &back, "ES256"]);
        Some(Self { issuer: program.address(), _program: program })
    }

    pub fn settings(&self) -> Vec<String> {
        vec![
            format!("notify.public_url={PUBLIC_URL}"),
            format!("identity.provider.issuer={}", self.issuer),
            "identity.provider.client_id=ibid".to_owned(),
            "identity.provider.client_secret=hunter2".to_owned(),
        ]
    }

    /// Follows redirects and fills in forms until the browser is sent back; says to which path and query.
    pub fn browse(&self, url: &str, person: &str) -> String {
        let client = Client::builder().cookie_store(true).no_proxy().redirect(redirect::Policy::none());
        let client = client.build().unwrap();
        let mut page = client.get(url).send().unwrap();
        for _ in 0..PAGES_MAX {
            let Some(next) = location(&page) else {
                page = submit(&client, page, person);
                continue;
            };
            if let Some(path) = next.as_str().strip_prefix(PUBLIC_URL) {
                return path.to_owned();
            }
            page = client.get(next).send().unwrap();
        }
        panic!("the provider did not send the browser back");
    }
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
