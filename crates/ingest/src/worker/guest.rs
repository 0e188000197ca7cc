//! The parent's side of one child.

use std::io::Read;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use ibid_types::error::interned;
use ibid_types::parsed::Parsed;
use ibid_types::{Error, Result};

use super::PoolConfig;
use super::child::{Allowance, LIMITS_VARIABLE};
use super::wire::{Answer, Request, read_frame, write_frame};
use crate::parse::Hint;

/// What a child said last, on its error stream, is kept up to here.
const LAST_WORDS_MAX: u64 = 4096;

/// A running child. Dropping it ends it.
#[derive(Debug)]
pub struct Guest {
    child: Child,
    requests: Sender<(Vec<u8>, Vec<u8>)>,
    answers: Receiver<std::io::Result<Vec<u8>>>,
    stderr: ChildStderr,
    pub files: usize,
}

impl Guest {
    pub fn start(config: &PoolConfig) -> Result<Self> {
        let allowance = Allowance {
            memory_bytes: config.memory_bytes_max,
            // Processor time for a whole life of files; the clock on each file is the parent's.
            cpu_seconds: config.time_max.as_secs().max(1).saturating_mul(super::FILES_PER_CHILD as u64),
            limits: config.limits.clone(),
        };
        let failed = |error: std::io::Error| {
            Error::unavailable(
                "parse_unavailable",
                "cannot start a parser process; is the machine out of memory or processes?",
            )
            .caused_by(error)
        };
        let mut child = Command::new(&config.program)
            .args(&config.arguments)
            .env_clear()
            .env(LIMITS_VARIABLE, serde_json::to_string(&allowance).unwrap_or_default())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(failed(std::io::Error::other("a pipe is missing")));
        };
        let (requests, to_child) = channel();
        let (from_child, answers) = channel();
        std::thread::spawn(move || carry(stdin, stdout, &to_child, &from_child));
        Ok(Self { child, requests, answers, stderr, files: 0 })
    }

    /// The child's answer on one file. The outer error means that the child is gone and must be replaced.
    pub fn parse(&mut self, bytes: &[u8], hint: &Hint, time_max: Duration) -> Result<Result<Parsed>> {
        self.files += 1;
        let request = Request { source: hint.source.clone(), media_type: hint.media_type.clone() };
        let head = serde_json::to_vec(&request).unwrap_or_default();
        let sent = self.requests.send((head, bytes.to_vec()));
        if sent.is_err() {
            return Err(self.cause_of_death());
        }
        match self.answers.recv_timeout(time_max) {
            Ok(Ok(answer)) => Ok(read_answer(&answer)),
            Err(RecvTimeoutError::Timeout) => Err(timed_out(time_max)),
            Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => Err(self.cause_of_death()),
        }
    }

    fn cause_of_death(&mut self) -> Error {
        let _ = self.child.kill();
        let status = self.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
        let mut words = Vec::new();
        let _ = self.stderr.by_ref().take(LAST_WORDS_MAX).read_to_end(&mut words);
        let words = String::from_utf8_lossy(&words).into_owned();
        if words.contains("memory allocation of") {
            let what = "the file needs more memory than ingest.parse_memory_mb_max allows";
            return Error::bad_request("parse_memory", what);
        }
        Error::bad_request("parse_crashed", "the parser died on this file; please report it")
            .caused_by(format!("{status} {}", words.trim()))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn timed_out(time_max: Duration) -> Error {
    let what =
        format!("the file took longer than {} s to read (ingest.parse_seconds_max)", time_max.as_secs());
    Error::bad_request("parse_timeout", what)
}

/// Carries requests to the child and answers back, so that neither can block the caller beyond its time.
fn carry(
    mut stdin: ChildStdin,
    mut stdout: ChildStdout,
    requests: &Receiver<(Vec<u8>, Vec<u8>)>,
    answers: &Sender<std::io::Result<Vec<u8>>>,
) {
    for (head, bytes) in requests {
        let exchange = write_frame(&mut stdin, &head)
            .and_then(|()| write_frame(&mut stdin, &bytes))
            .and_then(|()| read_frame(&mut stdout))
            .and_then(|answer| answer.ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into()));
        let over = exchange.is_err();
        if answers.send(exchange).is_err() || over {
            return;
        }
    }
}

fn read_answer(bytes: &[u8]) -> Result<Parsed> {
    match serde_json::from_slice(bytes) {
        Ok(Answer::Parsed(parsed)) => Ok(parsed),
        Ok(Answer::Failed { class, code, message }) => Err(Error::new(class, interned(&code), message)),
        Err(error) => {
            Err(Error::internal("parse_failed", "the parser's answer cannot be read").caused_by(error))
        }
    }
}
