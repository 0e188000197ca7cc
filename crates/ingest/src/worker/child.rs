//! The child's side: limits first, then one file after another until the parent is gone.

use std::io::{stdin, stdout};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use ibid_types::{Error, Result};
use rustix::process::{Resource, Rlimit, setrlimit};

use super::wire::{Answer, Request, read_frame, write_frame};
use crate::parse::{Hint, Limits, parse};

/// The environment variable with the limits, as JSON.
pub const LIMITS_VARIABLE: &str = "IBID_PARSE_LIMITS";
/// Deep nesting is refused by the parsers; what is just below must not overflow the stack.
const STACK_BYTES: usize = 64 << 20;

/// What the parent allows its child.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Allowance {
    pub memory_bytes: u64,
    pub cpu_seconds: u64,
    pub limits: Limits,
}

/// The whole life of a child. Gives the exit code.
#[must_use]
pub fn worker_main() -> ExitCode {
    let Some(allowance) = allowance() else {
        return ExitCode::from(2);
    };
    confine(&allowance);
    // A panic is caught and told; its message must not mix with the answers.
    std::panic::set_hook(Box::new(|_| ()));
    let serve = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || serve(&allowance.limits));
    match serve.map(std::thread::JoinHandle::join) {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn allowance() -> Option<Allowance> {
    serde_json::from_str(&std::env::var(LIMITS_VARIABLE).ok()?).ok()
}

/// The system's own limits: memory, processor time, no files written, no core dumps. One that cannot be set leaves
/// the others, and the parent's clock.
fn confine(allowance: &Allowance) {
    let both = |value| Rlimit { current: Some(value), maximum: Some(value) };
    let _ = setrlimit(Resource::As, both(allowance.memory_bytes));
    let _ = setrlimit(Resource::Cpu, both(allowance.cpu_seconds));
    let _ = setrlimit(Resource::Fsize, both(0));
    let _ = setrlimit(Resource::Core, both(0));
    let _ = setrlimit(Resource::Nofile, both(16));
}

fn serve(limits: &Limits) -> std::io::Result<()> {
    let (mut input, mut output) = (stdin().lock(), stdout().lock());
    while let Some(head) = read_frame(&mut input)? {
        let bytes = read_frame(&mut input)?.ok_or(std::io::ErrorKind::UnexpectedEof)?;
        let answer = match answer(&head, &bytes, limits) {
            Ok(parsed) => Answer::Parsed(parsed),
            Err(error) => Answer::failed(&error),
        };
        drop(bytes);
        write_frame(&mut output, &serde_json::to_vec(&answer)?)?;
    }
    Ok(())
}

fn answer(head: &[u8], bytes: &[u8], limits: &Limits) -> Result<ibid_types::parsed::Parsed> {
    let request: Request = serde_json::from_slice(head).map_err(|error| {
        Error::internal("parse_failed", "the parser's request cannot be read").caused_by(error)
    })?;
    let hint = Hint { source: request.source, media_type: request.media_type };
    let parsed = catch_unwind(AssertUnwindSafe(|| parse(bytes, &hint, limits))).map_err(|_| {
        Error::internal("parse_crashed", "the parser failed on this file; please report it")
    })??;
    parsed.check()?;
    Ok(parsed)
}
