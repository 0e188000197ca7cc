//! Faults of what is stored: the database, the disk, the indexes, the backup, the machine itself.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use ibid_store::{Db, Sqlite, SqliteConfig, Statement};
use ibid_testkit::Home;
use serde_json::json;

use crate::support::{
    begin, data, eventually, home, is_well, library, provider, serve, serve_again, serve_with,
};

/// A folder elsewhere as the only destination.
fn elsewhere(home: &Home) -> (PathBuf, String) {
    let folder = home.path().join("elsewhere");
    let setting = format!(
        "backup.destinations=[{{ name = 'elsewhere', kind = 'folder', path = '{}' }}]",
        folder.display()
    );
    (folder, setting)
}

pub fn database_locked() {
    let home = library();
    is_well(&home, "database-locked", &[]);
    let lock = File::options().write(true).open(data(&home).join("ibid.lock")).unwrap();
    lock.lock().unwrap();
    let said = home.run(&["doctor", "--only", "store"]);
    assert_eq!(said.code, 1);
    assert!(said.out.contains("[store_locked]"), "{said:?}");
    let mut carried = begin(&home, "database-locked", &[]);
    carried.until_found();
    lock.unlock().unwrap();
    carried.mends();
}

pub fn store_damaged() {
    let home = library();
    drop(home.ok(&["keys", "create", "kept"]));
    drop(home.ok(&["backup", "now"]));
    damage(&data(&home).join("ibid.db"));
    assert_eq!(home.run(&["doctor", "--only", "store"]).code, 1);
    begin(&home, "store-damaged", &[]).mends();
    put_in_place(&home);
    assert!(home.ok(&["keys", "list"]).out.contains("kept"));
}

/// Moves what was restored to where the library was.
fn put_in_place(home: &Home) {
    let mut entries = std::fs::read_dir(home.path()).unwrap().flatten().map(|entry| entry.path());
    let restored = entries.find(|path| path.display().to_string().contains("data-restored-")).unwrap();
    std::fs::rename(data(home), home.path().join("former")).unwrap();
    std::fs::rename(restored, data(home)).unwrap();
}

/// Flips bytes in every page but the first, which says what the file is. The log beside it still holds whole pages, which
/// would be read instead.
fn damage(database: &Path) {
    std::fs::remove_file(database.with_extension("db-wal")).unwrap();
    let mut file = OpenOptions::new().write(true).open(database).unwrap();
    let pages = file.metadata().unwrap().len() / 4096;
    for page in 1..pages {
        file.seek(SeekFrom::Start(page * 4096)).unwrap();
        file.write_all(&[0xff; 64]).unwrap();
    }
}

pub fn disk_full() {
    let home = home();
    std::fs::create_dir(data(&home)).unwrap();
    let mount = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=400m,mode=700", "tmpfs"])
        .arg(data(&home))
        .output();
    if !mount.is_ok_and(|mounted| mounted.status.success()) {
        println!("SKIPPED: no small disk can be mounted here");
        return;
    }
    let _mounted = Mounted(data(&home));
    drop(home.ok(&["keys", "list"]));
    is_well(&home, "disk-full", &[]);
    let filler = data(&home).join("filler");
    std::fs::write(&filler, vec![1; 300 << 20]).unwrap();
    let mut carried = begin(&home, "disk-full", &[]);
    carried.until_found();
    std::fs::remove_file(filler).unwrap();
    carried.mends();
}

/// Goes with the test, before the folder that it is in.
struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

pub fn index_damaged() {
    let (home, provider) = (library(), provider());
    let _server = serve_with(&home, &provider, &[]);
    let file = home.write("lease.md", "# Lease\n\nThe tenant pays the rent on the third day of the month.\n");
    drop(home.ok(&["ingest", &file.display().to_string()]));
    is_well(&home, "index-damaged", &[]);
    // Under the server: at its start it would see the damage and build anew by itself.
    spoil(&data(&home).join("index"));
    begin(&home, "index-damaged", &[]).mends();
    assert!(home.ok(&["search", "rent"]).out.contains("tenant"));
}

/// Overwrites three places of every file below.
fn spoil(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            spoil(&path);
        } else if let Ok(mut file) = OpenOptions::new().write(true).open(&path) {
            let quarter = file.metadata().unwrap().len() / 4;
            for place in 1..4 {
                file.seek(SeekFrom::Start(place * quarter)).unwrap();
                file.write_all(&[0xaa; 16]).unwrap();
            }
        }
    }
}

pub fn backup_failed() {
    let home = home();
    let (folder, elsewhere) = elsewhere(&home);
    let _server = serve(&home, &[&elsewhere, "backup.segment_ms=100"]);
    drop(home.ok(&["backup", "now"]));
    is_well(&home, "backup-failed", &[&elsewhere]);
    // A file where the folder was: nothing can be written there, whoever tries.
    let away = home.path().join("away");
    std::fs::rename(&folder, &away).unwrap();
    std::fs::write(&folder, b"").unwrap();
    drop(home.ok(&["keys", "create", "kept"]));
    eventually("the destination is seen to be gone", || home.run(&["doctor", "--only", "backup"]).code == 1);
    let mut carried = begin(&home, "backup-failed", &[&elsewhere]);
    carried.until_found();
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&away, &folder).unwrap();
    carried.mends();
}

pub fn lost_machine() {
    let home = home();
    let (_, elsewhere) = elsewhere(&home);
    drop(home.ok(&["--set", &elsewhere, "keys", "create", "kept"]));
    drop(home.ok(&["--set", &elsewhere, "backup", "now"]));
    is_well(&home, "lost-machine", &[&elsewhere]);
    std::fs::remove_dir_all(data(&home)).unwrap();
    begin(&home, "lost-machine", &[&elsewhere]).mends();
    assert!(home.ok(&["--set", &elsewhere, "keys", "list"]).out.contains("kept"));
}

pub fn bad_release() {
    let home = library();
    drop(home.ok(&["keys", "create", "kept"]));
    drop(home.ok(&["backup", "now"]));
    is_well(&home, "bad-release", &[]);
    migrate_as_a_newer_program(&data(&home).join("ibid.db"));
    let refused = home.run(&["keys", "list"]);
    assert!(refused.err.contains("[store_newer]"), "{refused:?}");
    let mut carried = begin(&home, "bad-release", &[]);
    carried.until("--into");
    put_in_place(&home);
    carried.mends();
    assert!(home.ok(&["keys", "list"]).out.contains("kept"));
}

/// What a newer version leaves behind that was taken back: a migration that this one does not know.
fn migrate_as_a_newer_program(database: &Path) {
    let database = Sqlite::open(SqliteConfig::new(database.to_owned())).unwrap();
    let sql = "INSERT INTO migrations (name, checksum) VALUES ('9999_newer', '')";
    database.batch(vec![Statement::new(sql, Vec::new())]).unwrap();
}

pub fn memory_behind() {
    let (home, provider) = (library(), provider());
    let key = |id: u8| format!("flow.keys=[{{id={id},key=\"{}\"}}]", id.to_string().repeat(64));
    let server = serve_with(&home, &provider, &[&key(1)]);
    let told = json!({ "episodes": [{ "text": "Ada Marlow works at Initech." }], "wait": true });
    assert_eq!(server.post("/v1/memory/episodes", &told).0, 200);
    is_well(&home, "memory-behind", &[]);
    assert_eq!(server.stop(), 0);
    forget_that_it_was_read(&data(&home).join("ibid.db"));
    assert!(!home.ok(&["--set", &key(1), "memory", "facts"]).out.contains("Initech"));
    let server = serve_with(&home, &provider, &[&key(2)]);
    eventually("the job gave up", || {
        home.ok(&["jobs", "list", "--state", "failed"]).out.contains("remember")
    });
    let asked = json!({ "query": "Where does Ada work?" });
    assert_eq!(server.post("/v1/memory/recall", &asked).1["error"]["code"], "checkpoint_key_missing");
    let mut carried = begin(&home, "memory-behind", &[]);
    carried.until_found();
    assert_eq!(server.stop(), 0);
    let _server = serve_again(&home, &[&key(1)]);
    carried.mends();
    eventually("it is read", || home.ok(&["memory", "facts"]).out.contains("Initech"));
}

/// As it is when the machine goes away between telling and reading.
fn forget_that_it_was_read(database: &Path) {
    let database = Sqlite::open(SqliteConfig::new(database.to_owned())).unwrap();
    let all = [
        "DELETE FROM facts",
        "DELETE FROM fact_sources",
        "UPDATE episodes SET importance = NULL",
        "UPDATE jobs SET state = 'queued', attempts = 0, finished_at = NULL WHERE kind = 'remember'",
    ];
    database.batch(all.map(|sql| Statement::new(sql, Vec::new())).to_vec()).unwrap();
}

pub fn out_of_memory() {
    let home = library();
    let server = serve(&home, &[]);
    is_well(&home, "out-of-memory", &[]);
    let (_, metrics) = server.get("/metrics");
    let line = metrics.as_str().unwrap().lines().find(|line| line.starts_with("ibid_process_memory_bytes "));
    let used: f64 = line.unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    assert_eq!(server.stop(), 0);
    // It is allowed no more than it needs when it does nothing.
    let tight = format!("server.memory_mb_max={}", used as u64 >> 20);
    let server = serve(&home, &[&tight]);
    let mut carried = begin(&home, "out-of-memory", &[]);
    carried.until_found();
    assert_eq!(server.stop(), 0);
    let _server = serve_again(&home, &["server.memory_mb_max=16384"]);
    carried.mends();
}

pub fn bad_answers() {
    let (home, provider) = (library(), provider());
    let rule = "alerts.rules=[{ name = 'bad-answers', severity = 'critical', metric = 'ibid_quality_accuracy_ratio', \
                below = 0.9, summary = 'wrong', runbook = 'bad-answers' }]";
    let quick = ["alerts.interval_seconds=1", "alerts.quiet_seconds=1", rule];
    let _server = serve_with(&home, &provider, &quick);
    let golden = "- question: How many days does a refund take?\n  expect: 14 days\n  source: refunds.md\n  workspace: shop\n";
    std::fs::write(data(&home).join("golden.yaml"), golden.replace("expect", "expct")).unwrap();
    assert!(home.run(&["golden"]).err.contains("unknown field `expct`"));
    assert!(home.run(&["doctor", "--only", "answers"]).out.contains("[golden_malformed]"));
    std::fs::write(data(&home).join("golden.yaml"), golden).unwrap();
    drop(home.ok(&["workspace", "create", "shop"]));
    let tell = |days: u32| {
        let text = format!(
            "# Refunds\n\nA refund takes {days} days after the goods came back.\n\nGoods are sent by post.\n"
        );
        let file = home.write("refunds.md", text);
        drop(home.ok(&["--workspace", "shop", "ingest", &file.display().to_string()]));
    };
    let firing = || {
        let listed = home.ok(&["alerts", "list"]).out;
        listed.lines().any(|line| line.contains("FIRING") && line.contains("bad-answers"))
    };
    tell(14);
    is_well(&home, "bad-answers", &[]);
    assert!(!firing());
    tell(90);
    let mut carried = begin(&home, "bad-answers", &[]);
    carried.until("golden: applies");
    eventually("the alert fires", firing);
    assert!(home.ok(&["incidents", "list"]).out.contains("wrong"));
    tell(14);
    carried.mends();
    eventually("the alert is over", || !firing());
}
