//! A crash at each step of a commit, and damage to each file.

use super::*;
use crate::content::{Content, content_of};
use crate::sample::{DIMENSIONS, document, vector_of, version_of};
use ibid_types::WorkspaceId;
use ibid_types::access::Readable;
use ibid_types::search::Filter;

fn open(dir: &Path) -> Generation {
    Generation::open(dir, "m", DIMENSIONS, 15 << 20).unwrap()
}

fn content(generation: &mut Generation) -> Content {
    content_of(&generation.snapshot().unwrap()).unwrap()
}

/// Three documents committed, then a change, a removal and an addition applied.
fn begin(dir: &Path) -> (Generation, [Searchable; 2], DocumentId) {
    let workspace = WorkspaceId::new();
    let first = document(workspace, "a.md", &["refunds take fourteen days", "ask the desk"]);
    let second = document(workspace, "b.md", &["opening hours"]);
    let third = document(workspace, "c.md", &["holidays and leave"]);
    let mut generation = open(dir);
    for searchable in [&first, &second, &third] {
        generation.put(searchable).unwrap();
    }
    generation.commit(3).unwrap();
    let changed = version_of(first.document.id, workspace, "a.md", &["refunds take thirty days"]);
    let added = document(workspace, "d.md", &["parking", "bicycles"]);
    (generation, [changed, added], third.document.id)
}

fn apply(generation: &mut Generation, puts: &[Searchable; 2], removed: DocumentId) {
    generation.remove(removed).unwrap();
    puts.iter().for_each(|searchable| generation.put(searchable).unwrap());
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What the index must hold after the second commit.
fn expected(puts: &[Searchable; 2], before: &mut Generation) -> Content {
    let dir = tempfile::tempdir().unwrap();
    let mut fresh = open(dir.path());
    let kept = before.documents().iter().find(|entry| entry.source == "b.md").unwrap().document;
    puts.iter().for_each(|searchable| fresh.put(searchable).unwrap());
    fresh.commit(9).unwrap();
    let mut content = content(&mut fresh);
    let snapshot = before.snapshot().unwrap();
    let chunk = snapshot.chunk(snapshot.slot_of(kept, 0).unwrap()).unwrap().chunk;
    content.insert(chunk, content_of(&snapshot).unwrap()[&chunk]);
    content
}

#[test]
fn a_crash_at_any_step_is_caught_up_to_the_same_content() {
    for step in [Step::Rows, Step::Lexical, Step::Manifest] {
        let (dir, crashed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (mut generation, puts, removed) = begin(dir.path());
        let before = content(&mut generation);
        let expected = expected(&puts, &mut generation);
        apply(&mut generation, &puts, removed);
        generation.crash_before = Some(step);
        generation.commit(9).unwrap_err();
        copy(dir.path(), crashed.path());
        let mut reopened = open(crashed.path());
        assert_eq!(reopened.position(), 3, "{step:?}");
        assert_eq!(content(&mut reopened), before, "{step:?}: nothing of the lost commit is visible");
        apply(&mut reopened, &puts, removed);
        reopened.commit(9).unwrap();
        assert_eq!(content(&mut reopened), expected, "{step:?}");
        drop(reopened);
        assert_eq!(content(&mut open(crashed.path())), expected, "{step:?}: after another start");
    }
}

#[test]
fn orphans_of_a_lost_commit_are_never_found() {
    let (dir, crashed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut generation, puts, removed) = begin(dir.path());
    apply(&mut generation, &puts, removed);
    generation.crash_before = Some(Step::Manifest);
    generation.commit(9).unwrap_err();
    copy(dir.path(), crashed.path());
    let snapshot = open(crashed.path()).snapshot().unwrap();
    let all = snapshot.eligible(&Filter::default(), &Readable::All);
    assert!(snapshot.lexical(&snapshot.analyse("bicycles"), &all, 5).unwrap().is_empty());
    assert!(
        snapshot.dense(&vector_of("bicycles"), &all, 9).iter().all(|hit| snapshot.chunk(hit.slot).is_some())
    );
    assert_eq!(snapshot.total(), 4);
}

#[test]
fn applying_twice_is_applying_once() {
    let dir = tempfile::tempdir().unwrap();
    let (mut generation, puts, removed) = begin(dir.path());
    apply(&mut generation, &puts, removed);
    apply(&mut generation, &puts, removed);
    generation.commit(9).unwrap();
    let once = content(&mut generation);
    apply(&mut generation, &puts, removed);
    generation.commit(9).unwrap();
    assert_eq!(content(&mut generation), once);
    assert_eq!(generation.snapshot().unwrap().total(), 4);
}

#[test]
fn only_columns_change_when_the_text_stays() {
    let dir = tempfile::tempdir().unwrap();
    let mut generation = open(dir.path());
    let mut searchable = document(WorkspaceId::new(), "a.md", &["one", "two"]);
    generation.put(&searchable).unwrap();
    generation.commit(1).unwrap();
    searchable.document.tags = vec!["hr".into()];
    generation.put(&searchable).unwrap();
    generation.commit(2).unwrap();
    assert_eq!(generation.slots(), 2);
    let tagged = Filter { tags: vec!["hr".into()], ..Filter::default() };
    assert_eq!(generation.snapshot().unwrap().eligible(&tagged, &Readable::All).count(), 2);
}

#[test]
fn a_lexical_part_behind_the_manifest_is_broken() {
    let (dir, torn) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut generation, puts, removed) = begin(dir.path());
    copy(&dir.path().join("lexical"), &torn.path().join("lexical"));
    apply(&mut generation, &puts, removed);
    generation.commit(9).unwrap();
    drop(generation);
    std::fs::remove_dir_all(dir.path().join("lexical")).unwrap();
    copy(&torn.path().join("lexical"), &dir.path().join("lexical"));
    let error = Generation::open(dir.path(), "m", DIMENSIONS, 15 << 20).unwrap_err();
    assert_eq!(error.code, "index_broken");
}

#[test]
fn a_missing_vector_file_is_broken_and_a_missing_code_file_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut generation = open(dir.path());
    let texts: Vec<String> = (0..SEGMENT_ROWS + 5).map(|number| format!("word{number}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    generation.put(&document(WorkspaceId::new(), "a.md", &texts)).unwrap();
    generation.commit(1).unwrap();
    let before = content(&mut generation);
    drop(generation);
    std::fs::remove_file(dir.path().join("codes-00000.bin")).unwrap();
    assert_eq!(content(&mut open(dir.path())), before);
    assert!(dir.path().join("codes-00000.bin").exists());
    std::fs::remove_file(dir.path().join("vectors-00001.bin")).unwrap();
    let error = Generation::open(dir.path(), "m", DIMENSIONS, 15 << 20).unwrap_err();
    assert_eq!(error.code, "index_broken");
}

#[test]
fn slots_and_chunks_name_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let (mut generation, puts, _) = begin(dir.path());
    generation.put(&puts[1]).unwrap();
    generation.commit(4).unwrap();
    let snapshot = generation.snapshot().unwrap();
    let (chunk, _) = &puts[1].chunks[1];
    let slot = snapshot.slot_of(chunk.document, 1).unwrap();
    let found = snapshot.chunk(slot).unwrap();
    assert_eq!(
        (found.chunk, found.document, found.version, found.ordinal),
        (chunk.id, chunk.document, chunk.version, 1)
    );
    assert_eq!((snapshot.slot_of(chunk.document, 2), snapshot.chunk(999)), (None, None));
}
