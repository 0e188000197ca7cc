//! One run of `git`: what it may do, how long it may be silent, how much it may say.
//!
//! Keeps true: it never asks anybody anything, never reaches the network, never writes, and runs no program that the repository's
//! configuration names: no hook, pager, monitor, external diff, text conversion or signature check. `safe.directory` is git's own
//! and stays in force. A run that is silent for too long is ended.

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use ibid_types::{Error, Result};
use parking_lot::Mutex;

/// What git says of a failure, kept up to here.
const LAST_WORDS_MAX: u64 = 4096;

/// Options before the command. Each switches off something by which a repository could run a program or reach elsewhere.
const GUARDS: [&str; 7] = [
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "diff.external=",
    "log.showSignature=false",
    "protocol.allow=never",
    "core.quotePath=false",
];

/// Variables of git's that stay: where the user's and the system's settings are, which hold `safe.directory`.
const KEPT_VARIABLES: [&str; 4] =
    ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_EXEC_PATH"];

/// How `git` is called in one folder.
#[derive(Clone, Debug)]
pub struct Git {
    pub program: PathBuf,
    pub folder: PathBuf,
    pub silent_max: Duration,
}

impl Git {
    /// All that a run says, which is at most so many bytes.
    pub fn run(&self, arguments: &[&str], bytes_max: u64) -> Result<Vec<u8>> {
        let mut running = self.start(arguments)?;
        running.close_input();
        let mut said = Vec::new();
        let read = (&mut running.output).take(bytes_max + 1).read_to_end(&mut said);
        if said.len() as u64 > bytes_max {
            let what =
                format!("git {} said more than {bytes_max} bytes; the repository is too large", arguments[0]);
            return Err(Error::bad_request("repository_too_large", what));
        }
        running.finish()?;
        read.map_err(|error| failed("git's output cannot be read").caused_by(error))?;
        Ok(said)
    }

    pub fn start(&self, arguments: &[&str]) -> Result<Running> {
        let child = self.command(arguments).spawn().map_err(|error| self.not_started(error))?;
        Running::watched(child, self.silent_max)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            let of_git = name.to_string_lossy().starts_with("GIT_");
            if of_git && !KEPT_VARIABLES.iter().any(|kept| name == *kept) {
                command.env_remove(name);
            }
        }
        command.arg("-C").arg(&self.folder).args([
            "--no-pager",
            "--no-optional-locks",
            "--literal-pathspecs",
        ]);
        for guard in GUARDS {
            command.args(["-c", guard]);
        }
        command
            .args(arguments)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn not_started(&self, error: std::io::Error) -> Error {
        if error.kind() == std::io::ErrorKind::NotFound {
            let what = format!(
                "'{}' is not on this machine; install git (2.36 or newer), or name its place",
                self.program.display()
            );
            return Error::unavailable("git_missing", what);
        }
        failed("cannot start git; is the machine out of memory or processes?").caused_by(error)
    }
}

/// A `git` at work. Dropping it ends it.
#[derive(Debug)]
pub struct Running {
    child: Arc<Mutex<Child>>,
    pub input: Option<ChildStdin>,
    pub output: BufReader<Heard>,
    words: Option<JoinHandle<String>>,
    given_up: Arc<AtomicBool>,
}

/// What a run says; every word shows that it is not stuck.
#[derive(Debug)]
pub struct Heard {
    output: ChildStdout,
    alive: Sender<()>,
}

impl Read for Heard {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.output.read(buffer)?;
        // The watch is gone only when the run is over.
        let _ = self.alive.send(());
        Ok(count)
    }
}

impl Running {
    fn watched(mut child: Child, silent_max: Duration) -> Result<Self> {
        let (Some(input), Some(output), Some(words)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(failed("a pipe to git is missing"));
        };
        let (alive, heard) = channel();
        let child = Arc::new(Mutex::new(child));
        let given_up = Arc::new(AtomicBool::new(false));
        let watch = (Arc::clone(&child), Arc::clone(&given_up));
        std::thread::spawn(move || watch_over(&watch.0, &watch.1, &heard, silent_max));
        Ok(Self {
            child,
            input: Some(input),
            output: BufReader::with_capacity(1 << 16, Heard { output, alive }),
            words: Some(std::thread::spawn(move || last_words(words))),
            given_up,
        })
    }

    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// Waits for its end, which has come once both outputs are closed.
    pub fn finish(mut self) -> Result<()> {
        self.close_input();
        let words = self.words.take().and_then(|words| words.join().ok()).unwrap_or_default();
        let status =
            self.child.lock().wait().map_err(|error| failed("git cannot be waited for").caused_by(error))?;
        if self.given_up.load(Ordering::Relaxed) {
            return Err(Error::timeout(
                "git_timeout",
                "git said nothing for too long and was ended; try again",
            ));
        }
        if status.success() { Ok(()) } else { Err(told(&words)) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut child = self.child.lock();
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn watch_over(child: &Mutex<Child>, given_up: &AtomicBool, heard: &Receiver<()>, silent_max: Duration) {
    loop {
        match heard.recv_timeout(silent_max) {
            Ok(()) => {}
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                given_up.store(true, Ordering::Relaxed);
                let _ = child.lock().kill();
                return;
            }
        }
    }
}

/// Reads to the end, so that git never waits for a reader, and keeps the beginning.
fn last_words(mut words: ChildStderr) -> String {
    let mut kept = Vec::new();
    let _ = words.by_ref().take(LAST_WORDS_MAX).read_to_end(&mut kept);
    let _ = std::io::copy(&mut words, &mut std::io::sink());
    String::from_utf8_lossy(&kept).into_owned()
}

/// What git's words mean for the reader.
fn told(words: &str) -> Error {
    if words.contains("not a git repository") {
        let what = "there is no git repository at this path; name the folder that holds it";
        return Error::not_found("repository_unknown", what);
    }
    if words.contains("dubious ownership") {
        let what = "the repository belongs to somebody else, and git does not trust it; \
                    if you do, run `git config --global --add safe.directory FOLDER`";
        return Error::forbidden("repository_untrusted", what);
    }
    if ["bad object", "unknown revision", "Needed a single revision", "bad revision", "not a tree object"]
        .iter()
        .any(|sign| words.contains(sign))
    {
        let what = "the repository has no such commit; it may have been rebased away";
        return Error::not_found("commit_unknown", what);
    }
    failed("git failed; see its words in the log").caused_by(words.trim().to_owned())
}

pub fn failed(what: &str) -> Error {
    Error::unavailable("git_failed", what)
}

/// The folder as git is to see it: whole, so that it cannot be taken for an option.
pub fn whole(path: &Path) -> Result<PathBuf> {
    path.canonicalize().map_err(|error| {
        let what = format!("'{}' cannot be opened; name the folder of a git repository", path.display());
        Error::not_found("repository_unknown", what).caused_by(error)
    })
}
