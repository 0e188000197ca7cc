//! Faults that are put in, and the runbooks that find and mend them, through the real program.
#![allow(clippy::unwrap_used)]

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use ibid_testkit::{ChatProvider, Home, Piece};

fn home() -> Home {
    Home::new(env!("CARGO_BIN_EXE_ibid"))
}

fn data(home: &Home) -> std::path::PathBuf {
    home.path().join("data")
}

/// A library that is there but empty.
fn library() -> Home {
    let home = home();
    drop(home.ok(&["keys", "list"]));
    home
}

#[test]
fn a_sound_library_has_no_problem_in_its_store() {
    let home = library();
    let said = home.ok(&["doctor", "--only", "store,disk,permissions,clock", "--json"]);
    let findings = said.json();
    assert!(findings.as_array().unwrap().iter().all(|finding| finding["state"] == "ok"), "{findings}");
    assert_eq!(home.run(&["doctor", "--only", "colour"]).code, 2);
}

#[test]
fn database_locked() {
    let home = library();
    let lock = File::options().write(true).open(data(&home).join("ibid.lock")).unwrap();
    lock.lock().unwrap();
    let said = home.run(&["doctor", "--only", "store"]);
    assert_eq!(said.code, 1);
    assert!(said.out.contains("[store_locked]"), "{said:?}");
    let mut command = home.command(&["runbook", "run", "database-locked", "--yes"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.ends_with(": applies")));
    lock.unlock().unwrap();
    lines.for_each(drop);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn store_damaged() {
    let home = library();
    drop(home.ok(&["keys", "create", "kept"]));
    drop(home.ok(&["backup", "now"]));
    damage(&data(&home).join("ibid.db"));
    assert_eq!(home.run(&["doctor", "--only", "store"]).code, 1);
    let said = home.ok(&["runbook", "run", "store-damaged", "--yes"]);
    assert!(said.out.contains("verified"), "{said:?}");
    let mut restored = std::fs::read_dir(home.path()).unwrap().flatten().map(|entry| entry.path());
    let restored = restored.find(|path| path.display().to_string().contains("data-restored-")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ibid"));
    let keys = command.arg("--data-dir").arg(restored).args(["keys", "list"]).output().unwrap();
    assert!(String::from_utf8_lossy(&keys.stdout).contains("kept"), "{keys:?}");
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

#[test]
fn disk_full() {
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
    assert_eq!(home.run(&["doctor", "--only", "disk"]).code, 0);
    let filler = data(&home).join("filler");
    std::fs::write(&filler, vec![1; 300 << 20]).unwrap();
    let mut command = home.command(&["runbook", "run", "disk-full", "--yes"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.ends_with(": applies")));
    std::fs::remove_file(filler).unwrap();
    lines.for_each(drop);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// Goes with the test, before the folder that it is in.
struct Mounted(std::path::PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn provider_down_and_back() {
    if ibid_testkit::models().is_none() {
        println!("SKIPPED: IBID_TEST_MODELS names no folder with model files");
        return;
    }
    let home = library();
    let dead =
        "chat.models=[{ name = 'm', provider = 'openai', url = 'http://127.0.0.1:1/v1', model = 'm' }]";
    let said = home.run(&["--set", dead, "doctor", "--only", "providers"]);
    assert_eq!((said.code, said.out.contains("[provider_unreachable]")), (1, true), "{said:?}");
    let provider = ChatProvider::start(|_| vec![Piece::from("x")]);
    let said = home.ok(&["--set", &provider.setting(), "runbook", "run", "provider-down", "--yes"]);
    assert!(said.out.contains("verified"), "{said:?}");
}

#[test]
fn index_damaged() {
    if ibid_testkit::models().is_none() {
        println!("SKIPPED: IBID_TEST_MODELS names no folder with model files");
        return;
    }
    let home = library();
    let file = home.write("lease.md", "# Lease\n\nThe tenant pays the rent on the third day of the month.\n");
    drop(home.ok(&["ingest", &file.display().to_string()]));
    spoil(&data(&home).join("index"));
    let said = home.ok(&["runbook", "run", "index-damaged", "--yes"]);
    assert!(said.out.contains("verified"), "{said:?}");
    assert!(home.ok(&["search", "rent"]).out.contains("tenant"));
}

/// Overwrites the middle of every file below.
fn spoil(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            spoil(&path);
        } else if let Ok(mut file) = OpenOptions::new().write(true).open(&path) {
            let middle = file.metadata().unwrap().len() / 2;
            file.seek(SeekFrom::Start(middle)).unwrap();
            file.write_all(&[0xaa; 16]).unwrap();
        }
    }
}

#[test]
fn a_runbook_is_written_into_its_incident() {
    let home = library();
    let opened = home.ok(&["incidents", "open", "smoke", "--priority", "1", "--json"]).json();
    assert_eq!((&opened["number"], &opened["state"]), (&1.into(), &"open".into()));
    drop(home.ok(&["incidents", "take", "1", "--by", "ada"]));
    drop(home.ok(&["runbook", "run", "database-locked", "--yes", "--incident", "1"]));
    drop(home.ok(&["incidents", "close", "1"]));
    let shown = home.ok(&["incidents", "show", "1", "--json"]).json();
    let events = shown["events"].as_array().unwrap();
    let steps: Vec<_> = events.iter().filter(|event| event["kind"] == "runbook").collect();
    assert!(steps.len() >= 5, "{events:?}");
    assert!(home.ok(&["incidents", "review", "1"]).out.contains("# Incident 1: smoke"));
}

#[test]
fn own_runbooks_are_found_and_unverified_ones_end_with_6() {
    let home = library();
    let folder = data(&home).join("runbooks");
    std::fs::create_dir(&folder).unwrap();
    let text = "# Own\n```runbook\nkind: verify\nrun: ibid config show\nexpect: no such line\n```\n";
    std::fs::write(folder.join("own.md"), text).unwrap();
    assert!(home.ok(&["runbook", "list"]).out.contains("own "));
    assert_eq!(home.run(&["runbook", "run", "own"]).code, 6);
    assert_eq!(home.run(&["runbook", "run", "none"]).code, 4);
}

#[test]
fn alerts_objectives_and_silences_from_the_command_line() {
    let home = library();
    assert!(home.ok(&["alerts", "rules"]).out.contains("slo-availability-fast"));
    assert!(home.ok(&["alerts", "rules", "--prometheus"]).out.contains("alert: disk-full-soon"));
    assert!(home.ok(&["slo"]).out.contains("availability"));
    drop(home.ok(&["alerts", "silence", "disk-*", "--reason", "new disk"]));
    assert!(home.ok(&["alerts", "list"]).out.contains("new disk"));
    drop(home.ok(&["alerts", "unsilence", "1"]));
    assert_eq!(home.run(&["alerts", "silence", "no-such-rule"]).code, 2);
    assert_eq!(home.run(&["alerts", "test"]).code, 2);
}
