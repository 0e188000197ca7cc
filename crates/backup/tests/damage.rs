//! Damage of every kind to a backup is found, and nothing wrong is ever restored from it.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::path::PathBuf;
use std::sync::Arc;

use ibid_backup::{Destination, FolderDestination, Moment, Sources, backup_keys, restore, verify};
use ibid_blob::Blobs;
use ibid_runtime::Chance;
use support::{Home, keys, state_in, text};

type State = Vec<(String, String)>;

/// A backup with two bases, twenty segments and some originals.
fn backed_up(home: &Home) -> State {
    let library = home.open();
    let chance = Chance::seeded(4);
    library.base();
    for number in 0..20 {
        library.set(&format!("key{}", number % 7), &text(&chance, 2000));
        library.originals.put(text(&chance, 500).as_bytes()).unwrap();
        library.ship();
        if number == 12 {
            library.base();
        }
    }
    let state = library.state();
    library.close();
    state
}

fn objects(home: &Home) -> Vec<PathBuf> {
    let root = home.folder.path().join("there");
    home.destination().list("").unwrap().into_iter().map(|object| root.join(object.name)).collect()
}

fn damages(home: &Home) -> usize {
    verify(&home.destination(), &home.keys, &|_, _, _| ()).unwrap().damages.len()
}

/// Restores the newest state: the true one, or none.
fn restores_the_truth_or_nothing(home: &Home, sources: &Sources, truth: &State) -> bool {
    let into = tempfile::tempdir_in(home.folder.path()).unwrap();
    match restore(sources, Moment::Latest, into.path(), &|_, _, _| ()) {
        Ok(restored) => {
            let is_whole = restored.originals_missing.is_empty();
            let found = state_in(into.path());
            assert!(found == *truth, "commit {} is not as it was", restored.commit);
            is_whole
        }
        Err(error) => {
            let codes = ["backup_damaged", "backup_object_missing", "backup_key_missing"];
            assert!(codes.contains(&error.code), "{} {error}", error.code);
            assert!(!into.path().join("ibid.db").exists());
            false
        }
    }
}

#[test]
fn a_thousand_flipped_bits_are_found() {
    for (keys, trials) in [(keys(), 500), (backup_keys(&[]), 500)] {
        let home = Home::new(keys);
        let truth = backed_up(&home);
        assert_eq!(damages(&home), 0);
        let (objects, chance) = (objects(&home), Chance::seeded(8));
        let mut restored = 0;
        for trial in 0..trials {
            let path = &objects[usize::try_from(chance.below(objects.len() as u64)).unwrap()];
            let bytes = std::fs::read(path).unwrap();
            let bit = usize::try_from(chance.below(bytes.len() as u64 * 8)).unwrap();
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(path, &flipped).unwrap();
            assert!(damages(&home) > 0, "bit {bit} of {}", path.display());
            if trial % 10 == 0 {
                restored += usize::from(restores_the_truth_or_nothing(&home, &home.sources(), &truth));
            }
            std::fs::write(path, &bytes).unwrap();
        }
        assert_eq!(damages(&home), 0);
        println!("{trials} flips in {} objects found; {restored} restores went another way", objects.len());
    }
}

#[test]
fn objects_that_are_cut_gone_or_exchanged_are_found() {
    let home = Home::new(keys());
    let truth = backed_up(&home);
    let objects = objects(&home);
    for (at, path) in objects.iter().enumerate() {
        let bytes = std::fs::read(path).unwrap();
        let other = std::fs::read(&objects[(at + 1) % objects.len()]).unwrap();
        for changed in [&bytes[..bytes.len() / 2], &bytes[..0], &other, &[&bytes[..], &[0]].concat()] {
            std::fs::write(path, changed).unwrap();
            assert!(damages(&home) > 0, "{}", path.display());
            restores_the_truth_or_nothing(&home, &home.sources(), &truth);
        }
        std::fs::write(path, &bytes).unwrap();
    }
}

#[test]
fn what_one_destination_has_damaged_comes_from_the_other() {
    let home = Home::new(keys());
    let truth = backed_up(&home);
    let second = home.folder.path().join("second");
    let copy = FolderDestination::new("second", &second);
    for object in home.destination().list("").unwrap() {
        copy.put(&object.name, &home.destination().get(&object.name).unwrap()).unwrap();
    }
    let chance = Chance::seeded(1);
    for path in objects(&home) {
        let mut bytes = std::fs::read(&path).unwrap();
        let at = usize::try_from(chance.below(bytes.len() as u64)).unwrap();
        bytes[at] ^= 0x10;
        std::fs::write(&path, bytes).unwrap();
    }
    let destinations: Vec<Arc<dyn Destination>> = vec![home.destination(), Arc::new(copy)];
    let sources = Sources { destinations, keys: home.keys.clone() };
    assert!(restores_the_truth_or_nothing(&home, &sources, &truth));
}

#[test]
fn without_its_key_a_backup_says_which_is_missing() {
    let home = Home::new(keys());
    backed_up(&home);
    let sources = Sources { destinations: vec![home.destination()], keys: backup_keys(&[]) };
    let into = tempfile::tempdir().unwrap();
    let error = restore(&sources, Moment::Latest, into.path(), &|_, _, _| ()).unwrap_err();
    assert_eq!(error.code, "backup_key_missing");
    assert!(error.message.contains("key 3"), "{error}");
}

#[test]
fn no_base_is_made_of_a_damaged_database() {
    use std::os::unix::fs::FileExt;
    let home = Home::new(keys());
    let library = home.open();
    for number in 0..200 {
        library.set(&number.to_string(), &"text ".repeat(300));
    }
    let whole = library.base();
    let file = std::fs::OpenOptions::new().write(true).open(home.data().join("ibid.db")).unwrap();
    file.write_all_at(b"?", 40 * 4096 + 2000).unwrap();
    let error = library.backup.make_base(&library.shutdown).unwrap_err();
    assert_eq!(error.code, "backup_source_damaged");
    let (folder, restored) = home.restore(Moment::Latest);
    assert_eq!(restored.base_commit, whole.commit);
    assert!(state_in(folder.path()) == library.state());
}
