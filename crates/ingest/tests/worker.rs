//! Children under limits: good files come back, bad ones are told, and neither a hang nor a death stops the next.

use std::time::Duration;

use ibid_ingest::worker::{ParsePool, PoolConfig};
use ibid_ingest::{Hint, Limits};

fn pool(change: impl FnOnce(&mut PoolConfig)) -> ParsePool {
    let mut config = PoolConfig::new(env!("CARGO_BIN_EXE_ibid-parse-worker").into(), Vec::new());
    change(&mut config);
    ParsePool::new(config)
}

fn code(pool: &ParsePool, bytes: &[u8], name: &str) -> &'static str {
    pool.parse(bytes, &Hint::named(name)).map_or_else(|error| error.code, |_| "fine")
}

#[test]
fn a_file_is_parsed_in_a_child() {
    let parsed = pool(|_| ()).parse(b"# Tea\n\nHot.", &Hint::named("a.md")).unwrap();
    assert!(parsed.text.contains("Tea") && parsed.text.contains("Hot."));
}

#[test]
fn one_child_serves_many_threads_in_turn() {
    let pool = pool(|config| config.workers = 1);
    std::thread::scope(|scope| {
        for number in 0..8 {
            let pool = &pool;
            scope.spawn(move || assert_eq!(code(pool, format!("text {number}").as_bytes(), "a.txt"), "fine"));
        }
    });
}

#[test]
fn what_is_too_large_is_not_sent() {
    let pool = pool(|config| config.limits = Limits { bytes_max: 3, ..Limits::default() });
    assert_eq!(code(&pool, b"four", "a.txt"), "document_too_large");
}

#[test]
fn a_file_that_takes_too_long_is_given_up_and_the_next_is_read() {
    let pool = pool(|config| config.time_max = Duration::from_millis(1));
    let large = "word ".repeat(4_000_000);
    assert_eq!(code(&pool, large.as_bytes(), "a.md"), "parse_timeout");
    let patient = self::pool(|_| ());
    assert_eq!(code(&patient, b"small", "a.txt"), "fine");
}

#[test]
fn a_file_that_needs_too_much_memory_is_told_so() {
    let pool = pool(|config| {
        config.memory_bytes_max = 256 << 20;
        config.limits = Limits { text_bytes_max: 1 << 30, ..Limits::default() };
    });
    let large = "word ".repeat(20_000_000);
    let code = code(&pool, large.as_bytes(), "a.txt");
    assert!(code == "parse_memory" || code == "parse_crashed", "{code}");
    assert_eq!(self::code(&pool, b"small", "a.txt"), "fine");
}

#[test]
fn a_program_that_cannot_be_started_is_told() {
    let pool = ParsePool::new(PoolConfig::new("/no/such/program".into(), Vec::new()));
    assert_eq!(code(&pool, b"x", "a.txt"), "parse_unavailable");
}
