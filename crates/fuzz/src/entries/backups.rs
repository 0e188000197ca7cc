//! A backup that somebody else may have written: its objects, and their names.
//!
//! Objects are sealed and summed here, so that mutation comes behind the sum, as an attacker without a key would come who writes into
//! an unencrypted backup.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use ibid_backup::{
    Backup, Catalog, Destination, Listed, Moment, Originals, Settings, SmallFiles, Source, Sources, Target,
    backup_keys, plan, prune, restore, verify,
};
use ibid_blob::{Blobs, Folder};
use ibid_runtime::{Clock, Shutdown};
use ibid_seal::Keys;
use ibid_store::{Db, LogTap, Sqlite, SqliteConfig, Statement};
use ibid_types::{Error, Result as Outcome, Timestamp};

use super::disk::folder;
use super::{keep, text};

/// Of an object before its body, and after it.
const HEAD_BYTES: usize = 25;
const SUM_BYTES: usize = 32;

type Objects = BTreeMap<String, Vec<u8>>;

/// A place for backups in memory.
#[derive(Debug, Default)]
struct Shed(Mutex<Objects>);

impl Shed {
    fn of(objects: Objects) -> Arc<dyn Destination> {
        Arc::new(Self(Mutex::new(objects)))
    }

    fn objects(&self) -> std::sync::MutexGuard<'_, Objects> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Destination for Shed {
    fn label(&self) -> &str {
        "shed"
    }

    fn put(&self, name: &str, object: &[u8]) -> Outcome<()> {
        self.objects().insert(name.to_owned(), object.to_vec());
        Ok(())
    }

    fn get(&self, name: &str) -> Outcome<Vec<u8>> {
        let missing = || Error::not_found("backup_object_missing", format!("{name} is not there"));
        self.objects().get(name).cloned().ok_or_else(missing)
    }

    fn exists(&self, name: &str) -> Outcome<bool> {
        Ok(self.objects().contains_key(name))
    }

    fn list(&self, prefix: &str) -> Outcome<Vec<Listed>> {
        let listed = |(name, object): (&String, &Vec<u8>)| Listed {
            name: name.clone(),
            bytes: object.len() as u64,
            written: Timestamp(0),
        };
        Ok(self.objects().iter().filter(|(name, _)| name.starts_with(prefix)).map(listed).collect())
    }

    fn delete(&self, name: &str) -> Outcome<()> {
        self.objects().remove(name);
        Ok(())
    }
}

/// The first byte says which object of a backup the others are the content of.
pub fn object(bytes: &[u8]) -> Result<(), String> {
    let (mut objects, named) = (backed_up()?.clone(), named()?);
    let Some((which, content)) = bytes.split_first() else { return Ok(()) };
    let Some(name) = named.get(usize::from(*which) % named.len().max(1)) else { return Ok(()) };
    let kind = objects.get(name).and_then(|object| object.get(8)).copied().unwrap_or(1);
    objects.insert(name.clone(), wrapped(kind, content)?);
    restored(Shed::of(objects))
}

/// A base, segments and originals: what has a content that is not only bytes.
fn named() -> Result<Vec<String>, String> {
    Ok(backed_up()?.keys().filter(|name| name.starts_with("generations/")).cloned().collect())
}

pub fn object_seeds() -> Vec<Vec<u8>> {
    let (Ok(objects), Ok(named)) = (backed_up(), named()) else { return Vec::new() };
    let seed = |(number, name): (usize, &String)| {
        Some([&[u8::try_from(number).ok()?], content(objects.get(name)?)?.as_slice()].concat())
    };
    named.iter().enumerate().filter_map(seed).collect()
}

/// The bytes are an object as it lies there, of which only the sum is mended.
pub fn envelope(bytes: &[u8]) -> Result<(), String> {
    let (mut objects, named) = (backed_up()?.clone(), named()?);
    let sum = *blake3::hash(bytes).as_bytes();
    objects.extend(named.first().map(|name| (name.clone(), [bytes, &sum].concat())));
    restored(Shed::of(objects))
}

pub fn envelope_seeds() -> Vec<Vec<u8>> {
    let (Ok(objects), Ok(named)) = (backed_up(), named()) else { return Vec::new() };
    let seed =
        |name: &String| objects.get(name)?.split_last_chunk::<SUM_BYTES>().map(|(bytes, _)| bytes.to_vec());
    named.iter().filter_map(seed).collect()
}

/// Each line is the name of an object.
pub fn names(bytes: &[u8]) -> Result<(), String> {
    let objects = text(bytes).lines().take(64).map(|name| (name.to_owned(), Vec::new())).collect();
    let shed = Shed::of(objects);
    let Ok(catalog) = Catalog::read(std::slice::from_ref(&shed)) else { return Ok(()) };
    let _ = catalog.stretches();
    for moment in [Moment::Latest, Moment::Commit(3), Moment::Time(Timestamp(i64::MAX))] {
        let _ = catalog.plans(moment);
    }
    restored(shed)
}

pub fn names_seeds() -> Vec<Vec<u8>> {
    backed_up()
        .map(|objects| objects.keys().map(String::as_str).collect::<Vec<_>>().join("\n").into_bytes())
        .into_iter()
        .collect()
}

/// All that is done with a backup. What is restored is whole, or is refused.
fn restored(shed: Arc<dyn Destination>) -> Result<(), String> {
    let (keys, folder) = (Keys::default(), folder()?);
    let into = folder.path().join("restored");
    let _ = verify(&shed, &keys, &|_, _, _| ());
    let sources = Sources { destinations: vec![Arc::clone(&shed)], keys: keys.clone() };
    let _ = plan(&sources, Moment::Latest);
    let done = restore(&sources, Moment::Latest, &into, &|_, _, _| ()).is_ok();
    keep(done == into.join("ibid.db").exists(), "what is not restored leaves nothing")?;
    let outside = std::fs::read_dir(folder.path()).map_err(|error| error.to_string())?.flatten();
    let outside: Vec<_> = outside.map(|entry| entry.file_name()).filter(|name| name != "restored").collect();
    keep(outside.is_empty(), "nothing is written beside the folder")?;
    let _ = prune(&shed, &keys, Timestamp(i64::MAX));
    Ok(())
}

/// As `ibid_backup` wraps a content, without a key.
fn wrapped(kind: u8, content: &[u8]) -> Result<Vec<u8>, String> {
    let squeezed = zstd::bulk::compress(content, 1).map_err(|error| error.to_string())?;
    let lengths = [content.len() as u64, squeezed.len() as u64 + 1].map(u64::to_le_bytes).concat();
    let object = [b"IBIDBAK1", &[kind][..], &lengths, &[0], &squeezed].concat();
    let sum = *blake3::hash(&object).as_bytes();
    Ok([object, sum.to_vec()].concat())
}

fn content(object: &[u8]) -> Option<Vec<u8>> {
    let body = object.get(HEAD_BYTES + 1..object.len().checked_sub(SUM_BYTES)?)?;
    zstd::bulk::decompress(body, 1 << 24).ok()
}

/// One for the process: a base, some segments and an original.
fn backed_up() -> Result<&'static Objects, String> {
    static OBJECTS: OnceLock<Result<Objects, String>> = OnceLock::new();
    OBJECTS.get_or_init(|| make().map_err(|error| error.to_string())).as_ref().map_err(Clone::clone)
}

fn make() -> Result<Objects, Box<dyn std::error::Error>> {
    let (folder, shed) = (folder()?, Arc::new(Shed::default()));
    let (data, clock) = (folder.path().to_owned(), Clock::manual(Timestamp(1_795_000_000_000)));
    std::fs::create_dir_all(data.join("flows"))?;
    std::fs::write(data.join("flows/a.yaml"), "name: a\n")?;
    let (tap, path) = (LogTap::new(clock.clone()), data.join("ibid.db"));
    let database = Arc::new(Sqlite::open(SqliteConfig::new(path.clone()).with_tap(Arc::clone(&tap)))?);
    let blobs: Arc<dyn Blobs> = Arc::new(Folder::open(&data.join("blobs"))?);
    let originals = Originals::new(blobs);
    let destination: Arc<dyn Destination> = Arc::<Shed>::clone(&shed);
    let settings = Settings {
        local: data.join("backup"),
        database: path,
        targets: vec![Target { destination, keep_days: 30 }],
        keys: backup_keys(&[]),
        interval: Duration::from_secs(3600),
        spool_bytes_max: 1 << 30,
        base_minute: 120,
        files: SmallFiles { root: data.clone(), folders: vec!["flows".to_owned()], texts: BTreeMap::new() },
        program: "test".to_owned(),
    };
    let source = Source { tap, database: Arc::clone(&database), originals: Arc::clone(&originals), clock };
    let backup = Backup::open(settings, source)?;
    backup.make_base(&Shutdown::new())?;
    for number in 0..3 {
        let sql = "INSERT INTO settings (key, value) VALUES ($1, $2)";
        database
            .batch(vec![Statement::new(sql, vec![format!("key{number}").as_str().into(), "value".into()])])?;
        originals.put(format!("original {number}").as_bytes())?;
        backup.ship()?;
        backup.drained(Duration::from_secs(60));
    }
    backup.finish(Duration::from_secs(60));
    let objects = shed.objects().clone();
    Ok(objects)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_are_objects() {
        let (mut objects, names) = (backed_up().unwrap().clone(), named().unwrap());
        for seed in object_seeds() {
            let (which, content) = seed.split_first().unwrap();
            let name = &names[usize::from(*which)];
            let kind = objects[name][8];
            objects.insert(name.clone(), wrapped(kind, content).unwrap());
        }
        let verified = verify(&Shed::of(objects), &Keys::default(), &|_, _, _| ()).unwrap();
        assert_eq!((verified.bases, verified.commits, verified.damages), (1, 3, Vec::new()));
    }
}
