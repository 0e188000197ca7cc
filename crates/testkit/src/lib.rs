//! A library in a temporary folder, driven from outside through the real program, as a user would.
//!
//! Keeps true: a test that ends, in whatever way, leaves no process and no folder behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod collector;
mod exchange;
mod fault;
mod following;
mod inbox;
mod load;
mod mail;
mod node;
mod provider;
mod record;
mod running;
mod secure;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub use collector::{Collector, Span};
pub use fault::{Fault, FaultProxy};
pub use following::{Events, Told, View};
pub use inbox::{Inbox, Post};
pub use load::Load;
pub use mail::{MailServer, Security};
pub use node::{Browser, OpenIdProvider};
pub use provider::{ChatProvider, Piece};
pub use record::{Recorder, Replay};
pub use running::{Dice, Running};
pub use secure::{Authority, TlsPeer};

/// A data directory of its own, and the program that works on it.
#[derive(Debug)]
pub struct Home {
    dir: TempDir,
    program: PathBuf,
}

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Said {
    pub out: String,
    pub err: String,
    pub code: i32,
}

impl Said {
    /// Standard output as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code().unwrap_or(-1),
        }
    }
}

impl Home {
    /// `program` is the built `ibid`; tests of its package have it in `env!("CARGO_BIN_EXE_ibid")`.
    #[must_use]
    pub fn new(program: &str) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), program: program.into() }
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A file beside the data directory.
    #[must_use]
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join("files").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The folder of `write`.
    #[must_use]
    pub fn files(&self) -> String {
        self.dir.path().join("files").display().to_string()
    }

    /// The program on this data directory, with nothing from the outside but the model files; how full the machine's disk is counts for nothing.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.dir.path()).env("IBID_CHAT_OLLAMA_DETECT", "false");
        command.env("IBID_DATA_DISK_FREE_PERCENT_MIN", "0");
        command.arg("--data-dir").arg(self.dir.path().join("data"));
        if let Some(models) = models() {
            command.env("IBID_MODELS_DIR", models);
        }
        command.args(arguments).stdin(Stdio::null());
        command
    }

    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Said {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs and expects success.
    #[must_use]
    pub fn ok(&self, arguments: &[&str]) -> Said {
        let said = self.run(arguments);
        assert_eq!(said.code, 0, "{arguments:?}: {said:?}");
        said
    }

    #[must_use]
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Said {
        let mut command = self.command(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap().into()
    }

    /// Starts the server, on a free port if no address is given, and waits until it says that it answers.
    #[must_use]
    pub fn serve(&self, arguments: &[&str]) -> Server {
        self.try_serve(arguments).unwrap_or_else(|said| panic!("the server ended: {said}"))
    }

    /// The same as a supervisor does it: while a command has the library, it tries again.
    #[must_use]
    pub fn serve_again(&self, arguments: &[&str]) -> Server {
        let mut started = self.try_serve(arguments);
        for _ in 0..100 {
            match &started {
                Err(said) if said.contains("[store_locked]") => started = self.try_serve(arguments),
                _ => break,
            }
        }
        started.unwrap_or_else(|said| panic!("the server ended: {said}"))
    }

    /// The token of the running server, for whoever can read the data directory.
    #[must_use]
    pub fn token(&self) -> String {
        let text = std::fs::read(self.path().join("data/server.json")).unwrap();
        let told: Value = serde_json::from_slice(&text).unwrap();
        told["token"].as_str().unwrap().to_owned()
    }

    /// One with that token, which every request carries that names no other key.
    fn local_client(&self) -> reqwest::blocking::Client {
        let bearer = format!("Bearer {}", self.token());
        let headers = [(reqwest::header::AUTHORIZATION, bearer.parse().unwrap())].into_iter().collect();
        reqwest::blocking::Client::builder().default_headers(headers).build().unwrap()
    }

    /// Error: what it said before it ended.
    fn try_serve(&self, arguments: &[&str]) -> Result<Server, String> {
        let mut all = vec!["serve"];
        if !arguments.contains(&"--address") {
            all.extend(["--address", "127.0.0.1:0"]);
        }
        all.extend_from_slice(arguments);
        ibid_runtime::set_up_tls();
        let child = self.command(&all).stderr(Stdio::piped()).spawn().unwrap();
        let mut server = Server { child, base: String::new(), http: reqwest::blocking::Client::new() };
        let mut lines = BufReader::new(server.child.stderr.take().unwrap()).lines();
        let mut said = String::new();
        while server.base.is_empty() {
            let Some(line) = lines.next().map(Result::unwrap) else { return Err(said) };
            if let Some(rest) = line.strip_prefix("Ibid answers on ") {
                rest.split(' ').next().unwrap().clone_into(&mut server.base);
                server.http = self.local_client();
            }
            said.push_str(&line);
        }
        std::thread::spawn(move || lines.for_each(drop));
        Ok(server)
    }
}

/// Where the model files are, when the caller of the tests has fetched them.
#[must_use]
pub fn models() -> Option<PathBuf> {
    std::env::var_os("IBID_TEST_MODELS").map(PathBuf::from)
}

/// The repository's root.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A running server; killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    pub base: String,
    pub http: reqwest::blocking::Client,
}

impl Server {
    #[must_use]
    pub fn get(&self, path: &str) -> (u16, Value) {
        answer(self.http.get(format!("{}{path}", self.base)).send().unwrap())
    }

    #[must_use]
    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        answer(self.http.post(format!("{}{path}", self.base)).json(body).send().unwrap())
    }

    /// A client that is nobody.
    #[must_use]
    pub fn stranger(&self) -> reqwest::blocking::Client {
        reqwest::blocking::Client::builder().cookie_store(true).build().unwrap()
    }

    /// Sends a signal, such as `HUP`.
    pub fn signal(&self, name: &str) {
        let signal = format!("-{name}");
        Command::new("kill").args([&signal, &self.child.id().to_string()]).status().unwrap();
    }

    /// Asks the server to end, and gives its exit code.
    #[must_use]
    pub fn stop(mut self) -> i32 {
        self.signal("TERM");
        self.child.wait().unwrap().code().unwrap_or(-1)
    }

    /// Ends it as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Status and JSON of a response; text that is no JSON comes as a JSON string.
#[must_use]
pub fn answer(response: reqwest::blocking::Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
