//! What is read back from disk: indexes, checkpoints, metrics, the database. Sums are mended here, so that mutation comes behind them;
//! what a sum finds is tried by each crate's own tests, bit by bit.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use ibid_flow::definition::FlowHash;
use ibid_flow::machine::{Action, Command, Definitions, RunState, apply};
use ibid_flow::{Codec, Definition, Registry};
use ibid_index::{Change, Ground, IndexConfig, Indexes, Searchable, What};
use ibid_ops::series::{How, Limits, Range, Reading, Selector, Series};
use ibid_store::{Db as _, Snapshot, Sqlite, SqliteConfig};
use ibid_types::access::Readable;
use ibid_types::document::{Chunk, ChunkSpan, Document, DocumentStatus};
use ibid_types::search::Filter;
use ibid_types::{
    ChunkId, ContentHash, DocumentId, Result as Outcome, RunId, Timestamp, VersionId, WorkspaceId,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{joined, keep, parts, text};

const WORKSPACE: [u8; 16] = [7; 16];
const HOUR_MS: i64 = 3_600_000;

/// A folder in memory where the system has one: much is written, and synced, for each input.
pub fn folder() -> Result<TempDir, String> {
    let in_memory = tempfile::tempdir_in("/dev/shm");
    in_memory.or_else(|_| tempfile::tempdir()).map_err(|error| format!("a folder of the test: {error}"))
}

/// The bytes are the JSON of a checkpoint: a command and the state after it, which the machine then goes on with.
pub fn checkpoint(bytes: &[u8]) -> Result<(), String> {
    let (codec, run) = (Codec::default(), RunId::from_bytes(WORKSPACE));
    let packed = zstd::bulk::compress(bytes, 1).map_err(|error| error.to_string())?;
    let body = [&[0], packed.as_slice()].concat();
    let Ok((mut command, mut state)) = codec.unpack(run, 1, &body, &|_| Ok(Vec::new())) else {
        return Ok(());
    };
    let Ok(packed) = codec.pack(run, 1, &mut command, &mut state, &HashSet::new()) else { return Ok(()) };
    let again = codec.unpack(run, 1, &packed.body, &|hashes| Ok(held(&packed.values, hashes)));
    keep(again.is_ok_and(|again| again == (command.clone(), state.clone())), "a checkpoint comes back")?;
    go_on(state, &command)
}

fn held(values: &BTreeMap<ContentHash, Vec<u8>>, hashes: &[ContentHash]) -> Vec<(ContentHash, Vec<u8>)> {
    hashes.iter().filter_map(|hash| Some((*hash, values.get(hash)?.clone()))).collect()
}

/// Some commands in a row; one that is refused changes nothing.
fn go_on(state: RunState, command: &Command) -> Result<(), String> {
    let at = Timestamp(state.started_at.0.saturating_add(1_000));
    let mut held = Some(state);
    let mut commands = vec![command.clone(), Command::Passed { at }, Command::Resume { at }];
    commands.extend(std::iter::repeat_n(Command::Continue { at }, 8));
    commands.push(Command::Cancel { reason: "enough".to_owned(), at });
    for command in commands {
        let before = held.clone();
        match apply(&Flow, &mut held, &command) {
            Ok(applied) => keep(applied.actions.len() < 10_000, "what is to be done is bounded")?,
            Err(_) => keep(held == before, "a command that is refused changes nothing")?,
        }
    }
    Ok(())
}

const FLOW: &str = "name: expense\ninput: {amount: number, words: list}\nstate: {approved: boolean, count: integer}\nnodes:\n  \
    size: {kind: set, with: {approved: \"{{ amount <= 100 }}\", count: \"{{ words | length }}\"}, next: [{if: approved, to: end}, ask]}\n  \
    ask: {kind: human, with: {prompt: \"{{ amount }}?\", schema: {type: boolean}, expires_seconds: 60, on_expiry: pause}, into: approved}\n  \
    pause: {kind: wait, with: {seconds: 5}, next: size}\noutput: \"{{ approved }}\"\n";

/// Every hash names the same flow.
struct Flow;

impl Definitions for Flow {
    fn definition(&self, _: &FlowHash) -> Outcome<Arc<Definition>> {
        static READ: OnceLock<Option<Arc<Definition>>> = OnceLock::new();
        let read =
            READ.get_or_init(|| Definition::parse(FLOW, &Registry::default(), &|_| true).ok().map(Arc::new));
        read.clone().ok_or_else(|| ibid_types::Error::not_found("flow_unknown", "the flow of the test"))
    }
}

/// The states of a run as it goes on: begun, waiting for somebody, cancelled.
pub fn checkpoint_seeds() -> Vec<Vec<u8>> {
    let at = Timestamp(1_795_000_000_000);
    let start = json!({
        "do": "start", "run": RunId::from_bytes(WORKSPACE), "workspace": WorkspaceId::from_bytes(WORKSPACE),
        "flow": FlowHash::of(FLOW), "input": { "amount": 200, "words": ["a", "b"] }, "at": at,
    });
    let Ok(start) = serde_json::from_value::<Command>(start) else { return Vec::new() };
    let (mut state, mut seeds) = (None, Vec::new());
    let mut commands = vec![start];
    while let Some(command) = commands.pop() {
        let Ok(applied) = apply(&Flow, &mut state, &command) else { break };
        seeds.extend(serde_json::to_vec(&(&command, &state)).ok());
        let is_waiting = !applied.actions.contains(&Action::Continue);
        match (seeds.len(), is_waiting) {
            (0..8, false) => commands.push(Command::Continue { at }),
            (0..8, true) => commands.push(Command::Cancel { reason: "enough".to_owned(), at }),
            _ => {}
        }
    }
    seeds
}

/// The parts are the manifest's JSON, the records of documents, one a line, and the rows of chunks and of vectors.
pub fn index(bytes: &[u8]) -> Result<(), String> {
    look_into(laid_out(bytes)?.path())
}

fn laid_out(bytes: &[u8]) -> Result<TempDir, String> {
    let [manifest, documents, chunks, vectors] = parts::<4>(bytes);
    let (folder, template) = (folder()?, library()?);
    for (path, content) in &template.files {
        write(&folder.path().join(path), content)?;
    }
    let (root, log) = (folder.path().join(&template.generation), records(documents));
    write(&root.join("manifest"), &counting(manifest, log.len()))?;
    write(&root.join("documents.log"), &log)?;
    write(&root.join(&template.chunks), &template.filled(&template.chunks, chunks))?;
    write(&root.join(&template.vectors), &template.filled(&template.vectors, vectors))?;
    Ok(folder)
}

/// The first byte says which file of the index the others are.
pub fn index_file(bytes: &[u8]) -> Result<(), String> {
    let (folder, template) = (folder()?, library()?);
    let Some((which, content)) = bytes.split_first() else { return Ok(()) };
    for (number, (path, whole)) in template.files.iter().enumerate() {
        let is_it = number == usize::from(*which) % template.files.len();
        write(&folder.path().join(path), if is_it { content } else { whole })?;
    }
    look_into(folder.path())
}

pub fn index_file_seeds() -> Vec<Vec<u8>> {
    let files = library().map(|library| library.files.iter()).into_iter().flatten().enumerate();
    files
        .filter_map(|(number, (_, content))| {
            Some([&[u8::try_from(number).ok()?], content.as_slice()].concat())
        })
        .collect()
}

/// Opens the index as the server does at its start, and searches it.
fn look_into(folder: &Path) -> Result<(), String> {
    let Ok(indexes) = Indexes::open(config(folder), Books) else { return Ok(()) };
    let _ = indexes.catch_up();
    let snapshot = indexes.snapshot(WorkspaceId::from_bytes(WORKSPACE));
    let eligible = snapshot.eligible(&Filter::default(), &Readable::All);
    let _ = snapshot.lexical(&snapshot.analyse("rent \"three months\" -turnover"), &eligible, 10);
    let found = snapshot.dense(&vec![0.5; snapshot.dimensions()], &eligible, 10);
    for slot in found.iter().map(|scored| scored.slot).chain([0, 1, u32::MAX]) {
        let (_, _) = (snapshot.chunk(slot), snapshot.vector(slot));
    }
    keep(found.len() <= 10, "no more is found than is asked for")
}

fn config(folder: &Path) -> IndexConfig {
    IndexConfig::new(folder, "m", 4)
}

fn write(path: &Path, content: &[u8]) -> Result<(), String> {
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, content));
    written.map_err(|error| format!("a file of the test: {error}"))
}

/// Each line as a record with its length and sum.
fn records(lines: &[u8]) -> Vec<u8> {
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let framed = |line: &[u8]| {
        let length = u32::try_from(line.len()).unwrap_or(u32::MAX).to_le_bytes();
        [&length, &crc32fast::hash(line).to_le_bytes(), line].concat()
    };
    lines.flat_map(framed).collect()
}

/// The manifest with its sum, which counts the bytes of the log that is there and believes the rows.
fn counting(manifest: &[u8], log_bytes: usize) -> Vec<u8> {
    let counted = match serde_json::from_slice::<Value>(manifest) {
        Ok(mut value) if value.is_object() => {
            (value["log_bytes"], value["sums"]) = (json!(log_bytes), Value::Null);
            value.to_string()
        }
        _ => text(manifest),
    };
    format!("{:08x}\n{counted}\n", crc32fast::hash(counted.as_bytes())).into_bytes()
}

/// A small index, as files.
struct Library {
    files: Vec<(PathBuf, Vec<u8>)>,
    /// The folder of the manifest, and the names beside it.
    generation: PathBuf,
    chunks: String,
    vectors: String,
}

impl Library {
    fn file(&self, name: &str) -> &[u8] {
        let path = self.generation.join(name);
        let found = self.files.iter().find(|(known, _)| *known == path);
        found.map(|(_, content)| content.as_slice()).unwrap_or_default()
    }

    /// As long as the file of that name: a shorter one is refused before its rows are read.
    fn filled(&self, name: &str, rows: &[u8]) -> Vec<u8> {
        let mut filled = rows.to_vec();
        filled.resize(self.file(name).len().max(rows.len()), 0);
        filled
    }
}

fn library() -> Result<&'static Library, String> {
    static LIBRARY: OnceLock<Result<Library, String>> = OnceLock::new();
    LIBRARY.get_or_init(build).as_ref().map_err(Clone::clone)
}

fn build() -> Result<Library, String> {
    let folder = folder()?;
    let indexes = Indexes::open(config(folder.path()), Books).map_err(|error| error.chain())?;
    indexes.catch_up().map_err(|error| error.chain())?;
    drop(indexes);
    let mut files = BTreeMap::new();
    gather(folder.path(), folder.path(), &mut files).map_err(|error| error.to_string())?;
    let manifest = files.keys().find(|path| path.ends_with("manifest")).ok_or("an index has a manifest")?;
    let generation = manifest.parent().unwrap_or(Path::new("")).to_owned();
    let named = |prefix: &str| {
        let names = files.keys().filter_map(|path| path.strip_prefix(&generation).ok()?.to_str());
        names.filter(|name| name.starts_with(prefix)).map(str::to_owned).next().unwrap_or_default()
    };
    let (chunks, vectors) = (named("chunks"), named("vectors"));
    Ok(Library { files: files.into_iter().collect(), generation, chunks, vectors })
}

fn gather(root: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            gather(root, &path, files)?;
        } else if let Ok(name) = path.strip_prefix(root) {
            files.insert(name.to_owned(), fs::read(&path)?);
        }
    }
    Ok(())
}

pub fn index_seeds() -> Vec<Vec<u8>> {
    let Ok(library) = library() else { return Vec::new() };
    let file = |name: &str| library.file(name);
    let manifest = file("manifest").splitn(2, |byte| *byte == b'\n').nth(1).unwrap_or_default();
    let mut records = Vec::new();
    let mut log = file("documents.log");
    while let Some((head, rest)) = log.split_first_chunk::<4>() {
        let length = (u32::from_le_bytes(*head) as usize + 4).min(rest.len());
        let (record, after) = rest.split_at(length);
        records.push(record.get(4..).unwrap_or_default());
        log = after;
    }
    // The files are as long as a whole segment; what counts is at their beginning.
    let begin = |name: &str| file(name).get(..64).unwrap_or_default();
    vec![joined(&[manifest, &records.join(&b'\n'), begin(&library.chunks), begin(&library.vectors)])]
}

/// Three documents that never change.
#[derive(Clone, Copy, Debug)]
struct Books;

impl Ground for Books {
    fn changes(&self, after: i64, limit: usize) -> Outcome<Vec<Change>> {
        let change = |number: i64| Change {
            position: number,
            workspace: WorkspaceId::from_bytes(WORKSPACE),
            what: What::Document(book(number)),
        };
        Ok((1..=3).filter(|number| *number > after).take(limit).map(change).collect())
    }

    fn head(&self) -> Outcome<i64> {
        Ok(3)
    }

    fn searchables(&self, documents: &[DocumentId], _: &str, _: usize) -> Outcome<Vec<Option<Searchable>>> {
        Ok(documents
            .iter()
            .map(|document| (1..=3).find(|number| book(*number) == *document).map(searchable))
            .collect())
    }
}

fn book(number: i64) -> DocumentId {
    DocumentId::from_bytes([u8::try_from(number).unwrap_or(0); 16])
}

fn searchable(number: i64) -> Searchable {
    let (id, at) = (book(number), Timestamp(number));
    let version = VersionId::from_bytes([9; 16]);
    let document = Document {
        id,
        workspace: WorkspaceId::from_bytes(WORKSPACE),
        source: format!("book{number}.md"),
        status: DocumentStatus::Ready,
        current: Some(version),
        title: "Handbook".to_owned(),
        author: None,
        language: Some("en".to_owned()),
        tags: vec!["a".to_owned()],
        readers: Vec::new(),
        date: at,
        created_at: at,
        updated_at: at,
    };
    let chunk = Chunk {
        id: ChunkId::from_bytes([u8::try_from(number).unwrap_or(0); 16]),
        document: id,
        version,
        ordinal: 0,
        span: ChunkSpan::default(),
        text: format!("The rent of house {number} is due within three months."),
    };
    // One half of f16, four times.
    Searchable { document, chunks: vec![(chunk, [0, 0x38].repeat(4))] }
}

/// The parts are a finished block of metrics and the journal of the one that is being filled, without their sums.
pub fn metrics_kept(bytes: &[u8]) -> Result<(), String> {
    let [block, record] = parts::<2>(bytes);
    let folder = folder()?;
    let packed = zstd::bulk::compress(block, 1).map_err(|error| error.to_string())?;
    let block = [b"IBS1", &blake3::hash(&packed).as_bytes()[..16], &packed].concat();
    let length = u32::try_from(record.len()).unwrap_or(u32::MAX).to_le_bytes();
    let journal = [&length[..], &blake3::hash(record).as_bytes()[..16], record].concat();
    write(&folder.path().join(format!("fine-{}-{}.block", MADE.0, MADE.0 + 2 * HOUR_MS)), &block)?;
    write(&folder.path().join("head.log"), &journal)?;
    let Ok(series) = Series::open(folder.path(), Limits::default()) else { return Ok(()) };
    let now = Timestamp(MADE.0 + 3 * HOUR_MS);
    for how in [How::Average, How::Max, How::Rate, How::Quantile(0.9)] {
        let (selector, from) = (Selector::new("ibid_a_total"), MADE);
        let points = series.range(&Range { selector, how, from, to: now, step_ms: 60_000 });
        keep(points.is_ok_and(|points| points.len() <= 2_000), "points are as many as were asked for")?;
    }
    let _ = (series.keys(&Selector::new("ibid_b"), MADE, now), series.latest());
    let _ = series.append(now, &[Reading::counter("ibid_a_total", &[("route", "/v1/ask")], 9.0)]);
    Ok(())
}

const MADE: Timestamp = Timestamp(1_767_225_600_000);

pub fn metrics_kept_seeds() -> Vec<Vec<u8>> {
    let made = || -> Result<Vec<u8>, String> {
        let folder = folder()?;
        let series = Series::open(folder.path(), Limits::default()).map_err(|error| error.chain())?;
        for step in 0..500_i64 {
            let readings = [
                Reading::counter("ibid_a_total", &[("route", "/v1/ask")], f64::from(step as i32 % 7)),
                Reading::gauge("ibid_b", &[], f64::from(step as i32) * 0.5),
            ];
            series.append(Timestamp(MADE.0 + step * 15_000), &readings).map_err(|error| error.chain())?;
        }
        let mut files = BTreeMap::new();
        gather(folder.path(), folder.path(), &mut files).map_err(|error| error.to_string())?;
        let find = |part: &str| files.iter().find(|(path, _)| path.to_string_lossy().contains(part));
        let block =
            find("fine-").and_then(|(_, bytes)| zstd::bulk::decompress(bytes.get(20..)?, 1 << 20).ok());
        let record = find("head.log").and_then(|(_, bytes)| {
            let (length, rest) = bytes.split_first_chunk::<4>()?;
            rest.get(16..16 + u32::from_le_bytes(*length) as usize)
        });
        Ok(joined(&[&block.unwrap_or_default(), record.unwrap_or_default()]))
    };
    made().into_iter().collect()
}

/// The bytes are the file of a database.
pub fn database(bytes: &[u8]) -> Result<(), String> {
    let folder = folder()?;
    let path = folder.path().join("ibid.db");
    write(&path, bytes)?;
    if let Ok(snapshot) = Snapshot::open(&path) {
        let _ = snapshot.damages(true);
    }
    if let Ok(database) = Sqlite::open(SqliteConfig::new(path)) {
        let _ = database.query("SELECT key, value FROM settings ORDER BY key", &[]);
    }
    Ok(())
}

pub fn database_seeds() -> Vec<Vec<u8>> {
    let made = || -> Result<Vec<u8>, String> {
        let folder = folder()?;
        let path = folder.path().join("ibid.db");
        drop(Sqlite::open(SqliteConfig::new(path.clone())).map_err(|error| error.chain())?);
        fs::read(path).map_err(|error| error.to_string())
    };
    made().into_iter().filter(|bytes| !bytes.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_are_read() {
        let folder = laid_out(&index_seeds()[0]).unwrap();
        let indexes = Indexes::open(config(folder.path()), Books).unwrap();
        assert_eq!(indexes.snapshot(WorkspaceId::from_bytes(WORKSPACE)).total(), 3);
        assert!(
            checkpoint_seeds().len() > 2 && metrics_kept_seeds().len() == 1 && database_seeds().len() == 1
        );
    }
}
