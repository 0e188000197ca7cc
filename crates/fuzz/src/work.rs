//! Trying inputs on one entry, within bounds, and what came of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

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

fn fault(
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
