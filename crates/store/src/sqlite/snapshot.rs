//! A database file that nobody has open, read only: a restored copy before it is used.

use std::path::Path;

use ibid_types::{ContentHash, Result};
use rusqlite::{Connection, OpenFlags};

use super::{places, read_rows};
use crate::fault::classed;
use crate::{Row, Value};

/// See the head of this file.
#[derive(Debug)]
pub struct Snapshot {
    connection: Connection,
}

impl Snapshot {
    /// Opens the file as it is; no log beside it is read, nothing is written.
    pub fn open(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let mut address = String::from("file:");
        for byte in path.as_os_str().as_encoded_bytes() {
            match byte {
                b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                    address.push(char::from(*byte));
                }
                other => address.push_str(&format!("%{other:02X}")),
            }
        }
        address.push_str("?immutable=1");
        let connection = Connection::open_with_flags(address, flags).map_err(|error| classed(&error))?;
        Ok(Self { connection })
    }

    pub fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let read = || {
            let mut prepared = self.connection.prepare_cached(sql)?;
            let places = places(&prepared);
            read_rows(&mut prepared, &places, params)
        };
        read().map_err(|error| classed(&error))
    }

    /// What SQLite finds wrong in the file; nothing where all is well. `whole` compares indexes with tables too.
    pub fn damages(&self, whole: bool) -> Result<Vec<String>> {
        let sql = if whole { "PRAGMA integrity_check(20)" } else { "PRAGMA quick_check(20)" };
        let said: Vec<String> = self.query(sql, &[])?.iter().map(|row| row.get(0)).collect::<Result<_>>()?;
        Ok(said.into_iter().filter(|line| line != "ok").collect())
    }

    /// Every table with the number of its rows.
    pub fn row_counts(&self) -> Result<Vec<(String, u64)>> {
        let sql =
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
        let tables: Vec<String> =
            self.query(sql, &[])?.iter().map(|row| row.get(0)).collect::<Result<_>>()?;
        let count = |table: String| {
            let rows =
                self.query(&format!("SELECT count(*) FROM \"{}\"", table.replace('"', "\"\"")), &[])?;
            let count: i64 = rows.first().map_or(Ok(0), |row| row.get(0))?;
            Ok((table, u64::try_from(count).unwrap_or(0)))
        };
        tables.into_iter().map(count).collect()
    }

    /// Originals that rows name.
    pub fn contents(&self) -> Result<Vec<ContentHash>> {
        let rows = self.query("SELECT DISTINCT content FROM versions ORDER BY content", &[])?;
        rows.iter().map(|row| row.get(0)).collect()
    }
}
