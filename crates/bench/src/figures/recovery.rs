//! From nothing but a backup to the first right hits, for a store of one gigabyte; beside Litestream's restore of the same
//! database, with its originals copied back, and the same program on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ibid_blob::{Blobs, Folder};
use ibid_runtime::Clock;
use ibid_store::{NewUpload, ReadyChunk, ReadyDocument, Sqlite, SqliteConfig, Store};
use ibid_types::document::ChunkSpan;
use ibid_types::parsed::Metadata;
use serde_json::{Value, json};

use super::backup::Place;
use super::large::Chance;
use super::program::{self, Server};
use super::{Outcome, Row, Setup, turns};
use crate::load::{Connection, wait_until};

/// Of the database.
const BYTES: u64 = 1 << 30;
const CHUNKS: usize = 20;
const CHUNK_WORDS: usize = 100;
const CENTRES: usize = 500;
/// Documents in one commit.
const COMMIT_DOCUMENTS: usize = 200;
const MODEL: &str = "all-MiniLM-L6-v2";
const SECONDS_MAX: f64 = 60.0;
const ANSWERS_WITHIN: Duration = Duration::from_secs(600);
/// Restores of each side.
const TURNS: usize = 3;

pub fn rows(setup: &Setup) -> Outcome<Vec<Row>> {
    let folder = setup.scratch()?;
    let place = Place::new(folder.path())?;
    let documents = fill(&place.data)?;
    let (megabytes, originals) = sizes(&place.data)?;
    let base = program::timed(place.command(setup).args(["--json", "backup", "now"]))?;
    let litestream = Litestream::replicate(setup, &place.data, folder.path())?;
    let mut firsts = Vec::new();
    let ours = || {
        let into = folder.path().join("ours");
        let began = Instant::now();
        program::timed(
            place.command(setup).args(["--json", "restore", "--to", "latest", "--into"]).arg(&into),
        )?;
        let answers = answers(setup, &into, documents, began)?;
        fs::remove_dir_all(&into)?;
        firsts.push(answers.first.as_secs_f64());
        Ok(answers.last.as_secs_f64())
    };
    let theirs = || {
        let into = folder.path().join("theirs");
        let began = Instant::now();
        litestream.restore(&place.data, &into)?;
        let answers = answers(setup, &into, documents, began)?;
        fs::remove_dir_all(&into)?;
        Ok(answers.last.as_secs_f64())
    };
    let turns = turns::take(setup.turns.min(TURNS), ours, theirs)?;
    let what = format!(
        "from a backup alone to a right hit for the newest of {documents} documents ({} passages, database {megabytes} MB, {originals} MB \
         of originals): s",
        documents * CHUNKS
    );
    let ours = format!(
        "{:.1} s (for the oldest {:.1} s; the backup was made in {:.0} s)",
        turns.ours,
        turns::median(firsts),
        base.as_secs_f64()
    );
    let theirs =
        format!("Litestream 0.5.17 restore, originals copied, the same program: {:.1} s", turns.peer);
    Ok(vec![Row::new(what, ours).beside(theirs, turns.ratio).judged(turns.ours).below(SECONDS_MAX)])
}

/// Documents of random words, each with a word that no other has, and vectors around centres, until the database has its size.
fn fill(data: &Path) -> Outcome<usize> {
    fs::create_dir_all(data)?;
    let mut chance = Chance(3);
    let centres: Vec<Vec<f32>> = (0..CENTRES).map(|_| chance.numbers()).collect();
    let path = data.join("ibid.db");
    let blobs = Folder::open(&data.join("blobs"))?;
    let store = Store::new(Arc::new(Sqlite::open(SqliteConfig::new(path.clone()))?), Clock::system());
    let workspace = store.workspace_ensure("default")?.id;
    let mut documents = 0;
    while fs::metadata(&path)?.len() < BYTES {
        let mut ready = Vec::with_capacity(COMMIT_DOCUMENTS);
        for number in documents..documents + COMMIT_DOCUMENTS {
            let texts: Vec<String> =
                (0..CHUNKS).map(|_| format!("{} {}", marker(number), chance.text(CHUNK_WORDS))).collect();
            let whole = texts.concat();
            let upload = NewUpload {
                workspace,
                source: source(number),
                content: blobs.put(whole.as_bytes())?,
                size_bytes: whole.len() as u64,
                media_type: "text/plain".to_owned(),
                metadata: Metadata { title: Some(chance.text(4)), ..Metadata::default() },
                readers: None,
                batch: String::new(),
            };
            let mut start = 0;
            let chunk = |text: String| {
                let span = ChunkSpan { start, end: start + text.len(), ..ChunkSpan::default() };
                start = span.end;
                ReadyChunk { span, text, vector: chance.near(&centres) }
            };
            ready.push(ReadyDocument { upload, chunks: texts.into_iter().map(chunk).collect() });
        }
        store.put_ready(MODEL, &ready)?;
        documents += COMMIT_DOCUMENTS;
    }
    Ok(documents)
}

fn marker(number: usize) -> String {
    format!("marker{number}x")
}

fn source(number: usize) -> String {
    format!("{number:06}.txt")
}

/// Megabytes of the database and of the originals.
fn sizes(data: &Path) -> Outcome<(u64, u64)> {
    Ok((fs::metadata(data.join("ibid.db"))?.len() >> 20, bytes_below(&data.join("blobs"))? >> 20))
}

fn bytes_below(folder: &Path) -> Outcome<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        bytes += if meta.is_dir() { bytes_below(&entry.path())? } else { meta.len() };
    }
    Ok(bytes)
}

struct Answers {
    /// From the oldest document.
    first: Duration,
    /// From the newest.
    last: Duration,
}

/// Serves what was restored until searches find the oldest and the newest document by a word that no other has.
fn answers(setup: &Setup, data: &Path, documents: usize, began: Instant) -> Outcome<Answers> {
    let server = Server::start_by(program::command(setup, data), data)?;
    let mut connection = Connection::open(&server.door)?;
    let mut answered = |number: usize| -> Outcome<Duration> {
        let body = json!({ "query": marker(number), "limit": 1 }).to_string();
        while began.elapsed() < ANSWERS_WITHIN {
            let answer = connection.post("/v1/search", &body)?;
            let answer: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            if answer["hits"][0]["source"] == json!(source(number)) {
                return Ok(began.elapsed());
            }
            wait_until(Instant::now() + Duration::from_millis(20));
        }
        Err(format!("{} was not found in {} s", marker(number), ANSWERS_WITHIN.as_secs()).into())
    };
    let first = answered(0)?;
    Ok(Answers { first, last: answered(documents - 1)? })
}

/// The peer: its program comes with the Python packages of the peers.
struct Litestream {
    program: PathBuf,
    replica: String,
}

impl Litestream {
    fn replicate(setup: &Setup, data: &Path, folder: &Path) -> Outcome<Self> {
        let program = setup.python.with_file_name("litestream");
        let replica = format!("file://{}", folder.canonicalize()?.join("replica").display());
        let mut command = Command::new(&program);
        command.args(["replicate", "-once", "-force-snapshot"]).arg(data.join("ibid.db")).arg(&replica);
        program::timed(&mut command)?;
        Ok(Self { program, replica })
    }

    fn restore(&self, data: &Path, into: &Path) -> Outcome<()> {
        fs::create_dir_all(into)?;
        program::timed(
            Command::new(&self.program).args(["restore", "-o"]).arg(into.join("ibid.db")).arg(&self.replica),
        )?;
        program::timed(Command::new("cp").arg("-r").arg(data.join("blobs")).arg(into))?;
        Ok(())
    }
}
