//! Every file of the public test sets in `IBID_DATA`, and mutations of it, read in isolated children: none crashes a
//! parser, takes too long or exceeds its memory.
//!
//! `IBID_MUTATIONS` (50) is how many are made of each file, `IBID_HOSTILE_EXCEPT` names extensions to leave out
//! (`pdf,tif`). The seed is fixed, so a finding repeats; its bytes are kept in the build's temporary folder.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "what fails in a test's own functions fails the test"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ibid_ingest::Hint;
use ibid_ingest::worker::{ParsePool, PoolConfig};

#[path = "hostile/memory.rs"]
mod memory;
#[path = "hostile/mutate.rs"]
mod mutate;

const TIME_MAX: Duration = Duration::from_secs(30);
const MEMORY_BYTES_MAX: u64 = 1 << 30;
/// Errors that a file may not cause, whatever is in it.
const FORBIDDEN: [&str; 5] =
    ["parse_crashed", "parse_failed", "parse_timeout", "parse_memory", "parser_broken"];

#[test]
fn public_test_files_and_their_mutations_are_read_or_refused() {
    let Ok(data) = std::env::var("IBID_DATA") else {
        println!("skipped: IBID_DATA names no folder with the public test files");
        return;
    };
    let files = test_files(Path::new(&data));
    let mutations = std::env::var("IBID_MUTATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(50);
    let report = run(&files, mutations);
    println!("{}", report.summary(files.len()));
    assert!(report.found.is_empty(), "{:#?}", report.found);
}

fn test_files(data: &Path) -> Vec<PathBuf> {
    let except = std::env::var("IBID_HOSTILE_EXCEPT").unwrap_or_default();
    let is_left_out =
        |path: &Path| path.extension().is_some_and(|ending| except.split(',').any(|name| *name == *ending));
    let mut files = Vec::new();
    let mut folders = vec![data.join("docling"), data.join("pdfjs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if !is_left_out(&path) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

#[derive(Default)]
struct Report {
    by_code: BTreeMap<&'static str, usize>,
    slowest: (Duration, String),
    memory_peak_bytes: u64,
    found: Vec<String>,
}

impl Report {
    fn take(&mut self, code: &'static str, time: Duration, name: &str, bytes: &[u8]) {
        *self.by_code.entry(code).or_default() += 1;
        if time > self.slowest.0 {
            self.slowest = (time, name.to_owned());
        }
        if FORBIDDEN.contains(&code) {
            let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name.replace('/', "_"));
            let _ = std::fs::write(&kept, bytes);
            self.found.push(format!("{code}: {}", kept.display()));
        }
    }

    fn summary(&self, files: usize) -> String {
        let runs: usize = self.by_code.values().sum();
        let (time, name) = &self.slowest;
        let peak = self.memory_peak_bytes >> 20;
        format!(
            "{files} files, {runs} runs: {:?}\nslowest {time:?}: {name}\npeak memory of a child: {peak} MiB",
            self.by_code
        )
    }
}

/// Reads each file as it is and mutated, on two threads.
fn run(files: &[PathBuf], mutations: u64) -> Report {
    let mut config = PoolConfig::new(env!("CARGO_BIN_EXE_ibid-parse-worker").into(), Vec::new());
    config.time_max = TIME_MAX;
    config.memory_bytes_max = MEMORY_BYTES_MAX;
    let pool = ParsePool::new(config);
    let report = Mutex::new(Report::default());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    read_variants(&pool, path, mutations, &report);
                }
            });
        }
    });
    report.into_inner().unwrap()
}

fn read_variants(pool: &ParsePool, path: &Path, mutations: u64, report: &Mutex<Report>) {
    let original = std::fs::read(path).unwrap();
    for number in 0..=mutations {
        let bytes = if number == 0 { original.clone() } else { mutate::mutated(&original, number) };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let start = Instant::now();
        let code = pool.parse(&bytes, &Hint::named(name.clone())).map_or_else(|error| error.code, |_| "read");
        let mut report = report.lock().unwrap();
        report.take(code, start.elapsed(), &format!("{number}-{name}"), &bytes);
        if number % 16 == 0 {
            report.memory_peak_bytes = report.memory_peak_bytes.max(memory::children_peak_bytes());
        }
    }
}
