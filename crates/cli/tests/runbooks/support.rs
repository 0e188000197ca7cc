//! A library with a fault in it, and a runbook at work on it.

use std::io::{BufRead, BufReader, Lines};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Stdio};

use ibid_testkit::{ChatProvider, Home, Piece, Server};

pub fn home() -> Home {
    Home::new(env!("CARGO_BIN_EXE_ibid"))
}

pub fn data(home: &Home) -> PathBuf {
    home.path().join("data")
}

/// A library that is there but empty.
pub fn library() -> Home {
    let home = home();
    drop(home.ok(&["keys", "list"]));
    home
}

/// A provider whose embedder needs no files.
pub fn provider() -> ChatProvider {
    ChatProvider::start(|_| vec![Piece::from("I do not know.")])
}

/// `--set` before each setting.
pub fn set<'a>(settings: &[&'a str]) -> Vec<&'a str> {
    settings.iter().flat_map(|setting| ["--set", setting]).collect()
}

/// A server on the library, with these settings.
pub fn serve(home: &Home, settings: &[&str]) -> Server {
    home.serve(&set(settings))
}

/// The same while a runbook is at work on the library.
pub fn serve_again(home: &Home, settings: &[&str]) -> Server {
    home.serve_again(&set(settings))
}

/// One that embeds at the provider.
pub fn serve_with(home: &Home, provider: &ChatProvider, settings: &[&str]) -> Server {
    let embedder = provider.embedder_settings();
    let all: Vec<&str> = embedder.iter().map(String::as_str).chain(settings.iter().copied()).collect();
    serve(home, &all)
}

/// Runs the runbook where nothing is wrong: no diagnosis applies, nothing is done, everything is verified.
pub fn is_well(home: &Home, name: &str, settings: &[&str]) {
    let mut arguments = set(settings);
    arguments.extend(["runbook", "run", name, "--yes"]);
    let said = home.ok(&arguments);
    for told in [": applies", ": done", "FAILED"] {
        assert!(!said.out.contains(told), "{name} {told} without its fault: {}", said.out);
    }
}

/// A runbook at work. Killed when dropped.
pub struct Carried {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    said: Vec<String>,
}

/// Begins to carry it out, everything confirmed.
pub fn begin(home: &Home, name: &str, settings: &[&str]) -> Carried {
    let mut arguments = set(settings);
    arguments.extend(["runbook", "run", name, "--yes"]);
    let mut child = home.command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    Carried { child, lines, said: Vec::new() }
}

impl Carried {
    /// Waits until a line says this.
    pub fn until(&mut self, words: &str) {
        for line in self.lines.by_ref() {
            self.said.push(line.unwrap());
            if self.said.last().unwrap().contains(words) {
                return;
            }
        }
        panic!("no line says '{words}': {}", self.said.join("\n"));
    }

    /// Waits until a diagnosis applies: the fault is found.
    pub fn until_found(&mut self) {
        self.until(": applies");
    }

    /// Waits for the end, which must say that the fault is mended. Gives all that was said.
    pub fn mends(mut self) -> String {
        let rest: Vec<String> = self.lines.by_ref().map(Result::unwrap).collect();
        self.said.extend(rest);
        let said = self.said.join("\n");
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{said}");
        assert!(said.contains(": applies") && said.ends_with("verified"), "{said}");
        said
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tries until it holds; a few seconds at most.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let (_open, pause) = std::sync::mpsc::channel::<()>();
    for _ in 0..200 {
        if holds() {
            return;
        }
        let _ = pause.recv_timeout(std::time::Duration::from_millis(50));
    }
    panic!("it did not come to this: {what}");
}
