//! The tables' history: numbered files, each applied once, in one transaction, with its checksum kept.

use ibid_types::{Error, Result};
use rusqlite::Connection;

use crate::fault::classed;

/// What was released is never changed: its checksum is compared at every start.
const MIGRATIONS: [(&str, &str); 15] = [
    ("0001_ground", include_str!("migrations/0001_ground.sql")),
    ("0002_runs", include_str!("migrations/0002_runs.sql")),
    ("0003_light_runs", include_str!("migrations/0003_light_runs.sql")),
    ("0004_operations", include_str!("migrations/0004_operations.sql")),
    ("0005_audit", include_str!("migrations/0005_audit.sql")),
    ("0006_identity", include_str!("migrations/0006_identity.sql")),
    ("0007_factors", include_str!("migrations/0007_factors.sql")),
    ("0008_blocks", include_str!("migrations/0008_blocks.sql")),
    ("0009_spend", include_str!("migrations/0009_spend.sql")),
    ("0010_fair_jobs", include_str!("migrations/0010_fair_jobs.sql")),
    ("0011_kept_answers", include_str!("migrations/0011_kept_answers.sql")),
    ("0012_quiet_timelines", include_str!("migrations/0012_quiet_timelines.sql")),
    ("0013_session_factors", include_str!("migrations/0013_session_factors.sql")),
    ("0014_memory", include_str!("migrations/0014_memory.sql")),
    ("0015_code", include_str!("migrations/0015_code.sql")),
];

/// Brings the tables up to date.
pub fn migrate(connection: &mut Connection) -> Result<()> {
    let sql = "CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, checksum TEXT NOT NULL)";
    connection.execute_batch(sql).map_err(|error| classed(&error))?;
    let applied = applied(connection)?;
    refuse_newer(&applied)?;
    for (name, sql) in MIGRATIONS {
        match applied.iter().find(|(known, _)| known == name) {
            Some((_, checksum)) if *checksum == checksum_of(sql) => {}
            Some(_) => {
                let what = format!(
                    "migration {name} of this program differs from the one that made the database; use the program that made it"
                );
                return Err(Error::internal("store_history", what));
            }
            None => apply(connection, name, sql).map_err(|error| classed(&error))?,
        }
    }
    void_leases(connection).map_err(|error| classed(&error))
}

/// Migrations that a database which holds something lacks; none for a new one.
pub fn pending(connection: &Connection) -> Result<Vec<&'static str>> {
    let sql = "SELECT count(*) FROM sqlite_master WHERE name = 'migrations'";
    let tables: i64 = connection.query_row(sql, [], |row| row.get(0)).map_err(|error| classed(&error))?;
    if tables == 0 {
        return Ok(Vec::new());
    }
    let applied = applied(connection)?;
    let is_new = |name: &&str| applied.iter().all(|(known, _)| known != name);
    Ok(MIGRATIONS.iter().map(|(name, _)| *name).filter(is_new).collect())
}

/// Nobody else has the database open, so whoever held a run is gone and its runs can be taken up at once.
fn void_leases(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "UPDATE runs SET lease_owner = NULL, lease_until = NULL WHERE lease_until IS NOT NULL AND status IN ('running', 'undoing')",
    )
}

fn applied(connection: &Connection) -> Result<Vec<(String, String)>> {
    let read = || -> rusqlite::Result<Vec<(String, String)>> {
        let mut prepared = connection.prepare("SELECT name, checksum FROM migrations ORDER BY name")?;
        prepared.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    };
    read().map_err(|error| classed(&error))
}

fn refuse_newer(applied: &[(String, String)]) -> Result<()> {
    match applied.iter().find(|(name, _)| !MIGRATIONS.iter().any(|(known, _)| known == name)) {
        None => Ok(()),
        Some((name, _)) => {
            let what = format!(
                "the database is newer than this program (it has migration {name}); update the program"
            );
            Err(Error::conflict("store_newer", what))
        }
    }
}

fn apply(connection: &mut Connection, name: &str, sql: &str) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(sql)?;
    transaction
        .execute("INSERT INTO migrations (name, checksum) VALUES (?1, ?2)", (name, checksum_of(sql)))?;
    transaction.commit()
}

fn checksum_of(sql: &str) -> String {
    blake3::hash(sql.as_bytes()).to_hex().to_string()
}
