//! `ibid-fuzz [MINUTES] [ENTRY]`: tries mutated input on every entry, or on one, each in a process of its own within a bound of memory,
//! and reports panics, hangs, broken promises and growth. `ibid-fuzz --show ENTRY NUMBER` prints one input, `ibid-fuzz --try ENTRY FILE`
//! tries the one in a file, such as one that `make fuzz` has found.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use ibid_fuzz::work::{Bounds, GROWTH_MIB_MAX, bound_memory, resident_mib, work};
use ibid_fuzz::{ENTRIES, Entry, mutate};

type Outcome<T> = Result<T, Box<dyn Error>>;

const WARM_INPUTS: u64 = 500;
/// A process whose input takes longer is ended.
const HANG_MAX: Duration = Duration::from_secs(30);

fn main() -> Outcome<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--worker", name, from, seconds, place] => {
            worker(named(name)?, from.parse()?, seconds.parse()?, place)
        }
        ["--show", name, number] => show(named(name)?, number.parse()?),
        ["--try", name, file] => try_one(named(name)?, file),
        [] => all(1.0, None),
        [minutes] => all(minutes.parse()?, None),
        [minutes, name] => all(minutes.parse()?, Some(name)),
        _ => Err("ibid-fuzz [MINUTES] [ENTRY], --show ENTRY NUMBER, or --try ENTRY FILE".into()),
    }
}

fn named(name: &str) -> Outcome<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.name == name).ok_or_else(|| format!("there is no entry {name}").into())
}

fn show(entry: &Entry, number: u64) -> Outcome<ExitCode> {
    let input = mutate::input(entry, &(entry.seeds)(), number);
    std::io::stdout().write_all(&input)?;
    Ok(ExitCode::SUCCESS)
}

/// A panic shows itself, with its place.
fn try_one(entry: &Entry, file: &str) -> Outcome<ExitCode> {
    bound_memory()?;
    let outcome = (entry.run)(&fs::read(file)?);
    println!("{}: {}", entry.name, outcome.as_ref().err().map_or("nothing is wrong", String::as_str));
    Ok(if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn all(minutes: f64, only: Option<&str>) -> Outcome<ExitCode> {
    let mut is_well = true;
    for entry in ENTRIES.iter().filter(|entry| only.is_none_or(|only| only == entry.name)) {
        is_well &= one(entry, minutes * 60.0)?;
    }
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs an entry in a process of its own; where that ends by force, its last input is the fault.
fn one(entry: &Entry, seconds: f64) -> Outcome<bool> {
    let place = tempfile::NamedTempFile::new()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--worker", entry.name, "0", &seconds.to_string()]).arg(place.path());
    let status = command.stdin(Stdio::null()).status()?;
    if status.code().is_none() || status.code() == Some(134) {
        let last = fs::read_to_string(place.path()).unwrap_or_default();
        println!("{}: ended by force ({status}) at input {}", entry.name, last.trim());
        return Ok(false);
    }
    Ok(status.success())
}

fn worker(entry: &'static Entry, from: u64, seconds: f64, place: &str) -> Outcome<ExitCode> {
    bound_memory()?;
    std::panic::set_hook(Box::new(|_| {}));
    let (last, file) =
        (std::sync::Arc::new(AtomicU64::new(0)), fs::OpenOptions::new().write(true).open(place)?);
    let (_held, ended) = mpsc::channel::<()>();
    let seen = std::sync::Arc::clone(&last);
    std::thread::spawn(move || end_when_it_hangs(&ended, &seen));
    let bounds = Bounds { time_max: Duration::from_secs_f64(seconds), ..Bounds::default() };
    let mut warm_mib = 0;
    let report = work(entry, from, &bounds, &mut |number| {
        last.store(number, Ordering::Relaxed);
        let _ = file.write_all_at(format!("{number:<20}").as_bytes(), 0);
        if number == from + WARM_INPUTS {
            warm_mib = resident_mib();
        }
    });
    let now_mib = resident_mib();
    let growth_mib = if warm_mib == 0 { 0 } else { now_mib.saturating_sub(warm_mib) };
    for fault in &report.faults {
        println!("{}: input {}: {}", entry.name, fault.number, fault.what);
    }
    println!(
        "{}: {} inputs, {} faults, slowest {:.0?}, memory {warm_mib} MiB warm, {now_mib} MiB at the end",
        entry.name,
        report.inputs,
        report.faults.len(),
        report.slowest,
    );
    let is_well = report.faults.is_empty() && growth_mib <= GROWTH_MIB_MAX;
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Ends the process at an input that does not end, as a supervisor would.
fn end_when_it_hangs(ended: &mpsc::Receiver<()>, last: &AtomicU64) {
    let mut before = None;
    while ended.recv_timeout(HANG_MAX) == Err(mpsc::RecvTimeoutError::Timeout) {
        let now = last.load(Ordering::Relaxed);
        if before == Some(now) {
            std::process::abort();
        }
        before = Some(now);
    }
}
