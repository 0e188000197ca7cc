//! Databases of every former version open in this one with every row as it was; those of a later one are refused.
#![allow(clippy::unwrap_used)]

mod old;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ibid_runtime::Clock;
use ibid_store::{Sqlite, SqliteConfig, Store};
use ibid_types::{DocumentId, ThreadId, VersionId, WorkspaceId};
use old::RELEASED;
use rusqlite::Connection;
use rusqlite::types::Value;

/// The rows of every table but that of migrations, in any order.
fn rows(path: &Path) -> BTreeMap<String, Vec<String>> {
    let connection = Connection::open(path).unwrap();
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'migrations'";
    let mut tables = connection.prepare(sql).unwrap();
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    tables.into_iter().map(|table| (table.clone(), rows_of(&connection, &table))).collect()
}

fn rows_of(connection: &Connection, table: &str) -> Vec<String> {
    let mut prepared = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
    let names: Vec<String> = prepared.column_names().map(str::to_owned).collect();
    let read = |row: &rusqlite::Row<'_>| {
        let value = |at: usize| format!("{}={:?}", names[at], row.get::<_, Value>(at).unwrap());
        Ok((0..names.len()).map(value).collect::<Vec<_>>().join(" "))
    };
    let mut rows: Vec<String> = prepared.query_map([], read).unwrap().map(Result::unwrap).collect();
    rows.sort();
    rows
}

#[test]
fn what_was_released_is_as_it_was() {
    for (name, sql, checksum) in RELEASED {
        assert_eq!(blake3::hash(sql.as_bytes()).to_hex().as_str(), checksum, "{name} was changed");
    }
}

#[test]
fn the_list_is_complete() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ibid.db");
    drop(Sqlite::open(SqliteConfig::new(path.clone())).unwrap());
    let names = rows_of(&Connection::open(&path).unwrap(), "migrations");
    assert_eq!(names.len(), RELEASED.len(), "a migration is new: it belongs into old/mod.rs with its rows");
}

#[test]
fn a_database_of_each_former_version_opens_with_its_rows() {
    for count in 1..=RELEASED.len() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ibid.db");
        old::database(&path, count);
        let before = rows(&path);
        assert!(before.values().all(|rows| !rows.is_empty()), "every table has a row: {before:?}");
        drop(Sqlite::open(SqliteConfig::new(path.clone())).unwrap());
        let after = rows(&path);
        for (table, rows) in &before {
            // Columns may have come since.
            let is_kept = |(row, now): (&String, &String)| now.starts_with(row.as_str());
            let now = &after[table];
            assert!(
                now.len() >= rows.len() && rows.iter().zip(now).all(is_kept),
                "{table} of version {count}: {now:?}"
            );
        }
        assert_eq!(dir.path().join("before-migration").exists(), count < RELEASED.len());
    }
}

#[test]
fn what_a_former_version_wrote_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ibid.db");
    old::database(&path, 2);
    let store = Store::new(Arc::new(Sqlite::open(SqliteConfig::new(path)).unwrap()), Clock::system());
    let workspace = WorkspaceId::from_bytes([1; 16]);
    assert_eq!(store.workspace_find("legal").unwrap().unwrap().id, workspace);
    let (document, version) =
        store.document_find(workspace, DocumentId::from_bytes([2; 16])).unwrap().unwrap();
    assert_eq!((document.title.as_str(), version.unwrap().id), ("Lease", VersionId::from_bytes([3; 16])));
    assert_eq!(store.text_of(VersionId::from_bytes([3; 16])).unwrap(), "rent is 9 €");
    assert_eq!(store.searchable(document.id, "m").unwrap().unwrap().chunks[0].1, [0, 0x38, 0, 0x3c]);
    let turns = store.turn_list(ThreadId::from_bytes([8; 16]), 0, 10).unwrap();
    assert_eq!((turns.len(), turns[0].question.as_str()), (1, "What is the rent?"));
    assert_eq!(store.run_find(turns[0].run).unwrap().unwrap().status, "finished");
    assert_eq!(store.checkpoint_last(turns[0].run).unwrap().unwrap().body, [0, 0xff]);
}

#[test]
fn a_database_of_a_later_version_is_refused_and_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ibid.db");
    old::database(&path, RELEASED.len());
    let later = "INSERT INTO migrations VALUES ('0099_later', 'x'); CREATE TABLE later (id BLOB)";
    Connection::open(&path).unwrap().execute_batch(later).unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = Sqlite::open(SqliteConfig::new(path.clone())).unwrap_err();
    assert_eq!(error.code, "store_newer");
    assert!(
        error.message.contains("0099_later") && error.message.contains("update the program"),
        "{error:?}"
    );
    assert!(std::fs::read(&path).unwrap() == before);
}
