//! Bits that flip in the database file, its log and the sums of its pages, and logs that are cut: found before anything is served,
//! or without consequence; and no false alarm after a crash.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use ibid_store::{Db, Sqlite, SqliteConfig, Statement, Value};
use ibid_types::{Error, Result};

const DATABASE: &str = "ibid.db";
const LOG: &str = "ibid.db-wal";
const SUMS: &str = "ibid.db-sums";
const FRAME: usize = 4096 + 24;

fn open(dir: &Path) -> Result<Sqlite> {
    Sqlite::open(SqliteConfig::new(dir.join(DATABASE)))
}

fn write(database: &Sqlite, number: usize) {
    let value = format!("{number} {}", "The rent is nine crowns. ".repeat(60));
    let sql = "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    let params: Vec<Value> = vec![format!("key {}", number % 40).into(), value.into()];
    database.batch(vec![Statement::new(sql, params)]).unwrap();
}

fn rows(database: &Sqlite) -> Vec<ibid_store::Row> {
    database.query("SELECT key, value FROM settings ORDER BY key", &[]).unwrap()
}

fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file())
    {
        fs::copy(&entry, to.path().join(entry.file_name().unwrap())).unwrap();
    }
    to
}

fn flip(file: &Path, bit: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[bit / 8] ^= 1 << (bit % 8);
    fs::write(file, bytes).unwrap();
}

fn code(outcome: Result<Sqlite>) -> Option<&'static str> {
    outcome.err().map(|error: Error| error.code)
}

/// A library that ended in order. It was read, so that the log stays beside the database.
fn closed() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let database = open(dir.path()).unwrap();
    (0..60).for_each(|number| write(&database, number));
    assert_eq!(rows(&database).len(), 40);
    drop(database);
    dir
}

/// The files as they are while the library works: everything committed, a part of it folded in.
fn killed(folded: usize, after: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let database = open(dir.path()).unwrap();
    (0..folded).for_each(|number| write(&database, number));
    assert!(database.fold().unwrap());
    (folded..folded + after).for_each(|number| write(&database, number));
    let killed = copy(dir.path());
    drop(database);
    killed
}

/// Flips bits all over the file; each is found, or the rows are the same. Gives how many were found.
fn assert_nothing_is_served(from: &Path, name: &str, count: usize) -> usize {
    let expected = rows(&open(copy(from).path()).unwrap());
    let bits = fs::metadata(from.join(name)).unwrap().len() as usize * 8;
    let mut found = 0;
    for number in 0..count {
        let dir = copy(from);
        flip(&dir.path().join(name), (number * 2_654_435_761 + 77) % bits);
        match open(dir.path()) {
            Ok(database) => assert_eq!(rows(&database), expected, "{name}, flip {number}"),
            Err(error) => {
                assert!(["store_corrupt", "store_log_damaged"].contains(&error.code), "{error:?}");
                found += 1;
            }
        }
    }
    found
}

#[test]
fn a_flipped_bit_of_a_closed_database_is_found_at_the_next_start() {
    let dir = closed();
    fs::remove_file(dir.path().join(LOG)).unwrap();
    assert_eq!(assert_nothing_is_served(dir.path(), DATABASE, 40), 40);
}

#[test]
fn a_flipped_bit_beside_the_log_of_a_closed_library_serves_nothing_else() {
    let dir = closed();
    assert_nothing_is_served(dir.path(), DATABASE, 30);
    assert_eq!(assert_nothing_is_served(dir.path(), LOG, 40), 0, "the database has all that the log has");
    assert_eq!(assert_nothing_is_served(dir.path(), SUMS, 15), 0);
}

#[test]
fn a_flipped_bit_in_the_middle_of_a_living_log_is_found() {
    for (dir, last) in [(killed(50, 30), "key 39"), (killed(0, 60), "key 19")] {
        let bytes = fs::metadata(dir.path().join(LOG)).unwrap().len() as usize;
        let expected = rows(&open(copy(dir.path()).path()).unwrap());
        let mut found = 0;
        for number in 0..30 {
            let flipped = copy(dir.path());
            let place = number * (bytes - 6 * FRAME) / 30;
            flip(&flipped.path().join(LOG), place * 8 + number % 8);
            match open(flipped.path()) {
                Ok(database) => {
                    // The last transaction cannot be told from one that a loss of power cut off.
                    let both =
                        rows(&database).into_iter().zip(&expected).filter(|(row, expected)| row != *expected);
                    let lost: Vec<String> = both.map(|(row, _)| row.get(0).unwrap()).collect();
                    assert!(lost.is_empty() || lost == [last], "byte {place} of {bytes}: {lost:?}");
                }
                Err(error) => {
                    assert_eq!(error.code, "store_log_damaged");
                    found += 1;
                }
            }
        }
        assert!(found > 0);
    }
}

#[test]
fn a_flipped_bit_beside_a_living_log_serves_nothing_else() {
    let dir = killed(50, 30);
    assert!(assert_nothing_is_served(dir.path(), DATABASE, 40) > 0);
    assert_eq!(assert_nothing_is_served(dir.path(), SUMS, 15), 0);
}

#[test]
fn a_log_that_was_cut_is_an_older_state_never_a_mixture() {
    for dir in [closed(), killed(50, 30)] {
        let whole = rows(&open(copy(dir.path()).path()).unwrap());
        let bytes = fs::metadata(dir.path().join(LOG)).unwrap().len();
        for number in 0..20 {
            let cut = copy(dir.path());
            let log = fs::File::options().write(true).open(cut.path().join(LOG)).unwrap();
            log.set_len(bytes * number / 20).unwrap();
            let database = open(cut.path()).unwrap();
            let damages = database.query("PRAGMA integrity_check", &[]).unwrap();
            assert_eq!(damages[0].get::<String>(0).unwrap(), "ok");
            let found = rows(&database);
            assert_eq!(found.len(), whole.len());
            // A row is what it was after one commit, and those after it are not there.
            let newest = found.iter().map(number_of).max().unwrap();
            assert!(found.iter().all(|row| newest - number_of(row) < 40), "a mixture of states at {number}");
        }
    }
}

fn number_of(row: &ibid_store::Row) -> i64 {
    row.get::<String>(1).unwrap().split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn no_crash_is_called_damage() {
    let dir = tempfile::tempdir().unwrap();
    let mut database = open(dir.path()).unwrap();
    for number in 0..120 {
        write(&database, number);
        if number % 7 == 0 {
            assert!(database.fold().unwrap());
        }
        if number % 5 == 0 {
            let killed = copy(dir.path());
            let again = open(killed.path()).unwrap();
            assert_eq!(rows(&again), rows(&database));
            assert_eq!(again.damaged_pages().unwrap(), Vec::<u32>::new());
            // And once more, after its last fold.
            drop(again);
            assert_eq!(rows(&open(killed.path()).unwrap()), rows(&database));
        }
        if number % 31 == 30 {
            drop(database);
            database = open(dir.path()).unwrap();
        }
    }
}

#[test]
fn a_start_that_fails_is_no_damage_either() {
    let dir = killed(20, 20);
    let later = "INSERT INTO migrations VALUES ('0099_later', 'x')";
    let database = open(dir.path()).unwrap();
    database.batch(vec![Statement::new(later, vec![])]).unwrap();
    let dir = copy(dir.path());
    assert_eq!(code(open(dir.path())), Some("store_newer"));
    assert_eq!(code(open(dir.path())), Some("store_newer"), "what the first start folded in is known");
}

#[test]
fn a_living_database_is_compared_too() {
    let dir = tempfile::tempdir().unwrap();
    let database = open(dir.path()).unwrap();
    (0..60).for_each(|number| write(&database, number));
    assert!(database.fold().unwrap());
    assert_eq!(database.damaged_pages().unwrap(), Vec::<u32>::new());
    let file = fs::File::options().write(true).open(dir.path().join(DATABASE)).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"!", 4096 * 9 + 2000).unwrap();
    assert_eq!(database.damaged_pages().unwrap(), [10]);
}

#[test]
fn the_sums_can_be_deleted() {
    let dir = closed();
    let sums: PathBuf = dir.path().join(SUMS);
    fs::remove_file(&sums).unwrap();
    drop(open(dir.path()).unwrap());
    assert!(sums.exists());
}
