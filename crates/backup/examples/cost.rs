//! What continuous backup costs and gives, on this machine: `cargo run --release -p ibid-backup --example cost -- FOLDER [MB]`.
//!
//! Rounds with and without a backup alternate, so that both see the same noise. A commit is what ingest of one document
//! makes: chunks of text with their vectors. Then a base is made and the newest state is restored.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ibid_backup::{
    Backup, FolderDestination, Moment, Originals, Settings, SmallFiles, Source, Sources, Target, backup_keys,
    restore,
};
use ibid_runtime::{Chance, Clock, Shutdown};
use ibid_seal::SealKey;
use ibid_store::{Db, LogTap, Sqlite, SqliteConfig, Statement, Value};

const ROUNDS: u64 = 6;
const CHUNKS: u64 = 20;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap());
    let megabytes: u64 = arguments.next().map_or(64, |text| text.parse().unwrap());
    let commits = megabytes * 1024 * 1024 / ROUNDS / (CHUNKS * 2600);
    let mut seconds = [0.0, 0.0];
    for round in 0..ROUNDS {
        let (took, _) = write(&folder.join(format!("bare{round}")), commits, round, false, Duration::ZERO);
        seconds[0] += took.as_secs_f64();
        let (took, cut) = write(&folder.join(format!("backed{round}")), commits, round, true, Duration::ZERO);
        seconds[1] += took.as_secs_f64();
        println!("round {round}: {cut}");
    }
    let rate = |seconds: f64| (ROUNDS * commits) as f64 / seconds;
    let (bare, backed) = (rate(seconds[0]), rate(seconds[1]));
    println!(
        "as fast as it goes: {bare:.0} commits/s without, {backed:.0} with: {:.1} % less",
        100.0 * (1.0 - backed / bare)
    );
    let (_, cut) = write(&folder.join("paced"), 300, 1, true, Duration::from_millis(20));
    println!("50 commits a second: {cut}");
    whole(&folder, megabytes);
}

/// One library that grows to so many megabytes, its base, and its restore.
fn whole(folder: &Path, megabytes: u64) {
    let data = folder.join("whole");
    let library = Library::open(&data);
    let chance = Chance::seeded(9);
    for _ in 0..megabytes * 1024 * 1024 / (CHUNKS * 2600) {
        library.document(&chance);
    }
    let begun = Instant::now();
    let base = library.backup.make_base(&Shutdown::new()).unwrap();
    println!(
        "base of {} MB in {:.1} s, {} MB stored",
        base.bytes >> 20,
        begun.elapsed().as_secs_f64(),
        base.bytes_new >> 20
    );
    for _ in 0..2000 {
        library.document(&chance);
    }
    library.backup.ship().unwrap();
    library.backup.drained(Duration::from_secs(600));
    let begun = Instant::now();
    let sources = Sources { destinations: vec![library.destination()], keys: keys() };
    let restored = restore(&sources, Moment::Latest, &folder.join("restored"), &|_, _, _| ()).unwrap();
    let log_mb = library.backup.status().log_bytes >> 20;
    println!(
        "restored {} MB and {} segments (of {log_mb} MB of log, those of the base left out) in {:.1} s",
        restored.database_bytes >> 20,
        restored.segments,
        begun.elapsed().as_secs_f64()
    );
}

fn keys() -> ibid_seal::Keys {
    backup_keys(&[SealKey { id: 1, bytes: [5; 32] }])
}

struct Library {
    data: PathBuf,
    database: Arc<Sqlite>,
    backup: Arc<Backup>,
}

impl Library {
    fn open(data: &Path) -> Self {
        let tap = LogTap::new(Clock::system());
        std::fs::create_dir_all(data).unwrap();
        let path = data.join("ibid.db");
        let database =
            Arc::new(Sqlite::open(SqliteConfig::new(path.clone()).with_tap(Arc::clone(&tap))).unwrap());
        let originals = Originals::new(Arc::new(ibid_blob::Folder::open(&data.join("blobs")).unwrap()));
        let destination = Arc::new(FolderDestination::new("there", &data.join("there")));
        let settings = Settings {
            local: data.join("outgoing"),
            database: path,
            targets: vec![Target { destination, keep_days: 30 }],
            keys: keys(),
            interval: Duration::from_secs(1),
            spool_bytes_max: 1 << 30,
            base_minute: 120,
            files: SmallFiles::default(),
            program: "cost".to_owned(),
        };
        let source = Source { tap, database: Arc::clone(&database), originals, clock: Clock::system() };
        let backup = Backup::open(settings, source).unwrap();
        Self { data: data.to_owned(), database, backup }
    }

    fn destination(&self) -> Arc<dyn ibid_backup::Destination> {
        Arc::new(FolderDestination::new("there", &self.data.join("there")))
    }

    fn document(&self, chance: &Chance) {
        document(self.database.as_ref(), chance);
    }
}

/// Writes so many documents; gives the time, and what was cut.
fn write(data: &Path, commits: u64, seed: u64, is_backed_up: bool, pause: Duration) -> (Duration, String) {
    let _ = std::fs::remove_dir_all(data);
    std::fs::create_dir_all(data).unwrap();
    let chance = Chance::seeded(seed);
    if !is_backed_up {
        let database = Sqlite::open(SqliteConfig::new(data.join("ibid.db"))).unwrap();
        let begun = Instant::now();
        (0..commits).for_each(|_| document(&database, &chance));
        let took = begun.elapsed();
        drop(database);
        std::fs::remove_dir_all(data).unwrap();
        return (took, String::new());
    }
    let library = Library::open(data);
    library.backup.make_base(&Shutdown::new()).unwrap();
    let (backup, shutdown) = (Arc::clone(&library.backup), Shutdown::new());
    let thread = ibid_runtime::background("backup", &shutdown, move |shutdown| backup.run(shutdown));
    let begun = Instant::now();
    for _ in 0..commits {
        document(library.database.as_ref(), &chance);
        if !pause.is_zero() {
            Shutdown::new().wait_timeout(pause);
        }
    }
    let took = begun.elapsed();
    shutdown.request();
    thread.join().unwrap();
    library.backup.finish(Duration::from_secs(600));
    let status = library.backup.status();
    let ratio = status.log_bytes as f64 / status.segment_bytes as f64;
    let cut = format!(
        "{} commits in {} segments, {} bytes of log a commit became {} ({ratio:.1} to 1), {} us of cutting a segment",
        status.commits,
        status.segments,
        status.log_bytes / status.commits.max(1),
        status.segment_bytes / status.commits.max(1),
        status.cut_us / status.segments.max(1),
    );
    drop(library);
    std::fs::remove_dir_all(data).unwrap();
    (took, cut)
}

fn document(database: &Sqlite, chance: &Chance) {
    let id = || {
        let (one, two) = (chance.next_u64(), chance.next_u64());
        Value::Blob([one.to_le_bytes(), two.to_le_bytes()].concat())
    };
    let (document, version) = (id(), id());
    let chunk = "INSERT INTO chunks (id, document_id, version_id, ordinal, start_byte, end_byte, start_char, pages, heading_path, kind, tokens, text) \
                 VALUES ($1, $2, $3, $4, 0, 0, 0, '[]', '[]', 'text', 180, $5)";
    let vector = "INSERT INTO embeddings (chunk_id, model, vector) VALUES ($1, 'all-MiniLM-L6-v2', $2)";
    let feed = "INSERT INTO feed (workspace_id, kind, key) VALUES ($1, 'document', $2)";
    let mut statements = Vec::new();
    for ordinal in 0..CHUNKS {
        let at = id();
        let params = vec![
            at.clone(),
            document.clone(),
            version.clone(),
            (ordinal as i64).into(),
            text(chance).as_str().into(),
        ];
        statements.push(Statement::new(chunk, params));
        let numbers: Vec<u8> = (0..96).flat_map(|_| chance.next_u64().to_le_bytes()).collect();
        statements.push(Statement::new(vector, vec![at, Value::Blob(numbers)]));
    }
    statements.push(Statement::new(feed, vec![id(), document]));
    database.batch(statements).unwrap();
}

/// About 900 bytes of words.
fn text(chance: &Chance) -> String {
    let word = |_| format!("word{:x} ", chance.below(30_000));
    (0..105).map(word).collect()
}
