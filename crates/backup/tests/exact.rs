//! What is restored is exactly what was there: every commit of a recorded history, over restarts, folds and bases.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use ibid_backup::{Moment, backup_keys};
use ibid_blob::Blobs;
use ibid_runtime::Chance;
use ibid_store::Statement;
use ibid_types::Timestamp;
use support::{Home, Library, keys, state_in, text};

type State = BTreeMap<String, String>;

/// A library whose every commit is recorded.
struct Recorded {
    chance: Chance,
    state: State,
    /// By number of commit.
    history: BTreeMap<u64, State>,
    commit: u64,
}

impl Recorded {
    fn change(&mut self, library: &Library) {
        let key = format!("key{}", self.chance.below(400));
        let is_deleted = self.chance.below(5) == 0;
        let bytes = usize::try_from(self.chance.below(3000)).unwrap();
        if is_deleted {
            if self.state.remove(&key).is_none() {
                return;
            }
            let delete = Statement::new("DELETE FROM settings WHERE key = $1", vec![key.as_str().into()]);
            ibid_store::Db::batch(library.database.as_ref(), vec![delete]).unwrap();
        } else {
            let value = text(&self.chance, bytes);
            library.set(&key, &value);
            self.state.insert(key, value);
        }
        self.commit += 1;
        self.history.insert(self.commit, self.state.clone());
    }
}

fn compare(home: &Home, moment: Moment, expected: &State, commit: u64) {
    let (folder, restored) = home.restore(moment);
    let found: State = state_in(folder.path()).into_iter().collect();
    assert_eq!(restored.commit, commit);
    assert!(found == *expected, "commit {commit}: {} rows, expected {}", found.len(), expected.len());
}

/// Restores random points of a history with restarts in it: `points` of them.
fn history(seed: u64, changes: u64, points: u64, home: &Home) {
    let chance = Chance::seeded(seed);
    let mut library = home.open();
    library.base();
    let commit = library.backup.status().commit;
    let mut recorded =
        Recorded { chance: Chance::seeded(seed ^ 1), state: State::new(), history: BTreeMap::new(), commit };
    for _ in 0..changes {
        recorded.change(&library);
        match chance.below(100) {
            0..10 => {
                library.ship();
            }
            10 => {
                library.database.fold().unwrap();
            }
            11 => {
                library.base();
            }
            12 => {
                library.close();
                library = home.open();
            }
            _ => {}
        }
    }
    library.ship();
    let mut compared = 0;
    while compared < points {
        let commit = commit + 1 + chance.below(recorded.commit - commit);
        compare(home, Moment::Commit(commit), &recorded.history[&commit], commit);
        compared += 1;
    }
    compare(home, Moment::Latest, &recorded.state, recorded.commit);
    let status = library.backup.status();
    println!(
        "{changes} changes, {} commits, {points} points: log {} bytes, segments {} bytes in {} segments",
        recorded.commit, status.log_bytes, status.segment_bytes, status.segments
    );
}

#[test]
fn random_points_of_a_history_come_back_exactly() {
    history(1, 1500, 100, &Home::new(keys()));
    history(2, 1500, 100, &Home::new(backup_keys(&[])));
}

#[test]
fn a_moment_is_all_that_was_committed_until_then() {
    let mut home = Home::new(keys());
    home.clock = ibid_runtime::Clock::manual(Timestamp(1_000_000));
    let library = home.open();
    library.base();
    for second in 1..=5 {
        home.clock.advance_ms(1000);
        library.set("second", &second.to_string());
        library.ship();
    }
    let second = |ms: i64| {
        let (folder, _) = home.restore(Moment::Time(Timestamp(ms)));
        state_in(folder.path()).first().map(|(_, value)| value.clone())
    };
    assert_eq!(second(1_000_000), None);
    assert_eq!(second(1_000_999), None);
    assert_eq!(second(1_001_000).as_deref(), Some("1"));
    assert_eq!(second(1_004_500).as_deref(), Some("4"));
    assert_eq!(second(9_000_000).as_deref(), Some("5"));
}

#[test]
fn a_base_that_is_made_while_the_library_works_is_exact() {
    let home = Home::new(keys());
    let library = home.open();
    let chance = Chance::seeded(5);
    for number in 0..300 {
        library.set(&format!("key{number}"), &text(&chance, 20_000));
    }
    library.base();
    let stop = ibid_runtime::Shutdown::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0_u64.. {
                library.set(&format!("key{}", round % 300), &text(&chance, 15_000));
                if stop.is_requested() {
                    return;
                }
            }
        });
        for _ in 0..3 {
            library.base();
        }
        stop.request();
    });
    library.ship();
    let (folder, restored) = home.restore(Moment::Latest);
    assert!(state_in(folder.path()) == library.state());
    // The newest base is used, and its first moment is whole too.
    let (folder, first) = home.restore(Moment::Commit(restored.base_commit));
    assert_eq!((first.base_commit, first.commit), (restored.base_commit, restored.base_commit));
    state_in(folder.path());
}

#[test]
fn originals_and_small_files_come_back_with_the_rows_that_name_them() {
    let home = Home::new(keys());
    let library = home.open();
    library.base();
    std::fs::create_dir(home.data().join("flows")).unwrap();
    std::fs::write(home.data().join("flows/mine.yaml"), "name: mine").unwrap();
    let hash = library.originals.put(b"an original").unwrap();
    let sql = "INSERT INTO versions (id, document_id, number, status, content, size_bytes, media_type, chunk_count, text_bytes, warnings, created_at) \
               VALUES ($1, $2, 1, 'ready', $3, 11, 'text/plain', 0, 0, '[]', 5)";
    let document = "INSERT INTO documents (id, workspace_id, source, status, title, tags, date, created_at, updated_at) \
                    VALUES ($1, $2, 's', 'ready', 't', '[]', 0, 0, 0)";
    let workspace = "INSERT INTO workspaces (id, name, created_at) VALUES ($1, 'w', 0)";
    let id = |byte: u8| ibid_store::Value::Blob(vec![byte; 16]);
    ibid_store::Db::batch(
        library.database.as_ref(),
        vec![
            Statement::new(workspace, vec![id(1)]),
            Statement::new(document, vec![id(2), id(1)]),
            Statement::new(sql, vec![id(3), id(2), ibid_store::Value::Blob(hash.0.to_vec())]),
        ],
    )
    .unwrap();
    // Nothing can take an original away while it is on its way.
    library.originals.delete(&hash).unwrap();
    library.ship();
    let (folder, restored) = home.restore(Moment::Latest);
    assert_eq!((restored.originals, restored.files), (1, 1));
    let blobs = ibid_blob::Folder::open(&folder.path().join("blobs")).unwrap();
    assert_eq!(blobs.get(&hash).unwrap(), b"an original");
    assert_eq!(std::fs::read_to_string(folder.path().join("flows/mine.yaml")).unwrap(), "name: mine");
}

#[test]
fn a_living_directory_is_not_restored_into() {
    let home = Home::new(keys());
    let library = home.open();
    library.base();
    let error =
        ibid_backup::restore(&home.sources(), Moment::Latest, &home.data(), &|_, _, _| ()).unwrap_err();
    assert_eq!(error.code, "restore_target");
}

#[test]
fn work_without_a_backup_in_between_begins_a_new_generation() {
    let home = Home::new(keys());
    let library = home.open();
    library.base();
    library.set("a", "1");
    library.ship();
    let first = library.backup.status().generation;
    library.close();
    {
        let path = home.data().join("ibid.db");
        let bare = ibid_store::Sqlite::open(ibid_store::SqliteConfig::new(path)).unwrap();
        let sql = "INSERT INTO settings (key, value) VALUES ('b', '2')";
        ibid_store::Db::batch(&bare, vec![Statement::new(sql, vec![])]).unwrap();
    }
    let library = home.open();
    assert_ne!(library.backup.status().generation, first);
    library.base();
    library.set("c", "3");
    library.ship();
    let (folder, _) = home.restore(Moment::Latest);
    assert_eq!(state_in(folder.path()).len(), 3);
}

#[test]
fn an_orderly_end_and_a_command_that_changes_nothing_cost_nothing() {
    let home = Home::new(keys());
    let library = home.open();
    library.base();
    library.set("a", "1");
    let generation = library.backup.status().generation;
    library.close();
    for _ in 0..3 {
        let library = home.open();
        assert_eq!(library.backup.status().generation, generation);
        library.close();
    }
    let library = home.open();
    let before = library.backup.status();
    library.set("a", "2");
    let link = library.ship();
    assert_eq!((before.generation, before.commit + 1), (link.generation.to_string(), link.commit));
    assert!(library.backup.drained(Duration::from_secs(1)));
}
