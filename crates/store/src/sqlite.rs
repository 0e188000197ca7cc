//! SQLite as an engine for `Db`: one writing connection with group commit, separate readers. All that is particular to
//! SQLite is in this file, the folder beside it, and `fault.rs`.
//!
//! Keeps true: `batch` returns after the commit that holds it is on disk (`synchronous=FULL`); each batch of a group is
//! a savepoint of its own, so that one that fails does not fail those committed with it. The writer owns the
//! checkpoints (`wal_autocheckpoint=0`), so that a continuous backup can ship the log before it is folded in: the
//! place for that is `Writer::fold`, which runs between commits and sees every frame.

mod line;
mod snapshot;
mod sums;
mod survey;
mod tap;
mod upgrade;

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use ibid_types::{Error, Result};
use parking_lot::{Condvar, Mutex};
use rusqlite::hooks::Wal;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Statement as Prepared, ToSql};

pub use self::snapshot::Snapshot;
pub use self::tap::{Commit, FRAME_HEAD_BYTES, LogKeeper, LogPart, LogPosition, LogTap, Salts, Taken};

use self::line::{Line, Waiting};
use self::sums::Sums;
use self::upgrade::upgrade;
use crate::fault::classed;
use crate::{Db, Outcome, Row, Statement, Value};

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
    /// Sees every commit before the log is folded in.
    pub tap: Option<Arc<LogTap>>,
}

impl SqliteConfig {
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path, readers_max: 8, tap: None }
    }

    #[must_use]
    pub fn with_tap(self, tap: Arc<LogTap>) -> Self {
        Self { tap: Some(tap), ..self }
    }
}

/// A database file that this process owns.
#[derive(Debug)]
pub struct Sqlite {
    line: Line,
    writer: Arc<Mutex<Writer>>,
    idle: Option<IdleFold>,
    readers: Readers,
    _lock: File,
}

impl Sqlite {
    /// Opens the file, makes it where there is none, and brings its tables up to date. Only one process at a time
    /// may; another gets `store_locked`.
    pub fn open(config: SqliteConfig) -> Result<Self> {
        let lock = lock(&config.path)?;
        let sums = Sums::compared(&config.path)?;
        let mut connection = connect(&config.path, OpenFlags::default())?;
        if let Some(tap) = &config.tap {
            tap.attach(&log_of(&config.path))?;
        }
        let log_pages = count_log_pages(&mut connection, config.tap.clone())?;
        let connection = upgrade(connection, &config.path)?;
        let writer = Arc::new(Mutex::new(Writer { connection, log_pages, tap: config.tap, sums }));
        let idle = Some(IdleFold::start(&writer)?);
        let readers = Readers::new(config.path, config.readers_max);
        Ok(Self { line: Line::default(), writer, idle, readers, _lock: lock })
    }

    /// Folds the whole log into the database file; says whether it could (a reader of an older state is in the way). What the file
    /// holds then is the last commit that the tap has seen, and stays so until the next one is folded in.
    pub fn fold(&self) -> Result<bool> {
        self.writer.lock().fold_whole()
    }

    /// Pages of the database file that are not what was folded in; nothing where all is well. Reads the whole file, a stretch at
    /// a time, between which others write.
    pub fn damaged_pages(&self) -> Result<Vec<u32>> {
        let (mut damaged, mut next) = (Vec::new(), Some(1));
        while let Some(from) = next {
            next = self.writer.lock().sums.damaged_from(from, &mut damaged)?;
        }
        Ok(damaged)
    }

    /// Whether a process has the database at `path` open.
    #[must_use]
    pub fn is_open(path: &Path) -> bool {
        File::open(path.with_extension("lock")).is_ok_and(|lock| lock.try_lock_shared().is_err())
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        drop(self.idle.take());
        let mut writer = self.writer.lock();
        writer.fold(0);
        writer.finish();
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

    fn damages(&self) -> Result<Vec<String>> {
        Ok(self.damaged_pages()?.into_iter().map(|page| format!("page {page}")).collect())
    }

    fn erase(&self) -> Result<()> {
        if self.writer.lock().empty_log()? {
            return Ok(());
        }
        let what = "somebody reads an older state of the database, so that its log still has what was deleted; try again in a moment";
        Err(Error::unavailable("store_log_held", what))
    }

    fn batch(&self, statements: Vec<Statement>) -> Result<Outcome> {
        self.line.pass(statements, |group| {
            let mut writer = self.writer.lock();
            writer.commit(group);
            writer.fold(CHECKPOINT_PAGES);
        })
    }
}

/// A thread that folds the log in when nobody writes.
#[derive(Debug)]
struct IdleFold {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl IdleFold {
    fn start(writer: &Arc<Mutex<Writer>>) -> Result<Self> {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let (writer, stopped) = (Arc::clone(writer), Arc::clone(&stop));
        let run = move || {
            let log_pages = Arc::clone(&writer.lock().log_pages);
            let mut before = 0;
            let mut is_stopped = stopped.0.lock();
            while !*is_stopped {
                stopped.1.wait_for(&mut is_stopped, IDLE);
                let held = log_pages.load(Ordering::Relaxed);
                if held > 0 && held == before && !*is_stopped {
                    writer.lock().fold(0);
                }
                before = held;
            }
        };
        let thread =
            std::thread::Builder::new().name("store-log".to_owned()).spawn(run).map_err(|error| {
                Error::unavailable("store_unavailable", "cannot start the thread that folds the log in")
                    .caused_by(error)
            })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for IdleFold {
    fn drop(&mut self) {
        *self.stop.0.lock() = true;
        self.stop.1.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The connection that writes.
#[derive(Debug)]
struct Writer {
    connection: Connection,
    /// Pages in the log that may not be in the database yet.
    log_pages: Arc<AtomicU64>,
    tap: Option<Arc<LogTap>>,
    sums: Sums,
}

/// What a checkpoint left: frames in the log, and how many of them are in the database.
#[derive(Clone, Copy, Debug)]
struct Folded {
    held: i64,
    frames: i64,
}

impl Writer {
    /// Runs the batches in one transaction and tells each caller once it is on disk.
    fn commit(&self, group: Vec<Waiting>) {
        if let Err(error) = self.execute("BEGIN IMMEDIATE") {
            return group.into_iter().for_each(|waiting| waiting.tell(Err(again(&error))));
        }
        let is_alone = group.len() == 1;
        let run = |statements: &[Statement]| match is_alone {
            true => self.run_all(statements),
            false => self.savepoint(statements),
        };
        let outcomes: Vec<Result<Outcome>> = group.iter().map(|waiting| run(&waiting.statements)).collect();
        let has_failed_alone = is_alone && outcomes.iter().all(Result::is_err);
        // A full disk ends the whole transaction at the statement that found it; then there is nothing to commit.
        let end = if has_failed_alone { Ok(()) } else { self.execute("COMMIT") };
        if has_failed_alone || end.is_err() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        let first = outcomes.iter().find_map(|outcome| outcome.as_ref().err()).map(again);
        let cause = end.err().map(|error| first.unwrap_or(error));
        for (waiting, outcome) in group.into_iter().zip(outcomes) {
            waiting.tell(outcome.and_then(|outcome| match &cause {
                None => Ok(outcome),
                Some(error) => Err(again(error)),
            }));
        }
    }

    fn execute(&self, sql: &str) -> Result<()> {
        let run = || self.connection.prepare_cached(sql)?.raw_execute();
        run().map(|_| ()).map_err(|error| classed(&error))
    }

    fn savepoint(&self, statements: &[Statement]) -> Result<Outcome> {
        self.execute("SAVEPOINT batch")?;
        let outcome = self.run_all(statements);
        let undone = if outcome.is_err() { self.execute("ROLLBACK TO batch") } else { Ok(()) };
        // A full disk may have ended the whole transaction already; then the commit says so.
        let ended = undone.and_then(|()| self.execute("RELEASE batch"));
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
    fn fold(&mut self, pages: u64) {
        let held = self.log_pages.load(Ordering::Relaxed);
        if held == 0 || held < pages {
            return;
        }
        self.let_tap_copy();
        // The log's file stays as large as it is: writing over it costs a third less than letting it grow again.
        let mode = if pages == 0 { "RESTART" } else { "PASSIVE" };
        match self.checkpoint(mode) {
            Ok(_) => self.log_pages.store(0, Ordering::Relaxed),
            Err(error) => tracing::warn!("the store's log could not be folded in: {}", error.chain()),
        }
    }

    fn fold_whole(&mut self) -> Result<bool> {
        self.let_tap_copy();
        self.checkpoint("FULL").map(|folded| folded.held == folded.frames)
    }

    /// Folds the whole log in and cuts its file off: what was deleted is overwritten in the database (`secure_delete`), and is in no log.
    fn empty_log(&mut self) -> Result<bool> {
        self.let_tap_copy();
        // A log that could be cut off has no frames left.
        let is_empty = self.checkpoint("TRUNCATE")?.held == 0;
        if is_empty {
            self.log_pages.store(0, Ordering::Relaxed);
        }
        Ok(is_empty)
    }

    /// Leaves nothing for SQLite to fold in when the last connection is closed, of which nobody would take the sums.
    fn finish(&mut self) {
        match self.fold_whole() {
            Ok(true) => {}
            Ok(false) => self.sums.forget(&"a reader was in the way of the last fold"),
            Err(error) => self.sums.forget(&error),
        }
    }

    /// Folds in and takes the sums.
    fn checkpoint(&mut self, mode: &str) -> Result<Folded> {
        let in_log = self.sums.before_fold();
        let read = |row: &rusqlite::Row<'_>| Ok(Folded { held: row.get(1)?, frames: row.get(2)? });
        let folded = self.connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], read);
        let frames = folded.as_ref().map_or(0, |folded| folded.frames);
        self.sums.after_fold(&in_log, u64::try_from(frames).unwrap_or(0));
        folded.map_err(|error| classed(&error))
    }

    fn let_tap_copy(&self) {
        if let Some(tap) = &self.tap {
            tap.before_fold();
        }
    }
}

fn log_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
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
                       PRAGMA journal_size_limit=33554432; PRAGMA secure_delete=ON;";
        connection.execute_batch(pragmas).map_err(|error| classed(&error))?;
    }
    Ok(connection)
}

/// The number of pages in the log after the last commit, kept up to date by SQLite itself, which tells the tap too.
fn count_log_pages(connection: &mut Connection, tap: Option<Arc<LogTap>>) -> Result<Arc<AtomicU64>> {
    let pages = Arc::new(AtomicU64::new(0));
    let noted = Arc::clone(&pages);
    let note = move |_: &mut Wal, held: i32| {
        noted.store(u64::try_from(held).unwrap_or(0), Ordering::Relaxed);
        if let (Some(tap), Ok(held)) = (&tap, u32::try_from(held)) {
            tap.note(held);
        }
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
