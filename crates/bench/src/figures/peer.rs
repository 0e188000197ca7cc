//! A peer as a child process: it is set up once, then takes a turn for each line it reads.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::{Outcome, Setup};

/// Ends when dropped.
#[derive(Debug)]
pub struct Peer {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts `scripts/bench/SCRIPT` and waits until it says its name.
    pub fn start(setup: &Setup, script: &str, arguments: &[&Path]) -> Outcome<Self> {
        let mut child = Command::new(&setup.python)
            .arg(Path::new("scripts/bench").join(script))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().map(BufReader::new).ok_or("a peer has no output")?;
        let mut peer = Self { name: script.to_owned(), input: child.stdin.take(), child, output };
        peer.name = peer.read()?["peer"].as_str().unwrap_or(script).to_owned();
        Ok(peer)
    }

    /// Name and version.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One turn.
    pub fn turn(&mut self, command: &str) -> Outcome<Value> {
        let input = self.input.as_mut().ok_or("a peer has no input")?;
        writeln!(input, "{command}")?;
        input.flush()?;
        self.read()
    }

    /// One turn, of which one number counts.
    pub fn number(&mut self, command: &str, key: &str) -> Outcome<f64> {
        let answer = self.turn(command)?;
        Ok(answer[key].as_f64().ok_or_else(|| format!("{} gave no {key}: {answer}", self.name))?)
    }

    fn read(&mut self) -> Outcome<Value> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err(format!("{} has ended; what it wrote says why", self.name).into());
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Peer {
    /// Without input it ends by itself.
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}
