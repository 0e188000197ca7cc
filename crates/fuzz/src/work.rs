//! Trying inputs on one entry, within bounds, and what came of it.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::entries::Entry;
use crate::mutate::input;

/// What a run may take.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub inputs_max: u64,
    pub time_max: Duration,
    /// One input that takes longer hangs.
    pub input_time_max: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            inputs_max: u64::MAX,
            time_max: Duration::from_secs(60),
            input_time_max: Duration::from_secs(10),
        }
    }
}

/// An input that did what none may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `ibid-fuzz --show ENTRY NUMBER` prints the input.
    pub number: u64,
    pub what: String,
}

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub inputs: u64,
    pub slowest: Duration,
    pub faults: Vec<Fault>,
}

/// Address space of a process: parsers within their limits need far less.
const MEMORY_BYTES_MAX: u64 = 4 << 30;
/// Memory that may be held later beyond what was held once warm.
pub const GROWTH_MIB_MAX: u64 = 512;

/// Lets a process that asks for too much memory fail, whatever the machine has.
pub fn bound_memory() -> Result<(), Box<dyn std::error::Error>> {
    let most = Some(MEMORY_BYTES_MAX);
    Ok(setrlimit(Resource::As, Rlimit { current: most, maximum: most })?)
}

/// What the process holds in memory now.
#[must_use]
pub fn resident_mib() -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// More faults than this are more of the same.
const FAULTS_MAX: usize = 20;

/// Tries inputs from that number on. `on_input` is told each number before it is tried.
pub fn work(entry: &Entry, from: u64, bounds: &Bounds, on_input: &mut dyn FnMut(u64)) -> Report {
    let (seeds, began, mut report) = ((entry.seeds)(), Instant::now(), Report::default());
    if seeds.is_empty() {
        return report;
    }
    for number in from..from.saturating_add(bounds.inputs_max) {
        if began.elapsed() > bounds.time_max || report.faults.len() >= FAULTS_MAX {
            break;
        }
        on_input(number);
        let (bytes, started) = (input(entry, &seeds, number), Instant::now());
        let outcome = catch_unwind(AssertUnwindSafe(|| (entry.run)(&bytes)));
        let took = started.elapsed();
        report.inputs += 1;
        report.slowest = report.slowest.max(took);
        report.faults.extend(fault(outcome, took, bounds).map(|what| Fault { number, what }));
    }
    report
}

/// What is wrong with what came of an input.
pub fn fault(
    outcome: std::thread::Result<Result<(), String>>,
    took: Duration,
    bounds: &Bounds,
) -> Option<String> {
    match outcome {
        Err(panic) => {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word");
            Some(format!("panic: {said}"))
        }
        Ok(Err(broken)) => Some(format!("promise broken: {broken}")),
        Ok(Ok(())) if took > bounds.input_time_max => Some(format!("{took:?} for one input")),
        Ok(Ok(())) => None,
    }
}
