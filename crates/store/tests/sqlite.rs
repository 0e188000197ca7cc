//! SQLite as an engine: the suite, the lock, a kill at any instant, a full disk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;

use ibid_runtime::Clock;
use ibid_store::{Db, Sqlite, SqliteConfig, Statement, Store, Value, conformance, log_holds};
use ibid_types::Timestamp;

fn open(dir: &std::path::Path) -> Sqlite {
    Sqlite::open(SqliteConfig::new(dir.join("ibid.db"))).unwrap()
}

fn set(key: i64) -> Statement {
    let sql = "INSERT INTO settings (key, value) VALUES ($1, $2)";
    Statement::new(sql, vec![Value::Text(key.to_string()), Value::Text("x".repeat(100))])
}

#[test]
fn sqlite_conforms() {
    let dirs = std::cell::RefCell::new(Vec::new());
    conformance::check(&|| {
        let dir = tempfile::tempdir().unwrap();
        let db: Arc<dyn Db> = Arc::new(open(dir.path()));
        dirs.borrow_mut().push(dir);
        db
    });
}

#[test]
fn the_bundled_sqlite_has_no_wal_reset_fault() {
    assert!(rusqlite_version() >= 3_051_003);
}

fn rusqlite_version() -> i64 {
    let dir = tempfile::tempdir().unwrap();
    let rows = open(dir.path()).query("SELECT sqlite_version()", &[]).unwrap();
    let text: String = rows[0].get(0).unwrap();
    text.split('.').fold(0, |number, part| number * 1000 + part.parse::<i64>().unwrap())
}

#[test]
fn a_second_owner_is_refused_and_told_who_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let _first = open(dir.path());
    let error = Sqlite::open(SqliteConfig::new(dir.path().join("ibid.db"))).unwrap_err();
    assert_eq!(error.code, "store_locked");
    assert!(error.message.contains(&std::process::id().to_string()), "{error}");
}

#[test]
fn what_a_reader_keeps_in_the_log_is_known_until_it_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(Arc::new(open(dir.path())), Clock::system());
    store.setting_set("told", "quatermass").unwrap();
    let reader = rusqlite::Connection::open(dir.path().join("ibid.db")).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let _seen: i64 = reader.query_row("SELECT COUNT(*) FROM settings", [], |row| row.get(0)).unwrap();
    let delete = Statement::new("DELETE FROM settings WHERE key = 'told'", Vec::new());
    store.db().batch(vec![delete, log_holds(Timestamp(7), [1; 16])]).unwrap();
    let holds =
        || std::fs::read(dir.path().join("ibid.db-wal")).unwrap().windows(10).any(|w| w == b"quatermass");
    assert_eq!(store.memory_erased().unwrap_err().code, "store_log_held");
    assert_eq!((store.memory_log_held().unwrap(), holds()), (Some(Timestamp(7)), true));
    drop(reader);
    store.memory_erased().unwrap();
    assert_eq!((store.memory_log_held().unwrap(), holds()), (None, false));
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("ibid.db"), vec![7; 8192]).unwrap();
    let error = Sqlite::open(SqliteConfig::new(dir.path().join("ibid.db"))).unwrap_err();
    assert_eq!(error.code, "store_corrupt");
}

#[test]
fn a_database_of_a_newer_program_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let sql = "INSERT INTO migrations (name, checksum) VALUES ('9999_future', 'x')";
    db.batch(vec![Statement::new(sql, vec![])]).unwrap();
    drop(db);
    let error = Sqlite::open(SqliteConfig::new(dir.path().join("ibid.db"))).unwrap_err();
    assert_eq!(error.code, "store_newer");
}

/// Runs this very test binary as a writer that prints each number once it is acknowledged, and kills it in the middle.
#[test]
fn what_was_acknowledged_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..5 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "the_writer_that_is_killed", "--nocapture"])
            .env("IBID_WRITER_DIR", dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let wanted = 20 + 37 * round;
        let mut last = None;
        for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
            if let Some(number) = line.strip_prefix("acknowledged ") {
                last = number.parse::<i64>().ok();
                if last.is_some_and(|last| last % 1000 >= wanted) {
                    child.kill().unwrap();
                }
            }
        }
        child.wait().unwrap();
        let db = open(dir.path());
        let rows = db.query("SELECT CAST(key AS BIGINT) FROM settings ORDER BY 1", &[]).unwrap();
        let keys: Vec<i64> = rows.iter().map(|row| row.get(0).unwrap()).collect();
        let last = last.expect("the writer acknowledged something");
        assert!(keys.contains(&last), "round {round}: {last} was acknowledged and is gone");
        assert!(keys.len().is_multiple_of(2), "round {round}: half a batch is there");
    }
}

#[test]
#[ignore = "the child process of the test above"]
fn the_writer_that_is_killed() {
    let Some(dir) = std::env::var_os("IBID_WRITER_DIR") else { return };
    let db = open(std::path::Path::new(&dir));
    let rows = db.query("SELECT COALESCE(MAX(CAST(key AS BIGINT)), 0) FROM settings", &[]).unwrap();
    let newest: i64 = rows[0].get(0).unwrap();
    let base = (newest / 1000 + 1) * 1000;
    for number in 0..500 {
        db.batch(vec![set(base + 2 * number), set(base + 2 * number + 1)]).unwrap();
        println!("acknowledged {}", base + 2 * number);
    }
}

#[test]
fn a_full_database_says_so_and_works_again_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let fill = |number: i64| {
        let sql = "INSERT INTO settings (key, value) VALUES ($1, $2)";
        db.batch(vec![Statement::new(sql, vec![number.to_string().into(), "x".repeat(100_000).into()])])
    };
    db.batch(vec![Statement::new("PRAGMA max_page_count = 100", vec![])]).unwrap();
    let error = (0..100).find_map(|number| fill(number).err()).expect("the database became full");
    assert_eq!(error.code, "store_full");
    let kept = db.query("SELECT COUNT(*) FROM settings", &[]).unwrap()[0].get::<i64>(0).unwrap();
    db.batch(vec![Statement::new("PRAGMA max_page_count = 1000000", vec![])]).unwrap();
    fill(1000).unwrap();
    let now = db.query("SELECT COUNT(*) FROM settings", &[]).unwrap()[0].get::<i64>(0).unwrap();
    assert_eq!(now, kept + 1);
}
