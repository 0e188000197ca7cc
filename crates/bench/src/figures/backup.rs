//! What the loss of a machine costs, and what it costs to be safe from it: the server takes documents in as fast as it
//! can, is killed and loses its disk; and the same ingest with and without its backup.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use ibid_store::{Db, Sqlite, SqliteConfig};

use super::large::Chance;
use super::program::{self, Server};
use super::texts::Texts;
use super::{Outcome, Row, Setup, turns};
use crate::load::{Connection, Door, wait_until};

/// `IBID_BENCH_KILLS` says another number.
const KILLS: usize = 20;
/// A life lasts at least so long, and at most so much longer.
const LIFE: Duration = Duration::from_millis(1500);
const LIFE_MORE: Duration = Duration::from_secs(5);
const UPLOADERS: usize = 2;
const LOSS_MS_MAX: f64 = 2000.0;
const FILES: usize = 800;
/// As many files, taken in before the time is measured.
const FILES_BEFORE: usize = 50;

pub fn rows(setup: &Setup) -> Outcome<Vec<Row>> {
    let texts = Texts::read(setup)?;
    Ok(vec![loss_row(setup, &texts)?, cost_row(setup, &texts)?])
}

fn loss_row(setup: &Setup, texts: &Texts) -> Outcome<Row> {
    let kills = std::env::var("IBID_BENCH_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let mut chance = Chance(7);
    let (mut documents, mut losses) = (0, Vec::new());
    for _ in 0..kills {
        let life = LIFE + LIFE_MORE.mul_f32(chance.unit());
        let (acknowledged, lost_ms) = killed(setup, texts, life)?;
        documents += acknowledged;
        losses.push(lost_ms);
    }
    let longest = losses.iter().copied().fold(0.0, f64::max);
    let what = format!(
        "kill -9 and loss of the disk, {kills} times, of a server that takes in {documents} documents: time before the kill from \
         which something is lost, the longest"
    );
    let ours = format!("{longest:.0} ms (median {:.0})", turns::median(losses));
    Ok(Row::new(what, ours).judged(longest).below(LOSS_MS_MAX))
}

/// One life, its end and its restore: how many documents were acknowledged, and how long before the kill the oldest of
/// those was that are not in the backup (0 where all are). What is restored has to be whole.
fn killed(setup: &Setup, texts: &Texts, life: Duration) -> Outcome<(usize, f64)> {
    let folder = setup.scratch()?;
    let place = Place::new(folder.path())?;
    let server = Server::start_by(place.command(setup), &place.data)?;
    let (door, until) = (server.door.clone(), Instant::now() + life);
    let (acknowledged, killed_at) = std::thread::scope(|scope| {
        let uploader = |first: usize| {
            let door = &door;
            scope.spawn(move || upload_until_it_dies(door, texts, (first..).step_by(UPLOADERS)))
        };
        let uploaders: Vec<_> = (0..UPLOADERS).map(uploader).collect();
        wait_until(until);
        let killed_at = Instant::now();
        drop(server);
        let lists = uploaders.into_iter().map(|uploader| uploader.join().unwrap_or_default());
        (lists.flatten().collect::<Vec<_>>(), killed_at)
    });
    fs::remove_dir_all(&place.data)?;
    let restored = folder.path().join("restored");
    program::timed(
        place.command(setup).args(["--json", "restore", "--to", "latest", "--into"]).arg(&restored),
    )?;
    let kept = sources(&restored)?;
    let lost = acknowledged.iter().filter(|(source, _)| !kept.contains(source)).map(|(_, at)| *at).min();
    let lost_ms = lost.map_or(0.0, |at| killed_at.saturating_duration_since(at).as_secs_f64() * 1000.0);
    Ok((acknowledged.len(), lost_ms))
}

/// Sources and when they were acknowledged.
fn upload_until_it_dies(
    door: &Door,
    texts: &Texts,
    numbers: impl Iterator<Item = usize>,
) -> Vec<(String, Instant)> {
    let mut acknowledged = Vec::new();
    let Ok(mut connection) = Connection::open(door) else { return acknowledged };
    for number in numbers {
        let source = format!("{number:06}.md");
        // Equal texts would be stored once.
        let text = format!("# {number}\n\n{}", texts.texts[number % texts.texts.len()]);
        match connection.post_as("/v1/documents", "multipart/form-data; boundary=ibid", &form(&source, &text))
        {
            Ok(answer) if answer.status == 202 => acknowledged.push((source, Instant::now())),
            Ok(_) => {}
            Err(_) => break,
        }
    }
    acknowledged
}

fn form(source: &str, text: &str) -> String {
    format!(
        "--ibid\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{source}\"\r\nContent-Type: text/markdown\r\n\r\n\
         {text}\r\n--ibid--\r\n"
    )
}

fn sources(data: &Path) -> Outcome<HashSet<String>> {
    let database = Sqlite::open(SqliteConfig::new(data.join("ibid.db")))?;
    let damages = database.query("PRAGMA integrity_check", &[])?;
    let first = damages.first().map(|row| row.get::<String>(0)).transpose()?.unwrap_or_default();
    if first != "ok" {
        return Err(format!("what was restored is damaged: {first}").into());
    }
    let rows = database.query("SELECT source FROM documents", &[])?;
    Ok(rows.iter().map(|row| row.get(0)).collect::<ibid_types::Result<_>>()?)
}

fn cost_row(setup: &Setup, texts: &Texts) -> Outcome<Row> {
    let folder = setup.scratch()?;
    let (before, files) = (folder.path().join("before"), folder.path().join("files"));
    texts.write_files(&before, FILES_BEFORE)?;
    texts.write_files(&files, FILES)?;
    let rate = |is_backed_up: bool| {
        let folder = setup.scratch()?;
        let place = Place::new(folder.path())?;
        let mut command = place.command(setup);
        command.env("IBID_BACKUP_ENABLED", is_backed_up.to_string());
        let server = Server::start_by(command, &place.data)?;
        program::ingest(setup, &place.data, &before)?;
        let took = program::ingest(setup, &place.data, &files)?;
        drop(server);
        Ok((FILES - FILES_BEFORE) as f64 / took.as_secs_f64())
    };
    let turns = turns::take(setup.turns, || rate(true), || rate(false))?;
    let what = format!("a running server takes in {} files, continuous backup on", FILES - FILES_BEFORE);
    Ok(Row::new(what, format!("{:.0} files/s", turns.ours))
        .beside(format!("the same without backup: {:.0} files/s", turns.peer), turns.ratio)
        .at_least(0.95))
}

/// A data directory, and a backup elsewhere.
pub struct Place {
    pub data: PathBuf,
    config: PathBuf,
}

impl Place {
    pub fn new(folder: &Path) -> Outcome<Self> {
        let config = folder.join("config.toml");
        let there = folder.join("there");
        let text =
            format!("[[backup.destinations]]\nname = \"there\"\nkind = \"folder\"\npath = {there:?}\n");
        fs::write(&config, text)?;
        Ok(Self { data: folder.join("data"), config })
    }

    pub fn command(&self, setup: &Setup) -> Command {
        let mut command = program::command(setup, &self.data);
        command.env("IBID_CONFIG", &self.config);
        command
    }
}
