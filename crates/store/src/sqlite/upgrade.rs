//! Migrations that can be undone: the files are kept before the first new one, checked afterwards, put back when anything failed.
//!
//! Keeps true: after `upgrade` the database is whole and up to date, or it is, byte for byte, what it was before. The log is not
//! folded in for it, so that a continuous backup sees the migration as the transaction that it is.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use ibid_types::{Error, Result};
use rusqlite::Connection;

use super::log_of;
use crate::fault::classed;
use crate::migrations::{migrate, pending};

/// Former states that are kept, each as large as the database was.
const KEPT: usize = 2;

/// Brings the tables up to date. Errors: `store_migration_undone`, those of the migrations.
pub fn upgrade(mut connection: Connection, path: &Path) -> Result<Connection> {
    let new = pending(&connection)?;
    let Some(first) = new.first() else {
        migrate(&mut connection)?;
        return Ok(connection);
    };
    let kept = path.with_file_name("before-migration").join(first);
    keep(path, &kept)?;
    match migrate(&mut connection).and_then(|()| check(&connection)) {
        Ok(()) => {
            forget_old(&kept);
            Ok(connection)
        }
        Err(error) => {
            drop(connection);
            put_back(path, &kept)?;
            let what = format!(
                "the database could not be brought to {}, so it was put back as it was; use the former version of the program",
                new.last().unwrap_or(first)
            );
            Err(Error::conflict("store_migration_undone", what).caused_by(error))
        }
    }
}

fn check(connection: &Connection) -> Result<()> {
    let found: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| classed(&error))?;
    if found == "ok" {
        return Ok(());
    }
    let what = format!("the database is not whole after its migration: {found}");
    Err(Error::internal("store_corrupt", what))
}

fn keep(path: &Path, kept: &Path) -> Result<()> {
    let copy = || {
        fs::create_dir_all(kept)?;
        for file in files(path) {
            copy_synced(&file, &kept.join(file.file_name().unwrap_or_default()))?;
        }
        File::open(kept)?.sync_all()
    };
    copy().map_err(|error| unusable(kept, error))
}

fn put_back(path: &Path, kept: &Path) -> Result<()> {
    let mut shared = path.as_os_str().to_owned();
    shared.push("-shm");
    let copy = || {
        let _ = fs::remove_file(&shared);
        for file in files(path) {
            let from = kept.join(file.file_name().unwrap_or_default());
            let beside = file.with_extension("back");
            if from.exists() {
                copy_synced(&from, &beside)?;
                fs::rename(&beside, &file)?;
            } else if file.exists() {
                fs::remove_file(&file)?;
            }
        }
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    copy().map_err(|error| unusable(kept, error))
}

/// The database and its log, which belong together.
fn files(path: &Path) -> [PathBuf; 2] {
    [path.to_owned(), log_of(path)]
}

fn copy_synced(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.exists() {
        return match fs::remove_file(to) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    fs::copy(from, to)?;
    File::open(to)?.sync_all()
}

fn forget_old(newest: &Path) {
    let entries = newest.parent().map(fs::read_dir).into_iter().flatten().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    for old in folders.iter().rev().skip(KEPT) {
        let _ = fs::remove_dir_all(old);
    }
}

fn unusable(kept: &Path, error: std::io::Error) -> Error {
    let what = format!(
        "the state before the migration cannot be kept in {}; make room there, or nothing is migrated",
        kept.display()
    );
    Error::unavailable("store_full", what).caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(folder: &Path) -> Vec<Vec<u8>> {
        ["ibid.db", "ibid.db-wal"].map(|name| fs::read(folder.join(name)).unwrap_or_default()).to_vec()
    }

    /// A database of the first version, with a table in the way of a later one.
    fn old(path: &Path, has_obstacle: bool) {
        let connection = Connection::open(path).unwrap();
        let sql = include_str!("../migrations/0001_ground.sql");
        let checksum = blake3::hash(sql.as_bytes()).to_hex().to_string();
        connection.execute_batch("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;").unwrap();
        connection.execute_batch(sql).unwrap();
        connection
            .execute_batch("CREATE TABLE migrations (name TEXT PRIMARY KEY, checksum TEXT NOT NULL)")
            .unwrap();
        connection.execute("INSERT INTO migrations VALUES ('0001_ground', ?1)", [checksum]).unwrap();
        connection.execute_batch("INSERT INTO settings VALUES ('a', '1')").unwrap();
        if has_obstacle {
            connection.execute_batch("CREATE TABLE runs_light (id BLOB)").unwrap();
        }
    }

    #[test]
    fn a_migration_that_fails_leaves_what_was_before() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("ibid.db");
        old(&path, true);
        let before = bytes(home.path());
        let error = upgrade(Connection::open(&path).unwrap(), &path).unwrap_err();
        assert_eq!(error.code, "store_migration_undone");
        assert!(bytes(home.path()) == before);
        let connection = Connection::open(&path).unwrap();
        let count: i64 = connection.query_row("SELECT count(*) FROM settings", [], |row| row.get(0)).unwrap();
        assert_eq!((count, pending(&connection).unwrap().len() > 1), (1, true));
    }

    #[test]
    fn a_migration_that_succeeds_keeps_the_former_state() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("ibid.db");
        old(&path, false);
        let connection = upgrade(Connection::open(&path).unwrap(), &path).unwrap();
        assert_eq!(pending(&connection).unwrap(), Vec::<&str>::new());
        let kept = home.path().join("before-migration/0002_runs/ibid.db");
        let former = Connection::open(kept).unwrap();
        assert!(former.prepare("SELECT * FROM runs").is_err());
        let value: String = former.query_row("SELECT value FROM settings", [], |row| row.get(0)).unwrap();
        assert_eq!(value, "1");
    }

    #[test]
    fn a_new_database_has_no_former_state() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("ibid.db");
        upgrade(Connection::open(&path).unwrap(), &path).unwrap();
        assert!(!home.path().join("before-migration").exists());
    }
}
