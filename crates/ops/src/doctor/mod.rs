//! What can be wrong with an installation, and what to do about it.
//!
//! Keeps true: looking changes nothing that stays; each finding has a stable code and a fix; what is outside the store is
//! looked at without opening it, so that a damaged store does not keep the rest from being seen.

mod traffic;

use std::net::TcpListener;
use std::path::Path;

use ibid_config::Config;
use ibid_store::Store;
use ibid_types::{Error, Timestamp};
use serde::Serialize;

use crate::machine;
pub use traffic::{Look, requests, traffic};

/// Below this the disk is about to be full, however large it is.
const FREE_BYTES_MIN: u64 = 256 << 20;
/// A file that was written so far in the future says that the clock was set back.
const CLOCK_BACK_MS: i64 = 600_000;
/// The first day on which this program can have been made.
const MADE_MS: i64 = 1_767_225_600_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Ok,
    /// Worth knowing, nothing is broken.
    Note,
    Problem,
}

impl State {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Problem => "problem",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub area: &'static str,
    pub state: State,
    pub code: String,
    pub what: String,
    pub fix: String,
}

impl Finding {
    #[must_use]
    pub fn ok(area: &'static str, what: impl Into<String>) -> Self {
        Self { area, state: State::Ok, code: format!("{area}_ok"), what: what.into(), fix: String::new() }
    }

    #[must_use]
    pub fn note(area: &'static str, code: &str, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { area, state: State::Note, code: code.to_owned(), what: what.into(), fix: fix.into() }
    }

    #[must_use]
    pub fn problem(area: &'static str, code: &str, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { area, state: State::Problem, code: code.to_owned(), what: what.into(), fix: fix.into() }
    }

    /// An error as a finding; what to do is in its message or in the runbook.
    #[must_use]
    pub fn of_error(area: &'static str, error: &Error) -> Self {
        let fix = match error.code {
            "store_locked" | "store_busy" => "ibid runbook run database-locked",
            "store_newer" | "store_history" => "ibid runbook run bad-release",
            "store_corrupt" | "store_failed" => "ibid runbook run store-damaged",
            "store_full" => "ibid runbook run disk-full",
            code if code.starts_with("index_") => "ibid runbook run index-damaged",
            code if code.starts_with("provider_") => "ibid runbook run provider-down",
            code if code.starts_with("backup_") => "ibid runbook run backup-failed",
            code if code.starts_with("model_") => "ibid models pull",
            _ => "see docs/errors.md",
        };
        Self::problem(area, error.code, error.chain(), fix)
    }
}

/// Everything that is looked at, in this order.
pub const AREAS: [&str; 22] = [
    "configuration",
    "disk",
    "permissions",
    "clock",
    "port",
    "server",
    "library",
    "store",
    "blobs",
    "models",
    "providers",
    "index",
    "backup",
    "jobs",
    "keys",
    "certificates",
    "memory",
    "memories",
    "answers",
    "alerts",
    "audit",
    "traffic",
];

/// Refuses what is no area. Error: `value_unknown`.
pub fn check_areas(named: &[&str]) -> Result<(), Error> {
    let Some(unknown) = named.iter().find(|area| !AREAS.contains(area)) else { return Ok(()) };
    let what = format!("there is no area '{unknown}'; use {}", AREAS.join(", "));
    Err(Error::bad_request("value_unknown", what))
}

/// Areas that are looked at without opening the store.
pub const OUTSIDE: [&str; 7] = ["configuration", "disk", "permissions", "clock", "port", "server", "library"];

/// Of the memory that the process may use; the limit of the rule `out-of-memory-warning`.
const MEMORY_SHARE_MAX: f64 = 0.85;

/// What is outside the store. `is_served` says that a server runs on the data directory, which then has the port.
#[must_use]
pub fn outside(config: &Config, now: Timestamp, is_served: bool) -> Vec<Finding> {
    let dir = &config.data.dir;
    let mut all = vec![Finding::ok("configuration", format!("the data directory is {}", dir.display()))];
    all.push(disk(&config.data));
    all.extend(permissions(dir));
    all.push(clock(dir, now));
    if !is_served {
        all.push(port(config));
    }
    all
}

fn disk(data: &ibid_config::Data) -> Finding {
    let Some(disk) = machine::disk(&data.dir) else {
        return Finding::note("disk", "disk_unknown", "how full the disk is cannot be read", "look with df");
    };
    let share = 100.0 * disk.free_bytes as f64 / disk.total_bytes.max(1) as f64;
    let free =
        format!("{:.1} GB of {:.1} GB are free", gigabytes(disk.free_bytes), gigabytes(disk.total_bytes));
    if disk.free_bytes < FREE_BYTES_MIN || share < f64::from(data.disk_free_percent_min) {
        return Finding::problem("disk", "disk_low", free, "ibid runbook run disk-full");
    }
    Finding::ok("disk", free)
}

fn gigabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e9
}

fn permissions(dir: &Path) -> Vec<Finding> {
    let mut all = Vec::new();
    let probe = dir.join(".doctor");
    match std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe)) {
        Ok(()) => all.push(Finding::ok("permissions", "the data directory can be written")),
        Err(error) => all.push(Finding::problem(
            "permissions",
            "data_unwritable",
            format!("the data directory cannot be written: {error}"),
            "give it to the user that runs ibid, and make sure that the disk is not read-only",
        )),
    }
    #[cfg(unix)]
    if let Ok(data) = std::fs::metadata(dir) {
        use std::os::unix::fs::PermissionsExt;
        let mode = data.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            let what = format!("others on this machine may look into the data directory (mode {mode:o})");
            all.push(Finding::problem(
                "permissions",
                "data_public",
                what,
                "ibid doctor --only permissions --mend".to_owned(),
            ));
        }
    }
    all
}

/// Takes the rights of others on the data directory away. Error: `data_unwritable`.
pub fn make_private(dir: &Path) -> Result<(), Error> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let private = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(dir, private).map_err(|error| {
            let what = format!("the rights on {} cannot be changed; do it as its owner", dir.display());
            Error::unavailable("data_unwritable", what).caused_by(error)
        })?;
    }
    Ok(())
}

fn clock(dir: &Path, now: Timestamp) -> Finding {
    let newest = ["ibid.db", "ibid.db-wal"].iter().filter_map(|file| written(&dir.join(file))).max();
    if now.0 < MADE_MS {
        let what = format!("the clock says {now}, before this program was made");
        return Finding::problem(
            "clock",
            "clock_wrong",
            what,
            "set the clock; run a time service such as chrony",
        );
    }
    if newest.is_some_and(|newest| newest - now.0 > CLOCK_BACK_MS) {
        let what = format!("the clock says {now}, but the database was written later: it was set back");
        return Finding::problem(
            "clock",
            "clock_back",
            what,
            "set the clock; run a time service such as chrony",
        );
    }
    Finding::ok("clock", format!("it is {now}"))
}

/// When a file was last written, in milliseconds since 1970.
fn written(path: &Path) -> Option<i64> {
    let modified = std::fs::metadata(path).ok()?.modified().ok()?;
    i64::try_from(modified.duration_since(std::time::UNIX_EPOCH).ok()?.as_millis()).ok()
}

fn port(config: &Config) -> Finding {
    let (server, address) = (&config.server, config.server.address);
    if server.is_in_the_clear() && !server.unencrypted {
        let fix = "set server.tls.certificate, or name a proxy with TLS in server.trusted_proxies";
        return Finding::problem("port", "server_unencrypted", ibid_config::Server::clear_told(address), fix);
    }
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok("port", format!("{address} is free")),
        Err(error) => Finding::problem(
            "port",
            "address_taken",
            format!("{address} cannot be listened on: {error}"),
            "end the program that has it, or set server.address",
        ),
    }
}

/// Whether the database file holds together: SQLite's `quick_check`, which reads every page.
#[must_use]
pub fn store(store: &Store) -> Finding {
    let said = store.db().query("PRAGMA quick_check(5)", &[]);
    let lines =
        said.and_then(|rows| rows.iter().map(|row| row.get::<String>(0)).collect::<Result<Vec<_>, _>>());
    match lines {
        Ok(lines) if lines == ["ok"] => Finding::ok("store", "every page of the database holds together"),
        Ok(lines) => {
            let what = format!("the database is damaged: {}", lines.join("; "));
            Finding::problem("store", "store_corrupt", what, "ibid runbook run store-damaged")
        }
        Err(error) => Finding::of_error("store", &error),
    }
}

/// Whether the process comes near the memory that it may use.
#[must_use]
pub fn memory(process: &machine::Process) -> Finding {
    let (Some(used), Some(most)) = (process.memory_bytes, process.memory_max_bytes) else {
        let what = "how much memory is in use cannot be read";
        return Finding::note("memory", "memory_unknown", what, "look with ps");
    };
    let told = format!("{} MiB of {} MiB are in use", used >> 20, most >> 20);
    if used as f64 > most as f64 * MEMORY_SHARE_MAX {
        return Finding::problem("memory", "memory_low", told, "ibid runbook run out-of-memory");
    }
    Finding::ok("memory", told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_back_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ibid.db"), b"").unwrap();
        let at = written(&dir.path().join("ibid.db")).unwrap();
        assert_eq!(clock(dir.path(), Timestamp(at)).state, State::Ok);
        assert_eq!(clock(dir.path(), Timestamp(at - 3_600_000)).code, "clock_back");
        assert_eq!(clock(dir.path(), Timestamp(0)).code, "clock_wrong");
    }

    #[test]
    fn a_directory_that_others_may_read_is_told() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let found = |mode| {
            std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            permissions(dir.path()).iter().any(|finding| finding.code == "data_public")
        };
        assert!(found(0o755));
        assert!(!found(0o700));
        assert!(found(0o705));
        make_private(dir.path()).unwrap();
        assert!(permissions(dir.path()).iter().all(|finding| finding.state == State::Ok));
    }

    #[test]
    fn errors_lead_to_their_runbook() {
        let error = Error::unavailable("store_locked", "in use");
        assert_eq!(Finding::of_error("store", &error).fix, "ibid runbook run database-locked");
    }
}
