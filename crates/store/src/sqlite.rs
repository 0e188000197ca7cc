//! SQLite as an engine for `Db`: one writer thread with group commit, separate readers. All that is particular to
//! SQLite is in this file and in `fault.rs`.
//!
//! Keeps true: `batch` returns after the commit that holds it is on disk (`synchronous=FULL`); each batch is a
//! savepoint of its own, so that one that fails does not fail those committed with it. The writer owns the
//! checkpoints (`wal_autocheckpoint=0`), so that a continuous backup can ship the log before it is folded in: the
//! place for that is `Writer::checkpoint`, which runs between commits and sees every frame.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use ibid_types::{Error, Result};
use parking_lot::{Condvar, Mutex};
use rusqlite::hooks::Wal;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Statement as Prepared, ToSql};

use crate::fault::classed;
use crate::migrations::migrate;
use crate::{Db, Outcome, Row, Statement, Value};

/// Batches committed together at most: enough that the sync is shared by all who wait, few enough that the first
/// does not wait long.
const GROUP_MAX: usize = 256;
/// Batches that may wait for the writer before callers wait too.
const WAITING_MAX: usize = 1024;
/// The log is folded into the database at this size, and when the writer has been idle.
const CHECKPOINT_PAGES: u64 = 4096;
const IDLE: Duration = Duration::from_secs(2);
/// Prepared statements kept for each connection.
const STATEMENTS_KEPT: usize = 64;

#[derive(Clone, Debug)]
pub struct SqliteConfig {
    pub path: PathBuf,
    /// Connections for reading at the same time.
    pub readers_max: usize,
}

impl SqliteConfig {
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path, readers_max: 8 }
    }
}

type Reply = SyncSender<Result<Outcome>>;

/// A database file that this process owns.
#[derive(Debug)]
pub struct Sqlite {
    writer: Option<SyncSender<(Vec<Statement>, Reply)>>,
    thread: Option<JoinHandle<()>>,
    readers: Readers,
    _lock: File,
}

impl Sqlite {
    /// Opens the file, makes it where there is none, and brings its tables up to date. Only one process at a time
    /// may; another gets `store_locked`.
    pub fn open(config: SqliteConfig) -> Result<Self> {
        let lock = lock(&config.path)?;
        let mut connection = connect(&config.path, OpenFlags::default())?;
        migrate(&mut connection)?;
        let log_pages = count_log_pages(&mut connection)?;
        let (sender, receiver) = sync_channel(WAITING_MAX);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || Writer { connection, log_pages }.run(&receiver))
            .map_err(|error| {
                Error::unavailable("store_unavailable", "cannot start the writer").caused_by(error)
            })?;
        let readers = Readers::new(config.path, config.readers_max);
        Ok(Self { writer: Some(sender), thread: Some(thread), readers, _lock: lock })
    }

    /// Whether a process has the database at `path` open.
    #[must_use]
    pub fn is_open(path: &Path) -> bool {
        File::open(path.with_extension("lock")).is_ok_and(|lock| lock.try_lock_shared().is_err())
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        drop(self.writer.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Db for Sqlite {
    fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        self.readers.with(|connection| {
            let mut prepared = connection.prepare_cached(sql)?;
            let places = places(&prepared);
            read_rows(&mut prepared, &places, params)
        })
    }

    fn batch(&self, statements: Vec<Statement>) -> Result<Outcome> {
        let stopped =
            || Error::unavailable("store_stopped", "the store's writer has ended; start the program again");
        let (reply, answer) = sync_channel(1);
        let writer = self.writer.as_ref().ok_or_else(stopped)?;
        writer.send((statements, reply)).map_err(|_| stopped())?;
        answer.recv().map_err(|_| stopped())?
    }
}

/// The thread that owns the writing connection.
struct Writer {
    connection: Connection,
    /// Pages in the log that may not be in the database yet.
    log_pages: Arc<AtomicU64>,
}

impl Writer {
    fn run(self, requests: &Receiver<(Vec<Statement>, Reply)>) {
        loop {
            match requests.recv_timeout(IDLE) {
                Ok(first) => {
                    let mut group = vec![first];
                    group.extend(requests.try_iter().take(GROUP_MAX - 1));
                    self.commit(group);
                }
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => self.checkpoint(0),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
            }
            self.checkpoint(CHECKPOINT_PAGES);
        }
        self.checkpoint(0);
    }

    /// Runs the batches in one transaction and tells each caller once it is on disk.
    fn commit(&self, group: Vec<(Vec<Statement>, Reply)>) {
        let begun = self.connection.execute_batch("BEGIN IMMEDIATE").map_err(|error| classed(&error));
        if let Err(error) = begun {
            return tell_all(group, &error);
        }
        let mut done = Vec::with_capacity(group.len());
        for (statements, reply) in group {
            done.push((self.savepoint(&statements), reply));
        }
        // A full disk ends the whole transaction at the statement that found it; then there is nothing to commit.
        if let Err(error) = self.connection.execute_batch("COMMIT") {
            let _ = self.connection.execute_batch("ROLLBACK");
            let first = done.iter().find_map(|(outcome, _)| outcome.as_ref().err()).map(again);
            let cause = first.unwrap_or_else(|| classed(&error));
            for (outcome, reply) in done {
                let _ = reply.send(Err(outcome.err().unwrap_or_else(|| again(&cause))));
            }
            return;
        }
        for (outcome, reply) in done {
            let _ = reply.send(outcome);
        }
    }

    fn savepoint(&self, statements: &[Statement]) -> Result<Outcome> {
        self.connection.execute_batch("SAVEPOINT batch").map_err(|error| classed(&error))?;
        let outcome = self.run_all(statements);
        let end = if outcome.is_ok() { "RELEASE batch" } else { "ROLLBACK TO batch; RELEASE batch" };
        // A full disk may have ended the whole transaction already; then the commit says so.
        let ended = self.connection.execute_batch(end).map_err(|error| classed(&error));
        outcome.and_then(|outcome| ended.map(|()| outcome))
    }

    fn run_all(&self, statements: &[Statement]) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        for alike in statements.chunk_by(|one, next| one.sql == next.sql) {
            self.run_alike(alike, &mut outcome)?;
        }
        Ok(outcome)
    }

    /// Runs statements that differ in their parameters only, which are prepared once.
    fn run_alike(&self, statements: &[Statement], outcome: &mut Outcome) -> Result<()> {
        let Some(first) = statements.first() else { return Ok(()) };
        let mut prepared = self.connection.prepare_cached(&first.sql).map_err(|error| classed(&error))?;
        let places = places(&prepared);
        for statement in statements {
            let (affected, rows) =
                run_one(&mut prepared, &places, &statement.params).map_err(|error| classed(&error))?;
            if statement.rows_expected.is_some_and(|expected| expected != affected) {
                return Err(Error::conflict(
                    "store_conflict",
                    "the row was changed by another in the meantime",
                ));
            }
            outcome.rows_affected.push(affected);
            outcome.returned.push(rows);
        }
        Ok(())
    }

    /// Folds the log into the database once it has `pages`.
    fn checkpoint(&self, pages: u64) {
        let held = self.log_pages.load(Ordering::Relaxed);
        if held == 0 || held < pages {
            return;
        }
        // The log's file stays as large as it is: writing over it costs a third less than letting it grow again.
        let mode = if pages == 0 { "RESTART" } else { "PASSIVE" };
        let folded = self.connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()));
        match folded {
            Ok(()) => self.log_pages.store(0, Ordering::Relaxed),
            Err(error) => tracing::warn!("the store's log could not be folded in: {error}"),
        }
    }
}

fn tell_all(group: Vec<(Vec<Statement>, Reply)>, error: &Error) {
    for (_, reply) in group {
        let _ = reply.send(Err(again(error)));
    }
}

/// The same error for another caller.
fn again(error: &Error) -> Error {
    Error::new(error.class, error.code, error.message.clone())
}

/// Connections for reading, opened when they are first needed.
#[derive(Debug)]
struct Readers {
    path: PathBuf,
    state: Mutex<(Vec<Connection>, usize)>,
    returned: Condvar,
    max: usize,
}

impl Readers {
    fn new(path: PathBuf, max: usize) -> Self {
        Self { path, state: Mutex::new((Vec::new(), 0)), returned: Condvar::new(), max: max.max(1) }
    }

    fn with<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let connection = self.take()?;
        let outcome = work(&connection).map_err(|error| classed(&error));
        self.state.lock().0.push(connection);
        self.returned.notify_one();
        outcome
    }

    fn take(&self) -> Result<Connection> {
        let mut state = self.state.lock();
        loop {
            if let Some(connection) = state.0.pop() {
                return Ok(connection);
            }
            if state.1 < self.max {
                state.1 += 1;
                break;
            }
            self.returned.wait(&mut state);
        }
        drop(state);
        connect(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .inspect_err(|_| self.state.lock().1 -= 1)
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let connection = Connection::open_with_flags(path, flags).map_err(|error| classed(&error))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    connection.busy_timeout(Duration::from_secs(5)).map_err(|error| classed(&error))?;
    // 8 MiB of pages for each connection; memory mapping is left off because a fault in it kills the process.
    let pragmas = "PRAGMA foreign_keys=ON; PRAGMA cache_size=-8192; PRAGMA temp_store=MEMORY;";
    connection.execute_batch(pragmas).map_err(|error| classed(&error))?;
    if !flags.contains(OpenFlags::SQLITE_OPEN_READ_ONLY) {
        let pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; \
                       PRAGMA journal_size_limit=33554432;";
        connection.execute_batch(pragmas).map_err(|error| classed(&error))?;
    }
    Ok(connection)
}

/// The number of pages in the log after the last commit, kept up to date by SQLite itself.
fn count_log_pages(connection: &mut Connection) -> Result<Arc<AtomicU64>> {
    let pages = Arc::new(AtomicU64::new(0));
    let noted = Arc::clone(&pages);
    let note = move |_: &mut Wal, held: i32| {
        noted.store(u64::try_from(held).unwrap_or(0), Ordering::Relaxed);
        Ok(())
    };
    connection.wal_hook(Some(note)).map_err(|error| classed(&error))?;
    Ok(pages)
}

/// Where in `params` each of the statement's parameters is: SQLite numbers `$2` by where it first stands.
fn places(prepared: &Prepared<'_>) -> Vec<Option<usize>> {
    let place = |name: &str| name.strip_prefix('$')?.parse::<usize>().ok()?.checked_sub(1);
    (1..=prepared.parameter_count()).map(|at| prepared.parameter_name(at).and_then(place)).collect()
}

fn run_one(
    prepared: &mut Prepared<'_>,
    places: &[Option<usize>],
    params: &[Value],
) -> rusqlite::Result<(u64, Vec<Row>)> {
    if prepared.column_count() > 0 {
        let rows = read_rows(prepared, places, params)?;
        return Ok((rows.len() as u64, rows));
    }
    bind(prepared, places, params)?;
    let affected = prepared.raw_execute()? as u64;
    Ok((affected, Vec::new()))
}

fn bind(prepared: &mut Prepared<'_>, places: &[Option<usize>], params: &[Value]) -> rusqlite::Result<()> {
    for (at, place) in (1..).zip(places) {
        if let Some(value) = place.and_then(|place| params.get(place)) {
            prepared.raw_bind_parameter(at, value)?;
        }
    }
    Ok(())
}

fn read_rows(
    prepared: &mut Prepared<'_>,
    places: &[Option<usize>],
    params: &[Value],
) -> rusqlite::Result<Vec<Row>> {
    bind(prepared, places, params)?;
    let columns = prepared.column_count();
    let mut rows = prepared.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let values: rusqlite::Result<Vec<Value>> =
            (0..columns).map(|column| row.get_ref(column).map(owned)).collect();
        found.push(Row(values?));
    }
    Ok(found)
}

fn owned(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(bytes) => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        let borrowed = match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        };
        Ok(rusqlite::types::ToSqlOutput::Borrowed(borrowed))
    }
}

/// Takes the lock beside the database, and leaves this process's number in it for whoever comes next.
fn lock(path: &Path) -> Result<File> {
    let name = path.with_extension("lock");
    let unusable = |error: std::io::Error| {
        let what = format!("cannot use {}; is the folder there and writable?", name.display());
        Error::unavailable("store_unavailable", what).caused_by(error)
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(unusable)?;
    }
    let mut file =
        File::options().read(true).write(true).create(true).truncate(false).open(&name).map_err(unusable)?;
    if file.try_lock().is_err() {
        let mut owner = String::new();
        let _ = file.read_to_string(&mut owner);
        let what = format!(
            "{} is in use by process {}; wait for it, or talk to it if it is a server",
            path.display(),
            owner.trim()
        );
        return Err(Error::unavailable("store_locked", what));
    }
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| write!(file, "{}", std::process::id()))
        .map_err(unusable)?;
    Ok(file)
}
