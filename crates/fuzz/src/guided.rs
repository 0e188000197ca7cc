//! `ibid-fuzz-guided`: one entry under libFuzzer, which keeps what reaches new code and goes on from there. `scripts/fuzz.sh` builds it with
//! the counters that this needs, and starts it.
//!
//! `IBID_FUZZ_ENTRY` names the entry; without it, the names of all are printed. `IBID_FUZZ_FOLDER` is where its seeds and words are put,
//! for libFuzzer to read. Arguments are libFuzzer's own; files among them are tried and nothing else.
//!
//! Keeps true: what is a fault here is one for `ibid-fuzz` too. A panic, a promise that is broken and memory that grew beyond its bound end
//! the process, and libFuzzer saves the input; it looks itself after hangs and after the memory of one moment.
#![no_main]
#![allow(clippy::print_stdout, clippy::print_stderr)]
#![allow(clippy::disallowed_methods, reason = "the main function, from which to return, is libFuzzer's")]

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use ibid_fuzz::work::{self, Bounds, GROWTH_MIB_MAX, bound_memory, resident_mib};
use ibid_fuzz::{ENTRIES, Entry, mutate};

/// What was held after so many inputs is what is needed; what comes on top is growth.
const WARM_INPUTS: u64 = 1000;
/// How often it is looked at.
const LOOK_INPUTS: u64 = 1000;
/// libFuzzer's own bound of time ends what takes longer; code with counters, next to other work, is slow.
const BOUNDS: Bounds =
    Bounds { inputs_max: u64::MAX, time_max: Duration::MAX, input_time_max: Duration::from_secs(60) };

static LAST_PANIC: Mutex<String> = Mutex::new(String::new());
static ENTRY: OnceLock<&'static Entry> = OnceLock::new();

libfuzzer_sys::fuzz_target!(init: prepare(), |bytes: &[u8]| try_one(bytes));

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let by_fuzzer = &mut |bytes: Vec<u8>| mutated(bytes, max_size);
    let changed = mutate::guided(entry(), &data[..size], u64::from(seed), by_fuzzer);
    let length = changed.len().min(max_size);
    data[..length].copy_from_slice(&changed[..length]);
    length
});

fn entry() -> &'static Entry {
    ENTRY.get_or_init(|| &ENTRIES[0])
}

/// As libFuzzer changes bytes: at random, by the words, and by what comparisons were seen to want.
fn mutated(mut bytes: Vec<u8>, max_size: usize) -> Vec<u8> {
    let length = bytes.len();
    bytes.resize(max_size.max(length).max(1), 0);
    let room = bytes.len();
    let length = libfuzzer_sys::fuzzer_mutate(&mut bytes, length, room);
    bytes.truncate(length);
    bytes
}

fn prepare() {
    let Ok(name) = std::env::var("IBID_FUZZ_ENTRY") else {
        ENTRIES.iter().for_each(|entry| println!("{}", entry.name));
        std::process::exit(0);
    };
    let Some(entry) = ENTRIES.iter().find(|entry| entry.name == name) else {
        eprintln!("there is no entry {name}");
        std::process::exit(2);
    };
    let _ = ENTRY.set(entry);
    let written =
        std::env::var("IBID_FUZZ_FOLDER").map_or(Ok(()), |folder| lay_out(entry, Path::new(&folder)));
    if let Err(error) = written.and_then(|()| bound_memory()) {
        eprintln!("{name} cannot begin: {error}");
        std::process::exit(2);
    }
    // Some panics are caught where they may be, so they are told only where they were a fault.
    std::panic::set_hook(Box::new(|panic| {
        *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string();
    }));
}

/// Writes seeds, former findings and words for libFuzzer to read.
fn lay_out(entry: &Entry, folder: &Path) -> Result<(), Box<dyn Error>> {
    let seeds = folder.join("seeds");
    fs::create_dir_all(&seeds)?;
    let found = entry.regressions().into_iter().map(|(_, input)| input);
    for (number, seed) in (entry.seeds)().into_iter().chain(found).enumerate() {
        fs::write(seeds.join(number.to_string()), seed)?;
    }
    let mut words = String::new();
    for word in entry.words.iter().filter(|word| !word.is_empty()) {
        let bytes = word.bytes().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "\\x{byte:02x}");
            text
        });
        writeln!(words, "\"{bytes}\"")?;
    }
    fs::write(folder.join("words"), words)?;
    Ok(())
}

fn try_one(bytes: &[u8]) {
    let started = std::time::Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| (entry().run)(bytes)));
    if let Some(what) = work::fault(outcome, started.elapsed(), &BOUNDS).or_else(grown) {
        eprintln!("fault of {}: {what}", entry().name);
        eprintln!("last panic: {}", LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner));
        std::process::abort();
    }
}

/// What has grown, if too much has.
fn grown() -> Option<String> {
    static INPUTS: AtomicU64 = AtomicU64::new(0);
    static WARM_MIB: AtomicU64 = AtomicU64::new(0);
    let number = INPUTS.fetch_add(1, Ordering::Relaxed) + 1;
    if number == WARM_INPUTS {
        WARM_MIB.store(resident_mib(), Ordering::Relaxed);
    }
    if number <= WARM_INPUTS || !number.is_multiple_of(LOOK_INPUTS) {
        return None;
    }
    let (warm, now) = (WARM_MIB.load(Ordering::Relaxed), resident_mib());
    (now > warm + GROWTH_MIB_MAX)
        .then(|| format!("memory grew from {warm} to {now} MiB over {number} inputs"))
}
